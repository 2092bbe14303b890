//! An index that is the adversary: a second one of the same name and with the same keys, which lives on by itself.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use agreement::peer::Role;
use client::connection::Connection;
use client::receipt::ReceiptPolicy;
use index::config::IndexConfig;
use index::run::Running;
use transport::random::SystemRandom;
use transport::shutdown::Shutdown;

use crate::region::{Region, copy, free_address, write_config};
use crate::wait::within;

/// A second index.
#[derive(Debug)]
pub struct Fork {
    address: SocketAddr,
    file: PathBuf,
    running: Running,
}

async fn start(region: &Region, file: &Path) -> Running {
    index::run::start(
        IndexConfig::load(file).expect("a configuration"),
        region.clock.clone(),
        Arc::new(SystemRandom),
        Shutdown::new(),
    )
    .await
    .expect("the second index starts")
}

impl Fork {
    /// Copies what the region's index has, and starts a second one over it. The region's own runs again afterwards.
    ///
    /// # Panics
    /// When one of them does not start.
    pub async fn of(region: &mut Region, more: &str) -> Self {
        region.stop_index().await;
        let directory = region.directory().join("fork");
        let address = free_address();
        let file = write_config(&directory, &region.authority, address, more);
        for part in ["data", "copy"] {
            copy(
                &region.directory().join("index").join(part),
                &directory.join(part),
            );
        }
        region.start_index().await;
        let running = start(region, &file).await;
        Self {
            address,
            file,
            running,
        }
    }

    /// The same after a restart.
    ///
    /// # Panics
    /// When it does not start.
    pub async fn restarted(self, region: &Region) -> Self {
        let (address, file) = (self.address, self.file.clone());
        self.stop().await;
        let running = start(region, &file).await;
        Self {
            address,
            file,
            running,
        }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// A connection of an agency that is led to it.
    pub fn connection(&self, region: &Region, agency: &str, receipts: ReceiptPolicy) -> Connection {
        let identity = region.authority.peer(Role::Agency, agency);
        region.authority.connection(self.address, identity, receipts)
    }

    /// Stops it in good order.
    ///
    /// # Panics
    /// When it ends with an error.
    pub async fn stop(self) {
        self.running.stop();
        within(self.running.ended())
            .await
            .expect("the index ends in good order");
    }
}
