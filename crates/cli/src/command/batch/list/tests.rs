use agreement::request::DeclaredPerson;
use agreement::service::VerificationKind;

use super::*;

const MARIO: &str = "RSSMRA80C01E187H";

fn written(text: &str) -> tempfile::NamedTempFile {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), text).unwrap();
    file
}

fn unreadable<T: Clone>(list: &List<T>) -> Vec<(u32, String)> {
    let rows = list.unreadable(1..u32::MAX);
    rows.map(|(row, column)| (row, column.to_owned())).collect()
}

#[test]
fn persons_are_read_by_either_identifier_and_what_is_wrong_is_told_by_its_column() {
    let text = format!("codice_fiscale,national_id\n{MARIO},\n,AF41450AS\n{MARIO},AF41450AS\nX,\n,Y\n");
    let list = persons(written(&text).path()).unwrap();
    assert_eq!(list.len().unwrap(), 5);
    let sent: Vec<u32> = list.readable(1).into_iter().map(|(row, _)| row).collect();
    assert_eq!(sent, [1, 2]);
    assert_eq!(list.readable(2).len(), 1);
    let expect = [(3, TAX_CODE), (4, TAX_CODE), (5, NATIONAL_ID)];
    assert_eq!(
        unreadable(&list),
        expect.map(|(row, column)| (row, column.to_owned()))
    );
}

#[test]
fn declarations_are_those_of_the_command_for_one() {
    let header =
        "kind,codice_fiscale,at,street,number,without_number,surname,member,named_person,consent_reference";
    let rows = [
        format!("existence,{MARIO},,,,,,,,CONS-1 2026-01-15"),
        format!("residence,{MARIO},037032,Appia,7,,,,yes,"),
        format!("residence,{MARIO},037032,Appia,,si,,,,"),
        format!("generalities,{MARIO},,,,,Rossi,,,"),
        format!("family,{MARIO},,,,,,{MARIO} RSSMRA85C47E289Q:1,,"),
        // What cannot be read.
        format!("residence,{MARIO},037032,,7,,,,,"),
        format!("residence,{MARIO},037032,Appia,seven,,,,,"),
        format!("residence,{MARIO},037032,Appia,7,perhaps,,,,"),
        format!("marvel,{MARIO},,,,,,,,"),
        "existence,X,,,,,,,,".to_owned(),
        format!("existence,{MARIO},,,,,Rossi,,,"),
        format!("existence,{MARIO},,,,,,,,CONS-1"),
    ];
    let list = declarations(written(&format!("{header}\n{}\n", rows.join("\n"))).path()).unwrap();
    let read = list.readable(1);
    let kinds: Vec<(u32, VerificationKind)> = read
        .iter()
        .map(|(row, row_of)| (*row, row_of.claim.kind()))
        .collect();
    let expect = [
        (1, VerificationKind::ExistenceInLife),
        (2, VerificationKind::Residence),
        (3, VerificationKind::Residence),
        (4, VerificationKind::Generalities),
        (5, VerificationKind::FamilyStatus),
    ];
    assert_eq!(kinds, expect);
    assert!(read[0].1.consent.is_some() && read[1].1.consent.is_none());
    assert_eq!(read[1].1.declared, DeclaredPerson::Named);
    let expect = [
        (6, "street"),
        (7, "number"),
        (8, "without_number"),
        (9, KIND),
        (10, TAX_CODE),
        (11, "surname"),
        (12, CONSENT),
    ];
    assert_eq!(
        unreadable(&list),
        expect.map(|(row, column)| (row, column.to_owned()))
    );
}

#[test]
fn a_list_with_another_column_or_without_rows_is_refused() {
    assert!(persons(written("codice_fiscale,profile\n").path()).is_err());
    assert!(declarations(written("kind,receipt\n").path()).is_err());
    assert!(
        persons(written("codice_fiscale\n").path())
            .unwrap()
            .len()
            .is_err()
    );
    assert!(persons(written("codice_fiscale\nA,B\n").path()).is_err());
}
