//! What a node publishes of its cards: what the index says is agreed, within what the municipality itself admits.
//!
//! The node asks before it imports and hears when a stream opens, with acknowledgements and once a day; what left
//! publication is then gone from its mirror and from everything that it sends.

use std::time::Duration;

use client::node::NodeClient;
use registry::identifier::IstatCode;
use registry::profile::{GroupSet, Profile};
use serde::Serialize;
use store::municipal::profile::ProfileStatus;

use crate::publisher::{Connect, LinkStatus, PublisherHandle};
use crate::reconcile::ReconcileError;
use crate::storage::Storage;

/// How long an import waits for the index's word; without it, what was heard last counts.
const PATIENCE: Duration = Duration::from_secs(2);

/// Asks the index what is agreed. Clones ask the same.
#[derive(Clone)]
pub(crate) struct Asking {
    pub(crate) connect: Connect,
    pub(crate) municipality: IstatCode,
    pub(crate) storage: Storage,
    pub(crate) publisher: PublisherHandle,
}

/// The profile for people and machines.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ProfileReport {
    /// Groups that agreements open, as the index said last; nothing while it never said.
    pub agreed: Option<Vec<&'static str>>,
    /// Groups that the municipality itself admits.
    pub own: Vec<&'static str>,
    /// Groups that are published; nothing while the index never said what is agreed, so that nothing is published.
    pub effective: Option<Vec<&'static str>>,
    /// Published groups of which the cards hold nothing yet: a total export brings them.
    pub awaited: Vec<&'static str>,
}

impl std::fmt::Debug for Asking {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Asking")
            .field("municipality", &self.municipality)
            .finish_non_exhaustive()
    }
}

impl Asking {
    /// Asks, and takes over what the index says.
    ///
    /// # Errors
    /// See [`ReconcileError`]; what was heard last still counts.
    pub(crate) async fn ask(&self) -> Result<(), ReconcileError> {
        let client = NodeClient::new((self.connect)()?);
        let _hearing = self.storage.hearing().await;
        let state = client.get_state(self.municipality).await?;
        adopt(&self.storage, told_or_nothing(state.profile)).await
    }

    /// The same before an import, which goes on without an answer; where the way to the index is known to be broken,
    /// nobody is asked.
    pub(crate) async fn before_import(&self) {
        match self.publisher.status().link {
            LinkStatus::Starting | LinkStatus::Publishing | LinkStatus::Idle => {}
            LinkStatus::Waiting { .. } | LinkStatus::Stopped { .. } | LinkStatus::Ended => return,
        }
        let error = match tokio::time::timeout(PATIENCE, self.ask()).await {
            Ok(Ok(())) => return,
            Ok(Err(error)) => error.to_string(),
            Err(elapsed) => elapsed.to_string(),
        };
        tracing::warn!(
            error,
            "the index does not say what is agreed: what it said last counts"
        );
    }
}

impl From<ProfileStatus> for ProfileReport {
    fn from(status: ProfileStatus) -> Self {
        let names = |groups: GroupSet| groups.iter().map(|group| group.name()).collect();
        let effective = status.effective().map(names);
        let ProfileStatus {
            agreed,
            number: _,
            own,
            awaited,
        } = status;
        Self {
            agreed: agreed.map(names),
            own: names(own),
            effective,
            awaited: names(awaited),
        }
    }
}

/// An index of an earlier version does not say what is agreed: then nothing is that depends on it.
pub(crate) fn told_or_nothing(profile: Option<Profile>) -> Profile {
    profile.unwrap_or_else(|| Profile::first(GroupSet::NONE))
}

/// Takes over what the index says is agreed, in answer to a question that was asked under [`Storage::hearing`].
pub(crate) async fn adopt(storage: &Storage, profile: Profile) -> Result<(), ReconcileError> {
    take_over(storage, profile, |_| true).await
}

/// Takes over what the index says is agreed beside something else: where more was heard meanwhile, that counts.
pub(crate) async fn adopt_later(storage: &Storage, profile: Profile) -> Result<(), ReconcileError> {
    let is_later = move |known: &ProfileStatus| known.number < Some(profile.number());
    let _hearing = storage.hearing().await;
    take_over(storage, profile, is_later).await
}

async fn take_over(
    storage: &Storage,
    profile: Profile,
    counts: impl FnOnce(&ProfileStatus) -> bool + Send + 'static,
) -> Result<(), ReconcileError> {
    let storage = storage.clone();
    let adopting = tokio::task::spawn_blocking(move || {
        let mut store = storage.store();
        let before = store.profile();
        let left = counts(&before) && store.adopt_profile(profile)?;
        Ok::<_, ReconcileError>((before, store.profile(), left))
    });
    let (before, after, left) = adopting.await??;
    if before != after {
        tracing::info!(
            agreed = %profile.groups(),
            "the index says what municipality and agreements publish"
        );
    }
    if left {
        tracing::info!("what left publication is gone from the mirror, and is sent no more");
    }
    if !after.awaited.is_subset(before.awaited) {
        tracing::warn!(
            groups = %after.awaited,
            "the publication profile was widened: import a total export"
        );
    }
    Ok(())
}
