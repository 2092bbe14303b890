//! What an auditor may read.

use std::fmt;

use agreement::peer::SpiffeId;
use registry::municipality::MunicipalityId;
use wire::convert::{Invalid, Rule};
use wire::proto::audit::v1 as proto;

use crate::convert::unknown_value;

/// Scope of an auditor, as the index is configured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReadingScope {
    /// Everything.
    Region,
    /// Entries that name this municipality.
    Municipality(MunicipalityId),
    /// Entries of this agency.
    Agency(SpiffeId),
}

impl ReadingScope {
    pub(super) fn read(message: proto::ReadingScope) -> Result<Self, Invalid> {
        let proto::ReadingScope {
            kind,
            municipality,
            agency,
        } = message;
        match proto::ScopeKind::try_from(kind) {
            Ok(proto::ScopeKind::Region) => Ok(Self::Region),
            Ok(proto::ScopeKind::Municipality) => MunicipalityId::parse(&municipality)
                .map(Self::Municipality)
                .ok_or_else(|| Invalid::new("scope.municipality", Rule::Character)),
            Ok(proto::ScopeKind::Agency) => SpiffeId::parse(&agency)
                .map(Self::Agency)
                .map_err(|_| Invalid::new("scope.agency", Rule::Character)),
            Ok(proto::ScopeKind::Unspecified) | Err(_) => Err(unknown_value("scope.kind")),
        }
    }
}

/// `region`, `municipality E289`, `agency spiffe://…`.
impl fmt::Display for ReadingScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Region => f.write_str("region"),
            Self::Municipality(id) => write!(f, "municipality {id}"),
            Self::Agency(id) => write!(f, "agency {id}"),
        }
    }
}
