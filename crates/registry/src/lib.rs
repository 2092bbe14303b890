//! The registry's own language: what a municipality writes on a person's card, and the rules that hold for it.
//!
//! This crate is pure: it does no I/O, reads no clock, draws no random number and knows no protobuf.
//! The reader's path: [`identifier`] and [`date`] are the words, [`codice_fiscale`], [`municipality`], [`state`]
//! and [`code`] the reference tables, [`record`] the card with its [`timeline`]s and
//! [`measure`]s, [`house`] where people live together, [`canonical`] its bytes,
//! [`digest`] the proof that two copies are equal, [`export`] the layout in which back offices hand it over with the
//! [`finding`]s about it, [`change`] and [`publication`] the way to the index with the [`signing`] keys and registrars'
//! [`statement`]s that guard it, [`linking`] the person behind cards of several municipalities, [`sealing`] the
//! identities that must never be joined to it, [`profile`] what of a card is published at all, [`matching`] the way from
//! a partial or misspelt name to persons.

pub mod identifier;
pub mod date;
pub mod validity;
pub mod timeline;
mod letters;
pub mod hex;
mod bit_set;
pub mod code;
pub mod state;
pub mod municipality;
pub mod codice_fiscale;
pub mod record;
pub mod measure;
pub mod normal;
pub mod house;
pub mod finding;
pub mod export;
pub mod canonical;
pub mod digest;
pub mod change;
pub mod signing;
pub mod publication;
pub mod statement;
pub mod linking;
pub mod sealing;
pub mod profile;
pub mod matching;

#[cfg(test)]
mod testing;
