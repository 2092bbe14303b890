//! Numbers that two people read out to each other.

use std::fmt;

use aws_lc_rs::digest;

/// Digits of a fingerprint: together they stand for 99 bits.
const DIGITS: usize = 30;

/// Digits that are read in one breath.
const BLOCK: usize = 5;

/// 30 decimal digits of the SHA-256 of something, in blocks of five: digits are not misheard as letters are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fingerprint(u128);

impl Fingerprint {
    /// The fingerprint of bytes.
    pub fn of(bytes: &[u8]) -> Self {
        let hash = digest::digest(&digest::SHA256, bytes);
        let first = hash.as_ref().iter().take(16);
        let number = first.fold(0_u128, |number, byte| number << 8 | u128::from(*byte));
        Self(number % 10_u128.pow(30))
    }
}

impl Fingerprint {
    /// Reads a fingerprint as it is shown.
    pub fn parse(text: &str) -> Option<Self> {
        let digits: String = text.split(' ').collect();
        let number = digits.parse().ok().map(Self)?;
        (number.to_string() == text).then_some(number)
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = format!("{:0DIGITS$}", self.0);
        for (place, digit) in digits.chars().enumerate() {
            if place != 0 && place % BLOCK == 0 {
                f.write_str(" ")?;
            }
            write!(f, "{digit}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_is_six_blocks_of_five_digits() {
        // SHA-256("abc") begins with ba7816bf8f01cfea414140de5dae2223.
        let expect = 0xba78_16bf_8f01_cfea_4141_40de_5dae_2223_u128 % 10_u128.pow(30);
        let shown = Fingerprint::of(b"abc").to_string();
        assert_eq!(shown.replace(' ', "").parse::<u128>(), Ok(expect));
        let blocks: Vec<usize> = shown.split(' ').map(str::len).collect();
        assert_eq!(blocks, [5; 6]);
        assert_eq!(Fingerprint::parse(&shown), Some(Fingerprint(expect)));
        for wrong in [
            &shown[1..],
            &shown.replace(' ', ""),
            &format!("{shown} "),
            "",
            "+",
        ] {
            assert_eq!(Fingerprint::parse(wrong), None, "{wrong}");
        }
        assert_eq!(Fingerprint(7).to_string(), "00000 00000 00000 00000 00000 00007");
        assert_ne!(Fingerprint::of(b"abc"), Fingerprint::of(b"abd"));
    }
}
