//! The card, whole.

use chrono::NaiveDate;

use registry::code::{
    AddressKind, AireCancellationReason, AprCancellationReason, CancellationReason, CivilStatus,
    ConvivenzaRole, HouseholdRole, Kinship, RegistrationReason,
};
use registry::identifier::{HouseholdId, IstatCode, LocalId, NationalId, StateCode};
use registry::record::{
    Cancellation, Death, Flags, HouseholdLink, IdentityDocument, Record, Register, Registration, Residence,
    ResidenceStanding,
};
use registry::timeline::{Dated, Timeline};

use super::date::{civil_date, optional_civil_date};
use super::invalid::{Invalid, Named, Rule, Within, each, required, text, when_present};
use crate::proto::registry::v1 as wire;

impl From<&Record> for wire::Record {
    fn from(record: &Record) -> Self {
        let Record {
            municipality,
            local_id,
            register,
            generalities,
            tax_codes,
            national_id,
            civil_status,
            citizenships,
            parents,
            residences,
            households,
            identity_document,
            registration,
            cancellation,
            death,
            flags,
            measures,
        } = record;
        Self {
            municipality: municipality.to_string(),
            local_id: local_id.to_string(),
            register: wire::Register::from(*register).into(),
            generalities: Some(generalities.into()),
            tax_codes: tax_codes.iter().map(Into::into).collect(),
            national_id: national_id.map(|id| id.to_string()).unwrap_or_default(),
            civil_status: civil_status.facts().iter().map(Into::into).collect(),
            citizenships: citizenships.facts().iter().map(Into::into).collect(),
            parents: parents.iter().map(Into::into).collect(),
            residences: residences.facts().iter().map(Into::into).collect(),
            households: households.facts().iter().map(Into::into).collect(),
            identity_document: identity_document.as_ref().map(Into::into),
            registration: Some(registration.into()),
            cancellation: cancellation.as_ref().map(Into::into),
            death: death.as_ref().map(Into::into),
            flags: Some(flags.into()),
            measures: (!measures.is_empty()).then(|| measures.into()),
        }
    }
}

impl TryFrom<wire::Record> for Record {
    type Error = Invalid;

    fn try_from(message: wire::Record) -> Result<Self, Invalid> {
        let wire::Record {
            municipality,
            local_id,
            register,
            generalities,
            tax_codes,
            national_id,
            civil_status,
            citizenships,
            parents,
            residences,
            households,
            identity_document,
            registration,
            cancellation,
            death,
            flags,
            measures,
        } = message;
        Ok(Self {
            municipality: IstatCode::parse(&municipality).named("municipality")?,
            local_id: LocalId::parse(&local_id).named("local_id")?,
            register: register_from("register", register)?,
            generalities: required("generalities", generalities)?
                .try_into()
                .within("generalities")?,
            tax_codes: each("tax_codes", tax_codes, TryInto::try_into)?,
            national_id: when_present("national_id", &national_id, NationalId::parse)?,
            civil_status: timeline("civil_status", civil_status)?,
            citizenships: timeline("citizenships", citizenships)?,
            parents: each("parents", parents, TryInto::try_into)?,
            residences: timeline("residences", residences)?,
            households: timeline("households", households)?,
            identity_document: optional("identity_document", identity_document)?,
            registration: required("registration", registration)?
                .try_into()
                .within("registration")?,
            cancellation: optional("cancellation", cancellation)?,
            death: optional("death", death)?,
            flags: required("flags", flags)?.into(),
            measures: optional("measures", measures)?.unwrap_or_default(),
        })
    }
}

fn optional<A, B: TryFrom<A, Error = Invalid>>(field: &str, value: Option<A>) -> Result<Option<B>, Invalid> {
    value.map(B::try_from).transpose().within(field)
}

/// Facts must stand in the order in which the domain keeps them, so that nothing is silently superseded.
fn timeline<A, T>(field: &str, facts: Vec<A>) -> Result<Timeline<T>, Invalid>
where
    Dated<T>: TryFrom<A, Error = Invalid>,
{
    let facts: Vec<Dated<T>> = each(field, facts, TryInto::try_into)?;
    let mut before: Option<Option<NaiveDate>> = None;
    for (position, fact) in facts.iter().enumerate() {
        if before.is_some_and(|before| fact.from <= before) {
            return Err(Invalid::new(&format!("{field}[{position}].from"), Rule::Order));
        }
        before = Some(fact.from);
    }
    Ok(Timeline::from_facts(facts))
}

impl From<Register> for wire::Register {
    fn from(register: Register) -> Self {
        match register {
            Register::Apr => Self::Apr,
            Register::Aire => Self::Aire,
        }
    }
}

fn register_from(field: &str, number: i32) -> Result<Register, Invalid> {
    match wire::Register::try_from(number) {
        Ok(wire::Register::Apr) => Ok(Register::Apr),
        Ok(wire::Register::Aire) => Ok(Register::Aire),
        Ok(wire::Register::Unspecified) | Err(_) => Err(Invalid::new(field, Rule::Value)),
    }
}

impl From<&Dated<CivilStatus>> for wire::CivilStatusFact {
    fn from(fact: &Dated<CivilStatus>) -> Self {
        let Dated { from, value } = fact;
        Self {
            from: from.map(Into::into),
            code: value.code().to_owned(),
        }
    }
}

impl TryFrom<wire::CivilStatusFact> for Dated<CivilStatus> {
    type Error = Invalid;

    fn try_from(message: wire::CivilStatusFact) -> Result<Self, Invalid> {
        let wire::CivilStatusFact { from, code } = message;
        Ok(Self {
            from: optional_civil_date("from", from)?,
            value: CivilStatus::from_code(&code).named("code")?,
        })
    }
}

impl From<&Dated<Vec<StateCode>>> for wire::CitizenshipFact {
    fn from(fact: &Dated<Vec<StateCode>>) -> Self {
        let Dated { from, value } = fact;
        Self {
            from: from.map(Into::into),
            states: value.iter().map(ToString::to_string).collect(),
        }
    }
}

impl TryFrom<wire::CitizenshipFact> for Dated<Vec<StateCode>> {
    type Error = Invalid;

    fn try_from(message: wire::CitizenshipFact) -> Result<Self, Invalid> {
        let wire::CitizenshipFact { from, states } = message;
        Ok(Self {
            from: optional_civil_date("from", from)?,
            value: each("states", states, |state| StateCode::parse(&state).named(""))?,
        })
    }
}

impl From<&Dated<Residence>> for wire::ResidenceFact {
    fn from(fact: &Dated<Residence>) -> Self {
        let Dated {
            from,
            value:
                Residence {
                    kind,
                    place,
                    standing,
                },
        } = fact;
        let standing = match standing {
            ResidenceStanding::Definitive => wire::ResidenceStanding::Definitive,
            ResidenceStanding::Provisional => wire::ResidenceStanding::Provisional,
        };
        Self {
            from: from.map(Into::into),
            kind: kind.code().to_owned(),
            place: Some(place.into()),
            standing: standing.into(),
        }
    }
}

impl TryFrom<wire::ResidenceFact> for Dated<Residence> {
    type Error = Invalid;

    fn try_from(message: wire::ResidenceFact) -> Result<Self, Invalid> {
        let wire::ResidenceFact {
            from,
            kind,
            place,
            standing,
        } = message;
        let standing = match wire::ResidenceStanding::try_from(standing) {
            Ok(wire::ResidenceStanding::Definitive) => ResidenceStanding::Definitive,
            Ok(wire::ResidenceStanding::Provisional) => ResidenceStanding::Provisional,
            Ok(wire::ResidenceStanding::Unspecified) | Err(_) => {
                return Err(Invalid::new("standing", Rule::Value));
            }
        };
        let value = Residence {
            kind: AddressKind::from_code(&kind).named("kind")?,
            place: required("place", place)?.try_into().within("place")?,
            standing,
        };
        Ok(Self {
            from: optional_civil_date("from", from)?,
            value,
        })
    }
}

impl From<&Dated<HouseholdLink>> for wire::HouseholdFact {
    fn from(fact: &Dated<HouseholdLink>) -> Self {
        let Dated {
            from,
            value: HouseholdLink { household, role },
        } = fact;
        Self {
            from: from.map(Into::into),
            household: household.to_string(),
            role: Some((*role).into()),
        }
    }
}

impl TryFrom<wire::HouseholdFact> for Dated<HouseholdLink> {
    type Error = Invalid;

    fn try_from(message: wire::HouseholdFact) -> Result<Self, Invalid> {
        let wire::HouseholdFact {
            from,
            household,
            role,
        } = message;
        let value = HouseholdLink {
            household: HouseholdId::parse(&household).named("household")?,
            role: required("role", role)?.try_into().within("role")?,
        };
        Ok(Self {
            from: optional_civil_date("from", from)?,
            value,
        })
    }
}

impl From<HouseholdRole> for wire::HouseholdRole {
    fn from(role: HouseholdRole) -> Self {
        let role = match role {
            HouseholdRole::Family(kinship) => wire::household_role::Role::Kinship(kinship.code().to_owned()),
            HouseholdRole::Convivenza(role) => wire::household_role::Role::Convivenza(role.code().to_owned()),
        };
        Self { role: Some(role) }
    }
}

impl TryFrom<wire::HouseholdRole> for HouseholdRole {
    type Error = Invalid;

    fn try_from(message: wire::HouseholdRole) -> Result<Self, Invalid> {
        let wire::HouseholdRole { role } = message;
        match required("role", role)? {
            wire::household_role::Role::Kinship(code) => {
                Kinship::from_code(&code).map(Self::Family).named("kinship")
            }
            wire::household_role::Role::Convivenza(code) => ConvivenzaRole::from_code(&code)
                .map(Self::Convivenza)
                .named("convivenza"),
        }
    }
}

impl From<&IdentityDocument> for wire::IdentityDocument {
    fn from(document: &IdentityDocument) -> Self {
        let IdentityDocument {
            number,
            issuer,
            issued,
            expires,
        } = document;
        Self {
            number: number.clone(),
            issuer: issuer.to_string(),
            issued: Some((*issued).into()),
            expires: Some((*expires).into()),
        }
    }
}

impl TryFrom<wire::IdentityDocument> for IdentityDocument {
    type Error = Invalid;

    fn try_from(message: wire::IdentityDocument) -> Result<Self, Invalid> {
        let wire::IdentityDocument {
            number,
            issuer,
            issued,
            expires,
        } = message;
        Ok(Self {
            number: text("number", number, 1, 20)?,
            issuer: IstatCode::parse(&issuer).named("issuer")?,
            issued: civil_date("issued", issued)?,
            expires: civil_date("expires", expires)?,
        })
    }
}

impl From<&Registration> for wire::Registration {
    fn from(registration: &Registration) -> Self {
        let Registration {
            reason,
            effective,
            origin,
        } = registration;
        Self {
            reason: reason.code().to_owned(),
            effective: effective.map(Into::into),
            origin: origin.map(Into::into),
        }
    }
}

impl TryFrom<wire::Registration> for Registration {
    type Error = Invalid;

    fn try_from(message: wire::Registration) -> Result<Self, Invalid> {
        let wire::Registration {
            reason,
            effective,
            origin,
        } = message;
        Ok(Self {
            reason: RegistrationReason::from_code(&reason).named("reason")?,
            effective: optional_civil_date("effective", effective)?,
            origin: optional("origin", origin)?,
        })
    }
}

impl From<&Cancellation> for wire::Cancellation {
    fn from(cancellation: &Cancellation) -> Self {
        let Cancellation {
            reason,
            effective,
            destination,
        } = cancellation;
        let reason = match reason {
            CancellationReason::Apr(reason) => wire::cancellation::Reason::Apr(reason.code().to_owned()),
            CancellationReason::Aire(reason) => wire::cancellation::Reason::Aire(reason.code().to_owned()),
        };
        Self {
            reason: Some(reason),
            effective: Some((*effective).into()),
            destination: destination.map(Into::into),
        }
    }
}

impl TryFrom<wire::Cancellation> for Cancellation {
    type Error = Invalid;

    fn try_from(message: wire::Cancellation) -> Result<Self, Invalid> {
        let wire::Cancellation {
            reason,
            effective,
            destination,
        } = message;
        let reason = match required("reason", reason)? {
            wire::cancellation::Reason::Apr(code) => AprCancellationReason::from_code(&code)
                .map(CancellationReason::Apr)
                .named("apr")?,
            wire::cancellation::Reason::Aire(code) => AireCancellationReason::from_code(&code)
                .map(CancellationReason::Aire)
                .named("aire")?,
        };
        Ok(Self {
            reason,
            effective: civil_date("effective", effective)?,
            destination: optional("destination", destination)?,
        })
    }
}

impl From<&Death> for wire::Death {
    fn from(death: &Death) -> Self {
        let Death { date, place } = death;
        Self {
            date: Some((*date).into()),
            place: place.map(Into::into),
        }
    }
}

impl TryFrom<wire::Death> for Death {
    type Error = Invalid;

    fn try_from(message: wire::Death) -> Result<Self, Invalid> {
        let wire::Death { date, place } = message;
        Ok(Self {
            date: civil_date("date", date)?,
            place: optional("place", place)?,
        })
    }
}

impl From<&Flags> for wire::Flags {
    fn from(flags: &Flags) -> Self {
        let Flags {
            protected,
            procedure_open,
            not_certifiable,
        } = flags;
        Self {
            protected: *protected,
            procedure_open: *procedure_open,
            not_certifiable: *not_certifiable,
        }
    }
}

impl From<wire::Flags> for Flags {
    fn from(message: wire::Flags) -> Self {
        let wire::Flags {
            protected,
            procedure_open,
            not_certifiable,
        } = message;
        Self {
            protected,
            procedure_open,
            not_certifiable,
        }
    }
}
