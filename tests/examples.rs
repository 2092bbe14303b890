//! The examples of the client crate, each against the test region: what an agency's developer runs on the first day.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use ledger::receipt::Receipt;
use serde_json::Value;
use support::test_region::TestRegion;
use support::tools::{JAVA_PLUGIN, JavaTools, java_with_grpc, node_with_grpc, python_with_grpc};

const BINARY: &str = env!("CARGO_BIN_EXE_ponte-under-test");
const RUST_EXAMPLE: &str = env!("CARGO_BIN_EXE_example-lookup");

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("..")
        .canonicalize()
        .expect("the checkout")
}

fn example(name: &str) -> PathBuf {
    root().join("crates/client/examples").join(name)
}

/// The published interfaces.
fn interfaces() -> Vec<PathBuf> {
    let mut files = support::search::files_under(&root().join("proto"));
    files.retain(|file| file.extension().is_some_and(|extension| extension == "proto"));
    files
}

/// What a program wrote, and whether it ended well.
fn said(command: &mut Command) -> (bool, String) {
    let Output {
        status,
        stdout,
        stderr,
    } = command.output().expect("the program runs");
    let text = [stdout, stderr].concat();
    (
        status.success(),
        String::from_utf8(text).expect("it writes UTF-8"),
    )
}

/// A person of the published list who has one card, and whom the example's caller may look up.
fn subject(list: &Value) -> &Value {
    let questions = list["questions"].as_array().expect("questions");
    questions
        .iter()
        .find(|question| question["subject"] == "mario-1")
        .expect("the list has the subject")
}

/// What an example did with the receipt of its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Receipts {
    Verified,
    Saved,
}

/// Runs an example for a subject of the list and for a code that is none.
fn check(region: &TestRegion, run: impl Fn(&[&str]) -> (bool, String), receipts: Receipts) {
    let list = region.answers();
    let Value::Object(asked) = subject(&list) else {
        panic!("a question is a record")
    };
    let shown = &asked["shown"][0];
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let [surname, given_name, born] =
        ["surname", "given_name", "birth_date"].map(|field| text(&shown[field]));
    let directory = region.file("").display().to_string();
    let endpoint = format!("localhost:{}", region.address().port());
    let (well, said) = run(&[&directory, &endpoint, &text(&asked["codice_fiscale"])]);
    assert!(well, "{said}");
    let lines: Vec<&str> = said.lines().collect();
    let [person, entry] = lines.as_slice() else {
        panic!("two lines, not:\n{said}")
    };
    assert_eq!(*person, format!("{surname} {given_name}, {born}"));
    let done = match receipts {
        Receipts::Verified => ", receipt verified",
        Receipts::Saved => ", receipt saved",
    };
    let index = entry
        .strip_prefix("entry ")
        .and_then(|rest| rest.strip_suffix(done))
        .and_then(|index| index.parse::<u64>().ok())
        .expect("the entry is named");
    let saved = region.file("receipt.proof");
    assert_eq!(saved.exists(), receipts == Receipts::Saved);
    if receipts == Receipts::Saved {
        let text = std::fs::read_to_string(saved).expect("the receipt is readable");
        let receipt = Receipt::from_proof_text(&text).expect("a receipt");
        assert_eq!(receipt.index, index);
        receipt
            .verify(&region.log_verifier())
            .expect("it proves the entry");
    }

    let (well, said) = run(&[&directory, &endpoint, "RSSMRA85T10A944X"]);
    assert!(
        !well && !said.contains(&surname),
        "a wrong control character is refused:\n{said}"
    );
}

#[test]
fn the_rust_example_looks_up_a_test_subject() {
    let region = TestRegion::start(BINARY);
    let run = |arguments: &[&str]| said(Command::new(RUST_EXAMPLE).args(arguments));
    check(&region, run, Receipts::Verified);
}

#[test]
fn the_python_example_looks_up_a_test_subject() {
    let Some(python) = python_with_grpc("Python example") else {
        return;
    };
    let region = TestRegion::start(BINARY);
    let generated = region.file("gen");
    std::fs::create_dir(&generated).expect("the directory can be made");
    let (well, said_of_code) = said(
        Command::new(&python)
            .args(["-m", "grpc_tools.protoc", "-I"])
            .arg(root().join("proto"))
            .arg(format!("--python_out={}", generated.display()))
            .arg(format!("--grpc_python_out={}", generated.display()))
            .args(interfaces()),
    );
    assert!(well, "{said_of_code}");
    let run = |arguments: &[&str]| {
        said(
            Command::new(&python)
                .arg(example("python/lookup.py"))
                .args(arguments)
                .env("PYTHONPATH", &generated)
                .env("PYTHONDONTWRITEBYTECODE", "1"),
        )
    };
    check(&region, run, Receipts::Saved);
}

#[test]
fn the_javascript_example_looks_up_a_test_subject() {
    let Some((node, modules)) = node_with_grpc("JavaScript example") else {
        return;
    };
    let region = TestRegion::start(BINARY);
    let run = |arguments: &[&str]| {
        said(
            Command::new(&node)
                .arg(example("javascript/lookup.js"))
                .arg(root().join("proto"))
                .args(arguments)
                .env("NODE_PATH", &modules),
        )
    };
    check(&region, run, Receipts::Saved);
}

#[test]
fn the_java_example_looks_up_a_test_subject() {
    let Some(JavaTools { archives, native }) = java_with_grpc("Java example") else {
        return;
    };
    let region = TestRegion::start(BINARY);
    let [generated, classes] = ["gen", "classes"].map(|name| region.file(name));
    for directory in [&generated, &classes] {
        std::fs::create_dir(directory).expect("the directory can be made");
    }
    // Debian's library has not the name by which Netty looks for it.
    std::fs::copy(native, region.file("libnetty_tcnative.so")).expect("the library can be copied");
    let (well, said_of_code) = said(
        Command::new("protoc")
            .arg("-I")
            .arg(root().join("proto"))
            .args(["-I", "/usr/include"])
            .arg(format!("--plugin=protoc-gen-grpc-java={JAVA_PLUGIN}"))
            .arg(format!("--java_out={}", generated.display()))
            .arg(format!("--grpc-java_out={}", generated.display()))
            .args(interfaces()),
    );
    assert!(well, "{said_of_code}");
    let archives = archives.join("*").display().to_string();
    let (well, said_of_code) = said(
        Command::new("javac")
            .args(["-nowarn", "-cp", &archives, "-sourcepath"])
            .arg(&generated)
            .arg("-d")
            .arg(&classes)
            .arg(example("java/Lookup.java")),
    );
    assert!(well, "{said_of_code}");
    let path = format!("{}:{archives}", classes.display());
    let run = |arguments: &[&str]| {
        let (well, said) = said(
            Command::new("java")
                .arg(format!("-Djava.library.path={}", region.file("").display()))
                .args(["-cp", &path, "Lookup"])
                .args(arguments),
        );
        // The machine may have several loggers among its archives, of which the library of loggers warns.
        let lines = said.lines().filter(|line| !line.starts_with("SLF4J:"));
        (well, lines.collect::<Vec<_>>().join("\n"))
    };
    check(&region, run, Receipts::Saved);
}
