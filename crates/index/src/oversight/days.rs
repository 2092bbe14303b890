//! What was counted, day by day: the day that is not over in memory, every other one in a file of its own, sealed.
//!
//! The files are a projection of the access log. Each names the piece of the log that it was counted from and the last
//! entry of it; together the pieces cover the log from its first entry on. What is missing, does not open or does not
//! belong to the log is counted again at the next start, with everything after it.

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;

use chrono::{NaiveDate, Timelike};
use ledger::hash::leaf_hash;
use store::access_log::AccessLog;
use store::access_log::reading::{ReadError, ReaderScope};
use store::files::{Files, read_whole, replace};
use store::keys::ring::NamedKey;

use crate::oversight::access::{Name, Seen, What};
use crate::oversight::counters::DayCount;
use crate::oversight::day_file::DayFile;

const PREFIX: &str = "day-";

const ASSOCIATED: &[u8] = b"ponte oversight day v1 ";

/// Why the counters of a day cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum DaysError {
    /// A file cannot be read or written.
    #[error("the counters of a day cannot be read or written")]
    Io(#[from] std::io::Error),
    /// A file changed since it was written: it is counted again at the next start.
    #[error("the counters of a day are damaged")]
    Damaged,
    /// The log cannot be read.
    #[error("the access log cannot be read")]
    Log(#[from] ReadError),
}

/// The counters of all days.
#[derive(Debug)]
pub struct Days {
    files: Arc<dyn Files>,
    key: NamedKey,
    /// Days that are over and in a file.
    closed: BTreeSet<NaiveDate>,
    open: Option<Open>,
    /// First entry that was not looked at.
    next: u64,
}

/// The day that is not over.
#[derive(Debug)]
struct Open {
    date: NaiveDate,
    first: u64,
    counts: DayCount,
}

impl Days {
    /// Counters over a directory of their own; the key seals them.
    pub fn new(files: Arc<dyn Files>, key: NamedKey) -> Self {
        Self {
            files,
            key,
            closed: BTreeSet::new(),
            open: None,
            next: 0,
        }
    }

    /// Takes up the files that belong to the log, and removes the others.
    ///
    /// # Errors
    /// The log, or the directory, cannot be read.
    pub(super) fn take_up(&mut self, log: &AccessLog) -> Result<(), DaysError> {
        let size = log.checkpoint().checkpoint.size;
        let mut sound = true;
        for name in self.files.list()? {
            let is_remainder = name.ends_with(".new");
            if sound && !is_remainder {
                match date_of(&name).map(|date| (date, self.read(date))) {
                    Some((date, Ok(file))) if self.continues(log, size, &file)? => {
                        self.closed.insert(date);
                        self.next = file.end;
                        continue;
                    }
                    Some((_, Ok(_) | Err(DaysError::Damaged))) | None => {
                        tracing::warn!(
                            "counters of a day do not belong to the access log and are counted again"
                        );
                        sound = false;
                    }
                    Some((_, Err(error))) => return Err(error),
                }
            }
            self.files.remove(&name)?;
        }
        Ok(())
    }

    /// Whether a file goes on where the one before ended, and ends in this log.
    fn continues(&self, log: &AccessLog, size: u64, file: &DayFile) -> Result<bool, ReadError> {
        if file.first != self.next || file.end <= file.first || size < file.end {
            return Ok(false);
        }
        let last = log.entry(&ReaderScope::Index, file.end - 1)?;
        Ok(last.is_some_and(|entry| leaf_hash(&entry.header_bytes) == file.last))
    }

    /// First entry that was not looked at.
    pub(super) fn next(&self) -> u64 {
        self.next
    }

    /// Looks at the next entry. Every entry is handed over, in order.
    ///
    /// # Errors
    /// A day that is over cannot be stored; the entry was not looked at and is handed over again.
    pub(super) fn fold(&mut self, log: &AccessLog, seen: &Seen) -> Result<(), DaysError> {
        let Seen { index, at, what } = seen;
        // Times of entries never decrease.
        if self.open.as_ref().is_some_and(|open| open.date < at.date()) {
            self.close(log, *index)?;
        }
        if let What::Destroyed(classes) = what {
            self.forget(&classes.iter().cloned().collect())?;
        }
        let open = self.open.get_or_insert_with(|| Open {
            date: at.date(),
            first: *index,
            counts: DayCount::default(),
        });
        if let What::Access(access) = what {
            // The hour of a moment is below 24.
            open.counts
                .add(u8::try_from(at.time().hour()).unwrap_or_default(), access);
        }
        self.next = index + 1;
        Ok(())
    }

    /// Stores the open day, which ends before `end`.
    fn close(&mut self, log: &AccessLog, end: u64) -> Result<(), DaysError> {
        let Some(open) = &self.open else { return Ok(()) };
        let last = log
            .entry(&ReaderScope::Index, end.saturating_sub(1))?
            .ok_or(ReadError::NoEntry(end))?;
        let date = open.date;
        let file = DayFile {
            first: open.first,
            end,
            last: leaf_hash(&last.header_bytes),
            counts: open.counts.clone(),
        };
        self.write(date, &file)?;
        self.closed.insert(date);
        self.open = None;
        Ok(())
    }

    /// Forgets the operators of classes whose keys were destroyed.
    fn forget(&mut self, classes: &BTreeSet<Name>) -> Result<(), DaysError> {
        if classes.is_empty() {
            return Ok(());
        }
        for &date in &self.closed {
            let mut file = self.read(date)?;
            if file.counts.forget(classes) {
                self.write(date, &file)?;
            }
        }
        if let Some(open) = &mut self.open {
            open.counts.forget(classes);
        }
        Ok(())
    }

    /// The counters of each day of a range that has any, in order.
    ///
    /// # Errors
    /// See [`DaysError`].
    pub(super) fn of(&self, range: Range<NaiveDate>) -> Result<Vec<(NaiveDate, Arc<DayCount>)>, DaysError> {
        let mut days = Vec::new();
        if range.is_empty() {
            return Ok(days);
        }
        for &date in self.closed.range(range.clone()) {
            days.push((date, Arc::new(self.read(date)?.counts)));
        }
        if let Some(open) = &self.open
            && range.contains(&open.date)
        {
            days.push((open.date, Arc::new(open.counts.clone())));
        }
        Ok(days)
    }

    fn read(&self, date: NaiveDate) -> Result<DayFile, DaysError> {
        let name = name_of(date);
        let sealed = read_whole(self.files.as_ref(), &name)?.ok_or(DaysError::Damaged)?;
        let opened = self.key.key.open(&associated(&name), &sealed);
        let opened = opened.map_err(|_| DaysError::Damaged)?;
        DayFile::decode(&opened).ok_or(DaysError::Damaged)
    }

    fn write(&self, date: NaiveDate, file: &DayFile) -> Result<(), DaysError> {
        let name = name_of(date);
        let sealed = self.key.key.seal_derived(&associated(&name), &file.encode());
        Ok(replace(self.files.as_ref(), &name, &sealed)?)
    }
}

fn name_of(date: NaiveDate) -> String {
    format!("{PREFIX}{date}")
}

fn date_of(name: &str) -> Option<NaiveDate> {
    name.strip_prefix(PREFIX)?.parse().ok()
}

/// A file opens under its own name alone.
fn associated(name: &str) -> Vec<u8> {
    [ASSOCIATED, name.as_bytes()].concat()
}
