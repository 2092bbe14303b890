//! What is registered.

use std::io;

use chrono::NaiveDate;

use registry::code::{AprCancellationReason, CivilStatus};
use registry::identifier::{IstatCode, StateCode};
use registry::record::Locality;

use super::card::Position;
use super::population::{Mover, Population};

/// Something that happened and that the office writes down.
#[derive(Debug)]
pub(super) enum Deed {
    /// A child of the first of the cards was born.
    Birth { birth: NaiveDate },
    /// The first of the cards died.
    Death { date: NaiveDate },
    /// They left.
    Departure {
        effective: NaiveDate,
        reason: AprCancellationReason,
        destination: Locality,
        near: bool,
    },
    /// They came.
    Arrival {
        movers: Vec<Mover>,
        effective: NaiveDate,
        origin: Origin,
        refused: Option<NaiveDate>,
    },
    /// They left for a municipality that found that they do not live there.
    Restoration { by: IstatCode },
    /// All of a family live elsewhere.
    Dwelling { effective: NaiveDate },
    /// One of a family lives alone.
    Parting { effective: NaiveDate },
    /// The check of a residence that began on a day is over.
    Check { from: NaiveDate, outcome: CheckOutcome },
    /// Two married, or formed a civil union.
    Union {
        date: NaiveDate,
        status: CivilStatus,
        together: bool,
    },
    /// Two divorced.
    Dissolution { date: NaiveDate },
    /// Other citizenships.
    Citizenship { from: NaiveDate, states: Vec<StateCode> },
    /// A newborn has a codice fiscale.
    FirstCode {
        code: registry::codice_fiscale::CodiceFiscale,
    },
    /// Somebody untraceable is back.
    Reappearance,
}

/// From where somebody comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// As the card says.
    Outside,
    /// From another of the municipalities that are made.
    Near(IstatCode),
}

/// How the check of a residence ends.
#[derive(Debug)]
pub(super) enum CheckOutcome {
    /// They live there.
    Passed,
    /// They do not; the positions of before, one for each card.
    Failed(Vec<Position>),
    /// They came from elsewhere and do not live here.
    Refused,
}

impl Population<'_> {
    /// Writes a deed down.
    pub(super) fn register(&mut self, cards: Vec<usize>, deed: Deed) -> io::Result<()> {
        match deed {
            Deed::Birth { birth } => self.register_birth(&cards, birth),
            Deed::Death { date } => self.register_death(&cards, date),
            Deed::Departure {
                effective,
                reason,
                destination,
                near,
            } => self.register_departure(&cards, effective, reason, destination, near),
            Deed::Arrival {
                movers,
                effective,
                origin,
                refused,
            } => self.register_arrival(movers, effective, origin, refused),
            Deed::Restoration { by } => self.register_restoration(&cards, by),
            Deed::Dwelling { effective } => self.register_dwelling(cards, effective),
            Deed::Parting { effective } => self.register_parting(cards, effective),
            Deed::Check { from, outcome } => self.register_check(&cards, from, outcome),
            Deed::Union {
                date,
                status,
                together,
            } => self.register_union(&cards, date, status, together),
            Deed::Dissolution { date } => self.register_dissolution(&cards, date),
            Deed::Citizenship { from, states } => self.register_citizenship(&cards, from, &states),
            Deed::FirstCode { code } => self.register_first_code(&cards, code),
            Deed::Reappearance => self.register_reappearance(&cards),
        }
    }
}
