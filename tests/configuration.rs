//! The sample files are what the programs read.

use std::path::{Path, PathBuf};

use agreement::document::AgreementDocument;
use agreement::lint::lint;
use cli::io::{Io, Surface, Surroundings};
use index::config::IndexConfig;
use ledger::policy::Policy;
use node::acceptance::ExpectedCounts;
use node::config::NodeConfig;
use node::form::load_mapping;
use support::search::files_under;
use transport::gate::services::HEALTH;

fn samples() -> Vec<PathBuf> {
    files_under(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../config"))
}

#[test]
fn every_sample_in_config_loads() {
    let (mut indexes, mut nodes, mut agreements, mut mappings) = (0, 0, 0, 0);
    for sample in samples() {
        let name = sample
            .file_name()
            .and_then(|name| name.to_str())
            .unwrap_or_default()
            .to_owned();
        let inside = sample
            .parent()
            .and_then(|parent| parent.file_name())
            .and_then(|name| name.to_str());
        match (inside, name.as_str()) {
            (Some("agreements"), _) => {
                let bytes = std::fs::read(&sample).expect("readable");
                let agreement = AgreementDocument::parse(&bytes)
                    .unwrap_or_else(|error| panic!("{}: {error}", sample.display()));
                // Findings are for the author; that they can be made is what counts.
                let _ = lint(&agreement);
                agreements += 1;
            }
            (Some("mappings"), name) if name.ends_with(".toml") => {
                load_mapping(&sample).unwrap_or_else(|error| panic!("{}: {error}", sample.display()));
                mappings += 1;
            }
            // The exports beside them are read in the tests of `registry`.
            (Some("mappings"), _) => {}
            // Loaded by the node's own test, which holds the directory against the suite in the program.
            (Some("qualification"), _) => {}
            (_, name) if name.starts_with("index") && name.ends_with(".toml") => {
                IndexConfig::load(&sample).unwrap_or_else(|error| panic!("{}: {error}", sample.display()));
                indexes += 1;
            }
            (_, name) if name.starts_with("node") && name.ends_with(".toml") => {
                NodeConfig::load(&sample).unwrap_or_else(|error| panic!("{}: {error}", sample.display()));
                nodes += 1;
            }
            (_, "acceptance-counts.toml") => {
                let text = std::fs::read_to_string(&sample).expect("readable");
                ExpectedCounts::parse(&text).unwrap_or_else(|error| panic!("{}: {error}", sample.display()));
            }
            (_, "policy.txt") => {
                let text = std::fs::read_to_string(&sample).expect("readable");
                Policy::parse(&text).unwrap_or_else(|error| panic!("{}: {error}", sample.display()));
            }
            // Its reader is the command line's own: see the test of the profiles below.
            (_, "profile.toml") => {}
            (_, name) => assert!(name.ends_with(".md"), "{name} is loaded by no test"),
        }
    }
    let loaded = [indexes, nodes, agreements, mappings];
    assert!(
        loaded.iter().all(|count| 0 < *count),
        "a kind of sample is missing: {loaded:?}"
    );
}

/// The services of the public interface, from the descriptors that the generated code was made from.
const SERVICES: [&str; 7] = [
    "ponte.agreement.v1.AgreementService",
    "ponte.audit.v1.AuditService",
    "ponte.consultation.v1.ConsultationService",
    "ponte.directory.v1.DirectoryService",
    "ponte.publication.v1.PublicationService",
    "ponte.publication.v1.QuarantineService",
    "ponte.witness.v1.WitnessService",
];

#[test]
fn every_registered_service_has_an_entry_in_the_allow_list_and_no_other() {
    let allowed = index::run::allow_list();
    let mut registered = SERVICES.to_vec();
    registered.push(HEALTH);
    allowed
        .check_complete(&registered)
        .expect("each service has its entry");
    for missing in 0..registered.len() {
        let fewer: Vec<&str> = registered
            .iter()
            .enumerate()
            .filter(|(at, _)| *at != missing)
            .map(|(_, name)| *name)
            .collect();
        assert!(
            allowed.check_complete(&fewer).is_err(),
            "an entry for nothing is found"
        );
    }
    registered.push("ponte.extraction.v1.ExtractionService");
    assert!(
        allowed.check_complete(&registered).is_err(),
        "a service without entry keeps the index from starting"
    );
}

#[test]
fn the_services_listed_here_are_those_of_the_interface() {
    let proto = Path::new(env!("CARGO_MANIFEST_DIR")).join("../proto");
    let mut found: Vec<String> = Vec::new();
    for file in files_under(&proto) {
        if file.extension().is_none_or(|extension| extension != "proto") {
            continue;
        }
        let text = std::fs::read_to_string(&file).expect("readable");
        let after = |word: &str| {
            text.lines()
                .filter_map(|line| line.strip_prefix(word).map(str::to_owned))
                .collect::<Vec<_>>()
        };
        let package = after("package ").pop().unwrap_or_default();
        let package = package.trim_end_matches(';').to_owned();
        found.extend(
            after("service ")
                .iter()
                .map(|rest| format!("{package}.{}", rest.split_whitespace().next().unwrap_or_default())),
        );
    }
    found.sort();
    assert_eq!(found, SERVICES);
}

/// Exit code of `ponte doctor` with a profile: 1 when it was read and something is red, 2 when it was not.
fn doctor_with(file: &Path, profile: &str) -> u8 {
    let mut io = Io {
        stdin: Box::new(std::io::empty()),
        stdout: Box::new(std::io::sink()),
        stderr: Box::new(std::io::sink()),
        surface: Surface::Plain,
    };
    let file = file.display().to_string();
    let arguments = ["ponte", "doctor", "--profiles", &file, "--profile", profile];
    cli::run(arguments, &mut io, &Surroundings::of_process()).number()
}

#[test]
fn every_profile_of_the_sample_is_read() {
    let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("../config/profile.toml");
    let text = std::fs::read_to_string(&sample).expect("readable");
    let connections = text
        .lines()
        .filter_map(|line| line.strip_prefix("[profile.")?.strip_suffix(".connection]"));
    let profiles: Vec<&str> = connections.collect();
    assert!(2 < profiles.len(), "{profiles:?}");
    for profile in profiles {
        assert_eq!(
            doctor_with(&sample, profile),
            1,
            "{profile}: read, and its certificates are missing"
        );
    }
    let broken = tempfile::NamedTempFile::new().expect("a temporary file");
    std::fs::write(broken.path(), format!("colour = 1\n{text}")).expect("written");
    assert_eq!(
        doctor_with(broken.path(), "revisore"),
        2,
        "control: an unknown key is refused"
    );
}
