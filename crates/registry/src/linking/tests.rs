use super::*;
use crate::code::{AprCancellationReason, CancellationReason};
use crate::date::PartialDate;
use crate::finding::Severity;
use crate::identifier::PersonId;
use crate::record::{Cancellation, Register, TaxCodeEntry};
use crate::testing::{BOLOGNA, IMOLA, day, istat, local_id, open_record, tax_code};

const TODAY: &str = "2025-01-10";

fn imola() -> MunicipalityId {
    MunicipalityId::of_any(istat(IMOLA)).unwrap()
}

/// First 16 bytes of HMAC-SHA256(32 bytes of 01, "E289S-1"), with version and variant of UUIDv8; computed elsewhere.
#[test]
fn a_record_id_is_the_published_vector() {
    let id = record_id(&RegionKey::new(&[1; 32]), imola(), &local_id("S-1"));
    assert_eq!(id.0.to_string(), "906c4768-c48e-8ce8-8344-d7b5d4d2eeb7");
    assert_eq!(id.0.get_version_num(), 8);
}

/// Sorbolo and Mezzani were merged on 1 January 2019.
#[test]
fn a_card_of_who_was_merged_contradicts_none_of_the_successor() {
    let at = |municipality: &str, number: &str| {
        let mut record = open_record();
        record.municipality = istat(municipality);
        record.local_id = local_id(number);
        record
    };
    let kinds = |one: &Record, other: &Record| {
        let facts = |record: &Record| CardFacts::of(record, Identity::Open);
        let known = Candidate {
            record: record_id(&RegionKey::new(&[1; 32]), imola(), &local_id("known")),
            person: PersonId(record_id(&RegionKey::new(&[1; 32]), imola(), &local_id("known")).0),
            linked_at: 1,
            facts: facts(other),
        };
        let new = record_id(&RegionKey::new(&[1; 32]), imola(), &local_id("new"));
        let decided = link(new, &facts(one), &[known], day(TODAY));
        let kinds: Vec<AnomalyKind> = decided.anomalies.iter().map(|anomaly| anomaly.kind).collect();
        (decided.standing, kinds)
    };
    let (sorbolo, mezzani, merged) = (at("034037", "1"), at("034021", "1"), at("034051", "1"));
    let confirmed = LinkStanding::Confirmed;
    assert_eq!(kinds(&merged, &sorbolo), (confirmed, Vec::new()));
    assert_eq!(kinds(&sorbolo, &merged), (confirmed, Vec::new()));
    assert_eq!(
        kinds(&sorbolo, &mezzani),
        (confirmed, vec![AnomalyKind::DoubleResidence])
    );
    let mut abroad = merged;
    abroad.register = Register::Aire;
    assert_eq!(kinds(&abroad, &sorbolo), (confirmed, Vec::new()));
}

#[test]
fn a_record_id_depends_on_key_municipality_and_card() {
    let id = |key: u8, municipality: &str, card: &str| {
        let municipality = MunicipalityId::of_any(istat(municipality)).unwrap();
        record_id(&RegionKey::new(&[key; 32]), municipality, &local_id(card))
    };
    assert_eq!(id(1, IMOLA, "1"), id(1, IMOLA, "1"));
    for other in [id(2, IMOLA, "1"), id(1, BOLOGNA, "1"), id(1, IMOLA, "2")] {
        assert_ne!(other, id(1, IMOLA, "1"));
    }
}

#[test]
fn keys_are_national_id_then_validated_codes_then_exact_generalities() {
    let kinds = |record: &Record| -> Vec<&str> {
        let kind = |key: &LinkKey| match key {
            LinkKey::NationalId(_) => "id",
            LinkKey::TaxCode(_) => "code",
            LinkKey::Generalities(_) => "names",
        };
        link_keys(record).iter().map(kind).collect()
    };
    let mut record = open_record();
    assert_eq!(kinds(&record), ["id", "code", "names"]);
    record.tax_codes[0].validated = false;
    record.national_id = None;
    assert_eq!(kinds(&record), ["names"]);
    for inexact in [
        |person: &mut Generalities| person.sex = Sex::Unknown,
        |person: &mut Generalities| person.surname = None,
        |person: &mut Generalities| person.given_name = None,
        |person: &mut Generalities| person.birth_date = PartialDate::parse("1980-03").unwrap(),
    ] {
        let mut record = record.clone();
        inexact(&mut record.generalities);
        assert!(kinds(&record).is_empty());
    }
}

#[test]
fn spelling_is_no_difference_between_generalities() {
    let mut other = open_record().generalities;
    other.surname = Some(crate::testing::name("D ANGELO"));
    other.given_name = Some(crate::testing::name("NICOLO' MARIA"));
    assert_eq!(
        GeneralitiesKey::of(&other),
        GeneralitiesKey::of(&open_record().generalities)
    );
    other.given_name = Some(crate::testing::name("NICOLO"));
    assert_ne!(
        GeneralitiesKey::of(&other),
        GeneralitiesKey::of(&open_record().generalities)
    );
}

/// A card with the generalities of [`open_record`], in Bologna, cancelled: links and contradicts nothing by itself.
fn bare() -> Record {
    let reason = CancellationReason::Apr(AprCancellationReason::Untraceable);
    Record {
        municipality: istat(BOLOGNA),
        tax_codes: Vec::new(),
        national_id: None,
        cancellation: Some(Cancellation {
            reason,
            effective: day("2020-01-01"),
            destination: None,
        }),
        ..open_record()
    }
}

fn with_id(record: Record, id: &str) -> Record {
    Record {
        national_id: Some(NationalId::parse(id).unwrap()),
        ..record
    }
}

fn with_code(record: Record, given_name: &str) -> Record {
    let code = tax_code("D'Angelo", given_name, Sex::Male, "1980-03-05", "A944");
    Record {
        tax_codes: vec![TaxCodeEntry {
            code,
            validated: true,
            from: None,
        }],
        ..record
    }
}

fn nameless(mut record: Record) -> Record {
    record.generalities.surname = None;
    record
}

fn record_number(number: u128) -> RecordId {
    RecordId(Uuid::from_u128(number))
}

fn facts(record: &Record) -> CardFacts {
    CardFacts::of(record, Identity::Open)
}

/// A card of person `person`, linked in the order of the numbers.
fn candidate(number: u128, person: u128, record: &Record) -> Candidate {
    let linked_at = u64::try_from(number).unwrap();
    Candidate {
        record: record_number(number),
        person: PersonId(Uuid::from_u128(person)),
        linked_at,
        facts: facts(record),
    }
}

/// Person, standing, merged persons, anomalies of a card with the number 99.
#[track_caller]
fn check(
    card: &Record,
    candidates: &[Candidate],
    person: u128,
    standing: LinkStanding,
    merged: &[u128],
    anomalies: &[(AnomalyKind, u128)],
) {
    let expected = LinkDecision {
        person: PersonId(Uuid::from_u128(person)),
        standing,
        merged: merged
            .iter()
            .map(|person| PersonId(Uuid::from_u128(*person)))
            .collect(),
        anomalies: anomalies
            .iter()
            .map(|(kind, other)| Anomaly {
                kind: *kind,
                other: record_number(*other),
            })
            .collect(),
    };
    let mut reversed = candidates.to_vec();
    reversed.reverse();
    for candidates in [candidates, &reversed] {
        assert_eq!(
            link(record_number(99), &facts(card), candidates, day(TODAY)),
            expected
        );
    }
}

#[test]
fn a_card_without_kin_is_a_person_of_its_own() {
    check(&bare(), &[], 99, LinkStanding::First, &[], &[]);
    let itself = candidate(99, 7, &with_id(bare(), "AA00000AA"));
    check(
        &with_id(bare(), "AA00000AA"),
        &[itself],
        99,
        LinkStanding::First,
        &[],
        &[],
    );
}

#[test]
fn the_strongest_key_that_both_have_decides() {
    use AnomalyKind::{OneCodeTwoPersons, OnePersonTwoCodes};
    use LinkStanding::{Confirmed, First, Unconfirmed};
    let (id, other_id) = ("AA00000AA", "BB11111BB");
    let one = |record: Record| [candidate(1, 5, &record)];
    check(
        &with_id(bare(), id),
        &one(with_id(bare(), id)),
        5,
        Confirmed,
        &[],
        &[],
    );
    check(
        &with_id(bare(), id),
        &one(with_id(bare(), other_id)),
        99,
        First,
        &[],
        &[],
    );
    check(
        &with_code(bare(), "Ugo"),
        &one(with_code(bare(), "Ugo")),
        5,
        Confirmed,
        &[],
        &[],
    );
    check(&bare(), &one(bare()), 5, Unconfirmed, &[], &[]);
    check(&with_id(bare(), id), &one(bare()), 5, Unconfirmed, &[], &[]);
    check(&with_code(bare(), "Ugo"), &one(bare()), 5, Unconfirmed, &[], &[]);
    let two_codes = (
        with_id(with_code(bare(), "Ugo"), id),
        with_id(with_code(bare(), "Gino"), id),
    );
    check(
        &two_codes.0,
        &one(two_codes.1),
        5,
        Confirmed,
        &[],
        &[(OnePersonTwoCodes, 1)],
    );
    let one_code = (
        with_id(with_code(bare(), "Ugo"), id),
        with_id(with_code(bare(), "Ugo"), other_id),
    );
    check(
        &one_code.0,
        &one(one_code.1),
        99,
        First,
        &[],
        &[(OneCodeTwoPersons, 1)],
    );
    check(
        &with_code(bare(), "Ugo"),
        &one(with_code(bare(), "Gino")),
        99,
        First,
        &[],
        &[(OnePersonTwoCodes, 1)],
    );
}

#[test]
fn a_code_does_not_join_a_man_and_a_woman_or_two_birth_dates() {
    let mut other = with_code(bare(), "Ugo");
    other.generalities.sex = Sex::Female;
    let anomaly = [(AnomalyKind::OneCodeTwoPersons, 1)];
    check(
        &with_code(bare(), "Ugo"),
        &[candidate(1, 5, &other)],
        99,
        LinkStanding::First,
        &[],
        &anomaly,
    );
    let mut other = with_code(bare(), "Ugo");
    other.generalities.birth_date = PartialDate::parse("1980-03-06").unwrap();
    check(
        &with_code(bare(), "Ugo"),
        &[candidate(1, 5, &other)],
        99,
        LinkStanding::First,
        &[],
        &anomaly,
    );
    other.generalities.birth_date = PartialDate::parse("1980").unwrap();
    check(
        &with_code(bare(), "Ugo"),
        &[candidate(1, 5, &other)],
        5,
        LinkStanding::Confirmed,
        &[],
        &[],
    );
}

#[test]
fn a_base_code_and_its_omocodia_are_two_persons_with_a_note() {
    let base = with_code(bare(), "Ugo");
    let definitive = base.tax_codes[0].code.definitive().unwrap();
    let mut omocode = base.clone();
    omocode.tax_codes[0].code = definitive.with_omocodia(1).into();
    let anomaly = [(AnomalyKind::OmocodePair, 1)];
    check(
        &base,
        &[candidate(1, 5, &omocode)],
        99,
        LinkStanding::First,
        &[],
        &anomaly,
    );
}

#[test]
fn a_card_that_joins_two_persons_makes_them_one_under_the_older_name() {
    let card = with_id(with_code(bare(), "Ugo"), "AA00000AA");
    let by_code = candidate(1, 5, &with_code(bare(), "Ugo"));
    let by_id = candidate(2, 6, &with_id(bare(), "AA00000AA"));
    check(&card, &[by_code, by_id], 5, LinkStanding::Confirmed, &[6], &[]);
}

#[test]
fn a_card_with_the_identifiers_of_two_strangers_does_not_make_them_one() {
    let named = |record: Record, surname: &str| {
        let mut record = record;
        record.generalities.surname = Some(crate::testing::name(surname));
        record
    };
    let born = |record: Record, date: &str| {
        let mut record = record;
        record.generalities.birth_date = PartialDate::parse(date).unwrap();
        record
    };
    let both_codes = || {
        let mut card = with_code(bare(), "Ugo");
        card.tax_codes.extend(with_code(bare(), "Ivo").tax_codes);
        card
    };
    let (ugo, ivo) = (with_code(bare(), "Ugo"), with_code(bare(), "Ivo"));
    let both = both_codes();
    let identified = with_id(both_codes(), "AA00000AA");
    let note = |other| (AnomalyKind::OneCodeTwoPersons, other);
    type Case<'a> = (
        &'a str,
        &'a Record,
        [Record; 2],
        u128,
        &'a [u128],
        &'a [(AnomalyKind, u128)],
    );
    let cases: [Case<'_>; 7] = [
        (
            "two codes of one name",
            &both,
            [ugo.clone(), ivo.clone()],
            5,
            &[6],
            &[],
        ),
        (
            "two names",
            &both,
            [ugo.clone(), named(ivo.clone(), "Bo")],
            5,
            &[],
            &[note(2)],
        ),
        (
            "two national ids",
            &both,
            [with_id(ugo.clone(), "AA00000AA"), with_id(ivo, "BB00000BB")],
            5,
            &[],
            &[note(2)],
        ),
        (
            "the national id chooses",
            &identified,
            [named(ugo.clone(), "Bo"), with_id(bare(), "AA00000AA")],
            6,
            &[],
            &[note(1)],
        ),
        (
            "a code and a national id of two names",
            &with_id(ugo.clone(), "AA00000AA"),
            [ugo.clone(), with_id(named(bare(), "Bo"), "AA00000AA")],
            6,
            &[],
            &[note(1)],
        ),
        (
            "one national id, whatever else they say",
            &with_id(nameless(bare()), "AA00000AA"),
            [
                with_id(born(nameless(bare()), "1980-03-05"), "AA00000AA"),
                with_id(born(nameless(bare()), "1981-03-05"), "AA00000AA"),
            ],
            5,
            &[6],
            &[],
        ),
        ("one name, one code", &both, [ugo.clone(), ugo], 5, &[6], &[]),
    ];
    for (case, card, [one, two], person, merged, anomalies) in cases {
        eprintln!("{case}");
        let candidates = [candidate(1, 5, &one), candidate(2, 6, &two)];
        check(
            card,
            &candidates,
            person,
            LinkStanding::Confirmed,
            merged,
            anomalies,
        );
    }
}

#[test]
fn a_guess_is_made_only_when_there_is_one_and_nothing_speaks_against_it() {
    use AnomalyKind::{OnePersonTwoCodes, SeveralPersons};
    let (one, two) = (candidate(1, 5, &bare()), candidate(2, 6, &bare()));
    let anomalies = [(SeveralPersons, 1), (SeveralPersons, 2)];
    check(
        &bare(),
        &[one.clone(), two],
        99,
        LinkStanding::First,
        &[],
        &anomalies,
    );
    check(
        &bare(),
        &[one.clone(), candidate(2, 5, &bare())],
        5,
        LinkStanding::Unconfirmed,
        &[],
        &[],
    );
    let against = candidate(2, 5, &with_code(bare(), "Gino"));
    let card = with_code(bare(), "Ugo");
    check(
        &card,
        &[one.clone(), against],
        99,
        LinkStanding::First,
        &[],
        &[(OnePersonTwoCodes, 2)],
    );
    let mut stale = bare();
    stale.generalities.given_name = None;
    check(
        &bare(),
        &[one, candidate(2, 5, &stale)],
        5,
        LinkStanding::Unconfirmed,
        &[],
        &[],
    );
}

#[test]
fn a_sealed_identity_is_linked_neither_way_and_tells_nothing() {
    let card = with_id(with_code(open_record(), "Ugo"), "AA00000AA");
    let open = candidate(1, 5, &card);
    let sealed = Candidate {
        facts: CardFacts::of(&card, Identity::Sealed),
        ..candidate(1, 5, &card)
    };
    check(&card, &[sealed], 99, LinkStanding::First, &[], &[]);
    let decision = link(
        record_number(99),
        &CardFacts::of(&card, Identity::Sealed),
        &[open],
        day(TODAY),
    );
    assert_eq!(
        (decision.person.0, decision.anomalies),
        (Uuid::from_u128(99), Vec::new())
    );
}

#[test]
fn open_cards_of_one_person_contradict_each_other() {
    let id = "AA00000AA";
    let here = with_id(open_record(), id);
    let there = Record {
        municipality: istat(BOLOGNA),
        ..here.clone()
    };
    let abroad = Record {
        register: Register::Aire,
        ..there.clone()
    };
    let left = Record {
        cancellation: bare().cancellation,
        ..there.clone()
    };
    let not_yet = Record {
        registration: crate::record::Registration {
            effective: Some(day("2025-01-11")),
            ..there.registration.clone()
        },
        ..there.clone()
    };
    let died = Record {
        death: Some(crate::record::Death {
            date: day("2024-01-01"),
            place: None,
        }),
        ..there.clone()
    };
    let cases: &[(&Record, Option<AnomalyKind>)] = &[
        (&there, Some(AnomalyKind::DoubleResidence)),
        (&abroad, Some(AnomalyKind::AprAndAire)),
        (&here, Some(AnomalyKind::DoubleCard)),
        (&left, None),
        (&not_yet, None),
        (&died, None),
    ];
    for (other, kind) in cases {
        let anomalies: Vec<_> = kind.iter().map(|kind| (*kind, 1)).collect();
        check(
            &here,
            &[candidate(1, 5, other)],
            5,
            LinkStanding::Confirmed,
            &[],
            &anomalies,
        );
    }
}

#[test]
fn anomalies_have_codes_of_their_own() {
    for kind in AnomalyKind::ALL {
        assert_eq!(AnomalyKind::from_code(kind.code()), Some(*kind));
        assert!(
            crate::finding::rule(kind.code()).is_none(),
            "{} is also a finding",
            kind.code()
        );
        assert!(!kind.italian().is_empty() && !kind.english().is_empty());
    }
    assert_eq!(AnomalyKind::ALL.len(), 7);
    assert_eq!(AnomalyKind::DoubleResidence.severity(), Severity::Error);
}
