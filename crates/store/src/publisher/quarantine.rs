//! Quarantines: what a municipality sent in an interval is not trusted and not served, until the quarantine is lifted.

use std::collections::BTreeSet;

use registry::canonical;
use registry::identifier::{PersonId, RecordId};
use registry::measure::{sheltering, with_measures_of, with_protection_of};
use registry::municipality::MunicipalityId;

use crate::projection::ProjectionError;
use crate::publication_journal::Received;
use crate::publication_journal::ruling::{Cause, RestatedCard, Restored, Served, Waiting};
use crate::publisher::held::Quarantine;
use crate::publisher::order::{Done, OrderError};
use crate::publisher::rulings::Outcome;
use crate::publisher::writer::Writer;
use crate::rows::{CommitSequence, RowError, Version};

/// The changes that were received in an interval.
#[derive(Clone, Copy)]
struct Stretch {
    first: CommitSequence,
    last: CommitSequence,
}

impl Stretch {
    fn contains(self, sequence: CommitSequence) -> bool {
        self.first <= sequence && sequence <= self.last
    }
}

impl Writer {
    pub(super) fn quarantine(
        &mut self,
        municipality: MunicipalityId,
        from_ms: u64,
        to_ms: u64,
        reference: String,
        recorded_ms: u64,
    ) -> Outcome {
        let stretch = self.stretch(from_ms, to_ms)?;
        let mut stretches = self.lasting(municipality, None)?;
        stretches.push(stretch);
        let received = self
            .journal
            .received_between(municipality, stretch.first, stretch.last)?;
        let mut cards = Vec::new();
        for record in self.records_of(municipality, received) {
            let Some(newest) = self.projection.version_at(record, self.journal.last())? else {
                continue;
            };
            // What a registrar has sealed stays sealed, whatever is not trusted, and what shelters goes on sheltering.
            if newest.is_buried() || newest.is_sheltering() {
                continue;
            }
            let waits = self.projection.waiting_at(record, self.journal.last())?;
            // What came after the interval is trusted.
            let word = self.projection.last_word(record, newest.sequence)?;
            let sent = match &word {
                Some(word) => Some(self.projection.sent_at(record, word.sequence)?),
                None => None,
            };
            if !sent.is_some_and(|sent| stretch.contains(sent)) {
                cards.push(RestatedCard {
                    record,
                    person: newest.person,
                    served: Served::Unchanged,
                    waiting: waiting(waits),
                });
                continue;
            }
            let (person, served) = self.restored(record, &newest, &stretches)?;
            cards.push(RestatedCard {
                record,
                person,
                waiting: match (waits, &served) {
                    (None, Served::Card { .. } | Served::Removed { .. }) => match newest.into_card() {
                        Some(bytes) => Waiting::Card(bytes),
                        None => Waiting::Removed,
                    },
                    (waits, _) => waiting(waits),
                },
                served,
            });
        }
        let cause = Cause::Quarantined {
            from_ms,
            to_ms,
            reference,
        };
        let outcome = self.restate(municipality, &cause, &cards, recorded_ms)?;
        Ok(outcome.map(|done| Done {
            suspect_from: Some(stretch.first),
            ..done
        }))
    }

    pub(super) fn lift(
        &mut self,
        municipality: MunicipalityId,
        quarantine: CommitSequence,
        reference: String,
        recorded_ms: u64,
    ) -> Outcome {
        let holdings = self.holdings(municipality).unwrap_or_default();
        let mut quarantines = holdings.quarantines().iter();
        let Some(kept) = quarantines.find(|kept| kept.id == quarantine) else {
            return Ok(Err(OrderError::Nothing));
        };
        let held = holdings.held_records();
        let stretches = self.lasting(municipality, Some(quarantine))?;
        let (last, before) = (self.journal.last(), CommitSequence(quarantine.0 - 1));
        let mut concerned = kept.cards.clone();
        // What others have put back, they put back before this one too, which stands in the way no longer.
        for other in holdings
            .quarantines()
            .iter()
            .filter(|other| other.id != quarantine)
        {
            concerned.extend(other.cards.intersection(&kept.concerned));
        }
        let mut cards = Vec::new();
        for record in concerned {
            // What the node said last before the quarantine; what waited for a registrar then still does.
            let Some(word) = self.projection.last_word(record, before)? else {
                continue;
            };
            let Some(newest) = self.projection.version_at(record, last)? else {
                continue;
            };
            if newest.is_buried() || newest.is_sheltering() {
                continue;
            }
            let waits = self.projection.waiting_at(record, last)?;
            let suspect = self.suspect(record, word.sequence, &stretches)?.is_some();
            if suspect || self.projection.shows_buried(record, &word)? {
                // Another quarantine covers it still, or the identity that it shows was sealed meanwhile.
                let (person, served) = self.restored(record, &newest, &stretches)?;
                cards.push(RestatedCard {
                    record,
                    person,
                    served,
                    waiting: waiting(waits),
                });
                continue;
            }
            let (person, standing) = (word.person, Restored::No);
            let word = word.into_card().map(|bytes| protected_as(bytes, newest));
            cards.push(RestatedCard {
                record,
                person,
                served: match word.transpose()? {
                    Some(bytes) => Served::Card { bytes, standing },
                    None => Served::Removed { standing },
                },
                waiting: waiting(waits.filter(|_| held.contains(&record))),
            });
        }
        if cards.is_empty()
            && let Some(&record) = kept.concerned.first()
        {
            // Each card was sent again since: that the quarantine is over is noted all the same.
            let newest = self.projection.version_at(record, last)?;
            cards.push(RestatedCard {
                record,
                person: newest.map_or(PersonId(record.0), |newest| newest.person),
                served: Served::Unchanged,
                waiting: waiting(self.projection.waiting_at(record, last)?),
            });
        }
        let cause = Cause::Lifted {
            quarantine,
            reference,
        };
        self.restate(municipality, &cause, &cards, recorded_ms)
    }

    fn stretch(&self, from_ms: u64, to_ms: u64) -> Result<Stretch, ProjectionError> {
        let before = self.projection.visible_at(from_ms.saturating_sub(1))?;
        Ok(Stretch {
            first: CommitSequence(before.0 + 1),
            last: self.projection.visible_at(to_ms)?,
        })
    }

    /// The intervals of the municipality's quarantines that last, but for one.
    fn lasting(
        &self,
        municipality: MunicipalityId,
        but: Option<CommitSequence>,
    ) -> Result<Vec<Stretch>, ProjectionError> {
        let holdings = self.holdings(municipality).unwrap_or_default();
        let lasting = holdings.quarantines().iter().filter(|kept| Some(kept.id) != but);
        let stretch = |kept: &Quarantine| self.stretch(kept.from_ms, kept.to_ms);
        lasting.map(stretch).collect()
    }

    /// The interval in which what a card holds at a moment was received, among those that are not trusted.
    fn suspect(
        &self,
        record: RecordId,
        at: CommitSequence,
        stretches: &[Stretch],
    ) -> Result<Option<Stretch>, ProjectionError> {
        let sent = self.projection.sent_at(record, at)?;
        Ok(stretches.iter().copied().find(|stretch| stretch.contains(sent)))
    }

    /// What is served of a card in the place of what is not trusted, and whose it is: the last that the municipality
    /// said outside all these intervals.
    ///
    /// Protection is never taken back with it: the measures stay, and a card that was not there before and is
    /// protected goes on sheltering who shares its dwelling, as nobody's. Nor is a card shown as it was before an
    /// identity was sealed.
    fn restored(
        &self,
        record: RecordId,
        newest: &Version,
        stretches: &[Stretch],
    ) -> Result<(PersonId, Served), ProjectionError> {
        let mut trusted = self.projection.last_word(record, newest.sequence)?;
        while let Some(word) = &trusted {
            let until = match self.suspect(record, word.sequence, stretches)? {
                Some(stretch) => stretch.first,
                None if self.projection.shows_buried(record, word)? => word.sequence,
                None => break,
            };
            trusted = self.projection.last_word(record, until.before())?;
        }
        let shown = trusted.filter(|word| !word.is_buried());
        let person = shown.as_ref().map(|word| word.person);
        let decoded = |bytes: Vec<u8>| canonical::decode(&bytes).map_err(|_| RowError::Card);
        let earlier = shown.and_then(Version::into_card).map(decoded).transpose()?;
        let newest_card = newest.clone().into_card().map(decoded).transpose()?;
        let standing = Restored::Yes;
        let card = match (newest_card, earlier) {
            (Some(newest), Some(earlier)) => Some(with_measures_of(&newest, earlier)),
            (None, Some(earlier)) => Some(earlier),
            (Some(newest), None) if newest.ever_protected() => {
                let bytes = canonical::encode(&sheltering(newest));
                return Ok((PersonId(record.0), Served::Card { bytes, standing }));
            }
            (Some(_) | None, None) => None,
        };
        let served = match card {
            Some(card) => Served::Card {
                bytes: canonical::encode(&card),
                standing,
            },
            None => Served::Removed { standing },
        };
        Ok((person.unwrap_or(newest.person), served))
    }

    fn records_of(&self, municipality: MunicipalityId, received: BTreeSet<Received>) -> BTreeSet<RecordId> {
        let record = |received| match received {
            Received::Numbered(local_id) => self.linker.record_id(municipality, &local_id),
            Received::Renewed(record) => record,
        };
        received.into_iter().map(record).collect()
    }
}

/// What waits goes on waiting.
fn waiting(waits: Option<Option<Vec<u8>>>) -> Waiting {
    match waits {
        Some(Some(bytes)) => Waiting::Card(bytes),
        Some(None) => Waiting::Removed,
        None => Waiting::Nothing,
    }
}

/// A card with the protection of the version that is served: what waits may have brought it since.
fn protected_as(card: Vec<u8>, served: Version) -> Result<Vec<u8>, ProjectionError> {
    let Some(served) = served.into_card() else {
        return Ok(card);
    };
    let [own, served] = [&card, &served].map(|bytes| canonical::decode(bytes).map_err(|_| RowError::Card));
    let protected = with_protection_of(&own?, &served?);
    Ok(protected.map_or(card, |protected| canonical::encode(&protected)))
}
