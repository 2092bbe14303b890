use std::collections::BTreeSet;

use chrono::NaiveDate;

use super::*;

/// The tables as published, against which the enums are held.
const PUBLISHED: &str = include_str!("../../data/codes.csv");

/// Reads one code and returns code and label of what it became.
type Reader = fn(&str) -> Result<(&'static str, &'static str), CodeError>;

/// For each published table: its reader and how many values the enum has.
const READERS: &[(&str, Reader, usize)] = &[
    (
        "marital_status",
        |code| CivilStatus::from_code(code).map(|it| (it.code(), it.label())),
        CivilStatus::ALL.len(),
    ),
    (
        "family_relationship",
        |code| Kinship::from_code(code).map(|it| (it.code(), it.label())),
        Kinship::ALL.len(),
    ),
    (
        "cohabitation_link",
        |code| ConvivenzaRole::from_code(code).map(|it| (it.code(), it.label())),
        ConvivenzaRole::ALL.len(),
    ),
    (
        "registration_reason",
        |code| RegistrationReason::from_code(code).map(|it| (it.code(), it.label())),
        AprRegistrationReason::ALL.len(),
    ),
    (
        "aire_registration_reason",
        |code| RegistrationReason::from_code(code).map(|it| (it.code(), it.label())),
        AireRegistrationReason::ALL.len(),
    ),
    (
        "cancellation_reason",
        |code| CancellationReason::from_code(Register::Apr, code).map(|it| (it.code(), it.label())),
        AprCancellationReason::ALL.len(),
    ),
    (
        "aire_cancellation_reason",
        |code| CancellationReason::from_code(Register::Aire, code).map(|it| (it.code(), it.label())),
        AireCancellationReason::ALL.len(),
    ),
    (
        "address_type",
        |code| AddressKind::from_code(code).map(|it| (it.code(), it.label())),
        AddressKind::ALL.len(),
    ),
    (
        "non_certifiability",
        |code| Certifiability::from_code(code).map(|it| (it.code(), it.label())),
        Certifiability::ALL.len(),
    ),
];

/// A published row: table, code, label, last day.
type Row = (String, String, String, String);

fn published() -> Vec<Row> {
    let mut reader = csv::Reader::from_reader(PUBLISHED.as_bytes());
    let row = |row: csv::StringRecord| {
        let field = |at: usize| row.get(at).unwrap().to_owned();
        (field(0), field(1), field(2), field(3))
    };
    reader.records().map(|record| row(record.unwrap())).collect()
}

#[test]
fn every_published_code_is_read_and_keeps_its_label() {
    let rows = published();
    for (table, read, values) in READERS {
        let of_table: Vec<_> = rows.iter().filter(|row| row.0 == *table).collect();
        assert_eq!(of_table.len(), *values, "{table}");
        for (_, code, label, _) in of_table {
            assert_eq!(read(code), Ok((code.as_str(), label.as_str())), "{table} {code}");
        }
    }
    let known: BTreeSet<_> = READERS.iter().map(|(table, ..)| *table).collect();
    assert!(rows.iter().all(|row| known.contains(row.0.as_str())));
}

#[test]
fn what_is_not_in_a_table_is_refused_with_the_tables_name() {
    for (table, read, _) in READERS {
        for code in ["", "0x", "01", " 1", "1 ", "27", "C08", "C", "c01", "１", "-1"] {
            let Err(error) = read(code) else {
                panic!("{table} reads {code:?}")
            };
            assert!(error.to_string().starts_with("not a code of the table "));
        }
    }
}

#[test]
fn kinship_codes_of_the_take_over_close_on_15_september_2015() {
    let before = NaiveDate::from_ymd_opt(2015, 9, 14).unwrap();
    let closing = NaiveDate::from_ymd_opt(2015, 9, 15).unwrap();
    let closed: Vec<_> = Kinship::ALL
        .iter()
        .filter(|kinship| !kinship.valid_on(closing))
        .map(|it| it.code())
        .collect();
    assert_eq!(closed, ["14", "15", "19", "80"]);
    assert!(Kinship::ALL.iter().all(|kinship| kinship.valid_on(before)));

    let published: Vec<_> = published()
        .into_iter()
        .filter(|row| row.3 == "2015-09-15")
        .map(|(_, code, ..)| code)
        .collect();
    assert_eq!(published, closed);
}

#[test]
fn a_household_role_is_read_by_the_kind_of_household() {
    let family = HouseholdRole::from_code(HouseholdKind::Family, "2").unwrap();
    let convivenza = HouseholdRole::from_code(HouseholdKind::Convivenza, "2").unwrap();
    assert_eq!(family, HouseholdRole::Family(Kinship::Spouse));
    assert_eq!(convivenza, HouseholdRole::Convivenza(ConvivenzaRole::Member));
    assert!(HouseholdRole::from_code(HouseholdKind::Convivenza, "28").is_err());
    for kind in [HouseholdKind::Family, HouseholdKind::Convivenza] {
        let reference = HouseholdRole::from_code(kind, "1").unwrap();
        assert_eq!(reference.kind(), kind);
        assert!(reference.is_reference());
    }
}

#[test]
fn a_cancellation_reason_is_read_by_the_register() {
    let resident = CancellationReason::from_code(Register::Apr, "6").unwrap();
    let abroad = CancellationReason::from_code(Register::Aire, "6").unwrap();
    assert_eq!(
        resident,
        CancellationReason::Apr(AprCancellationReason::Untraceable)
    );
    assert_eq!(
        abroad,
        CancellationReason::Aire(AireCancellationReason::CitizenshipLost)
    );
    assert!(CancellationReason::from_code(Register::Aire, "9").is_err());
    for register in [Register::Apr, Register::Aire] {
        let deaths: Vec<_> = (1..=13)
            .filter_map(|code: u8| CancellationReason::from_code(register, &code.to_string()).ok())
            .filter(|reason| reason.is_death())
            .map(|reason| (reason.register(), reason.code()))
            .collect();
        assert_eq!(deaths, [(register, "1"), (register, "2")]);
    }
}

#[test]
fn every_species_of_toponym_is_read() {
    let codes: Vec<u16> = ToponymSpecies::all().map(ToponymSpecies::code).collect();
    assert_eq!(codes.len(), 259);
    assert!(codes.windows(2).all(|pair| pair[0] < pair[1]));
    for species in ToponymSpecies::all() {
        assert_eq!(
            ToponymSpecies::from_code(&species.code().to_string()),
            Ok(species)
        );
        assert_eq!(ToponymSpecies::from_label(species.label()), Some(species));
        assert!(!species.label().is_empty());
    }
}

#[test]
fn species_named_in_the_code_are_those_of_the_table() {
    for (species, label) in [
        (ToponymSpecies::VIA, "VIA"),
        (ToponymSpecies::PIAZZA, "PIAZZA"),
        (ToponymSpecies::OTHER, "ALTRO"),
    ] {
        assert_eq!(species.label(), label);
        assert_eq!(
            ToponymSpecies::from_code(&species.code().to_string()),
            Ok(species)
        );
    }
    for absent in ["", "0", "0213", "+213", "259", "999", "65749", "VIA"] {
        assert!(ToponymSpecies::from_code(absent).is_err(), "{absent:?}");
    }
}
