//! What is kept on disk: append-only segment files, the record store and the access log over them, sealed at rest.
//!
//! Two kinds of files are the truth and are written by the same segment writer: the publication journal and the
//! access log. Whatever an engine holds is a projection of the journal and comes back from it. The reader's path:
//! [`files`] and [`segment`] are the ground, [`keys`] the sealing, [`publication_journal`] and [`publisher`] how
//! records come in, [`record_store`] how they are read, [`name_index`] how they are searched, [`access_log`] how answers get out, [`municipal`] what a
//! node keeps, [`sealed_file`] how it keeps an export.

pub mod files;
pub mod segment;
pub mod keys;
mod kv;
pub mod rows;
pub mod publication_journal;
pub mod projection;
pub mod name_index;
mod linker;
pub mod publisher;
pub mod record_store;
pub mod municipal;
pub mod sealed_file;
pub mod access_log;
pub mod cosignatures;
pub mod fsck;

#[cfg(test)]
mod test_support;
