//! The accesses to one regional person, wherever entries name her: under every id by which a card of hers was known when
//! the entry was made, in the municipality that keeps the card, under the key of the entry's year.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    fmt::{self, Debug},
    ops::Range,
};

use agreement::moment::Moment;
use chrono::{DateTime, Datelike};
use ledger::{
    hash::{Hash, leaf_hash},
    header::{EntryKind, Header},
    part::{PartKind, PartOpening},
};
use registry::identifier::PersonId;

use crate::{
    access_log::{
        AccessLog, Shared,
        part_content::{DecisionPart, PartContent, SubjectRole, SubjectsPart},
        reading::{EntryReader, OpenedPart, ReadError, ReaderScope, StoredEntry},
    },
    keys::token::{Token, TokenDomain, Tokenizer},
    rows::CommitSequence,
};

/// Whom a report is about: every card of a regional person, with the ids under which it was known over time.
pub struct SubjectTrail {
    cards: Vec<CardTrail>,
    /// Municipalities whose cards were destroyed with them: of theirs every id of the person counts.
    departed: BTreeSet<String>,
    pseudonyms: Tokenizer,
}

/// Recognises the person among the subjects of entries; the pseudonyms of each municipality and year are made once.
struct Recognizer<'a> {
    trail: &'a SubjectTrail,
    known: HashMap<(String, u16), HashMap<Token, PersonId>>,
}

/// One card, and the person whose it was from each change on.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct CardTrail {
    /// Identity of the municipality that keeps it.
    pub(crate) municipality: String,
    /// In order of the changes.
    pub(crate) persons: Vec<(CommitSequence, PersonId)>,
}

/// An access to the subject of a report.
#[derive(Clone, PartialEq, Eq)]
pub struct SubjectAccess {
    /// Index of the entry.
    pub index: u64,
    /// Hash of its leaf.
    pub leaf: Hash,
    /// Its header.
    pub header: Header,
    /// What was done with what each municipality's card says, in order of municipality.
    pub uses: BTreeMap<String, (SubjectRole, Vec<String>)>,
}

/// Why the accesses to a subject cannot be listed.
#[derive(Debug, thiserror::Error)]
pub enum SubjectError {
    /// More than were asked for at most.
    #[error("there are more accesses than a report may list")]
    TooMany,
    /// The log.
    #[error(transparent)]
    Read(#[from] ReadError),
}

impl SubjectTrail {
    pub(crate) fn new(cards: Vec<CardTrail>, departed: BTreeSet<String>, pseudonyms: Tokenizer) -> Self {
        Self {
            cards,
            departed,
            pseudonyms,
        }
    }

    /// Municipalities in which entries may name the person.
    fn municipalities(&self) -> BTreeSet<String> {
        let own = self.cards.iter().map(|card| card.municipality.clone());
        own.chain(self.departed.iter().cloned()).collect()
    }

    /// The pseudonyms of every id that a card of this municipality ever had. An entry that was decided in the last
    /// instant of a year may have been made in the first of the next.
    fn tokens(&self, municipality: &str, year: u16) -> HashMap<Token, PersonId> {
        let everywhere = self.departed.contains(municipality);
        let cards = self.cards.iter();
        let own = cards.filter(|card| everywhere || card.municipality == municipality);
        let persons: BTreeSet<PersonId> = own
            .flat_map(|card| card.persons.iter().map(|(_, person)| *person))
            .collect();
        let years = [year.saturating_sub(1), year];
        let tokens = years.into_iter().flat_map(|year| {
            let domain = TokenDomain::Pseudonym { municipality, year };
            persons
                .iter()
                .map(move |person| (self.pseudonyms.token(domain, person.0.as_bytes()), *person))
        });
        tokens.collect()
    }

    /// Whether a card of this municipality was known under an id in the state that an entry says it read.
    fn bore(&self, municipality: &str, person: PersonId, decision: &DecisionPart) -> bool {
        let fact = |wanted: &str| {
            let mut facts = decision.facts.iter();
            facts
                .find(|(name, _)| name == wanted)
                .map(|(_, value)| value.as_str())
        };
        let read_at = fact("read_at").and_then(|at| at.parse().ok().map(CommitSequence));
        // Of what was known earlier a version may have been read that stands before one in quarantine.
        let any_before = fact("known_on").is_some();
        let everywhere = self.departed.contains(municipality);
        let mut own = self
            .cards
            .iter()
            .filter(|card| everywhere || card.municipality == municipality);
        own.any(|card| match read_at {
            // An entry that does not say what it read names whom it names.
            None => card.persons.iter().any(|(_, other)| *other == person),
            Some(read_at) => {
                let mut until = card.persons.iter().rev().filter(|(from, _)| *from <= read_at);
                if any_before {
                    until.any(|(_, other)| *other == person)
                } else {
                    until.next().is_some_and(|(_, other)| *other == person)
                }
            }
        })
    }
}

impl Recognizer<'_> {
    /// The person whom one of these subjects is, and how it influenced the answer.
    fn among<'p>(&mut self, municipality: &str, year: u16, part: &'p SubjectsPart) -> Vec<Named<'p>> {
        let Self { trail, known } = self;
        let tokens = known
            .entry((municipality.to_owned(), year))
            .or_insert_with(|| trail.tokens(municipality, year));
        let subjects = part.subjects.iter().filter_map(|subject| {
            let person = *tokens.get(&subject.pseudonym)?;
            Some(Named {
                person,
                role: subject.role,
                fields: &subject.fields,
            })
        });
        subjects.collect()
    }
}

/// A subject of an entry that bears an id of the person.
struct Named<'a> {
    person: PersonId,
    role: SubjectRole,
    fields: &'a [String],
}

impl AccessLog {
    /// The accesses to a person among the entries of a range, in order, at most `most`. Those of reserved purposes are
    /// not among them, nor those whose sealed parts have reached the end of their retention.
    ///
    /// It opens the subjects of every entry about the person's municipalities, so it belongs on a thread that may block.
    ///
    /// # Errors
    /// See [`SubjectError`].
    pub fn accesses_to(
        &self,
        trail: &SubjectTrail,
        range: Range<u64>,
        most: usize,
    ) -> Result<Vec<SubjectAccess>, SubjectError> {
        let shared = &self.inner.shared;
        let end = range.end.min(self.checkpoint().checkpoint.size);
        let municipalities = trail.municipalities();
        let scope = ReaderScope::Municipality(municipalities.clone());
        let mut reader = EntryReader::new(shared);
        let mut recognizer = Recognizer {
            trail,
            known: HashMap::new(),
        };
        let mut found = Vec::new();
        for index in shared.candidates(&scope, range.start, end, usize::MAX) {
            let stored = reader.read(index)?;
            let Some(access) = shared.access_to(&mut recognizer, &municipalities, &stored)? else {
                continue;
            };
            if found.len() == most {
                return Err(SubjectError::TooMany);
            }
            found.push(access);
        }
        Ok(found)
    }

    /// Index of the first entry at or after a time, Unix milliseconds; the log's size where there is none.
    ///
    /// # Errors
    /// See [`ReadError`].
    pub fn first_at(&self, time_ms: u64) -> Result<u64, ReadError> {
        let mut reader = EntryReader::new(&self.inner.shared);
        let (mut low, mut high) = (0, self.checkpoint().checkpoint.size);
        while low < high {
            let middle = low + (high - low) / 2;
            // Times never go back from one entry to the next.
            if Header::decode(&reader.read(middle)?.header)
                .map_err(ReadError::from)?
                .time_ms
                < time_ms
            {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        Ok(low)
    }
}

impl Shared {
    fn access_to(
        &self,
        recognizer: &mut Recognizer<'_>,
        municipalities: &BTreeSet<String>,
        stored: &StoredEntry,
    ) -> Result<Option<SubjectAccess>, ReadError> {
        let header = Header::decode(&stored.header)?;
        if header.body.kind != EntryKind::Access {
            return Ok(None);
        }
        let Some(year) = year_of(header.time_ms) else {
            return Ok(None);
        };
        let mut named = Vec::new();
        for part in self.subjects_of(&header, stored, municipalities)? {
            let PartKind::Subjects(municipality) = &part.kind else {
                continue;
            };
            let subjects = SubjectsPart::decode(&part.content)?;
            for Named { person, role, fields } in recognizer.among(municipality.as_str(), year, &subjects) {
                named.push((municipality.as_str().to_owned(), person, role, fields.to_vec()));
            }
        }
        // Most entries name others: only of the few the decision is opened.
        if named.is_empty() {
            return Ok(None);
        }
        let Some(decision) = self.decision_for_subjects(&header, stored, (self.clock)())? else {
            return Ok(None);
        };
        let mut uses: BTreeMap<String, (SubjectRole, Vec<String>)> = BTreeMap::new();
        for (municipality, person, role, fields) in named {
            if !recognizer.trail.bore(&municipality, person, &decision) {
                continue;
            }
            let (known, shown) = uses.entry(municipality).or_insert((role, Vec::new()));
            *known = known.stronger(role);
            shown.extend(fields);
        }
        for (_, fields) in uses.values_mut() {
            fields.sort_unstable();
            fields.dedup();
        }
        Ok((!uses.is_empty()).then(|| SubjectAccess {
            index: stored.index,
            leaf: leaf_hash(&stored.header),
            header,
            uses,
        }))
    }

    /// The parts of an entry about subjects of these municipalities that can still be opened.
    fn subjects_of(
        &self,
        header: &Header,
        stored: &StoredEntry,
        municipalities: &BTreeSet<String>,
    ) -> Result<Vec<PartOpening>, ReadError> {
        let opened = self.open_parts(header, stored, |name| {
            crate::access_log::retention::subjects_municipality(name)
                .is_some_and(|id| municipalities.contains(id))
        })?;
        Ok(opened.into_iter().filter_map(shown).collect())
    }
}

fn shown(part: OpenedPart) -> Option<PartOpening> {
    match part {
        OpenedPart::Shown(opening) => Some(opening),
        OpenedPart::Erased { position: _ } => None,
    }
}

/// The year in Italy.
fn year_of(time_ms: u64) -> Option<u16> {
    let at = DateTime::from_timestamp_millis(i64::try_from(time_ms).ok()?)?;
    u16::try_from(Moment::new(at).date().year()).ok()
}

/// A trail leads to a person: debugging output does not.
impl Debug for SubjectTrail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SubjectTrail({} cards)", self.cards.len())
    }
}

/// As for the trail.
impl Debug for CardTrail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CardTrail({})", self.municipality)
    }
}

/// As for the trail.
impl Debug for SubjectAccess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SubjectAccess({})", self.index)
    }
}
