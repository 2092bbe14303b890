//! Programs from outside that a machine may lack.

use std::path::{Path, PathBuf};
use std::process::Command;

/// Where a program is: what the variable names, else what the search path has, else what `.ci/run` installed.
fn find(variable: &str, name: &str, installed: &str) -> Option<PathBuf> {
    if let Some(named) = std::env::var_os(variable) {
        return Some(PathBuf::from(named));
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let own = root.join(".tools").join(installed);
    if !installed.is_empty() && own.is_file() {
        return Some(own);
    }
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .map(|directory| directory.join(name))
        .find(|program| program.is_file())
}

/// A program, or nothing after a line that names the suite that is skipped.
///
/// # Panics
/// When the program is missing and `PONTE_REQUIRE_TOOLS` is set.
pub fn tool(suite: &str, variable: &str, name: &str, installed: &str) -> Option<PathBuf> {
    let found = find(variable, name, installed);
    if found.is_none() {
        skipped(suite, name);
    }
    found
}

/// Python with the gRPC packages.
///
/// # Panics
/// As [`tool`].
pub fn python_with_grpc(suite: &str) -> Option<PathBuf> {
    let python = tool(suite, "PONTE_PYTHON", "python3", "python/bin/python")?;
    let probe = Command::new(&python)
        .args(["-c", "import grpc, grpc_tools.protoc, grpc_status"])
        .output();
    if probe.is_ok_and(|probe| probe.status.success()) {
        return Some(python);
    }
    skipped(suite, "grpcio for Python");
    None
}

/// Node.js, and the folder of the gRPC packages for it.
///
/// # Panics
/// As [`tool`].
pub fn node_with_grpc(suite: &str) -> Option<(PathBuf, PathBuf)> {
    let node = tool(suite, "PONTE_NODE", "node", "")?;
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("../.tools/node_modules");
    let modules = std::env::var_os("PONTE_NODE_MODULES").map_or(own, PathBuf::from);
    let probe = Command::new(&node)
        .args(["-e", "require('@grpc/grpc-js'); require('@grpc/proto-loader')"])
        .env("NODE_PATH", &modules)
        .output();
    if probe.is_ok_and(|probe| probe.status.success()) {
        return Some((node, modules));
    }
    skipped(suite, "@grpc/grpc-js for Node.js");
    None
}

/// Says that a suite is skipped because something is missing.
///
/// # Panics
/// When `PONTE_REQUIRE_TOOLS` is set.
#[expect(
    clippy::print_stdout,
    reason = "a skipped suite is named where the results are read"
)]
pub fn skipped(suite: &str, missing: &str) {
    let required = std::env::var_os("PONTE_REQUIRE_TOOLS").is_some_and(|value| value != "0");
    assert!(
        !required,
        "{suite}: {missing} is missing, and PONTE_REQUIRE_TOOLS asks for it"
    );
    println!("SKIPPED by name: {suite} ({missing} is missing)");
}

/// Says that a suite is skipped because this machine does not allow something that no tool can bring.
#[expect(
    clippy::print_stdout,
    reason = "a skipped suite is named where the results are read"
)]
pub fn not_allowed(suite: &str, what: &str) {
    println!("SKIPPED by name: {suite} ({what} is not given here)");
}
