//! Lines of a report, and the digest over them.

use std::fmt;

use crate::encoding::{FieldError, FieldWriter};
use crate::hash::{Hash, sha256};

/// One access to the person, in what the person is told of it: never who in the agency made it, nor for which case.
#[derive(Clone, PartialEq, Eq)]
pub struct ReportLine {
    /// Index of the entry.
    pub index: u64,
    /// Hash of the entry's leaf.
    pub leaf: Hash,
    /// Time of the entry, Unix milliseconds.
    pub time_ms: u64,
    /// The body that consulted, a SPIFFE id.
    pub agency: String,
    /// Id of the agreement (*convenzione*).
    pub agreement: String,
    /// Title of the agreement as it was then; empty where its document is no longer kept.
    pub title: String,
    /// Id of the purpose (*finalità*).
    pub purpose: String,
    /// The purpose in the words of the agreement; empty as the title is.
    pub purpose_text: String,
    /// Method called, `package.Service/Method`.
    pub service: String,
    /// What was done with what each municipality's card says.
    pub uses: Vec<SubjectUse>,
}

/// What was done with what one municipality's card says of the person.
#[derive(Clone, PartialEq, Eq)]
pub struct SubjectUse {
    /// Identity of the municipality, its cadastral code.
    pub municipality: String,
    /// What was done.
    pub kind: UseKind,
    /// Names of the fields shown or compared.
    pub fields: Vec<String>,
}

/// What was done with a person's data. Numbers are part of the format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum UseKind {
    /// The fields were shown.
    Shown = 1,
    /// The fields were compared with a declaration or looked at; the outcome alone was told.
    Compared = 2,
    /// Found and not shown: for the body it was as if there were no such person.
    Withheld = 3,
    /// Among those who were too many to be shown.
    Counted = 4,
}

impl UseKind {
    /// Every kind, by number.
    pub const ALL: [Self; 4] = [Self::Shown, Self::Compared, Self::Withheld, Self::Counted];

    /// The name in files.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Shown => "shown",
            Self::Compared => "compared",
            Self::Withheld => "withheld",
            Self::Counted => "counted",
        }
    }

    /// Reads a name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

impl ReportLine {
    /// The bytes over which the digest is made.
    ///
    /// # Errors
    /// A text longer than its length can say.
    pub fn canonical_bytes(&self) -> Result<Vec<u8>, FieldError> {
        let Self {
            index,
            leaf,
            time_ms,
            agency,
            agreement,
            title,
            purpose,
            purpose_text,
            service,
            uses,
        } = self;
        let mut fields = FieldWriter::with_capacity(512);
        fields.put(1, &index.to_be_bytes())?;
        fields.put(2, leaf.as_bytes())?;
        fields.put(3, &time_ms.to_be_bytes())?;
        for (tag, text) in [
            (4, agency),
            (5, agreement),
            (6, title),
            (7, purpose),
            (8, purpose_text),
            (9, service),
        ] {
            fields.put(tag, text.as_bytes())?;
        }
        let mut bytes = Vec::new();
        for used in uses {
            let used = used.bytes()?;
            let length = u16::try_from(used.len()).map_err(|_| too_long(&used))?;
            bytes.extend_from_slice(&length.to_be_bytes());
            bytes.extend_from_slice(&used);
        }
        fields.put(10, &bytes)?;
        Ok(fields.finish())
    }
}

impl SubjectUse {
    fn bytes(&self) -> Result<Vec<u8>, FieldError> {
        let Self {
            municipality,
            kind,
            fields,
        } = self;
        let mut bytes = Vec::with_capacity(64);
        push(&mut bytes, municipality)?;
        bytes.push(*kind as u8);
        for field in fields {
            push(&mut bytes, field)?;
        }
        Ok(bytes)
    }
}

fn push(bytes: &mut Vec<u8>, text: &str) -> Result<(), FieldError> {
    let length = u8::try_from(text.len()).map_err(|_| too_long(text.as_bytes()))?;
    bytes.push(length);
    bytes.extend_from_slice(text.as_bytes());
    Ok(())
}

fn too_long(bytes: &[u8]) -> FieldError {
    FieldError::Length {
        tag: 10,
        actual: bytes.len(),
    }
}

/// The digest over lines in their order.
///
/// # Errors
/// A text longer than its length can say.
pub fn digest<'a>(lines: impl IntoIterator<Item = &'a ReportLine>) -> Result<Hash, FieldError> {
    let mut bytes = b"ponte.report.lines/1\n".to_vec();
    for line in lines {
        let line = line.canonical_bytes()?;
        let length = u32::try_from(line.len()).map_err(|_| too_long(&line))?;
        bytes.extend_from_slice(&length.to_be_bytes());
        bytes.extend_from_slice(&line);
    }
    Ok(sha256(&bytes))
}

/// A line is about a person: debugging output names the entry alone.
impl fmt::Debug for ReportLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ReportLine({})", self.index)
    }
}

/// As for the line.
impl fmt::Debug for SubjectUse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SubjectUse({:?})", self.kind)
    }
}
