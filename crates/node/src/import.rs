//! From an export to the journal: only what changed.
//!
//! Each accepted row is joined with the mirror's card; equal cards send nothing. A row that is kept aside leaves its
//! card as it was. A card that a total export no longer names is withdrawn, unless the export looks incomplete: with a
//! row that names no card, or with more withdrawals than the limit admits, none is made. An incremental export
//! withdraws and annuls where a row says so, and leaves every other card as it is. Whoever imports asks
//! [`assess`](crate::assess::assess) first, which decides about each row as the import does, and lets an export wait that
//! would cancel too many.

pub(crate) mod decision;
pub(crate) mod departures;
mod history;

use std::collections::HashSet;
use std::io::Read;

use chrono::NaiveDate;
use registry::change::ChangeBody;
use registry::export::{ExportContext, ExportForm, ExportKind, Operation, StatedEvent};
use registry::finding::Finding;
use registry::identifier::{IstatCode, LocalId};
use serde::Serialize;
use store::municipal::{ChangeDraft, MunicipalError, MunicipalStore};

use self::decision::{Asked, Judge, Next};
use self::departures::{Departures, Missing};
use crate::check::{CheckReport, CheckedExport, CheckedRow, ExportError, Refused};
use crate::findings::Findings;
use crate::retention::Retention;

/// Changes that are journalled with one sync.
const CHUNK: usize = 1_000;

/// Cancellations that are always admitted, so that the limit does not hinder small municipalities.
const FEW: u64 = 10;

/// How many cards one export may withdraw, or mark as cancelled or dead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RemovalLimit {
    /// This share of the cards, 0 to 100, or ten.
    Percent(u8),
    /// Any number: the caller knows that the export is complete.
    Unlimited,
}

/// What an import did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ImportReport {
    /// Rows after the header.
    pub rows: u64,
    /// Rows kept aside; their cards are as they were.
    pub quarantined: u64,
    /// Cards that are as they were.
    pub unchanged: u64,
    /// New cards.
    pub created: u64,
    /// Cards with a new version.
    pub updated: u64,
    /// Cards withdrawn.
    pub removed: u64,
    /// Operations annulled.
    pub annulled: u64,
    /// Cards that the export does not name, and that were not withdrawn because it looks incomplete.
    pub removals_withheld: u64,
    /// Cards that are not published, or no longer, because their term of publication is over.
    pub beyond_term: u64,
    /// Cards that are not published, or no longer, because citizens abroad are outside the publication profile.
    pub outside_profile: u64,
    /// Last change of the journal afterwards.
    pub journal_end: u64,
    /// What was found, by rule.
    pub findings: Findings,
}

/// Why an import stopped. What was journalled before stays and is published.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The export.
    #[error(transparent)]
    Export(#[from] ExportError),
    /// The node's store.
    #[error("the change cannot be journalled")]
    Store(#[from] MunicipalError),
}

/// What the file does not say of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ImportContext {
    /// Code under which the cards are published.
    pub municipality: IstatCode,
    /// Day on which the export was made, and on which its differences count as noticed.
    pub day: NaiveDate,
    /// How many cards it may withdraw.
    pub removals: RemovalLimit,
    /// How long cards of those who left or died stay published.
    pub retention: Retention,
}

/// Imports an export. Memory is bounded by the local ids of its cards.
///
/// # Errors
/// See [`ImportError`]. Rows that break a rule are no error but part of the report.
pub fn import<R: Read>(
    store: &mut MunicipalStore,
    input: R,
    context: ImportContext,
    form: &ExportForm,
) -> Result<ImportReport, ImportError> {
    let export = CheckedExport::open(input, context.of_export(), form)?;
    import_checked(store, export, context, form.kind)
}

pub(crate) fn import_checked<R: Read>(
    store: &mut MunicipalStore,
    mut export: CheckedExport<R>,
    context: ImportContext,
    kind: ExportKind,
) -> Result<ImportReport, ImportError> {
    let ImportContext {
        municipality: _,
        day,
        removals,
        retention,
    } = context;
    let mut import = Import {
        judge: Judge::new(store, day, retention, kind),
        store,
        drafts: Vec::new(),
        pending: HashSet::new(),
        departures: Departures::default(),
        counts: Counts::default(),
    };
    let cards_before = import.store.cards();
    let mut named = HashSet::new();
    let mut all_named = true;
    while let Some(row) = export.next_row()? {
        match row {
            CheckedRow::Accepted {
                line,
                operation,
                event,
            } => {
                if let (ExportKind::Total, Operation::Publish(record)) = (kind, &operation) {
                    named.insert(record.local_id.clone());
                }
                if let Some(finding) = import.take(operation, event, line)? {
                    export.note(finding);
                }
            }
            CheckedRow::Refused(Refused::Card(card)) => {
                named.insert(card);
            }
            CheckedRow::Refused(Refused::Unknown) => all_named = false,
        }
    }
    import.flush()?;
    if kind == ExportKind::Total {
        let admitted = if all_named {
            removals.admits(cards_before)
        } else {
            0
        };
        import.withdraw_missing(&named, admitted)?;
        import.store.note_groups_brought()?;
    }
    import.store.sync()?;
    let CheckReport {
        rows,
        accepted: _,
        refused,
        findings,
    } = export.finish();
    let Counts {
        unchanged,
        created,
        updated,
        removed,
        annulled,
        removals_withheld,
        beyond_term,
        outside_profile,
    } = import.counts;
    Ok(ImportReport {
        rows,
        quarantined: refused,
        unchanged,
        created,
        updated,
        removed,
        annulled,
        removals_withheld,
        beyond_term,
        outside_profile,
        journal_end: import.store.last_sequence(),
        findings,
    })
}

#[derive(Debug)]
struct Import<'a> {
    store: &'a mut MunicipalStore,
    judge: Judge,
    drafts: Vec<ChangeDraft>,
    /// Cards that the drafts change: the mirror does not know it yet.
    pending: HashSet<LocalId>,
    departures: Departures,
    counts: Counts,
}

#[derive(Debug, Default)]
struct Counts {
    unchanged: u64,
    created: u64,
    updated: u64,
    removed: u64,
    annulled: u64,
    removals_withheld: u64,
    beyond_term: u64,
    outside_profile: u64,
}

impl Import<'_> {
    /// Does what a row asks for, and says what only the store could tell about it.
    fn take(
        &mut self,
        operation: Operation,
        event: StatedEvent,
        line: u64,
    ) -> Result<Option<Finding>, MunicipalError> {
        if self.pending.contains(operation.card()) {
            self.flush()?;
        }
        let decision = match self.judge.decide(self.store, &[], operation, event)? {
            Ok(decision) => decision,
            Err(objection) => return Ok(Some(objection.at(line))),
        };
        self.departures
            .note(&decision.local_id, self.judge.departure(&decision));
        let counts = &mut self.counts;
        match (&decision.next, decision.asked) {
            (Next::Same | Next::Silent(_), _) => counts.unchanged += 1,
            (Next::OutsideProfile, _) => counts.outside_profile += 1,
            (_, Asked::Withdrawal) => counts.removed += 1,
            (Next::BeyondTerm(_), Asked::Annulment) => {
                counts.annulled += 1;
                counts.beyond_term += 1;
            }
            (_, Asked::Annulment) => counts.annulled += 1,
            (Next::BeyondTerm(_), Asked::Publication) => counts.beyond_term += 1,
            (_, Asked::Publication) if decision.previous.is_some() => counts.updated += 1,
            (_, Asked::Publication) => counts.created += 1,
        }
        if let Some(draft) = decision.into_draft() {
            self.push(draft)?;
        }
        Ok(None)
    }

    /// Withdraws the cards that a total export does not name, unless there would be more departures than are admitted;
    /// those whose term of publication is over are withdrawn in any case.
    fn withdraw_missing(&mut self, named: &HashSet<LocalId>, admitted: u64) -> Result<(), MunicipalError> {
        let Missing {
            departing,
            beyond_term,
        } = Missing::find(self.store, &self.judge, named)?;
        self.counts.beyond_term += beyond_term.len() as u64;
        let mut withdrawn = beyond_term;
        let count = departing.len() as u64;
        if count != 0 && admitted < self.departures.total().saturating_add(count) {
            tracing::warn!(count, "the export looks incomplete: no card is withdrawn");
            self.counts.removals_withheld = count;
        } else {
            self.counts.removed += count;
            withdrawn.extend(departing);
        }
        for local_id in withdrawn {
            self.push(ChangeDraft {
                local_id,
                body: ChangeBody::Remove,
                events: Vec::new(),
            })?;
        }
        self.flush()
    }

    fn push(&mut self, draft: ChangeDraft) -> Result<(), MunicipalError> {
        self.pending.insert(draft.local_id.clone());
        self.drafts.push(draft);
        if CHUNK <= self.drafts.len() {
            self.flush()
        } else {
            Ok(())
        }
    }

    fn flush(&mut self) -> Result<(), MunicipalError> {
        if self.drafts.is_empty() {
            return Ok(());
        }
        self.pending.clear();
        self.store.append(std::mem::take(&mut self.drafts))
    }
}

impl ImportContext {
    pub(crate) fn of_export(self) -> ExportContext {
        ExportContext {
            municipality: self.municipality,
            reference_date: self.day,
        }
    }
}

impl RemovalLimit {
    pub(crate) fn admits(self, cards: u64) -> u64 {
        match self {
            Self::Unlimited => u64::MAX,
            Self::Percent(percent) => (cards.saturating_mul(u64::from(percent)) / 100).max(FEW),
        }
    }
}

impl Default for RemovalLimit {
    fn default() -> Self {
        Self::Percent(5)
    }
}

#[cfg(test)]
mod tests;
