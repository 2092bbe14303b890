//! The program `ponte`: everything is in the library, so that tests can run it too.

use std::process::ExitCode;

use cli::io::{Io, Surroundings};

fn main() -> ExitCode {
    let mut io = Io::of_process();
    let exit = cli::run(std::env::args_os(), &mut io, &Surroundings::of_process());
    ExitCode::from(exit.number())
}
