//! What a registrar and a region type on the first day and afterwards, as commands without a running daemon.

use std::path::Path;

use cli::io::{Io, Surface, Surroundings};
use support::people::{IMOLA, Person, export, mario};

/// What a command said and how it ended.
struct Ended {
    exit: u8,
    out: String,
    err: String,
}

fn ponte(arguments: &[&str]) -> Ended {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let mut io = Io {
        stdin: Box::new(std::io::empty()),
        stdout: Box::new(&mut out),
        stderr: Box::new(&mut err),
        surface: Surface::Plain,
    };
    let all = ["ponte", "--lang", "it"].iter().chain(arguments);
    let exit = cli::run(all.copied(), &mut io, &Surroundings::of_process()).number();
    drop(io);
    Ended {
        exit,
        out: String::from_utf8(out).expect("UTF-8"),
        err: String::from_utf8(err).expect("UTF-8"),
    }
}

#[track_caller]
fn done(arguments: &[&str], exit: u8) -> Ended {
    let ended = ponte(arguments);
    assert_eq!(ended.exit, exit, "{arguments:?}\n{}\n{}", ended.out, ended.err);
    ended
}

/// The thirty digits that are read out.
fn number(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    let is_block = |word: &&str| word.len() == 5 && word.bytes().all(|byte| byte.is_ascii_digit());
    let found = words.windows(6).find(|six| six.iter().all(is_block));
    found.unwrap_or_else(|| panic!("no number in {text}")).join(" ")
}

/// A region with its authority and index, and a node that it invited, all in one directory.
struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        let place = Self(tempfile::tempdir().expect("a temporary directory"));
        let [authority, region, index] =
            ["authority", "region", "region/pki/index"].map(|name| place.path(name));
        done(&["pki", "init", "--trust-domain", "ponte.example", &authority], 0);
        done(
            &[
                "index",
                "init",
                &region,
                "--trust-domain",
                "ponte.example",
                "--origin",
                "log.ponte.example/1",
            ],
            0,
        );
        let id = "spiffe://ponte.example/index/main";
        done(
            &["pki", "csr", "--id", id, "--dns", "localhost", "--out", &index],
            0,
        );
        let csr = format!("{index}.csr");
        done(
            &[
                "pki",
                "issue",
                "--authority",
                &authority,
                "--id",
                id,
                "--dns",
                "localhost",
                "--csr",
                &csr,
                "--out",
                &index,
            ],
            0,
        );
        let to = place.path("region/pki/authority.pem");
        std::fs::copy(Path::new(&authority).join("authority.pem"), to).expect("copied");
        place
    }

    fn path(&self, name: &str) -> String {
        self.0.path().join(name).display().to_string()
    }

    fn invite(&self, id: &str) -> Ended {
        let config = self.path("region/index.toml");
        let arguments = [
            "index",
            "invite",
            "--config",
            &config,
            "--municipality",
            IMOLA,
            "--id",
            id,
            "--host",
            "localhost",
        ];
        done(&arguments, 0)
    }

    fn enrol(&self) -> Ended {
        let invited = self.invite("imola");
        done(
            &[
                "node",
                "enrol",
                invited.out.trim(),
                "--directory",
                &self.path("imola"),
            ],
            0,
        )
    }

    fn write_export(&self, people: &[Person]) -> String {
        let file = self.path("export.csv");
        std::fs::write(&file, export(IMOLA, people)).expect("written");
        file
    }
}

fn people(count: usize) -> Vec<Person> {
    (0..count)
        .map(|number| Person {
            local_id: format!("S{number}"),
            ..mario()
        })
        .collect()
}

#[test]
fn a_municipality_is_invited_enrols_and_is_admitted_with_numbers_that_agree() {
    let place = Place::new();
    let invited = place.invite("imola");
    let mistyped = invited.out.trim().replacen('a', "b", 1);
    let refused = done(
        &["node", "enrol", &mistyped, "--directory", &place.path("imola")],
        2,
    );
    assert!(refused.err.contains("copiarlo per intero"), "{}", refused.err);
    let enrolled = done(
        &[
            "node",
            "enrol",
            invited.out.trim(),
            "--directory",
            &place.path("imola"),
        ],
        0,
    );
    assert_eq!(
        number(&invited.err),
        number(&enrolled.err),
        "the number of the invitation"
    );
    done(
        &[
            "node",
            "enrol",
            invited.out.trim(),
            "--directory",
            &place.path("imola"),
        ],
        6,
    );

    let (request, config) = (
        place.path("imola/enrolment.request"),
        place.path("region/index.toml"),
    );
    let admitted = done(&["index", "admit", &request, "--config", &config], 0);
    let own = enrolled
        .err
        .rsplit("numero della richiesta: ")
        .next()
        .unwrap_or_default();
    assert_eq!(number(own), number(&admitted.err), "the number of the request");
    let public = std::fs::read_to_string(place.path("imola/publication.pub")).expect("readable");
    assert!(
        admitted
            .out
            .contains(&format!("publication_key = \"{}\"", public.trim()))
    );

    let mut configured = std::fs::read_to_string(&config).expect("readable");
    configured.push_str(&admitted.out);
    std::fs::write(&config, &configured).expect("written");
    let again = done(&["index", "admit", &request, "--config", &config], 6);
    assert!(again.err.contains("già nella configurazione"), "{}", again.err);

    let node = "spiffe://ponte.example/node/imola";
    let authority = place.path("authority");
    let issue = |out: &str| {
        let out = place.path(out);
        let arguments = [
            "pki",
            "issue",
            "--authority",
            &authority,
            "--id",
            node,
            "--csr",
            &request,
            "--out",
            &out,
        ];
        done(&arguments, 0)
    };
    issue("imola/node");
    let config = place.path("imola/node.toml");
    // How full the volume is, is the machine's affair.
    let doctor = ponte(&["--output", "csv", "doctor", "--config", &config]);
    let red: Vec<&str> = doctor.out.lines().filter(|line| line.contains(",red,")).collect();
    assert!(
        red.iter().all(|line| line.starts_with("volume,")),
        "{}",
        doctor.out
    );
    assert!(doctor.out.contains("configurazione di un nodo"), "{}", doctor.out);

    // Another region, with the same names, never invited it.
    let other = Place::new();
    let other_config = other.path("region/index.toml");
    let unknown = done(&["index", "admit", &request, "--config", &other_config], 2);
    assert!(
        unknown.err.contains("did not give out") && unknown.out.is_empty(),
        "{}",
        unknown.err
    );

    let changed = std::fs::read_to_string(&request)
        .expect("readable")
        .replace("node/imola", "node/dozza");
    std::fs::write(&request, changed).expect("written");
    let refused = done(
        &[
            "index",
            "admit",
            &request,
            "--config",
            &place.path("region/index.toml"),
        ],
        2,
    );
    assert!(refused.err.contains("did not sign it"), "{}", refused.err);
}

#[test]
fn an_export_that_cancels_too_much_waits_for_the_registrar() {
    let place = Place::new();
    place.enrol();
    let config = place.path("imola/node.toml");
    done(&["node", "reports", "--config", &config], 3);
    let file = place.write_export(&people(60));
    done(&["node", "import", "--config", &config, &file], 0);
    let file = place.write_export(&people(20));
    let waits = done(&["node", "import", "--config", &config, &file], 6);
    assert!(waits.err.contains("nulla è stato acquisito"), "{}", waits.err);
    let status = done(&["--output", "json", "node", "status", "--config", &config], 0);
    let status: serde_json::Value = serde_json::from_str(&status.out).expect("JSON");
    assert_eq!(
        (&status[0]["cards"], &status[0]["waiting"][0]["missing"]),
        (&60.into(), &40.into())
    );
    let report = done(&["node", "report", "--config", &config], 0);
    assert!(report.out.contains("IN ATTESA DI CONFERMA"), "{}", report.out);

    done(
        &[
            "node",
            "confirm",
            "--config",
            &config,
            "20250110-120000000-abcdef",
        ],
        3,
    );
    done(&["node", "confirm", "--config", &config], 0);
    done(&["node", "discard", "--config", &config], 3);
    let reports = done(&["--output", "csv", "node", "reports", "--config", &config], 0);
    assert_eq!(reports.out.matches(",imported,").count(), 2, "{}", reports.out);
    let file = place.write_export(&people(0));
    done(&["node", "import", "--complete", "--config", &config, &file], 0);
}

#[test]
fn rows_that_are_set_aside_are_told_line_by_line() {
    let place = Place::new();
    place.enrol();
    let config = place.path("imola/node.toml");
    let file = place.write_export(&people(3));
    let text = std::fs::read_to_string(&file).expect("readable");
    std::fs::write(&file, format!("{text}half of a ro")).expect("written");
    let told = done(&["node", "import", "--config", &config, &file], 1);
    assert!(told.err.contains("ponte node report"), "{}", told.err);
    let rows = done(&["--output", "csv", "node", "report", "--config", &config], 0);
    assert!(rows.out.contains("\n5,,PN002,E,"), "{}", rows.out);
    std::fs::write(&file, "nome;cognome\nMario;Rossi\n").expect("written");
    let told = done(&["node", "import", "--config", &config, &file], 2);
    assert!(
        told.err.contains("non è un'estrazione") && !told.err.contains("Rossi"),
        "{}",
        told.err
    );
}

#[test]
fn the_acceptance_report_is_written_once_for_its_owner_and_says_what_differs() {
    use std::os::unix::fs::PermissionsExt;

    let place = Place::new();
    place.enrol();
    let config = place.path("imola/node.toml");
    let file = place.write_export(&people(12));
    done(&["node", "import", "--config", &config, &file], 0);
    let (expected, out) = (place.path("counts.toml"), place.path("collaudo"));
    std::fs::write(&expected, "cards = 13\n").expect("written");
    let agreement = Path::new(env!("CARGO_MANIFEST_DIR")).join("../config/agreements/questura.toml");
    let agreement = agreement.display().to_string();
    let arguments = [
        "node",
        "acceptance",
        "--config",
        &config,
        "--expected",
        &expected,
        "--agreement",
        &agreement,
        "--samples",
        "2",
        "--out",
        &out,
    ];
    let differs = done(&arguments, 1);
    assert!(differs.out.contains("different"), "{}", differs.out);
    assert!(
        !differs.out.contains("Rossi"),
        "standard output holds counts alone"
    );
    for extension in ["txt", "json"] {
        let file = format!("{out}.{extension}");
        let mode = std::fs::metadata(&file).expect("written").permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{extension}");
        assert!(
            std::fs::read_to_string(&file)
                .expect("readable")
                .contains("Rossi")
        );
    }
    done(&arguments, 6);
}
