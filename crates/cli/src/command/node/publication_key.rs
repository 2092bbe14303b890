//! `ponte node new-publication-key`: the municipality replaces the key with which its batches are signed.

use std::path::PathBuf;

use agreement::reason::ExitCode;
use chrono::{SecondsFormat, TimeDelta};
use clap::Args;
use node::enrolment::Fingerprint;
use registry::signing::{SigningKey, VerifyingKey};
use transport::pki::files;

use super::NodeArguments;
use crate::command::pki::make_signing_key;
use crate::failure::Failure;
use crate::session::Session;

/// Arguments of `ponte node new-publication-key`.
#[derive(Args, Debug)]
pub struct NewPublicationKeyArguments {
    /// Which node.
    #[command(flatten)]
    pub node: NodeArguments,
    /// File to make for the new private key
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
    /// Days for which the old key is still to be taken
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u16).range(1..=365))]
    pub overlap_days: u16,
}

/// Makes the key, and prints what the region puts into its configuration. The node goes on with the old one.
pub(super) fn run(
    arguments: &NewPublicationKeyArguments,
    session: &mut Session<'_, '_>,
) -> Result<ExitCode, Failure> {
    let NewPublicationKeyArguments {
        node,
        out,
        overlap_days,
    } = arguments;
    let config = node.load()?;
    let current = &config.publication_key;
    let pem = files::read_key(current).map_err(|error| Failure::file(current, &error))?;
    let old = SigningKey::from_pem(pem.expose())
        .map_err(|error| Failure::file(current, &error))?
        .verifying_key();
    let new = make_signing_key(out, session)?;
    let until = session.surroundings.clock.now() + TimeDelta::days(i64::from(*overlap_days));
    let until = until.to_rfc3339_opts(SecondsFormat::Secs, true);
    let (number, file) = (number_of(&new), out.display());
    let configuration = node.config.display();
    session.say_all([
        (
            format!("creata {file}; il nodo firma ancora con la chiave vecchia"),
            format!("made {file}; the node still signs with the old key"),
        ),
        (
            format!("1. Mandare alla regione il blocco qui sotto e leggerle al telefono il numero della nuova chiave: {number}"),
            format!("1. Send the block below to the region, and read out the number of the new key by telephone: {number}"),
        ),
        (
            "2. La regione lo confronta con ponte index publication-keys, lo mette nella sezione [[node]] al posto di \
             publication_key, e riavvia l'indice"
                .to_owned(),
            "2. The region compares it with ponte index publication-keys, puts the block into the [[node]] section in \
             place of publication_key, and restarts the index"
                .to_owned(),
        ),
        (
            format!("3. Solo allora, e prima del {until}: publication_key = \"{file}\" in {configuration}, e riavviare il nodo"),
            format!("3. Only then, and before {until}: publication_key = \"{file}\" in {configuration}, and restart the node"),
        ),
        (
            "Se la vecchia chiave è stata rubata, la regione toglie subito la sua riga.".to_owned(),
            "If the old key was stolen, the region takes out its line at once.".to_owned(),
        ),
    ])?;
    session.raw(&format!(
        "publication_keys = [\n    {{ key = \"{old}\", until = \"{until}\" }},\n    {{ key = \"{new}\" }},\n]\n"
    ))?;
    Ok(ExitCode::Ok)
}

/// The number by which both sides compare a publication key.
pub(crate) fn number_of(key: &VerifyingKey) -> Fingerprint {
    Fingerprint::of(&[b"ponte publication key\n", key.as_bytes().as_slice()].concat())
}
