//! How the writer carries out orders: first the journal, then the rows, then the answer.

use std::collections::BTreeMap;
use std::sync::PoisonError;

use registry::canonical;
use registry::change::{Change, ChangeBody};
use registry::identifier::{IstatCode, PersonId, RecordId};
use registry::municipality::MunicipalityId;
use registry::publication::{Batch, MAX_CHANGES};
use registry::statement::{Act, SignedStatement, Statement, VerifiedStatement};

use crate::files::is_no_space;
use crate::keys::ring::RingError;
use crate::projection::ProjectionError;
use crate::publication_journal::JournalError;
use crate::publication_journal::entry::{AcceptedBatch, Decision};
use crate::publication_journal::ruling::{Cause, Release, RestatedCard, Restatement, Served, Waiting};
use crate::publisher::gate::Gate;
use crate::publisher::held::{HeldChange, Holdings};
use crate::publisher::order::{Done, Order, OrderError};
use crate::publisher::writer::{Writer, apply, apply_restatement, day_of};
use crate::publisher::{PublishError, WriterFailure};
use crate::rows::{CommitSequence, RowError};
use crate::segment::AppendError;

/// Cards of one frame: far below what a frame can hold.
const CARDS_AT_ONCE: usize = 500;

/// Carried out or refused; the outer error ends the writer.
pub(super) type Outcome = Result<Result<Done, OrderError>, WriterFailure>;

impl Writer {
    pub(super) fn order(&mut self, order: Order, now_ms: u64) -> Outcome {
        let withdrawn = self.is_withdrawn(order.municipality());
        if withdrawn && !matches!(order, Order::Withdraw { .. }) {
            return Ok(Err(OrderError::Withdrawn));
        }
        let recorded_ms = self.recorded_at(now_ms);
        match order {
            Order::Withdraw {
                municipality,
                statement,
            } => self.withdraw(municipality, &statement, recorded_ms),
            Order::Confirm {
                municipality,
                statement,
            } => match statement.stated().act {
                Act::Release => self.release(municipality, &statement, recorded_ms),
                Act::Reject => self.reject(municipality, &statement, recorded_ms),
            },
            Order::Quarantine {
                municipality,
                from_ms,
                to_ms,
                reference,
            } => {
                if to_ms < from_ms || recorded_ms < to_ms {
                    return Ok(Err(OrderError::Interval));
                }
                self.quarantine(municipality, from_ms, to_ms, reference, recorded_ms)
            }
            Order::Lift {
                municipality,
                quarantine,
                reference,
            } => self.lift(municipality, quarantine, reference, recorded_ms),
        }
    }

    pub(super) fn holdings(&self, municipality: MunicipalityId) -> Option<Holdings> {
        let states = self.states.read().unwrap_or_else(PoisonError::into_inner);
        states.get(&municipality).map(|state| state.holdings.clone())
    }

    /// What waits, when it is what the statement names.
    fn confirmed(
        &self,
        municipality: MunicipalityId,
        statement: &Statement,
    ) -> Result<Vec<(RecordId, HeldChange)>, OrderError> {
        let Statement {
            act: _,
            municipality: code,
            epoch,
            changes,
            digest,
        } = statement;
        if MunicipalityId::of_any(*code) != Some(municipality) {
            return Err(OrderError::UnknownMunicipality);
        }
        if *epoch != self.book.epoch(municipality) {
            return Err(OrderError::OtherEpoch);
        }
        let holdings = self
            .holdings(municipality)
            .ok_or(OrderError::UnknownMunicipality)?;
        let mut held: Vec<(RecordId, HeldChange)> = holdings
            .held_by_record()
            .map(|(record, change)| (record, change.clone()))
            .collect();
        held.sort_by_key(|(_, change)| change.commit_sequence);
        if held.is_empty() {
            return Err(OrderError::Nothing);
        }
        if u32::try_from(held.len()) != Ok(*changes) || holdings.digest() != *digest {
            return Err(OrderError::OtherHoldings);
        }
        Ok(held)
    }

    fn release(
        &mut self,
        municipality: MunicipalityId,
        statement: &VerifiedStatement,
        recorded_ms: u64,
    ) -> Outcome {
        let held = match self.confirmed(municipality, statement.stated()) {
            Ok(held) => held,
            Err(error) => return Ok(Err(error)),
        };
        let mut done = Done::nothing();
        for part in held.chunks(CARDS_AT_ONCE) {
            let code = statement.stated().municipality;
            for (code, changes) in by_code(self.waiting_changes(part)?, code) {
                match self.release_part(municipality, code, statement, changes, recorded_ms)? {
                    Ok(part) => done.add(part),
                    Err(error) => return Ok(Err(error)),
                }
            }
        }
        Ok(Ok(done))
    }

    /// What waits, as changes numbered from 1.
    fn waiting_changes(&self, held: &[(RecordId, HeldChange)]) -> Result<Vec<Change>, WriterFailure> {
        let last = self.journal.last();
        let mut changes: Vec<Change> = Vec::with_capacity(held.len());
        for (record, change) in held {
            let Some(waiting) = self.projection.waiting_at(*record, last)? else {
                continue;
            };
            let body = match waiting {
                None => ChangeBody::Remove,
                Some(bytes) => {
                    let card =
                        canonical::decode(&bytes).map_err(|_| ProjectionError::from(RowError::Card))?;
                    ChangeBody::Upsert(Box::new(card))
                }
            };
            changes.push(Change {
                sequence: changes.len() as u64 + 1,
                local_id: change.local_id.clone(),
                body,
                events: Vec::new(),
            });
        }
        Ok(changes)
    }

    fn release_part(
        &mut self,
        municipality: MunicipalityId,
        code: IstatCode,
        statement: &VerifiedStatement,
        changes: Vec<Change>,
        recorded_ms: u64,
    ) -> Outcome {
        let sent_at_ms = i64::try_from(recorded_ms).unwrap_or(i64::MAX);
        let Ok(batch) = Batch::new(code, self.book.epoch(municipality), 1, changes, sent_at_ms) else {
            return Ok(Err(OrderError::OtherHoldings));
        };
        debug_assert!(batch.changes().len() <= MAX_CHANGES);
        let content = batch.canonical_bytes();
        let longest = Release::longest(AcceptedBatch::longest(batch.changes().len(), content.len()));
        if let Err(error) = self.journal.prepare_entry(municipality, longest) {
            return not_now(error);
        }
        let resolved = self.linker.resolve(
            &self.projection,
            municipality,
            batch.changes(),
            day_of(sent_at_ms),
            &mut Gate::Open,
        )?;
        let release = Release {
            statement: statement.signed().clone(),
            batch: AcceptedBatch {
                first: CommitSequence(self.journal.last().0 + 1),
                recorded_ms,
                sent_at_ms,
                municipality,
                evidence: None,
                content,
                decisions: resolved.decisions,
                counts: resolved.counts,
            },
        };
        self.journal.append_release(&release)?;
        let accepted = &release.batch;
        self.note_holdings(municipality, |holdings, linker| {
            holdings.note_batch(linker, accepted, &batch);
        });
        apply(&self.projection, &self.states, accepted, &batch, &self.linker)?;
        self.projection.publish(accepted.last())?;
        let persons = accepted.decisions.iter().filter_map(|decision| match decision {
            Decision::Linked { person, .. } | Decision::Related { person, .. } => Some(*person),
            Decision::Sealed { record, .. } | Decision::Renewed { record, .. } => Some(PersonId(record.0)),
            Decision::Quarantined { .. } | Decision::Held { .. } | Decision::Buried { .. } => None,
        });
        Ok(Ok(Done {
            first: Some(accepted.first),
            persons: persons.collect(),
            suspect_from: None,
        }))
    }

    fn reject(
        &mut self,
        municipality: MunicipalityId,
        statement: &VerifiedStatement,
        recorded_ms: u64,
    ) -> Outcome {
        let held = match self.confirmed(municipality, statement.stated()) {
            Ok(held) => held,
            Err(error) => return Ok(Err(error)),
        };
        let last = self.journal.last();
        let mut cards = Vec::with_capacity(held.len());
        for (record, _) in held {
            let served = self.projection.card_at(record, last)?;
            cards.push(RestatedCard {
                record,
                person: served.map_or(PersonId(record.0), |card| card.person),
                served: Served::Unchanged,
                waiting: Waiting::Nothing,
            });
        }
        let signed: SignedStatement = statement.signed().clone();
        self.restate(municipality, &Cause::Rejected(signed), &cards, recorded_ms)
    }

    /// Journals what is served otherwise, in parts, and makes it visible all at once.
    pub(super) fn restate(
        &mut self,
        municipality: MunicipalityId,
        cause: &Cause,
        cards: &[RestatedCard],
        recorded_ms: u64,
    ) -> Outcome {
        let mut done = Done::nothing();
        for part in cards.chunks(CARDS_AT_ONCE) {
            let restatement = Restatement {
                first: CommitSequence(self.journal.last().0 + 1),
                recorded_ms,
                municipality,
                cause: cause.clone(),
                cards: part.to_vec(),
            };
            let bytes = restatement.encode().len();
            if let Err(error) = self.journal.prepare_entry(municipality, bytes) {
                return not_now(error);
            }
            self.journal.append_restatement(&restatement)?;
            self.note_holdings(municipality, |holdings, _| {
                holdings.note_restatement(&restatement);
            });
            apply_restatement(&self.projection, &self.states, &restatement)?;
            done.add(Done {
                first: Some(restatement.first),
                persons: restatement.served_otherwise().map(|card| card.person).collect(),
                suspect_from: None,
            });
        }
        self.projection.publish(self.journal.last())?;
        Ok(Ok(done))
    }
}

/// Changes by the code under which their cards came, which is an earlier one of the municipality where it has changed
/// since; withdrawals go under the present one. Each group is numbered from 1.
fn by_code(changes: Vec<Change>, present: IstatCode) -> BTreeMap<IstatCode, Vec<Change>> {
    let mut groups: BTreeMap<IstatCode, Vec<Change>> = BTreeMap::new();
    for change in changes {
        let code = match &change.body {
            ChangeBody::Upsert(card) => card.municipality,
            ChangeBody::Remove => present,
        };
        let group = groups.entry(code).or_default();
        let sequence = group.len() as u64 + 1;
        group.push(Change { sequence, ..change });
    }
    groups
}

impl Done {
    pub(super) fn nothing() -> Self {
        Self {
            first: None,
            persons: Vec::new(),
            suspect_from: None,
        }
    }

    fn add(&mut self, part: Self) {
        self.first = self.first.or(part.first);
        self.persons.extend(part.persons);
    }
}

/// Sorts what stands in the way of an order from what ends the writer.
pub(super) fn not_now(error: JournalError) -> Outcome {
    match error {
        JournalError::Keys(RingError::Destroyed) => Ok(Err(OrderError::Withdrawn)),
        JournalError::Append(AppendError::NoSpace | AppendError::TooLong { .. }) => {
            Ok(Err(PublishError::Stopped.into()))
        }
        JournalError::Keys(RingError::Io(cause)) if is_no_space(&cause) => {
            Ok(Err(PublishError::Stopped.into()))
        }
        other => Err(other.into()),
    }
}
