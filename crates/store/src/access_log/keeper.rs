//! The log's background thread: copies checkpoints to the second path and writes hashes out.
//!
//! Neither is on the way of an answer, and neither is the truth: a failure is reported and tried again.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::{Receiver, RecvTimeoutError, Sender, channel},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use crate::{
    access_log::{Shared, committed::Head},
    files::{self, Files},
};

/// The name of the copy of the newest checkpoint, on the second path.
pub const CHECKPOINT_COPY: &str = "checkpoint";

#[derive(Debug)]
enum Work {
    Copy,
    Flush,
}

#[derive(Debug)]
pub(super) struct Keeper {
    work: Option<Sender<Work>>,
    /// Set from the request for a copy until the copy takes its head, so that a batch wakes the thread only when it
    /// does not know yet that there is something to copy.
    copy_asked: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Keeper {
    pub(super) fn start(
        shared: Arc<Shared>,
        copy: Arc<dyn Files>,
        interval: Duration,
    ) -> std::io::Result<Self> {
        let (work, todo) = channel();
        let copy_asked = Arc::new(AtomicBool::new(false));
        let asked = Arc::clone(&copy_asked);
        let thread = thread::Builder::new()
            .name("access-log-keeper".to_owned())
            .spawn(move || keep(&shared, copy.as_ref(), interval, &todo, &asked))?;
        Ok(Self {
            work: Some(work),
            copy_asked,
            thread: Some(thread),
        })
    }

    /// Asks for a copy of the newest head, which the log shows already.
    pub(super) fn copy(&self) {
        if !self.copy_asked.swap(true, Ordering::AcqRel) {
            self.ask(Work::Copy);
        }
    }

    /// Asks for the hashes in memory to be written out.
    pub(super) fn flush(&self) {
        self.ask(Work::Flush);
    }

    fn ask(&self, work: Work) {
        if let Some(sender) = &self.work
            && sender.send(work).is_err()
        {
            tracing::error!("the access log's background thread has ended");
        }
    }
}

impl Drop for Keeper {
    /// Waits until what was asked for is done.
    fn drop(&mut self) {
        drop(self.work.take());
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the access log's background thread panicked");
        }
    }
}

fn keep(
    shared: &Shared,
    copy: &dyn Files,
    interval: Duration,
    todo: &Receiver<Work>,
    copy_asked: &AtomicBool,
) {
    let mut due_copy = false;
    let mut last: Option<Instant> = None;
    let copy_newest = || {
        // Cleared first: a head that comes after the one taken here is asked for again.
        copy_asked.store(false, Ordering::Release);
        let head = Arc::clone(&shared.head.borrow());
        store(shared, copy, &head);
    };
    loop {
        let due = last.map_or(Duration::ZERO, |last| interval.saturating_sub(last.elapsed()));
        let received = if due_copy {
            todo.recv_timeout(due)
        } else {
            todo.recv().map_err(|_| RecvTimeoutError::Disconnected)
        };
        match received {
            Ok(Work::Flush) => flush(shared),
            Ok(Work::Copy) => due_copy = true,
            Err(RecvTimeoutError::Timeout) => {
                copy_newest();
                due_copy = false;
                last = Some(Instant::now());
            }
            Err(RecvTimeoutError::Disconnected) => {
                if due_copy {
                    copy_newest();
                }
                flush(shared);
                return;
            }
        }
    }
}

fn flush(shared: &Shared) {
    if let Err(error) = shared.hashes.flush() {
        tracing::error!(%error, "the hash files of the access log cannot be written");
    }
}

fn store(shared: &Shared, copy: &dyn Files, head: &Head) {
    match files::replace(copy, CHECKPOINT_COPY, head.text.as_bytes()) {
        Ok(()) => {
            shared.copied.send_replace(head.checkpoint.size);
        }
        Err(error) => tracing::error!(%error, "the checkpoint cannot be copied to its second path"),
    }
}
