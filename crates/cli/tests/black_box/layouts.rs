//! Exports in layouts that are not ours, and the suite with which a vendor qualifies.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use agreement::reason::ExitCode;

use super::run::ponte;

fn config(name: &str) -> String {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../config");
    directory.join(name).display().to_string()
}

#[test]
fn a_foreign_layout_is_checked_with_its_mapping_and_is_no_export_without() {
    let (mapping, export) = (config("mappings/alfa.toml"), config("mappings/alfa.csv"));
    let plain = [
        "node",
        "check",
        &export,
        "--municipality",
        "037032",
        "--date",
        "2025-01-10",
        "--lang",
        "en",
    ];
    ponte(plain).exits(ExitCode::Usage).hides("ROSSI");
    ponte(plain.into_iter().chain(["--mapping", &mapping]))
        .exits(ExitCode::Ok)
        .says("7 rows: 7 accepted, 0 refused");
}

#[test]
fn a_mapping_that_breaks_a_rule_is_refused_with_its_key() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("mapping.toml");
    let mapping = fs::read_to_string(config("mappings/alfa.toml")).unwrap();
    fs::write(&path, mapping.replace("windows-1252\"", "cp850\"")).unwrap();
    let (path, export) = (path.display().to_string(), config("mappings/alfa.csv"));
    ponte([
        "node",
        "check",
        &export,
        "--municipality",
        "037032",
        "--mapping",
        &path,
        "--lang",
        "en",
    ])
    .exits(ExitCode::Usage)
    .says("file.encoding: must be utf-8, iso-8859-1 or windows-1252")
    .says("config/mapping.md");
}

/// A node that never met an index: enough to import.
fn node(directory: &Path, import: &str) -> String {
    let key = directory.join("node.kek");
    if !key.exists() {
        fs::write(&key, [7; 32]).expect("writable");
        fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).expect("writable");
        let signing_key = directory.join("publication").display().to_string();
        ponte(["pki", "signing-key", "--out", &signing_key]).exits(ExitCode::Ok);
    }
    let path: PathBuf = directory.join("node.toml");
    let text = format!(
        "municipality = \"037032\"\ndata_directory = \"data\"\ntrust_domain = \"ponte.example\"\n\
         key_encryption_key = \"node.kek\"\npublication_key = \"publication.key\"\n[index]\nhost = \"localhost\"\nport = 8443\n\
         [tls]\ncertificate = \"node.pem\"\nkey = \"node.key\"\nauthorities = \"authority.pem\"\n\
         [import]\n{import}\n"
    );
    fs::write(&path, text).expect("writable");
    path.display().to_string()
}

fn imported(config: &str, export: &str, arguments: &[&str]) -> serde_json::Value {
    let fixed = [
        "node",
        "import",
        "--config",
        config,
        export,
        "--date",
        "2025-01-10",
        "-o",
        "json",
    ];
    ponte(fixed.iter().chain(arguments).copied())
        .exits(ExitCode::Ok)
        .json()[0]
        .clone()
}

#[test]
fn three_layouts_of_one_population_are_one_registry() {
    let directory = tempfile::tempdir().unwrap();
    let node_config = node(directory.path(), "");
    let alfa = config("mappings/alfa.toml");
    let first = imported(&node_config, &config("mappings/alfa.csv"), &["--mapping", &alfa]);
    assert_eq!((&first["created"], &first["quarantined"]), (&7.into(), &0.into()));

    // Configured, and the same again.
    let node_config = node(directory.path(), &format!("mapping = {alfa:?}"));
    let again = imported(&node_config, &config("mappings/alfa.csv"), &[]);
    assert_eq!(
        (&again["unchanged"], &again["journal_end"]),
        (&7.into(), &7.into())
    );

    // What happened meanwhile, by another service: a cancellation that is annulled, and a card withdrawn.
    let gamma = config("mappings/gamma.toml");
    let arguments = ["--mapping", &gamma, "--incremental"];
    let operations = imported(&node_config, &config("mappings/gamma.csv"), &arguments);
    assert_eq!(
        (&operations["removed"], &operations["quarantined"]),
        (&1.into(), &0.into())
    );
}

#[test]
fn days_of_operations_are_taken_whole_and_once() {
    let directory = tempfile::tempdir().unwrap();
    let node_config = node(directory.path(), "kind = \"incremental\"");
    let days = directory.path().join("days").display().to_string();
    ponte([
        "generate",
        "--municipality",
        "037032",
        "--scale",
        "1/50",
        "--churn",
        "8",
        "--pace",
        "50",
        "--from",
        "2026-03-01",
        "--out-dir",
        &days,
    ])
    .exits(ExitCode::Ok);
    let mut files: Vec<PathBuf> = fs::read_dir(Path::new(&days).join("037032"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    let import = |file: &Path| {
        let name = file.file_name().unwrap().to_str().unwrap();
        let (file, day) = (file.display().to_string(), &name[..10]);
        let arguments = [
            "node",
            "import",
            "--config",
            &node_config,
            &file,
            "--date",
            day,
            "-o",
            "json",
        ];
        ponte(arguments).exits(ExitCode::Ok).json()[0].clone()
    };
    let counted = |report: &serde_json::Value, names: &[&str]| -> u64 {
        names.iter().map(|name| report[name].as_u64().unwrap()).sum()
    };
    let done = ["created", "updated", "removed", "annulled"];
    // The first is total: all its cards are new, and to an empty node that is the same.
    for file in &files {
        let report = import(file);
        assert_eq!(counted(&report, &done), report["rows"], "{}", file.display());
        let again = import(file);
        assert_eq!((counted(&again, &done), &again["quarantined"]), (0, &0.into()));
        assert_eq!(again["journal_end"], report["journal_end"]);
    }
    assert_eq!(files.len(), 9);
}

#[test]
fn the_built_in_suite_has_the_expected_outcome_and_every_rule_is_in_it() {
    let verdicts = ponte(["node", "qualify", "-o", "json"])
        .exits(ExitCode::Ok)
        .json();
    let verdicts = verdicts.as_array().unwrap();
    assert!(8 < verdicts.len() && verdicts.iter().all(|verdict| verdict["outcome"] == "ok"));
    ponte([
        "node",
        "qualify",
        "--suite",
        &config("qualification"),
        "--lang",
        "it",
    ])
    .exits(ExitCode::Ok)
    .says("0 con esito diverso dall'atteso");
}

#[test]
fn an_export_of_ones_own_is_held_against_what_is_expected_of_it() {
    let directory = tempfile::tempdir().unwrap();
    let expected = directory.path().join("expected.csv").display().to_string();
    let (mapping, export) = (config("mappings/alfa.toml"), config("mappings/alfa.csv"));
    let arguments = [
        "node",
        "qualify",
        "--export",
        &export,
        "--mapping",
        &mapping,
        "--expected",
        &expected,
        "--municipality",
        "037032",
        "--date",
        "2025-01-10",
        "-o",
        "json",
    ];
    fs::write(&expected, "riga;codice;colonna\n6;PN031;codice_fiscale\n").unwrap();
    ponte(arguments).exits(ExitCode::Ok);
    fs::write(&expected, "riga;codice;colonna\n5;PN031;codice_fiscale\n").unwrap();
    let verdicts = ponte(arguments).exits(ExitCode::NegativeAnswer).json();
    let told = |position: usize| (&verdicts[position]["outcome"], &verdicts[position]["line"]);
    assert_eq!(told(1), (&"missing".into(), &5.into()));
    assert_eq!(told(2), (&"unexpected".into(), &6.into()));
    ponte(["node", "qualify", "--mapping", &mapping]).exits(ExitCode::Usage);
}
