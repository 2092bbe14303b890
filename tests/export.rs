//! Exports of the access log: what they prove to strangers, that nothing in them can be changed unseen, and that they go on
//! where they were broken off.

mod changed;
mod forms;
mod interrupted;
mod soak;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Arc;

use agreement::context::CaseReference;
use agreement::peer::Role;
use agreement::reason::Reason;
use client::agency::AgencyClient;
use client::auditor::AuditorClient;
use ledger::checkpoint::Checkpoint;
use serde_json::Value;
use support::agreements::{ALL, ASSOCIATION, POLICE, PUBLIC_BODY};
use support::authority::{SERVER_NAME, TRUST_DOMAIN};
use support::calls::{ground, lookup};
use support::people::{IMOLA, anna, everybody, luca, mario, nobody};
use support::process::{Process, Processes};
use support::region::log_verifier;
use support::tools::{skipped, tool};

const BINARY: &str = env!("CARGO_BIN_EXE_ponte-under-test");

/// A region of processes with its people published and its agreements in force.
pub(crate) struct Live {
    pub(crate) region: Arc<Processes>,
    pub(crate) index: Option<Process>,
    _node: Process,
}

impl Live {
    pub(crate) async fn start() -> Self {
        let region = Processes::new(BINARY);
        let index = region.start_index();
        for document in ALL {
            region.activate(document).await;
        }
        let people = everybody();
        region.import(&people);
        let node = region.start_node();
        let own = people.iter().filter(|person| person.municipality == IMOLA);
        region.holds(own.count() as u64).await;
        Self {
            region: Arc::new(region),
            index: Some(index),
            _node: node,
        }
    }

    /// Rounds of eight accesses: found and not found, ordinary and reserved, granted and denied.
    pub(crate) async fn accesses(&self, rounds: usize) {
        let agency = |id: &str| AgencyClient::new(self.region.connection(Role::Agency, id));
        let (police, body) = (agency(POLICE.agency), agency(PUBLIC_BODY.agency));
        let association = agency(ASSOCIATION.agency);
        for _ in 0..rounds {
            for (purpose, code) in [
                ("identification", mario().tax_code()),
                ("investigation", mario().tax_code()),
                ("investigation", anna().tax_code()),
                ("identification", nobody()),
            ] {
                let context = ground(POLICE, purpose, police.new_request_id());
                // Whether somebody is found or not is no error.
                let _ = police.lookup_person(lookup(context, code)).await;
            }
            let mut context = ground(PUBLIC_BODY, "co-payment", body.new_request_id());
            context.case_reference = CaseReference::parse("-2026/1").ok();
            body.lookup_person(lookup(context, mario().tax_code()))
                .await
                .expect("an answer");
            let context = ground(PUBLIC_BODY, "co-payment", body.new_request_id());
            body.lookup_person(lookup(context, luca().tax_code()))
                .await
                .expect("an answer");
            let context = ground(POLICE, "curiosity", police.new_request_id());
            let denied = police.lookup_person(lookup(context, mario().tax_code())).await;
            assert_eq!(denied.expect_err("denied").reason(), Some(Reason::PurposeUnknown));
            let context = ground(ASSOCIATION, "membership", association.new_request_id());
            let denied = association
                .lookup_person(lookup(context, mario().tax_code()))
                .await;
            denied.expect_err("denied");
        }
    }

    /// The newest checkpoint.
    pub(crate) async fn head(&self) -> Checkpoint {
        let auditor = AuditorClient::new(self.region.connection(Role::Auditor, "garante"));
        auditor.checkpoint().await.expect("a checkpoint").checkpoint
    }

    /// Arguments of an export by an auditor.
    pub(crate) fn arguments(&self, auditor: &str, out: &Path, more: &[&str]) -> Vec<String> {
        let identity = self.region.authority.peer(Role::Auditor, auditor);
        let text = |path: &Path| path.display().to_string();
        let endpoint = self.region.address().to_string();
        let [certificate, key, authorities] =
            [&identity.certificate, &identity.key, &identity.authorities].map(|path| text(path));
        [
            ["--lang", "en"],
            ["--output", "json"],
            ["audit", "export"],
            ["--out", &text(out)],
            ["--endpoint", &endpoint],
            ["--server-name", SERVER_NAME],
            ["--trust-domain", TRUST_DOMAIN],
            ["--certificate", &certificate],
            ["--key", &key],
            ["--authorities", &authorities],
            ["--log-key", &log_verifier().to_string()],
            ["--purpose", "ordinary-control"],
            ["--reference", "2026/1"],
            ["--reader", "a.neri"],
        ]
        .into_iter()
        .flatten()
        .chain(more.iter().copied())
        .map(str::to_owned)
        .collect()
    }

    /// Exports, which must succeed, and gives what was said of it.
    #[track_caller]
    pub(crate) fn export(&self, auditor: &str, out: &Path, more: &[&str]) -> Value {
        let done = self.try_export(auditor, out, more);
        assert_eq!(done.status.code(), Some(0), "{}", words(&done));
        let said: Value = serde_json::from_slice(&done.stdout).expect("JSON");
        said[0].clone()
    }

    /// Exports.
    pub(crate) fn try_export(&self, auditor: &str, out: &Path, more: &[&str]) -> Output {
        let arguments = self.arguments(auditor, out, more);
        Command::new(BINARY)
            .args(arguments)
            .output()
            .expect("the export runs")
    }

    pub(crate) fn directory(&self, name: &str) -> PathBuf {
        self.region.directory().join(name)
    }
}

/// What a program said.
pub(crate) fn words(done: &Output) -> String {
    String::from_utf8_lossy(&done.stdout).into_owned() + &String::from_utf8_lossy(&done.stderr)
}

/// This program's verification.
pub(crate) fn verified_here(directory: &Path, command: &[&str]) -> Output {
    Command::new(BINARY)
        .args(["--lang", "en", "--output", "json", "audit"])
        .args(command)
        .arg(directory)
        .args(["--log-key", &log_verifier().to_string()])
        .output()
        .expect("the verification runs")
}

/// That of the Python standard library.
pub(crate) fn verified_in_python(directory: &Path) -> Option<Output> {
    let python = tool(
        "Python verifier of exports",
        "PONTE_PYTHON",
        "python3",
        "python/bin/python",
    )?;
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("interop/python/verify_export.py");
    let mut command = Command::new(python);
    command
        .arg(script)
        .arg(directory)
        .arg(log_verifier().to_string())
        .env("PYTHONDONTWRITEBYTECODE", "1");
    Some(command.output().expect("Python runs"))
}

/// That of the Go reference code.
pub(crate) fn verified_in_go(directory: &Path, cache: &Path) -> Option<Output> {
    let suite = "Go reference over an export";
    let go = tool(suite, "PONTE_GO", "go", "")?;
    let library = Path::new("/usr/share/gocode");
    if !library.join("src/golang.org/x/mod/sumdb/tlog").is_dir() {
        skipped(suite, "golang-golang-x-mod-dev");
        return None;
    }
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("interop/go/export/verify.go");
    let mut command = Command::new(go);
    command
        .arg("run")
        .arg(program)
        .arg(directory)
        .arg(log_verifier().to_string())
        .env("GO111MODULE", "off")
        .env("GOPATH", library)
        .env("GOFLAGS", "")
        .env("GOCACHE", cache);
    Some(command.output().expect("Go runs"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scoped_export_holds_nothing_reserved_and_proves_what_it_holds() {
    let live = Live::start().await;
    live.accesses(3).await;
    let head = live.head().await;
    for (auditor, scope) in [("imola", "municipality E289"), ("questura", "")] {
        let out = live.directory(auditor);
        let said = live.export(auditor, &out, &["--format", "jsonl"]);
        assert!(
            said["scope"].as_str().is_some_and(|said| said.starts_with(scope)),
            "{said}"
        );
        assert_eq!(said["without_gap"], false, "what others did is not in it");
        let text = std::fs::read_to_string(out.join("entries.jsonl")).expect("the rows");
        let rows: Vec<Value> = text
            .lines()
            .map(|line| serde_json::from_str(line).expect("JSON"))
            .collect();
        assert!(!rows.is_empty() && (rows.len() as u64) < head.size);
        let reserved = rows
            .iter()
            .filter(|row| row["purpose"] == "investigation")
            .count();
        for row in &rows {
            let parts = row["parts"]
                .as_object()
                .map(|parts| parts.keys().cloned().collect::<Vec<_>>());
            let own = match auditor {
                "imola" => vec!["subjects_E289".to_owned()],
                _ => Vec::new(),
            };
            assert!(
                parts.unwrap_or_default().iter().all(|part| own.contains(part)),
                "{row}"
            );
        }
        // The agency's own supervisor sees its reserved accesses, the municipality does not.
        assert_eq!(reserved == 0, auditor == "imola", "{reserved}");
        for done in [
            Some(verified_here(&out, &["export-verify"])),
            verified_in_python(&out),
            verified_in_go(&out, &live.directory("go-cache")),
        ]
        .into_iter()
        .flatten()
        {
            assert!(done.status.success(), "{}", words(&done));
        }
    }
    // Of an agency alone, by a filter of the region.
    let body = support::authority::Authority::id(Role::Agency, PUBLIC_BODY.agency).to_string();
    let out = live.directory("filtered");
    let said = live.export("garante", &out, &["--agency", &body, "--outcome", "OK"]);
    assert_eq!(
        (&said["entries"], &said["outcomes"]["OK"]),
        (&6.into(), &6.into()),
        "{said}"
    );
}

/// An export of the region's log from entry 3 to entry 15 as version 1 wrote it.
#[test]
fn version_1_still_verifies() {
    let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/export-1");
    let done = verified_here(&fixture, &["export-verify"]);
    assert_eq!(done.status.code(), Some(0), "{}", words(&done));
    let said: Value = serde_json::from_slice(&done.stdout).expect("JSON");
    assert_eq!(
        (&said[0]["entries"], &said[0]["without_gap"]),
        (&13.into(), &true.into()),
        "{said}"
    );
}
