//! From a partial or misspelt name to persons: what may be asked, what an index holds, how good a hit is.
//!
//! A question ([`NameQuery`], [`TaxCodeQuery`], [`BirthDateRange`], together a [`PersonQuery`]) is checked when it is
//! read; one that would browse is refused. An index holds each card under its [`blocking_keys`] and finds candidates by
//! [`query_keys`]; [`score`] then admits or refuses each and says why, and [`rank`] puts them in order. No card that
//! `score` admits is missed by the keys.
//!
//! **What is forgiven.** Names are compared word by word and as one word, in capitals, without accents, apostrophes,
//! hyphens and blanks (`D'ANGELO`, `D ANGELO`, `DANGELO`; `NICOLO'`, `NICOLÒ`).
//! - Words may stand in another order, and one side may have more of them (double names).
//! - Particles (`DE`, `DELLA`, `VAN`, `EL` …) may be missing or be others, as long as another word is found. A name that
//!   is nothing else (the Chinese `LI`, the Senegalese `LO`) is found by itself, but not with a word more or less.
//! - Surname and given name may stand in each other's place where both are asked for.
//! - Foreign letters have two readings (`MÜLLER`: `MULLER`, `MUELLER`), and spellings of names from other scripts that
//!   have one [`romanisation_key`] are alike.
//! - Words that sound alike to an Italian ([`phonetic_key`]) are alike.
//! - In each name one word of at least four letters may have one slip: a letter more, fewer or another, or two
//!   neighbours swapped.
//!
//! A beginning or a word with wildcards is compared by its letters alone, in either reading.
//!
//! **Scores.** [`MAX_SCORE`] less what each fault costs: differences that only spelling makes cost least, then order,
//! then sound, then slips, then what only the coarse romanisation has in common; costs of several faults add up. Scores rank hits of one question; they are no probabilities,
//! and no count or frequency of names enters into them, so a score says nothing about cards that the caller may not see.

mod score;
mod query;
mod key;
mod compare;
mod name;
mod pattern;
mod reading;
mod phonetic;
mod romanisation;
mod distance;

pub use self::distance::{Slip, slip};
pub use self::key::{
    BlockingKey, KEY_VERSION, KeyKind, PREFIX_LENGTHS, SLIP_LETTERS, Way, blocking_keys, name_keys,
    query_keys,
};
pub use self::phonetic::{PHONETIC_VERSION, phonetic_key};
pub use self::query::{
    BirthDateRange, Extent, MIN_NAME_LETTERS, NameQuery, PersonQuery, QueryError, QueryField, QueryRule,
    TaxCodeMatch, TaxCodeQuery,
};
pub use self::romanisation::{ROMANISATION_VERSION, romanisation_key};
pub use self::score::{Candidate, FieldReason, MAX_SCORE, Match, MatchField, NameField, Reason, rank, score};

#[cfg(test)]
mod tests;
