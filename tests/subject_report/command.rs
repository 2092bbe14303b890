//! The report as files: what `ponte audit subject` writes, and what `subject-verify` finds of what was done to it.

use std::path::Path;
use std::sync::Arc;

use agreement::peer::Role;
use cli::io::{Environment, Io, Surface, Surroundings};
use cli::report::json;
use support::authority::{SERVER_NAME, TRUST_DOMAIN};
use support::region::log_verifier;
use transport::random::SystemRandom;

use super::of_lucia;
use super::world::{SEARCHERS, World, code, lucia};

struct Ended {
    exit: u8,
    out: String,
    err: String,
}

async fn ponte(world: &World, language: &str, arguments: &[&str]) -> Ended {
    let surroundings = Surroundings {
        environment: Environment::default(),
        clock: world.region.clock.clone(),
        random: Arc::new(SystemRandom),
    };
    let arguments: Vec<String> = ["ponte", "--lang", language]
        .iter()
        .chain(arguments)
        .map(ToString::to_string)
        .collect();
    let run = move || {
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let mut io = Io {
            stdin: Box::new(std::io::empty()),
            stdout: Box::new(&mut out),
            stderr: Box::new(&mut err),
            surface: Surface::Plain,
        };
        let exit = cli::run(arguments, &mut io, &surroundings).number();
        drop(io);
        let [out, err] = [out, err].map(|text| String::from_utf8(text).expect("UTF-8"));
        Ended { exit, out, err }
    };
    tokio::task::spawn_blocking(run).await.expect("the command ends")
}

/// The arguments of a command of the regional auditor.
fn as_auditor(world: &World, command: &[&str]) -> Vec<String> {
    let identity = world.region.authority.peer(Role::Auditor, "garante");
    let text = |path: &Path| path.display().to_string();
    let mut arguments: Vec<String> = command.iter().map(ToString::to_string).collect();
    for (flag, value) in [
        ("--endpoint", world.region.address().to_string()),
        ("--server-name", SERVER_NAME.to_owned()),
        ("--trust-domain", TRUST_DOMAIN.to_owned()),
        ("--certificate", text(&identity.certificate)),
        ("--key", text(&identity.key)),
        ("--authorities", text(&identity.authorities)),
        ("--log-key", log_verifier().to_string()),
        ("--purpose", "access-request".to_owned()),
        ("--reference", "2026/1".to_owned()),
        ("--reader", "a.neri".to_owned()),
    ] {
        arguments.extend([flag.to_owned(), value]);
    }
    arguments
}

async fn by_auditor(world: &World, language: &str, command: &[&str]) -> Ended {
    let arguments = as_auditor(world, command);
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    ponte(world, language, &arguments).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_is_written_in_three_forms_verified_offline_and_made_again() {
    let mut world = World::new().await;
    world.look_up(SEARCHERS, code(&lucia())).await;
    let person = code(&lucia());
    let directory = world.region.directory().to_owned();
    let file = |name: &str| directory.join(name).display().to_string();
    let (json, pdf) = (file("report.json"), file("report.pdf"));
    let subject = [
        "audit",
        "subject",
        person.as_str(),
        "--request-number",
        "Prot. 118/2026",
    ];
    let [italian, english] = ["it", "en"].map(|language| (language, &subject));
    for ((language, command), expect) in [
        (
            italian,
            [
                "non sono elencati, che ve ne siano o no",
                "IMOLA, mostrati: ",
                "Accessi elencati: 1",
            ],
        ),
        (
            english,
            [
                "are not listed, whether there are any or not",
                "IMOLA, shown: ",
                "Accesses listed: 1",
            ],
        ),
    ] {
        let told = by_auditor(&world, language, command).await;
        assert_eq!(told.exit, 0, "{}", told.err);
        for words in expect {
            assert!(told.out.contains(words), "{words}\n{}", told.out);
        }
        assert!(told.out.contains("Questura di Bologna, identification"));
        assert!(!told.out.contains("m.esposito") && !told.out.contains("2026/123"));
    }
    for (form, path) in [("json", &json), ("pdf", &pdf)] {
        let written = by_auditor(
            &world,
            "it",
            &[&subject[..], &["--format", form, "--out", path]].concat(),
        )
        .await;
        assert_eq!(written.exit, 0, "{}", written.err);
        let again = by_auditor(
            &world,
            "it",
            &[&subject[..], &["--format", form, "--out", path]].concat(),
        )
        .await;
        assert_eq!(again.exit, 6, "nothing is overwritten");
    }
    let bytes = std::fs::read(&pdf).expect("a PDF");
    let holds = |wanted: &[u8]| bytes.windows(wanted.len()).any(|window| window == wanted);
    assert!(bytes.starts_with(b"%PDF-") && holds(b"Convenzione: Questura di Bologna, identification"));
    assert!(holds(b"Ente: spiffe://ponte.test/agency/questura-bo"));
    let without_out = by_auditor(&world, "it", &[&subject[..], &["--format", "pdf"]].concat()).await;
    assert_eq!(without_out.exit, 2);
    let without_number = by_auditor(&world, "it", &subject[..3]).await;
    assert_eq!(without_number.exit, 2);

    // Offline, with the key alone.
    let key = log_verifier().to_string();
    let verify = ["audit", "subject-verify", json.as_str(), "--log-key", &key];
    let proved = ponte(&world, "en", &verify).await;
    assert_eq!(proved.exit, 0, "{}", proved.err);
    assert!(proved.err.contains("nothing was removed, added or altered"));
    assert!(proved.err.contains("not proved that nothing was left out"));
    // The auditor has it made again, when more has happened since.
    world.look_up(SEARCHERS, person).await;
    let again = by_auditor(&world, "en", &["audit", "subject-verify", &json, "--recompute"]).await;
    assert_eq!(again.exit, 0, "{}", again.err);
    assert!(again.err.contains("nothing had been left out"));

    let text = std::fs::read_to_string(&json).expect("a report");
    let altered = file("altered.json");
    std::fs::write(&altered, text.replace("\"shown\"", "\"withheld\"")).expect("written");
    let refused = ponte(
        &world,
        "en",
        &["audit", "subject-verify", &altered, "--log-key", &key],
    )
    .await;
    assert_eq!(refused.exit, 1);
    assert!(
        refused.err.contains("the lines are not those that were signed"),
        "{}",
        refused.err
    );
    world.region.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_line_or_byte_of_a_report_is_altered_it_proves_nothing_or_says_the_same() {
    let mut world = World::new().await;
    for _ in 0..3 {
        world.look_up(SEARCHERS, code(&lucia())).await;
    }
    let report = of_lucia(&world).await;
    world.region.stop().await;
    let key = log_verifier();
    let text = json::write(&report).expect("a file");
    assert_eq!(json::read(&text).expect("a report"), report);

    let mut document: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    let lines = document["lines"].as_array().expect("lines").clone();
    assert_eq!(lines.len(), 3);
    for removed in 0..lines.len() {
        let mut rest = lines.clone();
        rest.remove(removed);
        document["lines"] = rest.into();
        let read = json::read(&document.to_string()).expect("a report in form");
        assert!(read.verify(&key).is_err(), "line {removed} is missed");
    }
    let (mut form, mut proof, mut same) = (0, 0, 0);
    let original = text.as_bytes();
    for at in 0..original.len() {
        let mut altered = original.to_vec();
        altered[at] = if altered[at] == b'1' { b'2' } else { b'1' };
        let Ok(altered) = String::from_utf8(altered) else {
            continue;
        };
        match json::read(&altered) {
            Err(_) => form += 1,
            Ok(read) if read == report => same += 1,
            Ok(read) => {
                assert!(read.verify(&key).is_err(), "byte {at} can be altered");
                proof += 1;
            }
        }
    }
    assert!(0 < form && 0 < proof, "{form} {proof}");
    // White space between members is no content, and there is no other byte that is none.
    assert_eq!(same, 0);
}
