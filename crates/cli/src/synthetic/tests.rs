use std::collections::{BTreeMap, BTreeSet};

use chrono::Datelike;

use registry::codice_fiscale::{TaxCode, birth_place_code};
use registry::export::ExportReader;
use registry::finding::{ExportChecks, Severity};
use registry::record::{BirthPlace, Place, Record, Register, Sex};
use registry::state::ITALY;

use super::*;

/// A municipality of 1,900 residents, one of 16,800, one of 20,800, and Bologna.
const SMALL: &str = "037007";
const MEDIUM: &str = "037020";
const BOLOGNA: &str = "037006";
const SMALLEST: &str = "033049";

fn istat(text: &str) -> IstatCode {
    IstatCode::parse(text).unwrap()
}

fn plan(seed: u64) -> Plan {
    Plan::new(seed, 2026).unwrap()
}

fn day(month: u32, day: u32) -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, month, day).unwrap()
}

fn cards(of: &str, extent: Extent) -> Vec<Record> {
    municipality(plan(1), istat(of), extent).unwrap().collect()
}

fn everything() -> Extent {
    Extent {
        registers: Registers::ResidentsAndAbroad,
        ..Extent::default()
    }
}

fn export(seed: u64, of: &str, extent: Extent) -> Vec<u8> {
    let mut file = Vec::new();
    write_export(plan(seed), istat(of), extent, &mut file).unwrap();
    file
}

fn is_resident(card: &&Record) -> bool {
    card.register == Register::Apr && card.cancellation.is_none()
}

fn is_foreign(card: &Record) -> bool {
    card.citizenships
        .latest()
        .unwrap()
        .value
        .iter()
        .all(|state| state.as_str() != ITALY)
}

/// Each found share must lie within the tolerance of the expected one.
#[track_caller]
pub(super) fn check_shares(checks: &[(&str, f64, f64, f64)]) {
    let off = checks
        .iter()
        .filter(|(_, found, expected, tolerance)| *tolerance < (found - expected).abs());
    let off: Vec<_> = off
        .map(|(what, found, expected, _)| format!("{what}: {found:.4}, not {expected}"))
        .collect();
    assert!(off.is_empty(), "{off:#?}");
}

#[test]
fn a_municipality_is_a_function_of_seed_year_and_code() {
    let extent = Extent {
        moment: Moment::Until(day(9, 30)),
        ..everything()
    };
    let first = export(1, SMALL, extent);
    assert_eq!(first, export(1, SMALL, extent));
    assert_ne!(first, export(2, SMALL, extent));
    let other_year: Vec<_> = municipality(Plan::new(1, 2027).unwrap(), istat(SMALL), Extent::default())
        .unwrap()
        .collect();
    assert_ne!(cards(SMALL, Extent::default()), other_year);
}

#[test]
fn residents_on_the_first_day_are_exactly_those_of_the_count() {
    for code in [SMALLEST, SMALL, MEDIUM] {
        let municipality = Region::emilia_romagna().municipality(istat(code)).unwrap();
        let mut counted = BTreeMap::new();
        for card in cards(code, everything()).iter().filter(is_resident) {
            // The count calls age 0 who was born in the year before, 1 January included.
            let age = (2025 - card.generalities.birth_date.year()).min(100);
            *counted
                .entry((card.generalities.sex, usize::try_from(age).unwrap()))
                .or_insert(0) += 1;
        }
        for sex in [Sex::Male, Sex::Female] {
            for (age, expected) in municipality.residents(sex).iter().enumerate() {
                let found = counted.get(&(sex, age)).copied().unwrap_or(0);
                assert_eq!(found, *expected, "{code} {sex:?} {age}");
            }
        }
    }
}

#[track_caller]
fn check_codes(of: &str, extent: Extent) {
    let mut seen = BTreeSet::new();
    for card in cards(of, extent) {
        let Some(TaxCode::Definitive(code)) = card.current_tax_code() else {
            continue;
        };
        let place = birth_place_code(&card.generalities.birth_place, card.generalities.birth_date);
        assert!(place.is_some());
        assert_eq!(code.mismatches(&card.generalities, place), []);
        assert!(seen.insert(*code), "a code stands on two cards of {of}");
    }
    assert!(!seen.is_empty());
}

#[test]
fn every_codice_fiscale_is_right_and_stands_on_one_card() {
    check_codes(SMALLEST, everything());
    check_codes(
        MEDIUM,
        Extent {
            moment: Moment::Until(day(12, 31)),
            ..everything()
        },
    );
}

#[test]
fn municipalities_never_give_out_the_same_base_code() {
    let of_bologna = Region::emilia_romagna()
        .municipalities()
        .iter()
        .filter(|it| it.province() == "BO");
    let mut owners: BTreeMap<String, IstatCode> = BTreeMap::new();
    let extent = Extent {
        scale: Scale::one_in(12).unwrap(),
        ..everything()
    };
    for municipality in of_bologna {
        for card in super::municipality(plan(1), municipality.istat(), extent).unwrap() {
            let Some(TaxCode::Definitive(code)) = card.current_tax_code() else {
                continue;
            };
            let owner = *owners
                .entry(code.base().as_str().to_owned())
                .or_insert_with(|| municipality.istat());
            assert_eq!(owner, municipality.istat());
        }
    }
    assert!(50_000 < owners.len());
}

/// What a back office would hear of the file: no error, and only the warnings that are planted.
#[track_caller]
fn check_export(of: &str, extent: Extent) {
    let file = export(1, of, extent);
    let context = plan(1).export_context(istat(of), extent.moment).unwrap();
    let mut checks = ExportChecks::new();
    let mut findings: BTreeMap<&str, usize> = BTreeMap::new();
    let mut rows = 0;
    for row in ExportReader::new(file.as_slice(), context).unwrap() {
        let row = row.unwrap();
        let accepted = match row.outcome {
            Ok(accepted) => accepted,
            Err(errors) => panic!("{errors:?}"),
        };
        rows += 1;
        let of_file = checks.observe(row.line, accepted.card().unwrap());
        for finding in accepted.warnings.iter().chain(&of_file) {
            assert_eq!(finding.severity(), Severity::Warning, "{finding}");
            *findings.entry(finding.rule.code).or_default() += 1;
        }
    }
    for finding in checks.finish() {
        *findings.entry(finding.rule.code).or_default() += 1;
    }
    let planted = ["PN031", "PN052"];
    let others: Vec<_> = findings
        .iter()
        .filter(|(code, _)| !planted.contains(code))
        .collect();
    assert!(others.is_empty(), "{of}: {others:?}");
    let total: usize = findings.values().sum();
    assert!(total * 25 < rows, "{findings:?} in {rows} rows");
}

#[test]
fn exports_are_read_without_errors_and_with_the_planted_warnings_only() {
    let last = Moment::Until(day(12, 31));
    check_export(SMALLEST, everything());
    check_export(MEDIUM, everything());
    check_export(
        MEDIUM,
        Extent {
            moment: last,
            ..everything()
        },
    );
    // Merged in 2019; came from the province of Forlì in 1992; came from another region in 2021.
    for of in ["038029", "099013", "099030"] {
        check_export(
            of,
            Extent {
                scale: Scale::one_in(5).unwrap(),
                moment: last,
                ..everything()
            },
        );
    }
    check_export(
        BOLOGNA,
        Extent {
            scale: Scale::one_in(50).unwrap(),
            ..everything()
        },
    );
}

#[test]
fn what_is_written_is_read_back() {
    let extent = everything();
    let file = export(1, SMALLEST, extent);
    let context = plan(1).export_context(istat(SMALLEST), extent.moment).unwrap();
    let read: Vec<Record> = ExportReader::new(file.as_slice(), context)
        .unwrap()
        .map(|row| row.unwrap().outcome.unwrap().card().unwrap().clone())
        .collect();
    assert_eq!(read, cards(SMALLEST, extent));
}

#[test]
fn every_household_has_one_reference_person() {
    for moment in [Moment::Start, Moment::Until(day(12, 31))] {
        let mut households: BTreeMap<String, usize> = BTreeMap::new();
        for card in cards(
            MEDIUM,
            Extent {
                moment,
                ..Extent::default()
            },
        )
        .iter()
        .filter(is_resident)
        {
            let link = &card.households.latest().unwrap().value;
            *households.entry(link.household.as_str().to_owned()).or_default() +=
                usize::from(link.role.is_reference());
        }
        let odd: Vec<_> = households.iter().filter(|(_, heads)| **heads != 1).collect();
        assert!(odd.is_empty(), "{moment:?}: {odd:?}");
    }
}

#[test]
fn numbers_of_cards_and_persons_are_given_once() {
    let all = cards(
        MEDIUM,
        Extent {
            moment: Moment::Until(day(12, 31)),
            ..everything()
        },
    );
    let local: BTreeSet<_> = all.iter().map(|card| card.local_id.clone()).collect();
    let national: BTreeSet<_> = all.iter().filter_map(|card| card.national_id).collect();
    assert_eq!(local.len(), all.len());
    assert_eq!(
        national.len(),
        all.iter().filter(|card| card.national_id.is_some()).count()
    );
}

#[test]
fn shares_follow_the_published_ones() {
    let region = Region::emilia_romagna();
    let mut all = Vec::new();
    for of in region.municipalities().iter().step_by(9) {
        let extent = Extent {
            scale: Scale::one_in(12).unwrap(),
            ..everything()
        };
        all.extend(municipality(plan(3), of.istat(), extent).unwrap());
    }
    let residents: Vec<&Record> = all.iter().filter(is_resident).collect();
    let count =
        |wanted: &dyn Fn(&Record) -> bool| residents.iter().filter(|card| wanted(card)).count() as f64;
    let persons = residents.len() as f64;
    let foreign = count(&is_foreign);
    let minor = |card: &Record| 2008 <= card.generalities.birth_date.year();
    let born_in = |card: &Record, region: &str| match card.generalities.birth_place {
        BirthPlace::Municipality {
            istat: Some(istat), ..
        } => registry::municipality::periods_of_istat(istat).any(|period| period.region() == region),
        _ => false,
    };
    let in_italy = |card: &Record| matches!(card.generalities.birth_place, BirthPlace::Municipality { .. });
    let of = |card: &Record, state: &str| card.citizenships.latest().unwrap().value[0].as_str() == state;
    let status = |code: &str, card: &Record| card.civil_status.latest().unwrap().value.code() == code;
    let italians = persons - foreign;
    let abroad = all.iter().filter(|card| card.register == Register::Aire).count() as f64;
    let gone = |dead: bool| {
        let closed = all
            .iter()
            .filter(|card| card.cancellation.is_some() && card.death.is_some() == dead);
        closed.count() as f64
    };
    let checks = [
        ("foreign", foreign / persons, 0.129, 0.02),
        (
            "foreign women",
            count(&|card| is_foreign(card) && card.generalities.sex == Sex::Female) / foreign,
            0.525,
            0.04,
        ),
        (
            "foreign minors",
            count(&|card| is_foreign(card) && minor(card)) / foreign,
            0.214,
            0.05,
        ),
        (
            "minors foreign",
            count(&|card| is_foreign(card) && minor(card)) / count(&minor),
            0.172,
            0.05,
        ),
        (
            "foreign born in Italy",
            count(&|card| is_foreign(card) && in_italy(card)) / foreign,
            0.17,
            0.05,
        ),
        ("Romanians", count(&|card| of(card, "235")) / foreign, 0.174, 0.05),
        ("Moroccans", count(&|card| of(card, "436")) / foreign, 0.112, 0.05),
        (
            "Italians born in the region",
            count(&|card| !is_foreign(card) && born_in(card, "08")) / italians,
            0.70,
            0.05,
        ),
        (
            "Italians born abroad",
            count(&|card| !is_foreign(card) && !in_italy(card)) / italians,
            0.06,
            0.025,
        ),
        ("single", count(&|card| status("1", card)) / persons, 0.43, 0.05),
        ("married", count(&|card| status("2", card)) / persons, 0.45, 0.05),
        ("widowed", count(&|card| status("3", card)) / persons, 0.08, 0.025),
        ("divorced", count(&|card| status("4", card)) / persons, 0.04, 0.02),
        (
            "without code",
            count(&|card| card.tax_codes.is_empty()) / persons,
            0.0015,
            0.0015,
        ),
        (
            "notional addresses",
            count(&|card| {
                matches!(
                    card.residences.latest().unwrap().value.place,
                    Place::Notional { .. }
                )
            }) / persons,
            0.0005,
            0.0005,
        ),
        (
            "protected",
            count(&|card| card.flags.protected) / persons,
            0.0002,
            0.0003,
        ),
        ("citizens abroad", abroad / persons, 0.058, 0.015),
        ("died last year", gone(true) / persons, 0.0115, 0.003),
    ];
    check_shares(&checks);
}

#[test]
fn a_year_brings_births_deaths_and_moves_and_leaves_the_rest_alone() {
    let by_card = |moment: Moment| -> BTreeMap<String, Record> {
        let all = cards(
            MEDIUM,
            Extent {
                moment,
                ..Extent::default()
            },
        );
        all.into_iter()
            .map(|card| (card.local_id.to_string(), card))
            .collect()
    };
    let start = by_card(Moment::Start);
    let summer = by_card(Moment::Until(day(6, 30)));
    let end = by_card(Moment::Until(day(12, 31)));
    assert!(
        start.keys().all(|card| end.contains_key(card)),
        "a card disappears"
    );
    assert!(summer.keys().all(|card| end.contains_key(card)));

    let residents = start.values().filter(is_resident).count() as f64;
    let new = |card: &Record, at: &BTreeMap<String, Record>| !at.contains_key(card.local_id.as_str());
    let rate = |counted: usize| counted as f64 * 1000.0 / residents;
    let born = |year: &BTreeMap<String, Record>| {
        year.values()
            .filter(|card| new(card, &start) && card.generalities.birth_date.year() == 2026)
            .count()
    };
    let died = |year: &BTreeMap<String, Record>| {
        year.values()
            .filter(|card| card.death.as_ref().is_some_and(|death| death.date.year() == 2026))
            .count()
    };
    let moved = |year: &BTreeMap<String, Record>| {
        let same = start.iter().filter(|(_, card)| card.cancellation.is_none());
        same.filter(|(id, card)| {
            let then = card.residences.latest().map(|fact| &fact.value.place);
            year[*id].residences.latest().map(|fact| &fact.value.place) != then
        })
        .count()
    };
    for (what, found, low, high) in [
        ("births", rate(born(&end)), 4.5, 8.5),
        ("deaths", rate(died(&end)), 8.5, 15.0),
        ("changes of dwelling", rate(moved(&end)), 30.0, 60.0),
    ] {
        assert!((low..high).contains(&found), "{what}: {found:.2} per 1,000");
    }
    assert!(born(&summer) < born(&end) && died(&summer) < died(&end) && moved(&summer) < moved(&end));
    let untouched = start.iter().filter(|(id, card)| end[*id] == **card).count() as f64;
    assert!(0.85 < untouched / start.len() as f64);
}

#[test]
fn a_smaller_scale_keeps_whole_households() {
    let sizes = |scale: Scale| {
        let mut sizes: BTreeMap<String, usize> = BTreeMap::new();
        for card in cards(
            MEDIUM,
            Extent {
                scale,
                ..Extent::default()
            },
        )
        .iter()
        .filter(is_resident)
        {
            *sizes
                .entry(card.households.latest().unwrap().value.household.to_string())
                .or_default() += 1;
        }
        sizes
    };
    let whole = sizes(Scale::WHOLE);
    let some = sizes(Scale::one_in(20).unwrap());
    assert!(some.len().abs_diff(whole.len() / 20) <= 1);
    assert!(some.iter().all(|(household, size)| whole[household] == *size));
}

#[track_caller]
fn check_scale(text: &str, households: Option<u32>) {
    assert_eq!(
        Scale::parse(text).ok().map(Scale::households),
        households,
        "{text:?}"
    );
}

#[test]
fn a_scale_is_one_household_in_so_many() {
    for (text, households) in [
        ("1", Some(1)),
        ("1/1", Some(1)),
        ("1/100", Some(100)),
        ("1/0", None),
        ("2/100", None),
        ("0.01", None),
        ("1/", None),
        ("1/1000001", None),
        ("", None),
    ] {
        check_scale(text, households);
    }
}

#[test]
fn what_cannot_be_made_is_refused() {
    assert!(matches!(Plan::new(1, 2022), Err(GenerateError::Year)));
    assert!(matches!(Plan::new(1, 2061), Err(GenerateError::Year)));
    let unknown = municipality(plan(1), istat("058091"), Extent::default());
    assert!(matches!(unknown, Err(GenerateError::UnknownMunicipality(code)) if code == istat("058091")));
    let early = Moment::Until(NaiveDate::from_ymd_opt(2025, 12, 31).unwrap());
    let refused = municipality(
        plan(1),
        istat(SMALL),
        Extent {
            moment: early,
            ..Extent::default()
        },
    );
    assert!(matches!(refused, Err(GenerateError::DayOutsideYear)));
}
