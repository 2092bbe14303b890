//! The command line as it is written, before anything of it is resolved.

use clap::{Args, Parser, Subcommand};

use crate::command;
use crate::exit;
use crate::language::Language;
use crate::output::Format;

/// Ponte, the bridge between municipal population registries and those who may consult them.
#[derive(Debug, Parser)]
#[command(name = "ponte", version, after_help = exit::help(), max_term_width = 110)]
pub struct Arguments {
    /// What every command takes.
    #[command(flatten)]
    pub global: GlobalArguments,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What every command takes.
#[derive(Debug, Args)]
pub struct GlobalArguments {
    /// Form of data on standard output
    #[arg(long, short, global = true, value_enum, default_value_t, value_name = "FORM")]
    pub output: Format,
    /// Language of words; without it that of LC_ALL, LC_MESSAGES or LANG
    #[arg(long, global = true, value_enum, value_name = "LANGUAGE")]
    pub lang: Option<Language>,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Keys and certificates of a trust domain
    #[command(subcommand)]
    Pki(command::pki::PkiCommand),
    /// Compute and check codici fiscali, one or a CSV file of them
    #[command(subcommand)]
    CodiceFiscale(command::codice_fiscale::CodiceFiscaleCommand),
    /// Make synthetic registries, as exports that a node imports
    Generate(command::generate::GenerateArguments),
    /// Look up a person by codice fiscale or national id
    Person(command::person::LookupArguments),
    /// Look up whoever has complete generalities: names, sex, birth date and place
    Named(command::named::NamedArguments),
    /// Look up the household of a person
    Household(command::person::LookupArguments),
    /// Look up who is resident at an address
    Residents(command::residents::ResidentsArguments),
    /// Search for persons of whom a part is known
    Search(command::search::SearchArguments),
    /// Look up a person whom a search found
    Found(command::search::FoundArguments),
    /// Ask whether a declaration is true: exit 0 yes, 1 no or not determined
    #[command(subcommand)]
    Verify(command::verify::VerifyCommand),
    /// Send an approved list: persons to look up, or declarations to verify
    #[command(subcommand)]
    Batch(command::batch::BatchCommand),
    /// Ask what the agreements of the caller allow
    CanI(command::can_i::CanIArguments),
    /// Agreements (convenzioni): check, explain, activate, revoke
    #[command(subcommand)]
    Agreement(command::agreement::AgreementCommand),
    /// Read the access log, and prove offline that nothing in it was changed
    #[command(subcommand)]
    Audit(command::audit::AuditCommand),
    /// Run a whole small region in this process and tell its story
    Demo(crate::demo::DemoArguments),
    /// The central service
    #[command(subcommand)]
    Index(command::index::IndexCommand),
    /// The municipal daemon, and the exports that feed it
    #[command(subcommand)]
    Node(command::node::NodeCommand),
    /// What a registrar signs on a machine of his own
    #[command(subcommand)]
    Registrar(command::registrar::RegistrarCommand),
    /// List the invented persons of a test region, with what is asked about them and what is answered
    TestSubjects(command::test_subjects::TestSubjectsArguments),
    /// Say what is wrong with an installation, or soon will be
    Doctor(command::doctor::DoctorArguments),
    /// Print the completions of a shell
    Completions(command::completions::CompletionsArguments),
}
