//! Who comes, who goes, and who lives elsewhere in the municipality.

use std::io;

use chrono::NaiveDate;

use registry::change::EventKind;
use registry::code::{
    AddressKind, AprCancellationReason, AprRegistrationReason, HouseholdRole, Kinship, RegistrationReason,
};
use registry::identifier::IstatCode;
use registry::record::{
    Address, HouseholdLink, Locality, Place, Record, Registration, Residence, ResidenceStanding,
};
use registry::state::ITALY;
use registry::timeline::{Dated, Timeline};

use super::card::Card;
use super::deed::{CheckOutcome, Deed, Origin};
use super::population::{Departure, Mover, Population, Undo};
use super::rates;
use super::row::Operation;
use crate::synthetic::calendar::after_days;
use crate::synthetic::cards::CHECK_DAYS;
use crate::synthetic::descent::state_of_emigrants;
use crate::synthetic::places::{code_of, municipality_outside, state_of};

/// Days within which a declared residence is registered (DPR 223/1989 art. 18).
const REGISTRATION_DAYS: i64 = 2;
/// Days after which most municipalities of origin have cancelled who left.
const CANCELLATION_DAYS: i64 = 5;

impl Population<'_> {
    /// Draws the departures of the day.
    pub(super) fn goings(&mut self) -> io::Result<()> {
        for _ in 0..self.number(rates::DEPARTURES) {
            let alone = self.stream.chance(rates::ALONE);
            let Some(leaving) = self.household_or_one(alone) else {
                continue;
            };
            let delay = rates::delay(&mut self.stream, CANCELLATION_DAYS);
            let effective = self.today;
            let near = !self.stream.chance(rates::ABROAD) && self.stream.chance(rates::NEAR);
            let to = near.then(|| self.other_municipality()).flatten();
            let deed = match to {
                Some(to) => {
                    self.depart_to(to, &leaving, alone, after_days(self.today, delay));
                    Deed::Departure {
                        effective,
                        reason: AprCancellationReason::MoveToOtherMunicipality,
                        destination: Locality::Municipality(to),
                        near: true,
                    }
                }
                None => self.departure_to_outside(&leaving),
            };
            self.happened(leaving, delay, deed)?;
        }
        Ok(())
    }

    /// Draws the arrivals from outside.
    pub(super) fn comings(&mut self) -> io::Result<()> {
        // A family has two members or so.
        for _ in 0..self.number(rates::ARRIVALS / 2.0) {
            let Some(family) = self.outside.pop_front() else {
                return Ok(());
            };
            let delay = rates::delay(&mut self.stream, REGISTRATION_DAYS);
            let own = |sheet: &Record| format!("{}/{}", sheet.municipality, sheet.local_id);
            let movers = family.into_iter().map(|sheet| Mover {
                person: own(&sheet),
                sheet,
            });
            let refused = self.stream.chance(rates::CHECKS_FAILED);
            let found = delay + self.stream.between(5, CHECK_DAYS as i64).unsigned_abs();
            let deed = Deed::Arrival {
                movers: movers.collect(),
                effective: self.today,
                origin: Origin::Outside,
                refused: refused.then(|| after_days(self.today, found)),
            };
            self.happened(Vec::new(), delay, deed)?;
        }
        Ok(())
    }

    /// Draws the changes of dwelling.
    pub(super) fn changes_of_dwelling(&mut self) -> io::Result<()> {
        for _ in 0..self.number(rates::CHANGES_OF_DWELLING) {
            let alone = self.stream.chance(rates::ALONE);
            let Some(moving) = self.household_or_one(alone) else {
                continue;
            };
            if !moving.iter().all(|at| self.cards[*at].has_dwelling()) {
                continue;
            }
            let delay = rates::delay(&mut self.stream, REGISTRATION_DAYS);
            let effective = self.today;
            let deed = if alone {
                Deed::Parting { effective }
            } else {
                Deed::Dwelling { effective }
            };
            self.happened(moving, delay, deed)?;
        }
        Ok(())
    }

    /// A family to which something may happen, or one of age who can leave it.
    fn household_or_one(&mut self, alone: bool) -> Option<Vec<usize>> {
        let today = self.today;
        if alone {
            let one = self.pick(|card| {
                let stays = [Kinship::ReferencePerson, Kinship::Spouse, Kinship::CivilPartner];
                is_of_family(card)
                    && 18 <= card.age(today)
                    && !stays.into_iter().any(|kinship| card.is(kinship))
            });
            return one.map(|at| vec![at]);
        }
        let head = self.pick(|card| card.is(Kinship::ReferencePerson))?;
        self.family(head)
    }

    fn other_municipality(&mut self) -> Option<IstatCode> {
        let here = self.town.office.istat;
        let others = self.course.municipalities.iter().copied();
        let others: Vec<IstatCode> = others.filter(|code| *code != here).collect();
        self.stream.pick(&others).copied()
    }

    /// What the other municipality will do about people who have moved there.
    fn depart_to(&mut self, to: IstatCode, leaving: &[usize], alone: bool, cancelled: NaiveDate) {
        let registered = after_days(self.today, rates::delay(&mut self.stream, REGISTRATION_DAYS));
        let refused = !alone && self.stream.chance(rates::CHECKS_FAILED);
        let found = after_days(
            registered,
            self.stream.between(5, CHECK_DAYS as i64).unsigned_abs(),
        );
        let told = after_days(found, self.stream.between(0, 4).unsigned_abs());
        let movers = leaving.iter().map(|at| {
            let mut sheet = self.cards[*at].sheet.clone();
            if alone {
                sheet.households = sheet.households.latest().map_or_else(Timeline::default, |fact| {
                    let role = HouseholdRole::Family(Kinship::ReferencePerson);
                    let household = fact.value.household.clone();
                    Timeline::starting(fact.from, HouseholdLink { household, role })
                });
            }
            Mover {
                person: self.cards[*at].person().to_owned(),
                sheet,
            }
        });
        self.departures.push(Departure {
            to,
            movers: movers.collect(),
            effective: self.today,
            registered,
            refused: refused.then_some(found),
        });
        if refused {
            let day = told.max(after_days(cancelled, 1));
            self.later(leaving.to_vec(), day, Deed::Restoration { by: to });
        }
    }

    fn departure_to_outside(&mut self, leaving: &[usize]) -> Deed {
        let italy = ITALY;
        let foreign = |card: &Card| {
            let citizenships = card.sheet.citizenships.latest();
            citizenships.is_none_or(|fact| fact.value.iter().all(|state| state.as_str() != italy))
        };
        let foreigners = leaving.iter().all(|at| foreign(&self.cards[*at]));
        let town = municipality_outside(&mut self.stream, self.today);
        let state = Locality::State(code_of(state_of(state_of_emigrants(&mut self.stream))));
        let share = rates::ABROAD / (1.0 - (1.0 - rates::ABROAD) * rates::NEAR);
        let (reason, destination) = match town {
            Some(town) if !self.stream.chance(share) => {
                (AprCancellationReason::MoveToOtherMunicipality, town)
            }
            _ if foreigners => (AprCancellationReason::ForeignerMovedAbroad, state),
            _ => (AprCancellationReason::MoveAbroadToAire, state),
        };
        Deed::Departure {
            effective: self.today,
            reason,
            destination,
            near: false,
        }
    }

    pub(super) fn register_departure(
        &mut self,
        cards: &[usize],
        effective: NaiveDate,
        reason: AprCancellationReason,
        destination: Locality,
        near: bool,
    ) -> io::Result<()> {
        // What another municipality has registered is not for this one to undo.
        self.enter(cards, if near { Undo::Never } else { Undo::Possible });
        for at in cards {
            self.cards[*at].leaves(reason, effective, Some(destination));
        }
        self.report_all(cards, EventKind::Emigration, Some(effective))
    }

    pub(super) fn register_restoration(&mut self, cards: &[usize], by: IstatCode) -> io::Result<()> {
        let left = |card: &Card| card.sheet.cancellation.as_ref().map(|exit| exit.effective);
        self.enter(cards, Undo::Never);
        for at in cards {
            let card = &mut self.cards[*at];
            let registration = Registration {
                reason: RegistrationReason::Apr(AprRegistrationReason::PreviousPositionRestored),
                effective: left(card),
                origin: Some(Locality::Municipality(by)),
            };
            card.is_restored(registration);
        }
        self.report_all(cards, EventKind::Registration, None)
    }

    /// Opens the cards of people who came; those of one household come together.
    pub(super) fn register_arrival(
        &mut self,
        movers: Vec<Mover>,
        effective: NaiveDate,
        origin: Origin,
        refused: Option<NaiveDate>,
    ) -> io::Result<()> {
        let household = self.town.next_serial();
        let dwelling = self.town.dwelling(&mut self.stream);
        let mut cards = Vec::with_capacity(movers.len());
        for Mover { person, sheet } in movers {
            let sheet = self.admitted(sheet, household, &dwelling, effective, origin);
            let person = (origin != Origin::Outside).then_some(person);
            let at = self.open_card(sheet, person);
            self.report(at, Operation::Upsert, EventKind::Immigration, Some(effective))?;
            self.opened.push(at);
            cards.push(at);
        }
        let passed = after_days(
            effective,
            self.stream.between(5, CHECK_DAYS as i64).unsigned_abs(),
        );
        let (day, outcome) = match refused {
            Some(day) => (day, CheckOutcome::Refused),
            None => (passed, CheckOutcome::Passed),
        };
        let from = effective;
        self.later(cards, day, Deed::Check { from, outcome });
        Ok(())
    }

    /// The card of somebody who came.
    fn admitted(
        &mut self,
        sheet: Record,
        household: u64,
        dwelling: &Address,
        effective: NaiveDate,
        origin: Origin,
    ) -> Record {
        let (registration, local_id) = match origin {
            Origin::Outside => {
                let registration = Registration {
                    effective: Some(effective),
                    ..sheet.registration
                };
                (registration, sheet.local_id.clone())
            }
            Origin::Near(from) => {
                let registration = Registration {
                    reason: RegistrationReason::Apr(AprRegistrationReason::Immigration),
                    effective: Some(effective),
                    origin: Some(Locality::Municipality(from)),
                };
                let serial = self.town.next_serial();
                (registration, self.town.office.numbers.card(serial))
            }
        };
        let office_number = office_household(self.town, household);
        let households = sheet.households.latest().map_or_else(Timeline::default, |fact| {
            let role = fact.value.role;
            Timeline::starting(
                Some(effective),
                HouseholdLink {
                    household: office_number,
                    role,
                },
            )
        });
        let known = |from: Option<NaiveDate>| from.map(|from| from.min(effective));
        let document = sheet.identity_document.clone();
        let mut tax_codes = sheet.tax_codes.clone();
        for entry in &mut tax_codes {
            entry.from = entry.from.filter(|from| *from <= effective);
        }
        Record {
            municipality: self.town.office.istat,
            local_id,
            civil_status: Timeline::from_facts(sheet.civil_status.latest().map(|fact| Dated {
                from: known(fact.from),
                value: fact.value,
            })),
            citizenships: Timeline::from_facts(sheet.citizenships.latest().map(|fact| Dated {
                from: known(fact.from),
                value: fact.value.clone(),
            })),
            tax_codes,
            residences: Timeline::starting(
                Some(effective),
                Residence {
                    kind: AddressKind::Residence,
                    place: Place::Italian(dwelling.clone()),
                    standing: ResidenceStanding::Provisional,
                },
            ),
            households,
            identity_document: document.filter(|document| document.issued <= effective),
            registration,
            cancellation: None,
            death: None,
            ..sheet
        }
    }

    pub(super) fn register_dwelling(&mut self, cards: Vec<usize>, effective: NaiveDate) -> io::Result<()> {
        let dwelling = self.town.dwelling(&mut self.stream);
        self.register_change(cards, effective, &dwelling, None)
    }

    pub(super) fn register_parting(&mut self, cards: Vec<usize>, effective: NaiveDate) -> io::Result<()> {
        let dwelling = self.town.dwelling(&mut self.stream);
        let serial = self.town.next_serial();
        let link = HouseholdLink {
            household: office_household(self.town, serial),
            role: HouseholdRole::Family(Kinship::ReferencePerson),
        };
        self.register_change(cards, effective, &dwelling, Some(&link))
    }

    fn register_change(
        &mut self,
        cards: Vec<usize>,
        effective: NaiveDate,
        dwelling: &Address,
        link: Option<&HouseholdLink>,
    ) -> io::Result<()> {
        let positions: Option<Vec<_>> = cards.iter().map(|at| self.cards[*at].position()).collect();
        self.enter(&cards, Undo::Possible);
        for at in &cards {
            let residence = Residence {
                kind: AddressKind::Residence,
                place: Place::Italian(dwelling.clone()),
                standing: ResidenceStanding::Provisional,
            };
            self.cards[*at].lives_at(effective, residence);
            if let Some(link) = link {
                self.cards[*at].belongs_to(effective, link.clone());
            }
        }
        self.report_all(&cards, EventKind::ChangeOfDwelling, Some(effective))?;
        let failed = self.stream.chance(rates::CHECKS_FAILED);
        let outcome = match positions {
            Some(positions) if failed => CheckOutcome::Failed(positions),
            _ => CheckOutcome::Passed,
        };
        let day = after_days(
            effective,
            self.stream.between(5, CHECK_DAYS as i64).unsigned_abs(),
        );
        let from = effective;
        self.later(cards, day, Deed::Check { from, outcome });
        Ok(())
    }

    /// Checks of residences that were open on the first day.
    pub(super) fn open_checks(&mut self) {
        for at in 0..self.cards.len() {
            let card = &self.cards[at];
            let open = card
                .residence()
                .filter(|fact| card.is_open() && fact.value.standing == ResidenceStanding::Provisional);
            if let Some(from) = open.and_then(|fact| fact.from) {
                let outcome = CheckOutcome::Passed;
                self.later(
                    vec![at],
                    after_days(from, CHECK_DAYS),
                    Deed::Check { from, outcome },
                );
            }
        }
    }

    pub(super) fn register_check(
        &mut self,
        cards: &[usize],
        from: NaiveDate,
        outcome: CheckOutcome,
    ) -> io::Result<()> {
        let still_open = |card: &Card| {
            let residence = card.residence();
            card.is_open()
                && residence.is_some_and(|fact| {
                    fact.from == Some(from) && fact.value.standing == ResidenceStanding::Provisional
                })
        };
        if !cards.iter().all(|at| still_open(&self.cards[*at])) {
            return Ok(());
        }
        self.enter(cards, Undo::Never);
        match outcome {
            CheckOutcome::Passed => {
                for at in cards {
                    self.cards[*at].residence_checked();
                }
                self.report_all(cards, EventKind::ChangeOfDwelling, Some(from))
            }
            CheckOutcome::Failed(positions) => {
                for (at, position) in cards.iter().zip(positions) {
                    self.cards[*at].back_to(position);
                }
                self.report_all(cards, EventKind::Annulment, None)
            }
            CheckOutcome::Refused => {
                for at in cards {
                    let card = &mut self.cards[*at];
                    let entered = card.sheet.registration.effective.unwrap_or(from);
                    let origin = card.sheet.registration.origin;
                    card.leaves(AprCancellationReason::PreviousPositionRestored, entered, origin);
                }
                self.report_all(cards, EventKind::Cancellation, None)
            }
        }
    }

    /// Opens a card; who has no card elsewhere is a person of this municipality.
    pub(super) fn open_card(&mut self, sheet: Record, person: Option<String>) -> usize {
        let person = person.unwrap_or_else(|| format!("{}/{}", sheet.municipality, sheet.local_id));
        self.cards.push(Card::new(sheet, person, self.today));
        self.cards.len() - 1
    }
}

fn office_household(town: &super::town::Town, serial: u64) -> registry::identifier::HouseholdId {
    town.office.numbers.household(serial, false)
}

/// Whether somebody lives in a family, not in a convivenza.
pub(super) fn is_of_family(card: &Card) -> bool {
    matches!(card.role(), Some(HouseholdRole::Family(_)))
}
