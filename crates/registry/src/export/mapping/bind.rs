//! A mapping over the header of one file.

use std::borrow::Cow;
use std::sync::Arc;

use super::rule::{Source, SplitKind, When};
use super::street::HouseNumber;
use super::{ForeignColumn, Mapping};
use crate::export::column::Column;
use crate::export::encoding::Encoding;
use crate::export::line::{BadQuotes, split};
use crate::export::reader::{HeaderFault, other_separator};
use crate::finding::{Finding, FindingRule, rules};

/// A mapping that knows where in a line the foreign columns are.
#[derive(Debug)]
pub(in crate::export) struct BoundMapping {
    mapping: Arc<Mapping>,
    /// Position in a line, by [`ForeignColumn`].
    positions: Vec<usize>,
    columns: usize,
}

/// A line, with the trimmed values of foreign columns.
#[derive(Clone, Copy)]
struct Line<'v> {
    positions: &'v [usize],
    values: &'v [Cow<'v, str>],
}

/// What of a line could not be mapped.
#[derive(Debug, Default)]
pub(in crate::export) struct Unmapped {
    /// Each an error.
    pub(in crate::export) findings: Vec<Finding>,
    /// Columns that are empty because of it: that they are need not be told again.
    pub(in crate::export) columns: Vec<&'static str>,
}

/// Our values of a line, by column, and what could not be mapped.
struct Sheet<'v> {
    values: Vec<Cow<'v, str>>,
    unmapped: Unmapped,
    line: u64,
}

const OF_A_STREET: [Column; 4] = [
    Column::Street,
    Column::Species,
    Column::HouseNumber,
    Column::Suffix,
];
const OF_A_NUMBER: [Column; 2] = [Column::HouseNumber, Column::Suffix];

impl BoundMapping {
    /// Finds the columns in the header; in the mapping's own names for a file without one.
    pub(in crate::export) fn new(
        mapping: &Arc<Mapping>,
        header: Option<&str>,
    ) -> Result<Self, Vec<HeaderFault>> {
        let names: Vec<Cow<'_, str>> = match (header, &mapping.names) {
            (Some(header), _) => mapping
                .split(header)
                .map_err(|BadQuotes| vec![HeaderFault::Unreadable])?,
            (None, names) => names.iter().flatten().map(Cow::from).collect(),
        };
        if let (Some(header), [_only]) = (header, names.as_slice())
            && let Some(found) = other_separator(header, mapping.separator)
        {
            let expected = mapping.separator;
            return Err(vec![HeaderFault::Separator { found, expected }]);
        }
        let mut faults = Vec::new();
        let mut positions = vec![None; mapping.foreign.len()];
        for (position, name) in names.iter().enumerate() {
            let is = |known: &String| known.eq_ignore_ascii_case(name.trim());
            if let Some(foreign) = mapping.foreign.iter().position(is) {
                match positions.get_mut(foreign) {
                    Some(slot @ None) => *slot = Some(position),
                    _ => faults.push(HeaderFault::Double(known_name(mapping, foreign))),
                }
            } else if !mapping.ignored.iter().any(is) {
                faults.push(HeaderFault::Unknown {
                    position: position + 1,
                });
            }
        }
        let missing = (0..)
            .zip(&positions)
            .filter(|(_, position)| position.is_none())
            .map(|(foreign, _)| HeaderFault::Missing(known_name(mapping, foreign)));
        faults.extend(missing);
        if !faults.is_empty() {
            return Err(faults);
        }
        Ok(Self {
            mapping: Arc::clone(mapping),
            positions: positions.into_iter().flatten().collect(),
            columns: names.len(),
        })
    }

    pub(in crate::export) fn encoding(&self) -> Encoding {
        self.mapping.encoding
    }

    /// How many fields a line has.
    pub(in crate::export) fn columns(&self) -> usize {
        self.columns
    }

    pub(in crate::export) fn split<'t>(&self, text: &'t str) -> Result<Vec<Cow<'t, str>>, BadQuotes> {
        self.mapping.split(text)
    }

    /// Our values of a line, in the order of our columns, and what could not be mapped.
    pub(in crate::export) fn map<'v>(
        &'v self,
        values: &'v [Cow<'v, str>],
        number: u64,
    ) -> (Vec<Cow<'v, str>>, Unmapped) {
        let line = self.line(values);
        let mut sheet = Sheet {
            values: vec![Cow::Borrowed(""); Column::COUNT],
            unmapped: Unmapped::default(),
            line: number,
        };
        for rule in &self.mapping.rules {
            if line.fulfils(rule.when.as_ref()) {
                match line.of(&rule.source) {
                    Ok(value) => sheet.set(rule.column, value),
                    Err(broken) => sheet.note(broken, &[rule.column]),
                }
            }
        }
        for split in &self.mapping.splits {
            if line.fulfils(split.when.as_ref()) {
                sheet.split(line.value(split.from), &split.kind);
            }
        }
        let Sheet {
            values,
            unmapped,
            line: _,
        } = sheet;
        (values, unmapped)
    }

    /// The card's number in a line of which nothing else can be read.
    pub(in crate::export) fn card(&self, values: &[Cow<'_, str>]) -> Option<String> {
        let line = self.line(values);
        let rule = self
            .mapping
            .rules
            .iter()
            .find(|rule| rule.column == Column::Card)?;
        line.of(&rule.source).ok().map(Cow::into_owned)
    }

    fn line<'v>(&'v self, values: &'v [Cow<'v, str>]) -> Line<'v> {
        Line {
            positions: &self.positions,
            values,
        }
    }
}

impl Mapping {
    fn split<'t>(&self, text: &'t str) -> Result<Vec<Cow<'t, str>>, BadQuotes> {
        split(text, self.separator, self.quotes)
    }
}

impl<'v> Line<'v> {
    fn value(self, ForeignColumn(column): ForeignColumn) -> &'v str {
        self.positions
            .get(column)
            .and_then(|position| self.values.get(*position))
            .map(|value| value.trim())
            .unwrap_or_default()
    }

    fn fulfils(self, when: Option<&When>) -> bool {
        when.is_none_or(|when| when.holds_for(self.value(when.column)))
    }

    fn of(self, source: &'v Source) -> Result<Cow<'v, str>, &'static FindingRule> {
        match source {
            Source::Fixed(value) => Ok(Cow::Borrowed(value)),
            Source::Read(reading) => reading.convert(|column| self.value(column)),
        }
    }
}

impl<'v> Sheet<'v> {
    fn set(&mut self, column: Column, value: Cow<'v, str>) {
        if let Some(slot) = self.values.get_mut(column.index()) {
            *slot = value;
        }
    }

    /// Notes a finding that shows in the first of the columns, which all stay empty.
    fn note(&mut self, rule: &'static FindingRule, columns: &[Column]) {
        let Unmapped {
            findings,
            columns: empty,
        } = &mut self.unmapped;
        findings.push(Finding {
            rule,
            column: columns.first().map(|column| column.name()),
            line: self.line,
        });
        empty.extend(columns.iter().map(|column| column.name()));
    }

    fn split(&mut self, value: &'v str, kind: &'v SplitKind) {
        if value.is_empty() {
            return;
        }
        match kind {
            SplitKind::At { separator, into } => {
                let parts: Vec<&str> = value.split(separator.as_str()).map(str::trim).collect();
                if parts.len() == into.len() {
                    for (column, part) in into.iter().zip(parts) {
                        self.set(*column, Cow::Borrowed(part));
                    }
                } else {
                    self.note(&rules::PN009, into);
                }
            }
            SplitKind::Street(street) => match street.split(value) {
                Some(street) => {
                    self.set(Column::Species, Cow::Borrowed(street.species));
                    self.set(Column::Street, Cow::Borrowed(street.name));
                    self.set_number(street.number);
                }
                None => self.note(&rules::PN008, &OF_A_STREET),
            },
            SplitKind::Number => match HouseNumber::parse(value) {
                Some(number) => self.set_number(number),
                None => self.note(&rules::PN008, &OF_A_NUMBER),
            },
        }
    }

    fn set_number(&mut self, HouseNumber { number, suffix }: HouseNumber<'v>) {
        self.set(Column::HouseNumber, Cow::Borrowed(number));
        self.set(Column::Suffix, Cow::Borrowed(suffix));
    }
}

/// A name of the mapping, which may be told: it is nobody's.
fn known_name(mapping: &Mapping, foreign: usize) -> Cow<'static, str> {
    mapping.foreign.get(foreign).cloned().unwrap_or_default().into()
}
