use agreement::reason::ExitCode;

use super::run::ponte;

#[track_caller]
fn computes(person: [&str; 5], expected: &str) {
    let [surname, given_name, sex, birth_date, birth_place] = person;
    ponte([
        "codice-fiscale",
        "compute",
        "--surname",
        surname,
        "--given-name",
        given_name,
        "--sex",
        sex,
        "--birth-date",
        birth_date,
        "--birth-place",
        birth_place,
        "--output",
        "csv",
    ])
    .exits(ExitCode::Ok)
    .shows(expected);
}

#[test]
fn a_code_is_computed_from_any_way_to_write_the_birth_place() {
    for place in ["E289", "e289", "037032", "Imola (BO)", "IMOLA(bo)"] {
        computes(["Rossi", "Maria", "F", "1985-03-07", place], "RSSMRA85C47E289Q");
    }
}

#[test]
fn a_code_is_checked_and_what_it_says_is_shown() {
    let json = ponte(["codice-fiscale", "check", "rssmra85c47e289q", "-o", "json"])
        .exits(ExitCode::Ok)
        .json();
    assert_eq!(json[0]["valid"], true);
    assert_eq!(json[0]["sex"], "F");
    assert_eq!(json[0]["birth_place"], "IMOLA (BO)");
}

#[test]
fn a_wrong_code_exits_1_and_says_why_in_the_language_of_the_locale() {
    let cases = [
        ("it_IT.UTF-8", "carattere di controllo"),
        ("C", "check character"),
    ];
    for (locale, reason) in cases {
        ponte(["codice-fiscale", "check", "RSSMRA85C47E289A"])
            .env("LC_ALL", locale)
            .exits(ExitCode::NegativeAnswer)
            .shows(reason);
    }
}

#[test]
fn csv_keeps_its_columns_and_gets_the_code_and_the_reason() {
    let input = "surname;given_name;sex;birth_date;birth_place;note\n\
                 Rossi;Maria;F;1985-03-07;E289;x\n\
                 Rossi;Maria;X;1985-03-07;E289;y\n\
                 Rossi;Maria;F;1985-03-07;Nowhere (ZZ);z\n";
    let outcome = ponte(["codice-fiscale", "compute", "--lang", "en"])
        .stdin(input)
        .exits(ExitCode::NegativeAnswer);
    let lines: Vec<&str> = outcome.stdout.lines().collect();
    assert_eq!(
        lines[0],
        "surname;given_name;sex;birth_date;birth_place;note;codice_fiscale;reason"
    );
    assert_eq!(lines[1], "Rossi;Maria;F;1985-03-07;E289;x;RSSMRA85C47E289Q;");
    assert!(lines[2].ends_with(";;the sex is M or F"), "{outcome}");
    assert!(lines[3].contains("birth place"), "{outcome}");
}

#[test]
fn csv_without_the_column_is_refused_by_its_name() {
    ponte(["codice-fiscale", "check", "--lang", "it"])
        .stdin("code\nX\n")
        .exits(ExitCode::Usage)
        .says("manca la colonna codice_fiscale");
}

#[test]
fn a_column_of_codes_is_checked() {
    let outcome = ponte(["codice-fiscale", "check"])
        .stdin("codice_fiscale,n\nRSSMRA85C47E289Q,1\n12345678903,2\nRSSMRA85C47E289,3\n")
        .exits(ExitCode::NegativeAnswer);
    let lines: Vec<&str> = outcome.stdout.lines().collect();
    assert_eq!(lines[1], "RSSMRA85C47E289Q,1,definitive,");
    assert_eq!(lines[2], "12345678903,2,provisional,");
    assert!(lines[3].starts_with("RSSMRA85C47E289,3,,"), "{outcome}");
}
