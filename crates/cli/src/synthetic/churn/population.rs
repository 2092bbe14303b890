//! The people of one municipality, and their days.
//!
//! What happens is drawn on its day and registered days later; until then the persons concerned wait, so that no
//! card has two things open at once. A card has at most one row a day.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::io;

use chrono::NaiveDate;

use registry::change::EventKind;
use registry::identifier::{HouseholdId, IstatCode, LocalId};
use registry::record::Record;

use super::card::Card;
use super::deed::Deed;
use super::row::{Operation, Report, row};
use super::town::Town;
use crate::synthetic::calendar::after_days;
use crate::synthetic::random::Stream;
use crate::synthetic::truth::TruthCard;

/// Somebody who goes to another of the municipalities that are made: what that one registers.
#[derive(Debug)]
pub(super) struct Mover {
    pub(super) person: String,
    pub(super) sheet: Record,
}

/// A family that goes to another of the municipalities that are made.
#[derive(Debug)]
pub(super) struct Departure {
    pub(super) to: IstatCode,
    pub(super) movers: Vec<Mover>,
    pub(super) effective: NaiveDate,
    /// Day on which the other municipality registers them.
    pub(super) registered: NaiveDate,
    /// Day on which it finds that they do not live there.
    pub(super) refused: Option<NaiveDate>,
}

/// What came of the days.
#[derive(Debug)]
pub(super) struct Days {
    /// Rows of each day with the numbers of their cards.
    pub(super) rows: BTreeMap<NaiveDate, Vec<(LocalId, String)>>,
    pub(super) truth: Vec<TruthCard>,
    pub(super) departures: Vec<Departure>,
}

/// What the days of all municipalities have in common.
#[derive(Clone, Debug)]
pub(super) struct Course {
    pub(super) first: NaiveDate,
    pub(super) last: NaiveDate,
    pub(super) pace: f64,
    pub(super) municipalities: Vec<IstatCode>,
}

/// Whether an entry can be undone later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Undo {
    Possible,
    Never,
}

/// Something to be registered.
#[derive(Debug)]
struct Task {
    cards: Vec<usize>,
    /// Whether the cards wait for it.
    holds: bool,
    deed: Deed,
}

/// The people of a municipality who live through the days together.
#[derive(Debug)]
pub(super) struct Population<'a> {
    pub(super) town: &'a mut Town,
    pub(super) course: &'a Course,
    pub(super) stream: Stream,
    pub(super) cards: Vec<Card>,
    pub(super) today: NaiveDate,
    /// Families that will come from outside.
    pub(super) outside: VecDeque<Vec<Record>>,
    pub(super) departures: Vec<Departure>,
    /// Cards opened since the first day.
    pub(super) opened: Vec<usize>,
    /// Cards of the entries that can be undone.
    pub(super) entries: Vec<Vec<usize>>,
    open: Vec<usize>,
    households: HashMap<HouseholdId, Vec<usize>>,
    tasks: BTreeMap<NaiveDate, Vec<Task>>,
    rows: BTreeMap<NaiveDate, Vec<(LocalId, String)>>,
}

impl<'a> Population<'a> {
    /// Nobody yet, on the first day.
    pub(super) fn new(town: &'a mut Town, course: &'a Course, stream: Stream) -> Self {
        Self {
            town,
            course,
            stream,
            cards: Vec::new(),
            today: course.first,
            outside: VecDeque::new(),
            departures: Vec::new(),
            opened: Vec::new(),
            entries: Vec::new(),
            open: Vec::new(),
            households: HashMap::new(),
            tasks: BTreeMap::new(),
            rows: BTreeMap::new(),
        }
    }

    /// Lets the days pass: each begins with what is due, and `happens` draws what is new.
    pub(super) fn live(mut self, happens: impl Fn(&mut Self) -> io::Result<()>) -> io::Result<Days> {
        while self.today < self.course.last {
            self.today = after_days(self.today, 1);
            self.count_residents();
            for task in self.tasks.remove(&self.today).unwrap_or_default() {
                self.perform(task)?;
            }
            happens(&mut self)?;
        }
        Ok(Days {
            rows: self.rows,
            truth: self.cards.into_iter().map(Card::into_truth).collect(),
            departures: self.departures,
        })
    }

    fn count_residents(&mut self) {
        let open = (0..self.cards.len()).filter(|at| self.cards[*at].is_open());
        self.open = open.collect();
        self.households.clear();
        for at in &self.open {
            if let Some(household) = self.cards[*at].household() {
                self.households.entry(household.clone()).or_default().push(*at);
            }
        }
    }

    /// Residents this morning.
    pub(super) fn residents(&self) -> &[usize] {
        &self.open
    }

    /// How many things of a yearly rate for each resident happen today.
    pub(super) fn number(&mut self, rate: f64) -> usize {
        let expected = rate * self.open.len() as f64 / 365.0 * self.course.pace;
        self.stream.rounded(expected)
    }

    /// Whether something may happen to a card today.
    pub(super) fn is_idle(&self, at: usize) -> bool {
        let card = &self.cards[at];
        card.is_open() && !card.waiting && card.touched < self.today
    }

    /// A resident of a kind to whom something may happen.
    pub(super) fn pick(&mut self, wanted: impl Fn(&Card) -> bool) -> Option<usize> {
        for _ in 0..40 {
            let at = *self.stream.pick(&self.open)?;
            if self.is_idle(at) && wanted(&self.cards[at]) {
                return Some(at);
            }
        }
        None
    }

    /// Everybody who lives with a resident, the resident included; `None` while something is open on one of them.
    pub(super) fn family(&self, at: usize) -> Option<Vec<usize>> {
        let household = self.cards[at].household()?;
        let members = self.households.get(household)?;
        let all_idle = members.iter().all(|member| self.is_idle(*member));
        let complete = members
            .iter()
            .all(|member| self.cards[*member].household() == Some(household));
        (all_idle && complete && members.contains(&at)).then(|| members.clone())
    }

    /// Something has happened to these persons, and is registered after so many days.
    pub(super) fn happened(&mut self, cards: Vec<usize>, delay: u64, deed: Deed) -> io::Result<()> {
        for at in &cards {
            self.cards[*at].waiting = true;
        }
        let task = Task {
            cards,
            holds: true,
            deed,
        };
        if delay == 0 {
            return self.perform(task);
        }
        self.schedule(after_days(self.today, delay), task);
        Ok(())
    }

    /// Something will be done on a day, if it still can be then.
    pub(super) fn later(&mut self, cards: Vec<usize>, day: NaiveDate, deed: Deed) {
        let day = day.max(after_days(self.today, 1));
        let task = Task {
            cards,
            holds: false,
            deed,
        };
        self.schedule(day, task);
    }

    fn schedule(&mut self, day: NaiveDate, task: Task) {
        self.tasks.entry(day).or_default().push(task);
    }

    fn perform(&mut self, task: Task) -> io::Result<()> {
        let ready = task.cards.iter().all(|at| {
            let card = &self.cards[*at];
            card.touched < self.today && (task.holds || !card.waiting)
        });
        if !ready {
            self.schedule(after_days(self.today, 1), task);
            return Ok(());
        }
        let Task { cards, holds, deed } = task;
        if holds {
            for at in &cards {
                self.cards[*at].waiting = false;
            }
        }
        self.register(cards, deed)
    }

    /// Opens today's entry on these cards.
    pub(super) fn enter(&mut self, cards: &[usize], undo: Undo) {
        let entry = match undo {
            Undo::Possible => {
                self.entries.push(cards.to_vec());
                Some(self.entries.len() - 1)
            }
            Undo::Never => None,
        };
        for at in cards {
            self.cards[*at].begin(self.today, entry);
        }
    }

    /// Writes the row of a card.
    pub(super) fn report(
        &mut self,
        at: usize,
        operation: Operation,
        kind: EventKind,
        event_date: Option<NaiveDate>,
    ) -> io::Result<()> {
        let sheet = &self.cards[at].sheet;
        let report = Report {
            operation,
            kind,
            event_date,
            registered: self.today,
        };
        let written = (sheet.local_id.clone(), row(sheet, report)?);
        self.rows.entry(self.today).or_default().push(written);
        Ok(())
    }

    /// Writes the rows of cards that say the same.
    pub(super) fn report_all(
        &mut self,
        cards: &[usize],
        kind: EventKind,
        event_date: Option<NaiveDate>,
    ) -> io::Result<()> {
        cards
            .iter()
            .try_for_each(|at| self.report(*at, Operation::Upsert, kind, event_date))
    }
}
