//! Calls as agencies make them: granted in every clause, so that a story changes one thing at a time.

use agreement::claim::{AddressClaim, Claim};
use agreement::context::{
    AccessContext, Assurance, CaseReference, ConsentReference, OperatorId, PurposeId, Urgency, Workstation,
};
use agreement::field::FieldSet;
use agreement::request::DeclaredPerson;
use chrono::NaiveDate;
use client::agency::{LookupAddressResidents, LookupHousehold, LookupPerson, PersonKey, VerifyDeclaration};
use client::receipt::ReceiptForm;
use registry::codice_fiscale::TaxCode;
use uuid::Uuid;

use crate::agreements::Document;
use crate::people::{Person, istat};

/// The ground of a call under an agreement, complete in every clause.
///
/// # Panics
/// When the purpose is no id.
pub fn ground(document: Document, purpose: &str, request_id: Uuid) -> AccessContext {
    AccessContext {
        agreement: document.agreement(),
        purpose: PurposeId::parse(purpose).expect("a purpose"),
        operator: OperatorId::parse("m.esposito").ok(),
        assurance: Some(Assurance::Substantial),
        workstation: Workstation::parse("PC-12").ok(),
        case_reference: CaseReference::parse("2026/123").ok(),
        consent_reference: ConsentReference::parse("CONS-1 2026-01-15").ok(),
        reference_date: None,
        known_on: None,
        request_id,
        statement_version: None,
        urgency: Urgency::Ordinary,
        min_fresh_since: None,
    }
}

/// The same at a past date.
pub fn at(reference_date: NaiveDate, context: AccessContext) -> AccessContext {
    AccessContext {
        reference_date: Some(reference_date),
        ..context
    }
}

/// Asks for a person with everything that is granted.
pub fn lookup(context: AccessContext, tax_code: TaxCode) -> LookupPerson {
    LookupPerson {
        context,
        key: PersonKey::TaxCode(tax_code),
        municipality: None,
        fields: FieldSet::EMPTY,
        receipt: ReceiptForm::Full,
    }
}

/// Asks for a household with everything that is granted.
pub fn household(context: AccessContext, tax_code: TaxCode) -> LookupHousehold {
    LookupHousehold {
        context,
        key: PersonKey::TaxCode(tax_code),
        municipality: None,
        fields: FieldSet::EMPTY,
        receipt: ReceiptForm::Full,
    }
}

/// Asks who is resident where a person lives, with everything that is granted.
pub fn residents(context: AccessContext, of: &Person) -> LookupAddressResidents {
    LookupAddressResidents {
        context,
        municipality: istat(of.municipality),
        address: AddressClaim {
            species: None,
            street: of.street.clone(),
            number: of.address().number,
            suffix: String::new(),
            staircase: String::new(),
            unit: String::new(),
        },
        fields: FieldSet::EMPTY,
        receipt: ReceiptForm::Full,
    }
}

/// Asks whether a declaration is true.
pub fn verify(context: AccessContext, tax_code: TaxCode, claim: Claim) -> VerifyDeclaration {
    VerifyDeclaration {
        context,
        key: PersonKey::TaxCode(tax_code),
        municipality: None,
        declared: DeclaredPerson::Declarant,
        claim,
        receipt: ReceiptForm::Full,
    }
}
