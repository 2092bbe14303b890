//! An index inside this process, on threads of its own, whose syncs take a constant time: none, or as much as is planted.

use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use benches::child::runtime;
use benches::region::Region;
use index::config::IndexConfig;
use index::pace::Pace;
use index::run::{Ground, Opens};
use store::files::system::SystemFiles;
use store::files::{File, Files};
use transport::clock::SystemClock;
use transport::random::SystemRandom;
use transport::shutdown::Shutdown;

/// How long every sync works, set by whoever measures.
#[derive(Clone, Debug, Default)]
pub(crate) struct Planted(Arc<AtomicU64>);

impl Planted {
    pub(crate) fn set(&self, time: Duration) {
        self.0.store(
            u64::try_from(time.as_nanos()).unwrap_or(u64::MAX),
            Ordering::SeqCst,
        );
    }

    fn get(&self) -> Duration {
        Duration::from_nanos(self.0.load(Ordering::SeqCst))
    }
}

/// Works for a time, as a branch of the program would.
pub(crate) fn work(time: Duration) {
    let start = Instant::now();
    while start.elapsed() < time {
        std::hint::spin_loop();
    }
}

#[derive(Debug)]
struct ConstantSync<T: ?Sized> {
    inner: Arc<T>,
    planted: Planted,
}

impl Opens for Planted {
    fn open(&self, directory: &Path) -> io::Result<Arc<dyn Files>> {
        let files: Arc<dyn Files> = Arc::new(SystemFiles::open(directory)?);
        Ok(Arc::new(ConstantSync {
            inner: files,
            planted: self.clone(),
        }))
    }
}

impl ConstantSync<dyn Files> {
    fn file(&self, file: Arc<dyn File>) -> Arc<dyn File> {
        Arc::new(ConstantSync {
            inner: file,
            planted: self.planted.clone(),
        })
    }
}

impl Files for ConstantSync<dyn Files> {
    fn create(&self, name: &str, len: u64) -> io::Result<Arc<dyn File>> {
        self.inner.create(name, len).map(|file| self.file(file))
    }

    fn open(&self, name: &str) -> io::Result<Arc<dyn File>> {
        self.inner.open(name).map(|file| self.file(file))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.inner.rename(from, to)
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.inner.remove(name)
    }

    fn sync_dir(&self) -> io::Result<()> {
        Ok(())
    }

    fn list(&self) -> io::Result<Vec<String>> {
        self.inner.list()
    }
}

impl File for ConstantSync<dyn File> {
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        self.inner.read_at(offset, buffer)
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.inner.write_at(offset, bytes)
    }

    fn sync_data(&self) -> io::Result<()> {
        work(self.planted.get());
        Ok(())
    }

    fn len(&self) -> io::Result<u64> {
        self.inner.len()
    }
}

/// The index.
pub(crate) struct Index {
    /// Its directory and parties.
    pub(crate) region: Region,
    /// Where it listens.
    pub(crate) address: SocketAddr,
    /// How long its syncs work.
    pub(crate) planted: Planted,
    shutdown: Shutdown,
    thread: JoinHandle<()>,
}

impl Index {
    pub(crate) fn start(pace: Pace) -> Self {
        let region = Region::create_for(&crate::town::MUNICIPALITIES);
        let config = IndexConfig::load(&region.config()).expect("the configuration is valid");
        let planted = Planted::default();
        let ground = Ground {
            files: Arc::new(planted.clone()),
            pace,
            program: None,
        };
        let shutdown = Shutdown::new();
        let (announce, announced) = mpsc::channel();
        let stop = shutdown.clone();
        let thread = std::thread::spawn(move || {
            runtime().block_on(async {
                let (clock, random) = (Arc::new(SystemClock), Arc::new(SystemRandom));
                let running = index::run::start_on(ground, config, clock, random, stop)
                    .await
                    .expect("the index starts");
                announce.send(running.address).expect("somebody waits for it");
                running.ended().await.expect("the index ends in good order");
            });
        });
        Self {
            region,
            address: announced.recv().expect("the index starts"),
            planted,
            shutdown,
            thread,
        }
    }

    pub(crate) fn stop(self) {
        self.shutdown.trigger();
        self.thread.join().expect("the index ends in good order");
    }
}
