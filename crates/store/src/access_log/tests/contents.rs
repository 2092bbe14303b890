use std::fmt::Debug;

use proptest::prelude::*;

use crate::{
    access_log::{
        part_content::{
            ContentError, CriteriaPart, DecisionPart, DetailPart, OperatorPart, PartContent, Subject,
            SubjectRole, SubjectsPart,
        },
        reserve::Reserve,
        retention::{Month, Retention, is_expired, key_name},
    },
    keys::token::Token,
};

#[track_caller]
fn check<C: PartContent + PartialEq + Debug>(part: &C) {
    let bytes = part.encode().unwrap();
    assert!(C::decode(&bytes).unwrap() == *part);
    for end in 0..bytes.len() {
        // A cut before the last optional field reads, but as another content.
        assert!(
            C::decode(&bytes[..end]).map_or(true, |cut| cut != *part),
            "cut at {end}"
        );
    }
    let mut other_version = bytes;
    other_version[5] = 3;
    assert!(matches!(C::decode(&other_version), Err(ContentError::Version(3))));
}

fn pairs() -> impl Strategy<Value = Vec<(String, String)>> {
    prop::collection::vec((".{0,8}", ".{0,12}"), 0..4)
}

fn role() -> impl Strategy<Value = SubjectRole> {
    prop_oneof![
        Just(SubjectRole::Shown),
        Just(SubjectRole::Compared),
        Just(SubjectRole::Withheld),
        Just(SubjectRole::Counted),
    ]
}

fn subject() -> impl Strategy<Value = Subject> {
    let fields = prop::collection::vec("[a-z_]{0,10}", 0..4);
    (any::<[u8; 16]>(), role(), fields).prop_map(|(pseudonym, role, fields)| Subject {
        pseudonym: Token::from_bytes(pseudonym),
        role,
        fields,
    })
}

proptest! {
    #[test]
    fn every_content_comes_back_and_a_cut_one_is_never_taken_for_it(
        pairs in pairs(),
        text in ".{0,20}",
        clause in prop::option::of(".{0,20}"),
        released in prop::option::of(prop::option::of(any::<u64>())),
        subjects in prop::collection::vec(subject(), 0..4),
        count in any::<u32>(),
    ) {
        check(&CriteriaPart { criteria: pairs.clone() });
        check(&DetailPart { details: pairs.clone() });
        check(&DecisionPart {
            outcome: text.clone(),
            clause: clause.clone(),
            reserved: released.is_some(),
            released_ms: released.flatten(),
            facts: pairs,
        });
        check(&SubjectsPart { subjects, count });
        check(&OperatorPart {
            operator: text.clone(),
            assurance: text,
            workstation: clause.clone(),
            case_reference: None,
            consent_reference: clause,
        });
    }

    #[test]
    fn no_bytes_make_decoding_panic(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
        let framed = [&[0, 1, 0, 2, 0, 1, 0, 2, 0, u8::try_from(bytes.len()).unwrap()], bytes.as_slice()].concat();
        for bytes in [bytes, framed] {
            drop(SubjectsPart::decode(&bytes));
            drop(CriteriaPart::decode(&bytes));
            drop(DecisionPart::decode(&bytes));
            drop(OperatorPart::decode(&bytes));
        }
    }
}

/// Tag, length and bytes of each field, as they are documented.
fn fields(fields: &[(u16, &[u8])]) -> Vec<u8> {
    let field = |(tag, content): &(u16, &[u8])| {
        let length = u16::try_from(content.len()).unwrap();
        [&tag.to_be_bytes(), &length.to_be_bytes(), *content].concat()
    };
    fields.iter().flat_map(field).collect()
}

fn reserved_decision(released_ms: Option<u64>) -> DecisionPart {
    DecisionPart {
        outcome: "SHOWN".to_owned(),
        reserved: true,
        released_ms,
        ..DecisionPart::default()
    }
}

#[test]
fn a_decision_of_version_1_still_reads_and_is_never_released() {
    let bytes = fields(&[(1, &[0, 1]), (2, b"SHOWN"), (4, &[1]), (5, &[])]);
    let decision = DecisionPart::decode(&bytes).unwrap();
    assert!(decision == reserved_decision(None));
    assert_eq!(decision.reserve(), Reserve::Forever);
    assert_eq!(
        decision.encode().unwrap(),
        bytes,
        "and is written as it always was"
    );
}

#[test]
fn a_decision_of_version_2_has_the_bytes_of_its_format() {
    let released = 1_793_000_000_000_u64;
    let bytes = fields(&[
        (1, &[0, 2]),
        (2, b"SHOWN"),
        (4, &[1]),
        (5, &[]),
        (6, &released.to_be_bytes()),
    ]);
    let decision = DecisionPart::decode(&bytes).unwrap();
    assert!(decision == reserved_decision(Some(released)));
    assert_eq!(decision.reserve(), Reserve::Until(released));
    assert_eq!(decision.encode().unwrap(), bytes);
}

#[test]
fn a_release_stands_in_version_2_and_in_reserved_decisions_alone() {
    let released = 7_u64.to_be_bytes();
    for bytes in [
        fields(&[(1, &[0, 1]), (2, b""), (4, &[1]), (5, &[]), (6, &released)]),
        fields(&[(1, &[0, 2]), (2, b""), (4, &[1]), (5, &[])]),
        fields(&[(1, &[0, 2]), (2, b""), (4, &[0]), (5, &[]), (6, &released)]),
        fields(&[(1, &[0, 3]), (2, b""), (4, &[1]), (5, &[]), (6, &released)]),
    ] {
        assert!(DecisionPart::decode(&bytes).is_err(), "{bytes:?}");
    }
    let ordinary = DecisionPart {
        reserved: false,
        ..reserved_decision(Some(7))
    };
    assert_eq!(ordinary.encode(), Err(ContentError::Value));
}

#[test]
fn a_key_expires_when_its_months_are_over() {
    use ledger::part::{MunicipalityId, PartKind};
    // 30 November 2026, 23:59:59.999 UTC.
    let entered = Month::of(1_796_083_199_999);
    let kind = PartKind::Subjects(MunicipalityId::new("E289").unwrap());
    let name = key_name(&kind, Retention::months(2).unwrap(), entered).unwrap();
    assert_eq!(name.as_str(), "log/subjects/E289/2m/2026-11");
    for (now, expired) in [
        ("2026-11", false),
        ("2027-01", false),
        ("2027-02", true),
        ("2028-01", true),
    ] {
        assert_eq!(is_expired(&name, Month::parse(now).unwrap()), expired, "{now}");
    }
    let other = crate::keys::KeyName::new("municipality/E289").unwrap();
    assert!(!is_expired(&other, Month::parse("2999-01").unwrap()));
    assert!(Retention::months(0).is_err() && Retention::months(601).is_err());
    let slash = PartKind::Subjects(MunicipalityId::new("E/9").unwrap());
    assert!(key_name(&slash, Retention::months(2).unwrap(), entered).is_err());
}
