//! From the fields of a row to a card.
//!
//! Every field is looked at even when an earlier one is wrong, so that a back office gets all findings of a row at
//! once.

mod address;
mod person;
mod standing;

use chrono::NaiveDate;

use crate::date::PartialDate;
use crate::export::ExportContext;
use crate::export::column::{Column, Form, Requirement};
use crate::finding::{Finding, FindingRule, rules};
use crate::identifier::{IstatCode, LocalId, NationalId, StateCode};
use crate::measure::Measures;
use crate::normal;
use crate::record::{Flags, PersonName, Record, Register};

/// The fields of a row by column; a column that the file does not have is empty.
#[derive(Debug)]
pub(super) struct Fields<'a>([&'a str; Column::COUNT]);

/// A row being read: its fields, and what was found so far.
pub(super) struct Sheet<'a> {
    fields: &'a Fields<'a>,
    context: &'a ExportContext,
    line: u64,
    findings: Vec<Finding>,
}

impl Default for Fields<'_> {
    fn default() -> Self {
        Self([""; Column::COUNT])
    }
}

impl<'a> Fields<'a> {
    pub(super) fn set(&mut self, column: Column, value: &'a str) {
        if let Some(field) = self.0.get_mut(column.index()) {
            *field = value.trim();
        }
    }

    pub(super) fn get(&self, column: Column) -> &'a str {
        self.0.get(column.index()).copied().unwrap_or_default()
    }
}

impl<'a> Sheet<'a> {
    /// A row before anything of it was read.
    pub(super) fn new(fields: &'a Fields<'a>, line: u64, context: &'a ExportContext) -> Self {
        Self {
            fields,
            context,
            line,
            findings: Vec::new(),
        }
    }
}

impl Sheet<'_> {
    /// What was found so far.
    pub(super) fn into_findings(self) -> Vec<Finding> {
        self.findings
    }

    /// Day on which the export was made.
    pub(super) fn reference_date(&self) -> NaiveDate {
        self.context.reference_date
    }

    /// `None` only after an error was noted.
    pub(super) fn record(&mut self) -> Option<Record> {
        self.require_values();
        let local_id = self.identifier(Column::Card, LocalId::parse);
        let register = match self.one_of(Column::Register) {
            Some("APR") => Some(Register::Apr),
            Some("AIRE") => Some(Register::Aire),
            _ => None,
        };
        let generalities = self.generalities();
        let national_id = self.identifier(Column::NationalIdValue, NationalId::parse);
        let parents = self.parents();
        let identity_document = self.identity_document();
        let registration = register.and_then(|register| self.registration(register));
        let cancellation = register.and_then(|register| self.cancellation(register));
        let death = self.death();
        let flags = Flags {
            protected: self.yes_no(Column::Protected),
            procedure_open: self.yes_no(Column::ProcedureOpen),
            not_certifiable: self.yes_no(Column::NotCertifiable),
        };
        let active = self.is_empty(Column::CancellationReason) && self.is_empty(Column::DeathDate);
        let birth_date = generalities.as_ref().map(|generalities| generalities.birth_date);
        let tax_codes = self.tax_codes(generalities.as_ref(), active && register == Some(Register::Apr));
        let civil_status = self.civil_status(birth_date);
        let citizenships = self.citizenships(birth_date);
        let residences = self.residences(register, birth_date, active);
        let households = self.households(birth_date, active);
        let record = Record {
            municipality: self.context.municipality,
            local_id: local_id?,
            register: register?,
            generalities: generalities?,
            tax_codes,
            national_id,
            civil_status,
            citizenships,
            parents,
            residences,
            households,
            identity_document,
            registration: registration?,
            cancellation,
            death,
            flags,
            measures: Measures::default(),
        };
        self.compare_dates(&record);
        Some(record)
    }

    pub(super) fn note(&mut self, rule: &'static FindingRule, column: Column) {
        self.findings.push(Finding {
            rule,
            column: Some(column.name()),
            line: self.line,
        });
    }

    fn require_values(&mut self) {
        let empty = |spec: &&super::ColumnSpec| {
            spec.requirement == Requirement::Always && self.fields.get(spec.column).is_empty()
        };
        let missing: Vec<Column> = super::COLUMNS
            .iter()
            .filter(empty)
            .map(|spec| spec.column)
            .collect();
        missing
            .into_iter()
            .for_each(|column| self.note(&rules::EN081, column));
    }

    pub(super) fn is_empty(&self, column: Column) -> bool {
        self.fields.get(column).is_empty()
    }

    fn any_of(&self, columns: &[Column]) -> bool {
        columns.iter().any(|column| !self.is_empty(*column))
    }

    /// The value, when there is one.
    fn value(&self, column: Column) -> Option<&str> {
        Some(self.fields.get(column)).filter(|value| !value.is_empty())
    }

    pub(super) fn parsed<T>(
        &mut self,
        column: Column,
        rule: &'static FindingRule,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Option<T> {
        let value = self.value(column)?;
        let parsed = parse(value);
        if parsed.is_none() {
            self.note(rule, column);
        }
        parsed
    }

    pub(super) fn identifier<T, E>(
        &mut self,
        column: Column,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        self.parsed(column, &rules::PN012, |value| parse(value).ok())
    }

    fn istat(&mut self, column: Column) -> Option<IstatCode> {
        self.identifier(column, IstatCode::parse)
    }

    fn state(&mut self, column: Column) -> Option<StateCode> {
        self.identifier(column, StateCode::parse)
    }

    pub(super) fn date(&mut self, column: Column) -> Option<NaiveDate> {
        self.parsed(column, &rules::PN010, |value| {
            PartialDate::parse(value).ok()?.to_naive()
        })
    }

    fn name(&mut self, column: Column) -> Option<PersonName> {
        self.parsed(column, &rules::PN013, |value| {
            PersonName::parse(&normal::composed(value)).ok()
        })
    }

    /// One of the words that the layout admits.
    pub(super) fn one_of(&mut self, column: Column) -> Option<&'static str> {
        let Form::OneOf(words) = column.spec().form else {
            return None;
        };
        self.parsed(column, &rules::PN011, |value| {
            words.iter().copied().find(|word| *word == value)
        })
    }

    fn yes_no(&mut self, column: Column) -> bool {
        self.parsed(column, &rules::PN011, |value| match value {
            "S" => Some(true),
            "N" => Some(false),
            _ => None,
        })
        .unwrap_or(false)
    }

    /// Free text, as long as the layout admits; empty when there is none.
    fn text(&mut self, column: Column) -> String {
        let longest = match column.spec().form {
            Form::Text(longest) => longest,
            _ => 0,
        };
        self.parsed(column, &rules::PN014, |value| {
            let text = normal::composed(value);
            let fits = text.chars().count() <= longest && !text.chars().any(char::is_control);
            fits.then(|| text.into_owned())
        })
        .unwrap_or_default()
    }

    /// A start date that holds for a value; one without value is doubtful and is dropped.
    fn start_of(&mut self, value: Column, start: Column) -> Option<NaiveDate> {
        let from = self.date(start)?;
        if self.is_empty(value) {
            self.note(&rules::PN043, start);
            return None;
        }
        Some(from)
    }

    /// Whether a start lies before birth or after the export.
    fn out_of_life(&self, from: NaiveDate, birth_date: Option<PartialDate>) -> bool {
        birth_date.is_some_and(|birth| from < birth.earliest()) || self.context.reference_date < from
    }
}
