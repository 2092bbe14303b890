//! `ponte completions`: what a shell needs to complete our commands.

use std::io::Write as _;

use agreement::reason::ExitCode;
use clap::{Args, CommandFactory as _};
use clap_complete::Shell;

use crate::arguments::Arguments;
use crate::failure::Failure;
use crate::session::Session;

/// Arguments of `ponte completions`.
#[derive(Debug, Args)]
pub struct CompletionsArguments {
    /// The shell
    pub shell: Shell,
}

/// Prints the script.
pub fn run(arguments: &CompletionsArguments, session: &mut Session<'_, '_>) -> Result<ExitCode, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut Arguments::command(), "ponte", &mut script);
    session.io.stdout.write_all(&script)?;
    Ok(ExitCode::Ok)
}
