//! Answers in the words of the registry, holding nothing that was not granted.

pub mod person;
pub mod household;
