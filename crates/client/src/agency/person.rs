//! A card as far as the agreement shows it.

use std::fmt;

use agreement::field::{Field, FieldSet};
use agreement::verification::VerificationAnswer;
use chrono::NaiveDate;
use registry::code::{CivilStatus, HouseholdRole};
use registry::codice_fiscale::TaxCode;
use registry::date::PartialDate;
use registry::identifier::{IstatCode, NationalId, StateCode};
use registry::record::{
    BirthPlace, Cancellation, Death, IdentityDocument, Parent, PersonName, Register, Registration, Residence,
    Sex, TaxCodeEntry,
};
use registry::timeline::Dated;
use wire::convert::{Invalid, Rule};
use wire::proto::consultation::v1 as proto;
use wire::proto::registry::v1 as card;

use crate::agency::answer::verdict;
use crate::convert::{each, istat, optional, optional_date, required, unknown_value, when_present};

/// One card of a person. A field that is not in [`Self::fields`] was not granted, not asked for or withheld: its
/// being empty says nothing about the registry.
#[derive(Clone, PartialEq, Eq)]
pub struct PersonCard {
    /// Handle, `persons/{handle}`: stable within one agreement, meaningless in any other.
    pub handle: String,
    /// The identifier that was asked for is not the person's current one.
    pub superseded: bool,
    /// Fields that the card shows, filled or not.
    pub fields: FieldSet,
    /// Surname.
    pub surname: Option<PersonName>,
    /// Given names.
    pub given_name: Option<PersonName>,
    /// Sex.
    pub sex: Option<Sex>,
    /// Birth date.
    pub birth_date: Option<PartialDate>,
    /// Birth place.
    pub birth_place: Option<BirthPlace>,
    /// The current codice fiscale.
    pub tax_code: Option<TaxCodeEntry>,
    /// Every codice fiscale, the current one last.
    pub tax_code_history: Vec<TaxCodeEntry>,
    /// National id (idANPR).
    pub national_id: Option<NationalId>,
    /// Civil status on the reference date.
    pub civil_status: Option<Dated<CivilStatus>>,
    /// Citizenships on the reference date.
    pub citizenships: Option<Dated<Vec<StateCode>>>,
    /// Parents.
    pub parents: Vec<Parent>,
    /// Residence on the reference date.
    pub residence: Option<Dated<Residence>>,
    /// Residences up to the reference date, oldest first.
    pub residence_history: Vec<Dated<Residence>>,
    /// Household on the reference date.
    pub household: Option<HouseholdMembership>,
    /// Identity card.
    pub identity_document: Option<IdentityDocument>,
    /// Entry into the register.
    pub registration: Option<PersonRegistration>,
    /// Exit from the register.
    pub cancellation: Option<Cancellation>,
    /// Death.
    pub death: Option<Death>,
    /// Whether an administrative procedure is open.
    pub procedure_open: Option<bool>,
    /// Fields were granted and asked for that are withheld because the person's location is protected.
    pub location_withheld: bool,
    /// Whether this is an earlier version of the card, because what came later is in quarantine.
    pub restored: bool,
    /// Whether the card is of the kind that was ascertained, and why; of the kinds that ask whether.
    pub of_kind: Option<VerificationAnswer>,
}

/// A person's membership of a household.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HouseholdMembership {
    /// Handle, `households/{handle}`.
    pub household: String,
    /// Place in it.
    pub role: HouseholdRole,
    /// Day from which it holds, when the registry knows it.
    pub from: Option<NaiveDate>,
}

/// Entry into a register, with the register.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PersonRegistration {
    /// Municipality that keeps the card.
    pub municipality: IstatCode,
    /// Register that keeps it.
    pub register: Register,
    /// The entry.
    pub registration: Registration,
}

impl TryFrom<proto::Person> for PersonCard {
    type Error = Invalid;

    fn try_from(message: proto::Person) -> Result<Self, Invalid> {
        let proto::Person {
            name,
            superseded,
            fields,
            surname,
            given_name,
            sex,
            birth_date,
            birth_place,
            tax_code,
            tax_code_history,
            national_id,
            civil_status,
            citizenships,
            parents,
            residence,
            residence_history,
            household,
            identity_document,
            registration,
            cancellation,
            death,
            procedure_open,
            location_withheld,
            restored,
            of_kind,
            of_kind_reason,
        } = message;
        Ok(Self {
            handle: name,
            superseded,
            // A later version may show more than this one knows; what it does not know it cannot hand out.
            fields: fields
                .iter()
                .filter_map(|name| Field::from_name(name).ok())
                .collect(),
            surname: when_present("surname", &surname, PersonName::parse)?,
            given_name: when_present("given_name", &given_name, PersonName::parse)?,
            sex: read_sex(sex)?,
            birth_date: birth_date
                .map(PartialDate::try_from)
                .transpose()
                .map_err(|error| Invalid::new("birth_date", error))?,
            birth_place: optional("birth_place", birth_place)?,
            tax_code: optional("tax_code", tax_code)?,
            tax_code_history: each("tax_code_history", tax_code_history, TryInto::try_into)?,
            national_id: when_present("national_id", &national_id, NationalId::parse)?,
            civil_status: optional("civil_status", civil_status)?,
            citizenships: optional("citizenships", citizenships)?,
            parents: each("parents", parents, TryInto::try_into)?,
            residence: optional("residence", residence)?,
            residence_history: each("residence_history", residence_history, TryInto::try_into)?,
            household: optional("household", household)?,
            identity_document: optional("identity_document", identity_document)?,
            registration: optional("registration", registration)?,
            cancellation: optional("cancellation", cancellation)?,
            death: optional("death", death)?,
            procedure_open,
            location_withheld,
            restored,
            of_kind: read_of_kind(of_kind, of_kind_reason)?,
        })
    }
}

impl TryFrom<proto::HouseholdMembership> for HouseholdMembership {
    type Error = Invalid;

    fn try_from(message: proto::HouseholdMembership) -> Result<Self, Invalid> {
        let proto::HouseholdMembership {
            household,
            role,
            from,
        } = message;
        Ok(Self {
            household,
            role: read_role(role)?,
            from: optional_date("from", from)?,
        })
    }
}

impl TryFrom<proto::PersonRegistration> for PersonRegistration {
    type Error = Invalid;

    fn try_from(message: proto::PersonRegistration) -> Result<Self, Invalid> {
        let proto::PersonRegistration {
            municipality,
            register,
            registration,
        } = message;
        Ok(Self {
            municipality: istat("municipality", &municipality)?,
            register: match card::Register::try_from(register) {
                Ok(card::Register::Apr) => Register::Apr,
                Ok(card::Register::Aire) => Register::Aire,
                Ok(card::Register::Unspecified) | Err(_) => return Err(unknown_value("register")),
            },
            registration: required("registration", registration)?
                .try_into()
                .map_err(|invalid: Invalid| invalid.within("registration"))?,
        })
    }
}

impl PersonCard {
    /// Whether the card shows the field, filled or not.
    pub fn shows(&self, field: Field) -> bool {
        self.fields.contains(field)
    }

    /// The codice fiscale in force, when the card shows it.
    pub fn current_tax_code(&self) -> Option<&TaxCode> {
        self.tax_code.as_ref().map(|entry| &entry.code)
    }
}

/// The role of a member of a household.
pub(super) fn read_role(role: Option<card::HouseholdRole>) -> Result<HouseholdRole, Invalid> {
    required("role", role)?
        .try_into()
        .map_err(|invalid: Invalid| invalid.within("role"))
}

/// Whether a card is of the kind that was ascertained; absent of other calls.
fn read_of_kind(answer: i32, reason: i32) -> Result<Option<VerificationAnswer>, Invalid> {
    if answer == i32::from(proto::VerificationAnswer::Unspecified) {
        return Ok(None);
    }
    let (verdict, reason) = verdict(answer, reason).map_err(|invalid| invalid.within("of_kind"))?;
    Ok(Some(VerificationAnswer { verdict, reason }))
}

fn read_sex(number: i32) -> Result<Option<Sex>, Invalid> {
    match card::Sex::try_from(number) {
        Ok(card::Sex::Unspecified) => Ok(None),
        Ok(card::Sex::Male) => Ok(Some(Sex::Male)),
        Ok(card::Sex::Female) => Ok(Some(Sex::Female)),
        Ok(card::Sex::Unknown) => Ok(Some(Sex::Unknown)),
        Err(_) => Err(Invalid::new("sex", Rule::Value)),
    }
}

/// Personal: debugging output names the fields only.
impl fmt::Debug for PersonCard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PersonCard")
            .field("fields", &self.fields)
            .finish_non_exhaustive()
    }
}
