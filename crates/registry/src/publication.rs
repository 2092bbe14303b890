//! The publication protocol: how the changes of a municipality reach the index, each exactly once.
//!
//! A node numbers the changes of a municipality 1, 2, 3 … in its journal and sends them in batches. The index admits
//! a batch when it is the next one, writes it to its own journal, and only then acknowledges the **watermark**: every
//! change up to it is held durably. Whatever is lost, repeated or reordered on the way, what the index has admitted
//! is always a beginning of what the node has journalled.
//!
//! Three rules carry that:
//! - A batch is **cut once**: its bounds are part of the node's journal, and a batch sent again is the same batch.
//! - The same batch again is acknowledged again; other content under the same number is a [`Refusal::Conflict`],
//!   which means that a journal was restored or altered, and a person must decide.
//! - The index names its line of history of each municipality by an [`Epoch`]. One that lost acknowledged changes, as
//!   a node proves with its newest acknowledgement, begins a new epoch, so that the node learns of it and sends again
//!   what is missing: see [`Line`].
//!
//! A node whose own journal is lost or restored, so that it ends before what the index holds, stops: the administrator
//! of the index must accept the shorter journal, which begins a new epoch at its end. What the index then holds and
//! the node does not is found by comparing digests, and mended by publishing the node's cards again. A journal that
//! was restored and then grew beyond the index's watermark is found at opening, where the index names the content of
//! the last batch that it holds.
//!
//! Both sides are state machines without clock, network or disk: [`Intake`] and [`Line`] at the index, [`Detached`] and
//! [`Attached`] at the node.

mod batch;
mod signed;
mod keys;
mod intake;
mod hold;
mod line;
mod confirmed_seal;
mod publisher;

pub use self::batch::{Batch, BatchError, ContentId, Epoch, MAX_CHANGES, Watermark};
pub use self::confirmed_seal::{ConfirmedSeal, ProvedSeal, SealProof};
pub use self::hold::{Allowance, DailyLimits, HoldReason, Limited, LimitedKinds, Others, RollingDay};
pub use self::intake::{
    Accepted, Acknowledgement, Admission, Admitted, Intake, MAX_CLOCK_SKEW_MS, NotNext, Refusal,
};
pub use self::keys::{EnrolledKey, EnrolledKeys, EnrolledKeysError, KeyStanding};
pub use self::line::{AcknowledgementKey, AcknowledgementProof, Cause, Claim, Line, Verdict};
pub use self::publisher::{AttachError, Attached, Detached, IndexState, Reaction, StopReason};
pub use self::signed::{SignedBatch, VerifiedBatch};

#[cfg(test)]
mod tests;
