//! Every door but a search for the old code itself: declarations about the old identity, the family it left, handles and
//! receipts from before the seal, what municipalities and supervisors see of it.

use agreement::claim::{
    AddressClaim, Claim, FamilyClaim, GeneralitiesClaim, GeneralitiesParts, MemberClaim, ResidenceClaim,
};
use agreement::context::AgreementId;
use agreement::peer::Role;
use chrono::NaiveDate;
use client::admin::Effect;
use client::page::PageRequest;
use client::receipt::{AccessProof, ReceiptForm, ShortClaim};
use registry::code::ToponymSpecies;
use registry::codice_fiscale::TaxCode;
use registry::municipality::MunicipalityId;
use registry::record::PersonName;
use support::agreements::PUBLIC_BODY;
use support::calls::{at, ground, household, lookup, residents, verify};
use support::people::{DOZZA, IMOLA, Person, day, istat, nobody};
use support::region::{Region, act};
use tonic::transport::Channel;
use tonic_prost::prost::Message;
use wire::proto::consultation::v1 as proto;
use wire::proto::consultation::v1::consultation_service_client::ConsultationServiceClient;

use super::{children, region, seal_all};
use support::seen::{Seen, header_of, parts_of, seen};

/// Children that are asked about here.
const ASKED: usize = 4;

/// Days before, around and after the seal.
const DAYS: [&str; 3] = ["2016-01-01", "2026-10-31", "2026-11-02"];

type Client = ConsultationServiceClient<Channel>;

/// What was true of somebody, as declarations.
fn declarations(person: &Person, parent: &Person) -> Vec<Claim> {
    let name = |text: &str| PersonName::parse(text).ok();
    let generalities = GeneralitiesParts {
        surname: name(&person.surname),
        given_name: name(&person.given_name),
        birth_date: registry::date::PartialDate::known(day(person.birth)).ok(),
        ..GeneralitiesParts::default()
    };
    let address = AddressClaim {
        species: Some(ToponymSpecies::VIA),
        street: person.street.clone(),
        number: Some(7),
        suffix: String::new(),
        staircase: String::new(),
        unit: String::new(),
    };
    let residence = ResidenceClaim {
        municipality: MunicipalityId::of_any(istat(IMOLA)).expect("Imola"),
        address,
    };
    vec![
        Claim::Generalities(GeneralitiesClaim::new(generalities).expect("something is stated")),
        Claim::Residence(residence),
        Claim::ExistenceInLife,
        family_of([person.tax_code(), parent.tax_code()]),
    ]
}

fn family_of(members: impl IntoIterator<Item = TaxCode>) -> Claim {
    let member = |tax_code| MemberClaim {
        tax_code,
        kinship: None,
    };
    Claim::FamilyStatus(FamilyClaim::new(members.into_iter().map(member).collect()).expect("a family"))
}

/// Activates the agreement of the public body under one more id: under each, as many declarations are compared anew.
async fn agreement(region: &Region, number: usize) -> AgreementId {
    let id = format!("{}-{number}", PUBLIC_BODY.id);
    let document = PUBLIC_BODY.text.replace(PUBLIC_BODY.id, &id);
    let activated = region
        .administrator()
        .activate(document.as_bytes(), None, &act(), Effect::Activate)
        .await;
    activated.expect("the agreement is activated");
    AgreementId::parse(&id).expect("an id")
}

fn declaration(
    region: &Region,
    agreement: &AgreementId,
    code: TaxCode,
    claim: Claim,
    on: NaiveDate,
) -> proto::VerifyDeclarationRequest {
    let mut context = at(
        on,
        ground(
            PUBLIC_BODY,
            "co-payment",
            region.agency(PUBLIC_BODY).new_request_id(),
        ),
    );
    context.agreement = agreement.clone();
    verify(context, code, claim).into()
}

async fn refused(client: &mut Client, request: proto::VerifyDeclarationRequest) -> (Seen, u64) {
    seen(&client.verify_declaration(request).await.expect_err("nobody"))
}

/// Whether a text of the old identity stands in a message.
fn holds(message: &impl Message, words: &[String]) -> bool {
    let bytes = message.encode_to_vec();
    words
        .iter()
        .any(|word| bytes.windows(word.len()).any(|window| window == word.as_bytes()))
}

#[tokio::test(flavor = "multi_thread")]
async fn no_door_leads_to_a_sealed_identity_and_none_tells_that_there_was_one() {
    let mut region = region().await;
    let children = children();
    let asked = || children.old.iter().zip(&children.parents).take(ASKED);
    region
        .publish(IMOLA, &super::with(&children, &children.old))
        .await;
    region.publish(DOZZA, &children.elsewhere).await;
    let channel = region.channel(Role::Agency, PUBLIC_BODY.agency).await;
    let mut client = ConsultationServiceClient::new(channel);
    let agency = region.agency(PUBLIC_BODY);
    let context = || ground(PUBLIC_BODY, "co-payment", agency.new_request_id());

    // Before: handles and a short receipt are given out, the parent's declaration is true.
    let mut words: Vec<String> = vec!["Bambino".to_owned()];
    let mut claims: Vec<ShortClaim> = Vec::new();
    for (child, parent) in asked() {
        let mut request = lookup(context(), child.tax_code());
        request.receipt = ReceiptForm::Short;
        let answer = agency
            .lookup_person(request)
            .await
            .expect("shown before the seal");
        let AccessProof::Claimed(claim) = answer.receipt else {
            panic!("a short receipt was asked for");
        };
        claims.push(claim);
        words.extend(answer.persons.iter().map(|card| card.handle.clone()));
        words.push(child.tax_code().as_str().to_owned());
        let request = declaration(
            &region,
            &PUBLIC_BODY.agreement(),
            parent.tax_code(),
            family_of([parent.tax_code(), child.tax_code()]),
            day(DAYS[1]),
        );
        let answer = client
            .verify_declaration(request)
            .await
            .expect("an answer")
            .into_inner();
        let matched = proto::VerificationAnswer::try_from(answer.answer);
        assert_eq!(
            matched,
            Ok(proto::VerificationAnswer::Yes),
            "control: they lived together"
        );
    }

    seal_all(&mut region, &children).await;
    let agency = region.agency(PUBLIC_BODY);
    let context = || ground(PUBLIC_BODY, "co-payment", agency.new_request_id());
    let mut asked_now: Vec<(u64, u64)> = Vec::new();
    for (of_day, on) in DAYS.map(day).into_iter().enumerate() {
        for (number, (child, parent)) in asked().enumerate() {
            let own = agreement(&region, of_day * ASKED + number).await;
            // Declarations of the old identity.
            for claim in declarations(child, parent) {
                let gone = declaration(&region, &own, child.tax_code(), claim.clone(), on);
                let absent = declaration(&region, &own, nobody(), claim, on);
                let (gone, absent) = (
                    refused(&mut client, gone).await,
                    refused(&mut client, absent).await,
                );
                assert_eq!(gone.0, absent.0, "on {on}");
                asked_now.push((gone.1, absent.1));
            }
            // The parent's declaration that the child was of the family.
            let mut answers = Vec::new();
            for member in [child.tax_code(), nobody()] {
                let request = declaration(
                    &region,
                    &own,
                    parent.tax_code(),
                    family_of([parent.tax_code(), member]),
                    on,
                );
                let mut answer = client
                    .verify_declaration(request)
                    .await
                    .expect("an answer")
                    .into_inner();
                answer.receipt = None;
                answers.push(answer.encode_to_vec());
            }
            assert_eq!(answers[0], answers[1], "the parent's family on {on}");
            // Who lives with the parent, and the parent itself.
            let family = household(at(on, context()), parent.tax_code());
            let family = client
                .lookup_household(proto::LookupHouseholdRequest::from(family))
                .await;
            let family = family.expect("the parent's household").into_inner();
            assert!(!holds(&family, &words), "the household of the parent on {on}");
            // Who lives where the parent does, and where the child's other card said that it did.
            let neighbours = residents(at(on, context()), parent);
            let neighbours = client
                .lookup_address_residents(proto::LookupAddressResidentsRequest::from(neighbours))
                .await;
            let neighbours = neighbours.expect("the parent lives there").into_inner();
            assert!(!holds(&neighbours, &words), "the parent's address on {on}");
            let twin = &children.elsewhere[number];
            let empty = Person {
                street: "Deserta".to_owned(),
                ..twin.clone()
            };
            let mut asked = Vec::new();
            for of in [twin, &empty] {
                let mut question = residents(at(on, context()), of);
                question.context.agreement = own.clone();
                let request = proto::LookupAddressResidentsRequest::from(question);
                let status = client.lookup_address_residents(request).await;
                asked.push(seen(&status.expect_err("nobody")));
            }
            assert_eq!(asked[0].0, asked[1].0, "the child's other address on {on}");
            asked_now.push((asked[0].1, asked[1].1));
            let person = lookup(at(on, context()), parent.tax_code());
            let person = client
                .lookup_person(proto::LookupPersonRequest::from(person))
                .await;
            assert!(
                !holds(&person.expect("the parent").into_inner(), &words),
                "the parent on {on}"
            );
        }
    }

    // The new identity bears nothing of the old one.
    for child in children.new.iter().take(ASKED) {
        let person = lookup(context(), child.tax_code());
        let person = client
            .lookup_person(proto::LookupPersonRequest::from(person))
            .await;
        assert!(!holds(&person.expect("the new identity").into_inner(), &words));
        let family = household(context(), child.tax_code());
        let family = client
            .lookup_household(proto::LookupHouseholdRequest::from(family))
            .await;
        assert!(!holds(&family.expect("its household").into_inner(), &words));
    }

    // What was answered before the seal stays proved, and the proof tells nothing.
    for claim in &claims {
        let proof = agency
            .get_receipt(&context(), claim)
            .await
            .expect("the entry stands");
        let AccessProof::Proved(_) = proof else {
            panic!("a full receipt is proved");
        };
    }

    // No municipality is told of a contradiction between old and new.
    for code in [IMOLA, DOZZA] {
        let node = region.node_client(code);
        let page = node.list_anomalies(istat(code), &PageRequest::default()).await;
        let anomalies = page.expect("a page").items;
        assert!(anomalies.is_empty(), "{code}: {anomalies:?}");
    }

    // Supervisor and municipality see of the questions what they see of questions about nobody.
    let everything = region.entries("garante").await;
    let supervised = region.entries("asl").await;
    let municipal: Vec<u64> = region
        .entries("imola")
        .await
        .iter()
        .map(|entry| entry.index)
        .collect();
    for (gone, absent) in asked_now {
        assert_eq!(header_of(&everything, gone), header_of(&everything, absent));
        assert_eq!(parts_of(&supervised, gone), parts_of(&supervised, absent));
        assert_eq!(municipal.contains(&gone), municipal.contains(&absent));
    }
    region.stop().await;
}
