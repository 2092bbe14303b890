//! What a node shows when it opens a stream, and what becomes of it where acknowledged changes are lost.

use registry::publication::{Accepted, AcknowledgementProof, Claim, Epoch, Watermark};
use store::publisher::{NewLine, Standing};
use store::record_store::RecordStore;
use tonic::Status;
use wire::convert::{Invalid, Rule, epoch_from_wire};
use wire::proto::publication::v1 as pb;
use wire::status::status_for;

use crate::publication::{OwnMunicipality, Publication, refusal_of};

impl<S: RecordStore> Publication<S> {
    /// What the entry says of a loss: numbers of changes, and no epoch, which is nobody's business.
    pub(super) fn loss(&self, own: OwnMunicipality, claim: &Claim) -> [(String, String); 3] {
        let state = self.shared.store.municipality(own.id);
        let held = state.map_or_else(Watermark::default, |state| state.watermark);
        [
            ("new_epoch".to_owned(), "acknowledged changes are lost".to_owned()),
            ("acknowledged".to_owned(), claim.watermark.0.to_string()),
            ("held".to_owned(), held.0.to_string()),
        ]
    }

    pub(super) async fn begin_line(&self, own: OwnMunicipality, claim: Claim) -> Result<Standing, Status> {
        let shared = &self.shared;
        let begun = shared
            .store
            .begin_line(
                own.id,
                shared.new_epoch(),
                NewLine::Claimed(claim),
                shared.clock.now_ms(),
            )
            .await;
        begun.map_err(|error| {
            let (reason, details) = refusal_of(&error);
            status_for(reason, details)
        })
    }
}

pub(super) fn accepted_to_wire(accepted: Accepted) -> pb::AcceptedBatch {
    let Accepted {
        first_sequence,
        last_sequence,
        content,
    } = accepted;
    pb::AcceptedBatch {
        first_sequence,
        last_sequence,
        content: content.as_bytes().to_vec(),
    }
}

/// What a node shows of its last acknowledgement; a proof without an epoch belongs to nothing.
pub(super) fn claim_of(epoch: &[u8], acknowledged: u64, proof: &[u8]) -> Result<Option<Claim>, Invalid> {
    let epoch: Option<Epoch> = match epoch {
        [] => None,
        bytes => Some(epoch_from_wire("open.epoch", bytes)?),
    };
    let proof: Option<[u8; AcknowledgementProof::LENGTH]> = match proof {
        [] => None,
        bytes => {
            let bytes = bytes.try_into();
            Some(bytes.map_err(|_| Invalid::new("open.proof", Rule::Bytes(AcknowledgementProof::LENGTH)))?)
        }
    };
    match (epoch, proof) {
        (Some(epoch), Some(proof)) => Ok(Some(Claim {
            epoch,
            watermark: Watermark(acknowledged),
            proof: AcknowledgementProof::from_bytes(proof),
        })),
        (None, Some(_)) => Err(Invalid::new("open.proof", Rule::Unexpected)),
        (_, None) => Ok(None),
    }
}
