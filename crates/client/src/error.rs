//! Why a call got no answer, sorted by whose business it is.

use std::fmt;
use std::time::Duration;

use agreement::denial::QuotaScope;
use agreement::reason::{ExitCode, GrpcCode, Reason};
use ledger::checkpoint::CheckpointError;
use ledger::receipt::ReceiptError;
use ledger::report::ReportError;
use ledger::tree::VerifyError;
use transport::causes::{HandshakeFault, chain, handshake_fault};
use transport::channel::ConnectError;
use transport::pki::files::PkiFileError;
use transport::tls::error::TlsError;
use wire::convert::Invalid;
use wire::status::{Failure, FailureReason, failure_of};

use crate::receipt::ShortClaim;

/// Why a call got no answer. No message holds personal data.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The caller's own configuration does not make a connection.
    #[error("the connection is not configured correctly")]
    Setup(#[from] SetupError),
    /// The index, or its door, refused the call.
    #[error(transparent)]
    Refused(Box<Refusal>),
    /// The index could not be reached, or the connection was lost.
    #[error("the index cannot be reached (gRPC code {code}{})", .fault.map(|fault| format!(": {fault}")).unwrap_or_default())]
    Unreachable {
        /// The gRPC code's number.
        code: i32,
        /// Which side did not accept the other's certificate, when that is why.
        fault: Option<HandshakeFault>,
    },
    /// The caller's own deadline passed; the access may have been logged.
    #[error("the deadline of {} ms passed", .0.as_millis())]
    Deadline(Duration),
    /// The answer is not what the contract says: a fault of the index, or of another version.
    #[error("the answer is malformed: {0}")]
    Answer(#[from] Invalid),
    /// The evidence with the answer proves nothing: the answer is withheld from the caller.
    #[error("the evidence with the answer proves nothing: {0}")]
    Evidence(#[from] EvidenceFault),
    /// The receipt is that of another call: the answer is withheld from the caller.
    #[error("the receipt belongs to another call: its {0} differs")]
    ReceiptMismatch(&'static str),
}

/// Why a connection cannot be configured.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// A certificate or key file.
    #[error(transparent)]
    File(#[from] PkiFileError),
    /// Certificates, key and trust anchors do not make a configuration.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The server's address.
    #[error(transparent)]
    Address(#[from] ConnectError),
    /// The log's key is that of a trust domain of tests and the connection one of production, or the other way round.
    #[error("the log's key and the trust domain belong to production and to tests: they do not go together")]
    OtherDomainsLog,
    /// The policy does not name the log's key.
    #[error("the policy does not name the key of the log")]
    PolicyOfOtherLog,
    /// Under the policy nothing is ever witnessed.
    #[error("the policy has no quorum that witnesses can meet: no receipt would ever be a witnessed one")]
    PolicyWithoutQuorum,
}

/// Why evidence proves nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EvidenceFault {
    /// The receipt.
    #[error(transparent)]
    Receipt(#[from] ReceiptError),
    /// The checkpoint.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// The proof.
    #[error(transparent)]
    Proof(#[from] VerifyError),
    /// The report about a person.
    #[error(transparent)]
    Report(#[from] ReportError),
    /// The evidence speaks of another log than the trusted one.
    #[error("it is about another log")]
    OtherLog,
    /// The evidence speaks of another entry or size than was asked for.
    #[error("it is about another {0} than was asked for")]
    OtherSubject(&'static str),
    /// The answer holds synthetic data though the trust domain is one of production, or the other way round.
    #[error("it holds synthetic data where those of production were asked for, or the other way round")]
    OtherDomain,
    /// A part of an entry is not the one that the header commits to.
    #[error("a part of an entry is not the one its header commits to")]
    Part,
}

/// What the index said when it refused a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The reason, when this version knows it.
    pub reason: Option<Reason>,
    /// Name of the reason as sent.
    pub name: String,
    /// Number of the gRPC code, 1 to 16.
    pub code: i32,
    /// Fields of the request that break a rule.
    pub violations: Vec<Violation>,
    /// Clause of the agreement that denied the call, when one did.
    pub clause: Option<String>,
    /// What would make the call pass the clause, in English, when the index says it.
    pub requirement: Option<String>,
    /// The quota that is used up, as the index describes it.
    pub quota: Option<String>,
    /// Whose calls that quota bounds.
    pub quota_scope: Option<QuotaScope>,
    /// Who refused: a call that the client refused was not sent, and made no entry.
    pub by: RefusedBy,
    /// How long to wait before the call may be made again.
    pub retry_after: Option<Duration>,
    /// Age of the oldest data in the agreement's territory, in minutes.
    pub oldest_age_minutes: Option<u32>,
    /// Whether the data were as fresh as the call demanded; nothing where it demanded nothing.
    pub fresh_enough: Option<bool>,
    /// The entry that the refused call made, when it made one.
    pub receipt: Option<ShortClaim>,
    italian: String,
}

/// Who refused a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefusedBy {
    /// The index or its door.
    Index,
    /// The client, because the index had said that the quota is used up until an instant that has not come.
    Client,
}

/// A field of the request that breaks a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Path of the field in the request.
    pub field: String,
    /// The rule, English.
    pub rule: String,
}

/// Whose business an error is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blame {
    /// The caller: its configuration, its request, or what its agreement grants.
    Caller,
    /// The connection, or the time: the call may be made again with the same request id.
    Circumstance,
    /// The index, which broke its contract. The evidence belongs in the hands of an auditor.
    Index,
}

impl ClientError {
    /// Whose business it is.
    pub fn blame(&self) -> Blame {
        match self {
            Self::Setup(_) => Blame::Caller,
            Self::Refused(refusal) => refusal.blame(),
            Self::Unreachable { .. } | Self::Deadline(_) => Blame::Circumstance,
            Self::Answer(_) | Self::Evidence(_) | Self::ReceiptMismatch(_) => Blame::Index,
        }
    }

    /// The reason of the table of errors, when there is one.
    pub fn reason(&self) -> Option<Reason> {
        match self {
            Self::Refused(refusal) => refusal.reason,
            Self::Unreachable { .. } => Some(Reason::Unavailable),
            Self::Deadline(_) => Some(Reason::DeadlineExceeded),
            Self::Setup(_) | Self::Answer(_) | Self::Evidence(_) | Self::ReceiptMismatch(_) => None,
        }
    }

    /// Exit code of a command that ends with this error.
    pub fn exit_code(&self) -> ExitCode {
        match self {
            Self::Setup(_) => ExitCode::Usage,
            Self::Refused(refusal) => refusal.exit_code(),
            Self::Unreachable { .. } | Self::Deadline(_) => ExitCode::Unavailable,
            Self::Answer(_) | Self::Evidence(_) | Self::ReceiptMismatch(_) => ExitCode::Internal,
        }
    }

    /// The refusal, when it is one.
    pub fn refusal(&self) -> Option<&Refusal> {
        match self {
            Self::Refused(refusal) => Some(refusal),
            Self::Setup(_)
            | Self::Unreachable { .. }
            | Self::Deadline(_)
            | Self::Answer(_)
            | Self::Evidence(_)
            | Self::ReceiptMismatch(_) => None,
        }
    }

    /// How long to wait before the call may be made again, when the index said so.
    pub fn retry_after(&self) -> Option<Duration> {
        self.refusal().and_then(|refusal| refusal.retry_after)
    }

    /// Whether the same call can succeed in a moment as it is: the index is not available, or has too much to do. In either
    /// case nothing was read, or a repeat under the same request id is told from a new call.
    pub fn is_passing(&self) -> bool {
        match self {
            // Certificates do not change within a call.
            Self::Unreachable { fault, .. } => fault.is_none(),
            Self::Refused(_) => self.is_unavailable() || self.reason() == Some(Reason::Busy),
            Self::Setup(_)
            | Self::Deadline(_)
            | Self::Answer(_)
            | Self::Evidence(_)
            | Self::ReceiptMismatch(_) => false,
        }
    }

    /// Whether the caller cannot know that the call was not answered and counted.
    pub(crate) fn may_have_been_answered(&self) -> bool {
        match self {
            Self::Deadline(_) | Self::Unreachable { .. } => true,
            Self::Refused(_) => self.is_unavailable(),
            Self::Setup(_) | Self::Answer(_) | Self::Evidence(_) | Self::ReceiptMismatch(_) => false,
        }
    }

    /// Whether the same call can succeed later as it is.
    pub fn is_unavailable(&self) -> bool {
        match self {
            Self::Refused(refusal) => refusal.code == GrpcCode::Unavailable.number(),
            Self::Unreachable { .. } => true,
            Self::Setup(_)
            | Self::Deadline(_)
            | Self::Answer(_)
            | Self::Evidence(_)
            | Self::ReceiptMismatch(_) => false,
        }
    }

    /// What happened and what to do, in English.
    pub fn english(&self) -> String {
        match (self, self.reason()) {
            (
                Self::Unreachable {
                    fault: Some(fault), ..
                },
                _,
            ) => format!("the index cannot be reached: {fault}"),
            (_, Some(reason)) => format!("{}; {}", reason.english(), reason.remedy_english()),
            (_, None) => chain(self),
        }
    }

    /// What happened and what to do, in Italian.
    pub fn italian(&self) -> String {
        let own = match self {
            Self::Setup(_) => "la configurazione del collegamento non è corretta",
            Self::Refused(refusal) => return refusal.italian(),
            Self::Unreachable {
                fault: Some(fault), ..
            } => {
                return format!("l'indice non è raggiungibile: {}", fault.italian());
            }
            Self::Unreachable { fault: None, .. } => return in_italian(Reason::Unavailable),
            Self::Deadline(_) => return in_italian(Reason::DeadlineExceeded),
            Self::Answer(_) => "la risposta dell'indice non rispetta il contratto",
            Self::Evidence(_) => {
                "la prova che accompagna la risposta non dimostra nulla; segnalarlo a un revisore"
            }
            Self::ReceiptMismatch(_) => {
                "la ricevuta appartiene a un'altra chiamata; segnalarlo a un revisore"
            }
        };
        format!("{own} ({})", chain(self))
    }

    pub(crate) fn of_status(status: &tonic::Status, deadline: Duration) -> Self {
        let Failure {
            reason,
            details,
            message,
        } = failure_of(status);
        let code = reason.code();
        let (name, known) = match reason {
            FailureReason::Known(reason) => (reason.name().to_owned(), Some(reason)),
            FailureReason::Later { name, code: _ } => (name, None),
            FailureReason::Foreign { code } => return Self::of_foreign(status, code, deadline),
        };
        Self::Refused(Box::new(Refusal {
            reason: known,
            name,
            code,
            violations: details
                .violations()
                .iter()
                .map(|violation| Violation {
                    field: violation.field.clone(),
                    rule: violation.rule.clone(),
                })
                .collect(),
            clause: details.metadata("clause").map(str::to_owned),
            requirement: details.metadata("requirement").map(str::to_owned),
            quota: details.quota().map(|quota| quota.description.clone()),
            quota_scope: details.quota_scope(),
            by: RefusedBy::Index,
            retry_after: details.retry_after(),
            oldest_age_minutes: details.oldest_age(),
            fresh_enough: details.fresh_enough(),
            receipt: details.receipt().map(|entry| ShortClaim {
                origin: entry.origin.clone(),
                receipt: entry.receipt,
            }),
            italian: message,
        }))
    }

    /// A status without a reason of Ponte comes from the connection, or from something on the way.
    fn of_foreign(status: &tonic::Status, code: i32, deadline: Duration) -> Self {
        // The gRPC library reports its own timeout as CANCELLED.
        let timed_out = [tonic::Code::Cancelled, tonic::Code::DeadlineExceeded]
            .map(i32::from)
            .contains(&code);
        if timed_out {
            Self::Deadline(deadline)
        } else {
            let fault = std::error::Error::source(status).and_then(handshake_fault);
            Self::Unreachable { code, fault }
        }
    }
}

impl Refusal {
    fn blame(&self) -> Blame {
        match self.exit_code() {
            ExitCode::Unavailable => Blame::Circumstance,
            ExitCode::Internal => Blame::Index,
            ExitCode::Ok
            | ExitCode::NegativeAnswer
            | ExitCode::Usage
            | ExitCode::NotFound
            | ExitCode::Denied
            | ExitCode::Conflict => Blame::Caller,
        }
    }

    /// The same refusal of another call, which the client does not send: it makes no entry.
    pub(crate) fn by_client(&self, retry_after: Duration) -> Self {
        Self {
            retry_after: Some(retry_after),
            receipt: None,
            by: RefusedBy::Client,
            ..self.clone()
        }
    }

    /// Exit code of a command that ends with this refusal.
    pub fn exit_code(&self) -> ExitCode {
        if let Some(reason) = self.reason {
            return reason.exit();
        }
        // A reason of a later version is taken by its code.
        match tonic::Code::from_i32(self.code) {
            tonic::Code::InvalidArgument | tonic::Code::OutOfRange | tonic::Code::Unimplemented => {
                ExitCode::Usage
            }
            tonic::Code::NotFound => ExitCode::NotFound,
            tonic::Code::PermissionDenied | tonic::Code::Unauthenticated => ExitCode::Denied,
            tonic::Code::ResourceExhausted | tonic::Code::Unavailable | tonic::Code::DeadlineExceeded => {
                ExitCode::Unavailable
            }
            tonic::Code::AlreadyExists | tonic::Code::FailedPrecondition | tonic::Code::Aborted => {
                ExitCode::Conflict
            }
            tonic::Code::Ok
            | tonic::Code::Cancelled
            | tonic::Code::Unknown
            | tonic::Code::Internal
            | tonic::Code::DataLoss => ExitCode::Internal,
        }
    }

    /// What happened and what to do, in Italian: the index's own words, else those of the table.
    pub fn italian(&self) -> String {
        match (self.italian.is_empty(), self.reason) {
            (false, _) => self.italian.clone(),
            (true, Some(reason)) => in_italian(reason),
            (true, None) => format!("la chiamata è stata rifiutata ({})", self.name),
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.reason.map_or("the call was refused", Reason::english);
        write!(f, "{}: {text}", self.name)?;
        for Violation { field, rule } in &self.violations {
            write!(f, "; {field}: {rule}")?;
        }
        if let Some(clause) = &self.clause {
            write!(f, "; clause {clause}")?;
        }
        if let Some(requirement) = &self.requirement {
            write!(f, ": {requirement}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Refusal {}

fn in_italian(reason: Reason) -> String {
    format!("{}; {}", reason.italian(), reason.remedy_italian())
}

#[cfg(test)]
mod tests;
