//! What the sealed parts of an entry hold.
//!
//! Every content is fields in the encoding of [`ledger::encoding`], the first one (tag 1) the format version: 1, and of a
//! decision that states when its access is released 2. A decision of version 1 states no release, so that a reserved
//! access of it is never released.
//! A list is its items one after the other, each with its length (u16, big endian) in front.
//! `Debug` shows none of it: the parts exist because it is personal.

use std::fmt::{self, Debug};

use ledger::{
    encoding::{FieldError, FieldReader, FieldWriter},
    part::PartKind,
};

use crate::keys::token::Token;

const VERSION: u16 = 1;

/// Of a decision with the instant of release.
const WITH_RELEASE: u16 = 2;

/// Who asked, for the agency (*operatore*).
#[derive(Clone, PartialEq, Eq, Default)]
pub struct OperatorPart {
    /// The operator's identity in the agency.
    pub operator: String,
    /// Level of assurance of the operator's login.
    pub assurance: String,
    /// The workstation (*postazione*).
    pub workstation: Option<String>,
    /// The case (*fascicolo*, *protocollo*).
    pub case_reference: Option<String>,
    /// The declarant's consent.
    pub consent_reference: Option<String>,
}

/// What was searched: names of criteria and their values as normalised.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct CriteriaPart {
    /// Name and value, in the order of the call.
    pub criteria: Vec<(String, String)>,
}

/// What was decided, and from what.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct DecisionPart {
    /// The real outcome.
    pub outcome: String,
    /// The clause that denied or hid, if one did.
    pub clause: Option<String>,
    /// Whether the purpose is reserved (criminal police, judicial order): what that keeps from whom is said by
    /// [`crate::access_log::reserve`].
    pub reserved: bool,
    /// Unix time in milliseconds from which on a reserved access is an ordinary one; `None` for never, and of one that is
    /// not reserved.
    pub released_ms: Option<u64>,
    /// Facts and counters that the decision used, so that it can be replayed.
    pub facts: Vec<(String, String)>,
}

/// The persons of one municipality that influenced the answer.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct SubjectsPart {
    /// One item a person.
    pub subjects: Vec<Subject>,
    /// How many were counted in all; more than `subjects` when the answer was a number.
    pub count: u32,
}

/// One person in one entry.
#[derive(Clone, PartialEq, Eq)]
pub struct Subject {
    /// The person's pseudonym in this municipality and year.
    pub pseudonym: Token,
    /// How the person influenced the answer.
    pub role: SubjectRole,
    /// Names of the fields shown; empty when withheld.
    pub fields: Vec<String>,
}

/// How a person influenced an answer. Numbers are part of the format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SubjectRole {
    /// 1: found and shown.
    Shown,
    /// 2: compared with a declaration.
    Compared,
    /// 3: found and withheld.
    Withheld,
    /// 4: counted.
    Counted,
}

/// Detail of an administrative entry: counts, ranges, times.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct DetailPart {
    /// Name and value.
    pub details: Vec<(String, String)>,
}

/// Why a content is not written or read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ContentError {
    /// A field of the encoding.
    #[error("part content: {0}")]
    Field(#[from] FieldError),
    /// A version that this program does not know.
    #[error("part content version {0} is unknown")]
    Version(u16),
    /// An item of a list ends early, or is longer than 65,535 bytes.
    #[error("part content has a malformed list")]
    List,
    /// A text that is not UTF-8.
    #[error("part content has a text that is not UTF-8")]
    Utf8,
    /// A value outside its set.
    #[error("part content has an unknown value")]
    Value,
}

/// A content with the part kind it belongs to.
pub trait PartContent: Sized {
    /// Its bytes.
    ///
    /// # Errors
    /// A text or list longer than 65,535 bytes.
    fn encode(&self) -> Result<Vec<u8>, ContentError>;

    /// Reads its bytes.
    ///
    /// # Errors
    /// See [`ContentError`].
    fn decode(bytes: &[u8]) -> Result<Self, ContentError>;
}

impl PartContent for OperatorPart {
    fn encode(&self) -> Result<Vec<u8>, ContentError> {
        let Self {
            operator,
            assurance,
            workstation,
            case_reference,
            consent_reference,
        } = self;
        let mut fields = begin()?;
        fields.put(2, operator.as_bytes())?;
        fields.put(3, assurance.as_bytes())?;
        fields.put_optional(4, workstation.as_deref().map(str::as_bytes))?;
        fields.put_optional(5, case_reference.as_deref().map(str::as_bytes))?;
        fields.put_optional(6, consent_reference.as_deref().map(str::as_bytes))?;
        Ok(fields.finish())
    }

    fn decode(bytes: &[u8]) -> Result<Self, ContentError> {
        let mut fields = resume(bytes)?;
        let part = Self {
            operator: text(fields.required(2)?)?,
            assurance: text(fields.required(3)?)?,
            workstation: fields.optional(4)?.map(text).transpose()?,
            case_reference: fields.optional(5)?.map(text).transpose()?,
            consent_reference: fields.optional(6)?.map(text).transpose()?,
        };
        fields.finish()?;
        Ok(part)
    }
}

impl PartContent for CriteriaPart {
    fn encode(&self) -> Result<Vec<u8>, ContentError> {
        let Self { criteria } = self;
        let mut fields = begin()?;
        fields.put(2, &encode_pairs(criteria)?)?;
        Ok(fields.finish())
    }

    fn decode(bytes: &[u8]) -> Result<Self, ContentError> {
        let mut fields = resume(bytes)?;
        let criteria = decode_pairs(fields.required(2)?)?;
        fields.finish()?;
        Ok(Self { criteria })
    }
}

impl PartContent for DecisionPart {
    fn encode(&self) -> Result<Vec<u8>, ContentError> {
        let Self {
            outcome,
            clause,
            reserved,
            released_ms,
            facts,
        } = self;
        let version = released_ms.map_or(VERSION, |_| WITH_RELEASE);
        let mut fields = begin_version(version)?;
        fields.put(2, outcome.as_bytes())?;
        fields.put_optional(3, clause.as_deref().map(str::as_bytes))?;
        fields.put(4, &[u8::from(*reserved)])?;
        fields.put(5, &encode_pairs(facts)?)?;
        match (reserved, released_ms) {
            (_, None) => {}
            (true, Some(released_ms)) => fields.put(6, &released_ms.to_be_bytes())?,
            (false, Some(_)) => return Err(ContentError::Value),
        }
        Ok(fields.finish())
    }

    fn decode(bytes: &[u8]) -> Result<Self, ContentError> {
        let (version, mut fields) = resume_versions(bytes)?;
        if ![VERSION, WITH_RELEASE].contains(&version) {
            return Err(ContentError::Version(version));
        }
        let mut part = Self {
            outcome: text(fields.required(2)?)?,
            clause: fields.optional(3)?.map(text).transpose()?,
            reserved: match fields.required_array::<1>(4)? {
                [0] => false,
                [1] => true,
                [_] => return Err(ContentError::Value),
            },
            released_ms: None,
            facts: decode_pairs(fields.required(5)?)?,
        };
        if version == WITH_RELEASE {
            part.released_ms = Some(u64::from_be_bytes(fields.required_array(6)?));
        }
        fields.finish()?;
        match part.released_ms {
            Some(_) if !part.reserved => Err(ContentError::Value),
            Some(_) | None => Ok(part),
        }
    }
}

impl PartContent for SubjectsPart {
    fn encode(&self) -> Result<Vec<u8>, ContentError> {
        let Self { subjects, count } = self;
        let mut items = Vec::with_capacity(256);
        for Subject {
            pseudonym,
            role,
            fields,
        } in subjects
        {
            let mut item = Vec::with_capacity(256);
            item.extend_from_slice(pseudonym.as_bytes());
            item.push(role.code());
            for field in fields {
                push_item(&mut item, field.as_bytes())?;
            }
            push_item(&mut items, &item)?;
        }
        let mut fields = begin()?;
        fields.put(2, &items)?;
        fields.put(3, &count.to_be_bytes())?;
        Ok(fields.finish())
    }

    fn decode(bytes: &[u8]) -> Result<Self, ContentError> {
        let mut fields = resume(bytes)?;
        let subjects = items(fields.required(2)?)
            .map(|item| {
                let (pseudonym, rest) = item?.split_first_chunk::<16>().ok_or(ContentError::List)?;
                let (role, rest) = rest.split_first().ok_or(ContentError::List)?;
                Ok(Subject {
                    pseudonym: Token::from_bytes(*pseudonym),
                    role: SubjectRole::from_code(*role).ok_or(ContentError::Value)?,
                    fields: items(rest).map(|field| text(field?)).collect::<Result<_, _>>()?,
                })
            })
            .collect::<Result<_, ContentError>>()?;
        let count = u32::from_be_bytes(fields.required_array(3)?);
        fields.finish()?;
        Ok(Self { subjects, count })
    }
}

impl PartContent for DetailPart {
    fn encode(&self) -> Result<Vec<u8>, ContentError> {
        let Self { details } = self;
        let mut fields = begin()?;
        fields.put(2, &encode_pairs(details)?)?;
        Ok(fields.finish())
    }

    fn decode(bytes: &[u8]) -> Result<Self, ContentError> {
        let mut fields = resume(bytes)?;
        let details = decode_pairs(fields.required(2)?)?;
        fields.finish()?;
        Ok(Self { details })
    }
}

impl SubjectRole {
    /// Of two ways in which one entry names a person, the one that discloses more.
    #[must_use]
    pub fn stronger(self, other: Self) -> Self {
        let disclosure = |role| match role {
            Self::Shown => 3,
            Self::Compared => 2,
            Self::Counted => 1,
            Self::Withheld => 0,
        };
        if disclosure(self) < disclosure(other) {
            other
        } else {
            self
        }
    }

    const fn code(self) -> u8 {
        match self {
            Self::Shown => 1,
            Self::Compared => 2,
            Self::Withheld => 3,
            Self::Counted => 4,
        }
    }

    const fn from_code(code: u8) -> Option<Self> {
        match code {
            1 => Some(Self::Shown),
            2 => Some(Self::Compared),
            3 => Some(Self::Withheld),
            4 => Some(Self::Counted),
            _ => None,
        }
    }
}

/// The part's name in key names and reports.
#[must_use]
pub const fn part_name(kind: &PartKind) -> &'static str {
    match kind {
        PartKind::Operator => "operator",
        PartKind::Criteria => "criteria",
        PartKind::Decision => "decision",
        PartKind::Subjects(_) => "subjects",
        PartKind::AgreementBytes => "agreement",
        PartKind::AdministrativeDetail => "detail",
        PartKind::PreviousCheckpoint => "checkpoint",
    }
}

macro_rules! hidden_debug {
    ($($name:ident)+) => {
        $(impl Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($name), "(..)"))
            }
        })+
    };
}

hidden_debug! { OperatorPart CriteriaPart DecisionPart SubjectsPart Subject DetailPart }

fn begin() -> Result<FieldWriter, ContentError> {
    begin_version(VERSION)
}

fn begin_version(version: u16) -> Result<FieldWriter, ContentError> {
    let mut fields = FieldWriter::with_capacity(256);
    fields.put(1, &version.to_be_bytes())?;
    Ok(fields)
}

fn resume(bytes: &[u8]) -> Result<FieldReader<'_>, ContentError> {
    match resume_versions(bytes)? {
        (VERSION, fields) => Ok(fields),
        (other, _) => Err(ContentError::Version(other)),
    }
}

/// The version, and the fields behind it.
fn resume_versions(bytes: &[u8]) -> Result<(u16, FieldReader<'_>), ContentError> {
    let mut fields = FieldReader::new(bytes);
    let version = u16::from_be_bytes(fields.required_array(1)?);
    Ok((version, fields))
}

fn text(bytes: &[u8]) -> Result<String, ContentError> {
    String::from_utf8(bytes.to_vec()).map_err(|_| ContentError::Utf8)
}

fn encode_pairs(pairs: &[(String, String)]) -> Result<Vec<u8>, ContentError> {
    let len = pairs
        .iter()
        .map(|(name, value)| 4 + name.len() + value.len())
        .sum();
    let mut bytes = Vec::with_capacity(len);
    for (name, value) in pairs {
        push_item(&mut bytes, name.as_bytes())?;
        push_item(&mut bytes, value.as_bytes())?;
    }
    Ok(bytes)
}

fn decode_pairs(bytes: &[u8]) -> Result<Vec<(String, String)>, ContentError> {
    let mut pairs = Vec::new();
    let mut items = items(bytes);
    while let Some(name) = items.next() {
        let value = items.next().ok_or(ContentError::List)??;
        pairs.push((text(name?)?, text(value)?));
    }
    Ok(pairs)
}

fn push_item(bytes: &mut Vec<u8>, item: &[u8]) -> Result<(), ContentError> {
    let length = u16::try_from(item.len()).map_err(|_| ContentError::List)?;
    bytes.extend_from_slice(&length.to_be_bytes());
    bytes.extend_from_slice(item);
    Ok(())
}

fn items(mut bytes: &[u8]) -> impl Iterator<Item = Result<&[u8], ContentError>> {
    std::iter::from_fn(move || {
        if bytes.is_empty() {
            return None;
        }
        let split = bytes
            .split_first_chunk::<2>()
            .and_then(|(length, rest)| rest.split_at_checked(usize::from(u16::from_be_bytes(*length))));
        let Some((item, rest)) = split else {
            bytes = &[];
            return Some(Err(ContentError::List));
        };
        bytes = rest;
        Some(Ok(item))
    })
}
