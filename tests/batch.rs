//! Approved lists: one outcome for each row in its order, each row an entry of its own, and no more learnt than by calls
//! one after the other.

use std::collections::BTreeMap;

use agreement::batch::Approval;
use agreement::claim::Claim;
use agreement::context::{CaseReference, OperatorId};
use agreement::field::FieldSet;
use agreement::peer::Role;
use agreement::reason::Reason;
use agreement::request::DeclaredPerson;
use agreement::verification::Verdict;
use client::agency::{
    AgencyClient, Batch, ListedDeclaration, ListedPerson, Outcomes, PersonKey, RowMessage, RowOutcome,
};
use client::error::ClientError;
use ledger::header::RequestId;
use ledger::part::PartKind;
use registry::codice_fiscale::TaxCode;
use registry::municipality::MunicipalityId;
use support::agreements::{ASSOCIATION, Document, POLICE, PUBLIC_BODY};
use support::calls::{ground, lookup};
use support::people::{DOZZA, IMOLA, Person, anna, carla, day, elena, istat, mario, nobody, paolo};
use support::region::{Region, act};
use uuid::Uuid;
use wire::proto::consultation::v1 as proto;
use wire::proto::consultation::v1::consultation_service_client::ConsultationServiceClient;

const LOOKUP: &str = "ponte.consultation.v1.ConsultationService/BatchLookupPersons";

/// The public body's agreement with lists of at most 10 rows and 20 a day, which show surnames and tax codes.
fn listing() -> Document {
    let text = PUBLIC_BODY.text.replace(
        "services = [\"lookup-person\", ",
        "batch = { rows_per_batch = 10, rows_per_day = 20, fields = [\"surname\", \"tax_code\"] }\n\
         services = [\"batch-lookup-persons\", \"batch-verify\", \"lookup-person\", ",
    );
    assert_ne!(text, PUBLIC_BODY.text);
    Document {
        text: Box::leak(text.into_boxed_str()),
        ..PUBLIC_BODY
    }
}

async fn region() -> Region {
    let mut region = Region::empty().await;
    for document in [POLICE, listing(), ASSOCIATION] {
        region.activate(document).await;
    }
    for istat in support::region::MUNICIPALITIES {
        region.publish(istat, &support::people::everybody()).await;
    }
    region
}

fn batch(id: u128, rows: u32) -> Batch {
    Batch {
        context: ground(PUBLIC_BODY, "co-payment", Uuid::from_u128(id)),
        rows,
        approval: Approval {
            reference: CaseReference::parse("2026/77").expect("a reference"),
            approver: OperatorId::parse("g.neri").expect("a person"),
            approved_on: day("2026-11-02"),
        },
        fields: FieldSet::EMPTY,
    }
}

fn listed(codes: &[TaxCode]) -> Vec<(u32, ListedPerson)> {
    (1..)
        .zip(codes.iter().copied().map(ListedPerson::TaxCode))
        .collect()
}

/// Every outcome, and how the list ended.
async fn all<M: RowMessage>(
    opened: Result<Outcomes<M>, ClientError>,
) -> (Vec<RowOutcome<M::Answer>>, Option<Reason>) {
    let mut outcomes = opened.expect("the stream opens");
    let mut rows = Vec::new();
    loop {
        match outcomes.next().await {
            Ok(Some(outcome)) => rows.push(outcome),
            Ok(None) => return (rows, None),
            Err(error) => return (rows, Some(error.reason().expect("a refusal"))),
        }
    }
}

async fn look_up(
    agency: &AgencyClient,
    batch: &Batch,
    rows: Vec<(u32, ListedPerson)>,
) -> (Vec<(u32, String)>, Option<Reason>) {
    let (rows, ended) = all(agency.batch_lookup_persons(batch, rows.into_iter()).await).await;
    let told = rows.into_iter().map(|RowOutcome { row, answer, receipt }| {
        assert!(receipt.is_some(), "row {row} has its entry");
        let told = match answer {
            Ok(found) => {
                let names = found.persons.iter().map(|card| {
                    let fields = (
                        card.surname.clone(),
                        card.given_name.clone(),
                        card.residence.is_some(),
                    );
                    assert!(fields.1.is_none() && !fields.2, "no field but those of lists");
                    fields.0.expect("a surname").as_str().to_owned()
                });
                names.collect::<Vec<_>>().join(" ")
            }
            Err(failure) => failure.reason.map_or("", Reason::name).to_owned(),
        };
        (row, told)
    });
    (told.collect(), ended)
}

fn told(rows: &[(u32, &str)]) -> Vec<(u32, String)> {
    rows.iter()
        .map(|(row, told)| (*row, (*told).to_owned()))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_row_has_its_outcome_in_its_order_and_an_entry_that_names_the_approval() {
    let region = region().await;
    let agency = region.agency(PUBLIC_BODY);
    // Whoever does not exist, is protected, or lives outside the territory: the same.
    let codes = [
        mario().tax_code(),
        nobody(),
        elena().tax_code(),
        paolo().tax_code(),
        carla().tax_code(),
    ];
    let batch = batch(1, 5);
    let (rows, ended) = look_up(&agency, &batch, listed(&codes)).await;
    assert_eq!(ended, None);
    let expect = [
        (1, "Rossi"),
        (2, "NOT_FOUND"),
        (3, "NOT_FOUND"),
        (4, "Ferri"),
        (5, "NOT_FOUND"),
    ];
    assert_eq!(rows, told(&expect));
    let entries = region.entries("garante").await;
    let entries: BTreeMap<RequestId, _> = entries
        .iter()
        .filter(|entry| entry.header.body.service.as_deref() == Some(LOOKUP))
        .filter_map(|entry| Some((entry.header.body.request_id?, entry)))
        .collect();
    assert_eq!(entries.len(), 5);
    for row in 1..=5 {
        let id = RequestId(batch.request_id(row).into_bytes());
        let criteria = entries[&id]
            .parts
            .iter()
            .find(|part| part.kind == PartKind::Criteria);
        let criteria = &criteria.expect("the criteria are shown to the region").items;
        let said = |name: &str| {
            criteria
                .iter()
                .any(|(own, value)| own == "approval" && value == name)
        };
        assert!(said("2026/77"), "row {row}: {criteria:?}");
        let place = ("row".to_owned(), format!("{row} of 5"));
        assert!(criteria.contains(&place), "row {row}: {criteria:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_goes_on_where_it_was_and_its_rows_are_repeats() {
    let mut region = region().await;
    let codes = [
        mario().tax_code(),
        anna().tax_code(),
        nobody(),
        paolo().tax_code(),
    ];
    let batch = batch(1, 4);
    let agency = region.agency(PUBLIC_BODY);
    let first = listed(&codes).into_iter().take(2).collect();
    let (rows, ended) = look_up(&agency, &batch, first).await;
    assert_eq!((rows, ended), (told(&[(1, "Rossi"), (2, "Bianchi")]), None));
    region.stop_index().await;
    region.start_index().await;
    // Nineteen rows more would be too many if those of before counted again.
    let agency = region.agency(PUBLIC_BODY);
    for _ in 0..6 {
        let (rows, ended) = look_up(&agency, &batch, listed(&codes)).await;
        let expect = [(1, "Rossi"), (2, "Bianchi"), (3, "NOT_FOUND"), (4, "Ferri")];
        assert_eq!((rows, ended), (told(&expect), None));
    }
    let only_last = listed(&codes).into_iter().skip(3).collect();
    assert_eq!(look_up(&agency, &batch, only_last).await.0, told(&[(4, "Ferri")]));
    let other = listed(&[anna().tax_code()]);
    assert_eq!(
        look_up(&agency, &batch, other).await.0,
        told(&[(1, "REQUEST_ID_REUSED")])
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_have_bounds_of_their_own_and_a_call_by_itself_does_not_use_them_up() {
    let mut region = region().await;
    let agency = region.agency(PUBLIC_BODY);
    let ten = |id: u128| batch(id, 10);
    let codes = [mario().tax_code(); 10];
    for id in [1, 2] {
        let (rows, ended) = look_up(&agency, &ten(id), listed(&codes)).await;
        assert_eq!((rows.len(), ended), (10, None));
    }
    let (rows, ended) = look_up(&agency, &ten(3), listed(&codes)).await;
    assert_eq!((rows.len(), ended), (0, Some(Reason::QuotaRows)));
    region.stop_index().await;
    region.start_index().await;
    let agency = region.agency(PUBLIC_BODY);
    let (rows, ended) = look_up(&agency, &ten(4), listed(&codes)).await;
    assert_eq!(
        (rows.len(), ended),
        (0, Some(Reason::QuotaRows)),
        "also after a restart"
    );
    let single = lookup(
        ground(PUBLIC_BODY, "co-payment", agency.new_request_id()),
        mario().tax_code(),
    );
    agency.lookup_person(single).await.expect("a call by itself");
    region.clock.advance(std::time::Duration::from_hours(24));
    let (rows, ended) = look_up(&agency, &ten(5), listed(&codes)).await;
    assert_eq!((rows.len(), ended), (10, None));
    let (rows, ended) = look_up(&agency, &batch(6, 11), listed(&codes)).await;
    assert_eq!((rows.len(), ended), (0, Some(Reason::BatchTooLong)));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_no_agreement_grants_is_no_list() {
    let region = region().await;
    let police = region.agency(POLICE);
    let mut ungranted = batch(1, 1);
    ungranted.context = ground(POLICE, "investigation", Uuid::from_u128(1));
    let (rows, ended) = look_up(&police, &ungranted, listed(&[mario().tax_code()])).await;
    assert_eq!((rows.len(), ended), (0, Some(Reason::ServiceNotGranted)));
    let agency = region.agency(PUBLIC_BODY);
    let mut wanting = batch(2, 1);
    wanting.fields = FieldSet::from_names(["residence"]).expect("a field");
    let (rows, ended) = look_up(&agency, &wanting, listed(&[mario().tax_code()])).await;
    assert_eq!((rows.len(), ended), (0, Some(Reason::FieldsNotGranted)));
    let mut office = batch(3, 1);
    office.approval.approver = OperatorId::parse("ufficio").expect("an account");
    let (_, ended) = look_up(&agency, &office, listed(&[mario().tax_code()])).await;
    assert_eq!(ended, Some(Reason::ApprovalNotValid));
    for rows in [
        vec![(2, mario()), (1, anna())],
        vec![(1, mario()), (1, anna())],
        vec![(4, mario())],
    ] {
        let listed = rows
            .into_iter()
            .map(|(row, person): (u32, Person)| (row, ListedPerson::TaxCode(person.tax_code())))
            .collect();
        let (_, ended) = look_up(&agency, &batch(9, 3), listed).await;
        assert_eq!(ended, Some(Reason::InvalidArgument));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_agreement_ends_the_list() {
    let region = region().await;
    let agency = region.agency(PUBLIC_BODY);
    let revoked = region
        .administrator()
        .revoke(&PUBLIC_BODY.agreement(), "the convention ended", &act())
        .await;
    revoked.expect("the administrator revokes");
    let (rows, ended) = look_up(&agency, &batch(1, 2), listed(&[mario().tax_code(), nobody()])).await;
    assert_eq!((rows.len(), ended), (0, Some(Reason::AgreementRevoked)));
}

fn resident(person: &Person, municipality: &str) -> ListedDeclaration {
    let municipality = MunicipalityId::of_any(istat(municipality)).expect("a municipality");
    ListedDeclaration {
        key: PersonKey::TaxCode(person.tax_code()),
        municipality: None,
        declared: DeclaredPerson::Declarant,
        claim: Claim::MunicipalResidence(municipality),
        consent: None,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn declarations_of_a_list_are_compared_as_one_by_one_and_counted_by_the_rule_of_three() {
    let region = region().await;
    let agency = region.agency(PUBLIC_BODY);
    let rows = [
        resident(&mario(), IMOLA),
        resident(&mario(), DOZZA),
        resident(&elena(), IMOLA),
        resident(&mario(), "037006"),
        resident(&mario(), "037020"),
        resident(&paolo(), DOZZA),
    ];
    let rows = (1..).zip(rows);
    let (rows, ended) = all(agency.batch_verify(&batch(1, 6), rows).await).await;
    assert_eq!(ended, None);
    let told: Vec<(u32, Result<Verdict, Option<Reason>>)> = rows
        .into_iter()
        .map(|row| {
            let answer = row.answer.map(|answer| answer.verdict);
            (row.row, answer.map_err(|failure| failure.reason))
        })
        .collect();
    let expect = [
        (1, Ok(Verdict::Yes)),
        (2, Ok(Verdict::No)),
        (3, Err(Some(Reason::NotFound))),
        (4, Ok(Verdict::No)),
        (5, Err(Some(Reason::QuotaDeclarations))),
        (6, Ok(Verdict::Yes)),
    ];
    // Three of the four about one person are compared, whichever of them came first.
    let (of_mario, others): (Vec<_>, Vec<_>) = told.iter().partition(|(row, _)| [1, 2, 4, 5].contains(row));
    let refused = |rows: &[(u32, Result<Verdict, Option<Reason>>)]| {
        rows.iter()
            .filter(|(_, told)| *told == Err(Some(Reason::QuotaDeclarations)))
            .count()
    };
    assert_eq!((of_mario.len(), refused(&of_mario)), (4, 1));
    assert_eq!(others, [expect[2], expect[5]]);
    for (row, told) in of_mario {
        if told.is_ok() {
            let declared = if row == 1 { Verdict::Yes } else { Verdict::No };
            assert_eq!(told, Ok(declared));
        }
    }
}

/// Whatever comes in the place of an opening is refused, and is an entry all the same.
#[tokio::test(flavor = "multi_thread")]
async fn a_list_without_an_opening_is_refused_with_an_entry() {
    let region = region().await;
    let row = proto::LookupRow {
        row: 1,
        ..proto::LookupRow::default()
    };
    let channel = region.channel(Role::Agency, PUBLIC_BODY.agency).await;
    for part in [None, Some(proto::batch_lookup_persons_request::Part::Row(row))] {
        let before = region.entries("garante").await.len();
        let request = proto::BatchLookupPersonsRequest { part };
        let opened = ConsultationServiceClient::new(channel.clone())
            .batch_lookup_persons(tokio_stream::iter([request]))
            .await
            .expect("the stream opens");
        let status = opened.into_inner().message().await.expect_err("a refusal");
        assert_eq!(status.code(), tonic::Code::InvalidArgument);
        let entries = region.entries("garante").await;
        let of_lists = entries[before..]
            .iter()
            .filter(|entry| entry.header.body.service.as_deref() == Some(LOOKUP));
        assert_eq!(of_lists.count(), 1);
    }
}
