//! A name as matching sees it: words, some of which are particles, and the whole without its blanks.

use std::fmt;
use std::sync::OnceLock;

use unicode_normalization::UnicodeNormalization;

use super::pattern::Pattern;
use super::phonetic::phonetic_key;
use super::reading::{Wildcards, is_wildcard, readings};
use super::romanisation::romanisation_key;
use crate::normal::{composed, is_hyphen};

/// Words that one registry writes, another joins and a third leaves out: Italian, Spanish, Portuguese, French, Dutch and
/// German prepositions and articles, Arabic articles and "son of".
const PARTICLES: [&str; 56] = [
    "A", "AL", "AN", "BEN", "BIN", "BINT", "D", "DA", "DAGLI", "DAI", "DAL", "DALLA", "DALLE", "DALLO",
    "DAS", "DE", "DEGLI", "DEI", "DEL", "DELLA", "DELLE", "DELLO", "DEN", "DER", "DES", "DI", "DO", "DOS",
    "DU", "E", "EL", "EN", "ES", "I", "IBN", "L", "LA", "LAS", "LE", "LES", "LI", "LO", "LOS", "N", "O",
    "OU", "TEN", "TER", "U", "UL", "VAN", "VON", "Y", "ZU", "ZUM", "ZUR",
];

/// A name taken apart.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Name {
    /// Small letters as written, composed, blanks folded.
    pub(super) written: String,
    /// The words, in the order of the name.
    pub(super) words: Vec<Word>,
    /// The whole as one word, where it has several.
    pub(super) joined: Option<Word>,
}

/// A word of a name, never empty.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Word {
    /// Small letters as written, composed.
    pub(super) written: String,
    /// One or two readings, in capitals.
    pub(super) readings: Vec<String>,
    pub(super) role: Role,
    /// Of a question only: what the wildcards leave open.
    pub(super) pattern: Option<Pattern>,
    sounds: OnceLock<Sounds>,
}

/// What a word is in its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// It must be found.
    Significant,
    /// It may be absent, and finds nothing by itself.
    Particle,
}

/// The keys of sound of a word, of each reading.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Sounds {
    pub(super) phonetic: Vec<String>,
    pub(super) romanised: Vec<String>,
}

impl Name {
    /// Takes a name apart. Blanks, hyphens, full stops, commas and apostrophes divide words; an apostrophe at the end
    /// of one is an accent (`NICOLO'`) and divides nothing from nothing.
    ///
    /// Wildcards make a word of a question a pattern; no registered name has any.
    pub(super) fn parse(text: &str) -> Self {
        let mut words: Vec<Word> = text.split(divides).filter_map(Word::parse).collect();
        let significant = |word: &Word| {
            let particle = word.readings.first().is_some_and(|letters| is_particle(letters));
            word.pattern.is_some() || !particle
        };
        // A name of particles alone (the Chinese Li, the Senegalese Lo) consists of them.
        if words.iter().any(significant) {
            for word in &mut words {
                if !significant(word) {
                    word.role = Role::Particle;
                }
            }
        }
        let joined = if words.len() < 2 { None } else { Word::parse(text) };
        Self {
            written: written(text),
            words,
            joined,
        }
    }

    /// The name as one word.
    pub(super) fn whole(&self) -> Option<&Word> {
        self.joined.as_ref().or_else(|| self.words.first())
    }
}

impl Word {
    fn parse(text: &str) -> Option<Self> {
        let readings = readings(text, Wildcards::Dropped);
        if readings.is_empty() {
            return None;
        }
        Some(Self {
            written: text.split(divides).map(written).collect(),
            readings,
            role: Role::Significant,
            pattern: Pattern::parse(&text.split(divides).collect::<String>()),
            sounds: OnceLock::new(),
        })
    }

    /// Its keys of sound, made when they are first needed.
    pub(super) fn sounds(&self) -> &Sounds {
        self.sounds.get_or_init(|| {
            let phonetic = self.readings.iter().map(|reading| phonetic_key(reading));
            let romanised = self
                .readings
                .iter()
                .filter_map(|reading| romanisation_key(reading));
            Sounds {
                // A word of silent letters has no sound, and two such words do not sound alike.
                phonetic: distinct(phonetic.filter(|key| !key.is_empty())),
                romanised: distinct(romanised),
            }
        })
    }
}

/// Personal: debugging output does not carry it.
impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Name(..)")
    }
}

/// Personal: debugging output does not carry it.
impl fmt::Debug for Word {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Word(..)")
    }
}

/// Whether the letter divides words of a name.
pub(super) fn divides(letter: char) -> bool {
    letter.is_whitespace() || is_hyphen(letter) || is_apostrophe(letter) || matches!(letter, '.' | ',')
}

/// Small letters, composed, blanks folded; without wildcards.
pub(super) fn written(text: &str) -> String {
    let literal: String = text.chars().filter(|letter| !is_wildcard(*letter)).collect();
    let small = composed(&literal).to_lowercase();
    let words: Vec<&str> = small.split_whitespace().collect();
    words.join(" ").nfc().collect()
}

fn is_particle(letters: &str) -> bool {
    PARTICLES.binary_search(&letters).is_ok()
}

fn is_apostrophe(letter: char) -> bool {
    matches!(letter, '\'' | '`' | '´' | '’' | '‘' | 'ʼ' | '′')
}

fn distinct(keys: impl Iterator<Item = String>) -> Vec<String> {
    let mut keys: Vec<String> = keys.collect();
    keys.dedup();
    keys
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn particles_stand_in_the_order_of_the_search() {
        assert!(PARTICLES.is_sorted());
    }

    #[test]
    fn names_are_taken_apart() {
        for (text, words, whole) in [
            ("Rossi", "ROSSI", "ROSSI"),
            ("D'Angelo", "(D) ANGELO", "DANGELO"),
            ("D’ANGELO", "(D) ANGELO", "DANGELO"),
            ("Nicolo'", "NICOLO", "NICOLO"),
            ("De' Rossi", "(DE) ROSSI", "DEROSSI"),
            ("Della Valle", "(DELLA) VALLE", "DELLAVALLE"),
            ("Rossi-Bianchi", "ROSSI BIANCHI", "ROSSIBIANCHI"),
            ("Lo", "LO", "LO"),
            ("Li", "LI", "LI"),
            ("De La", "DE LA", "DELA"),
            ("van der Berg", "(VAN) (DER) BERG", "VANDERBERG"),
            ("El-Amrani", "(EL) AMRANI", "ELAMRANI"),
            ("St. John", "ST JOHN", "STJOHN"),
            ("", "", ""),
            (" ' - ", "", ""),
        ] {
            let name = Name::parse(text);
            let shown: Vec<String> = name.words.iter().map(shown).collect();
            assert_eq!(shown.join(" "), words, "{text}");
            let joined = name.whole().and_then(|word| word.readings.first());
            assert_eq!(joined.map_or("", String::as_str), whole, "{text}");
        }
    }

    fn shown(word: &Word) -> String {
        match word.role {
            Role::Significant => word.readings[0].clone(),
            Role::Particle => format!("({})", word.readings[0]),
        }
    }
}
