//! From a file to the journal: sealed, judged, imported or made to wait, reported.
//!
//! Whatever happens in between, nothing is lost: the source is given up only by whoever called, after this has
//! returned; an import that is done twice changes nothing the second time; an export that waits is durable before
//! anybody is told so.

use std::io::Read;
use std::sync::Arc;
use std::time::Duration;

use agreement::moment::Moment;
use chrono::{DateTime, NaiveDate};
use registry::export::{ExportForm, OpenError};
use registry::identifier::IstatCode;
use serde::Serialize;
use transport::clock::Clock;

use crate::assess::assess;
use crate::check::{CheckedExport, ExportError};
use crate::exports::{Cancellations, ExportId, ExportState, ExportsError, HeldExport, SealedExports};
use crate::import::{ImportContext, ImportError, ImportReport, RemovalLimit, import};
use crate::reports::{Reason, Report, ReportCounts, ReportError, Reports, Verdict};
use crate::retention::Retention;
use crate::storage::Storage;

/// Takes exports, one at a time.
#[derive(Clone, Debug)]
pub struct Intake {
    municipality: IstatCode,
    rules: IntakeRules,
    form: ExportForm,
    storage: Storage,
    exports: SealedExports,
    reports: Reports,
    clock: Arc<dyn Clock>,
}

/// What the configuration says of imports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IntakeRules {
    /// How many cards one export may cancel.
    pub removals: RemovalLimit,
    /// How long an imported export is kept, sealed; zero: not at all.
    pub keep: Duration,
    /// How long cards of those who left or died stay published.
    pub retention: Retention,
}

/// What is known of an export besides its content.
#[derive(Clone, Debug, Default)]
pub struct Delivery {
    /// Day on which it was made; today in Italy when absent.
    pub day: Option<NaiveDate>,
    /// Name of the file.
    pub file: Option<String>,
    /// SHA-256 that its sender stated, hexadecimal.
    pub sha256: Option<String>,
    /// How many cards it may cancel, where it is not the configured limit.
    pub removals: Option<RemovalLimit>,
    /// How it is read, where it is not as configured.
    pub form: Option<ExportForm>,
}

/// What became of an export.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "outcome", rename_all = "kebab-case")]
pub enum Outcome {
    /// It was imported.
    Imported(Imported),
    /// It waits for a person, and nothing of it was imported.
    Waiting(WaitingExport),
    /// It cannot be read as an export, and nothing of it was imported.
    Rejected(Rejected),
}

/// An export that was imported.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Imported {
    /// Its report.
    pub report: ExportId,
    /// What the import did.
    #[serde(flatten)]
    pub import: ImportReport,
}

/// An export that waits for a person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct WaitingExport {
    /// Its id, and its report's.
    pub id: ExportId,
    /// When it was received, day and time in Italy.
    pub received: String,
    /// Whether an export that was received later has been imported since: then it can only be given up.
    pub overtaken: bool,
    /// Why it waits.
    #[serde(flatten)]
    pub cancellations: Cancellations,
}

/// An export that cannot be read as one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Rejected {
    /// Its report.
    pub report: ExportId,
    /// Why.
    pub reasons: Vec<Reason>,
}

/// Why an export cannot be taken now, or a person's decision not be carried out.
#[derive(Debug, thiserror::Error)]
pub enum IntakeError {
    /// The sealed copy.
    #[error(transparent)]
    Exports(#[from] ExportsError),
    /// Reading the copy, or journalling.
    #[error(transparent)]
    Import(#[from] ImportError),
    /// The report.
    #[error(transparent)]
    Report(#[from] ReportError),
    /// No export waits, or none of that id.
    #[error("no such export waits for a decision")]
    NothingWaits,
    /// Several wait.
    #[error("several exports wait for a decision: name one by its id")]
    SeveralWait,
    /// A later export was imported: what this one says is no longer true.
    #[error(
        "an export that was received later has been imported since, and this one would put older data over it: \
         discard it and export again"
    )]
    Overtaken,
    /// The registry has changed since the cancellations were counted.
    #[error(
        "the registry has changed since: the export would now cancel {now} of {cards} cards; decide again"
    )]
    Changed {
        /// Cards that it would cancel now.
        now: u64,
        /// Cards that there are.
        cards: u64,
    },
}

impl Intake {
    /// An intake over open directories.
    pub fn new(
        municipality: IstatCode,
        rules: IntakeRules,
        form: ExportForm,
        storage: Storage,
        exports: SealedExports,
        reports: Reports,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            municipality,
            rules,
            form,
            storage,
            exports,
            reports,
            clock,
        }
    }

    /// How exports are read, unless one is told otherwise.
    pub fn form(&self) -> &ExportForm {
        &self.form
    }

    /// Takes an export. After an error nothing is held of it, and it can be taken again.
    ///
    /// # Errors
    /// See [`IntakeError`]. What was journalled before an error stays and is published.
    pub fn take(&self, source: impl Read, delivery: Delivery) -> Result<Outcome, IntakeError> {
        let Delivery {
            day,
            file,
            sha256,
            removals,
            form,
        } = delivery;
        let form = form.unwrap_or_else(|| self.form.clone());
        let received = Moment::new(self.clock.now());
        let context = self.context(day.unwrap_or_else(|| received.date()), removals);
        let held = self
            .exports
            .take(received, context.day, file.and_then(plain_name), &form, source)?;
        let stated_otherwise = sha256.is_some_and(|stated| !stated.eq_ignore_ascii_case(&held.note.sha256));
        let outcome = if stated_otherwise {
            self.reject(&held, vec![Reason::other_content()])
        } else {
            self.judge(held.clone(), context, &form)
        };
        if outcome.is_err() {
            // The source is where it was. What cannot be removed now is removed at the next start.
            let _ = self.exports.remove(&held.id);
        }
        outcome
    }

    /// Every export that waits for a person, oldest first.
    ///
    /// # Errors
    /// See [`IntakeError`].
    pub fn waiting(&self) -> Result<Vec<WaitingExport>, IntakeError> {
        let all = self.exports.all()?;
        Ok(all.iter().filter_map(WaitingExport::of).collect())
    }

    /// Imports an export that waits: the one of the id, or the only one. One that was received before an export that has
    /// been imported never is.
    ///
    /// # Errors
    /// See [`IntakeError`]; then it waits on.
    pub fn confirm(&self, id: Option<&str>) -> Result<Imported, IntakeError> {
        let (mut held, counted) = self.the_waiting(id)?;
        if let ExportState::Overtaken(_) = held.state {
            return Err(IntakeError::Overtaken);
        }
        let day = held.note.day.parse().map_err(|_| ExportsError::Note)?;
        let form = held.note.form()?;
        let mut store = self.storage.store();
        if store.last_sequence() != counted.journal_end {
            let context = self.context(day, None);
            let now = assess(&store, self.exports.read(&held.id)?, context, &form)?;
            self.exports.hold(&mut held, ExportState::Waiting(now))?;
            if now.total() != counted.total() {
                return Err(IntakeError::Changed {
                    now: now.total(),
                    cards: now.cards,
                });
            }
        }
        let context = self.context(day, Some(RemovalLimit::Unlimited));
        let received_ms = held.note.received_ms;
        self.overtake(|other| other.id != held.id && other.note.received_ms <= received_ms)?;
        let done = import(&mut store, self.exports.read(&held.id)?, context, &form)?;
        drop(store);
        self.finish(held, done)
    }

    /// Gives up an export that waits: the one of the id, or the only one.
    ///
    /// # Errors
    /// See [`IntakeError`]; then it waits on.
    pub fn discard(&self, id: Option<&str>) -> Result<ExportId, IntakeError> {
        let (held, cancellations) = self.the_waiting(id)?;
        self.reports
            .save(&self.report(&held, Verdict::Discarded { cancellations }))?;
        self.exports.remove(&held.id)?;
        Ok(held.id)
    }

    /// Removes what was kept long enough. Returns how many exports.
    ///
    /// # Errors
    /// See [`IntakeError`].
    pub fn expire(&self) -> Result<usize, IntakeError> {
        let now_ms = self.clock.now_ms();
        let mut removed = 0;
        for held in self.exports.all()? {
            let over = match held.state {
                ExportState::Kept { until_ms } => until_ms <= now_ms,
                ExportState::Taken | ExportState::Waiting(_) | ExportState::Overtaken(_) => false,
            };
            if over {
                self.exports.remove(&held.id)?;
                removed += 1;
            }
        }
        Ok(removed)
    }

    fn context(&self, day: NaiveDate, removals: Option<RemovalLimit>) -> ImportContext {
        ImportContext {
            municipality: self.municipality,
            day,
            removals: removals.unwrap_or(self.rules.removals),
            retention: self.rules.retention,
        }
    }

    fn judge(
        &self,
        held: HeldExport,
        context: ImportContext,
        form: &ExportForm,
    ) -> Result<Outcome, IntakeError> {
        let mut store = self.storage.store();
        let unbounded = context.removals == RemovalLimit::Unlimited || store.cards() == 0;
        if !unbounded {
            let counted = match assess(&store, self.exports.read(&held.id)?, context, form) {
                Ok(counted) => counted,
                Err(error) => return self.reject_unless_broken(&held, error),
            };
            if !counted.within_limit() {
                drop(store);
                return self.wait(held, counted);
            }
        } else if let Err(error) =
            CheckedExport::open(self.exports.read(&held.id)?, context.of_export(), form)
        {
            return self.reject_unless_broken(&held, error.into());
        }
        // Before the first change: whatever happens then, what waits is never put over it.
        self.overtake(|_| true)?;
        match import(&mut store, self.exports.read(&held.id)?, context, form) {
            Ok(done) => {
                drop(store);
                Ok(Outcome::Imported(self.finish(held, done)?))
            }
            Err(error) => self.reject_unless_broken(&held, error),
        }
    }

    /// Notes, durably, that exports which wait are older than what is imported now.
    fn overtake(&self, is_older: impl Fn(&HeldExport) -> bool) -> Result<(), IntakeError> {
        for mut waiting in self.exports.all()? {
            if let ExportState::Waiting(counted) = waiting.state
                && is_older(&waiting)
            {
                self.exports.hold(&mut waiting, ExportState::Overtaken(counted))?;
            }
        }
        Ok(())
    }

    fn wait(&self, mut held: HeldExport, counted: Cancellations) -> Result<Outcome, IntakeError> {
        // After an interruption the same file may be taken again: it waits once.
        let again = self.exports.all()?.into_iter().find(|other| {
            let same = other.note.sha256 == held.note.sha256 && other.note.day == held.note.day;
            same && matches!(other.state, ExportState::Waiting(_))
        });
        if let Some(waiting) = again.as_ref().and_then(WaitingExport::of) {
            self.exports.remove(&held.id)?;
            return Ok(Outcome::Waiting(waiting));
        }
        let verdict = Verdict::Waiting {
            cancellations: counted,
        };
        self.reports.save(&self.report(&held, verdict))?;
        self.exports.hold(&mut held, ExportState::Waiting(counted))?;
        tracing::warn!(
            id = held.id.as_str(),
            cancellations = counted.total(),
            "an export waits for a person"
        );
        Ok(Outcome::Waiting(WaitingExport {
            received: in_italy(held.note.received_ms),
            id: held.id,
            overtaken: false,
            cancellations: counted,
        }))
    }

    fn finish(&self, mut held: HeldExport, done: ImportReport) -> Result<Imported, IntakeError> {
        let verdict = Verdict::Imported(ReportCounts::of(&done));
        self.reports
            .save(&self.report(&held, verdict).with_findings(&done.findings))?;
        let keep_ms = u64::try_from(self.rules.keep.as_millis()).unwrap_or(u64::MAX);
        if keep_ms == 0 {
            self.exports.remove(&held.id)?;
        } else {
            let until_ms = self.clock.now_ms().saturating_add(keep_ms);
            self.exports.hold(&mut held, ExportState::Kept { until_ms })?;
        }
        Ok(Imported {
            report: held.id,
            import: done,
        })
    }

    /// A file that is no export is rejected; one that cannot be read now is an error.
    fn reject_unless_broken(&self, held: &HeldExport, error: ImportError) -> Result<Outcome, IntakeError> {
        match error {
            ImportError::Export(ExportError::Open(OpenError::Header(faults))) => {
                self.reject(held, faults.iter().map(Reason::of_header).collect())
            }
            ImportError::Export(ExportError::Open(OpenError::Io(_)) | ExportError::Read(_))
            | ImportError::Store(_) => Err(error.into()),
        }
    }

    fn reject(&self, held: &HeldExport, reasons: Vec<Reason>) -> Result<Outcome, IntakeError> {
        let verdict = Verdict::Rejected {
            reasons: reasons.clone(),
        };
        self.reports.save(&self.report(held, verdict))?;
        self.exports.remove(&held.id)?;
        Ok(Outcome::Rejected(Rejected {
            report: held.id.clone(),
            reasons,
        }))
    }

    /// The waiting export of an id, or the only one.
    fn the_waiting(&self, id: Option<&str>) -> Result<(HeldExport, Cancellations), IntakeError> {
        let all = self.exports.all()?;
        let mut waiting = all.into_iter().filter_map(|held| match held.state {
            ExportState::Waiting(counted) | ExportState::Overtaken(counted) => Some((held, counted)),
            ExportState::Taken | ExportState::Kept { .. } => None,
        });
        match id {
            Some(id) => waiting.find(|(held, _)| held.id.as_str() == id),
            None => {
                let first = waiting.next();
                if waiting.next().is_some() {
                    return Err(IntakeError::SeveralWait);
                }
                first
            }
        }
        .ok_or(IntakeError::NothingWaits)
    }

    fn report(&self, held: &HeldExport, verdict: Verdict) -> Report {
        let HeldExport { id, note, state: _ } = held;
        Report {
            day: note.day.clone(),
            file: note.file.clone(),
            sha256: note.sha256.clone(),
            ..Report::new(
                id.clone(),
                self.municipality.to_string(),
                in_italy(note.received_ms),
                verdict,
            )
        }
    }
}

impl WaitingExport {
    fn of(held: &HeldExport) -> Option<Self> {
        match held.state {
            ExportState::Waiting(cancellations) | ExportState::Overtaken(cancellations) => Some(Self {
                id: held.id.clone(),
                received: in_italy(held.note.received_ms),
                overtaken: matches!(held.state, ExportState::Overtaken(_)),
                cancellations,
            }),
            ExportState::Taken | ExportState::Kept { .. } => None,
        }
    }
}

/// Day and time in Italy.
fn in_italy(unix_ms: u64) -> String {
    let instant = i64::try_from(unix_ms)
        .ok()
        .and_then(DateTime::from_timestamp_millis);
    instant.map_or_else(String::new, |instant| {
        let moment = Moment::new(instant);
        format!("{} {}", moment.date(), moment.time().format("%H:%M:%S"))
    })
}

/// A file's name, where it is of plain letters: it stands in reports.
fn plain_name(name: String) -> Option<String> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    (name.len() <= 100 && name.bytes().all(plain)).then_some(name)
}

#[cfg(test)]
mod tests;
