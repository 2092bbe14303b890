use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::identifier::IstatCode;
use crate::publication::{Batch, Epoch};
use crate::testing::{IMOLA, any_record, day, full_record};

fn any_profile() -> impl Strategy<Value = GroupSet> {
    (0..=GroupSet::ALL.bits()).prop_filter_map("a profile", GroupSet::from_bits)
}

fn change(card: Record, kind: EventKind) -> Change {
    Change {
        sequence: 1,
        local_id: card.local_id.clone(),
        body: ChangeBody::Upsert(Box::new(card)),
        events: vec![RegistryEvent {
            kind,
            event_date: None,
            effective_date: None,
            registration_date: day("2026-01-01"),
            act: None,
        }],
    }
}

#[test]
fn every_group_has_its_own_name_number_and_bit() {
    let names: BTreeSet<_> = FieldGroup::ALL.map(FieldGroup::name).into_iter().collect();
    assert_eq!(names.len(), FieldGroup::ALL.len());
    for (position, group) in FieldGroup::ALL.into_iter().enumerate() {
        assert_eq!(FieldGroup::from_name(group.name()), Ok(group));
        assert_eq!(FieldGroup::from_number(group.number()), Some(group));
        assert_eq!(GroupSet::of(&[group]).bits(), 1 << position, "{group}");
    }
    assert_eq!(FieldGroup::from_name("Parents"), Err(GroupNameError));
    assert_eq!(FieldGroup::from_number(0), None);
    assert_eq!(GroupSet::ALL.bits(), 0b1_1111);
    assert_eq!(GroupSet::from_bits(0b10_0000), None);
}

#[test]
fn each_group_takes_its_fields_along_and_nothing_else() {
    let card = full_record();
    let groups = GroupSet::of_card(&card);
    assert_eq!(
        groups,
        GroupSet::ALL.difference(GroupSet::of(&[FieldGroup::Aire]))
    );
    for group in groups.iter() {
        let left = GroupSet::ALL.difference(GroupSet::of(&[group]));
        let applied = left.applied(card.clone()).unwrap();
        assert_eq!(
            GroupSet::of_card(&applied),
            groups.difference(GroupSet::of(&[group])),
            "{group}"
        );
        let restored = Record {
            civil_status: card.civil_status.clone(),
            citizenships: card.citizenships.clone(),
            parents: card.parents.clone(),
            identity_document: card.identity_document.clone(),
            ..applied
        };
        assert_eq!(restored, card, "{group}");
    }
}

#[test]
fn a_change_of_a_card_that_is_outside_as_a_whole_is_a_withdrawal() {
    let mut card = full_record();
    card.register = Register::Aire;
    let sent = change(card, EventKind::Marriage);
    let applied = GroupSet::NONE.applied_to_change(sent.clone());
    assert_eq!((applied.body, applied.events), (ChangeBody::Remove, Vec::new()));
    assert!(!GroupSet::NONE.covers_change(&sent));
    assert_eq!(GroupSet::ALL.applied_to_change(sent.clone()), sent);
}

#[test]
fn an_event_tells_of_the_group_that_it_changes() {
    for kind in EventKind::ALL {
        let told = change(full_record(), *kind);
        let groups = FieldGroup::of_event(*kind);
        let left = GroupSet::ALL.difference(groups.into_iter().collect());
        let kept = left.applied_to_change(told).events.len();
        assert_eq!(kept, usize::from(groups.is_none()), "{}", kind.code());
    }
}

#[test]
fn what_shelters_says_nothing_of_who_it_is() {
    let shelter = shelter_of(full_record());
    assert_eq!(GroupSet::of_card(&shelter), GroupSet::NONE);
    assert_eq!(shelter.generalities.surname, None);
    assert_eq!(shelter.residences, full_record().residences);
    assert_eq!(shelter.measures, full_record().measures);
}

#[test]
fn a_profile_that_was_told_counts_from_one_and_knows_no_later_one() {
    let group = FieldGroup::Parents;
    assert_eq!(Profile::told(0, []), None);
    assert_eq!(Profile::told(2, [(group, 0)]), None);
    assert_eq!(Profile::told(2, [(group, 3)]), None);
    let told = Profile::told(3, [(group, 2)]).unwrap();
    assert_eq!((told.number(), told.groups()), (3, GroupSet::of(&[group])));
}

proptest! {
    #[test]
    fn what_never_left_is_what_all_profiles_since_have(
        profiles in proptest::collection::vec(any_profile(), 1..12), known in any::<prop::sample::Index>(),
    ) {
        let first = Profile::first(profiles[0]);
        let last = profiles[1..].iter().fold(first, |profile, groups| profile.followed_by(*groups));
        let known = known.index(profiles.len());
        let held = profiles[known..].iter().fold(GroupSet::ALL, |held, groups| held.intersection(*groups));
        prop_assert_eq!(last.held_since(known as u64 + 1), held);
        prop_assert_eq!(Profile::told(last.number(), last.groups_since()).unwrap().held_since(known as u64 + 1), held);
        prop_assert_eq!(last.groups(), *profiles.last().unwrap());
    }

    #[test]
    fn a_profile_applied_twice_is_applied_once(profile in any_profile(), card in any_record()) {
        if let Some(applied) = profile.applied(card) {
            prop_assert_eq!(profile.applied(applied.clone()), Some(applied));
        }
    }

    #[test]
    fn nothing_of_a_group_outside_remains_and_everything_else_does(profile in any_profile(), card in any_record()) {
        let groups = GroupSet::of_card(&card);
        match profile.applied(card.clone()) {
            None => prop_assert!(groups.contains(FieldGroup::Aire) && !profile.contains(FieldGroup::Aire)),
            Some(applied) => {
                prop_assert_eq!(GroupSet::of_card(&applied), groups.intersection(profile));
                prop_assert_eq!(applied == card, groups.is_subset(profile));
            }
        }
    }

    #[test]
    fn two_profiles_one_after_the_other_are_what_both_have(
        first in any_profile(), second in any_profile(), card in any_record(),
    ) {
        let one_by_one = first.applied(card.clone()).and_then(|card| second.applied(card));
        prop_assert_eq!(one_by_one, first.intersection(second).applied(card));
    }

    #[test]
    fn a_batch_within_a_profile_has_its_bounds_and_nothing_outside(profile in any_profile(), card in any_record()) {
        let card = Record { municipality: IstatCode::parse(IMOLA).unwrap(), ..card };
        let municipality = card.municipality;
        let batch = Batch::new(municipality, Epoch([1; 16]), 1, vec![change(card, EventKind::Citizenship)], 5).unwrap();
        let within = batch.within(profile);
        prop_assert_eq!(within.last_sequence(), batch.last_sequence());
        prop_assert!(within.changes().iter().all(|change| profile.covers_change(change)));
        prop_assert_eq!(*within == batch, batch.changes().iter().all(|change| profile.covers_change(change)));
    }
}
