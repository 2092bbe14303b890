//! Journals as versions 1 and 2 write them, with their key ring: all must open for ever.

use std::fs;
use std::path::PathBuf;

use registry::digest::DigestRoot;
use registry::identifier::{PersonId, RecordId};
use registry::linking::AnomalyKind;
use registry::publication::{HoldReason, LimitedKinds, Watermark};
use registry::signing::{Signature, VerifyingKey};
use registry::statement::{RegistrarId, SignedStatement};
use uuid::Uuid;

use super::*;
use crate::files::faulty::{Fault, FaultyFiles};
use crate::keys::encryption_key::KeyEncryptionKey;
use crate::projection::contradictions::{Contradiction, Place};
use crate::publication_journal::entry::{Evidence, LinkStanding, MunicipalityPoint, Showing};
use crate::publication_journal::ruling::{Cause, RestatedCard, Restored, Served, Waiting};
use crate::segment::preparation::Preparation;
use crate::test_support::CountingEntropy;
use crate::test_support::people::{DOZZA, IMOLA, municipality};

const SETTINGS: Settings = Settings {
    segment_bytes: 4 << 10,
    preparation: Preparation::Inline,
};

/// A journal with its keys.
#[derive(Default)]
struct Bench {
    journal: FaultyFiles,
    keys: FaultyFiles,
}

impl Bench {
    fn ring(&self) -> Arc<KeyRing> {
        let key = KeyEncryptionKey::from_bytes(&[5; 32]);
        let entropy = Arc::new(CountingEntropy::default());
        Arc::new(KeyRing::open(Arc::new(self.keys.clone()), key, entropy).unwrap())
    }

    fn open(&self) -> Result<(PublicationJournal, Vec<Replayed>), JournalError> {
        let mut replayed = Vec::new();
        let mut visit = |frame| {
            replayed.push(frame);
            Ok(())
        };
        let files = Arc::new(self.journal.clone());
        let (journal, _) = PublicationJournal::open(files, self.ring(), SETTINGS, &mut visit)?;
        Ok((journal, replayed))
    }
}

fn person(byte: u8) -> PersonId {
    PersonId(Uuid::from_bytes([byte; 16]))
}

fn imola() -> AcceptedBatch {
    let linked = |byte, standing| Decision::Linked {
        person: person(byte),
        standing,
    };
    AcceptedBatch {
        first: CommitSequence(1),
        recorded_ms: 1_793_491_200_000,
        sent_at_ms: 1_793_491_199_000,
        municipality: municipality(IMOLA),
        evidence: None,
        content: b"batch as received".to_vec(),
        decisions: vec![
            linked(1, LinkStanding::Confirmed),
            linked(2, LinkStanding::Unconfirmed),
            Decision::Quarantined {
                rule: "PN004".to_owned(),
            },
        ],
        counts: vec![LimitedKinds::NONE; 3],
    }
}

/// What the first format did not have: a signature, a change that counts, one that waits.
fn guarded() -> AcceptedBatch {
    let reason = HoldReason::Departures;
    let mut batch = imola();
    batch.evidence = Some(Evidence {
        key: VerifyingKey::from_bytes([0x11; 32]),
        signature: Signature([0x22; 64]),
    });
    batch.decisions.push(Decision::Held { reason, moved: None });
    batch.counts = [0, 5, 0, 0]
        .map(|byte| LimitedKinds::from_byte(byte).unwrap())
        .to_vec();
    batch
}

fn statement() -> SignedStatement {
    SignedStatement {
        text: "text".to_owned(),
        registrar: RegistrarId::parse("m.rossi").unwrap(),
        signature: Signature([0x33; 64]),
    }
}

fn release() -> Release {
    Release {
        statement: statement(),
        batch: AcceptedBatch {
            first: CommitSequence(6),
            ..dozza()
        },
    }
}

fn restatements() -> Vec<Restatement> {
    let card = |byte, served, waiting| RestatedCard {
        record: RecordId(Uuid::from_bytes([byte; 16])),
        person: person(byte),
        served,
        waiting,
    };
    let served = |standing| Served::Card {
        bytes: b"card".to_vec(),
        standing,
    };
    let removed = |standing| Served::Removed { standing };
    let restatement = |first, cause, cards| Restatement {
        first: CommitSequence(first),
        recorded_ms: 1_793_491_300_000,
        municipality: municipality(IMOLA),
        cause,
        cards,
    };
    vec![
        restatement(
            7,
            Cause::Rejected(statement()),
            vec![card(1, Served::Unchanged, Waiting::Nothing)],
        ),
        restatement(
            8,
            Cause::Quarantined {
                from_ms: 1_793_491_000_000,
                to_ms: 1_793_491_250_000,
                reference: "PROT. 2026/9".to_owned(),
            },
            vec![
                card(2, served(Restored::Yes), Waiting::Card(b"suspect".to_vec())),
                card(3, removed(Restored::Yes), Waiting::Removed),
            ],
        ),
        restatement(
            10,
            Cause::Lifted {
                quarantine: CommitSequence(8),
                reference: "PROT. 2026/10".to_owned(),
            },
            vec![
                card(2, served(Restored::No), Waiting::Nothing),
                card(3, removed(Restored::No), Waiting::Nothing),
            ],
        ),
    ]
}

fn point() -> SyncPoint {
    let noted = MunicipalityPoint {
        municipality: municipality(IMOLA),
        watermark: Watermark(3),
        root: DigestRoot::from_bytes([9; 32]),
    };
    SyncPoint {
        applied: CommitSequence(3),
        municipalities: vec![noted],
    }
}

fn dozza() -> AcceptedBatch {
    AcceptedBatch {
        first: CommitSequence(4),
        municipality: municipality(DOZZA),
        decisions: vec![Decision::Linked {
            person: person(3),
            standing: LinkStanding::Confirmed,
        }],
        counts: vec![LimitedKinds::NONE],
        ..imola()
    }
}

fn record(byte: u8) -> RecordId {
    RecordId(Uuid::from_bytes([byte; 16]))
}

/// What the first format did not have either: links of which more came, and sealed identities.
fn related() -> AcceptedBatch {
    AcceptedBatch {
        first: CommitSequence(12),
        decisions: vec![
            Decision::Related {
                person: person(4),
                standing: LinkStanding::Unconfirmed,
                relinked: vec![(record(5), person(4)), (record(6), person(4))],
                contradictions: vec![Contradiction {
                    kind: AnomalyKind::OnePersonTwoCodes,
                    other: Place {
                        municipality: municipality(DOZZA),
                        record: record(5),
                    },
                }],
            },
            Decision::Sealed {
                showing: Showing::Awaited,
                record: record(7),
                before: record(8),
                buried: vec![record(9), record(10)],
            },
            Decision::Buried { record: record(9) },
            Decision::Renewed {
                showing: Showing::Shown,
                record: record(7),
            },
            Decision::Held {
                reason: HoldReason::ProtectionEnded,
                moved: Some(record(7)),
            },
        ],
        counts: vec![LimitedKinds::NONE; 5],
        ..imola()
    }
}

fn written_now() -> Bench {
    let bench = Bench::default();
    let (mut journal, _) = bench.open().unwrap();
    journal.append_batch(&guarded()).unwrap();
    let point = SyncPoint {
        applied: CommitSequence(4),
        ..point()
    };
    journal.append_sync_point(&point).unwrap();
    let dozza = AcceptedBatch {
        first: CommitSequence(5),
        ..dozza()
    };
    journal.append_batch(&dozza).unwrap();
    journal.append_release(&release()).unwrap();
    for restatement in restatements() {
        journal.append_restatement(&restatement).unwrap();
    }
    journal.append_batch(&related()).unwrap();
    bench
}

#[track_caller]
fn check_replayed(replayed: &[Replayed]) {
    let [
        Replayed::Batch(first),
        Replayed::SyncPoint(synced),
        Replayed::Batch(last),
    ] = replayed
    else {
        panic!("a batch, a sync point and a batch are expected, not {replayed:?}");
    };
    assert!(*first == imola() && *last == dozza());
    assert_eq!(*synced, point());
}

fn directory(version: u8) -> PathBuf {
    let fixtures = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    fixtures.join(format!("publication-journal-v{version}"))
}

fn read_fixture(version: u8) -> Bench {
    let bench = Bench::default();
    for (part, files) in parts(&bench) {
        for file in fs::read_dir(directory(version).join(part)).unwrap() {
            let file = file.unwrap();
            files.set_content(file.file_name().to_str().unwrap(), fs::read(file.path()).unwrap());
        }
    }
    bench
}

fn parts(bench: &Bench) -> [(&'static str, &FaultyFiles); 2] {
    [("journal", &bench.journal), ("keys", &bench.keys)]
}

#[test]
fn version_1_still_reads() {
    let (journal, replayed) = read_fixture(1).open().unwrap();
    check_replayed(&replayed);
    assert_eq!(journal.last(), CommitSequence(4));
}

#[test]
fn version_2_reads_with_signatures_holds_releases_and_restatements() {
    let (journal, replayed) = read_fixture(2).open().unwrap();
    assert_eq!(journal.last(), CommitSequence(16));
    let [
        Replayed::Batch(first),
        Replayed::SyncPoint(_),
        Replayed::Batch(_),
        rest @ ..,
    ] = replayed.as_slice()
    else {
        panic!("{replayed:?}");
    };
    assert!(*first == guarded());
    let [Replayed::Release(released), rest @ ..] = rest else {
        panic!("{rest:?}");
    };
    assert!(*released == release());
    let [rest @ .., Replayed::Batch(last)] = rest else {
        panic!("{rest:?}");
    };
    assert!(*last == related());
    let restated: Vec<Restatement> = rest
        .iter()
        .map(|frame| match frame {
            Replayed::Restatement(restatement) => restatement.clone(),
            other => panic!("{other:?}"),
        })
        .collect();
    assert!(restated == restatements());
}

/// With `PONTE_WRITE_FIXTURES` set the files are written; without, they must be what this version writes.
#[test]
fn this_version_writes_version_2() {
    let bench = written_now();
    for (part, files) in parts(&bench) {
        let directory = directory(2).join(part);
        for name in files.list().unwrap() {
            let content = files.content(&name).unwrap();
            let used = content
                .iter()
                .rposition(|byte| *byte != 0)
                .map_or(0, |last| last + 1);
            if used == 0 {
                continue;
            }
            // Segments are kept without most of their zeros.
            let kept = content.len().min(used.next_multiple_of(512));
            if std::env::var_os("PONTE_WRITE_FIXTURES").is_some() {
                fs::create_dir_all(&directory).unwrap();
                fs::write(directory.join(&name), &content[..kept]).unwrap();
            }
            assert_eq!(
                fs::read(directory.join(&name)).unwrap(),
                content[..kept],
                "{part}/{name}"
            );
        }
    }
}

#[test]
fn a_destroyed_key_is_stepped_over_and_a_missing_one_refused() {
    let bench = written_now();
    bench
        .ring()
        .destroy(&[municipality_key(municipality(IMOLA))])
        .unwrap();
    let (_, replayed) = bench.open().unwrap();
    assert!(matches!(
        replayed.first(),
        Some(Replayed::Erased {
            municipality: erased,
            last: CommitSequence(4)
        }) if *erased == municipality(IMOLA)
    ));
    assert!(
        matches!(replayed.get(2), Some(Replayed::Batch(batch)) if batch.municipality == dozza().municipality)
    );
    let of_imola = replayed.iter().skip(4);
    assert!(
        of_imola
            .clone()
            .all(|frame| matches!(frame, Replayed::Erased { .. }))
    );
    assert_eq!(
        of_imola.count(),
        restatements().len() + 1,
        "and the batch behind them"
    );
    let without = Bench {
        journal: bench.journal.after_kill(),
        keys: FaultyFiles::default(),
    };
    let Err(JournalError::Scan(error)) = without.open().map(|_| ()) else {
        panic!("a key is missing")
    };
    assert!(
        matches!(
            *error,
            ScanError::Refused {
                reason: ReadError::UnknownKey,
                ..
            }
        ),
        "{error:?}"
    );
}

#[test]
fn room_is_made_before_a_batch_is_written() {
    let bench = Bench::default();
    let (mut journal, _) = bench.open().unwrap();
    bench.journal.inject(Fault::FullFrom(bench.journal.writes()));
    let mut batch = imola();
    batch.content = vec![7; 1_500];
    let mut written = 0;
    while journal
        .prepare(batch.municipality, batch.decisions.len(), batch.content.len())
        .is_ok()
    {
        journal.append_batch(&batch).unwrap();
        batch.first = CommitSequence(journal.last().0 + 1);
        written += 1;
        assert!(written < 9, "two segments hold no nine batches");
    }
    assert!(0 < written);
    let longest = journal.prepare(batch.municipality, 3, 4 << 10);
    assert!(matches!(
        longest,
        Err(JournalError::Append(AppendError::TooLong { .. }))
    ));
    bench.journal.make_room();
    journal
        .prepare(batch.municipality, batch.decisions.len(), batch.content.len())
        .unwrap();
    journal.append_batch(&batch).unwrap();
    drop(journal);
    assert_eq!(bench.open().unwrap().1.len(), written + 1);
}

#[test]
fn entries_cut_short_or_of_a_later_version_are_refused() {
    let bytes = imola().encode();
    let whole = AcceptedBatch::decode(CommitSequence(1), &bytes).unwrap();
    assert!(whole == imola());
    assert!(bytes.len() <= AcceptedBatch::longest(3, imola().content.len()));
    let mut later = bytes.clone();
    later[0] = 3;
    assert_eq!(
        AcceptedBatch::decode(CommitSequence(1), &later),
        Err(EntryError::Format)
    );
    let point = point().encode();
    for length in 0..point.len() {
        assert_eq!(SyncPoint::decode(&point[..length]), Err(EntryError::Malformed));
    }
    let borders = [43, 60, 77]
        .map(|end| AcceptedBatch::decode(CommitSequence(1), &bytes[..end]).map(|it| it.decisions.len()));
    assert_eq!(borders, [Ok(0), Ok(1), Ok(2)]);
    for length in (0..43).chain([44, 59, 61, 78, 81]) {
        assert_eq!(
            AcceptedBatch::decode(CommitSequence(1), &bytes[..length]),
            Err(EntryError::Malformed),
            "{length}"
        );
    }
}
