//! A municipality leaves, over the real wire and with the commands that a person types: at the index and on the node
//! its keys are destroyed, whoever asks finds nobody, and the access log stays.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use agreement::peer::Role;
use agreement::reason::Reason;
use cli::io::{Environment, Io, Surface, Surroundings};
use client::agency::AgencyClient;
use client::directory::DirectoryClient;
use client::error::ClientError;
use client::page::PageRequest;
use ledger::header::EntryKind;
use ledger::part::PartKind;
use registry::identifier::IstatCode;
use registry::municipality::MunicipalityId;
use support::agreements::POLICE;
use support::calls::{ground, lookup};
use support::municipality::{signing_key, write_signing_key};
use support::people::{DOZZA, IMOLA, Person, everybody, istat, nobody};
use support::region::Region;
use support::rows;
use transport::random::SystemRandom;

const REGISTRAR_SEED: [u8; 32] = [0x77; 32];

/// What a command said and how it ended.
struct Ended {
    exit: u8,
    out: String,
    err: String,
}

/// Runs a command under the clock of the region.
async fn ponte(region: &Region, arguments: &[&str]) -> Ended {
    let surroundings = Surroundings {
        environment: Environment::default(),
        clock: region.clock.clone(),
        random: Arc::new(SystemRandom),
    };
    let arguments: Vec<String> = ["ponte", "--lang", "en"]
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
        Ended {
            exit,
            out: String::from_utf8(out).expect("UTF-8"),
            err: String::from_utf8(err).expect("UTF-8"),
        }
    };
    tokio::task::spawn_blocking(run).await.expect("it ends")
}

async fn done(region: &Region, arguments: &[&str], exit: u8) -> Ended {
    let ended = ponte(region, arguments).await;
    assert_eq!(ended.exit, exit, "{arguments:?}\n{}\n{}", ended.out, ended.err);
    ended
}

fn text(path: &Path) -> String {
    path.display().to_string()
}

/// How many cards the police is shown of somebody; absence is the same for whoever is absent.
async fn shown(police: &AgencyClient, code: registry::codice_fiscale::TaxCode) -> usize {
    let context = ground(POLICE, "identification", police.new_request_id());
    match police.lookup_person(lookup(context, code)).await {
        Ok(answer) => answer.persons.len(),
        Err(ClientError::Refused(refusal)) if refusal.reason == Some(Reason::NotFound) => 0,
        Err(error) => panic!("{error:?}"),
    }
}

fn of(people: &[Person], municipality: &str) -> Vec<Person> {
    let own = people.iter().filter(|person| person.municipality == municipality);
    own.cloned().collect()
}

#[track_caller]
fn is_withdrawn<T: std::fmt::Debug>(outcome: &Result<T, ClientError>) {
    let withdrawn = matches!(
        outcome,
        Err(ClientError::Refused(refusal)) if refusal.reason == Some(Reason::MunicipalityWithdrawn)
    );
    assert!(withdrawn, "{outcome:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_municipality_leaves_and_only_the_access_log_stays() {
    let registrar = signing_key(REGISTRAR_SEED).verifying_key();
    let more = format!(
        "[limits]\ncache_mib = 8\nsync_interval_seconds = 1\nsegment_mib = 4\nconnections_per_address = 512\n\
         [[registrar]]\nid = \"g.neri\"\nmunicipalities = [{IMOLA:?}]\nkey = \"{registrar}\"\n"
    );
    let mut region = Region::configured(&more).await;
    region.activate(POLICE).await;
    let people = everybody();
    for municipality in [IMOLA, DOZZA] {
        region.publish(municipality, &people).await;
    }
    let (imola, dozza) = (of(&people, IMOLA), of(&people, DOZZA));
    let police = region.agency(POLICE);
    let adult = imola.first().expect("somebody").clone();
    let neighbour = dozza.first().expect("somebody").clone();
    assert_eq!(shown(&police, adult.tax_code()).await, 1);
    assert_eq!(shown(&police, neighbour.tax_code()).await, 1);
    let before = region.entries("garante").await;
    let directory = region.directory().join(format!("node-{IMOLA}"));
    let config = text(&directory.join("node.toml"));
    let [statement, signed, forged] =
        ["statement.txt", "signed.txt", "forged.txt"].map(|name| text(&directory.join(name)));
    let other_key = directory.join("other.key");
    write_signing_key(&other_key, [0x66; 32]);
    let key = region.directory().join("g.neri.key");
    write_signing_key(&key, REGISTRAR_SEED);

    // The statement, read and signed on another machine.
    done(
        &region,
        &["node", "withdraw", "--config", &config, "--statement", &statement],
        0,
    )
    .await;
    let read = std::fs::read_to_string(&statement).expect("the statement");
    assert!(read.contains("act: withdraw\nmunicipality: 037032\n"), "{read}");
    for (key, out) in [(text(&key), &signed), (text(&other_key), &forged)] {
        let sign = [
            "registrar",
            "sign",
            &statement,
            "--key",
            &key,
            "--id",
            "g.neri",
            "--out",
            out,
        ];
        done(&region, &sign, 0).await;
    }

    // Whatever is not confirmed, not signed or not by itself destroys nothing.
    done(&region, &["node", "withdraw", &signed, "--config", &config], 2).await;
    done(&region, &["node", "withdraw", "--config", &config], 2).await;
    let locked = done(
        &region,
        &[
            "node",
            "withdraw",
            &signed,
            "--config",
            &config,
            "--confirm",
            IMOLA,
        ],
        5,
    )
    .await;
    assert!(locked.err.contains("stop the daemon"), "{}", locked.err);
    region.municipality(IMOLA).stop().await;
    for (file, code, exit) in [(&signed, DOZZA, 2), (&forged, IMOLA, 4)] {
        done(
            &region,
            &["node", "withdraw", file, "--config", &config, "--confirm", code],
            exit,
        )
        .await;
    }
    done(
        &region,
        &["node", "confirm-held", &signed, "--config", &config],
        4,
    )
    .await;
    assert_eq!(shown(&police, adult.tax_code()).await, 1);

    // It leaves; said again, it has left already.
    for _ in 0..2 {
        let left = done(
            &region,
            &[
                "node",
                "withdraw",
                &signed,
                "--config",
                &config,
                "--confirm",
                IMOLA,
            ],
            0,
        )
        .await;
        assert!(
            left.out.contains("key-encryption-key") && left.out.contains("tls-key"),
            "{}",
            left.out
        );
        assert!(!directory.join("publication.key").exists());
    }
    for person in &imola {
        assert_eq!(shown(&police, person.tax_code()).await, 0);
    }
    assert_eq!(shown(&police, nobody()).await, 0);
    assert_eq!(shown(&police, neighbour.tax_code()).await, 1);

    // Nobody can speak for it any more, with whatever keys.
    let node = region.node_client(IMOLA);
    is_withdrawn(&node.get_state(istat(IMOLA)).await);
    is_withdrawn(
        &node
            .list_held_changes(istat(IMOLA), &PageRequest::default())
            .await,
    );
    for command in ["status", "reports", "held", "run"] {
        let refused = done(&region, &["node", command, "--config", &config], 6).await;
        assert!(
            refused.err.contains("was withdrawn"),
            "{command}: {}",
            refused.err
        );
    }
    let doctor = ponte(&region, &["doctor", "--config", &config]).await;
    assert!(doctor.out.contains("withdrawn"), "{}", doctor.out);
    let listed = DirectoryClient::new(region.connection(Role::Admin, "regione"));
    let listed = listed
        .list_municipalities(&PageRequest::default())
        .await
        .expect("a page");
    let stands = |code: IstatCode| {
        listed
            .items
            .iter()
            .find(|item| item.istat == code)
            .expect("it is listed")
    };
    assert!(stands(istat(IMOLA)).withdrawn_ms.is_some() && !stands(istat(IMOLA)).stale);
    assert!(stands(istat(DOZZA)).withdrawn_ms.is_none());
    assert_eq!(stands(istat(IMOLA)).records, 0);

    // The log: as it was, readable, with the act and the attempts in it.
    let after = region.entries("garante").await;
    for (old, new) in before.iter().zip(&after) {
        assert_eq!(old.header_bytes, new.header_bytes, "entry {}", old.index);
    }
    let place = MunicipalityId::of_any(istat(IMOLA)).expect("a municipality");
    let about_imola = before
        .iter()
        .flat_map(|entry| &entry.parts)
        .filter(|part| matches!(&part.kind, PartKind::Subjects(named) if named.as_str() == place.as_str()));
    let opened: Vec<_> = about_imola.collect();
    assert!(!opened.is_empty());
    let again: Vec<_> = after.iter().flat_map(|entry| &entry.parts).collect();
    assert!(
        opened.iter().all(|part| again.contains(part)),
        "who was asked about stays readable"
    );
    let own = region.entries("imola").await;
    assert!(
        own.iter()
            .any(|entry| entry.header.body.kind == EntryKind::Access)
    );
    let acts: Vec<(u16, &str)> = after
        .iter()
        .filter(|entry| entry.header.body.kind == EntryKind::MunicipalityWithdrawn)
        .map(|entry| {
            (
                entry.header.body.outcome.code,
                entry.header.body.outcome.reason.as_str(),
            )
        })
        .collect();
    assert_eq!(acts, [(7, Reason::StatementNotSigned.name()), (0, ""), (0, "")]);

    // At rest: the key is destroyed, and a replay gives the same rows.
    region.clock.advance(Duration::from_secs(60));
    region.stop().await;
    let index = region.directory().join("index/index.toml");
    let (kept, _) = rows::of_index(&index);
    let (replayed, _) = rows::of_clean_replay(&index);
    assert!(
        !kept.is_empty() && kept == replayed,
        "a clean replay gives other rows"
    );
    region.start_index().await;
    let police = region.agency(POLICE);
    assert_eq!(shown(&police, adult.tax_code()).await, 0);
    assert_eq!(shown(&police, neighbour.tax_code()).await, 1);
    region.stop().await;
}
