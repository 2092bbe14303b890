use crate::fixture::{day, export, imola, residents};

use super::*;

fn context() -> ExportContext {
    ExportContext {
        municipality: imola(),
        reference_date: day("2025-01-10"),
    }
}

fn checked(text: &str) -> CheckReport {
    check(text.as_bytes(), context(), &ExportForm::default()).unwrap()
}

#[test]
fn a_clean_row_is_accepted_without_errors() {
    let report = checked(&residents(3));
    assert_eq!((report.rows, report.accepted, report.refused), (3, 3, 0));
    assert!(
        report.findings.iter().all(|found| found.severity == 'W'),
        "{:?}",
        report.findings
    );
}

#[test]
fn findings_name_rule_column_and_lines_and_what_to_do() {
    let report = checked(&export(&[
        ("1", &[]),
        ("2", &[("sesso", "X")]),
        ("3", &[("sesso", "Y")]),
        ("1", &[]),
    ]));
    assert_eq!((report.rows, report.accepted, report.refused), (4, 1, 3));
    let sex = report
        .findings
        .iter()
        .find(|found| found.column == Some("sesso"))
        .unwrap();
    assert_eq!(
        (sex.severity, sex.count, sex.lines.as_slice()),
        ('E', 2, &[3, 4][..])
    );
    assert!(!sex.italian.is_empty() && !sex.remedy.is_empty());
    assert_eq!(report.findings.count_of("PN100"), 1);
}

#[test]
fn what_stands_on_a_card_is_nowhere_in_the_report() {
    let report = checked(&export(&[(
        "1",
        &[("cognome", "Segreto1"), ("codice_fiscale", "SGRNNA80A41A944X")],
    )]));
    let shown = format!("{report:?} {}", serde_json::to_string(&report).unwrap());
    assert!(
        report.refused == 1 && !shown.contains("Segreto") && !shown.contains("SGRNNA"),
        "{shown}"
    );
}

#[test]
fn a_file_with_another_header_is_no_export() {
    let error = check("nome;cognome\n".as_bytes(), context(), &ExportForm::default()).unwrap_err();
    assert!(matches!(error, ExportError::Open(OpenError::Header(faults)) if !faults.is_empty()));
}
