//! Births, deaths, and what they change in the family.

use std::io;

use chrono::NaiveDate;

use registry::change::EventKind;
use registry::code::{AprRegistrationReason, CivilStatus, HouseholdRole, Kinship, RegistrationReason};
use registry::codice_fiscale::CodiceFiscale;
use registry::identifier::StateCode;
use registry::record::{
    Flags, HouseholdLink, Locality, Parent, ParentRole, Record, Register, Registration, TaxCodeEntry,
};
use registry::state::ITALY;
use registry::timeline::Timeline;

use super::card::Card;
use super::deed::Deed;
use super::population::{Population, Undo};
use super::rates;
use super::row::Operation;
use crate::synthetic::calendar::after_days;
use crate::synthetic::events::mortality;

/// Days after which a birth must have been declared.
const DECLARATION_DAYS: i64 = 10;
/// Days after which most deaths have been registered.
const DEATH_DAYS: i64 = 5;

impl Population<'_> {
    /// Draws the births of the day.
    pub(super) fn births(&mut self) -> io::Result<()> {
        let today = self.today;
        for _ in 0..self.number(rates::BIRTHS) {
            let mother = self
                .pick(|card| card.is_woman() && is_of_couple(card) && (20..45).contains(&card.age(today)));
            let Some((mother, family)) = mother.and_then(|at| Some((at, self.family(at)?))) else {
                continue;
            };
            let delay = rates::delay(&mut self.stream, DECLARATION_DAYS);
            self.happened(led_by(mother, &family), delay, Deed::Birth { birth: today })?;
        }
        Ok(())
    }

    pub(super) fn register_birth(&mut self, family: &[usize], birth: NaiveDate) -> io::Result<()> {
        let Some((&mother, others)) = family.split_first() else {
            return Ok(());
        };
        let father = others
            .iter()
            .copied()
            .find(|at| is_of_couple(&self.cards[*at]) && !self.cards[*at].is_woman());
        let namesake = &self.cards[father.unwrap_or(mother)].sheet.generalities.surname;
        let Some(surname) = namesake.clone() else {
            return Ok(());
        };
        let Some((generalities, code)) = self.town.newborn(&mut self.stream, birth, &surname) else {
            return Ok(());
        };
        let serial = self.town.next_serial();
        let office = &self.town.office;
        let sheet = &self.cards[mother].sheet;
        let mut parents: Vec<Parent> = Vec::new();
        parents.extend(father.map(|at| parent(ParentRole::Father, &self.cards[at].sheet)));
        parents.push(parent(ParentRole::Mother, sheet));
        let italy = StateCode::parse(ITALY).ok();
        let couple = || [Some(mother), father].into_iter().flatten();
        let citizenship = italy
            .filter(|italy| couple().any(|at| self.cards[at].is_citizen_of_state(*italy)))
            .map(|italy| vec![italy])
            .or_else(|| sheet.citizenships.latest().map(|fact| fact.value.clone()));
        let link = |household| HouseholdLink {
            household,
            role: HouseholdRole::Family(Kinship::Child),
        };
        let child = Record {
            municipality: office.istat,
            local_id: office.numbers.card(serial),
            register: Register::Apr,
            generalities,
            tax_codes: Vec::new(),
            national_id: Some(office.numbers.national(serial)),
            civil_status: Timeline::starting(Some(birth), CivilStatus::Single),
            citizenships: citizenship.map_or_else(Timeline::default, |states| {
                Timeline::starting(Some(birth), states)
            }),
            parents,
            residences: sheet.residences.latest().map_or_else(Timeline::default, |fact| {
                Timeline::starting(Some(birth), fact.value.clone())
            }),
            households: sheet.households.latest().map_or_else(Timeline::default, |fact| {
                Timeline::starting(Some(birth), link(fact.value.household.clone()))
            }),
            identity_document: None,
            registration: Registration {
                reason: RegistrationReason::Apr(AprRegistrationReason::Birth),
                effective: Some(birth),
                origin: None,
            },
            cancellation: None,
            death: None,
            flags: Flags::default(),
            measures: registry::measure::Measures::default(),
        };
        let at = self.open_card(child, None);
        self.report(at, Operation::Upsert, EventKind::Birth, Some(birth))?;
        for member in family {
            // The family has a new member: nothing else happens to it today.
            self.cards[*member].touched = self.today;
        }
        let given = after_days(self.today, self.stream.between(3, 20).unsigned_abs());
        self.later(vec![at], given, Deed::FirstCode { code });
        Ok(())
    }

    pub(super) fn register_first_code(&mut self, cards: &[usize], code: CodiceFiscale) -> io::Result<()> {
        self.enter(cards, Undo::Never);
        for at in cards {
            self.cards[*at].gets_code(TaxCodeEntry {
                code: code.into(),
                validated: true,
                from: Some(self.today),
            });
        }
        self.report_all(cards, EventKind::TaxCode, Some(self.today))
    }

    /// Draws the deaths of the day.
    pub(super) fn deaths(&mut self) -> io::Result<()> {
        let today = self.today;
        for at in self.residents().to_vec() {
            let card = &self.cards[at];
            let age = u8::try_from(card.age(today)).unwrap_or(0);
            let daily = mortality(age, card.sheet.generalities.sex) / 365.0 * self.course.pace;
            if !self.stream.chance(daily) || !self.is_idle(at) {
                continue;
            }
            let (household, least) = match self.cards[at].role() {
                Some(HouseholdRole::Family(_)) => match self.family(at) {
                    Some(family) if self.can_go_on_without(at, &family) => (led_by(at, &family), 1),
                    Some(_) | None => continue,
                },
                Some(HouseholdRole::Convivenza(_)) if !self.cards[at].leads() => (vec![at], 0),
                Some(HouseholdRole::Convivenza(_)) | None => continue,
            };
            let least = if household.len() == 1 { 0 } else { least };
            let delay = rates::delay(&mut self.stream, DEATH_DAYS).max(least);
            self.happened(household, delay, Deed::Death { date: today })?;
        }
        Ok(())
    }

    pub(super) fn register_death(&mut self, family: &[usize], date: NaiveDate) -> io::Result<()> {
        let Some((&dead, survivors)) = family.split_first() else {
            return Ok(());
        };
        let effective = if self.stream.chance(0.5) { self.today } else { date };
        let widowed = survivors
            .iter()
            .copied()
            .find(|at| are_spouses(&self.cards[dead], &self.cards[*at]));
        let roles = self.roles_after(dead, survivors);
        let mut changed = vec![dead];
        changed.extend(
            survivors
                .iter()
                .filter(|at| widowed == Some(**at) || roles.iter().any(|(other, _)| other == *at)),
        );
        self.enter(&changed, Undo::Possible);
        let place = Locality::Municipality(self.town.office.istat);
        self.cards[dead].dies(date, place, effective);
        if let Some(at) = widowed {
            let status = if self.cards[at].has_status(CivilStatus::Married) {
                CivilStatus::Widowed
            } else {
                CivilStatus::FreeAfterPartnerDeath
            };
            self.cards[at].has_become(date, status);
        }
        for (at, kinship) in roles {
            self.cards[at].becomes(after_days(date, 1), kinship);
        }
        for at in changed {
            let kind = match at {
                _ if at == dead => EventKind::Death,
                _ if Some(at) == widowed => EventKind::Widowhood,
                _ => EventKind::HouseholdChange,
            };
            self.report(at, Operation::Upsert, kind, Some(date))?;
        }
        Ok(())
    }

    /// Whether the family needs nobody new at its head, or has somebody of age.
    fn can_go_on_without(&self, dead: usize, family: &[usize]) -> bool {
        let alone = family.len() == 1;
        alone || !self.cards[dead].leads() || self.heir(dead, family).is_some()
    }

    /// Who follows the head: the partner, else the oldest (DPR 223/1989 art. 21).
    fn heir(&self, dead: usize, family: &[usize]) -> Option<usize> {
        let of_age = |at: &usize| *at != dead && 18 <= self.cards[*at].age(self.today);
        let partner = family
            .iter()
            .copied()
            .filter(of_age)
            .find(|at| is_of_couple(&self.cards[*at]));
        partner.or_else(|| {
            let born = |at: &usize| self.cards[*at].sheet.generalities.birth_date.earliest();
            family.iter().copied().filter(of_age).min_by_key(born)
        })
    }

    /// The roles that change when the head dies.
    fn roles_after(&self, dead: usize, survivors: &[usize]) -> Vec<(usize, Kinship)> {
        let family = matches!(self.cards[dead].role(), Some(HouseholdRole::Family(_)));
        if !family || !self.cards[dead].leads() {
            return Vec::new();
        }
        let Some(heir) = self.heir(dead, survivors) else {
            return Vec::new();
        };
        let partner = is_of_couple(&self.cards[heir]);
        let orphan = self.cards[heir].is(Kinship::Child);
        let role = |at: usize| match self.cards[at].role() {
            _ if at == heir => Some(Kinship::ReferencePerson),
            Some(HouseholdRole::Family(Kinship::Child)) if partner => None,
            Some(HouseholdRole::Family(Kinship::Child)) if orphan => Some(Kinship::Sibling),
            _ => Some(Kinship::OtherRelative),
        };
        let changed = |at: &usize| role(*at).filter(|role| !self.cards[*at].is(*role));
        survivors
            .iter()
            .filter_map(|at| changed(at).map(|role| (*at, role)))
            .collect()
    }
}

impl Card {
    /// Whether the person is head of a family or responsible for a convivenza.
    pub(super) fn leads(&self) -> bool {
        self.role().is_some_and(HouseholdRole::is_reference)
    }

    fn is_citizen_of_state(&self, state: StateCode) -> bool {
        let citizenships = self.sheet.citizenships.latest();
        citizenships.is_some_and(|fact| fact.value.contains(&state))
    }
}

/// Whether somebody is head of a family or lives with its head as a couple.
pub(super) fn is_of_couple(card: &Card) -> bool {
    [
        Kinship::ReferencePerson,
        Kinship::Spouse,
        Kinship::CivilPartner,
        Kinship::Cohabitant,
    ]
    .into_iter()
    .any(|kinship| card.is(kinship))
}

/// Whether two of a family are married to each other, or civilly united.
pub(super) fn are_spouses(one: &Card, other: &Card) -> bool {
    let pairs = [
        (Kinship::Spouse, CivilStatus::Married),
        (Kinship::CivilPartner, CivilStatus::CivillyUnited),
    ];
    pairs.into_iter().any(|(kinship, status)| {
        let roles = (one.leads() && other.is(kinship)) || (other.leads() && one.is(kinship));
        roles && one.has_status(status) && other.has_status(status)
    })
}

/// The family with one of it in the first place.
fn led_by(first: usize, family: &[usize]) -> Vec<usize> {
    let others = family.iter().copied().filter(|at| *at != first);
    std::iter::once(first).chain(others).collect()
}

fn parent(role: ParentRole, sheet: &Record) -> Parent {
    Parent {
        role,
        surname: sheet.generalities.surname.clone(),
        given_name: sheet.generalities.given_name.clone(),
        tax_code: sheet.tax_codes.last().map(|entry| entry.code),
    }
}
