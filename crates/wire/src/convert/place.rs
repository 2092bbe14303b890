//! Places: of birth, of residence, of origin and destination.

use registry::code::ToponymSpecies;
use registry::identifier::{IstatCode, StateCode};
use registry::record::{Address, BirthPlace, ForeignAddress, Locality, Place};

use super::invalid::{Invalid, Named, Rule, Within, required, text, when_present};
use crate::proto::registry::v1 as wire;

impl From<Locality> for wire::Locality {
    fn from(locality: Locality) -> Self {
        let locality = match locality {
            Locality::Municipality(istat) => wire::locality::Locality::Municipality(istat.to_string()),
            Locality::State(state) => wire::locality::Locality::State(state.to_string()),
        };
        Self {
            locality: Some(locality),
        }
    }
}

impl TryFrom<wire::Locality> for Locality {
    type Error = Invalid;

    fn try_from(message: wire::Locality) -> Result<Self, Invalid> {
        let wire::Locality { locality } = message;
        match required("locality", locality)? {
            wire::locality::Locality::Municipality(istat) => IstatCode::parse(&istat)
                .map(Self::Municipality)
                .named("municipality"),
            wire::locality::Locality::State(state) => {
                StateCode::parse(&state).map(Self::State).named("state")
            }
        }
    }
}

impl From<&BirthPlace> for wire::BirthPlace {
    fn from(place: &BirthPlace) -> Self {
        let place = match place {
            BirthPlace::Municipality {
                istat,
                name,
                province,
            } => wire::birth_place::Place::Municipality(wire::BirthMunicipality {
                istat: istat.map(|istat| istat.to_string()).unwrap_or_default(),
                name: name.clone(),
                province: province.clone(),
            }),
            BirthPlace::Abroad { state, locality } => wire::birth_place::Place::Abroad(wire::BirthAbroad {
                state: state.to_string(),
                locality: locality.clone(),
            }),
            BirthPlace::Exceptional(place) => wire::birth_place::Place::Exceptional(place.clone()),
        };
        Self { place: Some(place) }
    }
}

impl TryFrom<wire::BirthPlace> for BirthPlace {
    type Error = Invalid;

    fn try_from(message: wire::BirthPlace) -> Result<Self, Invalid> {
        let wire::BirthPlace { place } = message;
        match required("place", place)? {
            wire::birth_place::Place::Municipality(municipality) => {
                birth_municipality(municipality).within("municipality")
            }
            wire::birth_place::Place::Abroad(wire::BirthAbroad { state, locality }) => Ok(Self::Abroad {
                state: StateCode::parse(&state).named("abroad.state")?,
                locality: text("abroad.locality", locality, 0, 120)?,
            }),
            wire::birth_place::Place::Exceptional(place) => {
                text("exceptional", place, 1, 120).map(Self::Exceptional)
            }
        }
    }
}

fn birth_municipality(municipality: wire::BirthMunicipality) -> Result<BirthPlace, Invalid> {
    let wire::BirthMunicipality {
        istat,
        name,
        province,
    } = municipality;
    let is_sigla = province.len() == 2 && province.bytes().all(|byte| byte.is_ascii_uppercase());
    if !is_sigla {
        return Err(Invalid::new("province", Rule::Character));
    }
    Ok(BirthPlace::Municipality {
        istat: when_present("istat", &istat, IstatCode::parse)?,
        name: text("name", name, 1, 80)?,
        province,
    })
}

impl From<&Place> for wire::Place {
    fn from(place: &Place) -> Self {
        let place = match place {
            Place::Italian(address) => wire::place::Place::Italian(address.into()),
            Place::Foreign(ForeignAddress {
                state,
                locality,
                line,
            }) => wire::place::Place::Foreign(wire::ForeignAddress {
                state: state.to_string(),
                locality: locality.clone(),
                line: line.clone(),
            }),
            Place::Notional { municipality } => wire::place::Place::Notional(wire::NotionalAddress {
                municipality: municipality.to_string(),
            }),
        };
        Self { place: Some(place) }
    }
}

impl TryFrom<wire::Place> for Place {
    type Error = Invalid;

    fn try_from(message: wire::Place) -> Result<Self, Invalid> {
        let wire::Place { place } = message;
        match required("place", place)? {
            wire::place::Place::Italian(address) => {
                Address::try_from(address).map(Self::Italian).within("italian")
            }
            wire::place::Place::Foreign(wire::ForeignAddress {
                state,
                locality,
                line,
            }) => Ok(Self::Foreign(ForeignAddress {
                state: StateCode::parse(&state).named("foreign.state")?,
                locality: text("foreign.locality", locality, 1, 120)?,
                line: text("foreign.line", line, 0, 200)?,
            })),
            wire::place::Place::Notional(wire::NotionalAddress { municipality }) => Ok(Self::Notional {
                municipality: IstatCode::parse(&municipality).named("notional.municipality")?,
            }),
        }
    }
}

impl From<&Address> for wire::Address {
    fn from(address: &Address) -> Self {
        let Address {
            municipality,
            postcode,
            hamlet,
            species,
            street,
            street_code,
            number,
            suffix,
            staircase,
            unit,
        } = address;
        Self {
            municipality: municipality.to_string(),
            postcode: postcode.clone(),
            hamlet: hamlet.clone(),
            species: species.code().to_string(),
            street: street.clone(),
            street_code: street_code.clone(),
            number: *number,
            suffix: suffix.clone(),
            staircase: staircase.clone(),
            unit: unit.clone(),
        }
    }
}

impl TryFrom<wire::Address> for Address {
    type Error = Invalid;

    fn try_from(message: wire::Address) -> Result<Self, Invalid> {
        let wire::Address {
            municipality,
            postcode,
            hamlet,
            species,
            street,
            street_code,
            number,
            suffix,
            staircase,
            unit,
        } = message;
        let is_postcode = postcode.len() == 5 && postcode.bytes().all(|byte| byte.is_ascii_digit());
        if !postcode.is_empty() && !is_postcode {
            return Err(Invalid::new("postcode", Rule::Character));
        }
        Ok(Self {
            municipality: IstatCode::parse(&municipality).named("municipality")?,
            postcode,
            hamlet: text("hamlet", hamlet, 0, 80)?,
            species: ToponymSpecies::from_code(&species).named("species")?,
            street: text("street", street, 1, 100)?,
            street_code: text("street_code", street_code, 0, 6)?,
            number,
            suffix: text("suffix", suffix, 0, 10)?,
            staircase: text("staircase", staircase, 0, 10)?,
            unit: text("unit", unit, 0, 10)?,
        })
    }
}
