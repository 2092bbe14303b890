//! In force on which days, and what waits for a registrar.

use super::*;
use crate::testing::{day, full_record, open_record};

fn card(protection: Option<(&str, Option<&str>)>) -> Record {
    let mut card = open_record();
    card.flags.protected = false;
    card.measures.protection = protection.map(|(from, until)| Protection {
        basis: ProtectionBasis::Shelter,
        from: day(from),
        until: until.map(day),
    });
    card
}

fn flagged() -> Record {
    let mut card = card(None);
    card.flags.protected = true;
    card
}

fn sealed(from: &str, identity: NewIdentity) -> Record {
    let mut card = card(None);
    card.measures.seal = Some(IdentitySeal {
        basis: SealBasis::Adoption,
        from: day(from),
        identity,
    });
    card
}

#[test]
fn a_protection_is_in_force_from_its_first_to_its_last_day() {
    let bounded = card(Some(("2026-03-02", Some("2026-03-04"))));
    for (on, expect) in [
        ("2026-03-01", false),
        ("2026-03-02", true),
        ("2026-03-04", true),
        ("2026-03-05", false),
    ] {
        assert_eq!(bounded.protected_on(day(on)), expect, "{on}");
        assert!(flagged().protected_on(day(on)), "the marker holds on {on}");
        assert!(!card(None).protected_on(day(on)));
    }
    let open = card(Some(("2026-03-02", None)));
    assert!(open.protected_on(day("2099-01-01")) && !open.protected_on(day("2026-03-01")));
}

#[test]
fn protection_may_grow_at_once_and_shrinks_only_after_confirmation() {
    let reduced = Some(HoldReason::ProtectionEnded);
    let bounded = || card(Some(("2026-03-02", Some("2026-06-30"))));
    let cases = [
        (card(None), bounded(), None),
        (card(None), flagged(), None),
        (bounded(), bounded(), None),
        (bounded(), card(Some(("2026-03-01", Some("2026-07-01")))), None),
        (bounded(), card(Some(("2026-03-02", None))), None),
        (bounded(), flagged(), None),
        (bounded(), card(Some(("2026-03-03", None))), reduced),
        (bounded(), card(Some(("2026-03-02", Some("2026-06-29")))), reduced),
        (card(Some(("2026-03-02", None))), bounded(), reduced),
        (bounded(), card(None), reduced),
        (flagged(), card(None), reduced),
        (flagged(), card(Some(("2000-01-01", None))), reduced),
    ];
    for (number, (before, after, expect)) in cases.iter().enumerate() {
        assert_eq!(needs_confirmation(Some(before), after), *expect, "case {number}");
    }
    assert_eq!(needs_confirmation(None, &flagged()), None);
    assert_eq!(removal_needs_confirmation(&bounded()), reduced);
    assert_eq!(removal_needs_confirmation(&flagged()), reduced);
    assert_eq!(removal_needs_confirmation(&card(None)), None);
}

#[test]
fn a_seal_waits_when_it_begins_and_not_when_the_new_identity_arrives() {
    let begins = Some(HoldReason::IdentitySealed);
    let awaited = sealed("2026-03-02", NewIdentity::Awaited);
    let present = sealed("2026-03-02", NewIdentity::Present);
    assert_eq!(needs_confirmation(Some(&card(None)), &awaited), begins);
    assert_eq!(needs_confirmation(None, &present), begins);
    assert_eq!(needs_confirmation(Some(&awaited), &present), None);
    let again = sealed("2026-04-01", NewIdentity::Awaited);
    assert_eq!(needs_confirmation(Some(&present), &again), begins);
}

#[test]
fn numbers_and_codes_of_bases_lead_back() {
    for basis in ProtectionBasis::ALL {
        assert_eq!(ProtectionBasis::from_number(basis.number()), Some(*basis));
        assert_eq!(ProtectionBasis::from_code(basis.code()), Some(*basis));
        assert!(!basis.label().is_empty());
    }
    for basis in SealBasis::ALL {
        assert_eq!(SealBasis::from_number(basis.number()), Some(*basis));
        assert_eq!(SealBasis::from_code(basis.code()), Some(*basis));
        assert!(!basis.label().is_empty());
    }
    assert_eq!(ProtectionBasis::from_number(0), None);
    assert_eq!(SealBasis::from_code(""), None);
}

#[test]
fn a_dwelling_has_a_number_and_a_door_and_is_never_notional() {
    let place = open_record().residences.latest().unwrap().value.place.clone();
    let Place::Italian(address) = place.clone() else {
        panic!("an address")
    };
    let with = |change: fn(&mut Address)| {
        let mut other = address.clone();
        change(&mut other);
        DwellingKey::of(&Place::Italian(other))
    };
    let own = DwellingKey::of(&place);
    assert!(own.is_some());
    assert_eq!(
        with(|address| address.street = address.street.to_uppercase()),
        own
    );
    assert_eq!(with(|address| address.postcode.clear()), own);
    assert_ne!(with(|address| address.unit = "5".to_owned()), own);
    assert_ne!(with(|address| address.staircase.clear()), own);
    assert_eq!(with(|address| address.unit.clear()), None);
    assert_eq!(with(|address| address.number = None), None);
    let municipality = address.municipality;
    assert_eq!(DwellingKey::of(&Place::Notional { municipality }), None);
}

#[test]
fn going_back_to_an_earlier_version_takes_no_measure_back() {
    let earlier = full_record();
    let mut current = sealed("2021-01-01", NewIdentity::Present);
    current.measures.protection = card(Some(("2026-03-02", None))).measures.protection;
    current.flags.protected = true;
    let back = with_measures_of(&current, earlier.clone());
    assert_eq!(back.measures, current.measures);
    assert!(back.flags.protected);
    assert!(back.tax_codes.len() < earlier.tax_codes.len(), "stripped");
    assert_eq!(needs_confirmation(Some(&current), &back), None);
}

#[test]
fn what_waits_protects_at_once_and_never_for_less_long() {
    let bounded = |from, until| card(Some((from, Some(until))));
    let cases = [
        (card(None), card(None), None),
        (flagged(), card(None), None),
        (card(None), flagged(), Some(flagged())),
        (
            card(None),
            bounded("2026-03-02", "2026-03-04"),
            Some(bounded("2026-03-02", "2026-03-04")),
        ),
        (bounded("2026-03-02", "2026-03-04"), card(None), None),
        (
            bounded("2026-03-01", "2026-03-09"),
            bounded("2026-03-02", "2026-03-04"),
            None,
        ),
        (
            bounded("2026-03-01", "2026-03-09"),
            bounded("2026-03-04", "2026-04-01"),
            Some(bounded("2026-03-01", "2026-04-01")),
        ),
        (
            bounded("2026-03-01", "2026-03-09"),
            card(Some(("2026-05-01", None))),
            Some(card(Some(("2026-03-01", None)))),
        ),
        (
            card(Some(("2026-03-01", None))),
            bounded("2026-02-01", "2026-02-02"),
            Some(card(Some(("2026-02-01", None)))),
        ),
    ];
    for (index, (served, waiting, expected)) in cases.into_iter().enumerate() {
        let protected = with_protection_of(&served, &waiting);
        assert_eq!(protected, expected, "case {index}");
        let protected = protected.unwrap_or(served);
        assert_eq!(
            with_protection_of(&protected, &waiting),
            None,
            "case {index}, again"
        );
    }
    // Nothing else of what waits is served.
    let mut waiting = full_record();
    waiting.flags.protected = true;
    assert_eq!(with_protection_of(&card(None), &waiting), Some(flagged()));
}
