use std::time::Duration;

use registry::export::ExportKind;
use registry::profile::{FieldGroup, GroupSet};

use crate::import::RemovalLimit;
use crate::incoming::Completion;

use super::*;

const SAMPLE: &str = include_str!("../../../../config/node.toml");

#[track_caller]
fn refused(text: &str, expect: &str) {
    let error = NodeConfig::parse(text, Path::new("/etc/ponte")).unwrap_err();
    assert_eq!(error.to_string(), expect);
}

#[test]
fn the_sample_is_read_and_its_paths_are_taken_from_its_directory() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../config/node.toml");
    let config = NodeConfig::load(&path).unwrap();
    assert_eq!(config.municipality.as_str(), "037032");
    assert_eq!(config.identity.as_str(), "E289");
    let base = path.parent().unwrap();
    assert_eq!(config.data_directory, base.join("data/node-imola"));
    assert_eq!(config.index.identity.key, base.join("pki/node-imola.key"));
    assert_eq!(config.index.trust_domain.as_str(), "ponte.example");
    assert_eq!(
        config.batches,
        BatchLimits {
            max_changes: 1000,
            max_bytes: 900_000
        }
    );
    assert_eq!(config.intake.removals, RemovalLimit::Percent(5));
    assert_eq!(config.intake.keep, Duration::ZERO);
    assert!(!config.intake.retention.is_bounded());
    assert_eq!(config.incoming.directory, base.join("data/node-imola/incoming"));
    assert_eq!(
        config.incoming.completion,
        Completion::Settled(Duration::from_secs(30))
    );
    assert_eq!(config.publication_key, base.join("pki/publication-imola.key"));
    assert_eq!((config.export_kind, config.mapping), (ExportKind::Total, None));
}

#[test]
fn a_value_that_breaks_a_rule_is_named() {
    let with = |from: &str, to: &str| {
        assert!(SAMPLE.contains(from), "the sample no longer holds {from:?}");
        SAMPLE.replace(from, to)
    };
    refused(
        &with("\"037032\"", "\"999999\""),
        "municipality: must be the ISTAT code of a municipality of today, six digits",
    );
    refused(
        &with("max_changes = 1000", "max_changes = 2001"),
        "publication.max_changes: must lie between 1 and 2000",
    );
    refused(
        &with("spiffe://ponte.example/index", "spiffe://other.example/index"),
        "index.id: must belong to the trust domain",
    );
    refused(
        &with(
            "largest_cancellation_percent = 5",
            "largest_cancellation_percent = 101",
        ),
        "import.largest_cancellation_percent: must lie between 0 and 100",
    );
    refused(
        &with("completion = \"settled\"", "completion = \"ok-file\""),
        "import.settle_seconds: belongs to completion = \"settled\" alone",
    );
    refused(
        &with("settle_seconds = 30", "settle_seconds = 0"),
        "import.settle_seconds: must lie between 1 and 86400",
    );
    refused(
        &with("keep_hours = 0", "keep_hours = 8785"),
        "import.keep_hours: must lie between 0 and 8784",
    );
    refused(
        &with(
            "keep_hours = 0",
            "keep_hours = 0\nrejected = \"data/node-imola/incoming\"",
        ),
        "import.rejected: must not be the drop folder",
    );
    refused(
        &with("max_changes = 1000", "retention_deceased_years = 0"),
        "publication.retention_deceased_years: must lie between 1 and 200",
    );
}

#[test]
fn files_and_terms_are_taken_as_stated() {
    let text = SAMPLE
        .replace("settle_seconds = 30\n", "")
        .replace("\"settled\"", "\"sha256-file\"")
        .replace("keep_hours = 0", "keep_hours = 48\nincoming = \"/srv/export\"")
        .replace("max_changes = 1000", "retention_cancelled_years = 5");
    let config = NodeConfig::parse(&text, Path::new("/etc/ponte")).unwrap();
    assert_eq!(config.incoming.completion, Completion::Sha256File);
    assert_eq!(config.incoming.directory, Path::new("/srv/export"));
    assert_eq!(config.intake.keep, Duration::from_secs(48 * 3600));
    assert_eq!(config.intake.retention.cancelled_years, Some(5));
}

#[test]
fn how_exports_are_read_is_taken_from_the_file() {
    let text = SAMPLE.replace(
        "kind = \"total\"",
        "kind = \"incremental\"\nmapping = \"mappings/alfa.toml\"",
    );
    let config = NodeConfig::parse(&text, Path::new("/etc/ponte")).unwrap();
    assert_eq!(config.export_kind, ExportKind::Incremental);
    assert_eq!(
        config.mapping,
        Some(PathBuf::from("/etc/ponte/mappings/alfa.toml"))
    );
    refused(
        &SAMPLE.replace("kind = \"total\"", "kind = \"partial\""),
        "import.kind: must be total or incremental",
    );
}

#[test]
fn a_municipality_may_publish_less_than_is_agreed() {
    let config = NodeConfig::parse(SAMPLE, Path::new("/etc/ponte")).unwrap();
    assert_eq!(config.groups, GroupSet::ALL, "all that is agreed");
    for (groups, expect) in [
        ("[]", GroupSet::NONE),
        (
            "[\"parents\", \"aire\"]",
            GroupSet::of(&[FieldGroup::Parents, FieldGroup::Aire]),
        ),
    ] {
        let text = SAMPLE.replace(
            "# groups = [\"civil_status\", \"citizenships\"]",
            &format!("groups = {groups}"),
        );
        assert_ne!(text, SAMPLE, "the sample shows the key");
        let config = NodeConfig::parse(&text, Path::new("/etc/ponte")).unwrap();
        assert_eq!(config.groups, expect);
    }
    refused(
        &SAMPLE.replace("max_changes = 1000", "groups = [\"residence\"]"),
        "publication.groups: must name civil_status, citizenships, parents, identity_document or aire",
    );
}

#[test]
fn an_unknown_key_is_refused() {
    refused(
        &format!("colour = 1\n{SAMPLE}"),
        "the configuration file is not valid",
    );
}

#[test]
fn a_node_with_a_witness_s_key_witnesses_the_log_that_it_knows() {
    let config = NodeConfig::parse(SAMPLE, Path::new("/etc/ponte")).unwrap();
    assert!(config.witness.is_none(), "the sample shows it in comments");
    let with_key = SAMPLE
        .replace("# [witness]", "[witness]")
        .replace("# key = \"pki/witness", "key = \"pki/witness")
        .replace("# name = \"witness", "name = \"witness");
    refused(&with_key, "witness: needs log_key: the log that is witnessed");
    let log = "log.ponte.example/1+a630a45b+AUOnLnFEAXYt9mtowm373yaCquyfJHTspGE+QkoPuv08";
    let text = format!("log_key = \"{log}\"\n{with_key}");
    let witness = NodeConfig::parse(&text, Path::new("/etc/ponte"))
        .unwrap()
        .witness
        .unwrap();
    assert_eq!(witness.key, Path::new("/etc/ponte/pki/witness-imola.key"));
    assert_eq!(witness.name.as_str(), "witness.comune.imola.example/ponte");
    assert_eq!(witness.log.to_string(), log);
    refused(
        &text.replace("name = \"witness.", "name = \"witness of "),
        "witness.name: must have no spaces and no plus signs",
    );
}
