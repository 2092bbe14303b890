//! What a declarant states, to be compared with the registry.

mod normal;

use std::fmt;

use registry::code::{CivilStatus, Kinship, ToponymSpecies};
use registry::codice_fiscale::TaxCode;
use registry::date::PartialDate;
use registry::identifier::{NationalId, StateCode};
use registry::municipality::MunicipalityId;
use registry::record::{Address, BirthPlace, PersonName, Sex};
use registry::state;

use crate::service::VerificationKind;

/// A declaration. What it does not state is not compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Claim {
    /// Who the person is.
    Generalities(GeneralitiesClaim),
    /// That the person is dead.
    Death(DeathClaim),
    /// That the person is married.
    Marriage(BondClaim),
    /// Of which state the person is a citizen.
    Citizenship(CitizenshipClaim),
    /// That the person is alive.
    ExistenceInLife,
    /// Where the person is resident.
    Residence(ResidenceClaim),
    /// Who belongs to the person's family.
    FamilyStatus(FamilyClaim),
    /// That the person is bound by neither marriage nor civil union.
    UnmarriedStatus(UnmarriedClaim),
    /// That the person is widowed.
    Widowhood(BondClaim),
    /// Who the person's father is.
    Paternity(ParentClaim),
    /// Who the person's mother is.
    Maternity(ParentClaim),
    /// That the person lives in a civil union.
    CivilUnion(BondClaim),
    /// That a national id is this person's.
    NationalId(NationalIdClaim),
    /// In which municipality the person is resident, wherever in it.
    MunicipalResidence(MunicipalityId),
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

/// That the person is dead. The place of death is not compared: it leads to where the person lived.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct DeathClaim {
    /// Day of death, where stated, possibly in part.
    pub date: Option<PartialDate>,
}

/// A civil status with what belongs to it: marriage, civil union, widowhood.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct BondClaim {
    /// Since when, where stated, possibly in part: the day of marriage or union, of widowhood that of the spouse's
    /// death.
    pub since: Option<PartialDate>,
    /// With whom, or of whom the person is the widow or widower, where stated.
    pub partner: Option<NamedPerson>,
}

/// Of which state the person is said to be a citizen.
#[derive(Clone, PartialEq, Eq)]
pub struct CitizenshipClaim {
    state: StateCode,
}

/// That the person is free to marry (*stato libero*), possibly in one of the statuses that leave a person so.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct UnmarriedClaim {
    status: Option<CivilStatus>,
}

/// Who a parent is said to be. The codice fiscale of a parent is not compared, as ANPR does not serve it (C024, C025).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParentClaim {
    /// The parent.
    pub parent: NamedPerson,
}

/// Somebody who is known by name; at least one part is stated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedPerson {
    surname: Option<PersonName>,
    given_name: Option<PersonName>,
}

/// A national id (idANPR) with the generalities of the person that it is said to belong to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NationalIdClaim {
    /// The id.
    pub national_id: NationalId,
    /// The person.
    pub generalities: GeneralitiesClaim,
}

/// Where the person is said to be resident: municipality, street and number (ANPR C008).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResidenceClaim {
    /// Municipality.
    pub municipality: MunicipalityId,
    /// Address in it.
    pub address: AddressClaim,
}

/// An address as stated. An absent species and empty parts are not stated; street and number always are.
#[derive(Clone, PartialEq, Eq)]
pub struct AddressClaim {
    /// Species of the street.
    pub species: Option<ToponymSpecies>,
    /// Name of the street.
    pub street: String,
    /// Civic number; `None` states that the house has none (SNC).
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
    /// A person without any name.
    #[error("a person must be stated by surname, given names or both")]
    NobodyNamed,
    /// No state of which somebody can be a citizen.
    #[error(
        "must be the ISTAT code of a state of which somebody can be a citizen, 999 for a stateless person"
    )]
    NoCitizenship,
    /// A status of somebody who is bound, or none.
    #[error("must be a civil status that leaves a person unmarried: 1, 3, 4, 7 or 8")]
    NotUnmarried,
}

impl Claim {
    /// The kind of verification that it needs.
    pub fn kind(&self) -> VerificationKind {
        match self {
            Self::Generalities(_) => VerificationKind::Generalities,
            Self::Death(_) => VerificationKind::Death,
            Self::Marriage(_) => VerificationKind::Marriage,
            Self::Citizenship(_) => VerificationKind::Citizenship,
            Self::ExistenceInLife => VerificationKind::ExistenceInLife,
            Self::Residence(_) => VerificationKind::Residence,
            Self::FamilyStatus(_) => VerificationKind::FamilyStatus,
            Self::UnmarriedStatus(_) => VerificationKind::UnmarriedStatus,
            Self::Widowhood(_) => VerificationKind::Widowhood,
            Self::Paternity(_) => VerificationKind::Paternity,
            Self::Maternity(_) => VerificationKind::Maternity,
            Self::CivilUnion(_) => VerificationKind::CivilUnion,
            Self::NationalId(_) => VerificationKind::NationalId,
            Self::MunicipalResidence(_) => VerificationKind::MunicipalResidence,
        }
    }
}

impl NamedPerson {
    /// Refuses somebody without any name.
    pub fn new(surname: Option<PersonName>, given_name: Option<PersonName>) -> Result<Self, ClaimError> {
        if surname.is_none() && given_name.is_none() {
            Err(ClaimError::NobodyNamed)
        } else {
            Ok(Self { surname, given_name })
        }
    }

    /// Surname, where stated.
    pub fn surname(&self) -> Option<&PersonName> {
        self.surname.as_ref()
    }

    /// Given names, where stated.
    pub fn given_name(&self) -> Option<&PersonName> {
        self.given_name.as_ref()
    }
}

impl CitizenshipClaim {
    /// Refuses what ANPR does not admit as a citizenship (table 2), and what is no statement about anybody.
    pub fn new(state: StateCode) -> Result<Self, ClaimError> {
        let admitted = state::by_code(state).is_some_and(state::State::admitted_as_citizenship);
        if admitted && ![state::BEING_DEFINED, state::NOT_ATTRIBUTABLE].contains(&state.as_str()) {
            Ok(Self { state })
        } else {
            Err(ClaimError::NoCitizenship)
        }
    }

    /// The state, or 999.
    pub fn state(&self) -> StateCode {
        self.state
    }
}

impl UnmarriedClaim {
    /// Refuses a status of somebody who is married or in a civil union, and the unknown one.
    pub fn new(status: Option<CivilStatus>) -> Result<Self, ClaimError> {
        match status {
            None
            | Some(
                CivilStatus::Single
                | CivilStatus::Widowed
                | CivilStatus::Divorced
                | CivilStatus::FreeAfterPartnerDeath
                | CivilStatus::FreeAfterUnionDissolved,
            ) => Ok(Self { status }),
            Some(CivilStatus::Married | CivilStatus::CivillyUnited | CivilStatus::Unknown) => {
                Err(ClaimError::NotUnmarried)
            }
        }
    }

    /// The status, where stated.
    pub fn status(&self) -> Option<CivilStatus> {
        self.status
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

macro_rules! hidden_debug {
    ($($name:ident),+) => {
        $(
            /// Personal: debugging output does not carry it.
            impl fmt::Debug for $name {
                fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                    f.write_str(concat!(stringify!($name), "(..)"))
                }
            }
        )+
    };
}

hidden_debug!(
    AddressClaim,
    DeathClaim,
    BondClaim,
    CitizenshipClaim,
    UnmarriedClaim
);
