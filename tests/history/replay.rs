//! Exports of days, read by the product and joined to versions of cards.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use registry::change::{EventKind, merge_event, merge_export};
use registry::export::{ExportContext, ExportForm, ExportKind, ExportReader, Operation};
use registry::identifier::{HouseholdId, IstatCode, LocalId};
use registry::record::Record;

/// What one municipality's exports had said, day by day.
pub(crate) struct Registry {
    municipality: IstatCode,
    cards: BTreeMap<LocalId, Vec<Version>>,
    by_household: BTreeMap<HouseholdId, Vec<LocalId>>,
}

/// A card from the export of a day on.
struct Version {
    day: NaiveDate,
    /// `None` where the card was withdrawn.
    record: Option<Record>,
    /// Whether an annulment brought it back: it is no operation that could be annulled.
    undone: bool,
}

impl Registry {
    pub(crate) fn new(municipality: IstatCode) -> Self {
        Self {
            municipality,
            cards: BTreeMap::new(),
            by_household: BTreeMap::new(),
        }
    }

    /// Reads a total export.
    #[track_caller]
    pub(crate) fn total(&mut self, file: &[u8], day: NaiveDate) {
        self.read(file, day, ExportKind::Total);
    }

    /// Reads an incremental export.
    #[track_caller]
    pub(crate) fn incremental(&mut self, file: &[u8], day: NaiveDate) {
        self.read(file, day, ExportKind::Incremental);
    }

    /// Does what the rows ask for; a row that the product refuses fails the test with its rules.
    #[track_caller]
    fn read(&mut self, file: &[u8], day: NaiveDate, kind: ExportKind) {
        let context = ExportContext {
            municipality: self.municipality,
            reference_date: day,
        };
        let form = ExportForm { kind, mapping: None };
        let rows = ExportReader::open(file, context, &form).expect("the header is the layout's");
        for row in rows {
            let row = row.expect("a readable row");
            let line = row.line;
            let accepted = row
                .outcome
                .unwrap_or_else(|findings| panic!("line {line} of {day}: {findings:?}"));
            match accepted.operation {
                Operation::Publish(record) => self.state(*record, accepted.event.kind, day),
                Operation::Withdraw(card) => self.add(&card, None, day, false),
                Operation::Annul(card) => self.annul(&card, day),
            }
        }
    }

    fn state(&mut self, stated: Record, event: Option<EventKind>, day: NaiveDate) {
        let previous = self.latest(&stated.local_id);
        let next = match event {
            Some(event) => merge_event(previous, stated, event),
            None => merge_export(previous, stated),
        };
        let card = next.local_id.clone();
        self.add(&card, Some(next), day, false);
    }

    /// The card goes back to what it was before its last operation.
    #[track_caller]
    fn annul(&mut self, card: &LocalId, day: NaiveDate) {
        let versions = self.cards.get(card).map_or(&[][..], Vec::as_slice);
        let [.., before, last] = versions else {
            panic!("an annulment without an operation on {day}");
        };
        assert!(!last.undone, "only the last operation can be annulled");
        let restored = before.record.clone();
        self.add(card, restored, day, true);
    }

    fn add(&mut self, card: &LocalId, record: Option<Record>, day: NaiveDate, undone: bool) {
        for fact in record.iter().flat_map(|record| record.households.facts()) {
            let members = self.by_household.entry(fact.value.household.clone()).or_default();
            if !members.contains(card) {
                members.push(card.clone());
            }
        }
        let versions = self.cards.entry(card.clone()).or_default();
        versions.push(Version { day, record, undone });
    }

    fn latest(&self, card: &LocalId) -> Option<&Record> {
        self.cards.get(card)?.last()?.record.as_ref()
    }

    /// The card as the exports up to a day had made it.
    pub(crate) fn known(&self, card: &LocalId, on: NaiveDate) -> Option<&Record> {
        let versions = self.cards.get(card)?;
        let known = versions.partition_point(|version| version.day <= on);
        versions.get(known.checked_sub(1)?)?.record.as_ref()
    }

    /// Cards that had to do with a household, ever, as known on a day.
    pub(crate) fn of_household(&self, household: &HouseholdId, on: NaiveDate) -> Vec<&Record> {
        let cards = self.by_household.get(household).map_or(&[][..], Vec::as_slice);
        cards.iter().filter_map(|card| self.known(card, on)).collect()
    }
}
