//! What an export is of, and how far it has come.

use std::collections::BTreeMap;

use chrono::{DateTime, SecondsFormat, Utc};
use client::auditor::AccessFilter;
use ledger::header::Header;
use serde::{Deserialize, Serialize};

use super::RowForm;

const FORMAT: &str = "ponte.export.state/1";

/// What is exported. An export goes on only under the same settings.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Entries at or after this instant, RFC 3339.
    pub from: Option<String>,
    /// Entries before this instant, RFC 3339.
    pub until: Option<String>,
    /// Entries of this agency.
    pub agency: Option<String>,
    /// Entries under this agreement.
    pub agreement: Option<String>,
    /// Entries with this outcome.
    pub outcome: Option<String>,
    /// Index of the first entry.
    pub from_index: u64,
    /// Index before which the export ends; nothing for the checkpoint that was the newest when it began or, of one that
    /// follows the log, until it is ended.
    pub until_index: Option<u64>,
    /// Whether entries are exported as they are made. Entries about followers are not among those that were made
    /// meanwhile.
    pub follow: bool,
    /// Forms of rows, by name, sorted.
    pub formats: Vec<String>,
}

/// How far an export has come.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct State {
    format: String,
    /// The log.
    pub origin: String,
    /// The auditor's scope.
    pub scope: String,
    /// What is exported.
    pub settings: Settings,
    /// Index before which pages end; behind it, when the log is followed, entries come as they are made.
    pub end: u64,
    /// Index before which everything has been exported.
    pub next: u64,
    /// Entries so far.
    pub entries: u64,
    /// How much of each growing file counts, bytes.
    pub lengths: BTreeMap<String, u64>,
}

/// Why a text is no state.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// Not one.
    #[error("it is not the state of an export")]
    Json(#[from] serde_json::Error),
    /// One of another version.
    #[error("it is the state of an export of another version: its format must be {FORMAT}")]
    Format,
}

impl Settings {
    /// The settings of a filter; range and forms are still the usual ones.
    pub fn of(filter: &AccessFilter) -> Self {
        let AccessFilter {
            from,
            until,
            agency,
            agreement,
            outcome,
        } = filter.clone();
        let text = |time: DateTime<Utc>| time.to_rfc3339_opts(SecondsFormat::Millis, true);
        Self {
            from: from.map(text),
            until: until.map(text),
            agency,
            agreement,
            outcome,
            ..Self::default()
        }
    }

    /// The forms of rows; nothing when a name is none.
    pub fn forms(&self) -> Option<Vec<RowForm>> {
        self.formats.iter().map(|name| RowForm::from_name(name)).collect()
    }

    /// Whether everything in the auditor's scope is exported.
    pub fn is_unfiltered(&self) -> bool {
        let Self {
            from,
            until,
            agency,
            agreement,
            outcome,
            from_index: _,
            until_index: _,
            follow: _,
            formats: _,
        } = self;
        [from, until, agency, agreement, outcome]
            .iter()
            .all(|clause| clause.is_none())
    }

    /// Whether an entry is one that these settings admit, its index aside.
    pub fn admit(&self, header: &Header) -> bool {
        let body = &header.body;
        let ms = |text: &Option<String>| {
            text.as_deref()
                .and_then(|text| DateTime::parse_from_rfc3339(text).ok())
                .and_then(|time| u64::try_from(time.timestamp_millis()).ok())
        };
        let same = |wanted: &Option<String>, value: &Option<String>| wanted.is_none() || wanted == value;
        let (from, until) = (ms(&self.from), ms(&self.until));
        let told = told(header);
        from.is_none_or(|from| from <= header.time_ms)
            && until.is_none_or(|until| header.time_ms < until)
            && same(&self.agency, &body.peer)
            && same(&self.agreement, &body.agreement)
            && self.outcome.as_ref().is_none_or(|outcome| outcome == told)
    }

    /// The first setting in which two differ.
    pub fn difference(&self, other: &Self) -> Option<&'static str> {
        let Self {
            from,
            until,
            agency,
            agreement,
            outcome,
            from_index,
            until_index,
            follow,
            formats,
        } = self;
        [
            ("--from", *from == other.from),
            ("--until", *until == other.until),
            ("--agency", *agency == other.agency),
            ("--under", *agreement == other.agreement),
            ("--outcome", *outcome == other.outcome),
            ("--from-index", *from_index == other.from_index),
            ("--until-index", *until_index == other.until_index),
            ("--follow", *follow == other.follow),
            ("--format", *formats == other.formats),
        ]
        .into_iter()
        .find_map(|(name, same)| (!same).then_some(name))
    }
}

impl State {
    /// An export that has not begun yet, of entries before `end`.
    pub fn new(origin: String, scope: String, settings: Settings, end: u64) -> Self {
        let next = settings.from_index;
        Self {
            format: FORMAT.to_owned(),
            origin,
            scope,
            settings,
            end,
            next,
            entries: 0,
            lengths: BTreeMap::new(),
        }
    }

    /// Reads a state.
    ///
    /// # Errors
    /// See [`StateError`].
    pub fn parse(text: &str) -> Result<Self, StateError> {
        let state: Self = serde_json::from_str(text)?;
        if state.format == FORMAT {
            Ok(state)
        } else {
            Err(StateError::Format)
        }
    }

    /// The text of a file.
    ///
    /// # Errors
    /// None that memory could give.
    pub fn text(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string_pretty(self).map(|text| text + "\n")
    }
}

/// The outcome as it was told: `OK` or a reason.
pub fn told(header: &Header) -> &str {
    match header.body.outcome.reason.as_str() {
        "" if header.body.outcome.code == 0 => "OK",
        reason => reason,
    }
}
