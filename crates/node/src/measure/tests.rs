//! Orders of registrars, and exports after them.

use registry::codice_fiscale::CodiceFiscale;
use registry::identifier::CadastralCode;
use registry::record::Sex;

use super::*;
use crate::fixture::{day, export, import_text, no_files, open_store};

const TODAY: &str = "2025-01-10";

/// The codice fiscale of a woman of that surname, Anna, born on 1 January 1980 in Bologna.
fn code(surname: &str) -> String {
    let place = CadastralCode::parse("A944").unwrap();
    let code = CodiceFiscale::compute(surname, "Anna", Sex::Female, day("1980-01-01"), place);
    code.unwrap().as_str().to_owned()
}

fn number(text: &str) -> CardNumber {
    CardNumber(text.to_owned())
}

fn protect(from: Option<&str>, until: Option<&str>) -> Order {
    Order::Protect {
        basis: "shelter".to_owned(),
        from: from.map(|text| Day(day(text))),
        until: until.map(|text| Day(day(text))),
    }
}

fn seal(from: &str, identity: Bearing) -> Order {
    Order::Seal {
        basis: "adoption".to_owned(),
        from: Day(day(from)),
        identity,
    }
}

fn order(store: &mut MunicipalStore, order: &Order) -> Result<MeasureReport, MeasureError> {
    set_measure(store, &number("S1"), order, day(TODAY))
}

fn card(store: &MunicipalStore) -> Record {
    store.card(&LocalId::parse("S1").unwrap()).unwrap().unwrap()
}

#[test]
fn a_protection_is_journalled_at_once_and_survives_exports_until_it_is_ended() {
    let mut store = open_store(&no_files());
    import_text(&mut store, &export(&[("S1", &[])]));
    let report = order(&mut store, &protect(None, Some("2025-06-30"))).unwrap();
    assert_eq!((report.sequence, report.effect), (2, Effect::AtOnce));
    assert!(card(&store).protected_on(day(TODAY)) && !card(&store).protected_on(day("2025-07-01")));
    let again = import_text(&mut store, &export(&[("S1", &[])]));
    assert_eq!(again.unchanged, 1, "an export says nothing of measures");
    import_text(&mut store, &export(&[("S1", &[("protetto", "S")])]));
    import_text(&mut store, &export(&[("S1", &[])]));
    assert!(card(&store).flags.protected, "an export never clears the marker");
    let report = order(&mut store, &Order::Unprotect).unwrap();
    assert_eq!(report.effect, Effect::AfterConfirmation);
    assert!(!card(&store).ever_protected());
    assert!(matches!(
        order(&mut store, &Order::Unprotect),
        Err(MeasureError::NotProtected)
    ));
}

#[test]
fn a_sealed_card_waits_for_the_new_identity_and_keeps_nothing_of_the_old() {
    let mut store = open_store(&no_files());
    let old_code = code("Rossi");
    let before = [
        ("data_nascita", "1980-01-01"),
        ("codice_fiscale", old_code.as_str()),
        ("cf_validato", "1"),
    ];
    let imported = import_text(&mut store, &export(&[("S1", &before)]));
    assert_eq!(imported.created, 1, "{:?}", imported.findings);
    let report = order(&mut store, &seal("2025-01-02", Bearing::Old)).unwrap();
    assert_eq!(report.effect, Effect::AfterConfirmation);
    let awaited = card(&store).measures.seal.unwrap();
    assert_eq!(awaited.identity, NewIdentity::Awaited);
    assert_eq!(import_text(&mut store, &export(&[("S1", &before)])).unchanged, 1);
    let events = store.changes_from(2, 1).unwrap().remove(0).events;
    assert_eq!(events.len(), 1, "an event says that markers changed");
    assert!(matches!(
        order(&mut store, &seal("2025-01-02", Bearing::New)),
        Err(MeasureError::Sealed)
    ));
    assert!(matches!(
        order(&mut store, &seal("2025-01-01", Bearing::New)),
        Err(MeasureError::SealedLater)
    ));
    let new_code = code("Verdi");
    let after = [
        ("cognome", "Verdi"),
        ("data_nascita", "1980-01-01"),
        ("codice_fiscale", new_code.as_str()),
        ("cf_validato", "1"),
    ];
    import_text(&mut store, &export(&[("S1", &after)]));
    let renamed = card(&store);
    assert_eq!(renamed.measures.seal.unwrap().identity, NewIdentity::Present);
    let codes: Vec<String> = renamed
        .tax_codes
        .iter()
        .map(|entry| entry.code.as_str().to_owned())
        .collect();
    assert_eq!(codes, [new_code], "the old code is gone from the card");
}

#[test]
fn wrong_orders_are_refused_with_their_reason_and_journal_nothing() {
    let mut store = open_store(&no_files());
    import_text(&mut store, &export(&[("S1", &[])]));
    let unknown = Order::Protect {
        basis: "whim".to_owned(),
        from: None,
        until: None,
    };
    let Err(error) = order(&mut store, &unknown) else {
        panic!("the basis is unknown")
    };
    assert_eq!(
        error.to_string(),
        "the basis must be one of court-order, shelter, witness-programme, police-measure, other"
    );
    assert!(matches!(
        order(&mut store, &protect(Some("2025-02-01"), Some("2025-01-31"))),
        Err(MeasureError::Days)
    ));
    let missing = set_measure(&mut store, &number("S2"), &Order::Unprotect, day(TODAY));
    assert!(matches!(missing, Err(MeasureError::NoCard)));
    let wrong = set_measure(&mut store, &number("S 2"), &Order::Unprotect, day(TODAY));
    assert!(matches!(wrong, Err(MeasureError::Number(_))));
    assert_eq!(store.last_sequence(), 1);
    assert_eq!(format!("{:?}", number("S1")), "CardNumber(..)");
}
