//! Exports of days, read by the product and joined to versions of cards.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use registry::change::{EventKind, merge_event, merge_export};
use registry::export::{ExportContext, ExportReader};
use registry::identifier::{HouseholdId, IstatCode, LocalId};
use registry::record::Record;

/// Columns that say what a row does, beside what the card states.
const OPERATION: &str = "operazione";
const EVENT: &str = "evento";
const TOLD: [&str; 4] = [OPERATION, EVENT, "evento_data", "evento_registrazione"];

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

/// What a row does.
struct Told {
    operation: String,
    event: Option<EventKind>,
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
        for record in self.records(file, day) {
            self.state(record, None, day);
        }
    }

    /// Reads an incremental export.
    #[track_caller]
    pub(crate) fn incremental(&mut self, file: &[u8], day: NaiveDate) {
        let (rows, told) = separated(file);
        let records = self.records(&rows, day);
        assert_eq!(records.len(), told.len());
        for (record, Told { operation, event }) in records.into_iter().zip(told) {
            match operation.as_str() {
                "" | "A" => self.state(record, event, day),
                "C" => self.add(&record.local_id, None, day, false),
                "X" => self.annul(&record.local_id, day),
                other => panic!("operation {other}"),
            }
        }
    }

    /// Rows as cards; a row that the product refuses fails the test with its rules.
    #[track_caller]
    fn records(&self, file: &[u8], day: NaiveDate) -> Vec<Record> {
        let context = ExportContext {
            municipality: self.municipality,
            reference_date: day,
        };
        let rows = ExportReader::new(file, context).expect("the header is the layout's");
        rows.map(|row| {
            let row = row.expect("a readable row");
            let line = row.line;
            let read = row
                .outcome
                .unwrap_or_else(|findings| panic!("line {line} of {day}: {findings:?}"));
            read.0
        })
        .collect()
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

/// The rows in the layout of a total export, and what each of them does.
fn separated(file: &[u8]) -> (Vec<u8>, Vec<Told>) {
    let mut reader = csv::ReaderBuilder::new().delimiter(b';').from_reader(file);
    let header = reader.headers().expect("a header").clone();
    let column = |name: &str| header.iter().position(|column| column == name);
    let (operation, event) = (column(OPERATION), column(EVENT));
    let layout: Vec<usize> = (0..header.len())
        .filter(|at| !TOLD.contains(&&header[*at]))
        .collect();
    let mut writer = csv::WriterBuilder::new()
        .delimiter(b';')
        .terminator(csv::Terminator::CRLF)
        .from_writer(Vec::new());
    writer
        .write_record(layout.iter().map(|at| &header[*at]))
        .expect("memory takes every row");
    let mut told = Vec::new();
    for row in reader.records() {
        let row = row.expect("a readable row");
        writer
            .write_record(layout.iter().map(|at| &row[*at]))
            .expect("memory takes every row");
        let value = |at: Option<usize>| at.and_then(|at| row.get(at)).unwrap_or_default();
        told.push(Told {
            operation: value(operation).to_owned(),
            event: EventKind::from_code(value(event)),
        });
    }
    (writer.into_inner().expect("memory takes every row"), told)
}
