//! An access log on a disk, and entries as a granted lookup makes them.

use std::path::Path;
use std::sync::Arc;

use ledger::checkpoint::{LogSigner, LogVerifier};
use ledger::hash::sha256;
use ledger::header::{EntryKind, Outcome, RequestId};
use ledger::name::Origin;
use ledger::part::{MunicipalityId, PartKind};
use store::access_log::draft::EntryDraft;
use store::access_log::part_content::{
    CriteriaPart, DecisionPart, OperatorPart, Subject, SubjectRole, SubjectsPart,
};
use store::access_log::retention::Retention;
use store::access_log::start::{LogFiles, LogParameters, StartReport};
use store::access_log::{AccessLog, LogSettings};
use store::files::Files;
use store::files::system::SystemFiles;
use store::keys::Entropy;
use store::keys::encryption_key::KeyEncryptionKey;
use store::keys::ring::KeyRing;
use store::keys::token::{TokenDomain, Tokenizer};
use transport::clock::{Clock, SystemClock};
use transport::random::{Random, SystemRandom};

#[derive(Debug)]
struct SystemEntropy;

impl Entropy for SystemEntropy {
    fn fill(&self, buffer: &mut [u8]) {
        SystemRandom.fill(buffer);
    }
}

fn signer() -> LogSigner {
    let origin = Origin::new("log.ponte.example/1").expect("the name of a log");
    LogSigner::from_seed(origin, &[0x1e; 32]).expect("any seed makes a key")
}

/// Who verifies the heads of these logs.
pub fn verifier() -> LogVerifier {
    signer().verifier()
}

/// Opens the log in a directory, or makes an empty one there: in `log`, `hashes`, `copy` and `keys`.
///
/// # Panics
/// When the log is refused.
pub fn open_log(directory: &Path) -> (AccessLog, StartReport) {
    let files = |name: &str| -> Arc<dyn Files> {
        Arc::new(SystemFiles::open(&directory.join(name)).expect("the directory can be made"))
    };
    let entropy: Arc<dyn Entropy> = Arc::new(SystemEntropy);
    let ring = KeyRing::open(
        files("keys"),
        KeyEncryptionKey::from_bytes(&[0x2c; 32]),
        Arc::clone(&entropy),
    );
    let parameters = LogParameters {
        files: LogFiles {
            log: files("log"),
            hashes: files("hashes"),
            copy: files("copy"),
        },
        signer: signer(),
        ring: Arc::new(ring.expect("the ring opens")),
        entropy,
        clock: Arc::new(|| SystemClock.now_ms()),
        witnessed: Vec::new(),
        on_fatal: Arc::new(|reason| panic!("{reason}")),
    };
    AccessLog::open(parameters, LogSettings::default()).expect("the log opens")
}

/// An entry as a granted lookup makes it.
fn entry(pseudonyms: &Tokenizer, number: u64) -> EntryDraft {
    let mut draft = EntryDraft::new(EntryKind::Access, Retention::months(24).expect("a term"));
    draft.header.peer = Some("spiffe://ponte.example/agency/questura-bo".to_owned());
    draft.header.certificate = Some(sha256(b"certificate"));
    draft.header.address = Some("192.0.2.7".to_owned());
    draft.header.service = Some("ponte.consultation.v1.ConsultationService/LookupPerson".to_owned());
    draft.header.agreement = Some("questura-2026".to_owned());
    draft.header.agreement_version = Some(sha256(b"agreement"));
    draft.header.purpose = Some("investigation".to_owned());
    draft.header.request_id = Some(RequestId(u128::from(number).to_be_bytes()));
    draft.header.outcome = Outcome {
        code: 0,
        reason: String::new(),
    };
    draft.header.granted_fields = [
        "birth_date",
        "given_name",
        "household",
        "residence",
        "surname",
        "tax_code",
    ]
    .map(str::to_owned)
    .to_vec();
    let municipality = TokenDomain::Pseudonym {
        municipality: "E289",
        year: 2026,
    };
    let subject = Subject {
        pseudonym: pseudonyms.token(municipality, &number.to_be_bytes()),
        role: SubjectRole::Shown,
        fields: draft.header.granted_fields.clone(),
    };
    let operator = OperatorPart {
        operator: "m.esposito".to_owned(),
        assurance: "substantial".to_owned(),
        workstation: Some("PC-12".to_owned()),
        case_reference: Some("2026/123".to_owned()),
        consent_reference: None,
    };
    let criteria = CriteriaPart {
        criteria: vec![("tax_code".to_owned(), "RSSMRA85T10A944S".to_owned())],
    };
    let decision = DecisionPart {
        outcome: "ANSWERED".to_owned(),
        facts: vec![("visible".to_owned(), number.to_string())],
        ..DecisionPart::default()
    };
    let subjects = SubjectsPart {
        subjects: vec![subject],
        count: 1,
    };
    let municipality = MunicipalityId::new("E289").expect("an identity");
    draft
        .with(PartKind::Operator, &operator)
        .and_then(|draft| draft.with(PartKind::Criteria, &criteria))
        .and_then(|draft| draft.with(PartKind::Decision, &decision))
        .and_then(|draft| draft.with(PartKind::Subjects(municipality), &subjects))
        .expect("the parts fit their encoding")
}

/// Appends an entry and waits for its proof.
///
/// # Panics
/// When the log does not write.
pub async fn append(log: AccessLog, pseudonyms: Arc<Tokenizer>, number: u64) {
    let place = log.reserve().expect("there is a place for every producer");
    let committed = log
        .append(place, entry(&pseudonyms, number))
        .await
        .expect("the log writes");
    assert!(
        committed.index() < committed.head().checkpoint.size,
        "an entry is below the head that proves it"
    );
}
