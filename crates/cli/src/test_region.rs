//! `ponte index serve --test`: a small region of invented people for those who write programs against the index.
//!
//! Its trust domain is one of tests, which certificates, the log's origin, each entry and each answer say. Its people come
//! in the way of all data, from exports through nodes: a synthetic population, and the published [`subjects`], about
//! whom the list says what is answered. [`region`] brings it up; [`documents`] are its agreements and configurations.

pub mod subjects;
pub mod words;
mod documents;
mod region;

pub(crate) use self::region::{TestRegion, TestSettings};
