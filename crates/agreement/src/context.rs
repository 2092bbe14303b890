//! On what ground, for whom and for what case a call is made.

use std::collections::BTreeSet;
use std::fmt;

use chrono::{DateTime, NaiveDate, Utc};
use uuid::Uuid;

macro_rules! plain_id {
    ($(#[$doc:meta])* $name:ident, $field:literal) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(String);

        impl $name {
            /// Reads 1 to 64 characters of a-z, 0-9 and hyphen.
            pub fn parse(text: &str) -> Result<Self, ContextError> {
                let admitted = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
                if !(1..=64).contains(&text.len()) || !text.bytes().all(admitted) {
                    let rule = "must have 1 to 64 characters of a-z, 0-9 and hyphen";
                    return Err(ContextError { field: $field, rule });
                }
                Ok(Self(text.to_owned()))
            }

            /// The id as written.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.0)
            }
        }
    };
}

plain_id!(
    /// Id of an agreement (*convenzione*), unique in the index.
    AgreementId,
    "agreement"
);
plain_id!(
    /// Id of a purpose (*finalità*), unique in its agreement.
    PurposeId,
    "purpose"
);

/// Ground of a call; every consultation carries one.
#[derive(Clone, PartialEq, Eq)]
pub struct AccessContext {
    /// Under which agreement.
    pub agreement: AgreementId,
    /// For which of its purposes.
    pub purpose: PurposeId,
    /// For which natural person of the agency.
    pub operator: Option<OperatorId>,
    /// How strongly the agency has authenticated that person, where it says so.
    pub assurance: Option<Assurance>,
    /// From which workstation.
    pub workstation: Option<Workstation>,
    /// For which case (*motivo della richiesta*).
    pub case_reference: Option<CaseReference>,
    /// On which consent of the declarant.
    pub consent_reference: Option<ConsentReference>,
    /// Day at which the answer must be true; today where absent.
    pub reference_date: Option<NaiveDate>,
    /// Instant as of which the answer must have been known to the index; now where absent.
    pub known_on: Option<DateTime<Utc>>,
    /// Id of the call, unique for caller and agreement for 24 hours.
    pub request_id: Uuid,
    /// Version of the statement on use of the data that the operator accepted (R34).
    pub statement_version: Option<StatementVersion>,
    /// Whether the call claims urgency.
    pub urgency: Urgency,
    /// The call waits for data confirmed at this instant or later, as long as its deadline allows.
    pub min_fresh_since: Option<DateTime<Utc>>,
}

/// Level of assurance of an authentication (Regulation (EU) 910/2014 art. 8).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Assurance {
    /// Low.
    Low,
    /// Substantial.
    Substantial,
    /// High.
    High,
}

/// Whether a call claims urgency.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Urgency {
    /// It does not.
    #[default]
    Ordinary,
    /// Danger to life or limb. No agreement can grant it yet, so it is refused.
    Emergency,
}

/// The agency's own id of a natural person, 1 to 64 characters.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OperatorId(String);

/// The agency's own name of a workstation, 1 to 64 characters.
#[derive(Clone, PartialEq, Eq)]
pub struct Workstation(String);

/// Version of an information statement, 1 to 32 characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatementVersion(String);

/// Number of a case file (*numero di pratica*): 3 to 40 characters of A-Z, 0-9, full stop, slash and hyphen, with at
/// least one digit and nothing in it that could be a codice fiscale.
#[derive(Clone, PartialEq, Eq)]
pub struct CaseReference(String);

/// Number and day of the declarant's consent; the number has the form of a [`CaseReference`].
#[derive(Clone, PartialEq, Eq)]
pub struct ConsentReference {
    number: String,
    given_on: NaiveDate,
}

/// Which form an agreement wants of case references.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ReferencePattern {
    /// Any [`CaseReference`].
    ProtocolNumber,
    /// Year, slash, 1 to 10 digits: `2026/001234`.
    YearNumber,
}

/// What an agreement demands of the references of cases or consents.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReferenceTerms {
    /// The form.
    pub pattern: ReferencePattern,
    /// The words that may be in a reference, each run of letters being one of them, so that no name and no codice
    /// fiscale fits in; the usual abbreviations where absent.
    pub words: Option<BTreeSet<ReferenceWord>>,
}

/// The form of a reference of which the agreement says nothing.
pub(crate) static USUAL_REFERENCE: ReferenceTerms = ReferenceTerms {
    pattern: ReferencePattern::ProtocolNumber,
    words: None,
};

/// Abbreviations with which Italian offices and courts write the numbers of files and deeds, none of them a name:
/// *protocollo generale*, *registro generale notizie di reato*, *fascicolo*, *pratica*, *consenso* and the like.
const USUAL_WORDS: [&str; 26] = [
    "ACC", "ATTI", "CAT", "CONS", "DEC", "DET", "DIV", "FASC", "GIP", "ISTR", "MOD", "NR", "ORD", "PG", "PM",
    "PRAT", "PROC", "PROT", "PS", "REG", "RG", "RGNR", "RIF", "SEZ", "UFF", "VERB",
];

/// A word that may be in references, such as `PROT`: 1 to 12 letters A-Z. It is written in the agreement, so it is nobody's
/// name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ReferenceWord(String);

/// A field of the context has not its form. The value is not repeated: it may be personal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field} {rule}")]
pub struct ContextError {
    /// Name of the field.
    pub field: &'static str,
    /// What it must be.
    pub rule: &'static str,
}

impl Assurance {
    /// Every level, lowest first.
    pub const ALL: [Self; 3] = [Self::Low, Self::Substantial, Self::High];

    /// The name in agreements.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Substantial => "substantial",
            Self::High => "high",
        }
    }

    /// Reads a name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|level| level.name() == name)
    }
}

impl OperatorId {
    /// Reads 1 to 64 letters, digits, full stops, underscores, at signs and hyphens.
    pub fn parse(text: &str) -> Result<Self, ContextError> {
        let admitted = |byte: u8| byte.is_ascii_alphanumeric() || b"._@-".contains(&byte);
        if !(1..=64).contains(&text.len()) || !text.bytes().all(admitted) {
            let rule = "must have 1 to 64 letters, digits or any of . _ @ -";
            return Err(ContextError {
                field: "operator",
                rule,
            });
        }
        Ok(Self(text.to_owned()))
    }

    /// The id as written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the name is one of those that offices give to accounts that several people share (R6).
    pub fn is_collective(&self) -> bool {
        const COLLECTIVE: [&str; 18] = [
            "admin",
            "administrator",
            "amministratore",
            "batch",
            "comando",
            "guest",
            "info",
            "operator",
            "operatore",
            "ospite",
            "root",
            "service",
            "servizio",
            "system",
            "test",
            "ufficio",
            "user",
            "utente",
        ];
        let account = self.0.split('@').next().unwrap_or_default().to_ascii_lowercase();
        let stem = account.trim_end_matches(|letter: char| letter.is_ascii_digit() || "._-".contains(letter));
        COLLECTIVE.contains(&stem) || stem.is_empty()
    }
}

impl Workstation {
    /// Reads 1 to 64 letters, digits, full stops, underscores, colons, at signs and hyphens.
    pub fn parse(text: &str) -> Result<Self, ContextError> {
        let admitted = |byte: u8| byte.is_ascii_alphanumeric() || b"._:@-".contains(&byte);
        if !(1..=64).contains(&text.len()) || !text.bytes().all(admitted) {
            let rule = "must have 1 to 64 letters, digits or any of . _ : @ -";
            return Err(ContextError {
                field: "workstation",
                rule,
            });
        }
        Ok(Self(text.to_owned()))
    }

    /// The name as written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl StatementVersion {
    /// Reads 1 to 32 letters, digits, full stops and hyphens.
    pub fn parse(text: &str) -> Result<Self, ContextError> {
        let admitted = |byte: u8| byte.is_ascii_alphanumeric() || b".-".contains(&byte);
        if !(1..=32).contains(&text.len()) || !text.bytes().all(admitted) {
            let rule = "must have 1 to 32 letters, digits or any of . -";
            return Err(ContextError {
                field: "statement_version",
                rule,
            });
        }
        Ok(Self(text.to_owned()))
    }

    /// The version as written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl CaseReference {
    /// Checks form and that no codice fiscale hides in it, with or without separators.
    pub fn parse(text: &str) -> Result<Self, ContextError> {
        check_number("case_reference", text)?;
        Ok(Self(text.to_owned()))
    }

    /// The number as written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl ConsentReference {
    /// Checks the number; the day is checked by the decision.
    pub fn new(number: &str, given_on: NaiveDate) -> Result<Self, ContextError> {
        check_number("consent_reference", number)?;
        Ok(Self {
            number: number.to_owned(),
            given_on,
        })
    }

    /// Reads number, blank and day: `CONS/2026-118 2026-03-01`.
    pub fn parse(text: &str) -> Result<Self, ContextError> {
        let refusal = ContextError {
            field: "consent_reference",
            rule: "must be a number, a blank and YYYY-MM-DD",
        };
        let (number, day) = text.split_once(' ').ok_or(refusal)?;
        let plain_date = day.len() == 10 && day.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
        if !plain_date {
            return Err(refusal);
        }
        Self::new(number, day.parse().map_err(|_| refusal)?)
    }

    /// The number.
    pub fn number(&self) -> &str {
        &self.number
    }

    /// The day on which consent was given.
    pub fn given_on(&self) -> NaiveDate {
        self.given_on
    }
}

impl fmt::Display for ConsentReference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.number, self.given_on)
    }
}

impl ReferencePattern {
    /// Every pattern.
    pub const ALL: [Self; 2] = [Self::ProtocolNumber, Self::YearNumber];

    /// The name in agreements.
    pub const fn name(self) -> &'static str {
        match self {
            Self::ProtocolNumber => "protocol-number",
            Self::YearNumber => "year-number",
        }
    }

    /// Reads a name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|pattern| pattern.name() == name)
    }

    fn admits_number(self, number: &str) -> bool {
        match self {
            Self::ProtocolNumber => true,
            Self::YearNumber => number.split_once('/').is_some_and(|(year, number)| {
                let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
                year.len() == 4 && (1..=10).contains(&number.len()) && digits(year) && digits(number)
            }),
        }
    }
}

impl ReferenceTerms {
    /// Whether a case reference is admitted.
    pub fn admits_case(&self, reference: &CaseReference) -> bool {
        self.admits(&reference.0)
    }

    /// Whether the number of a consent is admitted.
    pub fn admits_consent(&self, reference: &ConsentReference) -> bool {
        self.admits(&reference.number)
    }

    /// The words that may be in a reference, in order.
    pub fn words(&self) -> Vec<&str> {
        let Self { pattern, words } = self;
        match (pattern, words) {
            (ReferencePattern::YearNumber, _) => Vec::new(),
            (ReferencePattern::ProtocolNumber, Some(words)) => {
                words.iter().map(ReferenceWord::as_str).collect()
            }
            (ReferencePattern::ProtocolNumber, None) => USUAL_WORDS.to_vec(),
        }
    }

    fn admits(&self, number: &str) -> bool {
        let words = self.words();
        let mut letters = number
            .split(|letter: char| !letter.is_ascii_uppercase())
            .filter(|word| !word.is_empty());
        self.pattern.admits_number(number) && letters.all(|word| words.contains(&word))
    }
}

impl ReferenceWord {
    /// Reads 1 to 12 letters A-Z.
    pub fn parse(text: &str) -> Result<Self, ContextError> {
        if (1..=12).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_uppercase()) {
            Ok(Self(text.to_owned()))
        } else {
            Err(ContextError {
                field: "words",
                rule: "must have 1 to 12 letters A-Z each",
            })
        }
    }

    /// The word.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What concerns operator and case stays out of debugging output.
impl fmt::Debug for AccessContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccessContext")
            .field("agreement", &self.agreement)
            .field("purpose", &self.purpose)
            .field("reference_date", &self.reference_date)
            .field("known_on", &self.known_on)
            .field("request_id", &self.request_id)
            .field("urgency", &self.urgency)
            .finish_non_exhaustive()
    }
}

macro_rules! hidden_debug {
    ($($name:ident),+) => {
        $(
            /// Kept out of debugging output.
            impl fmt::Debug for $name {
                fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                    f.write_str(concat!(stringify!($name), "(..)"))
                }
            }
        )+
    };
}

hidden_debug!(OperatorId, Workstation, CaseReference, ConsentReference);

fn check_number(field: &'static str, text: &str) -> Result<(), ContextError> {
    let admitted = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || b"./-".contains(&byte);
    if !(3..=40).contains(&text.len()) || !text.bytes().all(admitted) {
        let rule = "must have 3 to 40 characters of A-Z, 0-9, full stop, slash and hyphen";
        return Err(ContextError { field, rule });
    }
    if !text.bytes().any(|byte| byte.is_ascii_digit()) {
        return Err(ContextError {
            field,
            rule: "must hold at least one digit",
        });
    }
    if holds_codice_fiscale(text) {
        return Err(ContextError {
            field,
            rule: "must not hold a codice fiscale",
        });
    }
    Ok(())
}

/// Whether sixteen letters and digits in a row, separators aside, are laid out as a codice fiscale. The check
/// character is not consulted: a code mistyped is personal too.
fn holds_codice_fiscale(text: &str) -> bool {
    let letters: Vec<u8> = text.bytes().filter(u8::is_ascii_alphanumeric).collect();
    letters.windows(16).any(|window| {
        window.iter().enumerate().all(|(position, byte)| match position {
            0..=5 | 11 | 15 => byte.is_ascii_uppercase(),
            8 => b"ABCDEHLMPRST".contains(byte),
            _ => byte.is_ascii_digit() || b"LMNPQRSTUV".contains(byte),
        })
    })
}

#[cfg(test)]
mod tests;
