//! Where a node's cards and the index's differ: the index's, by digest.

use std::collections::BTreeSet;
use std::sync::Arc;

use agreement::reason::Reason;
use registry::digest::{Bucket, CardDigest, DIGEST_VERSION};
use registry::identifier::LocalId;
use store::record_store::{ReadError, RecordStore};
use tonic::Status;
use wire::convert::{Invalid, Rule, epoch_from_wire};
use wire::proto::publication::v1 as pb;
use wire::status::{Details, invalid_argument, status_for};

use crate::entry::Call;
use crate::publication::{OwnMunicipality, Publication};
use crate::shared::Shared;

/// Cards in one answer: as many fit into a message.
const LISTED_CARDS: usize = 10_000;

impl<S: RecordStore> Publication<S> {
    /// Lists local id and digest of the municipality's cards in some buckets; an entry of the log says so.
    pub(super) async fn list(
        &self,
        call: &Call,
        request: pb::ListCardsRequest,
    ) -> Result<pb::ListCardsResponse, Status> {
        let pb::ListCardsRequest {
            municipality,
            epoch,
            sequence,
            digest_version,
            buckets,
            after,
        } = request;
        let own = self.own(call, "municipality", &municipality)?;
        let invalid = |invalid: Invalid| invalid_argument(&invalid);
        let epoch = epoch_from_wire("epoch", &epoch).map_err(invalid)?;
        let buckets = buckets_of(&buckets).map_err(invalid)?;
        let after = match after.as_str() {
            "" => None,
            text => Some(LocalId::parse(text).map_err(|error| invalid(Invalid::new("after", error)))?),
        };
        let comparable =
            epoch == self.shared.store.epoch(own.id) && digest_version == u32::from(DIGEST_VERSION);
        let facts = vec![
            ("act".to_owned(), "list-cards".to_owned()),
            ("buckets".to_owned(), buckets.len().to_string()),
        ];
        self.enter(call, Some(own), facts, None).await?;
        let listed = if comparable {
            self.list_own_cards(own, sequence, buckets, after).await?
        } else {
            None
        };
        let state = self.shared.store.municipality(own.id);
        let visible = state.map_or(0, |state| state.visible.0);
        let Some(mut cards) = listed else {
            return Ok(pb::ListCardsResponse {
                sequence: visible,
                cards: Vec::new(),
                more: false,
                comparable: false,
            });
        };
        let more = LISTED_CARDS < cards.len();
        cards.truncate(LISTED_CARDS);
        Ok(pb::ListCardsResponse {
            sequence,
            cards,
            more,
            comparable: true,
        })
    }

    /// Lists cards where nothing of the municipality is under way before and after the reading.
    async fn list_own_cards(
        &self,
        own: OwnMunicipality,
        sequence: u64,
        buckets: BTreeSet<Bucket>,
        after: Option<LocalId>,
    ) -> Result<Option<Vec<pb::CardDigest>>, Status> {
        let _one_at_a_time = self.shared.listing.lock().await;
        let shared = Arc::clone(&self.shared);
        let settled = move |shared: &Shared<S>| {
            let state = shared.store.municipality(own.id);
            let (watermark, visible) = state.map_or((0, 0), |state| (state.watermark.0, state.visible.0));
            watermark == sequence && visible == sequence
        };
        let read = tokio::task::spawn_blocking(move || {
            if !settled(&shared) {
                return Ok(None);
            }
            let cards = shared
                .store
                .own_cards(own.id, &buckets, after.as_ref(), LISTED_CARDS + 1)?;
            Ok::<_, ReadError>(settled(&shared).then_some(cards))
        });
        let cards = match read.await {
            Ok(Ok(cards)) => cards,
            Ok(Err(error)) => {
                tracing::error!(error = &error as &dyn std::error::Error, "cards cannot be listed");
                return Err(status_for(Reason::Internal, Details::none()));
            }
            Err(error) => {
                tracing::error!(panicked = error.is_panic(), "cards cannot be listed");
                return Err(status_for(Reason::Internal, Details::none()));
            }
        };
        Ok(cards.map(|cards| {
            let message = |(local_id, digest): (LocalId, CardDigest)| pb::CardDigest {
                local_id: local_id.to_string(),
                digest: digest.as_bytes().to_vec(),
            };
            cards.into_iter().map(message).collect()
        }))
    }
}

/// The buckets asked for, ascending and each once.
fn buckets_of(numbers: &[u32]) -> Result<BTreeSet<Bucket>, Invalid> {
    let range = || Invalid::new("buckets", Rule::Range);
    if numbers.is_empty() || !numbers.is_sorted_by(|one, next| one < next) {
        return Err(range());
    }
    numbers
        .iter()
        .map(|number| {
            u16::try_from(*number)
                .ok()
                .and_then(Bucket::new)
                .ok_or_else(range)
        })
        .collect()
}
