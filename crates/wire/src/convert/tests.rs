mod ascertainments;
mod calls;
mod claims;
mod cards;
mod governing;
mod profile;
mod residents;
mod search;

use ledger::checkpoint::SignedCheckpoint;
use ledger::hash::leaf_hash;
use ledger::name::Origin;
use ledger::receipt::{Receipt, ShortReceipt};
use proptest::prelude::*;
use prost::Message;
use registry::change::EventKind;
use registry::codice_fiscale::CodiceFiscaleError;
use registry::date::DateError;
use registry::identifier::IdentifierError;
use registry::publication::{Batch, BatchError};
use registry::record::Record;

use super::*;
use crate::proto::publication::v1 as publication;
use crate::proto::registry::v1 as card;
use crate::proto::r#type::v1::PartialDate;

proptest! {
    #[test]
    fn cards_survive_the_wire(record in cards::any_record()) {
        let bytes = card::Record::from(&record).encode_to_vec();
        let read = card::Record::decode(bytes.as_slice()).unwrap();
        prop_assert_eq!(Record::try_from(read), Ok(record));
    }

    #[test]
    fn batches_survive_the_wire(batch in cards::any_batch()) {
        let bytes = publication::Batch::from(&batch).encode_to_vec();
        let read = Batch::try_from(publication::Batch::decode(bytes.as_slice()).unwrap());
        prop_assert_eq!(read.as_ref().map(Batch::content_id), Ok(batch.content_id()));
        prop_assert_eq!(read, Ok(batch));
    }

    #[test]
    fn instants_survive_to_the_millisecond(ms in -62_135_596_800_000_i64..253_402_300_800_000) {
        prop_assert_eq!(timestamp_to_ms("sent_at", Some(timestamp_from_ms(ms))), Ok(ms));
    }
}

#[track_caller]
fn refused(spoil: impl FnOnce(&mut card::Record), field: &str, rule: impl Into<Rule>) {
    let mut message = card::Record::from(&cards::example());
    spoil(&mut message);
    assert_eq!(Record::try_from(message), Err(Invalid::new(field, rule)));
}

#[test]
fn a_card_that_breaks_a_rule_is_refused_by_the_name_of_the_field() {
    refused(
        |card| card.municipality = "37006".into(),
        "municipality",
        IdentifierError::IstatCode,
    );
    refused(|card| card.register = 0, "register", Rule::Value);
    refused(|card| card.register = 9, "register", Rule::Value);
    refused(|card| card.generalities = None, "generalities", Rule::Missing);
    refused(
        |card| card.generalities.as_mut().unwrap().sex = 0,
        "generalities.sex",
        Rule::Value,
    );
    refused(
        |card| {
            card.generalities.as_mut().unwrap().birth_date = Some(PartialDate {
                year: 1980,
                month: 0,
                day: 3,
            })
        },
        "generalities.birth_date",
        DateError::DayWithoutMonth,
    );
    refused(
        |card| card.generalities.as_mut().unwrap().birth_place = Some(card::BirthPlace { place: None }),
        "generalities.birth_place.place",
        Rule::Missing,
    );
    refused(
        |card| card.tax_codes[0].code.truncate(15),
        "tax_codes[0].code",
        CodiceFiscaleError::Length,
    );
    refused(
        |card| card.residences[1].from = card.residences[0].from,
        "residences[1].from",
        Rule::Order,
    );
    refused(
        |card| {
            card.residences[0].from = Some(PartialDate {
                year: 1990,
                month: 2,
                day: 0,
            })
        },
        "residences[0].from",
        Rule::NotToTheDay,
    );
    refused(
        |card| {
            let Some(card::place::Place::Italian(address)) =
                &mut card.residences[0].place.as_mut().unwrap().place
            else {
                panic!("the example lives in Italy");
            };
            address.street = "x".repeat(101);
        },
        "residences[0].place.italian.street",
        Rule::Length { least: 1, most: 100 },
    );
    refused(
        |card| card.citizenships[0].states[0] = "10".into(),
        "citizenships[0].states[0]",
        IdentifierError::StateCode,
    );
    refused(|card| card.flags = None, "flags", Rule::Missing);
}

#[test]
fn a_batch_is_refused_as_the_domain_refuses_it() {
    let message = || publication::Batch::from(&cards::example_batch());
    let refused = |message: publication::Batch, field: &str, rule: Rule| {
        assert_eq!(Batch::try_from(message), Err(Invalid::new(field, rule)));
    };
    refused(
        publication::Batch {
            changes: Vec::new(),
            ..message()
        },
        "changes",
        Rule::Count { least: 1, most: 2000 },
    );
    refused(
        publication::Batch {
            epoch: vec![0; 15],
            ..message()
        },
        "epoch",
        Rule::Bytes(16),
    );
    refused(
        publication::Batch {
            sent_at: None,
            ..message()
        },
        "sent_at",
        Rule::Missing,
    );
    refused(
        publication::Batch {
            first_sequence: 2,
            ..message()
        },
        "changes",
        BatchError::Sequence.into(),
    );
    let mut without_state = message();
    without_state.changes[0].state = None;
    refused(without_state, "changes[0].state", Rule::Missing);
}

#[test]
fn kinds_of_events_bear_the_same_number_and_code_on_the_wire() {
    for kind in EventKind::ALL {
        let wire = card::EventKind::from(*kind);
        assert_eq!(wire as i32, i32::from(kind.number()));
        assert_eq!(wire.as_str_name(), format!("EVENT_KIND_{}", kind.code()));
    }
}

#[test]
fn messages_do_not_show_what_they_hold() {
    let batch = publication::Batch::from(&cards::example_batch());
    let change = batch.changes[0].clone();
    assert!(change.encode_to_vec().windows(5).any(|bytes| bytes == b"Rossi"));
    let printed = format!("{batch:?} {change:?} {:?}", change.state);
    assert!(
        !printed.contains("Rossi") && !printed.contains("1980"),
        "{printed}"
    );
    let error = Record::try_from(card::Record {
        local_id: "a b".into(),
        ..card::Record::from(&cards::example())
    });
    assert!(!error.unwrap_err().to_string().contains("a b"));
}

fn receipt(origin: &str) -> (Origin, Receipt) {
    let origin = Origin::new(origin).unwrap();
    let checkpoint = ledger::checkpoint::Checkpoint {
        origin: origin.clone(),
        size: 2,
        root: leaf_hash(b"root"),
    };
    let checkpoint = SignedCheckpoint::new(checkpoint, Vec::new());
    let text = format!(
        "{}\n— ponte.example AAAAAAAA\n",
        checkpoint.checkpoint().to_text()
    );
    let receipt = Receipt {
        header: b"header".to_vec(),
        index: 1,
        path: vec![leaf_hash(b"left")],
        checkpoint: text,
    };
    (origin, receipt)
}

#[test]
fn receipts_survive_the_wire() {
    let (origin, full) = receipt("ponte.example/log");
    assert_eq!(Receipt::try_from(full_receipt(&origin, full.clone())), Ok(full));
    let short = ShortReceipt::new(&origin, 3, leaf_hash(b"header"));
    assert_eq!(ShortReceipt::try_from(short_receipt(&origin, &short)), Ok(short));
}

#[test]
fn a_receipt_that_contradicts_itself_is_refused() {
    let (origin, full) = receipt("ponte.example/log");
    let mut other = full_receipt(&origin, full.clone());
    other.origin = "ponte.example/other".into();
    assert_eq!(
        Receipt::try_from(other),
        Err(Invalid::new("origin", Rule::Contradicts("checkpoint")))
    );
    let mut short_path = full_receipt(&origin, full);
    short_path.path[0].pop();
    assert_eq!(
        Receipt::try_from(short_path),
        Err(Invalid::new("path[0]", Rule::Bytes(32)))
    );
    let short = short_receipt(&origin, &ShortReceipt::new(&origin, 3, leaf_hash(b"header")));
    let mut renumbered = short.clone();
    renumbered.index = 4;
    assert_eq!(
        ShortReceipt::try_from(renumbered),
        Err(Invalid::new("index", Rule::Contradicts("receipt")))
    );
    let mut moved = short;
    moved.origin = "ponte.example/other".into();
    assert_eq!(
        ShortReceipt::try_from(moved),
        Err(Invalid::new("origin", Rule::Contradicts("receipt")))
    );
}

#[test]
fn an_unknown_form_of_receipt_is_refused_and_the_default_is_full() {
    assert_eq!(receipt_choice(0), Ok(ReceiptChoice::Full));
    assert_eq!(receipt_choice(1), Ok(ReceiptChoice::Full));
    assert_eq!(receipt_choice(2), Ok(ReceiptChoice::Short));
    assert_eq!(receipt_choice(3), Err(Invalid::new("receipt_form", Rule::Value)));
}

mod audit {
    use ledger::header::{EntryKind, Header, HeaderBody, Outcome, RequestId, TraceId};
    use ledger::part::{MunicipalityId, PartKind, PartOpening, PartsTree, Salt, commitment};

    use super::*;
    use crate::proto::audit::v1 as wire;

    fn openings() -> (ledger::hash::Hash, Vec<PartOpening>) {
        let kinds = [
            PartKind::Operator,
            PartKind::Criteria,
            PartKind::Decision,
            PartKind::Subjects(MunicipalityId::new("E289").unwrap()),
            PartKind::AgreementBytes,
            PartKind::AdministrativeDetail,
            PartKind::PreviousCheckpoint,
        ];
        let salt = Salt::new([3; 32]);
        let commitments: Vec<_> = kinds
            .iter()
            .map(|kind| commitment(kind, &salt, b"content"))
            .collect();
        let random = vec![9; PartsTree::random_len(commitments.len()).unwrap()];
        let tree = PartsTree::build(&commitments, &random).unwrap();
        let parts = kinds.into_iter().enumerate().map(|(position, kind)| PartOpening {
            kind,
            salt: salt.clone(),
            proof: tree.proof(position).unwrap(),
            content: b"content".to_vec(),
        });
        (tree.root(), parts.collect())
    }

    fn header(origin: &Origin, parts_root: ledger::hash::Hash) -> Header {
        Header {
            origin: origin.clone(),
            time_ms: 1_800_000_000_123,
            body: HeaderBody {
                peer: Some("spiffe://ponte.example/agency/questura-bo".into()),
                certificate: Some(leaf_hash(b"certificate")),
                address: Some("192.0.2.7".into()),
                agreement: Some("questura".into()),
                agreement_version: Some(leaf_hash(b"agreement")),
                purpose: Some("identification".into()),
                service: Some("ponte.consultation.v1.ConsultationService/LookupPerson".into()),
                request_id: Some(RequestId([1; 16])),
                trace_id: Some(TraceId([2; 16])),
                outcome: Outcome {
                    code: 5,
                    reason: "NOT_FOUND".into(),
                },
                granted_fields: vec!["given_name".into(), "surname".into()],
                repeat_of: Some(4),
                ..HeaderBody::new(EntryKind::Access, parts_root)
            },
        }
    }

    #[test]
    fn an_entry_shows_its_header_and_parts_that_still_prove_themselves() {
        let origin = Origin::new("ponte.example/log").unwrap();
        let (root, openings) = openings();
        let header = header(&origin, root);
        let bytes = header.encode().unwrap().into_bytes();
        let item = PartItem {
            name: "operator".into(),
            value: "m.bianchi".into(),
        };
        let parts = openings.iter().map(|opening| VisiblePart {
            opening: opening.clone(),
            items: vec![item.clone()],
        });
        let entry = access_entry(&origin, 9, bytes.clone(), parts.collect()).unwrap();
        assert_eq!(
            (entry.origin.as_str(), entry.index, &entry.header),
            ("ponte.example/log", 9, &bytes)
        );
        let decoded = entry.decoded.clone().unwrap();
        assert_eq!(
            (decoded.kind.as_str(), decoded.agreement.as_str()),
            ("access", "questura")
        );
        assert_eq!(
            decoded.outcome,
            Some(wire::EntryOutcome {
                code: 5,
                reason: "NOT_FOUND".into()
            })
        );
        assert_eq!(decoded.request_id, "01010101-0101-0101-0101-010101010101");
        assert_eq!((decoded.repeat_of, decoded.fields.len()), (Some(4), 2));
        assert_eq!(timestamp_to_ms("time", decoded.time), Ok(1_800_000_000_123));
        assert_eq!(entry.parts.len(), 7);
        for (message, expect) in entry.parts.into_iter().zip(openings) {
            let read = VisiblePart::try_from(message).unwrap();
            assert_eq!(read.opening, expect);
            read.opening.verify(&root).unwrap();
            assert!(!format!("{read:?}").contains("bianchi"));
        }
    }

    #[test]
    fn bytes_that_are_no_header_make_no_entry() {
        let origin = Origin::new("ponte.example/log").unwrap();
        assert!(access_entry(&origin, 0, b"nothing".to_vec(), Vec::new()).is_err());
    }

    #[test]
    fn a_malformed_part_is_refused_by_the_name_of_the_field() {
        let (_, openings) = openings();
        let message = || {
            wire::EntryPart::from(VisiblePart {
                opening: openings[0].clone(),
                items: Vec::new(),
            })
        };
        let refused = |message: wire::EntryPart, field: &str, rule: Rule| {
            assert_eq!(VisiblePart::try_from(message), Err(Invalid::new(field, rule)));
        };
        refused(wire::EntryPart { kind: 0, ..message() }, "kind", Rule::Value);
        refused(
            wire::EntryPart {
                municipality: "E289".into(),
                ..message()
            },
            "municipality",
            Rule::Unexpected,
        );
        refused(
            wire::EntryPart {
                position: 1 << 16,
                ..message()
            },
            "position",
            Rule::Range,
        );
        refused(
            wire::EntryPart {
                salt: vec![0; 31],
                ..message()
            },
            "salt",
            Rule::Bytes(32),
        );
        refused(
            wire::EntryPart {
                path: vec![vec![0; 33]],
                ..message()
            },
            "path[0]",
            Rule::Bytes(32),
        );
        refused(
            wire::EntryPart {
                kind: wire::PartKind::Subjects.into(),
                ..message()
            },
            "municipality",
            Rule::Character,
        );
    }
}
