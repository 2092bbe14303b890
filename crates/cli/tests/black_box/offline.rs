//! What fails before anything is sent.

use agreement::reason::ExitCode;

use super::run::ponte;

const GOOD_CODE: &str = "RSSMRA85C47E289Q";

#[test]
fn a_call_that_cannot_be_made_is_refused_before_anything_is_sent() {
    let cases: [(&[&str], &str); 17] = [
        (&["person", "RSSMRA85C47E289A"], "formally wrong"),
        (&["person", "--national-id", "12"], "national id"),
        (&["person", GOOD_CODE, "--fields", "shoe_size"], "unknown field"),
        (&["person", GOOD_CODE], "--endpoint is missing"),
        (
            &["person", GOOD_CODE, "--ascertain", "C016"],
            "there are: generalities, death, marriage",
        ),
        (
            &["person", GOOD_CODE, "--ascertain", "family-status"],
            "is asked with \"ponte household\"",
        ),
        (
            &["household", GOOD_CODE, "--ascertain", "residence"],
            "is asked with \"ponte person\"",
        ),
        (
            &["can-i", "--ascertainment", "residenza"],
            "the kind of ascertainment is unknown",
        ),
        (&["verify", "generalities", GOOD_CODE], "cannot be compared"),
        (
            &["verify", "municipality", GOOD_CODE, "--at", "12"],
            "not an ISTAT code",
        ),
        (
            &[
                "verify",
                "residence",
                GOOD_CODE,
                "--at",
                "037032",
                "--street",
                "Appia",
            ],
            "--number",
        ),
        (
            &["verify", "citizenship", GOOD_CODE, "--state", "997"],
            "cannot be compared",
        ),
        (
            &["verify", "unmarried", GOOD_CODE, "--status", "2"],
            "cannot be compared",
        ),
        (&["verify", "paternity", GOOD_CODE], "cannot be compared"),
        (
            &["verify", "marriage", GOOD_CODE, "--partner-surname", ""],
            "the name is not admitted",
        ),
        (
            &["can-i", "--codice-fiscale", "RSSMRA85C47E289A"],
            "formally wrong",
        ),
        (
            &[
                "verify",
                "national-id",
                GOOD_CODE,
                "--id",
                "1",
                "--surname",
                "Rossi",
            ],
            "national id",
        ),
    ];
    for (arguments, words) in cases {
        ponte(arguments.iter().chain(&["--lang", "en"]))
            .exits(ExitCode::Usage)
            .says(words)
            .hides(GOOD_CODE);
    }
}

#[test]
fn a_profile_without_a_file_is_refused() {
    ponte(["can-i", "--profile", "nobody", "--lang", "en"])
        .exits(ExitCode::Usage)
        .says("no file of profiles");
}

#[test]
fn what_is_no_receipt_and_what_is_no_key_are_refused() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("receipt");
    std::fs::write(&path, b"nothing").unwrap();
    let path = path.display().to_string();
    ponte(["audit", "receipt", "show", &path]).exits(ExitCode::Usage);
    ponte(["audit", "receipt", "verify", &path, "--log-key", "key"])
        .exits(ExitCode::Usage)
        .says("key");
}

#[test]
fn a_node_command_without_a_daemon_says_so() {
    ponte(["node", "status", "--config", "/nowhere/node.toml"])
        .exits(ExitCode::Usage)
        .says("/nowhere/node.toml");
}

#[test]
fn the_doctor_finds_a_missing_certificate_and_always_says_who_decides() {
    let outcome =
        ponte(["doctor", "--certificate", "/nowhere.pem", "--lang", "en"]).exits(ExitCode::NegativeAnswer);
    outcome
        .shows("red")
        .shows("whoever administers the index decides");
}

#[test]
fn the_doctor_examines_the_machine_of_an_index() {
    let directory = tempfile::tempdir().unwrap();
    let home = directory.path().join("index").display().to_string();
    ponte([
        "index",
        "init",
        &home,
        "--trust-domain",
        "ponte.example",
        "--origin",
        "log.ponte.example/1",
    ])
    .exits(ExitCode::Ok);
    let (config, report) = (format!("{home}/index.toml"), directory.path().join("report.json"));
    let report = report.display().to_string();
    let outcome = ponte(["doctor", "--config", &config, "--report", &report, "-o", "json"])
        .exits(ExitCode::NegativeAnswer);
    let findings = outcome.json();
    let light = |subject: &str| {
        let findings = findings.as_array().unwrap();
        findings
            .iter()
            .find(|finding| finding["subject"] == subject)
            .map(|finding| finding["light"].clone())
    };
    assert_eq!(light("key-encryption-key").unwrap(), "green");
    assert_eq!(light("log-key").unwrap(), "green");
    assert_eq!(light("certificate").unwrap(), "red");
    let saved: serde_json::Value = serde_json::from_slice(&std::fs::read(&report).unwrap()).unwrap();
    assert_eq!(saved, findings);
    ponte(["doctor", "--config", &config, "--report", &report]).exits(ExitCode::Conflict);
}
