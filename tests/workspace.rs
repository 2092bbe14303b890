//! The workspace's own rules: which crate may depend on which, and what the pure crates must never touch.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand};

/// What each crate may use of the workspace, besides nothing.
const ALLOWED: &[(&str, &[&str])] = &[
    ("registry", &[]),
    ("ledger", &[]),
    ("agreement", &["registry"]),
    ("store", &["registry", "agreement", "ledger"]),
    ("wire", &["registry", "agreement", "ledger"]),
    ("transport", &["agreement"]),
    (
        "client",
        &["registry", "agreement", "ledger", "wire", "transport"],
    ),
    (
        "index",
        &[
            "registry",
            "agreement",
            "ledger",
            "store",
            "wire",
            "transport",
            "client",
        ],
    ),
    (
        "node",
        &[
            "registry",
            "agreement",
            "ledger",
            "store",
            "wire",
            "transport",
            "client",
        ],
    ),
    (
        "cli",
        &[
            "registry",
            "agreement",
            "ledger",
            "store",
            "wire",
            "transport",
            "client",
            "index",
            "node",
        ],
    ),
];

/// Crates that do no I/O, are not async, and read neither clock nor randomness.
const PURE: &[&str] = &["registry", "agreement", "ledger"];

/// What a pure crate may not name: the words of I/O, time, randomness, environment and threads.
const IMPURE_WORDS: &[&str] = &[
    "std::fs",
    "TcpStream",
    "TcpListener",
    "UdpSocket",
    "std::thread",
    "std::process",
    "tokio::",
    "SystemRandom",
    "Instant::",
    "time::Instant",
    "SystemTime",
    "Utc::now",
    "Local::now",
    "std::env",
    "aws_lc_rs::rand",
];

fn metadata() -> Metadata {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("../Cargo.toml");
    MetadataCommand::new()
        .manifest_path(manifest)
        .no_deps()
        .exec()
        .expect("cargo metadata answers")
}

/// Direct dependencies of each member on other members, development dependencies left out.
fn local_dependencies() -> BTreeMap<String, BTreeSet<String>> {
    let metadata = metadata();
    let members: BTreeSet<String> = metadata
        .workspace_packages()
        .iter()
        .map(|package| package.name.to_string())
        .collect();
    metadata
        .workspace_packages()
        .iter()
        .map(|package| {
            let local = package
                .dependencies
                .iter()
                .filter(|dependency| dependency.kind != DependencyKind::Development)
                .map(|dependency| dependency.name.clone())
                .filter(|name| members.contains(name))
                .collect();
            (package.name.to_string(), local)
        })
        .collect()
}

#[test]
fn dependencies_point_one_way() {
    let found = local_dependencies();
    for (name, allowed) in ALLOWED {
        let allowed: BTreeSet<String> = allowed.iter().map(|&name| name.to_owned()).collect();
        let local = found
            .get(*name)
            .unwrap_or_else(|| panic!("{name} is not a member"));
        let forbidden: Vec<_> = local.difference(&allowed).collect();
        assert!(forbidden.is_empty(), "{name} must not depend on {forbidden:?}");
    }
}

#[test]
fn every_product_crate_has_a_place_in_the_order() {
    let placed: BTreeSet<&str> = ALLOWED
        .iter()
        .map(|(name, _)| *name)
        .chain(["tests", "benches"])
        .collect();
    for name in local_dependencies().keys() {
        assert!(
            placed.contains(name.as_str()),
            "{name} has no place in the order of dependencies"
        );
    }
}

#[test]
fn nothing_depends_on_tests_or_benches() {
    for (name, local) in local_dependencies() {
        if name == "benches" {
            continue;
        }
        assert!(
            !local.contains("tests") && !local.contains("benches"),
            "{name} depends on a test package"
        );
    }
}

#[test]
fn sled_is_seen_by_the_store_alone_and_protobuf_by_wire_and_its_users() {
    let metadata = metadata();
    for package in metadata.workspace_packages() {
        let names: BTreeSet<&str> = package
            .dependencies
            .iter()
            .map(|dependency| dependency.name.as_str())
            .collect();
        assert!(
            package.name == "store" || !names.contains("sled"),
            "{} uses sled",
            package.name
        );
        let pure = PURE.contains(&package.name.as_str());
        for forbidden in ["prost", "tonic", "tokio"] {
            assert!(
                !(pure && names.contains(forbidden)),
                "{} uses {forbidden}",
                package.name
            );
        }
    }
}

#[test]
fn pure_crates_name_no_outside_world() {
    for name in PURE {
        let source = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../crates")
            .join(name)
            .join("src");
        for file in rust_files(&source) {
            let text = std::fs::read_to_string(&file).expect("a source file is readable");
            let product = text.split("#[cfg(test)]").next().unwrap_or_default();
            if file.file_name().is_some_and(|name| name == "tests.rs") {
                continue;
            }
            for word in IMPURE_WORDS {
                assert!(!product.contains(word), "{} names {word}", file.display());
            }
        }
    }
}

fn rust_files(directory: &Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(directory).expect("a source directory is readable") {
        let path = entry.expect("a directory entry is readable").path();
        if path.is_dir() {
            found.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found
}
