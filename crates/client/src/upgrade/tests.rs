use std::sync::atomic::{AtomicUsize, Ordering};

use ledger::checkpoint::{Checkpoint, Cosigner, LogSigner, SignedCheckpoint, WitnessedAt};
use ledger::hash::{leaf_hash, node_hash};
use ledger::header::{EntryKind, Header, HeaderBody};
use ledger::name::{KeyName, Origin};
use ledger::tree::{BatchTree, Frontier, HashReader, consistency_proof};
use transport::clock::ManualClock;
use wire::status::{Details, status_for};

use super::*;

const START: u64 = 1_790_000_000_000;

fn signer() -> LogSigner {
    LogSigner::from_seed(Origin::new("log.ponte.example/1").unwrap(), &[7; 32]).unwrap()
}

fn cosigner() -> Cosigner {
    Cosigner::from_seed(KeyName::new("witness.example.org").unwrap(), &[9; 32]).unwrap()
}

fn policy() -> Policy {
    let text = format!(
        "log {}\nwitness w {}\nquorum w\n",
        signer().verifier(),
        cosigner().verifier()
    );
    Policy::parse(&text).unwrap()
}

/// Headers of a log, of which those from `parting` on are of another history.
#[derive(Clone)]
struct History {
    headers: Vec<Vec<u8>>,
}

impl History {
    fn parting_at(parting: u64) -> Self {
        let header = |number: u64| {
            let mut body = HeaderBody::new(EntryKind::Access, Hash::EMPTY_TREE);
            body.purpose = Some(if number < parting { "one" } else { "other" }.to_owned());
            let header = Header {
                origin: signer().origin().clone(),
                time_ms: START + number,
                body,
            };
            header.encode().unwrap().into_bytes()
        };
        Self {
            headers: (0..64).map(header).collect(),
        }
    }

    fn honest() -> Self {
        Self::parting_at(u64::MAX)
    }

    fn leaves(&self, size: u64) -> Vec<Hash> {
        let headers = self.headers.iter().take(usize::try_from(size).unwrap());
        headers.map(|header| leaf_hash(header)).collect()
    }

    fn tree(&self, size: u64) -> BatchTree {
        BatchTree::new(&Frontier::default(), &self.leaves(size)).unwrap()
    }

    fn head(&self, size: u64) -> SignedCheckpoint {
        signer().sign(size, self.tree(size).root())
    }

    fn path(&self, index: u64, size: u64) -> Vec<Hash> {
        self.tree(size).path(index).unwrap().collect()
    }

    fn receipt(&self, index: u64, size: u64) -> Receipt {
        Receipt {
            header: self.headers[usize::try_from(index).unwrap()].clone(),
            index,
            path: self.path(index, size),
            checkpoint: self.head(size).to_text(),
        }
    }

    fn consistency(&self, old: u64, new: u64) -> Vec<Hash> {
        let mut levels = vec![self.leaves(new)];
        while let Some(below) = levels.last().filter(|below| 1 < below.len()) {
            let pairs = below.chunks_exact(2);
            levels.push(pairs.map(|pair| node_hash(&pair[0], &pair[1])).collect());
        }
        consistency_proof(old, new, Levels(levels)).unwrap()
    }
}

struct Levels(Vec<Vec<Hash>>);

impl HashReader for Levels {
    type Error = ();

    fn hash(&self, level: u8, index: u64) -> Result<Hash, ()> {
        let level = self.0.get(usize::from(level)).ok_or(())?;
        level
            .get(usize::try_from(index).map_err(|_| ())?)
            .copied()
            .ok_or(())
    }
}

/// An index that shows a history of which witnesses have cosigned the head of some size.
struct Index {
    history: History,
    size: u64,
    witnessed: Option<u64>,
    cosigned: bool,
    reached: bool,
    asked: AtomicUsize,
}

impl Index {
    fn of(history: History, size: u64, witnessed: Option<u64>) -> Self {
        Self {
            history,
            size,
            witnessed,
            cosigned: true,
            reached: true,
            asked: AtomicUsize::new(0),
        }
    }

    fn refuse(reason: Reason) -> ClientError {
        ClientError::of_status(&status_for(reason, Details::none()), Duration::ZERO)
    }

    fn ask(&self, first_size: u64) -> Result<(), ClientError> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        if !self.reached {
            return Err(ClientError::Deadline(Duration::from_secs(1)));
        }
        if self.size < first_size {
            return Err(Self::refuse(Reason::LogRange));
        }
        Ok(())
    }
}

impl UpgradeSource for Index {
    async fn receipt_upgrade(&self, index: u64, first_size: u64) -> Result<Upgrade, ClientError> {
        self.ask(first_size)?;
        let size = self.witnessed.filter(|size| first_size <= *size);
        let size = size.ok_or_else(|| Self::refuse(Reason::NotWitnessedYet))?;
        let mut checkpoint = self.history.head(size);
        if self.cosigned {
            let at = WitnessedAt(START / 1_000);
            let line = cosigner().cosign(checkpoint.checkpoint(), at).to_line();
            checkpoint = SignedCheckpoint::parse(&format!("{}{line}\n", checkpoint.to_text())).unwrap();
        }
        Ok(Upgrade {
            checkpoint,
            inclusion: self.history.path(index, size),
            consistency: self.history.consistency(first_size, size),
        })
    }

    async fn consistency_proof(&self, first_size: u64, second_size: u64) -> Result<Vec<Hash>, ClientError> {
        self.ask(second_size)?;
        Ok(self.history.consistency(first_size, second_size))
    }
}

fn upgrades(most: usize) -> (Upgrades, Arc<ManualClock>) {
    let clock = Arc::new(ManualClock::at_ms(START));
    let witnessing = Witnessing::new(signer().verifier(), policy())
        .unwrap()
        .holding(most);
    (Upgrades::new(witnessing, clock.clone()), clock)
}

#[track_caller]
fn kinds(upgrades: &Upgrades) -> Vec<UpgradeAlarmKind> {
    let status = upgrades.status();
    assert_eq!(status.alarms_raised, status.alarms.len() as u64);
    status.alarms.iter().map(|raised| raised.alarm.kind()).collect()
}

#[tokio::test]
async fn the_newest_receipt_under_each_head_becomes_a_witnessed_one_by_one_question() {
    let (upgrades, clock) = upgrades(MOST_HELD);
    let mut witnessed = upgrades.witnessed();
    let history = History::honest();
    for (index, size) in [(3, 5), (4, 5), (2, 5), (6, 7), (9, 10)] {
        assert_eq!(
            upgrades.hold(history.receipt(index, size)).unwrap(),
            Standing::Signed
        );
    }
    assert_eq!(upgrades.status().held, 3);

    upgrades.look(&Index::of(history.clone(), 10, None)).await;
    let status = upgrades.status();
    assert_eq!((status.held, status.looks, status.witnessed), (3, 1, 0));
    assert!(status.obstacle.is_some_and(|obstacle| !obstacle.is_empty()));

    clock.advance(WITHIN - Duration::from_millis(1));
    let index = Index::of(history.clone(), 10, Some(8));
    upgrades.look(&index).await;
    let status = upgrades.status();
    assert_eq!((status.held, status.witnessed), (1, 2));
    assert_eq!(
        index.asked.load(Ordering::SeqCst),
        3,
        "each head once, and the first that is not witnessed"
    );
    for (index, size) in [(4, 8), (6, 8)] {
        let receipt = witnessed.try_recv().unwrap();
        let (verified, judged) = receipt.verify_under(&policy()).unwrap();
        assert_eq!((verified.index(), verified.checkpoint().size), (index, size));
        assert_eq!(judged.standing(), Standing::Witnessed);
        // Whoever has it needs nobody any more.
        assert_eq!(
            upgrades.hold(receipt.as_ref().clone()).unwrap(),
            Standing::Witnessed
        );
    }
    upgrades.look(&Index::of(history, 12, Some(12))).await;
    let status = upgrades.status();
    assert_eq!((status.held, status.witnessed, status.obstacle), (0, 3, None));
    assert_eq!(kinds(&upgrades), []);
}

#[tokio::test]
async fn what_is_not_witnessed_within_the_period_is_an_alarm_once_whatever_stands_in_the_way() {
    let honest = History::honest;
    let silent = Index {
        reached: false,
        ..Index::of(honest(), 9, Some(9))
    };
    let alone = Index {
        cosigned: false,
        ..Index::of(honest(), 9, Some(9))
    };
    let obstacles = [
        (Index::of(honest(), 9, None), "NOT_WITNESSED_YET"),
        (silent, "deadline"),
        (alone, "quorum"),
    ];
    for (index, obstacle) in obstacles {
        let (upgrades, clock) = upgrades(MOST_HELD);
        upgrades.hold(honest().receipt(4, 5)).unwrap();
        clock.advance(WITHIN - Duration::from_millis(1));
        upgrades.look(&index).await;
        assert_eq!(kinds(&upgrades), []);
        clock.advance(Duration::from_millis(1));
        upgrades.hold(honest().receipt(5, 6)).unwrap();
        upgrades.look(&index).await;
        assert_eq!(kinds(&upgrades), [UpgradeAlarmKind::NotWitnessed]);
        let alarm = upgrades.status().alarms[0].clone();
        assert_eq!(alarm.receipt, honest().receipt(4, 5));
        assert_eq!(alarm.at_ms, START + 3_600_000);
        let text = alarm.alarm.to_string();
        assert!(
            text.contains("5 entries is not witnessed after 60 minutes"),
            "{text}"
        );
        assert!(text.contains(obstacle), "{text}");

        // It goes on: no other alarm, and no end of trying.
        clock.advance(2 * WITHIN);
        upgrades.look(&index).await;
        assert_eq!(kinds(&upgrades).len(), 1);
        upgrades.look(&Index::of(honest(), 9, Some(9))).await;
        assert_eq!((upgrades.status().held, kinds(&upgrades).len()), (0, 1));
        upgrades.hold(honest().receipt(6, 10)).unwrap();
        clock.advance(WITHIN);
        upgrades.look(&index).await;
        assert_eq!(kinds(&upgrades).len(), 2, "the next time is another alarm");
    }
}

#[tokio::test]
async fn an_index_that_shows_another_history_is_accused_with_both_heads() {
    let forked = History::parting_at(3);
    let cases = [
        (9, Some(9), UpgradeAlarmKind::NotContinued),
        (9, Some(5), UpgradeAlarmKind::Forked),
        (4, Some(4), UpgradeAlarmKind::Smaller),
    ];
    for (size, witnessed, expected) in cases {
        let (upgrades, _) = upgrades(MOST_HELD);
        // Before the parting, both histories are one.
        upgrades.hold(History::honest().receipt(1, 2)).unwrap();
        upgrades.hold(History::honest().receipt(4, 5)).unwrap();
        upgrades.look(&Index::of(forked.clone(), size, witnessed)).await;
        assert_eq!(kinds(&upgrades), [expected]);
        let status = upgrades.status();
        assert_eq!((status.held, status.witnessed), (0, 1));
        let raised = &status.alarms[0];
        assert_eq!(raised.receipt, History::honest().receipt(4, 5));
        assert_eq!(raised.shown.is_some(), expected != UpgradeAlarmKind::Smaller);
        for shown in raised.shown.iter().chain([&raised.receipt.checkpoint]) {
            let shown = SignedCheckpoint::parse(shown).unwrap();
            signer().verifier().verify(&shown).unwrap();
        }
    }
}

#[test]
fn two_heads_of_one_size_accuse_without_asking_anybody() {
    let (upgrades, _) = upgrades(MOST_HELD);
    upgrades.hold(History::honest().receipt(1, 5)).unwrap();
    upgrades.hold(History::parting_at(3).receipt(2, 5)).unwrap();
    assert_eq!(kinds(&upgrades), [UpgradeAlarmKind::Forked]);
    let raised = upgrades.status().alarms[0].clone();
    assert_eq!(raised.receipt.checkpoint, History::honest().head(5).to_text());
    assert_eq!(raised.shown, Some(History::parting_at(3).head(5).to_text()));
}

#[tokio::test]
async fn evidence_that_proves_nothing_is_an_alarm() {
    type Lie = fn(&mut Upgrade);
    struct Liar(Lie);
    impl UpgradeSource for Liar {
        async fn receipt_upgrade(&self, index: u64, first_size: u64) -> Result<Upgrade, ClientError> {
            let honest = Index::of(History::honest(), 9, Some(9));
            let mut upgrade = honest.receipt_upgrade(index, first_size).await?;
            (self.0)(&mut upgrade);
            Ok(upgrade)
        }

        async fn consistency_proof(&self, _: u64, _: u64) -> Result<Vec<Hash>, ClientError> {
            Ok(Vec::new())
        }
    }
    let lies: [(Lie, UpgradeAlarmKind); 4] = [
        (|upgrade| upgrade.inclusion.clear(), UpgradeAlarmKind::Proof),
        (
            |upgrade| upgrade.consistency.clear(),
            UpgradeAlarmKind::NotContinued,
        ),
        (
            |upgrade| {
                let stranger = LogSigner::from_seed(signer().origin().clone(), &[8; 32]).unwrap();
                let Checkpoint { size, root, .. } = *upgrade.checkpoint.checkpoint();
                upgrade.checkpoint = stranger.sign(size, root);
            },
            UpgradeAlarmKind::Proof,
        ),
        (
            |upgrade| {
                let text = upgrade.checkpoint.to_text();
                let at = text.rfind("AAAA").unwrap_or(text.len() - 4);
                let altered = format!("{}B{}", &text[..at], &text[at + 1..]);
                if let Ok(altered) = SignedCheckpoint::parse(&altered) {
                    upgrade.checkpoint = altered;
                }
            },
            UpgradeAlarmKind::Proof,
        ),
    ];
    for (number, (lie, expected)) in lies.into_iter().enumerate() {
        let (upgrades, _) = upgrades(MOST_HELD);
        upgrades.hold(History::honest().receipt(4, 5)).unwrap();
        upgrades.look(&Liar(lie)).await;
        assert_eq!(kinds(&upgrades), [expected], "{number}");
    }
    let (upgrades, _) = upgrades(MOST_HELD);
    let mut receipt = History::honest().receipt(4, 5);
    receipt.index = 3;
    assert!(upgrades.hold(receipt).is_err());
    assert_eq!(upgrades.status().held, 0);
}

#[tokio::test]
async fn what_is_held_is_bounded_and_what_is_let_go_is_proved_first() {
    let history = History::honest();
    let (upgrades, clock) = upgrades(8);
    for size in 1..=8 {
        upgrades.hold(history.receipt(size - 1, size)).unwrap();
        clock.advance(Duration::from_secs(1));
    }
    assert_eq!(upgrades.status().held, 8);
    upgrades.hold(history.receipt(8, 9)).unwrap();
    assert_eq!(kinds(&upgrades), [UpgradeAlarmKind::NotHeld]);

    // Four go, each into the one that continues it, and the last of them is as old as the first was.
    upgrades.look(&Index::of(history.clone(), 20, None)).await;
    assert_eq!(upgrades.status().held, 4);
    clock.advance(WITHIN - Duration::from_secs(8));
    upgrades.look(&Index::of(history.clone(), 20, None)).await;
    let raised = upgrades.status().alarms;
    let alarm = raised[1].alarm.to_string();
    assert!(alarm.contains("5 entries is not witnessed"), "{alarm}");
    upgrades.look(&Index::of(history, 20, Some(20))).await;
    assert_eq!(upgrades.status().held, 0);

    // What cannot be let go because nothing continues it is an accusation.
    let (upgrades, _) = self::upgrades(4);
    upgrades.hold(History::honest().receipt(4, 5)).unwrap();
    upgrades.hold(History::parting_at(3).receipt(5, 6)).unwrap();
    upgrades.hold(History::parting_at(3).receipt(6, 7)).unwrap();
    upgrades.look(&Index::of(History::parting_at(3), 9, None)).await;
    assert_eq!(kinds(&upgrades), [UpgradeAlarmKind::NotContinued]);
}

#[tokio::test]
async fn an_index_that_answers_slowly_does_not_put_off_the_alarm() {
    struct Slow {
        index: Index,
        upgrades: Upgrades,
        clock: Arc<ManualClock>,
        raised: Mutex<Vec<u64>>,
    }
    impl UpgradeSource for Slow {
        async fn receipt_upgrade(&self, index: u64, first_size: u64) -> Result<Upgrade, ClientError> {
            let raised = self.upgrades.status().alarms_raised;
            self.raised.lock().unwrap().push(raised);
            self.clock.advance(WITHIN / 2);
            self.index.receipt_upgrade(index, first_size).await
        }

        async fn consistency_proof(&self, old: u64, new: u64) -> Result<Vec<Hash>, ClientError> {
            self.index.consistency_proof(old, new).await
        }
    }
    let (upgrades, clock) = upgrades(MOST_HELD);
    for size in 3..=6 {
        upgrades.hold(History::honest().receipt(size - 1, size)).unwrap();
    }
    let slow = Slow {
        index: Index::of(History::honest(), 9, Some(9)),
        upgrades: upgrades.clone(),
        clock,
        raised: Mutex::default(),
    };
    upgrades.look(&slow).await;
    assert_eq!(*slow.raised.lock().unwrap(), [0, 0, 1, 1]);
    assert_eq!(kinds(&upgrades), [UpgradeAlarmKind::NotWitnessed]);
    assert_eq!(upgrades.status().held, 0, "late, and witnessed at last");
}

#[test]
fn a_policy_under_which_nothing_is_ever_witnessed_is_refused() {
    let log = || signer().verifier();
    let no_quorum = Witnessing::new(log(), Policy::of_log(log()));
    assert!(matches!(no_quorum, Err(SetupError::PolicyWithoutQuorum)));
    let other = LogSigner::from_seed(Origin::new("log.other.example/1").unwrap(), &[7; 32]).unwrap();
    let other_log = Witnessing::new(other.verifier(), policy());
    assert!(matches!(other_log, Err(SetupError::PolicyOfOtherLog)));
    let other_key = LogSigner::from_seed(signer().origin().clone(), &[8; 32]).unwrap();
    let other_key = Witnessing::new(other_key.verifier(), policy());
    assert!(matches!(other_key, Err(SetupError::PolicyOfOtherLog)));
    assert!(Witnessing::new(log(), policy()).is_ok());
}

#[tokio::test]
async fn a_connection_stops_to_upgrade_when_nobody_holds_it() {
    use crate::connection::{Connection, Timing};
    use crate::receipt::ReceiptPolicy;
    use transport::random::danger::SeededRandom;

    let channel = tonic::transport::Endpoint::from_static("http://127.0.0.1:9").connect_lazy();
    let witnessing = Witnessing::new(signer().verifier(), policy()).unwrap();
    let receipts = ReceiptPolicy::Witness(Box::new(witnessing));
    let timing = Timing {
        attempts: 1,
        ..Timing::default()
    };
    let clock = Arc::new(ManualClock::at_ms(START));
    let connection = Connection::over(channel, receipts, timing, clock, Arc::new(SeededRandom::new(1)));
    let upgrades = connection.upgrades().unwrap().clone();
    upgrades.hold(History::honest().receipt(4, 5)).unwrap();
    let mut status = upgrades.watch();
    upgrades.wake();
    let looked = status.wait_for(|status| status.looks == 1).await.unwrap().clone();
    assert!(looked.obstacle.is_some() && looked.held == 1, "{looked:?}");
    drop(connection);
    let weak = Arc::downgrade(&upgrades.inner);
    drop((upgrades, status));
    while weak.upgrade().is_some() {
        tokio::task::yield_now().await;
    }
}
