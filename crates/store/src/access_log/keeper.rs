//! The log's background thread: copies checkpoints to the second path and writes hashes out.
//!
//! Neither is on the way of an answer, and neither is the truth: a failure is reported and tried again.

use std::{
    sync::{
        Arc,
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
pub(super) enum Work {
    Copy(Arc<Head>),
    Flush,
}

#[derive(Debug)]
pub(super) struct Keeper {
    work: Option<Sender<Work>>,
    thread: Option<JoinHandle<()>>,
}

impl Keeper {
    pub(super) fn start(
        shared: Arc<Shared>,
        copy: Arc<dyn Files>,
        interval: Duration,
    ) -> std::io::Result<Self> {
        let (work, todo) = channel();
        let thread = thread::Builder::new()
            .name("access-log-keeper".to_owned())
            .spawn(move || keep(&shared, copy.as_ref(), interval, &todo))?;
        Ok(Self {
            work: Some(work),
            thread: Some(thread),
        })
    }

    pub(super) fn ask(&self, work: Work) {
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

fn keep(shared: &Shared, copy: &dyn Files, interval: Duration, todo: &Receiver<Work>) {
    let mut newest: Option<Arc<Head>> = None;
    let mut last: Option<Instant> = None;
    loop {
        let due = last.map_or(Duration::ZERO, |last| interval.saturating_sub(last.elapsed()));
        let received = match &newest {
            Some(_) => todo.recv_timeout(due),
            None => todo.recv().map_err(|_| RecvTimeoutError::Disconnected),
        };
        match received {
            Ok(Work::Flush) => flush(shared),
            Ok(Work::Copy(head)) => newest = Some(head),
            Err(RecvTimeoutError::Timeout) => {
                if let Some(head) = newest.take() {
                    store(shared, copy, &head);
                    last = Some(Instant::now());
                }
            }
            Err(RecvTimeoutError::Disconnected) => {
                if let Some(head) = newest {
                    store(shared, copy, &head);
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
