//! Why there is no code, in the words of who typed it. The typed values are never repeated.

use registry::codice_fiscale::{CodiceFiscaleError, ComputeError};

use crate::failure::Failure;
use crate::language::Language;

/// Why a row has no answer.
#[derive(Clone, Copy, Debug)]
pub(super) enum Refusal {
    /// A column is missing.
    Column(&'static str),
    /// The row is shorter than the header.
    ShortRow,
    /// Neither M nor F.
    Sex,
    /// Not a date.
    Date,
    /// A place that the tables do not know, or that several bear.
    Place,
    /// Not a code.
    Code(CodiceFiscaleError),
    /// No code can be made.
    Compute(ComputeError),
}

impl Refusal {
    pub(super) fn text(self, language: Language) -> String {
        match self {
            Self::Column(name) => language.pick(
                format!("manca la colonna {name}"),
                format!("the column {name} is missing"),
            ),
            Self::ShortRow => language
                .pick(
                    "la riga ha meno campi dell'intestazione",
                    "the row has fewer fields than the header",
                )
                .to_owned(),
            Self::Sex => language.pick("il sesso è M o F", "the sex is M or F").to_owned(),
            Self::Date => language
                .pick(
                    "la data di nascita si scrive AAAA-MM-GG",
                    "the birth date is written YYYY-MM-DD",
                )
                .to_owned(),
            Self::Place => language
                .pick(
                    "il luogo di nascita non è nelle tabelle, o non è univoco: indicare il codice catastale",
                    "the birth place is not in the tables, or is not unique: give the cadastral code",
                )
                .to_owned(),
            Self::Code(error) => language.pick(code_italian(error).to_owned(), error.to_string()),
            Self::Compute(error) => language.pick(compute_italian(error).to_owned(), error.to_string()),
        }
    }

    pub(super) fn into_failure(self) -> Failure {
        Failure::usage(self.text(Language::Italian), self.text(Language::English))
    }
}

fn code_italian(error: CodiceFiscaleError) -> &'static str {
    match error {
        CodiceFiscaleError::Length => "un codice fiscale ha 16 caratteri, uno provvisorio 11 cifre",
        CodiceFiscaleError::Character => "un codice fiscale ha solo lettere senza accenti e cifre",
        CodiceFiscaleError::Names => "i caratteri da 1 a 6 sono lettere",
        CodiceFiscaleError::Digit => {
            "i caratteri 7, 8, 10, 11, 13, 14 e 15 sono cifre, o lettere in caso di omocodia"
        }
        CodiceFiscaleError::Month => "il carattere 9 è una delle lettere A B C D E H L M P R S T",
        CodiceFiscaleError::Day => "il giorno è un giorno del mese, più 40 per le donne",
        CodiceFiscaleError::PlaceLetter => "il carattere 12 è una lettera",
        CodiceFiscaleError::PlaceNeverAssigned => {
            "il luogo di nascita è un codice catastale mai assegnato a un comune o a uno stato"
        }
        CodiceFiscaleError::CheckCharacter => "il carattere di controllo non corrisponde agli altri quindici",
        CodiceFiscaleError::ProvisionalDigit => "un codice provvisorio ha solo cifre",
        CodiceFiscaleError::ProvisionalCheckDigit => "la cifra di controllo non corrisponde alle altre dieci",
    }
}

fn compute_italian(error: ComputeError) -> &'static str {
    match error {
        ComputeError::SexUnknown => "il sesso deve essere noto",
        ComputeError::PlaceNeverAssigned => {
            "il luogo di nascita deve essere un codice catastale assegnato a un comune o a uno stato"
        }
    }
}
