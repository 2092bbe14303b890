//! The statement of a report: what the log signs.

use std::fmt;

use crate::checkpoint::{
    CheckpointError, LogSigner, LogVerifier, NoteSignature, canonical_decimal, decode_hash, encode_base64,
};
use crate::hash::Hash;
use crate::name::{KeyName, Origin};
use crate::part::MunicipalityId;
use crate::report::ReportError;
use crate::tree::MAX_SIZE;

const FORMAT: &str = "ponte.report/1";

/// Accesses restricted by law are not listed, whether there are any or not: each report says so in the same bytes.
const RESTRICTED: &str = "restricted not-listed";

/// Longest note, in bytes.
const NOTE_MAX_LEN: usize = 16 * 1024;

/// What a report states of itself.
#[derive(Clone, PartialEq, Eq)]
pub struct ReportStatement {
    /// The log.
    pub origin: Origin,
    /// Whose cards it is about.
    pub scope: ReportScope,
    /// Protocol number of the person's request.
    pub request: Text,
    /// By what the person was named.
    pub subject: ReportSubject,
    /// Only accesses at or after it, Unix milliseconds.
    pub from_ms: Option<u64>,
    /// Only accesses before it, Unix milliseconds.
    pub until_ms: Option<u64>,
    /// Size and root at which the range begins: the first entry of the range has this index.
    pub first: (u64, Hash),
    /// Size and root at which it ends: entries from this index on are not reported.
    pub last: (u64, Hash),
    /// How many lines.
    pub lines: u64,
    /// Digest over them.
    pub digest: Hash,
}

/// Whose cards a report is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReportScope {
    /// All cards of the person in the region.
    Region,
    /// The person's cards in this municipality and those merged with it.
    Municipality(MunicipalityId),
}

/// By what the person was named.
#[derive(Clone, PartialEq, Eq)]
pub enum ReportSubject {
    /// Codice fiscale or provisional code.
    TaxCode(Text),
    /// National id (idANPR).
    NationalId(Text),
    /// A municipality's own card.
    Card {
        /// ISTAT code of the municipality.
        municipality: Text,
        /// The municipality's own number.
        local_id: Text,
    },
}

/// A text of 1 to 120 characters without control characters.
#[derive(Clone, PartialEq, Eq)]
pub struct Text(String);

impl Text {
    /// Most characters.
    pub const MAX_CHARS: usize = 120;

    /// # Errors
    /// Empty, too long, or with a control character or a line separator.
    pub fn new(text: impl Into<String>) -> Result<Self, ReportError> {
        let text = text.into();
        let length = text.chars().count();
        let breaks = |c: char| c.is_control() || c == '\u{2028}' || c == '\u{2029}';
        if length == 0 || Self::MAX_CHARS < length || text.chars().any(breaks) {
            return Err(ReportError::Text);
        }
        Ok(Self(text))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl ReportStatement {
    /// Whether an access of this time belongs into the report's range of time.
    pub fn admits(&self, time_ms: u64) -> bool {
        self.from_ms.is_none_or(|from| from <= time_ms) && self.until_ms.is_none_or(|until| time_ms < until)
    }

    /// The text that is signed.
    pub fn to_text(&self) -> String {
        let Self {
            origin,
            scope,
            request,
            subject,
            from_ms,
            until_ms,
            first,
            last,
            lines,
            digest,
        } = self;
        let scope = match scope {
            ReportScope::Region => "region".to_owned(),
            ReportScope::Municipality(id) => format!("municipality {}", id.as_str()),
        };
        let subject = match subject {
            ReportSubject::TaxCode(code) => format!("tax-code {}", code.0),
            ReportSubject::NationalId(id) => format!("national-id {}", id.0),
            ReportSubject::Card {
                municipality,
                local_id,
            } => format!("card {} {}", municipality.0, local_id.0),
        };
        let time = |ms: &Option<u64>| ms.map_or_else(|| "-".to_owned(), |ms| ms.to_string());
        let head = |(size, root): &(u64, Hash)| format!("{size} {}", encode_base64(root.as_bytes()));
        format!(
            "{FORMAT}\nlog {origin}\nscope {scope}\nrequest {}\nsubject {subject}\nfrom {}\nuntil {}\nfirst {}\n\
             last {}\nlines {lines}\ndigest {}\n{RESTRICTED}\n",
            request.0,
            time(from_ms),
            time(until_ms),
            head(first),
            head(last),
            encode_base64(digest.as_bytes()),
        )
    }

    /// Reads the text; it is the only text of its statement.
    ///
    /// # Errors
    /// [`ReportError::Statement`] with the name of the line.
    pub fn parse(text: &str) -> Result<Self, ReportError> {
        let mut lines = text.strip_suffix('\n').unwrap_or_default().split('\n');
        if lines.next() != Some(FORMAT) {
            return Err(ReportError::Statement(FORMAT));
        }
        let mut value = |name: &'static str| {
            let line = lines.next().and_then(|line| line.strip_prefix(name));
            line.and_then(|rest| rest.strip_prefix(' '))
                .ok_or(ReportError::Statement(name))
        };
        let statement = Self {
            origin: Origin::new(value("log")?).map_err(|_| ReportError::Statement("log"))?,
            scope: ReportScope::parse(value("scope")?).ok_or(ReportError::Statement("scope"))?,
            request: Text::new(value("request")?).map_err(|_| ReportError::Statement("request"))?,
            subject: ReportSubject::parse(value("subject")?).ok_or(ReportError::Statement("subject"))?,
            from_ms: time(value("from")?).ok_or(ReportError::Statement("from"))?,
            until_ms: time(value("until")?).ok_or(ReportError::Statement("until"))?,
            first: head(value("first")?).ok_or(ReportError::Statement("first"))?,
            last: head(value("last")?).ok_or(ReportError::Statement("last"))?,
            lines: canonical_decimal(value("lines")?).ok_or(ReportError::Statement("lines"))?,
            digest: decode_hash(value("digest")?).ok_or(ReportError::Statement("digest"))?,
        };
        if value("restricted")? != "not-listed" || lines.next().is_some() {
            return Err(ReportError::Statement("restricted"));
        }
        // Base64 and numbers could be written otherwise; what was signed is this.
        if statement.to_text() == text {
            Ok(statement)
        } else {
            Err(ReportError::Statement(FORMAT))
        }
    }

    pub(super) fn sign(&self, signer: &LogSigner) -> String {
        let text = self.to_text();
        let signature = signer.sign_as(&key_name(signer.origin()), &text);
        format!("{text}\n{}\n", signature.to_line())
    }

    /// Reads a note that this log signed as the statement of a report.
    ///
    /// # Errors
    /// Not such a note, of another log, or not signed by its key.
    pub fn verify(note: &str, log: &LogVerifier) -> Result<Self, ReportError> {
        if NOTE_MAX_LEN < note.len() {
            return Err(ReportError::Note);
        }
        let split = note.rfind("\n\n").ok_or(ReportError::Note)?;
        let (text, signatures) = (&note[..split + 1], &note[split + 2..]);
        let statement = Self::parse(text)?;
        if statement.origin != *log.origin() {
            return Err(CheckpointError::OtherLog.into());
        }
        let line = signatures.strip_suffix('\n').ok_or(ReportError::Note)?;
        let signature = NoteSignature::from_line(line).ok_or(ReportError::Note)?;
        if signature.to_line() != line {
            return Err(ReportError::Note);
        }
        log.verify_as(&key_name(log.origin()), text, &signature)?;
        Ok(statement)
    }
}

/// The name under which a log signs its reports.
fn key_name(origin: &Origin) -> KeyName {
    KeyName::new(format!("{origin}/report"))
        .expect("an origin leaves room for it, and has the characters of a name")
}

fn time(text: &str) -> Option<Option<u64>> {
    match text {
        "-" => Some(None),
        ms => canonical_decimal(ms).map(Some),
    }
}

fn head(text: &str) -> Option<(u64, Hash)> {
    let (size, root) = text.split_once(' ')?;
    let size = canonical_decimal(size).filter(|size| *size <= MAX_SIZE)?;
    Some((size, decode_hash(root)?))
}

impl ReportScope {
    fn parse(text: &str) -> Option<Self> {
        match text.split_once(' ') {
            None if text == "region" => Some(Self::Region),
            Some(("municipality", id)) => MunicipalityId::new(id).ok().map(Self::Municipality),
            None | Some(_) => None,
        }
    }
}

impl ReportSubject {
    /// A codice fiscale, in its usual form.
    ///
    /// # Errors
    /// A text outside its bounds, or with a space.
    pub fn tax_code(code: &str) -> Result<Self, ReportError> {
        word(code).map(Self::TaxCode)
    }

    /// A national id.
    ///
    /// # Errors
    /// As [`Self::tax_code`].
    pub fn national_id(id: &str) -> Result<Self, ReportError> {
        word(id).map(Self::NationalId)
    }

    /// A card.
    ///
    /// # Errors
    /// As [`Self::tax_code`].
    pub fn card(municipality: &str, local_id: &str) -> Result<Self, ReportError> {
        Ok(Self::Card {
            municipality: word(municipality)?,
            local_id: word(local_id)?,
        })
    }

    fn parse(text: &str) -> Option<Self> {
        let (kind, value) = text.split_once(' ')?;
        match kind {
            "tax-code" => Self::tax_code(value).ok(),
            "national-id" => Self::national_id(value).ok(),
            "card" => {
                let (municipality, local_id) = value.split_once(' ')?;
                Self::card(municipality, local_id).ok()
            }
            _ => None,
        }
    }
}

fn word(text: &str) -> Result<Text, ReportError> {
    if text.chars().any(char::is_whitespace) {
        return Err(ReportError::Text);
    }
    Text::new(text)
}

/// A statement names a person: debugging output does not.
impl fmt::Debug for ReportStatement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ReportStatement({}, {} lines)", self.origin, self.lines)
    }
}

/// As for the statement.
impl fmt::Debug for ReportSubject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TaxCode(_) => "TaxCode(..)",
            Self::NationalId(_) => "NationalId(..)",
            Self::Card { .. } => "Card(..)",
        })
    }
}

/// As for the statement.
impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Text(..)")
    }
}
