//! Species of toponym (*specie di toponimo*), the table too long for an enum.

use std::fmt;
use std::sync::LazyLock;

use super::{CodeError, CodeTable};

/// `code,label`, sorted by code.
const TABLE: &str = include_str!("../../data/toponym_species.csv");

static SPECIES: LazyLock<Vec<(u16, &'static str)>> = LazyLock::new(|| {
    let rows = TABLE.lines().skip(1);
    rows.filter_map(|row| {
        row.split_once(',')
            .and_then(|(code, label)| Some((code.parse().ok()?, label)))
    })
    .collect()
});

/// Species of toponym (ANPR table 4): 213 VIA, 125 PIAZZA, …; 259 values.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ToponymSpecies(u16);

impl ToponymSpecies {
    /// VIA.
    pub const VIA: Self = Self(213);
    /// PIAZZA.
    pub const PIAZZA: Self = Self(125);
    /// ALTRO, for what the table does not list.
    pub const OTHER: Self = Self(998);

    /// Reads a code as ANPR writes it, without leading zeros.
    pub fn from_code(code: &str) -> Result<Self, CodeError> {
        let plain = code.bytes().all(|byte| byte.is_ascii_digit()) && !code.starts_with('0');
        let number = if plain { code.parse().ok() } else { None };
        number.and_then(Self::from_number).ok_or(CodeError {
            table: CodeTable::ToponymSpecies,
        })
    }

    /// The species of a code, if there is one.
    pub fn from_number(code: u16) -> Option<Self> {
        position(code).map(|_| Self(code))
    }

    /// The species with exactly this label, upper case as ANPR writes it.
    pub fn from_label(label: &str) -> Option<Self> {
        SPECIES
            .iter()
            .find(|(_, known)| *known == label)
            .map(|(code, _)| Self(*code))
    }

    /// The code.
    pub fn code(self) -> u16 {
        self.0
    }

    /// ANPR's label, upper case.
    pub fn label(self) -> &'static str {
        position(self.0)
            .and_then(|at| SPECIES.get(at))
            .map_or("", |(_, label)| label)
    }

    /// Every species, by code.
    pub fn all() -> impl Iterator<Item = Self> {
        SPECIES.iter().map(|(code, _)| Self(*code))
    }
}

impl fmt::Debug for ToponymSpecies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ToponymSpecies({})", self.0)
    }
}

fn position(code: u16) -> Option<usize> {
    SPECIES.binary_search_by_key(&code, |(known, _)| *known).ok()
}
