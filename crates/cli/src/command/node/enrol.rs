//! The first command of a municipality.

use std::path::PathBuf;

use agreement::reason::ExitCode;
use clap::Args;
use node::enrolment::{CONFIG_FILE, EnrolError, Enrolled, REQUEST_FILE, SealedInvitation, enrol};

use crate::failure::Failure;
use crate::session::Session;

/// Arguments of `ponte node enrol`.
#[derive(Args, Debug)]
pub struct EnrolArguments {
    /// Invitation that the region gave out, or @FILE with it
    pub invitation: String,
    /// Directory to make for the node
    #[arg(long, value_name = "DIRECTORY")]
    pub directory: PathBuf,
}

pub(super) fn run(arguments: &EnrolArguments, session: &mut Session<'_, '_>) -> Result<ExitCode, Failure> {
    let EnrolArguments {
        invitation,
        directory,
    } = arguments;
    let text = match invitation.strip_prefix('@') {
        Some(file) => {
            let file = PathBuf::from(file);
            std::fs::read_to_string(&file).map_err(|error| Failure::file(&file, &error))?
        }
        None => invitation.clone(),
    };
    let invitation = SealedInvitation::parse(&text).map_err(|error| {
        Failure::usage("invito non valido", "the invitation is not valid")
            .because(&error)
            .remedy(
                "copiarlo per intero, dall'inizio alla fine",
                "copy it whole, from its beginning to its end",
            )
    })?;
    let number = invitation.number();
    let (clock, random) = (&session.surroundings.clock, &session.surroundings.random);
    let enrolled = enrol(directory, &invitation, clock.now(), random.as_ref());
    let Enrolled { directory, request } = enrolled.map_err(|error| refused(&error))?;
    let (place, own) = (directory.display(), request.fingerprint());
    session.say_all([
        (
            format!("creato {place} con le chiavi del nodo, che non lasciano questa macchina"),
            format!("made {place} with the node's keys, which do not leave this machine"),
        ),
        (
            format!("1. Confrontare al telefono con la regione il numero dell'invito: {number}"),
            format!("1. Compare the number of the invitation with the region by telephone: {number}"),
        ),
        (
            format!("2. Mandare alla regione {place}/{REQUEST_FILE} e leggerle il numero della richiesta: {own}"),
            format!("2. Send {place}/{REQUEST_FILE} to the region and read out the number of the request: {own}"),
        ),
        (
            format!("3. Mettere il certificato che la regione manda in {place}/node.pem"),
            format!("3. Put the certificate that the region sends into {place}/node.pem"),
        ),
        (
            format!("4. ponte node check, ponte node import, ponte node run --config {place}/{CONFIG_FILE}"),
            format!("4. ponte node check, ponte node import, ponte node run --config {place}/{CONFIG_FILE}"),
        ),
        (
            format!("Una copia di {place}/node.kek va tenuta in luogo separato dai dati: senza, i dati non si leggono."),
            format!("Keep a copy of {place}/node.kek apart from the data: without it they cannot be read."),
        ),
    ])?;
    Ok(ExitCode::Ok)
}

fn refused(error: &EnrolError) -> Failure {
    match error {
        EnrolError::Exists(_) => {
            Failure::new(ExitCode::Conflict, "nulla è stato scritto", "nothing was written").remedy(
                "scegliere un'altra cartella; le chiavi esistenti non vengono mai sovrascritte",
                "choose another directory; keys that are there are never overwritten",
            )
        }
        EnrolError::Expired(_) => Failure::usage("nulla è stato scritto", "nothing was written").remedy(
            "chiedere alla regione un nuovo invito",
            "ask the region for a new invitation",
        ),
        EnrolError::Config(_) => Failure::usage("nulla è stato scritto", "nothing was written"),
        EnrolError::File(_) | EnrolError::Directory { .. } => {
            Failure::usage("la cartella non si può fare", "the directory cannot be made")
        }
        EnrolError::Key(_) | EnrolError::Pki(_) => Failure::new(
            ExitCode::Internal,
            "le chiavi non si possono fare",
            "the keys cannot be made",
        ),
    }
    .because(error)
}
