//! Search: from a part of what a person is known by to the persons whom the permit shows, or to the word that they are
//! too many.
//!
//! Whom the caller may not see is as if absent in everything that is told: the hits, whether there are more than may be
//! shown, and the order. So no number is taken from the index alone. Of a card that is surely shown, by facts that the
//! index holds, the index is enough: if there are more such persons than may be shown, the search ends there, **before any
//! record is read**. Every other card is read and looked at as in a lookup, and the outcome is the same function of the
//! persons shown, whichever way it was found.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::ops::ControlFlow;

use agreement::field::{Field, FieldSet};
use agreement::permit::{Permit, View};
use agreement::service::Service;
use agreement::subject::Location;
use agreement::view::person::PersonView;
use chrono::NaiveDate;
use registry::codice_fiscale::TaxCode;
use registry::identifier::{PersonId, RecordId};
use registry::matching::{self, Match, MatchField, PersonQuery};
use registry::municipality::MunicipalityId;
use registry::record::PersonName;

use crate::access_log::draft::{EntryDraft, Sealed};
use crate::name_index::{Candidate, CodesAsked, LocationKnown};
use crate::projection::{Card, ProjectionError};
use crate::record_store::ReadError;
use crate::record_store::answer::{HitReason, Question, SearchAnswer, SearchHit, VersionStanding};
use crate::record_store::handle::{SEARCH_HANDLE_MS, SearchHandle};
use crate::record_store::read::{Reader, Seen, check_service};
use crate::record_store::subjects::{Findings, Told};
use crate::rows::{CommitSequence, Lead};

/// Whether a card is shown, by what the index knows of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shown {
    Always,
    Never,
    /// Only the record tells.
    Perhaps,
}

/// What the index makes of a search.
struct Outlook {
    /// The moment that was read.
    visible: CommitSequence,
    /// Cards that are or may be shown.
    records: Vec<RecordId>,
    /// Persons who are surely shown, each with the municipality of a card; one more than may be shown where they are
    /// surely too many.
    sure: BTreeMap<PersonId, MunicipalityId>,
    /// Whether more persons are surely shown than may be.
    surely_too_many: bool,
}

/// Who answers a search and may be shown.
enum Hits {
    /// No more than may be shown.
    Few(Vec<Ranked>),
    /// More than that: who was counted until it was certain.
    TooMany(Vec<(MunicipalityId, PersonId)>),
}

/// A hit with what its order goes by.
struct Ranked {
    person: PersonId,
    view: PersonView,
    found: Match,
    version: VersionStanding,
    seen: (MunicipalityId, FieldSet),
    record: RecordId,
}

/// The order of hits: the best first, and among equals names and birth date as they are shown, and then the card's id,
/// which says nothing about when it came.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Order {
    score: Reverse<u16>,
    surname: Option<String>,
    given_name: Option<String>,
    birth: Option<[Option<NaiveDate>; 2]>,
    record: RecordId,
}

impl Reader {
    /// The persons who answer a search.
    pub(crate) fn search(
        &self,
        permit: &Permit,
        query: &PersonQuery,
        draft: EntryDraft,
    ) -> Result<Sealed<SearchAnswer>, ReadError> {
        check_service(permit, Service::SearchPersons)?;
        let mut outlook = self.outlook(permit, query)?;
        if let Some(first) = permit.repeats() {
            // The names of an earlier state are not indexed: of what the first call saw that is shown which is still found.
            outlook.visible = CommitSequence(first).min(outlook.visible);
        }
        let mut findings = Findings::new(outlook.visible);
        let hits = if outlook.surely_too_many {
            Hits::TooMany(outlook.sure.iter().map(|(person, of)| (*of, *person)).collect())
        } else {
            self.hits(permit, query, &outlook, &mut findings)?
        };
        let (told, answer) = match hits {
            Hits::TooMany(counted) => {
                // Nobody of them is disclosed. The entry names who was counted until they were too many, and no others:
                // of nobody else the answer would have been another.
                findings = Findings::new(outlook.visible);
                for (municipality, person) in counted {
                    findings.counted(municipality, person);
                }
                let answer = SearchAnswer::TooMany {
                    most: permit.max_hits(),
                };
                (Told::TooMany, answer)
            }
            Hits::Few(hits) => {
                let told = Told::absence_if(hits.is_empty());
                let hits = hits.into_iter().map(|hit| self.hit(permit, hit));
                (told, SearchAnswer::Found(hits.collect()))
            }
        };
        let draft = findings.enter(permit, &self.pseudonyms, told, draft)?;
        Ok(Sealed::new(answer, draft))
    }

    /// The question for a person whom a search found.
    pub(crate) fn found(&self, permit: &Permit, handle: &SearchHandle) -> Option<Question> {
        let now_ms = permit.moment().utc().timestamp_millis();
        self.handles
            .found(permit.agreement_id(), permit.operator(), handle, now_ms)
            .map(Question::Found)
    }

    /// The cards that may answer, as of the change up to which the index goes.
    fn outlook(&self, permit: &Permit, query: &PersonQuery) -> Result<Outlook, ReadError> {
        let names = self.projection.names().read();
        let visible = names.through();
        if visible < self.projection.visible() {
            return Err(ReadError::NamesBehind);
        }
        let mut sure = BTreeMap::new();
        let mut records = Vec::new();
        let mut failed = None;
        names.candidates(query, codes_asked(permit), &mut |candidate| {
            match self.shown(permit, &candidate, visible) {
                Ok(Shown::Always) => {
                    sure.entry(candidate.person)
                        .or_insert_with(|| candidate.municipality());
                    records.push(candidate.record);
                }
                Ok(Shown::Perhaps) => records.push(candidate.record),
                Ok(Shown::Never) => {}
                Err(error) => failed = Some(error),
            }
            if failed.is_some() || permit.max_hits() < sure.len() {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        });
        if let Some(error) = failed {
            return Err(error.into());
        }
        Ok(Outlook {
            visible,
            records,
            surely_too_many: permit.max_hits() < sure.len(),
            sure,
        })
    }

    /// Whether a search is refused by what the index says alone.
    #[cfg(test)]
    pub(super) fn refuses_unread(&self, permit: &Permit, query: &PersonQuery) -> Result<bool, ReadError> {
        Ok(self.outlook(permit, query)?.surely_too_many)
    }

    /// What the permit says of a card wherever its person's location may stand, and where it stands as far as that is
    /// known without the record.
    fn shown(
        &self,
        permit: &Permit,
        candidate: &Candidate,
        visible: CommitSequence,
    ) -> Result<Shown, ProjectionError> {
        let is_shown = |location: Location| {
            let facts = candidate.facts(permit.reference_date(), location)?;
            Some(matches!(permit.view(&facts), View::Visible(_)))
        };
        let [Some(open), Some(shared), Some(protected)] =
            [Location::Open, Location::Shared, Location::Protected].map(is_shown)
        else {
            return Ok(Shown::Perhaps);
        };
        Ok(match (open, shared, protected) {
            (true, true, true) => Shown::Always,
            (false, false, false) => Shown::Never,
            (true, true, false) if candidate.location() == LocationKnown::NotByThisCard => {
                let guards = self
                    .projection
                    .cards_of(Lead::Protected(candidate.person), visible)?;
                if guards.is_empty() {
                    Shown::Always
                } else {
                    Shown::Perhaps
                }
            }
            _ => Shown::Perhaps,
        })
    }

    /// The hits, best first, or those who were counted where they are more than may be shown.
    fn hits(
        &self,
        permit: &Permit,
        query: &PersonQuery,
        outlook: &Outlook,
        findings: &mut Findings,
    ) -> Result<Hits, ReadError> {
        let mut persons: BTreeMap<PersonId, Vec<Card>> = BTreeMap::new();
        for record in &outlook.records {
            let card = self.version(permit, *record, outlook.visible)?;
            if let Some(card) = card.filter(|card| card.record.is_some()) {
                persons.entry(card.person).or_default().push(card);
            }
        }
        let mut hits: Vec<Ranked> = Vec::new();
        for cards in persons.into_values() {
            for seen in self.look(permit, cards, outlook.visible)? {
                let Some(found) = score(permit, query, &seen) else {
                    continue;
                };
                match seen.view {
                    View::Hidden(clause) => {
                        findings.withheld_of_many(seen.municipality, seen.person, clause);
                    }
                    View::Visible(fields) => add(&mut hits, ranked(permit, &seen, fields, found)),
                }
            }
            if permit.max_hits() < hits.len() {
                let counted = hits.iter().map(|hit| (hit.seen.0, hit.person));
                return Ok(Hits::TooMany(counted.collect()));
            }
        }
        for Ranked { person, seen, .. } in &hits {
            findings.shown(seen.0, *person, seen.1);
        }
        hits.sort_by_cached_key(order);
        Ok(Hits::Few(hits))
    }

    fn hit(&self, permit: &Permit, hit: Ranked) -> SearchHit {
        let Ranked {
            person,
            view,
            found,
            version,
            seen: _,
            record: _,
        } = hit;
        let expires_ms = permit
            .moment()
            .utc()
            .timestamp_millis()
            .saturating_add(SEARCH_HANDLE_MS);
        let reasons = found.reasons.iter().filter_map(|reason| {
            let field = field_of(reason.field)?;
            let granted = permit.granted().contains(field);
            granted.then_some(HitReason {
                field,
                reason: reason.reason,
            })
        });
        SearchHit {
            handle: self
                .handles
                .search(permit.agreement_id(), permit.operator(), person, expires_ms),
            score: found.score,
            reasons: reasons.collect(),
            version,
            view,
        }
    }
}

/// Earlier codes are searched only where they may be seen: by trying beginnings they could be spelt out.
fn codes_asked(permit: &Permit) -> CodesAsked {
    if permit.granted().contains(Field::TaxCodeHistory) {
        CodesAsked::All
    } else {
        CodesAsked::Current
    }
}

fn score(permit: &Permit, query: &PersonQuery, seen: &Seen) -> Option<Match> {
    let codes: Vec<TaxCode> = match codes_asked(permit) {
        CodesAsked::All => seen.record.tax_codes.iter().map(|entry| entry.code).collect(),
        CodesAsked::Current => seen.record.current_tax_code().copied().into_iter().collect(),
    };
    query.score(&matching::Candidate {
        generalities: &seen.record.generalities,
        tax_codes: &codes,
        municipality: Some(seen.municipality),
    })
}

fn ranked(permit: &Permit, seen: &Seen, fields: FieldSet, found: Match) -> Ranked {
    let shown = fields.intersection(permit.fields());
    Ranked {
        person: seen.person,
        view: permit.person_with(&seen.record, shown),
        found,
        version: seen.version,
        seen: (seen.municipality, shown),
        record: seen.id,
    }
}

/// A person is one hit for each way in which the cards name it: where two cards name it alike, the better match counts,
/// and where they do not, none of them wins.
fn add(hits: &mut Vec<Ranked>, hit: Ranked) {
    let same = hits
        .iter_mut()
        .find(|known| known.person == hit.person && known.view == hit.view);
    match same {
        Some(known) if known.found.score < hit.found.score => *known = hit,
        Some(_) => {}
        None => hits.push(hit),
    }
}

fn order(hit: &Ranked) -> Order {
    let text = |name: Option<&PersonName>| name.map(|name| name.as_str().to_owned());
    let Ranked {
        view, found, record, ..
    } = hit;
    Order {
        score: Reverse(found.score),
        surname: text(view.surname.as_ref()),
        given_name: text(view.given_name.as_ref()),
        birth: view
            .birth_date
            .map(|date| [Some(date.earliest()), date.to_naive()]),
        record: *record,
    }
}

/// The granted field about which a reason says something; a municipality is none: no hit tells it.
fn field_of(field: MatchField) -> Option<Field> {
    match field {
        MatchField::Surname => Some(Field::Surname),
        MatchField::GivenName => Some(Field::GivenName),
        MatchField::BirthDate => Some(Field::BirthDate),
        MatchField::TaxCode => Some(Field::TaxCode),
        MatchField::Municipality => None,
    }
}
