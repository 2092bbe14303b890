use std::collections::BTreeSet;

use tempfile::TempDir;

use super::*;

const SAMPLE: &str = include_str!("../../../../../config/index.toml");

/// The sample, with the files that it names.
fn stated(directory: &TempDir, text: &str) -> StatedConfiguration {
    let config = IndexConfig::parse(text, directory.path()).unwrap();
    let TlsFiles {
        certificate,
        key: _,
        authorities,
        revocation_lists,
    } = &config.tls;
    for file in [certificate, authorities].into_iter().chain(revocation_lists) {
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        if !file.exists() {
            fs::write(file, file.display().to_string()).unwrap();
        }
    }
    StatedConfiguration::of(&config).unwrap()
}

fn keys_that_differ(one: &StatedConfiguration, other: &StatedConfiguration) -> BTreeSet<String> {
    let keys = one.lines().chain(other.lines()).map(|(key, _)| key);
    keys.filter(|key| one.get(key) != other.get(key))
        .map(str::to_owned)
        .collect()
}

#[test]
fn the_same_configuration_is_stated_in_the_same_words() {
    let directory = tempfile::tempdir().unwrap();
    let one = stated(&directory, SAMPLE);
    assert_eq!(one, stated(&directory, SAMPLE));
    assert_eq!(one.hash(), stated(&directory, SAMPLE).hash());
    assert!(
        one.lines()
            .all(|(_, value)| !value.is_empty() || one.get("contacts") == Some(""))
    );
}

#[test]
fn every_change_of_the_sample_is_a_change_of_its_own_lines_and_of_the_hash() {
    let directory = tempfile::tempdir().unwrap();
    let before = stated(&directory, SAMPLE);
    let cases = [
        ("listen = \"0.0.0.0:8443\"", "listen = \"0.0.0.0:9443\"", "listen"),
        (
            "data_directory = \"data\"",
            "data_directory = \"elsewhere\"",
            "data_directory",
        ),
        ("log_queue = 1024", "log_queue = 77", "limits log_queue"),
        (
            "stop_after_hours = 4",
            "stop_after_hours = 9",
            "witnessing stop_after_seconds",
        ),
        (
            "arrivals = { at_least = 25",
            "arrivals = { at_least = 26",
            "daily_limits arrivals",
        ),
        (
            "renew_seconds = 10",
            "renew_seconds = 11",
            "monitor renew_seconds",
        ),
        (
            "alarm_after_hours = 48",
            "alarm_after_hours = 49",
            "freshness alarm_after_seconds",
        ),
        ("contacts = [\"037032\"]", "contacts = []", "contacts"),
        ("# revocation_lists", "revocation_lists", "tls revocation_lists 0"),
    ];
    for (from, to, key) in cases {
        assert!(SAMPLE.contains(from), "the sample has {from}");
        let after = stated(&directory, &SAMPLE.replacen(from, to, 1));
        let differ = keys_that_differ(&before, &after);
        assert!(differ.contains(key), "{differ:?}");
        assert!(differ.iter().all(|other| other.starts_with(key)), "{differ:?}");
        assert_ne!(before.hash(), after.hash(), "{key}");
    }
}

#[test]
fn another_certificate_or_revocation_list_in_the_same_file_is_a_change() {
    let directory = tempfile::tempdir().unwrap();
    let before = stated(&directory, SAMPLE);
    let config = IndexConfig::parse(SAMPLE, directory.path()).unwrap();
    fs::write(&config.tls.authorities, "another authority").unwrap();
    let after = stated(&directory, SAMPLE);
    assert_eq!(
        keys_that_differ(&before, &after),
        BTreeSet::from(["tls authorities sha256".to_owned()])
    );
}

#[test]
fn a_file_that_is_not_there_is_an_error_and_secrets_are_not_read() {
    let directory = tempfile::tempdir().unwrap();
    stated(&directory, SAMPLE);
    let config = IndexConfig::parse(SAMPLE, directory.path()).unwrap();
    for secret in [&config.tls.key, &config.log_key, &config.key_encryption_key] {
        assert!(!secret.exists());
    }
    fs::remove_file(&config.tls.certificate).unwrap();
    StatedConfiguration::of(&config).unwrap_err();
}

#[test]
fn lengths_keep_lines_apart() {
    let of = |lines: &[(&str, &str)]| {
        let mut stated = StatedConfiguration::default();
        for (key, value) in lines {
            stated.set(key, Some(value));
        }
        stated.hash()
    };
    assert_ne!(of(&[("a", "bc")]), of(&[("ab", "c")]));
    assert_ne!(of(&[("a", "b"), ("c", "d")]), of(&[("a", "bcd")]));
}
