//! The municipal daemon (*nodo comunale*).
//!
//! A municipality [enrols](enrolment) once. A back office hands over its cards in an export, by command or in the
//! [drop folder](incoming); the node [takes](intake) it, [checks](check) it, [imports](import) what changed into its
//! journal, [reports](reports) what it set aside, and [publishes](publisher) the journal to the index. A registrar
//! sets [measures](measure) on a card beside the exports, and can [withdraw](withdrawal) the municipality altogether. What
//! the index acknowledged is held by it; what
//! it did not is sent again, whatever was interrupted on either side. Beside all that it [witnesses](witness) the index's
//! access log. [`daemon`] puts them together, [`control`] is
//! how commands talk to a daemon that runs.

pub mod config;
pub mod enrolment;
pub mod storage;
pub mod findings;
pub mod form;
pub mod check;
pub mod retention;
pub mod import;
pub mod assess;
pub mod exports;
pub mod reports;
pub mod intake;
pub mod incoming;
pub mod acceptance;
pub mod housekeeping;
pub mod qualification;
pub mod measure;
pub mod withdrawal;
pub mod publisher;
pub mod witness;
pub mod profile;
pub mod reconcile;
pub mod daemon;
pub mod control;

#[cfg(test)]
mod fixture;
