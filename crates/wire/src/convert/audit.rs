//! Entries of the access log for auditors.

use ledger::hash::Hash;
use ledger::header::{Header, HeaderBody, HeaderError, Outcome, RequestId, TraceId};
use ledger::name::Origin;
use ledger::part::{MunicipalityId, PartKind, PartOpening, PartProof, Salt};
use uuid::Uuid;

use super::date::timestamp_from_ms;
use super::invalid::{Invalid, Rule, array, each};
use crate::proto::audit::v1 as wire;

/// A part of an entry that its reader may see.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VisiblePart {
    /// The part with what proves it.
    pub opening: PartOpening,
    /// Its content as names and values, for readers without a decoder.
    pub items: Vec<PartItem>,
}

/// A name and a value of a part's content.
#[derive(Clone, PartialEq, Eq)]
pub struct PartItem {
    /// Name.
    pub name: String,
    /// Value.
    pub value: String,
}

/// The value may be personal: debugging output does not carry it.
impl std::fmt::Debug for PartItem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "PartItem({}: ..)", self.name)
    }
}

/// The entry at `index` of the log `origin`, as one reader sees it, with nothing kept from it as reserved.
///
/// # Errors
/// The bytes are not those of a header.
pub fn access_entry(
    origin: &Origin,
    index: u64,
    header: Vec<u8>,
    parts: Vec<VisiblePart>,
) -> Result<wire::AccessEntry, HeaderError> {
    let decoded = Header::decode(&header)?;
    Ok(wire::AccessEntry {
        origin: origin.as_str().to_owned(),
        index,
        header,
        decoded: Some(decoded.into()),
        parts: parts.into_iter().map(Into::into).collect(),
        reserved: false,
    })
}

impl From<Header> for wire::EntryHeader {
    fn from(header: Header) -> Self {
        let Header {
            origin: _,
            time_ms,
            body,
        } = header;
        let HeaderBody {
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
        } = body;
        let bytes = |hash: Option<Hash>| hash.map(|hash| hash.as_bytes().to_vec()).unwrap_or_default();
        Self {
            format: ledger::header::HEADER_VERSION.into(),
            kind: kind.name().to_owned(),
            time: i64::try_from(time_ms).ok().map(timestamp_from_ms),
            peer: peer.unwrap_or_default(),
            certificate: bytes(certificate),
            address: address.unwrap_or_default(),
            agreement: agreement.unwrap_or_default(),
            agreement_hash: bytes(agreement_version),
            purpose: purpose.unwrap_or_default(),
            service: service.unwrap_or_default(),
            request_id: request_id
                .map(|RequestId(id)| Uuid::from_bytes(id).to_string())
                .unwrap_or_default(),
            trace_id: trace_id.map(|TraceId(id)| id.to_vec()).unwrap_or_default(),
            outcome: Some(wire::EntryOutcome {
                code: code.into(),
                reason,
            }),
            fields: granted_fields,
            parts_root: parts_root.as_bytes().to_vec(),
            repeat_of,
        }
    }
}

impl From<VisiblePart> for wire::EntryPart {
    fn from(part: VisiblePart) -> Self {
        let VisiblePart {
            opening:
                PartOpening {
                    kind,
                    salt,
                    proof: PartProof { index, path },
                    content,
                },
            items,
        } = part;
        let (kind, municipality) = match kind {
            PartKind::Operator => (wire::PartKind::Operator, String::new()),
            PartKind::Criteria => (wire::PartKind::Criteria, String::new()),
            PartKind::Decision => (wire::PartKind::Decision, String::new()),
            PartKind::Subjects(municipality) => (wire::PartKind::Subjects, municipality.as_str().to_owned()),
            PartKind::AgreementBytes => (wire::PartKind::AgreementBytes, String::new()),
            PartKind::AdministrativeDetail => (wire::PartKind::AdministrativeDetail, String::new()),
            PartKind::PreviousCheckpoint => (wire::PartKind::PreviousCheckpoint, String::new()),
        };
        let items = items
            .into_iter()
            .map(|PartItem { name, value }| wire::PartItem { name, value });
        Self {
            kind: kind.into(),
            municipality,
            position: index.into(),
            salt: salt.as_bytes().to_vec(),
            path: path.iter().map(|hash| hash.as_bytes().to_vec()).collect(),
            content,
            items: items.collect(),
        }
    }
}

/// Reads a part; it is not yet checked against its entry's header.
impl TryFrom<wire::EntryPart> for VisiblePart {
    type Error = Invalid;

    fn try_from(message: wire::EntryPart) -> Result<Self, Invalid> {
        let wire::EntryPart {
            kind,
            municipality,
            position,
            salt,
            path,
            content,
            items,
        } = message;
        let kind = match wire::PartKind::try_from(kind) {
            Ok(wire::PartKind::Operator) => PartKind::Operator,
            Ok(wire::PartKind::Criteria) => PartKind::Criteria,
            Ok(wire::PartKind::Decision) => PartKind::Decision,
            Ok(wire::PartKind::Subjects) => {
                let id = MunicipalityId::new(municipality.as_str());
                PartKind::Subjects(id.map_err(|_| Invalid::new("municipality", Rule::Character))?)
            }
            Ok(wire::PartKind::AgreementBytes) => PartKind::AgreementBytes,
            Ok(wire::PartKind::AdministrativeDetail) => PartKind::AdministrativeDetail,
            Ok(wire::PartKind::PreviousCheckpoint) => PartKind::PreviousCheckpoint,
            Ok(wire::PartKind::Unspecified) | Err(_) => return Err(Invalid::new("kind", Rule::Value)),
        };
        if !matches!(kind, PartKind::Subjects(_)) && !municipality.is_empty() {
            return Err(Invalid::new("municipality", Rule::Unexpected));
        }
        let proof = PartProof {
            index: u16::try_from(position).map_err(|_| Invalid::new("position", Rule::Range))?,
            path: each("path", path, |hash| {
                array::<{ Hash::LEN }>("", &hash).map(Hash::new)
            })?,
        };
        let opening = PartOpening {
            kind,
            salt: Salt::new(array("salt", &salt)?),
            proof,
            content,
        };
        let items = items
            .into_iter()
            .map(|wire::PartItem { name, value }| PartItem { name, value });
        Ok(Self {
            opening,
            items: items.collect(),
        })
    }
}
