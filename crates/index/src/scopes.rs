//! Who reads the access log: the configuration says it, and each change of it is an entry.

use std::collections::BTreeMap;

use agreement::peer::SpiffeId;
use ledger::header::EntryKind;
use ledger::part::PartKind;
use store::access_log::AccessLog;
use store::access_log::draft::EntryDraft;
use store::access_log::part_content::{ContentError, DetailPart, PartContent};
use store::access_log::reading::{OpenedPart, ReadError, ReaderScope};

use crate::config::ReaderGrant;
use crate::entry::usual_retention;

/// Why the scopes in force cannot be compared with the last entry.
#[derive(Debug, thiserror::Error)]
pub enum ScopesError {
    /// The log.
    #[error("the last entry of the readers' scopes cannot be read")]
    Read(#[from] ReadError),
    /// Its detail.
    #[error("the last entry of the readers' scopes does not decode")]
    Detail(#[from] ContentError),
}

/// The entry that states the scopes, when they differ from those stated last.
///
/// # Errors
/// See [`ScopesError`].
pub fn changed(
    log: &AccessLog,
    readers: &BTreeMap<SpiffeId, ReaderGrant>,
) -> Result<Option<EntryDraft>, ScopesError> {
    let stated = stated(readers);
    if last_stated(log)?.unwrap_or_default() == stated {
        return Ok(None);
    }
    let draft = EntryDraft::new(EntryKind::ScopeChanged, usual_retention());
    Ok(Some(draft.with(
        PartKind::AdministrativeDetail,
        &DetailPart { details: stated },
    )?))
}

fn stated(readers: &BTreeMap<SpiffeId, ReaderGrant>) -> Vec<(String, String)> {
    readers
        .iter()
        .map(|(id, grant)| {
            let scope = match grant {
                ReaderGrant::Region => "region".to_owned(),
                ReaderGrant::Municipality(municipality) => format!("municipality {}", municipality.as_str()),
                ReaderGrant::Agency(agency) => format!("agency {agency}"),
            };
            (id.to_string(), scope)
        })
        .collect()
}

fn last_stated(log: &AccessLog) -> Result<Option<Vec<(String, String)>>, ScopesError> {
    for index in log.governing_acts().into_iter().rev() {
        let Some(entry) = log.entry(&ReaderScope::Index, index)? else {
            continue;
        };
        if entry.header.body.kind != EntryKind::ScopeChanged {
            continue;
        }
        for part in &entry.parts {
            if let OpenedPart::Shown(opening) = part
                && opening.kind == PartKind::AdministrativeDetail
            {
                return Ok(Some(DetailPart::decode(&opening.content)?.details));
            }
        }
    }
    Ok(None)
}
