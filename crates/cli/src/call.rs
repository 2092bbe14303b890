//! What every consultation has in common: the caller, the ground, whom it is about, and the receipt.

use std::path::{Path, PathBuf};

use agreement::ascertainment::Ascertainment;
use agreement::context::AccessContext;
use agreement::domain::DomainKind;
use agreement::field::FieldSet;
use chrono::{DateTime, NaiveDate, Utc};
use clap::Args;
use client::agency::{AgencyClient, PersonKey};
use client::error::ClientError;
use client::page::{Page, PageRequest};
use client::receipt::{AccessProof, ReceiptForm};
use registry::codice_fiscale::TaxCode;
use registry::identifier::{IstatCode, NationalId};

use crate::failure::Failure;
use crate::profile::{ConnectionSettings, ContextSettings, ProfileChoice};
use crate::session::Session;

/// Arguments of every consultation.
#[derive(Args, Clone, Debug)]
pub struct CallArguments {
    /// Which profile.
    #[command(flatten)]
    pub choice: ProfileChoice,
    /// Where the index is and who calls.
    #[command(flatten)]
    pub connection: ConnectionSettings,
    /// On what ground.
    #[command(flatten)]
    pub context: ContextSettings,
    /// Day at which the answer must be true; today without it
    #[arg(long, value_name = "DATE", help_heading = "Ground of the call")]
    pub reference_date: Option<NaiveDate>,
    /// Instant as of which the answer must have been known, such as 2026-11-25T08:00:00Z; now without it
    #[arg(long, value_name = "INSTANT", help_heading = "Ground of the call")]
    pub known_on: Option<DateTime<Utc>>,
    /// Wait, as long as the deadline allows, for data confirmed at this instant or later, such as 2026-03-02T08:00:00Z
    #[arg(long, value_name = "INSTANT", help_heading = "Ground of the call")]
    pub min_fresh_since: Option<DateTime<Utc>>,
    /// Id of the call, a UUID; a new one without it
    #[arg(long, value_name = "UUID", help_heading = "Ground of the call")]
    pub request_id: Option<uuid::Uuid>,
    /// File to which the full receipt is written; never overwritten
    #[arg(long, value_name = "FILE")]
    pub receipt: Option<PathBuf>,
}

/// Whom a consultation is about.
#[derive(Args, Clone, Debug)]
pub struct SubjectArguments {
    /// Codice fiscale, current or past
    #[arg(required_unless_present = "national_id", conflicts_with = "national_id")]
    pub codice_fiscale: Option<String>,
    /// National id (idANPR)
    #[arg(long, value_name = "ID")]
    pub national_id: Option<String>,
    /// Limit the question to a municipality, by ISTAT code
    #[arg(long, value_name = "ISTAT")]
    pub municipality: Option<String>,
}

/// Whom a consultation is about, read.
#[derive(Debug)]
pub struct Subject {
    /// The identifier.
    pub key: PersonKey,
    /// The municipality to which the question is limited.
    pub municipality: Option<IstatCode>,
}

/// A call ready to be made.
#[derive(Debug)]
pub struct Call {
    /// The client.
    pub agency: AgencyClient,
    /// The ground.
    pub context: AccessContext,
    receipt: Option<PathBuf>,
}

impl CallArguments {
    /// Resolves flags, environment and profile. Must run inside the runtime.
    pub fn prepare(&self, session: &Session<'_, '_>) -> Result<Call, Failure> {
        let Self {
            choice,
            connection,
            context,
            reference_date,
            known_on,
            min_fresh_since,
            request_id,
            receipt,
        } = self;
        let environment = &session.surroundings.environment;
        let profile = choice.load(environment)?;
        if let Some(path) = receipt.as_ref().filter(|path| path.exists()) {
            return Err(exists(path));
        }
        let agency = AgencyClient::new(connection.resolve(&profile, environment)?.connect(session)?);
        let request_id = request_id.unwrap_or_else(|| agency.new_request_id());
        let context =
            context
                .resolve(&profile, environment)?
                .access_context(*reference_date, *known_on, request_id)?;
        let context = AccessContext {
            min_fresh_since: *min_fresh_since,
            ..context
        };
        Ok(Call {
            agency,
            context,
            receipt: receipt.clone(),
        })
    }
}

impl SubjectArguments {
    /// Reads the identifier; a codice fiscale that is formally wrong never leaves the machine.
    pub fn read(&self) -> Result<Subject, Failure> {
        let Self {
            codice_fiscale,
            national_id,
            municipality,
        } = self;
        let key = match (codice_fiscale, national_id) {
            (Some(code), _) => PersonKey::TaxCode(tax_code(code)?),
            (None, Some(id)) => PersonKey::NationalId(NationalId::parse(id).map_err(|error| {
                Failure::usage(
                    "l'identificativo nazionale non è valido",
                    "the national id is not valid",
                )
                .because(&error)
            })?),
            (None, None) => {
                return Err(Failure::usage(
                    "manca il codice fiscale",
                    "the codice fiscale is missing",
                ));
            }
        };
        Ok(Subject {
            key,
            municipality: municipality.as_deref().map(istat).transpose()?,
        })
    }
}

impl Call {
    /// Says where the access stands in the log, and keeps its full receipt where one was asked for.
    pub fn settle(&self, proof: &AccessProof, session: &mut Session<'_, '_>) -> Result<(), Failure> {
        say_synthetic(&self.agency, session)?;
        let index = proof.index();
        let standing = match proof {
            AccessProof::Proved(_) => session.language.pick("ricevuta verificata", "receipt verified"),
            AccessProof::Kept(_) => session
                .language
                .pick("ricevuta non verificata", "receipt not verified"),
            AccessProof::Claimed(_) => session.language.pick("ricevuta breve", "short receipt"),
        };
        session.say(
            format!(
                "registrato alla voce {index} ({standing}); richiesta {}",
                self.context.request_id
            ),
            format!(
                "logged as entry {index} ({standing}); request {}",
                self.context.request_id
            ),
        )?;
        let (Some(path), Some(receipt)) = (&self.receipt, proof.receipt()) else {
            return Ok(());
        };
        let bytes = receipt.encode().map_err(|error| Failure::internal(&error))?;
        write_new(path, &bytes)?;
        if self.agency.upgrades().is_none() {
            return Ok(());
        }
        // The command ends before anybody has cosigned what it was shown.
        let path = path.display();
        session.say(
            format!("da confermare entro un'ora: ponte audit receipt upgrade {path} --within 60"),
            format!("to be witnessed within the hour: ponte audit receipt upgrade {path} --within 60"),
        )
    }
}

/// Says of a trust domain of tests that its data are nobody's.
pub fn say_synthetic(agency: &AgencyClient, session: &mut Session<'_, '_>) -> Result<(), Failure> {
    match agency.domain() {
        DomainKind::Production => Ok(()),
        DomainKind::Test => session.say(
            "dati sintetici: dominio di fiducia di prova",
            "synthetic data: trust domain of tests",
        ),
    }
}

/// Every element of a list that comes in pages; `ask` asks for one of them.
pub async fn all_pages<T>(
    mut ask: impl AsyncFnMut(&PageRequest) -> Result<Page<T>, ClientError>,
) -> Result<Vec<T>, Failure> {
    let mut request = PageRequest::default();
    let mut found = Vec::new();
    loop {
        let Page { items, next } = ask(&request).await.map_err(|error| unanswered(&error))?;
        found.extend(items);
        match next {
            Some(next) => request.after = Some(next),
            None => return Ok(found),
        }
    }
}

/// Which receipt is asked for: always the full one, since a person may want to keep it.
pub const RECEIPT: ReceiptForm = ReceiptForm::Full;

/// Reads a codice fiscale.
pub fn tax_code(text: &str) -> Result<TaxCode, Failure> {
    TaxCode::parse(text).map_err(|error| {
        Failure::usage(
            "il codice fiscale è formalmente errato",
            "the codice fiscale is formally wrong",
        )
        .because(&error)
    })
}

/// Reads an ISTAT code of a municipality.
pub fn istat(text: &str) -> Result<IstatCode, Failure> {
    IstatCode::parse(text)
        .map_err(|error| Failure::usage("codice ISTAT non valido", "not an ISTAT code").because(&error))
}

/// Reads names of fields.
pub fn field_set(names: &[String]) -> Result<FieldSet, Failure> {
    FieldSet::from_names(names.iter().map(String::as_str))
        .map_err(|error| Failure::usage("campo sconosciuto", "unknown field").because(&error))
}

/// Reads the name of a kind of ascertainment.
pub fn ascertainment(name: &str) -> Result<Ascertainment, Failure> {
    Ascertainment::from_name(name).ok_or_else(|| {
        let known = Ascertainment::ALL.map(Ascertainment::name).join(", ");
        Failure::usage(
            format!("accertamento sconosciuto; esistono: {known}"),
            format!("the kind of ascertainment is unknown; there are: {known}"),
        )
    })
}

/// What the person is told of a call that got no answer.
pub fn unanswered(error: &ClientError) -> Failure {
    let text = match error {
        ClientError::Refused(refusal) => {
            let italian = format!("{} ({})", refusal.italian(), refusal.name);
            return Failure::new(error.exit_code(), italian, refusal_english(error, refusal));
        }
        ClientError::Setup(_)
        | ClientError::Unreachable { .. }
        | ClientError::Deadline(_)
        | ClientError::Answer(_)
        | ClientError::Evidence(_)
        | ClientError::ReceiptMismatch(_) => error.english(),
    };
    Failure::new(error.exit_code(), error.italian(), text)
}

fn refusal_english(error: &ClientError, refusal: &client::error::Refusal) -> String {
    let violations: Vec<_> = refusal
        .violations
        .iter()
        .map(|violation| format!("; {}: {}", violation.field, violation.rule))
        .collect();
    let clause = refusal
        .clause
        .as_ref()
        .map(|clause| match &refusal.requirement {
            Some(requirement) => format!("; clause {clause}: {requirement}"),
            None => format!("; clause {clause}"),
        })
        .unwrap_or_default();
    let quota = refusal
        .quota
        .as_ref()
        .map(|quota| format!("; {quota}"))
        .unwrap_or_default();
    let entry = refusal
        .receipt
        .as_ref()
        .map(|claim| format!("; entry {}", claim.receipt.index()))
        .unwrap_or_default();
    format!(
        "{} ({}){}{clause}{quota}{entry}",
        error.english(),
        refusal.name,
        violations.concat()
    )
}

/// Writes a new file; an old one is never overwritten.
pub fn write_new(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    write_with_mode(path, bytes, 0o666)
}

/// Writes a new file that its owner alone can read; an old one is never overwritten.
pub fn write_new_private(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    write_with_mode(path, bytes, 0o600)
}

/// `mode` is what the process's mask leaves of it.
fn write_with_mode(path: &Path, bytes: &[u8], mode: u32) -> Result<(), Failure> {
    use std::io::Write as _;
    use std::os::unix::fs::OpenOptionsExt as _;
    let mut options = std::fs::OpenOptions::new();
    let opened = options.write(true).create_new(true).mode(mode).open(path);
    let mut file = match opened {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => return Err(exists(path)),
        Err(error) => return Err(Failure::file(path, &error)),
    };
    file.write_all(bytes)
        .and_then(|()| file.sync_all())
        .map_err(|error| Failure::file(path, &error))
}

/// A file is in the way.
pub fn exists(path: &Path) -> Failure {
    Failure::new(
        agreement::reason::ExitCode::Conflict,
        format!("{} esiste già e non viene sovrascritto", path.display()),
        format!("{} exists already and is not overwritten", path.display()),
    )
}
