//! Numbers of cards, households, national ids and documents: each a one-to-one image of municipality and serial.

use registry::codice_fiscale::ProvisionalCode;
use registry::identifier::{HouseholdId, LocalId, NationalId};

/// Number of the card with serial 0.
const FIRST_CARD: u64 = 100_000;
/// Serials of one municipality.
const SERIALS: u64 = 1 << 21;
/// Forms of a national id: two letters, five digits, two letters or digits.
const NATIONAL_IDS: u64 = 26 * 26 * 100_000 * 36 * 36;
/// A number without a common divisor with [`NATIONAL_IDS`], to scatter the serials.
const NATIONAL_STEP: u64 = 61_803_398_867;
/// Forms of a document number: `C`, a letter, five digits, two letters.
const DOCUMENTS: u64 = 26 * 100_000 * 26 * 26;
/// A number without a common divisor with [`DOCUMENTS`].
const DOCUMENT_STEP: u64 = 1_086_245_111;

/// Why a card exists; each kind has serials of its own, so that no kind changes the numbers of another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Resident on the first day of the year.
    Resident,
    /// Born in the year.
    Newborn,
    /// Left or died in the year before.
    Gone,
    /// Arrived in the year.
    Arrival,
    /// Citizen abroad.
    Abroad,
    /// Opened in the days after the first.
    Opened,
}

/// Numbers of one municipality and seed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Numbers {
    pub(super) seed: u64,
    pub(super) ordinal: usize,
}

impl Kind {
    /// The serial of the kind's n-th person or household.
    pub(super) fn serial(self, index: usize) -> u64 {
        let first = match self {
            Self::Resident => 0,
            Self::Newborn => 600_000,
            Self::Gone => 900_000,
            Self::Arrival => 1_200_000,
            Self::Abroad => 1_500_000,
            Self::Opened => 1_800_000,
        };
        first + index as u64
    }

    /// Whether a card has a number of this kind.
    pub(super) fn numbered(self, card: &LocalId) -> bool {
        /// As many serials as any kind has.
        const EACH: u64 = 300_000;
        let serial = card
            .as_str()
            .parse::<u64>()
            .ok()
            .and_then(|number| number.checked_sub(FIRST_CARD));
        let first = self.serial(0);
        serial.is_some_and(|serial| (first..first + EACH).contains(&serial))
    }
}

impl Numbers {
    fn global(self, serial: u64) -> u64 {
        self.ordinal as u64 * SERIALS + serial % SERIALS
    }

    /// Number of a card.
    pub(super) fn card(self, serial: u64) -> LocalId {
        LocalId::parse(&(FIRST_CARD + serial).to_string())
            .expect("a number of up to seven digits is a local id")
    }

    /// Number of a family or convivenza.
    pub(super) fn household(self, serial: u64, convivenza: bool) -> HouseholdId {
        let letter = if convivenza { 'C' } else { 'F' };
        HouseholdId::parse(&format!("{letter}{:06}", serial + 1)).expect("a letter and digits are a local id")
    }

    /// National id.
    pub(super) fn national(self, serial: u64) -> NationalId {
        let scattered = u128::from(self.global(serial)) * u128::from(NATIONAL_STEP) + u128::from(self.seed);
        let mut rest = u64::try_from(scattered % u128::from(NATIONAL_IDS)).unwrap_or_default();
        let mut take = |base: u64| {
            let digit = rest % base;
            rest /= base;
            digit as u8
        };
        let letter = |digit: u8| char::from(b'A' + digit);
        let mut text = String::with_capacity(9);
        text.extend([letter(take(26)), letter(take(26))]);
        text.extend((0..5).map(|_| char::from(b'0' + take(10))));
        text.extend((0..2).map(|_| match take(36) {
            digit @ 0..10 => char::from(b'0' + digit),
            other => letter(other - 10),
        }));
        NationalId::parse(&text).expect("the form is that of a national id")
    }

    /// Number of an identity card.
    pub(super) fn document(self, serial: u64) -> String {
        let mut rest = (self.global(serial) * DOCUMENT_STEP + self.seed % DOCUMENTS) % DOCUMENTS;
        let mut take = |base: u64| {
            let digit = rest % base;
            rest /= base;
            digit as u8
        };
        let letter = |digit: u8| char::from(b'A' + digit);
        let mut text = String::with_capacity(9);
        text.extend(['C', letter(take(26))]);
        text.extend((0..5).map(|_| char::from(b'0' + take(10))));
        text.extend([letter(take(26)), letter(take(26))]);
        text
    }

    /// Provisional codice fiscale.
    pub(super) fn provisional(self, serial: u64) -> Option<ProvisionalCode> {
        ProvisionalCode::issue(u32::try_from(serial).ok()?, u16::try_from(self.ordinal).ok()?)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn numbers_are_never_given_twice() {
        let mut national = BTreeSet::new();
        let mut documents = BTreeSet::new();
        for ordinal in [0, 1, 329] {
            let numbers = Numbers {
                seed: u64::MAX,
                ordinal,
            };
            for serial in (0..5_000).chain(Kind::Abroad.serial(0)..Kind::Abroad.serial(5_000)) {
                assert!(national.insert(numbers.national(serial)));
                assert!(documents.insert(numbers.document(serial)));
                assert!(numbers.provisional(serial).is_some());
            }
        }
    }
}
