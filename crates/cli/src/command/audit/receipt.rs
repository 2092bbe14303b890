//! Receipts: verified offline with a key or a policy, shown, and made witnessed ones.

mod waiting;

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use agreement::reason::{ExitCode, Reason};
use clap::{Args, Subcommand, ValueEnum};
use client::error::{ClientError, EvidenceFault};
use client::witness::{Upgrade, WitnessClient};
use ledger::checkpoint::SignedCheckpoint;
use ledger::header::Header;
use ledger::policy::{JudgedCheckpoint, Policy, PolicyWarning, Standing};
use ledger::receipt::{Receipt, ReceiptError};

use super::entry::header_record;
use super::offline::log_verifier;
use crate::call;
use crate::datum::{Datum, RecordBuilder};
use crate::failure::Failure;
use crate::profile::{ConnectionSettings, ProfileChoice, read_policy, required};
use crate::session::Session;

/// What to do with a receipt.
#[derive(Debug, Subcommand)]
pub enum ReceiptCommand {
    /// Prove that the log holds the entry, and say whether it is signed or witnessed; exit 1 when it proves nothing
    Verify(VerifyArguments),
    /// Show what a receipt says, without proving it
    Show {
        /// Receipt
        file: PathBuf,
        /// Print it as C2SP tlog-proof text, for other tools
        #[arg(long)]
        proof: bool,
    },
    /// Fetch a witnessed checkpoint that continues the receipt's own, and rewrite the receipt with it
    Upgrade(Box<UpgradeArguments>),
}

/// Arguments of `ponte audit receipt verify`.
#[derive(Args, Debug)]
pub struct VerifyArguments {
    /// Receipt, as saved by --receipt, or C2SP tlog-proof text
    pub file: PathBuf,
    /// Whom to trust.
    #[command(flatten)]
    pub trust: TrustArguments,
    /// What the receipt must be, so that it is no failure
    #[arg(long, value_enum, default_value_t = Demand::Signed)]
    pub require: Demand,
}

/// Whom a verifier trusts: a log alone, or logs and witnesses.
#[derive(Args, Debug)]
#[group(required = true, multiple = false)]
pub struct TrustArguments {
    /// Verifier key of the log, or a file that holds it
    #[arg(long, value_name = "KEY")]
    pub log_key: Option<String>,
    /// Policy file: logs, witnesses and quorum, C2SP tlog-policy
    #[arg(long, value_name = "FILE")]
    pub policy: Option<PathBuf>,
}

/// Arguments of `ponte audit receipt upgrade`.
#[derive(Args, Debug)]
pub struct UpgradeArguments {
    /// Receipt; it is replaced by the witnessed one
    pub file: PathBuf,
    /// Go on trying for so many minutes, and exit 1 if it is not witnessed then; without it, try once
    #[arg(long, value_name = "MINUTES")]
    pub within: Option<u64>,
    /// Which profile.
    #[command(flatten)]
    pub choice: ProfileChoice,
    /// Where the index is and who calls.
    #[command(flatten)]
    pub connection: ConnectionSettings,
}

/// What a receipt must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Demand {
    /// Signed by the log, whoever else has seen it.
    Signed,
    /// Cosigned by the quorum of the policy.
    Witnessed,
}

/// In which form a receipt lies in its file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Bytes,
    ProofText,
}

/// The largest receipt file read: far above any receipt.
const LARGEST_RECEIPT: u64 = 1 << 20;

pub(super) fn run(command: ReceiptCommand, session: &mut Session<'_, '_>) -> Result<ExitCode, Failure> {
    match command {
        ReceiptCommand::Verify(arguments) => verify(&arguments, session),
        ReceiptCommand::Show { file, proof } => show(&file, proof, session),
        ReceiptCommand::Upgrade(arguments) => upgrade(&arguments, session),
    }
}

/// Shows a policy and what it leaves open; exit 1 when it leaves anything open.
pub(super) fn policy(file: &Path, session: &mut Session<'_, '_>) -> Result<ExitCode, Failure> {
    let policy = read_policy(file)?;
    let warnings = warn(&policy, session)?;
    let logs = policy
        .logs()
        .iter()
        .map(|log| ("log", log.origin().as_str(), log.to_string()));
    let witnesses = policy.witnesses().iter();
    let witnesses = witnesses.map(|witness| ("witness", witness.name.as_str(), witness.key.to_string()));
    let rows: Vec<Datum> = logs
        .chain(witnesses)
        .map(|(kind, name, key)| {
            RecordBuilder::new()
                .with("kind", kind)
                .with("name", name)
                .with("key", key)
                .build()
        })
        .collect();
    session.data(&rows)?;
    Ok(if warnings == 0 {
        ExitCode::Ok
    } else {
        ExitCode::NegativeAnswer
    })
}

fn verify(arguments: &VerifyArguments, session: &mut Session<'_, '_>) -> Result<ExitCode, Failure> {
    let VerifyArguments { file, trust, require } = arguments;
    let policy = trust.policy(session)?;
    let (receipt, _) = read_receipt(file)?;
    let judged = match receipt.verify_under(&policy) {
        Ok((_, judged)) => judged,
        Err(error) => return proves_nothing(&error, session),
    };
    match judged.standing() {
        Standing::Signed => session.say(
            "ricevuta valida, firmata dal registro (signed): il registro contiene la voce",
            "the receipt is valid, and signed: the log holds the entry",
        )?,
        Standing::Witnessed => session.say(
            "ricevuta valida, confermata dai testimoni (witnessed): il registro contiene la voce",
            "the receipt is valid, and witnessed: the log holds the entry, and it only grew",
        )?,
    }
    session.data(&[verified(&receipt, &judged)?])?;
    Ok(match (require, judged.standing()) {
        (Demand::Witnessed, Standing::Signed) => ExitCode::NegativeAnswer,
        (Demand::Signed, _) | (Demand::Witnessed, Standing::Witnessed) => ExitCode::Ok,
    })
}

fn proves_nothing(error: &ReceiptError, session: &mut Session<'_, '_>) -> Result<ExitCode, Failure> {
    session.say(
        format!("la ricevuta non prova nulla: {error}"),
        format!("the receipt proves nothing: {error}"),
    )?;
    Ok(ExitCode::NegativeAnswer)
}

fn show(file: &Path, proof: bool, session: &mut Session<'_, '_>) -> Result<ExitCode, Failure> {
    let (receipt, _) = read_receipt(file)?;
    if proof {
        session.raw(&receipt.to_proof_text())?;
        return Ok(ExitCode::Ok);
    }
    session.say(
        "non verificata: usare receipt verify",
        "not verified: use receipt verify",
    )?;
    session.data(&[Datum::Record(description(&receipt)?)])?;
    Ok(ExitCode::Ok)
}

fn upgrade(arguments: &UpgradeArguments, session: &mut Session<'_, '_>) -> Result<ExitCode, Failure> {
    let UpgradeArguments {
        file,
        within,
        choice,
        connection,
    } = arguments;
    let environment = &session.surroundings.environment;
    let connection = connection.resolve(&choice.load(environment)?, environment)?;
    let policy_file = required(connection.policy.clone(), "policy")?;
    let policy = read_policy(&policy_file)?;
    warn(&policy, session)?;
    let (receipt, form) = read_receipt(file)?;
    let own = match receipt.verify_under(&policy) {
        Ok((own, judged)) if judged.standing() == Standing::Signed => own,
        Ok((_, judged)) => {
            session.say(
                "la ricevuta è già confermata dai testimoni",
                "the receipt is witnessed already",
            )?;
            session.data(&[verified(&receipt, &judged)?])?;
            return Ok(ExitCode::Ok);
        }
        Err(error) => return proves_nothing(&error, session),
    };
    session.block_on(async |session| {
        // What comes is verified under the policy, which knows the log's key itself.
        let connection = ConnectionSettings {
            receipts: Some("keep".to_owned()),
            ..connection
        };
        let client = WitnessClient::new(connection.connect(session)?);
        if let Some(minutes) = within {
            let waiting = waiting::Waiting::new(file, receipt, form, policy, *minutes, session)?;
            return waiting.run(&client, session).await;
        }
        let fetched = client.receipt_upgrade(receipt.index, own.checkpoint().size).await;
        let Upgrade {
            checkpoint,
            inclusion,
            consistency,
        } = fetched.map_err(|error| not_fetched(&error))?;
        let upgraded = match receipt.upgraded(&policy, &checkpoint, inclusion, &consistency) {
            Ok(upgraded) => upgraded,
            Err(ReceiptError::NotWitnessed) => return Err(not_witnessed()),
            Err(error) => return contradicted(file, &checkpoint, &error, session),
        };
        witnessed(file, form, &upgraded, &policy, session)
    })
}

/// Replaces a receipt by the witnessed one.
fn witnessed(
    file: &Path,
    form: Form,
    upgraded: &Receipt,
    policy: &Policy,
    session: &mut Session<'_, '_>,
) -> Result<ExitCode, Failure> {
    let bytes = match form {
        Form::Bytes => upgraded.encode().map_err(|error| Failure::internal(&error))?,
        Form::ProofText => upgraded.to_proof_text().into_bytes(),
    };
    replace(file, &bytes).map_err(|error| Failure::file(file, &error))?;
    session.say(
        "ricevuta confermata dai testimoni (witnessed)",
        "the receipt is witnessed now",
    )?;
    let (_, judged) = upgraded
        .verify_under(policy)
        .map_err(|error| Failure::internal(&error))?;
    session.data(&[verified(upgraded, &judged)?])?;
    Ok(ExitCode::Ok)
}

fn not_fetched(error: &ClientError) -> Failure {
    match error {
        ClientError::Refused(refusal) if refusal.reason == Some(Reason::LogRange) => Failure::new(
            ExitCode::NegativeAnswer,
            "il registro è più piccolo di quanto attesta la ricevuta: ne manca una parte",
            "the log is smaller than the receipt proves it was: a part of it is gone",
        )
        .remedy(
            "conservare la ricevuta e segnalarlo all'autorità di controllo",
            "keep the receipt and tell the supervisory authority",
        ),
        _ => call::unanswered(error),
    }
}

fn not_witnessed() -> Failure {
    Failure::new(
        ExitCode::Unavailable,
        "il checkpoint non è ancora confermato dai testimoni della policy; la ricevuta resta com'è",
        "the checkpoint is not witnessed by the quorum of the policy yet; the receipt stays as it is",
    )
    .remedy("riprovare più tardi", "try again later")
}

/// What the index shows and what the receipt proves are two histories: both stay, as evidence.
fn contradicted(
    file: &Path,
    checkpoint: &SignedCheckpoint,
    error: &ReceiptError,
    session: &mut Session<'_, '_>,
) -> Result<ExitCode, Failure> {
    let error = ClientError::from(EvidenceFault::from(error.clone()));
    accuse(
        file,
        &checkpoint.to_text(),
        &transport::causes::chain(&error),
        session,
    )
}

/// Keeps the other head beside the receipt.
fn accuse(file: &Path, shown: &str, error: &str, session: &mut Session<'_, '_>) -> Result<ExitCode, Failure> {
    let evidence = beside(file, ".conflict");
    fs::write(&evidence, shown).map_err(|error| Failure::file(&evidence, &error))?;
    let evidence = evidence.display();
    session.say(
        format!("il registro mostrato ora non continua quello della ricevuta: {error}; prova in {evidence}"),
        format!(
            "the log that is shown now does not continue that of the receipt: {error}; evidence in {evidence}"
        ),
    )?;
    Ok(ExitCode::NegativeAnswer)
}

impl TrustArguments {
    /// The policy, with its warnings told.
    fn policy(&self, session: &mut Session<'_, '_>) -> Result<Policy, Failure> {
        let Self { log_key, policy } = self;
        match (policy, log_key) {
            (Some(file), _) => {
                let policy = read_policy(file)?;
                warn(&policy, session)?;
                Ok(policy)
            }
            (None, Some(key)) => Ok(Policy::of_log(log_verifier(key)?)),
            (None, None) => Err(Failure::usage(
                "manca --log-key o --policy",
                "--log-key or --policy is missing",
            )),
        }
    }
}

/// Tells what a policy leaves open. Says how much.
fn warn(policy: &Policy, session: &mut Session<'_, '_>) -> Result<usize, Failure> {
    let warnings = policy.lint();
    for warning in &warnings {
        let italian = match warning {
            PolicyWarning::NoQuorum => "il quorum è none: nessuno oltre al registro ne risponde".to_owned(),
            PolicyWarning::NobodyOutside => {
                "nessun gruppo outside nomina un testimone esterno all'amministrazione della regione"
                    .to_owned()
            }
            PolicyWarning::OutsideNotDemanded => {
                "il quorum si raggiunge anche senza testimoni del gruppo outside".to_owned()
            }
            PolicyWarning::LogAsWitness(name) => {
                format!("il testimone {name} ha la chiave di un registro: risponde di sé stesso")
            }
            PolicyWarning::OutsideBearsLogDomain(name) => {
                format!("il testimone {name} del gruppo outside porta il dominio di un registro")
            }
        };
        session.say(format!("avviso: {italian}"), format!("warning: {warning}"))?;
    }
    Ok(warnings.len())
}

fn verified(receipt: &Receipt, judged: &JudgedCheckpoint) -> Result<Datum, Failure> {
    let mut record = description(receipt)?;
    let cosigned: Vec<&str> = judged.cosigned().iter().map(|(name, _)| name.as_str()).collect();
    record.push(("standing".to_owned(), judged.standing().name().into()));
    record.push(("witnesses".to_owned(), cosigned.join(" ").into()));
    Ok(Datum::Record(record))
}

fn description(receipt: &Receipt) -> Result<Vec<(String, Datum)>, Failure> {
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
    Ok(record)
}

pub(super) fn read_receipt(path: &Path) -> Result<(Receipt, Form), Failure> {
    let length = fs::metadata(path)
        .map_err(|error| Failure::file(path, &error))?
        .len();
    if LARGEST_RECEIPT < length {
        return Err(Failure::usage(
            "il file non è una ricevuta",
            "the file is no receipt",
        ));
    }
    let bytes = fs::read(path).map_err(|error| Failure::file(path, &error))?;
    if let Some(text) = std::str::from_utf8(&bytes)
        .ok()
        .filter(|text| text.starts_with("c2sp.org/tlog-proof"))
    {
        let receipt = Receipt::from_proof_text(text).map_err(|error| Failure::file(path, &error))?;
        return Ok((receipt, Form::ProofText));
    }
    let receipt = Receipt::decode(&bytes).map_err(|error| Failure::file(path, &error))?;
    Ok((receipt, Form::Bytes))
}

/// Replaces a file: after a crash the old or the new content is there, never a mixture.
fn replace(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let temporary = beside(path, ".new");
    let mut file = File::create(&temporary)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&temporary, path)?;
    let directory = path.parent().filter(|parent| *parent != Path::new(""));
    File::open(directory.unwrap_or_else(|| Path::new(".")))?.sync_all()
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name: OsString = path.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}
