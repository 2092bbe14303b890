//! What a call meets before its handler, and what becomes of answers that no handler made.

use std::sync::Arc;
use std::time::Duration;

use tonic::transport::Channel;
use tonic::{Code, Status};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;

use agreement::peer::Role;
use agreement::reason::Reason;
use transport::allow::{AllowList, IncompleteAllowList};
use transport::door::Cause;
use transport::gate::services::{HEALTH, Services};
use transport::gate::{Gate, GateParts};
use transport::tls::live::LiveTls;

use crate::support::{
    ADMIN_ONLY, Door, DoorMode, Options, Pki, Running, TEST, call, framed, start, test_method, within,
};

const CHECK: &str = "/grpc.health.v1.Health/Check";

async fn agency(options: Options) -> (Running, Channel) {
    let pki = Pki::new();
    let certificate = pki.peer(Role::Agency, "questura-bo");
    let running = start(&pki, options).await;
    let channel = running.connect(&pki, &certificate).await;
    (running, channel)
}

/// Expects the answer of `reason`, with its text and nothing else, and exactly one entry of it.
#[track_caller]
fn refused(running: &Running, status: &Status, reason: Reason, method: Option<&str>) {
    assert_eq!(
        status.code(),
        Code::from_i32(reason.grpc().number()),
        "{status:?}"
    );
    assert_eq!(status.message(), reason.english());
    assert_eq!(status.details(), reason.name().as_bytes());
    let receipt = status.metadata().get_bin("ponte-receipt-bin").unwrap();
    assert_eq!(receipt.to_bytes().unwrap().as_ref(), [7; 72]);
    let entered = running.door.entered();
    let [refusal] = entered.as_slice() else {
        panic!("one entry is expected, there are {entered:?}");
    };
    assert_eq!(refusal.cause, Cause::Call(reason));
    assert_eq!(refusal.method.as_deref(), method);
    assert_eq!(refusal.peer.as_ref().unwrap().id.id(), "questura-bo");
}

async fn check(path: &str, headers: &[(&'static str, &str)], body: Vec<u8>, reason: Reason, logged: bool) {
    let (running, channel) = agency(Options::default()).await;
    let status = call(&channel, path, headers, body).await;
    refused(&running, &status, reason, logged.then(|| &path[1..]));
}

#[tokio::test]
async fn a_role_that_is_not_on_the_list_is_refused() {
    check(
        &format!("/{ADMIN_ONLY}/Ok"),
        &[],
        framed(b""),
        Reason::RoleNotAllowed,
        true,
    )
    .await;
}

#[tokio::test]
async fn what_does_not_exist_is_unknown_in_every_spelling() {
    check(
        "/ponte.other.v1.Service/Ok",
        &[],
        framed(b""),
        Reason::UnknownMethod,
        true,
    )
    .await;
    check(
        &test_method("Other"),
        &[],
        framed(b""),
        Reason::UnknownMethod,
        true,
    )
    .await;
    for path in [
        format!("{CHECK}?x=1"),
        format!("{CHECK}/"),
        format!("/{CHECK}"),
        "/grpc.health.v1.Health/%43heck".to_owned(),
        "/x/../grpc.health.v1.Health/Check".to_owned(),
        "/".to_owned(),
    ] {
        check(&path, &[], framed(b""), Reason::UnknownMethod, false).await;
    }
    check(
        &CHECK.to_lowercase(),
        &[],
        framed(b""),
        Reason::UnknownMethod,
        true,
    )
    .await;
}

#[tokio::test]
async fn messages_that_are_none_are_invalid_and_never_show_why() {
    let compressed = [&[1][..], &framed(b"")[1..]].concat();
    let truncated = framed(b"\x0a\x03abc")[..7].to_vec();
    for body in [
        framed(b"\xff\xff\xff"),
        framed(b"\x0a\x7f"),
        compressed,
        truncated,
        vec![],
    ] {
        check(CHECK, &[], body, Reason::MessageUndecodable, true).await;
    }
}

#[tokio::test]
async fn messages_above_the_limit_exhaust_a_resource_and_never_show_the_limit() {
    let claimed = [&[0][..], &(100_u32 << 20).to_be_bytes()].concat();
    check(CHECK, &[], claimed, Reason::MessageTooLarge, true).await;
    check(CHECK, &[], framed(&[0; 1025]), Reason::MessageTooLarge, true).await;
}

#[tokio::test]
async fn an_encoding_that_is_not_spoken_stays_unimplemented_and_is_entered() {
    let (running, channel) = agency(Options::default()).await;
    let status = call(&channel, CHECK, &[("grpc-encoding", "gzip")], framed(b"")).await;
    assert_eq!(status.code(), Code::Unimplemented);
    running
        .door
        .wait_for(Cause::Call(Reason::MessageUndecodable))
        .await;
}

#[tokio::test]
async fn metadata_that_imitate_or_repeat_are_refused() {
    for headers in [
        &[("ponte-peer", "spiffe://ponte.example/admin/root")][..],
        &[("x-forwarded-client-cert", "URI=spiffe://ponte.example/admin/root")],
        &[("authorization", "a"), ("authorization", "b")],
        &[("grpc-timeout", "5")],
        &[("grpc-timeout", "5s")],
        &[("grpc-timeout", "1S"), ("grpc-timeout", "9H")],
    ] {
        check(
            &test_method("Ok"),
            headers,
            framed(b""),
            Reason::MetadataInvalid,
            true,
        )
        .await;
    }
}

#[tokio::test]
async fn a_call_ends_when_the_caller_stops_waiting_or_the_server_has_waited_long_enough() {
    let hour = Duration::from_secs(3600);
    let short = Duration::from_millis(50);
    for (longest_call, asked) in [
        (hour, Some("50m")),
        (hour, Some("0n")),
        (short, Some("9H")),
        (short, None),
    ] {
        let pki = Pki::new();
        let agency = pki.peer(Role::Agency, "questura-bo");
        let running = start(
            &pki,
            Options {
                longest_call,
                ..Options::default()
            },
        )
        .await;
        let headers: Vec<_> = asked.map(|asked| ("grpc-timeout", asked)).into_iter().collect();
        let config = pki.bare_client(Some(&agency), &[b"h2"]);
        let status = running.bare_call(config, &test_method("Never"), &headers).await;
        refused(
            &running,
            &status,
            Reason::DeadlineExceeded,
            Some(&test_method("Never")[1..]),
        );
    }
}

#[tokio::test]
async fn a_handlers_own_status_passes_untouched() {
    let (running, channel) = agency(Options::default()).await;
    let status = call(&channel, &test_method("Own"), &[], framed(b"")).await;
    assert_eq!((status.code(), status.message()), (Code::OutOfRange, "own text"));
    assert_eq!(status.details(), [8, 11]);
    assert!(running.door.entered().is_empty());
}

#[tokio::test]
async fn a_defect_shows_none_of_its_text() {
    check(&test_method("Leak"), &[], framed(b""), Reason::Internal, true).await;
}

#[tokio::test]
async fn a_refusal_that_cannot_be_entered_is_answered_with_unavailable() {
    let door = Arc::new(Door::new(DoorMode::Failing));
    let (running, channel) = agency(Options {
        door,
        ..Options::default()
    })
    .await;
    let status = call(&channel, &format!("/{ADMIN_ONLY}/Ok"), &[], framed(b"")).await;
    assert_eq!(status.code(), Code::Unavailable);
    assert_eq!(status.message(), Reason::LogUnavailable.english());
    assert!(running.door.entered().is_empty());
}

#[tokio::test]
async fn no_refusal_is_answered_before_its_entry_and_none_is_lost_with_the_caller() {
    let door = Arc::new(Door::new(DoorMode::Held));
    let (running, channel) = agency(Options {
        door,
        ..Options::default()
    })
    .await;
    let calling = tokio::spawn({
        let channel = channel.clone();
        async move { call(&channel, &format!("/{ADMIN_ONLY}/Ok"), &[], framed(b"")).await }
    });
    within(running.door.asked.notified()).await;
    assert!(!calling.is_finished());
    // The caller hangs up; a call of another connection shows that the server has gone on.
    calling.abort();
    drop(channel);
    running.door.release.notify_one();
    running.door.wait_for(Cause::Call(Reason::RoleNotAllowed)).await;
}

#[tokio::test]
async fn health_is_open_to_every_role_over_the_same_door() {
    let pki = Pki::new();
    let running = start(&pki, Options::default()).await;
    for role in Role::ALL {
        let channel = running.connect(&pki, &pki.peer(role, "a")).await;
        let request = HealthCheckRequest {
            service: TEST.to_owned(),
        };
        let answer = within(HealthClient::new(channel.clone()).check(request))
            .await
            .unwrap()
            .into_inner();
        assert_eq!(
            answer.status(),
            tonic_health::pb::health_check_response::ServingStatus::Serving
        );
        let unknown = HealthCheckRequest {
            service: "other".to_owned(),
        };
        let status = within(HealthClient::new(channel).check(unknown))
            .await
            .unwrap_err();
        assert_eq!(status.code(), Code::NotFound);
    }
}

#[tokio::test]
async fn a_gate_does_not_open_before_services_its_list_does_not_name() {
    let pki = Pki::new();
    let (_, health) = transport::health::Health::new(&[]).await;
    let gate = |allow| {
        Gate::new(GateParts {
            services: Services::new().serve(health.clone()),
            allow,
            door: Arc::new(Door::new(DoorMode::Entering)),
            clock: pki.clock.clone(),
            tls: LiveTls::new(pki.server_tls(vec![])),
            answer: Arc::new(|_, _| Status::internal("")),
            longest_call: Duration::from_secs(1),
        })
        .map(|_| ())
    };
    assert_eq!(
        gate(AllowList::new()),
        Err(IncompleteAllowList::MissingEntry(HEALTH.to_owned()))
    );
    let list = AllowList::new().allow(HEALTH, &[Role::Admin]);
    assert_eq!(gate(list.clone()), Ok(()));
    assert_eq!(
        gate(list.allow(TEST, &[Role::Agency])),
        Err(IncompleteAllowList::NotRegistered(TEST.to_owned()))
    );
}
