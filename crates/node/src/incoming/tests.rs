use std::collections::BTreeSet;

use registry::hex;
use store::files::Files;
use tempfile::TempDir;

use crate::fixture::disk::{Disk, RULES};
use crate::fixture::residents;

use super::*;

/// A drop folder on disk, before a node whose own directories are in memory.
struct Folder {
    place: TempDir,
    rules: IncomingRules,
    disk: Disk,
}

impl Folder {
    fn new(completion: Completion) -> Self {
        let place = tempfile::tempdir().unwrap();
        let rules = IncomingRules {
            directory: place.path().join("incoming"),
            rejected: place.path().join("rejected"),
            completion,
            interval: Duration::from_secs(10),
            keep_rejected: Duration::from_secs(3600),
        };
        Incoming::prepare(&rules).unwrap();
        Self {
            place,
            rules,
            disk: Disk::new(),
        }
    }

    fn start(&mut self) -> Incoming {
        Incoming::new(self.rules.clone(), self.disk.start(RULES))
    }

    fn write(&self, name: &str, content: &str) {
        fs::write(self.rules.directory.join(name), content).unwrap();
    }

    fn seen(&self, name: &str) -> Seen {
        let metadata = fs::metadata(self.rules.directory.join(name)).unwrap();
        Seen {
            name: name.into(),
            stamp: stamp(&metadata),
        }
    }

    /// As the daemon does behind an import.
    fn rename_as_taken(&self, name: &str) {
        let to = held_name(TAKEN, &self.seen(name));
        fs::rename(self.rules.directory.join(name), self.rules.directory.join(to)).unwrap();
    }

    /// As a back office does with its next export: written under another name, and moved over the old one.
    fn replace(&self, name: &str, content: &str) {
        self.write("next.tmp", content);
        let next = self.rules.directory.join("next.tmp");
        fs::rename(next, self.rules.directory.join(name)).unwrap();
    }

    fn names(&self) -> BTreeSet<String> {
        names_in(&self.rules.directory)
    }
}

fn names_in(directory: &Path) -> BTreeSet<String> {
    let entries = fs::read_dir(directory).unwrap();
    entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect()
}

const SETTLED: Completion = Completion::Settled(Duration::from_secs(30));
const AT_ONCE: Completion = Completion::Settled(Duration::ZERO);

#[track_caller]
fn created(look: Look) -> u64 {
    match look {
        Look::Taken {
            outcome: Outcome::Imported(imported),
            ..
        } => imported.import.created,
        other => panic!("nothing was imported: {other:?}"),
    }
}

#[test]
fn a_file_is_taken_when_it_has_settled_and_is_destroyed() {
    let mut folder = Folder::new(SETTLED);
    let mut incoming = folder.start();
    folder.write("anagrafe.csv", &residents(5));
    assert_eq!(incoming.look(1_000), Look::Nothing { files: 1 });
    folder.write("anagrafe.csv", &residents(12));
    assert_eq!(
        incoming.look(31_000),
        Look::Nothing { files: 1 },
        "it was still being written"
    );
    assert_eq!(created(incoming.look(61_000)), 12);
    assert!(folder.names().is_empty());
    assert_eq!(incoming.look(62_000), Look::Nothing { files: 0 });
}

#[test]
fn what_is_still_being_made_is_left_alone() {
    let mut folder = Folder::new(AT_ONCE);
    let mut incoming = folder.start();
    let names = ["a.csv.part", "b.tmp", ".c.csv", "d.txt", "e.csv.tmp"];
    for name in names {
        folder.write(name, &residents(2));
    }
    fs::create_dir(folder.rules.directory.join("f.csv")).unwrap();
    let elsewhere = folder.place.path().join("elsewhere.csv");
    fs::write(&elsewhere, residents(2)).unwrap();
    std::os::unix::fs::symlink(&elsewhere, folder.rules.directory.join("g.csv")).unwrap();
    assert_eq!(incoming.look(0), Look::Nothing { files: 0 });
    assert_eq!(folder.names().len(), 7);
    fs::rename(
        folder.rules.directory.join("a.csv.part"),
        folder.rules.directory.join("A.CSV"),
    )
    .unwrap();
    assert_eq!(created(incoming.look(0)), 2, "renamed when it is whole");
}

#[test]
fn files_are_taken_one_at_a_time_the_oldest_first() {
    let mut folder = Folder::new(AT_ONCE);
    let mut incoming = folder.start();
    for (name, count, age) in [("a.csv", 30, 10), ("b.csv", 20, 20), ("c.csv", 25, 15)] {
        folder.write(name, &residents(count));
        let file = File::options()
            .write(true)
            .open(folder.rules.directory.join(name))
            .unwrap();
        let changed = std::time::UNIX_EPOCH + Duration::from_secs(1_700_000_000 - age);
        file.set_modified(changed).unwrap();
    }
    let taken: Vec<u64> = (0..3).map(|_| created(incoming.look(0))).collect();
    assert_eq!(taken, [20, 5, 5]);
}

#[test]
fn a_companion_says_that_a_file_is_whole_and_goes_with_it() {
    let mut folder = Folder::new(Completion::OkFile);
    let mut incoming = folder.start();
    folder.write("a.csv", &residents(3));
    assert_eq!(incoming.look(0), Look::Nothing { files: 1 });
    folder.write("a.csv.ok", "");
    assert_eq!(created(incoming.look(0)), 3);
    assert!(folder.names().is_empty());
}

#[test]
fn a_stated_hash_is_compared_and_another_content_is_rejected() {
    let mut folder = Folder::new(Completion::Sha256File);
    let mut incoming = folder.start();
    let text = residents(3);
    let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, text.as_bytes());
    let hash = hex::encode(hash.as_ref());
    for stated in ["", "abc", &"0".repeat(64)] {
        folder.write("a.csv", &text);
        folder.write("a.csv.sha256", stated);
        let look = incoming.look(0);
        let Look::Taken {
            outcome: Outcome::Rejected(rejected),
            ..
        } = look
        else {
            panic!("{look:?}");
        };
        assert!(folder.names().is_empty());
        assert!(
            folder
                .rules
                .rejected
                .join(format!("{}.csv", rejected.report))
                .exists()
        );
    }
    folder.write("a.csv", &text);
    folder.write("a.csv.sha256", &format!("{hash}  a.csv\n"));
    assert_eq!(created(incoming.look(0)), 3);
}

#[test]
fn a_file_that_is_no_export_is_moved_and_removed_after_its_time() {
    let mut folder = Folder::new(AT_ONCE);
    let mut incoming = folder.start();
    folder.write("Rossi Anna.csv", "nome;cognome\nAnna;Rossi\n");
    let Look::Taken {
        outcome: Outcome::Rejected(rejected),
        ..
    } = incoming.look(0)
    else {
        panic!("it is no export");
    };
    let moved = folder.rules.rejected.join(format!("{}.csv", rejected.report));
    assert!(folder.names().is_empty());
    let metadata = fs::metadata(&moved).unwrap();
    assert_eq!(metadata.permissions().mode() & 0o777, 0o600);
    assert_eq!(
        fs::read_to_string(&moved).unwrap(),
        "nome;cognome\nAnna;Rossi\n",
        "as it was"
    );

    let moved_ms = u64::try_from(metadata.ctime()).unwrap() * 1000;
    let foreign = folder.rules.rejected.join("note.csv");
    fs::write(&foreign, "not ours").unwrap();
    assert_eq!(
        Incoming::expire_rejected(&folder.rules, moved_ms + 3_599_000).unwrap(),
        0
    );
    assert_eq!(
        Incoming::expire_rejected(&folder.rules, moved_ms + 3_600_000).unwrap(),
        1
    );
    assert!(!moved.exists() && foreign.exists());
}

#[test]
fn a_copy_to_another_volume_is_its_owners_alone_and_none_is_left_half() {
    let folder = Folder::new(AT_ONCE);
    let from = folder.rules.directory.join("a.csv");
    let to = folder.rules.rejected.join("20250110-120000000-00000a.csv");
    let part = folder.rules.rejected.join("20250110-120000000-00000a.part");
    folder.write("a.csv", "nome;cognome\n");
    fs::set_permissions(&from, fs::Permissions::from_mode(0o644)).unwrap();

    // A directory is in the way of the whole copy.
    fs::create_dir(&to).unwrap();
    assert!(copy_over(&from, &to).is_err());
    assert!(
        from.exists() && !part.exists(),
        "nothing of it is left in the clear"
    );
    fs::remove_dir(&to).unwrap();

    // Somebody's file is in the way of the copy: it is neither written to nor removed.
    fs::write(&part, "").unwrap();
    fs::set_permissions(&part, fs::Permissions::from_mode(0o644)).unwrap();
    assert!(copy_over(&from, &to).is_err());
    assert_eq!(
        (fs::read_to_string(&part).unwrap().as_str(), from.exists()),
        ("", true)
    );

    // What an interruption left goes when its time is over.
    let left_ms = u64::try_from(fs::metadata(&part).unwrap().ctime()).unwrap() * 1000;
    for (at, removed) in [(3_599_000, 0), (3_600_000, 1)] {
        assert_eq!(
            Incoming::expire_rejected(&folder.rules, left_ms + at).unwrap(),
            removed
        );
    }
    assert!(!part.exists());

    copy_over(&from, &to).unwrap();
    assert_eq!(fs::read_to_string(&to).unwrap(), "nome;cognome\n");
    assert_eq!(fs::metadata(&to).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(names_in(&folder.rules.rejected).len(), 1);
    assert!(!from.exists());
}

#[test]
fn an_export_that_waits_is_no_longer_in_the_folder() {
    let mut folder = Folder::new(AT_ONCE);
    let mut incoming = folder.start();
    folder.write("a.csv", &residents(400));
    incoming.look(0);
    folder.write("a.csv", &residents(10));
    let look = incoming.look(0);
    assert!(
        matches!(
            look,
            Look::Taken {
                outcome: Outcome::Waiting(_),
                files: 0
            }
        ),
        "{look:?}"
    );
    assert!(folder.names().is_empty());
}

#[test]
fn an_interruption_between_import_and_destruction_is_made_good_at_the_next_look() {
    let mut folder = Folder::new(Completion::OkFile);
    let mut incoming = folder.start();
    folder.write("a.csv", &residents(3));
    folder.write("a.csv.ok", "");
    incoming.look(0);
    // As if the process had died before anything was removed: the file is taken again and changes nothing.
    folder.write("a.csv", &residents(3));
    folder.write("a.csv.ok", "");
    assert_eq!(created(incoming.look(0)), 0);
    // As if it had died behind the change of name.
    folder.write("a.csv", &residents(3));
    folder.rename_as_taken("a.csv");
    folder.write("a.csv.ok", "");
    assert_eq!(incoming.look(0), Look::Nothing { files: 0 });
    assert!(folder.names().is_empty(), "{:?}", folder.names());
    // As if the next file of that name had come meanwhile: its companion is its own.
    folder.write("a.csv", &residents(3));
    folder.rename_as_taken("a.csv");
    folder.write("a.csv", &residents(4));
    folder.write("a.csv.ok", "");
    assert_eq!(created(incoming.look(0)), 1);
    assert!(folder.names().is_empty(), "{:?}", folder.names());
}

#[test]
fn an_export_that_came_under_the_same_name_during_an_import_is_not_destroyed_with_it() {
    let mut folder = Folder::new(Completion::OkFile);
    let mut incoming = folder.start();
    for (first, rejected) in [(residents(3), false), ("no export".to_owned(), true)] {
        folder.write("a.csv", &first);
        folder.write("a.csv.ok", "");
        let seen = folder.seen("a.csv");
        let outcome = incoming.bring(&seen).ok().flatten().unwrap();
        assert_eq!(matches!(outcome, Outcome::Rejected(_)), rejected);
        folder.replace("a.csv", &residents(12));
        assert_eq!(incoming.put_away(&seen, &outcome).unwrap(), Put::Back);
        assert_eq!(folder.names(), ["a.csv", "a.csv.ok"].map(str::to_owned).into());
        assert_eq!(created(incoming.look(0)), if rejected { 0 } else { 9 });
        assert!(folder.names().is_empty(), "{:?}", folder.names());
    }
    assert!(
        names_in(&folder.rules.rejected).is_empty(),
        "nothing was moved unread"
    );
}

#[test]
fn an_export_that_was_written_on_after_it_was_read_is_taken_again() {
    let mut folder = Folder::new(AT_ONCE);
    let mut incoming = folder.start();
    folder.write("a.csv", &residents(3));
    let seen = folder.seen("a.csv");
    let outcome = incoming.bring(&seen).ok().flatten().unwrap();
    folder.write("a.csv", &residents(5));
    assert_eq!(incoming.put_away(&seen, &outcome).unwrap(), Put::Back);
    assert_eq!(created(incoming.look(0)), 2);
}

#[test]
fn a_file_that_was_never_read_gets_its_name_back_after_an_interruption_and_replaces_no_other() {
    let mut folder = Folder::new(AT_ONCE);
    let mut incoming = folder.start();
    folder.write("a.csv", &residents(3));
    let old = folder.seen("a.csv");
    // The process dies when it has taken the name from a file that it did not read; a third one has come.
    folder.replace("a.csv", &residents(4));
    for prefix in [TAKEN, MOVING] {
        let held = folder.rules.directory.join(held_name(prefix, &old));
        fs::rename(folder.rules.directory.join("a.csv"), held).unwrap();
        incoming.list().unwrap();
        assert_eq!(folder.names(), ["a.csv"].map(str::to_owned).into());
    }
    folder.write("b.csv", &residents(4));
    let held = folder.rules.directory.join(held_name(TAKEN, &old));
    fs::rename(folder.rules.directory.join("b.csv"), held).unwrap();
    incoming.list().unwrap();
    assert_eq!(folder.names(), ["a.2.csv", "a.csv"].map(str::to_owned).into());
    assert_eq!(created(incoming.look(0)), 4);
    assert_eq!(created(incoming.look(0)), 0);
}

#[test]
fn a_full_volume_is_told_and_the_file_is_taken_when_there_is_room() {
    use store::files::faulty::Fault;
    let mut folder = Folder::new(AT_ONCE);
    let mut incoming = folder.start();
    folder.write("a.csv", &residents(3));
    let exports = std::sync::Arc::clone(&folder.disk.exports);
    exports.inject(Fault::FullFrom(exports.writes()));
    for _ in 0..2 {
        let look = incoming.look(0);
        let Look::Failed {
            problem,
            error,
            files,
        } = look
        else {
            panic!("{look:?}");
        };
        assert_eq!((problem, files), (Problem::NoSpace, 1), "{error}");
        assert!(!error.contains("a.csv"));
    }
    exports.make_room();
    assert_eq!(created(incoming.look(0)), 3);
}

#[test]
fn a_file_that_cannot_be_removed_is_imported_once_and_told_until_it_can() {
    let mut folder = Folder::new(AT_ONCE);
    let mut incoming = folder.start();
    let reports = |folder: &Folder| folder.disk.reports.list().unwrap().len();
    for (text, rejected) in [(residents(3), 0), ("no export".to_owned(), 1)] {
        folder.write("a.csv", &text);
        let prefix = [TAKEN, MOVING][rejected];
        // A directory is in the way of its next name.
        let in_the_way = folder
            .rules
            .directory
            .join(held_name(prefix, &folder.seen("a.csv")));
        fs::create_dir(&in_the_way).unwrap();
        let before = (reports(&folder), folder.disk.sealed_files());
        for _ in 0..5 {
            let look = incoming.look(0);
            let Look::Failed { problem, files, .. } = look else {
                panic!("{look:?}");
            };
            assert_eq!((problem, files), (Problem::NotRemovable, 1));
        }
        assert_eq!(reports(&folder), before.0 + 3, "one report in its three forms");
        assert_eq!(folder.disk.sealed_files(), before.1);
        fs::remove_dir(in_the_way).unwrap();
        let look = incoming.look(0);
        assert!(matches!(look, Look::Taken { files: 0, .. }), "{look:?}");
        assert_eq!(reports(&folder), before.0 + 3);
        assert!(folder.names().is_empty());
        assert_eq!(names_in(&folder.rules.rejected).len(), rejected);
    }
}

#[test]
fn a_rejected_file_that_cannot_be_moved_is_judged_once() {
    let mut folder = Folder::new(AT_ONCE);
    let mut incoming = folder.start();
    folder.write("a.csv", "no export");
    fs::remove_dir(&folder.rules.rejected).unwrap();
    for _ in 0..4 {
        let look = incoming.look(0);
        assert!(
            matches!(
                look,
                Look::Failed {
                    problem: Problem::NotRemovable,
                    files: 1,
                    ..
                }
            ),
            "{look:?}"
        );
        assert_eq!(folder.names(), ["a.csv"].map(str::to_owned).into());
    }
    assert_eq!(
        folder.disk.reports.list().unwrap().len(),
        3,
        "one in its three forms"
    );
    Incoming::prepare(&folder.rules).unwrap();
    assert!(matches!(incoming.look(0), Look::Taken { files: 0, .. }));
    assert_eq!(names_in(&folder.rules.rejected).len(), 1);
}

#[test]
fn the_next_export_under_the_name_of_one_that_cannot_be_removed_is_imported() {
    let mut folder = Folder::new(AT_ONCE);
    let mut incoming = folder.start();
    folder.write("a.csv", &residents(3));
    let in_the_way = folder
        .rules
        .directory
        .join(held_name(TAKEN, &folder.seen("a.csv")));
    fs::create_dir(&in_the_way).unwrap();
    assert!(matches!(incoming.look(0), Look::Failed { .. }));
    folder.replace("a.csv", &residents(7));
    assert_eq!(created(incoming.look(0)), 4);
}

#[test]
fn a_folder_that_went_away_is_told() {
    let mut folder = Folder::new(AT_ONCE);
    let mut incoming = folder.start();
    fs::remove_dir(&folder.rules.directory).unwrap();
    let look = incoming.look(0);
    assert!(
        matches!(
            look,
            Look::Failed {
                problem: Problem::Folder,
                ..
            }
        ),
        "{look:?}"
    );
}

#[test]
fn a_file_that_grows_while_it_is_read_is_not_taken() {
    let folder = Folder::new(AT_ONCE);
    folder.write("a.csv", "first\n");
    let path = folder.rules.directory.join("a.csv");
    let file = File::open(&path).unwrap();
    let expect = stamp(&file.metadata().unwrap());
    let mut guarded = Guarded { file: &file, expect };
    let mut text = String::new();
    assert!(guarded.read_to_string(&mut text).is_ok(), "control");
    let mut writer = File::options().append(true).open(&path).unwrap();
    io::Write::write_all(&mut writer, b"second\n").unwrap();
    let error = guarded.read_to_string(&mut text).unwrap_err();
    assert!(is_still_written(&IntakeError::Exports(ExportsError::Source(
        error
    ))));
}
