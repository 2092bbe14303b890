//! Walks through the households of a municipality and makes their cards.

use std::vec;

use chrono::{Datelike, NaiveDate};

use registry::record::{Record, Sex};

use super::abroad;
use super::calendar::{day_between, new_year, year_end};
use super::cards::{Filing, Office};
use super::descent::state_of_emigrants;
use super::events::{self, close_by_death, day_of_last_year, depart, mortality, pass_year};
use super::family::Naming;
use super::identity::Namer;
use super::names::Names;
use super::numbers::{Kind, Numbers};
use super::ownership::Ownership;
use super::random::{Stream, Weighted, fold};
use super::region::{Municipality, Region};
use super::skeleton::{Member, Part, Skeleton};
use super::streets::Dwelling;
use super::{Extent, Plan, Registers};

/// The cards of a municipality, in the order of its households.
///
/// Holds the ages of all residents (three bytes each), the codes given so far, and the cards of one household.
#[derive(Debug)]
pub struct People {
    office: Office,
    names: Names,
    namer: Namer,
    province: &'static str,
    skeleton: Skeleton,
    /// Ages and sexes of those who died last year.
    dead: Weighted<Member>,
    extent: Extent,
    seed: u64,
    stage: Stage,
    /// Next household of the stage.
    index: usize,
    building: Building,
    ready: vec::IntoIter<Record>,
}

/// What is being made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Residents,
    Dead,
    Departed,
    Arrived,
    Abroad,
    Done,
}

/// The building that is being filled.
#[derive(Clone, Copy, Debug, Default)]
struct Building {
    number: u64,
    units: u32,
    taken: u32,
}

impl People {
    pub(super) fn new(
        plan: Plan,
        municipality: &'static Municipality,
        extent: Extent,
        until: NaiveDate,
    ) -> Self {
        let seed = fold(&[plan.seed, u64::from(plan.year.unsigned_abs())]);
        let ordinal = municipality.ordinal;
        let numbers = Numbers { seed, ordinal };
        let mut stream = Stream::new(&[seed, ordinal as u64, 1]);
        let ages = [
            (Sex::Male, &municipality.males),
            (Sex::Female, &municipality.females),
        ];
        let mut dead = Vec::new();
        for (sex, counts) in ages {
            for (age, count) in (0_u8..).zip(counts).skip(1) {
                dead.push((
                    Member {
                        age,
                        sex,
                        part: Part::Head,
                    },
                    f64::from(*count) * mortality(age, sex),
                ));
            }
        }
        let office = Office::new(municipality, numbers, new_year(plan.year), until);
        let home = office.places.home();
        let town = office.places.maternity_town(&mut stream);
        Self {
            office,
            names: Names::of_province(municipality.province),
            namer: Namer::new(
                Ownership::new(Region::emilia_romagna(), seed, ordinal),
                home,
                town,
            ),
            province: municipality.province,
            skeleton: Skeleton::of(municipality, &mut stream),
            dead: Weighted::new(dead),
            extent,
            seed,
            stage: Stage::Residents,
            index: 0,
            building: Building::default(),
            ready: Vec::new().into_iter(),
        }
    }

    /// Makes households until there are cards or nothing is left.
    fn advance(&mut self) {
        while self.ready.as_slice().is_empty() && self.stage != Stage::Done {
            if self.index < self.households() {
                let index = self.index;
                self.index += 1;
                let dwelling = self.dwelling();
                let offset = fold(&[self.seed, self.office.numbers.ordinal as u64]) >> 1;
                let households = u64::from(self.extent.scale.households());
                if (index as u64 + offset).is_multiple_of(households) {
                    self.make(index, dwelling);
                }
            } else {
                self.index = 0;
                self.stage = match self.stage {
                    Stage::Residents => Stage::Dead,
                    Stage::Dead => Stage::Departed,
                    Stage::Departed => Stage::Arrived,
                    Stage::Arrived if self.extent.registers == Registers::ResidentsAndAbroad => Stage::Abroad,
                    Stage::Arrived | Stage::Abroad | Stage::Done => Stage::Done,
                };
            }
        }
    }

    /// Households of the stage.
    fn households(&self) -> usize {
        let of_residents = |share: f64| (self.skeleton.residents() as f64 * share) as usize;
        let of_households = |share: f64| (self.skeleton.len() as f64 * share) as usize;
        match self.stage {
            Stage::Residents => self.skeleton.len(),
            Stage::Dead => of_residents(0.0115),
            Stage::Departed => of_households(events::DEPARTURES),
            Stage::Arrived => of_households(events::ARRIVALS),
            // Households abroad have 1.7 members.
            Stage::Abroad => of_residents(abroad::SHARE / 1.7),
            Stage::Done => 0,
        }
    }

    fn make(&mut self, index: usize, dwelling: Dwelling) {
        let kind = match self.stage {
            Stage::Residents => Kind::Resident,
            Stage::Dead | Stage::Departed => Kind::Gone,
            Stage::Arrived => Kind::Arrival,
            Stage::Abroad => Kind::Abroad,
            Stage::Done => return,
        };
        let mut stream = Stream::new(&[
            self.seed,
            self.office.numbers.ordinal as u64,
            self.stage as u64 + 2,
            index as u64,
        ]);
        let today = self.office.today;
        let before = today.pred_opt().unwrap_or(today);
        let closed = day_of_last_year(&mut stream, today);
        let (members, first_member, last) = match self.stage {
            Stage::Residents => (
                self.skeleton.household(index).to_vec(),
                self.skeleton.before(index),
                before,
            ),
            Stage::Dead => (
                vec![*self.dead.draw(&mut stream)],
                index,
                closed.pred_opt().unwrap_or(closed),
            ),
            Stage::Departed => (
                self.like_residents(&mut stream, MOVERS),
                100_000 + index * MOVERS,
                closed.pred_opt().unwrap_or(closed),
            ),
            Stage::Arrived => {
                let day = day_between(&mut stream, today, year_end(today.year()));
                (self.like_residents(&mut stream, MOVERS), index * MOVERS, day)
            }
            Stage::Abroad | Stage::Done => (self.like_residents(&mut stream, ABROAD), index * ABROAD, before),
        };
        let household = if self.stage == Stage::Departed {
            100_000 + index
        } else {
            index
        };
        let filing = Filing {
            kind,
            household,
            first_member,
            dwelling,
            last,
        };
        let abroad = (self.stage == Stage::Abroad).then(|| state_of_emigrants(&mut stream));
        let mut naming = Naming {
            names: &self.names,
            places: &self.office.places,
            namer: &mut self.namer,
            year: today.year(),
            province: self.province,
            abroad,
        };
        let named = naming.household(&mut stream, &members);
        let mut cards = self.office.cards(&mut stream, filing, &named);
        match self.stage {
            Stage::Residents => {
                let mut later =
                    Stream::new(&[self.seed, self.office.numbers.ordinal as u64, 1_000, index as u64]);
                pass_year(&self.office, &mut naming, &mut later, filing, &named, &mut cards);
            }
            Stage::Dead => {
                let effective = closed.max(last).min(before);
                cards
                    .iter_mut()
                    .for_each(|card| close_by_death(&self.office, card, closed, effective));
            }
            Stage::Departed => depart(&mut stream, &named, &mut cards, closed),
            Stage::Arrived if self.office.until < last => cards.clear(),
            Stage::Arrived | Stage::Done => {}
            Stage::Abroad => {
                let state = abroad.unwrap_or("ARG");
                abroad::expatriate(&mut stream, state, &named, &mut cards, last);
            }
        }
        self.ready = cards.into_iter();
    }

    /// A household like one of the residents', without infants, at most so large.
    fn like_residents(&self, stream: &mut Stream, largest: usize) -> Vec<Member> {
        let model = self.skeleton.household(stream.below(self.skeleton.len()));
        let movable = |member: &&Member| 0 < member.age && !matches!(member.part, Part::Kin(_));
        let mut members: Vec<Member> = model.iter().filter(movable).copied().take(largest).collect();
        for member in &mut members {
            if matches!(member.part, Part::Responsible | Part::Inmate) {
                member.part = Part::Head;
            }
        }
        let heads = members.iter().filter(|member| member.part == Part::Head).count();
        if 1 < heads {
            members.truncate(1);
        }
        members
    }

    /// The next flat.
    fn dwelling(&mut self) -> Dwelling {
        if self.building.units <= self.building.taken {
            let number = self.building.number + u64::from(self.building.units != 0);
            let mut stream = Stream::new(&[self.seed, self.office.numbers.ordinal as u64, 2_000, number]);
            self.building = Building {
                number,
                units: self.office.streets.units(&mut stream),
                taken: 0,
            };
        }
        self.building.taken += 1;
        let Building { number, units, taken } = self.building;
        Dwelling {
            building: number,
            unit: taken,
            units,
        }
    }
}

/// Members of the largest household that moves.
const MOVERS: usize = 6;
/// Members of the largest household abroad.
const ABROAD: usize = 3;

impl Iterator for People {
    type Item = Record;

    fn next(&mut self) -> Option<Record> {
        self.advance();
        self.ready.next()
    }
}
