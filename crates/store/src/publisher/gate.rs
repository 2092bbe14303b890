//! What a node may not do alone: changes beyond the limits of a day wait for a registrar.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use registry::change::{Change, ChangeBody};
use registry::identifier::RecordId;
use registry::measure::{needs_confirmation, removal_needs_confirmation};
use registry::municipality::MunicipalityId;
use registry::publication::{DailyLimits, HoldReason, LimitedKinds, RollingDay};
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
    /// Cards that the municipality has.
    cards: u64,
    now_ms: u64,
    /// Cards of which something waits for a registrar.
    held: BTreeSet<RecordId>,
    /// Cards as the batch has left them so far.
    served: HashMap<RecordId, Option<&'a Record>>,
}

/// A card as it stood before the batch.
#[derive(Clone, Copy)]
pub(crate) struct Stored<'a> {
    /// As it was last accepted, be it withdrawn or shown to nobody since.
    pub(crate) accepted: Option<&'a Record>,
    /// As it was served.
    pub(crate) served: Option<&'a Record>,
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

    /// Notes what was served of a batch: when it is accepted, and when the journal is read again.
    pub(crate) fn note(
        &mut self,
        municipality: MunicipalityId,
        counts: impl IntoIterator<Item = LimitedKinds>,
        recorded_ms: u64,
    ) {
        let day = self.days.entry(municipality).or_default();
        for kinds in counts {
            day.note(kinds, recorded_ms);
        }
    }

    /// The gate for one batch. What it lets through is noted at once.
    pub(crate) fn guard<'a>(
        &'a mut self,
        municipality: MunicipalityId,
        cards: u64,
        held: BTreeSet<RecordId>,
        now_ms: u64,
    ) -> Gate<'a> {
        Gate::Guarded(Guard {
            day: self.days.entry(municipality).or_default(),
            limits: self.limits,
            cards,
            now_ms,
            held,
            served: HashMap::new(),
        })
    }
}

impl<'a> Gate<'a> {
    /// Judges a change. `stored` is the card as it was before the batch; `registered_elsewhere` whether
    /// another municipality has the person registered.
    pub(crate) fn judge(
        &mut self,
        record: RecordId,
        stored: Stored<'_>,
        change: &'a Change,
        registered_elsewhere: bool,
    ) -> Judgement {
        match self {
            Self::Open => Judgement::Serve(LimitedKinds::NONE),
            Self::Guarded(guard) => guard.judge(record, stored, change, registered_elsewhere),
        }
    }
}

impl<'a> Guard<'a> {
    fn judge(
        &mut self,
        record: RecordId,
        stored: Stored<'_>,
        change: &'a Change,
        registered_elsewhere: bool,
    ) -> Judgement {
        let Stored { accepted, served } = stored;
        let batched = self.served.get(&record).copied();
        let accepted = batched.flatten().or(accepted);
        let measure = match &change.body {
            ChangeBody::Upsert(card) => needs_confirmation(accepted, card),
            ChangeBody::Remove => batched.unwrap_or(served).and_then(removal_needs_confirmation),
        };
        if let Some(reason) = measure {
            self.held.insert(record);
            return Judgement::Hold(reason);
        }
        let previous = batched.unwrap_or(served);
        let kinds = LimitedKinds::of(previous, &change.body, registered_elsewhere);
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
}
