use std::fs;
use std::os::unix::fs::PermissionsExt;

use registry::export::ExportKind;
use serde_json::json;
use transport::clock::ManualClock;
use transport::random::danger::SeededRandom;

use crate::control::{AskError, Command, Removals, Reply, ask, socket_path};
use crate::fixture::{config, day, residents};

use super::*;

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
        kind: Some(ExportKind::Incremental),
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

/// A daemon that runs, with a clock that the test moves and a drop folder that is looked into when woken.
struct Running {
    clock: Arc<ManualClock>,
    handle: Handle,
    shutdown: Shutdown,
    task: tokio::task::JoinHandle<Result<(), NodeError>>,
}

impl Running {
    fn start(config: &NodeConfig, clock: &Arc<ManualClock>) -> Self {
        let random = Arc::new(SeededRandom::new(clock.now_ms()));
        let node = Node::open(config, Arc::<ManualClock>::clone(clock), random).unwrap();
        let (handle, shutdown) = (node.handle(), Shutdown::new());
        let task = tokio::spawn(node.run(shutdown.clone()));
        Self {
            clock: Arc::clone(clock),
            handle,
            shutdown,
            task,
        }
    }

    /// Lets the folder be looked into at least once from now on.
    async fn look(&self) -> IncomingStatus {
        let folder = self.handle.drop_folder();
        // A look that is under way may have begun before.
        let looks = folder.status().looks + 2;
        loop {
            folder.wake();
            let status = folder.wait_for(|status| status.looks != 0).await.unwrap();
            if looks <= status.looks {
                return status;
            }
            tokio::task::yield_now().await;
        }
    }

    async fn take(&self) -> IncomingStatus {
        self.look().await;
        self.clock.advance(std::time::Duration::from_secs(31));
        self.look().await
    }

    async fn stop(self) {
        self.shutdown.trigger();
        drop(self.handle);
        self.task.await.unwrap().unwrap();
    }
}

fn noon() -> Arc<ManualClock> {
    let noon = day("2025-01-10").and_hms_opt(12, 0, 0).unwrap().and_utc();
    Arc::new(ManualClock::at(noon))
}

#[tokio::test]
async fn a_file_in_the_drop_folder_is_imported_and_one_that_cancels_too_much_waits_over_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let config = config(directory.path());
    let clock = noon();
    let node = Running::start(&config, &clock);
    node.look().await;
    let incoming = &config.incoming.directory;
    fs::write(incoming.join("a.csv"), residents(400)).unwrap();
    let status = node.take().await;
    assert_eq!(
        (status.files, status.last_report.is_some()),
        (0, true),
        "{status:?}"
    );
    assert_eq!(node.handle.status().await.unwrap().cards, 400);

    fs::write(incoming.join("b.csv"), residents(100)).unwrap();
    let status = node.take().await;
    let id = status.last_report.unwrap().to_string();
    let Reply::Done(shown) = told(&config, Command::Status).await else {
        panic!("no status")
    };
    assert_eq!(shown["waiting"][0]["id"], json!(id));
    assert_eq!(
        (&shown["waiting"][0]["missing"], &shown["cards"]),
        (&json!(300), &json!(400))
    );
    assert!(!holds(directory.path(), b"Rossi"), "nothing is in clear");
    node.stop().await;

    let node = Running::start(&config, &clock);
    node.look().await;
    let unknown = told(
        &config,
        Command::Discard {
            id: Some("x".to_owned()),
        },
    )
    .await;
    assert_eq!(
        unknown,
        Reply::Failed("no such export waits for a decision".to_owned())
    );
    let Reply::Done(done) = told(&config, Command::Confirm { id: Some(id) }).await else {
        panic!("not confirmed")
    };
    assert_eq!((&done["removed"], &done["quarantined"]), (&json!(300), &json!(0)));
    assert_eq!(node.handle.status().await.unwrap().cards, 100);
    node.stop().await;
    let reports = DataDirectory::reports(&config.data_directory).unwrap();
    assert_eq!(reports.list().unwrap().len(), 2);
}

#[tokio::test]
async fn cards_leave_publication_on_the_day_their_term_is_over() {
    let directory = tempfile::tempdir().unwrap();
    let mut config = config(directory.path());
    config.intake.retention.cancelled_years = Some(5);
    let clock = noon();
    let node = Running::start(&config, &clock);
    let gone = [
        ("cancellazione_motivo", "5"),
        ("cancellazione_decorrenza", "2020-01-12"),
    ];
    let export = directory.path().join("export.csv");
    fs::write(&export, crate::fixture::export(&[("1", &[]), ("2", &gone)])).unwrap();
    node.handle.import(&export, None, None, None).await.unwrap();
    let done_on = |date: &'static str| {
        move |chores: &[ChoreStatus]| chores.iter().all(|chore| chore.done_on.as_deref() == Some(date))
    };
    for (date, cards) in [("2025-01-11", 2), ("2025-01-12", 1)] {
        clock.advance(std::time::Duration::from_secs(86_400));
        node.handle.housekeeping().wake();
        node.handle.housekeeping().wait_for(done_on(date)).await.unwrap();
        assert_eq!(node.handle.status().await.unwrap().cards, cards, "{date}");
    }
    node.stop().await;
}

#[tokio::test]
async fn an_export_given_by_command_that_cancels_too_much_waits_and_says_so() {
    let directory = tempfile::tempdir().unwrap();
    let config = config(directory.path());
    let export = directory.path().join("export.csv");
    let node = open(&config).unwrap();
    fs::write(&export, residents(100)).unwrap();
    node.handle().import(&export, None, None, None).await.unwrap();
    fs::write(&export, residents(10)).unwrap();
    let error = node.handle().import(&export, None, None, None).await.unwrap_err();
    assert!(
        matches!(
            error,
            NodeError::Waits {
                cancellations: 90,
                ..
            }
        ),
        "{error}"
    );
    let discarded = node.handle().discard(None).await;
    assert!(discarded.is_ok());
    assert_eq!(node.handle().status().await.unwrap().cards, 100);
    assert!(export.exists(), "the person's file stays");
}
