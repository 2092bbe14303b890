//! Who calls, and what whoever has an agreement may always ask.

use super::*;

#[test]
fn a_caller_without_agreement_is_denied() {
    let call = Case::granted();
    let decision = decide(
        &Agreements::default(),
        &call.peer,
        &call.request,
        &call.usage,
        call.moment,
    );
    let denial = decision.expect_err("nothing is granted where there is no agreement");
    assert_eq!(
        (denial.clause, denial.requirement),
        (Clause::AgreementKnown, Requirement::Unspecified)
    );
}

#[test]
fn an_unknown_agreement_and_that_of_another_agency_are_told_alike() {
    let unknown = Case::with(|case| case.request.context.agreement = AgreementId::parse("other").unwrap());
    let foreign = Case::with(|case| case.peer.id = fixture::stranger());
    let explained = |case: &Case| {
        explain(
            &case.agreements(),
            &case.peer,
            &case.request,
            &case.usage,
            case.moment,
        )
    };
    assert_eq!(explained(&unknown), explained(&foreign));
    let (unknown, foreign) = (unknown.decide().unwrap_err(), foreign.decide().unwrap_err());
    assert_eq!(unknown.text(Language::English), foreign.text(Language::English));
    assert_eq!(
        (unknown.clause, unknown.requirement),
        (foreign.clause, foreign.requirement)
    );
}

#[test]
fn services_about_no_person_need_only_the_agreement() {
    for asked in [Asked::AccessDescription, Asked::Receipt] {
        let case = Case::with(|case| {
            case.request.asked = asked;
            case.request.context.purpose = PurposeId::parse("none").unwrap();
            case.request.context.operator = None;
            case.moment = Moment::new(instant("2026-03-04T23:30:00Z"));
            case.usage.agreement = used(60, 1000, 100);
        });
        let permit = granted(&case);
        assert_eq!(
            (permit.service(), permit.fields()),
            (asked.service(), FieldSet::EMPTY)
        );
        assert_eq!(permit.purpose_kind(), PurposeKind::Ordinary);
        let changes: [Change; 4] = [
            (Clause::AgreementKnown, |case| case.peer.id = fixture::stranger()),
            (Clause::NotRevoked, |case| case.revoked = Some(case.moment.utc())),
            (Clause::Certificate, |case| {
                case.peer.certificate = CertificateFingerprint([2; 32])
            }),
            (Clause::Network, |case| {
                case.peer.address = "198.51.100.1".parse().unwrap()
            }),
        ];
        for (clause, change) in changes {
            let mut case = case.clone();
            change(&mut case);
            assert_eq!(case.decide().unwrap_err().clause, clause);
        }
    }
}
