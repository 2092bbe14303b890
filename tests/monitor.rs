//! Whoever changes a log that others have seen is caught, by each of them alone: a monitor that follows the public tiles, a
//! node that has cosigned, somebody who kept one receipt.
//!
//! The adversary runs the index and holds the log's key ([`support::adversary`], [`support::fork`]): whatever it shows is
//! whole in itself and signed.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use client::agency::AgencyClient;
use client::receipt::{ReceiptForm, ReceiptPolicy};
use ledger::checkpoint::SignedCheckpoint;
use ledger::receipt::Receipt;
use serde_json::Value;
use support::adversary::{Fate, Forger};
use support::agreements::POLICE;
use support::calls::ground;
use support::commands::{Ended, ponte};
use support::fork::Fork;
use support::people::IMOLA;
use support::region::{Region, copy, free_address, log_verifier};
use support::witnesses::{IMOLAS, let_witness, look, witnesses};

/// What the adversary does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Manipulation {
    /// Nothing: the log grows.
    None,
    /// An entry of the past says something else.
    Rewritten,
    /// The entries at the end are gone.
    Truncated,
    /// A backup is put back, and the index lives on from there.
    RolledBack,
    /// A second index lives on from a copy, and shows itself instead of the first.
    Forked,
}

/// What each of the three says: nothing where it finds nothing wrong.
#[derive(Debug, PartialEq, Eq)]
struct Caught {
    monitor: Option<String>,
    witness: bool,
    receipt: Option<String>,
}

/// An index that was seen by a monitor, by a node and by an agency.
struct Scene {
    region: Region,
    tiles: SocketAddr,
    fork: Option<(Fork, SocketAddr)>,
    /// Where the monitor remembers.
    state: PathBuf,
    /// The receipt that the agency kept.
    receipt: PathBuf,
    /// Entries that the three have seen, the largest of them.
    seen: u64,
}

fn configuration(tiles: SocketAddr) -> String {
    let mut text = witnesses(&[IMOLAS], 1);
    text.push_str(&format!(
        "[monitor]\nlisten = \"{tiles}\"\nrenew_seconds = 1\nrequests_per_minute_per_address = 6000\n"
    ));
    text
}

async fn call(police: &AgencyClient) -> Receipt {
    let context = ground(POLICE, "investigation", police.new_request_id());
    let answer = police
        .describe_access(&context, None, ReceiptForm::Full)
        .await
        .expect("an answer");
    answer.receipt.receipt().expect("the full receipt").clone()
}

fn size(receipt: &Receipt) -> u64 {
    let head = SignedCheckpoint::parse(&receipt.checkpoint).expect("signed");
    head.checkpoint().size
}

/// Checks once with `ponte audit monitor`.
async fn monitor(region: &Region, tiles: SocketAddr, state: &Path, known: Option<&Path>) -> Ended {
    let url = format!("https://localhost:{}", tiles.port());
    let authorities = region.authority.authorities().display().to_string();
    let (key, state) = (log_verifier().to_string(), state.display().to_string());
    let mut command = vec![
        "audit",
        "monitor",
        "--url",
        &url,
        "--authorities",
        &authorities,
        "--log-key",
        &key,
        "--state",
        &state,
    ];
    let known = known.map(|known| known.display().to_string());
    if let Some(known) = &known {
        command.extend(["--known", known]);
    }
    ponte(region, &command).await
}

/// The alarm that a check raised.
fn alarm(ended: &Ended) -> Option<String> {
    match ended.exit {
        0 => None,
        1 => {
            let data: Value = serde_json::from_str(&ended.out).expect("JSON");
            let record = data.as_array().map_or(&data, |rows| &rows[0]);
            record["alarm"].as_str().map(str::to_owned)
        }
        _ => panic!("{}", ended.err),
    }
}

impl Scene {
    /// An index with some history, of which a backup was made in between.
    async fn new() -> Self {
        let tiles = free_address();
        let mut region = Region::configured(&configuration(tiles)).await;
        region.activate(POLICE).await;
        call(&region.agency(POLICE)).await;
        region.stop_index().await;
        let (index, backup) = (
            region.directory().join("index"),
            region.directory().join("backup"),
        );
        for part in ["data", "copy"] {
            copy(&index.join(part), &backup.join(part));
        }
        region.start_index().await;
        let_witness(&mut region, IMOLA, IMOLAS).await;
        let police = region.agency(POLICE);
        for _ in 0..20 {
            call(&police).await;
        }
        let state = region.directory().join("monitor.state");
        let receipt = region.directory().join("receipt");
        Self {
            region,
            tiles,
            fork: None,
            state,
            receipt,
            seen: 0,
        }
    }

    /// The three look at the index.
    async fn seen(&mut self) {
        let receipt = call(&self.region.agency(POLICE)).await;
        fs::write(&self.receipt, receipt.encode().expect("encoded")).expect("written");
        // The endpoint shows a new head at once after a start.
        self.region.stop_index().await;
        self.region.start_index().await;
        let first = monitor(&self.region, self.tiles, &self.state, None).await;
        assert_eq!(alarm(&first), None, "{}", first.err);
        let status = look(&mut self.region, IMOLA).await;
        assert_eq!((status.error, status.conflict), (None, false));
        self.seen = size(&call(&self.region.agency(POLICE)).await).max(status.cosigned);
    }

    async fn manipulate(&mut self, manipulation: Manipulation) {
        let (index, backup) = (
            self.region.directory().join("index"),
            self.region.directory().join("backup"),
        );
        match manipulation {
            Manipulation::None => {}
            Manipulation::Rewritten => {
                self.region.stop_index().await;
                let mut changed = 0;
                let entries = Forger::of(&index).forge(|_, mut header| match &mut header.body.address {
                    // One access comes from somewhere else than it came.
                    Some(address) if changed == 0 && header.body.request_id.is_some() => {
                        changed += 1;
                        let last = if address.pop() == Some('1') { '2' } else { '1' };
                        address.push(last);
                        Fate::Changed(Box::new(header))
                    }
                    Some(_) | None => Fate::Kept,
                });
                assert_eq!(changed, 1);
                assert!(self.seen <= entries);
                self.region.start_index().await;
            }
            Manipulation::Truncated => {
                self.region.stop_index().await;
                let keep = self.seen / 2;
                let entries = Forger::of(&index).forge(
                    |number, _| {
                        if number < keep { Fate::Kept } else { Fate::CutOff }
                    },
                );
                assert_eq!(entries, keep);
                self.region.start_index().await;
            }
            Manipulation::RolledBack => {
                self.region.stop_index().await;
                for part in ["data", "copy"] {
                    fs::remove_dir_all(index.join(part)).expect("removed");
                    copy(&backup.join(part), &index.join(part));
                }
                self.region.start_index().await;
            }
            Manipulation::Forked => {
                let tiles = free_address();
                let fork = Fork::of(&mut self.region, &configuration(tiles)).await;
                self.fork = Some((fork, tiles));
                // What the three see of the first index is from after the fork.
                self.seen().await;
            }
        }
        if manipulation != Manipulation::Truncated {
            self.live_on().await;
        }
        self.show_at_once().await;
    }

    /// The index that is shown grows beyond what was seen.
    async fn live_on(&self) {
        let police = match &self.fork {
            Some((fork, _)) => {
                let receipts = ReceiptPolicy::Verify(log_verifier());
                AgencyClient::new(fork.connection(&self.region, POLICE.agency, receipts))
            }
            None => self.region.agency(POLICE),
        };
        while size(&call(&police).await) <= self.seen + 2 {}
    }

    /// Restarts the index that is shown, and leads the node to it.
    async fn show_at_once(&mut self) {
        let Some((fork, tiles)) = self.fork.take() else {
            self.region.stop_index().await;
            self.region.start_index().await;
            return;
        };
        let fork = fork.restarted(&self.region).await;
        let (from, to) = (self.region.address().port(), fork.address().port());
        let municipality = self.region.municipality(IMOLA);
        municipality.stop().await;
        let file = municipality.directory().join("node.toml");
        let text = fs::read_to_string(&file).expect("readable");
        let led = text.replace(&format!("port = {from}"), &format!("port = {to}"));
        assert_ne!(led, text);
        fs::write(&file, led).expect("written");
        municipality.resume();
        self.tiles = tiles;
        self.fork = Some((fork, tiles));
    }

    async fn caught(&mut self) -> Caught {
        let followed = monitor(&self.region, self.tiles, &self.state, None).await;
        let fresh = self.region.directory().join("fresh.state");
        let kept = monitor(&self.region, self.tiles, &fresh, Some(self.receipt.as_path())).await;
        let status = look(&mut self.region, IMOLA).await;
        assert_eq!(status.conflict, status.error.is_some(), "{status:?}");
        Caught {
            monitor: alarm(&followed),
            witness: status.conflict,
            receipt: alarm(&kept),
        }
    }

    async fn end(mut self) {
        if let Some((fork, _)) = self.fork.take() {
            fork.stop().await;
        }
        self.region.stop().await;
    }
}

async fn check(manipulation: Manipulation, alarm: Option<&str>) {
    let mut scene = Scene::new().await;
    if manipulation != Manipulation::Forked {
        scene.seen().await;
    }
    scene.manipulate(manipulation).await;
    let expected = Caught {
        monitor: alarm.map(str::to_owned),
        witness: alarm.is_some(),
        receipt: alarm.map(str::to_owned),
    };
    assert_eq!(scene.caught().await, expected, "{manipulation:?}");
    scene.end().await;
}

/// Each manipulation, and what the monitor and whoever kept a receipt call it.
const CASES: [(Manipulation, Option<&str>); 5] = [
    (Manipulation::None, None),
    (Manipulation::Rewritten, Some("inconsistent")),
    (Manipulation::Truncated, Some("smaller")),
    (Manipulation::RolledBack, Some("inconsistent")),
    (Manipulation::Forked, Some("inconsistent")),
];

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_was_changed_is_caught_by_a_monitor_by_a_node_and_by_one_receipt_each_alone() {
    for (manipulation, alarm) in CASES {
        check(manipulation, alarm).await;
    }
}
