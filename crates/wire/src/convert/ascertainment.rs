//! Kinds of ascertainment.

use agreement::ascertainment::{Ascertainment, NamedBy};
use agreement::field::FieldSet;
use agreement::request::Asked;
use agreement::service::Service;

use super::invalid::{Invalid, Rule};
use crate::proto::consultation::v1 as wire;

/// What a lookup of a person asks for: a kind by its name, or the fields that the purpose grants.
pub(super) fn asked_of_person(number: i32, named_by: NamedBy, fields: FieldSet) -> Result<Asked, Invalid> {
    let Some(kind) = kind(number, Service::LookupPerson)? else {
        return Ok(match named_by {
            NamedBy::Identifier => Asked::Person { fields },
            NamedBy::Generalities => Asked::PersonNamed { fields },
        });
    };
    Ok(Asked::Ascertainment {
        kind,
        named_by,
        fields,
    })
}

/// What a lookup of households asks for.
pub(super) fn asked_of_household(number: i32, named_by: NamedBy, fields: FieldSet) -> Result<Asked, Invalid> {
    let Some(kind) = kind(number, Service::LookupHousehold)? else {
        return Ok(match named_by {
            NamedBy::Identifier => Asked::Household { fields },
            NamedBy::Generalities => Asked::HouseholdNamed { fields },
        });
    };
    Ok(Asked::Ascertainment {
        kind,
        named_by,
        fields,
    })
}

/// The kind that a call of a service names.
fn kind(number: i32, service: Service) -> Result<Option<Ascertainment>, Invalid> {
    let kind = wire::Ascertainment::try_from(number).map_err(|_| Invalid::new(FIELD, Rule::Value))?;
    let Some(kind) = domain(kind) else {
        return Ok(None);
    };
    if kind.service() != service {
        let rule = match service {
            Service::LookupHousehold => "must be FAMILY_STATUS or none: other kinds are asked of a person",
            _ => "must not be FAMILY_STATUS: that is asked of a household",
        };
        return Err(Invalid::new(FIELD, Rule::Stated(rule)));
    }
    Ok(Some(kind))
}

const FIELD: &str = "ascertainment";

fn domain(kind: wire::Ascertainment) -> Option<Ascertainment> {
    Some(match kind {
        wire::Ascertainment::Unspecified => return None,
        wire::Ascertainment::Generalities => Ascertainment::Generalities,
        wire::Ascertainment::Death => Ascertainment::Death,
        wire::Ascertainment::Marriage => Ascertainment::Marriage,
        wire::Ascertainment::Citizenship => Ascertainment::Citizenship,
        wire::Ascertainment::ExistenceInLife => Ascertainment::ExistenceInLife,
        wire::Ascertainment::Residence => Ascertainment::Residence,
        wire::Ascertainment::FamilyStatus => Ascertainment::FamilyStatus,
        wire::Ascertainment::UnmarriedStatus => Ascertainment::UnmarriedStatus,
        wire::Ascertainment::Widowhood => Ascertainment::Widowhood,
        wire::Ascertainment::Paternity => Ascertainment::Paternity,
        wire::Ascertainment::Maternity => Ascertainment::Maternity,
        wire::Ascertainment::CivilUnion => Ascertainment::CivilUnion,
        wire::Ascertainment::RegistryData => Ascertainment::RegistryData,
        wire::Ascertainment::NationalId => Ascertainment::NationalId,
    })
}

impl From<Ascertainment> for wire::Ascertainment {
    fn from(kind: Ascertainment) -> Self {
        match kind {
            Ascertainment::Generalities => Self::Generalities,
            Ascertainment::Death => Self::Death,
            Ascertainment::Marriage => Self::Marriage,
            Ascertainment::Citizenship => Self::Citizenship,
            Ascertainment::ExistenceInLife => Self::ExistenceInLife,
            Ascertainment::Residence => Self::Residence,
            Ascertainment::FamilyStatus => Self::FamilyStatus,
            Ascertainment::UnmarriedStatus => Self::UnmarriedStatus,
            Ascertainment::Widowhood => Self::Widowhood,
            Ascertainment::Paternity => Self::Paternity,
            Ascertainment::Maternity => Self::Maternity,
            Ascertainment::CivilUnion => Self::CivilUnion,
            Ascertainment::RegistryData => Self::RegistryData,
            Ascertainment::NationalId => Self::NationalId,
        }
    }
}
