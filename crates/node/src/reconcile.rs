//! Proof that node and index hold the same cards, and what to do where they do not.
//!
//! The digests of both sides are compared, bucket by bucket; of the buckets that differ the index lists its cards by
//! local id and digest, and the node finds which of them are not what its journal says. Mending means publishing those
//! cards again, as new changes: the index's history keeps what it served before. Nothing but local ids of the node's
//! own municipality is shown, and only here.

use std::collections::{BTreeMap, BTreeSet};

use client::error::{ClientError, SetupError};
use client::node::{CardPage, Comparison, NodeClient, Rejection};
use client::page::PageRequest;
use registry::digest::{Bucket, CardDigest, SetDigest};
use registry::identifier::{IstatCode, LocalId};
use registry::publication::{Epoch, Watermark};
use serde::{Deserialize, Serialize};
use store::municipal::aside::KeptAside;
use store::municipal::reconcile::{Difference, DifferenceKind};
use store::municipal::{MunicipalError, MunicipalStore};
use tokio::task::JoinError;

use crate::profile::{adopt, told_or_nothing};
use crate::storage::Storage;

/// What becomes of cards that differ.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mending {
    /// They are shown.
    #[default]
    ShowOnly,
    /// They are shown and published again.
    PublishAgain,
}

/// What was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ReconcileReport {
    /// Change at which both sides were compared.
    pub sequence: u64,
    /// Buckets that differ, of 1,024.
    pub buckets: usize,
    /// Changes that the index keeps aside.
    pub kept_aside: usize,
    /// Cards that differ.
    pub differences: Vec<DifferingCard>,
    /// Changes journalled to mend them; they are published next.
    pub published_again: u64,
}

/// A card that differs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DifferingCard {
    /// The municipality's number of the card.
    pub local_id: String,
    /// How: `only-here`, `only-at-index`, `other`, `kept-aside`.
    pub difference: &'static str,
}

/// Why there is no comparison.
#[derive(Debug, thiserror::Error)]
pub enum ReconcileError {
    /// The node's own configuration.
    #[error("no connection can be made")]
    Setup(#[from] SetupError),
    /// The index or the way to it.
    #[error(transparent)]
    Index(#[from] ClientError),
    /// Journal, mirror or list of changes kept aside.
    #[error("the node's store cannot be used")]
    Store(#[from] MunicipalError),
    /// Changes are still under way: compare when everything is acknowledged.
    #[error("the index holds changes up to {} and shows them up to {}, the journal goes up to {journal_end}", watermark.0, visible.0)]
    UnderWay {
        /// What the index holds.
        watermark: Watermark,
        /// What its answers show.
        visible: Watermark,
        /// What the journal holds.
        journal_end: u64,
    },
    /// The index moved on while its cards were listed.
    #[error("the index moved on while it was compared: compare again")]
    MovedOn,
    /// A task of the node broke.
    #[error("a task of the node broke")]
    Task(#[from] JoinError),
}

/// The journal's end, and the digest that the index must then have.
pub(crate) struct Expected {
    pub(crate) sequence: u64,
    pub(crate) digest: SetDigest,
}

/// Takes over the index's list of changes that it keeps aside, and says what the index must hold.
pub(crate) async fn expected(
    client: &NodeClient,
    municipality: IstatCode,
    storage: &Storage,
) -> Result<Expected, ReconcileError> {
    {
        let _hearing = storage.hearing().await;
        let state = client.get_state(municipality).await?;
        adopt(storage, told_or_nothing(state.profile)).await?;
    }
    let kept = kept_aside(client, municipality).await?;
    blocking(storage, move |store| {
        store.keep_aside(kept)?;
        Ok(Expected {
            sequence: store.last_sequence(),
            digest: store.served_digest()?,
        })
    })
    .await
}

/// Compares a municipality's cards with the index's, and mends what differs where that is wanted.
///
/// # Errors
/// See [`ReconcileError`]; nothing was journalled.
pub async fn reconcile(
    client: &NodeClient,
    municipality: IstatCode,
    storage: &Storage,
    mending: Mending,
) -> Result<ReconcileReport, ReconcileError> {
    let Expected { sequence, digest } = expected(client, municipality, storage).await?;
    let state = client.get_state(municipality).await?;
    let at = Watermark(sequence);
    if (state.watermark, state.visible) != (at, at) {
        return Err(ReconcileError::UnderWay {
            watermark: state.watermark,
            visible: state.visible,
            journal_end: sequence,
        });
    }
    let compared = client.compare_digests(municipality, state.epoch, at, &digest);
    let buckets: BTreeSet<Bucket> = match compared.await? {
        Comparison::Equal => BTreeSet::new(),
        Comparison::Different(buckets) => buckets.into_iter().collect(),
        Comparison::NotComparable(_) => return Err(ReconcileError::MovedOn),
    };
    let listed = listed(client, municipality, state.epoch, at, &buckets).await?;
    let count = buckets.len();
    let found = blocking(storage, move |store| {
        let differences = store.differences(&buckets, &listed)?;
        // What an import added meanwhile is published by itself and differs for that reason.
        let moved_on = store.last_sequence() != sequence;
        let published_again = match mending {
            Mending::PublishAgain if !moved_on => store.publish_again(&differences)?,
            Mending::PublishAgain | Mending::ShowOnly => 0,
        };
        let kept_aside = store.kept_aside().len();
        Ok((!moved_on).then_some((differences, kept_aside, published_again)))
    });
    let (differences, kept_aside, published_again) = found.await?.ok_or(ReconcileError::MovedOn)?;
    Ok(ReconcileReport {
        sequence,
        buckets: count,
        kept_aside,
        differences: differences.into_iter().map(DifferingCard::from).collect(),
        published_again,
    })
}

/// All cards of the index in these buckets.
async fn listed(
    client: &NodeClient,
    municipality: IstatCode,
    epoch: Epoch,
    sequence: Watermark,
    buckets: &BTreeSet<Bucket>,
) -> Result<BTreeMap<LocalId, CardDigest>, ReconcileError> {
    let mut cards = BTreeMap::new();
    let mut more = !buckets.is_empty();
    while more {
        let after = cards.last_key_value().map(|(last, _)| last);
        let page = client.list_cards(municipality, epoch, sequence, buckets, after);
        let CardPage {
            cards: page,
            more: others,
        } = page.await?.ok_or(ReconcileError::MovedOn)?;
        more = others && !page.is_empty();
        cards.extend(page);
    }
    Ok(cards)
}

async fn kept_aside(client: &NodeClient, municipality: IstatCode) -> Result<Vec<KeptAside>, ReconcileError> {
    let mut kept = Vec::new();
    let mut request = PageRequest {
        size: Some(1_000),
        after: None,
    };
    loop {
        let page = client.list_rejections(municipality, &request).await?;
        kept.extend(page.items.into_iter().map(|rejection| {
            let Rejection {
                sequence,
                local_id,
                code,
                field,
                rejected_ms,
            } = rejection;
            KeptAside {
                sequence,
                local_id,
                code,
                field,
                at_ms: rejected_ms,
            }
        }));
        match page.next {
            Some(next) => request.after = Some(next),
            None => return Ok(kept),
        }
    }
}

async fn blocking<T: Send + 'static>(
    storage: &Storage,
    work: impl FnOnce(&mut MunicipalStore) -> Result<T, MunicipalError> + Send + 'static,
) -> Result<T, ReconcileError> {
    let storage = storage.clone();
    Ok(tokio::task::spawn_blocking(move || work(&mut storage.store())).await??)
}

impl From<Difference> for DifferingCard {
    fn from(difference: Difference) -> Self {
        let Difference { local_id, kind } = difference;
        Self {
            local_id: local_id.to_string(),
            difference: match kind {
                DifferenceKind::OnlyHere => "only-here",
                DifferenceKind::OnlyAtIndex => "only-at-index",
                DifferenceKind::Other => "other",
                DifferenceKind::KeptAside => "kept-aside",
            },
        }
    }
}
