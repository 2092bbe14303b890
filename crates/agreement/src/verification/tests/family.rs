use super::*;
use crate::claim::MemberClaim;

fn member(code: &str, kinship: Kinship) -> Record {
    let mut record = fixture::record();
    record.tax_codes = vec![fixture::tax_code(code)];
    record.households = Timeline::starting(
        Some(day("2015-06-01")),
        fixture::link(fixture::HOUSEHOLD, kinship),
    );
    record
}

pub(super) const MARIO: &str = "RSSMRA85T10A944C";
const ANNA: &str = "BNCLRA87D50A944G";
const LUCA: &str = "RSSLCU12A05A944U";

pub(super) fn family_of(members: &[(&str, Option<Kinship>)]) -> Claim {
    let members = members
        .iter()
        .map(|(code, kinship)| MemberClaim {
            tax_code: fixture::tax_code(code).code,
            kinship: *kinship,
        })
        .collect();
    Claim::FamilyStatus(FamilyClaim::new(members).unwrap())
}

#[track_caller]
fn check_family(records: &[Record], claim: &Claim, on: &str, expect: VerificationAnswer) {
    let visible = FieldSet::of(&[Field::Household]);
    let cards: Vec<_> = records
        .iter()
        .map(|record| VisibleCard { record, visible })
        .collect();
    let facts = VerificationFacts {
        subject: cards[0],
        household: &cards,
    };
    assert_eq!(verify(&facts, claim, day(on)), expect);
}

#[test]
fn a_family_agrees_in_all_its_members() {
    let records = [
        member(MARIO, Kinship::ReferencePerson),
        member(ANNA, Kinship::Spouse),
        member(LUCA, Kinship::Child),
    ];
    let all = [
        (MARIO, None),
        (ANNA, Some(Kinship::Spouse)),
        (LUCA, Some(Kinship::Child)),
    ];
    check_family(&records, &family_of(&all), TODAY, YES);
    check_family(&records, &family_of(&[all[2], all[0], all[1]]), TODAY, YES);
    check_family(&records, &family_of(&all[..2]), TODAY, NO);
    check_family(&records[..2], &family_of(&all), TODAY, NO);
    let stranger = [all[0], all[1], ("VRDNNA60A41A944R", None)];
    check_family(&records, &family_of(&stranger), TODAY, NO);
    let other_kinship = [all[0], (ANNA, Some(Kinship::Cohabitant)), all[2]];
    check_family(&records, &family_of(&other_kinship), TODAY, NO);
    check_family(&records, &family_of(&all), "2015-05-31", BEFORE_HISTORY);
}

#[test]
fn a_family_is_that_of_the_day() {
    let mut records = [
        member(MARIO, Kinship::ReferencePerson),
        member(ANNA, Kinship::Spouse),
    ];
    died(&mut records[1], "2026-03-01");
    let both = family_of(&[(MARIO, None), (ANNA, None)]);
    check_family(&records, &both, "2026-03-01", YES);
    check_family(&records, &both, TODAY, NO);
    check_family(&records, &family_of(&[(MARIO, None)]), TODAY, YES);
    let split = Dated {
        from: Some(day("2026-01-01")),
        value: fixture::link("F-2", Kinship::ReferencePerson),
    };
    records[0].households.record(split);
    check_family(&records, &family_of(&[(MARIO, None)]), "2026-01-01", YES);
    check_family(&records, &both, "2025-12-31", YES);
    died(&mut records[0], "2026-03-01");
    check_family(&records, &family_of(&[(MARIO, None)]), TODAY, NO);
}

#[test]
fn a_member_is_known_by_any_code_and_a_family_without_codes_by_none() {
    let mut records = [
        member(MARIO, Kinship::ReferencePerson),
        member(ANNA, Kinship::Spouse),
    ];
    records[1].tax_codes.push(fixture::tax_code("VRDNNA60A41A944R"));
    check_family(&records, &family_of(&[(MARIO, None), (ANNA, None)]), TODAY, YES);
    check_family(
        &records,
        &family_of(&[(MARIO, None), ("VRDNNA60A41A944R", None)]),
        TODAY,
        YES,
    );
    records[1].tax_codes.clear();
    check_family(
        &records,
        &family_of(&[(MARIO, None), (ANNA, None)]),
        TODAY,
        NOT_HELD,
    );
    check_family(&records, &family_of(&[(MARIO, None)]), TODAY, NOT_HELD);
}

#[test]
fn a_person_without_household_has_no_family_to_compare() {
    let mut records = [member(MARIO, Kinship::ReferencePerson)];
    records[0].registration.effective = Some(day("2010-01-01"));
    check_family(
        &records,
        &family_of(&[(MARIO, None)]),
        "2012-01-01",
        BEFORE_HISTORY,
    );
    records[0].households = Timeline::default();
    check_family(&records, &family_of(&[(MARIO, None)]), TODAY, NOT_HELD);
}

#[test]
fn families_have_one_to_thirty_members_each_once() {
    let claim = |code: &str| MemberClaim {
        tax_code: fixture::tax_code(code).code,
        kinship: None,
    };
    assert_eq!(FamilyClaim::new(Vec::new()), Err(ClaimError::FamilySize));
    assert_eq!(
        FamilyClaim::new(vec![claim(MARIO); 31]),
        Err(ClaimError::FamilySize)
    );
    assert_eq!(
        FamilyClaim::new(vec![claim(MARIO); 30]),
        Err(ClaimError::MemberTwice)
    );
    assert_eq!(
        FamilyClaim::new(vec![claim(MARIO), claim(ANNA), claim(MARIO)]),
        Err(ClaimError::MemberTwice)
    );
    let family = FamilyClaim::new(vec![claim(MARIO), claim(ANNA)]).unwrap();
    assert_eq!(family.members(), [claim(MARIO), claim(ANNA)]);
}

#[test]
fn two_codes_of_one_member_are_not_two_members() {
    let mut records = [
        member(MARIO, Kinship::ReferencePerson),
        member(ANNA, Kinship::Spouse),
    ];
    records[0].tax_codes.push(fixture::tax_code("VRDNNA60A41A944R"));
    check_family(
        &records,
        &family_of(&[(MARIO, None), ("VRDNNA60A41A944R", None)]),
        TODAY,
        NO,
    );
}
