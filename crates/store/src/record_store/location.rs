//! Whether where somebody lives must be withheld: because it is protected, or because somebody lives there whose
//! whereabouts are.

use agreement::permit::Permit;
use agreement::subject::Location;
use chrono::NaiveDate;
use registry::identifier::PersonId;
use registry::measure::SharedPlace;
use registry::record::Record;

use crate::projection::ProjectionError;
use crate::record_store::read::Reader;
use crate::rows::{CommitSequence, Lead};

impl Reader {
    /// The location of a card of a person.
    ///
    /// It is protected where any card of the person says so, of the reference date or of today. It is shared where a
    /// household or dwelling that the card names, now or in its history, is the one in which such a person stands on
    /// the reference date or today.
    pub(super) fn location_of(
        &self,
        permit: &Permit,
        person: PersonId,
        card: &Record,
        visible: CommitSequence,
    ) -> Result<Location, ProjectionError> {
        let days = [permit.reference_date(), permit.today()];
        if protected_on(card, days) || self.is_protected(person, days, visible)? {
            return Ok(Location::Protected);
        }
        for place in self.projection.places_of(card) {
            for other in self.projection.cards_of(Lead::Sheltered(place), visible)? {
                let Some(sheltered) = self.projection.held_at(other, visible)? else {
                    continue;
                };
                let person = sheltered.person;
                let Some(standing) = sheltered.into_sheltering() else {
                    continue;
                };
                let there = days.iter().any(|day| {
                    SharedPlace::held_on(&standing, *day)
                        .any(|held| self.projection.place_token(&standing, &held) == Some(place))
                });
                let protected = protected_on(&standing, days) || self.is_protected(person, days, visible)?;
                if there && protected {
                    return Ok(Location::Shared);
                }
            }
        }
        Ok(Location::Open)
    }

    /// Whether any card of a person protects it on one of the days. A card that is gone with its municipality protects
    /// on all of them: nobody is left to say when it ends.
    pub(super) fn is_protected(
        &self,
        person: PersonId,
        days: [NaiveDate; 2],
        visible: CommitSequence,
    ) -> Result<bool, ProjectionError> {
        for record in self.projection.cards_of(Lead::Protected(person), visible)? {
            let protects = match self.projection.held_at(record, visible)? {
                Some(held) => held
                    .into_sheltering()
                    .is_some_and(|card| protected_on(&card, days)),
                None => true,
            };
            if protects {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

fn protected_on(card: &Record, days: [NaiveDate; 2]) -> bool {
    days.iter().any(|day| card.protected_on(*day))
}
