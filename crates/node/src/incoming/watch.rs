//! Which files of the drop folder are complete, from what was seen of them over time.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::time::Duration;

/// How a file shows that nobody writes it any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Completion {
    /// Its size and time of change have stayed the same for so long.
    Settled(Duration),
    /// `FILE.ok` stands beside it.
    OkFile,
    /// `FILE.sha256` stands beside it, with the hash of its content.
    Sha256File,
}

/// A file as it was seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Its name.
    pub name: OsString,
    /// Its bytes, and when it was changed.
    pub stamp: Stamp,
}

/// What changes when somebody writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// Bytes.
    pub bytes: u64,
    /// Time of the last change, nanoseconds since 1970.
    pub changed_ns: i128,
    /// Which file it is: device and number.
    pub file: (u64, u64),
}

/// Remembers since when each file has stayed as it is.
#[derive(Debug)]
pub struct Watch {
    completion: Completion,
    since: BTreeMap<OsString, (Stamp, u64)>,
}

impl Completion {
    /// Name of a file's companion, where there is one.
    pub fn companion_of(self, file: &OsStr) -> Option<OsString> {
        let ending = match self {
            Self::Settled(_) => return None,
            Self::OkFile => ".ok",
            Self::Sha256File => ".sha256",
        };
        let mut name = file.to_owned();
        name.push(ending);
        Some(name)
    }
}

impl Watch {
    /// A watch that has seen nothing.
    pub fn new(completion: Completion) -> Self {
        Self {
            completion,
            since: BTreeMap::new(),
        }
    }

    /// Takes note of the files that are there now, and of the names of others, among which companions are looked for.
    /// Says which files are complete, oldest first.
    pub fn observe(&mut self, now_ms: u64, seen: &[Seen], others: &[OsString]) -> Vec<Seen> {
        self.since
            .retain(|name, _| seen.iter().any(|file| file.name == *name));
        let mut complete = Vec::new();
        for file in seen {
            let since = self
                .since
                .entry(file.name.clone())
                .or_insert((file.stamp, now_ms));
            if since.0 != file.stamp || now_ms < since.1 {
                *since = (file.stamp, now_ms);
            }
            let quiet = Duration::from_millis(now_ms - since.1);
            let is_complete = match self.completion {
                Completion::Settled(interval) => interval <= quiet,
                Completion::OkFile | Completion::Sha256File => self
                    .completion
                    .companion_of(&file.name)
                    .is_some_and(|companion| others.contains(&companion)),
            };
            if is_complete {
                complete.push(file.clone());
            }
        }
        complete.sort_by(|one, other| {
            (one.stamp.changed_ns, &one.name).cmp(&(other.stamp.changed_ns, &other.name))
        });
        complete
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(name: &str, bytes: u64, changed_ns: i128) -> Seen {
        Seen {
            name: name.into(),
            stamp: Stamp {
                bytes,
                changed_ns,
                file: (1, 1),
            },
        }
    }

    #[track_caller]
    fn complete(watch: &mut Watch, now_ms: u64, files: &[Seen], expect: &[&str]) {
        let found = watch.observe(now_ms, files, &[]);
        let names: Vec<_> = found.iter().map(|file| file.name.to_str().unwrap()).collect();
        assert_eq!(names, expect, "at {now_ms}");
    }

    #[test]
    fn a_file_is_complete_when_it_has_stayed_the_same_for_the_whole_interval() {
        let mut watch = Watch::new(Completion::Settled(Duration::from_secs(30)));
        complete(&mut watch, 0, &[seen("a.csv", 10, 1)], &[]);
        complete(&mut watch, 29_999, &[seen("a.csv", 10, 1)], &[]);
        complete(&mut watch, 30_000, &[seen("a.csv", 10, 1)], &["a.csv"]);
        complete(&mut watch, 30_001, &[seen("a.csv", 11, 2)], &[]);
        complete(&mut watch, 60_000, &[seen("a.csv", 11, 2)], &[]);
        complete(&mut watch, 60_001, &[seen("a.csv", 11, 2)], &["a.csv"]);
    }

    #[test]
    fn a_file_that_went_and_came_back_waits_again() {
        let mut watch = Watch::new(Completion::Settled(Duration::from_secs(30)));
        complete(&mut watch, 0, &[seen("a.csv", 10, 1)], &[]);
        complete(&mut watch, 1_000, &[], &[]);
        complete(&mut watch, 30_000, &[seen("a.csv", 10, 1)], &[]);
    }

    #[test]
    fn a_clock_that_goes_back_begins_the_interval_again() {
        let mut watch = Watch::new(Completion::Settled(Duration::from_secs(30)));
        complete(&mut watch, 50_000, &[seen("a.csv", 10, 1)], &[]);
        complete(&mut watch, 10_000, &[seen("a.csv", 10, 1)], &[]);
        complete(&mut watch, 39_999, &[seen("a.csv", 10, 1)], &[]);
        complete(&mut watch, 40_000, &[seen("a.csv", 10, 1)], &["a.csv"]);
    }

    #[test]
    fn the_oldest_comes_first_whatever_its_name() {
        let mut watch = Watch::new(Completion::Settled(Duration::ZERO));
        let files = [seen("a.csv", 1, 30), seen("b.csv", 1, 10), seen("c.csv", 1, 30)];
        complete(&mut watch, 0, &files, &["b.csv", "a.csv", "c.csv"]);
    }

    #[test]
    fn a_companion_makes_its_own_file_complete_and_no_other() {
        for (completion, ending) in [(Completion::OkFile, ".ok"), (Completion::Sha256File, ".sha256")] {
            let mut watch = Watch::new(completion);
            let files = [seen("a.csv", 1, 1), seen("b.csv", 1, 2)];
            assert!(watch.observe(0, &files, &[]).is_empty());
            let found = watch.observe(0, &files, &[format!("b.csv{ending}").into()]);
            assert_eq!(found, [seen("b.csv", 1, 2)], "{ending}");
        }
    }
}
