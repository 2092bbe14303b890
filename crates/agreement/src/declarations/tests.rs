use aws_lc_rs::hmac;
use registry::municipality::MunicipalityId;

use super::*;
use crate::claim::DeathClaim;
use crate::fixture::{self, day};

const CODE: &str = "RSSMRA85T10A944C";

fn hash(bytes: &[u8]) -> [u8; 16] {
    let key = hmac::Key::new(hmac::HMAC_SHA256, b"a key of the tests");
    let mut short = [0; 16];
    short.copy_from_slice(&hmac::sign(&key, bytes).as_ref()[..16]);
    short
}

fn moment(text: &str) -> Moment {
    Moment::new(text.parse().unwrap())
}

fn lives(code: &str) -> Claim {
    Claim::MunicipalResidence(MunicipalityId::of_any(fixture::istat(code)).unwrap())
}

fn identifiers(code: &str) -> Vec<(String, String)> {
    vec![("tax_code".to_owned(), code.to_owned())]
}

fn attempts_in(request: &Request, code: &str, claim: &Claim) -> Vec<Attempt> {
    Attempt::all_of(request, &identifiers(code), claim, day("2026-03-02"), hash)
}

fn attempt_in(context: &AccessContext, code: &str, claim: &Claim) -> Attempt {
    let request = Request {
        context: context.clone(),
        ..fixture::request()
    };
    let [attempt] = attempts_in(&request, code, claim)[..] else {
        panic!("one attempt")
    };
    attempt
}

fn attempt(claim: &Claim) -> Attempt {
    attempt_in(&fixture::request().context, CODE, claim)
}

/// Says whether it may be compared, and counts it if it may.
fn counts(counters: &mut DeclarationCounters, attempt: Attempt, at: &str) -> DeclarationUse {
    count_all(counters, &[attempt], at)
}

fn count_all(counters: &mut DeclarationCounters, attempts: &[Attempt], at: &str) -> DeclarationUse {
    let used = counters.standing(attempts, moment(at));
    if used == DeclarationUse::Open {
        counters.count(attempts, moment(at));
    }
    used
}

const TOWNS: [&str; 4] = ["037032", "037006", "037020", "037025"];
const NOON: &str = "2026-03-02T11:00:00Z";

fn used_up(resets_at: &str) -> DeclarationUse {
    DeclarationUse::UsedUp {
        resets_at: resets_at.parse().unwrap(),
    }
}

/// Three towns, a day apart from the second of March on.
fn three() -> DeclarationCounters {
    let mut counters = DeclarationCounters::default();
    for (town, on) in TOWNS.into_iter().zip(["02", "03", "04"]) {
        let at = format!("2026-03-{on}T11:00:00Z");
        assert_eq!(
            counts(&mut counters, attempt(&lives(town)), &at),
            DeclarationUse::Open
        );
    }
    counters
}

#[test]
fn three_different_declarations_are_compared_and_the_same_again_is_not_counted() {
    let mut counters = three();
    for town in &TOWNS[..3] {
        let again = attempt(&lives(town));
        assert_eq!(
            counts(&mut counters, again, "2026-03-05T11:00:00Z"),
            DeclarationUse::Open
        );
    }
    let fourth = attempt(&lives(TOWNS[3]));
    let expect = used_up("2026-04-01T11:00:00Z");
    assert_eq!(counts(&mut counters, fourth, "2026-03-05T11:00:00Z"), expect);
    assert_eq!(counters.len(), 3);
}

#[test]
fn a_declaration_counts_for_thirty_days_from_when_it_was_first_made() {
    let mut counters = three();
    let fourth = attempt(&lives(TOWNS[3]));
    let expect = used_up("2026-04-01T11:00:00Z");
    // Made again, the first one counts no longer for it.
    let first = attempt(&lives(TOWNS[0]));
    assert_eq!(
        counts(&mut counters, first, "2026-03-20T11:00:00Z"),
        DeclarationUse::Open
    );
    assert_eq!(counts(&mut counters, fourth, "2026-04-01T10:59:59Z"), expect);
    assert_eq!(
        counts(&mut counters, fourth, "2026-04-01T11:00:00Z"),
        DeclarationUse::Open
    );
    let expect = used_up("2026-04-02T11:00:00Z");
    assert_eq!(counts(&mut counters, first, "2026-04-01T11:00:01Z"), expect);
    counters.expire(moment("2026-04-04T11:00:00Z"));
    assert_eq!(counters.len(), 1);
    counters.expire(moment("2026-05-01T11:00:00Z"));
    assert!(counters.is_empty());
}

#[test]
fn agreement_kind_and_identifiers_are_counted_apart() {
    let mut counters = three();
    let own = fixture::request().context;
    let mut other = own.clone();
    other.agreement = AgreementId::parse("another-2026").unwrap();
    let town = lives(TOWNS[3]);
    for (context, code, claim, expect) in [
        (&own, CODE, &town, used_up("2026-04-01T11:00:00Z")),
        (&other, CODE, &town, DeclarationUse::Open),
        (&own, "BNCLRA87D50A944G", &town, DeclarationUse::Open),
        (&own, CODE, &Claim::ExistenceInLife, DeclarationUse::Open),
        (
            &own,
            CODE,
            &Claim::Death(DeathClaim::default()),
            DeclarationUse::Open,
        ),
    ] {
        let attempt = attempt_in(context, code, claim);
        assert_eq!(counts(&mut counters, attempt, "2026-03-05T11:00:00Z"), expect);
    }
}

#[test]
fn operator_case_and_purpose_make_no_other_declaration() {
    let mut counters = three();
    let mut context = fixture::request().context;
    context.operator = crate::context::OperatorId::parse("a.verdi").ok();
    context.case_reference = None;
    context.consent_reference = None;
    context.purpose = crate::context::PurposeId::parse("declarations").unwrap();
    let fourth = attempt_in(&context, CODE, &lives(TOWNS[3]));
    let expect = used_up("2026-04-01T11:00:00Z");
    assert_eq!(counts(&mut counters, fourth, NOON), expect);
}

#[test]
fn a_past_reference_date_makes_another_declaration_and_today_does_not() {
    let mut counters = DeclarationCounters::default();
    let mut context = fixture::request().context;
    for (on, expect) in [
        (None, DeclarationUse::Open),
        (Some("2026-03-02"), DeclarationUse::Open),
        (Some("2020-01-01"), DeclarationUse::Open),
        (Some("2023-01-01"), DeclarationUse::Open),
        (Some("2021-07-01"), used_up("2026-04-01T11:00:00Z")),
        (Some("2020-01-01"), DeclarationUse::Open),
    ] {
        context.reference_date = on.map(day);
        let attempt = attempt_in(&context, CODE, &Claim::ExistenceInLife);
        assert_eq!(counts(&mut counters, attempt, NOON), expect, "{on:?}");
    }
    context.reference_date = None;
    context.known_on = Some("2025-01-01T00:00:00Z".parse().unwrap());
    let attempt = attempt_in(&context, CODE, &Claim::ExistenceInLife);
    assert_eq!(
        counts(&mut counters, attempt, NOON),
        used_up("2026-04-01T11:00:00Z")
    );
}

#[test]
fn looking_what_is_left_counts_nothing_and_counting_twice_counts_once() {
    let mut counters = DeclarationCounters::default();
    let first = attempt(&lives(TOWNS[0]));
    // Two calls that declare the same look before either counts: the one that is denied takes nothing back.
    assert_eq!(counters.standing(&[first], moment(NOON)), DeclarationUse::Open);
    assert_eq!(counters.standing(&[first], moment(NOON)), DeclarationUse::Open);
    assert!(counters.is_empty());
    counters.count(&[first], moment(NOON));
    counters.count(&[first], moment(NOON));
    assert_eq!(counters.len(), 1);
}

#[test]
fn a_municipality_to_which_the_question_is_limited_is_declared_as_the_place_of_residence() {
    let limited = |town: &str, claim: &Claim| {
        let request = Request {
            municipality: MunicipalityId::of_any(fixture::istat(town)),
            ..fixture::request()
        };
        attempts_in(&request, CODE, claim)
    };
    // Three towns, each tried with a declaration of another kind that is true of everybody who is alive.
    let claims = [
        Claim::ExistenceInLife,
        Claim::Death(DeathClaim::default()),
        Claim::ExistenceInLife,
    ];
    let mut counters = DeclarationCounters::default();
    for (town, claim) in TOWNS.into_iter().zip(&claims) {
        let used = count_all(&mut counters, &limited(town, claim), NOON);
        assert_eq!(used, DeclarationUse::Open);
    }
    let spent = used_up("2026-04-01T11:00:00Z");
    for claim in &claims {
        assert_eq!(count_all(&mut counters, &limited(TOWNS[3], claim), NOON), spent);
        // The same again is compared, and so is what is not limited.
        assert_eq!(counts(&mut counters, attempt(claim), NOON), DeclarationUse::Open);
    }
    let again = limited(TOWNS[0], &claims[0]);
    assert_eq!(count_all(&mut counters, &again, NOON), DeclarationUse::Open);
    // Nor is there one more by stating the residence itself.
    assert_eq!(counts(&mut counters, attempt(&lives(TOWNS[3])), NOON), spent);
    // A residence within a limit is two declarations of one kind, for which there must be room.
    let mut counters = DeclarationCounters::default();
    for town in &TOWNS[..2] {
        assert_eq!(
            counts(&mut counters, attempt(&lives(town)), NOON),
            DeclarationUse::Open
        );
    }
    let both = limited(TOWNS[2], &lives(TOWNS[3]));
    assert_eq!(count_all(&mut counters, &both, NOON), spent);
    assert_eq!(counters.len(), 2);
}

#[test]
fn what_is_left_is_told_of_each_agreement_kind_and_set_of_identifiers() {
    let counters = three();
    let agreement = fixture::request().context.agreement;
    let left = |agreement: &AgreementId, code: &str, kind: VerificationKind, at: &str| {
        let remainder = counters.remainder(agreement, &identifiers(code), kind, moment(at), hash);
        (
            remainder.declarations,
            remainder.resets_at.map(|resets_at| resets_at.to_rfc3339()),
        )
    };
    let kind = VerificationKind::MunicipalResidence;
    for (at, expect) in [
        (
            "2026-03-05T11:00:00Z",
            (0, Some("2026-04-01T11:00:00+00:00".to_owned())),
        ),
        (
            "2026-04-01T11:00:00Z",
            (1, Some("2026-04-02T11:00:00+00:00".to_owned())),
        ),
        (
            "2026-04-02T11:00:00Z",
            (2, Some("2026-04-03T11:00:00+00:00".to_owned())),
        ),
        ("2026-04-03T11:00:00Z", (3, None)),
    ] {
        assert_eq!(left(&agreement, CODE, kind, at), expect);
    }
    let other = AgreementId::parse("another-2026").unwrap();
    let at = "2026-03-05T11:00:00Z";
    assert_eq!(left(&other, CODE, kind, at), (3, None));
    assert_eq!(left(&agreement, "BNCLRA87D50A944G", kind, at), (3, None));
    assert_eq!(left(&agreement, CODE, VerificationKind::Residence, at), (3, None));
}

#[test]
fn the_log_brings_the_declarations_back() {
    let mut counters = DeclarationCounters::default();
    let events = TOWNS.into_iter().zip(["02", "03", "04"]).map(|(town, on)| {
        let written = attempt(&lives(town)).to_string();
        DeclarationEvent {
            attempt: Attempt::parse(&written).unwrap(),
            moment: moment(&format!("2026-03-{on}T11:00:00Z")),
        }
    });
    let events: Vec<_> = events.collect();
    counters.restore(events.iter().chain(&events).copied());
    assert_eq!(counters.len(), 3);
    let fourth = attempt(&lives(TOWNS[3]));
    let expect = used_up("2026-04-01T11:00:00Z");
    assert_eq!(counts(&mut counters, fourth, "2026-03-05T11:00:00Z"), expect);
    for wrong in ["", "00", "zz"] {
        assert_eq!(Attempt::parse(wrong), Err(AttemptError));
    }
    assert_eq!(format!("{fourth:?}"), "Attempt(..)");
}
