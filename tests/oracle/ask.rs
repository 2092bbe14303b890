//! Calls by every method that agencies have, and everything that comes back.

use prost_types::FieldMask;
use tonic::metadata::MetadataMap;
use tonic::transport::Channel;
use tonic::{Code, Status, Streaming};
use tonic_prost::prost::Message;
use wire::proto::consultation::v1 as pb;
use wire::proto::consultation::v1::consultation_service_client::ConsultationServiceClient;
use wire::proto::r#type::v1::PartialDate;

/// A client of an agency.
pub(crate) type Client = ConsultationServiceClient<Channel>;

/// A call that is ready to be made.
#[derive(Clone)]
pub(crate) enum Ask {
    Person(pb::LookupPersonRequest),
    Household(pb::LookupHouseholdRequest),
    Residents(pb::LookupAddressResidentsRequest),
    Search(pb::SearchPersonsRequest),
    Verify(pb::VerifyDeclarationRequest),
    LookupRows(Vec<pb::BatchLookupPersonsRequest>),
    VerifyRows(Vec<pb::BatchVerifyRequest>),
    Describe(pb::DescribeAccessRequest),
    Receipt(pb::GetReceiptRequest),
}

/// A message that came back.
#[derive(Clone)]
pub(crate) enum Answer {
    Person(pb::LookupPersonResponse),
    Household(pb::LookupHouseholdResponse),
    Residents(pb::LookupAddressResidentsResponse),
    Search(pb::SearchPersonsResponse),
    Verification(pb::VerifyDeclarationResponse),
    LookedUp(pb::BatchLookupPersonsResponse),
    Verified(pb::BatchVerifyResponse),
    Description(pb::DescribeAccessResponse),
    Receipt(pb::GetReceiptResponse),
}

/// Everything that came back.
pub(crate) struct Told {
    /// Headers before the first message.
    pub(crate) headers: MetadataMap,
    /// The messages.
    pub(crate) answers: Vec<Answer>,
    /// How the call was refused, or broken off.
    pub(crate) refusal: Option<Status>,
    /// Trailers of a list that was answered to its end.
    pub(crate) trailers: MetadataMap,
}

impl Ask {
    /// One for each method of the contract, by the method's name: whoever adds a method adds it here, since a test compares
    /// these with the contract.
    pub(crate) const METHODS: [&str; 9] = [
        "LookupPerson",
        "LookupHousehold",
        "LookupAddressResidents",
        "SearchPersons",
        "VerifyDeclaration",
        "BatchLookupPersons",
        "BatchVerify",
        "DescribeAccess",
        "GetReceipt",
    ];

    /// The method.
    pub(crate) fn method(&self) -> &'static str {
        match self {
            Self::Person(_) => "LookupPerson",
            Self::Household(_) => "LookupHousehold",
            Self::Residents(_) => "LookupAddressResidents",
            Self::Search(_) => "SearchPersons",
            Self::Verify(_) => "VerifyDeclaration",
            Self::LookupRows(_) => "BatchLookupPersons",
            Self::VerifyRows(_) => "BatchVerify",
            Self::Describe(_) => "DescribeAccess",
            Self::Receipt(_) => "GetReceipt",
        }
    }

    /// Makes the call.
    pub(crate) async fn make(self, client: &mut Client) -> Told {
        match self {
            Self::Person(request) => Told::of(client.lookup_person(request).await, Answer::Person),
            Self::Household(request) => Told::of(client.lookup_household(request).await, Answer::Household),
            Self::Residents(request) => {
                Told::of(client.lookup_address_residents(request).await, Answer::Residents)
            }
            Self::Search(request) => Told::of(client.search_persons(request).await, Answer::Search),
            Self::Verify(request) => Told::of(client.verify_declaration(request).await, Answer::Verification),
            Self::LookupRows(parts) => {
                let outcomes = client.batch_lookup_persons(tokio_stream::iter(parts)).await;
                Told::of_list(outcomes, Answer::LookedUp).await
            }
            Self::VerifyRows(parts) => {
                let outcomes = client.batch_verify(tokio_stream::iter(parts)).await;
                Told::of_list(outcomes, Answer::Verified).await
            }
            Self::Describe(request) => Told::of(client.describe_access(request).await, Answer::Description),
            Self::Receipt(request) => Told::of(client.get_receipt(request).await, Answer::Receipt),
        }
    }
}

impl Told {
    fn of<M>(answer: Result<tonic::Response<M>, Status>, read: impl Fn(M) -> Answer) -> Self {
        match answer {
            Ok(response) => {
                let (headers, message, _) = response.into_parts();
                Self {
                    headers,
                    answers: vec![read(message)],
                    refusal: None,
                    trailers: MetadataMap::new(),
                }
            }
            Err(status) => Self {
                headers: MetadataMap::new(),
                answers: Vec::new(),
                refusal: Some(status),
                trailers: MetadataMap::new(),
            },
        }
    }

    async fn of_list<M>(
        outcomes: Result<tonic::Response<Streaming<M>>, Status>,
        read: impl Fn(M) -> Answer,
    ) -> Self {
        let (headers, mut outcomes) = match outcomes {
            Ok(response) => {
                let (headers, outcomes, _) = response.into_parts();
                (headers, outcomes)
            }
            Err(status) => return Self::of(Err(status), read),
        };
        let mut answers = Vec::new();
        let refusal = loop {
            match outcomes.message().await {
                Ok(Some(outcome)) => answers.push(read(outcome)),
                Ok(None) => break None,
                Err(status) => break Some(status),
            }
        };
        let trailers = match &refusal {
            None => outcomes
                .trailers()
                .await
                .expect("the list has ended")
                .unwrap_or_default(),
            Some(_) => MetadataMap::new(),
        };
        Self {
            headers,
            answers,
            refusal,
            trailers,
        }
    }
}

impl Answer {
    /// The message as it travels.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        match self {
            Self::Person(message) => message.encode_to_vec(),
            Self::Household(message) => message.encode_to_vec(),
            Self::Residents(message) => message.encode_to_vec(),
            Self::Search(message) => message.encode_to_vec(),
            Self::Verification(message) => message.encode_to_vec(),
            Self::LookedUp(message) => message.encode_to_vec(),
            Self::Verified(message) => message.encode_to_vec(),
            Self::Description(message) => message.encode_to_vec(),
            Self::Receipt(message) => message.encode_to_vec(),
        }
    }

    /// The persons in it.
    pub(crate) fn persons(&self) -> Vec<&pb::Person> {
        use pb::batch_lookup_persons_response::Outcome;
        match self {
            Self::Person(message) => message.persons.iter().collect(),
            Self::Household(message) => {
                let members = message.households.iter().flat_map(|household| &household.members);
                let dead = message.deceased.iter().filter_map(|dead| dead.person.as_ref());
                members
                    .filter_map(|member| member.person.as_ref())
                    .chain(dead)
                    .collect()
            }
            Self::Residents(message) => message.groups.iter().flat_map(|group| &group.persons).collect(),
            Self::Search(message) => message
                .hits
                .iter()
                .filter_map(|hit| hit.person.as_ref())
                .collect(),
            Self::LookedUp(message) => match &message.outcome {
                Some(Outcome::Found(found)) => found.persons.iter().collect(),
                Some(Outcome::Failure(_)) | None => Vec::new(),
            },
            Self::Verification(_) | Self::Verified(_) | Self::Description(_) | Self::Receipt(_) => Vec::new(),
        }
    }

    /// Code of a row that was refused.
    pub(crate) fn row_failure(&self) -> Option<Code> {
        use pb::{batch_lookup_persons_response as looked_up, batch_verify_response as verified};
        let code = match self {
            Self::LookedUp(message) => match &message.outcome {
                Some(looked_up::Outcome::Failure(failure)) => failure.code,
                Some(looked_up::Outcome::Found(_)) | None => return None,
            },
            Self::Verified(message) => match &message.outcome {
                Some(verified::Outcome::Failure(failure)) => failure.code,
                Some(verified::Outcome::Answer(_)) | None => return None,
            },
            Self::Person(_)
            | Self::Household(_)
            | Self::Residents(_)
            | Self::Search(_)
            | Self::Verification(_)
            | Self::Description(_)
            | Self::Receipt(_) => return None,
        };
        Some(Code::from_i32(code))
    }
}

/// Ground of a call under an agreement, complete in every clause.
pub(crate) fn context(agreement: &str, purpose: &str, request_id: String) -> pb::AccessContext {
    pb::AccessContext {
        agreement: agreement.to_owned(),
        purpose: purpose.to_owned(),
        operator: "m.esposito".to_owned(),
        assurance: pb::Assurance::Substantial.into(),
        workstation: "PC-12".to_owned(),
        case_reference: "2026/123".to_owned(),
        request_id,
        ..pb::AccessContext::default()
    }
}

/// A day as it travels.
pub(crate) fn date(text: &str) -> PartialDate {
    let mut parts = text.split('-').map(|part| part.parse().expect("a number"));
    let mut part = || parts.next().unwrap_or_default();
    PartialDate {
        year: part(),
        month: part(),
        day: part(),
    }
}

/// The fields that are wanted; all where there is none.
pub(crate) fn mask(fields: &[&str]) -> Option<FieldMask> {
    (!fields.is_empty()).then(|| FieldMask {
        paths: fields.iter().map(|field| (*field).to_owned()).collect(),
    })
}

/// Asks whether a person is alive.
pub(crate) fn alive(code: &str, context: Option<pb::AccessContext>) -> pb::VerifyDeclarationRequest {
    use pb::verify_declaration_request::{Claim, Key};
    pb::VerifyDeclarationRequest {
        context,
        key: Some(Key::TaxCode(code.to_owned())),
        claim: Some(Claim::ExistenceInLife(pb::ExistenceInLifeClaim {})),
        ..pb::VerifyDeclarationRequest::default()
    }
}

/// Asks who is resident in a street, at number 7.
pub(crate) fn residents(
    street: &str,
    municipality: &str,
    context: pb::AccessContext,
) -> pb::LookupAddressResidentsRequest {
    pb::LookupAddressResidentsRequest {
        context: Some(context),
        address: Some(pb::AddressClaim {
            street: street.to_owned(),
            number: Some(7),
            ..pb::AddressClaim::default()
        }),
        municipality: municipality.to_owned(),
        ..pb::LookupAddressResidentsRequest::default()
    }
}

/// An approved list of persons.
pub(crate) fn lookup_rows(codes: &[&str], context: pb::AccessContext, mask: Option<FieldMask>) -> Ask {
    use pb::batch_lookup_persons_request::Part;
    let row = |(row, code): (u32, &&str)| {
        Part::Row(pb::LookupRow {
            row,
            key: Some(pb::lookup_row::Key::TaxCode((*code).to_owned())),
        })
    };
    let opening = Part::Opening(opening(codes.len(), context, mask));
    let parts = std::iter::once(opening).chain((1..).zip(codes).map(row));
    Ask::LookupRows(
        parts
            .map(|part| pb::BatchLookupPersonsRequest { part: Some(part) })
            .collect(),
    )
}

/// An approved list of declarations that persons are alive.
pub(crate) fn verify_rows(codes: &[&str], context: pb::AccessContext) -> Ask {
    use pb::batch_verify_request::Part;
    let row = |(row, code): (u32, &&str)| {
        Part::Row(pb::VerifyRow {
            row,
            declaration: Some(alive(code, None)),
            ..pb::VerifyRow::default()
        })
    };
    let opening = Part::Opening(opening(codes.len(), context, None));
    let parts = std::iter::once(opening).chain((1..).zip(codes).map(row));
    Ask::VerifyRows(
        parts
            .map(|part| pb::BatchVerifyRequest { part: Some(part) })
            .collect(),
    )
}

fn opening(rows: usize, context: pb::AccessContext, read_mask: Option<FieldMask>) -> pb::BatchOpening {
    pb::BatchOpening {
        context: Some(context),
        rows: u32::try_from(rows).expect("few rows"),
        approval: Some(pb::BatchApproval {
            reference: "2026/77".to_owned(),
            approver: "g.neri".to_owned(),
            approval_date: Some(date("2026-11-02")),
        }),
        read_mask,
    }
}
