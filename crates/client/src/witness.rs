//! What a witness does, and whoever holds a receipt and wants it witnessed.
//!
//! Nothing that comes back is verified here: a witness checks it against what it remembers
//! ([`ledger::witness::WitnessMemory`]), the holder of a receipt against its policy ([`Receipt::upgraded`]).

use ledger::checkpoint::{NoteSignature, SignedCheckpoint};
use ledger::hash::Hash;
use ledger::policy::Policy;
use ledger::receipt::Receipt;
use wire::convert::{Invalid, Rule};
use wire::proto::witness::v1 as proto;
use wire::proto::witness::v1::witness_service_client::WitnessServiceClient as Service;

use crate::connection::{Connection, Repeat};
use crate::convert::{array, each};
use crate::error::{ClientError, EvidenceFault};

/// The side of witnesses and holders of receipts. Clones share the connection.
#[derive(Clone, Debug)]
pub struct WitnessClient {
    connection: Connection,
}

/// What became of a cosignature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Submitted {
    /// Witnesses that have cosigned the checkpoint.
    pub cosignatures: u32,
    /// Whether they are as many as the index demands.
    pub witnessed: bool,
}

/// What makes a receipt a witnessed one; not verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upgrade {
    /// A checkpoint at or after the receipt's, with its cosignatures.
    pub checkpoint: SignedCheckpoint,
    /// Inclusion path of the receipt's entry in its tree.
    pub inclusion: Vec<Hash>,
    /// Proof that its tree continues that of the receipt's own checkpoint.
    pub consistency: Vec<Hash>,
}

impl WitnessClient {
    /// A client over a connection with the certificate of a node, an auditor or an agency.
    pub fn new(connection: Connection) -> Self {
        Self { connection }
    }

    /// The checkpoint that witnesses cosign now, with the cosignatures that it has.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn offered(&self) -> Result<SignedCheckpoint, ClientError> {
        let message = proto::GetCheckpointRequest {
            origin: String::new(),
        };
        let answer = self
            .connection
            .call(Repeat::Safe, message, |channel, request| async move {
                Service::new(channel).get_checkpoint(request).await
            })
            .await?;
        let proto::GetCheckpointResponse {
            origin: _,
            size,
            checkpoint,
            witnessed_size: _,
        } = answer;
        let signed = SignedCheckpoint::parse(&checkpoint).map_err(EvidenceFault::from)?;
        if signed.checkpoint().size != size {
            return Err(Invalid::new("size", Rule::Contradicts("checkpoint")).into());
        }
        Ok(signed)
    }

    /// Proof that the tree of `second_size` entries continues that of `first_size`.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn consistency_proof(
        &self,
        first_size: u64,
        second_size: u64,
    ) -> Result<Vec<Hash>, ClientError> {
        let message = proto::GetConsistencyProofRequest {
            origin: String::new(),
            first_size,
            second_size,
        };
        let answer = self
            .connection
            .call(Repeat::Safe, message, |channel, request| async move {
                Service::new(channel).get_consistency_proof(request).await
            })
            .await?;
        Ok(hashes("path", answer.path)?)
    }

    /// Hands in a cosignature of the checkpoint of `size` entries. It is durable when this answers.
    ///
    /// # Errors
    /// `WITNESS_CONFLICT` when the index offered another checkpoint of this size; see [`ClientError`].
    pub async fn submit(&self, size: u64, cosignature: &NoteSignature) -> Result<Submitted, ClientError> {
        let message = proto::SubmitCosignatureRequest {
            origin: String::new(),
            size,
            cosignature: cosignature.to_line(),
        };
        let answer = self
            .connection
            .call(Repeat::Safe, message, |channel, request| async move {
                Service::new(channel).submit_cosignature(request).await
            })
            .await?;
        let proto::SubmitCosignatureResponse {
            cosignatures,
            witnessed,
        } = answer;
        Ok(Submitted {
            cosignatures,
            witnessed,
        })
    }

    /// What makes the receipt of entry `index`, under the checkpoint of `first_size` entries, a witnessed one.
    ///
    /// # Errors
    /// `NOT_WITNESSED_YET` while no checkpoint at or after it is; `LOG_RANGE` when the log is smaller than the receipt
    /// says it was; see [`ClientError`].
    pub async fn receipt_upgrade(&self, index: u64, first_size: u64) -> Result<Upgrade, ClientError> {
        let message = proto::GetReceiptUpgradeRequest {
            origin: String::new(),
            index,
            first_size,
        };
        let answer = self
            .connection
            .call(Repeat::Safe, message, |channel, request| async move {
                Service::new(channel).get_receipt_upgrade(request).await
            })
            .await?;
        let proto::GetReceiptUpgradeResponse {
            origin: _,
            checkpoint,
            inclusion_path,
            consistency_path,
        } = answer;
        Ok(Upgrade {
            checkpoint: SignedCheckpoint::parse(&checkpoint).map_err(EvidenceFault::from)?,
            inclusion: hashes("inclusion_path", inclusion_path)?,
            consistency: hashes("consistency_path", consistency_path)?,
        })
    }

    /// The receipt of the same entry under a witnessed checkpoint, verified under the policy.
    ///
    /// # Errors
    /// [`ClientError::Evidence`] when the log does not continue that of the receipt, or the witnesses are not those of
    /// the policy; else see [`Self::receipt_upgrade`].
    pub async fn upgraded(&self, receipt: &Receipt, policy: &Policy) -> Result<Receipt, ClientError> {
        let own = SignedCheckpoint::parse(&receipt.checkpoint).map_err(EvidenceFault::from)?;
        let Upgrade {
            checkpoint,
            inclusion,
            consistency,
        } = self.receipt_upgrade(receipt.index, own.checkpoint().size).await?;
        let upgraded = receipt.upgraded(policy, &checkpoint, inclusion, &consistency);
        Ok(upgraded.map_err(EvidenceFault::from)?)
    }
}

fn hashes(field: &str, path: Vec<Vec<u8>>) -> Result<Vec<Hash>, Invalid> {
    each(field, path, |hash| array("", &hash).map(Hash::new))
}
