//! Entries of the access log, each part checked against its header.

use std::fmt;

use ledger::header::Header;
use ledger::name::Origin;
use ledger::part::{MunicipalityId, PartKind, PartProof, Salt, verify_part};
use ledger::receipt::ReceiptError;
use wire::convert::{Invalid, Rule};
use wire::proto::audit::v1 as proto;

use crate::auditor::{hashes, origin};
use crate::convert::{array, unknown_value};
use crate::error::{ClientError, EvidenceFault};

/// An entry as far as the reader's scope shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessEntry {
    /// The log that holds it.
    pub origin: Origin,
    /// Its index, from 0.
    pub index: u64,
    /// Its header, decoded here from the bytes and from nothing else.
    pub header: Header,
    /// The header's bytes: the content of the tree's leaf.
    pub header_bytes: Vec<u8>,
    /// The parts that the reader may see, each proved to belong to the header.
    pub parts: Vec<EntryPart>,
    /// Whether further parts are kept from this reader because the access is reserved, and neither released nor opened to
    /// it.
    pub reserved: bool,
}

/// A part of an entry.
#[derive(Clone, PartialEq, Eq)]
pub struct EntryPart {
    /// Kind of part.
    pub kind: PartKind,
    /// Content as committed.
    pub content: Vec<u8>,
    /// The content as names and values, as the index read it.
    pub items: Vec<(String, String)>,
    /// Salt of the part's commitment.
    pub salt: Salt,
    /// Place of the commitment under the header's root of parts, and the way to that root.
    pub proof: PartProof,
}

impl AccessEntry {
    pub(super) fn read(message: proto::AccessEntry) -> Result<Self, ClientError> {
        // The decoded header is for readers without a decoder; this one trusts only the bytes that were proved.
        let proto::AccessEntry {
            origin: named,
            index,
            header: header_bytes,
            decoded: _,
            parts,
            reserved,
        } = message;
        let named = origin(named)?;
        let header = Header::decode(&header_bytes)
            .map_err(ReceiptError::from)
            .map_err(EvidenceFault::from)?;
        if header.origin != named {
            return Err(EvidenceFault::OtherLog.into());
        }
        let parts = parts
            .into_iter()
            .map(|part| EntryPart::read(part, &header))
            .collect::<Result<_, _>>()?;
        Ok(Self {
            origin: named,
            index,
            header,
            header_bytes,
            parts,
            reserved,
        })
    }
}

impl EntryPart {
    fn read(message: proto::EntryPart, header: &Header) -> Result<Self, ClientError> {
        let proto::EntryPart {
            kind,
            municipality,
            position,
            salt,
            path,
            content,
            items,
        } = message;
        let kind = part_kind(kind, municipality)?;
        let salt = Salt::new(array("salt", &salt)?);
        let index = u16::try_from(position).map_err(|_| Invalid::new("position", Rule::Range))?;
        let proof = PartProof {
            index,
            path: hashes("path", path)?,
        };
        verify_part(&kind, &salt, &content, &proof, &header.body.parts_root)
            .map_err(|_| EvidenceFault::Part)?;
        let items = items
            .into_iter()
            .map(|proto::PartItem { name, value }| (name, value))
            .collect();
        Ok(Self {
            kind,
            content,
            items,
            salt,
            proof,
        })
    }
}

fn part_kind(number: i32, municipality: String) -> Result<PartKind, Invalid> {
    match proto::PartKind::try_from(number) {
        Ok(proto::PartKind::Operator) => Ok(PartKind::Operator),
        Ok(proto::PartKind::Criteria) => Ok(PartKind::Criteria),
        Ok(proto::PartKind::Decision) => Ok(PartKind::Decision),
        Ok(proto::PartKind::Subjects) => MunicipalityId::new(municipality)
            .map(PartKind::Subjects)
            .map_err(|_| Invalid::new("municipality", Rule::Character)),
        Ok(proto::PartKind::AgreementBytes) => Ok(PartKind::AgreementBytes),
        Ok(proto::PartKind::AdministrativeDetail) => Ok(PartKind::AdministrativeDetail),
        Ok(proto::PartKind::PreviousCheckpoint) => Ok(PartKind::PreviousCheckpoint),
        Ok(proto::PartKind::Unspecified) | Err(_) => Err(unknown_value("kind")),
    }
}

/// Parts may hold personal data: debugging output names the kind only.
impl fmt::Debug for EntryPart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EntryPart")
            .field("kind", &self.kind)
            .finish_non_exhaustive()
    }
}
