//! SDK for agencies, nodes, auditors and administrators: typed, retrying, receipt-verifying.
//!
//! A [`connection::Connection`] is opened once from an [`connection::Endpoint`] and shared; each kind of caller has
//! its client over it: [`agency::AgencyClient`], [`auditor::AuditorClient`], [`admin::AdminClient`],
//! [`node::NodeClient`], and [`directory::DirectoryClient`] for those that may see who takes part. Every call has a
//! deadline. A call that changes nothing is repeated, under the same request id, while the index is not available.
//! The receipt that comes with an answer is verified, and must be that of the call that was made, before the answer
//! is handed out.

pub mod error;
pub mod backoff;
pub mod receipt;
pub mod connection;
pub mod page;

pub mod agency;
pub mod auditor;
pub mod admin;
pub mod node;
pub mod directory;

mod convert;

#[cfg(test)]
mod fixture;
