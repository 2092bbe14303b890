//! The drop folder: where a back office leaves its exports, and the daemon takes them.
//!
//! A file is `*.csv`, written elsewhere or under another name and moved in when it is whole. It is taken when it is
//! [complete](Completion), oldest first, one at a time, and destroyed after import; one that is no export is moved to
//! the folder of rejected files. Until then it stays where it is: after a crash at any moment it is taken again, and
//! what it had brought already changes nothing. Only the file that was read is destroyed or moved: another one that got
//! its name meanwhile is an export of its own. A file that cannot be read, or for which there is no room, is tried
//! again and shown in the status; those behind it wait, because the order of exports matters.

mod held;
mod watch;

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs::{self, File, Metadata};
use std::io::{self, BufReader, Read};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Serialize;
use store::files::is_no_space;
use store::files::system::make_private;
use store::segment::AppendError;
use transport::causes::chain;

use crate::exports::{ExportId, ExportsError};
use crate::intake::{Delivery, Intake, IntakeError, Outcome};

use self::held::{Held, HeldKind, MOVING, TAKEN, held_name, mark, numbered};

pub use self::watch::{Completion, Seen, Stamp, Watch};

/// Extension of the files that are taken, in capitals or not.
const EXPORT: &str = "csv";

/// Extension of a rejected file that is being copied to another volume.
const PARTIAL: &str = "part";

/// Longest companion, bytes.
const LONGEST_COMPANION: u64 = 1024;

/// What the configuration says of the drop folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IncomingRules {
    /// The folder.
    pub directory: PathBuf,
    /// Where files go that are no exports.
    pub rejected: PathBuf,
    /// How a file shows that it is whole.
    pub completion: Completion,
    /// Time between two looks.
    pub interval: Duration,
    /// How long rejected files are kept.
    pub keep_rejected: Duration,
}

/// How the drop folder stands.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct IncomingStatus {
    /// What it is doing.
    #[serde(flatten)]
    pub state: IncomingState,
    /// Files that wait to be complete, or to be taken.
    pub files: usize,
    /// Report of the last file that was taken since the daemon started.
    pub last_report: Option<ExportId>,
    /// Looks since the daemon started.
    pub looks: u64,
}

/// What the drop folder is doing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(tag = "state", rename_all = "kebab-case")]
pub enum IncomingState {
    /// Waiting for files.
    #[default]
    Idle,
    /// A file is being taken.
    Taking,
    /// A file cannot be taken now; it is tried again by itself.
    Problem {
        /// What is in the way.
        problem: Problem,
        /// In the words of whoever noticed it.
        error: String,
    },
}

/// What is in the way of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Problem {
    /// The folder cannot be read.
    Folder,
    /// The file cannot be read.
    Unreadable,
    /// The volume is full.
    NoSpace,
    /// The file was imported and cannot be removed or moved. It is not imported again while the daemon runs.
    NotRemovable,
    /// The data directory does not work.
    Storage,
}

/// Looks into the drop folder.
#[derive(Debug)]
pub struct Incoming {
    rules: IncomingRules,
    intake: Intake,
    watch: Watch,
    /// Files that were imported, or judged, and cannot be put away: at the next look only that is tried again.
    unremoved: BTreeMap<OsString, (Stamp, Outcome)>,
}

/// What one look brought.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Look {
    /// Nothing is complete.
    Nothing {
        /// Files that are there.
        files: usize,
    },
    /// A file was taken.
    Taken {
        /// What became of it.
        outcome: Outcome,
        /// Files that are still there.
        files: usize,
    },
    /// The file changed while it was read: it is not complete.
    StillWritten {
        /// Files that are there.
        files: usize,
    },
    /// A file cannot be taken now.
    Failed {
        /// What is in the way.
        problem: Problem,
        /// The chain of causes.
        error: String,
        /// Files that are there.
        files: usize,
    },
}

impl Incoming {
    /// A look-out that has not looked yet.
    pub fn new(rules: IncomingRules, intake: Intake) -> Self {
        let watch = Watch::new(rules.completion);
        Self {
            rules,
            intake,
            watch,
            unremoved: BTreeMap::new(),
        }
    }

    /// Makes the two folders where there are none.
    ///
    /// # Errors
    /// Those of the operating system.
    pub fn prepare(rules: &IncomingRules) -> io::Result<()> {
        for folder in [&rules.directory, &rules.rejected] {
            make_private(folder)?;
        }
        Ok(())
    }

    /// Whether anything lies in the folder, complete or not; also where that cannot be seen.
    pub(crate) fn may_have_files(rules: &IncomingRules) -> bool {
        fs::read_dir(&rules.directory).map_or(true, |mut entries| entries.next().is_some())
    }

    /// Looks once, and takes the oldest complete file.
    pub fn look(&mut self, now_ms: u64) -> Look {
        let listed = match self.list() {
            Ok(listed) => listed,
            Err(error) => {
                return Look::Failed {
                    problem: Problem::Folder,
                    error: error.to_string(),
                    files: 0,
                };
            }
        };
        let Listed { files, others } = listed;
        let count = files.len();
        self.unremoved.retain(|name, (stamp, _)| {
            files
                .iter()
                .any(|file| (&file.name, file.stamp) == (name, *stamp))
        });
        let complete = self.watch.observe(now_ms, &files, &others);
        let Some(file) = complete.into_iter().next() else {
            return Look::Nothing { files: count };
        };
        match self.take(&file) {
            Ok(Some((outcome, Put::Away))) => Look::Taken {
                outcome,
                files: count - 1,
            },
            Ok(Some((outcome, Put::Back))) => Look::Taken {
                outcome,
                files: count,
            },
            Ok(None) => Look::StillWritten { files: count },
            Err(TakeError { problem, error }) => Look::Failed {
                problem,
                error,
                files: count,
            },
        }
    }

    /// Removes rejected files that were kept long enough, and copies that were interrupted. Returns how many.
    ///
    /// # Errors
    /// Those of the operating system.
    pub fn expire_rejected(rules: &IncomingRules, now_ms: u64) -> io::Result<usize> {
        let keep_ms = i128::try_from(rules.keep_rejected.as_millis()).unwrap_or(i128::MAX);
        let mut removed = 0;
        for entry in fs::read_dir(&rules.rejected)? {
            let entry = entry?;
            let name = entry.file_name();
            let stem = Path::new(&name).file_stem().and_then(OsStr::to_str);
            let own =
                (is_export(&name) || is_partial(&name)) && stem.is_some_and(|id| ExportId::parse(id).is_ok());
            let metadata = entry.metadata()?;
            let rejected_ms = i128::from(metadata.ctime()) * 1000;
            if own && metadata.is_file() && rejected_ms.saturating_add(keep_ms) <= i128::from(now_ms) {
                fs::remove_file(entry.path())?;
                removed += 1;
            }
        }
        Ok(removed)
    }

    /// Takes one file, unless it was taken and stands there only because it cannot be removed, and puts it away; nothing
    /// when it changed meanwhile.
    fn take(&mut self, seen: &Seen) -> Result<Option<(Outcome, Put)>, TakeError> {
        let outcome = match self.unremoved.remove(&seen.name) {
            Some((_, outcome)) => outcome,
            None => match self.bring(seen)? {
                Some(outcome) => outcome,
                None => return Ok(None),
            },
        };
        match self.put_away(seen, &outcome) {
            Ok(put) => Ok(Some((outcome, put))),
            Err(error) => {
                self.unremoved.insert(seen.name.clone(), (seen.stamp, outcome));
                Err(TakeError::new(Problem::NotRemovable, &error))
            }
        }
    }

    /// Hands one file to the intake; nothing when it changed meanwhile.
    fn bring(&self, seen: &Seen) -> Result<Option<Outcome>, TakeError> {
        let path = self.rules.directory.join(&seen.name);
        let file = File::open(&path).map_err(|error| TakeError::unreadable(&error))?;
        let metadata = file.metadata().map_err(|error| TakeError::unreadable(&error))?;
        // What was opened must be what was seen: no link to elsewhere, no file that took its place.
        if !metadata.is_file() || stamp(&metadata) != seen.stamp {
            return Ok(None);
        }
        let sha256 = self.stated_hash(&path)?;
        let delivery = Delivery {
            file: seen.name.to_str().map(str::to_owned),
            sha256,
            ..Delivery::default()
        };
        let guard = Guarded {
            file: &file,
            expect: seen.stamp,
        };
        match self.intake.take(BufReader::new(guard), delivery) {
            Ok(outcome) => Ok(Some(outcome)),
            Err(error) if is_still_written(&error) => Ok(None),
            Err(error) => Err(TakeError::of_intake(&error)),
        }
    }

    /// Destroys what was taken, and moves what is no export. An import may last minutes: a file that has its name by now
    /// and is not the one that was read stays, with its companion.
    fn put_away(&self, seen: &Seen, outcome: &Outcome) -> io::Result<Put> {
        let Seen { name, stamp: expect } = seen;
        let path = self.rules.directory.join(name);
        let prefix = match outcome {
            Outcome::Imported(_) | Outcome::Waiting(_) => TAKEN,
            Outcome::Rejected(_) => MOVING,
        };
        // Another name first: it can be looked at without somebody exchanging it, and a companion that outlived its file
        // would vouch for the next one of that name.
        let held = self.rules.directory.join(held_name(prefix, seen));
        fs::rename(&path, &held)?;
        if stamp(&fs::symlink_metadata(&held)?) != *expect {
            self.give_back(&held, name)?;
            return Ok(Put::Back);
        }
        if let Outcome::Rejected(rejected) = outcome {
            let to = self.rules.rejected.join(format!("{}.{EXPORT}", rejected.report));
            if let Err(error) = move_to(&held, &to) {
                // Under its own name it is known as judged; what cannot be given back now is at the next look.
                let _ = self.give_back(&held, name);
                return Err(error);
            }
            self.finish(&path)?;
        } else {
            self.finish(&path)?;
            fs::remove_file(&held)?;
            sync_directory(&self.rules.directory)?;
        }
        Ok(Put::Away)
    }

    /// Gives a file its name back, or one like it when another file has the name by now. Nothing is replaced.
    fn give_back(&self, held: &Path, name: &OsStr) -> io::Result<()> {
        let own = fs::symlink_metadata(held)?;
        let mut attempt = 1;
        loop {
            let to = self.rules.directory.join(numbered(name, attempt));
            // A second name, and not another one: that would replace what is there.
            match fs::hard_link(held, &to) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                    let there = fs::symlink_metadata(&to)?;
                    if (there.dev(), there.ino()) == (own.dev(), own.ino()) {
                        break;
                    }
                    attempt += 1;
                }
                linked => {
                    linked?;
                    break;
                }
            }
        }
        fs::remove_file(held)?;
        sync_directory(&self.rules.directory)
    }

    /// Removes the companion of a file that has gone.
    fn finish(&self, path: &Path) -> io::Result<()> {
        let Some(companion) = self.companion_of(path) else {
            return Ok(());
        };
        match fs::remove_file(companion) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            Ok(()) | Err(_) => Ok(()),
        }
    }

    /// Ends what was interrupted between import and destruction, or between judgement and move. What was not read, or
    /// not moved, gets its name back.
    fn resume(&self, held: &Held<'_>, current: Stamp) -> io::Result<()> {
        let Held {
            whole,
            kind,
            original,
        } = held;
        let path = self.rules.directory.join(whole);
        if *kind != HeldKind::Taken(mark(current)) {
            return self.give_back(&path, original);
        }
        let original = self.rules.directory.join(original);
        // When the next file of that name is there already, the companion is its own.
        if !original.try_exists()? {
            self.finish(&original)?;
        }
        fs::remove_file(path)
    }

    fn companion_of(&self, path: &Path) -> Option<PathBuf> {
        let name = self.rules.completion.companion_of(path.file_name()?)?;
        Some(path.with_file_name(name))
    }

    /// The hash that stands in the companion.
    fn stated_hash(&self, path: &Path) -> Result<Option<String>, TakeError> {
        match self.rules.completion {
            Completion::Settled(_) | Completion::OkFile => Ok(None),
            Completion::Sha256File => {
                let companion = self.companion_of(path).unwrap_or_default();
                let mut text = String::new();
                File::open(companion)
                    .and_then(|file| file.take(LONGEST_COMPANION).read_to_string(&mut text))
                    .map_err(|error| TakeError::unreadable(&error))?;
                // As sha256sum writes it: the hash, blanks, the name. A file without a hash vouches for nothing.
                Ok(Some(
                    text.split_whitespace().next().unwrap_or_default().to_owned(),
                ))
            }
        }
    }

    /// What is in the folder.
    fn list(&self) -> io::Result<Listed> {
        let mut listed = Listed::default();
        for entry in fs::read_dir(&self.rules.directory)? {
            let entry = entry?;
            let name = entry.file_name();
            // That of a link, not of its target: a link is no export.
            let metadata = match entry.metadata() {
                Ok(metadata) => metadata,
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(error),
            };
            if !metadata.is_file() {
                continue;
            }
            if let Some(held) = Held::of(&name) {
                self.resume(&held, stamp(&metadata))?;
            } else if is_export(&name) {
                let stamp = stamp(&metadata);
                listed.files.push(Seen { name, stamp });
            } else {
                listed.others.push(name);
            }
        }
        Ok(listed)
    }
}

#[derive(Default)]
struct Listed {
    files: Vec<Seen>,
    /// Names of other files.
    others: Vec<OsString>,
}

/// Why a file was not taken.
struct TakeError {
    problem: Problem,
    error: String,
}

impl TakeError {
    fn new(problem: Problem, error: &(dyn std::error::Error + 'static)) -> Self {
        Self {
            problem,
            error: chain(error),
        }
    }

    fn unreadable(error: &io::Error) -> Self {
        Self::new(Problem::Unreadable, error)
    }

    fn of_intake(error: &IntakeError) -> Self {
        let problem = match error {
            IntakeError::Exports(ExportsError::Source(_)) => Problem::Unreadable,
            _ if caused_by_full_volume(error) => Problem::NoSpace,
            IntakeError::Exports(_)
            | IntakeError::Import(_)
            | IntakeError::Report(_)
            | IntakeError::NothingWaits
            | IntakeError::SeveralWait
            | IntakeError::Overtaken
            | IntakeError::Changed { .. } => Problem::Storage,
        };
        Self::new(problem, error)
    }
}

/// Whether somewhere in the chain of causes the volume was full.
fn caused_by_full_volume(error: &(dyn std::error::Error + 'static)) -> bool {
    let mut cause = Some(error);
    while let Some(error) = cause {
        let by_file = error.downcast_ref::<io::Error>().is_some_and(is_no_space);
        let by_journal = matches!(error.downcast_ref(), Some(AppendError::NoSpace));
        if by_file || by_journal {
            return true;
        }
        cause = error.source();
    }
    false
}

/// A file that must stay as it was seen until it is read to its end.
struct Guarded<'a> {
    file: &'a File,
    expect: Stamp,
}

#[derive(Debug, thiserror::Error)]
#[error("the file is still being written")]
struct StillWritten;

impl Read for Guarded<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read(buffer)?;
        if count == 0 && !buffer.is_empty() && stamp(&self.file.metadata()?) != self.expect {
            return Err(io::Error::other(StillWritten));
        }
        Ok(count)
    }
}

fn is_still_written(error: &IntakeError) -> bool {
    let IntakeError::Exports(ExportsError::Source(error)) = error else {
        return false;
    };
    error.get_ref().is_some_and(|inner| inner.is::<StillWritten>())
}

fn stamp(metadata: &Metadata) -> Stamp {
    Stamp {
        bytes: metadata.len(),
        changed_ns: i128::from(metadata.mtime()) * 1_000_000_000 + i128::from(metadata.mtime_nsec()),
        file: (metadata.dev(), metadata.ino()),
    }
}

/// Whether a file of that name is an export: hidden ones are still being made.
fn is_export(name: &OsStr) -> bool {
    let extension = Path::new(name).extension();
    let hidden = name.as_encoded_bytes().starts_with(b".");
    !hidden && extension.is_some_and(|extension| extension.eq_ignore_ascii_case(EXPORT))
}

/// Whether it is a copy that an interruption cut short.
fn is_partial(name: &OsStr) -> bool {
    Path::new(name).extension() == Some(OsStr::new(PARTIAL))
}

/// What became of a file that was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Put {
    /// It was destroyed or moved.
    Away,
    /// Another file had its name: that one is there, and its turn comes.
    Back,
}

/// Moves a file, also to another volume, and leaves it to its owner alone.
fn move_to(from: &Path, to: &Path) -> io::Result<()> {
    match fs::rename(from, to) {
        Err(error) if error.kind() == io::ErrorKind::CrossesDevices => copy_over(from, to)?,
        moved => moved?,
    }
    fs::set_permissions(to, fs::Permissions::from_mode(0o600))?;
    to.parent().map_or(Ok(()), sync_directory)
}

/// Copies a file for its owner alone, and removes it when the copy is whole and durable. After an error nothing is left
/// of the copy.
fn copy_over(from: &Path, to: &Path) -> io::Result<()> {
    let partial = to.with_extension(PARTIAL);
    let mut target = File::options()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&partial)?;
    let copied = File::open(from)
        .and_then(|mut source| io::copy(&mut source, &mut target))
        .and_then(|_| target.sync_all())
        .and_then(|()| fs::rename(&partial, to));
    if let Err(error) = copied {
        fs::remove_file(&partial)?;
        return Err(error);
    }
    fs::remove_file(from)
}

fn sync_directory(directory: &Path) -> io::Result<()> {
    File::open(directory)?.sync_all()
}

#[cfg(test)]
mod tests;
