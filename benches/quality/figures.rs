//! What comes out of many look-ups, and the floors.

use std::fmt;

use registry::identifier::RecordId;
use serde::Deserialize;

use super::look_up::{Ending, Known, People, Question};
use crate::measure::count;

/// Score from which on a hit of a question that states the day of birth is taken as an answer.
///
/// The least, in steps of 50, at which on the tuning halves 99 answers of 100 are right and at most 45 look-ups of 1,000
/// for somebody who is not there have one.
pub const THRESHOLD: u16 = 700;

const FLOORS: &str = include_str!("floors.toml");

/// What was counted.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    look_ups: u64,
    asked: u64,
    first: u64,
    among_ten: u64,
    first_alone: u64,
    among_ten_alone: u64,
    /// Hits of questions that state the day of birth: score, and whether it is who is sought.
    hits: Vec<(u16, bool)>,
    /// Best such hit of each look-up of somebody who is not there.
    strangers: Vec<Option<u16>>,
}

/// Shares of 1, but for the first and the last.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Figures {
    /// How many look-ups.
    pub look_ups: u64,
    /// The person is the first hit.
    pub recall_at_1: f64,
    /// The person is among the first ten hits.
    pub recall_at_10: f64,
    /// The same where only the first question is asked.
    pub alone_at_1: f64,
    /// The same where only the first question is asked.
    pub alone_at_10: f64,
    /// Answers that are right.
    pub precision: f64,
    /// Look-ups with the right answer.
    pub recall: f64,
    /// Look-ups of somebody who is not there that have an answer.
    pub strangers: f64,
    /// Questions for each look-up.
    pub questions: f64,
}

/// What must be reached.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Floors {
    recall_at_1: f64,
    recall_at_10: f64,
    precision: f64,
    recall: f64,
    strangers: f64,
}

/// What must be reached for each kind of error.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KindFloors {
    recall_at_10: f64,
}

/// All floors.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AllFloors {
    /// The published benchmark.
    pub febrl4: Floors,
    /// The synthetic district, over all kinds of errors.
    pub italian: Floors,
    /// Each kind.
    pub italian_kind: KindFloors,
}

impl AllFloors {
    /// The floors as they were written down.
    ///
    /// # Panics
    /// When the compiled-in file is not one of floors.
    pub fn stated() -> Self {
        toml::from_str(FLOORS).expect("the compiled-in floors are well formed")
    }
}

impl Tally {
    /// Looks somebody up, and again as if the person were not there.
    pub fn look_up(&mut self, people: &People, known: &Known, sought: RecordId) {
        let ending = people.look_up(known, None);
        let place = |ending: &Ending| ending.hits.iter().position(|(found, _)| *found == sought);
        let found_at = place(&ending);
        let alone = match ending.question {
            Some(Question::Everything) => found_at,
            _ => None,
        };
        let counted = |at: Option<usize>, places: usize| u64::from(at.is_some_and(|at| at < places));
        self.look_ups += 1;
        self.asked += ending.asked as u64;
        self.first += counted(found_at, 1);
        self.among_ten += counted(found_at, 10);
        self.first_alone += counted(alone, 1);
        self.among_ten_alone += counted(alone, 10);
        if ending.states_day {
            let hits = ending.hits.iter();
            self.hits
                .extend(hits.map(|(found, score)| (*score, *found == sought)));
        }
        let of_a_stranger = people.look_up(known, Some(sought));
        let best = of_a_stranger.hits.first().map(|(_, score)| *score);
        self.strangers.push(best.filter(|_| of_a_stranger.states_day));
    }

    /// Puts what another one counted to this.
    pub fn add(&mut self, other: &Self) {
        let Self {
            look_ups,
            asked,
            first,
            among_ten,
            first_alone,
            among_ten_alone,
            hits,
            strangers,
        } = other;
        self.look_ups += look_ups;
        self.asked += asked;
        self.first += first;
        self.among_ten += among_ten;
        self.first_alone += first_alone;
        self.among_ten_alone += among_ten_alone;
        self.hits.extend_from_slice(hits);
        self.strangers.extend_from_slice(strangers);
    }

    /// The figures at a threshold.
    pub fn figures(&self, threshold: u16) -> Figures {
        let answers = || self.hits.iter().filter(|(score, _)| threshold <= *score);
        let right = answers().filter(|(_, right)| *right).count() as u64;
        let reached = |best: &&Option<u16>| best.is_some_and(|score| threshold <= score);
        let strangers = self.strangers.iter().filter(reached).count() as u64;
        let share = |of: u64| count(of) / count(self.look_ups);
        Figures {
            look_ups: self.look_ups,
            recall_at_1: share(self.first),
            recall_at_10: share(self.among_ten),
            alone_at_1: share(self.first_alone),
            alone_at_10: share(self.among_ten_alone),
            precision: count(right) / count(answers().count() as u64),
            recall: share(right),
            strangers: share(strangers),
            questions: share(self.asked),
        }
    }
}

impl Floors {
    /// The names of the figures that miss their floor.
    pub fn missed(&self, figures: &Figures) -> Vec<&'static str> {
        let Self {
            recall_at_1,
            recall_at_10,
            precision,
            recall,
            strangers,
        } = *self;
        // Of what is no number, none reaches anything.
        [
            ("recall at 1", recall_at_1 <= figures.recall_at_1),
            ("recall at 10", recall_at_10 <= figures.recall_at_10),
            ("precision", precision <= figures.precision),
            ("recall", recall <= figures.recall),
            ("strangers", figures.strangers <= strangers),
        ]
        .into_iter()
        .filter_map(|(name, reached)| (!reached).then_some(name))
        .collect()
    }
}

impl KindFloors {
    /// Whether a kind of error is above its floor.
    pub fn reached(&self, figures: &Figures) -> bool {
        self.recall_at_10 <= figures.recall_at_10
    }
}

impl Figures {
    /// What the columns of a line say.
    pub const HEAD: &str = "look-ups    R@1   R@10  alone@10  precision  recall  strangers  questions";
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:>8} {:>6.3} {:>6.3} {:>9.3} {:>10.4} {:>7.3} {:>10.4} {:>10.2}",
            self.look_ups,
            self.recall_at_1,
            self.recall_at_10,
            self.alone_at_10,
            self.precision,
            self.recall,
            self.strangers,
            self.questions
        )
    }
}
