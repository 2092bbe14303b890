//! The central service: publication, consultation, agreements and audit over one record store and one access log.
//!
//! A handler is short because the types carry the rules: the peer was verified, the permit was decided, the answer is
//! sealed until its entry is durable. The reader's path: [`config`] is what an operator writes, [`run`] brings
//! everything up, [`access`] is the way of every call of an agency, the other modules are the services.

pub mod config;
pub mod init;
pub mod run;
pub mod entry;
mod call;
mod page;
mod stream;
mod upkeep;
mod restoration;
mod retention;
pub mod shared;
pub mod door;
pub mod access;
pub mod pace;
pub mod freshness;
pub mod consultation;
pub mod publication;
mod profiles;
pub mod quarantine;
mod anomalies;
pub mod agreement_book;
pub mod administration;
pub mod audit;
pub mod oversight;
pub mod monitor;
pub mod directory;
pub mod witness;
pub mod openings;
pub mod scopes;
pub mod starting;
pub mod usage_restore;
pub mod declaration_restore;
pub mod request_restore;
