//! What every record store must do, whatever engine is under it, and what it does when its files fail.

mod consultation;
mod household;
mod known_on;
mod persons;
mod profile;
mod lines;
mod model;
mod linking;
mod mergers;
mod protection;
mod publication;
mod recovery;
mod rulings;
mod quarantines;
mod sealing;
mod residents;
mod search;
mod secrecy;
mod snapshot;
mod volume;
mod withdrawal;
