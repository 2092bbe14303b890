use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use chrono::TimeDelta;
use registry::signing::Purpose;
use store::keys::encryption_key::KeyEncryptionKey;
use transport::pki::authority::{Issued, TrustDomain};
use transport::pki::names::{TrustDomainName, Validity};
use transport::random::danger::SeededRandom;

use crate::fixture::imola;

use super::*;

fn now() -> DateTime<Utc> {
    "2026-03-02T10:00:00Z".parse().unwrap()
}

fn authority() -> Issued {
    let name = TrustDomainName::parse("ponte.example").unwrap();
    let validity = Validity::starting(now(), Duration::from_secs(86_400 * 365)).unwrap();
    TrustDomain::create(&name, validity, &SeededRandom::new(1)).unwrap()
}

fn invitation() -> Invitation {
    Invitation {
        host: "index.ponte.example".to_owned(),
        port: 8443,
        server_name: None,
        index: transport::pki::names::IndexId::parse("spiffe://ponte.example/index/main").ok(),
        trust_domain: TrustDomainName::parse("ponte.example").unwrap(),
        authorities: authority().certificate,
        log_key: None,
        municipality: imola(),
        node: node_identity("ponte.example", "imola").unwrap(),
        expires: now() + TimeDelta::days(14),
    }
}

fn region_key() -> InvitationKey {
    InvitationKey::of_log(&[8; 32])
}

fn sealed() -> SealedInvitation {
    invitation().seal(&region_key()).unwrap()
}

struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn node(&self) -> PathBuf {
        self.0.path().join("imola")
    }

    fn enrol(&self) -> Result<Enrolled, EnrolError> {
        enrol(&self.node(), &sealed(), now(), &SeededRandom::new(2))
    }
}

fn names(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).unwrap();
    let mut names: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn an_invitation_is_one_line_and_is_read_again_also_when_a_mail_program_broke_it() {
    let invitation = sealed();
    let text = invitation.to_text().unwrap();
    assert!(!text.contains(char::is_whitespace));
    assert_eq!(SealedInvitation::parse(&text).as_ref(), Ok(&invitation));
    let (one, other) = text.split_at(70);
    let broken = format!("  {one}\r\n{other}\n");
    let read = SealedInvitation::parse(&broken).unwrap();
    assert_eq!(read, invitation);
    assert_eq!(read.number(), invitation.number());
}

#[test]
fn every_mistyped_or_missing_character_is_noticed() {
    let text = sealed().to_text().unwrap();
    for at in 0..text.len() {
        let mut bytes = text.clone().into_bytes();
        bytes[at] = if bytes[at] == b'x' { b'y' } else { b'x' };
        let changed = String::from_utf8(bytes).unwrap();
        assert!(
            SealedInvitation::parse(&changed).is_err(),
            "character {at} changed"
        );
        let shorter = format!("{}{}", &text[..at], &text[at + 1..]);
        assert!(
            SealedInvitation::parse(&shorter).is_err(),
            "character {at} left out"
        );
    }
    assert_eq!(SealedInvitation::parse(""), Err(InvitationError::Form));
    assert_eq!(
        SealedInvitation::parse("ponte-invitation-1.e30.00000000"),
        Err(InvitationError::Form)
    );
}

#[test]
fn an_invitation_that_breaks_a_rule_is_neither_written_nor_read() {
    let refused = |change: &dyn Fn(&mut Invitation), expect: &str| {
        let mut changed = invitation();
        change(&mut changed);
        assert_eq!(changed.seal(&region_key()).unwrap_err().to_string(), expect);
    };
    refused(
        &|changed| changed.host = "index\"\nport = 1".to_owned(),
        "host: must be a DNS name or an IP address",
    );
    refused(
        &|changed| changed.node = SpiffeId::parse("spiffe://ponte.example/agency/imola").unwrap(),
        "node: must be a node of the trust domain",
    );
    refused(
        &|changed| changed.trust_domain = TrustDomainName::parse("other.example").unwrap(),
        "index: must be an index of the trust domain",
    );
    refused(
        &|changed| changed.authorities = String::new(),
        "authorities: must be the certificate of the trust domain's authority",
    );
    refused(
        &|changed| changed.log_key = Some("x".to_owned()),
        "log_key: must be the verifier key of a log",
    );
    refused(
        &|changed| changed.municipality = registry::identifier::IstatCode::parse("999999").unwrap(),
        "municipality: must be the ISTAT code of a municipality of today, six digits",
    );
}

#[test]
fn a_node_is_made_with_all_its_keys_and_for_its_owner_alone() {
    let place = Place::new();
    let enrolled = place.enrol().unwrap();
    assert_eq!(
        names(&place.node()),
        [
            "authority.pem",
            "data",
            "enrolment.request",
            "node.csr",
            "node.kek",
            "node.key",
            "node.toml",
            "publication.key",
            "publication.pub"
        ]
    );
    let mode = |name: &str| {
        let metadata = fs::metadata(place.node().join(name)).unwrap();
        metadata.permissions().mode() & 0o777
    };
    assert_eq!(mode(""), 0o700);
    for secret in ["node.kek", "node.key", "publication.key"] {
        assert_eq!(mode(secret), 0o600, "{secret}");
    }
    let config = NodeConfig::load(&place.node().join(CONFIG_FILE)).unwrap();
    assert_eq!(config.municipality, imola());
    assert_eq!(config.index.server.host, "index.ponte.example");
    assert!(KeyEncryptionKey::from_file(&config.key_encryption_key).is_ok());
    let key = files::read_key(&config.publication_key).unwrap();
    let key = SigningKey::from_pem(key.expose()).unwrap();
    assert_eq!(key.verifying_key(), enrolled.request.publication_key);
    let public = fs::read_to_string(place.node().join("publication.pub")).unwrap();
    assert_eq!(public, format!("{}\n", enrolled.request.publication_key));
    let signature = key.sign(Purpose::Batch, b"batch");
    let verified = enrolled
        .request
        .publication_key
        .verify(Purpose::Batch, b"batch", &signature);
    assert!(verified.is_ok());
}

#[test]
fn keys_are_never_overwritten() {
    let place = Place::new();
    place.enrol().unwrap();
    let before = fs::read(place.node().join("publication.key")).unwrap();
    assert!(matches!(place.enrol(), Err(EnrolError::Exists(_))));
    assert_eq!(fs::read(place.node().join("publication.key")).unwrap(), before);

    let place = Place::new();
    fs::create_dir(place.node()).unwrap();
    fs::write(place.node().join("note.txt"), "mine").unwrap();
    assert!(matches!(place.enrol(), Err(EnrolError::Exists(_))));
    assert_eq!(names(&place.node()), ["note.txt"]);
    fs::remove_file(place.node().join("note.txt")).unwrap();
    assert!(place.enrol().is_ok(), "an empty directory is free");
}

#[test]
fn an_invitation_that_expired_makes_nothing() {
    let place = Place::new();
    let late = now() + TimeDelta::days(15);
    let refused = enrol(&place.node(), &sealed(), late, &SeededRandom::new(2));
    assert!(matches!(refused, Err(EnrolError::Expired(_))));
    assert!(names(place.0.path()).is_empty());
}

#[test]
fn the_region_reads_the_request_and_sees_the_same_number() {
    let place = Place::new();
    let enrolled = place.enrol().unwrap();
    let text = fs::read_to_string(place.node().join(REQUEST_FILE)).unwrap();
    let read = EnrolmentRequest::parse(&text).unwrap();
    assert_eq!(read, enrolled.request);
    assert_eq!(read.fingerprint(), enrolled.request.fingerprint());
    let windows = EnrolmentRequest::parse(&text.replace('\n', "\r\n")).unwrap();
    assert_eq!(windows, read);
    let other = enrol(
        &place.0.path().join("other"),
        &sealed(),
        now(),
        &SeededRandom::new(3),
    );
    assert_ne!(other.unwrap().request.fingerprint(), read.fingerprint());
}

#[test]
fn only_an_answer_to_an_invitation_of_this_region_is_admitted_and_only_in_time() {
    let place = Place::new();
    let request = place.enrol().unwrap().request;
    let end = now() + TimeDelta::days(14);
    assert_eq!(request.check_invitation(&region_key(), end), Ok(()));
    assert_eq!(
        request.check_invitation(&region_key(), end + TimeDelta::seconds(1)),
        Err(InvitedError::Expired(end))
    );
    assert_eq!(
        request.check_invitation(&InvitationKey::of_log(&[9; 32]), now()),
        Err(InvitedError::Unknown)
    );
    // Somebody on the way put in his own index, or another end, and kept the seal.
    let base = invitation();
    let own_seal = base.clone().seal(&region_key()).unwrap().invited().seal;
    let put_in = |change: &dyn Fn(&mut Invitation)| {
        let mut changed = base.clone();
        change(&mut changed);
        let foreign = changed.seal(&InvitationKey::of_log(&[9; 32])).unwrap();
        assert_ne!(foreign.invited().seal, own_seal);
        let invited = Invited {
            seal: own_seal,
            ..foreign.invited().clone()
        };
        let key = SigningKey::from_seed(&[5; 32]).unwrap();
        let node = foreign.invitation().node.clone();
        let csr = csr(&node).unwrap().csr;
        let request = EnrolmentRequest::make(imola(), node, invited, &csr, &key);
        request.check_invitation(&region_key(), now())
    };
    assert_eq!(put_in(&|_| ()), Ok(()), "control");
    for change in [
        &|changed: &mut Invitation| changed.host = "index.example".to_owned(),
        &|changed: &mut Invitation| changed.expires += TimeDelta::days(1),
        &|changed: &mut Invitation| changed.node = node_identity("ponte.example", "dozza").unwrap(),
    ] as [&dyn Fn(&mut Invitation); 3]
    {
        assert_eq!(put_in(change), Err(InvitedError::Unknown));
    }
}

#[test]
fn the_authority_issues_the_certificate_from_the_request_file_as_it_is() {
    let place = Place::new();
    place.enrol().unwrap();
    let text = fs::read_to_string(place.node().join(REQUEST_FILE)).unwrap();
    let Issued { certificate, key } = authority();
    let domain = TrustDomain::open(&certificate, &key).unwrap();
    let validity = Validity::starting(now(), Duration::from_secs(86_400)).unwrap();
    let node = node_identity("ponte.example", "imola").unwrap();
    assert!(
        domain
            .issue(&text, &node, validity, &SeededRandom::new(4))
            .is_ok()
    );
}

#[test]
fn a_request_that_was_changed_is_refused() {
    let place = Place::new();
    place.enrol().unwrap();
    let other = enrol(
        &place.0.path().join("other"),
        &sealed(),
        now(),
        &SeededRandom::new(3),
    )
    .unwrap();
    let text = fs::read_to_string(place.node().join(REQUEST_FILE)).unwrap();
    let line = |text: &str, name: &str| {
        let line = text.lines().find(|line| line.starts_with(name)).unwrap();
        line.to_owned()
    };
    let exchanged = |name: &str| text.replace(&line(&text, name), &line(&other.request.to_text(), name));
    let csr = text.split_once("-----BEGIN").unwrap().1.to_owned();
    let other_csr = other
        .request
        .to_text()
        .split_once("-----BEGIN")
        .unwrap()
        .1
        .to_owned();
    for (changed, what) in [
        (exchanged("publication_key"), "another key"),
        (exchanged("signature"), "another signature"),
        (
            text.replace("expires: 2026-03", "expires: 2027-03"),
            "another end",
        ),
        (text.replace(&csr, &other_csr), "another signing request"),
        (text.replace("037032", "037006"), "another municipality"),
        (text.replace("node/imola", "node/dozza"), "another node"),
    ] {
        assert_ne!(changed, text, "{what}");
        let refused = EnrolmentRequest::parse(&changed);
        assert!(
            matches!(refused, Err(RequestError::Signature)),
            "{what}: {refused:?}"
        );
    }
    let twice = format!("{text}node: spiffe://ponte.example/node/dozza\n");
    assert_eq!(
        EnrolmentRequest::parse(&twice).unwrap_err().to_string(),
        "node: must be stated once"
    );
    assert!(matches!(EnrolmentRequest::parse("x"), Err(RequestError::Form)));
}

#[test]
fn a_request_with_a_block_or_a_line_of_somebody_else_is_neither_admitted_nor_signed() {
    let place = Place::new();
    place.enrol().unwrap();
    let text = fs::read_to_string(place.node().join(REQUEST_FILE)).unwrap();
    let node = node_identity("ponte.example", "imola").unwrap();
    // A key of whoever carried the file, for the same name.
    let foreign = csr(&node).unwrap().csr;
    let foreign = foreign.replace("CERTIFICATE REQUEST", "NEW CERTIFICATE REQUEST");
    let (head, own) = text.split_once("-----BEGIN").unwrap();
    let Issued { certificate, key } = authority();
    let domain = TrustDomain::open(&certificate, &key).unwrap();
    for changed in [
        format!("{head}{foreign}-----BEGIN{own}"),
        format!("{text}{foreign}"),
    ] {
        let refused = EnrolmentRequest::parse(&changed);
        assert!(matches!(refused, Err(RequestError::Additions)), "{refused:?}");
        let validity = Validity::starting(now(), Duration::from_secs(86_400)).unwrap();
        let issued = domain.issue(&changed, &node, validity, &SeededRandom::new(4));
        assert!(matches!(issued, Err(PkiError::NotOneRequest)), "{issued:?}");
    }
    for changed in [
        format!("{text}note: x\n"),
        text.replacen("node: ", "note: x\nnode: ", 1),
        text.replacen("-----END", "\n-----END", 1),
    ] {
        let refused = EnrolmentRequest::parse(&changed);
        assert!(matches!(refused, Err(RequestError::Additions)), "{refused:?}");
    }
}

#[test]
fn a_signing_request_for_somebody_else_is_refused_although_it_is_signed() {
    let foreign = csr(&node_identity("ponte.example", "dozza").unwrap())
        .unwrap()
        .csr;
    let key = SigningKey::from_seed(&[5; 32]).unwrap();
    let node = node_identity("ponte.example", "imola").unwrap();
    let request = EnrolmentRequest::make(imola(), node, sealed().invited().clone(), &foreign, &key);
    let refused = EnrolmentRequest::parse(&request.to_text());
    assert!(matches!(
        refused,
        Err(RequestError::SigningRequest(PkiError::RequestNamesAnother))
    ));
}

#[test]
fn the_section_for_the_index_names_node_municipality_and_key() {
    let place = Place::new();
    let enrolled = place.enrol().unwrap();
    let section = index_section(&enrolled.request);
    let key = enrolled.request.publication_key;
    let expect = format!(
        "\n[[node]]\nid = \"spiffe://ponte.example/node/imola\"\nmunicipalities = [\"037032\"]\n\
         publication_key = \"{key}\"\n"
    );
    assert_eq!(section, expect);
}
