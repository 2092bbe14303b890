use registry::code::{AprCancellationReason, CancellationReason, Kinship};
use registry::record::{Cancellation, Death};
use registry::timeline::Dated;

use super::*;
use crate::fixture::{self, day};

const FIELDS: FieldSet = FieldSet::of(&[Field::GivenName, Field::Household]);

fn member(given_name: &str, born: &str, kinship: Kinship) -> Record {
    let mut record = fixture::record();
    record.generalities.given_name = Some(fixture::name(given_name));
    record.generalities.birth_date = PartialDate::parse(born).unwrap();
    record.households.record(Dated {
        from: Some(day("2015-06-01")),
        value: fixture::link(fixture::HOUSEHOLD, kinship),
    });
    record
}

fn family() -> [Record; 4] {
    [
        member("Luca", "2012-01-05", Kinship::Child),
        member("Anna", "1987-04-10", Kinship::Spouse),
        member("Mario", "1985-12-10", Kinship::ReferencePerson),
        member("Ida", "2009", Kinship::Child),
    ]
}

fn names(records: &[Record], visible: FieldSet, on: &str) -> Vec<String> {
    let cards: Vec<_> = records
        .iter()
        .map(|record| VisibleCard { record, visible })
        .collect();
    let view = HouseholdView::of(
        &HouseholdId::parse(fixture::HOUSEHOLD).unwrap(),
        &cards,
        day(on),
        None,
    );
    let members = view.map(|view| view.members).unwrap_or_default();
    members
        .into_iter()
        .filter_map(|member| member.person.given_name)
        .map(|name| name.to_string())
        .collect()
}

#[test]
fn the_reference_person_comes_first_and_the_others_by_age() {
    assert_eq!(
        names(&family(), FIELDS, "2026-03-02"),
        ["Mario", "Anna", "Ida", "Luca"]
    );
}

#[test]
fn members_carry_kinship_and_start_and_only_visible_fields() {
    let records = family();
    let cards: Vec<_> = records
        .iter()
        .map(|record| VisibleCard {
            record,
            visible: FIELDS,
        })
        .collect();
    let household = HouseholdId::parse(fixture::HOUSEHOLD).unwrap();
    let view = HouseholdView::of(&household, &cards, day("2026-03-02"), None).unwrap();
    assert_eq!((view.household, view.kind), (household, HouseholdKind::Family));
    let places: Vec<usize> = view.members.iter().map(|member| member.card).collect();
    assert_eq!(places, [2, 1, 3, 0], "each member says which card it is");
    let anna = &view.members[1];
    assert_eq!(
        (anna.role, anna.from),
        (HouseholdRole::Family(Kinship::Spouse), Some(day("2015-06-01")))
    );
    assert_eq!((anna.person.fields, &anna.person.surname), (FIELDS, &None));
}

#[test]
fn membership_is_that_of_the_reference_date() {
    let mut records = family();
    records[0].households.record(Dated {
        from: Some(day("2024-01-01")),
        value: fixture::link("F-2", Kinship::Child),
    });
    assert_eq!(
        names(&records, FIELDS, "2023-12-31"),
        ["Mario", "Anna", "Ida", "Luca"]
    );
    assert_eq!(names(&records, FIELDS, "2024-01-01"), ["Mario", "Anna", "Ida"]);
    assert!(names(&records, FIELDS, "2015-05-31").is_empty());
}

#[test]
fn the_dead_and_those_who_left_are_no_members() {
    let mut records = family();
    records[1].death = Some(Death {
        date: day("2026-03-01"),
        place: None,
    });
    records[0].cancellation = Some(Cancellation {
        reason: CancellationReason::Apr(AprCancellationReason::Untraceable),
        effective: day("2026-03-02"),
        destination: None,
    });
    assert_eq!(
        names(&records, FIELDS, "2026-03-01"),
        ["Mario", "Anna", "Ida", "Luca"]
    );
    assert_eq!(names(&records, FIELDS, "2026-03-02"), ["Mario", "Ida"]);
}

#[test]
fn whose_household_is_withheld_is_left_out() {
    let records = family();
    assert!(names(&records, FieldSet::of(&[Field::GivenName]), "2026-03-02").is_empty());
    let withheld = FieldSet::of(&[Field::GivenName]);
    let cards: Vec<_> = records
        .iter()
        .enumerate()
        .map(|(position, record)| VisibleCard {
            record,
            visible: if position == 1 { withheld } else { FIELDS },
        })
        .collect();
    let household = HouseholdId::parse(fixture::HOUSEHOLD).unwrap();
    let view = HouseholdView::of(&household, &cards, day("2026-03-02"), None).unwrap();
    assert_eq!(view.members.len(), 3);
}
