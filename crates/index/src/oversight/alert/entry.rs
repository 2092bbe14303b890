//! An alert as an entry of the access log: everything in a sealed detail, and no name of a person who was asked about.

use std::collections::BTreeSet;

use aws_lc_rs::digest;
use chrono::NaiveDate;
use registry::hex::Hex;
use store::access_log::part_content::DetailPart;

use crate::oversight::alert::engine::Alert;

/// Names of the values that every alert has.
mod name {
    pub(super) const KIND: &str = "alert";
    pub(super) const RULE: &str = "rule";
    pub(super) const KEY: &str = "key";
    pub(super) const AGENCY: &str = "agency";
    pub(super) const OPERATOR: &str = "operator";
    pub(super) const RESERVED: &str = "reserved";
    pub(super) const FIRST: &str = "first_day";
    pub(super) const LAST: &str = "last_day";
    pub(super) const TRIGGER: &str = "trigger";
    pub(super) const ENTRIES: &str = "entries";
    pub(super) const MUNICIPALITIES: &str = "municipalities";
}

/// What the names of counts begin with.
const COUNT: &str = "count.";

impl Alert {
    /// What tells the alert from all others: a hash of the rule, whom it is about, and the occasion.
    pub(crate) fn key(&self) -> String {
        let mut context = digest::Context::new(&digest::SHA256);
        let reserved = if self.reserved { "reserved" } else { "ordinary" };
        for text in [
            &self.rule,
            &*self.agency,
            &*self.operator,
            reserved,
            &self.distinction,
        ] {
            context.update(&(text.len() as u64).to_be_bytes());
            context.update(text.as_bytes());
        }
        let hash = context.finish();
        Hex(hash.as_ref().get(..16).unwrap_or_default()).to_string()
    }

    /// The detail of the entry.
    pub(crate) fn detail(&self) -> DetailPart {
        let Self {
            rule,
            kind,
            agency,
            operator,
            agreement: _,
            reserved,
            first,
            last,
            counts,
            entries,
            places,
            trigger,
            distinction: _,
        } = self;
        let entries: Vec<String> = entries.iter().map(u64::to_string).collect();
        let places: Vec<&str> = places.iter().map(|place| &**place).collect();
        let mut details = vec![
            (name::KIND, kind.clone()),
            (name::RULE, rule.clone()),
            (name::KEY, self.key()),
            (name::AGENCY, agency.to_string()),
            (name::OPERATOR, operator.to_string()),
            (name::RESERVED, reserved.to_string()),
            (name::FIRST, first.to_string()),
            (name::LAST, last.to_string()),
            (name::TRIGGER, trigger.to_string()),
            (name::ENTRIES, entries.join(" ")),
            (name::MUNICIPALITIES, places.join(" ")),
        ]
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect::<Vec<_>>();
        let counts = counts.iter();
        details.extend(counts.map(|(name, count)| (format!("{COUNT}{name}"), count.to_string())));
        DetailPart { details }
    }
}

/// An alert as it was entered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RaisedAlert {
    pub(crate) kind: String,
    pub(crate) rule: String,
    pub(crate) agency: String,
    pub(crate) operator: String,
    pub(crate) reserved: bool,
    pub(crate) first: NaiveDate,
    pub(crate) last: NaiveDate,
    pub(crate) counts: Vec<(String, u64)>,
    pub(crate) entries: Vec<u64>,
    pub(crate) places: BTreeSet<String>,
}

fn value<'a>(detail: &'a DetailPart, wanted: &str) -> Option<&'a str> {
    let found = detail.details.iter().find(|(name, _)| name == wanted);
    found.map(|(_, value)| value.as_str())
}

/// What tells an entered alert from all others.
pub(crate) fn key_of(detail: &DetailPart) -> Option<String> {
    value(detail, name::KEY).map(str::to_owned)
}

impl RaisedAlert {
    /// Reads the detail of an entry; `None` when it is not that of an alert.
    pub(crate) fn read(detail: &DetailPart) -> Option<Self> {
        let text = |wanted| value(detail, wanted).map(str::to_owned);
        let day = |wanted| value(detail, wanted)?.parse().ok();
        let entries = value(detail, name::ENTRIES)?.split_whitespace();
        let counts = detail.details.iter().filter_map(|(name, value)| {
            let name = name.strip_prefix(COUNT)?;
            Some((name.to_owned(), value.parse().ok()?))
        });
        Some(Self {
            kind: text(name::KIND)?,
            rule: text(name::RULE)?,
            agency: text(name::AGENCY)?,
            operator: text(name::OPERATOR)?,
            reserved: value(detail, name::RESERVED)?.parse().ok()?,
            first: day(name::FIRST)?,
            last: day(name::LAST)?,
            counts: counts.collect(),
            entries: entries.map(str::parse).collect::<Result<_, _>>().ok()?,
            places: value(detail, name::MUNICIPALITIES)?
                .split_whitespace()
                .map(str::to_owned)
                .collect(),
        })
    }
}
