use std::path::Path;

use super::*;

const FILE: &str = r#"
default = "one"
[profile.one.connection]
endpoint = "index.example:443"
certificate = "one.pem"
[profile.one.context]
agreement = "agreement-of-file"
purpose = "purpose-of-file"
operator = "operator-of-file"
[profile.two.connection]
endpoint = "other.example:443"
"#;

fn environment(variables: &[(&str, &str)]) -> Environment {
    variables
        .iter()
        .map(|(name, value)| ((*name).into(), (*value).into()))
        .collect()
}

fn chosen(name: Option<&str>) -> Profile {
    ProfileFile::parse(FILE, Path::new("/etc/ponte"))
        .unwrap()
        .choose(name)
        .unwrap()
}

#[test]
fn a_flag_wins_over_the_environment_and_the_environment_over_the_file() {
    let environment = environment(&[
        ("PONTE_AGREEMENT", "of-environment"),
        ("PONTE_PURPOSE", "of-environment"),
    ]);
    let flags = ContextSettings {
        agreement: Some("of-flag".to_owned()),
        ..ContextSettings::default()
    };
    let resolved = flags.resolve(&chosen(None), &environment).unwrap();
    assert_eq!(resolved.agreement.as_deref(), Some("of-flag"));
    assert_eq!(resolved.purpose.as_deref(), Some("of-environment"));
    assert_eq!(resolved.operator.as_deref(), Some("operator-of-file"));
    assert_eq!(resolved.workstation, None);
}

#[test]
fn relative_paths_are_taken_from_the_directory_of_the_file() {
    let profile = chosen(Some("one"));
    assert_eq!(
        profile.connection.certificate.as_deref(),
        Some(Path::new("/etc/ponte/one.pem"))
    );
}

#[test]
fn a_profile_that_is_not_there_and_a_key_that_is_unknown_are_refused() {
    let missing = ProfileFile::parse(FILE, Path::new("/"))
        .unwrap()
        .choose(Some("three"))
        .unwrap_err();
    assert_eq!(missing.exit(), agreement::reason::ExitCode::Usage);
    for text in [
        "[profile.one.connection]\nendpiont = \"x\"",
        "[profile.one.kontext]",
        "defualt = \"one\"",
    ] {
        assert!(ProfileFile::parse(text, Path::new("/")).is_err(), "{text}");
    }
}

#[test]
fn a_value_that_cannot_be_read_names_its_variable() {
    let environment = environment(&[("PONTE_DEADLINE_SECONDS", "soon")]);
    let failure = ConnectionSettings::of_environment(&environment).unwrap_err();
    let words = failure.words(crate::language::Language::English).unwrap();
    assert!(
        words.contains("PONTE_DEADLINE_SECONDS") && !words.contains("soon"),
        "{words}"
    );
}

#[test]
fn what_the_call_needs_and_nobody_states_is_named() {
    let failure = ContextSettings::default()
        .access_context(None, None, uuid::Uuid::nil())
        .unwrap_err();
    assert!(
        failure
            .words(crate::language::Language::English)
            .unwrap()
            .contains("--agreement")
    );
}

#[test]
fn receipts_are_verified_unless_somebody_says_that_they_are_not() {
    let key = "log.ponte.example/1+0";
    for (stated, log_key, expect) in [
        (None, None, "--log-key is missing"),
        (Some("verify"), None, "--log-key is missing"),
        (Some("never"), Some(key), "verify or keep"),
        (None, Some(key), "the log's key is not valid"),
    ] {
        let failure = receipt_policy(stated, log_key, None).unwrap_err();
        let words = failure.words(crate::language::Language::English).unwrap();
        assert!(words.contains(expect), "{words}");
    }
    assert!(matches!(
        receipt_policy(Some("keep"), None, None),
        Ok(ReceiptPolicy::Keep)
    ));
}

#[test]
fn where_a_policy_is_named_receipts_must_become_witnessed_under_it() {
    let directory = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = directory.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    };
    let key = "log.ponte.example/1+a630a45b+AUOnLnFEAXYt9mtowm373yaCquyfJHTspGE+QkoPuv08";
    let good = include_str!("../../../../config/policy.txt");
    let good = write("policy.txt", good);
    let witnessed = |log_key| match receipt_policy(None, log_key, Some(&good)) {
        Ok(ReceiptPolicy::Witness(witnessing)) => witnessing.log().to_string(),
        other => panic!("{other:?}"),
    };
    assert_eq!(witnessed(None), witnessed(Some(key)));
    assert!(matches!(
        receipt_policy(Some("keep"), None, Some(&good)),
        Ok(ReceiptPolicy::Keep)
    ));
    let alone = write("alone.txt", &format!("log {key}\nquorum none\n"));
    let missing = directory.path().join("missing.txt");
    let bad = write("bad.txt", "quorum nobody\n");
    for (policy, expect) in [(&alone, "quorum"), (&missing, "missing.txt"), (&bad, "bad.txt")] {
        let failure = receipt_policy(None, Some(key), Some(policy)).unwrap_err();
        let words = failure.words(crate::language::Language::English).unwrap();
        assert!(words.contains(expect), "{words}");
    }
}
