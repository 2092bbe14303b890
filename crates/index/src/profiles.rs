//! Publication profiles: what a municipality publishes is what agreements in force open over it, and nothing more.
//!
//! Whether the two still agree is looked at when the index starts, with every activation and revocation, when a node
//! asks or opens a stream, and every hour, because agreements also begin and end by their days. Where they do not, an
//! entry of the access log comes first, and then what left is gone from the rows.

use std::collections::BTreeMap;
use std::sync::Arc;

use agreement::reason::Reason;
use ledger::header::EntryKind;
use ledger::part::PartKind;
use registry::municipality::MunicipalityId;
use registry::profile::{GroupSet, Profile};
use store::access_log::draft::EntryDraft;
use store::access_log::part_content::DetailPart;
use store::record_store::RecordStore;
use tonic::Status;
use wire::status::{Details, status_for};

use crate::entry::{told_ok, usual_retention};
use crate::publication::refusal_of;
use crate::shared::Shared;

impl<S: RecordStore> Shared<S> {
    /// What a municipality publishes now: brought up to the agreements in force, and durable when this answers.
    ///
    /// # Errors
    /// The status for a caller who must come back; what is published is what was published.
    pub(crate) async fn profile_of(&self, municipality: MunicipalityId) -> Result<Profile, Status> {
        let mut profiles = self.bring_up(&[municipality]).await?;
        let withdrawn = || status_for(Reason::MunicipalityWithdrawn, Details::none());
        profiles.remove(&municipality).ok_or_else(withdrawn)
    }

    /// Brings the profile of every municipality of which anything is held up to the agreements in force. What fails is
    /// tried again with the next look.
    pub(crate) async fn look_at_profiles(&self) {
        if let Err(status) = self.bring_up(&self.store.municipalities()).await {
            tracing::error!(code = %status.code(), "publication profiles could not be changed");
        }
    }

    async fn bring_up(&self, of: &[MunicipalityId]) -> Result<BTreeMap<MunicipalityId, Profile>, Status> {
        // One at a time: whoever comes last sees the agreements as they are then.
        let _order = self.profiles_change.lock().await;
        let agreements = self.agreements.load_full();
        let mut profiles = BTreeMap::new();
        let mut wanted = Vec::new();
        for &municipality in of {
            let groups = agreements.groups_over(municipality, self.moment());
            let current = self.store.profile(municipality);
            if let Some(current) = current.filter(|current| current.groups() == groups) {
                profiles.insert(municipality, current);
                continue;
            }
            let slot = self.reserve()?;
            self.enter(slot, changed(municipality, current, groups)?).await?;
            wanted.push((municipality, groups));
        }
        if !wanted.is_empty() {
            let set = self.store.set_profiles(wanted, self.clock.now_ms()).await;
            profiles.extend(set.map_err(|error| {
                let (reason, details) = refusal_of(&error);
                status_for(reason, details)
            })?);
        }
        Ok(profiles)
    }
}

/// Looks at the profiles beside whatever else is done; the index stops only after it.
pub(crate) fn look_beside<S: RecordStore>(shared: &Arc<Shared<S>>) {
    let looking = Arc::clone(shared);
    shared
        .tasks
        .spawn(async move { looking.look_at_profiles().await });
}

fn changed(
    municipality: MunicipalityId,
    before: Option<Profile>,
    groups: GroupSet,
) -> Result<EntryDraft, Status> {
    let mut draft = EntryDraft::new(EntryKind::Publication, usual_retention());
    draft.header.outcome = told_ok();
    let before = before.map_or_else(|| "undeclared".to_owned(), |before| before.groups().to_string());
    let details = vec![
        ("act".to_owned(), "profile".to_owned()),
        ("municipality".to_owned(), istat_of(municipality)),
        ("before".to_owned(), before),
        ("groups".to_owned(), groups.to_string()),
    ];
    draft
        .with(PartKind::AdministrativeDetail, &DetailPart { details })
        .map_err(|_| status_for(Reason::Internal, Details::none()))
}

/// As other entries name a municipality: by its ISTAT code of today, or by its cadastral code where it has none.
fn istat_of(municipality: MunicipalityId) -> String {
    let code = municipality.current().and_then(|current| current.istat());
    code.map_or_else(|| municipality.as_str().to_owned(), |code| code.to_string())
}
