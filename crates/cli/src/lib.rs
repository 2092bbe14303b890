//! The one binary, `ponte`: what a person types, and what it does.
//!
//! [`run`] reads the arguments ([`arguments`]), resolves them to a [`session`], runs the [`command`] and gives the
//! exit code. Nothing below prints except through [`io::Io`], reads a clock or the environment except through
//! [`io::Surroundings`], or ends the process.

pub mod io;
pub mod language;
pub mod exit;
pub mod failure;
pub mod datum;
pub mod output;
pub mod session;
pub mod profile;
pub mod call;
pub mod show;
pub mod report;
mod diagnostics;
mod own_region;
pub mod arguments;
pub mod export;
pub mod command;
pub mod demo;
pub mod test_region;
pub mod synthetic;

use std::ffi::OsString;
use std::io::Write as _;

use agreement::reason::ExitCode;
use clap::Parser as _;

use crate::arguments::Arguments;
use crate::io::{Io, Surroundings};
use crate::language::Language;
use crate::session::Session;

/// Runs the program: arguments begin with its own name.
pub fn run<I>(arguments: I, io: &mut Io<'_>, surroundings: &Surroundings) -> ExitCode
where
    I: IntoIterator,
    I::Item: Into<OsString> + Clone,
{
    let arguments = match Arguments::try_parse_from(arguments) {
        Ok(arguments) => arguments,
        Err(refusal) => return show_refusal(&refusal, io),
    };
    let language = arguments
        .global
        .lang
        .unwrap_or_else(|| Language::of_locale(&surroundings.environment));
    let mut session = Session {
        io,
        surroundings,
        language,
        format: arguments.global.output,
    };
    match command::run(arguments.command, &mut session) {
        Ok(exit) => exit,
        Err(failure) => {
            if let Some(words) = failure.words(language) {
                // Where standard error cannot be written, the exit code alone must say it.
                let _ = io.stderr.write_all(words.as_bytes());
            }
            failure.exit()
        }
    }
}

/// Help and version are data; anything else the parser says is a refusal.
fn show_refusal(refusal: &clap::Error, io: &mut Io<'_>) -> ExitCode {
    let text = refusal.render().to_string();
    if refusal.use_stderr() {
        let _ = io.stderr.write_all(text.as_bytes());
        return ExitCode::Usage;
    }
    let _ = io
        .stdout
        .write_all(text.as_bytes())
        .and_then(|()| io.stdout.flush());
    ExitCode::Ok
}
