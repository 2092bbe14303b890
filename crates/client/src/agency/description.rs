//! What agreements allow.

use agreement::field::{Field, FieldSet};
use chrono::NaiveDate;
use ledger::hash::Hash;
use registry::identifier::IstatCode;
use wire::convert::{Invalid, civil_date, timestamp_to_ms};
use wire::proto::consultation::v1 as proto;

use crate::convert::{array, each, istat, optional_date, required, unknown_value};
use crate::receipt::AccessProof;

/// What agreements allow.
#[derive(Clone, Debug)]
pub struct AccessAnswer {
    /// The agreements, in order of their ids.
    pub agreements: Vec<AccessDescription>,
    /// Today in Europe/Rome at the index.
    pub today: NaiveDate,
    /// Proof of the access.
    pub receipt: AccessProof,
}

/// What one agreement allows, as of now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessDescription {
    /// Id of the agreement.
    pub agreement: String,
    /// SHA-256 of its document.
    pub hash: Hash,
    /// Title.
    pub title: String,
    /// Where it stands.
    pub standing: AgreementStanding,
    /// First day of validity.
    pub valid_from: NaiveDate,
    /// Last day of validity.
    pub valid_to: NaiveDate,
    /// The purposes.
    pub purposes: Vec<Purpose>,
    /// Municipalities of the territory.
    pub territory: Vec<IstatCode>,
    /// What operators must bring.
    pub operator_requirements: OperatorRequirements,
    /// The quotas and what is left of them.
    pub quotas: Vec<Quota>,
    /// Day by which it must have been reviewed.
    pub review_by: NaiveDate,
    /// Persons who may be shown.
    pub population: Population,
    /// Earliest reference date admitted today; any when absent.
    pub history_from: Option<NaiveDate>,
    /// Hours of service in Europe/Rome, as agreements write them; at all hours when empty.
    pub hours: Vec<String>,
    /// Whether it may be asked what was known at an earlier instant.
    pub known_on_granted: bool,
    /// Whether lookups may name a person by complete generalities.
    pub by_generalities_granted: bool,
    /// Most persons that one search shows.
    pub max_hits: u32,
    /// Most residents that one question about an address shows.
    pub max_residents: u32,
    /// How many different declarations are compared, of each kind that some purpose verifies.
    pub declarations: Vec<DeclarationAllowance>,
    /// Words that may be in the case reference, of a form that admits letters.
    pub case_reference_words: Vec<String>,
    /// Form of the consent reference, by its name in agreements, where the agreement states one.
    pub consent_reference: Option<String>,
    /// Words that may be in the consent reference, of a form that admits letters.
    pub consent_reference_words: Vec<String>,
}

/// How many different declarations of one kind about one set of identifiers are compared under an agreement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeclarationAllowance {
    /// Kind of verification, by its name in agreements.
    pub verification: String,
    /// How many.
    pub limit: u32,
    /// In how many days.
    pub days: u32,
    /// How many are left for the identifiers that the call names; not told where it names none.
    pub remaining: Option<u32>,
    /// When there is one more, Unix milliseconds.
    pub resets_ms: Option<i64>,
}

/// Persons who may be shown. Each test must be passed: a deceased citizen abroad is shown only where both are included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Population {
    /// Residents (APR).
    pub residents: bool,
    /// Citizens abroad (AIRE).
    pub aire: bool,
    /// Persons who have left the register.
    pub cancelled: bool,
    /// Persons who have died.
    pub deceased: bool,
    /// Persons under eighteen.
    pub minors: bool,
}

/// Where an agreement stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AgreementStanding {
    /// Its first day of validity is still to come.
    NotYetValid,
    /// Active and valid today.
    Active,
    /// Its last day of validity has passed.
    Expired,
    /// Revoked.
    Revoked,
}

/// What a purpose allows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Purpose {
    /// Id.
    pub id: String,
    /// Text, as in the document.
    pub text: String,
    /// Services, by their names in agreements.
    pub services: Vec<String>,
    /// Kinds of verification, by their names in agreements.
    pub verifications: Vec<String>,
    /// Kinds of ascertainment, by name.
    pub ascertainments: Vec<String>,
    /// Fields.
    pub fields: FieldSet,
    /// Whether a call must cite the declarant's consent.
    pub consent_required: bool,
    /// Whether a declaration may be about somebody whom it names.
    pub named_persons_granted: bool,
    /// What is granted of lists, where anything is.
    pub batch: Option<BatchGrant>,
}

/// What a purpose allows of lists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BatchGrant {
    /// Rows that one batch may have.
    pub rows_per_batch: u32,
    /// Rows in one day of Europe/Rome.
    pub rows_per_day: u32,
    /// Fields that rows of lookups show.
    pub fields: FieldSet,
}

/// What operators must bring.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OperatorRequirements {
    /// Least level of assurance, by its name in agreements.
    pub assurance: String,
    /// Whether a call must name the workstation.
    pub workstation_required: bool,
    /// Form of the case reference, by its name in agreements, where a call must cite one.
    pub case_reference: Option<String>,
    /// Whether a call must name the operator.
    pub operator_required: bool,
}

/// A quota and what is left of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quota {
    /// What is counted.
    pub kind: QuotaKind,
    /// How many are allowed.
    pub limit: u64,
    /// How many are left; not told of quotas for each operator.
    pub remaining: Option<u64>,
    /// Whose calls are counted together.
    pub scope: QuotaScope,
    /// When they begin anew, Unix milliseconds.
    pub resets_ms: i64,
}

/// Whose calls a quota counts together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum QuotaScope {
    /// All calls under the agreement.
    Agreement,
    /// Calls for the purpose of this id.
    Purpose(String),
    /// Calls of one operator.
    Operator,
}

/// What a quota counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QuotaKind {
    /// Calls in one minute.
    CallsPerMinute,
    /// Calls in one day of Europe/Rome.
    CallsPerDay,
    /// Calls that found nobody, in one day of Europe/Rome.
    MissesPerDay,
    /// Rows of lists, in one day of Europe/Rome.
    RowsPerDay,
}

impl AccessAnswer {
    pub(super) fn read(message: proto::DescribeAccessResponse, proof: AccessProof) -> Result<Self, Invalid> {
        let proto::DescribeAccessResponse {
            agreements,
            today,
            receipt: _,
        } = message;
        Ok(Self {
            agreements: each("agreements", agreements, TryInto::try_into)?,
            today: civil_date("today", today)?,
            receipt: proof,
        })
    }
}

impl TryFrom<proto::AccessDescription> for AccessDescription {
    type Error = Invalid;

    fn try_from(message: proto::AccessDescription) -> Result<Self, Invalid> {
        let proto::AccessDescription {
            agreement,
            agreement_hash,
            title,
            standing,
            valid_from,
            valid_to,
            purposes,
            territory,
            operator_requirements,
            quotas,
            review_by,
            population,
            history_from,
            hours,
            known_on_granted,
            by_generalities_granted,
            max_hits,
            max_residents,
            declarations,
            case_reference_words,
            consent_reference,
            consent_reference_words,
        } = message;
        Ok(Self {
            agreement,
            hash: array("agreement_hash", &agreement_hash).map(Hash::new)?,
            title,
            standing: match proto::AgreementStanding::try_from(standing) {
                Ok(proto::AgreementStanding::NotYetValid) => AgreementStanding::NotYetValid,
                Ok(proto::AgreementStanding::Active) => AgreementStanding::Active,
                Ok(proto::AgreementStanding::Expired) => AgreementStanding::Expired,
                Ok(proto::AgreementStanding::Revoked) => AgreementStanding::Revoked,
                Ok(proto::AgreementStanding::Unspecified) | Err(_) => return Err(unknown_value("standing")),
            },
            valid_from: civil_date("valid_from", valid_from)?,
            valid_to: civil_date("valid_to", valid_to)?,
            purposes: purposes.into_iter().map(Into::into).collect(),
            territory: each("territory", territory, |code| istat("", &code))?,
            operator_requirements: required("operator_requirements", operator_requirements)?.into(),
            quotas: each("quotas", quotas, TryInto::try_into)?,
            review_by: civil_date("review_by", review_by)?,
            population: required("population", population)?.into(),
            history_from: optional_date("history_from", history_from)?,
            hours,
            known_on_granted,
            by_generalities_granted,
            max_hits,
            max_residents,
            declarations: each("declarations", declarations, TryInto::try_into)?,
            case_reference_words,
            consent_reference: (!consent_reference.is_empty()).then_some(consent_reference),
            consent_reference_words,
        })
    }
}

impl From<proto::PurposeDescription> for Purpose {
    fn from(message: proto::PurposeDescription) -> Self {
        let proto::PurposeDescription {
            purpose,
            text,
            services,
            verifications,
            ascertainments,
            fields,
            consent_required,
            named_persons_granted,
            batch,
        } = message;
        // Services stay text, and fields that this version does not know are left out: a later index may name more.
        let known = |names: Vec<String>| -> FieldSet {
            let fields = names.iter().filter_map(|name| Field::from_name(name).ok());
            fields.collect()
        };
        let batch = batch.map(|batch| {
            let proto::BatchDescription {
                rows_per_batch,
                rows_per_day,
                fields,
            } = batch;
            BatchGrant {
                rows_per_batch,
                rows_per_day,
                fields: known(fields),
            }
        });
        let fields = known(fields);
        Self {
            id: purpose,
            text,
            services,
            verifications,
            ascertainments,
            fields,
            consent_required,
            named_persons_granted,
            batch,
        }
    }
}

impl From<proto::OperatorRequirements> for OperatorRequirements {
    fn from(message: proto::OperatorRequirements) -> Self {
        let proto::OperatorRequirements {
            assurance,
            workstation_required,
            case_reference,
            operator_required,
        } = message;
        let case_reference = (!case_reference.is_empty()).then_some(case_reference);
        Self {
            assurance,
            workstation_required,
            case_reference,
            operator_required,
        }
    }
}

impl From<proto::PopulationDescription> for Population {
    fn from(message: proto::PopulationDescription) -> Self {
        let proto::PopulationDescription {
            residents,
            aire,
            cancelled,
            deceased,
            minors,
        } = message;
        Self {
            residents,
            aire,
            cancelled,
            deceased,
            minors,
        }
    }
}

impl TryFrom<proto::DeclarationAllowance> for DeclarationAllowance {
    type Error = Invalid;

    fn try_from(message: proto::DeclarationAllowance) -> Result<Self, Invalid> {
        let proto::DeclarationAllowance {
            verification,
            limit,
            days,
            remaining,
            reset_time,
        } = message;
        let resets_ms = reset_time.map(|at| timestamp_to_ms("reset_time", Some(at)));
        Ok(Self {
            verification,
            limit,
            days,
            remaining,
            resets_ms: resets_ms.transpose()?,
        })
    }
}

impl TryFrom<proto::QuotaDescription> for Quota {
    type Error = Invalid;

    fn try_from(message: proto::QuotaDescription) -> Result<Self, Invalid> {
        let proto::QuotaDescription {
            kind,
            limit,
            remaining,
            scope,
            purpose,
            reset_time,
        } = message;
        let kind = match proto::QuotaKind::try_from(kind) {
            Ok(proto::QuotaKind::CallsPerMinute) => QuotaKind::CallsPerMinute,
            Ok(proto::QuotaKind::CallsPerDay) => QuotaKind::CallsPerDay,
            Ok(proto::QuotaKind::MissesPerDay) => QuotaKind::MissesPerDay,
            Ok(proto::QuotaKind::RowsPerDay) => QuotaKind::RowsPerDay,
            Ok(proto::QuotaKind::Unspecified) | Err(_) => return Err(unknown_value("kind")),
        };
        let scope = match proto::QuotaScope::try_from(scope) {
            Ok(proto::QuotaScope::Agreement) => QuotaScope::Agreement,
            Ok(proto::QuotaScope::Purpose) => QuotaScope::Purpose(purpose),
            Ok(proto::QuotaScope::Operator) => QuotaScope::Operator,
            Ok(proto::QuotaScope::Unspecified) | Err(_) => return Err(unknown_value("scope")),
        };
        Ok(Self {
            kind,
            limit,
            remaining,
            scope,
            resets_ms: timestamp_to_ms("reset_time", reset_time)?,
        })
    }
}
