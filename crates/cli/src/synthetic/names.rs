//! Names: Italian by birth cohort and province, foreign by citizenship.
//!
//! Each name is kept with its three letters of the codice fiscale, so that a name can be accepted or refused
//! without computing a code.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use chrono::NaiveDate;

use registry::codice_fiscale::CodiceFiscale;
use registry::identifier::CadastralCode;
use registry::record::{PersonName, Sex};

use super::random::{Stream, Weighted, fold};

/// `name,sex` and a weight for each of seven birth cohorts.
const GIVEN: &str = include_str!("../../data/given_names.csv");
/// `cohort,sex,names`: the most frequent names of the last three cohorts in order, `+` for a blank.
const RECENT: &str = include_str!("../../data/given_names_recent.csv");
/// `surname` and a weight for each province.
const SURNAMES: &str = include_str!("../../data/surnames.csv");
/// Stems and endings of which rare surnames are composed.
const PARTS: &str = include_str!("../../data/surname_parts.csv");
/// `citizenship,kind,sex,name,weight`.
const FOREIGN: &str = include_str!("../../data/foreign_names.csv");

/// Provinces in the order of the columns of [`SURNAMES`].
const PROVINCES: [&str; 9] = ["PC", "PR", "RE", "MO", "BO", "FE", "RA", "FC", "RN"];
/// First birth years of the cohorts after the first.
const COHORTS: [i32; 6] = [1945, 1960, 1975, 1987, 2000, 2013];
/// Share of residents of Italian descent who bear one of the listed surnames.
const COMMON_SURNAMES: f64 = 0.205;
/// Share of the given names of the last three cohorts that are not on their list but on that of their parents.
const PARENTS_TASTE: f64 = 0.2;

/// A name with its letters of the codice fiscale.
#[derive(Clone, Debug)]
pub(super) struct Name {
    pub(super) text: PersonName,
    pub(super) letters: [u8; 3],
}

/// The tables for one province.
#[derive(Debug)]
pub(super) struct Names {
    common_surnames: &'static Weighted<Name>,
    rare_surnames: Weighted<&'static Name>,
}

/// Given names of the two sexes.
#[derive(Debug)]
struct BySex {
    males: Weighted<Name>,
    females: Weighted<Name>,
}

/// Names of a citizenship.
#[derive(Debug)]
struct Foreign {
    surnames: Weighted<Name>,
    given: BySex,
}

#[derive(Clone, Copy)]
enum Kind {
    Surname,
    Given,
}

static COHORT_NAMES: LazyLock<Vec<BySex>> = LazyLock::new(|| (0..7).map(cohort_names).collect());
static COMMON: LazyLock<Vec<Weighted<Name>>> = LazyLock::new(|| (0..9).map(common_surnames).collect());
static RARE: LazyLock<Vec<(Name, f64)>> = LazyLock::new(rare_surnames);
static FOREIGN_NAMES: LazyLock<BTreeMap<&'static str, Foreign>> = LazyLock::new(foreign_names);

impl Names {
    /// The tables of a province of the region.
    pub(super) fn of_province(province: &str) -> Self {
        let at = PROVINCES
            .iter()
            .position(|known| *known == province)
            .unwrap_or_default();
        // A rare surname is at home in some provinces: its weight there is up to six times that elsewhere.
        let local = |rank: usize| match fold(&[rank as u64, at as u64]) % 8 {
            0 => 6.0,
            1 | 2 => 2.0,
            _ => 0.6,
        };
        let rare = RARE
            .iter()
            .enumerate()
            .map(|(rank, (name, weight))| (name, weight * local(rank)));
        Self {
            common_surnames: &COMMON[at],
            rare_surnames: Weighted::new(rare),
        }
    }

    /// A surname of a family of Italian descent.
    pub(super) fn surname(&self, stream: &mut Stream) -> &'static Name {
        if stream.chance(COMMON_SURNAMES) {
            self.common_surnames.draw(stream)
        } else {
            self.rare_surnames.draw(stream)
        }
    }
}

/// An Italian given name of somebody born in `year`.
pub(super) fn given(stream: &mut Stream, year: i32, sex: Sex) -> &'static Name {
    let mut cohort = COHORTS.partition_point(|from| *from <= year);
    if 3 < cohort && stream.chance(PARENTS_TASTE) {
        cohort -= 1;
    }
    COHORT_NAMES[cohort].of(sex).draw(stream)
}

/// A surname of a citizen of a state, by its ISO code.
pub(super) fn foreign_surname(stream: &mut Stream, iso3: &str) -> &'static Name {
    foreign(iso3).surnames.draw(stream)
}

/// A given name of a citizen of a state.
pub(super) fn foreign_given(stream: &mut Stream, iso3: &str, sex: Sex) -> &'static Name {
    foreign(iso3).given.of(sex).draw(stream)
}

/// Every surname of Italian descent that streets may be named after.
pub(super) fn well_known_surname(stream: &mut Stream) -> &'static Name {
    COMMON[0].draw(stream)
}

/// The names of a state, or of one whose names are nearest where its own are not listed.
fn foreign(iso3: &str) -> &'static Foreign {
    let listed = match iso3 {
        "ECU" | "DOM" | "CUB" | "COL" | "ARG" | "VEN" | "ESP" => "PER",
        "CIV" | "BFA" | "MLI" | "GIN" => "SEN",
        "CMR" | "ETH" | "TGO" => "GHA",
        "DZA" | "SYR" => "TUN",
        "SRB" | "BIH" | "HRV" => "MKD",
        "KOS" => "ALB",
        "BLR" | "GEO" => "RUS",
        "USA" => "GBR",
        "CHE" | "BEL" => "FRA",
        listed => listed,
    };
    FOREIGN_NAMES
        .get(listed)
        .or_else(|| FOREIGN_NAMES.get("ROU"))
        .expect("the compiled-in table has ROU")
}

impl BySex {
    fn of(&self, sex: Sex) -> &Weighted<Name> {
        match sex {
            Sex::Female => &self.females,
            Sex::Male | Sex::Unknown => &self.males,
        }
    }
}

impl Name {
    /// The surnames of both parents.
    pub(super) fn double(father: &Self, mother: &Self) -> Self {
        Self::new(&format!("{} {}", father.text, mother.text), Kind::Surname)
    }

    fn new(text: &str, kind: Kind) -> Self {
        let text = PersonName::parse(&text.to_uppercase()).expect("the compiled-in tables hold only names");
        let (surname, given, at) = match kind {
            Kind::Surname => (text.as_str(), "", 0),
            Kind::Given => ("", text.as_str(), 3),
        };
        let code = CodiceFiscale::compute(surname, given, Sex::Male, NaiveDate::default(), rome())
            .expect("sex and place of the sample are known");
        let letters = code.as_str().as_bytes()[at..at + 3]
            .try_into()
            .expect("three letters are three");
        Self { text, letters }
    }
}

/// Any place does: only the letters of the names are read.
fn rome() -> CadastralCode {
    CadastralCode::parse("H501").expect("Rome's code is well formed")
}

fn cohort_names(cohort: usize) -> BySex {
    let of = |sex: &str| {
        let mut weights: BTreeMap<String, f64> = BTreeMap::new();
        for row in GIVEN.lines().skip(1) {
            let fields: Vec<&str> = row.split(',').collect();
            if fields[1] == sex {
                *weights.entry(fields[0].to_owned()).or_default() += number(fields[2 + cohort]);
            }
        }
        let from = cohort.checked_sub(1).map_or(0, |at| COHORTS[at]);
        for row in RECENT.lines().skip(1) {
            let fields: Vec<&str> = row.split(',').collect();
            if fields[0] != from.to_string() || fields[1] != sex {
                continue;
            }
            let ranked: Vec<(String, f64)> = fields[2]
                .split(' ')
                .enumerate()
                .map(|(rank, name)| (name.replace('+', " "), (rank as f64 + 6.0).powf(-0.9)))
                .collect();
            // The list of a cohort is nine tenths of it; the tail of the table is the rest.
            let tail: f64 = weights.values().sum();
            let scale = tail * 9.0 / ranked.iter().map(|(_, weight)| weight).sum::<f64>();
            for (name, weight) in ranked {
                *weights.entry(name).or_default() += weight * scale;
            }
        }
        Weighted::new(
            weights
                .into_iter()
                .map(|(name, weight)| (Name::new(&name, Kind::Given), weight)),
        )
    };
    BySex {
        males: of("M"),
        females: of("F"),
    }
}

fn common_surnames(province: usize) -> Weighted<Name> {
    Weighted::new(SURNAMES.lines().skip(1).map(|row| {
        let fields: Vec<&str> = row.split(',').collect();
        (Name::new(fields[0], Kind::Surname), number(fields[1 + province]))
    }))
}

/// Every stem with every ending, by a Zipf curve over an order that means nothing.
fn rare_surnames() -> Vec<(Name, f64)> {
    let parts = |kind: &str| {
        let row = PARTS
            .lines()
            .find_map(|row| row.split_once(',').filter(|(of, _)| *of == kind));
        row.map_or("", |(_, parts)| parts).split(' ')
    };
    let mut composed: Vec<(u64, String, f64)> = Vec::new();
    for (at, stem) in parts("stem").enumerate() {
        for ending in parts("ending") {
            let (ending, weight) = ending.split_once(':').unwrap_or((ending, "1"));
            let hash = fold(&[
                at as u64,
                ending.bytes().fold(0, |sum, byte| sum * 31 + u64::from(byte)),
            ]);
            composed.push((hash, format!("{stem}{ending}"), number(weight)));
        }
    }
    composed.sort_by_key(|(hash, ..)| *hash);
    composed
        .into_iter()
        .enumerate()
        .map(|(rank, (_, name, weight))| {
            (
                Name::new(&name, Kind::Surname),
                weight * (rank as f64 + 900.0).powf(-0.85),
            )
        })
        .collect()
}

fn foreign_names() -> BTreeMap<&'static str, Foreign> {
    let mut rows: BTreeMap<&str, Vec<(&str, &str, &str, f64)>> = BTreeMap::new();
    for row in FOREIGN.lines().skip(1) {
        let fields: Vec<&str> = row.split(',').collect();
        rows.entry(fields[0])
            .or_default()
            .push((fields[1], fields[2], fields[3], number(fields[4])));
    }
    let table = |rows: &[(&str, &str, &str, f64)], kind: Kind, kind_text: &str, sex: &str| {
        let of_kind = rows
            .iter()
            .filter(|row| row.0 == kind_text && (sex.is_empty() || row.1 == sex));
        Weighted::new(of_kind.map(|row| (Name::new(row.2, kind), row.3)))
    };
    let of = |rows: Vec<(&str, &str, &str, f64)>| Foreign {
        surnames: table(&rows, Kind::Surname, "surname", ""),
        given: BySex {
            males: table(&rows, Kind::Given, "given", "M"),
            females: table(&rows, Kind::Given, "given", "F"),
        },
    };
    rows.into_iter().map(|(iso3, rows)| (iso3, of(rows))).collect()
}

fn number(text: &str) -> f64 {
    text.parse().expect("the compiled-in tables hold numbers")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_table_is_read() {
        assert_eq!(COHORT_NAMES.len(), 7);
        assert_eq!(COMMON.len(), 9);
        assert_eq!(FOREIGN_NAMES.len(), 26);
        assert!(20_000 < RARE.len());
    }

    #[test]
    fn two_italians_share_a_surname_about_as_often_as_published() {
        let names = Names::of_province("BO");
        let mut stream = Stream::new(&[1]);
        let mut seen: BTreeMap<&str, u64> = BTreeMap::new();
        let drawn = 200_000_u64;
        for _ in 0..drawn {
            *seen.entry(names.surname(&mut stream).text.as_str()).or_default() += 1;
        }
        let pairs: u64 = seen.values().map(|count| count * (count - 1)).sum();
        let chance = pairs as f64 / (drawn * (drawn - 1)) as f64;
        assert!((0.0002..0.0005).contains(&chance), "{chance}");
    }

    #[test]
    fn given_names_follow_the_cohort() {
        let mut stream = Stream::new(&[1]);
        let mut share = |year: i32, sex: Sex, name: &str| {
            (0..20_000)
                .filter(|_| given(&mut stream, year, sex).text.as_str() == name)
                .count()
        };
        assert!(5 * share(1930, Sex::Male, "LEONARDO") < share(2020, Sex::Male, "LEONARDO"));
        assert!(5 * share(2020, Sex::Female, "MARIA") < share(1930, Sex::Female, "MARIA") * 4);
    }
}
