use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use chrono::{DateTime, TimeZone, Utc};
use rcgen::{CertificateParams, KeyPair, SanType};

use agreement::peer::SpiffeId;

use super::authority::{Issued, Revocation, TrustDomain};
use super::error::PkiError;
use super::files::{self, PkiFileError};
use super::names::{IndexId, InvalidName, TrustDomainName, Validity};
use super::request::{self, KeyPem};
use super::summary;
use crate::random::danger::SeededRandom;

const DAY: Duration = Duration::from_secs(24 * 3600);

fn start() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 11, 2, 8, 0, 0).unwrap()
}

fn days(count: u32) -> Validity {
    Validity::starting(start(), DAY * count).unwrap()
}

fn authority(name: &str) -> (Issued, TrustDomain) {
    let name = TrustDomainName::parse(name).unwrap();
    let made = TrustDomain::create(&name, days(3650), &SeededRandom::new(1)).unwrap();
    let opened = TrustDomain::open(&made.certificate, &made.key).unwrap();
    (made, opened)
}

fn agency() -> SpiffeId {
    SpiffeId::parse("spiffe://ponte.example/agency/questura-bo").unwrap()
}

fn index() -> IndexId {
    IndexId::parse("spiffe://ponte.example/index/regione").unwrap()
}

#[test]
fn a_peer_gets_a_certificate_that_names_it_and_nothing_else() {
    let (_, ca) = authority("ponte.example");
    let request = request::csr(&agency()).unwrap();
    let pem = ca
        .issue(&request.csr, &agency(), days(90), &SeededRandom::new(2))
        .unwrap();

    let facts = summary::inspect(&pem).unwrap();
    assert_eq!(facts.uris, [agency().to_string()]);
    assert!(facts.dns_names.is_empty());
    assert_eq!(facts.validity, days(90));
    assert_eq!(
        (facts.client_auth, facts.server_auth, facts.authority),
        (true, false, false)
    );
    assert!(facts.issuer.contains("Ponte trust domain ponte.example"));
    assert_eq!(facts.serial.len(), 32);
}

#[test]
fn a_server_gets_a_certificate_that_no_client_can_use() {
    let (_, ca) = authority("ponte.example");
    let request = request::server_csr(&index(), &["index.example"]).unwrap();
    let pem = ca
        .issue_server(
            &request.csr,
            &index(),
            &["index.example"],
            days(90),
            &SeededRandom::new(2),
        )
        .unwrap();

    let facts = summary::inspect(&pem).unwrap();
    assert_eq!(facts.uris, [index().to_string()]);
    assert_eq!(facts.dns_names, ["index.example"]);
    assert_eq!((facts.client_auth, facts.server_auth), (false, true));
}

#[test]
fn a_request_is_signed_only_for_the_identity_it_names() {
    let (_, ca) = authority("ponte.example");
    let other = SpiffeId::parse("spiffe://ponte.example/admin/root").unwrap();
    let request = request::csr(&agency()).unwrap();
    let random = SeededRandom::new(2);
    assert!(matches!(
        ca.issue(&request.csr, &other, days(90), &random),
        Err(PkiError::RequestNamesAnother)
    ));

    let foreign = SpiffeId::parse("spiffe://elsewhere.example/agency/questura-bo").unwrap();
    let request = request::csr(&foreign).unwrap();
    assert!(matches!(
        ca.issue(&request.csr, &foreign, days(90), &random),
        Err(PkiError::ForeignTrustDomain)
    ));
    assert!(matches!(
        ca.issue("no request", &agency(), days(90), &random),
        Err(PkiError::NotOneRequest)
    ));
    let empty = "-----BEGIN CERTIFICATE REQUEST-----\n-----END CERTIFICATE REQUEST-----\n";
    assert!(matches!(
        ca.issue(empty, &agency(), days(90), &random),
        Err(PkiError::UnreadableRequest)
    ));
}

#[test]
fn beside_a_request_there_may_be_text_but_no_other_block() {
    let (_, ca) = authority("ponte.example");
    let random = SeededRandom::new(2);
    let own = request::csr(&agency()).unwrap().csr;
    let foreign = request::csr(&agency()).unwrap().csr;
    let relabelled = |label: &str| foreign.replace("CERTIFICATE REQUEST", label);
    for (text, what) in [
        (
            format!("{}{own}", relabelled("NEW CERTIFICATE REQUEST")),
            "a block before",
        ),
        (
            format!("{own}{}", relabelled("NEW CERTIFICATE REQUEST")),
            "a block behind",
        ),
        (format!("{own}{foreign}"), "two"),
        (format!("{}{own}", relabelled("PUBLIC KEY")), "another label"),
        (format!("{own}note: {foreign}"), "a block within a line"),
        (relabelled("NEW CERTIFICATE REQUEST"), "another label alone"),
    ] {
        let issued = ca.issue(&text, &agency(), days(90), &random);
        assert!(matches!(issued, Err(PkiError::NotOneRequest)), "{what}");
    }
    let with_text = format!("node: imola\r\n{}note: as asked\n", own.replace('\n', "\r\n"));
    assert!(ca.issue(&with_text, &agency(), days(90), &random).is_ok());
}

#[test]
fn a_request_gets_neither_another_key_kind_nor_a_signature_when_its_own_is_wrong() {
    let (_, ca) = authority("ponte.example");
    let random = SeededRandom::new(2);
    let mut params = CertificateParams::default();
    params.subject_alt_names = vec![SanType::URI(agency().to_string().try_into().unwrap())];
    let key = KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap();
    let csr = params.serialize_request(&key).unwrap();
    assert!(matches!(
        ca.issue(&csr.pem().unwrap(), &agency(), days(90), &random),
        Err(PkiError::RequestKeyKind)
    ));

    // One bit of the last certificate request's signature is turned.
    let good = request::csr(&agency()).unwrap().csr;
    let der = pem_body(&good);
    let mut broken = der.clone();
    *broken.last_mut().unwrap() ^= 1;
    let parsed = rcgen::CertificateSigningRequestParams::from_der(&broken.as_slice().into());
    assert!(parsed.is_err());
    assert!(rcgen::CertificateSigningRequestParams::from_der(&der.as_slice().into()).is_ok());
}

fn pem_body(pem: &str) -> Vec<u8> {
    use rustls_pki_types::CertificateSigningRequestDer;
    use rustls_pki_types::pem::PemObject;
    CertificateSigningRequestDer::from_pem_slice(pem.as_bytes())
        .unwrap()
        .as_ref()
        .to_vec()
}

#[test]
fn a_server_certificate_needs_a_dns_name_of_plain_characters() {
    let (_, ca) = authority("ponte.example");
    let random = SeededRandom::new(2);
    assert!(matches!(
        ca.issue_server_with_key(&index(), &[], days(90), &random),
        Err(PkiError::NoDnsName)
    ));
    for wrong in ["", "index example", "città.example", "*.example"] {
        assert!(matches!(
            ca.issue_server_with_key(&index(), &[wrong], days(90), &random),
            Err(PkiError::InvalidDnsName)
        ));
    }
}

#[test]
fn a_renewed_certificate_keeps_the_names_and_gets_a_new_serial_number_and_key() {
    let (_, ca) = authority("ponte.example");
    let random = SeededRandom::new(2);
    let old = ca.issue_with_key(&agency(), days(90), &random).unwrap();
    let request = request::csr(&agency()).unwrap();
    let later = Validity::starting(start() + DAY * 60, DAY * 90).unwrap();
    let renewed = ca.renew(&old.certificate, &request.csr, later, &random).unwrap();

    let (old, renewed) = (
        summary::inspect(&old.certificate).unwrap(),
        summary::inspect(&renewed).unwrap(),
    );
    assert_eq!(old.uris, renewed.uris);
    assert_eq!(renewed.validity, later);
    assert_ne!(old.serial, renewed.serial);
    assert_ne!(old.public_key, renewed.public_key);
}

#[test]
fn only_certificates_of_this_authority_are_renewed() {
    let (_, ca) = authority("ponte.example");
    // Another authority of the same name: only its signature tells it apart.
    let (_, impostor) = authority("ponte.example");
    let random = SeededRandom::new(2);
    let foreign = impostor.issue_with_key(&agency(), days(90), &random).unwrap();
    let request = request::csr(&agency()).unwrap();
    assert!(matches!(
        ca.renew(&foreign.certificate, &request.csr, days(90), &random),
        Err(PkiError::ForeignCertificate)
    ));
}

#[test]
fn an_authority_opens_only_with_its_own_key_and_only_if_it_is_one() {
    let (made, ca) = authority("ponte.example");
    let (other, _) = authority("ponte.example");
    assert_eq!(ca.name().as_str(), "ponte.example");
    assert_eq!(ca.certificate(), made.certificate);
    assert!(matches!(
        TrustDomain::open(&made.certificate, &other.key),
        Err(PkiError::KeyMismatch)
    ));
    assert!(matches!(
        TrustDomain::open(&made.certificate, &KeyPem::new("no key".to_owned())),
        Err(PkiError::UnreadableKey)
    ));
    let peer = ca
        .issue_with_key(&agency(), days(90), &SeededRandom::new(2))
        .unwrap();
    assert!(matches!(
        TrustDomain::open(&peer.certificate, &peer.key),
        Err(PkiError::NotAnAuthority)
    ));
}

#[test]
fn renewal_is_due_when_two_thirds_of_the_life_are_over() {
    let (_, ca) = authority("ponte.example");
    let issued = ca
        .issue_with_key(&agency(), days(90), &SeededRandom::new(2))
        .unwrap();
    let facts = summary::inspect(&issued.certificate).unwrap();
    assert!(!facts.needs_renewal(start() + DAY * 60 - Duration::from_secs(1)));
    assert!(facts.needs_renewal(start() + DAY * 60));
}

#[test]
fn a_revocation_list_takes_serial_numbers_in_hexadecimal_only() {
    let (_, ca) = authority("ponte.example");
    let list = |serial: &str| {
        let revocation = Revocation {
            serial: serial.to_owned(),
            at: start(),
        };
        ca.revocation_list(&[revocation], 1, days(7))
    };
    assert!(list("40a1").unwrap().contains("BEGIN X509 CRL"));
    for wrong in ["", "4", "4g", "+1", &"00".repeat(21)] {
        assert!(matches!(list(wrong), Err(PkiError::InvalidSerial)), "{wrong}");
    }
}

#[test]
fn names_outside_the_rules_are_refused() {
    for wrong in [
        "",
        "Ponte.example",
        "ponte_example",
        "ponte.example/agency",
        &"a".repeat(101),
    ] {
        assert_eq!(
            TrustDomainName::parse(wrong),
            Err(InvalidName::TrustDomain),
            "{wrong}"
        );
    }
    for wrong in [
        "spiffe://ponte.example/index/",
        "spiffe://ponte.example/index/a/b",
        "spiffe://ponte.example/agency/a",
        "https://ponte.example/index/a",
        "spiffe://ponte.example",
        "spiffe://ponte.example/index/A",
    ] {
        assert_eq!(IndexId::parse(wrong), Err(InvalidName::Index), "{wrong}");
    }
    assert_eq!(index().to_string(), "spiffe://ponte.example/index/regione");
    assert_eq!(IndexId::parse("spiffe:///index/a"), Err(InvalidName::TrustDomain));
    assert!(SpiffeId::parse(&index().to_string()).is_err());
}

#[test]
fn a_validity_is_a_span_that_certificates_can_state() {
    assert_eq!(Validity::new(start(), start()), Err(InvalidName::Validity));
    assert_eq!(
        Validity::starting(start(), Duration::MAX),
        Err(InvalidName::Validity)
    );
    let before_1970 = Utc.with_ymd_and_hms(1969, 12, 31, 0, 0, 0).unwrap();
    assert_eq!(Validity::new(before_1970, start()), Err(InvalidName::Validity));
    let year_10000 = Utc.with_ymd_and_hms(10_000, 1, 1, 0, 0, 0).unwrap();
    assert_eq!(Validity::new(start(), year_10000), Err(InvalidName::Validity));
}

#[test]
fn a_key_file_is_its_owners_alone_and_is_not_overwritten() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("agency.key");
    let key = request::csr(&agency()).unwrap().key;
    files::write_key(&path, &key).unwrap();
    assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(files::read_key(&path).unwrap().expose(), key.expose());
    assert!(matches!(
        files::write_key(&path, &key),
        Err(PkiFileError::Exists(_))
    ));

    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
    assert!(matches!(files::read_key(&path), Err(PkiFileError::KeyExposed(_))));
}

#[test]
fn a_key_is_never_shown_by_debug() {
    let request = request::csr(&agency()).unwrap();
    assert!(!format!("{request:?}").contains("PRIVATE KEY"));
}
