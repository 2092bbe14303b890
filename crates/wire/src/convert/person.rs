//! Who a person is: generalities, codes, parents.

use registry::codice_fiscale::TaxCode;
use registry::record::{Generalities, Parent, ParentRole, PersonName, Sex, TaxCodeEntry};

use super::date::{optional_civil_date, partial_date};
use super::invalid::{Invalid, Named, Rule, Within, required, when_present};
use crate::proto::registry::v1 as wire;

impl From<Sex> for wire::Sex {
    fn from(sex: Sex) -> Self {
        match sex {
            Sex::Male => Self::Male,
            Sex::Female => Self::Female,
            Sex::Unknown => Self::Unknown,
        }
    }
}

pub(super) fn sex(field: &str, number: i32) -> Result<Sex, Invalid> {
    match wire::Sex::try_from(number) {
        Ok(wire::Sex::Male) => Ok(Sex::Male),
        Ok(wire::Sex::Female) => Ok(Sex::Female),
        Ok(wire::Sex::Unknown) => Ok(Sex::Unknown),
        Ok(wire::Sex::Unspecified) | Err(_) => Err(Invalid::new(field, Rule::Value)),
    }
}

/// A name as it travels: empty when there is none.
pub(super) fn optional_name(name: Option<&PersonName>) -> String {
    name.map(|name| name.as_str().to_owned()).unwrap_or_default()
}

impl From<&Generalities> for wire::Generalities {
    fn from(generalities: &Generalities) -> Self {
        let Generalities {
            surname,
            given_name,
            sex,
            birth_date,
            birth_place,
        } = generalities;
        Self {
            surname: optional_name(surname.as_ref()),
            given_name: optional_name(given_name.as_ref()),
            sex: wire::Sex::from(*sex).into(),
            birth_date: Some((*birth_date).into()),
            birth_place: Some(birth_place.into()),
        }
    }
}

impl TryFrom<wire::Generalities> for Generalities {
    type Error = Invalid;

    fn try_from(message: wire::Generalities) -> Result<Self, Invalid> {
        let wire::Generalities {
            surname,
            given_name,
            sex: sex_number,
            birth_date,
            birth_place,
        } = message;
        Ok(Self {
            surname: when_present("surname", &surname, PersonName::parse)?,
            given_name: when_present("given_name", &given_name, PersonName::parse)?,
            sex: sex("sex", sex_number)?,
            birth_date: partial_date("birth_date", birth_date)?,
            birth_place: required("birth_place", birth_place)?
                .try_into()
                .within("birth_place")?,
        })
    }
}

impl From<&TaxCodeEntry> for wire::TaxCodeEntry {
    fn from(entry: &TaxCodeEntry) -> Self {
        let TaxCodeEntry {
            code,
            validated,
            from,
        } = entry;
        Self {
            code: code.as_str().to_owned(),
            validated: *validated,
            from: from.map(Into::into),
        }
    }
}

impl TryFrom<wire::TaxCodeEntry> for TaxCodeEntry {
    type Error = Invalid;

    fn try_from(message: wire::TaxCodeEntry) -> Result<Self, Invalid> {
        let wire::TaxCodeEntry {
            code,
            validated,
            from,
        } = message;
        Ok(Self {
            code: TaxCode::parse(&code).named("code")?,
            validated,
            from: optional_civil_date("from", from)?,
        })
    }
}

impl From<ParentRole> for wire::ParentRole {
    fn from(role: ParentRole) -> Self {
        match role {
            ParentRole::Father => Self::Father,
            ParentRole::Mother => Self::Mother,
        }
    }
}

fn parent_role(field: &str, number: i32) -> Result<ParentRole, Invalid> {
    match wire::ParentRole::try_from(number) {
        Ok(wire::ParentRole::Father) => Ok(ParentRole::Father),
        Ok(wire::ParentRole::Mother) => Ok(ParentRole::Mother),
        Ok(wire::ParentRole::Unspecified) | Err(_) => Err(Invalid::new(field, Rule::Value)),
    }
}

impl From<&Parent> for wire::Parent {
    fn from(parent: &Parent) -> Self {
        let Parent {
            role,
            surname,
            given_name,
            tax_code,
        } = parent;
        Self {
            role: wire::ParentRole::from(*role).into(),
            surname: optional_name(surname.as_ref()),
            given_name: optional_name(given_name.as_ref()),
            tax_code: tax_code
                .as_ref()
                .map(|code| code.as_str().to_owned())
                .unwrap_or_default(),
        }
    }
}

impl TryFrom<wire::Parent> for Parent {
    type Error = Invalid;

    fn try_from(message: wire::Parent) -> Result<Self, Invalid> {
        let wire::Parent {
            role,
            surname,
            given_name,
            tax_code,
        } = message;
        Ok(Self {
            role: parent_role("role", role)?,
            surname: when_present("surname", &surname, PersonName::parse)?,
            given_name: when_present("given_name", &given_name, PersonName::parse)?,
            tax_code: when_present("tax_code", &tax_code, TaxCode::parse)?,
        })
    }
}
