//! Decisions over the changes of a batch: which are served, and to which person their cards belong. The rules are
//! the registry's; here they are given what the rows hold.

mod candidates;
mod pending;
mod sealed;

use chrono::NaiveDate;
use registry::canonical;
use registry::change::{Change, ChangeBody};
use registry::finding::{Severity, card_rules};
use registry::identifier::{LocalId, PersonId, RecordId};
use registry::linking::{self, Anomaly, Candidate, CardFacts, Identity, RegionKey};
use registry::municipality::MunicipalityId;
use registry::publication::{LimitedKinds, Others};
use registry::record::Record;
use registry::sealing;

use crate::linker::pending::{Known, Pending};
use crate::projection::burial::CardStanding;
use crate::projection::contradictions::{Contradiction, Place};
use crate::projection::{Card, Projection, ProjectionError};
use crate::publication_journal::entry::{
    Decision, LinkStanding, MOST_CONTRADICTIONS, MOST_RELINKED, Showing,
};
use crate::publisher::gate::{Gate, Judgement, Stored};
use crate::rows::{CommitSequence, Lead};

/// Longest card that is served, in canonical bytes: with what surrounds it it must fit into one value of the engine.
pub(crate) const LARGEST_CARD: usize = 60 * 1024;

/// Code of the rule under which a longer card is kept aside.
const TOO_LONG: &str = "PN004";

/// Code under which a version is kept aside that would take a sealed card back to where it was before its seal.
const SEAL_LOST: &str = "PN205";

/// Code under which a sealed card is kept aside that holds something from before its seal.
const SEAL_BROKEN: &str = "PN206";

/// Code under which a seal is kept aside that would bury more cards than anybody has.
const SEAL_TOO_WIDE: &str = "PN207";

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

/// Everything that decisions over one batch rest on.
struct Deciding<'a, 'g, 'c> {
    linker: &'a Linker,
    projection: &'a Projection,
    visible: CommitSequence,
    municipality: MunicipalityId,
    today: NaiveDate,
    gate: &'g mut Gate<'c>,
    /// Where the change at hand stands among all.
    sequence: CommitSequence,
    pending: Pending,
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
    pub(crate) fn resolve<'c>(
        &self,
        projection: &Projection,
        municipality: MunicipalityId,
        changes: &'c [Change],
        today: NaiveDate,
        gate: &mut Gate<'c>,
    ) -> Result<Resolved, ProjectionError> {
        let mut deciding = Deciding {
            linker: self,
            projection,
            visible: projection.visible(),
            municipality,
            today,
            gate,
            sequence: projection.visible(),
            pending: Pending::default(),
        };
        let mut resolved = Resolved::default();
        for change in changes {
            let (decision, counts) = deciding.decide(change)?;
            resolved.push(decision, counts);
        }
        Ok(resolved)
    }
}

impl<'c> Deciding<'_, '_, 'c> {
    fn decide(&mut self, change: &'c Change) -> Result<(Decision, LimitedKinds), ProjectionError> {
        self.sequence.0 += 1;
        let base = self.linker.record_id(self.municipality, &change.local_id);
        let mut record = base;
        while let Known::Buried(Some(successor)) = self.known(record)? {
            record = successor;
        }
        if let ChangeBody::Upsert(card) = &change.body
            && let Some(rule) = self.kept_aside(base, record, card)?
        {
            return Ok((quarantined(rule), LimitedKinds::NONE));
        }
        let counts = match self.judge(record, change)? {
            Judgement::Serve(counts) => counts,
            Judgement::Hold(reason) => {
                if let ChangeBody::Upsert(card) = &change.body {
                    let facts = CardFacts::of(card, Identity::Open);
                    self.pending.held.push((record, facts, linking::link_keys(card)));
                }
                let moved = (record != base).then_some(record);
                return Ok((Decision::Held { reason, moved }, LimitedKinds::NONE));
            }
        };
        let decision = match &change.body {
            ChangeBody::Remove => self.remove(base, record)?,
            ChangeBody::Upsert(card) => self.upsert(record, card)?,
        };
        Ok((decision, counts))
    }

    /// Whether the change waits for a registrar.
    fn judge(&mut self, record: RecordId, change: &'c Change) -> Result<Judgement, ProjectionError> {
        if matches!(self.gate, Gate::Open) {
            return Ok(Judgement::Serve(LimitedKinds::NONE));
        }
        let accepted = self.projection.last_published(record, self.visible)?;
        let served = self.projection.card_at(record, self.visible)?;
        let served = served.and_then(|card| card.record);
        // Whoever is shown to nobody, sealed or out of publication, shelters others all the same.
        let sheltering = self.projection.held_at(record, self.visible)?;
        let sheltering = sheltering.and_then(Card::into_sheltering);
        let others = match &change.body {
            ChangeBody::Upsert(card) => {
                self.others(record, self.gate.previous(record, served.as_ref()), card)?
            }
            ChangeBody::Remove => Others::default(),
        };
        let stored = Stored {
            accepted: accepted.as_ref(),
            served: served.as_ref(),
            sheltering: sheltering.as_ref(),
        };
        Ok(self.gate.judge(record, stored, change, others))
    }

    /// The rule under which a version of a card is kept aside.
    fn kept_aside(
        &self,
        base: RecordId,
        record: RecordId,
        card: &Record,
    ) -> Result<Option<&'static str>, ProjectionError> {
        let rule = broken_rule(card, self.today);
        if rule.is_some() {
            return Ok(rule);
        }
        let Some(seal) = card.measures.seal else {
            // Without its seal a new identity would stand beside the old one again.
            return Ok((record != base).then_some(SEAL_LOST));
        };
        if sealing::stripped(card.clone()) != *card {
            return Ok(Some(SEAL_BROKEN));
        }
        let sealed = self.sealed_id(card, seal.from);
        // An older seal of the same card.
        let older = sealed != record && !matches!(self.known(sealed)?, Known::Unknown);
        Ok(older.then_some(SEAL_LOST))
    }

    fn sealed_id(&self, card: &Record, from: NaiveDate) -> RecordId {
        linking::sealed_record_id(&self.linker.region, self.municipality, &card.local_id, from)
    }

    fn remove(&mut self, base: RecordId, record: RecordId) -> Result<Decision, ProjectionError> {
        let decision = match self.known(record)? {
            Known::Buried(_) => Decision::Buried { record },
            Known::Published(person) if base == record => {
                self.pending.remove(record, person);
                linked(person)
            }
            Known::Unknown if base == record => {
                let person = PersonId(record.0);
                self.pending.remove(record, person);
                linked(person)
            }
            Known::Published(_) | Known::Unknown => {
                self.pending.remove(record, PersonId(record.0));
                Decision::Renewed {
                    showing: Showing::Shown,
                    record,
                }
            }
        };
        Ok(decision)
    }

    fn upsert(&mut self, record: RecordId, card: &Record) -> Result<Decision, ProjectionError> {
        let known = self.known(record)?;
        let Some(seal) = card.measures.seal else {
            return match known {
                Known::Buried(_) => Ok(Decision::Buried { record }),
                Known::Published(person) => self.open(record, Some(person), card),
                Known::Unknown => self.open(record, None, card),
            };
        };
        let sealed = self.sealed_id(card, seal.from);
        if sealed == record {
            self.renew(record, card, seal.identity)
        } else {
            self.seal(record, known, sealed, card)
        }
    }

    /// A card of an identity that is not sealed.
    fn open(
        &mut self,
        record: RecordId,
        known: Option<PersonId>,
        card: &Record,
    ) -> Result<Decision, ProjectionError> {
        if self.bears_buried(record, card)? {
            self.pending.bury(record, None);
            return Ok(Decision::Buried { record });
        }
        let mut candidates = self.candidates(known, card)?;
        self.date(record, &mut candidates)?;
        let facts = CardFacts::of(card, Identity::Open);
        let decided = linking::link(record, &facts, &candidates, self.today);
        let kin: Vec<&Candidate> = candidates
            .iter()
            .filter(|other| other.record != record && Some(other.person) == known)
            .collect();
        let (person, standing) = match (known, decided.standing) {
            (_, linking::LinkStanding::Confirmed) => (decided.person, LinkStanding::Confirmed),
            // A card keeps its person while no other card of that person is there to disagree: what
            // changed on it may be the very thing that linked it.
            (Some(known), _) if kin.is_empty() => (known, LinkStanding::Confirmed),
            (_, linking::LinkStanding::First) => (decided.person, LinkStanding::Confirmed),
            (_, linking::LinkStanding::Unconfirmed) => (decided.person, LinkStanding::Unconfirmed),
        };
        let mut relinked: Vec<(RecordId, PersonId)> = Vec::new();
        for merged in decided.merged.iter().filter(|merged| **merged != person) {
            let cards = self.cards_of_person(*merged)?;
            relinked.extend(
                cards
                    .into_iter()
                    .filter(|other| *other != record)
                    .map(|other| (other, person)),
            );
        }
        if let Some(left) = known.filter(|known| *known != person && kin.is_empty()) {
            // What has left publication says nothing of its own: it goes along, and on protecting.
            let others = self.cards_of_person(left)?.into_iter();
            relinked.extend(
                others
                    .filter(|other| *other != record)
                    .map(|other| (other, person)),
            );
        }
        let leaves =
            known.filter(|known| *known != person || decided.standing == linking::LinkStanding::First);
        if let Some(left) = leaves
            && left.0 == record.0
            && !decided.merged.contains(&left)
            && let Some(first) = kin.iter().min_by_key(|other| (other.linked_at, other.record))
        {
            // The card whose id its person bore is no longer theirs: the others take the id of the first of them, and
            // what was told of the person's id goes on meaning this card.
            let renamed = PersonId(first.record.0);
            relinked.extend(kin.iter().map(|other| (other.record, renamed)));
        }
        relinked.sort_unstable();
        relinked.dedup();
        let too_many = MOST_RELINKED < relinked.len();
        let (person, relinked) = match (too_many, known) {
            // So many cards are nobody's: they stay as they are rather than half of them.
            (true, Some(known)) => (known, Vec::new()),
            (true, None) => (PersonId(record.0), Vec::new()),
            (false, _) => (person, relinked),
        };
        let contradictions = self.contradictions(&decided.anomalies, &candidates);
        for (other, person) in &relinked {
            self.pending.relink(*other, *person);
        }
        self.pending.add(
            Candidate {
                record,
                person,
                linked_at: self.sequence.0,
                facts,
            },
            linking::link_keys(card),
        );
        Ok(if relinked.is_empty() && contradictions.is_empty() {
            Decision::Linked { person, standing }
        } else {
            Decision::Related {
                person,
                standing,
                relinked,
                contradictions,
            }
        })
    }

    fn known(&self, record: RecordId) -> Result<Known, ProjectionError> {
        if let Some(known) = self.pending.standing.get(&record) {
            return Ok(*known);
        }
        if let Some((person, _)) = self.pending.by_record.get(&record) {
            return Ok(Known::Published(*person));
        }
        Ok(match self.projection.standing_of(record)? {
            CardStanding::Unknown => Known::Unknown,
            CardStanding::Published(person) => {
                Known::Published(self.pending.relinked.get(&record).copied().unwrap_or(person))
            }
            CardStanding::Buried(successor) => Known::Buried(successor),
        })
    }

    /// Every card of a person, as the batch has left them so far; what left publication and goes on protecting the
    /// person is among them.
    fn cards_of_person(&self, person: PersonId) -> Result<Vec<RecordId>, ProjectionError> {
        let mut stored = self.projection.cards_of_person(person, self.visible)?;
        stored.extend(self.projection.cards_of(Lead::Protected(person), self.visible)?);
        let gained = self
            .pending
            .by_record
            .iter()
            .map(|(record, (person, _))| (*record, *person));
        let moved = self
            .pending
            .relinked
            .iter()
            .map(|(record, person)| (*record, *person));
        let mut cards: Vec<RecordId> = gained
            .chain(moved)
            .filter(|(_, other)| *other == person)
            .map(|(record, _)| record)
            .chain(stored)
            .collect();
        cards.sort_unstable();
        cards.dedup();
        let mut theirs = Vec::with_capacity(cards.len());
        for record in cards {
            if matches!(self.known(record)?, Known::Published(other) if other == person) {
                theirs.push(record);
            }
        }
        Ok(theirs)
    }

    /// The same with those that were withdrawn from publication.
    fn every_card_of_person(&self, person: PersonId) -> Result<Vec<RecordId>, ProjectionError> {
        let mut cards = self.cards_of_person(person)?;
        for record in self.projection.ever_linked(person)? {
            if matches!(self.known(record)?, Known::Published(other) if other == person) {
                cards.push(record);
            }
        }
        cards.sort_unstable();
        cards.dedup();
        Ok(cards)
    }

    fn contradictions(&self, anomalies: &[Anomaly], candidates: &[Candidate]) -> Vec<Contradiction> {
        let mut found: Vec<Contradiction> = anomalies
            .iter()
            .filter_map(|Anomaly { kind, other }| {
                let candidate = candidates.iter().find(|candidate| candidate.record == *other)?;
                let municipality = MunicipalityId::of_any(candidate.facts.municipality)?;
                Some(Contradiction {
                    kind: *kind,
                    other: Place {
                        municipality,
                        record: *other,
                    },
                })
            })
            .collect();
        found.sort_unstable();
        found.dedup();
        found.truncate(MOST_CONTRADICTIONS);
        found
    }

    /// Where several persons could be one, the one whose card came first names it: so each candidate is dated by the
    /// first version of the card that bears its person's id.
    fn date(&self, record: RecordId, candidates: &mut [Candidate]) -> Result<(), ProjectionError> {
        let mut persons: Vec<PersonId> = candidates
            .iter()
            .filter(|candidate| candidate.record != record)
            .map(|candidate| candidate.person)
            .collect();
        persons.sort_unstable();
        persons.dedup();
        if persons.len() < 2 {
            return Ok(());
        }
        for candidate in candidates {
            if let Some(first) = self.projection.first_sequence(RecordId(candidate.person.0))? {
                candidate.linked_at = first.0;
            }
        }
        Ok(())
    }
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

fn linked(person: PersonId) -> Decision {
    Decision::Linked {
        person,
        standing: LinkStanding::Confirmed,
    }
}

fn quarantined(rule: &str) -> Decision {
    Decision::Quarantined {
        rule: rule.to_owned(),
    }
}

#[cfg(test)]
mod tests;
