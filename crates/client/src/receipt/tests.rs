use ledger::checkpoint::LogSigner;
use ledger::hash::Hash;
use ledger::header::{EntryKind, HeaderBody};
use wire::convert::{full_receipt, short_receipt};

use super::*;

const METHOD: &str = "ponte.consultation.v1.ConsultationService/LookupPerson";
const REQUEST: Uuid = Uuid::from_bytes([5; 16]);

const EXPECTED: Expected<'static> = Expected {
    method: METHOD,
    request_id: Some(REQUEST),
    agreement: Some("conv-1"),
    purpose: Some("indagini"),
};

fn signer(seed: u8) -> LogSigner {
    LogSigner::from_seed(Origin::new("log.ponte.example/1").unwrap(), &[seed; 32]).unwrap()
}

/// The receipt of the only entry of a log.
fn receipt(signer: &LogSigner, edit: impl FnOnce(&mut HeaderBody)) -> Receipt {
    let mut body = HeaderBody::new(EntryKind::Access, Hash::EMPTY_TREE);
    body.service = Some(METHOD.to_owned());
    body.request_id = Some(RequestId(REQUEST.into_bytes()));
    body.agreement = Some("conv-1".to_owned());
    body.purpose = Some("indagini".to_owned());
    edit(&mut body);
    let header = Header {
        origin: signer.origin().clone(),
        time_ms: 1_736_500_000_000,
        body,
    }
    .encode()
    .unwrap();
    let checkpoint = signer.sign(1, header.leaf_hash()).to_text();
    Receipt {
        header: header.into_bytes(),
        index: 0,
        path: Vec::new(),
        checkpoint,
    }
}

fn answered(checker: &ReceiptChecker, receipt: Receipt) -> Result<AccessProof, ClientError> {
    let message = full_receipt(signer(1).origin(), receipt);
    checker.of_answer(Some(message.into()), &EXPECTED)
}

fn checker() -> ReceiptChecker {
    ReceiptChecker::new(ReceiptPolicy::Verify(signer(1).verifier()), None)
}

#[test]
fn a_genuine_receipt_of_this_call_is_proved() {
    let proof = answered(&checker(), receipt(&signer(1), |_| {})).unwrap();
    let AccessProof::Proved(entry) = &proof else {
        panic!("{proof:?}")
    };
    assert_eq!(
        (
            entry.header().body.agreement.as_deref(),
            entry.checkpoint().size,
            proof.index()
        ),
        (Some("conv-1"), 1, 0)
    );
}

#[test]
fn a_genuine_receipt_of_another_call_is_refused() {
    let mismatch = |edit: fn(&mut HeaderBody)| match answered(&checker(), receipt(&signer(1), edit)) {
        Err(ClientError::ReceiptMismatch(what)) => what,
        other => panic!("{other:?}"),
    };
    assert_eq!(
        mismatch(|body| body.request_id = Some(RequestId([6; 16]))),
        "request id"
    );
    assert_eq!(mismatch(|body| body.request_id = None), "request id");
    assert_eq!(
        mismatch(|body| body.service = Some("ponte.consultation.v1.ConsultationService/GetReceipt".into())),
        "service"
    );
    assert_eq!(
        mismatch(|body| body.agreement = Some("conv-2".into())),
        "agreement"
    );
    assert_eq!(mismatch(|body| body.purpose = Some("altro".into())), "purpose");
    assert_eq!(mismatch(|body| body.outcome.code = 5), "outcome");
}

#[test]
fn a_receipt_of_another_key_or_an_altered_one_proves_nothing() {
    let refused = |receipt| matches!(answered(&checker(), receipt), Err(ClientError::Evidence(_)));
    assert!(refused(receipt(&signer(2), |_| {})));
    let genuine = receipt(&signer(1), |_| {});
    let altered = receipt(&signer(1), |body| body.outcome.reason = "OTHER".into());
    assert!(refused(Receipt {
        header: altered.header,
        ..genuine.clone()
    }));
    assert!(refused(Receipt {
        index: 1,
        ..genuine.clone()
    }));
    assert!(refused(Receipt {
        path: vec![Hash::EMPTY_TREE],
        ..genuine
    }));
}

#[test]
fn a_missing_receipt_is_no_answer() {
    let error = checker().of_answer(None, &EXPECTED).unwrap_err();
    assert_eq!(error.to_string(), "the answer is malformed: receipt: must be set");
}

#[test]
fn each_checkpoint_is_verified_once_and_a_wrong_one_every_time() {
    let checker = checker();
    let remembered = |checker: &ReceiptChecker| checker.verified.lock().unwrap().len();
    for _ in 0..3 {
        answered(&checker, receipt(&signer(1), |_| {})).unwrap();
        assert_eq!(remembered(&checker), 1);
    }
    assert!(answered(&checker, receipt(&signer(2), |_| {})).is_err());
    assert_eq!(remembered(&checker), 1);
    // A remembered checkpoint lends no credit to another entry.
    let genuine = receipt(&signer(1), |_| {});
    let forged = receipt(&signer(1), |body| body.repeat_of = Some(3));
    assert!(
        answered(
            &checker,
            Receipt {
                header: forged.header,
                ..genuine
            }
        )
        .is_err()
    );
}

#[test]
fn what_is_remembered_is_bounded() {
    let checker = checker();
    for size in 1..=600 {
        let text = signer(1).sign(size, Hash::EMPTY_TREE).to_text();
        assert_eq!(checker.checkpoint(&text).unwrap().size, size);
    }
    assert!(checker.verified.lock().unwrap().len() <= REMEMBERED);
}

#[test]
fn a_receipt_that_is_kept_is_still_bound_to_the_call() {
    let checker = ReceiptChecker::new(ReceiptPolicy::Keep, None);
    assert!(matches!(
        answered(&checker, receipt(&signer(2), |_| {})),
        Ok(AccessProof::Kept(_))
    ));
    let other = receipt(&signer(2), |body| body.agreement = None);
    assert!(matches!(
        answered(&checker, other),
        Err(ClientError::ReceiptMismatch("agreement"))
    ));
}

#[test]
fn a_short_receipt_is_a_claim_about_the_trusted_log_that_the_full_one_makes_good() {
    let full = receipt(&signer(1), |_| {});
    let short = ShortReceipt::new(signer(1).origin(), 0, leaf_hash(&full.header));
    let message = short_receipt(signer(1).origin(), &short);
    let proof = checker().of_answer(Some(message.into()), &EXPECTED).unwrap();
    let AccessProof::Claimed(claim) = proof else {
        panic!("{proof:?}")
    };
    assert_eq!(
        claim,
        ShortClaim {
            origin: signer(1).origin().clone(),
            receipt: short
        }
    );
    let AccessProof::Proved(entry) = checker().full(full, None).unwrap() else {
        panic!("not proved")
    };
    assert!(entry.makes_good(&short));
    assert!(!entry.makes_good(&ShortReceipt::new(signer(1).origin(), 1, short.leaf_hash())));

    let elsewhere = Origin::new("log.elsewhere.example/1").unwrap();
    let message = short_receipt(&elsewhere, &ShortReceipt::new(&elsewhere, 0, short.leaf_hash()));
    let error = checker().of_answer(Some(message.into()), &EXPECTED).unwrap_err();
    assert!(matches!(error, ClientError::Evidence(EvidenceFault::OtherLog)));
}
