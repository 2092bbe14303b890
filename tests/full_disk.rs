//! A real process on a real full disk, and one whose sync fails: nothing is disclosed that cannot be entered.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

use agreement::peer::Role;
use agreement::reason::Reason;
use client::agency::AgencyClient;
use client::auditor::AuditorClient;
use store::files::system::SystemFiles;
use store::fsck::fsck;
use support::agreements::POLICE;
use support::calls::{ground, lookup};
use support::people::{crowd, everybody, mario};
use support::process::Processes;
use support::region::log_verifier;
use support::search::files_under;
use support::tools::{not_allowed, tool};
use support::wait::until_async;

const BINARY: &str = env!("CARGO_BIN_EXE_ponte-under-test");

/// A file system in memory of a fixed size, gone when dropped.
struct SmallDisk(PathBuf);

impl SmallDisk {
    fn mount(directory: &Path, mebibytes: u32) -> Option<Self> {
        std::fs::create_dir_all(directory).expect("the directory can be made");
        let size = format!("size={mebibytes}m,mode=0700");
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &size, "tmpfs"])
            .arg(directory)
            .output();
        mounted
            .is_ok_and(|mounted| mounted.status.success())
            .then(|| Self(directory.to_owned()))
    }

    /// Fills all but the last kibibytes, and gives the file to remove.
    fn fill(&self) -> PathBuf {
        use std::io::Write;
        let ballast = self.0.join("ballast");
        let mut file = std::fs::File::create(&ballast).expect("the ballast can be made");
        let block = vec![7; 16 << 10];
        while file.write_all(&block).is_ok() {}
        ballast
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Detached at once, also while something still has a file open in it.
        let _ = Command::new("umount").arg("-l").arg(&self.0).output();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_index_on_a_full_disk_answers_unavailable_and_goes_on_when_there_is_room() {
    let region = Processes::new(BINARY);
    // The log alone is on the small disk, as on a volume of its own.
    let Some(disk) = SmallDisk::mount(&region.directory().join("index/data/log"), 24) else {
        not_allowed("full disk", "the right to mount a file system");
        return;
    };
    let index = region.start_index();
    let people: Vec<_> = everybody()
        .into_iter()
        .chain(crowd(support::people::IMOLA, 10))
        .collect();
    region.import(&people);
    let node = region.start_node();
    region.activate(POLICE).await;
    region
        .holds(
            people
                .iter()
                .filter(|person| person.municipality == support::people::IMOLA)
                .count() as u64,
        )
        .await;
    let police = AgencyClient::new(region.connection(Role::Agency, POLICE.agency));
    let ask = async || {
        police
            .lookup_person(lookup(
                ground(POLICE, "investigation", police.new_request_id()),
                mario().tax_code(),
            ))
            .await
    };
    ask().await.expect("there is room");
    let ballast = disk.fill();

    // What is preallocated is still filled; then there is no next segment.
    let mut answered: u64 = 0;
    let refused = loop {
        match ask().await {
            Ok(_) => answered += 1,
            Err(error) => break error,
        }
        assert!(answered < 20_000, "the disk never becomes full");
    };
    assert_eq!(refused.reason(), Some(Reason::LogUnavailable), "{refused}");
    assert!(refused.is_unavailable() && refused.retry_after().is_some());
    assert_eq!(
        ask().await.expect_err("still full").reason(),
        Some(Reason::LogUnavailable)
    );

    std::fs::remove_file(ballast).expect("room can be made");
    until_async("the log resumes by itself", || async { ask().await.ok() }).await;
    drop(node);
    index.kill();

    let files = SystemFiles::open_for_reading(&region.directory().join("index/data/log")).expect("the log");
    let report = fsck(&files, None, &log_verifier(), Vec::new()).expect("the log is whole");
    assert!(answered < report.entries, "every answer has its entry");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_index_whose_sync_fails_answers_unavailable_and_ends() {
    let Some(strace) = tool("failed sync", "PONTE_STRACE", "strace", "") else {
        return;
    };
    let region = Processes::new(BINARY);
    let index = region.start_index();
    let people = everybody();
    region.import(&people);
    let node = region.start_node();
    region.activate(POLICE).await;
    region
        .holds(
            people
                .iter()
                .filter(|person| person.municipality == support::people::IMOLA)
                .count() as u64,
        )
        .await;
    drop(node);
    index.kill();

    let log = region.directory().join("index/data/log");
    let plain = region.index_command();
    let mut command = Command::new(strace);
    command.args(["-f", "-qq", "-o", "/dev/null", "-e", "trace=fdatasync"]);
    command.args(["-e", "inject=fdatasync:error=EIO:when=12+"]);
    command.args(
        files_under(&log)
            .iter()
            .flat_map(|file| [OsStr::new("-P"), file.as_os_str()]),
    );
    command.arg("--").arg(plain.get_program()).args(plain.get_args());
    let mut index = region.start_index_by(&mut command);

    let police = AgencyClient::new(region.connection(Role::Agency, POLICE.agency));
    let mut indexes = Vec::new();
    let refused = loop {
        let asked = lookup(
            ground(POLICE, "investigation", police.new_request_id()),
            mario().tax_code(),
        );
        match police.lookup_person(asked).await {
            Ok(answer) => indexes.push(answer.receipt.index()),
            Err(error) => break error,
        }
        assert!(indexes.len() < 1_000, "no sync ever fails");
    };
    assert!(!indexes.is_empty(), "the first syncs succeed");
    assert!(refused.is_unavailable(), "{refused}");
    let ended = support::wait::until("the index ends", || index.ended());
    assert!(!ended.success(), "the end is told to whoever runs it");
    assert!(!index.output().contains("Rossi"));

    // A sync that failed is not tried again; a new process reads what is there.
    let index = region.start_index();
    let auditor = AuditorClient::new(region.connection(Role::Auditor, "garante"));
    for entry in indexes {
        auditor
            .inclusion_proof(entry, None)
            .await
            .expect("what was answered is in the log");
    }
    index.kill();
}
