//! From bytes to text, in the encoding that the municipality declares.
//!
//! A declaration can be wrong, and a wrong one makes other names of people's names. What shows it is looked for in
//! every line: bytes that the encoding does not have, and the traces of UTF-8 read as a set of one byte (`Ã¨`).

use std::borrow::Cow;
use std::fmt;

use crate::finding::{FindingRule, rules};

/// An encoding that back offices use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Encoding {
    /// UTF-8 (RFC 3629).
    #[default]
    Utf8,
    /// ISO/IEC 8859-1; the control characters 0x80 to 0x9F are in no export.
    Iso8859_1,
    /// Windows-1252, in which 0x92 is the apostrophe of `D’Angelo`; five bytes are not assigned.
    Windows1252,
}

impl Encoding {
    /// Every encoding.
    pub const ALL: &'static [Self] = &[Self::Utf8, Self::Iso8859_1, Self::Windows1252];

    /// The name in a mapping.
    pub fn name(self) -> &'static str {
        match self {
            Self::Utf8 => "utf-8",
            Self::Iso8859_1 => "iso-8859-1",
            Self::Windows1252 => "windows-1252",
        }
    }

    /// The encoding of a name, in any case.
    pub fn named(name: &str) -> Option<Self> {
        let mut all = Self::ALL.iter();
        all.find(|encoding| encoding.name().eq_ignore_ascii_case(name))
            .copied()
    }

    /// The text of a line, or the rule that it breaks.
    pub(super) fn decode(self, bytes: &[u8]) -> Result<Cow<'_, str>, &'static FindingRule> {
        if bytes.is_ascii() {
            return std::str::from_utf8(bytes)
                .map(Cow::Borrowed)
                .map_err(|_| &rules::PN001);
        }
        let text = match self {
            Self::Utf8 => Cow::Borrowed(std::str::from_utf8(bytes).map_err(|_| &rules::PN001)?),
            Self::Iso8859_1 | Self::Windows1252 => {
                // UTF-8 is told by its traces before its bytes are told to be unassigned: that says what to do.
                if std::str::from_utf8(bytes).is_ok_and(only_usual_letters) {
                    return Err(&rules::PN007);
                }
                let letter = |byte: &u8| self.letter(*byte).ok_or(&rules::PN006);
                Cow::Owned(bytes.iter().map(letter).collect::<Result<String, _>>()?)
            }
        };
        if has_traces_of_utf8(&text) {
            return Err(&rules::PN007);
        }
        Ok(text)
    }

    /// The text of a line as far as it can be read; only for what is ASCII in every encoding.
    pub(super) fn decode_ascii(bytes: &[u8]) -> String {
        bytes
            .iter()
            .map(|byte| {
                if byte.is_ascii() {
                    char::from(*byte)
                } else {
                    char::REPLACEMENT_CHARACTER
                }
            })
            .collect()
    }

    /// The letter of a byte of a set of one byte.
    fn letter(self, byte: u8) -> Option<char> {
        match (self, byte) {
            (Self::Windows1252, 0x80..=0x9f) => {
                let letter = WINDOWS_1252.get(usize::from(byte - 0x80)).copied()?;
                (letter != UNASSIGNED).then_some(letter)
            }
            (Self::Iso8859_1 | Self::Utf8, 0x80..=0x9f) => None,
            _ => Some(char::from(byte)),
        }
    }
}

impl fmt::Display for Encoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

const UNASSIGNED: char = '\0';

/// Bytes 0x80 to 0x9F of Windows-1252, from the table of the WHATWG Encoding Standard without its control characters.
#[rustfmt::skip]
const WINDOWS_1252: [char; 32] = [
    '€', UNASSIGNED, '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', UNASSIGNED, 'Ž', UNASSIGNED,
    UNASSIGNED, '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', UNASSIGNED, 'ž', 'Ÿ',
];

/// Whether every letter beyond ASCII is one that Italian registries write: a line of a set of one byte that is by
/// chance UTF-8 would hold others.
fn only_usual_letters(text: &str) -> bool {
    text.chars()
        .filter(|letter| !letter.is_ascii())
        .all(|letter| matches!(letter, '\u{a0}'..='\u{17f}' | '\u{218}'..='\u{21b}' | '\u{2013}'..='\u{201d}' | '€'))
}

/// Whether a text holds what UTF-8 becomes when it is read as a set of one byte: `Ã` or `Â` before a letter whose
/// byte continues a character in UTF-8, or `â€`.
fn has_traces_of_utf8(text: &str) -> bool {
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        let Some(next) = letters.peek().copied() else {
            return false;
        };
        let continues = matches!(next, '\u{80}'..='\u{bf}') || WINDOWS_1252.contains(&next);
        match letter {
            'Ã' if continues => return true,
            'Â' if matches!(next, '\u{a0}'..='\u{bf}') => return true,
            'â' if matches!(next, '€' | '\u{80}') => return true,
            _ => {}
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(encoding: Encoding, bytes: &[u8], expect: Result<&str, &str>) {
        let decoded = encoding.decode(bytes);
        let told = decoded.as_deref().map_err(|rule| rule.code);
        assert_eq!(told, expect);
    }

    #[test]
    fn each_encoding_is_read_as_declared() {
        use Encoding::{Iso8859_1, Utf8, Windows1252};
        for encoding in Encoding::ALL {
            check(*encoding, b"VIA GARIBALDI;12", Ok("VIA GARIBALDI;12"));
            assert_eq!(Encoding::named(encoding.name()), Some(*encoding));
        }
        check(Utf8, "D’Angelo Nicolò".as_bytes(), Ok("D’Angelo Nicolò"));
        check(Iso8859_1, b"NICOL\xd2 FORL\xcc 1\xb0", Ok("NICOLÒ FORLÌ 1°"));
        check(Windows1252, b"D\x92ANGEL\xd2 \x80 \x9e", Ok("D’ANGELÒ € ž"));
        check(Windows1252, b"\x93FORL\xcc\x94", Ok("“FORLÌ”"));
    }

    #[test]
    fn a_wrong_declaration_shows() {
        use Encoding::{Iso8859_1, Utf8, Windows1252};
        check(Utf8, b"D\x92ANGELO", Err("PN001"));
        check(Utf8, b"NICOL\xd2", Err("PN001"));
        check(Iso8859_1, b"D\x92ANGELO", Err("PN006"));
        for byte in [0x81, 0x8d, 0x8f, 0x90, 0x9d] {
            check(Windows1252, &[b'A', byte, b'B'], Err("PN006"));
        }
        for text in ["Nicolò", "È", "D’Angelo", "Šarić", "1°", "Țepeș"] {
            check(Windows1252, text.as_bytes(), Err("PN007"));
            check(Iso8859_1, text.as_bytes(), Err("PN007"));
        }
        // Converted once too often, whatever is declared.
        for text in ["NicolÃ²", "1Â°", "Dâ€™Angelo"] {
            check(Utf8, text.as_bytes(), Err("PN007"));
        }
        check(Windows1252, b"caff\xe8 Nicol\xc3\xb2", Err("PN007"));
    }

    #[test]
    fn letters_that_are_meant_are_no_traces() {
        for text in ["Ã", "SÃO PAULO", "Âge", "âge", "Å«", "GÃ", "CHÂTEAU", "«Ä»"] {
            check(Encoding::Utf8, text.as_bytes(), Ok(text));
        }
    }
}
