//! Runs the program and shows everything when it did not do what was expected.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::sync::Arc;

use agreement::reason::ExitCode;
use chrono::{DateTime, Utc};
use cli::io::{Environment, Io, Surface, Surroundings};
use transport::clock::{Clock, ManualClock, SystemClock};
use transport::random::SystemRandom;

/// One run of the program.
pub(crate) struct Program {
    arguments: Vec<String>,
    stdin: Vec<u8>,
    environment: BTreeMap<OsString, OsString>,
    clock: Arc<dyn Clock>,
}

/// What came of it.
pub(crate) struct Outcome {
    arguments: Vec<String>,
    pub(crate) exit: ExitCode,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// `ponte` with these arguments, an empty environment and 1 July 2026 on the clock.
pub(crate) fn ponte<A: fmt::Display>(arguments: impl IntoIterator<Item = A>) -> Program {
    let now: DateTime<Utc> = "2026-07-01T10:00:00Z".parse().expect("an instant");
    Program {
        arguments: arguments
            .into_iter()
            .map(|argument| argument.to_string())
            .collect(),
        stdin: Vec::new(),
        environment: BTreeMap::new(),
        clock: Arc::new(ManualClock::at(now)),
    }
}

impl Program {
    pub(crate) fn stdin(mut self, text: &str) -> Self {
        self.stdin = text.as_bytes().to_vec();
        self
    }

    pub(crate) fn env(mut self, name: &str, value: &str) -> Self {
        self.environment.insert(name.into(), value.into());
        self
    }

    /// With the clock on this instant.
    pub(crate) fn at(mut self, instant: &str) -> Self {
        self.clock = Arc::new(ManualClock::at(instant.parse().expect("an instant")));
        self
    }

    /// With the machine's clock, for what talks to servers in this process.
    pub(crate) fn now(mut self) -> Self {
        self.clock = Arc::new(SystemClock);
        self
    }

    pub(crate) fn run(self) -> Outcome {
        let Self {
            arguments,
            stdin,
            environment,
            clock,
        } = self;
        let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
        let surroundings = Surroundings {
            environment: environment.into_iter().collect::<Environment>(),
            clock,
            random: Arc::new(SystemRandom),
        };
        let mut io = Io {
            stdin: Box::new(stdin.as_slice()),
            stdout: Box::new(&mut stdout),
            stderr: Box::new(&mut stderr),
            surface: Surface::Plain,
        };
        let line = std::iter::once("ponte".to_owned()).chain(arguments.iter().cloned());
        let exit = cli::run(line, &mut io, &surroundings);
        drop(io);
        let text = |bytes| String::from_utf8(bytes).expect("the program writes UTF-8");
        Outcome {
            arguments,
            exit,
            stdout: text(stdout),
            stderr: text(stderr),
        }
    }

    /// Runs and demands this exit code.
    #[track_caller]
    pub(crate) fn exits(self, expected: ExitCode) -> Outcome {
        let outcome = self.run();
        assert_eq!(outcome.exit, expected, "{outcome}");
        outcome
    }
}

impl Outcome {
    #[track_caller]
    pub(crate) fn says(self, words: &str) -> Self {
        assert!(
            self.stderr.contains(words),
            "{words:?} is not on standard error\n{self}"
        );
        self
    }

    #[track_caller]
    pub(crate) fn shows(self, data: &str) -> Self {
        assert!(
            self.stdout.contains(data),
            "{data:?} is not on standard output\n{self}"
        );
        self
    }

    #[track_caller]
    pub(crate) fn hides(self, text: &str) -> Self {
        assert!(
            !self.stdout.contains(text) && !self.stderr.contains(text),
            "{text:?} is shown\n{self}"
        );
        self
    }

    #[track_caller]
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}\n{self}"))
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            arguments,
            exit,
            stdout,
            stderr,
        } = self;
        write!(
            f,
            "ponte {arguments:?}\nexit {exit:?}\n--- stdout\n{stdout}\n--- stderr\n{stderr}"
        )
    }
}
