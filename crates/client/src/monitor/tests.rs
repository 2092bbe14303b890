use std::collections::BTreeMap;
use std::sync::Mutex;

use ledger::checkpoint::LogSigner;
use ledger::hash::{Hash, leaf_hash};
use ledger::name::Origin;
use ledger::tree::root_of;

use super::state::StateError;
use super::*;

const HOUR_MS: u64 = 3_600_000;
const DAY: Duration = Duration::from_secs(24 * 3600);

fn signer(origin: &str, seed: u8) -> LogSigner {
    LogSigner::from_seed(Origin::new(origin).unwrap(), &[seed; 32]).unwrap()
}

fn log() -> LogSigner {
    signer("log.test/1", 1)
}

/// Leaves of a log, of which those from `changed` on are others.
fn leaves(count: u64, changed: u64) -> Vec<Hash> {
    let leaf = |number: u64| leaf_hash(&[number.to_be_bytes(), [u8::from(changed <= number); 8]].concat());
    (0..count).map(leaf).collect()
}

fn honest(count: u64) -> Vec<Hash> {
    leaves(count, u64::MAX)
}

/// What somebody serves, by path.
#[derive(Debug, Default)]
struct Served {
    pages: BTreeMap<String, Vec<u8>>,
    asked: Mutex<Vec<String>>,
}

impl Served {
    /// Head and every tile of a log, as wide as the log has it.
    fn of(signer: &LogSigner, leaves: &[Hash]) -> Self {
        let mut served = Self::default();
        let head = signer.sign(leaves.len() as u64, root_of(leaves).unwrap());
        served.put("checkpoint", head.to_text().as_bytes());
        let mut level = leaves.to_vec();
        for number in 0.. {
            for (index, tile) in (0..).zip(level.chunks(256)) {
                let name = ledger::tile::Tile::new(number, index, tile.len() as u16).unwrap();
                let bytes: Vec<u8> = tile.iter().flat_map(|hash| *hash.as_bytes()).collect();
                served.put(&name.path(), &bytes);
            }
            if level.len() < 256 {
                return served;
            }
            level = level
                .chunks_exact(256)
                .map(|tile| root_of(tile).unwrap())
                .collect();
        }
        served
    }

    fn put(&mut self, path: &str, bytes: &[u8]) {
        self.pages.insert(path.to_owned(), bytes.to_vec());
    }
}

impl TileSource for &Served {
    async fn get(&self, path: &str, most: usize) -> Result<Option<Vec<u8>>, FetchError> {
        self.asked.lock().unwrap().push(path.to_owned());
        match self.pages.get(path) {
            Some(page) if most < page.len() => Err(FetchError::TooLong(most)),
            page => Ok(page.cloned()),
        }
    }
}

struct Silent;

impl TileSource for Silent {
    async fn get(&self, _: &str, _: usize) -> Result<Option<Vec<u8>>, FetchError> {
        Err(FetchError::Time)
    }
}

async fn check(served: &Served, last: Option<&MonitorState>, now_ms: u64) -> Found {
    Monitor::new(served, log().verifier(), DAY)
        .check(last, &[], now_ms)
        .await
}

/// The state after a good check at instant 0.
async fn seen(leaves: &[Hash]) -> MonitorState {
    match check(&Served::of(&log(), leaves), None, 0).await {
        Found::Good(state) => state,
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn kind(found: &Found) -> Option<AlarmKind> {
    match found {
        Found::Alarm(raised) => Some(raised.alarm.kind()),
        Found::Good(_) => None,
        Found::Unreached(error) => panic!("{error}"),
    }
}

#[tokio::test]
async fn a_log_that_grows_is_followed_over_every_boundary_of_tiles_by_few_of_them() {
    let sizes = [0, 1, 2, 255, 256, 257, 300, 511, 512, 513, 1_000];
    for old in sizes {
        let state = seen(&honest(old)).await;
        assert_eq!((state.checkpoint().size, state.grown_ms()), (old, 0));
        for new in sizes.into_iter().filter(|new| old <= *new) {
            let served = Served::of(&log(), &honest(new));
            let Found::Good(next) = check(&served, Some(&state), 5).await else {
                panic!("{old} to {new}");
            };
            assert_eq!(next.checkpoint().size, new);
            assert_eq!(next.grown_ms(), if old < new { 5 } else { 0 }, "{old} to {new}");
            let asked = served.asked.lock().unwrap();
            assert_eq!(asked.len() == 1, old == new, "{asked:?}");
            assert!(asked.len() <= 6, "{old} to {new} took {asked:?}");
            assert!(asked.iter().all(|path| !path.contains("entries")), "{asked:?}");
        }
    }
}

#[tokio::test]
async fn whatever_is_changed_in_a_log_is_found() {
    let state = seen(&honest(300)).await;
    let cases: [(&str, Vec<Hash>, Option<AlarmKind>); 8] = [
        ("as it was", honest(300), None),
        ("grown", honest(600), None),
        ("cut off", honest(299), Some(AlarmKind::Smaller)),
        ("emptied", honest(0), Some(AlarmKind::Smaller)),
        ("last entry changed", leaves(300, 299), Some(AlarmKind::Forked)),
        ("first entry changed", leaves(300, 0), Some(AlarmKind::Forked)),
        (
            "last entry changed and grown",
            leaves(301, 299),
            Some(AlarmKind::Inconsistent),
        ),
        (
            "first entry changed and grown",
            leaves(1_000, 0),
            Some(AlarmKind::Inconsistent),
        ),
    ];
    for (what, log_leaves, expected) in cases {
        let found = check(&Served::of(&log(), &log_leaves), Some(&state), 1).await;
        assert_eq!(kind(&found), expected, "{what}");
        if let Found::Alarm(raised) = found {
            let head = raised.head.expect("the head is the evidence");
            let signed = SignedCheckpoint::parse(&head).expect("a head");
            assert!(
                log().verifier().verify(&signed).is_ok(),
                "signed by the log itself: {what}"
            );
        }
    }
    for changed in 0..300 {
        let found = check(&Served::of(&log(), &leaves(513, changed)), Some(&state), 1).await;
        assert_eq!(kind(&found), Some(AlarmKind::Inconsistent), "entry {changed}");
    }
    assert_eq!(
        kind(&check(&Served::of(&log(), &leaves(513, 300)), Some(&state), 1).await),
        None
    );
}

#[tokio::test]
async fn a_change_is_called_the_same_whatever_the_size_that_was_seen() {
    for size in 1..=70 {
        let state = seen(&honest(size)).await;
        let found = check(&Served::of(&log(), &leaves(size + 3, 0)), Some(&state), 1).await;
        assert_eq!(kind(&found), Some(AlarmKind::Inconsistent), "{size}");
    }
}

#[tokio::test]
async fn a_head_counts_only_under_the_key_and_the_name_of_the_log() {
    let honest = honest(300);
    for last in [None, Some(seen(&honest).await)] {
        let check = async |served: Served| kind(&check(&served, last.as_ref(), 1).await);
        let other_key = Served::of(&signer("log.test/1", 2), &honest);
        assert_eq!(check(other_key).await, Some(AlarmKind::Signature));
        let other_log = Served::of(&signer("log.test/2", 1), &honest);
        assert_eq!(check(other_log).await, Some(AlarmKind::Origin));
        let text = String::from_utf8(Served::of(&log(), &honest).pages["checkpoint"].clone()).unwrap();
        for forged in [
            text.replacen("300", "301", 1),
            text.replace("log.test/1\n300", "log.test/1\n+300"),
            text[..text.len() - 3].to_owned(),
            text.split_once("\n\n").unwrap().0.to_owned(),
            "<html>captive portal</html>".to_owned(),
            String::new(),
        ] {
            let mut served = Served::of(&log(), &honest);
            served.put("checkpoint", forged.as_bytes());
            assert_eq!(check(served).await, Some(AlarmKind::Signature), "{forged}");
        }
    }
}

#[tokio::test]
async fn tiles_that_are_not_those_of_the_head_are_found() {
    let state = seen(&honest(300)).await;
    let paths: Vec<String> = {
        let served = Served::of(&log(), &honest(600));
        assert_eq!(kind(&check(&served, Some(&state), 1).await), None);
        let asked = served.asked.lock().unwrap();
        asked
            .iter()
            .filter(|path| path.starts_with("tile/"))
            .cloned()
            .collect()
    };
    assert_eq!(paths, ["tile/0/001", "tile/0/002.p/88", "tile/1/000.p/2"]);
    for path in &paths {
        let mut served = Served::of(&log(), &honest(600));
        served.pages.remove(path);
        assert_eq!(
            kind(&check(&served, Some(&state), 1).await),
            Some(AlarmKind::Tiles),
            "{path}"
        );

        let mut served = Served::of(&log(), &honest(600));
        served.pages.get_mut(path).unwrap().truncate(32);
        assert_eq!(
            kind(&check(&served, Some(&state), 1).await),
            Some(AlarmKind::Tiles),
            "{path}"
        );

        let hashes = Served::of(&log(), &honest(600)).pages[path].len() / 32;
        for hash in 0..hashes {
            let mut served = Served::of(&log(), &honest(600));
            served.pages.get_mut(path).unwrap()[hash * 32] ^= 1;
            let found = kind(&check(&served, Some(&state), 1).await);
            // Hash 1 of level 1 is that of the full tile 0/001; both are used, and must agree.
            assert!(
                matches!(found, Some(AlarmKind::Tiles | AlarmKind::Inconsistent)),
                "{path} hash {hash}: {found:?}"
            );
        }
    }
}

#[tokio::test]
async fn heads_that_are_known_from_elsewhere_are_continued_too() {
    let known = |leaves: &[Hash]| {
        log()
            .sign(leaves.len() as u64, root_of(leaves).unwrap())
            .checkpoint()
            .clone()
    };
    let served = Served::of(&log(), &honest(600));
    let monitor = Monitor::new(&served, log().verifier(), DAY);
    let found = async |heads: &[Checkpoint]| kind(&monitor.check(None, heads, 1).await);
    assert_eq!(
        found(&[known(&honest(5)), known(&honest(300)), known(&honest(600))]).await,
        None
    );
    assert_eq!(
        found(&[known(&honest(5)), known(&leaves(300, 299))]).await,
        Some(AlarmKind::Inconsistent)
    );
    assert_eq!(found(&[known(&leaves(600, 0))]).await, Some(AlarmKind::Forked));
    assert_eq!(found(&[known(&honest(601))]).await, Some(AlarmKind::Smaller));
    // Also where the head itself is the one of before.
    let state = seen(&honest(600)).await;
    let again = monitor.check(Some(&state), &[known(&leaves(300, 1))], 1).await;
    assert_eq!(kind(&again), Some(AlarmKind::Inconsistent));
}

#[tokio::test]
async fn a_log_that_stands_still_or_cannot_be_reached_is_stale_after_the_limit() {
    let state = seen(&honest(300)).await;
    let same = Served::of(&log(), &honest(300));
    assert_eq!(kind(&check(&same, Some(&state), 24 * HOUR_MS).await), None);
    let found = check(&same, Some(&state), 24 * HOUR_MS + 1).await;
    assert_eq!(kind(&found), Some(AlarmKind::Stale));
    let grown = Served::of(&log(), &honest(301));
    assert_eq!(kind(&check(&grown, Some(&state), 100 * HOUR_MS).await), None);

    let silent = Monitor::new(Silent, log().verifier(), DAY);
    assert!(matches!(
        silent.check(None, &[], u64::MAX).await,
        Found::Unreached(_)
    ));
    assert!(matches!(
        silent.check(Some(&state), &[], HOUR_MS).await,
        Found::Unreached(_)
    ));
    let Found::Alarm(raised) = silent.check(Some(&state), &[], 25 * HOUR_MS).await else {
        panic!("a day without a word");
    };
    assert!(matches!(
        raised.alarm,
        Alarm::Stale {
            unreached: Some(FetchError::Time),
            ..
        }
    ));
    // A clock that was set back is no age.
    let later = MonitorState::new(
        SignedCheckpoint::parse(&log().sign(300, root_of(&honest(300)).unwrap()).to_text()).unwrap(),
        10 * HOUR_MS,
    );
    assert_eq!(kind(&check(&same, Some(&later), HOUR_MS).await), None);
}

const VERSION_1: &str = include_str!("fixtures/state-1.txt");

#[test]
fn version_1_of_the_state_still_reads_and_is_what_is_written() {
    let verifier = log().verifier();
    let state = MonitorState::parse(VERSION_1, &verifier).unwrap();
    assert_eq!(
        (state.checkpoint().size, state.grown_ms()),
        (3, 1_790_000_000_000)
    );
    assert_eq!(state.to_text(), VERSION_1);
    let head = log().sign(3, root_of(&honest(3)).unwrap());
    assert_eq!(MonitorState::new(head, 1_790_000_000_000).to_text(), VERSION_1);
}

#[test]
fn a_state_that_was_changed_or_is_of_another_log_is_refused() {
    let verifier = log().verifier();
    let parse = |text: &str| MonitorState::parse(text, &verifier).map(drop);
    for (text, expected) in [
        (String::new(), StateError::Format),
        (VERSION_1.replacen("/1", "/2", 1), StateError::Format),
        (
            VERSION_1.replacen("1790000000000", "yesterday", 1),
            StateError::Instant,
        ),
        (
            VERSION_1.replacen("\n3\n", "\n2\n", 1),
            StateError::Head(CheckpointError::WrongSignature),
        ),
        (
            "ponte-monitor/1\n5\n".to_owned(),
            StateError::Head(CheckpointError::Shape),
        ),
    ] {
        assert_eq!(parse(&text), Err(expected), "{text}");
    }
    let other = signer("log.test/2", 1).verifier();
    assert_eq!(
        MonitorState::parse(VERSION_1, &other),
        Err(StateError::Head(CheckpointError::OtherLog))
    );
}
