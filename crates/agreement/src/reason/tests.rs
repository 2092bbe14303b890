use std::collections::BTreeSet;

use super::*;

/// Names and numbers are promises to callers: a change here is a change of the interface.
const PROMISED: &[(&str, i32, u8, &str)] = &[
    ("PEER_NOT_IDENTIFIED", 16, 4, ""),
    ("PEER_REVOKED", 7, 4, ""),
    ("ROLE_NOT_ALLOWED", 7, 4, ""),
    ("UNKNOWN_METHOD", 12, 2, ""),
    ("MESSAGE_UNDECODABLE", 3, 2, ""),
    ("MESSAGE_TOO_LARGE", 8, 2, ""),
    ("METADATA_INVALID", 3, 2, ""),
    ("DEADLINE_EXCEEDED", 4, 5, ""),
    ("BUSY", 8, 5, "999"),
    ("UNAVAILABLE", 14, 5, "999"),
    ("LOG_UNAVAILABLE", 14, 5, "999"),
    ("INDEX_RESTORING", 14, 5, "999"),
    ("WITNESSES_MISSING", 14, 5, "999"),
    ("INTERNAL", 13, 70, "999"),
    ("INVALID_ARGUMENT", 3, 2, "EN081"),
    ("TAX_CODE_INVALID", 3, 2, "EN081"),
    ("REFERENCE_DATE_IN_FUTURE", 3, 2, "EHR15"),
    ("REQUEST_ID_REUSED", 6, 6, ""),
    ("PAGE_TOKEN_INVALID", 3, 2, ""),
    ("NOT_FOUND", 5, 3, "EN122"),
    ("TOO_MANY_FOUND", 9, 2, "EN115"),
    ("TOO_MANY_RESIDENTS", 9, 2, "EN115"),
    ("HANDLE_INVALID", 9, 2, ""),
    ("AGREEMENT_UNKNOWN", 7, 4, "EN148"),
    ("AGREEMENT_REVOKED", 7, 4, "EN148"),
    ("AGREEMENT_NOT_YET_VALID", 7, 4, "EN148"),
    ("AGREEMENT_EXPIRED", 7, 4, "EN148"),
    ("OUTSIDE_HOURS", 7, 4, ""),
    ("OUTSIDE_NETWORK", 7, 4, ""),
    ("CERTIFICATE_NOT_PINNED", 7, 4, ""),
    ("PURPOSE_UNKNOWN", 7, 4, "EN148"),
    ("SERVICE_NOT_GRANTED", 7, 4, "EN148"),
    ("VERIFICATION_NOT_GRANTED", 7, 4, "EN148"),
    ("FIELDS_NOT_GRANTED", 7, 4, "EN148"),
    ("OUTSIDE_TERRITORY", 7, 4, "EN167"),
    ("KNOWN_ON_NOT_GRANTED", 7, 4, ""),
    ("HISTORY_TOO_DEEP", 7, 4, ""),
    ("OPERATOR_MISSING", 7, 4, ""),
    ("OPERATOR_COLLECTIVE", 7, 4, ""),
    ("ASSURANCE_TOO_LOW", 7, 4, ""),
    ("WORKSTATION_MISSING", 7, 4, ""),
    ("CONSENT_MISSING", 7, 4, ""),
    ("CONSENT_NOT_YET_GIVEN", 7, 4, ""),
    ("CONSENT_REFERENCE_ILL_FORMED", 7, 4, "EN081"),
    ("DECLARED_PERSON_NOT_GRANTED", 7, 4, ""),
    ("CASE_REFERENCE_MISSING", 7, 4, "EN081"),
    ("CASE_REFERENCE_ILL_FORMED", 7, 4, "EN081"),
    ("URGENCY_NOT_GRANTED", 7, 4, ""),
    ("QUOTA_PER_MINUTE", 8, 4, ""),
    ("QUOTA_PER_DAY", 8, 4, ""),
    ("QUOTA_MISSES", 8, 4, ""),
    ("BATCH_TOO_LONG", 3, 4, "EN101"),
    ("APPROVAL_NOT_VALID", 7, 4, ""),
    ("QUOTA_ROWS", 8, 4, ""),
    ("SEARCH_MODE_NOT_GRANTED", 7, 4, "EN148"),
    ("ASCERTAINMENT_NOT_GRANTED", 7, 4, "EN148"),
    ("QUOTA_DECLARATIONS", 8, 4, ""),
    ("PUBLICATION_GAP", 9, 6, ""),
    ("PUBLICATION_CONFLICT", 10, 6, ""),
    ("CLOCK_SKEW", 9, 6, ""),
    ("FOREIGN_MUNICIPALITY", 7, 4, "EN167"),
    ("INDEX_RESTORED", 9, 6, ""),
    ("VERSION_NOT_SHARED", 9, 6, ""),
    ("STREAM_SUPERSEDED", 10, 6, ""),
    ("BATCH_NOT_SIGNED", 7, 4, ""),
    ("HOLDINGS_CHANGED", 9, 6, ""),
    ("STATEMENT_NOT_SIGNED", 7, 4, ""),
    ("MUNICIPALITY_WITHDRAWN", 9, 6, ""),
    ("OUTSIDE_SCOPE", 7, 4, ""),
    ("RESOURCE_NOT_FOUND", 5, 3, ""),
    ("LOG_RANGE", 11, 2, ""),
    ("WITNESS_CONFLICT", 10, 6, ""),
    ("NOT_WITNESSED_YET", 9, 5, ""),
    ("OVERSIGHT_BEHIND", 14, 5, ""),
    ("SAMPLE_STATE", 9, 6, ""),
    ("OPENING_SAME_CERTIFICATE", 7, 4, ""),
    ("OPENING_SAME_AUDITOR", 7, 4, ""),
    ("OPENING_SAME_PERSON", 7, 4, ""),
    ("OPENING_LAPSED", 9, 6, ""),
    ("OPENING_SETTLED", 9, 6, ""),
    ("OPENING_NOT_RESERVED", 9, 6, ""),
    ("SUBJECT_UNKNOWN", 5, 3, ""),
    ("SUBJECT_AMBIGUOUS", 9, 2, ""),
    ("REPORT_TOO_LONG", 9, 2, ""),
    ("AGREEMENT_INVALID", 3, 2, ""),
    ("AGREEMENT_STATE", 9, 6, ""),
];

#[test]
fn names_and_numbers_are_the_promised_ones() {
    let rows: Vec<_> = Reason::ALL
        .iter()
        .map(|reason| {
            (
                reason.name(),
                reason.grpc().number(),
                reason.exit().number(),
                reason.anpr().unwrap_or_default(),
            )
        })
        .collect();
    assert_eq!(rows, PROMISED);
}

#[test]
fn names_are_unique_and_read_back() {
    let names: BTreeSet<_> = Reason::ALL.iter().map(|reason| reason.name()).collect();
    assert_eq!(names.len(), Reason::ALL.len());
    for reason in Reason::ALL {
        assert_eq!(Reason::from_name(reason.name()), Some(*reason));
        assert_eq!(reason.to_string(), reason.name());
        let upper_snake = |byte: u8| byte.is_ascii_uppercase() || byte == b'_';
        assert!(reason.name().bytes().all(upper_snake), "{reason}");
    }
    assert_eq!(Reason::from_name("OK"), None);
}

#[test]
fn texts_are_distinct_and_written_as_messages() {
    let mut seen = BTreeSet::new();
    for reason in Reason::ALL {
        for text in [reason.english(), reason.italian()] {
            assert!(seen.insert(text), "{reason} shares its text with another reason");
        }
        for text in [
            reason.english(),
            reason.italian(),
            reason.remedy_english(),
            reason.remedy_italian(),
        ] {
            assert!(
                text.chars().next().is_some_and(char::is_lowercase),
                "{reason}: {text}"
            );
            assert!(!text.ends_with('.') && !text.contains('|'), "{reason}: {text}");
        }
    }
}

#[test]
fn the_page_of_errors_is_what_the_table_gives() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../proto/ERRORS.md");
    let page = catalogue();
    if std::env::var_os("PONTE_WRITE_DOCS").is_some() {
        std::fs::write(file, &page).expect("the page can be written");
    }
    let committed = std::fs::read_to_string(file).expect("the page is readable");
    assert_eq!(
        committed, page,
        "write it again: PONTE_WRITE_DOCS=1 cargo test -p agreement"
    );
    for reason in Reason::ALL {
        let cell = format!("| `{reason}` |");
        assert_eq!(page.matches(&cell).count(), 2, "{reason} in both languages");
    }
}

#[test]
fn a_pause_mends_what_no_change_of_the_call_would() {
    for reason in Reason::ALL {
        let passes = reason.retry() != Retry::Never;
        let by_another_call = matches!(reason.mender(), Mender::Caller | Mender::Parties);
        // A deadline that was too short is the caller's, and the same call may be answered all the same.
        let both = *reason == Reason::DeadlineExceeded;
        assert!(!(passes && by_another_call) || both, "{reason}");
        assert!(reason.mender() != Mender::Time || passes, "{reason}");
        let quota = reason.grpc() == GrpcCode::ResourceExhausted && *reason != Reason::MessageTooLarge;
        assert!(!quota || reason.mender() == Mender::Time, "{reason}");
    }
}
