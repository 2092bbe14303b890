use std::sync::Arc;

use proptest::prelude::*;

use super::dates::{DateForm, Dates};
use super::*;
use crate::date::PartialDate;
use crate::export::{
    Accepted, ExportContext, ExportForm, ExportKind, ExportReader, HeaderFault, OpenError, Operation, Row,
};
use crate::finding::Severity;
use crate::record::{Address, Place, Record, Register, ResidenceStanding};
use crate::testing::{IMOLA, day, istat};

const ALFA: &str = include_str!("../../../../../config/mappings/alfa.toml");
const BETA: &str = include_str!("../../../../../config/mappings/beta.toml");
const GAMMA: &str = include_str!("../../../../../config/mappings/gamma.toml");
const ALFA_EXPORT: &[u8] = include_bytes!("../../../../../config/mappings/alfa.csv");
const BETA_EXPORT: &[u8] = include_bytes!("../../../../../config/mappings/beta.txt");
const GAMMA_EXPORT: &[u8] = include_bytes!("../../../../../config/mappings/gamma.csv");

const DOCUMENT: &str = "../../config/mapping.md";

fn open<'f>(mapping: &str, kind: ExportKind, file: &'f [u8]) -> Result<ExportReader<&'f [u8]>, OpenError> {
    let mapping = Mapping::parse(mapping).unwrap_or_else(|error| panic!("{error}: {error:?}"));
    let form = ExportForm {
        kind,
        mapping: Some(Arc::new(mapping)),
    };
    let context = ExportContext {
        municipality: istat(IMOLA),
        reference_date: day("2025-01-10"),
    };
    ExportReader::open(file, context, &form)
}

fn rows(mapping: &str, kind: ExportKind, file: &[u8]) -> Vec<Row> {
    open(mapping, kind, file).unwrap().map(Result::unwrap).collect()
}

#[track_caller]
fn accepted(row: &Row) -> &Accepted {
    row.outcome.as_ref().unwrap_or_else(|errors| panic!("{errors:?}"))
}

fn told(row: &Row) -> Vec<(&'static str, &'static str)> {
    let findings = match &row.outcome {
        Ok(accepted) => &accepted.warnings,
        Err(findings) => findings,
    };
    findings
        .iter()
        .map(|finding| (finding.rule.code, finding.column.unwrap_or_default()))
        .collect()
}

/// What the cards of the three samples have in common, whatever the layout.
#[track_caller]
fn check_cards(rows: &[Row]) {
    let cards: Vec<&Record> = rows.iter().filter_map(|row| accepted(row).card()).collect();
    let ids: Vec<&str> = cards.iter().map(|card| card.local_id.as_str()).collect();
    assert_eq!(ids, ["1001", "1002", "1003", "1004", "1005", "1006", "2001"]);
    let [first, _, _, foreigner, old, gone, abroad] = cards.as_slice() else {
        panic!("seven cards")
    };
    let name = &first.generalities;
    let (surname, given) = (name.surname.as_ref().unwrap(), name.given_name.as_ref().unwrap());
    assert_eq!(surname.as_str().replace('’', "'"), "D'ANGELO");
    assert_eq!(given.as_str(), "NICOLÒ MARIA");
    assert_eq!(first.current_tax_code().unwrap().as_str(), "DNGNLM80C05A944F");
    let home = first.residences.latest().unwrap();
    assert_eq!(home.from, Some(day("2015-02-01")));
    let Place::Italian(address) = &home.value.place else {
        panic!("an address in Italy")
    };
    let Address {
        number,
        suffix,
        species,
        ..
    } = address;
    assert_eq!((*number, suffix.as_str(), species.code()), (Some(12), "A", 213));
    assert!(address.street.ends_with("GARIBALDI") || address.street.ends_with("\"GARIBALDI\""));
    let Place::Italian(address) = &foreigner.residences.latest().unwrap().value.place else {
        panic!("an address in Italy")
    };
    assert_eq!((address.number, address.species.code()), (None, 125));
    assert!(address.street.starts_with("DELLA LIBERTÀ"));
    assert!(old.generalities.birth_date == PartialDate::parse("1948-03").unwrap());
    assert_eq!(gone.cancellation.as_ref().unwrap().effective, day("2024-06-30"));
    assert_eq!(abroad.register, Register::Aire);
    assert!(
        matches!(&abroad.residences.latest().unwrap().value.place, Place::Foreign(address) if address.locality == "LYON")
    );
    for row in rows {
        let of_old = row.local_id.as_ref().is_some_and(|id| id.as_str() == "1005");
        let expected: &[_] = if of_old {
            &[("PN031", "codice_fiscale")]
        } else {
            &[]
        };
        assert_eq!(told(row), expected, "line {}", row.line);
    }
}

#[test]
fn windows_1252_with_slashed_dates_letters_and_one_field_of_address() {
    let rows = rows(ALFA, ExportKind::Total, ALFA_EXPORT);
    check_cards(&rows);
    let card = accepted(&rows[0]).card().unwrap();
    assert_eq!(card.generalities.surname.as_ref().unwrap().as_str(), "D’ANGELO");
    let standing = accepted(&rows[3])
        .card()
        .unwrap()
        .residences
        .latest()
        .unwrap()
        .value
        .standing;
    assert_eq!(standing, ResidenceStanding::Provisional);
}

#[test]
fn iso_8859_1_without_header_with_compact_dates_and_flags() {
    check_cards(&rows(BETA, ExportKind::Total, BETA_EXPORT));
}

#[test]
fn utf_8_with_dotted_dates_words_and_operations() {
    let mut rows = rows(GAMMA, ExportKind::Incremental, GAMMA_EXPORT);
    let [annulled, withdrawn] = rows.split_off(7).try_into().unwrap();
    check_cards(&rows);
    assert!(matches!(&accepted(&annulled).operation, Operation::Annul(card) if card.as_str() == "1006"));
    assert_eq!(
        accepted(&annulled).event.registration_date,
        Some(day("2024-07-15"))
    );
    assert!(matches!(&accepted(&withdrawn).operation, Operation::Withdraw(card) if card.as_str() == "2001"));
    let event = accepted(&rows[3]).event.event(day("2025-01-10")).unwrap();
    assert_eq!(event.event_date, Some(day("2021-05-03")));
    assert_eq!(event.registration_date, day("2021-05-10"));
}

/// The sample of Alfa with another text in place of one, which must stand there.
fn alfa_with(from: &str, to: &[u8]) -> Vec<u8> {
    let (from, file) = (from.as_bytes(), ALFA_EXPORT);
    let at = file
        .windows(from.len())
        .position(|window| window == from)
        .unwrap();
    [&file[..at], to, &file[at + from.len()..]].concat()
}

#[test]
fn what_the_mapping_does_not_foresee_is_told_by_our_column_and_keeps_the_row_aside() {
    type Told<'a> = &'a [(&'a str, &'a str)];
    let cases: &[(&str, &[u8], Told<'_>)] = &[
        ("CON;12/06", b"SEP;12/06", &[("PN005", "stato_civile")]),
        (";IS;", b";XX;", &[("PN005", "legame")]),
        ("05/03/1980", b"1980-03-05", &[("PN016", "data_nascita")]),
        ("05/03/1980", b"30/02/1980", &[("PN016", "data_nascita")]),
        (
            "12/06/2010",
            b"6/12/2010",
            &[("PN016", "decorrenza_stato_civile")],
        ),
        (
            "12/06/2010",
            b"00/06/2010",
            &[("PN010", "decorrenza_stato_civile")],
        ),
        ("GARIBALDI 12/A", b"GARIBALDI", &[("PN008", "via")]),
        ("VIA GARIBALDI 12/A", b"GARIBALDI 12/A", &[("PN008", "via")]),
        ("GARIBALDI", b"LIBERT\xc3\xa0", &[("PN007", "")]),
        ("GARIBALDI", b"LIBERT\x81", &[("PN006", "")]),
    ];
    for (from, to, expected) in cases {
        let file = alfa_with(from, to);
        let rows = rows(ALFA, ExportKind::Total, &file);
        assert_eq!(told(&rows[0]), *expected, "{from}");
        assert_eq!(
            rows[0].local_id.as_ref().map(|id| id.as_str()),
            Some("1001"),
            "{from}"
        );
        assert!(rows[0].outcome.is_err() && rows.iter().skip(1).all(|row| row.outcome.is_ok()));
    }
    let parts = String::from_utf8(GAMMA_EXPORT.to_vec())
        .unwrap()
        .replacen('*', " ", 1);
    let rows = rows(GAMMA, ExportKind::Incremental, parts.as_bytes());
    assert_eq!(told(&rows[0]), [("PN009", "cognome")]);
}

#[test]
fn a_flag_of_an_unknown_day_must_agree_with_the_date() {
    let text: String = BETA_EXPORT.iter().map(|byte| char::from(*byte)).collect();
    let told_with = |from: &str, to: &str| {
        assert!(text.contains(from));
        let file: Vec<u8> = text
            .replacen(from, to, 1)
            .chars()
            .map(|letter| letter as u8)
            .collect();
        let rows = rows(BETA, ExportKind::Total, &file);
        rows.iter()
            .flat_map(told)
            .filter(|(code, _)| *code != "PN031")
            .collect::<Vec<_>>()
    };
    assert_eq!(told_with("19480301|1|0", "19480101|0|1"), []);
    assert_eq!(
        told_with("19480301|1|0", "19480302|1|0"),
        [("PN016", "data_nascita")]
    );
    assert_eq!(
        told_with("19480301|1|0", "19480301|0|1"),
        [("PN016", "data_nascita")]
    );
    assert_eq!(
        told_with("19480301|1|0", "19480301|X|0"),
        [("PN005", "data_nascita")]
    );
}

#[test]
fn a_wrong_declaration_of_the_encoding_is_noticed() {
    let declared = |encoding: &str| ALFA.replace("windows-1252\"", &format!("{encoding}\""));
    let broken = |mapping: &str, file: &[u8]| -> Vec<&str> {
        let rows = rows(mapping, ExportKind::Total, file);
        let errors = rows.iter().filter(|row| row.outcome.is_err());
        errors.flat_map(told).map(|(code, _)| code).collect()
    };
    // Windows-1252 as ISO-8859-1: the apostrophes of D’Angelo show. As UTF-8: every accent does.
    assert_eq!(broken(&declared("iso-8859-1"), ALFA_EXPORT), ["PN006", "PN006"]);
    assert_eq!(broken(&declared("utf-8"), ALFA_EXPORT), ["PN001"; 4]);
    // UTF-8 as a set of one byte.
    let utf_8: String = ALFA_EXPORT
        .iter()
        .map(|byte| match byte {
            0x92 => '’',
            byte => char::from(*byte),
        })
        .collect();
    assert!(broken(&declared("utf-8"), utf_8.as_bytes()).is_empty());
    assert_eq!(broken(ALFA, utf_8.as_bytes()), ["PN007"; 4]);
    let marked = [b"\xef\xbb\xbf", utf_8.as_bytes()].concat();
    assert!(broken(&declared("utf-8"), &marked).is_empty());
    check_header(ALFA, &marked, &[HeaderFault::Utf8Mark(Encoding::Windows1252)]);
}

#[track_caller]
fn check_header(mapping: &str, file: &[u8], expected: &[HeaderFault]) {
    match open(mapping, ExportKind::Total, file) {
        Ok(_) => assert!(expected.is_empty()),
        Err(OpenError::Header(faults)) => assert_eq!(faults, expected),
        Err(OpenError::Io(error)) => panic!("{error}"),
    }
}

#[test]
fn a_header_that_the_mapping_does_not_know_is_refused_with_every_fault() {
    check_header(ALFA, &alfa_with("TELEFONO", b"telefono"), &[]);
    check_header(ALFA, &alfa_with(";TELEFONO", b""), &[]);
    check_header(
        ALFA,
        &alfa_with("TELEFONO", b"Rossi"),
        &[HeaderFault::Unknown { position: 35 }],
    );
    check_header(
        ALFA,
        &alfa_with("COGNOME;NOME", b"COGNOME;COGNOME"),
        &[
            HeaderFault::Double("COGNOME".into()),
            HeaderFault::Missing("NOME".into()),
        ],
    );
    check_header(
        ALFA,
        b"NUMIND,TIPO",
        &[HeaderFault::Separator {
            found: ',',
            expected: ';',
        }],
    );
    check_header(ALFA, b"", &[HeaderFault::Empty]);
    // A header row in a file that should have none is a row like any other, and a broken one.
    let first = BETA_EXPORT.split(|byte| *byte == b'\n').next().unwrap();
    let header = vec!["ID"; first.split(|byte| *byte == b'|').count()].join("|");
    let rows = rows(BETA, ExportKind::Total, header.as_bytes());
    assert!(rows.len() == 1 && rows[0].outcome.is_err());
}

#[test]
fn the_mark_of_utf_8_before_a_file_without_header_is_known() {
    let marked = [b"\xef\xbb\xbf", BETA_EXPORT].concat();
    let rows = rows(BETA, ExportKind::Total, &marked);
    assert_eq!(told(&rows[0]), [("PN007", "")]);
    let utf_8: String = BETA_EXPORT.iter().map(|byte| char::from(*byte)).collect();
    let declared = BETA.replacen("encoding = \"iso-8859-1\"", "encoding = \"utf-8\"", 1);
    check_cards(&self::rows(
        &declared,
        ExportKind::Total,
        format!("\u{feff}{utf_8}").as_bytes(),
    ));
}

proptest! {
    #[test]
    fn no_file_makes_a_mapping_fall(bytes in proptest::collection::vec(any::<u8>(), 0..400), at in any::<proptest::sample::Index>()) {
        for (mapping, file) in [(ALFA, ALFA_EXPORT), (BETA, BETA_EXPORT), (GAMMA, GAMMA_EXPORT)] {
            let (head, tail) = file.split_at(at.index(file.len()));
            let damaged = [head, &bytes, tail].concat();
            if let Ok(reader) = open(mapping, ExportKind::Incremental, &damaged) {
                for row in reader {
                    let row = row.map_err(|_| TestCaseError::fail("a slice reads to its end"))?;
                    prop_assert!(row.outcome.is_ok() || !told(&row).is_empty());
                }
            }
        }
    }

    #[test]
    fn a_date_comes_out_as_it_was_written(days in 0i32..100_000) {
        let date = chrono::NaiveDate::from_num_days_from_ce_opt(700_000 + days).unwrap();
        let form = |form: &str| Dates { forms: vec![DateForm::parse(form).unwrap()], ..Dates::usual() };
        for (pattern, written) in [
            ("DD/MM/YYYY", date.format("%d/%m/%Y").to_string()),
            ("YYYYMMDD", date.format("%Y%m%d").to_string()),
            ("DD.MM.YYYY 00:00:00", date.format("%d.%m.%Y 00:00:00").to_string()),
        ] {
            let dates = form(pattern);
            prop_assert_eq!(dates.convert(&written, |_| "").map_err(|rule| rule.code), Ok(date.to_string().into()));
        }
    }
}

#[test]
fn what_stands_in_a_row_is_in_no_finding() {
    let file = alfa_with("CON;12/06", b"SEGRETO;12/06");
    let rows = rows(ALFA, ExportKind::Total, &file);
    let shown = format!("{:?}", rows[0].outcome);
    assert!(!shown.contains("SEGRETO") && !shown.contains("NICOL"), "{shown}");
}

#[track_caller]
fn refused(from: &str, to: &str, expect: &str) {
    assert!(ALFA.contains(from), "the sample no longer holds {from:?}");
    let error = Mapping::parse(&ALFA.replacen(from, to, 1)).unwrap_err();
    assert_eq!(error.to_string(), expect);
}

#[test]
fn a_mapping_that_breaks_a_rule_names_key_and_rule() {
    refused("version = 1", "version = 2", "version: must be 1");
    refused(
        "windows-1252\"",
        "cp850\"",
        "file.encoding: must be utf-8, iso-8859-1 or windows-1252",
    );
    refused(
        "separator = \";\"",
        "separator = \"ab\"",
        "file.separator: must be one ASCII character that is no letter, digit or quotation mark",
    );
    refused(
        "\"frazione\", ",
        "",
        "columns.frazione: must be given, or named in file.absent",
    );
    refused(
        "\"frazione\",",
        "\"frazione\", \"nome\",",
        "file.absent: the column is given twice",
    );
    refused(
        "nome = \"NOME\"",
        "nomi = \"NOME\"",
        "columns.nomi: is not a column of config/export-layout.md",
    );
    refused(
        "\"NOTE\", ",
        "\"NOTE\", \"nome\", ",
        "file.ignored: names a column that the mapping reads",
    );
    refused(
        "forms = [\"DD/MM/YYYY\"]",
        "forms = [\"DD/MM/YY\"]",
        "dates: a date form has YYYY, MM and DD once each and no other letters",
    );
    refused(
        "forms = [\"DD/MM/YYYY\"]",
        "forms = [\"DD/MM/YYYY\", \"MM/DD/YYYY\"]",
        "dates: two date forms fit the same text",
    );
    refused(
        "A = \"AIRE\"",
        "A = \"aire\"",
        "columns.registro: values translates to something that the column does not admit",
    );
    refused(
        "UNI = \"6\"",
        "UNI = \"5\"",
        "columns.stato_civile: values translates to something that the column does not admit",
    );
    refused(
        "[\"no-blanks\", \"upper\"]",
        "[\"trim\"]",
        "columns.codice_fiscale: a step is not one of those of config/mapping.md",
    );
    refused(
        "fixed = \"F\"",
        "fixed = \"X\"",
        "columns.tipo_legame: the fixed value is not one that the column admits",
    );
    refused(
        "is_not = [\"\"]",
        "is_not = []",
        "columns.indirizzo_comune: when names one value or more",
    );
    refused(
        "otherwise = \"keep\"",
        "otherwise = \"guess\"",
        "columns.cittadinanze: otherwise must be refuse or keep",
    );
    refused(
        "number_after = \"blank\"",
        "number_after = \"slash\"",
        "split 1: number_after must be comma or blank",
    );
    refused(
        "PIAZZA = \"125\"",
        "PIAZZA = \"0\"",
        "split 1: species must give each species its code of table 4",
    );
    refused(
        "cap = \"CAP\"",
        "cap = { from = \"CAP\", colour = 1 }",
        "the mapping is not valid",
    );
    refused(
        "cap = \"CAP\"",
        "cap = { from = [\"CAP\", \"NOTE\"] }",
        "columns.cap: join is needed with several columns, and only then",
    );
}

#[test]
fn a_date_form_is_read_as_it_stands() {
    let overlap = |one: &str, other: &str| {
        DateForm::parse(one)
            .unwrap()
            .overlaps(&DateForm::parse(other).unwrap())
    };
    assert!(overlap("YYYYMMDD", "DDMMYYYY"));
    assert!(!overlap("YYYYMMDD", "DD.MM.YYYY") && !overlap("DD/MM/YYYY", "DD.MM.YYYY"));
    assert!(DateForm::parse("DD/MM/YYYY 00:00:00").is_some());
    for bad in ["", "DD/MM", "DD/MM/YYYY/DD", "D/M/YYYY", "DD MMM YYYY"] {
        assert_eq!(DateForm::parse(bad), None, "{bad}");
    }
}

#[test]
fn every_finding_of_a_mapping_keeps_the_row_aside() {
    assert!(
        MAPPING_FINDINGS
            .iter()
            .all(|rule| rule.severity == Severity::Error)
    );
}

#[test]
fn the_documentation_is_that_of_the_tables() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(DOCUMENT);
    if std::env::var_os("PONTE_WRITE_DOCS").is_some() {
        std::fs::write(&path, mapping_document()).unwrap();
    }
    let document = std::fs::read_to_string(&path).unwrap();
    assert!(
        document == mapping_document(),
        "write it again: PONTE_WRITE_DOCS=1 cargo test -p registry"
    );
}
