use std::collections::BTreeSet;

use chrono::{DateTime, Utc};

use registry::identifier::IstatCode;
use registry::municipality::MunicipalityId;
use uuid::Uuid;

use super::*;
use crate::agreements::Agreements;
use crate::ascertainment::{Ascertainment, NamedBy};
use crate::batch::{Approval, BatchRow};
use crate::context::{
    AccessContext, AgreementId, Assurance, CaseReference, ConsentReference, OperatorId, PurposeId,
    ReferencePattern, ReferenceTerms, ReferenceWord, Urgency,
};
use crate::declarations::DeclarationUse;
use crate::denial::{Language, QuotaScope};
use crate::field::{Field, FieldSet};
use crate::fixture;
use crate::peer::CertificateFingerprint;
use crate::request::{Asked, DeclaredPerson};
use crate::service::{Service, VerificationKind};
use crate::terms::{PurposeKind, Territory};
use crate::usage::Counters;

mod ascertainments;
mod bounds;
mod callers;
mod texts;

/// A call that is granted; each row of the tables changes one thing of it.
#[derive(Clone)]
struct Case {
    document: String,
    activated: DateTime<Utc>,
    revoked: Option<DateTime<Utc>>,
    peer: Peer,
    request: Request,
    usage: Usage,
    moment: Moment,
}

impl Case {
    fn granted() -> Self {
        Self {
            document: fixture::DOCUMENT.to_owned(),
            activated: instant("2025-12-01T00:00:00Z"),
            revoked: None,
            peer: fixture::peer(),
            request: fixture::request(),
            usage: Usage::default(),
            moment: fixture::moment(),
        }
    }

    fn with(change: impl FnOnce(&mut Self)) -> Self {
        let mut case = Self::granted();
        change(&mut case);
        case
    }

    /// With one text of the agreement changed.
    fn document(from: &str, to: &str) -> Self {
        Self::with(|case| case.document = fixture::changed_document(from, to))
    }

    fn at(when: &str) -> Self {
        Self::with(|case| case.moment = Moment::new(instant(when)))
    }

    fn agreements(&self) -> Agreements {
        let agreement = crate::document::AgreementDocument::parse(self.document.as_bytes()).unwrap();
        let id = agreement.terms().id.clone();
        let mut agreements = Agreements::default();
        agreements.activate(agreement, self.activated).unwrap();
        if let Some(at) = self.revoked {
            agreements.revoke(&id, at, "misuse").unwrap();
        }
        agreements
    }

    fn decide(&self) -> Result<Permit, Denial> {
        let agreements = self.agreements();
        let Self {
            peer,
            request,
            usage,
            moment,
            ..
        } = self;
        let decision = decide(&agreements, peer, request, usage, *moment);
        let outcomes = explain(&agreements, peer, request, usage, *moment);
        let explained: Vec<Clause> = outcomes.iter().map(|outcome| outcome.clause).collect();
        assert_eq!(explained, Clause::ALL);
        let first_failure = outcomes
            .into_iter()
            .find(|outcome| outcome.verdict != Verdict::Passed);
        let denied = decision.as_ref().err().map(|denial| ClauseOutcome {
            clause: denial.clause,
            verdict: Verdict::Failed(denial.requirement.clone()),
        });
        assert_eq!(first_failure, denied, "the explanation and the decision agree");
        decision
    }
}

type Change = (Clause, fn(&mut Case));

fn instant(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn municipality(code: &str) -> MunicipalityId {
    MunicipalityId::of_any(IstatCode::parse(code).unwrap()).unwrap()
}

fn used(calls_this_minute: u32, calls_today: u32, misses_today: u32) -> Counters {
    Counters {
        calls_this_minute,
        calls_today,
        misses_today,
        rows_today: 0,
    }
}

#[track_caller]
fn granted(case: &Case) -> Permit {
    case.decide()
        .unwrap_or_else(|denial| panic!("denied by {}", denial.clause))
}

#[track_caller]
fn denied(case: &Case, clause: Clause, requirement: Requirement) {
    let denial = case.decide().expect_err("the call is denied");
    assert_eq!(denial.reason(), clause.reason());
    let AccessContext {
        agreement, purpose, ..
    } = case.request.context.clone();
    assert_eq!(
        denial,
        Denial {
            agreement,
            purpose,
            clause,
            requirement
        }
    );
}

/// A purpose that grants lists of at most 10 rows, 100 a day, which show surnames alone.
fn listing(row: u32, rows: u32) -> Case {
    Case::with(|case| {
        case.document = fixture::changed_document(
            "services = [\"lookup-person\", ",
            "batch = { rows_per_batch = 10, rows_per_day = 100, fields = [\"surname\"] }\n\
             services = [\"lookup-person\", \"batch-lookup-persons\", \"batch-verify\", ",
        );
        case.request.batch = Some(BatchRow {
            batch: Uuid::nil(),
            row,
            rows,
            approval: Approval {
                reference: CaseReference::parse("2026/77").unwrap(),
                approver: OperatorId::parse("g.neri").unwrap(),
                approved_on: fixture::day("2026-03-02"),
            },
        });
    })
}

/// One change for each clause, each enough to be denied by it.
fn denials() -> Vec<(Clause, Case, Requirement)> {
    use Requirement::Unspecified;
    let with = |change: fn(&mut Case)| Case::with(change);
    let fields = |fields: &[Field]| FieldSet::of(fields);
    vec![
        (
            Clause::AgreementKnown,
            with(|case| case.peer.id = fixture::stranger()),
            Unspecified,
        ),
        (
            Clause::NotRevoked,
            with(|case| case.revoked = Some(case.moment.utc())),
            Unspecified,
        ),
        (
            Clause::Begun,
            with(|case| case.activated = instant("2026-03-02T10:00:01Z")),
            Requirement::NotBefore(fixture::day("2026-03-02")),
        ),
        (
            Clause::NotExpired,
            Case::document("valid_to = 2026-12-31", "valid_to = 2026-03-01"),
            Requirement::NotAfter(fixture::day("2026-03-01")),
        ),
        (
            Clause::Certificate,
            with(|case| case.peer.certificate = CertificateFingerprint([2; 32])),
            Requirement::OtherCertificate {
                seen: CertificateFingerprint([2; 32]),
            },
        ),
        (
            Clause::Network,
            with(|case| case.peer.address = "198.51.100.1".parse().unwrap()),
            Requirement::Networks {
                seen: "198.51.100.1".parse().unwrap(),
                admitted: fixture::agreement("").terms().networks.clone(),
            },
        ),
        (
            Clause::Hours,
            Case::at("2026-03-04T10:00:00Z"),
            Requirement::Hours(fixture::agreement("").terms().hours.clone()),
        ),
        (
            Clause::Purpose,
            with(|case| case.request.context.purpose = PurposeId::parse("curiosity").unwrap()),
            Requirement::Purposes(
                ["investigation", "declarations"]
                    .map(|id| PurposeId::parse(id).unwrap())
                    .to_vec(),
            ),
        ),
        (
            Clause::Service,
            with(|case| case.request.context.purpose = PurposeId::parse("declarations").unwrap()),
            Requirement::Services(vec![Service::VerifyDeclaration]),
        ),
        (
            Clause::Verification,
            with(|case| case.request.asked = Asked::Verification(VerificationKind::FamilyStatus)),
            Requirement::Verifications(vec![VerificationKind::Generalities, VerificationKind::Residence]),
        ),
        (
            Clause::Ascertainment,
            with(|case| {
                case.request.asked = Asked::Ascertainment {
                    kind: Ascertainment::Death,
                    named_by: NamedBy::Identifier,
                    fields: FieldSet::EMPTY,
                };
            }),
            Requirement::Ascertainments {
                refused: Ascertainment::Death,
                granted: Vec::new(),
            },
        ),
        (
            Clause::Fields,
            with(|case| {
                case.request.asked = Asked::Person {
                    fields: FieldSet::of(&[Field::Surname, Field::Parents]),
                };
            }),
            Requirement::Fields {
                refused: fields(&[Field::Parents]),
                granted: fields(&[
                    Field::Surname,
                    Field::GivenName,
                    Field::BirthDate,
                    Field::Residence,
                    Field::Household,
                    Field::Death,
                ]),
            },
        ),
        (
            Clause::Territory,
            with(|case| case.request.municipality = Some(municipality("015146"))),
            Unspecified,
        ),
        (
            Clause::ReferenceDate,
            with(|case| case.request.context.reference_date = Some(fixture::day("2026-03-03"))),
            Requirement::ReferenceDateUntil(fixture::day("2026-03-02")),
        ),
        (
            Clause::History,
            with(|case| case.request.context.reference_date = Some(fixture::day("2009-12-31"))),
            Requirement::ReferenceDateFrom(fixture::day("2010-01-01")),
        ),
        (
            Clause::KnownOn,
            with(|case| case.request.context.known_on = Some(case.moment.utc())),
            Unspecified,
        ),
        (
            Clause::Urgency,
            with(|case| case.request.context.urgency = Urgency::Emergency),
            Unspecified,
        ),
        (
            Clause::Operator,
            with(|case| case.request.context.operator = None),
            Unspecified,
        ),
        (
            Clause::PersonalAccount,
            with(|case| case.request.context.operator = OperatorId::parse("ufficio1").ok()),
            Unspecified,
        ),
        (
            Clause::Assurance,
            with(|case| case.request.context.assurance = Some(Assurance::Low)),
            Requirement::Assurance(Assurance::Substantial),
        ),
        (
            Clause::Workstation,
            with(|case| case.request.context.workstation = None),
            Unspecified,
        ),
        (
            Clause::Consent,
            with(|case| case.request.context.consent_reference = None),
            Unspecified,
        ),
        (
            Clause::ConsentDate,
            with(|case| {
                case.request.context.consent_reference = ConsentReference::parse("CONS-1 2026-03-03").ok();
            }),
            Requirement::NotAfter(fixture::day("2026-03-02")),
        ),
        (
            Clause::ConsentForm,
            with(|case| {
                case.request.context.consent_reference =
                    ConsentReference::parse("ROSSI-MARIO-1 2026-03-02").ok();
            }),
            Requirement::Reference(ReferenceTerms {
                pattern: ReferencePattern::ProtocolNumber,
                words: Some([ReferenceWord::parse("CONS").unwrap()].into()),
            }),
        ),
        (
            Clause::DeclaredPerson,
            with(|case| {
                case.request.asked = Asked::Verification(VerificationKind::Residence);
                case.request.declared = DeclaredPerson::Named;
            }),
            Unspecified,
        ),
        (
            Clause::Case,
            with(|case| case.request.context.case_reference = None),
            Requirement::Reference(year_number()),
        ),
        (
            Clause::CaseForm,
            with(|case| case.request.context.case_reference = CaseReference::parse("PG-123").ok()),
            Requirement::Reference(year_number()),
        ),
        (
            Clause::SearchMode,
            with(|case| {
                case.request.asked = Asked::PersonNamed {
                    fields: FieldSet::EMPTY,
                }
            }),
            Unspecified,
        ),
        (Clause::BatchSize, listing(1, 11), Requirement::Rows(10)),
        (
            Clause::Approval,
            {
                let mut case = listing(1, 10);
                let row = case.request.batch.as_mut().expect("it is a row");
                row.approval.approved_on = fixture::day("2026-03-03");
                case
            },
            Requirement::NotAfter(fixture::day("2026-03-02")),
        ),
        (
            Clause::RowQuota,
            {
                let mut case = listing(1, 10);
                case.usage.purpose.rows_today = 100;
                case
            },
            Requirement::Quota {
                scope: QuotaScope::Purpose,
                limit: 100,
                resets_at: fixture::moment().next_midnight(),
            },
        ),
        (
            Clause::MinuteQuota,
            with(|case| case.usage.agreement = used(60, 60, 0)),
            quota(QuotaScope::Agreement, 60, "2026-03-02T10:01:00Z"),
        ),
        (
            Clause::DayQuota,
            with(|case| case.usage.agreement = used(0, 1000, 0)),
            quota(QuotaScope::Agreement, 1000, "2026-03-02T23:00:00Z"),
        ),
        (
            Clause::MissQuota,
            with(|case| case.usage.agreement = used(0, 100, 100)),
            quota(QuotaScope::Agreement, 100, "2026-03-02T23:00:00Z"),
        ),
        (
            Clause::DifferentDeclarations,
            with(|case| {
                case.request.asked = Asked::Verification(VerificationKind::Residence);
                case.usage.declarations = DeclarationUse::UsedUp {
                    resets_at: instant("2026-04-01T11:00:00Z"),
                };
            }),
            Requirement::Declarations {
                limit: 3,
                days: 30,
                resets_at: instant("2026-04-01T11:00:00Z"),
            },
        ),
    ]
}

fn year_number() -> ReferenceTerms {
    ReferenceTerms {
        pattern: ReferencePattern::YearNumber,
        words: None,
    }
}

#[test]
fn who_is_named_in_a_declaration_is_verified_where_a_provision_is_cited_or_no_consent_is_needed() {
    let named = |case: &mut Case| {
        case.request.asked = Asked::Verification(VerificationKind::Residence);
        case.request.declared = DeclaredPerson::Named;
    };
    let mut cited = Case::document(
        "consent_required = true",
        "consent_required = true\nnamed_persons_basis = \"DPR 445/2000 art. 47 c. 2\"",
    );
    named(&mut cited);
    assert!(cited.decide().is_ok());
    let mut without_consent = Case::granted();
    named(&mut without_consent);
    without_consent.request.context.purpose = PurposeId::parse("declarations").unwrap();
    assert!(without_consent.decide().is_ok());
}

fn quota(scope: QuotaScope, limit: u32, resets_at: &str) -> Requirement {
    Requirement::Quota {
        scope,
        limit,
        resets_at: instant(resets_at),
    }
}

#[test]
fn a_call_that_meets_every_clause_is_granted() {
    let permit = granted(&Case::granted());
    assert_eq!(permit.agreement_id().as_str(), "questura-2026");
    assert_eq!(permit.agreement().hash(), fixture::agreement("").hash());
    assert_eq!(
        (permit.purpose().as_str(), permit.purpose_kind()),
        ("investigation", PurposeKind::Reserved)
    );
    assert_eq!(
        (permit.service(), permit.verification()),
        (Service::LookupPerson, None)
    );
    assert_eq!(
        permit.fields().to_string(),
        "surname, given_name, birth_date, residence, household, death"
    );
    assert_eq!(
        (permit.reference_date(), permit.today()),
        (fixture::day("2026-03-02"), fixture::day("2026-03-02"))
    );
    assert_eq!(
        (permit.municipality(), permit.moment()),
        (None, fixture::moment())
    );
}

#[test]
fn every_clause_alone_denies() {
    let table = denials();
    let covered: BTreeSet<Clause> = table.iter().map(|(clause, _, _)| *clause).collect();
    assert_eq!(
        covered.into_iter().collect::<Vec<_>>(),
        Clause::ALL,
        "every clause has a row"
    );
    for (clause, case, requirement) in table {
        denied(&case, clause, requirement);
    }
}

#[test]
fn the_earlier_clause_is_the_denial() {
    let case = Case::with(|case| {
        case.usage.agreement = used(60, 1000, 100);
        case.request.context.operator = None;
        case.request.context.purpose = PurposeId::parse("curiosity").unwrap();
    });
    assert_eq!(case.decide().unwrap_err().clause, Clause::Purpose);
}

#[test]
fn what_depends_on_an_earlier_failure_is_not_reached() {
    let case = Case::with(|case| case.request.context.purpose = PurposeId::parse("curiosity").unwrap());
    let outcomes = explain(
        &case.agreements(),
        &case.peer,
        &case.request,
        &case.usage,
        case.moment,
    );
    let with = |verdict: fn(&Verdict) -> bool| -> Vec<Clause> {
        outcomes
            .iter()
            .filter(|outcome| verdict(&outcome.verdict))
            .map(|outcome| outcome.clause)
            .collect()
    };
    assert_eq!(
        with(|verdict| matches!(verdict, Verdict::Failed(_))),
        [Clause::Purpose]
    );
    let dependent = [
        Clause::Service,
        Clause::Verification,
        Clause::Ascertainment,
        Clause::Fields,
        Clause::Consent,
        Clause::ConsentDate,
        Clause::DeclaredPerson,
    ];
    assert_eq!(with(|verdict| *verdict == Verdict::NotReached), dependent);
    let foreign = Case::with(|case| case.peer.id = fixture::stranger());
    let outcomes = explain(
        &foreign.agreements(),
        &foreign.peer,
        &foreign.request,
        &foreign.usage,
        foreign.moment,
    );
    assert!(
        outcomes
            .iter()
            .skip(1)
            .all(|outcome| outcome.verdict == Verdict::NotReached)
    );
    let no_case = Case::with(|case| case.request.context.case_reference = None);
    let outcomes = explain(
        &no_case.agreements(),
        &no_case.peer,
        &no_case.request,
        &no_case.usage,
        no_case.moment,
    );
    let form = outcomes.iter().find(|outcome| outcome.clause == Clause::CaseForm);
    assert_eq!(form.map(|outcome| &outcome.verdict), Some(&Verdict::NotReached));
}
