//! A thread that waits for the disk in place of the writer.

use std::{
    io::{Error, ErrorKind, Result},
    sync::{
        Arc,
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread::{self, JoinHandle},
};

use crate::files::File;

#[derive(Debug)]
pub(super) struct Syncer {
    work: Option<SyncSender<Arc<dyn File>>>,
    results: Receiver<Result<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Syncer {
    pub(super) fn start() -> Result<Self> {
        let (work, todo) = sync_channel::<Arc<dyn File>>(1);
        let (done, results) = sync_channel(1);
        let thread = thread::Builder::new()
            .name("segment-sync".to_owned())
            .spawn(move || {
                for file in todo {
                    if done.send(file.sync_data()).is_err() {
                        return;
                    }
                }
            })?;
        Ok(Self {
            work: Some(work),
            results,
            thread: Some(thread),
        })
    }

    pub(super) fn begin(&self, file: Arc<dyn File>) -> Result<()> {
        self.work
            .as_ref()
            .and_then(|work| work.send(file).ok())
            .ok_or_else(|| Error::from(ErrorKind::BrokenPipe))
    }

    pub(super) fn finish(&self) -> Result<()> {
        self.results
            .recv()
            .map_err(|_| Error::from(ErrorKind::BrokenPipe))?
    }
}

impl Drop for Syncer {
    fn drop(&mut self) {
        drop(self.work.take());
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the thread that syncs segments panicked");
        }
    }
}
