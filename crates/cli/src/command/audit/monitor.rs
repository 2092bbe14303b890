//! `ponte audit monitor`: follows a log from anywhere by what is public, and raises an alarm when it was changed.

use std::fs::{self, File, TryLockError};
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use agreement::reason::ExitCode;
use clap::Args;
use client::monitor::state::{MonitorState, StateError};
use client::monitor::{Alarm, Found, Monitor, Raised};
use ledger::checkpoint::{Checkpoint, LogVerifier};
use transport::causes::chain;
use transport::fetch::Fetcher;
use transport::pki::files::read_certificate;
use transport::shutdown::Shutdown;
use transport::tls::anonymous::AnonymousTls;

use super::offline::{head_of_file, log_verifier};
use crate::datum::RecordBuilder;
use crate::failure::Failure;
use crate::session::Session;

/// Arguments of `ponte audit monitor`.
#[derive(Args, Debug)]
pub struct MonitorArguments {
    /// Address of the log's public endpoint, or of a mirror of it: https://host[:port][/path]
    #[arg(long, value_name = "URL")]
    pub url: String,
    /// Authorities that the endpoint's certificate must come from, PEM
    #[arg(long, value_name = "FILE")]
    pub authorities: PathBuf,
    /// Verifier key of the log, or a file that holds it
    #[arg(long, value_name = "KEY")]
    pub log_key: String,
    /// File in which the monitor remembers the head that it saw last; made by the first check
    #[arg(long, value_name = "FILE")]
    pub state: PathBuf,
    /// Checkpoint or receipt that the log must continue, kept from another time or place; several are admitted
    #[arg(long = "known", value_name = "FILE")]
    pub known: Vec<PathBuf>,
    /// Hours without growth after which the log counts as stale
    #[arg(long, value_name = "HOURS", default_value_t = 24, value_parser = clap::value_parser!(u32).range(1..=8784))]
    pub stale_after: u32,
    /// Check again after so many seconds, until an alarm or SIGTERM; without it, check once
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub every: Option<u64>,
    /// Command line for `sh -c` when there is an alarm; it finds PONTE_ALARM, PONTE_ALARM_TEXT, PONTE_LOG and, where
    /// there is any, PONTE_EVIDENCE in its environment
    #[arg(long, value_name = "COMMAND")]
    pub on_alarm: Option<String>,
}

/// Longest time for one request.
const REQUEST: Duration = Duration::from_secs(15);

/// Longest time for the command of an alarm.
const COMMAND: Duration = Duration::from_secs(60);

/// The largest state file read: far above any.
const LARGEST_STATE: u64 = 64 << 10;

/// The file of what a monitor remembers, held by one monitor at a time.
struct StateFile<'a> {
    path: &'a Path,
    _lock: File,
}

pub(super) fn run(arguments: &MonitorArguments, session: &mut Session<'_, '_>) -> Result<ExitCode, Failure> {
    let MonitorArguments {
        url,
        authorities,
        log_key,
        state,
        known,
        stale_after,
        every,
        on_alarm,
    } = arguments;
    let verifier = log_verifier(log_key)?;
    let authorities_text =
        read_certificate(authorities).map_err(|error| Failure::file(authorities, &error))?;
    let tls = AnonymousTls::new(&authorities_text, Arc::clone(&session.surroundings.clock))
        .map_err(|error| Failure::file(authorities, &error))?;
    let fetcher = Fetcher::new(url, tls, REQUEST)
        .map_err(|error| Failure::usage("--url non valido", "--url is not valid").because(&error))?;
    let known: Vec<Checkpoint> = known
        .iter()
        .map(|path| {
            let head = verifier.verify(&head_of_file(path)?);
            Ok(head
                .map_err(|error| Failure::file(path, &error))?
                .into_checkpoint())
        })
        .collect::<Result<_, Failure>>()?;
    let file = StateFile::open(state)?;
    let mut last = file.read(&verifier)?;
    let stale_after = Duration::from_hours((*stale_after).into());
    let monitor = Monitor::new(fetcher, verifier, stale_after);
    session.block_on(async |session| {
        let shutdown = Shutdown::new();
        if every.is_some() {
            shutdown.on_signals().map_err(|error| Failure::internal(&error))?;
        }
        loop {
            let now_ms = session.surroundings.clock.now_ms();
            let found = tokio::select! {
                found = monitor.check(last.as_ref(), &known, now_ms) => found,
                () = shutdown.triggered() => return Ok(ExitCode::Ok),
            };
            let exit = match found {
                Found::Good(state) => {
                    report(last.as_ref(), &state, session)?;
                    if last.as_ref() != Some(&state) {
                        file.write(&state)?;
                    }
                    last = Some(state);
                    ExitCode::Ok
                }
                Found::Unreached(error) => {
                    let chain = chain(&error);
                    session.say(
                        format!("registro non raggiunto, nulla è stato verificato: {chain}"),
                        format!("the log was not reached, and nothing was checked: {chain}"),
                    )?;
                    ExitCode::Unavailable
                }
                Found::Alarm(raised) => {
                    return raise(*raised, &monitor, &file, on_alarm.as_deref(), session);
                }
            };
            let Some(seconds) = every else { return Ok(exit) };
            tokio::select! {
                () = tokio::time::sleep(Duration::from_secs(*seconds)) => {}
                () = shutdown.triggered() => return Ok(ExitCode::Ok),
            }
        }
    })
}

/// Says what a good check found, and gives the head as data where it is a new one.
fn report(
    last: Option<&MonitorState>,
    state: &MonitorState,
    session: &mut Session<'_, '_>,
) -> Result<(), Failure> {
    let Checkpoint { origin, size, root } = state.checkpoint();
    match last.map(|last| last.checkpoint().size) {
        None => session.say(
            format!("primo contatto con {origin}: {size} voci, finora nulla con cui confrontarle"),
            format!("first contact with {origin}: {size} entries, and nothing yet to compare them with"),
        )?,
        Some(old) if old == *size => {
            return session.say(
                format!("{origin}: {size} voci, come prima"),
                format!("{origin}: {size} entries, as before"),
            );
        }
        Some(old) => session.say(
            format!("{origin}: {size} voci, continuazione delle {old} già viste"),
            format!("{origin}: {size} entries, which continue the {old} that were seen"),
        )?,
    }
    session.data(&[RecordBuilder::new()
        .with("origin", origin.as_str())
        .with("size", *size)
        .with("root", root.to_string())
        .build()])
}

/// Keeps the evidence, tells the person, and runs the command. What the monitor remembers stays as it is.
fn raise(
    raised: Raised,
    monitor: &Monitor<Fetcher>,
    file: &StateFile<'_>,
    command: Option<&str>,
    session: &mut Session<'_, '_>,
) -> Result<ExitCode, Failure> {
    let Raised { alarm, head } = raised;
    let (kind, origin) = (alarm.kind(), monitor.verifier().origin());
    let text = chain(&alarm);
    session.say(
        format!("ALLARME {kind}: {origin}: {}", italian(&alarm)),
        format!("ALARM {kind}: {origin}: {text}"),
    )?;
    let mut record = RecordBuilder::new()
        .with("alarm", kind.name())
        .with("origin", origin.as_str())
        .with("text", text.as_str());
    let evidence = match &head {
        Some(head) => Some(file.keep_evidence(kind.name(), head)?),
        None => None,
    };
    if let Some(path) = &evidence {
        let path = path.display().to_string();
        session.say(
            format!("prova conservata in {path}; con lo stato del monitor dimostra l'alterazione a chiunque"),
            format!("evidence kept in {path}; with the monitor's state it proves the change to anybody"),
        )?;
        record = record.with("evidence", path);
    }
    session.data(&[record.build()])?;
    if let Some(line) = command {
        let mut command = Command::new("sh");
        command
            .args(["-c", line])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .env("PONTE_ALARM", kind.name())
            .env("PONTE_ALARM_TEXT", &text)
            .env("PONTE_LOG", origin.as_str());
        if let Some(path) = &evidence {
            command.env("PONTE_EVIDENCE", path);
        }
        if let Err(why) = run_bounded(&mut command) {
            session.say(
                format!("il comando dell'allarme non è riuscito: {why}"),
                format!("the command of the alarm did not succeed: {why}"),
            )?;
        }
    }
    Ok(ExitCode::NegativeAnswer)
}

fn italian(alarm: &Alarm) -> String {
    match alarm {
        Alarm::Signature(cause) => format!("la testa non è firmata dal registro: {cause}"),
        Alarm::Origin => "la testa è quella di un altro registro".to_owned(),
        Alarm::Smaller { old, new } => {
            format!("il registro è più piccolo di prima: {new} voci, ed erano {old}")
        }
        Alarm::Forked { size } => format!("due teste di {size} voci sono diverse"),
        Alarm::Inconsistent { old, new } => {
            format!("il registro di {new} voci non continua quello di {old}")
        }
        Alarm::Tiles(cause) => format!("gli hash pubblicati non portano alla radice firmata: {cause}"),
        Alarm::Stale { age, unreached } => {
            let hours = age.as_secs() / 3600;
            let cause = unreached.as_ref().map(|error| format!(": {}", chain(error)));
            format!(
                "il registro non cresce da {hours} ore, o non lo si lascia vedere{}",
                cause.unwrap_or_default()
            )
        }
    }
}

/// Runs a command that must end in time.
fn run_bounded(command: &mut Command) -> Result<(), String> {
    const PAUSE: Duration = Duration::from_millis(50);
    let mut child = command.spawn().map_err(|error| error.to_string())?;
    let started = Instant::now();
    loop {
        match child.try_wait().map_err(|error| error.to_string())? {
            Some(status) if status.success() => return Ok(()),
            Some(status) => return Err(status.to_string()),
            None if started.elapsed() < COMMAND => std::thread::sleep(PAUSE),
            None => {
                // It may have ended just now; then there is nothing to end.
                let _ = child.kill();
                let _ = child.wait();
                return Err(format!("it took longer than {} seconds", COMMAND.as_secs()));
            }
        }
    }
}

impl<'a> StateFile<'a> {
    /// Takes the file for this process: two monitors over one state would undo each other's memory.
    fn open(path: &'a Path) -> Result<Self, Failure> {
        let lock_path = beside(path, "lock");
        let lock = fs::OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(&lock_path)
            .map_err(|error| Failure::file(&lock_path, &error))?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { path, _lock: lock }),
            Err(TryLockError::WouldBlock) => Err(Failure::new(
                ExitCode::Conflict,
                format!("{}: un altro monitor usa questo stato", path.display()),
                format!("{}: another monitor uses this state", path.display()),
            )),
            Err(TryLockError::Error(error)) => Err(Failure::file(&lock_path, &error)),
        }
    }

    /// What is remembered; nothing before the first check.
    fn read(&self, verifier: &LogVerifier) -> Result<Option<MonitorState>, Failure> {
        let length = match fs::metadata(self.path) {
            Ok(metadata) => metadata.len(),
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(Failure::file(self.path, &error)),
        };
        if LARGEST_STATE < length {
            return Err(self.unreadable(&StateError::Format));
        }
        let text = fs::read_to_string(self.path).map_err(|error| Failure::file(self.path, &error))?;
        MonitorState::parse(&text, verifier)
            .map(Some)
            .map_err(|error| self.unreadable(&error))
    }

    fn unreadable(&self, error: &StateError) -> Failure {
        Failure::file(self.path, error).remedy(
            "rimettere una copia di prima, oppure ricominciare da un altro file con --known e un checkpoint sicuro",
            "put an earlier copy back, or begin anew with another file, --known and a checkpoint that is trusted",
        )
    }

    /// Replaces what is remembered: after a crash the old or the new is there, durably.
    fn write(&self, state: &MonitorState) -> Result<(), Failure> {
        let refused = |error: std::io::Error| Failure::file(self.path, &error);
        let directory = directory_of(self.path);
        let mut file = tempfile::NamedTempFile::new_in(directory).map_err(refused)?;
        file.write_all(state.to_text().as_bytes()).map_err(refused)?;
        file.as_file().sync_all().map_err(refused)?;
        file.persist(self.path).map_err(|error| refused(error.error))?;
        File::open(directory)
            .and_then(|directory| directory.sync_all())
            .map_err(refused)
    }

    /// Keeps a head that proves something beside the state, the first of each kind; tells where it is.
    fn keep_evidence(&self, kind: &str, head: &str) -> Result<PathBuf, Failure> {
        let path = beside(self.path, kind);
        if !path.exists() {
            crate::call::write_new_private(&path, head.as_bytes())?;
        }
        Ok(path)
    }
}

/// The file of the same name with one more ending.
fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(ending);
    PathBuf::from(name)
}

fn directory_of(path: &Path) -> &Path {
    match path.parent() {
        Some(directory) if directory != Path::new("") => directory,
        Some(_) | None => Path::new("."),
    }
}
