//! Why a command did not do what it was asked: an exit code, a text in both languages, and what to do about it.

use std::error::Error;
use std::fmt::Write as _;
use std::io;
use std::path::Path;

use agreement::reason::ExitCode;
use transport::causes::chain;

use crate::language::Language;

/// Why a command failed.
#[derive(Debug)]
pub enum Failure {
    /// What the person is told.
    Told(Box<Told>),
    /// The reader of standard output went away, or it cannot be written.
    Output(io::Error),
}

/// What the person is told.
#[derive(Debug)]
pub struct Told {
    exit: ExitCode,
    italian: String,
    english: String,
    cause: Option<String>,
    remedy: Option<(String, String)>,
}

impl Failure {
    /// A failure with its text in both languages.
    pub fn new(exit: ExitCode, italian: impl Into<String>, english: impl Into<String>) -> Self {
        let (italian, english) = (italian.into(), english.into());
        Self::Told(Box::new(Told {
            exit,
            italian,
            english,
            cause: None,
            remedy: None,
        }))
    }

    /// The command or its data are wrong.
    pub fn usage(italian: impl Into<String>, english: impl Into<String>) -> Self {
        Self::new(ExitCode::Usage, italian, english)
    }

    /// A fault of our own.
    pub fn internal(error: &(dyn Error + 'static)) -> Self {
        Self::new(ExitCode::Internal, "errore interno", "an internal fault").because(error)
    }

    /// A file that cannot be used.
    pub fn file(path: &Path, error: &(dyn Error + 'static)) -> Self {
        let path = path.display();
        Self::usage(
            format!("{path}: non utilizzabile"),
            format!("{path}: cannot be used"),
        )
        .because(error)
    }

    /// Adds the chain of causes, which is English.
    #[must_use]
    pub fn because(mut self, error: &(dyn Error + 'static)) -> Self {
        if let Self::Told(told) = &mut self {
            told.cause = Some(chain(error));
        }
        self
    }

    /// Adds what to do about it.
    #[must_use]
    pub fn remedy(mut self, italian: impl Into<String>, english: impl Into<String>) -> Self {
        if let Self::Told(told) = &mut self {
            told.remedy = Some((italian.into(), english.into()));
        }
        self
    }

    /// The exit code. A reader that went away has what it wanted.
    pub fn exit(&self) -> ExitCode {
        match self {
            Self::Told(told) => told.exit,
            Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::Ok,
            Self::Output(_) => ExitCode::Internal,
        }
    }

    /// The words for the person, none where nobody is left to read them.
    pub fn words(&self, language: Language) -> Option<String> {
        match self {
            Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe => None,
            Self::Output(error) => Some(format!("ponte: {error}\n")),
            Self::Told(told) => Some(told.words(language)),
        }
    }
}

impl Told {
    fn words(&self, language: Language) -> String {
        let Self {
            exit: _,
            italian,
            english,
            cause,
            remedy,
        } = self;
        let mut words = format!("ponte: {}", language.pick(italian, english));
        if let Some(cause) = cause {
            let _ = write!(words, ": {cause}");
        }
        words.push('\n');
        if let Some((italian, english)) = remedy {
            let _ = writeln!(words, "  → {}", language.pick(italian, english));
        }
        words
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Output(error)
    }
}
