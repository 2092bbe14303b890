//! Whom a report about the accesses to a person is about: every card of the regional person, with all ids under which
//! entries may name it.

use std::collections::BTreeSet;

use registry::codice_fiscale::TaxCode;
use registry::identifier::{LocalId, NationalId, PersonId, RecordId};
use registry::linking;
use registry::municipality::MunicipalityId;
use registry::record::Record;

use crate::access_log::subject::{CardTrail, SubjectTrail};
use crate::projection::ProjectionError;
use crate::projection::burial::CardStanding;
use crate::record_store::read::Reader;
use crate::rows::CommitSequence;

/// By what the person is named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SubjectKey {
    /// A codice fiscale or provisional code that a card bears, now or in its history.
    TaxCode(TaxCode),
    /// A national id.
    NationalId(NationalId),
    /// A municipality's own card.
    Card(MunicipalityId, LocalId),
}

/// Of whose cards a report may tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TrailScope {
    /// Everybody's.
    Region,
    /// Those of these municipalities, which are one and those merged with it.
    Municipalities(BTreeSet<MunicipalityId>),
}

/// Who bears an identifier.
#[derive(Debug)]
pub enum Identified {
    /// Nobody, within the scope.
    Nobody,
    /// Several persons, of whom each may be told only of itself.
    Several,
    /// One.
    One(Box<SubjectTrail>),
}

impl TrailScope {
    fn contains(&self, municipality: MunicipalityId) -> bool {
        match self {
            Self::Region => true,
            Self::Municipalities(own) => own.contains(&municipality),
        }
    }
}

impl Reader {
    /// The trail of whoever bears an identifier. A card that left publication counts by what it said last; one of an
    /// identity that was sealed counts nowhere, and nothing leads from the new identity to the old.
    ///
    /// `departed` are municipalities that were withdrawn: their cards are gone, entries about them are not.
    pub(super) fn trail(
        &self,
        key: &SubjectKey,
        scope: &TrailScope,
        departed: BTreeSet<String>,
    ) -> Result<Identified, ProjectionError> {
        let mut persons = BTreeSet::new();
        for record in self.led_by(key)? {
            let CardStanding::Published(person) = self.projection.standing_of(record)? else {
                continue;
            };
            let Some((municipality, card)) = self.last_said(record)? else {
                continue;
            };
            if scope.contains(municipality) && bears(key, &card) {
                persons.insert(person);
            }
        }
        let Some(person) = persons.pop_first() else {
            return Ok(Identified::Nobody);
        };
        if !persons.is_empty() {
            return Ok(Identified::Several);
        }
        let mut cards = Vec::new();
        for record in self.projection.ever_linked(person)? {
            if self.projection.standing_of(record)? != CardStanding::Published(person) {
                continue;
            }
            if let Some((municipality, _)) = self.last_said(record)?
                && scope.contains(municipality)
            {
                cards.push(CardTrail {
                    municipality: municipality.as_str().to_owned(),
                    persons: self.open_persons_of(record)?,
                });
            }
        }
        let departed = match scope {
            TrailScope::Region => departed,
            TrailScope::Municipalities(_) => BTreeSet::new(),
        };
        Ok(Identified::One(Box::new(SubjectTrail::new(
            cards,
            departed,
            self.pseudonyms.clone(),
        ))))
    }

    /// Cards to which an identifier leads or ever led.
    fn led_by(&self, key: &SubjectKey) -> Result<Vec<RecordId>, ProjectionError> {
        match key {
            SubjectKey::TaxCode(code) => self.projection.ever_led(self.projection.tax_code(code.as_str())),
            SubjectKey::NationalId(id) => self.projection.ever_led(self.projection.national_id(id.as_str())),
            SubjectKey::Card(municipality, local_id) => {
                let mut record = linking::record_id(&self.region, *municipality, local_id);
                // The municipality's number goes on with the identity that it stands for today.
                while let CardStanding::Buried(Some(successor)) = self.projection.standing_of(record)? {
                    record = successor;
                }
                Ok(vec![record])
            }
        }
    }

    /// What a card said last, and whose it is.
    fn last_said(&self, record: RecordId) -> Result<Option<(MunicipalityId, Record)>, ProjectionError> {
        let card = self.projection.last_published(record, CommitSequence(u64::MAX))?;
        Ok(card.and_then(|card| Some((MunicipalityId::of_any(card.municipality)?, card))))
    }

    /// The persons whose a card was, without the time in which it was thought to be that of an identity that was sealed
    /// since.
    fn open_persons_of(&self, record: RecordId) -> Result<Vec<(CommitSequence, PersonId)>, ProjectionError> {
        let mut open = Vec::new();
        for (from, person) in self.projection.persons_of(record)? {
            let first = self.projection.standing_of(RecordId(person.0))?;
            let person = match first {
                // Under its own id nothing names it: the time is kept, so that the id before does not reach into it.
                CardStanding::Buried(_) => PersonId(record.0),
                CardStanding::Unknown | CardStanding::Published(_) => person,
            };
            if open.last().is_none_or(|(_, last)| *last != person) {
                open.push((from, person));
            }
        }
        Ok(open)
    }
}

fn bears(key: &SubjectKey, card: &Record) -> bool {
    match key {
        SubjectKey::TaxCode(code) => card.tax_codes.iter().any(|entry| entry.code == *code),
        SubjectKey::NationalId(id) => card.national_id.as_ref() == Some(id),
        SubjectKey::Card(_, local_id) => card.local_id == *local_id,
    }
}
