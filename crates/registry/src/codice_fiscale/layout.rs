//! The sixteen characters: what may stand where, and how each is made.

use chrono::NaiveDate;

use super::CodiceFiscaleError;
use crate::identifier::CadastralCode;
use crate::letters::plain_letters;
use crate::record::Sex;

/// A code of which the form is checked or being made.
pub(super) type Characters = [u8; 16];

/// Where digits stand, from the right: the order in which omocodia replaces them.
pub(super) const DIGIT_POSITIONS: [usize; 7] = [14, 13, 12, 10, 9, 7, 6];

/// Letters of the months, January first.
pub(super) const MONTHS: [u8; 12] = *b"ABCDEHLMPRST";

/// What is added to the day of birth of women.
pub(super) const FEMALE_OFFSET: u8 = 40;

/// Letters that replace the digits 0 to 9 in omocodia.
const OMOCODIA: [u8; 10] = *b"LMNPQRSTUV";

/// Values of A to Z in odd places, counted from one; a digit has the value of the letter of its rank (0 as A).
const ODD_VALUES: [u8; 26] = [
    1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23,
];

/// Checks what may stand in each place, the last included only as a letter.
pub(super) fn check_form(code: &Characters) -> Result<(), CodiceFiscaleError> {
    if !code[..6].iter().all(u8::is_ascii_uppercase) {
        return Err(CodiceFiscaleError::Names);
    }
    if DIGIT_POSITIONS.iter().any(|at| digit(code[*at]).is_none()) {
        return Err(CodiceFiscaleError::Digit);
    }
    if month(code[8]).is_none() {
        return Err(CodiceFiscaleError::Month);
    }
    if !code[11].is_ascii_uppercase() {
        return Err(CodiceFiscaleError::PlaceLetter);
    }
    if !code[15].is_ascii_uppercase() {
        return Err(CodiceFiscaleError::CheckCharacter);
    }
    Ok(())
}

/// Checks that some century has the day of birth.
pub(super) fn check_date(base: &Characters) -> Result<(), CodiceFiscaleError> {
    let (_, day) = sex_and_day(base);
    let month = month(base[8]).ok_or(CodiceFiscaleError::Month)?;
    // 2000 was a leap year and 1900 was not, so the century 2000 admits every day that either does.
    let year = 2000 + i32::from(number(base, 6));
    NaiveDate::from_ymd_opt(year, month.into(), day.into())
        .map(|_| ())
        .ok_or(CodiceFiscaleError::Day)
}

/// The code with the check character that belongs to it.
pub(super) fn sealed(mut code: Characters) -> Characters {
    code[15] = check_character(&code);
    code
}

/// Check character of the first fifteen.
pub(super) fn check_character(code: &Characters) -> u8 {
    let mut sum = 0_u32;
    for (at, character) in code[..15].iter().enumerate() {
        let rank = match character {
            b'0'..=b'9' => character - b'0',
            _ => character - b'A',
        };
        // Places count from one, so the first is odd.
        let value = if at % 2 == 0 {
            ODD_VALUES[usize::from(rank)]
        } else {
            rank
        };
        sum += u32::from(value);
    }
    b'A' + (sum % 26) as u8
}

/// Three letters of a surname: consonants, then vowels, then X.
pub(super) fn surname_letters(surname: &str) -> [u8; 3] {
    let sorted = Sorted::of(surname);
    sorted.first_three()
}

/// Three letters of the given names: with four consonants or more the first, third and fourth.
pub(super) fn given_name_letters(given_name: &str) -> [u8; 3] {
    let sorted = Sorted::of(given_name);
    match sorted.consonants {
        [first, _, third, fourth] if sorted.consonant_count == 4 => [first, third, fourth],
        _ => sorted.first_three(),
    }
}

/// The first consonants and vowels of a name.
struct Sorted {
    consonants: [u8; 4],
    consonant_count: usize,
    vowels: [u8; 3],
    vowel_count: usize,
}

impl Sorted {
    fn of(name: &str) -> Self {
        let mut sorted = Self {
            consonants: [0; 4],
            consonant_count: 0,
            vowels: [0; 3],
            vowel_count: 0,
        };
        for letter in plain_letters(name) {
            if matches!(letter, b'A' | b'E' | b'I' | b'O' | b'U') {
                if sorted.vowel_count < sorted.vowels.len() {
                    sorted.vowels[sorted.vowel_count] = letter;
                    sorted.vowel_count += 1;
                }
            } else {
                sorted.consonants[sorted.consonant_count] = letter;
                sorted.consonant_count += 1;
                if sorted.consonant_count == sorted.consonants.len() {
                    break;
                }
            }
        }
        sorted
    }

    fn first_three(&self) -> [u8; 3] {
        let consonants = self.consonants.iter().take(self.consonant_count);
        let vowels = self.vowels.iter().take(self.vowel_count);
        let mut letters = [b'X'; 3];
        for (slot, letter) in letters.iter_mut().zip(consonants.chain(vowels)) {
            *slot = *letter;
        }
        letters
    }
}

/// The digit that a character stands for, itself or by omocodia.
pub(super) fn digit(character: u8) -> Option<u8> {
    if character.is_ascii_digit() {
        return Some(character);
    }
    (b'0'..=b'9')
        .zip(OMOCODIA)
        .find(|(_, letter)| *letter == character)
        .map(|(digit, _)| digit)
}

/// The letter that replaces a digit.
pub(super) fn omocodia_letter(digit: u8) -> u8 {
    OMOCODIA
        .get(usize::from(digit.wrapping_sub(b'0')))
        .copied()
        .unwrap_or(digit)
}

/// Number of a month's letter, 1 to 12.
pub(super) fn month(letter: u8) -> Option<u8> {
    (1..=12)
        .zip(MONTHS)
        .find(|(_, known)| *known == letter)
        .map(|(month, _)| month)
}

/// Sex and day of birth; the day is unchecked.
pub(super) fn sex_and_day(base: &Characters) -> (Sex, u8) {
    let day = number(base, 9);
    if day < FEMALE_OFFSET {
        (Sex::Male, day)
    } else {
        (Sex::Female, day - FEMALE_OFFSET)
    }
}

/// The two digits that begin at `at` as a number.
pub(super) fn number(base: &Characters, at: usize) -> u8 {
    (base[at] - b'0') * 10 + (base[at + 1] - b'0')
}

/// A number below 100 as two digits.
pub(super) fn two_digits(number: u32) -> [u8; 2] {
    [b'0' + (number / 10 % 10) as u8, b'0' + (number % 10) as u8]
}

/// The characters of the birth place.
pub(super) fn place(base: &Characters) -> [u8; 4] {
    [base[11], base[12], base[13], base[14]]
}

/// A cadastral code as characters.
pub(super) fn place_characters(code: CadastralCode) -> [u8; 4] {
    code.as_str().as_bytes().try_into().unwrap_or(*b"A000")
}
