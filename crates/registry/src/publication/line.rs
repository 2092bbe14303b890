//! Lines of history: how an index that lost acknowledged changes learns of it, once for each loss.
//!
//! Whoever acknowledges proves it: an [`AcknowledgementProof`] is a MAC over municipality, epoch, watermark and instant
//! under a key that the index alone has. A node keeps the newest and shows it as a [`Claim`] when it opens a stream. A
//! proved claim to more than the index holds means that the index was restored from an older copy, and only then does
//! the municipality's line of history end and a new [`Epoch`] begin.
//!
//! A line answers for every loss before it: no acknowledgement given before a line began can end that line. So neither
//! a second node of the municipality nor one that shows every proof it ever got begins another, and there are never
//! more epochs than there were losses, whatever a node sends.

use std::fmt;

use aws_lc_rs::hmac;

use crate::municipality::MunicipalityId;
use crate::publication::batch::{Epoch, Watermark};

const LABEL: &[u8] = b"ponte acknowledgement v1";

/// Makes and checks proofs of acknowledgement. The index alone has it.
pub struct AcknowledgementKey(pub(super) hmac::Key);

/// The instant of an acknowledgement (8 bytes, Unix milliseconds, big-endian) and HMAC-SHA-256 over
/// `"ponte acknowledgement v1" ‖ cadastral code (4) ‖ epoch (16) ‖ watermark (8, big-endian) ‖ instant (8)`. To a node
/// they are bytes to keep.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct AcknowledgementProof([u8; Self::LENGTH]);

/// What a node says was acknowledged to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Claim {
    /// Under which epoch.
    pub epoch: Epoch,
    /// Up to which change.
    pub watermark: Watermark,
    /// What came with the acknowledgement.
    pub proof: AcknowledgementProof,
}

/// What a claim means for a line of history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The index holds all that is claimed, or began the present line since: it knows of the loss.
    Held,
    /// No acknowledgement of this index: it proves nothing and changes nothing.
    Unproved,
    /// It was acknowledged, and the index does not hold it any more: a new line must begin.
    Lost,
}

/// Why a line of history begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// A node proved that acknowledged changes are gone. The index holds what it holds.
    Loss {
        /// Epoch of the proved acknowledgement.
        epoch: Epoch,
        /// How far it went.
        watermark: Watermark,
    },
    /// An administrator accepted a journal that ends before what the index holds: the node's was lost or restored.
    ShorterJournal,
}

/// A municipality's line of history at the index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line {
    epoch: Epoch,
    began_ms: Option<u64>,
}

impl AcknowledgementKey {
    /// The key from 32 secret bytes.
    pub fn new(secret: &[u8; 32]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, secret))
    }

    /// Proof that everything up to `watermark` was acknowledged under `epoch` at the index's time `now_ms`.
    pub fn prove(
        &self,
        municipality: MunicipalityId,
        epoch: Epoch,
        watermark: Watermark,
        now_ms: u64,
    ) -> AcknowledgementProof {
        let tag = hmac::sign(&self.0, &message(municipality, epoch, watermark, now_ms));
        let mut proof = [0; AcknowledgementProof::LENGTH];
        let (instant, mac) = proof.split_at_mut(8);
        instant.copy_from_slice(&now_ms.to_be_bytes());
        mac.copy_from_slice(tag.as_ref());
        AcknowledgementProof(proof)
    }

    /// Whether this key made the claim's proof.
    pub fn confirms(&self, municipality: MunicipalityId, claim: &Claim) -> bool {
        let Claim {
            epoch,
            watermark,
            proof,
        } = claim;
        let signed = message(municipality, *epoch, *watermark, proof.given_ms());
        hmac::verify(&self.0, &signed, &proof.0[8..]).is_ok()
    }
}

impl fmt::Debug for AcknowledgementKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AcknowledgementKey(..)")
    }
}

impl AcknowledgementProof {
    /// Length in bytes.
    pub const LENGTH: usize = 40;

    /// The proof as the other side sends it back.
    pub fn from_bytes(bytes: [u8; Self::LENGTH]) -> Self {
        Self(bytes)
    }

    /// The bytes.
    pub fn as_bytes(&self) -> &[u8; Self::LENGTH] {
        &self.0
    }

    /// When the acknowledgement was given, Unix milliseconds, as far as the proof is good.
    pub fn given_ms(&self) -> u64 {
        let [a, b, c, d, e, f, g, h, ..] = self.0;
        u64::from_be_bytes([a, b, c, d, e, f, g, h])
    }
}

impl fmt::Debug for AcknowledgementProof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AcknowledgementProof(..)")
    }
}

impl Line {
    /// The first line of a municipality; no other came before it.
    pub fn first(epoch: Epoch) -> Self {
        Self {
            epoch,
            began_ms: None,
        }
    }

    /// The line that began under `epoch` at `began_ms`, as [`Line::next_began_ms`] told.
    pub fn begun(epoch: Epoch, began_ms: u64) -> Self {
        Self {
            epoch,
            began_ms: Some(began_ms),
        }
    }

    /// The epoch under which batches are taken.
    pub fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// When the epoch began, Unix milliseconds; `None` while it is the municipality's first. What was recorded before
    /// and lost is not known to have been known.
    pub fn began_ms(&self) -> Option<u64> {
        self.began_ms
    }

    /// What a node's claim means, given what the index holds durably.
    pub fn judge(
        &self,
        key: &AcknowledgementKey,
        municipality: MunicipalityId,
        held: Watermark,
        claim: &Claim,
    ) -> Verdict {
        if !key.confirms(municipality, claim) {
            return Verdict::Unproved;
        }
        let lost = if claim.epoch == self.epoch {
            held < claim.watermark
        } else {
            // Of an epoch that is not this journal's: nothing was lost with it before its first change.
            0 < claim.watermark.0 && self.began_ms.is_none_or(|began| began < claim.proof.given_ms())
        };
        if lost { Verdict::Lost } else { Verdict::Held }
    }

    /// When a line that begins for a claim at the index's time `now_ms` began: not before the acknowledgement that was
    /// shown, even where the clock went back with the restored copy.
    pub fn next_began_ms(claim: Option<&Claim>, now_ms: u64) -> u64 {
        claim.map_or(now_ms, |claim| now_ms.max(claim.proof.given_ms()))
    }
}

fn message(municipality: MunicipalityId, epoch: Epoch, watermark: Watermark, now_ms: u64) -> Vec<u8> {
    let mut bytes = LABEL.to_vec();
    bytes.extend_from_slice(municipality.as_str().as_bytes());
    bytes.extend_from_slice(&epoch.0);
    bytes.extend_from_slice(&watermark.0.to_be_bytes());
    bytes.extend_from_slice(&now_ms.to_be_bytes());
    bytes
}

#[cfg(test)]
mod tests;
