use proptest::collection::{btree_set, vec};
use proptest::option;
use proptest::prelude::*;

use super::*;

fn origin() -> Origin {
    Origin::new("registro.example.it/accessi/1").unwrap()
}

fn full_body() -> HeaderBody {
    HeaderBody {
        kind: EntryKind::Access,
        peer: Some("spiffe://ponte.example.it/agency/polizia-locale".to_owned()),
        certificate: Some(Hash::new([1; 32])),
        address: Some("192.0.2.17".to_owned()),
        agreement: Some("CONV-2026-014".to_owned()),
        agreement_version: Some(Hash::new([2; 32])),
        purpose: Some("polizia-amministrativa".to_owned()),
        service: Some("ponte.consultation.v1.ConsultationService/LookupPerson".to_owned()),
        request_id: Some(RequestId([3; 16])),
        trace_id: Some(TraceId([4; 16])),
        outcome: Outcome {
            code: 0,
            reason: String::new(),
        },
        granted_fields: vec!["birth".to_owned(), "names".to_owned(), "residence".to_owned()],
        repeat_of: Some(41),
        parts_root: Hash::new([5; 32]),
    }
}

fn text(max: usize) -> impl Strategy<Value = String> {
    vec(
        any::<char>().prop_filter("no control characters", |c| !c.is_control()),
        1..max.max(2),
    )
    .prop_map(|chars| chars.into_iter().collect())
}

fn body() -> impl Strategy<Value = HeaderBody> {
    let names = (
        option::of(text(12)),
        option::of(text(12)),
        option::of(text(12)),
        option::of(text(12)),
    );
    let hashes = (
        option::of(any::<[u8; 32]>()),
        option::of(any::<[u8; 32]>()),
        any::<[u8; 32]>(),
    );
    let ids = (
        option::of(any::<[u8; 16]>()),
        option::of(any::<[u8; 16]>()),
        option::of(any::<u64>()),
    );
    let outcome = (any::<u16>(), prop_oneof![Just(String::new()), text(12)]);
    let kind = (0..EntryKind::ALL.len()).prop_map(|at| EntryKind::ALL[at]);
    (
        kind,
        names,
        hashes,
        ids,
        outcome,
        option::of(text(12)),
        btree_set(text(6), 0..8),
    )
        .prop_map(
            |(kind, names, hashes, ids, (code, reason), service, granted)| HeaderBody {
                kind,
                peer: names.0,
                certificate: hashes.0.map(Hash::new),
                address: names.1,
                agreement: names.2,
                agreement_version: hashes.1.map(Hash::new),
                purpose: names.3,
                service,
                request_id: ids.0.map(RequestId),
                trace_id: ids.1.map(TraceId),
                outcome: Outcome { code, reason },
                granted_fields: granted.into_iter().collect(),
                repeat_of: ids.2,
                parts_root: Hash::new(hashes.2),
            },
        )
}

proptest! {
    #[test]
    fn a_header_is_read_as_written(body in body(), time_ms in any::<u64>()) {
        let header = Header { origin: origin(), time_ms, body };
        let encoded = header.encode().unwrap();
        prop_assert!(encoded.as_bytes().len() <= HEADER_MAX_LEN);
        prop_assert_eq!(encoded.leaf_hash(), leaf_hash(encoded.as_bytes()));
        prop_assert_eq!(Header::decode(encoded.as_bytes()), Ok(header));
    }

    #[test]
    fn hostile_bytes_do_not_panic(bytes in vec(any::<u8>(), 0..300)) {
        prop_assert!(Header::decode(&bytes).is_err());
    }

    #[test]
    fn changed_bytes_are_refused_or_are_another_header(
        body in body(), at in any::<prop::sample::Index>(), bit in 0..8_u8, cut in any::<bool>(),
    ) {
        let encoded = Header { origin: origin(), time_ms: 7, body }.encode().unwrap().into_bytes();
        let mut changed = encoded;
        let at = at.index(changed.len());
        if cut {
            changed.truncate(at);
            prop_assert!(Header::decode(&changed).is_err());
        } else {
            changed[at] ^= 1 << bit;
            if let Ok(header) = Header::decode(&changed) {
                prop_assert_eq!(header.encode().unwrap().into_bytes(), changed);
            }
        }
    }
}

#[test]
fn a_draft_sealed_later_is_the_header_encoded_at_once() {
    let draft = full_body().draft().unwrap();
    assert_eq!(draft.kind(), EntryKind::Access);
    for time_ms in [0, 1_790_000_000_123, u64::MAX] {
        let header = Header {
            origin: origin(),
            time_ms,
            body: full_body(),
        };
        assert_eq!(draft.seal(&origin(), time_ms), header.encode().unwrap());
    }
}

#[test]
fn a_header_with_everything_has_room_for_25_granted_fields() {
    let mut body = full_body();
    body.granted_fields = (0..25)
        .map(|number| format!("residence.address.{number:02}"))
        .collect();
    let encoded = Header {
        origin: origin(),
        time_ms: 1,
        body,
    }
    .encode()
    .unwrap();
    assert!((900..=HEADER_MAX_LEN).contains(&encoded.as_bytes().len()));
}

#[test]
fn an_accepted_draft_fits_with_the_longest_origin() {
    let longest = Origin::new("o".repeat(Origin::MAX_LEN)).unwrap();
    let mut body = full_body();
    let mut accepted = 0;
    for letter in 'a'..='z' {
        body.granted_fields = (0..5)
            .map(|n| format!("{n}{}", String::from(letter).repeat(8 * accepted)))
            .collect();
        match body.draft() {
            Ok(draft) => {
                accepted += 1;
                let encoded = draft.seal(&longest, u64::MAX);
                assert!(encoded.as_bytes().len() <= HEADER_MAX_LEN);
                assert!(Header::decode(encoded.as_bytes()).is_ok());
            }
            Err(error) => {
                assert!(
                    matches!(
                        error,
                        HeaderError::TooLong {
                            max: BODY_MAX_LEN,
                            ..
                        }
                    ),
                    "{error}"
                );
                break;
            }
        }
    }
    assert!((5..26).contains(&accepted), "{accepted}");
}

#[track_caller]
fn refused(change: impl FnOnce(&mut HeaderBody), expected: HeaderError) {
    let mut body = full_body();
    change(&mut body);
    assert_eq!(body.draft(), Err(expected));
}

#[test]
fn texts_outside_the_rules_are_refused_by_field_and_rule() {
    let text = |field, rule| HeaderError::Text { field, rule };
    refused(
        |b| b.peer = Some(String::new()),
        text(TextField::Peer, TextError::Empty),
    );
    refused(
        |b| b.address = Some("1\n".to_owned()),
        text(TextField::Address, TextError::Control),
    );
    refused(
        |b| b.agreement = Some("\u{85}".to_owned()),
        text(TextField::Agreement, TextError::Control),
    );
    refused(
        |b| b.purpose = Some("x".repeat(201)),
        text(TextField::Purpose, TextError::TooLong),
    );
    refused(
        |b| b.service = Some("\0".to_owned()),
        text(TextField::Service, TextError::Control),
    );
    refused(
        |b| b.outcome.reason = "a\tb".to_owned(),
        text(TextField::OutcomeReason, TextError::Control),
    );
    refused(
        |b| b.granted_fields = vec![String::new()],
        text(TextField::GrantedField, TextError::Empty),
    );
    refused(
        |b| b.granted_fields = vec!["b".to_owned(), "a".to_owned()],
        HeaderError::GrantedOrder,
    );
    refused(
        |b| b.granted_fields = vec!["a".to_owned(), "a".to_owned()],
        HeaderError::GrantedOrder,
    );
}

#[test]
fn decoding_names_what_is_wrong() {
    let bytes = Header {
        origin: origin(),
        time_ms: 1,
        body: full_body(),
    }
    .encode()
    .unwrap()
    .into_bytes();
    let changed = |at: usize, value: u8| {
        let mut bytes = bytes.clone();
        bytes[at] = value;
        Header::decode(&bytes)
    };
    assert_eq!(changed(5, 2), Err(HeaderError::Version(2)));
    assert_eq!(changed(11, 99), Err(HeaderError::Kind(UnknownKind(99))));
    assert_eq!(changed(16, b' '), Err(HeaderError::Origin(NameError::Character)));
    assert_eq!(
        changed(16, 0xff),
        Err(HeaderError::Text {
            field: TextField::Origin,
            rule: TextError::Utf8
        })
    );
    assert_eq!(
        Header::decode(&[]),
        Err(HeaderError::Encoding(FieldError::Missing(1)))
    );
    assert_eq!(
        Header::decode(&[0; 1025]),
        Err(HeaderError::TooLong {
            actual: 1025,
            max: 1024
        })
    );
    let mut longer = bytes.clone();
    longer.extend_from_slice(&[0, 19, 0, 0]);
    assert_eq!(
        Header::decode(&longer),
        Err(HeaderError::Encoding(FieldError::Unknown(19)))
    );
}

#[test]
fn kinds_keep_their_numbers() {
    let numbers: Vec<u16> = EntryKind::ALL.iter().map(|kind| kind.code()).collect();
    assert_eq!(
        numbers,
        [
            1, 2, 3, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 32, 33, 34, 35, 36, 48, 49, 50, 51, 52, 53,
            54, 64, 65, 66, 67, 68, 69
        ]
    );
    for kind in EntryKind::ALL {
        assert_eq!(EntryKind::from_code(kind.code()), Ok(*kind));
    }
}
