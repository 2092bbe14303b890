//! Why a text is not a tax code, and why none can be computed.

/// Why a text is not a tax code. Messages name the rule and never repeat the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CodiceFiscaleError {
    /// Wrong length (ANPR EA001).
    #[error("a codice fiscale has 16 characters, a provisional one 11 digits")]
    Length,
    /// Anything but letters A to Z and digits, blanks inside included.
    #[error("a codice fiscale holds only letters without accents and digits")]
    Character,
    /// Something else than a letter in the first six places.
    #[error("characters 1 to 6 of a codice fiscale are letters")]
    Names,
    /// Neither a digit nor one of the ten letters of omocodia where a digit belongs.
    #[error("characters 7, 8, 10, 11, 13, 14 and 15 of a codice fiscale are digits or letters of omocodia")]
    Digit,
    /// A letter that stands for no month.
    #[error("character 9 of a codice fiscale is one of the letters A B C D E H L M P R S T")]
    Month,
    /// A day that the month does not have.
    #[error("the day of a codice fiscale is a day of its month, plus 40 for women")]
    Day,
    /// No letter where the birth place begins.
    #[error("character 12 of a codice fiscale is a letter")]
    PlaceLetter,
    /// A cadastral code that no municipality or state ever had.
    #[error("the birth place of a codice fiscale is one that was assigned to a municipality or state")]
    PlaceNeverAssigned,
    /// Another check character than the other fifteen give.
    #[error("the check character of a codice fiscale follows from the other fifteen")]
    CheckCharacter,
    /// A provisional code with anything but digits.
    #[error("a provisional codice fiscale has only digits")]
    ProvisionalDigit,
    /// Another check digit than the other ten give.
    #[error("the check digit of a provisional codice fiscale follows from the other ten")]
    ProvisionalCheckDigit,
}

/// Why no codice fiscale can be computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ComputeError {
    /// The code tells men from women, so the sex must be known.
    #[error("the sex must be known")]
    SexUnknown,
    /// A cadastral code that no municipality or state ever had.
    #[error("the birth place must have been assigned to a municipality or state")]
    PlaceNeverAssigned,
}
