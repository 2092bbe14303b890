//! Receipts become witnessed ones by themselves, and an index that keeps another log for one agency alone is caught by that
//! agency's client within the hour, whatever it answers.

use std::fs;
use std::time::Duration;

use agreement::peer::Role;
use client::agency::AgencyClient;
use client::receipt::{ReceiptForm, ReceiptPolicy};
use client::upgrade::{UpgradeAlarmKind, UpgradeStatus, Upgrades, WITHIN, Witnessing};
use client::witness::WitnessClient;
use ledger::checkpoint::SignedCheckpoint;
use ledger::policy::{Policy, Standing};
use ledger::receipt::Receipt;
use support::agreements::{Document, POLICE, PUBLIC_BODY};
use support::calls::ground;
use support::commands::calling;
use support::fork::Fork;
use support::people::{DOZZA, IMOLA};
use support::region::{Region, log_verifier};
use support::wait::within;
use support::witnesses::{
    DOZZAS, IMOLAS, OUTSIDE, WitnessKey, cosign_outside, let_witness, look, policy, witnesses,
};

const ALL: [WitnessKey; 3] = [IMOLAS, DOZZAS, OUTSIDE];

fn witnessing() -> ReceiptPolicy {
    let policy = Policy::parse(&policy()).expect("a policy");
    let witnessing = Witnessing::new(log_verifier(), policy).expect("the policy is of this log");
    ReceiptPolicy::Witness(Box::new(witnessing))
}

/// A client of the region's own index that has its receipts witnessed.
fn client(region: &Region, document: Document) -> AgencyClient {
    let identity = region.authority.peer(Role::Agency, document.agency);
    AgencyClient::new(
        region
            .authority
            .connection(region.address(), identity, witnessing()),
    )
}

/// A call that reads nobody's card, and its receipt.
async fn call(agency: &AgencyClient, document: Document) -> Receipt {
    let purpose = if document.agency == POLICE.agency {
        "investigation"
    } else {
        "co-payment"
    };
    let context = ground(document, purpose, agency.new_request_id());
    let answer = agency
        .describe_access(&context, None, ReceiptForm::Full)
        .await
        .expect("an answer");
    answer.receipt.receipt().expect("the full receipt").clone()
}

fn kept(agency: &AgencyClient) -> Upgrades {
    agency.upgrades().expect("receipts become witnessed").clone()
}

/// Lets a client's own task look now, and says how its receipts stand afterwards.
async fn looked(upgrades: &Upgrades) -> UpgradeStatus {
    let mut status = upgrades.watch();
    // The first look may have begun before.
    for _ in 0..2 {
        let before = status.borrow().looks;
        upgrades.wake();
        let next = within(status.wait_for(|status| before < status.looks)).await;
        next.expect("the task runs");
    }
    upgrades.status()
}

fn kinds(status: &UpgradeStatus) -> Vec<UpgradeAlarmKind> {
    status.alarms.iter().map(|raised| raised.alarm.kind()).collect()
}

/// All three witnesses cosign the head of the region's own index.
async fn witnessed(region: &mut Region) -> u64 {
    region.clock.advance(store::cosignatures::ROUND);
    for istat in [IMOLA, DOZZA] {
        let status = look(region, istat).await;
        assert_eq!((status.error, status.conflict), (None, false));
    }
    cosign_outside(region).await
}

async fn region() -> Region {
    let mut region = Region::configured(&witnesses(&ALL, 3)).await;
    for document in [POLICE, PUBLIC_BODY] {
        region.activate(document).await;
    }
    let_witness(&mut region, IMOLA, IMOLAS).await;
    let_witness(&mut region, DOZZA, DOZZAS).await;
    region
}

#[tokio::test(flavor = "multi_thread")]
async fn the_receipts_of_a_client_that_stays_become_witnessed_by_themselves() {
    let mut region = region().await;
    let agency = client(&region, POLICE);
    let upgrades = kept(&agency);
    let mut arriving = upgrades.witnessed();
    let receipt = call(&agency, POLICE).await;
    assert_eq!(upgrades.status().held, 1);
    // Whatever is witnessed already is older than it.
    let status = looked(&upgrades).await;
    assert_eq!((status.held, status.obstacle.is_some()), (1, true), "{status:?}");
    // Witnesses may have begun with a head of before.
    while witnessed(&mut region).await <= receipt.index {}
    let status = looked(&upgrades).await;
    assert_eq!(
        (status.held, status.witnessed, kinds(&status)),
        (0, 1, Vec::new()),
        "{status:?}"
    );
    let better = arriving.recv().await.expect("the receipt");
    assert_eq!((better.index, &better.header), (receipt.index, &receipt.header));
    let trusted = Policy::parse(&policy()).expect("a policy");
    let (_, judged) = better.verify_under(&trusted).expect("it is valid");
    assert_eq!(judged.standing(), Standing::Witnessed);
    region.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_index_that_forks_for_one_agency_is_caught_by_that_agency_s_client_alone_within_the_hour() {
    let mut region = region().await;
    witnessed(&mut region).await;
    let fork = Fork::of(&mut region, &witnesses(&ALL, 3)).await;
    // The police alone is led to the second log; all others, and the witnesses, see the first one.
    let police = AgencyClient::new(fork.connection(&region, POLICE.agency, witnessing()));
    let body = client(&region, PUBLIC_BODY);
    let shown = call(&police, POLICE).await;
    let honest = call(&body, PUBLIC_BODY).await;
    shown
        .verify(&log_verifier())
        .expect("the log's own key signed the other history too");
    let size = |receipt: &Receipt| {
        let head = SignedCheckpoint::parse(&receipt.checkpoint).expect("signed");
        head.checkpoint().size
    };
    while witnessed(&mut region).await <= size(&shown) {
        call(&body, PUBLIC_BODY).await;
    }
    let (of_police, of_body) = (kept(&police), kept(&body));
    assert_eq!(kinds(&looked(&of_body).await), []);
    assert_eq!(of_body.status().held, 0, "{:?}", of_body.status());

    // Whatever the second index does, no witness of the policy cosigns its head: when the hour is over it is late.
    assert_eq!(kinds(&looked(&of_police).await), []);
    let file = region.directory().join("receipt");
    fs::write(&file, shown.encode().expect("encoded")).expect("written");
    region.clock.advance(WITHIN);
    let late = looked(&of_police).await;
    assert_eq!(kinds(&late), [UpgradeAlarmKind::NotWitnessed], "{late:?}");
    assert_eq!(late.alarms[0].receipt, shown);

    // Nor does it help to answer with what the witnesses cosigned of the first log: then it shows at once.
    let other = AgencyClient::new(fork.connection(&region, POLICE.agency, witnessing()));
    let of_other = kept(&other);
    of_other.hold(shown.clone()).expect("it is signed");
    let relayed = WitnessClient::new(region.connection(Role::Agency, POLICE.agency));
    of_other.look(&relayed).await;
    let status = of_other.status();
    assert_eq!(kinds(&status), [UpgradeAlarmKind::NotContinued], "{status:?}");
    let raised = &status.alarms[0];
    for head in [
        &raised.receipt.checkpoint,
        raised.shown.as_ref().expect("the other head"),
    ] {
        let head = SignedCheckpoint::parse(head).expect("a checkpoint");
        log_verifier().verify(&head).expect("the log signed both");
    }

    // Nobody else has anything to complain of: not the other agency, not the witnesses.
    call(&body, PUBLIC_BODY).await;
    witnessed(&mut region).await;
    let status = looked(&of_body).await;
    assert_eq!(
        (status.held, kinds(&status), status.obstacle.clone()),
        (0, Vec::new(), None),
        "{status:?}"
    );

    // The same with the command, for whoever keeps receipts in files.
    let trust = region.directory().join("policy.txt");
    fs::write(&trust, policy()).expect("written");
    let [file, trust] = [&file, &trust].map(|path| path.display().to_string());
    let command = |within| {
        [
            "audit", "receipt", "upgrade", &file, "--policy", &trust, "--within", within,
        ]
    };
    let alone = calling(&region, fork.address(), POLICE, &command("0")).await;
    assert_eq!(alone.exit, 1, "{}", alone.err);
    assert!(alone.err.contains("ALARM"), "{}", alone.err);
    assert!(alone.err.contains("is not witnessed"), "{}", alone.err);
    let relayed = calling(&region, region.address(), POLICE, &command("60")).await;
    assert_eq!(relayed.exit, 1, "{}", relayed.err);
    assert!(relayed.err.contains("does not continue"), "{}", relayed.err);
    let evidence = fs::read_to_string(format!("{file}.conflict")).expect("the evidence is kept");
    assert!(SignedCheckpoint::parse(&evidence).is_ok());
    assert_eq!(
        fs::read(&file).expect("readable"),
        shown.encode().expect("encoded")
    );
    fs::write(&file, honest.encode().expect("encoded")).expect("written");
    let good = calling(&region, region.address(), PUBLIC_BODY, &command("60")).await;
    assert_eq!(good.exit, 0, "{}", good.err);
    assert!(good.out.contains("\"standing\": \"witnessed\""), "{}", good.out);
    fork.stop().await;
    region.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deadline_of_witnesses_is_no_alarm_before_it_is_over() {
    let region = region().await;
    let agency = client(&region, POLICE);
    let upgrades = kept(&agency);
    call(&agency, POLICE).await;
    region.clock.advance(WITHIN - Duration::from_millis(1));
    assert_eq!(kinds(&looked(&upgrades).await), []);
    region.clock.advance(Duration::from_millis(1));
    assert_eq!(kinds(&looked(&upgrades).await), [UpgradeAlarmKind::NotWitnessed]);
}
