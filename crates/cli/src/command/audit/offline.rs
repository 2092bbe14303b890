//! What needs no index: receipts and directories of the log, checked with nothing but the log's public key.

use std::path::{Path, PathBuf};

use agreement::reason::ExitCode;
use clap::{Args, Subcommand};
use ledger::checkpoint::{LogVerifier, SignedCheckpoint};
use ledger::header::Header;
use ledger::receipt::Receipt;
use store::files::system::SystemFiles;
use store::fsck::FsckReport;

use super::entry::header_record;
use crate::datum::{Datum, RecordBuilder};
use crate::failure::Failure;
use crate::profile::parse_log_key;
use crate::session::Session;

/// What to do with a receipt.
#[derive(Debug, Subcommand)]
pub enum ReceiptCommand {
    /// Prove that the log holds the entry; exit 1 when the receipt proves nothing
    Verify {
        /// Receipt, as saved by --receipt, or C2SP tlog-proof text
        file: PathBuf,
        /// Verifier key of the log, or a file that holds it
        #[arg(long, value_name = "KEY")]
        log_key: String,
    },
    /// Show what a receipt says, without proving it
    Show {
        /// Receipt
        file: PathBuf,
        /// Print it as C2SP tlog-proof text, for other tools
        #[arg(long)]
        proof: bool,
    },
}

/// Arguments of `ponte audit fsck`.
#[derive(Args, Debug)]
pub struct FsckArguments {
    /// Directory of the log's segments
    pub directory: PathBuf,
    /// Verifier key of the log, or a file that holds it
    #[arg(long, value_name = "KEY")]
    pub log_key: String,
    /// Directory of the copy of the newest checkpoint
    #[arg(long, value_name = "DIRECTORY")]
    pub checkpoint_copy: Option<PathBuf>,
    /// Checkpoint that the log must contain, for instance one that was kept from a receipt; several are admitted
    #[arg(long = "known", value_name = "FILE")]
    pub known: Vec<PathBuf>,
}

/// The largest receipt file read: far above any receipt.
const LARGEST_RECEIPT: u64 = 1 << 20;

pub(super) fn receipt(command: ReceiptCommand, session: &mut Session<'_, '_>) -> Result<ExitCode, Failure> {
    match command {
        ReceiptCommand::Verify { file, log_key } => verify(&file, &log_key, session),
        ReceiptCommand::Show { file, proof } => show(&file, proof, session),
    }
}

fn verify(file: &Path, log_key: &str, session: &mut Session<'_, '_>) -> Result<ExitCode, Failure> {
    let verifier = log_verifier(log_key)?;
    let receipt = read_receipt(file)?;
    match receipt.verify(&verifier) {
        Ok(_) => {
            session.say(
                "ricevuta valida: il registro contiene la voce",
                "the receipt is valid: the log holds the entry",
            )?;
            session.data(&[description(&receipt)?])?;
            Ok(ExitCode::Ok)
        }
        Err(error) => {
            session.say(
                format!("la ricevuta non prova nulla: {error}"),
                format!("the receipt proves nothing: {error}"),
            )?;
            Ok(ExitCode::NegativeAnswer)
        }
    }
}

fn show(file: &Path, proof: bool, session: &mut Session<'_, '_>) -> Result<ExitCode, Failure> {
    let receipt = read_receipt(file)?;
    if proof {
        session.raw(&receipt.to_proof_text())?;
        return Ok(ExitCode::Ok);
    }
    session.say(
        "non verificata: usare receipt verify",
        "not verified: use receipt verify",
    )?;
    session.data(&[description(&receipt)?])?;
    Ok(ExitCode::Ok)
}

pub(super) fn fsck(arguments: &FsckArguments, session: &mut Session<'_, '_>) -> Result<ExitCode, Failure> {
    let FsckArguments {
        directory,
        log_key,
        checkpoint_copy,
        known,
    } = arguments;
    let verifier = log_verifier(log_key)?;
    let log = SystemFiles::open_for_reading(directory).map_err(|error| Failure::file(directory, &error))?;
    let copy = match checkpoint_copy {
        Some(path) => Some(SystemFiles::open_for_reading(path).map_err(|error| Failure::file(path, &error))?),
        None => None,
    };
    let mut witnessed = Vec::with_capacity(known.len());
    for path in known {
        let checkpoint = verifier
            .verify(&read_checkpoint(path)?)
            .map_err(|error| Failure::file(path, &error))?;
        witnessed.push(checkpoint.into_checkpoint());
    }
    let copy: Option<&dyn store::files::Files> = match &copy {
        Some(copy) => Some(copy),
        None => None,
    };
    match store::fsck::fsck(&log, copy, &verifier, witnessed) {
        Ok(report) => {
            session.say("registro integro", "the log is whole")?;
            let FsckReport {
                entries,
                root,
                frames,
                bytes,
                checkpoints,
                torn,
            } = report;
            session.data(&[RecordBuilder::new()
                .with("entries", entries)
                .with("root", root.to_string())
                .with("frames", frames)
                .with("bytes", bytes)
                .with("checkpoints", checkpoints)
                .with("incomplete_last_frame", torn.is_some())
                .build()])?;
            Ok(ExitCode::Ok)
        }
        Err(error) => {
            let chain = transport::causes::chain(&error);
            session.say(
                format!("registro alterato o danneggiato: {chain}"),
                format!("the log was changed or damaged: {chain}"),
            )?;
            Ok(ExitCode::NegativeAnswer)
        }
    }
}

/// Reads a signed checkpoint from a file.
pub(super) fn read_checkpoint(path: &Path) -> Result<SignedCheckpoint, Failure> {
    let text = std::fs::read_to_string(path).map_err(|error| Failure::file(path, &error))?;
    SignedCheckpoint::parse(&text).map_err(|error| Failure::file(path, &error))
}

fn description(receipt: &Receipt) -> Result<Datum, Failure> {
    let Receipt {
        header,
        index,
        path: _,
        checkpoint,
    } = receipt;
    let malformed = || Failure::usage("la ricevuta non è leggibile", "the receipt cannot be read");
    let header = Header::decode(header).map_err(|error| malformed().because(&error))?;
    let checkpoint = SignedCheckpoint::parse(checkpoint).map_err(|error| malformed().because(&error))?;
    let mut record = header_record(*index, &header);
    record.push((
        "checkpoint_size".to_owned(),
        Datum::Number(checkpoint.checkpoint().size),
    ));
    Ok(Datum::Record(record))
}

fn read_receipt(path: &Path) -> Result<Receipt, Failure> {
    let length = std::fs::metadata(path)
        .map_err(|error| Failure::file(path, &error))?
        .len();
    if LARGEST_RECEIPT < length {
        return Err(Failure::usage(
            "il file non è una ricevuta",
            "the file is no receipt",
        ));
    }
    let bytes = std::fs::read(path).map_err(|error| Failure::file(path, &error))?;
    if let Some(text) = std::str::from_utf8(&bytes)
        .ok()
        .filter(|text| text.starts_with("c2sp.org/tlog-proof"))
    {
        return Receipt::from_proof_text(text).map_err(|error| Failure::file(path, &error));
    }
    Receipt::decode(&bytes).map_err(|error| Failure::file(path, &error))
}

/// A key given in full, or a file that holds it: verifier keys always hold plus signs, and file names rarely.
fn log_verifier(text: &str) -> Result<LogVerifier, Failure> {
    let path = Path::new(text);
    if path.is_file() {
        let text = std::fs::read_to_string(path).map_err(|error| Failure::file(path, &error))?;
        return parse_log_key(&text);
    }
    parse_log_key(text)
}
