//! References of civil-status acts (*estremi dell'atto di stato civile*): where the act behind an event is kept.

use std::fmt;

use crate::identifier::IstatCode;

/// The civil-status act behind an event, as ANPR writes it (`tipoAtto`). The kind of register is that of the event.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct ActReference {
    /// Municipality whose registers hold it.
    pub municipality: IstatCode,
    /// Civil-status office of the municipality (*ufficio*), where it has several.
    pub office: Option<ActText>,
    /// Year of the registers, 1800 to 9998.
    pub year: u16,
    /// Part of the register (*parte*).
    pub part: Option<ActText>,
    /// Series of the part (*serie*).
    pub series: Option<ActText>,
    /// Number of the act.
    pub number: ActText,
}

/// A word of a reference: 1 to 10 letters, digits, `.`, `/` and `-`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct ActText {
    length: u8,
    bytes: [u8; Self::LONGEST],
}

impl ActReference {
    /// Whether a year can be that of a register.
    pub fn is_year(year: u16) -> bool {
        (1800..=9998).contains(&year)
    }

    /// Reads the year of a register, four digits.
    pub fn parse_year(text: &str) -> Option<u16> {
        let digits = text.len() == 4 && text.bytes().all(|byte| byte.is_ascii_digit());
        let year = text.parse().ok().filter(|_| digits)?;
        Self::is_year(year).then_some(year)
    }
}

/// Personal: debugging output does not carry it.
impl fmt::Debug for ActReference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ActReference(..)")
    }
}

impl ActText {
    /// Most characters.
    pub const LONGEST: usize = 10;

    /// Reads a word.
    pub fn parse(text: &str) -> Option<Self> {
        let admitted = |byte: u8| byte.is_ascii_alphanumeric() || b"./-".contains(&byte);
        let mut bytes = [0; Self::LONGEST];
        bytes.get_mut(..text.len())?.copy_from_slice(text.as_bytes());
        let length = u8::try_from(text.len()).ok()?;
        (length != 0 && text.bytes().all(admitted)).then_some(Self { length, bytes })
    }

    /// The word.
    pub fn as_str(&self) -> &str {
        let bytes = self.bytes.get(..usize::from(self.length)).unwrap_or_default();
        std::str::from_utf8(bytes).unwrap_or_default()
    }
}

impl fmt::Debug for ActText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ActText(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_of_a_reference_has_one_to_ten_letters_digits_and_marks() {
        for word in ["1", "A", "123/A-2.b", "0123456789"] {
            assert_eq!(ActText::parse(word).unwrap().as_str(), word);
        }
        for wrong in ["", "01234567890", "1 A", "à", "1;2"] {
            assert_eq!(ActText::parse(wrong), None, "{wrong}");
        }
        assert!(ActReference::is_year(1800) && ActReference::is_year(9998));
        assert!(!ActReference::is_year(1799) && !ActReference::is_year(9999));
        assert_eq!(ActReference::parse_year("2025"), Some(2025));
        for wrong in ["", "25", "1799", "02025", "+205"] {
            assert_eq!(ActReference::parse_year(wrong), None, "{wrong}");
        }
    }
}
