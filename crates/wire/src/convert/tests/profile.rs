//! Publication profiles.

use registry::profile::{FieldGroup, GroupSet, Profile};

use super::super::invalid::{Invalid, Rule};
use crate::proto::publication::v1 as wire;

#[test]
fn every_profile_comes_back_as_it_was_sent() {
    for bits in 0..=GroupSet::ALL.bits() {
        let groups = GroupSet::from_bits(bits).unwrap();
        let profile = Profile::first(GroupSet::of(&[FieldGroup::Aire])).followed_by(groups);
        let message = wire::PublicationProfile::from(profile);
        let back = Profile::try_from(message).unwrap();
        assert_eq!((back.number(), back.groups()), (2, groups));
        assert!(back.groups_since().eq(profile.groups_since()));
    }
}

#[test]
fn a_group_of_a_later_version_is_passed_over_and_a_number_out_of_range_refused() {
    let message = |number, group, since| wire::PublicationProfile {
        number,
        groups: vec![wire::PublishedGroup { group, since }],
    };
    let later = Profile::try_from(message(3, 99, 1)).unwrap();
    assert_eq!(later.groups(), GroupSet::NONE);
    let refused = Err(Invalid::new("profile", Rule::Range));
    let parents = i32::from(wire::FieldGroup::Parents);
    for (number, since) in [(0, 0), (3, 0), (3, 4)] {
        assert_eq!(Profile::try_from(message(number, parents, since)), refused);
    }
}
