//! `ponte registrar`: what a registrar (*ufficiale d'anagrafe*) does on a machine of his own, without node or index.

use std::path::{Path, PathBuf};

use agreement::reason::ExitCode;
use clap::{Args, Subcommand};
use registry::signing::SigningKey;
use registry::statement::{RegistrarId, SignedStatement, Stated};
use transport::pki::files;

use crate::datum::RecordBuilder;
use crate::failure::Failure;
use crate::session::Session;

/// What a registrar does.
#[derive(Debug, Subcommand)]
pub enum RegistrarCommand {
    /// Sign a statement, about changes that wait or that the municipality leaves, after having read it
    Sign(SignArguments),
}

/// Arguments of `ponte registrar sign`.
#[derive(Args, Debug)]
pub struct SignArguments {
    /// The statement, as `ponte node held` or `ponte node withdraw` wrote it
    pub statement: PathBuf,
    /// Personal key, as `ponte pki signing-key` made it
    #[arg(long, value_name = "FILE")]
    pub key: PathBuf,
    /// The registrar's id in the configuration of the index
    #[arg(long, value_name = "ID")]
    pub id: String,
    /// File for the signed statement
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
}

/// Runs `ponte registrar`.
pub fn run(command: RegistrarCommand, session: &mut Session<'_, '_>) -> Result<ExitCode, Failure> {
    match command {
        RegistrarCommand::Sign(arguments) => sign(&arguments, session),
    }
}

fn sign(arguments: &SignArguments, session: &mut Session<'_, '_>) -> Result<ExitCode, Failure> {
    let SignArguments {
        statement,
        key,
        id,
        out,
    } = arguments;
    let text = files::read_certificate(statement).map_err(|error| Failure::file(statement, &error))?;
    let stated = Stated::parse(&text).map_err(|error| Failure::file(statement, &error))?;
    let registrar = RegistrarId::parse(id).ok_or_else(|| {
        Failure::usage(
            "--id: da 1 a 64 lettere, cifre e . _ - @",
            "--id: 1 to 64 letters, digits and . _ - @",
        )
    })?;
    let signed = stated.sign(registrar, &read_signing_key(key)?);
    crate::call::write_new(out, written(&signed).as_bytes())?;
    let row = RecordBuilder::new()
        .with("act", stated.act())
        .with("municipality", stated.municipality().to_string());
    let row = match &stated {
        Stated::Held(statement) => row.with("changes", u64::from(statement.changes)),
        Stated::Withdrawal(_) => {
            session.say(
                "firmato un ritiro: consegnato all'indice, non si può annullare",
                "a withdrawal was signed: handed over to the index, it cannot be undone",
            )?;
            row
        }
    };
    session.data(&[row.build()])?;
    Ok(ExitCode::Ok)
}

/// Reads an Ed25519 key that its owner alone can read.
pub fn read_signing_key(path: &Path) -> Result<SigningKey, Failure> {
    let pem = files::read_key(path).map_err(|error| Failure::file(path, &error))?;
    SigningKey::from_pem(pem.expose()).map_err(|error| Failure::file(path, &error))
}

const REGISTRAR: &str = "registrar: ";
const SIGNATURE: &str = "signature: ";

/// The form in which a signed statement is carried to the node: the text, then who signed, then the signature.
fn written(signed: &SignedStatement) -> String {
    let SignedStatement {
        text,
        registrar,
        signature,
    } = signed;
    format!("{text}{REGISTRAR}{registrar}\n{SIGNATURE}{signature}\n")
}

/// Reads what [`written`] wrote.
pub fn read_signed(path: &Path) -> Result<SignedStatement, Failure> {
    let content = files::read_certificate(path).map_err(|error| Failure::file(path, &error))?;
    parse_signed(&content).ok_or_else(|| {
        Failure::usage(
            "il file non è una dichiarazione firmata",
            "the file is not a signed statement",
        )
    })
}

fn parse_signed(content: &str) -> Option<SignedStatement> {
    let (text, rest) = content.split_once(REGISTRAR)?;
    let (registrar, rest) = rest.split_once('\n')?;
    let signature = rest.strip_prefix(SIGNATURE)?.strip_suffix('\n')?;
    Some(SignedStatement {
        text: text.to_owned(),
        registrar: RegistrarId::parse(registrar)?,
        signature: registry::signing::Signature::parse(signature).ok()?,
    })
}

#[cfg(test)]
mod tests {
    use registry::identifier::IstatCode;
    use registry::publication::Epoch;
    use registry::statement::{Act, Statement};

    use super::*;

    #[test]
    fn a_signed_statement_is_carried_as_text() {
        let statement = Statement {
            act: Act::Release,
            municipality: IstatCode::parse("037032").unwrap(),
            epoch: Epoch([1; 16]),
            changes: 2,
            digest: [2; 32],
        };
        let key = SigningKey::from_seed(&[3; 32]).unwrap();
        let signed = statement.sign(RegistrarId::parse("g.neri").unwrap(), &key);
        assert_eq!(parse_signed(&written(&signed)), Some(signed.clone()));
        for broken in ["", &signed.text, "registrar: a b\nsignature: x\n"] {
            assert_eq!(parse_signed(broken), None);
        }
    }
}
