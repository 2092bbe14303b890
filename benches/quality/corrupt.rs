//! Planting errors in what somebody knows of a person: the kinds that a search is to forgive.
//!
//! Nothing is shared with the matcher, no table and no function: the rules are what people do to names, and some of what
//! is planted here the matcher need not find.

mod sounds;
mod spellings;

use chrono::{Datelike, NaiveDate};

use super::look_up::Known;
use crate::draws::Draws;

/// A kind of error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// Accents and apostrophes: left out, set, written one for the other.
    AccentOrApostrophe,
    /// One of several names left out, one added, or two joined.
    DoubleName,
    /// Surname and given name in each other's place.
    Swapped,
    /// A particle left out, joined, taken for another, or added.
    Particle,
    /// A letter more, one fewer, or another one.
    OneEdit,
    /// Two neighbouring letters swapped.
    Transposition,
    /// As an Italian may write what he heard.
    Heard,
    /// A foreign name spelt after another language.
    Transliteration,
    /// Day and month of birth swapped.
    DayAndMonth,
    /// One digit of the birth date wrong.
    BirthDigit,
    /// Two of those that concern names.
    TwoFaults,
}

impl Fault {
    /// Every kind.
    pub const ALL: [Self; 11] = [
        Self::AccentOrApostrophe,
        Self::DoubleName,
        Self::Swapped,
        Self::Particle,
        Self::OneEdit,
        Self::Transposition,
        Self::Heard,
        Self::Transliteration,
        Self::DayAndMonth,
        Self::BirthDigit,
        Self::TwoFaults,
    ];

    /// In words.
    pub fn words(self) -> &'static str {
        match self {
            Self::AccentOrApostrophe => "accents and apostrophes",
            Self::DoubleName => "double names",
            Self::Swapped => "names swapped",
            Self::Particle => "particles",
            Self::OneEdit => "one edit",
            Self::Transposition => "transposition",
            Self::Heard => "written as heard",
            Self::Transliteration => "transliteration",
            Self::DayAndMonth => "day and month swapped",
            Self::BirthDigit => "one digit of the birth date",
            Self::TwoFaults => "two faults in the names",
        }
    }

    /// The person with an error of this kind; `None` where nothing of the person can have it, or nothing came of it.
    pub fn plant(self, known: &Known, draws: &mut Draws) -> Option<Known> {
        let faulty = match self {
            Self::AccentOrApostrophe => in_a_name(known, draws, accents),
            Self::DoubleName => in_a_name(known, draws, double),
            Self::Swapped => Some(Known {
                surname: known.given_name.clone(),
                given_name: known.surname.clone(),
                birth: known.birth,
            }),
            Self::Particle => Some(Known {
                surname: Some(particle(known.surname.as_deref()?, draws)?),
                ..known.clone()
            }),
            Self::OneEdit => in_a_name(known, draws, edit),
            Self::Transposition => in_a_name(known, draws, transpose),
            Self::Heard => in_a_name(known, draws, sounds::misheard),
            Self::Transliteration => in_a_name(known, draws, spellings::respelt),
            Self::DayAndMonth => Some(Known {
                birth: Some(day_and_month(known.birth?)?),
                ..known.clone()
            }),
            Self::BirthDigit => Some(Known {
                birth: Some(digit(known.birth?, draws)?),
                ..known.clone()
            }),
            Self::TwoFaults => {
                let of_names = &Self::ALL[..8];
                let first = *draws.pick(of_names)?;
                let second = *draws.pick(of_names)?;
                let once = first.plant(known, draws)?;
                if first == second {
                    None
                } else {
                    second.plant(&once, draws)
                }
            }
        };
        faulty.filter(|faulty| faulty != known)
    }
}

/// One of the two names, or the other where the first is left as it is.
fn in_a_name(
    known: &Known,
    draws: &mut Draws,
    plant: impl Fn(&str, &mut Draws) -> Option<String>,
) -> Option<Known> {
    let surname_first = draws.below(2) == 0;
    for surname in [surname_first, !surname_first] {
        let mut faulty = known.clone();
        let name = if surname {
            &mut faulty.surname
        } else {
            &mut faulty.given_name
        };
        let text = name.clone()?;
        if let Some(other) = plant(&text, draws).filter(|other| *other != text) {
            *name = Some(other);
            return Some(faulty);
        }
    }
    None
}

const ACCENTED: [(&str, char); 14] = [
    ("ÀÁÂÃÄÅ", 'A'),
    ("ÈÉÊË", 'E'),
    ("ÌÍÎÏ", 'I'),
    ("ÒÓÔÕÖ", 'O'),
    ("ÙÚÛÜ", 'U'),
    ("Ç", 'C'),
    ("Ñ", 'N'),
    ("Ý", 'Y'),
    ("ŠȘŞ", 'S'),
    ("ŽŻ", 'Z'),
    ("ČĆ", 'C'),
    ("ŢȚ", 'T'),
    ("ĂĀ", 'A'),
    ("ĞĢ", 'G'),
];

fn accents(name: &str, draws: &mut Draws) -> Option<String> {
    let plain = |letter: char| {
        ACCENTED
            .iter()
            .find(|(from, _)| from.contains(letter))
            .map(|(_, to)| *to)
    };
    let accented: Vec<usize> = places(name, |letter| plain(letter).is_some());
    let apostrophes: Vec<usize> = places(name, |letter| matches!(letter, '\'' | '’'));
    if let Some(at) = draws.pick(&accented) {
        let letter = plain(name.chars().nth(*at)?)?;
        let after = ["", "'", "`"][draws.below(3)];
        return Some(replaced(name, *at, 1, &format!("{letter}{after}")));
    }
    if let Some(at) = draws.pick(&apostrophes) {
        return Some(replaced(name, *at, 1, ["", " ", "’", "' ", "`"][draws.below(5)]));
    }
    // A last vowel gets an accent that it has not: NICOLO for NICOLÒ is as often the other way round.
    let last = name.chars().last()?;
    let with = match last {
        'A' => ["À", "A'"],
        'O' => ["Ò", "O'"],
        'I' => ["Ì", "I'"],
        'U' => ["Ù", "U'"],
        _ => return None,
    };
    Some(replaced(name, name.chars().count() - 1, 1, with[draws.below(2)]))
}

fn double(name: &str, draws: &mut Draws) -> Option<String> {
    let words: Vec<&str> = name.split([' ', '-']).filter(|word| !word.is_empty()).collect();
    if words.len() < 2 {
        const FURTHER: [&str; 6] = ["MARIA", "ANNA", "GIUSEPPE", "LUIGI", "ROSA", "ANTONIO"];
        let further = draws.pick(&FURTHER)?;
        return (!words.contains(further)).then(|| format!("{name} {further}"));
    }
    // A particle with its word is no double name.
    if words
        .iter()
        .any(|word| word.chars().count() < 4 || PARTICLES.contains(word))
    {
        return None;
    }
    match draws.below(3) {
        0 => {
            let left_out = draws.below(words.len());
            let kept = words.iter().enumerate().filter(|(at, _)| *at != left_out);
            Some(kept.map(|(_, word)| *word).collect::<Vec<_>>().join(" "))
        }
        1 => Some(words.concat()),
        _ => Some(words.join(if name.contains('-') { " " } else { "-" })),
    }
}

/// Particles of surnames, from those that people of the region bear.
const PARTICLES: [&str; 26] = [
    "DE", "DI", "DA", "DEL", "DELLA", "DELLE", "DELLO", "DEGLI", "DEI", "DAL", "DALLA", "DALLE", "DALL",
    "DELL", "LA", "LE", "LO", "LI", "EL", "AL", "BEN", "VAN", "VON", "DOS", "D", "SAN",
];

fn particle(surname: &str, draws: &mut Draws) -> Option<String> {
    let at = surname.find([' ', '\'']);
    let led = at.and_then(|at| {
        let (first, rest) = surname.split_at(at);
        let rest = rest.get(1..).unwrap_or_default().trim_start();
        (PARTICLES.contains(&first) && 3 <= rest.chars().count()).then_some((first, rest))
    });
    let Some((first, rest)) = led else {
        let added = ["DE", "DI", "DEL", "LO", "LA"][draws.below(5)];
        let single = !surname.contains([' ', '-', '\'']);
        return single.then(|| format!("{added} {surname}"));
    };
    match draws.below(4) {
        0 => Some(rest.to_owned()),
        1 => Some(format!("{first}{rest}")),
        2 => Some(format!("{first}' {rest}")),
        _ => {
            let other = ["DE", "DI", "DA", "DEL", "DAL"][draws.below(5)];
            Some(format!("{other} {rest}"))
        }
    }
}

const ALPHABET: [&str; 26] = [
    "A", "B", "C", "D", "E", "F", "G", "H", "I", "J", "K", "L", "M", "N", "O", "P", "Q", "R", "S", "T", "U",
    "V", "W", "X", "Y", "Z",
];

fn edit(name: &str, draws: &mut Draws) -> Option<String> {
    let letters = places(name, char::is_alphabetic);
    let at = *draws.pick(&letters)?;
    let letter = draws.pick(&ALPHABET)?;
    Some(match draws.below(3) {
        0 => replaced(name, at, 0, letter),
        1 if 2 < letters.len() => replaced(name, at, 1, ""),
        _ => replaced(name, at, 1, letter),
    })
}

fn transpose(name: &str, draws: &mut Draws) -> Option<String> {
    let mut letters: Vec<char> = name.chars().collect();
    let pairs: Vec<usize> = letters
        .windows(2)
        .enumerate()
        .filter(|(_, pair)| pair.iter().all(|letter| letter.is_alphabetic()) && pair[0] != pair[1])
        .map(|(at, _)| at)
        .collect();
    let at = *draws.pick(&pairs)?;
    letters.swap(at, at + 1);
    Some(letters.into_iter().collect())
}

fn day_and_month(day: NaiveDate) -> Option<NaiveDate> {
    NaiveDate::from_ymd_opt(day.year(), day.day(), day.month())
}

fn digit(day: NaiveDate, draws: &mut Draws) -> Option<NaiveDate> {
    let mut digits: Vec<char> = day.format("%Y%m%d").to_string().chars().collect();
    // The century is not mistaken.
    let at = 2 + draws.below(6);
    *digits.get_mut(at)? = char::from_digit(u32::try_from(draws.below(10)).ok()?, 10)?;
    NaiveDate::parse_from_str(&digits.into_iter().collect::<String>(), "%Y%m%d").ok()
}

/// The places, in letters, of what is so.
fn places(name: &str, is_so: impl Fn(char) -> bool) -> Vec<usize> {
    let letters = name.chars().enumerate();
    letters
        .filter(|(_, letter)| is_so(*letter))
        .map(|(at, _)| at)
        .collect()
}

/// The name with some letters from a place on replaced.
fn replaced(name: &str, at: usize, letters: usize, with: &str) -> String {
    let before = name.chars().take(at);
    let after = name.chars().skip(at + letters);
    before.chain(with.chars()).chain(after).collect()
}

/// One of the places at which one of the rules' first texts stands replaced by its second.
fn rewritten(name: &str, rules: &[(&str, &str)], draws: &mut Draws) -> Option<String> {
    let mut all = Vec::new();
    for (from, to) in rules {
        for (at, _) in name.match_indices(from) {
            let (before, rest) = name.split_at(at);
            let after = rest.get(from.len()..).unwrap_or_default();
            all.push(format!("{before}{to}{after}"));
        }
    }
    draws.pick(&all).cloned()
}

#[cfg(test)]
mod tests;
