//! The end-to-end suite: stories on a region with real files, real mutual TLS and the product's own clients.

mod story;
mod search;
mod verification;
mod denial;
mod audit;
mod indistinguishable;
mod door;
mod interruption;
mod untrusted_node;
mod publication_key;
mod sealed;
mod anomalies;
mod profile;
mod mergers;
mod withdrawal;
mod lines_of_history;
mod restart;
mod repeats;
mod batch;
mod configuration;
mod full_disk;
mod interop;
mod workspace;
mod documents;
mod readme;
mod registrar;
