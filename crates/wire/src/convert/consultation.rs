//! Calls of agencies: their ground, and what they ask for.

use agreement::ascertainment::NamedBy;
use agreement::context::{
    AccessContext, AgreementId, Assurance, CaseReference, ConsentReference, ContextError, OperatorId,
    PurposeId, StatementVersion, Urgency, Workstation,
};
use agreement::field::FieldSet;
use agreement::request::{Asked, DeclaredPerson, Request};
use chrono::{DateTime, Utc};
use ledger::name::Origin;
use prost_types::FieldMask;
use registry::codice_fiscale::TaxCode;
use registry::identifier::{IstatCode, NationalId};
use registry::linking::GeneralitiesKey;
use registry::municipality::MunicipalityId;
use uuid::Uuid;

use super::ascertainment::{asked_of_household, asked_of_person};
use super::date::{optional_civil_date, timestamp_from_ms, timestamp_to_ms};
use super::invalid::{Invalid, Named, Rule, Within, required, when_present};
use super::receipt::{ReceiptChoice, receipt_choice};
use crate::proto::consultation::v1 as wire;
use crate::proto::registry::v1 as card;

/// A call for a person's cards.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PersonLookup {
    /// What is asked for, and on what ground.
    pub request: Request,
    /// Whom it is about.
    pub key: LookupKey,
    /// Which receipt is wanted.
    pub receipt: ReceiptChoice,
}

/// Whom a lookup is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LookupKey {
    /// Whoever has an identifier.
    Identifier(PersonKey),
    /// Whom a search found: the bytes of its handle.
    Found(Vec<u8>),
    /// Whoever has complete generalities.
    Generalities(GeneralitiesKey),
}

impl LookupKey {
    /// How the key names the person.
    const fn named_by(&self) -> NamedBy {
        match self {
            Self::Identifier(_) | Self::Found(_) => NamedBy::Identifier,
            Self::Generalities(_) => NamedBy::Generalities,
        }
    }
}

/// A call for a person's households.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HouseholdLookup {
    /// What is asked for, and on what ground.
    pub request: Request,
    /// One of the members.
    pub key: LookupKey,
    /// Which receipt is wanted.
    pub receipt: ReceiptChoice,
}

/// A call for what the caller's agreements allow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessInquiry {
    /// On what ground.
    pub request: Request,
    /// Whom declarations would be about, where it is asked how many more are compared.
    pub about: Option<PersonKey>,
    /// Which receipt is wanted.
    pub receipt: ReceiptChoice,
}

/// A call for the full receipt of an earlier one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReceiptInquiry {
    /// On what ground.
    pub request: Request,
    /// The log that holds the entry.
    pub origin: Origin,
    /// Index of the entry.
    pub index: u64,
}

/// Identifier of the person that a call is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PersonKey {
    /// Codice fiscale, current or past.
    TaxCode(TaxCode),
    /// National id.
    NationalId(NationalId),
}

impl TryFrom<wire::LookupPersonRequest> for PersonLookup {
    type Error = Invalid;

    fn try_from(message: wire::LookupPersonRequest) -> Result<Self, Invalid> {
        let wire::LookupPersonRequest {
            context,
            municipality,
            read_mask,
            receipt_form,
            ascertainment,
            key,
        } = message;
        let key = match required("key", key)? {
            wire::lookup_person_request::Key::TaxCode(code) => LookupKey::Identifier(tax_code_key(&code)?),
            wire::lookup_person_request::Key::NationalId(id) => LookupKey::Identifier(national_id_key(&id)?),
            wire::lookup_person_request::Key::Handle(handle) => LookupKey::Found(handle),
            wire::lookup_person_request::Key::Generalities(generalities) => generalities_key(generalities)?,
        };
        let fields = fields("read_mask", read_mask)?;
        let asked = asked_of_person(ascertainment, key.named_by(), fields)?;
        Ok(Self {
            request: request(context, asked, &municipality)?,
            key,
            receipt: receipt_choice(receipt_form)?,
        })
    }
}

impl TryFrom<wire::LookupHouseholdRequest> for HouseholdLookup {
    type Error = Invalid;

    fn try_from(message: wire::LookupHouseholdRequest) -> Result<Self, Invalid> {
        let wire::LookupHouseholdRequest {
            context,
            municipality,
            read_mask,
            receipt_form,
            ascertainment,
            key,
        } = message;
        let key = match required("key", key)? {
            wire::lookup_household_request::Key::TaxCode(code) => LookupKey::Identifier(tax_code_key(&code)?),
            wire::lookup_household_request::Key::NationalId(id) => {
                LookupKey::Identifier(national_id_key(&id)?)
            }
            wire::lookup_household_request::Key::Handle(handle) => LookupKey::Found(handle),
            wire::lookup_household_request::Key::Generalities(generalities) => {
                generalities_key(generalities)?
            }
        };
        let asked = asked_of_household(ascertainment, key.named_by(), fields("read_mask", read_mask)?)?;
        Ok(Self {
            request: request(context, asked, &municipality)?,
            key,
            receipt: receipt_choice(receipt_form)?,
        })
    }
}

impl TryFrom<wire::DescribeAccessRequest> for AccessInquiry {
    type Error = Invalid;

    fn try_from(message: wire::DescribeAccessRequest) -> Result<Self, Invalid> {
        let wire::DescribeAccessRequest {
            context,
            key,
            receipt_form,
        } = message;
        let about = key.map(|key| match key {
            wire::describe_access_request::Key::TaxCode(code) => tax_code_key(&code),
            wire::describe_access_request::Key::NationalId(id) => national_id_key(&id),
        });
        Ok(Self {
            request: request(context, Asked::AccessDescription, "")?,
            about: about.transpose()?,
            receipt: receipt_choice(receipt_form)?,
        })
    }
}

impl TryFrom<wire::GetReceiptRequest> for ReceiptInquiry {
    type Error = Invalid;

    fn try_from(message: wire::GetReceiptRequest) -> Result<Self, Invalid> {
        let wire::GetReceiptRequest {
            context,
            origin,
            index,
        } = message;
        Ok(Self {
            request: request(context, Asked::Receipt, "")?,
            origin: origin_from_wire("origin", origin)?,
            index,
        })
    }
}

/// Origin of a log; `field` is how the error names it.
///
/// # Errors
/// It has not the form of an origin.
pub fn origin_from_wire(field: &str, origin: String) -> Result<Origin, Invalid> {
    Origin::new(origin).map_err(|_| Invalid::new(field, Rule::Character))
}

pub(super) fn request(
    context: Option<wire::AccessContext>,
    asked: Asked,
    municipality: &str,
) -> Result<Request, Invalid> {
    Ok(Request {
        context: required("context", context)?.try_into().within("context")?,
        asked,
        municipality: municipality_id("municipality", municipality)?,
        declared: DeclaredPerson::Declarant,
        batch: None,
    })
}

pub(super) fn tax_code_key(code: &str) -> Result<PersonKey, Invalid> {
    TaxCode::parse(code).map(PersonKey::TaxCode).named("tax_code")
}

pub(super) fn national_id_key(id: &str) -> Result<PersonKey, Invalid> {
    NationalId::parse(id)
        .map(PersonKey::NationalId)
        .named("national_id")
}

fn generalities_key(message: card::Generalities) -> Result<LookupKey, Invalid> {
    let generalities = message.try_into().within("generalities")?;
    let incomplete = Rule::Stated("must be complete: names, sex, birth date to the day, birth place");
    GeneralitiesKey::of(&generalities)
        .map(LookupKey::Generalities)
        .ok_or_else(|| Invalid::new("generalities", incomplete))
}

/// Names of fields; none and an empty mask mean the same.
pub(super) fn fields(field: &str, mask: Option<FieldMask>) -> Result<FieldSet, Invalid> {
    let FieldMask { paths } = mask.unwrap_or_default();
    field_names(field, &paths)
}

/// A set of fields by their names; `field` is how the error names the list.
///
/// # Errors
/// One of them is not the name of a field.
pub fn field_names(field: &str, names: &[String]) -> Result<FieldSet, Invalid> {
    FieldSet::from_names(names.iter().map(String::as_str)).map_err(|_| Invalid::new(field, Rule::FieldName))
}

/// The municipality behind a code, where one is given.
fn municipality_id(field: &str, istat: &str) -> Result<Option<MunicipalityId>, Invalid> {
    let Some(code) = when_present(field, istat, IstatCode::parse)? else {
        return Ok(None);
    };
    MunicipalityId::of_any(code)
        .map(Some)
        .ok_or_else(|| Invalid::new(field, Rule::UnknownMunicipality))
}

impl From<&AccessContext> for wire::AccessContext {
    fn from(context: &AccessContext) -> Self {
        let AccessContext {
            agreement,
            purpose,
            operator,
            assurance,
            workstation,
            case_reference,
            consent_reference,
            reference_date,
            known_on,
            request_id,
            statement_version,
            urgency,
            min_fresh_since,
        } = context;
        let assurance = match assurance {
            None => wire::Assurance::Unspecified,
            Some(Assurance::Low) => wire::Assurance::Low,
            Some(Assurance::Substantial) => wire::Assurance::Substantial,
            Some(Assurance::High) => wire::Assurance::High,
        };
        let urgency = match urgency {
            Urgency::Ordinary => wire::Urgency::Ordinary,
            Urgency::Emergency => wire::Urgency::Emergency,
        };
        let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
        Self {
            agreement: agreement.to_string(),
            purpose: purpose.to_string(),
            operator: text(operator.as_ref().map(OperatorId::as_str)),
            assurance: assurance.into(),
            workstation: text(workstation.as_ref().map(Workstation::as_str)),
            case_reference: text(case_reference.as_ref().map(CaseReference::as_str)),
            consent_reference: consent_reference
                .as_ref()
                .map(ToString::to_string)
                .unwrap_or_default(),
            reference_date: reference_date.map(Into::into),
            known_on: known_on.map(|instant| timestamp_from_ms(instant.timestamp_millis())),
            request_id: request_id.to_string(),
            statement_version: text(statement_version.as_ref().map(StatementVersion::as_str)),
            urgency: urgency.into(),
            min_fresh_since: min_fresh_since.map(|since| timestamp_from_ms(since.timestamp_millis())),
        }
    }
}

impl TryFrom<wire::AccessContext> for AccessContext {
    type Error = Invalid;

    fn try_from(message: wire::AccessContext) -> Result<Self, Invalid> {
        let wire::AccessContext {
            agreement,
            purpose,
            operator,
            assurance,
            workstation,
            case_reference,
            consent_reference,
            reference_date,
            known_on,
            request_id,
            statement_version,
            urgency,
            min_fresh_since,
        } = message;
        let assurance = match wire::Assurance::try_from(assurance) {
            Ok(wire::Assurance::Unspecified) => None,
            Ok(wire::Assurance::Low) => Some(Assurance::Low),
            Ok(wire::Assurance::Substantial) => Some(Assurance::Substantial),
            Ok(wire::Assurance::High) => Some(Assurance::High),
            Err(_) => return Err(Invalid::new("assurance", Rule::Value)),
        };
        let urgency = match wire::Urgency::try_from(urgency) {
            Ok(wire::Urgency::Unspecified | wire::Urgency::Ordinary) => Urgency::Ordinary,
            Ok(wire::Urgency::Emergency) => Urgency::Emergency,
            Err(_) => return Err(Invalid::new("urgency", Rule::Value)),
        };
        Ok(Self {
            agreement: AgreementId::parse(&agreement).named("agreement")?,
            purpose: PurposeId::parse(&purpose).named("purpose")?,
            operator: when_present("operator", &operator, OperatorId::parse)?,
            assurance,
            workstation: when_present("workstation", &workstation, Workstation::parse)?,
            case_reference: when_present("case_reference", &case_reference, CaseReference::parse)?,
            consent_reference: when_present(
                "consent_reference",
                &consent_reference,
                ConsentReference::parse,
            )?,
            reference_date: optional_civil_date("reference_date", reference_date)?,
            known_on: known_on.map(|asked| instant("known_on", asked)).transpose()?,
            request_id: call_id("request_id", &request_id)?,
            statement_version: when_present(
                "statement_version",
                &statement_version,
                StatementVersion::parse,
            )?,
            urgency,
            min_fresh_since: min_fresh_since
                .map(|since| instant("min_fresh_since", since))
                .transpose()?,
        })
    }
}

/// An instant to the millisecond.
fn instant(field: &str, timestamp: prost_types::Timestamp) -> Result<DateTime<Utc>, Invalid> {
    let unix_ms = timestamp_to_ms(field, Some(timestamp))?;
    DateTime::from_timestamp_millis(unix_ms).ok_or_else(|| Invalid::new(field, Rule::Range))
}

/// The usual form only: hyphens in their places, no braces, no URN.
fn call_id(field: &str, text: &str) -> Result<Uuid, Invalid> {
    let id = Uuid::try_parse(text)
        .ok()
        .filter(|id| text.len() == 36 && !id.is_nil());
    id.ok_or_else(|| Invalid::new(field, Rule::Uuid))
}

impl From<ContextError> for Rule {
    fn from(error: ContextError) -> Self {
        let ContextError { field: _, rule } = error;
        Self::Stated(rule)
    }
}
