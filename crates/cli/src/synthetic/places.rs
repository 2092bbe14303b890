//! Where people were born, as the registries would write it on their birth date.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use chrono::NaiveDate;

use registry::identifier::{CadastralCode, StateCode};
use registry::municipality::{self, Municipality as Period};
use registry::record::{BirthPlace, Locality};
use registry::state::{self, State};

use super::calendar::{after_days, new_year, year_end};
use super::ownership::Origin;
use super::random::{Stream, Weighted};
use super::region::{Municipality, Region};

/// Towns with a maternity ward, in which nearly everybody of the last half century was born.
const MATERNITY_TOWNS: [&str; 25] = [
    "G535", "G337", "B034", "H223", "E253", "F463", "I496", "F257", "B819", "F240", "I462", "G393", "A944",
    "E289", "A785", "D548", "C469", "E410", "H199", "D458", "E730", "D704", "C573", "H294", "H274",
];

/// First year of birth mostly in a maternity ward.
const WARDS_FROM: i32 = 1965;

/// Regions from which Italians moved in, by ISTAT code, with their shares.
const REGIONS: [(&str, f64); 19] = [
    ("01", 5.0),
    ("02", 0.1),
    ("03", 14.0),
    ("04", 1.0),
    ("05", 9.0),
    ("06", 1.5),
    ("07", 2.0),
    ("09", 6.0),
    ("10", 1.3),
    ("11", 7.0),
    ("12", 6.0),
    ("13", 3.0),
    ("14", 1.0),
    ("15", 17.0),
    ("16", 13.0),
    ("17", 2.0),
    ("18", 9.0),
    ("19", 13.0),
    ("20", 3.0),
];

/// Cities outside the region, by cadastral code, with their residents in thousands.
const CITIES: [(&str, f64); 63] = [
    ("H501", 2750.0),
    ("F205", 1350.0),
    ("F839", 910.0),
    ("L219", 840.0),
    ("G273", 630.0),
    ("D969", 560.0),
    ("D612", 360.0),
    ("A662", 315.0),
    ("C351", 300.0),
    ("L736", 250.0),
    ("L781", 255.0),
    ("F158", 218.0),
    ("G224", 206.0),
    ("L424", 198.0),
    ("L049", 188.0),
    ("B157", 196.0),
    ("H224", 170.0),
    ("G999", 195.0),
    ("B354", 148.0),
    ("E625", 153.0),
    ("D643", 145.0),
    ("G478", 162.0),
    ("H703", 127.0),
    ("A271", 98.0),
    ("G479", 95.0),
    ("E506", 94.0),
    ("D086", 63.0),
    ("C352", 84.0),
    ("D122", 58.0),
    ("I754", 116.0),
    ("B963", 72.0),
    ("A783", 56.0),
    ("A509", 52.0),
    ("G942", 64.0),
    ("F052", 60.0),
    ("E897", 48.0),
    ("D150", 70.0),
    ("A794", 120.0),
    ("E463", 92.0),
    ("H620", 50.0),
    ("L840", 110.0),
    ("L483", 98.0),
    ("A089", 55.0),
    ("L331", 55.0),
    ("B429", 58.0),
    ("H163", 73.0),
    ("C342", 25.0),
    ("B180", 82.0),
    ("I452", 121.0),
    ("G482", 118.0),
    ("A345", 70.0),
    ("C632", 48.0),
    ("L103", 51.0),
    ("B519", 47.0),
    ("E472", 127.0),
    ("D810", 44.0),
    ("L117", 107.0),
    ("A390", 96.0),
    ("E715", 89.0),
    ("A182", 91.0),
    ("L378", 118.0),
    ("A952", 106.0),
    ("A326", 34.0),
];

/// Towns in which citizens of the most frequent states were born.
const FOREIGN_TOWNS: [(&str, &[&str]); 12] = [
    (
        "ROU",
        &["BUCAREST", "IASI", "BACAU", "CRAIOVA", "GALATI", "SUCEAVA"],
    ),
    (
        "MAR",
        &["CASABLANCA", "KHOURIBGA", "BENI MELLAL", "FES", "SETTAT"],
    ),
    (
        "ALB",
        &["TIRANA", "DURAZZO", "VALONA", "ELBASAN", "SCUTARI", "FIER"],
    ),
    (
        "UKR",
        &["LEOPOLI", "CHERNIVTSI", "IVANO-FRANKIVSK", "KIEV", "TERNOPIL"],
    ),
    ("CHN", &["WENZHOU", "QINGTIAN", "ZHEJIANG", "FUJIAN"]),
    ("MDA", &["CHISINAU", "BALTI", "CAHUL", "ORHEI"]),
    ("PAK", &["GUJRAT", "GUJRANWALA", "SIALKOT", "LAHORE"]),
    ("TUN", &["TUNISI", "SFAX", "MAHDIA", "SOUSSE"]),
    ("IND", &["LUDHIANA", "JALANDHAR", "HOSHIARPUR", "KAPURTHALA"]),
    ("NGA", &["BENIN CITY", "LAGOS"]),
    ("PHL", &["MANILA", "BATANGAS"]),
    ("CHE", &["ZURIGO", "BASILEA", "GINEVRA", "LUGANO"]),
];

/// A municipality with all its periods.
#[derive(Debug)]
pub(super) struct Place {
    cadastral: CadastralCode,
    periods: &'static [Period],
    origin: Origin,
}

/// A birth place before the day is known.
#[derive(Clone, Copy, Debug)]
pub(super) enum Birthplace {
    /// A municipality that existed all year.
    Italy(&'static Place),
    /// A state, with one of its towns.
    Abroad(&'static State, &'static str),
}

/// The places around one municipality.
#[derive(Debug)]
pub(super) struct Places {
    home: &'static Place,
    home_is_maternity_town: bool,
    wards: Weighted<&'static Place>,
    near: Weighted<&'static Place>,
}

/// Every municipality that ever had a cadastral code, by that code.
static PLACES: LazyLock<Vec<Place>> = LazyLock::new(|| {
    let region = Region::emilia_romagna();
    let mut places: Vec<Place> = Vec::new();
    for code in municipality::all().iter().filter_map(Period::cadastral) {
        if places.last().is_none_or(|last| last.cadastral != code) {
            let periods = municipality::periods(code);
            let ours = periods
                .iter()
                .any(|period| period.region() == Region::EMILIA_ROMAGNA);
            let origin = if ours {
                Origin::of(region, code)
            } else {
                Origin::Elsewhere
            };
            places.push(Place {
                cadastral: code,
                periods,
                origin,
            });
        }
    }
    places
});
static STATES: LazyLock<BTreeMap<&'static str, &'static State>> = LazyLock::new(|| {
    let current = state::all()
        .iter()
        .filter(|state| state.validity().is_current() && state.cadastral().is_some());
    current.map(|state| (state.iso3(), state)).collect()
});
static IN_REGION: LazyLock<Weighted<&'static Place>> = LazyLock::new(|| {
    let all = Region::emilia_romagna().municipalities();
    Weighted::new(
        all.iter()
            .map(|it| (place(it.cadastral), f64::from(it.population()))),
    )
});
static OTHER_REGIONS: LazyLock<Weighted<OtherRegion>> = LazyLock::new(|| {
    Weighted::new(
        REGIONS
            .iter()
            .map(|(code, weight)| (OtherRegion::new(code), *weight)),
    )
});

/// The municipalities of another region, past ones included.
#[derive(Debug)]
struct OtherRegion {
    all: Vec<&'static Place>,
    cities: Weighted<&'static Place>,
}

impl OtherRegion {
    fn new(code: &str) -> Self {
        let here = |place: &Place| place.periods.last().is_some_and(|period| period.region() == code);
        let cities = CITIES.iter().map(|(city, weight)| (named(city), *weight));
        Self {
            all: PLACES.iter().filter(|place| here(place)).collect(),
            cities: Weighted::new(cities.filter(|(city, _)| here(city))),
        }
    }
}

impl Places {
    /// The places around a municipality.
    pub(super) fn around(home: &Municipality) -> Self {
        let all = Region::emilia_romagna().municipalities();
        let same_province = |it: &&Municipality| it.province == home.province;
        let weight = |it: &Municipality| (place(it.cadastral), f64::from(it.population()));
        let is_ward = |it: &&Municipality| MATERNITY_TOWNS.contains(&it.cadastral.as_str());
        let ceased = PLACES
            .iter()
            .filter(|place| place.origin == Origin::Province(home.province));
        Self {
            home: place(home.cadastral),
            home_is_maternity_town: is_ward(&home),
            wards: Weighted::new(all.iter().filter(same_province).filter(is_ward).map(weight)),
            near: Weighted::new(
                all.iter()
                    .filter(same_province)
                    .map(weight)
                    .chain(ceased.map(|it| (it, 1500.0))),
            ),
        }
    }

    /// The municipality itself.
    pub(super) fn home(&self) -> Birthplace {
        Birthplace::Italy(self.home)
    }

    /// A town of the province in which anybody may have been born.
    pub(super) fn maternity_town(&self, stream: &mut Stream) -> Birthplace {
        Birthplace::Italy(self.wards.draw(stream))
    }

    /// Whether a place is the municipality itself.
    pub(super) fn is_home(&self, place: Birthplace) -> bool {
        matches!(place, Birthplace::Italy(place) if place.cadastral == self.home.cadastral)
    }

    /// Where somebody of a family of the region was born in `year`.
    pub(super) fn in_region(&self, stream: &mut Stream, year: i32) -> Birthplace {
        let chosen = stream.unit();
        let place = if year < WARDS_FROM {
            match chosen {
                ..0.5 => self.home,
                ..0.88 => *self.near.draw(stream),
                _ => *IN_REGION.draw(stream),
            }
        } else {
            match chosen {
                _ if self.home_is_maternity_town && chosen < 0.85 => self.home,
                ..0.8 => *self.wards.draw(stream),
                ..0.92 => self.home,
                _ => *IN_REGION.draw(stream),
            }
        };
        if place.existed(year) {
            return Birthplace::Italy(place);
        }
        let mut towns = (0..50).map(|_| *self.wards.draw(stream));
        let town = towns.find(|town| town.existed(year));
        Birthplace::Italy(town.unwrap_or(self.home))
    }
}

/// Where somebody from another region was born in `year`.
pub(super) fn in_other_region(stream: &mut Stream, year: i32) -> Birthplace {
    for _ in 0..50 {
        let region = OTHER_REGIONS.draw(stream);
        let anywhere = if stream.chance(0.5) {
            stream.pick(&region.all).copied()
        } else {
            None
        };
        let place = anywhere.unwrap_or_else(|| *region.cities.draw(stream));
        if place.existed(year) {
            return Birthplace::Italy(place);
        }
    }
    // Rome has existed throughout.
    Birthplace::Italy(named(CITIES[0].0))
}

/// A place in a state.
pub(super) fn in_state(stream: &mut Stream, iso3: &str) -> Birthplace {
    let state = state_of(iso3);
    let towns = FOREIGN_TOWNS
        .iter()
        .find(|(of, _)| *of == state.iso3())
        .map_or(&[][..], |(_, towns)| towns);
    Birthplace::Abroad(state, stream.pick(towns).copied().unwrap_or_default())
}

/// The state of an ISO code, which must be one that exists today.
pub(super) fn state_of(iso3: &str) -> &'static State {
    STATES.get(iso3).expect("the tables name only existing states")
}

/// A municipality outside the region, by its code of that day.
pub(super) fn municipality_outside(stream: &mut Stream, day: NaiveDate) -> Option<Locality> {
    let city = *OTHER_REGIONS.draw(stream).cities.draw(stream);
    city.at(day)?.istat().map(Locality::Municipality)
}

/// A municipality of the region or, more rarely, outside, by its code of that day.
pub(super) fn municipality_anywhere(stream: &mut Stream, day: NaiveDate) -> Option<Locality> {
    if stream.chance(0.4) {
        return municipality_outside(stream, day);
    }
    let place = *IN_REGION.draw(stream);
    match place.at(day).and_then(Period::istat) {
        Some(istat) => Some(Locality::Municipality(istat)),
        None => municipality_outside(stream, day),
    }
}

impl Birthplace {
    /// Cadastral code of the place.
    pub(super) fn cadastral(self) -> CadastralCode {
        match self {
            Self::Italy(place) => place.cadastral,
            Self::Abroad(state, _) => state
                .cadastral()
                .expect("only states with a code are birth places"),
        }
    }

    /// Where it lies for the deal of days.
    pub(super) fn origin(self) -> Origin {
        match self {
            Self::Italy(place) => place.origin,
            Self::Abroad(..) => Origin::Elsewhere,
        }
    }

    /// How the registry writes the place for somebody born there on `day`.
    pub(super) fn written(self, day: NaiveDate) -> BirthPlace {
        match self {
            Self::Italy(place) => {
                let placed =
                    || municipality::placed_at(place.cadastral, day).map(|placed| placed.municipality);
                let period = place
                    .at(day)
                    .or_else(placed)
                    .expect("birth places come from the table");
                BirthPlace::Municipality {
                    istat: period.istat(),
                    name: period.name().to_owned(),
                    province: period.province().to_owned(),
                }
            }
            Self::Abroad(state, town) => BirthPlace::Abroad {
                state: code_of(state),
                locality: town.to_owned(),
            },
        }
    }

    /// Whether it existed throughout a year.
    pub(super) fn existed(self, year: i32) -> bool {
        match self {
            Self::Italy(place) => place.existed(year),
            Self::Abroad(state, _) => state.validity().is_current(),
        }
    }

    /// Whether it is in Italy.
    pub(super) fn in_italy(self) -> bool {
        matches!(self, Self::Italy(_))
    }
}

/// ISTAT code of an existing state.
pub(super) fn code_of(state: &State) -> StateCode {
    state.code().expect("existing states have a code")
}

impl Place {
    /// The municipality as it was on `day`.
    fn at(&self, day: NaiveDate) -> Option<&'static Period> {
        self.periods.iter().find(|period| period.validity().contains(day))
    }

    /// Whether the tables know the municipality, with a code, on every day of the year.
    fn existed(&self, year: i32) -> bool {
        let mut day = new_year(year);
        loop {
            let Some(period) = self.at(day).filter(|period| period.istat().is_some()) else {
                return false;
            };
            match period.validity().to {
                Some(last) if last < year_end(year) => day = after_days(last, 1),
                _ => return true,
            }
        }
    }
}

fn place(code: CadastralCode) -> &'static Place {
    let at = PLACES.binary_search_by_key(&code, |place| place.cadastral);
    at.ok()
        .and_then(|at| PLACES.get(at))
        .expect("the registry's table has the municipalities named here")
}

fn named(text: &str) -> &'static Place {
    place(CadastralCode::parse(text).expect("the tables hold cadastral codes"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_place_named_in_the_code_exists() {
        for (town, _) in CITIES {
            assert!(named(town).existed(2020), "{town}");
            assert_eq!(named(town).origin, Origin::Elsewhere, "{town}");
        }
        for town in MATERNITY_TOWNS {
            assert!(matches!(named(town).origin, Origin::Municipality(_)), "{town}");
            assert!((1923..2026).all(|year| named(town).existed(year)), "{town}");
        }
        for (iso3, _) in FOREIGN_TOWNS {
            assert_eq!(state_of(iso3).iso3(), iso3);
        }
        assert_eq!(
            OTHER_REGIONS
                .values()
                .filter(|region| region.all.is_empty())
                .count(),
            0
        );
    }

    #[test]
    fn the_old_were_often_born_in_municipalities_that_are_no_more() {
        let bologna = Region::emilia_romagna()
            .municipalities()
            .iter()
            .find(|it| it.name == "BOLOGNA")
            .unwrap();
        let places = Places::around(bologna);
        let mut stream = Stream::new(&[1]);
        let mut ceased = |year: i32| {
            let drawn = (0..20_000).map(|_| places.in_region(&mut stream, year));
            drawn
                .filter(|place| matches!(place.origin(), Origin::Province(_)))
                .count()
        };
        assert!(ceased(2010) < ceased(1930));
        assert!(0 < ceased(1930));
    }
}
