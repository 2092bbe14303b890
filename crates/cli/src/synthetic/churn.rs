//! Days of several municipalities: a total export of the first day, an incremental export of each day after it, and
//! the truth beside them.
//!
//! Each municipality first lives through its days alone; who leaves for another one of them is noted with what that
//! one will register. Then each lives through the days with those who came to it, whose first day here is a matter of
//! the municipality of before: so no more than one municipality is in memory at a time, beside what happened. The
//! days are a function of plan, scale, first day, number of days, pace and set of municipalities.
//!
//! A row states the card as the office has it now, and says what it reports: `operazione` is `A` for the new state of
//! a card, `X` where the last operation on it is annulled (the row then shows what stands again), `C` where the card
//! is withdrawn; `evento` is the code of a registry event, `evento_data` its day, `evento_registrazione` the day of
//! its registration.
//!
//! Nobody moves on from a municipality to a third one within the days, nobody who came joins a family that was there,
//! and who goes abroad gets no card among the citizens abroad.

mod rates;
mod diary;
mod card;
mod row;
mod town;
mod population;
mod deed;
mod vital;
mod moves;
mod status;
mod corrections;

use std::collections::{BTreeMap, VecDeque};
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use chrono::NaiveDate;
use serde::Serialize;

use registry::export::ExportWriter;
use registry::identifier::{IstatCode, LocalId};
use registry::record::Record;

use self::card::Card;
use self::deed::{Deed, Origin};
use self::population::{Course, Days, Departure, Population};
use self::town::Town;
use super::calendar::{after_days, new_year, year_end};
use super::numbers::Kind;
use super::region::Region;
use super::truth::{self, TruthCard, TruthHeader};
use super::{Extent, GenerateError, Moment, Plan, Registers, Scale, municipality};

/// Name of the file of truth.
pub const TRUTH: &str = "truth.jsonl";

/// Days to be made.
#[derive(Clone, Debug)]
pub struct Churn {
    plan: Plan,
    scale: Scale,
    course: Course,
}

/// How many times as fast as in life things happen, so that few people have full days.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace(u16);

/// What was written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ChurnReport {
    /// Cards in the total exports.
    pub cards: u64,
    /// Rows of the incremental exports.
    pub rows: u64,
    /// Cards in the file of truth.
    pub truths: u64,
}

impl Pace {
    /// So many times as fast.
    ///
    /// # Errors
    /// Not from 1 to 1000.
    pub fn times(factor: u16) -> Result<Self, GenerateError> {
        if (1..=1000).contains(&factor) {
            Ok(Self(factor))
        } else {
            Err(GenerateError::Pace)
        }
    }
}

impl Churn {
    /// `days` days after `first`, 1 January where it is not given, of these municipalities.
    ///
    /// # Errors
    /// A municipality that is not of the region or named twice, no day, or days that leave the plan's year.
    pub fn new(
        plan: Plan,
        first: Option<NaiveDate>,
        days: u16,
        municipalities: &[IstatCode],
    ) -> Result<Self, GenerateError> {
        let first = first.unwrap_or_else(|| new_year(plan.year()));
        let last = after_days(first, days.into());
        if days == 0 || first < new_year(plan.year()) || year_end(plan.year()) < last {
            return Err(GenerateError::DayOutsideYear);
        }
        let mut sorted = municipalities.to_vec();
        sorted.sort_unstable();
        for pair in sorted.windows(2) {
            if let [one, other] = pair
                && one == other
            {
                return Err(GenerateError::MunicipalityTwice(*one));
            }
        }
        for code in &sorted {
            Region::emilia_romagna()
                .municipality(*code)
                .ok_or(GenerateError::UnknownMunicipality(*code))?;
        }
        Ok(Self {
            plan,
            scale: Scale::WHOLE,
            course: Course {
                first,
                last,
                pace: 1.0,
                municipalities: sorted,
            },
        })
    }

    /// Of so many of the households.
    #[must_use]
    pub fn of(self, scale: Scale) -> Self {
        Self { scale, ..self }
    }

    /// So many times as fast as in life.
    #[must_use]
    pub fn at(self, pace: Pace) -> Self {
        let course = Course {
            pace: f64::from(pace.0),
            ..self.course
        };
        Self { course, ..self }
    }

    /// Day of the total export.
    pub fn first(&self) -> NaiveDate {
        self.course.first
    }

    /// Day of the last incremental export.
    pub fn last(&self) -> NaiveDate {
        self.course.last
    }

    /// The municipalities, by code.
    pub fn municipalities(&self) -> &[IstatCode] {
        &self.course.municipalities
    }

    /// Name of the total export in the directory of its municipality.
    pub fn total_name(&self) -> String {
        format!("{}-total.csv", self.course.first)
    }

    /// Name of the incremental export of a day in the directory of its municipality.
    pub fn incremental_name(day: NaiveDate) -> String {
        format!("{day}-incremental.csv")
    }

    /// Writes a directory for each municipality, named by its code, and the truth. Files that exist stay.
    ///
    /// # Errors
    /// See [`GenerateError`].
    pub fn write(&self, directory: &Path, mut step: impl FnMut(&str)) -> Result<ChurnReport, GenerateError> {
        let mut report = ChurnReport::default();
        let mut truth = Lines::create(&directory.join(TRUTH))?;
        truth.write(&TruthHeader {
            format: truth::FORMAT,
            seed: self.plan.seed(),
            first_export: self.course.first,
            last_export: self.course.last,
            municipalities: self
                .course
                .municipalities
                .iter()
                .map(ToString::to_string)
                .collect(),
        })?;
        let mut towns: Vec<Town> = Vec::new();
        let mut written: Vec<BTreeMap<NaiveDate, Vec<(LocalId, String)>>> = Vec::new();
        let mut expected: BTreeMap<IstatCode, Vec<Departure>> = BTreeMap::new();
        for code in &self.course.municipalities {
            let directory = directory.join(code.as_str());
            std::fs::create_dir_all(&directory)?;
            let place = Region::emilia_romagna()
                .municipality(*code)
                .ok_or(GenerateError::UnknownMunicipality(*code))?;
            step(place.name());
            let mut town = Town::new(self.plan, place, self.course.first);
            let total = File::create_new(directory.join(self.total_name()))?;
            let days = self.residents(&mut town, *code, BufWriter::new(total), &mut report)?;
            town.forget_residents();
            towns.push(town);
            truth.write_all(&days.truth, &mut report)?;
            written.push(days.rows);
            for departure in days.departures {
                expected.entry(departure.to).or_default().push(departure);
            }
        }
        for ((code, town), mut rows) in self.course.municipalities.iter().zip(&mut towns).zip(written) {
            let came = expected.remove(code).unwrap_or_default();
            let days = self.newcomers(town, came)?;
            truth.write_all(&days.truth, &mut report)?;
            for (day, of_newcomers) in days.rows {
                rows.entry(day).or_default().extend(of_newcomers);
            }
            report.rows += self.write_days(&directory.join(code.as_str()), rows)?;
        }
        truth.finish()?;
        Ok(report)
    }

    /// The total export, and the days of those who were there.
    fn residents(
        &self,
        town: &mut Town,
        code: IstatCode,
        total: impl Write,
        report: &mut ChurnReport,
    ) -> Result<Days, GenerateError> {
        let first_day = self.course.first == new_year(self.plan.year());
        let extent = |moment| Extent {
            scale: self.scale,
            moment,
            registers: Registers::Residents,
        };
        let moment = if first_day {
            Moment::Start
        } else {
            Moment::Until(self.course.first)
        };
        let mut writer = ExportWriter::new(total)?;
        let mut cards = Vec::new();
        for record in municipality(self.plan, code, extent(moment))? {
            writer.write(&record)?;
            report.cards += 1;
            town.note_codes(&record);
            let person = format!("{}/{}", record.municipality, record.local_id);
            cards.push(Card::new(record, person, self.course.first));
        }
        writer.finish()?;
        let year = Moment::Until(year_end(self.plan.year()));
        let to_come = municipality(self.plan, code, extent(year))?;
        let to_come = to_come.filter(|card| {
            let entered = card.registration.effective;
            Kind::Arrival.numbered(&card.local_id) && entered.is_some_and(|from| self.course.first < from)
        });
        let outside = families(to_come);
        let stream = town.stream(RESIDENTS);
        let mut population = Population::new(town, &self.course, stream);
        population.cards = cards;
        population.outside = outside;
        population.open_checks();
        Ok(population.live(ordinary_day)?)
    }

    /// The days of those who came from another of the municipalities.
    fn newcomers(&self, town: &mut Town, came: Vec<Departure>) -> Result<Days, GenerateError> {
        // Nobody moves on to a third one.
        let course = Course {
            municipalities: Vec::new(),
            ..self.course.clone()
        };
        let stream = town.stream(NEWCOMERS);
        let mut population = Population::new(town, &course, stream);
        for departure in came {
            let Departure {
                to: _,
                movers,
                effective,
                registered,
                refused,
            } = departure;
            let origin = movers
                .first()
                .map_or(Origin::Outside, |mover| Origin::Near(mover.sheet.municipality));
            let deed = Deed::Arrival {
                movers,
                effective,
                origin,
                refused,
            };
            population.later(Vec::new(), registered, deed);
        }
        Ok(population.live(ordinary_day)?)
    }

    fn write_days(
        &self,
        directory: &Path,
        mut rows: BTreeMap<NaiveDate, Vec<(LocalId, String)>>,
    ) -> Result<u64, GenerateError> {
        let mut written = 0;
        let mut day = self.course.first;
        while day < self.course.last {
            day = after_days(day, 1);
            let mut of_day = rows.remove(&day).unwrap_or_default();
            of_day.sort();
            let mut file = BufWriter::new(File::create_new(directory.join(Self::incremental_name(day)))?);
            file.write_all(row::header()?.as_bytes())?;
            for (_, row) in &of_day {
                file.write_all(row.as_bytes())?;
                written += 1;
            }
            file.flush()?;
        }
        Ok(written)
    }
}

/// Streams of chance of a municipality.
const RESIDENTS: u64 = 3_000;
const NEWCOMERS: u64 = 3_001;

/// Everything that can happen on a day.
fn ordinary_day(people: &mut Population<'_>) -> io::Result<()> {
    people.deaths()?;
    people.births()?;
    people.comings()?;
    people.goings()?;
    people.changes_of_dwelling()?;
    people.unions()?;
    people.dissolutions()?;
    people.naturalisations()?;
    people.omocodes()?;
    people.untraceable()?;
    people.rectifications()?;
    people.annulments()?;
    people.withdrawals()
}

/// Cards that follow each other by household.
fn families(cards: impl Iterator<Item = Record>) -> VecDeque<Vec<Record>> {
    let household = |card: &Record| card.households.latest().map(|fact| fact.value.household.clone());
    let mut families: VecDeque<Vec<Record>> = VecDeque::new();
    for card in cards {
        let last = families.back_mut();
        match last.filter(|family| {
            family
                .first()
                .is_some_and(|first| household(first) == household(&card))
        }) {
            Some(family) => family.push(card),
            None => families.push_back(vec![card]),
        }
    }
    families
}

/// A file with one JSON object a line.
struct Lines(BufWriter<File>);

impl Lines {
    fn create(path: &Path) -> io::Result<Self> {
        Ok(Self(BufWriter::new(File::create_new(path)?)))
    }

    fn write(&mut self, value: &impl Serialize) -> io::Result<()> {
        serde_json::to_writer(&mut self.0, value)?;
        self.0.write_all(b"\n")
    }

    fn write_all(&mut self, cards: &[TruthCard], report: &mut ChurnReport) -> io::Result<()> {
        for card in cards {
            self.write(card)?;
            report.truths += 1;
        }
        Ok(())
    }

    fn finish(mut self) -> io::Result<()> {
        self.0.flush()
    }
}

#[cfg(test)]
mod tests;
