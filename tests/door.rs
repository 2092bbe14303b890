//! Who is refused before a handler, and that it is in the log.

use std::sync::Arc;

use agreement::peer::Role;
use agreement::reason::Reason;
use client::auditor::AccessEntry;
use ledger::header::EntryKind;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use support::authority::{Authority, SERVER_NAME};
use support::region::Region;
use support::wait::{until_async, within};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tonic::codegen::http::uri::PathAndQuery;
use tonic::{Code, Request, Status};
use tonic_prost::ProstCodec;
use wire::proto::agreement::v1::agreement_service_client::AgreementServiceClient;
use wire::proto::audit::v1::audit_service_client::AuditServiceClient;
use wire::proto::consultation::v1::consultation_service_client::ConsultationServiceClient;
use wire::proto::consultation::v1::{LookupPersonRequest, LookupPersonResponse};
use wire::proto::directory::v1::directory_service_client::DirectoryServiceClient;
use wire::proto::publication::v1::publication_service_client::PublicationServiceClient;
use wire::proto::r#type::v1::PartialDate;
use wire::status::failure_of;

/// Waits for an entry about a refusal.
async fn refusal(region: &Region, reason: &str) -> AccessEntry {
    until_async(&format!("a refusal for {reason} is in the log"), || async {
        let entries = region.entries("garante").await;
        entries.into_iter().find(|entry| {
            entry.header.body.kind == EntryKind::Refusal && entry.header.body.outcome.reason == reason
        })
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn no_role_calls_another_roles_service() {
    let region = Region::empty().await;
    let refused = |status: Status| (status.code(), failure_of(&status).reason.known());
    let expected = (Code::PermissionDenied, Some(Reason::RoleNotAllowed));
    for (role, id) in [
        (Role::Node, "comune-037032"),
        (Role::Auditor, "garante"),
        (Role::Admin, "regione"),
    ] {
        let mut client = ConsultationServiceClient::new(region.channel(role, id).await);
        let status = client
            .lookup_person(Request::new(Default::default()))
            .await
            .expect_err("a refusal");
        assert_eq!(refused(status), expected, "{role:?} consults");
    }
    for (role, id) in [
        (Role::Agency, "questura-bo"),
        (Role::Auditor, "garante"),
        (Role::Admin, "regione"),
    ] {
        let mut client = PublicationServiceClient::new(region.channel(role, id).await);
        let status = client
            .get_state(Request::new(Default::default()))
            .await
            .expect_err("a refusal");
        assert_eq!(refused(status), expected, "{role:?} publishes");
    }
    for (role, id) in [
        (Role::Agency, "questura-bo"),
        (Role::Node, "comune-037032"),
        (Role::Admin, "regione"),
    ] {
        let mut client = AuditServiceClient::new(region.channel(role, id).await);
        let status = client
            .list_accesses(Request::new(Default::default()))
            .await
            .expect_err("a refusal");
        assert_eq!(refused(status), expected, "{role:?} audits");
    }
    for (role, id) in [(Role::Node, "comune-037032"), (Role::Auditor, "garante")] {
        let mut client = AgreementServiceClient::new(region.channel(role, id).await);
        let status = client
            .list_agreements(Request::new(Default::default()))
            .await
            .expect_err("a refusal");
        assert_eq!(refused(status), expected, "{role:?} governs");
    }
    let mut client = DirectoryServiceClient::new(region.channel(Role::Agency, "questura-bo").await);
    let status = client
        .list_municipalities(Request::new(Default::default()))
        .await
        .expect_err("a refusal");
    assert_eq!(refused(status), expected, "an agency reads the directory");

    let entry = refusal(&region, Reason::RoleNotAllowed.name()).await;
    let peer = Authority::id(Role::Node, "comune-037032").to_string();
    assert_eq!(entry.header.body.peer, Some(peer));
    let refusals = region.entries("garante").await;
    let refusals = refusals
        .iter()
        .filter(|entry| entry.header.body.kind == EntryKind::Refusal);
    assert_eq!(refusals.count(), 12, "each refusal is an entry");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agency_activates_no_agreement() {
    let region = Region::empty().await;
    let mut client = AgreementServiceClient::new(region.channel(Role::Agency, "questura-bo").await);
    let request = wire::proto::agreement::v1::ActivateAgreementRequest {
        document: support::agreements::POLICE.text.as_bytes().to_vec(),
        reference: "1".to_owned(),
        operator: "m.esposito".to_owned(),
        ..Default::default()
    };
    let status = client.activate_agreement(request).await.expect_err("a refusal");
    assert_eq!(status.code(), Code::PermissionDenied);
    let kinds: Vec<EntryKind> = region
        .entries("garante")
        .await
        .into_iter()
        .map(|entry| entry.header.body.kind)
        .collect();
    assert!(!kinds.contains(&EntryKind::AgreementActivated));
}

/// Makes a handshake; in TLS 1.3 the client learns only from the first read that its certificate was refused.
async fn is_turned_away(region: &Region, config: ClientConfig) -> bool {
    let attempt = async {
        let tcp = TcpStream::connect(region.address()).await?;
        let name = ServerName::try_from(SERVER_NAME).expect("a name");
        let mut stream = TlsConnector::from(Arc::new(config)).connect(name, tcp).await?;
        let mut first = [0];
        stream.read_exact(&mut first).await.map(drop)
    };
    within(attempt).await.is_err()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_must_name_exactly_one_peer_and_be_in_date() {
    let region = Region::empty().await;
    let peer = "spiffe://ponte.test/agency/questura-bo";
    let authority = &region.authority;
    let good = region.authority.bare_client(&authority.forged(&[peer]));
    assert!(!is_turned_away(&region, good).await, "control: one URI is let in");
    let cases = [
        (authority.forged(&[]), "IDENTITY_MISSING"),
        (
            authority.forged(&[peer, "spiffe://ponte.test/admin/regione"]),
            "IDENTITY_AMBIGUOUS",
        ),
        (
            authority.expired(Role::Agency, "questura-bo"),
            "CERTIFICATE_EXPIRED",
        ),
    ];
    for (certificate, fault) in cases {
        assert!(
            is_turned_away(&region, authority.bare_client(&certificate)).await,
            "{fault}"
        );
        let entry = refusal(&region, fault).await;
        assert_eq!(entry.header.body.peer, None);
        assert_eq!(entry.header.body.address.as_deref(), Some("127.0.0.1"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tls_1_2_is_refused() {
    let region = Region::empty().await;
    let mut tcp = TcpStream::connect(region.address()).await.expect("a connection");
    tcp.write_all(&tls12_client_hello()).await.expect("sent");
    let mut answer = Vec::new();
    // The server may reset what it will not read; the entry counts.
    let _ = within(tcp.read_to_end(&mut answer)).await;
    assert!(
        answer.first().is_none_or(|kind| *kind == 21),
        "anything but an alert goes on with the handshake"
    );
    refusal(&region, "TLS_VERSION").await;
}

/// The first message of a client that speaks TLS 1.2 and nothing newer (RFC 5246 section 7.4.1.2).
fn tls12_client_hello() -> Vec<u8> {
    let with_length = |bytes: Vec<u8>| {
        let length = u16::try_from(bytes.len()).expect("it is short");
        [length.to_be_bytes().to_vec(), bytes].concat()
    };
    let groups_formats_signatures = vec![
        0, 10, 0, 4, 0, 2, 0, 23, 0, 11, 0, 2, 1, 0, 0, 13, 0, 4, 0, 2, 4, 3,
    ];
    let ciphers = vec![0xc0, 0x2b, 0xc0, 0x2f];
    let hello = [
        vec![3, 3],
        vec![7; 32],
        vec![0],
        with_length(ciphers),
        vec![1, 0],
        with_length(groups_formats_signatures),
    ]
    .concat();
    let message = [vec![1, 0], with_length(hello)].concat();
    [vec![22, 3, 1], with_length(message)].concat()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_method_and_an_undecodable_message_are_refused_and_entered() {
    let region = Region::populated().await;
    let channel = region.channel(Role::Agency, "questura-bo").await;
    let mut grpc = tonic::client::Grpc::new(channel);
    grpc.ready().await.expect("the connection is open");
    let unknown = PathAndQuery::from_static("/ponte.consultation.v1.ConsultationService/ReadEverything");
    let codec = ProstCodec::<LookupPersonRequest, LookupPersonResponse>::default();
    let status = grpc
        .unary(Request::new(LookupPersonRequest::default()), unknown, codec)
        .await;
    assert_eq!(
        failure_of(&status.expect_err("a refusal")).reason.known(),
        Some(Reason::UnknownMethod)
    );
    refusal(&region, Reason::UnknownMethod.name()).await;

    // A number where the service expects a message.
    grpc.ready().await.expect("the connection is open");
    let known = PathAndQuery::from_static("/ponte.consultation.v1.ConsultationService/LookupPerson");
    let codec = ProstCodec::<PartialDate, LookupPersonResponse>::default();
    let status = grpc
        .unary(
            Request::new(PartialDate {
                year: 5,
                month: 0,
                day: 0,
            }),
            known,
            codec,
        )
        .await;
    assert_eq!(
        failure_of(&status.expect_err("a refusal")).reason.known(),
        Some(Reason::MessageUndecodable)
    );
    refusal(&region, Reason::MessageUndecodable.name()).await;
}
