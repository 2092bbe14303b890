//! The standard health service: serving, and not serving before the process drains.

use tonic_health::ServingStatus;
use tonic_health::pb::health_server::{Health as HealthRpc, HealthServer};
use tonic_health::server::HealthReporter;

/// Reports the state of the whole server and of the services it was made with.
#[derive(Debug, Clone)]
pub struct Health {
    reporter: HealthReporter,
    services: Vec<&'static str>,
}

impl Health {
    /// A reporter for `services` and the gRPC service to register. Everything is not serving at first.
    pub async fn new(services: &[&'static str]) -> (Self, HealthServer<impl HealthRpc>) {
        let (reporter, server) = tonic_health::server::health_reporter();
        let health = Self {
            reporter,
            services: services.to_vec(),
        };
        health.not_serving().await;
        (health, server)
    }

    /// From now on everything is serving.
    pub async fn serving(&self) {
        self.set(ServingStatus::Serving).await;
    }

    /// From now on nothing is serving: at start, on a full disk, and before draining.
    pub async fn not_serving(&self) {
        self.set(ServingStatus::NotServing).await;
    }

    async fn set(&self, status: ServingStatus) {
        // The empty name stands for the whole server.
        self.reporter.set_service_status("", status).await;
        for service in &self.services {
            self.reporter.set_service_status(service, status).await;
        }
    }
}
