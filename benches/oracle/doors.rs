//! The doors that name a person.

use benches::people;
use benches::region::request_id;
use tonic::transport::Channel;
use tonic::{Code, Status};
use wire::proto::consultation::v1 as pb;
use wire::proto::consultation::v1::consultation_service_client::ConsultationServiceClient;

use crate::ground::Index;
use crate::town::{STREET, house};

/// A way to name a person in a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Door {
    TaxCode,
    Generalities,
    Household,
    Residents,
    Verification,
    Search,
    LookupRow,
    VerifyRow,
}

/// A call that is ready to be made.
pub(crate) enum Ask {
    Person(Box<pb::LookupPersonRequest>),
    Household(Box<pb::LookupHouseholdRequest>),
    Residents(Box<pb::LookupAddressResidentsRequest>),
    Verify(Box<pb::VerifyDeclarationRequest>),
    Search(Box<pb::SearchPersonsRequest>),
    LookupRow(Vec<pb::BatchLookupPersonsRequest>),
    VerifyRow(Vec<pb::BatchVerifyRequest>),
}

/// Who asks.
pub(crate) struct Caller {
    client: ConsultationServiceClient<Channel>,
}

impl Door {
    pub(crate) const ALL: [Self; 8] = [
        Self::TaxCode,
        Self::Generalities,
        Self::Household,
        Self::Residents,
        Self::Verification,
        Self::Search,
        Self::LookupRow,
        Self::VerifyRow,
    ];

    /// The door by which controls go.
    #[expect(non_upper_case_globals, reason = "reads as one of the doors")]
    pub(crate) const Control: Self = Self::TaxCode;

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::TaxCode => "codice fiscale",
            Self::Generalities => "generalities",
            Self::Household => "household",
            Self::Residents => "residents",
            Self::Verification => "verification",
            Self::Search => "search",
            Self::LookupRow => "row of a lookup",
            Self::VerifyRow => "row of a check",
        }
    }
}

impl Caller {
    pub(crate) async fn new(index: &Index) -> Self {
        Self {
            client: ConsultationServiceClient::new(index.region.agency(index.address).await),
        }
    }

    /// The call for the person of a number.
    pub(crate) fn request(&self, door: Door, number: u64) -> Ask {
        let code = people::tax_code(number).as_str().to_owned();
        let context = Some(context());
        let in_life = pb::verify_declaration_request::Claim::ExistenceInLife(pb::ExistenceInLifeClaim {});
        match door {
            Door::TaxCode => Ask::Person(Box::new(pb::LookupPersonRequest {
                context,
                key: Some(pb::lookup_person_request::Key::TaxCode(code)),
                ..Default::default()
            })),
            Door::Generalities => Ask::Person(Box::new(pb::LookupPersonRequest {
                context,
                key: Some(pb::lookup_person_request::Key::Generalities(
                    (&people::card(number).generalities).into(),
                )),
                ..Default::default()
            })),
            Door::Household => Ask::Household(Box::new(pb::LookupHouseholdRequest {
                context,
                key: Some(pb::lookup_household_request::Key::TaxCode(code)),
                ..Default::default()
            })),
            // Who is resident elsewhere is resident at no such address of the territory.
            Door::Residents => Ask::Residents(Box::new(pb::LookupAddressResidentsRequest {
                context,
                address: Some(pb::AddressClaim {
                    street: STREET.to_owned(),
                    number: Some(house(number)),
                    ..Default::default()
                }),
                municipality: people::MUNICIPALITY.to_owned(),
                ..Default::default()
            })),
            Door::Verification => Ask::Verify(Box::new(pb::VerifyDeclarationRequest {
                context,
                key: Some(pb::verify_declaration_request::Key::TaxCode(code)),
                claim: Some(in_life),
                ..Default::default()
            })),
            Door::Search => Ask::Search(Box::new(pb::SearchPersonsRequest {
                context,
                tax_code: code,
                ..Default::default()
            })),
            Door::LookupRow => {
                use pb::batch_lookup_persons_request::Part;
                let row = pb::LookupRow {
                    row: 1,
                    key: Some(pb::lookup_row::Key::TaxCode(code)),
                };
                let part = |part| pb::BatchLookupPersonsRequest { part: Some(part) };
                Ask::LookupRow(vec![part(Part::Opening(opening())), part(Part::Row(row))])
            }
            Door::VerifyRow => {
                use pb::batch_verify_request::Part;
                let row = pb::VerifyRow {
                    row: 1,
                    declaration: Some(pb::VerifyDeclarationRequest {
                        key: Some(pb::verify_declaration_request::Key::TaxCode(code)),
                        claim: Some(in_life),
                        ..Default::default()
                    }),
                    ..Default::default()
                };
                let part = |part| pb::BatchVerifyRequest { part: Some(part) };
                Ask::VerifyRow(vec![part(Part::Opening(opening())), part(Part::Row(row))])
            }
        }
    }

    /// Makes a call and sees that nobody is shown.
    pub(crate) async fn ask(&mut self, ask: Ask) {
        let client = &mut self.client;
        match ask {
            Ask::Person(request) => absent(client.lookup_person(*request).await.map(drop)),
            Ask::Household(request) => absent(client.lookup_household(*request).await.map(drop)),
            Ask::Residents(request) => absent(client.lookup_address_residents(*request).await.map(drop)),
            Ask::Verify(request) => absent(client.verify_declaration(*request).await.map(drop)),
            Ask::Search(request) => absent(client.search_persons(*request).await.map(drop)),
            Ask::LookupRow(parts) => {
                let mut outcomes = client
                    .batch_lookup_persons(tokio_stream::iter(parts))
                    .await
                    .expect("the list is taken")
                    .into_inner();
                let outcome = outcomes
                    .message()
                    .await
                    .expect("the list is answered")
                    .expect("one outcome");
                let Some(pb::batch_lookup_persons_response::Outcome::Failure(failure)) = outcome.outcome
                else {
                    panic!("nobody is shown");
                };
                assert_eq!(failure.code, Code::NotFound as i32);
            }
            Ask::VerifyRow(parts) => {
                let mut outcomes = client
                    .batch_verify(tokio_stream::iter(parts))
                    .await
                    .expect("the list is taken")
                    .into_inner();
                let outcome = outcomes
                    .message()
                    .await
                    .expect("the list is answered")
                    .expect("one outcome");
                let Some(pb::batch_verify_response::Outcome::Failure(failure)) = outcome.outcome else {
                    panic!("nobody is shown");
                };
                assert_eq!(failure.code, Code::NotFound as i32);
            }
        }
    }
}

fn absent(answer: Result<(), Status>) {
    let status = answer.expect_err("nobody is shown");
    assert_eq!(status.code(), Code::NotFound, "{status:?}");
}

fn context() -> pb::AccessContext {
    pb::AccessContext {
        agreement: "questura-2026".to_owned(),
        purpose: "identification".to_owned(),
        operator: "m.esposito".to_owned(),
        assurance: pb::Assurance::Substantial.into(),
        workstation: "PC-12".to_owned(),
        case_reference: "2026/123".to_owned(),
        request_id: request_id().to_string(),
        ..pb::AccessContext::default()
    }
}

fn opening() -> pb::BatchOpening {
    pb::BatchOpening {
        context: Some(context()),
        rows: 1,
        approval: Some(pb::BatchApproval {
            reference: "2026/77".to_owned(),
            approver: "g.neri".to_owned(),
            approval_date: Some(wire::proto::r#type::v1::PartialDate {
                year: 2026,
                month: 1,
                day: 15,
            }),
        }),
        read_mask: None,
    }
}
