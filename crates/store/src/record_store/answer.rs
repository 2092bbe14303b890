//! What agencies ask of the store, and what they get.

use std::fmt;

use agreement::verification::VerificationAnswer;
use agreement::view::household::HouseholdView;
use agreement::view::person::PersonView;
use registry::codice_fiscale::TaxCode;
use registry::identifier::NationalId;
use registry::municipality::MunicipalityId;

use crate::record_store::handle::{HouseholdHandle, PersonHandle};

/// Whom a call is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Question {
    /// The person who has or had this codice fiscale.
    TaxCode(TaxCode),
    /// The person with this national id.
    NationalId(NationalId),
}

impl Question {
    /// Name and value of the criterion, for the sealed part of the entry.
    pub fn criterion(&self) -> (&'static str, String) {
        match self {
            Self::TaxCode(code) => ("tax_code", code.as_str().to_owned()),
            Self::NationalId(id) => ("national_id", id.as_str().to_owned()),
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
