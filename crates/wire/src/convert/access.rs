//! What agreements are and allow, as messages.

use agreement::agreements::{AgreementEntry, Revocation};
use agreement::batch::BatchTerms;
use agreement::context::ReferenceTerms;
use agreement::decision::{ClauseOutcome, Verdict};
use agreement::denial::{Language, QuotaScope};
use agreement::describe::{
    AccessDescription, AgreementDescription, AgreementStanding, DeclarationDescription, QuotaDescription,
    QuotaKind,
};
use agreement::lint::LintFinding;
use agreement::terms::{OperatorTerms, Population, Purpose};
use chrono::NaiveDate;

use super::date::timestamp_from_ms;
use crate::proto::agreement::v1 as admin;
use crate::proto::consultation::v1 as wire;

/// Whether a message carries the agreement's document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Document {
    /// It does.
    Included,
    /// It does not, as in lists.
    Omitted,
}

/// What the caller's agreements let it do; the receipt is added by who has it.
pub fn access_description(description: AccessDescription) -> wire::DescribeAccessResponse {
    let AccessDescription { today, agreements } = description;
    wire::DescribeAccessResponse {
        agreements: agreements
            .into_iter()
            .map(|agreement| agreement_description(agreement, today))
            .collect(),
        today: Some(today.into()),
        receipt: None,
    }
}

fn agreement_description(description: AgreementDescription, today: NaiveDate) -> wire::AccessDescription {
    let AgreementDescription {
        id,
        hash,
        title,
        standing,
        valid_from,
        valid_to,
        review_by,
        territory,
        population:
            Population {
                residents,
                aire,
                cancelled,
                deceased,
                minors,
            },
        history,
        known_on,
        by_generalities,
        max_hits,
        max_residents,
        hours,
        operator:
            OperatorTerms {
                identity,
                minimum_assurance,
                workstation,
            },
        case_reference,
        consent_reference,
        purposes,
        quotas,
        declarations,
    } = description;
    let words = |form: &Option<ReferenceTerms>| {
        let words = form.as_ref().map(ReferenceTerms::words).unwrap_or_default();
        words.into_iter().map(str::to_owned).collect::<Vec<String>>()
    };
    let pattern = |form: &Option<ReferenceTerms>| {
        let name = form.as_ref().map(|form| form.pattern.name());
        name.unwrap_or_default().to_owned()
    };
    let current = territory.into_iter().filter_map(|id| id.current()?.istat());
    let mut territory: Vec<String> = current.map(|istat| istat.to_string()).collect();
    territory.sort();
    wire::AccessDescription {
        agreement: id.to_string(),
        agreement_hash: hash.0.to_vec(),
        title,
        standing: wire::AgreementStanding::from(standing).into(),
        valid_from: Some(valid_from.into()),
        valid_to: Some(valid_to.into()),
        purposes: purposes.into_iter().map(Into::into).collect(),
        territory,
        operator_requirements: Some(wire::OperatorRequirements {
            assurance: minimum_assurance.name().to_owned(),
            workstation_required: workstation.is_required(),
            case_reference: pattern(&case_reference),
            operator_required: identity.is_required(),
        }),
        quotas: quotas.into_iter().map(Into::into).collect(),
        review_by: Some(review_by.into()),
        population: Some(wire::PopulationDescription {
            residents: residents.is_included(),
            aire: aire.is_included(),
            cancelled: cancelled.is_included(),
            deceased: deceased.is_included(),
            minors: minors.is_included(),
        }),
        history_from: history.earliest(today).map(Into::into),
        hours: hours.iter().map(ToString::to_string).collect(),
        known_on_granted: known_on.is_granted(),
        by_generalities_granted: by_generalities.is_granted(),
        max_hits: max_hits.into(),
        max_residents: max_residents.into(),
        declarations: declarations.into_iter().map(Into::into).collect(),
        case_reference_words: words(&case_reference),
        consent_reference: pattern(&consent_reference),
        consent_reference_words: words(&consent_reference),
    }
}

impl From<DeclarationDescription> for wire::DeclarationAllowance {
    fn from(description: DeclarationDescription) -> Self {
        let DeclarationDescription {
            kind,
            limit,
            days,
            left,
        } = description;
        let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        Self {
            verification: kind.name().to_owned(),
            limit: count(limit),
            days,
            remaining: left.map(|left| count(left.declarations)),
            reset_time: left
                .and_then(|left| left.resets_at)
                .map(|resets_at| timestamp_from_ms(resets_at.timestamp_millis())),
        }
    }
}

impl From<AgreementStanding> for wire::AgreementStanding {
    fn from(standing: AgreementStanding) -> Self {
        match standing {
            AgreementStanding::NotYetValid => Self::NotYetValid,
            AgreementStanding::Active => Self::Active,
            AgreementStanding::Expired => Self::Expired,
            AgreementStanding::Revoked => Self::Revoked,
        }
    }
}

impl From<Purpose> for wire::PurposeDescription {
    fn from(purpose: Purpose) -> Self {
        let Purpose {
            id,
            text,
            basis: _,
            kind: _,
            release: _,
            services,
            verifications,
            ascertainments,
            fields,
            consent,
            named_persons_basis,
            batch,
        } = purpose;
        Self {
            purpose: id.to_string(),
            text,
            services: services.iter().map(ToString::to_string).collect(),
            verifications: verifications.iter().map(ToString::to_string).collect(),
            ascertainments: ascertainments.iter().map(ToString::to_string).collect(),
            fields: fields.names().map(str::to_owned).collect(),
            consent_required: consent.is_required(),
            named_persons_granted: !consent.is_required() || named_persons_basis.is_some(),
            batch: batch.map(Into::into),
        }
    }
}

impl From<BatchTerms> for wire::BatchDescription {
    fn from(batch: BatchTerms) -> Self {
        let BatchTerms {
            rows_per_batch,
            rows_per_day,
            fields,
        } = batch;
        Self {
            rows_per_batch,
            rows_per_day,
            fields: fields.names().map(str::to_owned).collect(),
        }
    }
}

impl From<QuotaDescription> for wire::QuotaDescription {
    fn from(quota: QuotaDescription) -> Self {
        let QuotaDescription {
            scope,
            purpose,
            kind,
            limit,
            remaining,
            resets_at,
        } = quota;
        let scope = match scope {
            QuotaScope::Agreement => wire::QuotaScope::Agreement,
            QuotaScope::Purpose => wire::QuotaScope::Purpose,
            QuotaScope::Operator => wire::QuotaScope::Operator,
        };
        let kind = match kind {
            QuotaKind::CallsPerMinute => wire::QuotaKind::CallsPerMinute,
            QuotaKind::CallsPerDay => wire::QuotaKind::CallsPerDay,
            QuotaKind::MissesPerDay => wire::QuotaKind::MissesPerDay,
            QuotaKind::RowsPerDay => wire::QuotaKind::RowsPerDay,
        };
        Self {
            kind: kind.into(),
            limit: limit.into(),
            remaining: remaining.map(Into::into),
            scope: scope.into(),
            purpose: purpose.map(|purpose| purpose.to_string()).unwrap_or_default(),
            reset_time: Some(timestamp_from_ms(resets_at.timestamp_millis())),
        }
    }
}

/// An agreement with the state of its life.
pub fn agreement_message(entry: &AgreementEntry, document: Document) -> admin::Agreement {
    let agreement = entry.agreement();
    let terms = agreement.terms();
    let (state, revoke_time, revocation_reason) = match entry.revocation() {
        None => (admin::AgreementState::Active, None, String::new()),
        Some(Revocation { at, reason }) => (
            admin::AgreementState::Revoked,
            Some(timestamp_from_ms(at.timestamp_millis())),
            reason.clone(),
        ),
    };
    admin::Agreement {
        id: terms.id.to_string(),
        hash: agreement.hash().0.to_vec(),
        title: terms.title.clone(),
        agency: terms.agency.to_string(),
        valid_from: Some(terms.valid_from.into()),
        valid_to: Some(terms.valid_to.into()),
        state: state.into(),
        activate_time: Some(timestamp_from_ms(entry.activated_at().timestamp_millis())),
        revoke_time,
        revocation_reason,
        document: match document {
            Document::Included => agreement.document().to_vec(),
            Document::Omitted => Vec::new(),
        },
    }
}

impl From<&LintFinding> for admin::LintFinding {
    fn from(finding: &LintFinding) -> Self {
        let LintFinding { rule, key } = finding;
        Self {
            rule: rule.name().to_owned(),
            text: rule.english().to_owned(),
            key: key.clone(),
        }
    }
}

impl From<&ClauseOutcome> for admin::ClauseOutcome {
    fn from(outcome: &ClauseOutcome) -> Self {
        let ClauseOutcome { clause, verdict } = outcome;
        let (verdict, text) = match verdict {
            Verdict::Passed => (admin::ClauseVerdict::Passed, String::new()),
            Verdict::NotReached => (admin::ClauseVerdict::NotReached, String::new()),
            Verdict::Failed(requirement) => {
                let what = clause.reason().english();
                let text = match requirement.text(Language::English) {
                    Some(detail) => format!("{what} ({detail})"),
                    None => what.to_owned(),
                };
                (admin::ClauseVerdict::Failed, text)
            }
        };
        Self {
            clause: clause.name().to_owned(),
            verdict: verdict.into(),
            text,
        }
    }
}
