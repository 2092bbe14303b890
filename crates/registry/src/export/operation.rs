//! What a row says happened to its card.

use chrono::{Datelike, NaiveDate};

use crate::change::{ActReference, ActText, EventKind, RegistryEvent};
use crate::export::ExportKind;
use crate::export::column::Column;
use crate::export::parse::Sheet;
use crate::finding::{Finding, Severity, rules};
use crate::identifier::{IstatCode, LocalId};
use crate::record::Record;

/// What a row without errors asks for.
#[derive(Debug, PartialEq, Eq)]
pub struct Accepted {
    /// What becomes of the card.
    pub operation: Operation,
    /// What the row says of the event behind it.
    pub event: StatedEvent,
    /// What is doubtful about it.
    pub warnings: Vec<Finding>,
}

/// What becomes of a card (`operazione`).
#[derive(Debug, PartialEq, Eq)]
pub enum Operation {
    /// `A`: it is published as the row says.
    Publish(Box<Record>),
    /// `C`: it is withdrawn from publication.
    Withdraw(LocalId),
    /// `X`: its last operation is annulled (*annullamento dell'ultima operazione*).
    Annul(LocalId),
}

/// What a row says of the event behind it; nothing, in most total exports.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StatedEvent {
    /// What happened (`evento`).
    pub kind: Option<EventKind>,
    /// Day of the event itself (`evento_data`).
    pub event_date: Option<NaiveDate>,
    /// Legal effective date (`evento_decorrenza`).
    pub effective_date: Option<NaiveDate>,
    /// Day on which the registry wrote it down (`evento_registrazione`).
    pub registration_date: Option<NaiveDate>,
    /// The civil-status act behind it (`atto_…`).
    pub act: Option<ActReference>,
}

impl Operation {
    /// The card that it is about.
    pub fn card(&self) -> &LocalId {
        match self {
            Self::Publish(record) => &record.local_id,
            Self::Withdraw(card) | Self::Annul(card) => card,
        }
    }
}

impl StatedEvent {
    /// The event, where the row states one; registered on `day` unless it says otherwise.
    pub fn event(self, day: NaiveDate) -> Option<RegistryEvent> {
        self.kind.map(|kind| self.as_kind(kind, day))
    }

    /// Its dates, for an event of another kind than the one it states.
    pub fn as_kind(self, kind: EventKind, day: NaiveDate) -> RegistryEvent {
        let Self {
            kind: _,
            event_date,
            effective_date,
            registration_date,
            act,
        } = self;
        RegistryEvent {
            kind,
            event_date,
            effective_date,
            registration_date: registration_date.unwrap_or(day),
            act,
        }
    }
}

impl Accepted {
    /// The card, when it is published.
    pub fn card(&self) -> Option<&Record> {
        match &self.operation {
            Operation::Publish(card) => Some(card),
            Operation::Withdraw(_) | Operation::Annul(_) => None,
        }
    }
}

/// Written in the column `operazione`.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Letter {
    Publish,
    Withdraw,
    Annul,
}

/// Reads a row; warnings come with what it asks for, and with one error it asks for nothing.
pub(super) fn read_row(mut sheet: Sheet<'_>, kind: ExportKind) -> Result<Accepted, Vec<Finding>> {
    let operation = match sheet.letter(kind) {
        None => None,
        Some(Letter::Publish) => sheet.record().map(|record| Operation::Publish(Box::new(record))),
        Some(Letter::Withdraw) => sheet.card_number().map(Operation::Withdraw),
        Some(Letter::Annul) => {
            if sheet.is_empty(Column::EventRegistered) {
                sheet.note(&rules::EN081, Column::EventRegistered);
            }
            sheet.card_number().map(Operation::Annul)
        }
    };
    let event = sheet.stated_event(&operation);
    let warnings = sheet.into_findings();
    let broken = warnings
        .iter()
        .any(|finding| finding.severity() == Severity::Error);
    match operation {
        Some(operation) if !broken => Ok(Accepted {
            operation,
            event,
            warnings,
        }),
        _ => Err(warnings),
    }
}

impl Sheet<'_> {
    fn letter(&mut self, kind: ExportKind) -> Option<Letter> {
        if self.is_empty(Column::Operation) {
            return Some(Letter::Publish);
        }
        let letter = match self.one_of(Column::Operation)? {
            "C" => Letter::Withdraw,
            "X" => Letter::Annul,
            _ => Letter::Publish,
        };
        if kind == ExportKind::Total && letter != Letter::Publish {
            self.note(&rules::PN110, Column::Operation);
            return None;
        }
        Some(letter)
    }

    fn card_number(&mut self) -> Option<LocalId> {
        if self.is_empty(Column::Card) {
            self.note(&rules::EN081, Column::Card);
        }
        self.identifier(Column::Card, LocalId::parse)
    }

    fn stated_event(&mut self, operation: &Option<Operation>) -> StatedEvent {
        let kind = self.parsed(Column::EventKindValue, &rules::PN011, EventKind::from_code);
        let event_date = self.date(Column::EventDate);
        let effective_date = self.date(Column::EventEffective);
        let registration_date = self.date(Column::EventRegistered);
        let annuls = matches!(operation, Some(Operation::Annul(_)));
        for column in [Column::EventDate, Column::EventEffective] {
            if !annuls && self.is_empty(Column::EventKindValue) && !self.is_empty(column) {
                self.note(&rules::PN111, column);
            }
        }
        let today = self.reference_date();
        if registration_date.is_some_and(|registered| today < registered) {
            self.note(&rules::PN112, Column::EventRegistered);
        }
        if event_date.is_some_and(|happened| registration_date.unwrap_or(today) < happened) {
            self.note(&rules::PN113, Column::EventDate);
        }
        if let (Some(EventKind::HouseholdChange), Some(effective), Some(Operation::Publish(card))) =
            (kind, effective_date, operation)
            && card
                .households
                .latest()
                .and_then(|link| link.from)
                .is_some_and(|from| from != effective)
        {
            self.note(&rules::EN206, Column::HouseholdFrom);
        }
        let act = self.act(registration_date.unwrap_or(today));
        let act = if act.is_some() && !annuls && self.is_empty(Column::EventKindValue) {
            self.note(&rules::PN116, Column::ActNumber);
            None
        } else {
            act
        };
        StatedEvent {
            kind,
            event_date,
            effective_date,
            registration_date,
            act,
        }
    }

    /// The reference of an act; an incomplete one, or one of a later year than its event, is dropped.
    fn act(&mut self, registered: NaiveDate) -> Option<ActReference> {
        const COLUMNS: [Column; 6] = [
            Column::ActMunicipality,
            Column::ActOffice,
            Column::ActYear,
            Column::ActPart,
            Column::ActSeries,
            Column::ActNumber,
        ];
        if COLUMNS.iter().all(|column| self.is_empty(*column)) {
            return None;
        }
        for column in [Column::ActMunicipality, Column::ActYear, Column::ActNumber] {
            if self.is_empty(column) {
                self.note(&rules::PN115, column);
            }
        }
        let municipality = self.identifier(Column::ActMunicipality, IstatCode::parse);
        let year = self.parsed(Column::ActYear, &rules::PN012, ActReference::parse_year);
        let mut word = |column| self.parsed(column, &rules::PN012, ActText::parse);
        let [office, part, series, number] = [
            Column::ActOffice,
            Column::ActPart,
            Column::ActSeries,
            Column::ActNumber,
        ]
        .map(&mut word);
        let year = year?;
        if registered.year() < i32::from(year) {
            self.note(&rules::PN117, Column::ActYear);
            return None;
        }
        Some(ActReference {
            municipality: municipality?,
            office,
            year,
            part,
            series,
            number: number?,
        })
    }
}
