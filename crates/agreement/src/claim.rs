//! What a declarant states, to be compared with the registry.

use std::fmt;

use registry::code::{Kinship, ToponymSpecies};
use registry::codice_fiscale::TaxCode;
use registry::date::PartialDate;
use registry::municipality::MunicipalityId;
use registry::record::{Address, BirthPlace, PersonName, Sex};

use crate::service::VerificationKind;

/// A declaration. What it does not state is not compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Claim {
    /// Who the person is.
    Generalities(GeneralitiesClaim),
    /// Where the person is resident.
    Residence(ResidenceClaim),
    /// That the person is alive.
    ExistenceInLife,
    /// Who belongs to the person's family.
    FamilyStatus(FamilyClaim),
}

/// Who the person is said to be; at least one part is stated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GeneralitiesClaim {
    parts: GeneralitiesParts,
}

/// Parts of a [`GeneralitiesClaim`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GeneralitiesParts {
    /// Surname.
    pub surname: Option<PersonName>,
    /// Given names.
    pub given_name: Option<PersonName>,
    /// Sex.
    pub sex: Option<Sex>,
    /// Birth date, possibly in part.
    pub birth_date: Option<PartialDate>,
    /// Birth place.
    pub birth_place: Option<BirthPlace>,
}

/// Where the person is said to be resident: in the municipality, or at an address of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResidenceClaim {
    /// Municipality.
    pub municipality: MunicipalityId,
    /// Address, where one is stated.
    pub address: Option<AddressClaim>,
}

/// An address as stated. Empty parts are not stated.
#[derive(Clone, PartialEq, Eq)]
pub struct AddressClaim {
    /// Species of the street.
    pub species: Option<ToponymSpecies>,
    /// Name of the street.
    pub street: String,
    /// Civic number.
    pub number: Option<u32>,
    /// Suffix of the number.
    pub suffix: String,
    /// Staircase.
    pub staircase: String,
    /// Internal number.
    pub unit: String,
}

/// Who is said to belong to the family: all members, the person among them, each once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FamilyClaim {
    members: Vec<MemberClaim>,
}

/// A member as stated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemberClaim {
    /// Codice fiscale, current or past.
    pub tax_code: TaxCode,
    /// Kinship to the reference person, where stated.
    pub kinship: Option<Kinship>,
}

/// Why a declaration cannot be compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClaimError {
    /// It states nothing.
    #[error("generalities must state at least one part")]
    NothingStated,
    /// Too few or too many members.
    #[error("a family has 1 to 30 members")]
    FamilySize,
    /// A member twice.
    #[error("each member must be stated once")]
    MemberTwice,
}

impl Claim {
    /// The kind of verification that it needs.
    pub fn kind(&self) -> VerificationKind {
        match self {
            Self::Generalities(_) => VerificationKind::Generalities,
            Self::Residence(_) => VerificationKind::Residence,
            Self::ExistenceInLife => VerificationKind::ExistenceInLife,
            Self::FamilyStatus(_) => VerificationKind::FamilyStatus,
        }
    }
}

impl GeneralitiesClaim {
    /// Refuses a claim that states nothing. An unknown sex is nothing stated.
    pub fn new(parts: GeneralitiesParts) -> Result<Self, ClaimError> {
        let parts = GeneralitiesParts {
            sex: parts.sex.filter(|sex| *sex != Sex::Unknown),
            ..parts
        };
        if parts == GeneralitiesParts::default() {
            Err(ClaimError::NothingStated)
        } else {
            Ok(Self { parts })
        }
    }

    /// What is stated.
    pub fn parts(&self) -> &GeneralitiesParts {
        &self.parts
    }
}

impl FamilyClaim {
    /// Refuses an empty family, more than thirty members and a member stated twice.
    pub fn new(members: Vec<MemberClaim>) -> Result<Self, ClaimError> {
        if !(1..=30).contains(&members.len()) {
            return Err(ClaimError::FamilySize);
        }
        let twice = members.iter().enumerate().any(|(position, member)| {
            members
                .iter()
                .skip(position + 1)
                .any(|other| other.tax_code == member.tax_code)
        });
        if twice {
            Err(ClaimError::MemberTwice)
        } else {
            Ok(Self { members })
        }
    }

    /// The members.
    pub fn members(&self) -> &[MemberClaim] {
        &self.members
    }
}

impl From<&Address> for AddressClaim {
    fn from(address: &Address) -> Self {
        let Address {
            municipality: _,
            postcode: _,
            hamlet: _,
            species,
            street,
            street_code: _,
            number,
            suffix,
            staircase,
            unit,
        } = address;
        Self {
            species: Some(*species),
            street: street.clone(),
            number: *number,
            suffix: suffix.clone(),
            staircase: staircase.clone(),
            unit: unit.clone(),
        }
    }
}

/// Personal: debugging output does not carry it.
impl fmt::Debug for AddressClaim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AddressClaim(..)")
    }
}
