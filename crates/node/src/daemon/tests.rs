use std::fs;
use std::os::unix::fs::PermissionsExt;

use registry::signing::pem_of_seed;
use serde_json::json;
use transport::clock::ManualClock;
use transport::pki::files::write_key;
use transport::pki::request::KeyPem;
use transport::random::danger::SeededRandom;

use crate::control::{AskError, Command, Kind, Removals, Reply, ask, socket_path};
use crate::fixture::{day, residents};

use super::*;

/// A configuration over a directory, with an index that nobody can reach and certificates that are not there.
fn config(directory: &Path) -> NodeConfig {
    let kek = directory.join("node.kek");
    if !kek.exists() {
        fs::write(&kek, [7; 32]).unwrap();
        fs::set_permissions(&kek, fs::Permissions::from_mode(0o600)).unwrap();
    }
    let key = directory.join("publication.key");
    if !key.exists() {
        write_key(&key, &KeyPem::new(pem_of_seed(&[9; 32]))).unwrap();
    }
    let text = include_str!("../../../../config/node.toml")
        .replace("pki/node-imola.kek", "node.kek")
        .replace("pki/publication-imola.key", "publication.key");
    NodeConfig::parse(&text, directory).unwrap()
}

fn open(config: &NodeConfig) -> Result<Node, NodeError> {
    let noon = day("2025-01-10").and_hms_opt(12, 0, 0).unwrap().and_utc();
    Node::open(
        config,
        Arc::new(ManualClock::at(noon)),
        Arc::new(SeededRandom::new(5)),
    )
}

fn config_file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../config")
        .join(name)
}

async fn told(config: &NodeConfig, command: Command) -> Reply {
    let directory = config.data_directory.clone();
    tokio::task::spawn_blocking(move || ask(&directory, &command))
        .await
        .unwrap()
        .unwrap()
}

#[tokio::test]
async fn two_daemons_cannot_use_one_directory() {
    let directory = tempfile::tempdir().unwrap();
    let config = config(directory.path());
    let first = open(&config).unwrap();
    assert!(matches!(
        open(&config),
        Err(NodeError::Storage(StorageError::Locked))
    ));
    drop(first);
    assert!(open(&config).is_ok());
}

#[tokio::test]
async fn a_daemon_takes_commands_over_its_socket_and_leaves_nothing_in_clear() {
    let directory = tempfile::tempdir().unwrap();
    let config = config(directory.path());
    let shutdown = Shutdown::new();
    let node = open(&config).unwrap();
    let handle = node.handle();
    let running = tokio::spawn(node.run(shutdown.clone()));
    // The certificates are not there: once that has shown, the daemon serves.
    handle
        .publisher()
        .wait_for(|status| matches!(status.link, crate::publisher::LinkStatus::Waiting { .. }))
        .await;

    let mode = fs::metadata(socket_path(&config.data_directory))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);

    let export = directory.path().join("export.csv");
    fs::write(&export, residents(12)).unwrap();
    let import = Command::Import {
        path: export,
        day: None,
        removals: Removals::Configured,
        kind: None,
        mapping: None,
    };
    let Reply::Done(report) = told(&config, import).await else {
        panic!("the import failed")
    };
    assert_eq!(
        (&report["created"], &report["journal_end"]),
        (&json!(12), &json!(12))
    );

    let mapped = |mapping: PathBuf| Command::Import {
        path: config_file("mappings/gamma.csv"),
        day: Some("2025-01-10".to_owned()),
        removals: Removals::Configured,
        kind: Some(Kind::Incremental),
        mapping: Some(mapping),
    };
    let Reply::Done(report) = told(&config, mapped(config_file("mappings/gamma.toml"))).await else {
        panic!("the import failed")
    };
    assert_eq!((&report["created"], &report["annulled"]), (&json!(7), &json!(1)));
    assert_eq!(
        told(&config, mapped("/nowhere/gamma.toml".into())).await,
        Reply::Failed("the mapping cannot be read: No such file or directory (os error 2)".to_owned())
    );

    let Reply::Done(status) = told(&config, Command::Status).await else {
        panic!("no status")
    };
    assert_eq!(
        (&status["municipality"], &status["cards"]),
        (&json!("037032"), &json!(12 + 7 - 2))
    );
    assert_eq!(told(&config, Command::PublishNow).await, Reply::Done(json!(null)));

    let relative = Command::Import {
        path: "export.csv".into(),
        day: None,
        removals: Removals::All,
        kind: None,
        mapping: None,
    };
    assert_eq!(
        told(&config, relative).await,
        Reply::Failed("the path of the export must be absolute".to_owned())
    );

    shutdown.trigger();
    running.await.unwrap().unwrap();
    assert!(matches!(
        ask(&config.data_directory, &Command::Status),
        Err(AskError::NoDaemon)
    ));
    assert!(!holds(&config.data_directory, b"Rossi") && holds(directory.path(), b"Rossi"));
}

#[tokio::test]
async fn what_was_imported_is_there_after_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let config = config(directory.path());
    let export = directory.path().join("export.csv");
    fs::write(&export, residents(12)).unwrap();
    let node = open(&config).unwrap();
    node.handle().import(&export, None, None, None).await.unwrap();
    drop(node);
    let status = open(&config).unwrap().handle().status().await.unwrap();
    assert_eq!((status.cards, status.journal_end), (12, 12));
}

/// Whether a file below the directory holds the bytes.
fn holds(directory: &Path, bytes: &[u8]) -> bool {
    fs::read_dir(directory).unwrap().any(|entry| {
        let path = entry.unwrap().path();
        if path.is_dir() {
            return holds(&path, bytes);
        }
        fs::read(&path).is_ok_and(|content| content.windows(bytes.len()).any(|window| window == bytes))
    })
}
