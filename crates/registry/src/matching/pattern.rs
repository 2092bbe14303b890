//! Words of a question with wildcards: `*` for any letters or none, `?` for one letter.

use super::reading::{Wildcards, is_wildcard, readings};

/// A word with at most one `*`, in each reading of its letters; it begins with a letter.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Pattern {
    readings: Vec<String>,
}

/// How a pattern fits a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Fit {
    /// The word begins so, and this many letters follow.
    Beginning(usize),
    /// Letters in other places were left open.
    Open,
}

impl Pattern {
    /// The pattern of a word, if it has a wildcard.
    pub(super) fn parse(text: &str) -> Option<Self> {
        text.contains(is_wildcard).then(|| Self {
            readings: readings(text, Wildcards::Kept),
        })
    }

    /// What stands before the first wildcard, in each reading.
    pub(super) fn stems(&self) -> impl Iterator<Item = &str> {
        self.readings
            .iter()
            .filter_map(|reading| reading.split(is_wildcard).next())
    }

    /// The best fit of any reading.
    pub(super) fn fit(&self, word: &str) -> Option<Fit> {
        self.readings
            .iter()
            .filter_map(|reading| fit(reading, word))
            .min()
    }
}

fn fit(pattern: &str, word: &str) -> Option<Fit> {
    let Some((head, tail)) = pattern.split_once('*') else {
        let same_length = pattern.chars().count() == word.chars().count();
        return (same_length && begins(pattern.chars(), word.chars())).then_some(Fit::Open);
    };
    let literal = head.chars().count() + tail.chars().count();
    let covered = word.chars().count().checked_sub(literal)?;
    let fits = begins(head.chars(), word.chars()) && begins(tail.chars().rev(), word.chars().rev());
    fits.then_some(if tail.is_empty() && !head.contains('?') {
        Fit::Beginning(covered)
    } else {
        Fit::Open
    })
}

/// Whether the letters begin as the pattern says, which is not longer than they are.
fn begins(pattern: impl Iterator<Item = char>, letters: impl Iterator<Item = char>) -> bool {
    pattern
        .zip(letters)
        .all(|(asked, letter)| asked == '?' || asked == letter)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_fit_as_they_say() {
        for (pattern, word, expected) in [
            ("ro*", "ROSSI", Some(Fit::Beginning(3))),
            ("ro*", "RO", Some(Fit::Beginning(0))),
            ("ro*", "R", None),
            ("ro*", "RUSSO", None),
            ("ro*i", "ROSSI", Some(Fit::Open)),
            ("ro*i", "ROSSINI", Some(Fit::Open)),
            ("ro*i", "ROSSO", None),
            ("ros*ssi", "ROSSI", None),
            ("ro??i", "ROSSI", Some(Fit::Open)),
            ("ro?i", "ROSSI", None),
            ("ro?*", "ROSSI", Some(Fit::Open)),
            ("ro?*", "RO", None),
            ("mü*", "MUELLER", Some(Fit::Beginning(4))),
            ("mü*", "MULLER", Some(Fit::Beginning(4))),
            ("mü?ler", "MUELLER", Some(Fit::Open)),
            ("mü?ler", "MULER", None),
            ("mü??er", "MUELLER", Some(Fit::Open)),
        ] {
            let parsed = Pattern::parse(pattern).unwrap();
            assert_eq!(parsed.fit(word), expected, "{pattern} {word}");
        }
        assert!(Pattern::parse("rossi").is_none());
    }
}
