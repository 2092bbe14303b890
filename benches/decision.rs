//! Deciding a call and viewing a candidate: what stands before every answer.
//!
//! ```text
//! cargo bench -p benches --bench decision
//! ```

use std::hint::black_box;
use std::net::{IpAddr, Ipv4Addr};

use agreement::agreements::Agreements;
use agreement::context::{
    AccessContext, AgreementId, Assurance, CaseReference, OperatorId, PurposeId, Urgency, Workstation,
};
use agreement::decision::decide;
use agreement::document::AgreementDocument;
use agreement::field::FieldSet;
use agreement::moment::Moment;
use agreement::peer::{CertificateFingerprint, Peer};
use agreement::permit::View;
use agreement::request::{Asked, DeclaredPerson, Request};
use agreement::subject::{Consent, Identity, SubjectFacts};
use agreement::usage::{Settlement, Unit, UsageCounters, UsageKey};
use benches::authority::Party;
use benches::people::{card, istat};
use benches::region::AGREEMENT;
use criterion::{Criterion, criterion_group, criterion_main};
use registry::municipality::MunicipalityId;
use uuid::Uuid;

fn moment() -> Moment {
    Moment::new("2026-11-02T08:00:00Z".parse().expect("an instant"))
}

fn peer() -> Peer {
    Peer {
        id: Party::Agency.spiffe_id().expect("an agency has an id"),
        certificate: CertificateFingerprint([1; 32]),
        address: IpAddr::V4(Ipv4Addr::LOCALHOST),
    }
}

fn request() -> Request {
    Request {
        context: AccessContext {
            agreement: AgreementId::parse("questura-2026").expect("an id"),
            purpose: PurposeId::parse("investigation").expect("an id"),
            operator: OperatorId::parse("m.esposito").ok(),
            assurance: Some(Assurance::Substantial),
            workstation: Workstation::parse("PC-12").ok(),
            case_reference: CaseReference::parse("2026/123").ok(),
            consent_reference: None,
            reference_date: None,
            known_on: None,
            request_id: Uuid::from_u128(7),
            statement_version: None,
            urgency: Urgency::Ordinary,
            min_fresh_since: None,
        },
        asked: Asked::Person {
            fields: FieldSet::EMPTY,
        },
        municipality: None,
        declared: DeclaredPerson::Declarant,
        batch: None,
    }
}

fn agreements() -> Agreements {
    let mut agreements = Agreements::default();
    let agreement = AgreementDocument::parse(AGREEMENT.as_bytes()).expect("the agreement is valid");
    agreements
        .activate(agreement, moment().utc())
        .expect("the first of its id");
    agreements
}

fn decision(criterion: &mut Criterion) {
    let (agreements, peer, request, moment) = (agreements(), peer(), request(), moment());
    let key = UsageKey {
        agency: peer.id.clone(),
        agreement: request.context.agreement.clone(),
        purpose: request.context.purpose.clone(),
        operator: request.context.operator.clone(),
        unit: Unit::of(&request),
    };
    let mut counters = UsageCounters::default();
    criterion.bench_function("usage reserve and settle", |bencher| {
        bencher.iter(|| {
            let (reservation, usage) = counters.reserve(black_box(&key).clone(), moment);
            counters.settle(reservation, Settlement::Hit);
            usage
        });
    });
    let usage = counters.peek(&key, moment);
    let permit = decide(&agreements, &peer, &request, &usage, moment).expect("the call is granted");
    criterion.bench_function("decide", |bencher| {
        bencher.iter(|| decide(black_box(&agreements), &peer, black_box(&request), &usage, moment));
    });

    let record = card(12_345);
    let municipality = MunicipalityId::of_any(istat()).expect("a municipality");
    let facts = || {
        let day = permit.reference_date();
        SubjectFacts::of(
            black_box(&record),
            municipality,
            day,
            Identity::Open,
            Consent::Given,
        )
    };
    let View::Visible(fields) = permit.view(&facts()) else {
        panic!("the card is visible")
    };
    criterion.bench_function("facts and view", |bencher| bencher.iter(|| permit.view(&facts())));
    criterion.bench_function("person view", |bencher| {
        bencher.iter(|| permit.person_with(black_box(&record), fields));
    });
}

criterion_group!(benches, decision);
criterion_main!(benches);
