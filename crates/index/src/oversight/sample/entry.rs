//! The acts of a sample as entries of the access log.

use chrono::NaiveDate;
use ledger::header::EntryKind;
use store::access_log::part_content::DetailPart;

use crate::oversight::sample::{Judgement, Justification, Outcome};

/// What is announced: from which accesses so many are drawn, and until when they are to be justified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Drawing {
    /// The agency, a SPIFFE id.
    pub(crate) agency: String,
    /// Whether it is of accesses for reserved purposes.
    pub(crate) reserved: bool,
    /// How many are drawn.
    pub(crate) size: u32,
    /// First day, Europe/Rome.
    pub(crate) from: NaiveDate,
    /// First day that does not count any more.
    pub(crate) until: NaiveDate,
    /// Last day in time.
    pub(crate) deadline: NaiveDate,
}

/// What an entry about a sample says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Act {
    /// It was announced.
    Drawn(Drawing),
    /// An access of a sample was justified.
    Justified(u64, Justification),
    /// The outcome was recorded.
    Judged(u64, Judgement),
}

fn value<'a>(detail: &'a DetailPart, wanted: &str) -> Option<&'a str> {
    let found = detail.details.iter().find(|(name, _)| name == wanted);
    found.map(|(_, value)| value.as_str())
}

fn parsed<T: std::str::FromStr>(detail: &DetailPart, wanted: &str) -> Option<T> {
    value(detail, wanted)?.parse().ok()
}

fn detail(details: Vec<(&str, String)>) -> DetailPart {
    DetailPart {
        details: details
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect(),
    }
}

impl Drawing {
    /// The detail of the announcement.
    pub(crate) fn detail(&self) -> DetailPart {
        let Self {
            agency,
            reserved,
            size,
            from,
            until,
            deadline,
        } = self;
        detail(vec![
            ("agency", agency.clone()),
            ("reserved", reserved.to_string()),
            ("size", size.to_string()),
            ("from", from.to_string()),
            ("until", until.to_string()),
            ("deadline", deadline.to_string()),
        ])
    }

    fn read(detail: &DetailPart) -> Option<Self> {
        Some(Self {
            agency: value(detail, "agency")?.to_owned(),
            reserved: parsed(detail, "reserved")?,
            size: parsed(detail, "size")?,
            from: parsed(detail, "from")?,
            until: parsed(detail, "until")?,
            deadline: parsed(detail, "deadline")?,
        })
    }
}

/// The detail of a justification.
pub(crate) fn justified(sample: u64, entry: u64, text: &str, case_reference: &str) -> DetailPart {
    detail(vec![
        ("sample", sample.to_string()),
        ("entry", entry.to_string()),
        ("case_reference", case_reference.to_owned()),
        ("text", text.to_owned()),
    ])
}

/// The detail of an outcome.
pub(crate) fn judged(sample: u64, entry: u64, outcome: Outcome, note: &str) -> DetailPart {
    detail(vec![
        ("sample", sample.to_string()),
        ("entry", entry.to_string()),
        ("outcome", outcome.name().to_owned()),
        ("note", note.to_owned()),
    ])
}

impl Act {
    /// What an entry of a kind says, made on a day by a person, and about which sample; `None` when it is not about one or
    /// its detail is gone.
    pub(crate) fn read(
        kind: EntryKind,
        index: u64,
        date: NaiveDate,
        reader: &str,
        detail: &DetailPart,
    ) -> Option<(u64, Self)> {
        match kind {
            EntryKind::SampleDrawn => Some((index, Self::Drawn(Drawing::read(detail)?))),
            EntryKind::SampleJustified => {
                let justification = Justification {
                    index,
                    date,
                    text: value(detail, "text")?.to_owned(),
                    case_reference: value(detail, "case_reference")?.to_owned(),
                    reader: reader.to_owned(),
                };
                let about = Self::Justified(parsed(detail, "entry")?, justification);
                Some((parsed(detail, "sample")?, about))
            }
            EntryKind::SampleJudged => {
                let judgement = Judgement {
                    index,
                    outcome: Outcome::from_name(value(detail, "outcome")?)?,
                    note: value(detail, "note")?.to_owned(),
                };
                let about = Self::Judged(parsed(detail, "entry")?, judgement);
                Some((parsed(detail, "sample")?, about))
            }
            _ => None,
        }
    }
}
