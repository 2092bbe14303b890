//! What the suites share: a region in a temporary directory with real files, real mutual TLS and real clients.
//!
//! The reader's path: [`authority`] makes a trust domain, [`people`] and [`agreements`] are what is in it, [`region`]
//! brings an index and its nodes up inside the process, [`process`] as processes of the product's binary.

pub mod authority;
pub mod people;
pub mod cards;
pub mod agreements;
pub mod calls;
pub mod wait;
pub mod search;
pub mod tools;
pub mod municipality;
pub mod region;
pub mod process;
pub mod commands;
pub mod witnesses;
pub mod fork;
pub mod adversary;
pub mod test_region;
pub mod rows;
pub mod seen;
