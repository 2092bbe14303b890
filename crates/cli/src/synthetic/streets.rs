//! Streets, buildings and flats of a municipality.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use registry::code::ToponymSpecies;
use registry::identifier::IstatCode;
use registry::record::{Address, Sex};

use super::names;
use super::random::{Stream, Weighted};
use super::region::Municipality;

/// `name,weight`.
const ODONYMS: &str = include_str!("../../data/odonyms.csv");
/// `code,weight`: how often each species of street occurs.
const SPECIES: &str = include_str!("../../data/species.csv");
/// Residents up to which a municipality has hamlets with streets of their own.
const WITH_HAMLETS: u32 = 60_000;

/// A municipality's streets, and its buildings dealt out over them in no visible order.
#[derive(Debug)]
pub(super) struct Streets {
    municipality: IstatCode,
    streets: Vec<Street>,
    buildings: u64,
    /// From one building to the next; has no common divisor with their number.
    step: u64,
    /// Households of an average building.
    density: f64,
}

/// A flat: a building with what tells its households apart.
#[derive(Clone, Copy, Debug)]
pub(super) struct Dwelling {
    pub(super) building: u64,
    /// Flat within the building, from 1.
    pub(super) unit: u32,
    /// Flats in the building.
    pub(super) units: u32,
}

#[derive(Debug)]
struct Street {
    species: ToponymSpecies,
    name: String,
    code: String,
    postcode: &'static str,
    hamlet: String,
    /// Buildings in the streets before.
    before: u64,
}

static NAMES: LazyLock<Weighted<String>> = LazyLock::new(|| {
    let rows = ODONYMS.lines().skip(1).filter_map(|row| row.split_once(','));
    Weighted::new(rows.map(|(name, weight)| (name.to_uppercase(), weight.parse().unwrap_or(0.0))))
});
static KINDS: LazyLock<Weighted<ToponymSpecies>> = LazyLock::new(|| {
    let rows = SPECIES.lines().skip(1).filter_map(|row| row.split_once(','));
    Weighted::new(
        rows.filter_map(|(code, weight)| Some((ToponymSpecies::from_code(code).ok()?, weight.parse().ok()?))),
    )
});

impl Streets {
    /// Lays out the streets of a municipality.
    pub(super) fn of(municipality: &Municipality, seed: u64) -> Self {
        let mut stream = Stream::new(&[seed, municipality.ordinal as u64, 0x57_72_65_65]);
        let residents = municipality.population();
        let density = match residents {
            ..5_000 => 1.3,
            ..15_000 => 1.7,
            ..50_000 => 2.4,
            ..100_000 => 3.4,
            _ => 4.5,
        };
        // One and a half times what the households of one year need: some move, some leave.
        let buildings = (f64::from(residents) / 2.1 / density * 1.5) as u64 + 30;
        // 1,930 streets in Bologna, some 180 in a municipality of median size.
        let wanted = (4.0 + 1.15 * f64::from(residents).powf(0.577)) as usize;
        let mut seen = BTreeSet::new();
        let mut drawn: Vec<(ToponymSpecies, String, f64)> = Vec::new();
        let mut tries = 0;
        while drawn.len() < wanted {
            tries += 1;
            let name = if tries < 3 * wanted && stream.chance(0.6) {
                NAMES.draw(&mut stream).clone()
            } else {
                let sex = if stream.chance(0.9) {
                    Sex::Male
                } else {
                    Sex::Female
                };
                let given = names::given(&mut stream, 1930, sex);
                let surname = names::well_known_surname(&mut stream);
                format!("{} {}", given.text, surname.text)
            };
            let species = *KINDS.draw(&mut stream);
            if seen.insert((species, name.clone())) {
                drawn.push((species, name, 0.2 + stream.normal(1.0, 0.6).abs().powi(2)));
            }
        }
        let total: f64 = drawn.iter().map(|(.., length)| length).sum();
        let mut before = 0.0;
        let mut streets = Vec::with_capacity(drawn.len());
        for (at, (species, name, length)) in drawn.into_iter().enumerate() {
            let hamlet = residents < WITH_HAMLETS && stream.chance(0.2);
            streets.push(Street {
                species,
                name,
                code: format!("{:05}", at + 1),
                postcode: stream.pick(&municipality.postcodes).copied().unwrap_or_default(),
                hamlet: if hamlet {
                    hamlet_of(&mut stream)
                } else {
                    String::new()
                },
                before: (before / total * buildings as f64) as u64,
            });
            before += length;
        }
        let step = (buildings * 618 / 1000..)
            .find(|step| gcd(*step, buildings) == 1)
            .unwrap_or(1);
        Self {
            municipality: municipality.istat,
            streets,
            buildings,
            step,
            density,
        }
    }

    /// Flats of the next building.
    pub(super) fn units(&self, stream: &mut Stream) -> u32 {
        let more = -(1.0 - stream.unit()).ln() * (self.density - 1.0);
        1 + more.round().min(60.0) as u32
    }

    /// Buildings there are; numbers beyond begin again.
    pub(super) fn buildings(&self) -> u64 {
        self.buildings
    }

    /// The address of a flat.
    pub(super) fn address(&self, dwelling: Dwelling) -> Address {
        let Dwelling {
            building,
            unit,
            units,
        } = dwelling;
        let building = self.scattered(building % self.buildings);
        let at = self
            .streets
            .partition_point(|street| street.before <= building)
            .saturating_sub(1);
        let street = &self.streets[at];
        let door = building - street.before;
        // One door in six shares its number with the one before and has a suffix.
        let number = door * 5 / 6;
        let suffix = if 0 < door && (door - 1) * 5 / 6 == number {
            "A"
        } else {
            ""
        };
        Address {
            municipality: self.municipality,
            postcode: street.postcode.to_owned(),
            hamlet: street.hamlet.clone(),
            species: street.species,
            street: street.name.clone(),
            street_code: street.code.clone(),
            number: u32::try_from(number + 1).ok(),
            suffix: suffix.to_owned(),
            staircase: staircase(unit, units),
            unit: if 1 < units {
                unit.to_string()
            } else {
                String::new()
            },
        }
    }

    /// The same buildings in an order in which neighbours do not follow each other.
    fn scattered(&self, building: u64) -> u64 {
        building * self.step % self.buildings
    }
}

/// Houses of more than eight flats have a staircase for each eight.
fn staircase(unit: u32, units: u32) -> String {
    if units <= 8 {
        return String::new();
    }
    let at = u8::try_from((unit - 1) / 8).unwrap_or_default();
    char::from(b'A' + at % 26).to_string()
}

fn hamlet_of(stream: &mut Stream) -> String {
    let saint = stream.pick(&[
        "SAN PIETRO",
        "SAN MARTINO",
        "SANTA MARIA",
        "SAN GIORGIO",
        "SAN DONATO",
        "SAN LORENZO",
    ]);
    let place = stream.pick(&[
        "IN CASALE",
        "IN MONTE",
        "DEL PIANO",
        "DI SOTTO",
        "DI SOPRA",
        "ALLA PIEVE",
        "IN VALLE",
    ]);
    format!(
        "{} {}",
        saint.copied().unwrap_or_default(),
        place.copied().unwrap_or_default()
    )
}

fn gcd(one: u64, other: u64) -> u64 {
    if other == 0 { one } else { gcd(other, one % other) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::synthetic::Region;

    #[test]
    fn every_building_has_its_own_door() {
        for municipality in Region::emilia_romagna().municipalities().iter().step_by(37) {
            let streets = Streets::of(municipality, 1);
            let mut doors = BTreeSet::new();
            for building in 0..streets.buildings() {
                let address = streets.address(Dwelling {
                    building,
                    unit: 1,
                    units: 1,
                });
                let door = (address.street_code, address.number, address.suffix);
                assert!(doors.insert(door), "{}", municipality.name());
            }
        }
    }

    #[test]
    fn flats_of_a_large_building_are_told_apart() {
        let imola = Region::emilia_romagna()
            .municipalities()
            .iter()
            .find(|it| it.name() == "IMOLA")
            .unwrap();
        let streets = Streets::of(imola, 1);
        let flats: BTreeSet<_> = (1..=20)
            .map(|unit| {
                streets.address(Dwelling {
                    building: 5,
                    unit,
                    units: 20,
                })
            })
            .map(|address| (address.staircase, address.unit))
            .collect();
        assert_eq!(flats.len(), 20);
        assert_eq!(
            flats
                .iter()
                .map(|(staircase, _)| staircase)
                .collect::<BTreeSet<_>>()
                .len(),
            3
        );
    }
}
