//! The commands, one module each: its arguments and what it does.

pub mod pki;
pub mod codice_fiscale;
pub mod generate;
pub mod person;
pub mod named;
pub mod residents;
pub mod search;
pub mod verify;
pub mod batch;
pub mod can_i;
pub mod agreement;
pub mod audit;
pub mod index;
pub mod node;
pub mod registrar;
pub mod doctor;
pub mod test_subjects;
pub mod completions;

use ::agreement::reason::ExitCode;

use crate::arguments::Command;
use crate::failure::Failure;
use crate::session::Session;

/// Runs a command.
pub fn run(command: Command, session: &mut Session<'_, '_>) -> Result<ExitCode, Failure> {
    match command {
        Command::Pki(command) => pki::run(command, session),
        Command::CodiceFiscale(command) => codice_fiscale::run(command, session),
        Command::Generate(arguments) => generate::run(&arguments, session),
        Command::Person(arguments) => person::run_person(&arguments, session),
        Command::Household(arguments) => person::run_household(&arguments, session),
        Command::Search(arguments) => search::run_search(&arguments, session),
        Command::Residents(arguments) => residents::run(&arguments, session),
        Command::Named(arguments) => named::run(&arguments, session),
        Command::Found(arguments) => search::run_found(&arguments, session),
        Command::Verify(command) => verify::run(command, session),
        Command::Batch(command) => batch::run(&command, session),
        Command::CanI(arguments) => can_i::run(&arguments, session),
        Command::Agreement(command) => agreement::run(command, session),
        Command::Audit(command) => audit::run(command, session),
        Command::Demo(arguments) => crate::demo::run(arguments, session),
        Command::Index(command) => index::run(command, session),
        Command::Node(command) => node::run(command, session),
        Command::Registrar(command) => registrar::run(command, session),
        Command::TestSubjects(arguments) => test_subjects::run(&arguments, session),
        Command::Doctor(arguments) => doctor::run(&arguments, session),
        Command::Completions(arguments) => completions::run(&arguments, session),
    }
}
