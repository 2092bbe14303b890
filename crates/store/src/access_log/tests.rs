//! The log as its users meet it, over files that fail.

mod contents;
mod cosigned;
mod decay;
mod durability;
mod fixture;
mod power_cut;
mod reading;
mod serving;

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use ledger::{
    checkpoint::{Checkpoint, LogSigner},
    header::{EntryKind, RequestId},
    name::Origin,
    part::{MunicipalityId, PartKind},
    receipt::Receipt,
};

use super::{
    AccessLog, LogFailure, LogSettings,
    committed::Committed,
    draft::{EntryDraft, Sealed},
    part_content::{CriteriaPart, DecisionPart, OperatorPart, Subject, SubjectRole, SubjectsPart},
    retention::Retention,
    start::{LogFiles, LogParameters, StartError, StartReport},
};
use crate::{
    files::{
        Files,
        faulty::{FaultyFiles, Syncs},
    },
    keys::{
        encryption_key::KeyEncryptionKey,
        ring::{KeyRing, RingError},
        token::Token,
    },
    segment::{self, preparation::Preparation},
    test_support::CountingEntropy,
};

/// 1 November 2026, 00:00 UTC.
const START_MS: u64 = 1_793_491_200_000;

const NEVER: Duration = Duration::from_secs(3600);

/// A log in memory with all that it stands on.
struct Bench {
    log: FaultyFiles,
    hashes: FaultyFiles,
    copy: FaultyFiles,
    keys: FaultyFiles,
    clock: Arc<AtomicU64>,
    settings: LogSettings,
    witnessed: Vec<Checkpoint>,
    fatal: Arc<AtomicBool>,
}

impl Bench {
    fn new() -> Self {
        Self::with_syncs(Syncs::Honest)
    }

    fn with_syncs(syncs: Syncs) -> Self {
        Self {
            log: FaultyFiles::new(syncs),
            hashes: FaultyFiles::new(syncs),
            copy: FaultyFiles::new(syncs),
            keys: FaultyFiles::new(syncs),
            clock: Arc::new(AtomicU64::new(START_MS)),
            settings: LogSettings {
                segments: segment::Settings {
                    segment_bytes: 16 << 10,
                    preparation: Preparation::Inline,
                },
                queue: 8,
                quiet: NEVER,
                copy_interval: Duration::ZERO,
                retry_space: Duration::from_millis(1),
                overlap_from: 2,
                ..LogSettings::default()
            },
            witnessed: Vec::new(),
            fatal: Arc::default(),
        }
    }

    /// The same log on other disks, as after a crash.
    fn on(&self, log: FaultyFiles, copy: FaultyFiles) -> Self {
        Self {
            log,
            copy,
            hashes: self.hashes.after_kill(),
            keys: self.keys.after_kill(),
            clock: Arc::clone(&self.clock),
            settings: self.settings,
            witnessed: self.witnessed.clone(),
            fatal: Arc::default(),
        }
    }

    fn try_ring(&self) -> Result<KeyRing, RingError> {
        KeyRing::open(
            Arc::new(self.keys.clone()),
            KeyEncryptionKey::from_bytes(&[5; 32]),
            Arc::new(CountingEntropy::default()),
        )
    }

    fn open(&self) -> Result<(AccessLog, StartReport), StartError> {
        self.open_with(self.try_ring().unwrap())
    }

    fn open_with(&self, ring: KeyRing) -> Result<(AccessLog, StartReport), StartError> {
        let share = |files: &FaultyFiles| -> Arc<dyn Files> { Arc::new(files.clone()) };
        let files = LogFiles {
            log: share(&self.log),
            hashes: share(&self.hashes),
            copy: share(&self.copy),
        };
        self.open_on(files, ring)
    }

    fn open_on(&self, files: LogFiles, ring: KeyRing) -> Result<(AccessLog, StartReport), StartError> {
        let clock = Arc::clone(&self.clock);
        let fatal = Arc::clone(&self.fatal);
        AccessLog::open(
            LogParameters {
                files,
                signer: signer(),
                ring: Arc::new(ring),
                entropy: Arc::new(CountingEntropy::default()),
                clock: Arc::new(move || clock.load(Ordering::Relaxed)),
                witnessed: self.witnessed.clone(),
                on_fatal: Arc::new(move |_| fatal.store(true, Ordering::SeqCst)),
            },
            self.settings,
        )
    }

    fn log(&self) -> AccessLog {
        self.open().unwrap().0
    }
}

fn signer() -> LogSigner {
    LogSigner::from_seed(Origin::new("registro.example.it/accessi/1").unwrap(), &[7; 32]).unwrap()
}

fn wait<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap()
        .block_on(future)
}

const POLICE: &str = "spiffe://ponte.example/agency/polizia-locale";
const BANK: &str = "spiffe://ponte.example/agency/banca";

/// An access of an agency to one person in each of these municipalities.
fn access(peer: &str, municipalities: &[&str], reserved: bool) -> EntryDraft {
    let decision = DecisionPart {
        outcome: "granted".to_owned(),
        reserved,
        ..DecisionPart::default()
    };
    access_with(peer, municipalities, &decision)
}

/// The same with this decision.
fn access_with(peer: &str, municipalities: &[&str], decision: &DecisionPart) -> EntryDraft {
    let operator = OperatorPart {
        operator: "m.rossi".to_owned(),
        assurance: "substantial".to_owned(),
        case_reference: Some("prot. 12/2026".to_owned()),
        ..OperatorPart::default()
    };
    let criteria = CriteriaPart {
        criteria: vec![("tax-code".to_owned(), "RSSMRA80A01E289X".to_owned())],
    };
    let mut draft = EntryDraft::new(EntryKind::Access, Retention::months(24).unwrap());
    draft.header.peer = Some(peer.to_owned());
    draft.header.request_id = Some(RequestId([9; 16]));
    draft = draft
        .with(PartKind::Operator, &operator)
        .and_then(|draft| draft.with(PartKind::Criteria, &criteria))
        .and_then(|draft| draft.with(PartKind::Decision, decision))
        .unwrap();
    for municipality in municipalities {
        let subjects = SubjectsPart {
            subjects: vec![Subject {
                pseudonym: Token::from_bytes([3; 16]),
                role: SubjectRole::Shown,
                fields: vec!["surname".to_owned()],
            }],
            count: 1,
        };
        let kind = PartKind::Subjects(MunicipalityId::new(*municipality).unwrap());
        draft = draft.with(kind, &subjects).unwrap();
    }
    draft
}

/// Commits one ordinary access.
fn enter(log: &AccessLog) -> Result<Committed, LogFailure> {
    let slot = log.reserve().map_err(|_| LogFailure::Unavailable)?;
    let sealed = Sealed::new("the answer", access(POLICE, &["E289"], false));
    let (answer, committed) = wait(log.commit(slot, sealed))?;
    assert_eq!(answer, "the answer");
    Ok(committed)
}

/// Every receipt handed out must be good for ever, and its entry in the log.
#[track_caller]
fn check_receipts(log: &AccessLog, receipts: &[Receipt]) {
    let verifier = log.verifier();
    for receipt in receipts {
        let verified = receipt.verify(verifier).unwrap();
        let fresh = log.receipt(verified.index()).unwrap();
        assert_eq!(fresh.header, receipt.header);
        let fresh = fresh.verify(verifier).unwrap();
        let (old, new) = (verified.checkpoint(), fresh.checkpoint());
        let proof = log.consistency_proof(old.size, new.size).unwrap();
        ledger::tree::verify_consistency(old.size, &old.root, new.size, &new.root, &proof).unwrap();
    }
}
