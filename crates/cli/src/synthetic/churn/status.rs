//! Marriages, unions, divorces, citizenship, codici fiscali, and people who cannot be found.

use std::io;

use chrono::NaiveDate;

use registry::change::EventKind;
use registry::code::{
    AprCancellationReason, AprRegistrationReason, CancellationReason, CivilStatus, HouseholdRole, Kinship,
    RegistrationReason,
};
use registry::identifier::StateCode;
use registry::record::{HouseholdLink, Place, Registration, Residence, ResidenceStanding, TaxCodeEntry};
use registry::state::ITALY;

use super::card::Card;
use super::deed::Deed;
use super::population::{Population, Undo};
use super::rates;
use super::vital::are_spouses;
use crate::synthetic::calendar::after_days;

/// Days after which most civil-status events have reached the registry.
const CIVIL_STATUS_DAYS: i64 = 4;

impl Population<'_> {
    /// Draws the marriages and civil unions of the day.
    pub(super) fn unions(&mut self) -> io::Result<()> {
        let today = self.today;
        for _ in 0..self.number(rates::UNIONS) {
            let Some(one) = self.pick(|card| card.is_free(today) && card.age(today) < 70) else {
                continue;
            };
            let partner = self.partner_at_home(one);
            let together = partner.is_some();
            let Some(other) = partner.or_else(|| self.partner_elsewhere(one)) else {
                continue;
            };
            let unlike = self.cards[one].is_woman() != self.cards[other].is_woman();
            let status = if unlike {
                CivilStatus::Married
            } else {
                CivilStatus::CivillyUnited
            };
            let delay = rates::delay(&mut self.stream, CIVIL_STATUS_DAYS);
            let deed = Deed::Union {
                date: today,
                status,
                together,
            };
            self.happened(vec![one, other], delay, deed)?;
        }
        Ok(())
    }

    /// The other half of an unmarried couple.
    fn partner_at_home(&self, one: usize) -> Option<usize> {
        let family = self.family(one)?;
        let couple = |head: &Card, partner: &Card| head.leads() && partner.is(Kinship::Cohabitant);
        family.into_iter().find(|other| {
            let (one, other_card) = (&self.cards[one], &self.cards[*other]);
            other_card.is_free(self.today) && (couple(one, other_card) || couple(other_card, one))
        })
    }

    fn partner_elsewhere(&mut self, one: usize) -> Option<usize> {
        let household = self.cards[one].household().cloned();
        let (age, woman) = (self.cards[one].age(self.today), self.cards[one].is_woman());
        let today = self.today;
        // Civil unions are 2 in 100.
        let unlike = !self.stream.chance(0.02);
        self.pick(|card| {
            card.is_free(today)
                && card.household() != household.as_ref()
                && (card.age(today) - age).abs() < 15
                && (card.is_woman() != woman) == unlike
        })
    }

    pub(super) fn register_union(
        &mut self,
        pair: &[usize],
        date: NaiveDate,
        status: CivilStatus,
        together: bool,
    ) -> io::Result<()> {
        let (kind, role) = match status {
            CivilStatus::CivillyUnited => (EventKind::CivilUnion, Kinship::CivilPartner),
            _ => (EventKind::Marriage, Kinship::Spouse),
        };
        self.enter(pair, Undo::Possible);
        for at in pair {
            let card = &mut self.cards[*at];
            card.has_become(date, status);
            if together && !card.leads() {
                card.becomes(date, role);
            }
        }
        self.report_all(pair, kind, Some(date))
    }

    /// Draws the divorces of the day.
    pub(super) fn dissolutions(&mut self) -> io::Result<()> {
        for _ in 0..self.number(rates::DISSOLUTIONS) {
            let Some(one) = self.pick(|card| card.is(Kinship::Spouse)) else {
                continue;
            };
            let Some(family) = self.family(one) else { continue };
            let spouse = family
                .into_iter()
                .find(|other| are_spouses(&self.cards[one], &self.cards[*other]));
            let Some(other) = spouse.filter(|_| self.cards[one].has_status(CivilStatus::Married)) else {
                continue;
            };
            let delay = rates::delay(&mut self.stream, 2 * CIVIL_STATUS_DAYS);
            self.happened(vec![one, other], delay, Deed::Dissolution { date: self.today })?;
        }
        Ok(())
    }

    pub(super) fn register_dissolution(&mut self, pair: &[usize], date: NaiveDate) -> io::Result<()> {
        self.enter(pair, Undo::Possible);
        for at in pair {
            let card = &mut self.cards[*at];
            card.has_become(date, CivilStatus::Divorced);
            if card.is(Kinship::Spouse) {
                card.becomes(date, Kinship::Cohabitant);
            }
        }
        self.report_all(pair, EventKind::Dissolution, Some(date))
    }

    /// Draws the citizenships acquired today: they hold from the day after the oath.
    pub(super) fn naturalisations(&mut self) -> io::Result<()> {
        let Ok(italy) = StateCode::parse(ITALY) else {
            return Ok(());
        };
        for _ in 0..self.number(rates::NATURALISATIONS) {
            let foreigner = self.pick(|card| {
                let citizenships = card.sheet.citizenships.latest();
                citizenships.is_some_and(|fact| !fact.value.contains(&italy))
            });
            let Some(at) = foreigner else { continue };
            let mut states = vec![italy];
            if self.stream.chance(0.6)
                && let Some(fact) = self.cards[at].sheet.citizenships.latest()
            {
                states.extend(&fact.value);
                states.sort_unstable();
            }
            let from = after_days(self.today, 1);
            let delay = rates::delay(&mut self.stream, CIVIL_STATUS_DAYS).max(1);
            self.happened(vec![at], delay, Deed::Citizenship { from, states })?;
        }
        Ok(())
    }

    pub(super) fn register_citizenship(
        &mut self,
        cards: &[usize],
        from: NaiveDate,
        states: &[StateCode],
    ) -> io::Result<()> {
        self.enter(cards, Undo::Possible);
        for at in cards {
            self.cards[*at].is_citizen_of(from, states.to_vec());
        }
        self.report_all(cards, EventKind::Citizenship, from.pred_opt())
    }

    /// Codici fiscali that the tax registry changes today, because somebody else in the country has the same.
    pub(super) fn omocodes(&mut self) -> io::Result<()> {
        for _ in 0..self.number(rates::OMOCODES) {
            let definitive = |card: &Card| card.sheet.tax_codes.last()?.code.definitive();
            let Some(at) = self.pick(|card| definitive(card).is_some()) else {
                continue;
            };
            let code = definitive(&self.cards[at]).and_then(|code| self.town.omocode(code));
            let Some(code) = code else { continue };
            self.enter(&[at], Undo::Possible);
            self.cards[at].gets_code(TaxCodeEntry {
                code: code.into(),
                validated: true,
                from: Some(self.today),
            });
            self.report_all(&[at], EventKind::TaxCode, Some(self.today))?;
        }
        Ok(())
    }

    /// Persons who are cancelled today because nobody finds them; some reappear.
    pub(super) fn untraceable(&mut self) -> io::Result<()> {
        for _ in 0..self.number(rates::UNTRACEABLE) {
            let Some(at) = self.pick(|card| card.is(Kinship::ReferencePerson)) else {
                continue;
            };
            if self.family(at).is_none_or(|family| family.len() != 1) {
                continue;
            }
            self.enter(&[at], Undo::Possible);
            self.cards[at].leaves(AprCancellationReason::Untraceable, self.today, None);
            self.report_all(&[at], EventKind::Cancellation, Some(self.today))?;
            if self.stream.chance(rates::REAPPEARING) {
                let day = after_days(self.today, self.stream.between(4, 20).unsigned_abs());
                self.later(vec![at], day, Deed::Reappearance);
            }
        }
        Ok(())
    }

    pub(super) fn register_reappearance(&mut self, cards: &[usize]) -> io::Result<()> {
        let gone = |card: &Card| {
            let exit = card.sheet.cancellation.as_ref();
            exit.is_some_and(|exit| {
                exit.reason == CancellationReason::Apr(AprCancellationReason::Untraceable)
            })
        };
        if !cards.iter().all(|at| gone(&self.cards[*at])) {
            return Ok(());
        }
        let dwelling = self.town.dwelling(&mut self.stream);
        let serial = self.town.next_serial();
        let today = self.today;
        self.enter(cards, Undo::Never);
        for at in cards {
            let registration = Registration {
                reason: RegistrationReason::Apr(AprRegistrationReason::Reappearance),
                effective: Some(today),
                origin: None,
            };
            let residence = Residence {
                kind: registry::code::AddressKind::Residence,
                place: Place::Italian(dwelling.clone()),
                standing: ResidenceStanding::Definitive,
            };
            let household = HouseholdLink {
                household: self.town.office.numbers.household(serial, false),
                role: HouseholdRole::Family(Kinship::ReferencePerson),
            };
            self.cards[*at].returns(registration, today, residence, household);
        }
        self.report_all(cards, EventKind::Registration, Some(today))
    }
}
