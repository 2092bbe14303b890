//! The floors, with every run of the tests: over the whole of the benchmark's held-out half, and over a sample of the
//! synthetic people.

use std::collections::BTreeMap;

use cli::synthetic::Scale;

use super::corrupt::Fault;
use super::febrl::Febrl;
use super::figures::{AllFloors, Figures, THRESHOLD, Tally};
use super::italian::{DISTRICT, District};
use super::look_up::{Known, People, Question};
use super::*;

#[test]
fn halves_are_about_equal_and_always_the_same() {
    let held_out = (0..10_000)
        .filter(|number| Half::of(&format!("rec-{number}-org")) == Half::HeldOut)
        .count();
    assert!((4_800..5_200).contains(&held_out), "{held_out}");
    // Their SHA-256 begin with BA and 6B.
    assert_eq!(Half::of("abc"), Half::Tuning);
    assert_eq!(Half::of("1"), Half::HeldOut);
}

#[test]
fn febrl4_is_searched_above_the_floors() {
    let figures = Febrl::read().tally(Half::HeldOut, 1).figures(THRESHOLD);
    assert!(2_500 < figures.look_ups, "{figures:?}");
    let missed = AllFloors::stated().febrl4.missed(&figures);
    assert!(missed.is_empty(), "{missed:?}: {figures:?}");
}

#[test]
fn misspelt_italian_names_are_searched_above_the_floors() {
    let district = District::of(&DISTRICT[..1], Scale::one_in(4).unwrap());
    assert!(10_000 < district.people().len(), "{}", district.people().len());
    let floors = AllFloors::stated();
    let mut all = Tally::default();
    let kinds: BTreeMap<Fault, Figures> = Fault::ALL
        .into_iter()
        .map(|fault| {
            let tally = district.tally(fault, Half::HeldOut, 100);
            all.add(&tally);
            (fault, tally.figures(THRESHOLD))
        })
        .collect();
    for (fault, figures) in &kinds {
        assert!(30 < figures.look_ups, "{fault:?}: {figures:?}");
        assert!(floors.italian_kind.reached(figures), "{fault:?}: {figures:?}");
    }
    let figures = all.figures(THRESHOLD);
    let missed = floors.italian.missed(&figures);
    assert!(missed.is_empty(), "{missed:?}: {figures:?}");
}

/// The control: what is lost shows.
#[test]
fn who_is_not_held_is_not_found() {
    let mut tally = Tally::default();
    let known = Known {
        surname: Some("Rossi".to_owned()),
        given_name: Some("Anna".to_owned()),
        birth: None,
    };
    tally.look_up(
        &People::default(),
        &known,
        registry::identifier::RecordId(uuid::Uuid::nil()),
    );
    let figures = tally.figures(THRESHOLD);
    assert_eq!(figures.look_ups, 1);
    let missed = AllFloors::stated().febrl4.missed(&figures);
    assert_eq!(missed, ["recall at 1", "recall at 10", "precision", "recall"]);
}

#[test]
fn a_question_needs_what_it_asks_for() {
    let nothing = Known::default();
    let no_day = Known {
        surname: Some("Rossi".to_owned()),
        given_name: Some("A".to_owned()),
        birth: None,
    };
    let asked = |known: &Known| {
        let order = Question::ORDER.into_iter();
        order
            .filter(|question| question.about(known).is_some())
            .collect::<Vec<_>>()
    };
    assert_eq!(asked(&nothing), []);
    // A given name of one letter is no question.
    assert_eq!(asked(&no_day), [Question::Everything, Question::Surname]);
}
