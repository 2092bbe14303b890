//! Who may see what.
//!
//! An agency consults the registry inside its agreement (*convenzione*) and for a stated purpose, or not at all.
//! The reader's path: [`peer`] is who calls, [`service`], [`field`] and [`ascertainment`] what can be asked for, [`context`] on what
//! ground; [`terms`] is what an agreement says, [`document`] its file, [`agreements`] all of them. [`decision`] grants
//! or denies a call clause by clause, [`permit`] shows or hides each person found, [`view`] and [`verification`] are
//! the answers, [`reason`] every answer that is not data.
//!
//! The crate is pure: it does no I/O, reads no clock and draws no random number; what it needs to know of the
//! world is a parameter. A missing or unreadable agreement denies. Rules cited as R1 to R35 are the checklist of
//! data-protection measures drawn from Garante provision 393/2015 and its sibling rules.

pub mod domain;
pub mod peer;
pub mod service;
pub mod field;
pub mod ascertainment;
pub mod reason;
pub mod moment;
pub mod network;
pub mod hours;
pub mod context;
pub mod terms;
pub mod release;
pub mod openings;
pub mod document;
pub mod lint;
pub mod agreements;
pub mod usage;
pub mod repeats;
pub mod batch;
pub mod request;
pub mod clause;
pub mod denial;
pub mod decision;
pub mod subject;
pub mod permit;
pub mod view;
pub mod claim;
pub mod declarations;
pub mod verification;
pub mod describe;
#[cfg(test)]
mod fixture;
