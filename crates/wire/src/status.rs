//! The one table of errors as gRPC statuses, and back.
//!
//! A status carries `google.rpc.ErrorInfo` with the reason, `LocalizedMessage` in Italian, and where they apply
//! `BadRequest`, `QuotaFailure` and `RetryInfo`. The short receipt of the entry that the refusal made travels in the
//! trailer [`RECEIPT_TRAILER`]; its size grows with the log and does not depend on what was found.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use agreement::denial::{Denial, Language, QuotaScope, Requirement};
use agreement::reason::Reason;
use chrono::{DateTime, Utc};
use ledger::name::Origin;
use ledger::receipt::ShortReceipt;
use prost::Message;
use tonic::metadata::{MetadataMap, MetadataValue};
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, FieldViolation, QuotaViolation, StatusExt};

use crate::convert::{Invalid, short_receipt};
use crate::proto::ledger::v1 as wire;

#[cfg(test)]
mod tests;

/// Domain of every reason.
pub const ERROR_DOMAIN: &str = "ponte";

/// Language of the text for people.
pub const ERROR_LOCALE: &str = "it-IT";

/// Trailer that holds the encoded `ponte.ledger.v1.ShortReceipt` of the entry that the call made.
pub const RECEIPT_TRAILER: &str = "ponte-receipt-bin";

/// Metadata of `ErrorInfo`: age of the oldest data in the agreement's territory, in minutes, always ten digits.
const OLDEST_AGE: &str = "oldest_data_age_minutes";

/// Key of the number of persons that a search may show at most.
const MOST_SHOWN: &str = "most_shown";

/// Key of whose calls the used up quota bounds: agreement, purpose or operator.
const QUOTA_SCOPE: &str = "quota_scope";

/// Key of the outcome of a demand for fresh data.
const FRESH_ENOUGH: &str = "fresh_enough";

/// What goes with a reason. It must not hold personal data, nor anything that tells "does not exist" from "not
/// visible".
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Details {
    violations: Vec<Violation>,
    quota: Option<QuotaUsedUp>,
    retry_after: Option<Duration>,
    metadata: BTreeMap<String, String>,
    receipt: Option<EntryReceipt>,
    text: Option<Text>,
}

/// A text that says more than the reason's own.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Text {
    english: String,
    italian: String,
}

/// A field of the request that breaks a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Path of the field in the request.
    pub field: String,
    /// The rule, English.
    pub rule: String,
}

/// A quota that is used up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QuotaUsedUp {
    /// What the quota counts for, as "agreement:<id>".
    pub subject: String,
    /// Which quota, and how much it allows.
    pub description: String,
}

/// The entry that a call made, and the log that holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntryReceipt {
    /// Origin of the log.
    pub origin: Origin,
    /// The claim.
    pub receipt: ShortReceipt,
}

/// A failed call as its caller sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The reason.
    pub reason: FailureReason,
    /// What went with it.
    pub details: Details,
    /// The text for people, Italian; empty when the index sent none.
    pub message: String,
}

/// Why a call failed, as far as the caller can know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FailureReason {
    /// A reason of the table.
    Known(Reason),
    /// A reason of a later version; the gRPC code tells how to take it.
    Later {
        /// Its name.
        name: String,
        /// The gRPC code's number, 1 to 16.
        code: i32,
    },
    /// No reason of Ponte: the connection, or something on the way.
    Foreign {
        /// The gRPC code's number, 1 to 16.
        code: i32,
    },
}

impl Details {
    /// Nothing but the reason.
    pub fn none() -> Self {
        Self::default()
    }

    /// Names a field of the request.
    #[must_use]
    pub fn with_invalid(mut self, invalid: &Invalid) -> Self {
        self.violations.push(Violation {
            field: invalid.field().to_owned(),
            rule: invalid.rule().to_string(),
        });
        self
    }

    /// Names the quota that is used up.
    #[must_use]
    pub fn with_quota(mut self, subject: impl Into<String>, description: impl Into<String>) -> Self {
        self.quota = Some(QuotaUsedUp {
            subject: subject.into(),
            description: description.into(),
        });
        self
    }

    /// States when the call may be made again.
    #[must_use]
    pub fn with_retry_after(mut self, delay: Duration) -> Self {
        self.retry_after = Some(delay);
        self
    }

    /// Adds a fact for programs. Keys are lower-case words joined by underscores; once sent they stay.
    #[must_use]
    pub fn with_metadata(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.metadata.insert(key.into(), value.into());
        self
    }

    /// States the age of the oldest data in the agreement's territory, in a field whose size is always the same.
    #[must_use]
    pub fn with_oldest_age(self, minutes: u32) -> Self {
        self.with_metadata(OLDEST_AGE, format!("{minutes:010}"))
    }

    /// States how many persons a search may show at most.
    #[must_use]
    pub fn with_most_shown(self, most: usize) -> Self {
        self.with_metadata(MOST_SHOWN, most.to_string())
    }

    /// States whether the data were as fresh as was demanded, in a field whose size is always the same.
    #[must_use]
    pub fn with_freshness(self, fresh: bool) -> Self {
        self.with_metadata(FRESH_ENOUGH, if fresh { "yes" } else { "no " })
    }

    /// What a denial says: its clause, what would make the call pass it, and when.
    pub fn of_denial(denial: &Denial, now: DateTime<Utc>) -> Self {
        let Denial {
            agreement,
            purpose,
            clause,
            requirement,
        } = denial;
        let mut details = Self::none()
            .with_metadata("agreement", agreement.to_string())
            .with_metadata("purpose", purpose.to_string())
            .with_metadata("clause", clause.name());
        if let Some(requirement) = requirement.text(Language::English) {
            details = details.with_metadata("requirement", requirement);
        }
        if let Requirement::Quota {
            scope,
            limit,
            resets_at,
        } = requirement
        {
            let wait = (*resets_at - now).to_std().unwrap_or_default();
            details = details
                .with_quota(
                    format!("agreement:{agreement}"),
                    format!("{} {limit} per {}", clause.name(), scope.name()),
                )
                .with_metadata(QUOTA_SCOPE, scope.name())
                .with_retry_after(wait);
        }
        if let Requirement::Declarations {
            limit,
            days,
            resets_at,
        } = requirement
        {
            let wait = (*resets_at - now).to_std().unwrap_or_default();
            details = details
                .with_quota(
                    format!("agreement:{agreement}"),
                    format!("{} {limit} in {days} days", clause.name()),
                )
                .with_retry_after(wait);
        }
        let (english, italian) = (denial.text(Language::English), denial.text(Language::Italian));
        Self {
            text: Some(Text { english, italian }),
            ..details
        }
    }

    /// Adds the receipt of the entry that the call made.
    #[must_use]
    pub fn with_receipt(mut self, origin: Origin, receipt: ShortReceipt) -> Self {
        self.receipt = Some(EntryReceipt { origin, receipt });
        self
    }

    /// Fields that break a rule.
    pub fn violations(&self) -> &[Violation] {
        &self.violations
    }

    /// The quota that is used up.
    pub fn quota(&self) -> Option<&QuotaUsedUp> {
        self.quota.as_ref()
    }

    /// Whose calls the used up quota bounds.
    pub fn quota_scope(&self) -> Option<QuotaScope> {
        let name = self.metadata(QUOTA_SCOPE)?;
        QuotaScope::ALL.into_iter().find(|scope| scope.name() == name)
    }

    /// When the call may be made again.
    pub fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }

    /// A fact for programs.
    pub fn metadata(&self, key: &str) -> Option<&str> {
        self.metadata.get(key).map(String::as_str)
    }

    /// Age of the oldest data in the agreement's territory, in minutes.
    pub fn oldest_age(&self) -> Option<u32> {
        self.metadata(OLDEST_AGE)?.parse().ok()
    }

    /// Whether the data were as fresh as was demanded; nothing where nothing was.
    pub fn fresh_enough(&self) -> Option<bool> {
        match self.metadata(FRESH_ENOUGH)? {
            "yes" => Some(true),
            "no " => Some(false),
            _ => None,
        }
    }

    /// The receipt of the entry that the call made.
    pub fn receipt(&self) -> Option<&EntryReceipt> {
        self.receipt.as_ref()
    }
}

impl FailureReason {
    /// The reason of the table, when it is one.
    pub fn known(&self) -> Option<Reason> {
        match self {
            Self::Known(reason) => Some(*reason),
            Self::Later { .. } | Self::Foreign { .. } => None,
        }
    }

    /// Number of the gRPC code.
    pub fn code(&self) -> i32 {
        match self {
            Self::Known(reason) => reason.grpc().number(),
            Self::Later { code, name: _ } | Self::Foreign { code } => *code,
        }
    }
}

/// The status that a call ends with.
pub fn status_for(reason: Reason, details: Details) -> Status {
    let Details {
        violations,
        quota,
        retry_after,
        metadata,
        receipt,
        text,
    } = details;
    let Text { english, italian } = text.unwrap_or_else(|| Text {
        english: reason.english().to_owned(),
        italian: format!("{}: {}", reason.italian(), reason.remedy_italian()),
    });
    let mut rich = ErrorDetails::with_error_info(
        reason.name(),
        ERROR_DOMAIN,
        metadata.into_iter().collect::<HashMap<_, _>>(),
    );
    if !violations.is_empty() {
        let violations = violations
            .into_iter()
            .map(|Violation { field, rule }| FieldViolation::new(field, rule));
        rich.set_bad_request(violations.collect::<Vec<_>>());
    }
    if let Some(QuotaUsedUp { subject, description }) = quota {
        rich.set_quota_failure([QuotaViolation::new(subject, description)]);
    }
    if retry_after.is_some() {
        rich.set_retry_info(retry_after);
    }
    rich.set_localized_message(ERROR_LOCALE, italian);
    let mut trailers = MetadataMap::new();
    if let Some(EntryReceipt { origin, receipt }) = receipt {
        let bytes = short_receipt(&origin, &receipt).encode_to_vec();
        trailers.insert_bin(RECEIPT_TRAILER, MetadataValue::from_bytes(&bytes));
    }
    let code = Code::from_i32(reason.grpc().number());
    Status::with_error_details_and_metadata(code, english, rich, trailers)
}

/// The refusal of a request with a field that breaks a rule.
pub fn invalid_argument(invalid: &Invalid) -> Status {
    let (reason, details) = refusal_of(invalid);
    status_for(reason, details)
}

/// Reason and details of the refusal of a request with a field that breaks a rule.
pub fn refusal_of(invalid: &Invalid) -> (Reason, Details) {
    let reason = match invalid.rule() {
        crate::convert::Rule::TaxCode(_) => Reason::TaxCodeInvalid,
        _ => Reason::InvalidArgument,
    };
    (reason, Details::none().with_invalid(invalid))
}

/// What a status says to its caller. Details that cannot be read count as absent.
pub fn failure_of(status: &Status) -> Failure {
    let rich = status.get_error_details();
    let code = i32::from(status.code());
    let info = rich.error_info().filter(|info| info.domain == ERROR_DOMAIN);
    let reason = match info {
        None => FailureReason::Foreign { code },
        Some(info) => match Reason::from_name(&info.reason) {
            Some(reason) => FailureReason::Known(reason),
            None => FailureReason::Later {
                name: info.reason.clone(),
                code,
            },
        },
    };
    let violations = rich
        .bad_request()
        .map(|request| request.field_violations.as_slice())
        .unwrap_or_default();
    let quota = rich
        .quota_failure()
        .and_then(|failure| failure.violations.first());
    let details = Details {
        violations: violations
            .iter()
            .map(|violation| Violation {
                field: violation.field.clone(),
                rule: violation.description.clone(),
            })
            .collect(),
        quota: quota.map(|violation| QuotaUsedUp {
            subject: violation.subject.clone(),
            description: violation.description.clone(),
        }),
        retry_after: rich.retry_info().and_then(|info| info.retry_delay),
        metadata: info
            .map(|info| info.metadata.clone().into_iter().collect())
            .unwrap_or_default(),
        receipt: entry_receipt(status.metadata()),
        text: None,
    };
    let message = rich
        .localized_message()
        .map(|text| text.message.clone())
        .unwrap_or_default();
    Failure {
        reason,
        details,
        message,
    }
}

/// The receipt in the trailers, where there is one that can be read.
pub fn entry_receipt(trailers: &MetadataMap) -> Option<EntryReceipt> {
    let bytes = trailers.get_bin(RECEIPT_TRAILER)?.to_bytes().ok()?;
    let message = wire::ShortReceipt::decode(bytes).ok()?;
    let origin = Origin::new(message.origin.clone()).ok()?;
    let receipt = ShortReceipt::try_from(message).ok()?;
    Some(EntryReceipt { origin, receipt })
}
