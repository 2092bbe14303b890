//! The commands against a region that runs in this process, through the public door of the program.

use std::path::Path;
use std::sync::Arc;

use transport::clock::{Clock as _, SystemClock};
use transport::random::SystemRandom;

use super::*;
use crate::io::{Io, Surface, Surroundings};
use crate::language::Language;
use crate::output::Format;

/// What a command printed, and how it ended.
struct Outcome {
    exit: ExitCode,
    stdout: String,
    stderr: String,
}

fn surroundings(directory: &Path) -> Surroundings {
    let variable = (
        "PONTE_PROFILES".into(),
        directory.join("profile.toml").into_os_string(),
    );
    Surroundings {
        environment: [variable].into_iter().collect(),
        clock: Arc::new(SystemClock),
        random: Arc::new(SystemRandom),
    }
}

fn run(directory: &Path, line: &[&str]) -> Outcome {
    let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
    let mut io = Io {
        stdin: Box::new(std::io::empty()),
        stdout: Box::new(&mut stdout),
        stderr: Box::new(&mut stderr),
        surface: Surface::Plain,
    };
    let arguments = ["ponte", "--lang", "en"].iter().chain(line);
    let exit = crate::run(arguments, &mut io, &surroundings(directory));
    drop(io);
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    Outcome {
        exit,
        stdout: text(stdout),
        stderr: text(stderr),
    }
}

#[track_caller]
fn check(directory: &Path, line: &[&str], expect: ExitCode, words: &str) {
    let Outcome { exit, stdout, stderr } = run(directory, line);
    let said = format!("{line:?} exited {exit:?}\n--- stdout\n{stdout}\n--- stderr\n{stderr}");
    assert_eq!(exit, expect, "{said}");
    assert!(
        stdout.contains(words) || stderr.contains(words),
        "{words:?} is missing: {said}"
    );
}

#[test]
fn every_command_of_a_running_region_ends_with_the_exit_code_of_its_answer() {
    let directory = tempfile::tempdir().unwrap();
    let home = directory.path();
    let surroundings = surroundings(home);
    let today = agreement::moment::Moment::new(SystemClock.now()).date();
    let programme = Programme::of_last_year(today, Scale::one_in(60).unwrap(), 1).unwrap();
    let mut io = Io {
        stdin: Box::new(std::io::empty()),
        stdout: Box::new(std::io::sink()),
        stderr: Box::new(std::io::sink()),
        surface: Surface::Plain,
    };
    let mut session = Session {
        io: &mut io,
        surroundings: &surroundings,
        language: Language::English,
        format: Format::Json,
    };
    let mut report = Report::new(Language::English);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    let region = runtime.block_on(async {
        let region = Region::bring_up(home, &programme, &mut session).await.unwrap();
        region
            .activate_agreements(&programme, &mut report, &mut session)
            .await
            .unwrap();
        publishing::publish(&region, &programme, programme.after, &mut report, &mut session)
            .await
            .unwrap();
        region.print_commands(&programme, &mut session).unwrap();
        region
    });

    let cast = Cast::choose(&programme).unwrap();
    let (code, nobody) = (cast.head_code.as_str(), cast.nobody.as_str());
    let file = |name: &str| home.join(name).display().to_string();
    let (receipt, log) = (file("receipt"), region.log_directory().display().to_string());
    let (key, node) = (region.verifier().to_string(), file("node-imola/node.toml"));
    let checkpoint = file("old-checkpoint");
    let surname = cast
        .head
        .generalities
        .surname
        .as_ref()
        .map_or("", |name| name.as_str());

    check(
        home,
        &["person", code, "--receipt", &receipt],
        ExitCode::Ok,
        surname,
    );
    check(
        home,
        &["person", code, "--receipt", &receipt],
        ExitCode::Conflict,
        "not overwritten",
    );
    check(home, &["person", nobody], ExitCode::NotFound, "NOT_FOUND");
    check(
        home,
        &["person", code, "--fields", "citizenships"],
        ExitCode::Denied,
        "FIELDS_NOT_GRANTED",
    );
    check(
        home,
        &["person", code, "--purpose", "curiosity"],
        ExitCode::Denied,
        "PURPOSE_UNKNOWN",
    );
    check(home, &["household", code, "-o", "json"], ExitCode::Ok, code);
    check(
        home,
        &["verify", "municipality", code, "--at", "037032"],
        ExitCode::Ok,
        "YES",
    );
    check(
        home,
        &["verify", "municipality", code, "--at", "037037"],
        ExitCode::NegativeAnswer,
        "NO",
    );
    let may = [
        "can-i",
        "verify-declaration",
        "--verification",
        "municipal-residence",
        "--codice-fiscale",
        code,
    ];
    check(home, &may, ExitCode::Ok, "yes");
    check(
        home,
        &["verify", "municipality", code, "--at", "037020"],
        ExitCode::NegativeAnswer,
        "NO",
    );
    // Three towns were tried: a fourth is not compared, and the same again is.
    check(home, &may, ExitCode::NegativeAnswer, "3 different declarations");
    check(
        home,
        &["can-i", "--codice-fiscale", code],
        ExitCode::Ok,
        "municipal-residence 0/3 in 30 d",
    );
    check(
        home,
        &["verify", "municipality", code, "--at", "037006"],
        ExitCode::Denied,
        "different declarations",
    );
    check(
        home,
        &["verify", "municipality", code, "--at", "037032"],
        ExitCode::Ok,
        "YES",
    );
    check(
        home,
        &["verify", "marriage", code, "--partner-surname", "Verdi"],
        ExitCode::Denied,
        "verification",
    );
    check(home, &["verify", "existence", code], ExitCode::Ok, "YES");
    check(
        home,
        &["verify", "generalities", code, "--surname", surname],
        ExitCode::Ok,
        "YES",
    );
    check(home, &["can-i"], ExitCode::Ok, "criminal-investigation");
    check(
        home,
        &["can-i", "lookup-person", "--fields", "surname"],
        ExitCode::Ok,
        "yes",
    );
    check(
        home,
        &["can-i", "lookup-person", "--fields", "parents"],
        ExitCode::NegativeAnswer,
        "no",
    );
    check(
        home,
        &["can-i", "lookup-person", "--known-on"],
        ExitCode::NegativeAnswer,
        "no",
    );
    check(home, &["doctor"], ExitCode::Ok, "would be permitted");
    check(
        home,
        &["agreement", "explain", "lookup-person"],
        ExitCode::Ok,
        "passed",
    );

    check(
        home,
        &["audit", "receipt", "verify", &receipt, "--log-key", &key],
        ExitCode::Ok,
        "valid",
    );
    check(
        home,
        &["audit", "receipt", "show", &receipt, "--proof"],
        ExitCode::Ok,
        "c2sp.org/tlog-proof",
    );
    check(
        home,
        &["audit", "fsck", &log, "--log-key", &key],
        ExitCode::Ok,
        "whole",
    );
    check(
        home,
        &["audit", "list", "--profile", "revisore"],
        ExitCode::Ok,
        "m.rossi",
    );
    check(
        home,
        &["audit", "list", "--profile", "imola", "-o", "jsonl"],
        ExitCode::Ok,
        "subjects_E289",
    );
    check(home, &["audit", "list"], ExitCode::Usage, "--purpose");
    check(
        home,
        &[
            "audit",
            "follow",
            "--profile",
            "revisore",
            "--start",
            "0",
            "--count",
            "2",
        ],
        ExitCode::Ok,
        "2",
    );
    let old = run(home, &["audit", "checkpoint", "--profile", "revisore"]).stdout;
    std::fs::write(&checkpoint, old).unwrap();
    let since = [
        "audit",
        "checkpoint",
        "--profile",
        "revisore",
        "--since",
        &checkpoint,
    ];
    check(home, &since, ExitCode::Ok, "continues");

    check(home, &["node", "status", "--config", &node], ExitCode::Ok, "idle");
    let profile = ["node", "profile", "--config", &node];
    check(home, &profile, ExitCode::Ok, "civil_status");
    check(
        home,
        &["node", "publish-now", "--config", &node],
        ExitCode::Ok,
        "publishes",
    );

    let admin = ["--profile", "amministratore"];
    let with_admin = |line: &[&'static str]| line.iter().copied().chain(admin).collect::<Vec<_>>();
    check(
        home,
        &with_admin(&["agreement", "list", "--active"]),
        ExitCode::Ok,
        "questura-demo",
    );
    check(
        home,
        &with_admin(&["agreement", "show", "questura-demo"]),
        ExitCode::Ok,
        "legal_basis",
    );
    let revoke = with_admin(&["agreement", "revoke", "questura-demo", "--reason", "test"]);
    check(home, &revoke, ExitCode::Ok, "revoked");
    check(home, &["person", code], ExitCode::Denied, "AGREEMENT_REVOKED");

    runtime.block_on(region.take_down(ENDING)).unwrap();
    check(home, &["person", code], ExitCode::Unavailable, "not available");
    check(
        home,
        &["node", "publish-now", "--config", &node],
        ExitCode::Unavailable,
        "no daemon",
    );
}
