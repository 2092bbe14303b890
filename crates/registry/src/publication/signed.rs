//! Batches with the signature of their municipality.

use crate::publication::batch::Batch;
use crate::signing::{Purpose, Signature, SignatureError, SigningKey, VerifyingKey};

/// A batch as it travels: nobody has looked at the signature yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedBatch {
    /// The batch.
    pub batch: Batch,
    /// Made by the publication key over [`Batch::content_id`] and the time of sending.
    pub signature: Signature,
}

/// A batch that the municipality's publication key signed. Only a verification makes one: [`VerifiedBatch::verify`], or
/// [`EnrolledKeys::verify`](super::EnrolledKeys::verify) where there are several keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifiedBatch {
    batch: Batch,
    signature: Signature,
    key: VerifyingKey,
}

impl SignedBatch {
    /// Signs a batch that is about to be sent.
    pub fn sign(batch: Batch, key: &SigningKey) -> Self {
        let signature = key.sign(Purpose::Batch, &message(&batch));
        Self { batch, signature }
    }
}

impl VerifiedBatch {
    /// Proves that the publication key signed the batch.
    ///
    /// # Errors
    /// See [`SignatureError`]; nothing of the batch may then be used.
    pub fn verify(signed: SignedBatch, key: &VerifyingKey) -> Result<Self, SignatureError> {
        Self::verify_any(signed, std::iter::once(key))
    }

    /// The same with any of several keys.
    pub(super) fn verify_any<'a>(
        signed: SignedBatch,
        mut keys: impl Iterator<Item = &'a VerifyingKey>,
    ) -> Result<Self, SignatureError> {
        let SignedBatch { batch, signature } = signed;
        let message = message(&batch);
        let signer = keys.find(|key| key.verify(Purpose::Batch, &message, &signature).is_ok());
        Ok(Self {
            key: *signer.ok_or(SignatureError)?,
            batch,
            signature,
        })
    }

    /// The batch.
    pub fn batch(&self) -> &Batch {
        &self.batch
    }

    /// The signature: evidence of who published it.
    pub fn signature(&self) -> &Signature {
        &self.signature
    }

    /// The key that made it.
    pub fn key(&self) -> VerifyingKey {
        self.key
    }
}

/// Content and time of sending: what a batch sent again renews is signed again.
fn message(batch: &Batch) -> Vec<u8> {
    let mut bytes = batch.content_id().as_bytes().to_vec();
    bytes.extend_from_slice(&batch.sent_at_ms().to_be_bytes());
    bytes
}
