//! Who gets a connection, and what is entered about those who do not.

use rcgen::ExtendedKeyUsagePurpose::{ClientAuth, ServerAuth};
use rustls::{ClientConfig, HandshakeKind, NamedGroup};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tonic::Code;

use agreement::peer::Role;
use agreement::reason::Reason;
use transport::channel::{self, ConnectError};
use transport::door::{Cause, ConnectionFault};
use transport::identity::IdentityFault;
use transport::listener::ListenerLimits;
use transport::pki::authority::Issued;
use transport::pki::names::IndexId;
use transport::pki::summary;
use transport::tls::client::ClientTls;
use transport::tls::error::TlsError;
use transport::tls::server::ServerTls;

use crate::support::{DAY, Options, Pki, Running, call, framed, start, test_method, within};

const H2: &[&[u8]] = &[b"h2"];

/// Tries `config` on a fresh server and expects to be turned away for `fault`.
#[track_caller]
fn turned_away(pki: &Pki, config: ClientConfig, fault: ConnectionFault) -> impl Future<Output = ()> {
    let caller = std::panic::Location::caller();
    let tls = pki.server_tls(vec![]);
    async move {
        let running = start(pki, Options::default()).await;
        running.tls.replace(tls);
        assert!(running.shake(config).await.is_err(), "accepted, from {caller}");
        assert_eq!(
            running.door.causes().await,
            [fault.name()].into(),
            "from {caller}"
        );
        let entered = running.door.entered();
        assert!(
            entered
                .iter()
                .all(|refusal| refusal.peer.is_none() && refusal.method.is_none())
        );
        assert!(entered.iter().all(|refusal| refusal.address.ip().is_loopback()));
    }
}

#[tokio::test]
async fn a_good_certificate_becomes_the_peer_of_every_call() {
    let pki = Pki::new();
    let agency = pki.peer(Role::Agency, "questura-bo");
    let running = start(&pki, Options::default()).await;
    let channel = running.connect(&pki, &agency).await;
    for _ in 0..2 {
        assert_eq!(
            call(&channel, &test_method("Ok"), &[], framed(b"")).await.code(),
            Code::Ok
        );
    }
    let peers = running.handlers.peers.lock().unwrap();
    let [first, second] = peers.as_slice() else {
        panic!("two calls, {} peers", peers.len());
    };
    assert_eq!(first, second);
    assert_eq!(first.id.to_string(), "spiffe://ponte.example/agency/questura-bo");
    assert_eq!(
        first.certificate,
        summary::inspect(&agency.certificate).unwrap().fingerprint
    );
    assert!(first.address.is_loopback());
    assert!(running.door.entered().is_empty());
}

#[tokio::test]
async fn whoever_shows_no_certificate_is_turned_away() {
    let pki = Pki::new();
    turned_away(&pki, pki.bare_client(None, H2), ConnectionFault::NoCertificate).await;
}

#[tokio::test]
async fn a_certificate_counts_only_inside_its_validity() {
    let pki = Pki::new();
    let agency = pki.peer(Role::Agency, "questura-bo");
    let too_early = transport::clock::Clock::now(&*pki.clock) - DAY * 2;
    pki.clock.set(too_early);
    let unsuspecting = pki.bare_client(Some(&agency), H2);
    turned_away(&pki, unsuspecting, ConnectionFault::CertificateNotYetValid).await;

    let pki = Pki::new();
    let agency = pki.peer(Role::Agency, "questura-bo");
    pki.clock.advance(DAY * 90);
    turned_away(
        &pki,
        pki.bare_client(Some(&agency), H2),
        ConnectionFault::CertificateExpired,
    )
    .await;
}

#[tokio::test]
async fn a_certificate_that_does_not_name_exactly_one_peer_is_turned_away() {
    let pki = Pki::new();
    let peer = "spiffe://ponte.example/agency/questura-bo";
    let cases = [
        (
            vec![peer, "spiffe://ponte.example/admin/root"],
            vec![ClientAuth],
            IdentityFault::SeveralUris,
        ),
        (vec![peer, peer], vec![ClientAuth], IdentityFault::SeveralUris),
        (vec![], vec![ClientAuth], IdentityFault::NoUri),
        (
            vec!["https://ponte.example/"],
            vec![ClientAuth],
            IdentityFault::NotAPeer,
        ),
        (
            vec!["spiffe://ponte.example/root/a"],
            vec![ClientAuth],
            IdentityFault::NotAPeer,
        ),
        (
            vec!["spiffe://ponte.example/index/regione"],
            vec![ClientAuth],
            IdentityFault::NotAPeer,
        ),
        (
            vec!["spiffe://elsewhere.example/agency/a"],
            vec![ClientAuth],
            IdentityFault::ForeignTrustDomain,
        ),
        (vec![peer], vec![], IdentityFault::Usage),
    ];
    for (uris, usages, fault) in cases {
        let forged = pki.forge(&uris, &usages);
        let config = pki.bare_client(Some(&forged), H2);
        turned_away(&pki, config, ConnectionFault::Identity(fault)).await;
    }
}

#[tokio::test]
async fn a_certificate_of_another_authority_or_for_another_use_is_turned_away() {
    let pki = Pki::new();
    let elsewhere = Pki::named("elsewhere.example").peer(Role::Agency, "questura-bo");
    turned_away(
        &pki,
        pki.bare_client(Some(&elsewhere), H2),
        ConnectionFault::UntrustedIssuer,
    )
    .await;

    // An authority of the same name, with another key.
    let impostor = Pki::named("ponte.example").peer(Role::Agency, "questura-bo");
    turned_away(
        &pki,
        pki.bare_client(Some(&impostor), H2),
        ConnectionFault::CertificateInvalid,
    )
    .await;

    let server_only = pki.forge(&["spiffe://ponte.example/agency/a"], &[ServerAuth]);
    turned_away(
        &pki,
        pki.bare_client(Some(&server_only), H2),
        ConnectionFault::CertificateInvalid,
    )
    .await;
}

#[tokio::test]
async fn only_http2_is_spoken() {
    let pki = Pki::new();
    let agency = pki.peer(Role::Agency, "questura-bo");
    let old = pki.bare_client(Some(&agency), &[b"http/1.1"]);
    turned_away(&pki, old, ConnectionFault::Protocol).await;
    turned_away(
        &pki,
        pki.bare_client(Some(&agency), &[]),
        ConnectionFault::Protocol,
    )
    .await;
}

#[tokio::test]
async fn bytes_that_are_not_tls_1_3_are_turned_away() {
    let cases: [(&[u8], ConnectionFault); 3] = [
        (&tls12_client_hello(), ConnectionFault::TlsVersion),
        (b"GET / HTTP/1.1\r\nhost: a\r\n\r\n", ConnectionFault::Malformed),
        (b"", ConnectionFault::Abandoned),
    ];
    let pki = Pki::new();
    for (bytes, fault) in cases {
        let running = start(&pki, Options::default()).await;
        let mut tcp = TcpStream::connect(running.address).await.unwrap();
        tcp.write_all(bytes).await.unwrap();
        tcp.shutdown().await.unwrap();
        let mut answer = Vec::new();
        // The server may reset what it will not read; only the entry counts.
        let _ = within(tcp.read_to_end(&mut answer)).await;
        assert_eq!(running.door.causes().await, [fault.name()].into());
    }
}

/// The first message of a client that speaks TLS 1.2 and nothing newer.
fn tls12_client_hello() -> Vec<u8> {
    let extensions: &[&[u8]] = &[
        &[0, 10, 0, 4, 0, 2, 0, 23],
        &[0, 11, 0, 2, 1, 0],
        &[0, 13, 0, 4, 0, 2, 4, 3],
        &[0, 23, 0, 0],
    ];
    let extensions = extensions.concat();
    let mut hello = vec![3, 3];
    hello.extend([9; 32]);
    hello.push(0);
    hello.extend([0, 4, 0xc0, 0x2b, 0xc0, 0x2f]);
    hello.extend([1, 0]);
    hello.extend(u16::try_from(extensions.len()).unwrap().to_be_bytes());
    hello.extend(extensions);
    let mut message = vec![1, 0];
    message.extend(u16::try_from(hello.len()).unwrap().to_be_bytes());
    message.extend(hello);
    let mut record = vec![22, 3, 1];
    record.extend(u16::try_from(message.len()).unwrap().to_be_bytes());
    record.extend(message);
    record
}

#[tokio::test]
async fn the_post_quantum_exchange_is_preferred_and_nothing_is_resumed() {
    let pki = Pki::new();
    let agency = pki.peer(Role::Agency, "questura-bo");
    let running = start(&pki, Options::default()).await;
    let config = pki.bare_client(Some(&agency), H2);
    for _ in 0..2 {
        let shaken = running.shake(config.clone()).await.unwrap();
        assert_eq!(shaken.group, Some(NamedGroup::X25519MLKEM768));
        assert_ne!(shaken.kind, Some(HandshakeKind::Resumed));
    }
}

#[tokio::test]
async fn a_revocation_list_counts_from_the_moment_it_is_put_in_force() {
    let pki = Pki::new();
    let agency = pki.peer(Role::Agency, "questura-bo");
    let other = pki.peer(Role::Agency, "inps");
    let running = start(&pki, Options::default()).await;
    let open = running.connect(&pki, &agency).await;
    let open_other = running.connect(&pki, &other).await;
    assert_eq!(
        call(&open, &test_method("Ok"), &[], framed(b"")).await.code(),
        Code::Ok
    );

    running
        .tls
        .replace(pki.server_tls(vec![pki.revocation_list(&[&agency], 1)]));

    let answer = call(&open, &test_method("Ok"), &[], framed(b"")).await;
    assert_eq!(answer.code(), Code::PermissionDenied);
    let refusal = running.door.wait_for(Cause::Call(Reason::PeerRevoked)).await;
    assert_eq!(refusal.peer.unwrap().id.id(), "questura-bo");
    assert!(running.shake(pki.bare_client(Some(&agency), H2)).await.is_err());
    running
        .door
        .wait_for(Cause::Connection(ConnectionFault::CertificateRevoked))
        .await;

    assert_eq!(
        call(&open_other, &test_method("Ok"), &[], framed(b""))
            .await
            .code(),
        Code::Ok
    );
    assert!(running.shake(pki.bare_client(Some(&other), H2)).await.is_ok());

    // The list expires: whoever enforces it trusts nobody until there is a newer one.
    pki.clock.advance(DAY * 8);
    assert!(running.shake(pki.bare_client(Some(&other), H2)).await.is_err());
    running
        .door
        .wait_for(Cause::Connection(ConnectionFault::RevocationUnknown))
        .await;
}

#[tokio::test]
async fn a_certificate_that_expires_on_an_open_connection_is_refused_at_the_next_call() {
    let pki = Pki::new();
    let agency = pki.peer(Role::Agency, "questura-bo");
    let running = start(&pki, Options::default()).await;
    let open = running.connect(&pki, &agency).await;
    assert_eq!(
        call(&open, &test_method("Ok"), &[], framed(b"")).await.code(),
        Code::Ok
    );
    pki.clock.advance(DAY * 90);
    assert_eq!(
        call(&open, &test_method("Ok"), &[], framed(b"")).await.code(),
        Code::PermissionDenied
    );
    running.door.wait_for(Cause::Call(Reason::PeerRevoked)).await;
}

#[tokio::test]
async fn the_servers_certificate_is_replaced_without_a_restart() {
    let pki = Pki::new();
    let agency = pki.peer(Role::Agency, "questura-bo");
    let running = start(&pki, Options::default()).await;
    running.connect(&pki, &agency).await;

    // From now on the server belongs to another authority, whom the client does not trust.
    let elsewhere = Pki::named("ponte.example");
    running.tls.replace(elsewhere.server_tls(vec![]));
    assert!(
        channel::connect(&running.place(), &pki.client_tls(&agency))
            .await
            .is_err()
    );
    let other = elsewhere.peer(Role::Agency, "questura-bo");
    let channel = running.connect(&elsewhere, &other).await;
    assert_eq!(
        call(&channel, &test_method("Ok"), &[], framed(b"")).await.code(),
        Code::Ok
    );
}

#[tokio::test]
async fn a_client_accepts_only_the_server_it_expects() {
    let pki = Pki::new();
    let agency = pki.peer(Role::Agency, "questura-bo");
    let running = start(&pki, Options::default()).await;
    let expecting = |id: &str| {
        let id = IndexId::parse(id).unwrap();
        ClientTls::new(&pki.material(&agency, vec![]), Some(id), pki.clock.clone()).unwrap()
    };
    let right = expecting("spiffe://ponte.example/index/regione");
    assert!(channel::connect(&running.place(), &right).await.is_ok());
    let wrong = expecting("spiffe://ponte.example/index/altra");
    assert!(matches!(
        channel::connect(&running.place(), &wrong).await,
        Err(ConnectError::Connect(_))
    ));

    let mut misnamed = running.place();
    misnamed.server_name = Some("other.ponte.example".to_owned());
    assert!(matches!(
        channel::connect(&misnamed, &right).await,
        Err(ConnectError::Connect(_))
    ));
}

#[tokio::test]
async fn neither_side_starts_with_a_certificate_of_the_other_kind() {
    let pki = Pki::new();
    let server = ServerTls::new(
        &pki.material(&pki.peer(Role::Admin, "a"), vec![]),
        pki.clock.clone(),
    );
    assert!(matches!(server, Err(TlsError::OwnIdentity(IdentityFault::Usage))));
    let client = ClientTls::new(&pki.material(&pki.server(), vec![]), None, pki.clock.clone());
    assert!(matches!(client, Err(TlsError::OwnIdentity(IdentityFault::Usage))));

    let broken = pki.material(&pki.server(), vec!["no list".to_owned()]);
    assert!(matches!(
        ServerTls::new(&broken, pki.clock),
        Err(TlsError::RevocationList)
    ));
}

#[tokio::test]
async fn a_silent_connection_loses_its_place_when_its_time_is_over() {
    let pki = Pki::new();
    let agency = pki.peer(Role::Agency, "questura-bo");
    let limits = ListenerLimits {
        connections: 1,
        connections_per_address: 1,
        handshakes: 1,
        handshake_timeout: Duration::from_millis(300),
    };
    let running = start(
        &pki,
        Options {
            limits,
            ..Options::default()
        },
    )
    .await;
    let silent = TcpStream::connect(running.address).await.unwrap();
    running
        .door
        .wait_for(Cause::Connection(ConnectionFault::HandshakeTimeout))
        .await;
    connects_at_last(&pki, &agency, &running).await;
    drop(silent);
}

#[tokio::test]
async fn one_address_has_a_bounded_number_of_places_and_gets_them_back() {
    let pki = Pki::new();
    let agency = pki.peer(Role::Agency, "questura-bo");
    let limits = ListenerLimits {
        connections_per_address: 1,
        ..ListenerLimits::default()
    };
    let running = start(
        &pki,
        Options {
            limits,
            ..Options::default()
        },
    )
    .await;
    let first = running.connect(&pki, &agency).await;
    assert_eq!(
        call(&first, &test_method("Ok"), &[], framed(b"")).await.code(),
        Code::Ok
    );
    assert!(
        channel::connect(&running.place(), &pki.client_tls(&agency))
            .await
            .is_err()
    );
    running
        .door
        .wait_for(Cause::Connection(ConnectionFault::TooManyFromAddress))
        .await;
    drop(first);
    connects_at_last(&pki, &agency, &running).await;
}

/// The place is free some time after the other connection has ended: tries until then.
async fn connects_at_last(pki: &Pki, agency: &Issued, running: &Running) {
    let tls = pki.client_tls(agency);
    let connected = async {
        loop {
            if let Ok(channel) = channel::connect(&running.place(), &tls).await {
                let answer = call(&channel, &test_method("Ok"), &[], framed(b"")).await;
                if answer.code() == Code::Ok {
                    return;
                }
            }
            tokio::task::yield_now().await;
        }
    };
    within(connected).await;
}
