//! The persons whose story is told: a family of Imola into which a child was born last year, and its neighbours.

use std::iter::Peekable;

use agreement::reason::ExitCode;
use chrono::{Datelike as _, NaiveDate};
use registry::code::HouseholdRole;
use registry::codice_fiscale::TaxCode;
use registry::identifier::{HouseholdId, LocalId};
use registry::record::{Address, Place, Record, ResidenceStanding};

use super::Programme;
use crate::call::istat;
use crate::failure::Failure;
use crate::synthetic::{self, Extent};

const IMOLA: &str = "037032";
/// Persons whose lookup is measured.
const CROWD: usize = 512;

/// The persons.
pub(super) struct Cast {
    /// Reference person of the family.
    pub(super) head: Record,
    /// Tax code of the reference person.
    pub(super) head_code: TaxCode,
    /// Where the family lives.
    pub(super) address: Address,
    /// Tax codes of all members today.
    pub(super) members_today: Vec<TaxCode>,
    /// Tax codes of all members before the birth.
    pub(super) members_before: Vec<TaxCode>,
    /// Another adult of the family.
    pub(super) partner: TaxCode,
    /// A formally right code that nobody in the region has.
    pub(super) nobody: TaxCode,
    /// Residents of Imola.
    pub(super) crowd: Vec<TaxCode>,
}

impl Cast {
    /// Finds the first family that fits.
    pub(super) fn choose(programme: &Programme) -> Result<Self, Failure> {
        let crowd: Vec<TaxCode> = records(programme, programme.after)?
            .filter(|card| is_present(card, programme.today))
            .filter_map(|card| card.current_tax_code().copied())
            .take(CROWD)
            .collect();
        let families = Families {
            records: records(programme, programme.after)?.peekable(),
            day: programme.today,
        };
        for (household, members) in families {
            let Some((head, partner)) = fitting(&members, programme) else {
                continue;
            };
            let before: Vec<Record> = Families {
                records: records(programme, programme.before)?.peekable(),
                day: programme.first_day,
            }
            .find(|(other, _)| *other == household)
            .map(|(_, members)| members)
            .unwrap_or_default();
            let older: Vec<&LocalId> = members
                .iter()
                .filter(|card| !is_newborn(card, programme))
                .map(|card| &card.local_id)
                .collect();
            let same =
                before.len() == older.len() && before.iter().all(|card| older.contains(&&card.local_id));
            let Some((head_code, address)) = head
                .current_tax_code()
                .copied()
                .zip(address_of(&head, programme.today))
            else {
                continue;
            };
            if !same {
                continue;
            }
            return Ok(Self {
                head_code,
                address,
                members_today: codes(&members),
                members_before: codes(&before),
                partner,
                nobody: nobody(&crowd)?,
                crowd,
                head,
            });
        }
        Err(Failure::new(
            ExitCode::Internal,
            "nessuna famiglia sintetica è adatta alla storia",
            "no synthetic family fits the story",
        ))
    }
}

/// Reference person and another adult of a family with one child of last year, whose cards raise no question.
fn fitting(members: &[Record], programme: &Programme) -> Option<(Record, TaxCode)> {
    let newborns = members.iter().filter(|card| is_newborn(card, programme)).count();
    let plain = members
        .iter()
        .all(|card| is_present(card, programme.today) && !card.flags.procedure_open);
    if members.len() < 3 || newborns != 1 || !plain {
        return None;
    }
    let adult = |card: &&Record| card.generalities.birth_date.year() + 19 < programme.today.year();
    let is_head = |card: &Record| role(card, programme.today).is_some_and(HouseholdRole::is_reference);
    let head = members.iter().filter(adult).find(|card| is_head(card))?;
    let partner = members.iter().filter(adult).find(|card| !is_head(card))?;
    Some((head.clone(), *partner.current_tax_code()?))
}

fn is_newborn(card: &Record, programme: &Programme) -> bool {
    card.generalities.birth_date.year() == programme.plan.year()
}

fn is_present(card: &Record, day: NaiveDate) -> bool {
    card.registered_on(day) && card.death.is_none() && !card.flags.protected && !card.flags.not_certifiable
}

fn role(card: &Record, day: NaiveDate) -> Option<HouseholdRole> {
    card.households.at(day).held().map(|link| link.role)
}

fn address_of(card: &Record, day: NaiveDate) -> Option<Address> {
    let residence = card.residences.at(day).held()?;
    match (&residence.place, residence.standing) {
        (Place::Italian(address), ResidenceStanding::Definitive) if address.number.is_some() => {
            Some(address.clone())
        }
        _ => None,
    }
}

fn codes(members: &[Record]) -> Vec<TaxCode> {
    members
        .iter()
        .filter_map(|card| card.current_tax_code().copied())
        .collect()
}

/// A form of omocodia that the registries have not dealt out: formally right, and nobody's.
fn nobody(crowd: &[TaxCode]) -> Result<TaxCode, Failure> {
    let codes = crowd.iter().filter_map(|code| code.definitive());
    codes
        .filter_map(|code| code.omocodes().last())
        .map(TaxCode::from)
        .find(|code| !crowd.contains(code))
        .ok_or_else(|| Failure::new(ExitCode::Internal, "manca un codice libero", "no code is free"))
}

fn records(programme: &Programme, extent: Extent) -> Result<impl Iterator<Item = Record> + use<>, Failure> {
    synthetic::municipality(programme.plan, istat(IMOLA)?, extent).map_err(|error| Failure::internal(&error))
}

/// Cards grouped by the household of the day; the cards of one follow each other.
struct Families<I: Iterator<Item = Record>> {
    records: Peekable<I>,
    day: NaiveDate,
}

impl<I: Iterator<Item = Record>> Families<I> {
    fn household(card: &Record, day: NaiveDate) -> Option<HouseholdId> {
        card.households.at(day).held().map(|link| link.household.clone())
    }
}

impl<I: Iterator<Item = Record>> Iterator for Families<I> {
    type Item = (HouseholdId, Vec<Record>);

    fn next(&mut self) -> Option<Self::Item> {
        let day = self.day;
        loop {
            let first = self.records.next()?;
            let Some(household) = Self::household(&first, day) else {
                continue;
            };
            let mut members = vec![first];
            while let Some(next) = self
                .records
                .next_if(|card| Self::household(card, day).as_ref() == Some(&household))
            {
                members.push(next);
            }
            return Some((household, members));
        }
    }
}
