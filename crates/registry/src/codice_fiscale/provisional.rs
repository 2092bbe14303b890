//! The provisional codice fiscale: eleven digits.

use std::fmt;

use super::CodiceFiscaleError;

/// Provisional codice fiscale: seven digits of a serial number, three of the issuing office, a check digit.
///
/// It stands in until the definitive one is given, and carries no data of the holder, so nothing is read from it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProvisionalCode([u8; 11]);

impl ProvisionalCode {
    /// Number of digits.
    pub const LENGTH: usize = 11;

    /// Checks digits and check digit; blanks around the code are dropped.
    pub fn parse(text: &str) -> Result<Self, CodiceFiscaleError> {
        let digits: [u8; Self::LENGTH] = text
            .trim()
            .as_bytes()
            .try_into()
            .map_err(|_| CodiceFiscaleError::Length)?;
        if !digits.iter().all(u8::is_ascii_digit) {
            return Err(CodiceFiscaleError::ProvisionalDigit);
        }
        if check_digit(&digits) != digits[10] {
            return Err(CodiceFiscaleError::ProvisionalCheckDigit);
        }
        Ok(Self(digits))
    }

    /// The code of a serial number below ten million and an office below one thousand; `None` above.
    pub fn issue(serial: u32, office: u16) -> Option<Self> {
        if 9_999_999 < serial || 999 < office {
            return None;
        }
        let mut digits = [b'0'; Self::LENGTH];
        let mut rest = u64::from(serial) * 1000 + u64::from(office);
        for digit in digits[..10].iter_mut().rev() {
            *digit += (rest % 10) as u8;
            rest /= 10;
        }
        digits[10] = check_digit(&digits);
        Some(Self(digits))
    }

    /// The digits.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

/// Personal: debugging output does not carry it.
impl fmt::Debug for ProvisionalCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ProvisionalCode(..)")
    }
}

/// Check digit of the first ten, as for VAT numbers: even places, counted from one, are doubled.
fn check_digit(digits: &[u8; ProvisionalCode::LENGTH]) -> u8 {
    let mut sum = 0_u32;
    for (at, digit) in digits[..10].iter().enumerate() {
        let value = u32::from(digit - b'0');
        sum += match (at % 2, value) {
            (0, value) => value,
            (_, value) if value < 5 => 2 * value,
            (_, value) => 2 * value - 9,
        };
    }
    b'0' + ((10 - sum % 10) % 10) as u8
}
