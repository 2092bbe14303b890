//! Lists: their opening, and their rows as the calls that each of them is.

use agreement::batch::{Approval, BatchRow, MAX_ROWS, row_request_id};
use agreement::context::{AccessContext, CaseReference, OperatorId};
use uuid::Uuid;

use super::claim::VerificationCall;
use super::consultation::PersonLookup;
use super::date::civil_date;
use super::invalid::{Invalid, Named, Rule, Within, required};
use crate::proto::consultation::v1 as wire;
use crate::proto::ledger::v1::ReceiptForm;

/// A list that somebody has approved, before its first row.
#[derive(Clone, Debug, PartialEq)]
pub struct BatchOpening {
    /// Id of the batch.
    pub id: Uuid,
    /// How many rows it has.
    pub rows: u32,
    /// The ground of every row, with the id of the batch.
    pub context: AccessContext,
    approval: Approval,
    message: wire::AccessContext,
    read_mask: Option<prost_types::FieldMask>,
}

/// A row as the call that it is.
#[derive(Clone, Debug, PartialEq)]
pub struct RowCall<M, D> {
    /// The message of a call by itself that says the same.
    pub message: M,
    /// What it says.
    pub call: D,
}

impl TryFrom<wire::BatchOpening> for BatchOpening {
    type Error = Invalid;

    fn try_from(message: wire::BatchOpening) -> Result<Self, Invalid> {
        let wire::BatchOpening {
            context,
            rows,
            approval,
            read_mask,
        } = message;
        let message = required("context", context)?;
        let context = AccessContext::try_from(message.clone()).within("context")?;
        if context.min_fresh_since.is_some() {
            return Err(Invalid::new("context.min_fresh_since", Rule::Unexpected));
        }
        if !(1..=MAX_ROWS).contains(&rows) {
            return Err(Invalid::new("rows", Rule::Range));
        }
        Ok(Self {
            id: context.request_id,
            rows,
            context,
            approval: approval_from_wire(required("approval", approval)?).within("approval")?,
            message,
            read_mask,
        })
    }
}

fn approval_from_wire(message: wire::BatchApproval) -> Result<Approval, Invalid> {
    let wire::BatchApproval {
        reference,
        approver,
        approval_date,
    } = message;
    Ok(Approval {
        reference: CaseReference::parse(&reference).named("reference")?,
        approver: OperatorId::parse(&approver).named("approver")?,
        approved_on: civil_date("approval_date", approval_date)?,
    })
}

impl BatchOpening {
    /// A row of a list of persons.
    ///
    /// # Errors
    /// The row breaks a rule; the field is named as in the row.
    pub fn lookup(
        &self,
        row: wire::LookupRow,
    ) -> Result<RowCall<wire::LookupPersonRequest, PersonLookup>, Invalid> {
        use wire::lookup_person_request::Key as Single;
        use wire::lookup_row::Key;
        let wire::LookupRow { row: number, key } = row;
        let message = wire::LookupPersonRequest {
            context: Some(self.context_of(number, String::new())),
            municipality: String::new(),
            read_mask: self.read_mask.clone(),
            receipt_form: ReceiptForm::Short.into(),
            ascertainment: wire::Ascertainment::Unspecified.into(),
            key: key.map(|key| match key {
                Key::TaxCode(code) => Single::TaxCode(code),
                Key::NationalId(id) => Single::NationalId(id),
            }),
        };
        let mut call = PersonLookup::try_from(message.clone())?;
        call.request.batch = Some(self.batch_row(number));
        Ok(RowCall { message, call })
    }

    /// A row of a list of declarations.
    ///
    /// # Errors
    /// The row breaks a rule; the field is named as in the row.
    pub fn verification(
        &self,
        row: wire::VerifyRow,
    ) -> Result<RowCall<wire::VerifyDeclarationRequest, VerificationCall>, Invalid> {
        let wire::VerifyRow {
            row: number,
            declaration,
            consent_reference,
        } = row;
        let declaration = required("declaration", declaration)?;
        if declaration.context.is_some() {
            return Err(Invalid::new("declaration.context", Rule::Unexpected));
        }
        if declaration.receipt_form != 0 {
            return Err(Invalid::new("declaration.receipt_form", Rule::Unexpected));
        }
        let message = wire::VerifyDeclarationRequest {
            context: Some(self.context_of(number, consent_reference)),
            receipt_form: ReceiptForm::Short.into(),
            ..declaration
        };
        let mut call = VerificationCall::try_from(message.clone()).within("declaration")?;
        call.request.batch = Some(self.batch_row(number));
        Ok(RowCall { message, call })
    }

    /// Whether fields are wanted by name: of a list of declarations they must not be.
    ///
    /// # Errors
    /// They are.
    pub fn without_fields(&self) -> Result<(), Invalid> {
        match &self.read_mask {
            Some(mask) if !mask.paths.is_empty() => Err(Invalid::new("read_mask", Rule::Unexpected)),
            Some(_) | None => Ok(()),
        }
    }

    fn context_of(&self, row: u32, consent_reference: String) -> wire::AccessContext {
        let mut context = self.message.clone();
        context.request_id = row_request_id(self.id, row).to_string();
        if !consent_reference.is_empty() {
            context.consent_reference = consent_reference;
        }
        context
    }

    fn batch_row(&self, row: u32) -> BatchRow {
        BatchRow {
            batch: self.id,
            row,
            rows: self.rows,
            approval: self.approval.clone(),
        }
    }
}
