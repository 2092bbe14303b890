//! History and known-on against the truth: what the product answers about a person at a reference date, as known on
//! a day, beside what a registrar would say.
//!
//! [`cases`] are stories written by hand, [`consistency`] is thirty days of ten municipalities with the simulator's
//! truth beside them. `tests/data/history/README.md` says which answer is right and why.

mod replay;
mod node;
mod answers;
mod cases;
mod consistency;
mod store;
