//! Known answers for every format of version 1. The files in `vectors/` are also what a later version of
//! the crate must still read, so they only ever grow; `LEDGER_VECTORS=write cargo test -p ledger` writes
//! them anew after an addition.

#![expect(clippy::unwrap_used, reason = "the helpers of a test fail by panicking")]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;

use ledger::checkpoint::{
    Checkpoint, CosignatureVerifier, Cosigner, LogSigner, LogVerifier, SignedCheckpoint, WitnessedAt,
};
use ledger::frame::{FrameBuilder, FrameView, Parsed, SealedPart};
use ledger::hash::{Hash, leaf_hash};
use ledger::header::{EntryKind, Header, HeaderBody, Outcome, RequestId, TraceId};
use ledger::name::{KeyName, Origin};
use ledger::part::{MunicipalityId, PartKind, PartOpening, PartsTree, Salt, commitment, verify_part};
use ledger::policy::{Policy, Standing};
use ledger::receipt::{Receipt, ShortReceipt};
use ledger::sample::Seed;
use ledger::tree::{BatchTree, Frontier, root_of, verify_inclusion};
use ledger::witness::WitnessMemory;

/// A file of `key = value` lines; values are hexadecimal, or text with `\n` for line feeds.
#[derive(Default)]
struct Vectors(String);

impl Vectors {
    fn comment(&mut self, text: &str) {
        writeln!(self.0, "# {text}").unwrap();
    }

    fn bytes(&mut self, key: &str, value: impl AsRef<[u8]>) {
        let hex: String = value.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
        writeln!(self.0, "{key} = {hex}").unwrap();
    }

    fn text(&mut self, key: &str, value: &str) {
        writeln!(self.0, "{key} = {}", value.replace('\n', "\\n")).unwrap();
    }

    /// Compares with the stored file and returns that file's values.
    #[track_caller]
    fn check(self, file: &str) -> Stored {
        let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
            .join("vectors")
            .join(file);
        if std::env::var_os("LEDGER_VECTORS").is_some_and(|mode| mode == "write") {
            std::fs::write(&path, &self.0).unwrap();
        }
        let stored = std::fs::read_to_string(&path).unwrap();
        assert_eq!(self.0, stored, "{file} differs");
        let lines = stored.lines().filter(|line| !line.starts_with('#'));
        Stored(
            lines
                .map(|line| line.split_once(" = ").unwrap())
                .map(|(k, v)| (k.into(), v.into()))
                .collect(),
        )
    }
}

struct Stored(BTreeMap<String, String>);

impl Stored {
    #[track_caller]
    fn text(&self, key: &str) -> String {
        self.0[key].replace("\\n", "\n")
    }

    #[track_caller]
    fn bytes(&self, key: &str) -> Vec<u8> {
        let hex = &self.0[key];
        (0..hex.len())
            .step_by(2)
            .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap())
            .collect()
    }

    #[track_caller]
    fn hash(&self, key: &str) -> Hash {
        self.0[key].parse().unwrap()
    }
}

fn origin() -> Origin {
    Origin::new("registro.example.it/accessi/1").unwrap()
}

fn signer() -> LogSigner {
    LogSigner::from_seed(origin(), &[7; 32]).unwrap()
}

fn witness() -> Cosigner {
    Cosigner::from_seed(KeyName::new("nodo.example.it/imola").unwrap(), &[9; 32]).unwrap()
}

fn small() -> Header {
    let mut body = HeaderBody::new(EntryKind::Refusal, Hash::new([0x55; 32]));
    body.outcome = Outcome {
        code: 12,
        reason: "metodo sconosciuto".to_owned(),
    };
    Header {
        origin: origin(),
        time_ms: 1_790_000_000_000,
        body,
    }
}

fn full() -> Header {
    let body = HeaderBody {
        kind: EntryKind::Access,
        peer: Some("spiffe://ponte.example.it/agency/polizia-locale".to_owned()),
        certificate: Some(Hash::new([0x11; 32])),
        address: Some("192.0.2.17".to_owned()),
        agreement: Some("CONV-2026-014".to_owned()),
        agreement_version: Some(Hash::new([0x22; 32])),
        purpose: Some("polizia-amministrativa".to_owned()),
        service: Some("ponte.consultation.v1.ConsultationService/LookupPerson".to_owned()),
        request_id: Some(RequestId([0x33; 16])),
        trace_id: Some(TraceId([0x44; 16])),
        outcome: Outcome {
            code: 0,
            reason: String::new(),
        },
        granted_fields: vec!["birth".to_owned(), "names".to_owned(), "residence".to_owned()],
        repeat_of: Some(41),
        parts_root: Hash::new([0x55; 32]),
    };
    Header {
        origin: origin(),
        time_ms: 1_790_000_000_123,
        body,
    }
}

#[test]
fn headers() {
    let mut vectors = Vectors::default();
    vectors.comment("header, version 1; `leaf` is its leaf hash");
    vectors.comment("small: kind 2, origin registro.example.it/accessi/1, time 1790000000000, outcome 12");
    vectors.comment("\"metodo sconosciuto\", no granted fields, parts root 32 x 55");
    vectors.bytes("small.header", small().encode().unwrap());
    vectors.bytes("small.leaf", small().encode().unwrap().leaf_hash());
    vectors.comment("full: every field present, outcome 0 with an empty reason, repeat of 41");
    vectors.bytes("full.header", full().encode().unwrap());
    vectors.bytes("full.leaf", full().encode().unwrap().leaf_hash());
    let stored = vectors.check("header.txt");

    for (name, header) in [("small", small()), ("full", full())] {
        let bytes = stored.bytes(&format!("{name}.header"));
        assert_eq!(Header::decode(&bytes), Ok(header));
        assert_eq!(leaf_hash(&bytes), stored.hash(&format!("{name}.leaf")));
    }
}

#[test]
fn parts() {
    let kinds = [
        PartKind::Operator,
        PartKind::Criteria,
        PartKind::Decision,
        PartKind::Subjects(MunicipalityId::new("037032").unwrap()),
        PartKind::AgreementBytes,
        PartKind::AdministrativeDetail,
        PartKind::PreviousCheckpoint,
    ];
    let salt = |number: usize| Salt::new([0xa0 + number as u8; 32]);
    let content = |number: usize| format!("content {number}").into_bytes();
    let commitments: Vec<Hash> = kinds
        .iter()
        .enumerate()
        .map(|(n, kind)| commitment(kind, &salt(n), &content(n)))
        .collect();
    let random: Vec<u8> = (0..PartsTree::random_len(7).unwrap())
        .map(|at| (at * 37 % 251) as u8)
        .collect();
    let tree = PartsTree::build(&commitments, &random).unwrap();

    let mut vectors = Vectors::default();
    vectors.comment("one part of each kind in one tree; `random` gives positions and the eighth leaf");
    vectors.bytes("random", &random);
    vectors.bytes("root", tree.root());
    for (number, kind) in kinds.iter().enumerate() {
        let (salt, content, proof) = (salt(number), content(number), tree.proof(number).unwrap());
        vectors.bytes(&format!("{number}.kind"), kind.encode());
        vectors.bytes(&format!("{number}.salt"), salt.as_bytes());
        vectors.bytes(&format!("{number}.content"), &content);
        vectors.bytes(&format!("{number}.commitment"), commitments[number]);
        vectors.text(&format!("{number}.position"), &proof.index.to_string());
        let opening = PartOpening {
            kind: kind.clone(),
            salt,
            proof,
            content,
        };
        vectors.bytes(&format!("{number}.opening"), opening.encode().unwrap());
    }
    let stored = vectors.check("part.txt");

    for number in 0..kinds.len() {
        let opening = PartOpening::decode(&stored.bytes(&format!("{number}.opening"))).unwrap();
        let (kind, rest) = PartKind::decode(&stored.bytes(&format!("{number}.kind")))
            .map(|(k, r)| (k, r.len()))
            .unwrap();
        assert_eq!((&opening.kind, rest), (&kind, 0));
        assert_eq!(
            opening.proof.index.to_string(),
            stored.text(&format!("{number}.position"))
        );
        let salt = Salt::new(stored.bytes(&format!("{number}.salt")).try_into().unwrap());
        let content = stored.bytes(&format!("{number}.content"));
        assert_eq!(
            commitment(&kind, &salt, &content),
            stored.hash(&format!("{number}.commitment"))
        );
        assert_eq!(
            verify_part(&kind, &salt, &content, &opening.proof, &stored.hash("root")),
            Ok(())
        );
    }
}

#[test]
fn checkpoints() {
    let mut signed = signer().sign(20_852_163, leaf_hash(b"root"));
    let cosignature = witness().cosign(signed.checkpoint(), WitnessedAt(1_790_000_001));
    signed.add_signature(cosignature);

    let mut vectors = Vectors::default();
    vectors.comment("Ed25519 seeds: log 32 x 07, witness 32 x 09");
    vectors.text("log", &signer().verifier().to_string());
    vectors.text("witness", &witness().verifier().to_string());
    vectors.text("checkpoint", &signed.to_text());
    let stored = vectors.check("checkpoint.txt");

    let read = SignedCheckpoint::parse(&stored.text("checkpoint")).unwrap();
    let log = LogVerifier::parse(&stored.text("log")).unwrap();
    assert_eq!(log.verify(&read).unwrap().checkpoint().size, 20_852_163);
    let witness = CosignatureVerifier::parse(&stored.text("witness")).unwrap();
    assert_eq!(witness.verify(&read), Ok(WitnessedAt(1_790_000_001)));
}

#[test]
fn witness_records() {
    let signed = signer().sign(20_852_163, leaf_hash(b"root"));
    let accepted = WitnessMemory::default().accept(signed, &[], &signer().verifier());
    let mut record = Vec::new();
    let kept = accepted.unwrap().keep(|bytes| {
        record.extend_from_slice(bytes);
        Ok::<(), ()>(())
    });
    let (memory, _) = kept.unwrap();
    let mut vectors = Vectors::default();
    vectors.comment("what a witness remembers, version 1");
    vectors.text("log", &signer().verifier().to_string());
    vectors.text("record", std::str::from_utf8(&record).unwrap());
    let stored = vectors.check("witness.txt");

    let log = LogVerifier::parse(&stored.text("log")).unwrap();
    let read = WitnessMemory::decode(stored.text("record").as_bytes(), &log);
    assert_eq!(read, Ok(memory));
}

#[test]
fn receipts() {
    let headers = [small().encode().unwrap(), full().encode().unwrap()];
    let mut frontier = Frontier::default();
    for number in 0..5_u8 {
        frontier.push(leaf_hash(&[number])).unwrap();
    }
    let tree = BatchTree::new(&frontier, &headers.each_ref().map(|header| header.leaf_hash())).unwrap();
    let receipt = Receipt {
        header: headers[1].as_bytes().to_vec(),
        index: 6,
        path: tree.path(6).unwrap().collect(),
        checkpoint: signer().sign(tree.size(), tree.root()).to_text(),
    };

    let mut vectors = Vectors::default();
    vectors.comment("leaves 0 to 4 are of one byte each, 00 to 04; 5 and 6 the headers of header.txt");
    vectors.text("log", &signer().verifier().to_string());
    vectors.bytes("root", tree.root());
    vectors.bytes("full", receipt.encode().unwrap());
    vectors.text("proof", &receipt.to_proof_text());
    vectors.bytes(
        "short",
        ShortReceipt::new(&origin(), 6, headers[1].leaf_hash()).encode(),
    );
    let mut cosigned = SignedCheckpoint::parse(&receipt.checkpoint).unwrap();
    let cosignature = witness().cosign(cosigned.checkpoint(), WitnessedAt(1_790_000_001));
    cosigned.add_signature(cosignature);
    let witnessed = Receipt {
        checkpoint: cosigned.to_text(),
        ..receipt
    };
    vectors.comment("the same receipt under its checkpoint cosigned by the witness of checkpoint.txt");
    vectors.bytes("witnessed.full", witnessed.encode().unwrap());
    vectors.text("witnessed.proof", &witnessed.to_proof_text());
    vectors.comment("a policy that demands this witness");
    let (log, testimony) = (signer().verifier(), witness().verifier());
    let policy = format!("# ponte.policy/1\nlog {log}\nwitness imola {testimony}\nquorum imola\n");
    vectors.text("policy", &policy);
    let stored = vectors.check("receipt.txt");

    let policy = Policy::parse(&stored.text("policy")).unwrap();
    let read = Receipt::decode(&stored.bytes("witnessed.full")).unwrap();
    assert_eq!(
        Receipt::from_proof_text(&stored.text("witnessed.proof")).as_ref(),
        Ok(&read)
    );
    let (_, judged) = read.verify_under(&policy).unwrap();
    assert_eq!(judged.standing(), Standing::Witnessed);
    assert_eq!(
        judged.cosigned(),
        [("imola".to_owned(), WitnessedAt(1_790_000_001))]
    );

    let log = LogVerifier::parse(&stored.text("log")).unwrap();
    let read = Receipt::decode(&stored.bytes("full")).unwrap();
    assert_eq!(
        Receipt::from_proof_text(&stored.text("proof")).as_ref(),
        Ok(&read)
    );
    let verified = read.verify(&log).unwrap();
    assert_eq!(verified.checkpoint().root, stored.hash("root"));
    assert_eq!((verified.index(), verified.header()), (6, &full()));
    assert!(
        ShortReceipt::decode(&stored.bytes("short"))
            .unwrap()
            .is_proved_by(&verified)
    );
}

#[test]
fn frames() {
    let checkpoint = signer().sign(40, leaf_hash(b"root")).to_text();
    let mut builder = FrameBuilder::new(40, checkpoint.as_bytes()).unwrap();
    let parts = [
        SealedPart {
            key_id: [1; 16],
            position: 6,
            ciphertext: b"sealed operator",
        },
        SealedPart {
            key_id: [2; 16],
            position: 0,
            ciphertext: b"sealed criteria",
        },
    ];
    builder
        .push(full().encode().unwrap().as_bytes(), parts.into_iter())
        .unwrap();
    builder
        .push(small().encode().unwrap().as_bytes(), [].into_iter())
        .unwrap();

    let mut vectors = Vectors::default();
    vectors.comment("two entries from 40 on: full with two sealed parts, small with none");
    vectors.bytes("entries", builder.finish());
    vectors.comment("no entries, only a checkpoint");
    vectors.bytes(
        "checkpoint-only",
        FrameBuilder::new(42, checkpoint.as_bytes()).unwrap().finish(),
    );
    let stored = vectors.check("frame.txt");

    let bytes = stored.bytes("entries");
    let Ok(Parsed::Frame(view)) = FrameView::parse(&bytes, 0) else {
        panic!("no frame")
    };
    assert_eq!(
        (view.first_index(), view.next_index(), view.len()),
        (40, 42, bytes.len())
    );
    assert_eq!(view.previous_checkpoint(), checkpoint.as_bytes());
    let entries: Vec<_> = view.entries().collect();
    assert_eq!(Header::decode(entries[0].header), Ok(full()));
    assert_eq!(entries[0].parts, parts);
    assert_eq!(Header::decode(entries[1].header), Ok(small()));
    assert_eq!((entries[1].index, entries[1].parts.len()), (41, 0));

    let bytes = stored.bytes("checkpoint-only");
    let Ok(Parsed::Frame(view)) = FrameView::parse(&bytes, 0) else {
        panic!("no frame")
    };
    assert_eq!((view.first_index(), view.entries().len()), (42, 0));
}

#[test]
fn trees() {
    let leaves: Vec<Hash> = (0..7_u8).map(|number| leaf_hash(&[number])).collect();
    let tree = BatchTree::new(&Frontier::default(), &leaves).unwrap();
    let mut vectors = Vectors::default();
    vectors.comment("seven leaves of one byte each, 00 to 06; inclusion paths in the tree of all");
    for size in 0..=7 {
        vectors.bytes(&format!("root.{size}"), root_of(&leaves[..size]).unwrap());
    }
    for index in 0..7 {
        let path: Vec<u8> = tree
            .path(index)
            .unwrap()
            .flat_map(|hash| *hash.as_bytes())
            .collect();
        vectors.bytes(&format!("path.{index}"), path);
    }
    let stored = vectors.check("tree.txt");

    for (index, leaf) in (0..).zip(&leaves) {
        let path = stored.bytes(&format!("path.{index}"));
        let path: Vec<Hash> = path
            .chunks(32)
            .map(|hash| Hash::try_from(hash).unwrap())
            .collect();
        assert_eq!(
            verify_inclusion(leaf, index, 7, &path, &stored.hash("root.7")),
            Ok(())
        );
    }
}

/// Computed with nothing but SHA-256 and Base64, from what the documentation of the drawing says.
#[test]
fn samples() {
    let checkpoint = Checkpoint {
        origin: origin(),
        size: 100,
        root: Hash::new([0x42; 32]),
    };
    let seed = Seed::of(&checkpoint);
    let drawn = |candidates: &[u64], count| {
        let drawn = seed.draw(candidates.iter().copied(), count);
        drawn.iter().map(u64::to_string).collect::<Vec<_>>().join(" ")
    };
    let hundred: Vec<u64> = (0..100).collect();
    let mut vectors = Vectors::default();
    vectors.comment("The seed of a drawing, weights of candidates, and who is drawn (ledger::sample).");
    vectors.text("checkpoint", &checkpoint.to_text());
    vectors.bytes("seed", seed.as_hash());
    vectors.bytes("weight 0", seed.weight(0));
    vectors.bytes("weight 99", seed.weight(99));
    vectors.text("drawn 5 of 0 to 99", &drawn(&hundred, 5));
    vectors.text("drawn 3 of 2, 3, 5, 7, 11, 13", &drawn(&[2, 3, 5, 7, 11, 13], 3));
    vectors.text("drawn 9 of 2, 3", &drawn(&[2, 3], 9));
    let stored = vectors.check("sample.txt");
    assert_eq!(stored.hash("seed"), *seed.as_hash());
}
