//! Codice fiscale: form, check character, omocodia, and what it says about its holder (DM 23 December 1976).
//!
//! Layout of the sixteen characters: three letters of the surname, three of the given names, two digits of the
//! year, a letter for the month, two digits for day and sex, the cadastral code of the birth place, a check
//! character. Where two persons would have the same code the tax registry replaces digits by letters (*omocodia*).

mod error;
mod layout;
mod place;
mod provisional;

use std::fmt;

use chrono::{Datelike, NaiveDate};

use crate::date::PartialDate;
use crate::identifier::CadastralCode;
use crate::record::{Generalities, Sex};
use crate::validity::Standing;

use self::layout::{DIGIT_POSITIONS, MONTHS};

pub use self::error::{CodiceFiscaleError, ComputeError};
pub use self::place::{birth_place_code, is_assigned};
pub use self::provisional::ProvisionalCode;

/// A person's tax code: the definitive one, or the number that stands for it until it is given.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TaxCode {
    /// Sixteen characters, made from the holder's data.
    Definitive(CodiceFiscale),
    /// Eleven digits that say nothing about the holder.
    Provisional(ProvisionalCode),
}

/// A codice fiscale that is formally valid: characters, month, day, check character, and a birth place whose code
/// was given to a municipality or state.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CodiceFiscale([u8; 16]);

/// A part of a codice fiscale that is not that of the person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Mismatch {
    /// Letters of the surname.
    Surname,
    /// Letters of the given names.
    GivenName,
    /// Birth date, in the parts that are known (ANPR EA038).
    BirthDate,
    /// Sex (ANPR EA042).
    Sex,
    /// Birth place (ANPR EN339 for a municipality, EN340 for a state).
    BirthPlace,
}

impl TaxCode {
    /// Reads either kind: eleven characters are provisional, anything else must be a codice fiscale.
    ///
    /// Blanks around the code are dropped and small letters are capitals; blanks inside are not admitted.
    pub fn parse(text: &str) -> Result<Self, CodiceFiscaleError> {
        if text.trim().len() == ProvisionalCode::LENGTH {
            ProvisionalCode::parse(text).map(Self::Provisional)
        } else {
            CodiceFiscale::parse(text).map(Self::Definitive)
        }
    }

    /// The code in capitals.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Definitive(code) => code.as_str(),
            Self::Provisional(code) => code.as_str(),
        }
    }

    /// The definitive code, if it is one.
    pub fn definitive(&self) -> Option<CodiceFiscale> {
        match self {
            Self::Definitive(code) => Some(*code),
            Self::Provisional(_) => None,
        }
    }
}

impl From<CodiceFiscale> for TaxCode {
    fn from(code: CodiceFiscale) -> Self {
        Self::Definitive(code)
    }
}

impl From<ProvisionalCode> for TaxCode {
    fn from(code: ProvisionalCode) -> Self {
        Self::Provisional(code)
    }
}

/// Personal: debugging output says only which kind it is.
impl fmt::Debug for TaxCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Definitive(_) => f.write_str("TaxCode::Definitive(..)"),
            Self::Provisional(_) => f.write_str("TaxCode::Provisional(..)"),
        }
    }
}

impl CodiceFiscale {
    /// Number of characters.
    pub const LENGTH: usize = 16;

    /// Reads a code; any of the 128 forms of omocodia is admitted.
    ///
    /// Blanks around the code are dropped and small letters are capitals; blanks inside are not admitted. Of the
    /// birth date only what no century allows is refused: 30 February always, 29 February in years not divisible by four.
    pub fn parse(text: &str) -> Result<Self, CodiceFiscaleError> {
        let trimmed = text.trim();
        if !trimmed.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return Err(CodiceFiscaleError::Character);
        }
        let bytes: [u8; Self::LENGTH] = trimmed
            .as_bytes()
            .try_into()
            .map_err(|_| CodiceFiscaleError::Length)?;
        let code = bytes.map(|byte| byte.to_ascii_uppercase());
        layout::check_form(&code)?;
        let parsed = Self(code);
        let base = parsed.base_characters();
        layout::check_date(&base)?;
        if !place::characters_assigned(layout::place(&base)) {
            return Err(CodiceFiscaleError::PlaceNeverAssigned);
        }
        if layout::check_character(&code) != code[15] {
            return Err(CodiceFiscaleError::CheckCharacter);
        }
        Ok(parsed)
    }

    /// The base code of a person; absent names are given as empty and become `XXX`.
    pub fn compute(
        surname: &str,
        given_name: &str,
        sex: Sex,
        birth_date: NaiveDate,
        birth_place: CadastralCode,
    ) -> Result<Self, ComputeError> {
        let day_offset = match sex {
            Sex::Male => 0,
            Sex::Female => layout::FEMALE_OFFSET,
            Sex::Unknown => return Err(ComputeError::SexUnknown),
        };
        let mut code = *b"XXXXXX00A00A000A";
        code[..3].copy_from_slice(&layout::surname_letters(surname));
        code[3..6].copy_from_slice(&layout::given_name_letters(given_name));
        code[6..8].copy_from_slice(&layout::two_digits(
            birth_date.year().rem_euclid(100).unsigned_abs(),
        ));
        code[8] = usize::try_from(birth_date.month0())
            .ok()
            .and_then(|at| MONTHS.get(at))
            .copied()
            .unwrap_or(b'A');
        code[9..11].copy_from_slice(&layout::two_digits(birth_date.day() + u32::from(day_offset)));
        let [letter, digits @ ..] = layout::place_characters(birth_place);
        code[11] = letter;
        code[12..15].copy_from_slice(&digits);
        if !place::characters_assigned(layout::place(&code)) {
            return Err(ComputeError::PlaceNeverAssigned);
        }
        Ok(Self(layout::sealed(code)))
    }

    /// The code in capitals.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    /// The code before any omocodia: the same for all 128 forms.
    pub fn base(self) -> Self {
        Self(layout::sealed(self.base_characters()))
    }

    /// Whether any digit is replaced by a letter.
    pub fn is_omocode(self) -> bool {
        DIGIT_POSITIONS.iter().any(|at| !self.0[*at].is_ascii_digit())
    }

    /// The seven codes that the tax registry gives one after the other to persons of the same base code: the
    /// rightmost digit replaced, the two rightmost, and so on.
    pub fn omocodes(self) -> impl ExactSizeIterator<Item = Self> {
        (1..=7_u8).map(move |replaced| self.with_omocodia((1 << replaced) - 1))
    }

    /// The form in which the digits named by `positions` are replaced: bit 0 is the rightmost digit, bit 6 the
    /// leftmost. Zero gives the base code.
    pub fn with_omocodia(self, positions: u8) -> Self {
        let mut code = self.base_characters();
        for (bit, at) in DIGIT_POSITIONS.iter().enumerate() {
            if positions >> bit & 1 == 1 {
                code[*at] = layout::omocodia_letter(code[*at]);
            }
        }
        Self(layout::sealed(code))
    }

    /// Sex of the holder, never unknown.
    pub fn sex(self) -> Sex {
        let (sex, _) = layout::sex_and_day(&self.base_characters());
        sex
    }

    /// Day of birth, 1 to 31.
    pub fn day(self) -> u8 {
        let (_, day) = layout::sex_and_day(&self.base_characters());
        day
    }

    /// Month of birth, 1 to 12.
    pub fn month(self) -> u8 {
        layout::month(self.0[8]).unwrap_or_default()
    }

    /// Year of birth within its century, 0 to 99: which century it is, only the registry knows.
    pub fn year_in_century(self) -> u8 {
        layout::number(&self.base_characters(), 6)
    }

    /// Cadastral code of the birth place, of a municipality or of a state.
    pub fn place(self) -> Option<CadastralCode> {
        let base = self.base_characters();
        std::str::from_utf8(&base[11..15])
            .ok()
            .and_then(|code| CadastralCode::parse(code).ok())
    }

    /// How `day` lies to the existence of the birth place.
    ///
    /// The tables are incomplete for old times and people are registered under the code of the municipality into
    /// which theirs merged, so a rule should not refuse everything that is not [`Standing::Valid`].
    pub fn place_standing_on(self, day: NaiveDate) -> Option<Standing> {
        self.place().and_then(|code| place::standing_on(code, day))
    }

    /// Whether the birth place existed on `day`, as far as the tables know.
    pub fn place_valid_at(self, day: NaiveDate) -> bool {
        self.place_standing_on(day) == Some(Standing::Valid)
    }

    /// What in the code is not that of a person with these generalities.
    ///
    /// `birth_place` is the cadastral code of the birth place ([`birth_place_code`]); `None` compares no place.
    /// An unknown sex and unknown parts of the date compare equal to anything.
    pub fn mismatches(self, person: &Generalities, birth_place: Option<CadastralCode>) -> Vec<Mismatch> {
        let Generalities {
            surname,
            given_name,
            sex,
            birth_date,
            birth_place: _,
        } = person;
        let surname = surname.as_ref().map_or("", |name| name.as_str());
        let given_name = given_name.as_ref().map_or("", |name| name.as_str());
        let checks = [
            (Mismatch::Surname, layout::surname_letters(surname) == self.0[..3]),
            (
                Mismatch::GivenName,
                layout::given_name_letters(given_name) == self.0[3..6],
            ),
            (Mismatch::BirthDate, self.agrees_with_date(*birth_date)),
            (Mismatch::Sex, *sex == Sex::Unknown || *sex == self.sex()),
            (
                Mismatch::BirthPlace,
                birth_place.is_none() || birth_place == self.place(),
            ),
        ];
        checks
            .into_iter()
            .filter(|(_, agrees)| !agrees)
            .map(|(mismatch, _)| mismatch)
            .collect()
    }

    fn agrees_with_date(self, date: PartialDate) -> bool {
        date.year().rem_euclid(100) == i32::from(self.year_in_century())
            && date.month().is_none_or(|month| month == self.month())
            && date.day().is_none_or(|day| day == self.day())
    }

    /// The characters with every letter of omocodia turned back; the last is still the check character of the form.
    fn base_characters(self) -> [u8; Self::LENGTH] {
        let mut code = self.0;
        for at in DIGIT_POSITIONS {
            code[at] = layout::digit(code[at]).unwrap_or(code[at]);
        }
        code
    }
}

/// The character of a code, at a place counted from zero, before any omocodia; others stay as they are.
pub(crate) fn without_omocodia(at: usize, character: u8) -> u8 {
    if DIGIT_POSITIONS.contains(&at) {
        layout::digit(character).unwrap_or(character)
    } else {
        character
    }
}

/// Personal: debugging output does not carry it.
impl fmt::Debug for CodiceFiscale {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CodiceFiscale(..)")
    }
}

#[cfg(test)]
mod tests;
