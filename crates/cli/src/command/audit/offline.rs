//! What needs no index: directories of the log and exports of it, checked with nothing but the log's public key.

use std::path::{Path, PathBuf};

use agreement::reason::ExitCode;
use clap::Args;
use ledger::checkpoint::{LogVerifier, SignedCheckpoint};
use store::files::Files;
use store::files::system::SystemFiles;
use store::fsck::{CosignedReport, Fsck, FsckReport, holds_cosigned};

use crate::datum::{Datum, RecordBuilder};
use crate::failure::Failure;
use crate::profile::{parse_log_key, read_policy};
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
    /// Directory of the cosigned checkpoints; without it they are looked for in the log's directory, and in cosignatures
    /// beside it
    #[arg(long, value_name = "DIRECTORY")]
    pub cosignatures: Option<PathBuf>,
    /// Policy file with the keys of witnesses, C2SP tlog-policy; without it their cosignatures are not checked
    #[arg(long, value_name = "FILE")]
    pub policy: Option<PathBuf>,
}

pub(super) fn fsck(arguments: &FsckArguments, session: &mut Session<'_, '_>) -> Result<ExitCode, Failure> {
    let FsckArguments {
        directory,
        log_key,
        checkpoint_copy,
        known,
        cosignatures,
        policy,
    } = arguments;
    let verifier = log_verifier(log_key)?;
    if directory.join(crate::export::MANIFEST).is_file() {
        if checkpoint_copy.is_some() || !known.is_empty() || cosignatures.is_some() || policy.is_some() {
            return Err(Failure::usage(
                "di un'esportazione non si usano --checkpoint-copy, --known, --cosignatures e --policy: ha i propri checkpoint",
                "of an export --checkpoint-copy, --known, --cosignatures and --policy are not used: it has its own checkpoints",
            ));
        }
        return super::export::conclude(directory, &verifier, session);
    }
    let log = open(directory)?;
    let copy = checkpoint_copy.as_deref().map(open).transpose()?;
    let cosignatures = match cosignatures {
        Some(path) => Some(open(path)?),
        None => found_cosignatures(directory, &log)?,
    };
    let policy = policy.as_deref().map(read_policy).transpose()?;
    let heads = known.iter().map(|path| {
        let checkpoint = verifier
            .verify(&read_checkpoint(path)?)
            .map_err(|error| Failure::file(path, &error))?;
        Ok(checkpoint.into_checkpoint())
    });
    let known = heads.collect::<Result<_, Failure>>()?;
    let check = Fsck {
        log: &log,
        verifier: &verifier,
        copy: copy.as_ref().map(|files| files as &dyn Files),
        known,
        cosignatures: cosignatures.as_ref().map(|files| files as &dyn Files),
        policy: policy.as_ref(),
    };
    match check.run() {
        Ok(report) => {
            session.say("registro integro", "the log is whole")?;
            say_cosigned(report.cosigned.as_ref(), policy.is_some(), session)?;
            session.data(&[whole(&report)])?;
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

fn open(directory: &Path) -> Result<SystemFiles, Failure> {
    SystemFiles::open_for_reading(directory).map_err(|error| Failure::file(directory, &error))
}

/// The cosigned checkpoints of a log, where they are usually found: as in an export, or as in an index's directory.
fn found_cosignatures(directory: &Path, log: &SystemFiles) -> Result<Option<SystemFiles>, Failure> {
    if holds_cosigned(log).map_err(|error| Failure::file(directory, &error))? {
        return open(directory).map(Some);
    }
    let canonical = directory
        .canonicalize()
        .map_err(|error| Failure::file(directory, &error))?;
    let beside = canonical.with_file_name("cosignatures");
    if beside.is_dir() {
        open(&beside).map(Some)
    } else {
        Ok(None)
    }
}

/// Says what of the cosignatures was checked, and what was not.
fn say_cosigned(
    cosigned: Option<&CosignedReport>,
    keys: bool,
    session: &mut Session<'_, '_>,
) -> Result<(), Failure> {
    let Some(cosigned) = cosigned else {
        return session.say(
            "nessun checkpoint cofirmato: cofirme non verificate",
            "there are no cosigned checkpoints: no cosignature was checked",
        );
    };
    let CosignedReport {
        checkpoints,
        verified,
        unchecked,
        strangers,
        witnessed: _,
    } = cosigned;
    session.say(
        format!("{checkpoints} checkpoint cofirmati, tutti del registro e uguali alle sue voci"),
        format!("{checkpoints} cosigned checkpoints, all signed by the log and all equal to its entries"),
    )?;
    let strangers: Vec<&str> = strangers.iter().map(String::as_str).collect();
    let strangers = strangers.join(", ");
    match (keys, unchecked) {
        (false, _) => session.say(
            "le firme dei testimoni non sono state verificate: mancano le loro chiavi (--policy)",
            "the signatures of witnesses were not checked: their keys were not given (--policy)",
        ),
        (true, 0) => session.say(
            format!("{verified} cofirme verificate"),
            format!("{verified} cosignatures verified"),
        ),
        (true, _) => session.say(
            format!("{verified} cofirme verificate; {unchecked} no, perché la policy non ha la chiave di: {strangers}"),
            format!(
                "{verified} cosignatures verified; {unchecked} not, because the policy has no key of: {strangers}"
            ),
        ),
    }
}

fn whole(report: &FsckReport) -> Datum {
    let FsckReport {
        entries,
        root,
        frames,
        bytes,
        checkpoints,
        torn,
        cosigned,
    } = report;
    let record = RecordBuilder::new()
        .with("entries", *entries)
        .with("root", root.to_string())
        .with("frames", *frames)
        .with("bytes", *bytes)
        .with("checkpoints", *checkpoints)
        .with("incomplete_last_frame", torn.is_some());
    let cosigned = cosigned.as_ref();
    record
        .with_some("cosigned_checkpoints", cosigned.map(|report| report.checkpoints))
        .with_some("cosignatures_verified", cosigned.map(|report| report.verified))
        .with_some("cosignatures_unchecked", cosigned.map(|report| report.unchecked))
        .with_some("witnessed_entries", cosigned.and_then(|report| report.witnessed))
        .build()
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
