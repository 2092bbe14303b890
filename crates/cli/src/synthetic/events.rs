//! What happens to a household within the year: births, deaths, moves inside the municipality and away from it.
//!
//! Every event is drawn with its day whatever the day of reading is, and written on the cards if the day has come;
//! two readings of the same household therefore differ only by what happened between them.

use chrono::{Datelike, NaiveDate};

use registry::code::{
    AddressKind, AprCancellationReason, CancellationReason, CivilStatus, ConvivenzaRole, HouseholdRole,
    Kinship,
};
use registry::record::{Cancellation, Death, HouseholdLink, Locality, Place, Record, Residence, Sex};
use registry::timeline::Dated;

use super::calendar::{after_days, age_on, day_between, new_year, year_end};
use super::cards::{Filing, Office};
use super::descent::state_of_emigrants;
use super::family::{Named, Naming};
use super::places::{Birthplace, code_of, municipality_outside, state_of};
use super::random::Stream;
use super::skeleton::Part;
use super::streets::Dwelling;

/// Births a year for each woman of 20 to 44 who is head or partner.
const BIRTHS: f64 = 0.068;
/// Share of boys among newborns.
const BOYS: f64 = 0.514;
/// Share of households that leave the municipality in a year.
pub(super) const DEPARTURES: f64 = 0.012;
/// Share of households that arrive in a year.
pub(super) const ARRIVALS: f64 = 0.014;
/// Share of households that move inside the municipality in a year.
const CHANGES_OF_DWELLING: f64 = 0.045;

/// Probability of dying within a year at an age.
pub(super) fn mortality(age: u8, sex: Sex) -> f64 {
    let of_sex = if sex == Sex::Female { 0.75 } else { 1.2 };
    (0.000_021 * (0.0985 * f64::from(age)).exp() * of_sex).min(0.5)
}

/// Lets the year pass over the cards of a household.
pub(super) fn pass_year(
    office: &Office,
    naming: &mut Naming<'_>,
    stream: &mut Stream,
    filing: Filing,
    named: &[Named],
    cards: &mut Vec<Record>,
) {
    let (first, last) = (office.today, year_end(office.today.year()));
    let family = named
        .iter()
        .all(|person| !matches!(person.member.part, Part::Responsible | Part::Inmate));
    let mother = named
        .iter()
        .position(|person| family && person.is_mother_on(office.today));
    let mother = mother.filter(|_| stream.chance(BIRTHS));
    let newborn = mother.map(|mother| {
        let sex = if stream.chance(BOYS) {
            Sex::Male
        } else {
            Sex::Female
        };
        (mother, naming.newborn(stream, first.year(), sex, named))
    });
    let death_days: Vec<Option<NaiveDate>> = named
        .iter()
        .map(|person| {
            let day = day_between(stream, first, last);
            stream
                .chance(mortality(person.member.age, person.identity.sex))
                .then_some(day)
        })
        .collect();
    let dead = death_days
        .iter()
        .position(Option::is_some)
        .filter(|at| Some(*at) != mother);
    let registered = stream.between(1, 3).unsigned_abs();
    let change = (family && stream.chance(CHANGES_OF_DWELLING)).then(|| day_between(stream, first, last));
    let dwelling = other_dwelling(office, stream);
    let departure = (family && stream.chance(DEPARTURES)).then(|| day_between(stream, first, last));
    let departure = departure.filter(|_| dead.is_none() && newborn.is_none());

    if let Some(day) = change.filter(|day| *day <= office.until && departure.is_none()) {
        move_to(office, dwelling, day, cards);
    }
    if let Some(day) = departure.filter(|day| *day <= office.until) {
        depart(stream, named, cards, day);
    }
    if let Some((dead, day)) = dead.and_then(|at| death_days[at].map(|day| (at, day)))
        && survivors_can_go_on(named, dead, day)
    {
        let effective = after_days(day, registered);
        if effective <= office.until {
            die(office, named, cards, dead, day, effective);
        }
    }
    if let Some((mother, child)) = newborn {
        let card = office.newborn(stream, filing.household, &child, &cards[mother]);
        if child.identity.birth <= office.until {
            cards.push(card);
        }
    }
}

/// Cancels the cards of a household that leaves the region.
pub(super) fn depart(stream: &mut Stream, named: &[Named], cards: &mut [Record], day: NaiveDate) {
    let foreign = named.first().is_some_and(|head| head.descent.is_foreign());
    let abroad = stream.chance(if foreign { 0.4 } else { 0.12 });
    let state = match named.first().map(|head| head.identity.place) {
        Some(Birthplace::Abroad(state, _)) if foreign => state,
        _ => state_of(state_of_emigrants(stream)),
    };
    let town = municipality_outside(stream, day);
    for (person, card) in named.iter().zip(cards) {
        let (reason, destination) = match (abroad, person.descent.is_foreign()) {
            (false, _) => (AprCancellationReason::MoveToOtherMunicipality, town),
            (true, true) => (
                AprCancellationReason::ForeignerMovedAbroad,
                Some(Locality::State(code_of(state))),
            ),
            (true, false) => (
                AprCancellationReason::MoveAbroadToAire,
                Some(Locality::State(code_of(state))),
            ),
        };
        card.cancellation = Some(Cancellation {
            reason: CancellationReason::Apr(reason),
            effective: day,
            destination,
        });
    }
}

/// Writes a death on a card.
pub(super) fn close_by_death(office: &Office, card: &mut Record, day: NaiveDate, effective: NaiveDate) {
    card.death = Some(Death {
        date: day,
        place: Some(Locality::Municipality(office.istat)),
    });
    card.cancellation = Some(Cancellation {
        reason: CancellationReason::Apr(AprCancellationReason::Death),
        effective,
        destination: None,
    });
}

fn move_to(office: &Office, dwelling: Dwelling, day: NaiveDate, cards: &mut [Record]) {
    let homeless = |card: &Record| {
        card.residences
            .latest()
            .is_none_or(|fact| matches!(fact.value.place, Place::Notional { .. }))
    };
    if cards.iter().any(homeless) {
        return;
    }
    for card in cards {
        let place = Place::Italian(office.streets.address(dwelling));
        let value = Residence {
            kind: AddressKind::Residence,
            place,
            standing: office.standing(day),
        };
        card.residences.record(Dated {
            from: Some(day),
            value,
        });
    }
}

fn die(
    office: &Office,
    named: &[Named],
    cards: &mut [Record],
    dead: usize,
    day: NaiveDate,
    effective: NaiveDate,
) {
    let part = named[dead].member.part;
    close_by_death(office, &mut cards[dead], day, effective);
    let couple = matches!(part, Part::Head | Part::Partner);
    for (at, card) in cards.iter_mut().enumerate() {
        let spouse = couple && at != dead && matches!(named[at].member.part, Part::Head | Part::Partner);
        let married = card
            .civil_status
            .latest()
            .is_some_and(|fact| fact.value == CivilStatus::Married);
        if spouse && married {
            card.civil_status.record(Dated {
                from: Some(day),
                value: CivilStatus::Widowed,
            });
        }
    }
    let Some(heir) = heir(named, dead, day) else {
        return;
    };
    let orphaned = named[heir].member.part == Part::Child;
    for (at, card) in cards.iter_mut().enumerate() {
        let Some(link) = card.households.latest().map(|fact| fact.value.clone()) else {
            continue;
        };
        let role = match named[at].member.part {
            _ if at == dead => continue,
            Part::Inmate if at == heir => HouseholdRole::Convivenza(ConvivenzaRole::Responsible),
            Part::Inmate | Part::Responsible => continue,
            _ if at == heir => HouseholdRole::Family(Kinship::ReferencePerson),
            Part::Child if orphaned => HouseholdRole::Family(Kinship::Sibling),
            Part::Child if named[heir].member.part == Part::Partner => continue,
            Part::Child | Part::Kin(_) | Part::Head | Part::Partner => {
                HouseholdRole::Family(Kinship::OtherRelative)
            }
        };
        card.households.record(Dated {
            from: Some(after_days(day, 1)),
            value: HouseholdLink { role, ..link },
        });
    }
}

/// Who takes the place of a head or of the one responsible: the partner, else the oldest.
fn heir(named: &[Named], dead: usize, day: NaiveDate) -> Option<usize> {
    if !matches!(named[dead].member.part, Part::Head | Part::Responsible) {
        return None;
    }
    let partner = named.iter().position(|other| other.member.part == Part::Partner);
    let adults = named
        .iter()
        .enumerate()
        .filter(|(at, other)| *at != dead && 18 <= age_on(other.identity.birth, day));
    partner.or_else(|| {
        adults
            .min_by_key(|(_, other)| other.identity.birth)
            .map(|(at, _)| at)
    })
}

/// Whether nobody, or somebody of age, is left to stand for the household.
fn survivors_can_go_on(named: &[Named], dead: usize, day: NaiveDate) -> bool {
    let needed = matches!(named[dead].member.part, Part::Head | Part::Responsible) && 1 < named.len();
    !needed || heir(named, dead, day).is_some()
}

/// A flat in one of the buildings that the residents of the first day do not fill.
pub(super) fn other_dwelling(office: &Office, stream: &mut Stream) -> Dwelling {
    let buildings = office.streets.buildings();
    let spare = buildings * 3 / 4;
    let units = office.streets.units(stream);
    Dwelling {
        building: spare + stream.below((buildings - spare) as usize) as u64,
        unit: 1 + stream.below(units as usize) as u32,
        units,
    }
}

/// A day of the year before the one that begins on `today`.
pub(super) fn day_of_last_year(stream: &mut Stream, today: NaiveDate) -> NaiveDate {
    let first = new_year(today.year() - 1);
    day_between(
        stream,
        first.succ_opt().unwrap_or(first),
        today.pred_opt().unwrap_or(today),
    )
}
