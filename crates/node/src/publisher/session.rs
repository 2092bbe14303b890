//! One stream, from its opening until it breaks.

use std::collections::VecDeque;
use std::time::Duration;

use agreement::reason::Reason;
use client::error::{ClientError, SetupError};
use client::node::{Acknowledged, Comparison, NodeClient, Opened, Opening, Publication};
use prost::Message;
use registry::change::Change;
use registry::digest::DIGEST_VERSION;
use registry::profile::Profile;
use registry::publication::{
    Accepted, AttachError, Attached, Batch, Detached, Epoch, IndexState, ProvedSeal, SignedBatch, StopReason,
    Watermark,
};
use store::municipal::outbox::{BatchLimits, Cutting, Entered, Outbox, OutboxError};
use tokio::task::JoinError;
use transport::shutdown::Shutdown;
use wire::proto::publication::v1 as proto;

use crate::profile::{adopt, adopt_later, told_or_nothing};
use crate::publisher::Publisher;
use crate::publisher::status::{DigestStatus, LinkStatus};
use crate::reconcile::{Expected, ReconcileError, expected};

/// Batches under way at most, whatever the index admits: as many find a place between node and connection.
const MOST_IN_FLIGHT: usize = 16;

/// Pause before digests are compared again that could not be compared yet.
const COMPARE_AGAIN: Duration = Duration::from_secs(1);

/// Why a stream ended before its time.
#[derive(Debug, thiserror::Error)]
pub enum Broken {
    /// The node's own configuration.
    #[error("no connection can be made")]
    Setup(#[from] SetupError),
    /// The index or the way to it.
    #[error(transparent)]
    Index(#[from] ClientError),
    /// The index ended the stream in good order, for instance because it stops.
    #[error("the index has ended the stream")]
    EndOfStream,
    /// The node's own journal or notes.
    #[error(transparent)]
    Outbox(#[from] OutboxError),
    /// What the index must hold cannot be said.
    #[error("node and index cannot be compared")]
    Compare(#[source] ReconcileError),
    /// A task of the node broke.
    #[error("a task of the node broke")]
    Task(#[from] JoinError),
    /// Going on could publish something wrong.
    #[error(transparent)]
    Stopped(#[from] Stop),
}

/// Why publishing stops until a person has looked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Stop {
    /// The journal is behind the index.
    #[error(transparent)]
    Attach(#[from] AttachError),
    /// The index refused a batch, or acknowledged what was never sent.
    #[error(transparent)]
    Protocol(#[from] StopReason),
}

/// The stream and what is under way on it.
struct Session<'a> {
    publisher: &'a Publisher,
    client: NodeClient,
    stream: Publication,
    attached: Attached,
    outbox: Outbox,
    limits: BatchLimits,
    credits: usize,
    /// Last change of each batch that is not acknowledged yet.
    in_flight: VecDeque<u64>,
    /// The change at which digests were last compared with success.
    compared_at: Option<u64>,
    /// The index could not compare at the present change, and said nothing since.
    not_yet_visible: bool,
    /// What is published, as the index said last on this stream.
    profile: Option<Profile>,
}

impl Publisher {
    /// Publishes on one stream until the shutdown, which is the only good end.
    pub(super) async fn session(&self, client: NodeClient, shutdown: &Shutdown) -> Result<(), Broken> {
        let mut session = tokio::select! {
            () = shutdown.triggered() => return Ok(()),
            session = self.open(client) => session?,
        };
        loop {
            session.send_all().await?;
            session.save().await?;
            session.show();
            let compare = session.wants_comparison();
            tokio::select! {
                biased;
                () = shutdown.triggered() => return Ok(()),
                acknowledged = session.stream.receive() => match acknowledged.map_err(broken_by)? {
                    Some(acknowledged) => session.acknowledge(acknowledged).await?,
                    None => return Err(Broken::EndOfStream),
                },
                () = self.wake.notified() => session.journalled().await?,
                () = pause_before(compare), if compare != Compare::Not => session.compare().await?,
            }
        }
    }

    async fn open(&self, client: NodeClient) -> Result<Session<'_>, Broken> {
        let files = self.storage.files().clone();
        let (mut outbox, journal_end, confirmed_seals) = self
            .blocking(move |store| {
                let seals = store.confirmed_seals().to_vec();
                Ok((Outbox::open(files)?, store.last_sequence(), seals))
            })
            .await?;
        let opening = Opening {
            municipality: self.municipality,
            epoch: outbox.epoch(),
            claim: outbox.claim(),
            journal_end,
            confirmed_seals,
        };
        let hearing = self.storage.hearing().await;
        let (stream, opened) = client.open_publication(opening).await.map_err(broken_by)?;
        let Opened {
            epoch,
            watermark,
            digest_version,
            credits,
            max_changes,
            max_bytes,
            proof,
            last_batch,
            began_ms: _,
            backed_up,
            confirmed_seals,
            profile,
        } = opened;
        if outbox.epoch().is_some_and(|known| known != epoch) {
            tracing::warn!(watermark = watermark.0, "the index began a new line of history");
        }
        let state = IndexState {
            municipality: self.municipality,
            epoch,
            watermark,
        };
        let attached = Detached::new(self.municipality, journal_end)
            .attach(state)
            .map_err(Stop::from)?;
        if let Some(last) = last_batch {
            self.compare_last(last, epoch).await?;
        }
        // Before anything is sent.
        adopt(&self.storage, told_or_nothing(profile))
            .await
            .map_err(Broken::Compare)?;
        drop(hearing);
        let entered = Entered {
            epoch,
            watermark,
            proof,
            backed_up,
        };
        self.keep_seals(confirmed_seals).await?;
        let outbox = self
            .blocking(move |_| {
                outbox.enter(entered)?;
                Ok(outbox)
            })
            .await?;
        self.status.send_modify(|status| {
            status.sessions += 1;
            status.acknowledged = watermark.0;
            status.backed_up = backed_up.0;
        });
        tracing::info!(
            watermark = watermark.0,
            journal_end,
            "the stream to the index is open"
        );
        let comparable = digest_version == u32::from(DIGEST_VERSION);
        Ok(Session {
            publisher: self,
            client,
            stream,
            attached,
            outbox,
            limits: self.limits.within(max_changes, max_bytes),
            credits: credits_of(credits),
            in_flight: VecDeque::new(),
            // Digests of another version are never compared: as if it had been done for good.
            compared_at: (!comparable).then_some(u64::MAX),
            not_yet_visible: false,
            profile,
        })
    }

    /// Makes sure that the last batch the index holds is what the journal has there: one that was restored and grew
    /// past it looks like the same journal by its numbers alone.
    async fn compare_last(&self, last: Accepted, epoch: Epoch) -> Result<(), Broken> {
        let municipality = self.municipality;
        let same = self
            .blocking(move |store| Ok(store.sent(&last, municipality, epoch)?))
            .await?;
        if same {
            Ok(())
        } else {
            let sequence = last.first_sequence;
            Err(Stop::Attach(AttachError::OtherContent { sequence }).into())
        }
    }

    /// Keeps what the index told of confirmed seals, to be shown to an index that lost it.
    async fn keep_seals(&self, told: Vec<ProvedSeal>) -> Result<(), Broken> {
        if told.is_empty() {
            return Ok(());
        }
        let storage = self.storage.clone();
        let kept = tokio::task::spawn_blocking(move || storage.store().keep_seals(told)).await?;
        Ok(kept.map_err(OutboxError::from)?)
    }

    /// Work on the store, which waits for an import that runs.
    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&store::municipal::MunicipalStore) -> Result<T, OutboxError> + Send + 'static,
    ) -> Result<T, Broken> {
        let storage = self.storage.clone();
        Ok(tokio::task::spawn_blocking(move || work(&storage.store())).await??)
    }
}

/// When digests are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Compare {
    Not,
    Now,
    Later,
}

async fn pause_before(compare: Compare) {
    if compare == Compare::Later {
        tokio::time::sleep(COMPARE_AGAIN).await;
    }
}

impl Session<'_> {
    /// Sends as many batches as there are credits for.
    async fn send_all(&mut self) -> Result<(), Broken> {
        while self.in_flight.len() < self.credits {
            let Some(first) = self.attached.next_sequence() else {
                break;
            };
            let signed = SignedBatch::sign(self.cut(first).await?, &self.publisher.signing_key);
            self.stream.send(&signed).await.map_err(broken_by)?;
            self.attached.sent(&signed.batch);
            self.in_flight.push_back(signed.batch.last_sequence());
        }
        Ok(())
    }

    async fn cut(&mut self, first: u64) -> Result<Batch, Broken> {
        let publisher = self.publisher;
        let (municipality, limits) = (publisher.municipality, self.limits);
        let sent_at_ms = publisher.clock.now().timestamp_millis();
        let mut outbox = self.outbox.lend();
        let (outbox, batch) = publisher
            .blocking(move |store| {
                let cutting = Cutting {
                    municipality,
                    limits,
                    size: &encoded_len,
                    sent_at_ms,
                };
                let batch = outbox.batch(store, first, &cutting)?;
                Ok((outbox, batch))
            })
            .await?;
        self.outbox = outbox;
        Ok(batch)
    }

    /// Writes the newest acknowledgement down when nothing else is to be done.
    async fn save(&mut self) -> Result<(), Broken> {
        if !self.outbox.is_behind() || !self.is_quiet() {
            return Ok(());
        }
        let mut outbox = self.outbox.lend();
        self.outbox = self
            .publisher
            .blocking(move |_| {
                outbox.save()?;
                Ok(outbox)
            })
            .await?;
        Ok(())
    }

    async fn acknowledge(&mut self, acknowledged: Acknowledged) -> Result<(), Broken> {
        let Acknowledged {
            watermark,
            rejections,
            visible,
            credits,
            proof,
            backed_up,
            confirmed_seals,
            profile,
        } = acknowledged;
        if let Some(profile) = profile.filter(|profile| self.profile != Some(*profile)) {
            adopt_later(&self.publisher.storage, profile)
                .await
                .map_err(Broken::Compare)?;
            self.profile = Some(profile);
        }
        let watermark = self.attached.acknowledge(watermark).map_err(Stop::from)?;
        while self.in_flight.front().is_some_and(|last| *last <= watermark.0) {
            self.in_flight.pop_front();
        }
        self.outbox.acknowledged(watermark, proof, backed_up);
        self.credits = credits_of(credits);
        self.not_yet_visible = false;
        for rejection in &rejections {
            let client::node::Rejection {
                sequence,
                local_id: _,
                code,
                field,
                rejected_ms: _,
            } = rejection;
            tracing::warn!(sequence, code, field, "the index keeps a change aside");
        }
        let rejected = u64::try_from(rejections.len()).unwrap_or(u64::MAX);
        self.publisher.status.send_modify(|status| {
            status.acknowledged = watermark.0;
            status.visible = status.visible.max(visible.0);
            status.rejected = status.rejected.saturating_add(rejected);
            status.backed_up = backed_up.0;
        });
        self.publisher.keep_seals(confirmed_seals).await
    }

    async fn journalled(&mut self) -> Result<(), Broken> {
        let end = self.publisher.blocking(|store| Ok(store.last_sequence())).await?;
        self.attached.journalled(end);
        // Whoever woke the publisher wants to know whether both still agree.
        if self.compared_at != Some(u64::MAX) {
            self.compared_at = None;
        }
        Ok(())
    }

    fn is_quiet(&self) -> bool {
        self.attached.in_flight() == 0 && self.attached.next_sequence().is_none()
    }

    fn wants_comparison(&self) -> Compare {
        let acknowledged = self.attached.acknowledged().0;
        let done = self.compared_at.is_some_and(|at| acknowledged <= at);
        match (self.is_quiet() && !done, self.not_yet_visible) {
            (false, _) => Compare::Not,
            (true, false) => Compare::Now,
            (true, true) => Compare::Later,
        }
    }

    async fn compare(&mut self) -> Result<(), Broken> {
        let publisher = self.publisher;
        let expected = expected(&self.client, publisher.municipality, &publisher.storage).await;
        let Expected { sequence, digest } = expected.map_err(Broken::Compare)?;
        if sequence != self.attached.acknowledged().0 {
            self.attached.journalled(sequence);
            return Ok(());
        }
        let municipality = self.publisher.municipality;
        let comparison = self
            .client
            .compare_digests(municipality, self.attached.epoch(), Watermark(sequence), &digest)
            .await
            .map_err(broken_by)?;
        let outcome = match comparison {
            Comparison::Equal => DigestStatus::Equal { sequence },
            Comparison::Different(buckets) => {
                tracing::warn!(
                    sequence,
                    buckets = buckets.len(),
                    "node and index hold different cards"
                );
                DigestStatus::Different {
                    sequence,
                    buckets: buckets.len(),
                }
            }
            Comparison::NotComparable(visible) => {
                tracing::debug!(
                    sequence,
                    visible = visible.0,
                    "the digests cannot be compared yet"
                );
                self.not_yet_visible = true;
                return Ok(());
            }
        };
        self.compared_at = Some(sequence);
        self.publisher.status.send_modify(|status| {
            status.visible = status.visible.max(sequence);
            status.digest = outcome;
        });
        Ok(())
    }

    fn show(&self) {
        let link = if self.is_quiet() {
            LinkStatus::Idle
        } else {
            LinkStatus::Publishing
        };
        self.publisher.status.send_if_modified(|status| {
            let changed = status.link != link;
            status.link = link;
            changed
        });
    }
}

impl Broken {
    /// How long the index wants to be left alone.
    pub(super) fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Index(error) => error.retry_after(),
            Self::Compare(ReconcileError::Index(error)) => error.retry_after(),
            Self::Setup(_)
            | Self::EndOfStream
            | Self::Outbox(_)
            | Self::Compare(_)
            | Self::Task(_)
            | Self::Stopped(_) => None,
        }
    }
}

/// Bytes of a change in a batch: its own, and tag and length before it.
fn encoded_len(change: &Change) -> usize {
    const BEFORE: usize = 6;
    BEFORE + proto::Change::from(change).encoded_len()
}

fn credits_of(credits: u32) -> usize {
    usize::try_from(credits).unwrap_or(usize::MAX).min(MOST_IN_FLIGHT)
}

/// What a refusal means for the publisher: most are mended by asking the index again what it holds.
fn broken_by(error: ClientError) -> Broken {
    match error.reason() {
        Some(Reason::PublicationConflict) => Stop::Protocol(StopReason::Conflict).into(),
        Some(Reason::ClockSkew) => Stop::Protocol(StopReason::Clock).into(),
        Some(Reason::BatchNotSigned) => Stop::Protocol(StopReason::NotSigned).into(),
        Some(Reason::MunicipalityWithdrawn) => Stop::Protocol(StopReason::Withdrawn).into(),
        Some(Reason::ForeignMunicipality) => Stop::Protocol(StopReason::ForeignMunicipality).into(),
        Some(_) | None => Broken::Index(error),
    }
}
