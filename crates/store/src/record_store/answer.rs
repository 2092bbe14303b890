//! What agencies ask of the store, and what they get.

use std::fmt;

use agreement::field::Field;
use agreement::verification::VerificationAnswer;
use agreement::view::household::{DeceasedView, HouseholdView};
use agreement::view::person::PersonView;
use registry::codice_fiscale::TaxCode;
use registry::identifier::{NationalId, PersonId};
use registry::linking::GeneralitiesKey;
use registry::matching::Reason;
use registry::municipality::MunicipalityId;

use crate::record_store::handle::{HouseholdHandle, PersonHandle, SearchHandle};

/// Whom a call is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Question {
    /// The person who has or had this codice fiscale.
    TaxCode(TaxCode),
    /// The person with this national id.
    NationalId(NationalId),
    /// The person whom a search found, by its handle.
    Found(PersonId),
    /// Whoever has these generalities.
    Generalities(GeneralitiesKey),
}

impl Question {
    /// Name and value of the criterion, for the sealed part of the entry.
    pub fn criterion(&self) -> (&'static str, String) {
        match self {
            Self::TaxCode(code) => ("tax_code", code.as_str().to_owned()),
            Self::NationalId(id) => ("national_id", id.as_str().to_owned()),
            // Who it is stands among the subjects, under a pseudonym.
            Self::Found(_) => ("handle", "of a search".to_owned()),
            Self::Generalities(key) => (
                "generalities",
                String::from_utf8_lossy(key.as_bytes()).into_owned(),
            ),
        }
    }
}

/// The cards of a person that the permit shows; empty where there is none, or none that it shows.
#[derive(Debug)]
pub struct PersonAnswer {
    /// One for each card.
    pub cards: Vec<PersonCard>,
}

/// One card.
#[derive(Debug)]
pub struct PersonCard {
    /// The person, for this agreement.
    pub handle: PersonHandle,
    /// The household on the reference date, where it is shown.
    pub household: Option<HouseholdHandle>,
    /// What is shown.
    pub view: PersonView,
    /// Whether the code asked for is no longer the person's current one.
    pub standing: CodeStanding,
    /// Whose data it is, where the answer may say so.
    pub source: Source,
    /// Whether it is the municipality's last word.
    pub version: VersionStanding,
}

/// Whether what is shown is the municipality's last word.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum VersionStanding {
    /// It is.
    #[default]
    Latest,
    /// It is an earlier version: what was received later is in quarantine.
    Restored,
}

/// How the code asked for stands to the person's current one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CodeStanding {
    /// It is the current one, or none was asked for.
    Current,
    /// The person has another one now.
    Superseded,
}

/// Whose data an answer shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// This municipality's: the answer shows a field that says as much.
    Named(MunicipalityId),
    /// Not to be named: to name the municipality would tell where the person lives.
    Withheld,
}

/// The households of a person that the permit shows.
#[derive(Debug)]
pub struct HouseholdAnswer {
    /// One for each card of the person that stands in one on the reference date.
    pub households: Vec<HouseholdCard>,
    /// One for each card by which the person was dead on the reference date, where that may be told; cards that say the
    /// same are one.
    pub deceased: Vec<DeceasedCard>,
}

impl HouseholdAnswer {
    /// Whether nobody is shown.
    pub fn is_empty(&self) -> bool {
        self.households.is_empty() && self.deceased.is_empty()
    }
}

/// A dead person, of whose household was asked. It names no municipality.
#[derive(Debug)]
pub struct DeceasedCard {
    /// The person, for this agreement.
    pub handle: PersonHandle,
    /// What is shown.
    pub view: DeceasedView,
    /// Whether the code asked for is no longer the person's current one.
    pub standing: CodeStanding,
    /// Whether it is the municipality's last word.
    pub version: VersionStanding,
}

/// One household.
#[derive(Debug)]
pub struct HouseholdCard {
    /// The household, for this agreement.
    pub handle: HouseholdHandle,
    /// Handles of the cards behind the view: a member's `card` is its place here.
    pub handles: Vec<PersonHandle>,
    /// What is shown.
    pub view: HouseholdView,
    /// Whose data it is.
    pub source: Source,
    /// Whether every card shown is the municipality's last word.
    pub version: VersionStanding,
}

/// The residents of an address among the persons whom the permit shows.
#[derive(Debug)]
pub enum ResidentsAnswer {
    /// These, by household where it is shown; empty where there is nobody.
    Found(Vec<ResidentGroup>),
    /// More than may be shown. How many is not said.
    TooMany {
        /// Most residents that a question of this permit may show.
        most: usize,
    },
}

/// Residents of one household.
#[derive(Debug)]
pub struct ResidentGroup {
    /// The household; `None` where it is not shown or not held.
    pub household: Option<HouseholdHandle>,
    /// Cards in order of name, at least one.
    pub cards: Vec<PersonCard>,
}

/// What a search found among the persons whom the permit shows.
#[derive(Debug)]
pub enum SearchAnswer {
    /// These, the best first; empty where there is nobody.
    Found(Vec<SearchHit>),
    /// More than may be shown. How many is not said.
    TooMany {
        /// Most persons that a search of this permit may show.
        most: usize,
    },
}

/// A person found by a search.
#[derive(Debug)]
pub struct SearchHit {
    /// The person, for the operator who searched and for ten minutes.
    pub handle: SearchHandle,
    /// 1 to [`registry::matching::MAX_SCORE`].
    pub score: u16,
    /// Why not more, of granted fields.
    pub reasons: Vec<HitReason>,
    /// What is shown: surname, given name, sex, birth date and place, as far as they are granted.
    pub view: PersonView,
    /// Whether it is the municipality's last word.
    pub version: VersionStanding,
}

/// In what a hit is as asked, or is not quite.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HitReason {
    /// The field of the card.
    pub field: Field,
    /// What of it.
    pub reason: Reason,
}

/// The answer to a declaration; `None` where nobody is shown.
#[derive(Clone, Copy)]
pub struct VerificationOutcome {
    /// The answer.
    pub answer: Option<VerificationAnswer>,
    /// Whether every card compared is the municipality's last word.
    pub version: VersionStanding,
}

/// The answer is about a person: debugging output does not carry it.
impl fmt::Debug for VerificationOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("VerificationOutcome(..)")
    }
}
