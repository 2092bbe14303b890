//! Reports of the accesses to one person as files: JSON to be verified, text and PDF to be read.

pub mod json;
pub mod pdf;
pub mod text;
pub mod words;
