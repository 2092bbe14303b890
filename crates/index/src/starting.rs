//! What the access log tells of the service's own starts and stops: which program ran, with which configuration, and what
//! of that had changed since the start before.
//!
//! The configuration is told by its changes, so that a whole region's fits the parts of entries and a restart costs one
//! entry. What cannot be put together any more from the entries before, because their keys were destroyed or one of
//! them is missing, is told whole again.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Read};
use std::path::PathBuf;
use std::sync::OnceLock;

use ledger::hash::{Hash, sha256};
use ledger::header::EntryKind;
use ledger::part::PartKind;
use store::access_log::AccessLog;
use store::access_log::draft::EntryDraft;
use store::access_log::part_content::{ContentError, DetailPart, PartContent};
use store::access_log::reading::{OpenedPart, ReadError, ReaderScope};

use crate::config::StatedConfiguration;
use crate::entry::{told_ok, usual_retention};

/// Names under which the detail of an entry tells something.
const VERSION: &str = "version";
const PROGRAM: &str = "program_sha256";
const CONFIGURATION: &str = "configuration_sha256";
const TOLD: &str = "configuration";
const PIECE: &str = "piece";
const SET: &str = "set ";
const WAS: &str = "was ";
const UNSET: &str = "unset ";
const REASON: &str = "reason";

/// Most bytes of changes in one entry: a part's content holds less than 65,536.
const PIECE_BYTES: usize = 24 * 1024;

/// The program that runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    /// Its version.
    pub version: String,
    /// SHA-256 of its file.
    pub hash: Hash,
}

impl Program {
    /// The program of this process, from the bytes that run: also where its file was replaced since. Read once.
    ///
    /// # Errors
    /// Its file cannot be read.
    pub fn running() -> io::Result<Self> {
        static RUNNING: OnceLock<Program> = OnceLock::new();
        if let Some(program) = RUNNING.get() {
            return Ok(program.clone());
        }
        let mut bytes = Vec::new();
        File::open(own_file()?)?.read_to_end(&mut bytes)?;
        let program = Self {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            hash: sha256(&bytes),
        };
        Ok(RUNNING.get_or_init(|| program).clone())
    }
}

fn own_file() -> io::Result<PathBuf> {
    if cfg!(target_os = "linux") {
        Ok(PathBuf::from("/proc/self/exe"))
    } else {
        std::env::current_exe()
    }
}

/// What runs: the program, and the configuration with which it started.
#[derive(Clone, Debug)]
pub struct Started {
    /// The program.
    pub program: Program,
    /// Its configuration.
    pub configuration: StatedConfiguration,
}

/// Why the entries of the starts before cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum LastStartError {
    /// The log.
    #[error("the entry of an earlier start cannot be read")]
    Read(#[from] ReadError),
    /// Its detail.
    #[error("the entry of an earlier start does not decode")]
    Detail(#[from] ContentError),
}

/// What the log tells of the start before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LastStart {
    /// There was none.
    None,
    /// With this configuration.
    With(StatedConfiguration),
    /// With one that the log does not hold any more.
    Forgotten,
}

impl LastStart {
    /// Puts together what the log's entries tell.
    ///
    /// # Errors
    /// See [`LastStartError`].
    pub fn of(log: &AccessLog) -> Result<Self, LastStartError> {
        let mut configuration = StatedConfiguration::default();
        let mut last = Self::None;
        for index in log.configurations() {
            let Some(entry) = log.entry(&ReaderScope::Index, index)? else {
                continue;
            };
            let detail = entry.parts.iter().find_map(|part| match part {
                OpenedPart::Shown(opening) if opening.kind == PartKind::AdministrativeDetail => {
                    Some(DetailPart::decode(&opening.content))
                }
                OpenedPart::Shown(_) | OpenedPart::Erased { .. } => None,
            });
            let details = detail.transpose()?.map_or_else(Vec::new, |part| part.details);
            apply(&mut configuration, &details);
            if entry.header.body.kind == EntryKind::ServiceStarted {
                let hash = value(&details, CONFIGURATION);
                let complete = hash == Some(configuration.hash().to_string().as_str());
                last = if complete {
                    Self::With(configuration.clone())
                } else {
                    Self::Forgotten
                };
            }
        }
        Ok(last)
    }
}

impl Started {
    /// The entries of this start, in their order; the last one is the start itself.
    ///
    /// # Errors
    /// A line of the configuration is longer than a part can hold.
    pub fn entries(&self, last: &LastStart) -> Result<Vec<EntryDraft>, ContentError> {
        let nothing = StatedConfiguration::default();
        let (told, before) = match last {
            LastStart::None => ("first", &nothing),
            LastStart::Forgotten => ("told again", &nothing),
            LastStart::With(before) if *before == self.configuration => ("unchanged", before),
            LastStart::With(before) => ("changed", before),
        };
        let mut pieces = pieces(changes(before, &self.configuration));
        let count = pieces.len();
        let kinds = (1..=count).map(|number| {
            if number == count {
                EntryKind::ServiceStarted
            } else {
                EntryKind::ConfigurationChanged
            }
        });
        kinds
            .zip(1..)
            .zip(&mut pieces)
            .map(|((kind, number), changes)| {
                let mut details = self.identity();
                details.push((TOLD.to_owned(), told.to_owned()));
                details.push((PIECE.to_owned(), format!("{number} of {count}")));
                details.append(changes);
                entry(kind, details)
            })
            .collect()
    }

    /// The entry of the end of this run; `reason` says why it ended, when it was not asked to.
    ///
    /// # Errors
    /// The reason is longer than a part can hold.
    pub fn stopped(&self, reason: Option<&str>) -> Result<EntryDraft, ContentError> {
        let mut details = self.identity();
        let reason = reason.unwrap_or("asked to stop");
        details.push((REASON.to_owned(), reason.to_owned()));
        entry(EntryKind::ServiceStopped, details)
    }

    fn identity(&self) -> Vec<(String, String)> {
        let Self {
            program: Program { version, hash },
            configuration,
        } = self;
        vec![
            (VERSION.to_owned(), version.clone()),
            (PROGRAM.to_owned(), hash.to_string()),
            (CONFIGURATION.to_owned(), configuration.hash().to_string()),
        ]
    }
}

fn entry(kind: EntryKind, details: Vec<(String, String)>) -> Result<EntryDraft, ContentError> {
    let mut draft = EntryDraft::new(kind, usual_retention());
    draft.header.outcome = told_ok();
    draft.with(PartKind::AdministrativeDetail, &DetailPart { details })
}

/// What makes `after` of `before`, each change with what was there.
fn changes(before: &StatedConfiguration, after: &StatedConfiguration) -> Vec<Vec<(String, String)>> {
    let keys: BTreeSet<&str> = before.lines().chain(after.lines()).map(|(key, _)| key).collect();
    let change = |key: &str| match (before.get(key), after.get(key)) {
        (Some(old), Some(new)) if old == new => None,
        (Some(old), Some(new)) => Some(vec![
            (format!("{WAS}{key}"), old.to_owned()),
            (format!("{SET}{key}"), new.to_owned()),
        ]),
        (None, Some(new)) => Some(vec![(format!("{SET}{key}"), new.to_owned())]),
        (Some(old), None) => Some(vec![(format!("{UNSET}{key}"), old.to_owned())]),
        (None, None) => None,
    };
    keys.into_iter().filter_map(change).collect()
}

/// The changes in pieces of which each fits an entry; one at least.
fn pieces(changes: Vec<Vec<(String, String)>>) -> Vec<Vec<(String, String)>> {
    let mut pieces = Vec::new();
    let mut piece = Vec::new();
    let mut bytes = 0;
    for change in changes {
        let more: usize = change.iter().map(|(name, value)| name.len() + value.len()).sum();
        if PIECE_BYTES < bytes + more && !piece.is_empty() {
            pieces.push(std::mem::take(&mut piece));
            bytes = 0;
        }
        bytes += more;
        piece.extend(change);
    }
    pieces.push(piece);
    pieces
}

fn apply(configuration: &mut StatedConfiguration, details: &[(String, String)]) {
    let first_piece = value(details, PIECE).is_some_and(|piece| piece.starts_with("1 of "));
    if first_piece && matches!(value(details, TOLD), Some("first" | "told again")) {
        *configuration = StatedConfiguration::default();
    }
    for (name, value) in details {
        if let Some(key) = name.strip_prefix(SET) {
            configuration.set(key, Some(value));
        } else if let Some(key) = name.strip_prefix(UNSET) {
            configuration.set(key, None);
        }
    }
}

fn value<'a>(details: &'a [(String, String)], name: &str) -> Option<&'a str> {
    details
        .iter()
        .find_map(|(given, value)| (given == name).then_some(value.as_str()))
}

#[cfg(test)]
mod tests;
