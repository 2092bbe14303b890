//! Production and tests refuse each other, whoever calls whom.

use std::net::SocketAddr;
use std::sync::Arc;

use agreement::peer::Role;
use client::auditor::{AccessFilter, AuditorClient};
use client::connection::Connection;
use client::directory::DirectoryClient;
use client::error::{ClientError, SetupError};
use client::page::PageRequest;
use client::receipt::ReceiptPolicy;
use ledger::header::EntryKind;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use rustls::pki_types::pem::PemObject as _;
use support::agreements::POLICE;
use support::authority::{SERVER_NAME, TRUST_DOMAIN};
use support::region::{LIMITS, Region, log_verifier, reading};
use support::test_region::{TEST_DOMAIN, TestRegion, endpoint, joined, open};
use support::wait::{until_async, within};
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use transport::causes::HandshakeFault;
use transport::clock::{Clock as _, SystemClock};
use transport::identity::IdentityFault;
use transport::pki::authority::Issued;
use transport::pki::files::{read_certificate, read_key};
use transport::pki::names::TrustDomainName;
use transport::tls::error::TlsError;

const BINARY: &str = env!("CARGO_BIN_EXE_ponte-under-test");

/// Shakes hands as a client that checks nothing of its own, until the server ends the connection.
async fn shake(address: SocketAddr, config: ClientConfig, name: &'static str) {
    let connector = TlsConnector::from(Arc::new(config));
    let stream = TcpStream::connect(address).await.expect("the port is open");
    let name = ServerName::try_from(name).expect("a name");
    // In TLS 1.3 the client has finished before the server has read its certificate.
    if let Ok(mut stream) = connector.connect(name, stream).await {
        let mut answer = Vec::new();
        assert!(
            within(stream.read_to_end(&mut answer)).await.is_err(),
            "the server ends the connection with an alert"
        );
    }
}

/// Waits until an auditor sees a refusal for a reason.
async fn refused(auditor: &AuditorClient, reason: &str) {
    until_async(&format!("a refusal for {reason} is in the log"), || async {
        let listed = auditor
            .list_accesses(&reading(), &AccessFilter::default(), &PageRequest::default())
            .await
            .expect("a page");
        let mut entries = listed.page.items.into_iter();
        entries.find(|entry| {
            entry.header.body.kind == EntryKind::Refusal && entry.header.body.outcome.reason == reason
        })
    })
    .await;
}

/// The identity of a file, as it was issued.
fn issued(files: &client::connection::IdentityFiles) -> Issued {
    Issued {
        certificate: read_certificate(&files.certificate).expect("a certificate"),
        key: read_key(&files.key).expect("a key"),
    }
}

/// A region of production and one of tests, in whose certificates nothing but the trust domain differs.
async fn both() -> (Region, TestRegion) {
    let test = TestRegion::start(BINARY);
    // Not before: its certificates must be valid already where time stands still.
    (Region::at(SystemClock.now(), LIMITS).await, test)
}

fn connection(endpoint: &client::connection::Endpoint) -> Connection {
    open(endpoint).expect("a connection")
}

#[tokio::test(flavor = "multi_thread")]
async fn an_index_of_production_refuses_a_certificate_of_tests_and_enters_it() {
    let (production, test) = both().await;
    let auditor = production.auditor("garante");
    let own = issued(&test.identity("police"));
    shake(
        production.address(),
        production.authority.bare_client(&own),
        SERVER_NAME,
    )
    .await;
    refused(&auditor, "CERTIFICATE_ISSUER_UNTRUSTED").await;

    // Also where one authority signed both.
    let forged = production
        .authority
        .forged(&[&format!("spiffe://{TEST_DOMAIN}/agency/police")]);
    shake(
        production.address(),
        production.authority.bare_client(&forged),
        SERVER_NAME,
    )
    .await;
    refused(&auditor, "IDENTITY_FOREIGN_TRUST_DOMAIN").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_index_of_tests_refuses_a_certificate_of_production_and_enters_it() {
    let (production, test) = both().await;
    let own = issued(&production.authority.peer(Role::Agency, POLICE.agency));
    let mut config = production.authority.bare_client(&own);
    // It trusts the test region, so that nothing but its own certificate stands in its way.
    let mut anchors = rustls::RootCertStore::empty();
    let authority = read_certificate(&test.file("pki/authority.pem")).expect("a certificate");
    let authority = rustls::pki_types::CertificateDer::from_pem_slice(authority.as_bytes());
    anchors.add(authority.expect("a certificate")).expect("an anchor");
    let verifier = rustls::client::WebPkiServerVerifier::builder_with_provider(
        Arc::new(anchors),
        Arc::new(rustls::crypto::aws_lc_rs::default_provider()),
    );
    config
        .dangerous()
        .set_certificate_verifier(verifier.build().expect("a verifier"));
    shake(test.address(), config, "localhost").await;
    let auditor = AuditorClient::new(connection(&test.endpoint("auditor")));
    refused(&auditor, "CERTIFICATE_ISSUER_UNTRUSTED").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_of_production_refuses_an_index_of_tests_and_says_why() {
    let (production, test) = both().await;
    let identity = production.authority.peer(Role::Node, "comune-037032");
    let receipts = || ReceiptPolicy::Verify(log_verifier());
    let fault = async |identity, domain, receipts| {
        let client = DirectoryClient::new(connection(&endpoint(test.address(), identity, domain, receipts)));
        match client.list_municipalities(&PageRequest::default()).await {
            Err(ClientError::Unreachable {
                fault: Some(fault), ..
            }) => fault,
            other => panic!("{:?}", other.err()),
        }
    };
    let found = fault(identity.clone(), TRUST_DOMAIN, receipts()).await;
    assert_eq!(found, HandshakeFault::ServerUntrusted);

    // Also where it trusts the authority of tests.
    let both = test.file("both.pem");
    joined(&[&identity.authorities, &test.file("pki/authority.pem")], &both);
    let trusting = client::connection::IdentityFiles {
        authorities: both,
        ..identity.clone()
    };
    let found = fault(trusting, TRUST_DOMAIN, receipts()).await;
    assert_eq!(
        found,
        HandshakeFault::OtherServer(IdentityFault::ForeignTrustDomain)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_belongs_to_the_other_domain_makes_no_connection() {
    let (production, test) = both().await;
    let address = production.address();
    let kept = || ReceiptPolicy::Keep;
    let own_of_tests = endpoint(address, test.identity("police"), TRUST_DOMAIN, kept());
    assert!(matches!(
        open(&own_of_tests),
        Err(SetupError::Tls(TlsError::OwnIdentity(
            IdentityFault::ForeignTrustDomain
        )))
    ));
    let own = production.authority.peer(Role::Agency, POLICE.agency);
    let log_of_tests = ReceiptPolicy::Verify(test.log_verifier());
    assert!(matches!(
        open(&endpoint(address, own, TRUST_DOMAIN, log_of_tests)),
        Err(SetupError::OtherDomainsLog)
    ));
    let mut mixed = test.endpoint("police");
    mixed.receipts = ReceiptPolicy::Verify(log_verifier());
    assert!(matches!(open(&mixed), Err(SetupError::OtherDomainsLog)));
    assert_eq!(
        TrustDomainName::parse(TEST_DOMAIN).map(|name| name.kind()),
        Ok(agreement::domain::DomainKind::Test)
    );
}
