//! What an auditor can ask: entries in its scope, and proofs that nothing in the log was changed.

mod alerts;
mod entry;
mod follow;
mod sample;
mod scope;
mod tile;
mod statistics;
mod opening;
mod report;

use chrono::{DateTime, Utc};
use ledger::checkpoint::Checkpoint;
use ledger::hash::Hash;
use ledger::name::Origin;
use ledger::receipt::ShortReceipt;
use ledger::tree::{verify_consistency, verify_inclusion};
use wire::convert::{Invalid, Rule, timestamp_from_ms};
use wire::proto::audit::v1 as proto;
use wire::proto::audit::v1::audit_service_client::AuditServiceClient as Service;

use crate::connection::{Connection, Repeat};
use crate::convert::{array, each, required};
use crate::error::{ClientError, EvidenceFault};
use crate::page::{Page, PageRequest};
use crate::receipt::{ShortClaim, claim_of};

pub use self::alerts::{Alert, AlertPage};
pub use self::entry::{AccessEntry, EntryPart};
pub use self::follow::{Followed, Follower};
pub use self::opening::{Opening, OpeningAct, OpeningKind, OpeningPage, OpeningState};
pub use self::report::{ReportRequest, ReportedPerson};
pub use self::sample::{Drawing, Justification, Sample, SampleItem, SampleOutcome, SamplePage, SampleState};
pub use self::scope::ReadingScope;
pub use self::statistics::{AccessCount, Dimension, Statistics, StatisticsBlock, StatisticsRow};

/// The auditor's side of the audit service. Clones share the connection.
#[derive(Clone, Debug)]
pub struct AuditorClient {
    connection: Connection,
}

/// Who reads the log, and why. The reading is itself entered in the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadingContext {
    /// Purpose of the reading: 1 to 64 lower-case letters, digits and hyphens.
    pub purpose: String,
    /// Number of the case, 1 to 240 characters.
    pub reference: String,
    /// The natural person who reads, by the auditor's own id.
    pub reader: String,
}

/// Which entries are wanted; what is absent does not restrict.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccessFilter {
    /// Entries at or after this instant.
    pub from: Option<DateTime<Utc>>,
    /// Entries before this instant.
    pub until: Option<DateTime<Utc>>,
    /// Entries of this agency, a SPIFFE id.
    pub agency: Option<String>,
    /// Entries under this agreement.
    pub agreement: Option<String>,
    /// Entries with this outcome: `OK` or an error's reason.
    pub outcome: Option<String>,
}

/// Indices between which entries are listed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct IndexRange {
    /// First index.
    pub start: u64,
    /// Index before which the listing ends; nothing for the newest checkpoint when the first page is asked for.
    pub end: Option<u64>,
}

/// A page of entries, and the claim that the reading was entered.
#[derive(Clone, Debug)]
pub struct AccessPage {
    /// The entries, in order of index.
    pub page: Page<AccessEntry>,
    /// What the auditor may read, as the index is configured.
    pub scope: ReadingScope,
    /// The entry that this reading made.
    pub receipt: ShortClaim,
}

/// A checkpoint with its text, verified where the connection's policy says so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedHead {
    /// Origin, size and root.
    pub checkpoint: Checkpoint,
    /// Text of the signed note.
    pub text: String,
}

/// Proof that an entry is in a tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InclusionProof {
    /// Index of the entry.
    pub index: u64,
    /// Size of the tree.
    pub tree_size: u64,
    /// Hash of the leaf.
    pub leaf: Hash,
    /// Path from the leaf to the root.
    pub path: Vec<Hash>,
    /// The newest checkpoint.
    pub head: SignedHead,
}

/// Proof that a tree continues a smaller one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConsistencyProof {
    /// Size of the smaller tree.
    pub first_size: u64,
    /// Size of the greater tree.
    pub second_size: u64,
    /// The proof.
    pub path: Vec<Hash>,
    /// The newest checkpoint.
    pub head: SignedHead,
}

impl AuditorClient {
    /// A client over a connection with an auditor's certificate.
    pub fn new(connection: Connection) -> Self {
        Self { connection }
    }

    /// A page of the entries in the auditor's scope. Each part is checked against its entry's header.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn list_accesses(
        &self,
        context: &ReadingContext,
        filter: &AccessFilter,
        page: &PageRequest,
    ) -> Result<AccessPage, ClientError> {
        self.list_accesses_in(context, filter, IndexRange::default(), page)
            .await
    }

    /// The same in a range of indices. A listing that broke off goes on at any index, also with another index of the same
    /// log or after its restart, when page tokens are worth nothing any more.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn list_accesses_in(
        &self,
        context: &ReadingContext,
        filter: &AccessFilter,
        range: IndexRange,
        page: &PageRequest,
    ) -> Result<AccessPage, ClientError> {
        let message = proto::ListAccessesRequest {
            context: Some(context.into()),
            filter: Some(filter.into()),
            page_size: page.wire_size(),
            page_token: page.wire_token(),
            start_index: range.start,
            end_index: range.end,
        };
        let answer = self
            .connection
            .call(Repeat::Safe, message, |channel, request| async move {
                Service::new(channel).list_accesses(request).await
            })
            .await?;
        let proto::ListAccessesResponse {
            entries,
            next_page_token,
            receipt,
            scope,
        } = answer;
        let short = required("receipt", receipt)?;
        let origin = short.origin.clone();
        let receipt = ShortReceipt::try_from(short).map_err(|invalid| invalid.within("receipt"))?;
        let entries = entries
            .into_iter()
            .map(AccessEntry::read)
            .collect::<Result<_, _>>()?;
        Ok(AccessPage {
            page: Page::new(entries, next_page_token),
            scope: ReadingScope::read(required("scope", scope)?)?,
            receipt: claim_of(origin, receipt)?,
        })
    }

    /// Follows entries as they are made, from `start` or from the next one. A broken stream is resumed where it
    /// broke, without gap or repetition.
    pub fn follow_accesses(
        &self,
        context: ReadingContext,
        filter: AccessFilter,
        start: Option<u64>,
    ) -> Follower {
        Follower::new(self.connection.clone(), context, filter, start)
    }

    /// The newest checkpoint.
    ///
    /// # Errors
    /// [`ClientError::Evidence`] when the log's key did not sign it.
    pub async fn checkpoint(&self) -> Result<SignedHead, ClientError> {
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
            origin,
            size,
            checkpoint: text,
        } = answer;
        let head = self.head(text, &origin)?;
        if head.checkpoint.size != size {
            return Err(Invalid::new("size", Rule::Contradicts("checkpoint")).into());
        }
        Ok(head)
    }

    /// Proof that entry `index` is in the tree of `tree_size` entries, or of the newest checkpoint. A proof for the
    /// newest checkpoint is verified here; one for an older size is for whoever holds that size's root.
    ///
    /// # Errors
    /// [`ClientError::Evidence`] when the proof does not lead to the signed root.
    pub async fn inclusion_proof(
        &self,
        index: u64,
        tree_size: Option<u64>,
    ) -> Result<InclusionProof, ClientError> {
        let message = proto::GetInclusionProofRequest {
            origin: String::new(),
            index,
            tree_size: tree_size.unwrap_or_default(),
        };
        let answer = self
            .connection
            .call(Repeat::Safe, message, |channel, request| async move {
                Service::new(channel).get_inclusion_proof(request).await
            })
            .await?;
        let proto::GetInclusionProofResponse {
            origin,
            index: proved,
            tree_size: size,
            leaf_hash,
            path,
            checkpoint,
        } = answer;
        if proved != index {
            return Err(EvidenceFault::OtherSubject("index").into());
        }
        if tree_size.is_some_and(|asked| asked != size) {
            return Err(EvidenceFault::OtherSubject("size").into());
        }
        let head = self.head(checkpoint, &origin)?;
        let leaf = Hash::new(array("leaf_hash", &leaf_hash)?);
        let path = hashes("path", path)?;
        if size == head.checkpoint.size {
            verify_inclusion(&leaf, index, size, &path, &head.checkpoint.root)
                .map_err(EvidenceFault::from)?;
        }
        Ok(InclusionProof {
            index,
            tree_size: size,
            leaf,
            path,
            head,
        })
    }

    /// Proof that the tree of `second_size` entries, or of the newest checkpoint, continues that of `first_size`.
    /// Whoever holds both roots verifies it; see [`Self::verify_continuation`].
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn consistency_proof(
        &self,
        first_size: u64,
        second_size: Option<u64>,
    ) -> Result<ConsistencyProof, ClientError> {
        let message = proto::GetConsistencyProofRequest {
            origin: String::new(),
            first_size,
            second_size: second_size.unwrap_or_default(),
        };
        let answer = self
            .connection
            .call(Repeat::Safe, message, |channel, request| async move {
                Service::new(channel).get_consistency_proof(request).await
            })
            .await?;
        let proto::GetConsistencyProofResponse {
            origin,
            first_size: first,
            second_size: second,
            path,
            checkpoint,
        } = answer;
        if first != first_size || second_size.is_some_and(|asked| asked != second) {
            return Err(EvidenceFault::OtherSubject("size").into());
        }
        let head = self.head(checkpoint, &origin)?;
        Ok(ConsistencyProof {
            first_size,
            second_size: second,
            path: hashes("path", path)?,
            head,
        })
    }

    /// Proves that the log continues the one that `old` was the head of, and gives its newest head.
    ///
    /// # Errors
    /// [`ClientError::Evidence`] when it does not: something in the log was changed or taken away. Keep both
    /// checkpoints.
    pub async fn verify_continuation(&self, old: &Checkpoint) -> Result<SignedHead, ClientError> {
        let ConsistencyProof {
            first_size,
            second_size,
            path,
            head,
        } = self.consistency_proof(old.size, None).await?;
        let new = &head.checkpoint;
        if new.origin != old.origin {
            return Err(EvidenceFault::OtherLog.into());
        }
        if second_size != new.size {
            return Err(EvidenceFault::OtherSubject("size").into());
        }
        verify_consistency(first_size, &old.root, new.size, &new.root, &path).map_err(EvidenceFault::from)?;
        Ok(head)
    }

    fn head(&self, text: String, origin: &str) -> Result<SignedHead, ClientError> {
        let checkpoint = self.connection.receipts().checkpoint(&text)?;
        if checkpoint.origin.as_str() != origin {
            return Err(Invalid::new("origin", Rule::Contradicts("checkpoint")).into());
        }
        Ok(SignedHead { checkpoint, text })
    }
}

impl From<&ReadingContext> for proto::ReadingContext {
    fn from(context: &ReadingContext) -> Self {
        let ReadingContext {
            purpose,
            reference,
            reader,
        } = context.clone();
        Self {
            purpose,
            reference,
            reader,
        }
    }
}

impl From<&AccessFilter> for proto::AccessFilter {
    fn from(filter: &AccessFilter) -> Self {
        let AccessFilter {
            from,
            until,
            agency,
            agreement,
            outcome,
        } = filter.clone();
        Self {
            start_time: from.map(|time| timestamp_from_ms(time.timestamp_millis())),
            end_time: until.map(|time| timestamp_from_ms(time.timestamp_millis())),
            agency: agency.unwrap_or_default(),
            agreement: agreement.unwrap_or_default(),
            outcome: outcome.unwrap_or_default(),
        }
    }
}

fn hashes(field: &str, path: Vec<Vec<u8>>) -> Result<Vec<Hash>, Invalid> {
    each(field, path, |hash| array("", &hash).map(Hash::new))
}

/// Origin of a log.
fn origin(text: String) -> Result<Origin, Invalid> {
    Origin::new(text).map_err(|_| Invalid::new("origin", Rule::Character))
}

#[cfg(test)]
mod tests;
