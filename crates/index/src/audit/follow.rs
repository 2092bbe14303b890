//! Following the log: a stream that sends each new entry of the reader's scope, resumable at any index.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use ledger::header::EntryKind;
use store::record_store::RecordStore;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Status;
use wire::proto::audit::v1 as pb;
use wire::status::{Details, status_for};

use crate::audit::filter::Filter;
use crate::audit::{Reader, STEP, read_error};
use crate::openings::opening_detail;
use crate::shared::Shared;
use crate::stream::StreamGuard;

/// Entries that may wait for a slow reader; beyond that the log is read no further for it.
const WINDOW: usize = 64;

/// At most once in so many milliseconds of the log's own time a reading is entered, while there is something to enter,
/// and an idle reader is told how far the log has been read.
const TICK_MS: u64 = 60_000;

/// How often an idle follower looks at the clock.
const LOOK: Duration = Duration::from_secs(5);

type Answer = Result<pb::FollowAccessesResponse, Status>;

/// Enters the opening and starts the stream.
pub(super) async fn open<S: RecordStore>(
    shared: Arc<Shared<S>>,
    reader: Reader,
    filter: Filter,
    from: u64,
    guard: StreamGuard,
) -> Result<ReceiverStream<Answer>, Status> {
    let slot = shared.reserve()?;
    let details = vec![("from".to_owned(), from.to_string())];
    let draft = shared.reading_draft(&reader, EntryKind::FollowerOpened, details)?;
    shared.enter(slot, draft).await?;
    let (answers, stream) = mpsc::channel(WINDOW);
    let now_ms = shared.clock.now_ms();
    let tasks = shared.tasks.clone();
    let follower = Follower {
        shared,
        reader,
        filter: filter.timeless(),
        next: from,
        entered: from,
        sent: 0,
        entered_ms: now_ms,
        told_ms: now_ms,
        openings: BTreeSet::new(),
    };
    tasks.spawn(follower.run(guard, answers));
    Ok(ReceiverStream::new(stream))
}

struct Follower<S> {
    shared: Arc<Shared<S>>,
    reader: Reader,
    filter: Filter,
    /// First entry not yet looked at.
    next: u64,
    /// First entry looked at since the last entry about this reading.
    entered: u64,
    /// Entries sent since then.
    sent: u64,
    /// When this reading was entered last.
    entered_ms: u64,
    /// When the reader was told last how far the log has been read.
    told_ms: u64,
    /// Openings by which some of them were read.
    openings: BTreeSet<u64>,
}

impl<S: RecordStore> Follower<S> {
    async fn run(mut self, mut guard: StreamGuard, answers: mpsc::Sender<Answer>) {
        let mut heads = self.shared.log.heads();
        let mut look = tokio::time::interval_at(Instant::now() + LOOK, LOOK);
        loop {
            let sent = tokio::select! {
                sent = self.catch_up(&answers) => sent,
                reason = guard.ended() => Err(status_for(reason, Details::none())),
                () = answers.closed() => Ok(()),
            };
            // Apart from what may be given up half-way: a reading is entered once.
            let entered = match sent {
                Ok(()) => self.tick().await,
                Err(status) => Err(status),
            };
            if let Err(status) = entered {
                // The reader may be gone already; the closing entry is made all the same.
                let _ = answers.send(Err(status)).await;
                break;
            }
            tokio::select! {
                () = answers.closed() => break,
                reason = guard.ended() => {
                    let _ = answers.send(Err(status_for(reason, Details::none()))).await;
                    break;
                }
                changed = heads.changed() => if changed.is_err() { break },
                _ = look.tick() => {}
            }
        }
        if let Err(status) = self.enter(EntryKind::FollowerClosed).await {
            tracing::warn!(code = ?status.code(), "the end of a reading could not be entered");
        }
    }

    /// Whether a minute has passed since an instant.
    fn over(&self, since_ms: u64) -> bool {
        TICK_MS <= self.shared.clock.now_ms().saturating_sub(since_ms)
    }

    /// Enters the last minute's reading; an idle one leaves no entry.
    async fn tick(&mut self) -> Result<(), Status> {
        if self.sent != 0 && self.over(self.entered_ms) {
            self.enter(EntryKind::FollowerTick).await?;
        }
        Ok(())
    }

    async fn tell_progress(&mut self, answers: &mpsc::Sender<Answer>) {
        let progress = pb::FollowProgress {
            origin: self.shared.log.origin().as_str().to_owned(),
            next_index: self.next,
        };
        send(answers, pb::follow_accesses_response::Item::Progress(progress)).await;
        self.told_ms = self.shared.clock.now_ms();
    }

    async fn catch_up(&mut self, answers: &mpsc::Sender<Answer>) -> Result<(), Status> {
        let end = self.shared.log.checkpoint().checkpoint.size;
        while self.next < end {
            let opened = self.shared.opened_to(&self.reader);
            let log = &self.shared.log;
            let step = log.entries_opened(&self.reader.scope, &opened, self.next..end, STEP);
            let step = step.map_err(|error| read_error(&error))?;
            let last_step = step.len() < STEP;
            for entry in step {
                self.next = entry.index + 1;
                let own = matches!(
                    entry.header.body.kind,
                    EntryKind::FollowerOpened | EntryKind::FollowerTick | EntryKind::FollowerClosed
                );
                if own || !self.filter.admits(&entry.header) {
                    continue;
                }
                self.openings.extend(opened.opening_of(entry.index));
                let message = self.shared.entry_message(entry)?;
                send(answers, pb::follow_accesses_response::Item::Entry(message)).await;
                self.sent += 1;
            }
            if last_step {
                self.next = end;
                self.tell_progress(answers).await;
            }
        }
        if self.over(self.told_ms) {
            self.tell_progress(answers).await;
        }
        Ok(())
    }

    /// Enters what was read since the last time.
    async fn enter(&mut self, kind: EntryKind) -> Result<(), Status> {
        let mut details = vec![
            ("from".to_owned(), self.entered.to_string()),
            ("to".to_owned(), self.next.to_string()),
            ("entries".to_owned(), self.sent.to_string()),
        ];
        details.extend(self.openings.iter().copied().map(opening_detail));
        let slot = self.shared.reserve()?;
        let draft = self.shared.reading_draft(&self.reader, kind, details)?;
        self.shared.enter(slot, draft).await?;
        self.entered = self.next;
        self.entered_ms = self.shared.clock.now_ms();
        self.sent = 0;
        self.openings.clear();
        Ok(())
    }
}

async fn send(answers: &mpsc::Sender<Answer>, item: pb::follow_accesses_response::Item) {
    // A reader that has gone is noticed by the loop.
    let _ = answers
        .send(Ok(pb::FollowAccessesResponse { item: Some(item) }))
        .await;
}
