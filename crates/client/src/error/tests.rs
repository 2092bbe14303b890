use wire::status::{Details, status_for};

use super::*;

const DEADLINE: Duration = Duration::from_secs(3);

#[track_caller]
fn check(reason: Reason, blame: Blame) {
    let error = ClientError::of_status(&status_for(reason, Details::none()), DEADLINE);
    assert_eq!(error.reason(), Some(reason));
    assert_eq!(error.blame(), blame, "{reason}");
    assert_eq!(error.exit_code(), reason.exit());
    assert_eq!(
        error.is_unavailable(),
        reason.grpc() == GrpcCode::Unavailable,
        "{reason}"
    );
    assert!(error.italian().contains(reason.italian()) && error.english().contains(reason.english()));
}

#[test]
fn a_refusal_carries_its_reason_and_is_blamed_on_whoever_can_mend_it() {
    check(Reason::NotFound, Blame::Caller);
    check(Reason::PurposeUnknown, Blame::Caller);
    check(Reason::QuotaPerDay, Blame::Caller);
    check(Reason::TaxCodeInvalid, Blame::Caller);
    check(Reason::Busy, Blame::Circumstance);
    check(Reason::LogUnavailable, Blame::Circumstance);
    check(Reason::DeadlineExceeded, Blame::Circumstance);
    check(Reason::Internal, Blame::Index);
}

#[test]
fn violated_fields_and_delay_are_told() {
    let details = Details::none()
        .with_invalid(&Invalid::new("context.operator", wire::convert::Rule::Missing))
        .with_retry_after(Duration::from_secs(7))
        .with_oldest_age(42);
    let error = ClientError::of_status(&status_for(Reason::InvalidArgument, details), DEADLINE);
    assert_eq!(error.retry_after(), Some(Duration::from_secs(7)));
    let refusal = error.refusal().unwrap();
    assert_eq!(
        refusal.violations,
        [Violation {
            field: "context.operator".into(),
            rule: "must be set".into()
        }]
    );
    assert_eq!(refusal.oldest_age_minutes, Some(42));
    assert_eq!(
        error.to_string(),
        "INVALID_ARGUMENT: a field of the request is missing or malformed; context.operator: must be set"
    );
}

#[test]
fn a_status_without_a_reason_of_ours_comes_from_the_connection() {
    let lost = ClientError::of_status(&tonic::Status::unavailable("tcp"), DEADLINE);
    assert!(lost.is_unavailable() && lost.exit_code() == ExitCode::Unavailable);
    for status in [
        tonic::Status::cancelled("Timeout expired"),
        tonic::Status::deadline_exceeded("late"),
    ] {
        let late = ClientError::of_status(&status, DEADLINE);
        assert!(matches!(late, ClientError::Deadline(DEADLINE)), "{late:?}");
        assert_eq!(late.reason(), Some(Reason::DeadlineExceeded));
    }
}

#[test]
fn a_reason_of_a_later_version_is_taken_by_its_code() {
    use tonic_types::{ErrorDetails, StatusExt};
    let details = ErrorDetails::with_error_info("SOMETHING_NEW", "ponte", std::collections::HashMap::new());
    let status = tonic::Status::with_error_details(tonic::Code::PermissionDenied, "new", details);
    let error = ClientError::of_status(&status, DEADLINE);
    assert_eq!(
        (error.reason(), error.exit_code(), error.blame()),
        (None, ExitCode::Denied, Blame::Caller)
    );
    assert!(error.italian().contains("SOMETHING_NEW"));
}

#[test]
fn a_denial_names_its_clause_and_what_would_pass_it() {
    let details = Details::none()
        .with_metadata("clause", "fields")
        .with_metadata("requirement", "granted: surname");
    let status = status_for(Reason::FieldsNotGranted, details);
    let error = ClientError::of_status(&status, Duration::from_secs(1));
    let refusal = error.refusal().unwrap();
    assert_eq!(refusal.clause.as_deref(), Some("fields"));
    assert_eq!(refusal.requirement.as_deref(), Some("granted: surname"));
    assert!(refusal.to_string().ends_with("clause fields: granted: surname"));
}
