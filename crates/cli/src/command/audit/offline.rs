//! What needs no index: directories of the log and exports of it, checked with nothing but the log's public key.

use std::path::{Path, PathBuf};

use agreement::reason::ExitCode;
use clap::Args;
use ledger::checkpoint::{LogVerifier, SignedCheckpoint};
use store::files::system::SystemFiles;
use store::fsck::FsckReport;

use crate::datum::RecordBuilder;
use crate::failure::Failure;
use crate::profile::parse_log_key;
use crate::session::Session;

use super::receipt::read_receipt;

/// Arguments of `ponte audit fsck`.
#[derive(Args, Debug)]
pub struct FsckArguments {
    /// Directory of the log's segments, or of an export, which is told by its manifest
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

pub(super) fn fsck(arguments: &FsckArguments, session: &mut Session<'_, '_>) -> Result<ExitCode, Failure> {
    let FsckArguments {
        directory,
        log_key,
        checkpoint_copy,
        known,
    } = arguments;
    let verifier = log_verifier(log_key)?;
    if directory.join(crate::export::MANIFEST).is_file() {
        if checkpoint_copy.is_some() || !known.is_empty() {
            return Err(Failure::usage(
                "di un'esportazione non si usano --checkpoint-copy e --known: ha i propri checkpoint",
                "of an export --checkpoint-copy and --known are not used: it has its own checkpoints",
            ));
        }
        return super::export::conclude(directory, &verifier, session);
    }
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

/// Reads a signed checkpoint from its own file or from that of a receipt.
pub(super) fn head_of_file(path: &Path) -> Result<SignedCheckpoint, Failure> {
    match read_receipt(path) {
        Ok((receipt, _)) => {
            SignedCheckpoint::parse(&receipt.checkpoint).map_err(|error| Failure::file(path, &error))
        }
        Err(_) => read_checkpoint(path),
    }
}

/// A key given in full, or a file that holds it: verifier keys always hold plus signs, and file names rarely.
pub(super) fn log_verifier(text: &str) -> Result<LogVerifier, Failure> {
    let path = Path::new(text);
    if path.is_file() {
        let text = std::fs::read_to_string(path).map_err(|error| Failure::file(path, &error))?;
        return parse_log_key(&text);
    }
    parse_log_key(text)
}
