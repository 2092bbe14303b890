//! The header of an entry: the leaf of the log's tree, readable by whoever may read the entry at all.
//!
//! A header holds only what the caller already knows, and never personal data: who asked, under which
//! agreement, for what purpose, what it was told. What was searched, found or withheld is in the sealed
//! parts ([`crate::part`]), to which the header commits with `parts_root`.

use thiserror::Error;

use crate::encoding::{FieldError, FieldReader, FieldWriter};
use crate::hash::{Hash, leaf_hash};
use crate::name::{NameError, Origin};

mod kind;
mod text;

#[cfg(test)]
mod tests;

pub use kind::{EntryKind, UnknownKind};
pub use text::{TextError, TextField};

/// Version of the header's format, its first field.
pub const HEADER_VERSION: u16 = 1;

/// Longest encoded header, in bytes.
pub const HEADER_MAX_LEN: usize = 1024;

/// Version, kind and time with their prefixes, and the prefix of the origin.
const FIXED_LEN: usize = (4 + 2) + (4 + 2) + 4 + (4 + 8);

/// Longest encoding of a body's fields. The writer adds origin and time when it can no longer refuse, so
/// room for the longest origin is kept free.
const BODY_MAX_LEN: usize = HEADER_MAX_LEN - FIXED_LEN - Origin::MAX_LEN;

/// The caller's id of a call, a UUID.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId(pub [u8; 16]);

/// The id of a distributed trace (W3C Trace Context).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TraceId(pub [u8; 16]);

/// The outcome in the words used to the caller, not the real one: that is in the `decision` part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// gRPC status code, 0 is OK.
    pub code: u16,
    /// Reason as told to the caller; empty when there was none.
    pub reason: String,
}

/// An entry's header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// The log that holds the entry.
    pub origin: Origin,
    /// Unix time in milliseconds, never less than that of the entry before.
    pub time_ms: u64,
    pub body: HeaderBody,
}

/// What is known of a header before the entry has a place in the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeaderBody {
    pub kind: EntryKind,
    /// SPIFFE id of the caller, `spiffe://<trust domain>/<role>/<id>`.
    pub peer: Option<String>,
    /// SHA-256 of the caller's certificate (DER).
    pub certificate: Option<Hash>,
    /// Network address of the caller.
    pub address: Option<String>,
    /// Agreement (*convenzione*) named by the call.
    pub agreement: Option<String>,
    /// Content hash of the agreement's version that decided.
    pub agreement_version: Option<Hash>,
    /// Purpose (*finalità*) stated by the call.
    pub purpose: Option<String>,
    /// Full gRPC method, `package.Service/Method`.
    pub service: Option<String>,
    pub request_id: Option<RequestId>,
    pub trace_id: Option<TraceId>,
    pub outcome: Outcome,
    /// Names of the fields granted, sorted, each once.
    pub granted_fields: Vec<String>,
    /// Index of the entry that this call repeats, when its request id was seen before.
    pub repeat_of: Option<u64>,
    /// Commitment to the parts, [`crate::part::PartsTree::root`].
    pub parts_root: Hash,
}

/// A body that is known to fit: sealing it cannot fail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeaderDraft {
    kind: EntryKind,
    fields: Vec<u8>,
}

/// A header's bytes as they are stored and hashed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EncodedHeader(Vec<u8>);

/// Why a header cannot be written or read.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum HeaderError {
    #[error("header has {actual} bytes, at most {max} are allowed")]
    TooLong { actual: usize, max: usize },
    #[error("header field {field}: {rule}")]
    Text { field: TextField, rule: TextError },
    #[error("granted fields are not sorted, or one is repeated")]
    GrantedOrder,
    #[error("granted fields are malformed")]
    GrantedList,
    #[error("header version {0} is unknown")]
    Version(u16),
    #[error(transparent)]
    Kind(#[from] UnknownKind),
    #[error("header origin: {0}")]
    Origin(#[from] NameError),
    #[error("header encoding: {0}")]
    Encoding(#[from] FieldError),
}

mod tag {
    pub(super) const VERSION: u16 = 1;
    pub(super) const KIND: u16 = 2;
    pub(super) const ORIGIN: u16 = 3;
    pub(super) const TIME: u16 = 4;
    pub(super) const PEER: u16 = 5;
    pub(super) const CERTIFICATE: u16 = 6;
    pub(super) const ADDRESS: u16 = 7;
    pub(super) const AGREEMENT: u16 = 8;
    pub(super) const AGREEMENT_VERSION: u16 = 9;
    pub(super) const PURPOSE: u16 = 10;
    pub(super) const SERVICE: u16 = 11;
    pub(super) const REQUEST_ID: u16 = 12;
    pub(super) const TRACE_ID: u16 = 13;
    pub(super) const OUTCOME_CODE: u16 = 14;
    pub(super) const OUTCOME_REASON: u16 = 15;
    pub(super) const GRANTED_FIELDS: u16 = 16;
    pub(super) const REPEAT_OF: u16 = 17;
    pub(super) const PARTS_ROOT: u16 = 18;
}

impl Header {
    /// # Errors
    /// A text breaks the rules of [`TextField`], granted fields are out of order, or the whole is too long.
    pub fn encode(&self) -> Result<EncodedHeader, HeaderError> {
        Ok(self.body.draft()?.seal(&self.origin, self.time_ms))
    }

    /// # Errors
    /// The bytes are not the one encoding of a header.
    pub fn decode(bytes: &[u8]) -> Result<Self, HeaderError> {
        if HEADER_MAX_LEN < bytes.len() {
            return Err(HeaderError::TooLong {
                actual: bytes.len(),
                max: HEADER_MAX_LEN,
            });
        }
        let mut fields = FieldReader::new(bytes);
        let version = u16::from_be_bytes(fields.required_array(tag::VERSION)?);
        if version != HEADER_VERSION {
            return Err(HeaderError::Version(version));
        }
        let kind = EntryKind::from_code(u16::from_be_bytes(fields.required_array(tag::KIND)?))?;
        let origin = Origin::new(TextField::Origin.decode(fields.required(tag::ORIGIN)?)?)?;
        let time_ms = u64::from_be_bytes(fields.required_array(tag::TIME)?);
        let before_body = fields.clone();
        let body = HeaderBody {
            kind,
            peer: optional_text(&mut fields, tag::PEER, TextField::Peer)?,
            certificate: fields.optional_array(tag::CERTIFICATE)?.map(Hash::new),
            address: optional_text(&mut fields, tag::ADDRESS, TextField::Address)?,
            agreement: optional_text(&mut fields, tag::AGREEMENT, TextField::Agreement)?,
            agreement_version: fields.optional_array(tag::AGREEMENT_VERSION)?.map(Hash::new),
            purpose: optional_text(&mut fields, tag::PURPOSE, TextField::Purpose)?,
            service: optional_text(&mut fields, tag::SERVICE, TextField::Service)?,
            request_id: fields.optional_array(tag::REQUEST_ID)?.map(RequestId),
            trace_id: fields.optional_array(tag::TRACE_ID)?.map(TraceId),
            outcome: Outcome {
                code: u16::from_be_bytes(fields.required_array(tag::OUTCOME_CODE)?),
                reason: TextField::OutcomeReason.decode(fields.required(tag::OUTCOME_REASON)?)?,
            },
            granted_fields: decode_granted(fields.required(tag::GRANTED_FIELDS)?)?,
            repeat_of: fields.optional_array(tag::REPEAT_OF)?.map(u64::from_be_bytes),
            parts_root: Hash::new(fields.required_array(tag::PARTS_ROOT)?),
        };
        let body_len = before_body.remaining();
        fields.finish()?;
        if BODY_MAX_LEN < body_len {
            return Err(HeaderError::TooLong {
                actual: body_len,
                max: BODY_MAX_LEN,
            });
        }
        Ok(Self {
            origin,
            time_ms,
            body,
        })
    }
}

impl HeaderBody {
    /// A body of this kind with everything optional absent and an OK outcome.
    pub fn new(kind: EntryKind, parts_root: Hash) -> Self {
        Self {
            kind,
            peer: None,
            certificate: None,
            address: None,
            agreement: None,
            agreement_version: None,
            purpose: None,
            service: None,
            request_id: None,
            trace_id: None,
            outcome: Outcome {
                code: 0,
                reason: String::new(),
            },
            granted_fields: Vec::new(),
            repeat_of: None,
            parts_root,
        }
    }

    /// Checks and encodes everything but origin and time.
    ///
    /// # Errors
    /// As [`Header::encode`].
    pub fn draft(&self) -> Result<HeaderDraft, HeaderError> {
        let Self {
            kind,
            peer,
            certificate,
            address,
            agreement,
            agreement_version,
            purpose,
            service,
            request_id,
            trace_id,
            outcome: Outcome { code, reason },
            granted_fields,
            repeat_of,
            parts_root,
        } = self;
        let mut fields = FieldWriter::with_capacity(512);
        put_text(&mut fields, tag::PEER, TextField::Peer, peer.as_deref())?;
        fields.put_optional(tag::CERTIFICATE, certificate.as_ref().map(Hash::as_ref))?;
        put_text(&mut fields, tag::ADDRESS, TextField::Address, address.as_deref())?;
        put_text(
            &mut fields,
            tag::AGREEMENT,
            TextField::Agreement,
            agreement.as_deref(),
        )?;
        fields.put_optional(
            tag::AGREEMENT_VERSION,
            agreement_version.as_ref().map(Hash::as_ref),
        )?;
        put_text(&mut fields, tag::PURPOSE, TextField::Purpose, purpose.as_deref())?;
        put_text(&mut fields, tag::SERVICE, TextField::Service, service.as_deref())?;
        fields.put_optional(tag::REQUEST_ID, request_id.as_ref().map(|id| id.0.as_slice()))?;
        fields.put_optional(tag::TRACE_ID, trace_id.as_ref().map(|id| id.0.as_slice()))?;
        fields.put(tag::OUTCOME_CODE, &code.to_be_bytes())?;
        put_text(
            &mut fields,
            tag::OUTCOME_REASON,
            TextField::OutcomeReason,
            Some(reason),
        )?;
        fields.put(tag::GRANTED_FIELDS, &encode_granted(granted_fields)?)?;
        fields.put_optional(
            tag::REPEAT_OF,
            repeat_of.map(u64::to_be_bytes).as_ref().map(<[u8; 8]>::as_slice),
        )?;
        fields.put(tag::PARTS_ROOT, parts_root.as_ref())?;
        let fields = fields.finish();
        if BODY_MAX_LEN < fields.len() {
            return Err(HeaderError::TooLong {
                actual: fields.len(),
                max: BODY_MAX_LEN,
            });
        }
        Ok(HeaderDraft { kind: *kind, fields })
    }
}

impl HeaderDraft {
    pub fn kind(&self) -> EntryKind {
        self.kind
    }

    /// Completes the header with the log and the time of the entry, in Unix milliseconds.
    pub fn seal(&self, origin: &Origin, time_ms: u64) -> EncodedHeader {
        let Self { kind, fields } = self;
        let origin = origin.as_str().as_bytes();
        let mut bytes = Vec::with_capacity(FIXED_LEN + origin.len() + fields.len());
        push_field(&mut bytes, tag::VERSION, &HEADER_VERSION.to_be_bytes());
        push_field(&mut bytes, tag::KIND, &kind.code().to_be_bytes());
        push_field(&mut bytes, tag::ORIGIN, origin);
        push_field(&mut bytes, tag::TIME, &time_ms.to_be_bytes());
        bytes.extend_from_slice(fields);
        EncodedHeader(bytes)
    }
}

impl EncodedHeader {
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    pub fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    pub fn leaf_hash(&self) -> Hash {
        leaf_hash(&self.0)
    }
}

impl AsRef<[u8]> for EncodedHeader {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

fn push_field(bytes: &mut Vec<u8>, tag: u16, value: &[u8]) {
    let length = u16::try_from(value.len()).expect("an integer or an origin, at most 80 bytes");
    bytes.extend_from_slice(&tag.to_be_bytes());
    bytes.extend_from_slice(&length.to_be_bytes());
    bytes.extend_from_slice(value);
}

fn put_text(
    fields: &mut FieldWriter,
    tag: u16,
    field: TextField,
    text: Option<&str>,
) -> Result<(), HeaderError> {
    let Some(text) = text else { return Ok(()) };
    field.check(text)?;
    fields.put(tag, text.as_bytes())?;
    Ok(())
}

fn optional_text(
    fields: &mut FieldReader<'_>,
    tag: u16,
    field: TextField,
) -> Result<Option<String>, HeaderError> {
    fields.optional(tag)?.map(|bytes| field.decode(bytes)).transpose()
}

/// Each name as its length in one byte and its bytes.
fn encode_granted(names: &[String]) -> Result<Vec<u8>, HeaderError> {
    if !names.is_sorted_by(|a, b| a < b) {
        return Err(HeaderError::GrantedOrder);
    }
    let mut bytes = Vec::with_capacity(names.iter().map(|name| 1 + name.len()).sum());
    for name in names {
        TextField::GrantedField.check(name)?;
        bytes.push(u8::try_from(name.len()).map_err(|_| HeaderError::GrantedList)?);
        bytes.extend_from_slice(name.as_bytes());
    }
    Ok(bytes)
}

fn decode_granted(mut bytes: &[u8]) -> Result<Vec<String>, HeaderError> {
    let mut names = Vec::new();
    while let Some((&length, rest)) = bytes.split_first() {
        let (name, rest) = rest
            .split_at_checked(usize::from(length))
            .ok_or(HeaderError::GrantedList)?;
        names.push(TextField::GrantedField.decode(name)?);
        bytes = rest;
    }
    if !names.is_sorted_by(|a, b| a < b) {
        return Err(HeaderError::GrantedOrder);
    }
    Ok(names)
}
