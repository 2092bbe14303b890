//! What a card came to state, and when: the truth as the simulator decides it.

use chrono::NaiveDate;

use crate::synthetic::truth::{Aspect, Statement, TruthFact};

/// The facts of one card, and what the last entry in it did.
#[derive(Debug, Default)]
pub(super) struct Diary {
    facts: Vec<TruthFact>,
    today: NaiveDate,
    learnt: Vec<usize>,
    forgotten: Vec<usize>,
}

impl Diary {
    /// Opens the entry of a day.
    pub(super) fn begin(&mut self, today: NaiveDate) {
        self.today = today;
        self.learnt.clear();
        self.forgotten.clear();
    }

    /// Writes a statement down.
    pub(super) fn learn(&mut self, from: Option<NaiveDate>, statement: Statement) {
        self.learnt.push(self.facts.len());
        self.facts.push(TruthFact {
            known_from: self.today,
            known_until: None,
            from,
            statement,
        });
    }

    /// Takes back the statement of an aspect that begins last.
    pub(super) fn forget_last(&mut self, aspect: Aspect) {
        let standing = self.standing(aspect);
        if let Some(at) = standing.max_by_key(|at| self.facts[*at].from) {
            self.forget(at);
        }
    }

    /// Takes back every statement of an aspect.
    pub(super) fn forget_all(&mut self, aspect: Aspect) {
        let standing: Vec<usize> = self.standing(aspect).collect();
        standing.into_iter().for_each(|at| self.forget(at));
    }

    /// Takes back everything.
    pub(super) fn forget_everything(&mut self) {
        for at in 0..self.facts.len() {
            if self.facts[at].known_until.is_none() {
                self.forget(at);
            }
        }
    }

    /// Undoes the last entry: what it learnt is taken back, and what it took back is stated again.
    pub(super) fn undo(&mut self, today: NaiveDate) {
        let learnt = std::mem::take(&mut self.learnt);
        let forgotten = std::mem::take(&mut self.forgotten);
        self.begin(today);
        learnt.into_iter().for_each(|at| self.forget(at));
        for at in forgotten {
            let fact = self.facts[at].clone();
            self.learn(fact.from, fact.statement);
        }
    }

    /// The codici fiscali stated now.
    pub(super) fn tax_codes(&self) -> Vec<String> {
        let stated = self.standing(Aspect::TaxCodes).last();
        match stated.map(|at| &self.facts[at].statement) {
            Some(Statement::TaxCodes { codes }) => codes.clone(),
            _ => Vec::new(),
        }
    }

    /// Start of the statement of an aspect before the one that begins last; `None` where there is no other.
    pub(super) fn start_before_last(&self, aspect: Aspect) -> Option<Option<NaiveDate>> {
        let mut starts: Vec<_> = self.standing(aspect).map(|at| self.facts[at].from).collect();
        starts.sort_unstable();
        starts.len().checked_sub(2).and_then(|at| starts.get(at)).copied()
    }

    /// The facts, as they stand at the end.
    pub(super) fn into_facts(self) -> Vec<TruthFact> {
        self.facts
    }

    fn standing(&self, aspect: Aspect) -> impl Iterator<Item = usize> {
        let facts = self.facts.iter().enumerate();
        facts
            .filter(move |(_, fact)| fact.known_until.is_none() && fact.statement.aspect() == aspect)
            .map(|(at, _)| at)
    }

    fn forget(&mut self, at: usize) {
        if let Some(fact) = self.facts.get_mut(at) {
            fact.known_until = Some(self.today);
            self.forgotten.push(at);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn status(code: &str) -> Statement {
        Statement::CivilStatus {
            code: code.to_owned(),
        }
    }

    /// Codes that stand on a day, in the order in which they were written.
    fn known(diary: &Diary, on: &str) -> Vec<String> {
        let on = day(on);
        let facts = diary.facts.iter();
        let standing =
            facts.filter(|fact| fact.known_from <= on && fact.known_until.is_none_or(|until| on < until));
        standing
            .filter_map(|fact| match &fact.statement {
                Statement::CivilStatus { code } => Some(code.clone()),
                _ => None,
            })
            .collect()
    }

    #[test]
    fn an_entry_that_is_undone_leaves_what_stood_before_it() {
        let mut diary = Diary::default();
        diary.begin(day("2026-01-01"));
        diary.learn(None, status("1"));
        diary.begin(day("2026-01-05"));
        diary.forget_last(Aspect::CivilStatus);
        diary.learn(Some(day("2026-01-04")), status("2"));
        diary.undo(day("2026-01-09"));
        assert_eq!(known(&diary, "2025-12-31"), [""; 0]);
        assert_eq!(known(&diary, "2026-01-04"), ["1"]);
        assert_eq!(known(&diary, "2026-01-08"), ["2"]);
        assert_eq!(known(&diary, "2026-01-09"), ["1"]);
    }

    #[test]
    fn the_statement_that_begins_last_is_the_one_that_is_taken_back() {
        let mut diary = Diary::default();
        diary.begin(day("2026-01-01"));
        diary.learn(Some(day("2020-01-01")), status("4"));
        diary.learn(Some(day("2010-01-01")), status("2"));
        diary.learn(None, status("1"));
        let before = diary.start_before_last(Aspect::CivilStatus);
        assert_eq!(before, Some(Some(day("2010-01-01"))));
        diary.begin(day("2026-01-02"));
        diary.forget_last(Aspect::CivilStatus);
        assert_eq!(known(&diary, "2026-01-02"), ["2", "1"]);
        assert_eq!(diary.start_before_last(Aspect::CivilStatus), Some(None));
        diary.forget_all(Aspect::CivilStatus);
        assert_eq!(diary.start_before_last(Aspect::CivilStatus), None);
    }
}
