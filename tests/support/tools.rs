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

/// gRPC for Java as Debian packs it.
#[derive(Clone, Debug)]
pub struct JavaTools {
    /// The folder of the archives.
    pub archives: PathBuf,
    /// OpenSSL for Netty; Java's own TLS has no ALPN in Debian's Netty.
    pub native: PathBuf,
}

/// gRPC for Java, with the compilers of Java and of interfaces.
///
/// # Panics
/// As [`tool`].
pub fn java_with_grpc(suite: &str) -> Option<JavaTools> {
    for (program, asked) in [("javac", "-version"), ("protoc", "--version")] {
        let probe = Command::new(program).arg(asked).output();
        if !probe.is_ok_and(|probe| probe.status.success()) {
            skipped(suite, program);
            return None;
        }
    }
    let archives = PathBuf::from("/usr/share/java");
    let machine = format!(
        "/usr/lib/{}-linux-gnu/jni/libnetty-tcnative.so",
        std::env::consts::ARCH
    );
    let tools = JavaTools {
        archives,
        native: PathBuf::from(machine),
    };
    let needed = ["grpc-netty.jar", "protobuf.jar", "perfmark-api.jar"].map(|name| tools.archives.join(name));
    let plugin = PathBuf::from(JAVA_PLUGIN);
    if needed
        .iter()
        .chain([&tools.native, &plugin])
        .any(|file| !file.exists())
    {
        skipped(suite, "gRPC for Java");
        return None;
    }
    Some(tools)
}

/// What makes Java of services, beside `protoc`.
pub const JAVA_PLUGIN: &str = "/usr/bin/grpc_java_plugin";

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
