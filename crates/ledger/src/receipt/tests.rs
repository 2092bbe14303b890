use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::checkpoint::{Cosigner, LogSigner, WitnessedAt};
use crate::header::{EntryKind, HeaderBody};
use crate::name::{KeyName, Origin};
use crate::tree::{BatchTree, Frontier};

fn origin() -> Origin {
    Origin::new("registro.example.it/accessi/1").unwrap()
}

fn signer() -> LogSigner {
    LogSigner::from_seed(origin(), &[7; 32]).unwrap()
}

fn header(number: u64, origin: &Origin) -> Vec<u8> {
    let mut body = HeaderBody::new(EntryKind::Access, Hash::new([number as u8; 32]));
    body.repeat_of = Some(number);
    body.draft()
        .unwrap()
        .seal(origin, 1_790_000_000_000 + number)
        .into_bytes()
}

/// The receipts of the last `batch` entries of a log that had `before`.
fn receipts(before: u64, batch: u64) -> Vec<Receipt> {
    let mut frontier = Frontier::default();
    for number in 0..before {
        frontier.push(leaf_hash(&header(number, &origin()))).unwrap();
    }
    let headers: Vec<_> = (before..before + batch)
        .map(|number| header(number, &origin()))
        .collect();
    let leaves: Vec<_> = headers.iter().map(|header| leaf_hash(header)).collect();
    let tree = BatchTree::new(&frontier, &leaves).unwrap();
    let checkpoint = signer().sign(tree.size(), tree.root()).to_text();
    (before..)
        .zip(headers)
        .map(|(index, header)| Receipt {
            header,
            index,
            path: tree.path(index).unwrap().collect(),
            checkpoint: checkpoint.clone(),
        })
        .collect()
}

#[test]
fn every_receipt_of_a_batch_verifies_offline() {
    for receipt in receipts(37, 20) {
        let read = Receipt::decode(&receipt.encode().unwrap()).unwrap();
        assert_eq!(read, receipt);
        let verified = read.verify(&signer().verifier()).unwrap();
        assert_eq!(verified.index(), receipt.index);
        assert_eq!(verified.header().body.repeat_of, Some(receipt.index));
        assert_eq!(verified.checkpoint().size, 57);
        assert_eq!(verified.leaf_hash(), leaf_hash(&receipt.header));
        assert_eq!(Receipt::from_proof_text(&receipt.to_proof_text()), Ok(receipt));
    }
}

#[test]
fn a_receipt_that_does_not_hold_together_is_refused() {
    let good = receipts(5, 4).remove(1);
    let verify = |receipt: Receipt| receipt.verify(&signer().verifier()).err();
    let root = Some(ReceiptError::Inclusion(VerifyError::Root));
    assert_eq!(
        verify(Receipt {
            header: header(5, &origin()),
            ..good.clone()
        }),
        root
    );
    assert_eq!(
        verify(Receipt {
            index: 7,
            ..good.clone()
        }),
        root
    );
    assert_eq!(
        verify(Receipt {
            index: 9,
            ..good.clone()
        }),
        Some(ReceiptError::Inclusion(VerifyError::Index))
    );
    assert_eq!(
        verify(Receipt {
            path: Vec::new(),
            ..good.clone()
        }),
        Some(ReceiptError::Inclusion(VerifyError::Length))
    );
    let other_key = LogSigner::from_seed(origin(), &[8; 32])
        .unwrap()
        .sign(9, Hash::EMPTY_TREE)
        .to_text();
    assert_eq!(
        verify(Receipt {
            checkpoint: other_key,
            ..good
        }),
        Some(ReceiptError::Checkpoint(CheckpointError::NotSigned))
    );

    // A log that holds another log's entry, or bytes that are no header, proves nothing by it.
    let alone = |header: Vec<u8>| {
        let checkpoint = signer().sign(1, leaf_hash(&header)).to_text();
        verify(Receipt {
            header,
            index: 0,
            path: Vec::new(),
            checkpoint,
        })
    };
    let foreign = header(0, &Origin::new("other.example").unwrap());
    assert_eq!(alone(foreign), Some(ReceiptError::OtherLog));
    assert!(matches!(
        alone(b"nothing".to_vec()),
        Some(ReceiptError::Header(_))
    ));
    assert_eq!(alone(header(0, &origin())), None);
}

fn witness() -> Cosigner {
    Cosigner::from_seed(KeyName::new("witness.example.org").unwrap(), &[9; 32]).unwrap()
}

fn policy() -> Policy {
    let (log, witness) = (signer().verifier(), witness().verifier());
    Policy::parse(&format!("log {log}\nwitness w {witness}\nquorum w\n")).unwrap()
}

/// The checkpoint of a receipt, cosigned.
fn cosigned(receipt: &Receipt) -> SignedCheckpoint {
    let mut signed = SignedCheckpoint::parse(&receipt.checkpoint).unwrap();
    let line = witness().cosign(signed.checkpoint(), WitnessedAt(1_790_000_000));
    signed.add_signature(line);
    signed
}

#[test]
fn a_receipt_becomes_a_witnessed_one_of_the_same_entry() {
    // Entry 6 of a log of 7 entries, and of the same log of 8: its sibling is entry 7.
    let old = receipts(0, 7).remove(6);
    let grown = receipts(0, 8);
    let new = &grown[6];
    let proof = [
        leaf_hash(&old.header),
        leaf_hash(&grown[7].header),
        new.path[1],
        new.path[2],
    ];
    let upgraded = old
        .upgraded(&policy(), &cosigned(new), new.path.clone(), &proof)
        .unwrap();
    assert_eq!((upgraded.index, &upgraded.header), (6, &old.header));
    let (verified, judged) = upgraded.verify_under(&policy()).unwrap();
    assert_eq!(
        (verified.checkpoint().size, judged.standing()),
        (8, Standing::Witnessed)
    );
    assert_eq!(judged.cosigned(), [("w".to_owned(), WitnessedAt(1_790_000_000))]);
    let (_, before) = old.verify_under(&policy()).unwrap();
    assert_eq!(before.standing(), Standing::Signed);
    assert_eq!(
        Receipt::from_proof_text(&upgraded.to_proof_text()).as_ref(),
        Ok(&upgraded)
    );

    // Its own checkpoint, once cosigned, needs no proof.
    let same = old
        .upgraded(&policy(), &cosigned(&old), old.path.clone(), &[])
        .unwrap();
    assert_eq!(
        same.verify_under(&policy()).unwrap().1.standing(),
        Standing::Witnessed
    );

    let refused = |checkpoint: &SignedCheckpoint, path: &[Hash], proof: &[Hash]| {
        old.upgraded(&policy(), checkpoint, path.to_vec(), proof).err()
    };
    let signed_alone = SignedCheckpoint::parse(&new.checkpoint).unwrap();
    assert_eq!(
        refused(&signed_alone, &new.path, &proof),
        Some(ReceiptError::NotWitnessed)
    );
    let root = Some(ReceiptError::Inclusion(VerifyError::Length));
    assert_eq!(refused(&cosigned(new), &new.path[..2], &proof), root);
}

#[test]
fn a_witnessed_checkpoint_of_another_history_upgrades_nothing() {
    let old = receipts(0, 7).remove(6);
    // The same entries in another order: one history more than a log may have.
    let leaves: Vec<_> = (0..8)
        .rev()
        .map(|number| leaf_hash(&header(number, &origin())))
        .collect();
    let tree = BatchTree::new(&Frontier::default(), &leaves).unwrap();
    let forked = Receipt {
        path: tree.path(1).unwrap().collect(),
        index: 1,
        checkpoint: signer().sign(8, tree.root()).to_text(),
        ..old.clone()
    };
    assert!(forked.verify(&signer().verifier()).is_ok());
    let grown = receipts(0, 8);
    let proof = [
        leaf_hash(&old.header),
        leaf_hash(&grown[7].header),
        grown[6].path[1],
        grown[6].path[2],
    ];
    let error = old
        .upgraded(&policy(), &cosigned(&forked), forked.path.clone(), &proof)
        .err();
    assert!(matches!(error, Some(ReceiptError::Continuation(_))), "{error:?}");
}

#[test]
fn malformed_receipts_are_refused() {
    let good = receipts(0, 4).remove(0);
    let encoded = good.encode().unwrap();
    let mut other_version = encoded;
    other_version[5] = 2;
    assert_eq!(Receipt::decode(&other_version), Err(ReceiptError::Version(2)));
    let long = Receipt {
        path: vec![Hash::EMPTY_TREE; 64],
        ..good.clone()
    };
    assert_eq!(long.encode(), Err(ReceiptError::Path));
    for (text, expected) in [
        (String::new(), ProofTextError::Checkpoint),
        (good.to_proof_text().replace("@v1", "@v2"), ProofTextError::Mark),
        (
            good.to_proof_text().replace("extra ", "extra"),
            ProofTextError::Extra,
        ),
        (
            good.to_proof_text().replace("index 0", "index 00"),
            ProofTextError::Index,
        ),
        (
            good.to_proof_text().replace("index 0\n", "index 0\nAAAA\n"),
            ProofTextError::Hash,
        ),
    ] {
        assert_eq!(Receipt::from_proof_text(&text), Err(expected), "{text}");
    }
}

#[test]
fn a_short_receipt_is_made_good_by_the_full_one_of_the_same_entry_only() {
    let receipts = receipts(5, 3);
    let short = ShortReceipt::new(&origin(), 6, leaf_hash(&receipts[1].header));
    let encoded = short.encode();
    assert_eq!(encoded.len(), 72);
    assert_eq!(ShortReceipt::decode(&encoded), Ok(short));
    let proves: Vec<bool> = receipts
        .iter()
        .map(|receipt| short.is_proved_by(&receipt.verify(&signer().verifier()).unwrap()))
        .collect();
    assert_eq!(proves, [false, true, false]);

    let verified = receipts[1].verify(&signer().verifier()).unwrap();
    let elsewhere = ShortReceipt::new(&Origin::new("other.example").unwrap(), 6, short.leaf_hash());
    assert!(!elsewhere.is_proved_by(&verified));
    assert!(!ShortReceipt::new(&origin(), 5, short.leaf_hash()).is_proved_by(&verified));

    assert_eq!(
        ShortReceipt::decode(&encoded[..71]),
        Err(ShortReceiptError::Length(71))
    );
    assert_eq!(ShortReceipt::decode(&[0; 72]), Err(ShortReceiptError::Magic));
}

proptest! {
    #[test]
    fn a_receipt_with_any_bit_changed_proves_nothing_new(
        at in any::<prop::sample::Index>(), bit in 0..8_u8,
    ) {
        let good = receipts(5, 4).remove(1);
        let mut encoded = good.encode().unwrap();
        let at = at.index(encoded.len());
        encoded[at] ^= 1 << bit;
        if let Ok(changed) = Receipt::decode(&encoded) {
            prop_assert_eq!(changed.encode().unwrap(), encoded);
            prop_assert!(changed.verify(&signer().verifier()).is_err());
        }
    }

    #[test]
    fn hostile_receipts_do_not_panic(bytes in vec(any::<u8>(), 0..200), text in "\\PC{0,200}") {
        prop_assert!(Receipt::decode(&bytes).is_err());
        prop_assert!(Receipt::from_proof_text(&text).is_err());
        prop_assert!(bytes.len() == 72 || ShortReceipt::decode(&bytes).is_err());
    }
}
