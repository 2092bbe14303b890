//! From an export to a receipt that anybody verifies.

use agreement::reason::Reason;
use cli::synthetic::{Extent, Plan, Scale, municipality, write_export};
use client::receipt::{AccessProof, ReceiptForm};
use registry::code::Kinship;
use support::agreements::{Document, POLICE, PUBLIC_BODY};
use support::calls::{at, ground, household, lookup};
use support::people::{self, DOZZA, IMOLA, Person, day, istat, mario};
use support::region::{Region, log_verifier};

#[tokio::test(flavor = "multi_thread")]
async fn what_a_municipality_publishes_is_looked_up_and_the_receipt_verifies_offline() {
    let region = Region::populated().await;
    let police = region.agency(POLICE);
    let context = ground(POLICE, "investigation", police.new_request_id());
    let answer = police
        .lookup_person(lookup(context.clone(), mario().tax_code()))
        .await
        .expect("an answer");

    let [card] = answer.persons.as_slice() else {
        panic!("{} cards", answer.persons.len())
    };
    assert_eq!(card.surname.as_ref().map(|name| name.as_str()), Some("Rossi"));
    assert_eq!(card.given_name.as_ref().map(|name| name.as_str()), Some("Mario"));
    assert_eq!(card.current_tax_code(), Some(&mario().tax_code()));
    assert!(card.residence.is_some() && card.household.is_some());
    assert!(card.handle.starts_with("persons/"));

    // Offline: bytes to bytes, with nothing but the log's public key.
    let receipt = answer.receipt.receipt().expect("a full receipt");
    let kept = receipt.encode().expect("a receipt has bytes");
    let read = ledger::receipt::Receipt::decode(&kept).expect("the bytes are a receipt");
    let verified = read
        .verify(&log_verifier())
        .expect("the receipt proves the entry");
    let body = &verified.header().body;
    assert_eq!(body.agreement.as_deref(), Some(POLICE.id));
    assert_eq!(
        body.request_id.as_ref().map(|id| id.0),
        Some(context.request_id.into_bytes())
    );
    assert_eq!(body.outcome.code, 0);

    let mut forged = read;
    forged.index += 1;
    assert!(
        forged.verify(&log_verifier()).is_err(),
        "a receipt for another index proves nothing"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_short_receipt_is_made_good_later_and_only_for_its_own_agency() {
    let region = Region::populated().await;
    let police = region.agency(POLICE);
    let mut asked = lookup(
        ground(POLICE, "investigation", police.new_request_id()),
        mario().tax_code(),
    );
    asked.receipt = ReceiptForm::Short;
    let answer = police.lookup_person(asked).await.expect("an answer");
    let AccessProof::Claimed(claim) = answer.receipt else {
        panic!("a short receipt was asked for")
    };

    let context = ground(POLICE, "investigation", police.new_request_id());
    let proof = police
        .get_receipt(&context, &claim)
        .await
        .expect("the log keeps its word");
    assert!(matches!(proof, AccessProof::Proved(_)));

    let other = region.agency(PUBLIC_BODY);
    let context = ground(PUBLIC_BODY, "co-payment", other.new_request_id());
    let refused = other
        .get_receipt(&context, &claim)
        .await
        .expect_err("another agency's entry is none");
    assert_eq!(refused.reason(), Some(Reason::ResourceNotFound));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_public_body_reads_a_household_as_it_was_at_a_past_date() {
    let mut region = Region::populated().await;
    // Anna left the family in March 2024.
    let everybody: Vec<Person> = people::everybody()
        .into_iter()
        .map(|person| match person.given_name.as_str() {
            "Anna" => Person {
                household: "F-9",
                kinship: Kinship::ReferencePerson,
                household_from: "2024-03-01",
                ..person
            },
            _ => person,
        })
        .collect();
    region.publish(IMOLA, &everybody).await;

    let body = region.agency(PUBLIC_BODY);
    let members = |answer: client::agency::HouseholdAnswer| -> Vec<String> {
        let members = answer
            .households
            .into_iter()
            .flat_map(|household| household.members);
        let mut names: Vec<String> = members
            .filter_map(|member| member.person.given_name.map(|name| name.as_str().to_owned()))
            .collect();
        names.sort();
        names
    };
    let ground = |id| ground(PUBLIC_BODY, "co-payment", id);
    let then = at(day("2020-05-01"), ground(body.new_request_id()));
    let then = body
        .lookup_household(household(then, mario().tax_code()))
        .await
        .expect("the family of 2020");
    assert_eq!(then.reference_date, day("2020-05-01"));
    assert_eq!(members(then), ["Anna", "Luca", "Mario"]);

    let now = body
        .lookup_household(household(ground(body.new_request_id()), mario().tax_code()))
        .await;
    assert_eq!(members(now.expect("the family of today")), ["Luca", "Mario"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn handles_of_two_agencies_cannot_be_joined_and_those_of_one_can() {
    let region = Region::populated().await;
    let handle = async |document, purpose| {
        let agency = region.agency(document);
        let asked = lookup(
            ground(document, purpose, agency.new_request_id()),
            mario().tax_code(),
        );
        agency.lookup_person(asked).await.expect("an answer").persons[0]
            .handle
            .clone()
    };
    let first = handle(POLICE, "investigation").await;
    assert_eq!(first, handle(POLICE, "investigation").await);
    assert_ne!(first, handle(PUBLIC_BODY, "co-payment").await);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agency_learns_what_its_agreement_allows() {
    let region = Region::populated().await;
    let body = region.agency(PUBLIC_BODY);
    let context = ground(PUBLIC_BODY, "co-payment", body.new_request_id());
    let described = body
        .describe_access(&context, None, ReceiptForm::Full)
        .await
        .expect("a description");
    let ids: Vec<_> = described
        .agreements
        .iter()
        .map(|agreement| agreement.agreement.to_string())
        .collect();
    assert_eq!(ids, [PUBLIC_BODY.id]);
}

#[tokio::test(flavor = "multi_thread")]
async fn to_ask_what_is_left_leaves_as_much_also_after_a_restart() {
    let mut region = Region::populated().await;
    let text = PUBLIC_BODY.text.replace(PUBLIC_BODY.id, "counted-2026");
    let counted = Document {
        id: "counted-2026",
        text: Box::leak(
            text.replace("calls_per_day = 10000000", "calls_per_day = 2")
                .into_boxed_str(),
        ),
        ..PUBLIC_BODY
    };
    region.activate(counted).await;
    for restart in [false, true] {
        if restart {
            region.stop_index().await;
            region.start_index().await;
        }
        let body = region.agency(counted);
        let context = || ground(counted, "co-payment", body.new_request_id());
        for _ in 0..3 {
            body.describe_access(&context(), None, ReceiptForm::Full)
                .await
                .expect("a description");
        }
        body.lookup_person(lookup(context(), mario().tax_code()))
            .await
            .expect("one of two calls");
    }
    let body = region.agency(counted);
    let context = ground(counted, "co-payment", body.new_request_id());
    let spent = body.lookup_person(lookup(context, mario().tax_code())).await;
    let reason = spent.expect_err("both calls are made").reason();
    assert_eq!(reason, Some(Reason::QuotaPerDay));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_synthetic_registry_is_published_whole_and_anybody_in_it_is_found() {
    let plan = Plan::new(1, 2026).expect("a plan");
    let extent = Extent {
        scale: Scale::one_in(20).expect("a scale"),
        ..Extent::default()
    };
    let mut export = Vec::new();
    let written = write_export(plan, istat(DOZZA), extent, &mut export).expect("an export");
    let mut region = Region::empty().await;
    region.activate(POLICE).await;
    let report = region.municipality(DOZZA).import_export(&export).await;
    assert_eq!((report.created, report.quarantined), (written, 0));
    region.municipality(DOZZA).published().await;
    let state = region
        .node_client(DOZZA)
        .get_state(istat(DOZZA))
        .await
        .expect("a state");
    assert_eq!((state.records, state.rejections), (written, 0));

    let police = region.agency(POLICE);
    let people = municipality(plan, istat(DOZZA), extent).expect("the same people");
    for card in people.step_by(7) {
        let code = *card
            .current_tax_code()
            .expect("synthetic people have a codice fiscale");
        let asked = lookup(ground(POLICE, "investigation", police.new_request_id()), code);
        let answer = police.lookup_person(asked).await.expect("an answer");
        assert_eq!(answer.persons[0].current_tax_code(), Some(&code));
    }
}
