//! From the file to a mapping that holds.

use std::collections::BTreeSet;

use serde::Deserialize;

use super::dates::{DateForm, Dates, Zeros};
use super::layout::{OneOrMany, RawColumn, RawDates, RawFile, RawMapping, RawSplit, RawWhen};
use super::rule::{Holds, Reading, Rule, Source, Split, SplitKind, Step, When};
use super::street::{NumberAfter, StreetSplit};
use super::values::{admits, translation};
use super::{ForeignColumn, Mapping, MappingError};
use crate::code::ToponymSpecies;
use crate::export::column::{COLUMNS, Column, Form, Requirement};
use crate::export::encoding::Encoding;
use crate::export::line::Quotes;

/// The version of the format.
const VERSION: u32 = 1;

/// A mapping while it is checked.
#[derive(Debug, Default)]
pub(super) struct Checker {
    foreign: Vec<String>,
    /// Our columns that are accounted for.
    given: BTreeSet<Column>,
}

pub(super) type Checked<T> = Result<T, MappingError>;

impl Checker {
    pub(super) fn mapping(mut self, raw: RawMapping) -> Checked<Mapping> {
        let RawMapping {
            version,
            back_office,
            file,
            dates,
            columns,
            split,
        } = raw;
        if version != VERSION {
            return Err(broken("version", "must be 1"));
        }
        if back_office.trim().is_empty() {
            return Err(broken("back_office", "must say which back office it is for"));
        }
        let RawFile {
            encoding,
            separator,
            quotes,
            header,
            ignored,
            absent,
        } = file;
        let encoding = Encoding::named(&encoding)
            .ok_or_else(|| broken("file.encoding", "must be utf-8, iso-8859-1 or windows-1252"))?;
        let separator = separator_of(separator.as_deref().unwrap_or(";"))?;
        let quotes = match quotes.as_deref() {
            None | Some("double") => Quotes::Double,
            Some("plain") => Quotes::Plain,
            Some(_) => return Err(broken("file.quotes", "must be double or plain")),
        };
        let usual_dates = self.dates(dates, "dates", &Dates::usual())?;
        let mut rules = Vec::new();
        for (name, rule) in columns {
            rules.push(self.rule(&name, rule, &usual_dates)?);
        }
        let mut splits = Vec::new();
        for (position, raw) in (1..).zip(split) {
            splits.push(self.split(raw, &format!("split {position}"))?);
        }
        self.absent(&absent)?;
        let missing = COLUMNS
            .iter()
            .find(|spec| spec.requirement != Requirement::Optional && !self.given.contains(&spec.column));
        if let Some(spec) = missing {
            return Err(broken(
                format!("columns.{}", spec.name),
                "must be given, or named in file.absent",
            ));
        }
        let Self { foreign, given: _ } = self;
        check_names(&foreign, &ignored, header.as_deref())?;
        Ok(Mapping {
            back_office,
            encoding,
            separator,
            quotes,
            names: header,
            foreign,
            ignored,
            rules,
            splits,
            text: String::new(),
        })
    }

    fn rule(&mut self, name: &str, raw: toml::Value, usual_dates: &Dates) -> Checked<Rule> {
        let key = format!("columns.{name}");
        let column = self.claim(name, &key)?;
        let raw = match raw {
            toml::Value::String(from) => RawColumn::of(from),
            table => RawColumn::deserialize(table).map_err(|error| MappingError::Toml(Box::new(error)))?,
        };
        let RawColumn {
            from,
            fixed,
            join,
            steps,
            values,
            otherwise,
            when,
            dates,
            without_day,
            without_month,
        } = raw;
        let when = when.map(|when| self.when(when, &key)).transpose()?;
        let from = match (from, fixed) {
            (Some(from), None) => from,
            (None, Some(fixed)) => {
                let alone = join.is_none()
                    && steps.is_empty()
                    && values.is_none()
                    && dates.is_none()
                    && without_day.is_none()
                    && without_month.is_none();
                if !alone {
                    return Err(broken(key, "a fixed value stands alone, or with when"));
                }
                if !admits(column, &fixed) {
                    return Err(broken(key, "the fixed value is not one that the column admits"));
                }
                return Ok(Rule {
                    column,
                    when,
                    source: Source::Fixed(fixed),
                });
            }
            _ => return Err(broken(key, "needs either from or fixed")),
        };
        let from = match from {
            OneOrMany::One(name) => vec![self.foreign(&name, &key)?],
            OneOrMany::Many(names) if names.len() < 2 => {
                return Err(broken(key, "a list in from has two names or more"));
            }
            OneOrMany::Many(names) => names
                .iter()
                .map(|name| self.foreign(name, &key))
                .collect::<Checked<_>>()?,
        };
        let several = 1 < from.len();
        if several != join.is_some() {
            return Err(broken(key, "join is needed with several columns, and only then"));
        }
        let steps = steps
            .iter()
            .map(|step| {
                Step::named(step)
                    .ok_or_else(|| broken(&*key, "a step is not one of those of config/mapping.md"))
            })
            .collect::<Checked<_>>()?;
        let values = translation(column, values, otherwise.as_deref(), &key)?;
        let is_date = matches!(column.spec().form, Form::Date | Form::PartialDate);
        if !is_date && (dates.is_some() || without_day.is_some() || without_month.is_some()) {
            return Err(broken(
                key,
                "dates, without_day and without_month are for columns of dates",
            ));
        }
        let dates = match (is_date, several) {
            (false, _) => None,
            (true, true) => return Err(broken(key, "a date comes of one column")),
            (true, false) => {
                let mut rule = self.dates(dates.unwrap_or_default(), &key, usual_dates)?;
                rule.without_day = without_day.map(|name| self.foreign(&name, &key)).transpose()?;
                rule.without_month = without_month.map(|name| self.foreign(&name, &key)).transpose()?;
                Some(rule)
            }
        };
        Ok(Rule {
            column,
            when,
            source: Source::Read(Reading {
                from,
                join: join.unwrap_or_default(),
                steps,
                values,
                dates,
            }),
        })
    }

    fn split(&mut self, raw: RawSplit, key: &str) -> Checked<Split> {
        let RawSplit {
            from,
            kind,
            at,
            into,
            number_after,
            species,
            when,
        } = raw;
        let from = self.foreign(&from, key)?;
        let when = when.map(|when| self.when(when, key)).transpose()?;
        let of_parts = at.is_some() || into.is_some();
        let of_streets = number_after.is_some() || !species.is_empty();
        let kind = match kind.as_str() {
            "parts" if !of_streets => {
                let (Some(separator), Some(into)) = (at, into) else {
                    return Err(broken(key, "parts need at and into"));
                };
                if separator.trim().is_empty() || into.len() < 2 {
                    return Err(broken(
                        key,
                        "parts are two or more, with a text in at that is not blank",
                    ));
                }
                let into = into
                    .iter()
                    .map(|name| self.claim(name, key))
                    .collect::<Checked<_>>()?;
                SplitKind::At { separator, into }
            }
            "street" if !of_parts => {
                for column in [
                    Column::Species,
                    Column::Street,
                    Column::HouseNumber,
                    Column::Suffix,
                ] {
                    self.claim(column.name(), key)?;
                }
                let number_after = match number_after.as_deref() {
                    Some("comma") => NumberAfter::Comma,
                    Some("blank") => NumberAfter::Blank,
                    _ => return Err(broken(key, "number_after must be comma or blank")),
                };
                let known = |code: &String| ToponymSpecies::from_code(code).is_ok();
                if species.is_empty() || !species.values().all(known) {
                    return Err(broken(key, "species must give each species its code of table 4"));
                }
                SplitKind::Street(StreetSplit {
                    number_after,
                    species,
                })
            }
            "number" if !of_parts && !of_streets => {
                for column in [Column::HouseNumber, Column::Suffix] {
                    self.claim(column.name(), key)?;
                }
                SplitKind::Number
            }
            "parts" | "street" | "number" => {
                return Err(broken(key, "a key belongs to another kind of split"));
            }
            _ => return Err(broken(key, "as must be parts, street or number")),
        };
        Ok(Split { from, when, kind })
    }

    fn when(&mut self, raw: RawWhen, key: &str) -> Checked<When> {
        let RawWhen { column, is, is_not } = raw;
        let column = self.foreign(&column, key)?;
        let (values, holds) = match (is, is_not) {
            (Some(values), None) => (values, Holds::OnThese),
            (None, Some(values)) => (values, Holds::OnOthers),
            _ => return Err(broken(key, "when needs either is or is_not")),
        };
        if values.is_empty() {
            return Err(broken(key, "when names one value or more"));
        }
        Ok(When {
            column,
            values,
            holds,
        })
    }

    fn dates(&self, raw: RawDates, key: &str, usual: &Dates) -> Checked<Dates> {
        let RawDates {
            forms,
            empty,
            unknown,
        } = raw;
        let forms = match forms {
            None => usual.forms.clone(),
            Some(forms) => forms
                .iter()
                .map(|form| DateForm::parse(form))
                .collect::<Option<Vec<_>>>()
                .filter(|forms| !forms.is_empty())
                .ok_or_else(|| {
                    broken(
                        key,
                        "a date form has YYYY, MM and DD once each and no other letters",
                    )
                })?,
        };
        let overlap = (0..)
            .zip(&forms)
            .any(|(position, one)| forms.iter().skip(position + 1).any(|other| one.overlaps(other)));
        if overlap {
            return Err(broken(key, "two date forms fit the same text"));
        }
        let zeros = match unknown.as_deref() {
            None => usual.zeros,
            Some("zeros") => Zeros::Unknown,
            Some("refused") => Zeros::Refused,
            Some(_) => return Err(broken(key, "unknown must be zeros or refused")),
        };
        Ok(Dates {
            forms,
            empty: if empty.is_empty() {
                usual.empty.clone()
            } else {
                empty
            },
            zeros,
            without_day: None,
            without_month: None,
        })
    }

    fn absent(&mut self, names: &[String]) -> Checked<()> {
        for name in names {
            let column = self.claim(name, "file.absent")?;
            if column.spec().requirement == Requirement::Always {
                return Err(broken(
                    "file.absent",
                    "names a column that no row may leave empty",
                ));
            }
        }
        Ok(())
    }

    /// One of our columns, accounted for once.
    fn claim(&mut self, name: &str, key: &str) -> Checked<Column> {
        let column =
            Column::named(name).ok_or_else(|| broken(key, "is not a column of config/export-layout.md"))?;
        if !self.given.insert(column) {
            return Err(broken(key, "the column is given twice"));
        }
        Ok(column)
    }

    fn foreign(&mut self, name: &str, key: &str) -> Checked<ForeignColumn> {
        let name = name.trim();
        if name.is_empty() {
            return Err(broken(key, "a foreign column has a name"));
        }
        let known = self
            .foreign
            .iter()
            .position(|known| known.eq_ignore_ascii_case(name));
        Ok(ForeignColumn(known.unwrap_or_else(|| {
            self.foreign.push(name.to_owned());
            self.foreign.len() - 1
        })))
    }
}

impl RawColumn {
    fn of(from: String) -> Self {
        Self {
            from: Some(OneOrMany::One(from)),
            fixed: None,
            join: None,
            steps: Vec::new(),
            values: None,
            otherwise: None,
            when: None,
            dates: None,
            without_day: None,
            without_month: None,
        }
    }
}

impl Dates {
    /// Ours.
    pub(super) fn usual() -> Self {
        Self {
            forms: DateForm::parse("YYYY-MM-DD").into_iter().collect(),
            empty: Vec::new(),
            zeros: Zeros::default(),
            without_day: None,
            without_month: None,
        }
    }
}

fn separator_of(text: &str) -> Checked<char> {
    let mut letters = text.chars();
    match (letters.next(), letters.next()) {
        (Some(separator), None)
            if separator.is_ascii() && separator != '"' && !separator.is_ascii_alphanumeric() =>
        {
            Ok(separator)
        }
        _ => Err(broken(
            "file.separator",
            "must be one ASCII character that is no letter, digit or quotation mark",
        )),
    }
}

fn check_names(foreign: &[String], ignored: &[String], header: Option<&[String]>) -> Checked<()> {
    let same = |one: &String, other: &String| one.trim().eq_ignore_ascii_case(other.trim());
    if ignored
        .iter()
        .any(|name| foreign.iter().any(|read| same(name, read)))
    {
        return Err(broken("file.ignored", "names a column that the mapping reads"));
    }
    let Some(header) = header else {
        return Ok(());
    };
    let known = |name: &String| foreign.iter().chain(ignored).any(|known| same(name, known));
    if !header.iter().all(known) {
        return Err(broken(
            "file.header",
            "names a column that is neither read nor ignored",
        ));
    }
    if !foreign
        .iter()
        .all(|read| header.iter().any(|name| same(name, read)))
    {
        return Err(broken("file.header", "lacks a column that the mapping reads"));
    }
    Ok(())
}

pub(super) fn broken(key: impl Into<String>, rule: &'static str) -> MappingError {
    MappingError::Value {
        key: key.into(),
        rule,
    }
}
