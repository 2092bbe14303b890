//! The trust domain: its authority, the certificates it issues, and how to read them.
//!
//! Everything here works on PEM text; only [`files`] touches the disk. Keys are ECDSA P-256.
//! An end certificate carries exactly one URI name, its SPIFFE id: `spiffe://<trust-domain>/<role>/<id>`
//! for a peer and `spiffe://<trust-domain>/index/<id>` for a server, so that neither can pass for the other.

pub mod authority;
pub mod error;
pub mod files;
pub mod names;
pub mod request;
pub mod summary;

#[cfg(test)]
mod tests;
