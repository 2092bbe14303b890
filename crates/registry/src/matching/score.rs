//! How well a card answers a question, and why.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use super::compare::{Likeness, compare};
use super::name::Name;
use super::query::{NameQuery, PersonQuery, TaxCodeMatch};
use crate::codice_fiscale::TaxCode;
use crate::municipality::MunicipalityId;
use crate::record::{Generalities, PersonName};

/// Highest score: every name written as asked.
pub const MAX_SCORE: u16 = 1000;

/// What it costs that surname and given name stand in each other's place.
const SWAP_COST: u16 = 80;

/// What it costs that a code is another form of the one asked for.
const OMOCODIA_COST: u16 = 20;

/// A card that answers a question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Match {
    /// 1 to [`MAX_SCORE`].
    pub score: u16,
    /// Why not more: each with the field of the card that it says something about, in a fixed order. A caller shows
    /// only those of fields that are granted.
    pub reasons: BTreeSet<FieldReason>,
}

/// A reason, with the field of the card.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FieldReason {
    /// The field of the card, not of the question: of a swapped name they differ.
    pub field: MatchField,
    /// What of it is or is not as asked.
    pub reason: Reason,
}

/// One of the two names of a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NameField {
    /// Surname.
    Surname,
    /// Given names.
    GivenName,
}

/// A field of a card about which a match says something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MatchField {
    /// Surname.
    Surname,
    /// Given names.
    GivenName,
    /// Birth date.
    BirthDate,
    /// Codice fiscale.
    TaxCode,
    /// Municipality that keeps the card.
    Municipality,
}

/// In what a card is as asked, or is not quite.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reason {
    /// Written as asked, but for capitals. The only reason of its field.
    Exact,
    /// Accents, apostrophes, hyphens or blanks differ.
    AccentOrApostrophe,
    /// The words stand in another order.
    WordOrder,
    /// Surname and given name stand in each other's place.
    SurnameAndGivenNameSwapped,
    /// A particle is missing, or there is another one.
    Particle,
    /// A foreign letter or a name from another script is written otherwise.
    Transliteration,
    /// It sounds the same to an Italian.
    Phonetic,
    /// Two neighbouring letters are swapped.
    Transposition,
    /// One letter more, one fewer, or another one.
    OneEdit,
    /// One of the two has words that the other has not (double names).
    PartOfName,
    /// It begins as asked.
    Prefix,
    /// It fits the wildcards.
    Wildcard,
    /// The registered date lies in the days in question.
    WithinRange,
    /// Day or month of the registered date is unknown; it can lie in the days in question.
    PossiblyWithinRange,
    /// The code is another form of the same base code.
    Omocodia,
}

/// What of a card a question is asked of.
#[derive(Clone, Copy, Debug)]
pub struct Candidate<'a> {
    /// Who the person is.
    pub generalities: &'a Generalities,
    /// Every code the person had that may be searched.
    pub tax_codes: &'a [TaxCode],
    /// Municipality that keeps the card.
    pub municipality: Option<MunicipalityId>,
}

impl From<NameField> for MatchField {
    fn from(field: NameField) -> Self {
        match field {
            NameField::Surname => Self::Surname,
            NameField::GivenName => Self::GivenName,
        }
    }
}

impl NameField {
    /// Both, in their order.
    pub const ALL: [Self; 2] = [Self::Surname, Self::GivenName];

    /// The one in whose place this one stands when they are swapped.
    pub fn swapped(self) -> Self {
        match self {
            Self::Surname => Self::GivenName,
            Self::GivenName => Self::Surname,
        }
    }

    /// The name of the card, if the person has one.
    pub fn of(self, generalities: &Generalities) -> Option<&PersonName> {
        match self {
            Self::Surname => generalities.surname.as_ref(),
            Self::GivenName => generalities.given_name.as_ref(),
        }
    }
}

/// How the names of a card answer a question about names, if they are within the tolerance.
///
/// Every name asked for must be found. Where both are, they may also stand in each other's place; of two answers the
/// better counts.
pub fn score(query: &NameQuery, generalities: &Generalities) -> Option<Match> {
    let surname = registered(NameField::Surname, generalities);
    let given_name = registered(NameField::GivenName, generalities);
    let likeness = |asked: NameField, found: NameField| {
        let found = match found {
            NameField::Surname => surname.as_ref(),
            NameField::GivenName => given_name.as_ref(),
        };
        compare(query.part(asked)?, found?)
    };
    let straight = answer(query, |field| likeness(field, field), |field| field);
    if query.fields().count() < 2 {
        return straight;
    }
    // A swapped answer cannot be better than this.
    let enough = straight
        .as_ref()
        .is_some_and(|found| MAX_SCORE - SWAP_COST <= found.score);
    if enough {
        return straight;
    }
    let swapped = answer(
        query,
        |field| likeness(field, field.swapped()),
        NameField::swapped,
    );
    let swapped = swapped.map(|mut found| {
        found.score = less(found.score, SWAP_COST);
        for field in NameField::ALL {
            found.say(field.into(), Reason::SurnameAndGivenNameSwapped);
        }
        found
    });
    match (straight, swapped) {
        (Some(straight), Some(swapped)) if straight.score < swapped.score => Some(swapped),
        (None, swapped) => swapped,
        (straight, _) => straight,
    }
}

impl NameQuery {
    /// Whether a registered name is within the tolerance of the one asked for in `asked`. A card is admitted by
    /// [`score`] exactly if its names admit all that is asked for, as they stand or in each other's place.
    pub fn admits(&self, asked: NameField, registered: &str) -> bool {
        self.part(asked)
            .is_some_and(|part| compare(part, &Name::parse(registered)).is_some())
    }
}

impl PersonQuery {
    /// How a card answers the whole question, if it does: names within the tolerance, a code that begins as asked,
    /// birth date and municipality as asked.
    pub fn score(&self, candidate: &Candidate<'_>) -> Option<Match> {
        let mut found = match self.names() {
            Some(names) => score(names, candidate.generalities)?,
            None => Match {
                score: MAX_SCORE,
                reasons: BTreeSet::new(),
            },
        };
        if let Some(range) = self.birth_date() {
            let registered = candidate.generalities.birth_date;
            if !range.admits(registered) {
                return None;
            }
            let reason = match registered.to_naive() {
                Some(_) if range.first() == range.last() => Reason::Exact,
                Some(_) => Reason::WithinRange,
                None => Reason::PossiblyWithinRange,
            };
            found.say(MatchField::BirthDate, reason);
        }
        if let Some(asked) = self.tax_code() {
            let best = candidate
                .tax_codes
                .iter()
                .filter_map(|code| asked.matches(code))
                .min()?;
            let (reason, cost) = match best {
                TaxCodeMatch::AsWritten => (Reason::Prefix, 0),
                TaxCodeMatch::Omocodia => (Reason::Omocodia, OMOCODIA_COST),
            };
            found.score = less(found.score, cost);
            found.say(MatchField::TaxCode, reason);
        }
        if let Some(asked) = self.municipality() {
            if candidate.municipality != Some(asked) {
                return None;
            }
            found.say(MatchField::Municipality, Reason::Exact);
        }
        Some(found)
    }
}

impl Match {
    fn say(&mut self, field: MatchField, reason: Reason) {
        self.reasons.insert(FieldReason { field, reason });
    }
}

/// Puts the best first, and among equals the one whose key comes first. The order is total where keys are distinct, so
/// the same hits always stand in the same order, from wherever they came.
pub fn rank<K: Ord>(hits: &mut [(Match, K)]) {
    hits.sort_by(|(one, one_key), (other, other_key)| {
        (Reverse(one.score), one_key).cmp(&(Reverse(other.score), other_key))
    });
}

/// The answer of each field asked for, put together; `place` tells the field of the card.
fn answer(
    query: &NameQuery,
    likeness: impl Fn(NameField) -> Option<Likeness>,
    place: impl Fn(NameField) -> NameField,
) -> Option<Match> {
    let mut found = Match {
        score: MAX_SCORE,
        reasons: BTreeSet::new(),
    };
    for field in query.fields() {
        let Likeness { cost, reasons } = likeness(field)?;
        let place = place(field).into();
        found.score = less(found.score, cost);
        if reasons.is_empty() {
            found.say(place, Reason::Exact);
        }
        for reason in reasons {
            found.say(place, reason);
        }
    }
    Some(found)
}

fn registered(field: NameField, generalities: &Generalities) -> Option<Name> {
    field.of(generalities).map(|name| Name::parse(name.as_str()))
}

/// A match has a score of at least 1, whatever it lacks.
fn less(score: u16, cost: u16) -> u16 {
    score.saturating_sub(cost).max(1)
}
