//! Facts in time: a value and the day from which it held (*decorrenza*).

use chrono::NaiveDate;

/// One value with the day from which it holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dated<T> {
    /// Legal effective date (*data di decorrenza*), inclusive; `None` when the registry does not know it.
    pub from: Option<NaiveDate>,
    /// What holds from then on.
    pub value: T,
}

/// What a timeline answers for a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AsOf<'a, T> {
    /// This value held on that day.
    Held(&'a T),
    /// The registry holds no history before its earliest fact, and the day asked for lies before it.
    BeforeHistory,
    /// There is no fact of this kind at all.
    Never,
}

impl<'a, T> AsOf<'a, T> {
    /// The value, when there was one.
    pub fn held(self) -> Option<&'a T> {
        match self {
            Self::Held(value) => Some(value),
            Self::BeforeHistory | Self::Never => None,
        }
    }
}

/// The values of one fact over time, oldest first; each holds until the next begins.
///
/// A fact whose start is unknown can only be the first: it is taken to hold from before all history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timeline<T>(Vec<Dated<T>>);

impl<T> Default for Timeline<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> Timeline<T> {
    /// A timeline with one value.
    pub fn starting(from: Option<NaiveDate>, value: T) -> Self {
        Self(vec![Dated { from, value }])
    }

    /// Orders facts by start, unknown first; of two with the same start the later in the input supersedes
    /// (*rettifica*).
    pub fn from_facts(facts: impl IntoIterator<Item = Dated<T>>) -> Self {
        let mut timeline = Self::default();
        for fact in facts {
            timeline.record(fact);
        }
        timeline
    }

    /// Adds a fact; one with the same start is superseded and returned.
    pub fn record(&mut self, fact: Dated<T>) -> Option<Dated<T>> {
        match self.0.binary_search_by(|held| held.from.cmp(&fact.from)) {
            Ok(position) => self.0.get_mut(position).map(|slot| std::mem::replace(slot, fact)),
            Err(position) => {
                self.0.insert(position, fact);
                None
            }
        }
    }

    /// The value on `day`.
    pub fn at(&self, day: NaiveDate) -> AsOf<'_, T> {
        match self.dated_at(day) {
            Some(fact) => AsOf::Held(&fact.value),
            None if self.0.is_empty() => AsOf::Never,
            None => AsOf::BeforeHistory,
        }
    }

    /// The value on `day` with its start.
    pub fn dated_at(&self, day: NaiveDate) -> Option<&Dated<T>> {
        let begun = self
            .0
            .partition_point(|fact| fact.from.is_none_or(|from| from <= day));
        begun.checked_sub(1).and_then(|last| self.0.get(last))
    }

    /// The value that begins last, whether or not it has begun.
    pub fn latest(&self) -> Option<&Dated<T>> {
        self.0.last()
    }

    /// All facts, oldest first.
    pub fn facts(&self) -> &[Dated<T>] {
        &self.0
    }

    /// Whether there is no fact.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests;
