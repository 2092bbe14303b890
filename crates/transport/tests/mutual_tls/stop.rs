//! How the server stops.

use std::time::Duration;

use tonic::Code;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use agreement::peer::Role;
use transport::channel;
use transport::door::{Cause, ConnectionFault};
use transport::listener::ListenerLimits;
use transport::server::{Ended, ServerSettings};

use crate::support::{Options, Pki, call, framed, start, test_method, within};

#[tokio::test]
async fn calls_under_way_are_finished_and_new_connections_refused() {
    let pki = Pki::new();
    let agency = pki.peer(Role::Agency, "questura-bo");
    let running = start(&pki, Options::default()).await;
    let channel = running.connect(&pki, &agency).await;
    let mut watching = HealthClient::new(running.connect(&pki, &agency).await)
        .watch(HealthCheckRequest {
            service: String::new(),
        })
        .await
        .unwrap()
        .into_inner();
    let first = within(watching.message()).await.unwrap().unwrap();
    assert_eq!(first.status(), ServingStatus::Serving);

    let calling = tokio::spawn(async move { call(&channel, &test_method("Hold"), &[], framed(b"")).await });
    within(running.handlers.started.notified()).await;
    running.shutdown.trigger();
    let second = within(watching.message()).await.unwrap().unwrap();
    assert_eq!(second.status(), ServingStatus::NotServing);
    drop(watching);
    assert!(
        channel::connect(&running.place(), &pki.client_tls(&agency))
            .await
            .is_err()
    );

    running.handlers.release.notify_one();
    assert_eq!(within(calling).await.unwrap().code(), Code::Ok);
    assert_eq!(within(running.ended).await.unwrap(), Ended::Drained);
}

#[tokio::test]
async fn calls_that_do_not_end_are_cut_when_the_time_to_drain_is_over() {
    let pki = Pki::new();
    let agency = pki.peer(Role::Agency, "questura-bo");
    let settings = ServerSettings {
        drain: Duration::from_millis(50),
        ..ServerSettings::default()
    };
    let running = start(
        &pki,
        Options {
            settings,
            ..Options::default()
        },
    )
    .await;
    let channel = running.connect(&pki, &agency).await;
    let calling = tokio::spawn(async move { call(&channel, &test_method("Never"), &[], framed(b"")).await });
    within(running.handlers.started.notified()).await;
    running.shutdown.trigger();
    assert_eq!(within(running.ended).await.unwrap(), Ended::Cut(1));
    assert_ne!(within(calling).await.unwrap().code(), Code::Ok);
}

#[tokio::test]
async fn an_old_connection_is_told_to_go_away_and_finishes_its_calls() {
    let pki = Pki::new();
    let agency = pki.peer(Role::Agency, "questura-bo");
    let settings = ServerSettings {
        max_connection_age: Duration::from_millis(200),
        ..ServerSettings::default()
    };
    let limits = ListenerLimits {
        connections_per_address: 1,
        ..ListenerLimits::default()
    };
    let running = start(
        &pki,
        Options {
            settings,
            limits,
            ..Options::default()
        },
    )
    .await;
    let channel = running.connect(&pki, &agency).await;
    let calling = tokio::spawn({
        let channel = channel.clone();
        async move { call(&channel, &test_method("Hold"), &[], framed(b"")).await }
    });
    within(running.handlers.started.notified()).await;
    // The old connection keeps the only place until its call ends, so the one that follows it is turned away.
    let followed = async {
        while running.door.entered().is_empty() {
            call(&channel, &test_method("Ok"), &[], framed(b"")).await;
        }
    };
    within(followed).await;
    let turned_away = Cause::Connection(ConnectionFault::TooManyFromAddress);
    running.door.wait_for(turned_away).await;
    running.handlers.release.notify_one();
    assert_eq!(within(calling).await.unwrap().code(), Code::Ok);
}
