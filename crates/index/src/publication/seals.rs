//! Seals that a registrar has confirmed: the node is told of them, and says so to an index that has lost it.

use registry::publication::ProvedSeal;
use store::record_store::RecordStore;
use wire::proto::publication::v1 as pb;
use wire::proto::publication::v1::publish_response::Message;

use super::{OwnMunicipality, Publication};

/// Of how many seals the node was told on a stream.
#[derive(Debug, Default)]
pub(super) struct SealsTold(usize);

impl<S: RecordStore> Publication<S> {
    /// Takes the node's word for what is proved of it.
    pub(super) fn recall_seals(&self, own: OwnMunicipality, shown: Vec<ProvedSeal>) {
        let unproved = self.shared.store.recall_seals(own.id, shown);
        if unproved != 0 {
            tracing::warn!(
                municipality = own.id.as_str(),
                unproved,
                "a node shows confirmations of seals that are not this index's"
            );
        }
    }

    /// The answer with the seals that were confirmed since the node was last told.
    pub(super) fn with_seals(
        &self,
        own: Option<OwnMunicipality>,
        told: &mut SealsTold,
        mut answer: Message,
    ) -> Message {
        let confirmed = own.map(|own| self.shared.store.confirmed_seals(own.id));
        let confirmed = confirmed.unwrap_or_default();
        let (place, news) = match &mut answer {
            Message::Opened(pb::PublishOpened { confirmed_seals, .. }) => (confirmed_seals, 0),
            Message::Acknowledged(pb::PublishAcknowledged { confirmed_seals, .. }) => {
                (confirmed_seals, told.0)
            }
        };
        told.0 = confirmed.len();
        place.extend(confirmed.into_iter().skip(news).map(Into::into));
        answer
    }
}
