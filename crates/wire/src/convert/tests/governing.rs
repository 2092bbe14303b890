//! What agreements are and allow.

use agreement::agreements::Agreements;
use agreement::clause::Clause;
use agreement::decision::{ClauseOutcome, Verdict};
use agreement::declarations::Remainder;
use agreement::denial::Requirement;
use agreement::describe::describe;
use agreement::document::AgreementDocument;
use agreement::lint::lint;
use agreement::moment::Moment;
use agreement::peer::{CertificateFingerprint, Peer, SpiffeId};
use agreement::service::VerificationKind;
use agreement::usage::UsageCounters;
use chrono::{DateTime, TimeZone, Utc};

use super::super::*;
use crate::proto::agreement::v1 as admin;
use crate::proto::consultation::v1 as wire;
use crate::proto::r#type::v1::PartialDate;

const AGENCY: &str = "spiffe://ponte.example/agency/questura";

const DOCUMENT: &str = r#"
format = 1
id = "questura-2026"
title = "Questura, consultation"
agency = "spiffe://ponte.example/agency/questura"
class = "police"
legal_basis = "DPR 223/1989 art. 37"
valid_from = 2026-01-01
valid_to = 2026-12-31
review_by = 2026-06-30
retention_months = 24
protected = "hidden"
history = "since 2010-01-01"

[territory]
municipalities = ["037032"]

[population]
residents = true

[operator]
required = true
assurance = "substantial"

[case_reference]
pattern = "year-number"

[consent_reference]
pattern = "protocol-number"
words = ["CONS", "PG"]

[quota]
calls_per_day = 1000
operator = { calls_per_minute = 6 }

[[purpose]]
id = "investigation"
text = "Investigation"
basis = "c.p.p. art. 55"
kind = "reserved"
release = "never"
services = ["lookup-person", "verify-declaration"]
verifications = ["residence", "existence-in-life"]
fields = ["surname", "given_name"]
consent_required = true
"#;

fn at(month: u32) -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, month, 2, 9, 0, 0).unwrap()
}

fn agreements() -> Agreements {
    let mut agreements = Agreements::default();
    agreements
        .activate(AgreementDocument::parse(DOCUMENT.as_bytes()).unwrap(), at(1))
        .unwrap();
    agreements
}

#[test]
fn an_agency_is_told_what_its_agreement_allows() {
    let peer = Peer {
        id: SpiffeId::parse(AGENCY).unwrap(),
        certificate: CertificateFingerprint([1; 32]),
        address: [192, 0, 2, 7].into(),
    };
    let resets_at = at(4);
    let description = describe(
        &agreements(),
        &peer,
        &UsageCounters::default(),
        |_, kind| {
            (kind == VerificationKind::Residence).then_some(Remainder {
                declarations: 1,
                resets_at: Some(resets_at),
            })
        },
        Moment::new(at(3)),
    );
    let wire::DescribeAccessResponse {
        agreements,
        today,
        receipt,
    } = access_description(description);
    assert_eq!(
        today,
        Some(PartialDate {
            year: 2026,
            month: 3,
            day: 2
        })
    );
    assert!(receipt.is_none());
    let [agreement] = agreements.as_slice() else {
        panic!("one agreement was activated")
    };
    assert_eq!(
        (agreement.agreement.as_str(), agreement.agreement_hash.len()),
        ("questura-2026", 32)
    );
    assert_eq!(agreement.standing(), wire::AgreementStanding::Active);
    assert_eq!(agreement.territory, ["037032"]);
    assert_eq!(
        agreement.history_from,
        Some(PartialDate {
            year: 2010,
            month: 1,
            day: 1
        })
    );
    assert!(!agreement.known_on_granted);
    let requirements = agreement.operator_requirements.as_ref().unwrap();
    assert_eq!(
        (
            requirements.assurance.as_str(),
            requirements.case_reference.as_str()
        ),
        ("substantial", "year-number")
    );
    assert!(requirements.operator_required && !requirements.workstation_required);
    let population = agreement.population.as_ref().unwrap();
    assert!(population.residents && !population.minors && !population.aire);
    let [purpose] = agreement.purposes.as_slice() else {
        panic!("the agreement has one purpose")
    };
    assert_eq!(
        (purpose.services.as_slice(), purpose.fields.len()),
        (
            &["lookup-person".to_owned(), "verify-declaration".to_owned()][..],
            2
        )
    );
    assert!(purpose.consent_required && !purpose.named_persons_granted);
    assert_eq!(purpose.verifications, ["existence-in-life", "residence"]);
    assert_eq!(agreement.case_reference_words, [""; 0]);
    assert_eq!(
        (
            agreement.consent_reference.as_str(),
            agreement.consent_reference_words.as_slice()
        ),
        ("protocol-number", &["CONS".to_owned(), "PG".to_owned()][..])
    );
    let allowance = |verification: &str, remaining: Option<u32>, reset_time| wire::DeclarationAllowance {
        verification: verification.to_owned(),
        limit: 3,
        days: 30,
        remaining,
        reset_time,
    };
    let resets_at = Some(timestamp_from_ms(resets_at.timestamp_millis()));
    assert_eq!(
        agreement.declarations,
        [
            allowance("existence-in-life", None, None),
            allowance("residence", Some(1), resets_at)
        ]
    );
    let quota = |scope: wire::QuotaScope| {
        agreement
            .quotas
            .iter()
            .find(|quota| quota.scope() == scope)
            .unwrap()
    };
    let day = quota(wire::QuotaScope::Agreement);
    assert_eq!(
        (day.kind(), day.limit, day.remaining),
        (wire::QuotaKind::CallsPerDay, 1000, Some(1000))
    );
    let minute = quota(wire::QuotaScope::Operator);
    assert_eq!(
        (minute.kind(), minute.limit, minute.remaining),
        (wire::QuotaKind::CallsPerMinute, 6, None)
    );
}

#[test]
fn an_agreement_is_shown_with_its_state_and_its_document_where_wanted() {
    let mut agreements = agreements();
    let id = agreements.iter().next().unwrap().agreement().terms().id.clone();
    let active = agreement_message(agreements.get(&id).unwrap(), Document::Included);
    assert_eq!(
        (active.state(), active.document.as_slice()),
        (admin::AgreementState::Active, DOCUMENT.as_bytes())
    );
    assert_eq!((active.agency.as_str(), active.revoke_time), (AGENCY, None));
    agreements.revoke(&id, at(4), "ended by both").unwrap();
    let revoked = agreement_message(agreements.get(&id).unwrap(), Document::Omitted);
    assert_eq!(
        (revoked.state(), revoked.document.len()),
        (admin::AgreementState::Revoked, 0)
    );
    assert_eq!(revoked.revocation_reason, "ended by both");
    assert_eq!(
        timestamp_to_ms("revoke_time", revoked.revoke_time),
        Ok(at(4).timestamp_millis())
    );
}

#[test]
fn clauses_and_findings_are_shown_by_their_names() {
    let clause = Clause::Fields;
    let outcome = |verdict| admin::ClauseOutcome::from(&ClauseOutcome { clause, verdict });
    assert_eq!(outcome(Verdict::Passed).verdict(), admin::ClauseVerdict::Passed);
    assert_eq!(
        outcome(Verdict::NotReached).verdict(),
        admin::ClauseVerdict::NotReached
    );
    let failed = outcome(Verdict::Failed(Requirement::Unspecified));
    assert_eq!(
        (failed.clause.as_str(), failed.verdict()),
        (clause.name(), admin::ClauseVerdict::Failed)
    );
    assert_eq!(failed.text, clause.reason().english());
    let findings = lint(&AgreementDocument::parse(DOCUMENT.as_bytes()).unwrap());
    let found = findings
        .iter()
        .find(|finding| finding.rule.name() == "any-network")
        .unwrap();
    let message = admin::LintFinding::from(found);
    assert_eq!(
        (message.rule.as_str(), message.text.as_str()),
        ("any-network", found.rule.english())
    );
}
