//! Houses: an address in Italy as far as street and number go. Who has the same one lives in the same house, behind
//! whatever door.

use std::fmt;

use crate::municipality::MunicipalityId;
use crate::normal::name_key;
use crate::record::{Place, Record, Register};

/// Normal form of a house: municipality, name of the street, civic number. Species and suffix are no part of it, because
/// whoever names a house may leave them out.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HouseKey(String);

impl HouseKey {
    /// The house of a municipality with this number, or without one (SNC), in a street.
    pub fn new(municipality: MunicipalityId, street: &str, number: Option<u32>) -> Self {
        let municipality = municipality.as_str();
        let street = name_key(street);
        let number = number.map(|number| number.to_string()).unwrap_or_default();
        Self(format!("{municipality}|{street}|{number}"))
    }

    /// The houses of the municipality of a card in which its person is or was resident by it, each once. A notional
    /// address is no house, and a citizen abroad is resident in none.
    pub fn of_card(card: &Record) -> Vec<Self> {
        let Some(municipality) =
            MunicipalityId::of_any(card.municipality).filter(|_| card.register == Register::Apr)
        else {
            return Vec::new();
        };
        let mut houses: Vec<Self> = Vec::new();
        for residence in card.residences.facts() {
            let Place::Italian(address) = &residence.value.place else {
                continue;
            };
            let house = Self::new(municipality, &address.street, address.number);
            if !houses.contains(&house) {
                houses.push(house);
            }
        }
        houses
    }

    /// The key as bytes, to be hashed.
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

/// Personal: debugging output does not carry it.
impl fmt::Debug for HouseKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HouseKey(..)")
    }
}

#[cfg(test)]
mod tests;
