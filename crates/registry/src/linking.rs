//! The regional person: which cards of different municipalities are one person's.
//!
//! Cards are linked by national id, else by a codice fiscale that the tax registry validated, else, as an unconfirmed
//! link, by exact generalities; never across a sealed identity. Contradictions are told as anomalies and never settled
//! by choosing. The rules are pure: a rebuild from the same cards in the same order gives the same persons.

mod anomaly;
mod decision;

use std::fmt;

use aws_lc_rs::hmac;
use chrono::{Datelike, NaiveDate};
use uuid::Uuid;

use crate::codice_fiscale::{TaxCode, birth_place_code};
use crate::identifier::{LocalId, NationalId, RecordId};
use crate::municipality::MunicipalityId;
use crate::normal;
use crate::record::{BirthPlace, Generalities, Record, Sex};

pub use self::anomaly::{Anomaly, AnomalyKind};
pub use self::decision::{Candidate, CardFacts, Identity, LinkDecision, LinkStanding, link, said_of_same};

/// The region's key for [`record_id`]: who does not have it cannot tell whose card an id is.
pub struct RegionKey(hmac::Key);

/// What can lead from a card to other cards of the same person.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LinkKey {
    /// National id: the same person, certainly.
    NationalId(NationalId),
    /// Codice fiscale validated by the tax registry, current or past: the same person, unless more speaks against.
    TaxCode(TaxCode),
    /// Exact generalities: perhaps the same person.
    Generalities(GeneralitiesKey),
}

/// Normal form of complete generalities: names, sex, birth date known to the day, birth place.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GeneralitiesKey(String);

impl RegionKey {
    /// The key from 32 random bytes.
    pub fn new(bytes: &[u8; 32]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, bytes))
    }
}

impl fmt::Debug for RegionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RegionKey(..)")
    }
}

/// The regional id of a card: the first 16 bytes of `HMAC-SHA256(key, municipality ‖ local id)` as UUIDv8 (RFC 9562).
/// The municipality is written as its four characters, so the concatenation has one reading.
pub fn record_id(key: &RegionKey, municipality: MunicipalityId, local_id: &LocalId) -> RecordId {
    let mut context = hmac::Context::with_key(&key.0);
    context.update(municipality.as_str().as_bytes());
    context.update(local_id.as_str().as_bytes());
    id_from(context)
}

/// The regional id of a card from the seal of its identity on: as [`record_id`], over a label that no municipality's
/// number can begin with, municipality, local id and first day of the new identity. Nobody without the key can tell
/// that the two are of one card.
pub fn sealed_record_id(
    key: &RegionKey,
    municipality: MunicipalityId,
    local_id: &LocalId,
    from: NaiveDate,
) -> RecordId {
    let mut context = hmac::Context::with_key(&key.0);
    context.update(b"sealed identity\0");
    context.update(municipality.as_str().as_bytes());
    context.update(&from.num_days_from_ce().to_be_bytes());
    context.update(local_id.as_str().as_bytes());
    id_from(context)
}

fn id_from(context: hmac::Context) -> RecordId {
    let tag = context.sign();
    let mut bytes: [u8; 16] = tag
        .as_ref()
        .first_chunk()
        .copied()
        .expect("an HMAC-SHA256 tag has 32 bytes");
    bytes[6] = bytes[6] & 0x0f | 0x80;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    RecordId(Uuid::from_bytes(bytes))
}

/// The keys under which a card is found from other cards, strongest first.
pub fn link_keys(record: &Record) -> Vec<LinkKey> {
    let national_id = record.national_id.map(LinkKey::NationalId);
    let validated = record.tax_codes.iter().filter(|entry| entry.validated);
    let tax_codes = validated.rev().map(|entry| LinkKey::TaxCode(entry.code));
    let generalities = GeneralitiesKey::of(&record.generalities).map(LinkKey::Generalities);
    national_id
        .into_iter()
        .chain(tax_codes)
        .chain(generalities)
        .collect()
}

impl GeneralitiesKey {
    /// The key of generalities of which every part is known; `None` otherwise, because what is unknown is not exact.
    pub fn of(generalities: &Generalities) -> Option<Self> {
        let Generalities {
            surname,
            given_name,
            sex,
            birth_date,
            birth_place,
        } = generalities;
        let surname = normal::name_key(surname.as_ref()?.as_str());
        let given_name = normal::name_key(given_name.as_ref()?.as_str());
        birth_date.day()?;
        let sex = match sex {
            Sex::Male => 'M',
            Sex::Female => 'F',
            Sex::Unknown => return None,
        };
        let place = match (birth_place_code(birth_place, *birth_date), birth_place) {
            (Some(code), _) => code.to_string(),
            (None, BirthPlace::Abroad { state, locality: _ }) => state.to_string(),
            (None, BirthPlace::Exceptional(place)) => format!("X{}", normal::name_key(place)),
            (None, BirthPlace::Municipality { .. }) => return None,
        };
        Some(Self(format!("{surname}|{given_name}|{sex}|{birth_date}|{place}")))
    }

    /// The key as bytes, to be hashed.
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

/// Personal: debugging output does not carry it.
impl fmt::Debug for GeneralitiesKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("GeneralitiesKey(..)")
    }
}

/// Personal: debugging output says only of which kind it is.
impl fmt::Debug for LinkKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NationalId(_) => "LinkKey::NationalId(..)",
            Self::TaxCode(_) => "LinkKey::TaxCode(..)",
            Self::Generalities(_) => "LinkKey::Generalities(..)",
        })
    }
}

#[cfg(test)]
mod tests;
