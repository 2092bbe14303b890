//! What the program touches of the world outside: standard streams, environment, clock, randomness.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::io::{IsTerminal, Read, Write};
use std::sync::Arc;

use transport::clock::{Clock, SystemClock};
use transport::random::{Random, SystemRandom};

/// Where the program reads and writes.
pub struct Io<'a> {
    /// Where data are read from.
    pub stdin: Box<dyn Read + 'a>,
    /// Where data go, and nothing else.
    pub stdout: Box<dyn Write + 'a>,
    /// Where words for people go.
    pub stderr: Box<dyn Write + 'a>,
    /// Whether a person watches the words.
    pub surface: Surface,
}

/// What the words are written on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Surface {
    /// A terminal, on which a progress bar can move.
    Terminal,
    /// A file, a pipe or a test.
    Plain,
}

/// Everything else that differs from machine to machine and from moment to moment.
#[derive(Clone, Debug)]
pub struct Surroundings {
    /// The environment, read once.
    pub environment: Environment,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// The source of keys and ids.
    pub random: Arc<dyn Random>,
}

/// Environment variables.
#[derive(Clone, Default)]
pub struct Environment(BTreeMap<OsString, OsString>);

impl Io<'_> {
    /// The streams of the process.
    pub fn of_process() -> Self {
        let surface = if std::io::stderr().is_terminal() {
            Surface::Terminal
        } else {
            Surface::Plain
        };
        Self {
            stdin: Box::new(std::io::stdin()),
            stdout: Box::new(std::io::stdout()),
            stderr: Box::new(std::io::stderr()),
            surface,
        }
    }
}

impl fmt::Debug for Io<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Io")
            .field("surface", &self.surface)
            .finish_non_exhaustive()
    }
}

impl Surroundings {
    /// Those of the process: its environment, the machine's clock, the system's randomness.
    pub fn of_process() -> Self {
        Self {
            environment: std::env::vars_os().collect(),
            clock: Arc::new(SystemClock),
            random: Arc::new(SystemRandom),
        }
    }
}

impl Environment {
    /// The value of a variable; one that is empty or not Unicode counts as unset.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0
            .get(std::ffi::OsStr::new(name))?
            .to_str()
            .filter(|value| !value.is_empty())
    }
}

impl FromIterator<(OsString, OsString)> for Environment {
    fn from_iter<I: IntoIterator<Item = (OsString, OsString)>>(variables: I) -> Self {
        Self(variables.into_iter().collect())
    }
}

/// Values may be secrets of other programs.
impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Environment(..)")
    }
}
