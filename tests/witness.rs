//! Witnesses of the access log: nodes of municipalities and somebody outside cosign it, receipts become witnessed ones,
//! a log that shows two histories is noticed, and without witnesses nobody is answered for ever.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use agreement::peer::Role;
use agreement::reason::Reason;
use client::agency::AgencyClient;
use client::error::{ClientError, EvidenceFault};
use client::receipt::ReceiptForm;
use client::witness::WitnessClient;
use ledger::checkpoint::{Checkpoint, WitnessedAt};
use ledger::hash::Hash;
use ledger::policy::{Policy, Standing};
use ledger::receipt::{Receipt, ReceiptError};
use store::cosignatures::ROUND;
use support::agreements::POLICE;
use support::calls::{ground, lookup};
use support::commands::{Ended, calling, ponte};
use support::people::{DOZZA, IMOLA, everybody, mario};
use support::region::{Region, copy, log_verifier};
use support::witnesses::{
    DOZZAS, IMOLAS, LIMITS, OUTSIDE, cosign_outside, cosigner, let_witness, look, policy, witnesses,
};
use transport::clock::Clock;

const HOUR: Duration = Duration::from_hours(1);

/// What the index says of itself after a start, whatever waits.
const AFTER_START: Duration = Duration::from_mins(10);

/// A call of the police that reads nobody's card, and its receipt.
async fn described(region: &Region) -> Receipt {
    let police = region.agency(POLICE);
    let context = ground(POLICE, "investigation", police.new_request_id());
    let answer = police
        .describe_access(&context, None, ReceiptForm::Full)
        .await
        .expect("an answer");
    answer.receipt.receipt().expect("the full receipt").clone()
}

async fn looked_up(police: &AgencyClient) -> Result<Receipt, ClientError> {
    let context = ground(POLICE, "investigation", police.new_request_id());
    let answer = police.lookup_person(lookup(context, mario().tax_code())).await?;
    Ok(answer.receipt.receipt().expect("the full receipt").clone())
}

fn reason<T: std::fmt::Debug>(outcome: Result<T, ClientError>) -> Reason {
    match outcome {
        Err(ClientError::Refused(refusal)) => refusal.reason.expect("a known reason"),
        other => panic!("refused is expected, not {other:?}"),
    }
}

fn standing(receipt: &Receipt, policy: &str) -> Standing {
    let policy = Policy::parse(policy).expect("a policy");
    let (_, judged) = receipt.verify_under(&policy).expect("the receipt is valid");
    judged.standing()
}

/// Verifies a receipt's file offline; `trust` is a flag and its value.
async fn verify(region: &Region, file: &Path, trust: [&str; 2]) -> Ended {
    let file = file.display().to_string();
    let [flag, value] = trust;
    ponte(region, &["audit", "receipt", "verify", &file, flag, value]).await
}

async fn upgrade(region: &Region, file: &Path, policy: &Path) -> Ended {
    let [file, policy] = [file, policy].map(|path| path.display().to_string());
    let command = ["audit", "receipt", "upgrade", &file, "--policy", &policy];
    calling(region, region.address(), POLICE, &command).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receipt_becomes_witnessed_when_nodes_and_somebody_outside_have_cosigned() {
    let mut region = Region::configured(&witnesses(&[IMOLAS, DOZZAS, OUTSIDE], 2)).await;
    region.activate(POLICE).await;
    region.publish(IMOLA, &everybody()).await;
    let_witness(&mut region, IMOLA, IMOLAS).await;
    let_witness(&mut region, DOZZA, DOZZAS).await;
    let police = region.agency(POLICE);
    let receipt = looked_up(&police).await.expect("an answer");
    let trusted = Policy::parse(&policy()).expect("a policy");
    assert_eq!(trusted.lint(), []);
    assert_eq!(standing(&receipt, &policy()), Standing::Signed);

    // The round that the nodes begin is of before or after the entry; the next one is after it in any case.
    let witness = WitnessClient::new(region.connection(Role::Agency, POLICE.agency));
    for istat in [IMOLA, DOZZA] {
        assert_eq!(look(&mut region, istat).await.error, None);
    }
    let next = looked_up(&police).await.expect("an answer");
    assert_eq!(
        reason(witness.upgraded(&next, &trusted).await),
        Reason::NotWitnessedYet
    );
    region.clock.advance(ROUND);
    for istat in [IMOLA, DOZZA] {
        let status = look(&mut region, istat).await;
        assert_eq!((status.error, status.conflict), (None, false));
        assert!(next.index < status.cosigned);
    }
    // The index's own quorum is there; that of the policy wants somebody outside as well.
    let refused = witness.upgraded(&next, &trusted).await;
    assert!(
        matches!(
            refused,
            Err(ClientError::Evidence(EvidenceFault::Receipt(
                ReceiptError::NotWitnessed
            )))
        ),
        "{refused:?}"
    );
    let file = region.directory().join("receipt");
    let proof = region.directory().join("receipt.tlog-proof");
    let trust = region.directory().join("policy.txt");
    fs::write(&file, receipt.encode().expect("encoded")).expect("written");
    fs::write(&proof, receipt.to_proof_text()).expect("written");
    fs::write(&trust, policy()).expect("written");
    let early = upgrade(&region, &file, &trust).await;
    assert_eq!(early.exit, 5, "{}", early.err);
    assert_eq!(
        fs::read(&file).expect("readable"),
        receipt.encode().expect("encoded")
    );

    assert!(next.index < cosign_outside(&region).await);
    let upgraded = witness.upgraded(&next, &trusted).await.expect("it is witnessed");
    assert_eq!(upgraded.header, next.header);
    assert_eq!(standing(&upgraded, &policy()), Standing::Witnessed);

    // The same with the command, for both forms of a receipt.
    let by_policy = trust.display().to_string();
    let by_key = log_verifier().to_string();
    for file in [&file, &proof] {
        let before = verify(&region, file, ["--policy", &by_policy]).await;
        assert!(
            before.out.contains("\"standing\": \"signed\"") && before.exit == 0,
            "{}",
            before.out
        );
        let done = upgrade(&region, file, &trust).await;
        assert_eq!(done.exit, 0, "{}", done.err);
        let after = verify(&region, file, ["--policy", &by_policy]).await;
        assert!(
            after.out.contains("\"standing\": \"witnessed\"") && after.exit == 0,
            "{}",
            after.out
        );
        assert!(after.out.contains("imola dozza university"), "{}", after.out);
        let alone = verify(&region, file, ["--log-key", &by_key]).await;
        assert!(
            alone.out.contains("\"standing\": \"signed\"") && alone.exit == 0,
            "{}",
            alone.out
        );
    }
    let text = fs::read_to_string(&proof).expect("readable");
    assert!(
        text.starts_with("c2sp.org/tlog-proof@v1\n"),
        "it stays in its form"
    );

    // What was handed in is there after a restart, of the index and of a node.
    region.stop_index().await;
    region.start_index().await;
    let again = witness
        .upgraded(&receipt, &trusted)
        .await
        .expect("it is witnessed");
    assert_eq!(standing(&again, &policy()), Standing::Witnessed);
    region.municipality(IMOLA).stop().await;
    region.municipality(IMOLA).resume();
    let status = look(&mut region, IMOLA).await;
    assert_eq!((status.error, status.conflict), (None, false));
    region.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_forks_after_a_rollback_is_refused_by_the_node_that_saw_it_and_by_an_old_receipt() {
    let mut region = Region::configured(&witnesses(&[IMOLAS, DOZZAS], 1)).await;
    region.activate(POLICE).await;
    region.stop_index().await;
    let home = region.directory().join("index");
    let saved = region.directory().join("saved");
    for part in ["data", "copy"] {
        copy(&home.join(part), &saved.join(part));
    }
    region.start_index().await;
    let seen = described(&region).await;
    let_witness(&mut region, IMOLA, IMOLAS).await;
    let status = look(&mut region, IMOLA).await;
    assert_eq!((status.error, status.conflict), (None, false));
    assert!(seen.index < status.cosigned);

    // The index goes back to its copy, and lives on otherwise than before.
    region.stop_index().await;
    for part in ["data", "copy"] {
        fs::remove_dir_all(home.join(part)).expect("removed");
        copy(&saved.join(part), &home.join(part));
    }
    region.start_index().await;
    let witness = WitnessClient::new(region.connection(Role::Agency, POLICE.agency));
    let size = ledger::checkpoint::SignedCheckpoint::parse(&seen.checkpoint)
        .expect("signed")
        .checkpoint()
        .size;
    assert_eq!(
        reason(witness.receipt_upgrade(seen.index, u64::MAX >> 1).await),
        Reason::LogRange
    );
    let trusted = format!(
        "log {}\nwitness d {}\nquorum d\n",
        log_verifier(),
        cosigner(DOZZAS).verifier()
    );
    let trusted = Policy::parse(&trusted).expect("a policy");
    while described(&region).await.index <= size.max(status.cosigned) {}

    let refused = look(&mut region, IMOLA).await;
    assert!(refused.conflict, "{refused:?}");
    let error = refused.error.expect("it says why");
    assert!(error.contains("not the one that was seen before"), "{error}");
    let kept: PathBuf = region
        .municipality(IMOLA)
        .directory()
        .join("data/witness/conflict");
    let evidence = fs::read_to_string(&kept).expect("the evidence is kept");
    let evidence = ledger::checkpoint::SignedCheckpoint::parse(&evidence).expect("a checkpoint");
    log_verifier()
        .verify(&evidence)
        .expect("the log signed the other history too");

    // Whoever has seen nothing yet cannot know; the holder of an old receipt does.
    let_witness(&mut region, DOZZA, DOZZAS).await;
    assert_eq!(look(&mut region, DOZZA).await.error, None);
    let shown = witness.upgraded(&seen, &trusted).await;
    assert!(
        matches!(
            shown,
            Err(ClientError::Evidence(EvidenceFault::Receipt(
                ReceiptError::Continuation(_)
            )))
        ),
        "{shown:?}"
    );
    // Nor does the node forget when it starts again.
    region.municipality(IMOLA).stop().await;
    region.municipality(IMOLA).resume();
    assert!(look(&mut region, IMOLA).await.error.is_some());
    region.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_a_witness_s_cosignature_of_what_was_offered_is_taken() {
    let region = Region::configured(&witnesses(&[OUTSIDE], 1)).await;
    let client = WitnessClient::new(region.connection(Role::Auditor, "university"));
    let offered = client.offered().await.expect("a checkpoint");
    let size = offered.checkpoint().size;
    let at = WitnessedAt(region.clock.now_ms() / 1_000);
    let by_stranger = cosigner(IMOLAS).cosign(offered.checkpoint(), at);
    assert_eq!(
        reason(client.submit(size, &by_stranger).await),
        Reason::InvalidArgument
    );
    let other = Checkpoint {
        root: Hash::EMPTY_TREE,
        ..offered.checkpoint().clone()
    };
    let of_other = cosigner(OUTSIDE).cosign(&other, at);
    assert_eq!(
        reason(client.submit(size, &of_other).await),
        Reason::WitnessConflict
    );
    let good = cosigner(OUTSIDE).cosign(offered.checkpoint(), at);
    assert_eq!(
        reason(client.submit(size + 1, &good).await),
        Reason::ResourceNotFound
    );
    assert!(client.submit(size, &good).await.expect("it is taken").witnessed);
    assert_eq!(
        reason(client.receipt_upgrade(5, 5).await),
        Reason::InvalidArgument
    );
    assert_eq!(
        reason(client.consistency_proof(1, 1 << 40).await),
        Reason::LogRange
    );
    let admin = WitnessClient::new(region.connection(Role::Admin, "regione"));
    assert_eq!(reason(admin.offered().await), Reason::RoleNotAllowed);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_witnesses_agencies_are_answered_for_four_hours_and_again_once_one_is_there() {
    let mut region = Region::configured(&witnesses(&[OUTSIDE], 1)).await;
    region.activate(POLICE).await;
    region.publish(IMOLA, &everybody()).await;
    let police = region.agency(POLICE);
    looked_up(&police).await.expect("nothing is late yet");
    region.clock.advance(4 * HOUR - Duration::from_millis(1));
    looked_up(&police).await.expect("the limit is not reached");
    region.clock.advance(Duration::from_millis(1));
    assert_eq!(reason(looked_up(&police).await), Reason::WitnessesMissing);

    // The refusal is entered; auditors read, municipalities publish, and whose receipts are wanted are given.
    let entries = region.entries("garante").await;
    let refused = entries.iter().filter(|entry| {
        let outcome = &entry.header.body.outcome;
        outcome.reason == Reason::WitnessesMissing.name()
    });
    assert_eq!(refused.count(), 1);
    let mut fewer = everybody();
    fewer.retain(|person| person.municipality != IMOLA || person.tax_code() == mario().tax_code());
    region.publish(IMOLA, &fewer).await;
    described(&region).await;

    // One cosignature, and answers go on; the next four hours count from the oldest entry that it does not cover.
    cosign_outside(&region).await;
    let first = looked_up(&police).await.expect("it is witnessed").index;
    region.clock.advance(4 * HOUR - Duration::from_millis(1));
    looked_up(&police).await.expect("the limit is not reached again");
    region.clock.advance(Duration::from_millis(1));
    assert_eq!(
        reason(looked_up(&police).await),
        Reason::WitnessesMissing,
        "since entry {first}"
    );

    // A restart does not begin the four hours anew, but gives witnesses time to come.
    region.stop_index().await;
    region.start_index().await;
    let police = region.agency(POLICE);
    looked_up(&police).await.expect("witnesses have time to come");
    region.clock.advance(AFTER_START);
    assert_eq!(reason(looked_up(&police).await), Reason::WitnessesMissing);
    cosign_outside(&region).await;
    looked_up(&police).await.expect("it is witnessed");
    region.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_index_without_configured_witnesses_waits_for_nobody() {
    let mut region = Region::configured(LIMITS).await;
    region.activate(POLICE).await;
    region.publish(IMOLA, &everybody()).await;
    region.clock.advance(30 * HOUR);
    looked_up(&region.agency(POLICE)).await.expect("an answer");
    region.stop().await;
}
