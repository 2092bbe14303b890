//! Personal data do not leak: marked words go through a whole story at TRACE level, and are found nowhere.

use std::net::SocketAddr;
use std::path::Path;

use agreement::context::{CaseReference, OperatorId, Workstation};
use agreement::field::FieldSet;
use cli::io::{Io, Surface, Surroundings};
use client::error::ClientError;
use registry::record::Flags;
use support::agreements::{POLICE, PUBLIC_BODY};
use support::authority::{SERVER_NAME, TRUST_DOMAIN};
use support::calls::{ground, household, lookup, residents, verify};
use support::people::{CASTEL_SAN_PIETRO, DOZZA, IMOLA, Person, mario};
use support::region::{Region, act};
use support::search::{Canary, Hit, Trace};
use tracing_subscriber::filter::LevelFilter;

const SURNAME: &str = "Zanzibarini";
const GIVEN_NAME: &str = "Quirinotta";
const STREET: &str = "Xilofonisti";
const OPERATOR: &str = "k.wombattini";
const WORKSTATION: &str = "PC-ZEBRATA-77";
const CASE: &str = "2026/7771239";

fn marked() -> Person {
    Person {
        surname: SURNAME.to_owned(),
        given_name: GIVEN_NAME.to_owned(),
        street: STREET.to_owned(),
        ..mario()
    }
}

/// Somebody of the same marked name whom the public body must not see.
fn hidden() -> Person {
    let flags = Flags {
        protected: true,
        ..Flags::default()
    };
    Person {
        local_id: "77".to_owned(),
        household: "F-77",
        birth: "1977-07-17",
        flags,
        ..marked()
    }
}

fn canary() -> Canary {
    let codes = [marked().tax_code(), hidden().tax_code()].map(|code| code.as_str().to_owned());
    Canary::new([
        ("surname", SURNAME),
        ("given name", GIVEN_NAME),
        ("street", STREET),
        ("tax code", &codes[0]),
        ("hidden tax code", &codes[1]),
        ("operator", OPERATOR),
        ("workstation", WORKSTATION),
        ("case", CASE),
    ])
}

/// Everything that an error says to people and to debuggers.
fn words(error: &ClientError) -> String {
    format!("{error} {error:?} {} {}", error.english(), error.italian())
}

/// A whole story about the marked people; gives the texts of every error in it.
async fn story(region: &mut Region) -> Vec<String> {
    let people = [
        marked(),
        hidden(),
        Person {
            municipality: DOZZA,
            local_id: "9".to_owned(),
            ..marked()
        },
    ];
    for istat in [IMOLA, DOZZA, CASTEL_SAN_PIETRO] {
        region.publish(istat, &people).await;
    }
    for document in support::agreements::ALL {
        region.activate(document).await;
    }
    let mut errors = Vec::new();
    for (document, purpose) in [
        (POLICE, "investigation"),
        (PUBLIC_BODY, "co-payment"),
        (POLICE, "no-such-purpose"),
    ] {
        let agency = region.agency(document);
        let context = || {
            let mut context = ground(document, purpose, agency.new_request_id());
            context.operator = OperatorId::parse(OPERATOR).ok();
            context.workstation = Workstation::parse(WORKSTATION).ok();
            context.case_reference = CaseReference::parse(CASE).ok();
            context
        };
        for person in [marked(), hidden()] {
            let code = person.tax_code();
            let claim = agreement::claim::Claim::ExistenceInLife;
            let outcomes = [
                agency.lookup_person(lookup(context(), code)).await.map(drop),
                agency
                    .lookup_household(household(context(), code))
                    .await
                    .map(drop),
                agency
                    .lookup_address_residents(residents(context(), &person))
                    .await
                    .map(drop),
                agency
                    .verify_declaration(verify(context(), code, claim))
                    .await
                    .map(drop),
            ];
            errors.extend(
                outcomes
                    .into_iter()
                    .filter_map(Result::err)
                    .map(|error| words(&error)),
            );
            let mut wanted = lookup(context(), code);
            wanted.fields = FieldSet::of(&[agreement::field::Field::Parents]);
            errors.extend(
                agency
                    .lookup_person(wanted)
                    .await
                    .err()
                    .map(|error| words(&error)),
            );
        }
    }
    let entries = region.entries("garante").await;
    let revoked = region
        .administrator()
        .revoke(&POLICE.agreement(), "the convention ended", &act())
        .await;
    revoked.expect("the agreement is revoked");
    errors.push(format!("{entries:?}"));
    errors
}

/// What `ponte` says about a broken export, and `doctor` about an index that is away and about index and node.
fn command_line(directory: &Path, address: SocketAddr) -> Vec<String> {
    let broken = directory.join("broken.csv");
    std::fs::write(&broken, format!("{SURNAME};{GIVEN_NAME}\n")).expect("written");
    let broken_path = broken.display().to_string();
    let [index, node] =
        ["index/index.toml", "node-037032/node.toml"].map(|file| directory.join(file).display().to_string());
    let profile = directory.join("profile.toml").display().to_string();
    let pki = directory.join("pki").display().to_string();
    let settings = format!(
        "[profile.police.connection]\nendpoint = \"{address}\"\nserver_name = \"{SERVER_NAME}\"\n\
         trust_domain = \"{TRUST_DOMAIN}\"\ncertificate = \"{pki}/agency-questura-bo.pem\"\n\
         key = \"{pki}/agency-questura-bo.key\"\nauthorities = \"{pki}/authorities.pem\"\nreceipts = \"keep\"\n\
         [profile.police.context]\nagreement = \"questura-2026\"\npurpose = \"investigation\"\n\
         operator = \"{OPERATOR}\"\nassurance = \"substantial\"\nworkstation = \"{WORKSTATION}\"\n\
         case_reference = \"{CASE}\"\n"
    );
    std::fs::write(&profile, settings).expect("written");
    let calls: [&[&str]; 5] = [
        &["ponte", "node", "check", "--municipality", IMOLA, &broken_path],
        &[
            "ponte",
            "--lang",
            "it",
            "node",
            "check",
            "--municipality",
            IMOLA,
            &broken_path,
        ],
        &["ponte", "doctor", "--config", &index],
        &["ponte", "doctor", "--config", &node],
        &[
            "ponte",
            "--output",
            "json",
            "doctor",
            "--as",
            "agency",
            "--profiles",
            &profile,
        ],
    ];
    let said = calls.map(|arguments| {
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let mut io = Io {
            stdin: Box::new(std::io::empty()),
            stdout: Box::new(&mut out),
            stderr: Box::new(&mut err),
            surface: Surface::Plain,
        };
        cli::run(arguments.iter().copied(), &mut io, &Surroundings::of_process());
        drop(io);
        String::from_utf8_lossy(&[out, err].concat()).into_owned()
    });
    // Both are the operator's own files.
    for file in [broken.as_path(), Path::new(&profile)] {
        std::fs::remove_file(file).expect("removed");
    }
    said.to_vec()
}

#[tokio::test(flavor = "multi_thread")]
async fn marked_words_are_in_no_trace_no_error_and_no_file() {
    let trace = Trace::default();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(LevelFilter::TRACE)
        .with_writer(trace.clone())
        .with_ansi(false);
    tracing::subscriber::set_global_default(subscriber.finish()).expect("the first of this process");
    let traced = trace.clone();
    std::panic::set_hook(Box::new(move |panic| {
        use std::io::Write;
        let mut sink = traced.clone();
        let _ = write!(sink, "{panic}");
        eprintln!("{panic}");
    }));
    let canary = canary();

    let mut region = Region::empty().await;
    let errors = story(&mut region).await;
    assert!(10 < errors.len(), "errors were met: {}", errors.len());
    region.stop().await;

    let (directory, address) = (region.directory().to_owned(), region.address());
    // The program makes a runtime of its own.
    let said = std::thread::spawn(move || command_line(&directory, address))
        .join()
        .expect("it does not panic");
    assert!(
        said.iter().all(|text| !text.is_empty()),
        "the command line says something"
    );

    let text = trace.bytes();
    assert!(100_000 < text.len(), "the story was traced: {} bytes", text.len());
    let mut hits = canary.in_bytes("trace", &text);
    for error in errors.iter().chain(&said) {
        hits.extend(canary.in_bytes("text", error.as_bytes()));
    }
    let (in_files, files) = canary.in_directory(region.directory());
    assert!(20 < files, "index and nodes wrote files: {files}");
    hits.extend(in_files);
    assert!(hits.is_empty(), "{hits:#?}");

    controls(&canary, &trace, region.directory());
}

/// The search bites: a planted leak and a file in clear are found.
fn controls(canary: &Canary, trace: &Trace, directory: &Path) {
    tracing::debug!(surname = SURNAME, "a planted leak");
    let labels = |hits: Vec<Hit>| -> Vec<String> { hits.into_iter().map(|hit| hit.label).collect() };
    assert!(labels(canary.in_bytes("trace", &trace.bytes())).contains(&"surname".to_owned()));

    let clear = support::people::export(IMOLA, &[marked()]);
    std::fs::write(directory.join("node-037032/forgotten.csv"), clear).expect("written");
    let (found, _) = canary.in_directory(directory);
    for label in ["surname", "given name", "street", "tax code"] {
        assert!(
            labels(found.clone()).contains(&label.to_owned()),
            "{label} in clear is not found"
        );
    }
}
