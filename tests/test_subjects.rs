//! The test region of `ponte index serve --test`: every answer that the published list expects is given.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::process::Command;
use std::sync::Arc;

use agreement::domain::DomainKind;
use agreement::reason::{ExitCode, Reason};
use cli::io::{Io, Surface, Surroundings};
use client::agency::AgencyClient;
use client::error::RefusedBy;
use ledger::header::Header;
use ledger::receipt::Receipt;
use serde_json::Value;
use support::test_region::{TEST_DOMAIN, TestRegion, open};
use transport::clock::SystemClock;
use transport::random::SystemRandom;

const BINARY: &str = env!("CARGO_BIN_EXE_ponte-under-test");

/// What a command printed, and how it ended.
struct Outcome {
    exit: ExitCode,
    stdout: String,
    stderr: String,
}

/// Runs `ponte` in this process, with the profiles of the region: the client and the connection are real.
fn ponte(region: &TestRegion, arguments: &[&str]) -> Outcome {
    let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
    let mut io = Io {
        stdin: Box::new(std::io::empty()),
        stdout: Box::new(&mut stdout),
        stderr: Box::new(&mut stderr),
        surface: Surface::Plain,
    };
    let profiles = (
        "PONTE_PROFILES".into(),
        region.file("profile.toml").into_os_string(),
    );
    let surroundings = Surroundings {
        environment: [profiles].into_iter().collect(),
        clock: Arc::new(SystemClock),
        random: Arc::new(SystemRandom),
    };
    let program = ["ponte", "--lang", "en", "--output", "json"];
    let line = program.iter().chain(arguments).map(OsString::from);
    let exit = cli::run(line, &mut io, &surroundings);
    drop(io);
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("it writes UTF-8");
    Outcome {
        exit,
        stdout: text(stdout),
        stderr: text(stderr),
    }
}

/// The words of a command as the list prints it, which quotes like a shell.
fn words(command: &str) -> Vec<String> {
    let done = Command::new("sh")
        .args([
            "-c",
            &format!("for word in {command}; do printf '%s\\0' \"$word\"; done"),
        ])
        .output()
        .expect("sh runs");
    let text = String::from_utf8(done.stdout).expect("UTF-8");
    let mut words: Vec<String> = text.split_terminator('\0').map(str::to_owned).collect();
    assert_eq!(words.remove(0), "ponte", "{command}");
    words
}

/// Paths and values of a JSON value, as the list names them.
fn leaves(value: &Value) -> BTreeMap<String, String> {
    fn collect(path: String, value: &Value, into: &mut BTreeMap<String, String>) {
        let below = |name: &str| match path.as_str() {
            "" => name.to_owned(),
            path => format!("{path}.{name}"),
        };
        match value {
            Value::Object(fields) => {
                for (name, value) in fields {
                    collect(below(name), value, into);
                }
            }
            Value::Array(items) if items.iter().all(|item| !item.is_object() && !item.is_array()) => {
                let items: Vec<String> = items.iter().map(plain).collect();
                into.insert(path, items.join(" "));
            }
            Value::Array(items) => {
                for (number, item) in (1..).zip(items) {
                    collect(below(&i32::to_string(&number)), item, into);
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
                into.insert(path, plain(value));
            }
        }
    }
    let mut found = BTreeMap::new();
    collect(String::new(), value, &mut found);
    found
}

fn plain(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => value.to_string(),
    }
}

/// Whether a row shows what is stated: `-` a field that is not there, nothing one that is there and empty.
fn shows(row: &BTreeMap<String, String>, stated: &Value) -> bool {
    let stated = stated.as_object().expect("paths and values");
    stated.iter().all(|(path, value)| {
        let value = value.as_str().expect("a text");
        let below = format!("{path}.");
        let mut under = row
            .iter()
            .filter(|(name, _)| *name == path || name.starts_with(&below))
            .map(|(_, value)| value.as_str());
        match value {
            "-" => under.next().is_none(),
            "" => under.next() == Some("") && under.next().is_none(),
            value => row.get(path).is_some_and(|found| found == value),
        }
    })
}

/// What is wrong with the answer to a question of the list; nothing where it is the expected one.
fn difference(region: &TestRegion, question: &Value) -> Option<String> {
    let command = question["command"].as_str().expect("a command");
    let arguments = words(command);
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let Outcome { exit, stdout, stderr } = ponte(region, &arguments);
    let expect = question["expect"].as_str().expect("what is expected");
    let rows: Vec<Value> = serde_json::from_str(&stdout).unwrap_or_default();
    let said = match rows.first() {
        None => stderr
            .split(['(', ')'])
            .find(|word| Reason::from_name(word).is_some())
            .unwrap_or(&stderr)
            .to_owned(),
        Some(row) if row.get("answer").is_some() => {
            format!("{} {}", plain(&row["answer"]), plain(&row["reason"]))
        }
        Some(_) => "FOUND".to_owned(),
    };
    if said != expect {
        return Some(format!("{command}\n    {said}, not {expect}"));
    }
    let ends = match said.as_str() {
        "FOUND" | "YES MATCHES" => ExitCode::Ok,
        said => Reason::from_name(said).map_or(ExitCode::NegativeAnswer, Reason::exit),
    };
    if exit != ends {
        return Some(format!("{command}\n    exit {exit:?}, not {ends:?}"));
    }
    let mut left: Vec<_> = rows.iter().map(leaves).collect();
    let stated = question["shown"].as_array().expect("a list");
    for stated in stated {
        match left.iter().position(|row| shows(row, stated)) {
            Some(place) => drop(left.swap_remove(place)),
            None => return Some(format!("{command}\n    nothing shows {stated}")),
        }
    }
    let more = if said == "FOUND" { left.len() } else { 0 };
    (more != 0).then(|| format!("{command}\n    {more} more than expected"))
}

#[test]
fn every_question_of_the_published_list_has_its_expected_answer() {
    let region = TestRegion::start(BINARY);
    let list = region.answers();
    let questions = list["questions"].as_array().expect("questions");
    assert!(100 <= questions.len(), "{}", questions.len());
    let wrong: Vec<String> = questions
        .iter()
        .filter_map(|question| difference(&region, question))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));

    // Control: an answer that is not the expected one is found.
    let mut altered = questions[0].clone();
    altered["shown"][0]["surname"] = Value::from("ALTRI");
    assert!(difference(&region, &altered).is_some());
    altered = questions[0].clone();
    altered["expect"] = Value::from("NOT_FOUND");
    assert!(difference(&region, &altered).is_some());

    // The list that the command prints is the one that the region wrote.
    let day = list["day"].as_str().expect("a day");
    let printed = ponte(&region, &["test-subjects", "--day", day]);
    let printed: Value = serde_json::from_str(&printed.stdout).expect("JSON");
    assert_eq!(printed, list["questions"]);
}

#[test]
fn a_test_region_says_everywhere_that_it_is_one() {
    let region = TestRegion::start(BINARY);
    let asked = region.answers()["questions"][0]["codice_fiscale"].clone();
    let code = asked.as_str().expect("a code");
    let receipt = region.file("receipt.bin").display().to_string();
    let answered = ponte(&region, &["person", code, "--receipt", &receipt]);
    assert_eq!(answered.exit, ExitCode::Ok, "{}", answered.stderr);
    assert!(answered.stderr.contains("synthetic data"), "{}", answered.stderr);
    assert!(
        answered.stderr.contains("receipt verified"),
        "{}",
        answered.stderr
    );
    let allowed = ponte(&region, &["can-i"]);
    assert!(allowed.stderr.contains("synthetic data"), "{}", allowed.stderr);

    let receipt = Receipt::decode(&std::fs::read(&receipt).expect("the receipt")).expect("a receipt");
    let header = Header::decode(&receipt.header).expect("a header");
    assert_eq!(DomainKind::of(header.origin.as_str()), DomainKind::Test);
    let peer = header.body.peer.expect("the caller");
    assert!(
        peer.starts_with(&format!("spiffe://{TEST_DOMAIN}/agency/")),
        "{peer}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_that_used_up_its_quota_stops_without_asking() {
    let region = TestRegion::start(BINARY);
    let agency = AgencyClient::new(open(&region.endpoint("police")).expect("a connection"));
    let code = region.answers()["questions"][0]["codice_fiscale"].clone();
    let ask = async || {
        let code = code
            .as_str()
            .and_then(|code| registry::codice_fiscale::TaxCode::parse(code).ok());
        let mut asked = support::calls::lookup(
            support::calls::ground(
                support::agreements::POLICE,
                "public-order",
                agency.new_request_id(),
            ),
            code.expect("a code"),
        );
        asked.context.agreement = agreement::context::AgreementId::parse("prova-quota").expect("an id");
        asked.context.case_reference = agreement::context::CaseReference::parse("PROT-2026/118").ok();
        agency.lookup_person(asked).await
    };
    for _ in 0..4 {
        ask().await.expect("an answer");
    }
    let told = ask().await.expect_err("a refusal");
    let told = told.refusal().expect("a refusal").clone();
    assert_eq!(
        (told.reason, told.by),
        (Some(Reason::QuotaPerDay), RefusedBy::Index)
    );
    let entered = told.receipt.as_ref().expect("an entry").receipt.index();
    for _ in 0..3 {
        let again = ask().await.expect_err("a refusal");
        let again = again.refusal().expect("a refusal");
        assert_eq!((again.reason, again.by), (told.reason, RefusedBy::Client));
        assert!(again.retry_after <= told.retry_after && again.receipt.is_none());
    }
    agency.forget_quota_stops();
    let sent = ask().await.expect_err("a refusal");
    let sent = sent.refusal().and_then(|refusal| refusal.receipt.clone());
    assert_eq!(
        sent.map(|claim| claim.receipt.index()),
        Some(entered + 1),
        "nothing came between"
    );
}

#[test]
fn a_directory_that_is_there_is_left_as_it_is_and_a_domain_of_production_is_refused() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let serve = |more: &[&str]| {
        Command::new(BINARY)
            .args(["--lang", "en", "index", "serve", "--test", "--data-directory"])
            .args(more)
            .output()
            .expect("it runs")
    };
    let place = directory.path().display().to_string();
    let there = serve(&[&place]);
    assert_eq!(there.status.code(), Some(i32::from(ExitCode::Conflict.number())));
    assert_eq!(std::fs::read_dir(directory.path()).expect("readable").count(), 0);
    let new = directory.path().join("new").display().to_string();
    let production = serve(&[&new, "--trust-domain", "ponte.example"]);
    assert_eq!(
        production.status.code(),
        Some(i32::from(ExitCode::Usage.number()))
    );
    let without = Command::new(BINARY)
        .args(["index", "serve"])
        .output()
        .expect("it runs");
    assert_eq!(without.status.code(), Some(i32::from(ExitCode::Usage.number())));
    assert_eq!(std::fs::read_dir(directory.path()).expect("readable").count(), 0);
}
