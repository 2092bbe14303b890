use std::collections::BTreeSet;
use std::time::Duration;

use agreement::clause::Clause;
use agreement::context::{AgreementId, PurposeId};
use agreement::denial::{Denial, Language, QuotaScope, Requirement};
use agreement::reason::Reason;
use chrono::DateTime;
use ledger::hash::leaf_hash;
use ledger::name::Origin;
use ledger::receipt::ShortReceipt;
use tonic::{Code, Status};

use super::*;
use crate::convert::Rule;
use crate::proto::error::v1::ErrorReason;

#[test]
fn the_wire_lists_the_reasons_of_the_table_and_no_others() {
    let table: BTreeSet<String> = Reason::ALL
        .iter()
        .map(|reason| format!("ERROR_REASON_{}", reason.name()))
        .collect();
    let wire: BTreeSet<String> = (1..1000)
        .filter_map(|number| ErrorReason::try_from(number).ok())
        .map(|reason| reason.as_str_name().to_owned())
        .collect();
    assert_eq!(wire, table);
}

#[test]
fn every_reason_comes_back_from_its_status_with_its_code() {
    for reason in Reason::ALL {
        let status = status_for(*reason, Details::none());
        assert_eq!(i32::from(status.code()), reason.grpc().number(), "{reason}");
        let Failure {
            reason: read,
            details,
            message,
        } = failure_of(&status);
        assert_eq!(read, FailureReason::Known(*reason));
        assert_eq!(details, Details::none());
        assert!(message.starts_with(reason.italian()), "{reason}");
    }
}

#[test]
fn details_come_back_as_they_were_sent() {
    let origin = Origin::new("ponte.example/log").unwrap();
    let receipt = ShortReceipt::new(&origin, 7, leaf_hash(b"header"));
    let details = Details::none()
        .with_invalid(&Invalid::new("context.operator", Rule::Missing))
        .with_quota("agreement:questura", "10 calls a minute")
        .with_retry_after(Duration::from_secs(3))
        .with_metadata("expected_sequence", "12")
        .with_oldest_age(42)
        .with_freshness(false)
        .with_receipt(origin, receipt);
    let failure = failure_of(&status_for(Reason::QuotaPerMinute, details.clone()));
    assert_eq!(failure.details, details);
    assert_eq!(failure.details.oldest_age(), Some(42));
    assert_eq!(failure.details.fresh_enough(), Some(false));
    assert_eq!(failure.details.violations().len(), 1);
}

#[test]
fn the_age_of_the_oldest_data_never_changes_the_size_of_the_answer() {
    let size = |minutes| {
        status_for(Reason::NotFound, Details::none().with_oldest_age(minutes))
            .details()
            .len()
    };
    assert_eq!(size(1), size(u32::MAX));
}

#[test]
fn a_denial_names_its_clause_and_when_the_call_may_be_made_again() {
    let now = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
    let denial = Denial {
        agreement: AgreementId::parse("questura").unwrap(),
        purpose: PurposeId::parse("identification").unwrap(),
        clause: Clause::MinuteQuota,
        requirement: Requirement::Quota {
            scope: QuotaScope::Agreement,
            limit: 10,
            resets_at: now + chrono::Duration::seconds(20),
        },
    };
    let failure = failure_of(&status_for(denial.reason(), Details::of_denial(&denial, now)));
    assert_eq!(failure.reason, FailureReason::Known(denial.reason()));
    assert_eq!(
        failure.details.metadata("clause"),
        Some(Clause::MinuteQuota.name())
    );
    assert_eq!(failure.details.metadata("agreement"), Some("questura"));
    assert_eq!(failure.details.retry_after(), Some(Duration::from_secs(20)));
    assert_eq!(failure.details.quota_scope(), Some(QuotaScope::Agreement));
    assert_eq!(
        failure.details.quota().map(|quota| quota.subject.as_str()),
        Some("agreement:questura")
    );
    assert_eq!(failure.message, denial.text(Language::Italian));
}

#[test]
fn an_invalid_codice_fiscale_has_its_own_reason() {
    let error = registry::codice_fiscale::TaxCode::parse("RSSMRA").unwrap_err();
    let reason = |rule: Rule| failure_of(&invalid_argument(&Invalid::new("tax_code", rule))).reason;
    assert_eq!(reason(error.into()), FailureReason::Known(Reason::TaxCodeInvalid));
    assert_eq!(
        reason(Rule::Missing),
        FailureReason::Known(Reason::InvalidArgument)
    );
}

#[test]
fn reasons_of_others_and_of_later_versions_keep_their_code() {
    let foreign = failure_of(&Status::unavailable("connection refused"));
    assert_eq!(foreign.reason, FailureReason::Foreign { code: 14 });
    let info = ErrorDetails::with_error_info("INVENTED_LATER", ERROR_DOMAIN, HashMap::new());
    let later = failure_of(&Status::with_error_details(Code::Aborted, "later", info));
    assert_eq!(
        later.reason,
        FailureReason::Later {
            name: "INVENTED_LATER".to_owned(),
            code: 10
        }
    );
    assert_eq!(later.reason.code(), 10);
    let elsewhere = ErrorDetails::with_error_info("NOT_FOUND", "example.org", HashMap::new());
    let other = failure_of(&Status::with_error_details(Code::NotFound, "", elsewhere));
    assert_eq!(other.reason.known(), None);
}
