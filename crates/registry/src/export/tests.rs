mod planted;
mod qualification;

use std::collections::BTreeMap;
use std::io::{self, Read};

use proptest::prelude::*;

use self::planted::{Edits, PLANTED, PLANTED_IN_THE_PAST};
use super::line::Quotes;
use super::*;
use crate::change::{ActReference, ActText, EventKind, derive_events, merge_export};
use crate::finding::{Finding, Severity};
use crate::record::{Place, Record};
use crate::testing::{IMOLA, any_record, day, full_record, istat, open_record};

const DOCUMENT: &str = "../../config/export-layout.md";
const QUALIFICATION: &str = "../../config/qualification";

fn context() -> ExportContext {
    ExportContext {
        municipality: istat(IMOLA),
        reference_date: day("2025-01-10"),
    }
}

fn written(records: &[Record]) -> String {
    let mut writer = ExportWriter::new(Vec::new()).unwrap();
    records.iter().for_each(|record| writer.write(record).unwrap());
    String::from_utf8(writer.finish().unwrap()).unwrap()
}

fn rows(file: &[u8]) -> Vec<Row> {
    ExportReader::new(file, context())
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap()
}

/// Every column, those of operations too.
fn written_wide(records: &[Record]) -> String {
    let mut writer = ExportWriter::of(ExportKind::Incremental, Vec::new()).unwrap();
    records.iter().for_each(|record| writer.write(record).unwrap());
    String::from_utf8(writer.finish().unwrap()).unwrap()
}

/// The row of [`open_record`] with other values in some columns.
fn row_with(edits: Edits<'_>) -> String {
    edited(&open_record(), edits)
}

/// The row of a card with other values in some columns.
fn edited(record: &Record, edits: Edits<'_>) -> String {
    let file = written_wide(std::slice::from_ref(record));
    let line = file.lines().nth(1).unwrap();
    let mut values = line::split(line, ';', Quotes::Double).unwrap();
    for (column, value) in edits {
        let column = Column::named(column).unwrap_or_else(|| panic!("no column {column}"));
        values[column.index()] = (*value).into();
    }
    let mut row = String::new();
    for (position, value) in values.iter().enumerate() {
        if position != 0 {
            row.push(';');
        }
        line::push_field(&mut row, value);
    }
    row
}

fn header() -> String {
    written_wide(&[])
}

/// The card of the only row, with its warnings.
#[track_caller]
fn one_card(rows: &[Row]) -> (&Record, &[Finding]) {
    let [
        Row {
            line: 2,
            outcome: Ok(accepted),
            ..
        },
    ] = rows
    else {
        panic!("one good row")
    };
    (accepted.card().unwrap(), &accepted.warnings)
}

fn found(row: &Row) -> Vec<(&'static str, &'static str)> {
    let findings = match &row.outcome {
        Ok(accepted) => &accepted.warnings,
        Err(findings) => findings,
    };
    findings
        .iter()
        .map(|finding| (finding.rule.code, finding.column.unwrap_or_default()))
        .collect()
}

fn published(row: &Row) -> Option<&Record> {
    row.outcome.as_ref().ok().and_then(Accepted::card)
}

/// Rules that show on the line as a whole, before there are fields.
fn planted_lines() -> Vec<(Vec<u8>, &'static str)> {
    let row = row_with(&[]);
    let windows_1252 = {
        let mut bytes = row.clone().into_bytes();
        let at = row.find('’').unwrap();
        bytes.splice(at..at + '’'.len_utf8(), [0x92]);
        bytes
    };
    vec![
        (windows_1252, "PN001"),
        (row_with(&[("via", "della LibertÃ\u{a0}")]).into_bytes(), "PN007"),
        (format!("{row};").into_bytes(), "PN002"),
        (b"S-1;APR".to_vec(), "PN002"),
        (
            row_with(&[("via", "Emilia;")])
                .replace("\"Emilia;\"", "\"Emilia;")
                .into_bytes(),
            "PN003",
        ),
        (row.replacen("S-100/7;", "\"S-100/7\"x;", 1).into_bytes(), "PN003"),
        (vec![b'x'; MAX_LINE + 1], "PN004"),
    ]
}

#[test]
fn a_file_with_every_error_gives_exactly_what_was_planted() {
    let mut file = header().into_bytes();
    let mut expected: Vec<Vec<(&str, &str)>> = Vec::new();
    for (edits, findings) in PLANTED {
        file.extend_from_slice(row_with(edits).as_bytes());
        file.extend_from_slice(b"\n");
        expected.push(findings.to_vec());
    }
    for (line, code) in planted_lines() {
        file.extend_from_slice(&line);
        file.extend_from_slice(b"\r\n");
        expected.push(vec![(code, "")]);
    }
    let rows = rows(&file);
    assert_eq!(rows.len(), expected.len());
    let differing: Vec<_> = rows
        .iter()
        .zip(&expected)
        .filter(|(row, expected)| found(row) != **expected)
        .map(|(row, expected)| (row.line, found(row), expected))
        .collect();
    assert!(differing.is_empty(), "line, found, planted: {differing:#?}");
    for ((number, row), expected) in (2..).zip(&rows).zip(expected) {
        assert_eq!(row.line, number);
        let broken = expected
            .iter()
            .any(|(code, _)| crate::finding::rule(code).unwrap().severity == Severity::Error);
        assert_eq!(row.outcome.is_err(), broken, "line {number}");
    }
}

/// Somebody whose card says nothing from before 2014.
const BORN_IN_THE_PAST: Edits<'_> = &[
    ("codice_fiscale", ""),
    ("cf_validato", ""),
    ("decorrenza_cf", ""),
    ("decorrenza_cittadinanze", ""),
    ("decorrenza_stato_civile", ""),
    ("iscrizione_decorrenza", "2014-03-05"),
];

#[test]
fn a_place_that_had_ceased_or_had_a_namesake_is_doubtful() {
    for (edits, findings) in PLANTED_IN_THE_PAST {
        let row = row_with(&[BORN_IN_THE_PAST, edits].concat());
        let rows = rows(format!("{}{row}", header()).as_bytes());
        let [row] = rows.as_slice() else { panic!("one row") };
        assert!(row.outcome.is_ok());
        assert_eq!(
            found(row),
            [findings, &[("PN031", "codice_fiscale")][..]].concat()
        );
    }
}

#[test]
fn a_row_that_is_kept_aside_still_names_its_card() {
    let id = |line: &[u8]| {
        let file = [header().as_bytes(), line].concat();
        let row = rows(&file).remove(0);
        assert!(row.outcome.is_err());
        row.local_id.map(|id| id.to_string())
    };
    assert_eq!(
        id(row_with(&[("sesso", "x")]).as_bytes()).as_deref(),
        Some("S-100/7")
    );
    for (line, code) in planted_lines() {
        let expected = ["PN001", "PN007"].contains(&code).then_some("S-100/7");
        assert_eq!(id(&line).as_deref(), expected, "{code}");
    }
}

#[test]
fn one_bad_line_does_not_swallow_the_next() {
    let open_quote = row_with(&[]).replacen("S-100/7", "\"S-100/7", 1);
    let file = format!(
        "{}{open_quote}\n\n{}\n{}",
        header(),
        row_with(&[]),
        "x".repeat(3 * MAX_LINE)
    );
    let lines: Vec<_> = rows(file.as_bytes())
        .iter()
        .map(|row| (row.line, row.outcome.is_ok()))
        .collect();
    assert_eq!(lines, [(2, false), (4, true), (5, false)]);
}

#[test]
fn a_written_card_reads_as_it_was() {
    let rows = rows(written(&[open_record()]).as_bytes());
    let (record, findings) = one_card(&rows);
    assert!(findings.is_empty());
    assert!(*record == open_record());
}

#[test]
fn the_latest_facts_are_written_and_the_mirror_keeps_the_others() {
    let rows = rows(written(&[full_record()]).as_bytes());
    let (record, _) = one_card(&rows);
    let merged = merge_export(Some(&full_record()), record.clone());
    assert!(merged == full_record());
    assert!(derive_events(Some(&full_record()), &merged, day("2025-01-10")).is_empty());
}

#[test]
fn a_notional_address_is_no_dwelling() {
    let row = row_with(&[("senza_fissa_dimora", "S"), ("via", "della Casa Comunale")]);
    let rows = rows(format!("{}{row}", header()).as_bytes());
    let (record, findings) = one_card(&rows);
    assert!(findings.is_empty());
    let place = &record.residences.latest().unwrap().value.place;
    assert_eq!(
        *place,
        Place::Notional {
            municipality: istat(IMOLA)
        }
    );
}

#[test]
fn a_birth_place_by_name_gets_its_code() {
    let row = row_with(&[("istat_nascita", ""), ("comune_nascita", "bologna")]);
    let rows = rows(format!("{}{row}", header()).as_bytes());
    let (record, findings) = one_card(&rows);
    assert!(findings.is_empty());
    let crate::record::BirthPlace::Municipality {
        istat: code, name, ..
    } = &record.generalities.birth_place
    else {
        panic!("born in a municipality")
    };
    assert_eq!(
        (code.map(|code| code.to_string()).as_deref(), name.as_str()),
        (Some("037006"), "bologna")
    );
}

#[test]
fn names_are_kept_composed() {
    let row = row_with(&[("nome", "Nicolo\u{300} Maria")]);
    let rows = rows(format!("{}{row}", header()).as_bytes());
    let (record, _) = one_card(&rows);
    assert!(*record == open_record());
}

#[test]
fn written_operations_read_as_they_were() {
    let date = |text| Some(day(text));
    let event = StatedEvent {
        kind: Some(EventKind::Marriage),
        event_date: date("2024-06-15"),
        effective_date: date("2024-06-16"),
        registration_date: date("2024-09-02"),
        act: Some(ActReference {
            municipality: istat(IMOLA),
            office: ActText::parse("1"),
            year: 2024,
            part: ActText::parse("2"),
            series: ActText::parse("A"),
            number: ActText::parse("12/bis").unwrap(),
        }),
    };
    let annulment = StatedEvent {
        registration_date: date("2025-01-09"),
        ..StatedEvent::default()
    };
    let card = open_record().local_id;
    let operations = [
        (Operation::Publish(Box::new(open_record())), event),
        (
            Operation::Publish(Box::new(open_record())),
            StatedEvent::default(),
        ),
        (Operation::Withdraw(card.clone()), StatedEvent::default()),
        (Operation::Annul(card), annulment),
    ];
    let mut writer = ExportWriter::of(ExportKind::Incremental, Vec::new()).unwrap();
    for (operation, event) in &operations {
        writer.write_operation(operation, event).unwrap();
    }
    let file = writer.finish().unwrap();
    let form = ExportForm {
        kind: ExportKind::Incremental,
        mapping: None,
    };
    let rows: Vec<Row> = ExportReader::open(file.as_slice(), context(), &form)
        .unwrap()
        .map(Result::unwrap)
        .collect();
    let read: Vec<_> = rows
        .into_iter()
        .map(|row| row.outcome.unwrap())
        .map(|accepted| (accepted.operation, accepted.event))
        .collect();
    assert!(read == operations);
}

#[test]
fn columns_may_come_in_any_order_and_optional_ones_may_be_left_out() {
    let header = header();
    let names: Vec<&str> = header.trim_end().split(';').collect();
    let row = row_with(&[]);
    let values = line::split(&row, ';', Quotes::Double).unwrap();
    let kept = |name: &str| Column::named(name).unwrap().spec().requirement != Requirement::Optional;
    let mut pairs: Vec<_> = names.iter().zip(&values).filter(|(name, _)| kept(name)).collect();
    pairs.reverse();
    let mut file = String::from("\u{feff}");
    for (position, (name, _)) in pairs.iter().enumerate() {
        file.push_str(if position == 0 { "" } else { ";" });
        file.push_str(&name.to_uppercase());
    }
    file.push('\n');
    for (position, (_, value)) in pairs.iter().enumerate() {
        file.push_str(if position == 0 { "" } else { ";" });
        line::push_field(&mut file, value);
    }
    let rows = rows(file.as_bytes());
    let (record, findings) = one_card(&rows);
    assert!(findings.is_empty());
    assert!(record.parents.is_empty() && record.identity_document.is_none());
    assert!(
        record.residences == {
            let mut same = open_record().residences;
            blank_street_code(&mut same);
            same
        }
    );
}

/// The street code is optional and was left out.
fn blank_street_code(residences: &mut crate::timeline::Timeline<crate::record::Residence>) {
    let mut fact = residences.latest().unwrap().clone();
    if let Place::Italian(address) = &mut fact.value.place {
        address.street_code.clear();
    }
    residences.record(fact);
}

#[track_caller]
fn check_header(file: &[u8], expected: &[HeaderFault]) {
    match ExportReader::new(file, context()) {
        Ok(_) => assert!(expected.is_empty()),
        Err(OpenError::Header(faults)) => assert_eq!(faults, expected),
        Err(OpenError::Io(error)) => panic!("{error}"),
    }
}

#[test]
fn a_header_that_is_not_the_layouts_is_refused_with_every_fault() {
    let header = header();
    check_header(header.as_bytes(), &[]);
    check_header(b"", &[HeaderFault::Empty]);
    check_header(b"\n\r\n", &[HeaderFault::Empty]);
    check_header(b"\xff\xfes\x00c\x00", &[HeaderFault::Encoding(Encoding::Utf8)]);
    check_header(&vec![b'a'; MAX_LINE + 1], &[HeaderFault::Unreadable]);
    check_header(b"\"scheda;registro", &[HeaderFault::Unreadable]);
    for separator in [',', '\t', '|'] {
        let other = header.replace(';', &separator.to_string());
        check_header(
            other.as_bytes(),
            &[HeaderFault::Separator {
                found: separator,
                expected: ';',
            }],
        );
    }
    check_header(
        header.replacen("sesso;", "", 1).as_bytes(),
        &[HeaderFault::Missing("sesso".into())],
    );
    check_header(
        header.replacen("cognome;", "cognome;cognome;", 1).as_bytes(),
        &[HeaderFault::Double("cognome".into())],
    );
    check_header(
        header.replacen("cognome;", "Rossi;", 1).as_bytes(),
        &[
            HeaderFault::Unknown { position: 3 },
            HeaderFault::Missing("cognome".into()),
        ],
    );
    check_header(header.replacen("padre_cognome;", "", 1).as_bytes(), &[]);
}

#[test]
fn a_source_that_fails_ends_the_rows_with_its_error() {
    struct Failing(io::Cursor<Vec<u8>>);
    impl Read for Failing {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            match self.0.read(buffer)? {
                0 => Err(io::Error::from(io::ErrorKind::ConnectionReset)),
                length => Ok(length),
            }
        }
    }
    let file = format!("{}{}\n", header(), row_with(&[]));
    let mut reader = ExportReader::new(Failing(io::Cursor::new(file.into_bytes())), context()).unwrap();
    assert!(
        reader
            .next()
            .is_some_and(|row| row.is_ok_and(|row| row.outcome.is_ok()))
    );
    assert!(
        reader
            .next()
            .is_some_and(|row| row.is_err_and(|error| error.kind() == io::ErrorKind::ConnectionReset))
    );
}

#[test]
fn columns_are_named_once() {
    let names: BTreeMap<_, _> = COLUMNS.iter().map(|spec| (spec.name, spec.column)).collect();
    assert_eq!(names.len(), Column::COUNT);
    for (position, spec) in COLUMNS.iter().enumerate() {
        assert_eq!((spec.column.index(), spec.column.spec()), (position, spec));
        assert_eq!(Column::named(&spec.name.to_uppercase()), Some(spec.column));
    }
}

#[test]
fn the_documentation_is_that_of_the_tables() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(DOCUMENT);
    if std::env::var_os("PONTE_WRITE_DOCS").is_some() {
        std::fs::write(&path, layout_document()).unwrap();
    }
    let document = std::fs::read_to_string(&path).unwrap();
    assert!(
        document == layout_document(),
        "write it again: PONTE_WRITE_DOCS=1 cargo test -p registry"
    );
}

#[test]
fn the_files_of_the_qualification_suite_are_those_that_were_planted() {
    let directory = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(QUALIFICATION);
    for (name, content) in qualification::files() {
        let path = directory.join(&name);
        if std::env::var_os("PONTE_WRITE_DOCS").is_some() {
            std::fs::write(&path, &content).unwrap();
        }
        assert!(
            std::fs::read(&path).unwrap() == content,
            "{name}: write it again: PONTE_WRITE_DOCS=1 cargo test -p registry"
        );
    }
}

#[test]
fn fields_are_split_at_separators_outside_quotes() {
    let cases: &[(&str, Option<&[&str]>)] = &[
        ("", Some(&[""])),
        ("a;b", Some(&["a", "b"])),
        ("a;;", Some(&["a", "", ""])),
        ("\"a;b\";c", Some(&["a;b", "c"])),
        ("\"a\"\"b\"", Some(&["a\"b"])),
        ("\"\"", Some(&[""])),
        ("\"\"\"\"", Some(&["\""])),
        ("\"\";\"\"", Some(&["", ""])),
        ("D\"Angelo;b", Some(&["D\"Angelo", "b"])),
        ("\"a", None),
        ("\"a\"\"", None),
        ("\"a\"b;c", None),
        ("a;\"", None),
    ];
    for (text, fields) in cases {
        let split = line::split(text, ';', Quotes::Double).ok();
        let split: Option<Vec<&str>> = split
            .as_ref()
            .map(|fields| fields.iter().map(AsRef::as_ref).collect());
        assert_eq!(split.as_deref(), *fields, "{text}");
    }
}

proptest! {
    #[test]
    fn fields_come_back_from_a_row(fields in proptest::collection::vec("[a-z;\" ]{0,8}", 1..8)) {
        let mut row = String::new();
        for (position, field) in fields.iter().enumerate() {
            row.push_str(if position == 0 { "" } else { ";" });
            line::push_field(&mut row, field);
        }
        let split = line::split(&row, ';', Quotes::Double).map_err(|_| TestCaseError::fail("the row does not split"))?;
        prop_assert_eq!(split, fields);
    }

    /// Whatever a card holds: it reads without a fall, and what reads well is written and read the same again.
    #[test]
    fn what_was_read_once_is_read_the_same_for_ever(records in proptest::collection::vec(any_record(), 1..4)) {
        let first = rows(written(&records).as_bytes());
        let good: Vec<Record> = first.iter().filter_map(published).cloned().collect();
        let again = rows(written(&good).as_bytes());
        prop_assert!(again.iter().map(published).eq(good.iter().map(Some)));
    }

    #[test]
    fn no_file_makes_the_reader_fall(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let file = [header().as_bytes(), &bytes].concat();
        for row in rows(&file) {
            prop_assert!(row.outcome.is_err());
        }
    }
}

/// Residences of before a merger were in one of the municipalities that were merged, under its code.
#[test]
fn residences_of_before_a_merger_carry_the_old_code_and_those_since_the_new_one() {
    let findings = |keeper: &str, at: &str, from: &str| {
        let row = row_with(&[("indirizzo_comune", at), ("decorrenza_residenza", from)]);
        let file = format!("{}{row}\n", header());
        let context = ExportContext {
            municipality: istat(keeper),
            ..context()
        };
        let mut reader = ExportReader::new(file.as_bytes(), context).unwrap();
        let row = reader.next().unwrap().unwrap();
        let found = found(&row).into_iter();
        let of_place = found.filter(|(_, column)| *column == "indirizzo_comune");
        of_place.map(|(code, _)| code).collect::<Vec<_>>()
    };
    let (sorbolo, merged) = ("034037", "034051");
    assert!(findings(merged, sorbolo, "2018-12-31").is_empty());
    assert!(findings(merged, merged, "2019-01-01").is_empty());
    assert_eq!(
        findings(merged, sorbolo, "2019-01-01"),
        ["EC056"],
        "it had ceased"
    );
    assert_eq!(
        findings(merged, "034027", "2018-12-31"),
        ["EN378"],
        "Parma was not merged"
    );
    assert_eq!(
        findings(sorbolo, "034021", "2018-12-31"),
        ["EN378"],
        "nor Mezzani into Sorbolo"
    );
}
