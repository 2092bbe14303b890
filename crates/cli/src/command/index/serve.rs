//! `ponte index serve --test`: a region of invented people for those who write programs against the index.

use std::net::SocketAddr;
use std::path::PathBuf;

use agreement::domain::DomainKind;
use agreement::moment::Moment;
use agreement::reason::ExitCode;
use clap::Args;
use transport::pki::names::TrustDomainName;
use transport::shutdown::Shutdown;

use crate::command::test_subjects::written;
use crate::datum::RecordBuilder;
use crate::failure::Failure;
use crate::session::Session;
use crate::test_region::subjects::{Subject, list};
use crate::test_region::{TestRegion, TestSettings};

/// Arguments of `ponte index serve`.
#[derive(Args, Debug)]
pub struct ServeArguments {
    /// With invented people, sample agreements and certificates; without it there is `ponte index run`
    #[arg(long, required = true)]
    pub test: bool,
    /// Directory to make: certificates, profiles, agreements, data
    #[arg(long, value_name = "DIR", default_value = "ponte-test")]
    pub data_directory: PathBuf,
    /// Trust domain; a label before its last must be test
    #[arg(long, value_name = "NAME", default_value = "test.ponte.example")]
    pub trust_domain: TrustDomainName,
    /// Address on which the services listen
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8443")]
    pub listen: SocketAddr,
    /// DNS name in the index's certificate, besides localhost; may be given several times
    #[arg(long = "dns", value_name = "NAME")]
    pub server_names: Vec<String>,
}

/// Runs `ponte index serve --test` until it is told to stop.
pub(super) fn run(arguments: ServeArguments, session: &mut Session<'_, '_>) -> Result<ExitCode, Failure> {
    let ServeArguments {
        test: _,
        data_directory: directory,
        trust_domain,
        listen,
        server_names,
    } = arguments;
    if trust_domain.kind() == DomainKind::Production {
        return Err(Failure::usage(
            "--trust-domain: un dominio di prova ha l'etichetta test prima dell'ultima",
            "--trust-domain: a trust domain of tests has the label test before its last",
        ));
    }
    if directory.exists() {
        // The people are those of a day: an older region would answer otherwise than the list says.
        return Err(crate::call::exists(&directory).remedy(
            "ogni avvio crea una regione nuova: indicare un'altra cartella, o rimuovere questa",
            "each start makes a new region: name another directory, or remove this one",
        ));
    }
    let today = Moment::new(session.surroundings.clock.now()).date();
    let subjects = list(today).map_err(|error| Failure::internal(&error))?;
    let settings = TestSettings {
        directory,
        trust_domain,
        listen,
        server_names,
    };
    session.say(
        "Regione di prova: le persone sono inventate. Si prepara in pochi secondi.",
        "Test region: its people are invented. It takes some seconds to make.",
    )?;
    session.block_on(async |session| {
        let shutdown = Shutdown::new();
        shutdown.on_signals().map_err(|error| Failure::internal(&error))?;
        let region = TestRegion::bring_up(&settings, today, shutdown, session).await?;
        // Whoever waits for the region waits for this file, which is the last one.
        let answers = settings.directory.join("test-subjects.json");
        crate::call::write_new(&answers, &written(&subjects, today)?)?;
        show(&region, &settings, &subjects, session)?;
        region.ended().await
    })?;
    Ok(ExitCode::Ok)
}

fn show(
    region: &TestRegion,
    settings: &TestSettings,
    subjects: &[Subject],
    session: &mut Session<'_, '_>,
) -> Result<(), Failure> {
    let first = subjects
        .iter()
        .find_map(|subject| subject.code.clone())
        .unwrap_or_default();
    let profiles = region.profiles.display();
    let command = format!("ponte person {first} --profiles {profiles}");
    session.say(
        format!("La regione è in funzione, Ctrl-C la ferma. Il primo comando: {command}"),
        format!("The region is up, Ctrl-C stops it. The first command: {command}"),
    )?;
    let directory = &settings.directory;
    let path = |name: &str| directory.join(name).display().to_string();
    let row = RecordBuilder::new()
        .with("endpoint", region.address.to_string())
        .with("trust_domain", settings.trust_domain.as_str())
        .with("certificates", path("pki"))
        .with("agreements", path("agreements"))
        .with("profiles", profiles.to_string())
        .with("log_key", path("log.pub"))
        .with("test_subjects", path("test-subjects.json"))
        .with("command", command)
        .build();
    session.data(&[row])
}
