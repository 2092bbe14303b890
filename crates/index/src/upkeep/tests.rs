use std::net::{IpAddr, Ipv4Addr};

use agreement::peer::{CertificateFingerprint, Peer, Role, SpiffeId};
use ledger::header::Outcome;
use ledger::part::PartKind;
use registry::identifier::IstatCode;
use registry::publication::EnrolledKeys;
use registry::signing::SigningKey;
use store::access_log::part_content::{DetailPart, PartContent};
use store::access_log::reading::{OpenedPart, ReaderScope};
use store::record_store::JournaledStore;
use wire::convert::{FreshnessOutcome, timestamp_from_ms};

use super::*;
use crate::access::tests::shared;
use crate::config::NodeGrant;
use crate::entry::{told, told_ok};

const IMOLA: &str = "037032";

fn by_an_administrator(method: &'static str) -> Call {
    Call {
        peer: Peer {
            id: SpiffeId::new("ponte.example", Role::Admin, "segreteria").unwrap(),
            certificate: CertificateFingerprint([7; 32]),
            address: IpAddr::V4(Ipv4Addr::LOCALHOST),
        },
        method,
        request_id: None,
        digest: None,
        trace_id: None,
        freshness: FreshnessOutcome::NotAsked,
        arrived: std::time::Instant::now(),
    }
}

/// An index that serves Imola.
fn index() -> Shared<JournaledStore> {
    let mut shared = shared();
    let imola = MunicipalityId::of_any(IstatCode::parse(IMOLA).unwrap()).unwrap();
    let grant = NodeGrant {
        municipalities: vec![imola],
        publication_keys: EnrolledKeys::of(SigningKey::from_seed(&[9; 32]).unwrap().verifying_key()),
    };
    let node = SpiffeId::new("ponte.example", Role::Node, "imola").unwrap();
    shared.nodes.insert(node, grant);
    shared
}

/// Outcome of each entry, with the act that it names.
fn acts(shared: &Shared<JournaledStore>) -> Vec<(Outcome, String)> {
    let size = shared.log.checkpoint().checkpoint.size;
    let entries = shared.log.entries(&ReaderScope::Index, 0..size, 100).unwrap();
    let act = |parts: &[OpenedPart]| {
        let detail = parts.iter().find_map(|part| match part {
            OpenedPart::Shown(part) if part.kind == PartKind::AdministrativeDetail => Some(&part.content),
            OpenedPart::Shown(_) | OpenedPart::Erased { .. } => None,
        });
        let DetailPart { details } = DetailPart::decode(detail.unwrap()).unwrap();
        details.into_iter().find(|(name, _)| name == "act").unwrap().1
    };
    entries
        .iter()
        .map(|entry| {
            assert_eq!(entry.header.body.kind, EntryKind::Publication);
            (entry.header.body.outcome.clone(), act(&entry.parts))
        })
        .collect()
}

fn end_of_imola() -> pb::AcceptJournalRequest {
    pb::AcceptJournalRequest {
        municipality: IMOLA.to_owned(),
        journal_end: 0,
        reference: "DET. 2026/77".to_owned(),
        operator: "g.verdi".to_owned(),
    }
}

fn a_backup() -> pb::DeclareBackupRequest {
    pb::DeclareBackupRequest {
        time: Some(timestamp_from_ms(1_799_999_000_000)),
        reference: "DET. 2026/77".to_owned(),
        operator: "g.verdi".to_owned(),
    }
}

#[tokio::test]
async fn an_act_that_takes_place_is_one_entry() {
    let shared = index();
    let call = by_an_administrator("ponte.directory.v1.DirectoryService/AcceptJournal");
    shared.accept_journal(call, end_of_imola()).await.unwrap();
    let call = by_an_administrator("ponte.directory.v1.DirectoryService/DeclareBackup");
    shared.declare_backup(call, a_backup()).await.unwrap();
    let expected = [
        (told_ok(), "accept-journal".to_owned()),
        (told_ok(), "declare-backup".to_owned()),
    ];
    assert_eq!(acts(&shared), expected);
}

#[tokio::test]
async fn a_journal_that_cannot_be_accepted_is_entered_again_with_its_reason() {
    let shared = index();
    shared.store.close();
    let call = by_an_administrator("ponte.directory.v1.DirectoryService/AcceptJournal");
    let refused = shared.accept_journal(call, end_of_imola()).await.unwrap_err();
    let reason = wire::status::failure_of(&refused).reason.known();
    assert_eq!(reason, Some(Reason::Unavailable));
    let expected = [
        (told_ok(), "accept-journal".to_owned()),
        (told(Reason::Unavailable), "accept-journal".to_owned()),
    ];
    assert_eq!(acts(&shared), expected);
}

#[tokio::test]
async fn a_backup_that_cannot_be_noted_is_entered_again_with_its_reason() {
    let shared = index();
    shared.store.close();
    let call = by_an_administrator("ponte.directory.v1.DirectoryService/DeclareBackup");
    let refused = shared.declare_backup(call, a_backup()).await.unwrap_err();
    let reason = wire::status::failure_of(&refused).reason.known();
    assert_eq!(reason, Some(Reason::Unavailable));
    let expected = [
        (told_ok(), "declare-backup".to_owned()),
        (told(Reason::Unavailable), "declare-backup".to_owned()),
    ];
    assert_eq!(acts(&shared), expected);
}
