//! What a reader may read, as it is told.

use wire::proto::audit::v1 as pb;

use crate::config::ReaderGrant;

/// The scope of a grant.
pub(super) fn message(grant: &ReaderGrant) -> pb::ReadingScope {
    let (kind, municipality, agency) = match grant {
        ReaderGrant::Region => (pb::ScopeKind::Region, String::new(), String::new()),
        ReaderGrant::Municipality(id) => (pb::ScopeKind::Municipality, id.as_str().to_owned(), String::new()),
        ReaderGrant::Agency(agency) => (pb::ScopeKind::Agency, String::new(), agency.to_string()),
    };
    pb::ReadingScope {
        kind: kind.into(),
        municipality,
        agency,
    }
}
