//! Every sample in `config/` that the commands read.

use std::path::{Path, PathBuf};

use agreement::reason::ExitCode;
use cli::profile::ProfileFile;
use index::config::IndexConfig;

use super::run::ponte;

fn config(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../config")
        .join(name)
}

#[test]
fn the_sample_of_profiles_loads_and_each_profile_makes_an_endpoint() {
    let file = || ProfileFile::load(&config("profile.toml")).unwrap();
    let names: Vec<String> = file().names().map(str::to_owned).collect();
    assert_eq!(names, ["amministratore", "polizia-locale", "revisore"]);
    for name in names {
        file().choose(Some(&name)).unwrap().connection.endpoint().unwrap();
    }
    let profile = file().choose(None).unwrap();
    let context = profile
        .context
        .access_context(None, None, uuid::Uuid::nil())
        .unwrap();
    assert_eq!(context.agreement.as_str(), "polizia-locale-2026");
}

#[test]
fn the_sample_agreements_are_valid() {
    let files: Vec<_> = std::fs::read_dir(config("agreements"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    assert_ne!(files.len(), 0);
    for file in files {
        let outcome = ponte(["agreement", "lint", &file.display().to_string(), "--lang", "en"]).run();
        assert!(
            [ExitCode::Ok, ExitCode::NegativeAnswer].contains(&outcome.exit),
            "{outcome}"
        );
        outcome.says("valid; SHA-256");
    }
}

#[test]
fn a_document_that_is_no_agreement_is_refused_with_its_line() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("agreement.toml");
    std::fs::write(&path, "format = 1\nunknown = true\n").unwrap();
    ponte(["agreement", "lint", &path.display().to_string()])
        .exits(ExitCode::Usage)
        .says("line");
}

#[test]
fn a_new_index_has_a_configuration_that_loads_and_secrets_that_are_never_overwritten() {
    let directory = tempfile::tempdir().unwrap();
    let home = directory.path().join("index");
    let arguments = [
        "index",
        "init",
        &home.display().to_string(),
        "--trust-domain",
        "ponte.example",
        "--origin",
        "log.ponte.example/1",
    ]
    .map(str::to_owned);
    let json = ponte(arguments.iter().map(String::as_str).chain(["-o", "json"]))
        .exits(ExitCode::Ok)
        .json();
    let key = json[0]["log_key"].as_str().unwrap().to_owned();
    assert!(key.starts_with("log.ponte.example/1+"), "{key}");
    let loaded = IndexConfig::load(&home.join("index.toml")).unwrap();
    assert_eq!(loaded.origin, "log.ponte.example/1");
    assert!(loaded.key_encryption_key.exists() && loaded.log_key.exists());
    let secret = std::fs::read(&loaded.log_key).unwrap();
    ponte(arguments).exits(ExitCode::Conflict);
    assert_eq!(std::fs::read(&loaded.log_key).unwrap(), secret);
}
