//! Contradictions between cards.

use crate::finding::Severity;
use crate::identifier::RecordId;

/// A contradiction between a card and another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Anomaly {
    /// What contradicts.
    pub kind: AnomalyKind,
    /// The other card.
    pub other: RecordId,
}

/// Kinds of contradictions; codes are ANPR's where it has one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AnomalyKind {
    /// One person stands in the registers of two municipalities at once.
    DoubleResidence,
    /// One person stands among residents and among citizens abroad at once.
    AprAndAire,
    /// Two persons with the same generalities, one with the base code, one with its form for omocodia: right when
    /// they are two, wrong when they are one.
    OmocodePair,
    /// One validated codice fiscale on cards that are not one person's.
    OneCodeTwoPersons,
    /// Cards of one person with different validated codes.
    OnePersonTwoCodes,
    /// One person has two open cards in one municipality.
    DoubleCard,
    /// Exact generalities lead to several persons, so that the card was linked to none.
    SeveralPersons,
}

impl AnomalyKind {
    /// Every kind.
    pub const ALL: &'static [Self] = &[
        Self::DoubleResidence,
        Self::AprAndAire,
        Self::OmocodePair,
        Self::OneCodeTwoPersons,
        Self::OnePersonTwoCodes,
        Self::DoubleCard,
        Self::SeveralPersons,
    ];

    /// The code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::DoubleResidence => "EA030",
            Self::AprAndAire => "EA031",
            Self::OmocodePair => "EA036",
            Self::OneCodeTwoPersons => "PN201",
            Self::OnePersonTwoCodes => "PN202",
            Self::DoubleCard => "PN203",
            Self::SeveralPersons => "PN204",
        }
    }

    /// The kind of a code.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.code() == code)
    }

    /// Number in stored bytes; never reused.
    pub const fn number(self) -> u8 {
        match self {
            Self::DoubleResidence => 1,
            Self::AprAndAire => 2,
            Self::OmocodePair => 3,
            Self::OneCodeTwoPersons => 4,
            Self::OnePersonTwoCodes => 5,
            Self::DoubleCard => 6,
            Self::SeveralPersons => 7,
        }
    }

    /// The kind of a number.
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.number() == number)
    }

    /// [`Severity::Error`] where two registries cannot both be right.
    pub const fn severity(self) -> Severity {
        match self {
            Self::DoubleResidence | Self::AprAndAire | Self::OneCodeTwoPersons | Self::DoubleCard => {
                Severity::Error
            }
            Self::OmocodePair | Self::OnePersonTwoCodes | Self::SeveralPersons => Severity::Warning,
        }
    }

    /// What contradicts, in Italian.
    pub const fn italian(self) -> &'static str {
        match self {
            Self::DoubleResidence => "Soggetto iscritto in più comuni",
            Self::AprAndAire => "Soggetto iscritto sia in APR sia in AIRE",
            Self::OmocodePair => "Generalità uguali con codice fiscale base e codice per omocodia",
            Self::OneCodeTwoPersons => "Stesso codice fiscale per soggetti diversi",
            Self::OnePersonTwoCodes => "Codici fiscali validati diversi per lo stesso soggetto",
            Self::DoubleCard => "Soggetto con due schede aperte nello stesso comune",
            Self::SeveralPersons => "Generalità uguali a quelle di più soggetti",
        }
    }

    /// What contradicts, in English.
    pub const fn english(self) -> &'static str {
        match self {
            Self::DoubleResidence => "one person is registered in several municipalities",
            Self::AprAndAire => "one person is registered both as resident and as citizen abroad",
            Self::OmocodePair => "equal generalities with a base code and a code for omocodia",
            Self::OneCodeTwoPersons => "one codice fiscale for different persons",
            Self::OnePersonTwoCodes => "different validated codici fiscali for one person",
            Self::DoubleCard => "one person has two open cards in one municipality",
            Self::SeveralPersons => "the generalities are those of several persons",
        }
    }
}
