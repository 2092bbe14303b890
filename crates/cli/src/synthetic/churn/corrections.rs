//! What was registered wrong: rectifications, annulments, cards withdrawn.

use std::io;

use chrono::NaiveDate;

use registry::change::EventKind;
use registry::code::{AprRegistrationReason, CivilStatus, RegistrationReason};
use registry::record::{Place, Residence};

use super::card::Card;
use super::moves::is_of_family;
use super::population::{Population, Undo};
use super::rates;
use super::row::Operation;
use crate::synthetic::calendar::after_days;

/// How many days a start is off, at most.
const OFF: i64 = 10;

impl Population<'_> {
    /// Draws what is found to be wrong today.
    pub(super) fn rectifications(&mut self) -> io::Result<()> {
        for _ in 0..self.number(rates::RECTIFICATIONS) {
            match self.stream.below(5) {
                0 => self.rectify_names()?,
                1 => self.rectify_address()?,
                2 => self.rectify_status_start()?,
                3 => self.rectify_death()?,
                _ => self.rectify_residence_start()?,
            }
        }
        Ok(())
    }

    /// The second surname had been left out.
    fn rectify_names(&mut self) -> io::Result<()> {
        let Some(at) = self.pick(|card| card.sheet.generalities.surname.is_some()) else {
            return Ok(());
        };
        let Some(generalities) = self.town.second_surname(&mut self.stream, &self.cards[at].sheet) else {
            return Ok(());
        };
        self.enter(&[at], Undo::Possible);
        self.cards[at].is_rather_called(generalities);
        self.report_all(&[at], EventKind::Rectification, None)
    }

    /// The family has lived at another door all the time.
    fn rectify_address(&mut self) -> io::Result<()> {
        let Some(at) = self.pick(|card| is_of_family(card) && card.has_dwelling()) else {
            return Ok(());
        };
        let Some(family) = self.family(at) else {
            return Ok(());
        };
        if !family.iter().all(|member| self.cards[*member].has_dwelling()) {
            return Ok(());
        }
        let dwelling = self.town.dwelling(&mut self.stream);
        self.enter(&family, Undo::Possible);
        for member in &family {
            let card = &mut self.cards[*member];
            if let Some(fact) = card.residence().cloned() {
                let place = Place::Italian(dwelling.clone());
                card.lived_rather_at(fact.from, Residence { place, ..fact.value });
            }
        }
        self.report_all(&family, EventKind::Rectification, None)
    }

    /// The family has lived there since another day.
    fn rectify_residence_start(&mut self) -> io::Result<()> {
        let today = self.today;
        let recent = |card: &Card| {
            let from = card.residence().and_then(|fact| fact.from);
            from.is_some_and(|from| (today - from).num_days() < 400)
        };
        let recent = if self.stream.chance(0.7) {
            self.pick(|card| is_of_family(card) && recent(card))
        } else {
            self.pick(is_of_family)
        };
        let Some((at, family)) = recent.and_then(|at| Some((at, self.family(at)?))) else {
            return Ok(());
        };
        let Some(from) = self.cards[at].residence().and_then(|fact| fact.from) else {
            return Ok(());
        };
        let Some(rather) = self.another_day(from) else {
            return Ok(());
        };
        let concerned = |card: &Card| card.residence().is_some_and(|fact| fact.from == Some(from));
        let family: Vec<usize> = family
            .into_iter()
            .filter(|at| concerned(&self.cards[*at]))
            .collect();
        if !family
            .iter()
            .all(|at| may_have_begun(&self.cards[*at], from, rather))
        {
            return Ok(());
        }
        self.enter(&family, Undo::Possible);
        for at in &family {
            let card = &mut self.cards[*at];
            if card.sheet.registration.effective == Some(from) {
                card.entered_rather_on(rather);
            }
            if let Some(fact) = card.residence().cloned() {
                card.lived_rather_at(Some(rather), fact.value);
            }
        }
        self.report_all(&family, EventKind::Rectification, Some(rather))
    }

    /// The civil status began on another day.
    fn rectify_status_start(&mut self) -> io::Result<()> {
        let Some(at) = self.pick(|card| !card.has_status(CivilStatus::Single)) else {
            return Ok(());
        };
        let card = &self.cards[at];
        let birth = card.sheet.generalities.birth_date.latest();
        let from = card.sheet.civil_status.latest().and_then(|fact| fact.from);
        let before = card.status_before();
        let Some(rather) = from.and_then(|from| self.another_day(from)) else {
            return Ok(());
        };
        if rather <= birth || before.flatten().is_some_and(|before| rather <= before) {
            return Ok(());
        }
        self.enter(&[at], Undo::Possible);
        self.cards[at].has_been_since(rather);
        self.report_all(&[at], EventKind::Rectification, Some(rather))
    }

    /// Somebody who lived alone died a day before or after.
    fn rectify_death(&mut self) -> io::Result<()> {
        let first = self.course.first;
        let today = self.today;
        let fits = |card: &Card| {
            let died = card.sheet.death.as_ref().map(|death| death.date);
            died.is_some_and(|died| first <= died) && !card.waiting && card.touched < today && card.leads()
        };
        let dead: Vec<usize> = (0..self.cards.len())
            .filter(|at| fits(&self.cards[*at]))
            .collect();
        let Some(&at) = self.stream.pick(&dead) else {
            return Ok(());
        };
        let Some(date) = self.cards[at].sheet.death.as_ref().map(|death| death.date) else {
            return Ok(());
        };
        let earlier = self.stream.chance(0.5);
        let rather = if earlier { date.pred_opt() } else { date.succ_opt() };
        let survivors = self
            .residents()
            .iter()
            .any(|other| self.cards[*other].household() == self.cards[at].household());
        let Some(rather) = rather.filter(|rather| *rather <= today && !survivors) else {
            return Ok(());
        };
        self.enter(&[at], Undo::Possible);
        self.cards[at].died_rather_on(rather);
        self.report_all(&[at], EventKind::Rectification, Some(rather))
    }

    /// A day some days before or after, and not after today.
    fn another_day(&mut self, from: NaiveDate) -> Option<NaiveDate> {
        let off = self.stream.between(1, OFF).unsigned_abs();
        let other = if self.stream.chance(0.5) {
            after_days(from, off)
        } else {
            from.checked_sub_days(chrono::Days::new(off))?
        };
        (other <= self.today).then_some(other)
    }

    /// Draws the last operations that are annulled today (ANPR 1013, 2011, 5012: only the last can be).
    pub(super) fn annulments(&mut self) -> io::Result<()> {
        for _ in 0..self.number(rates::ANNULMENTS) {
            for _ in 0..20 {
                let entry = self.stream.below(self.entries.len());
                let Some(cards) = self.entries.get(entry).cloned() else {
                    break;
                };
                let last = cards.iter().all(|at| {
                    let card = &self.cards[*at];
                    card.entry == Some(entry) && !card.waiting && card.touched < self.today
                });
                if last {
                    self.annul(&cards)?;
                    break;
                }
            }
        }
        Ok(())
    }

    fn annul(&mut self, cards: &[usize]) -> io::Result<()> {
        // A back office says so with a row of its own kind, or states the card as it is again.
        let operation = if self.stream.chance(0.5) {
            Operation::Annul
        } else {
            Operation::Upsert
        };
        for at in cards {
            self.cards[*at].undo(self.today);
            self.report(*at, operation, EventKind::Annulment, None)?;
        }
        Ok(())
    }

    /// Withdraws cards of persons alone that should not have been opened.
    pub(super) fn withdrawals(&mut self) -> io::Result<()> {
        for _ in 0..self.number(rates::WITHDRAWALS) {
            let Some(&at) = self.stream.pick(&self.opened) else {
                return Ok(());
            };
            let alone = self.is_idle(at) && self.family(at).is_some_and(|family| family.len() == 1);
            if !alone {
                continue;
            }
            self.enter(&[at], Undo::Never);
            self.report(at, Operation::Withdraw, EventKind::Cancellation, None)?;
            self.cards[at].is_withdrawn();
            // Nothing happens to it any more.
            self.cards[at].waiting = true;
        }
        Ok(())
    }
}

/// Whether the residence of a card can have begun on another day.
fn may_have_begun(card: &Card, from: NaiveDate, rather: NaiveDate) -> bool {
    let registration = &card.sheet.registration;
    let birth = card.sheet.generalities.birth_date.latest();
    let born_here = registration.reason == RegistrationReason::Apr(AprRegistrationReason::Birth);
    let enters_with_it = registration.effective == Some(from);
    let after_entry = registration.effective.is_none_or(|entered| entered <= rather);
    let after_before = card
        .residence_before()
        .flatten()
        .is_none_or(|before| before < rather);
    let restored =
        registration.reason == RegistrationReason::Apr(AprRegistrationReason::PreviousPositionRestored);
    birth < rather && after_before && !restored && if enters_with_it { !born_here } else { after_entry }
}
