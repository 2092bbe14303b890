//! How one name of the question is like one name of a card.
//!
//! Each fault has a cost, and costs add up: of the words the worst counts, and beside it what holds for the name as a
//! whole (order, particles, words that only one side has). One name may have one slip of the hand.

use std::collections::BTreeSet;

use super::distance::{Slip, slip};
use super::name::{Name, Role, Word};
use super::pattern::Fit;
use super::score::Reason;

/// Letters of both words at least, for a slip to be forgiven: among shorter ones every other name is one slip away.
pub(super) const MIN_SLIP_LETTERS: usize = 4;

/// Letters that the stem of a pattern has at least to lead to a word.
pub(super) const MIN_STEM_LETTERS: usize = 2;

/// What tells two names apart, and what that costs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Likeness {
    pub(super) cost: u16,
    /// Empty only where the two are written alike.
    pub(super) reasons: BTreeSet<Reason>,
}

/// How a word of the question is like a word of the card, best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Grade {
    Exact,
    AccentOrApostrophe,
    Reading,
    Phonetic,
    Wildcard(Fit),
    Transposition,
    OneEdit,
    /// After slips: the keys are coarse, and where a slip explains the difference it is the better reason.
    Romanised,
}

/// A word of the question with a word of the card.
struct Pair {
    asked: usize,
    registered: usize,
    grade: Grade,
}

impl Grade {
    /// What the difference costs of 1000.
    fn cost(self) -> u16 {
        match self {
            Self::Exact => 0,
            Self::AccentOrApostrophe => 10,
            Self::Reading => 60,
            Self::Phonetic => 110,
            // The more of the word the question leaves open, the less it says: 10 for each letter, up to ten.
            Self::Wildcard(Fit::Beginning(0)) => 10,
            Self::Wildcard(Fit::Beginning(open)) => 80 + 10 * u16::try_from(open).unwrap_or(u16::MAX).min(10),
            Self::Wildcard(Fit::Open) => 185,
            Self::Romanised => 230,
            Self::Transposition => 190,
            Self::OneEdit => 210,
        }
    }

    fn reason(self) -> Option<Reason> {
        match self {
            Self::Exact => None,
            Self::AccentOrApostrophe => Some(Reason::AccentOrApostrophe),
            Self::Reading | Self::Romanised => Some(Reason::Transliteration),
            Self::Phonetic => Some(Reason::Phonetic),
            Self::Wildcard(Fit::Beginning(_)) => Some(Reason::Prefix),
            Self::Wildcard(Fit::Open) => Some(Reason::Wildcard),
            Self::Transposition => Some(Reason::Transposition),
            Self::OneEdit => Some(Reason::OneEdit),
        }
    }

    fn is_slip(self) -> bool {
        match self {
            Self::Transposition | Self::OneEdit => true,
            Self::Exact
            | Self::AccentOrApostrophe
            | Self::Reading
            | Self::Phonetic
            | Self::Romanised
            | Self::Wildcard(_) => false,
        }
    }
}

/// Costs of what holds for a name as a whole.
const SEPARATION_COST: u16 = 10;
const PARTICLE_COST: u16 = 30;
const ORDER_COST: u16 = 40;
const PART_COST: u16 = 120;

/// How the two are alike, if they are within the tolerance.
pub(super) fn compare(asked: &Name, registered: &Name) -> Option<Likeness> {
    if asked.words.is_empty() || registered.words.is_empty() {
        return None;
    }
    let by_words = by_words(asked, registered);
    let as_one = as_one(asked, registered);
    match (by_words, as_one) {
        (Some(by_words), Some(as_one)) if as_one.cost < by_words.cost => Some(as_one),
        (None, as_one) => as_one,
        (by_words, _) => by_words,
    }
}

/// The names without what divides them: `DELLA VALLE` and `DELLAVALLE`.
fn as_one(asked: &Name, registered: &Name) -> Option<Likeness> {
    if asked.joined.is_none() && registered.joined.is_none() {
        return None;
    }
    let grade = grade(asked.whole()?, registered.whole()?)?;
    let cost = grade.cost().max(SEPARATION_COST);
    let reason = grade.reason().unwrap_or(Reason::AccentOrApostrophe);
    Some(Likeness {
        cost,
        reasons: BTreeSet::from([reason]),
    })
}

/// Word by word, in whatever order.
fn by_words(asked: &Name, registered: &Name) -> Option<Likeness> {
    let pairs = pairs(asked, registered);
    let anchored = pairs.iter().any(|pair| {
        asked
            .words
            .get(pair.asked)
            .is_some_and(|word| word.role == Role::Significant && leads_somewhere(word))
    });
    if !anchored {
        return None;
    }
    let asked_rest = unpaired(&asked.words, |at| pairs.iter().any(|pair| pair.asked == at));
    let registered_rest = unpaired(&registered.words, |at| {
        pairs.iter().any(|pair| pair.registered == at)
    });
    let left_open = asked_rest.significant != 0 && registered_rest.significant != 0;
    let pattern_left = asked_rest.patterns != 0;
    if left_open || pattern_left {
        return None;
    }
    let mut reasons: BTreeSet<Reason> = pairs.iter().filter_map(|pair| pair.grade.reason()).collect();
    let mut cost = pairs
        .iter()
        .map(|pair| pair.grade.cost())
        .max()
        .unwrap_or_default();
    let mut whole = |holds: bool, reason: Reason, more: u16| {
        if holds {
            reasons.insert(reason);
            cost += more;
        }
    };
    let in_order = pairs.is_sorted_by(|one, next| one.registered < next.registered);
    whole(!in_order, Reason::WordOrder, ORDER_COST);
    let particles = asked_rest.particles + registered_rest.particles;
    whole(particles != 0, Reason::Particle, PARTICLE_COST);
    let parts = asked_rest.significant + registered_rest.significant;
    whole(parts != 0, Reason::PartOfName, PART_COST);
    if reasons.is_empty() && asked.written != registered.written {
        reasons.insert(Reason::AccentOrApostrophe);
        cost = SEPARATION_COST;
    }
    Some(Likeness { cost, reasons })
}

/// Which word goes with which: the best pair first, each word once, one slip in all; in the order of the question.
///
/// Among equal pairs the nearer to the beginning goes first, counted in both names together, so that it does not matter
/// which of two names is asked for.
fn pairs(asked: &Name, registered: &Name) -> Vec<Pair> {
    let mut candidates = Vec::new();
    for (at, word) in asked.words.iter().enumerate() {
        for (other_at, other) in registered.words.iter().enumerate() {
            if let Some(grade) = grade_in_role(word, other) {
                candidates.push(Pair {
                    asked: at,
                    registered: other_at,
                    grade,
                });
            }
        }
    }
    candidates.sort_by_key(|pair| {
        let (asked, registered) = (pair.asked, pair.registered);
        (pair.grade, asked + registered, asked.abs_diff(registered))
    });
    let mut chosen: Vec<Pair> = Vec::new();
    for pair in candidates {
        let taken = chosen.iter().any(|earlier| {
            let same_word = earlier.asked == pair.asked || earlier.registered == pair.registered;
            same_word || (earlier.grade.is_slip() && pair.grade.is_slip())
        });
        if !taken {
            chosen.push(pair);
        }
    }
    chosen.sort_by_key(|pair| pair.asked);
    chosen
}

/// Particles go only with the same particle.
fn grade_in_role(asked: &Word, registered: &Word) -> Option<Grade> {
    match (asked.role, registered.role) {
        (Role::Significant, Role::Significant) => grade(asked, registered),
        (Role::Particle, Role::Particle) => {
            grade(asked, registered).filter(|grade| *grade <= Grade::AccentOrApostrophe)
        }
        (Role::Significant, Role::Particle) | (Role::Particle, Role::Significant) => None,
    }
}

fn grade(asked: &Word, registered: &Word) -> Option<Grade> {
    if let Some(pattern) = &asked.pattern {
        let fits = registered
            .readings
            .iter()
            .filter_map(|reading| pattern.fit(reading));
        return fits.min().map(Grade::Wildcard);
    }
    if asked.readings.first() == registered.readings.first() {
        return Some(if asked.written == registered.written {
            Grade::Exact
        } else {
            Grade::AccentOrApostrophe
        });
    }
    if share(&asked.readings, &registered.readings) {
        return Some(Grade::Reading);
    }
    let (sounds, other_sounds) = (asked.sounds(), registered.sounds());
    if share(&sounds.phonetic, &other_sounds.phonetic) {
        return Some(Grade::Phonetic);
    }
    let slips = asked.readings.iter().flat_map(|reading| {
        let others = registered.readings.iter();
        others.filter_map(|other| slip_grade(reading, other))
    });
    let romanised = || share(&sounds.romanised, &other_sounds.romanised).then_some(Grade::Romanised);
    let grade = slips.min().or_else(romanised)?;
    // MUELLER and MULLER, neither of which has the letter. Asked last, so that keys of slips or sound lead there.
    let contracted = |word: &Word| word.readings.first().map(|reading| contracted(reading));
    Some(if contracted(asked) == contracted(registered) {
        Grade::Reading
    } else {
        grade
    })
}

/// The letters with `AE`, `OE`, `UE` and `AA` read as the one letter for which ICAO Doc 9303 writes them.
fn contracted(letters: &str) -> String {
    let mut contracted = String::with_capacity(letters.len());
    let mut before = None;
    for letter in letters.chars() {
        let ends = matches!((before, letter), (Some('A' | 'O' | 'U'), 'E') | (Some('A'), 'A'));
        if !ends {
            contracted.push(letter);
        }
        before = if ends { None } else { Some(letter) };
    }
    contracted
}

fn slip_grade(one: &str, other: &str) -> Option<Grade> {
    if one.len().abs_diff(other.len()) <= MAX_LETTER_BYTES && is_long(one) && is_long(other) {
        match slip(one, other)? {
            // Equal readings are a grade of their own.
            Slip::None => None,
            Slip::OneEdit => Some(Grade::OneEdit),
            Slip::Transposition => Some(Grade::Transposition),
        }
    } else {
        None
    }
}

/// Bytes of the longest letter: one edit changes no length by more.
const MAX_LETTER_BYTES: usize = 4;

/// Whether a slip in the word is forgiven.
pub(super) fn is_long(letters: &str) -> bool {
    MIN_SLIP_LETTERS <= letters.chars().count()
}

/// Whether the word has keys that lead to cards.
fn leads_somewhere(word: &Word) -> bool {
    let long = |stem: &str| MIN_STEM_LETTERS <= stem.chars().count();
    word.pattern
        .as_ref()
        .is_none_or(|pattern| pattern.stems().all(long))
}

fn share(ones: &[String], others: &[String]) -> bool {
    ones.iter().any(|one| others.contains(one))
}

/// Words that were paired with none.
#[derive(Default)]
struct Unpaired {
    significant: usize,
    patterns: usize,
    particles: usize,
}

fn unpaired(words: &[Word], is_paired: impl Fn(usize) -> bool) -> Unpaired {
    let mut unpaired = Unpaired::default();
    for (_, word) in words.iter().enumerate().filter(|(at, _)| !is_paired(*at)) {
        match word.role {
            Role::Significant => unpaired.significant += 1,
            Role::Particle => unpaired.particles += 1,
        }
        unpaired.patterns += usize::from(word.pattern.is_some());
    }
    unpaired
}
