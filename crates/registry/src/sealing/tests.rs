//! What remains of a card, and what is recognised of the identity before.

use super::*;
use crate::measure::SealBasis;
use crate::record::{Sex, TaxCodeEntry};
use crate::testing::{day, full_record, open_record, tax_code};

fn sealed(mut card: Record, from: &str, identity: NewIdentity) -> Record {
    card.measures.seal = Some(IdentitySeal {
        basis: SealBasis::Adoption,
        from: day(from),
        identity,
    });
    card
}

fn entry(given_name: &str, from: Option<&str>) -> TaxCodeEntry {
    TaxCodeEntry {
        code: tax_code("Verdi", given_name, Sex::Male, "1980-03-05", "A944"),
        validated: true,
        from: from.map(day),
    }
}

#[test]
fn a_card_without_a_seal_keeps_its_history() {
    assert!(stripped(full_record()) == full_record());
}

#[test]
fn of_what_was_before_the_seal_only_the_current_remains() {
    let card = stripped(sealed(full_record(), "2012-01-01", NewIdentity::Present));
    assert_eq!(card.tax_codes.len(), 1);
    assert_eq!(
        card.current_tax_code().copied(),
        full_record().current_tax_code().copied()
    );
    assert_eq!(
        card.civil_status.facts().len(),
        1,
        "married in 2010, single before"
    );
    assert_eq!(
        card.residences.facts(),
        &full_record().residences.facts()[1..],
        "began in 2015"
    );
    assert_eq!(card.households.facts().len(), 1);
    assert!(card.identity_document.is_some(), "issued in 2020");
    assert!(card.registration.origin.is_none());
    let later = stripped(sealed(full_record(), "2021-01-01", NewIdentity::Present));
    assert!(later.identity_document.is_none());
    assert_eq!(later.residences.facts().len(), 1);
    assert!(
        stripped(later.clone()) == later,
        "what is stripped stays as it is"
    );
}

#[test]
fn the_dwelling_of_the_day_of_the_seal_goes_with_the_next_move() {
    let mut card = sealed(open_record(), "2021-01-01", NewIdentity::Present);
    let before = card.residences.latest().cloned().unwrap();
    card.residences.record(Dated {
        from: Some(day("2021-02-01")),
        value: before.value,
    });
    let facts = stripped(card).residences;
    assert_eq!(facts.facts().len(), 1);
    assert_eq!(facts.facts()[0].from, Some(day("2021-02-01")));
}

#[test]
fn codes_of_the_new_identity_remain_and_older_ones_do_not() {
    let mut card = sealed(open_record(), "2021-01-01", NewIdentity::Present);
    card.tax_codes = vec![
        entry("Ugo", Some("2020-12-31")),
        entry("Ada", Some("2021-01-01")),
        entry("Ida", None),
        entry("Eva", None),
    ];
    let codes = stripped(card).tax_codes;
    assert_eq!(codes, [entry("Ada", Some("2021-01-01")), entry("Eva", None)]);
}

#[test]
fn the_new_identity_has_arrived_when_the_current_code_is_new() {
    let mut before = sealed(open_record(), "2021-01-01", NewIdentity::Awaited);
    before.tax_codes = vec![entry("Ugo", None)];
    let arrival = |code: Option<TaxCodeEntry>| {
        let mut next = before.clone();
        next.tax_codes = code.into_iter().collect();
        with_arrival(&before, next).measures.seal.unwrap().identity
    };
    assert_eq!(arrival(Some(entry("Ugo", None))), NewIdentity::Awaited);
    assert_eq!(arrival(None), NewIdentity::Awaited);
    assert_eq!(arrival(Some(entry("Ada", None))), NewIdentity::Present);
}

#[test]
fn a_card_is_recognised_by_code_and_by_name_only_where_nothing_tells_it_apart() {
    let card = open_record();
    let keys = identity_keys(&card);
    assert_eq!(keys.len(), 3, "national id, one code, generalities");
    assert!(
        keys.iter()
            .take(2)
            .all(|key| belongs_to_buried(&card, std::slice::from_ref(key)))
    );
    let name = &keys[2..];
    assert!(matches!(name, [LinkKey::Generalities(_)]));
    assert!(
        !belongs_to_buried(&card, name),
        "a homonym with a code of its own"
    );
    let mut bare = card;
    bare.national_id = None;
    bare.tax_codes
        .iter_mut()
        .for_each(|entry| entry.validated = false);
    assert!(belongs_to_buried(&bare, name));
    assert!(!belongs_to_buried(&bare, &[]));
}
