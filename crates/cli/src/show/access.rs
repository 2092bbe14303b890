//! What an agreement allows, as a row for each purpose.

use client::agency::{
    AccessDescription, AgreementStanding, DeclarationAllowance, OperatorRequirements, Population, Purpose,
    Quota, QuotaKind, QuotaScope,
};

use super::instant;
use crate::datum::{Datum, RecordBuilder};

/// One row for each purpose of the agreement.
pub fn access_description(description: &AccessDescription) -> Vec<Datum> {
    let AccessDescription {
        agreement,
        hash: _,
        title,
        standing,
        valid_from,
        valid_to,
        purposes,
        territory,
        operator_requirements:
            OperatorRequirements {
                assurance,
                workstation_required,
                case_reference,
                operator_required,
            },
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
    } = description;
    let quotas: Vec<String> = quotas.iter().map(quota).collect();
    let rows = purposes.iter().map(|purpose| {
        let Purpose {
            id,
            text,
            services,
            verifications,
            ascertainments,
            fields,
            consent_required,
            named_persons_granted,
            batch,
        } = purpose;
        let declarations: Datum = declarations
            .iter()
            .filter(|allowance| verifications.contains(&allowance.verification))
            .map(allowance)
            .collect();
        RecordBuilder::new()
            .with("agreement", agreement.as_str())
            .with("title", title.as_str())
            .with("standing", standing_name(*standing))
            .with("valid_from", valid_from.to_string())
            .with("valid_to", valid_to.to_string())
            .with("purpose", id.as_str())
            .with("text", text.as_str())
            .with("services", services.iter().map(String::as_str).collect::<Datum>())
            .with(
                "verifications",
                verifications.iter().map(String::as_str).collect::<Datum>(),
            )
            .with(
                "ascertainments",
                ascertainments.iter().map(String::as_str).collect::<Datum>(),
            )
            .with("fields", fields.names().collect::<Datum>())
            .with("declarations", declarations)
            .with(
                "rows_per_batch",
                batch.as_ref().map_or(0, |batch| batch.rows_per_batch),
            )
            .with(
                "batch_fields",
                batch
                    .iter()
                    .flat_map(|batch| batch.fields.names())
                    .collect::<Datum>(),
            )
            .with("consent_required", *consent_required)
            .with(
                "consent_reference",
                form(consent_reference.as_ref(), consent_reference_words),
            )
            .with("named_persons", *named_persons_granted)
            .with("operator_required", *operator_required)
            .with("assurance", assurance.as_str())
            .with("workstation_required", *workstation_required)
            .with(
                "case_reference",
                form(case_reference.as_ref(), case_reference_words),
            )
            .with("municipalities", territory.len())
            .with("population", population_names(population))
            .with_some("history_from", history_from.map(|day| day.to_string()))
            .with("known_on", *known_on_granted)
            .with("by_generalities", *by_generalities_granted)
            .with("max_hits", *max_hits)
            .with("max_residents", *max_residents)
            .with("hours", hours.join(", "))
            .with("review_by", review_by.to_string())
            .with("quotas", quotas.join(", "))
            .build()
    });
    rows.collect()
}

fn population_names(population: &Population) -> Datum {
    let Population {
        residents,
        aire,
        cancelled,
        deceased,
        minors,
    } = population;
    let groups = [
        ("residents", residents),
        ("aire", aire),
        ("cancelled", cancelled),
        ("deceased", deceased),
        ("minors", minors),
    ];
    groups
        .into_iter()
        .filter(|(_, included)| **included)
        .map(|(name, _)| name)
        .collect()
}

/// The form of a reference, with the words that may be in it.
fn form(name: Option<&String>, words: &[String]) -> String {
    let name = name.cloned().unwrap_or_default();
    if words.is_empty() {
        name
    } else {
        format!("{name} ({})", words.join(" "))
    }
}

fn allowance(allowance: &DeclarationAllowance) -> String {
    let DeclarationAllowance {
        verification,
        limit,
        days,
        remaining,
        resets_ms,
    } = allowance;
    let mut text = match remaining {
        Some(remaining) => format!("{verification} {remaining}/{limit} in {days} d"),
        None => format!("{verification} {limit} in {days} d"),
    };
    if let Some(resets_ms) = resets_ms {
        text.push_str(", +1 ");
        text.push_str(&instant(*resets_ms));
    }
    text
}

fn quota(quota: &Quota) -> String {
    let Quota {
        kind,
        limit,
        remaining,
        scope,
        resets_ms: _,
    } = quota;
    let kind = match kind {
        QuotaKind::CallsPerMinute => "calls/min",
        QuotaKind::CallsPerDay => "calls/day",
        QuotaKind::MissesPerDay => "misses/day",
        QuotaKind::RowsPerDay => "rows/day",
    };
    let scope = match scope {
        QuotaScope::Agreement => String::new(),
        QuotaScope::Purpose(purpose) => format!(" ({purpose})"),
        QuotaScope::Operator => " (operator)".to_owned(),
    };
    match remaining {
        Some(remaining) => format!("{kind}{scope} {remaining}/{limit}"),
        None => format!("{kind}{scope} {limit}"),
    }
}

/// The name of a standing.
fn standing_name(standing: AgreementStanding) -> &'static str {
    match standing {
        AgreementStanding::NotYetValid => "not-yet-valid",
        AgreementStanding::Active => "active",
        AgreementStanding::Expired => "expired",
        AgreementStanding::Revoked => "revoked",
    }
}
