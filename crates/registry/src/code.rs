//! Code tables of ANPR: what a code means, and that nothing outside the table is a code.
//!
//! Labels are those ANPR publishes, in Italian; some still speak of municipalities that have not joined ANPR
//! (*non subentrato*), because the published tables do.

mod table;
mod toponym;

use std::fmt;

use chrono::NaiveDate;

use crate::record::Register;

pub use self::table::{
    AddressKind, AireCancellationReason, AireRegistrationReason, AprCancellationReason,
    AprRegistrationReason, Certifiability, CivilStatus, ConvivenzaRole, Kinship,
};
pub use self::toponym::ToponymSpecies;

/// A text is not a code of the table it should come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a code of the table {table}")]
pub struct CodeError {
    /// Table that was asked.
    pub table: CodeTable,
}

/// A code table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CodeTable {
    /// Table 1.
    CivilStatus,
    /// Table 4.
    ToponymSpecies,
    /// Table 5.
    Kinship,
    /// Table 6.
    ConvivenzaRole,
    /// Table 7.
    AprRegistrationReason,
    /// Table 15.
    AprCancellationReason,
    /// Table 19.
    AireRegistrationReason,
    /// Table 25.
    AddressKind,
    /// Table 28.
    AireCancellationReason,
    /// Table 42.
    Certifiability,
}

/// What a person is in a household: relation in a family or role in a convivenza.
///
/// The two tables use the same numbers, so a code is read together with the kind of household.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum HouseholdRole {
    /// In a family (*famiglia anagrafica*, DPR 223/1989 art. 4).
    Family(Kinship),
    /// In a convivenza (art. 5).
    Convivenza(ConvivenzaRole),
}

/// Kind of household, which decides the table of its roles.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum HouseholdKind {
    /// *Famiglia anagrafica*.
    Family,
    /// *Convivenza anagrafica*.
    Convivenza,
}

/// Why a person entered a register. AIRE codes begin with `C`, so the code alone tells the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RegistrationReason {
    /// Among the residents.
    Apr(AprRegistrationReason),
    /// Among the citizens abroad.
    Aire(AireRegistrationReason),
}

/// Why a person left a register. The two tables use the same numbers, so a code is read together with the register.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CancellationReason {
    /// From the residents.
    Apr(AprCancellationReason),
    /// From the citizens abroad.
    Aire(AireCancellationReason),
}

impl CodeTable {
    /// Name of the table and its number in ANPR.
    pub fn name(self) -> &'static str {
        match self {
            Self::CivilStatus => "civil status (1)",
            Self::ToponymSpecies => "species of toponym (4)",
            Self::Kinship => "kinship (5)",
            Self::ConvivenzaRole => "role in a convivenza (6)",
            Self::AprRegistrationReason => "reasons of registration (7)",
            Self::AprCancellationReason => "reasons of cancellation (15)",
            Self::AireRegistrationReason => "reasons of registration in AIRE (19)",
            Self::AddressKind => "kinds of address (25)",
            Self::AireCancellationReason => "reasons of cancellation from AIRE (28)",
            Self::Certifiability => "certifiability (42)",
        }
    }
}

impl fmt::Display for CodeTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Kinship {
    /// First day on which the codes of the take-over (14, 15, 19, 80) may no longer be entered: 15 September 2015.
    pub const CLOSED_FROM: NaiveDate =
        NaiveDate::from_ymd_opt(2015, 9, 15).expect("15 September 2015 is a day of the calendar");

    /// Whether the code is one of the four that ended with the take-over.
    pub fn is_closed(self) -> bool {
        matches!(
            self,
            Self::Stepchild | Self::Stepparent | Self::HalfSibling | Self::Adopted
        )
    }

    /// Whether a relation that began on `day` can bear this code.
    pub fn valid_on(self, day: NaiveDate) -> bool {
        !self.is_closed() || day < Self::CLOSED_FROM
    }
}

impl HouseholdRole {
    /// Reads a code of table 5 or 6.
    pub fn from_code(kind: HouseholdKind, code: &str) -> Result<Self, CodeError> {
        match kind {
            HouseholdKind::Family => Kinship::from_code(code).map(Self::Family),
            HouseholdKind::Convivenza => ConvivenzaRole::from_code(code).map(Self::Convivenza),
        }
    }

    /// Which table the role belongs to.
    pub fn kind(self) -> HouseholdKind {
        match self {
            Self::Family(_) => HouseholdKind::Family,
            Self::Convivenza(_) => HouseholdKind::Convivenza,
        }
    }

    /// The code, to be read together with [`Self::kind`].
    pub fn code(self) -> &'static str {
        match self {
            Self::Family(kinship) => kinship.code(),
            Self::Convivenza(role) => role.code(),
        }
    }

    /// The Italian label.
    pub fn label(self) -> &'static str {
        match self {
            Self::Family(kinship) => kinship.label(),
            Self::Convivenza(role) => role.label(),
        }
    }

    /// Whether a membership that began on `day` can bear this role.
    pub fn valid_on(self, day: NaiveDate) -> bool {
        match self {
            Self::Family(kinship) => kinship.valid_on(day),
            Self::Convivenza(_) => true,
        }
    }

    /// Whether the household is named after this person: the reference person of a family or the one responsible
    /// for a convivenza.
    pub fn is_reference(self) -> bool {
        matches!(
            self,
            Self::Family(Kinship::ReferencePerson | Kinship::NonAffectiveHead)
                | Self::Convivenza(ConvivenzaRole::Responsible)
        )
    }
}

impl RegistrationReason {
    /// Reads a code of table 7 or 19.
    pub fn from_code(code: &str) -> Result<Self, CodeError> {
        if code.starts_with('C') {
            AireRegistrationReason::from_code(code).map(Self::Aire)
        } else {
            AprRegistrationReason::from_code(code).map(Self::Apr)
        }
    }

    /// The register the reason belongs to.
    pub fn register(self) -> Register {
        match self {
            Self::Apr(_) => Register::Apr,
            Self::Aire(_) => Register::Aire,
        }
    }

    /// The code.
    pub fn code(self) -> &'static str {
        match self {
            Self::Apr(reason) => reason.code(),
            Self::Aire(reason) => reason.code(),
        }
    }

    /// The Italian label.
    pub fn label(self) -> &'static str {
        match self {
            Self::Apr(reason) => reason.label(),
            Self::Aire(reason) => reason.label(),
        }
    }
}

impl CancellationReason {
    /// Reads a code of table 15 or 28, as the register demands.
    pub fn from_code(register: Register, code: &str) -> Result<Self, CodeError> {
        match register {
            Register::Apr => AprCancellationReason::from_code(code).map(Self::Apr),
            Register::Aire => AireCancellationReason::from_code(code).map(Self::Aire),
        }
    }

    /// The register the reason belongs to.
    pub fn register(self) -> Register {
        match self {
            Self::Apr(_) => Register::Apr,
            Self::Aire(_) => Register::Aire,
        }
    }

    /// The code, to be read together with [`Self::register`].
    pub fn code(self) -> &'static str {
        match self {
            Self::Apr(reason) => reason.code(),
            Self::Aire(reason) => reason.code(),
        }
    }

    /// The Italian label.
    pub fn label(self) -> &'static str {
        match self {
            Self::Apr(reason) => reason.label(),
            Self::Aire(reason) => reason.label(),
        }
    }

    /// Whether the person was cancelled because of death, ascertained or declared by a court.
    pub fn is_death(self) -> bool {
        matches!(
            self,
            Self::Apr(AprCancellationReason::Death | AprCancellationReason::PresumedDeath)
                | Self::Aire(AireCancellationReason::Death | AireCancellationReason::PresumedDeath)
        )
    }
}

#[cfg(test)]
mod tests;
