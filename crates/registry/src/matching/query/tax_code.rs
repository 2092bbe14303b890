//! The beginning of a codice fiscale.

use std::fmt;

use super::error::{QueryError, QueryField, QueryRule};
use crate::codice_fiscale::{CodiceFiscale, TaxCode, without_omocodia};
use crate::normal::code_key;

/// At least the first three characters of a codice fiscale; `?` stands for one that is not known.
#[derive(Clone, PartialEq, Eq)]
pub struct TaxCodeQuery {
    /// Capitals, digits and `?`, 3 to 16.
    text: String,
}

/// How a code answers a [`TaxCodeQuery`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum TaxCodeMatch {
    /// It begins so.
    AsWritten,
    /// It does once digits stand where omocodia has put letters, in one or the other.
    Omocodia,
}

impl TaxCodeQuery {
    /// Characters that must be known (ANPR EHR61): the first ones.
    pub const MIN_CHARACTERS: usize = 3;

    /// Lengths of beginnings that [`Self::code_keys`] makes.
    const KEY_LENGTHS: [usize; 4] = [3, 6, 11, 15];

    /// Reads a beginning. Blanks are dropped, small letters are capitals, a `*` at the end changes nothing.
    ///
    /// # Errors
    ///
    /// [`QueryRule::TooFewCharacters`], [`QueryRule::CodeLength`], [`QueryRule::CodeCharacter`].
    pub fn parse(text: &str) -> Result<Self, QueryError> {
        let refused = |rule| Err(QueryError::new(QueryField::TaxCode, rule));
        let key = code_key(text);
        let text = key.strip_suffix('*').unwrap_or(&key);
        if !text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'?')
        {
            return refused(QueryRule::CodeCharacter);
        }
        if CodiceFiscale::LENGTH < text.len() {
            return refused(QueryRule::CodeLength);
        }
        let known = text.bytes().take_while(|byte| *byte != b'?').count();
        if known < Self::MIN_CHARACTERS {
            return refused(QueryRule::TooFewCharacters);
        }
        Ok(Self {
            text: text.to_owned(),
        })
    }

    /// Whether and how a code begins so.
    pub fn matches(&self, code: &TaxCode) -> Option<TaxCodeMatch> {
        let text = code.as_str();
        if begins(self.text.bytes(), text.bytes()) {
            return Some(TaxCodeMatch::AsWritten);
        }
        code.definitive()?;
        // The check character belongs to one form only and says nothing about the others.
        let length = CodiceFiscale::LENGTH - 1;
        let asked: Vec<u8> = base(&self.text).take(length).collect();
        let registered: Vec<u8> = base(text).take(length).collect();
        begins(asked.into_iter(), registered.into_iter()).then_some(TaxCodeMatch::Omocodia)
    }

    /// Beginnings of a code under which an index holds it, as bytes to make tokens of.
    pub fn code_keys(code: &TaxCode) -> impl Iterator<Item = String> {
        let letters: Vec<char> = match code {
            TaxCode::Definitive(code) => base(code.as_str()).map(char::from).collect(),
            TaxCode::Provisional(code) => code.as_str().chars().collect(),
        };
        Self::KEY_LENGTHS
            .into_iter()
            .filter_map(move |length| letters.get(..length).map(|start| start.iter().collect()))
    }

    /// The longest of these beginnings: 15 characters of a codice fiscale, without omocodia and check character, and the
    /// 11 of a provisional code. All others of a code are beginnings of it.
    pub fn longest_key(code: &TaxCode) -> String {
        Self::code_keys(code).last().unwrap_or_default()
    }

    /// Whether [`Self::matches`] admits the codes of that [`Self::longest_key`].
    pub fn admits_key(&self, key: &str) -> bool {
        if key.len() == CodiceFiscale::LENGTH - 1 {
            begins(base(&self.text).take(key.len()), key.bytes())
        } else {
            begins(self.text.bytes(), key.bytes())
        }
    }

    /// The keys of which every code that [`Self::matches`] has one: the longest beginning that is known, read as that of
    /// a codice fiscale and as it stands.
    pub fn keys(&self) -> Vec<String> {
        let known = self.text.split('?').next().unwrap_or_default();
        let lengths = Self::KEY_LENGTHS.into_iter().rev();
        let Some(length) = lengths.into_iter().find(|length| *length <= known.len()) else {
            return Vec::new();
        };
        let as_base: String = base(known).take(length).map(char::from).collect();
        let as_written: String = known.chars().take(length).collect();
        if as_base == as_written {
            vec![as_base]
        } else {
            vec![as_base, as_written]
        }
    }
}

/// Personal: debugging output does not carry it.
impl fmt::Debug for TaxCodeQuery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TaxCodeQuery(..)")
    }
}

fn base(text: &str) -> impl Iterator<Item = u8> {
    text.bytes()
        .enumerate()
        .map(|(at, character)| without_omocodia(at, character))
}

/// Whether the characters begin as asked and are at least as many.
fn begins(asked: impl Iterator<Item = u8>, mut characters: impl Iterator<Item = u8>) -> bool {
    for asked in asked {
        match characters.next() {
            Some(character) if asked == b'?' || asked == character => {}
            _ => return false,
        }
    }
    true
}
