//! Measures on a card.

use registry::measure::{IdentitySeal, Measures, NewIdentity, Protection, ProtectionBasis, SealBasis};

use super::date::{civil_date, optional_civil_date};
use super::invalid::{Invalid, Rule, Within};
use crate::proto::registry::v1 as wire;

impl From<&Measures> for wire::Measures {
    fn from(measures: &Measures) -> Self {
        let Measures { protection, seal } = measures;
        Self {
            protection: protection.map(Into::into),
            identity_seal: seal.map(Into::into),
        }
    }
}

impl TryFrom<wire::Measures> for Measures {
    type Error = Invalid;

    fn try_from(message: wire::Measures) -> Result<Self, Invalid> {
        let wire::Measures {
            protection,
            identity_seal,
        } = message;
        Ok(Self {
            protection: protection
                .map(Protection::try_from)
                .transpose()
                .within("protection")?,
            seal: identity_seal
                .map(IdentitySeal::try_from)
                .transpose()
                .within("identity_seal")?,
        })
    }
}

impl From<Protection> for wire::Protection {
    fn from(protection: Protection) -> Self {
        let Protection { basis, from, until } = protection;
        Self {
            basis: wire::ProtectionBasis::from(basis).into(),
            from: Some(from.into()),
            until: until.map(Into::into),
        }
    }
}

impl TryFrom<wire::Protection> for Protection {
    type Error = Invalid;

    fn try_from(message: wire::Protection) -> Result<Self, Invalid> {
        let wire::Protection { basis, from, until } = message;
        let from = civil_date("from", from)?;
        let until = optional_civil_date("until", until)?;
        if until.is_some_and(|until| until < from) {
            return Err(Invalid::new("until", Rule::Order));
        }
        Ok(Self {
            basis: protection_basis(basis)?,
            from,
            until,
        })
    }
}

impl From<IdentitySeal> for wire::IdentitySeal {
    fn from(seal: IdentitySeal) -> Self {
        let IdentitySeal {
            basis,
            from,
            identity,
        } = seal;
        Self {
            basis: wire::SealBasis::from(basis).into(),
            from: Some(from.into()),
            identity: match identity {
                NewIdentity::Awaited => wire::NewIdentity::Awaited,
                NewIdentity::Present => wire::NewIdentity::Present,
            }
            .into(),
        }
    }
}

impl TryFrom<wire::IdentitySeal> for IdentitySeal {
    type Error = Invalid;

    fn try_from(message: wire::IdentitySeal) -> Result<Self, Invalid> {
        let wire::IdentitySeal {
            basis,
            from,
            identity,
        } = message;
        let identity = match wire::NewIdentity::try_from(identity) {
            Ok(wire::NewIdentity::Awaited) => NewIdentity::Awaited,
            Ok(wire::NewIdentity::Present) => NewIdentity::Present,
            Ok(wire::NewIdentity::Unspecified) | Err(_) => {
                return Err(Invalid::new("identity", Rule::Value));
            }
        };
        Ok(Self {
            basis: seal_basis(basis)?,
            from: civil_date("from", from)?,
            identity,
        })
    }
}

impl From<ProtectionBasis> for wire::ProtectionBasis {
    fn from(basis: ProtectionBasis) -> Self {
        match basis {
            ProtectionBasis::CourtOrder => Self::CourtOrder,
            ProtectionBasis::Shelter => Self::Shelter,
            ProtectionBasis::WitnessProgramme => Self::WitnessProgramme,
            ProtectionBasis::PoliceMeasure => Self::PoliceMeasure,
            ProtectionBasis::Other => Self::Other,
        }
    }
}

fn protection_basis(number: i32) -> Result<ProtectionBasis, Invalid> {
    match wire::ProtectionBasis::try_from(number) {
        Ok(wire::ProtectionBasis::CourtOrder) => Ok(ProtectionBasis::CourtOrder),
        Ok(wire::ProtectionBasis::Shelter) => Ok(ProtectionBasis::Shelter),
        Ok(wire::ProtectionBasis::WitnessProgramme) => Ok(ProtectionBasis::WitnessProgramme),
        Ok(wire::ProtectionBasis::PoliceMeasure) => Ok(ProtectionBasis::PoliceMeasure),
        Ok(wire::ProtectionBasis::Other) => Ok(ProtectionBasis::Other),
        Ok(wire::ProtectionBasis::Unspecified) | Err(_) => Err(Invalid::new("basis", Rule::Value)),
    }
}

impl From<SealBasis> for wire::SealBasis {
    fn from(basis: SealBasis) -> Self {
        match basis {
            SealBasis::Adoption => Self::Adoption,
            SealBasis::SexRectification => Self::SexRectification,
            SealBasis::ProtectionProgramme => Self::ProtectionProgramme,
            SealBasis::CourtOrder => Self::CourtOrder,
        }
    }
}

pub(super) fn seal_basis(number: i32) -> Result<SealBasis, Invalid> {
    match wire::SealBasis::try_from(number) {
        Ok(wire::SealBasis::Adoption) => Ok(SealBasis::Adoption),
        Ok(wire::SealBasis::SexRectification) => Ok(SealBasis::SexRectification),
        Ok(wire::SealBasis::ProtectionProgramme) => Ok(SealBasis::ProtectionProgramme),
        Ok(wire::SealBasis::CourtOrder) => Ok(SealBasis::CourtOrder),
        Ok(wire::SealBasis::Unspecified) | Err(_) => Err(Invalid::new("basis", Rule::Value)),
    }
}
