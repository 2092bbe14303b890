//! What the benches share: synthetic people, a region with real files and real mutual TLS, servers in processes of
//! their own, and the measuring of calls and of other processes' CPU time.
//!
//! The reader's path: [`people`] are published in a [`region`], whose index runs as a [`child`] process beside an
//! [`echo`] of as many bytes; [`measure`] drives both, [`report`] says what came out against the budgets.
//! What a search finds is measured apart, in [`quality`].

pub mod people;
pub mod authority;
pub mod region;
pub mod child;
pub mod echo;
pub mod log;
pub mod measure;
pub mod report;
pub mod draws;
pub mod quality;
