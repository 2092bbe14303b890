//! What a node may not do alone: changes beyond the limits of a day wait for a registrar.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use registry::change::{Change, ChangeBody};
use registry::identifier::RecordId;
use registry::measure::{ends_protection, needs_confirmation, removal_needs_confirmation};
use registry::municipality::MunicipalityId;
use registry::publication::{ConfirmedSeal, DailyLimits, HoldReason, LimitedKinds, Others, RollingDay};
use registry::record::Record;

/// The limits, and what each municipality had served in the last 24 hours.
#[derive(Debug)]
pub(crate) struct Gatekeeper {
    limits: DailyLimits,
    days: BTreeMap<MunicipalityId, RollingDay>,
}

/// Judges the changes of one batch.
pub(crate) enum Gate<'a> {
    /// A node sends them.
    Guarded(Guard<'a>),
    /// A registrar has confirmed them.
    Open,
}

/// The state behind a [`Gate::Guarded`].
pub(crate) struct Guard<'a> {
    day: &'a mut RollingDay,
    limits: DailyLimits,
    /// Cards of which the limits are shares.
    cards: u64,
    now_ms: u64,
    /// Cards of which something waits for a registrar.
    held: BTreeSet<RecordId>,
    /// Seals that a registrar has confirmed before, as the node proved.
    proved_seals: Arc<BTreeSet<ConfirmedSeal>>,
    /// Cards as the batch has left them so far.
    served: HashMap<RecordId, Option<&'a Record>>,
}

/// A municipality as it stood before a batch.
#[derive(Default)]
pub(crate) struct Before {
    /// Its cards.
    pub(crate) cards: u64,
    /// Those of which something waits for a registrar.
    pub(crate) held: BTreeSet<RecordId>,
    /// Seals that a registrar has confirmed before, as the node proved.
    pub(crate) proved_seals: Arc<BTreeSet<ConfirmedSeal>>,
}

/// A card as it stood before the batch.
#[derive(Clone, Copy)]
pub(crate) struct Stored<'a> {
    /// As it was last accepted, be it withdrawn or shown to nobody since.
    pub(crate) accepted: Option<&'a Record>,
    /// As it was served.
    pub(crate) served: Option<&'a Record>,
    /// What goes on sheltering of it since it left with its group of fields.
    pub(crate) sheltering: Option<&'a Record>,
}

/// What is to become of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Judgement {
    /// It is served, and counts.
    Serve(LimitedKinds),
    /// It waits.
    Hold(HoldReason),
}

impl Gatekeeper {
    pub(crate) fn new(limits: DailyLimits) -> Self {
        Self {
            limits,
            days: BTreeMap::new(),
        }
    }

    /// A municipality has left.
    pub(crate) fn forget(&mut self, municipality: MunicipalityId) {
        self.days.remove(&municipality);
    }

    /// Notes what was served of a batch: when it is accepted, and when the journal is read again.
    pub(crate) fn note(&mut self, municipality: MunicipalityId, counts: &[LimitedKinds], recorded_ms: u64) {
        let day = self.days.entry(municipality).or_default();
        day.receive(counts.len() as u64, recorded_ms);
        for kinds in counts {
            day.note(*kinds, recorded_ms);
        }
    }

    /// The gate for one batch of so many changes. What it lets through is noted at once.
    pub(crate) fn guard<'a>(
        &'a mut self,
        municipality: MunicipalityId,
        before: Before,
        changes: u64,
        now_ms: u64,
    ) -> Gate<'a> {
        let Before {
            cards,
            held,
            proved_seals,
        } = before;
        let day = self.days.entry(municipality).or_default();
        day.receive(changes, now_ms);
        let cards = day.base(cards.saturating_add(changes), now_ms);
        Gate::Guarded(Guard {
            day,
            limits: self.limits,
            cards,
            now_ms,
            held,
            proved_seals,
            served: HashMap::new(),
        })
    }
}

impl<'a> Gate<'a> {
    /// The card as the batch has left it so far; `served` is how it was served before the batch.
    pub(crate) fn previous<'c>(&'c self, record: RecordId, served: Option<&'c Record>) -> Option<&'c Record> {
        match self {
            Self::Open => served,
            Self::Guarded(guard) => guard.served.get(&record).copied().unwrap_or(served),
        }
    }

    /// Judges a change. `stored` is the card as it was before the batch; `others` what other cards say of its person.
    pub(crate) fn judge(
        &mut self,
        record: RecordId,
        stored: Stored<'_>,
        change: &'a Change,
        others: Others,
    ) -> Judgement {
        match self {
            Self::Open => Judgement::Serve(LimitedKinds::NONE),
            Self::Guarded(guard) => guard.judge(record, stored, change, others),
        }
    }
}

impl<'a> Guard<'a> {
    fn judge(
        &mut self,
        record: RecordId,
        stored: Stored<'_>,
        change: &'a Change,
        others: Others,
    ) -> Judgement {
        let Stored {
            accepted,
            served,
            sheltering,
        } = stored;
        let batched = self.served.get(&record).copied();
        let accepted = batched.flatten().or(accepted);
        let measure = match &change.body {
            ChangeBody::Upsert(card) => needs_confirmation(accepted, card),
            ChangeBody::Remove => batched
                .unwrap_or_else(|| served.or(sheltering))
                .and_then(removal_needs_confirmation),
        };
        let seals_again = match &change.body {
            ChangeBody::Upsert(card) if measure == Some(HoldReason::IdentitySealed) => {
                self.is_proved(card).then_some(card.as_ref())
            }
            ChangeBody::Upsert(_) | ChangeBody::Remove => None,
        };
        let measure = match seals_again {
            Some(card) => ends_protection(accepted, card),
            None => measure,
        };
        if let Some(reason) = measure {
            self.held.insert(record);
            return Judgement::Hold(reason);
        }
        if let Some(card) = seals_again {
            // Whatever it says of the new identity, it claims nobody else's: a sealed card is linked to none.
            self.held.remove(&record);
            self.served.insert(record, Some(card));
            return Judgement::Serve(LimitedKinds::NONE);
        }
        let previous = batched.unwrap_or(served);
        let kinds = LimitedKinds::of(previous, &change.body, others);
        let exceeded = if self.held.contains(&record) {
            // Sent again, it does not slip through when the next day has room.
            kinds.first()
        } else {
            self.day.exceeded_by(kinds, &self.limits, self.cards, self.now_ms)
        };
        if let Some(kind) = exceeded {
            self.held.insert(record);
            return Judgement::Hold(kind.reason());
        }
        self.day.note(kinds, self.now_ms);
        self.held.remove(&record);
        let now = match &change.body {
            ChangeBody::Upsert(card) => Some(card.as_ref()),
            ChangeBody::Remove => None,
        };
        self.served.insert(record, now);
        Judgement::Serve(kinds)
    }

    fn is_proved(&self, card: &Record) -> bool {
        ConfirmedSeal::of(card).is_some_and(|seal| self.proved_seals.contains(&seal))
    }
}
