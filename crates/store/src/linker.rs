//! Decisions over the changes of a batch: which are served, and to which person their cards belong. The rules are
//! the registry's; here they are given what the rows hold.

use std::collections::HashMap;

use chrono::NaiveDate;
use registry::canonical;
use registry::change::{Change, ChangeBody};
use registry::finding::{Severity, card_rules};
use registry::identifier::{LocalId, PersonId, RecordId};
use registry::linking::{self, Candidate, CardFacts, Identity, LinkKey, RegionKey};
use registry::municipality::MunicipalityId;
use registry::publication::LimitedKinds;
use registry::record::Record;

use crate::projection::{Card, Projection, ProjectionError};
use crate::publication_journal::entry::{Decision, LinkStanding};
use crate::publisher::gate::{Gate, Judgement};
use crate::rows::{CommitSequence, Lead};

/// Longest card that is served, in canonical bytes: with what surrounds it it must fit into one value of the engine.
pub(crate) const LARGEST_CARD: usize = 60 * 1024;

/// Code of the rule under which a longer card is kept aside.
const TOO_LONG: &str = "PN004";

/// An identifier that more cards than this share is not one person's and links nobody. It also bounds the work that
/// one change can cause.
const CROWD: usize = 100;

/// Makes record ids and resolves persons.
#[derive(Debug)]
pub(crate) struct Linker {
    region: RegionKey,
}

/// What was decided about the changes of a batch, in their order.
#[derive(Debug, Default)]
pub(crate) struct Resolved {
    /// What becomes of each.
    pub(crate) decisions: Vec<Decision>,
    /// Towards which limits of a day each counts.
    pub(crate) counts: Vec<LimitedKinds>,
}

impl Resolved {
    fn push(&mut self, decision: Decision, counts: LimitedKinds) {
        self.decisions.push(decision);
        self.counts.push(counts);
    }
}

/// What the batch at hand has made of the cards that it has changed so far.
#[derive(Default)]
struct Pending {
    cards: Vec<Candidate>,
    by_key: HashMap<LinkKey, Vec<usize>>,
    /// Where the card stands in `cards` now; `None` once it was removed.
    by_record: HashMap<RecordId, (PersonId, Option<usize>)>,
}

impl Linker {
    pub(crate) fn new(region: RegionKey) -> Self {
        Self { region }
    }

    /// The regional id of a card.
    pub(crate) fn record_id(&self, municipality: MunicipalityId, local_id: &LocalId) -> RecordId {
        linking::record_id(&self.region, municipality, local_id)
    }

    /// Decides over every change of a batch, against all that was accepted before and the batch itself. `today` is
    /// the day of the node when it sent them.
    pub(crate) fn resolve<'a>(
        &self,
        projection: &Projection,
        municipality: MunicipalityId,
        changes: &'a [Change],
        today: NaiveDate,
        gate: &mut Gate<'a>,
    ) -> Result<Resolved, ProjectionError> {
        let visible = projection.visible();
        let mut pending = Pending::default();
        let mut resolved = Resolved::default();
        for (change, sequence) in changes.iter().zip(visible.0 + 1..) {
            let record = self.record_id(municipality, &change.local_id);
            let stored = projection.card_at(record, visible)?;
            let known = match pending.by_record.get(&record) {
                Some((person, _)) => Some(*person),
                None => stored.as_ref().map(|card| card.person),
            };
            let stored = stored.and_then(|card| card.record);
            match &change.body {
                ChangeBody::Remove => match gate.judge(record, stored.as_ref(), change, false) {
                    Judgement::Hold(reason) => resolved.push(Decision::Held { reason }, LimitedKinds::NONE),
                    Judgement::Serve(counts) => {
                        let person = known.unwrap_or(PersonId(record.0));
                        pending.remove(record, person);
                        let standing = LinkStanding::Confirmed;
                        resolved.push(Decision::Linked { person, standing }, counts);
                    }
                },
                ChangeBody::Upsert(card) => {
                    if let Some(rule) = broken_rule(card, today) {
                        let rule = rule.to_owned();
                        resolved.push(Decision::Quarantined { rule }, LimitedKinds::NONE);
                        continue;
                    }
                    let candidates = candidates(projection, visible, &pending, known, card)?;
                    let elsewhere = registered_elsewhere(&candidates, municipality, today)
                        || claimed_elsewhere(projection, visible, municipality, card, today)?;
                    let counts = match gate.judge(record, stored.as_ref(), change, elsewhere) {
                        Judgement::Serve(counts) => counts,
                        Judgement::Hold(reason) => {
                            resolved.push(Decision::Held { reason }, LimitedKinds::NONE);
                            continue;
                        }
                    };
                    let facts = CardFacts::of(card, Identity::Open);
                    let linked = linking::link(record, &facts, &candidates, today);
                    let kin = candidates
                        .iter()
                        .any(|other| other.record != record && Some(other.person) == known);
                    let (person, standing) = match (known, linked.standing) {
                        (_, linking::LinkStanding::Confirmed) => (linked.person, LinkStanding::Confirmed),
                        // A card keeps its person while no other card of that person is there to disagree: what
                        // changed on it may be the very thing that linked it.
                        (Some(known), _) if !kin => (known, LinkStanding::Confirmed),
                        (_, linking::LinkStanding::First) => (linked.person, LinkStanding::Confirmed),
                        (_, linking::LinkStanding::Unconfirmed) => (linked.person, LinkStanding::Unconfirmed),
                    };
                    pending.add(
                        Candidate {
                            record,
                            person,
                            linked_at: sequence,
                            facts,
                        },
                        linking::link_keys(card),
                    );
                    resolved.push(Decision::Linked { person, standing }, counts);
                }
            }
        }
        Ok(resolved)
    }
}

/// Whether another municipality has the person of one of these cards registered.
fn registered_elsewhere(candidates: &[Candidate], municipality: MunicipalityId, today: NaiveDate) -> bool {
    candidates.iter().any(|candidate| {
        MunicipalityId::of_any(candidate.facts.municipality) != Some(municipality)
            && candidate.facts.registered_on(today)
    })
}

/// Whether another municipality has somebody registered under a codice fiscale that this card states without the tax
/// registry's word: it links nobody, and yet leads to the card.
fn claimed_elsewhere(
    projection: &Projection,
    visible: CommitSequence,
    municipality: MunicipalityId,
    card: &Record,
    today: NaiveDate,
) -> Result<bool, ProjectionError> {
    for entry in card.tax_codes.iter().filter(|entry| !entry.validated) {
        let lead = projection.tax_code(entry.code.as_str());
        for record in projection.cards_of(lead, visible)?.into_iter().take(CROWD) {
            let other = projection.card_at(record, visible)?.and_then(candidate);
            if registered_elsewhere(other.as_slice(), municipality, today) {
                return Ok(true);
            }
        }
    }
    Ok(false)
}

/// The rule under which a card is kept aside: the index asks again what the node has asked before it.
fn broken_rule(card: &Record, today: NaiveDate) -> Option<&'static str> {
    if LARGEST_CARD < canonical::encode(card).len() {
        return Some(TOO_LONG);
    }
    // Where the node sent it, tomorrow may have begun.
    let latest_today = today.succ_opt().unwrap_or(today);
    let mut broken = card_rules(card, latest_today).into_iter().map(|(rule, _)| rule);
    broken
        .find(|rule| rule.severity == Severity::Error)
        .map(|rule| rule.code)
}

impl Pending {
    fn add(&mut self, card: Candidate, keys: Vec<LinkKey>) {
        let place = self.cards.len();
        for key in keys {
            self.by_key.entry(key).or_default().push(place);
        }
        self.by_record.insert(card.record, (card.person, Some(place)));
        self.cards.push(card);
    }

    fn remove(&mut self, record: RecordId, person: PersonId) {
        self.by_record.insert(record, (person, None));
    }

    /// The batch's own cards that have the key, in their last state.
    fn with_key(&self, key: &LinkKey) -> impl Iterator<Item = &Candidate> {
        let places = self.by_key.get(key).map_or(&[][..], Vec::as_slice);
        places.iter().filter_map(|&place| {
            let card = self.cards.get(place)?;
            let (_, current) = self.by_record.get(&card.record)?;
            (*current == Some(place)).then_some(card)
        })
    }
}

/// Every card that shares a key with `card`, and every other card of the person to whom it was linked: each once, as
/// the batch has left it so far.
fn candidates(
    projection: &Projection,
    visible: CommitSequence,
    pending: &Pending,
    known: Option<PersonId>,
    card: &Record,
) -> Result<Vec<Candidate>, ProjectionError> {
    let mut found: Vec<Candidate> = Vec::new();
    let mut stored: Vec<RecordId> = Vec::new();
    for key in linking::link_keys(card) {
        let sharing = projection.cards_of(lead_of(projection, &key), visible)?;
        let batched: Vec<&Candidate> = pending.with_key(&key).collect();
        if CROWD < sharing.len() + batched.len() {
            continue;
        }
        stored.extend(sharing);
        found.extend(batched.into_iter().cloned());
    }
    if let Some(person) = known {
        stored.push(RecordId(person.0));
        stored.extend(
            projection
                .cards_of(Lead::Person(person), visible)?
                .into_iter()
                .take(CROWD),
        );
    }
    for record in stored {
        if found.iter().any(|other| other.record == record) {
            continue;
        }
        match pending.by_record.get(&record) {
            Some((_, place)) => found.extend(place.and_then(|place| pending.cards.get(place)).cloned()),
            None => found.extend(projection.card_at(record, visible)?.and_then(candidate)),
        }
    }
    found.sort_by_key(|candidate| candidate.record);
    found.dedup_by_key(|candidate| candidate.record);
    Ok(found)
}

fn candidate(card: Card) -> Option<Candidate> {
    let Card {
        id,
        sequence,
        person,
        restored: _,
        record,
    } = card;
    let facts = CardFacts::of(&record?, Identity::Open);
    Some(Candidate {
        record: id,
        person,
        linked_at: sequence.0,
        facts,
    })
}

fn lead_of(projection: &Projection, key: &LinkKey) -> Lead {
    match key {
        LinkKey::NationalId(id) => projection.national_id(id.as_str()),
        LinkKey::TaxCode(code) => projection.tax_code(code.as_str()),
        LinkKey::Generalities(key) => projection.generalities(key),
    }
}

#[cfg(test)]
mod tests;
