//! Acceptance cases: what public rules demand of an index, as calls of an agency and what they tell.
//!
//! The cases are data, in `tests/data/acceptance` and `tests/data/verification`; `rules.toml` lists the rules of which each
//! must have a case that is answered and one that is refused ([`coverage`]).

mod case;
mod message;
mod told;
mod run;
mod files;
mod coverage;
