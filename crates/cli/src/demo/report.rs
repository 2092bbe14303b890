//! What happened: each step with the result it must have.

use std::time::Instant;

use agreement::reason::{ExitCode, Reason};
use client::error::ClientError;

use crate::datum::{Datum, RecordBuilder};
use crate::failure::Failure;
use crate::language::Language;
use crate::output::Format;
use crate::session::Session;

/// The steps so far.
#[derive(Debug)]
pub(super) struct Report {
    language: Language,
    steps: Vec<Step>,
}

/// Who does a step.
#[derive(Clone, Copy, Debug)]
pub(super) enum Actor {
    Nodes,
    Administrator,
    Police,
    PublicBody,
    Association,
    RegionalAuditor,
    MunicipalAuditor,
}

/// A step under way.
#[derive(Debug)]
pub(super) struct Begun {
    actor: &'static str,
    title: &'static str,
    at: Instant,
}

/// What became of a step.
#[derive(Debug)]
pub(super) enum Told {
    /// As it must be.
    Expected(String),
    /// Otherwise.
    Otherwise(String),
}

#[derive(Debug)]
struct Step {
    actor: &'static str,
    title: &'static str,
    result: String,
    passed: bool,
    milliseconds: u64,
}

impl Actor {
    fn name(self, language: Language) -> &'static str {
        match self {
            Self::Nodes => language.pick("i nodi", "the nodes"),
            Self::Administrator => language.pick("l'amministratore", "the administrator"),
            Self::Police => language.pick("la questura", "the police"),
            Self::PublicBody => language.pick("l'ente pubblico", "the public body"),
            Self::Association => language.pick("l'associazione", "the trade association"),
            Self::RegionalAuditor => language.pick("il revisore regionale", "the regional auditor"),
            Self::MunicipalAuditor => language.pick("il revisore di Imola", "Imola's auditor"),
        }
    }
}

impl Told {
    /// A call that must be answered; `check` looks at the answer.
    pub(super) fn of<T>(
        outcome: Result<T, ClientError>,
        check: impl FnOnce(T) -> Result<String, String>,
    ) -> Self {
        match outcome {
            Ok(answer) => Self::from(check(answer)),
            Err(error) => Self::Otherwise(error.english()),
        }
    }

    /// A call that must be refused for this reason.
    pub(super) fn refused<T>(outcome: Result<T, ClientError>, reason: Reason) -> Self {
        match outcome {
            Ok(_) => Self::Otherwise("answered".to_owned()),
            Err(error) if error.reason() == Some(reason) => Self::Expected(reason.name().to_owned()),
            Err(error) => Self::Otherwise(error.english()),
        }
    }
}

impl From<Result<String, String>> for Told {
    fn from(checked: Result<String, String>) -> Self {
        match checked {
            Ok(result) => Self::Expected(result),
            Err(result) => Self::Otherwise(result),
        }
    }
}

impl Report {
    pub(super) fn new(language: Language) -> Self {
        Self {
            language,
            steps: Vec::new(),
        }
    }

    /// Begins a step; the clock runs until [`Self::end`].
    pub(super) fn begin(&self, actor: Actor, italian: &'static str, english: &'static str) -> Begun {
        Begun {
            actor: actor.name(self.language),
            title: self.language.pick(italian, english),
            at: Instant::now(),
        }
    }

    /// Ends a step and says how it went.
    #[expect(clippy::needless_pass_by_value, reason = "a step ends once")]
    pub(super) fn end(
        &mut self,
        begun: Begun,
        told: Told,
        session: &mut Session<'_, '_>,
    ) -> Result<(), Failure> {
        let Begun { actor, title, at } = begun;
        let milliseconds = u64::try_from(at.elapsed().as_millis()).unwrap_or(u64::MAX);
        let (result, passed) = match told {
            Told::Expected(result) => (result, true),
            Told::Otherwise(result) => (result, false),
        };
        let mark = if passed { "✓" } else { "✗" };
        let words = format!("{mark} {actor} {title}: {result} ({milliseconds} ms)");
        session.say(&words, &words)?;
        self.steps.push(Step {
            actor,
            title,
            result,
            passed,
            milliseconds,
        });
        Ok(())
    }

    /// Prints the steps as data; exit 0 only when all went as they must.
    pub(super) fn close(self, session: &mut Session<'_, '_>) -> Result<ExitCode, Failure> {
        let failed = self.steps.iter().filter(|step| !step.passed).count();
        let all = self.steps.len();
        let rows: Vec<Datum> = self.steps.into_iter().map(Step::row).collect();
        // People have read the steps as they went by.
        if session.format != Format::Table {
            session.data(&rows)?;
        }
        if failed == 0 {
            session.say(
                format!("Tutti i {all} passi hanno dato il risultato atteso."),
                format!("All {all} steps had the expected result."),
            )?;
            return Ok(ExitCode::Ok);
        }
        session.say(
            format!("{failed} passi su {all} non hanno dato il risultato atteso."),
            format!("{failed} of {all} steps had not the expected result."),
        )?;
        Ok(ExitCode::Internal)
    }
}

impl Step {
    fn row(self) -> Datum {
        let Self {
            actor,
            title,
            result,
            passed,
            milliseconds,
        } = self;
        RecordBuilder::new()
            .with("actor", actor)
            .with("step", title)
            .with("result", result)
            .with("as_expected", passed)
            .with("milliseconds", milliseconds)
            .build()
    }
}
