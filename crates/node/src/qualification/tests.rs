use std::collections::BTreeSet;

use registry::export::{Encoding, HeaderFault};
use registry::finding::RULES;
use registry::identifier::IstatCode;
use transport::random::danger::SeededRandom;

use crate::fixture::day;

use super::*;

fn verdicts(suite: &Suite) -> Vec<Verdict> {
    let scratch = tempfile::tempdir().unwrap();
    let random: Arc<dyn Random> = Arc::new(SeededRandom::new(9));
    suite
        .cases
        .iter()
        .map(|case| run(case, scratch.path(), &random).unwrap())
        .collect()
}

fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../config/qualification")
}

#[test]
fn every_file_of_the_suite_gives_exactly_what_was_planted() {
    let suite = Suite::built_in().unwrap();
    for verdict in verdicts(&suite) {
        assert!(
            verdict.passed() && 0 < verdict.expected,
            "{}: missing {:?}, unexpected {:?}",
            verdict.case,
            verdict.missing,
            verdict.unexpected
        );
    }
}

#[test]
fn every_rule_of_the_table_is_planted_in_the_suite() {
    let suite = Suite::built_in().unwrap();
    let expected = suite.cases.iter().flat_map(|case| &case.expected);
    let planted: BTreeSet<&str> = expected.map(|expected| expected.code.as_str()).collect();
    let lacking: Vec<&str> = RULES
        .iter()
        .map(|rule| rule.code)
        .filter(|code| !planted.contains(code))
        .collect();
    assert!(lacking.is_empty(), "no file plants {lacking:?}");
}

#[test]
fn the_suite_in_the_program_is_the_one_in_the_directory() {
    let suite = Suite::in_directory(&directory()).unwrap();
    assert!(verdicts(&suite).iter().all(Verdict::passed));
    let built_in: BTreeSet<&str> = builtin::FILES.iter().map(|(name, _)| *name).collect();
    for entry in fs::read_dir(directory()).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(built_in.contains(name.as_str()), "{name} is not in the program");
    }
}

#[test]
fn every_fault_of_a_header_is_documented() {
    let document = fs::read_to_string(directory().with_extension("md")).unwrap();
    let faults = [
        HeaderFault::Empty,
        HeaderFault::Encoding(Encoding::Utf8),
        HeaderFault::Utf8Mark(Encoding::Windows1252),
        HeaderFault::Unreadable,
        HeaderFault::Separator {
            found: ',',
            expected: ';',
        },
        HeaderFault::Missing("sesso".into()),
        HeaderFault::Double("sesso".into()),
        HeaderFault::Unknown { position: 3 },
    ];
    for fault in &faults {
        let code = Expectation::of_header(fault).code;
        assert!(document.contains(&format!("| `{code}` |")), "{code}");
    }
    assert_eq!(document.matches("| `HEADER-").count(), faults.len());
}

#[test]
fn what_differs_is_told_at_its_place() {
    let scratch = tempfile::tempdir().unwrap();
    let expected = scratch.path().join("expected.csv");
    fs::write(&expected, "riga;codice;colonna\n2;EN081;sesso\n9;EN081;sesso\n").unwrap();
    let export = directory().join("rows.csv");
    let case = |expected: &Path| {
        let imola = IstatCode::parse("037032").unwrap();
        Case::of_files(&export, expected, ExportForm::default(), imola, day("2025-01-10"))
    };
    let suite = Suite {
        cases: vec![case(&expected).unwrap()],
    };
    let [verdict] = verdicts(&suite).try_into().unwrap();
    assert!(!verdict.passed() && verdict.unexpected.len() + 2 == verdict.found + verdict.missing.len());
    assert!(verdict.missing.iter().any(|missing| missing.line == 9));

    fs::write(&expected, "riga;codice;colonna\nx;EN081;sesso\n").unwrap();
    assert_eq!(
        case(&expected).unwrap_err().to_string(),
        format!("{}: the expected findings cannot be read", expected.display())
    );
    fs::write(&expected, "line;code\n").unwrap();
    assert!(matches!(
        case(&expected),
        Err(QualificationError::Expected(_, ExpectationError::Header))
    ));
}
