//! A caller cannot tell who does not exist from who is not visible to it.

use agreement::peer::Role;
use registry::codice_fiscale::TaxCode;
use support::agreements::PUBLIC_BODY;
use support::calls::{ground, household, lookup, residents, verify};
use support::people::{IMOLA, Person, anna, carla, elena, mario, nobody, ugo};
use support::region::Region;
use support::seen::{header_of, parts_of, seen};
use tonic::{Code, Status};
use wire::proto::consultation::v1 as proto;
use wire::proto::consultation::v1::consultation_service_client::ConsultationServiceClient;

/// Asks in all three ways.
async fn ask(
    region: &Region,
    client: &mut ConsultationServiceClient<tonic::transport::Channel>,
    code: &TaxCode,
) -> [Status; 3] {
    let context = || {
        ground(
            PUBLIC_BODY,
            "co-payment",
            region.agency(PUBLIC_BODY).new_request_id(),
        )
    };
    let person = proto::LookupPersonRequest::from(lookup(context(), *code));
    let family = proto::LookupHouseholdRequest::from(household(context(), *code));
    let claim = agreement::claim::Claim::ExistenceInLife;
    let declaration = proto::VerifyDeclarationRequest::from(verify(context(), *code, claim));
    [
        client.lookup_person(person).await.expect_err("nobody is shown"),
        client
            .lookup_household(family)
            .await
            .expect_err("nobody is shown"),
        client
            .verify_declaration(declaration)
            .await
            .expect_err("nobody is shown"),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn absent_out_of_territory_protected_and_excluded_give_equal_answers() {
    let region = Region::populated().await;
    let channel = region.channel(Role::Agency, PUBLIC_BODY.agency).await;
    let mut client = ConsultationServiceClient::new(channel);
    let mut answers = Vec::new();
    for (class, code) in [
        ("absent", nobody()),
        ("out of territory", carla().tax_code()),
        ("protected", elena().tax_code()),
        ("dead", ugo().tax_code()),
    ] {
        let statuses = ask(&region, &mut client, &code).await;
        answers.push((class, statuses.map(|status| seen(&status))));
    }
    let entries = region.entries("garante").await;
    // Its own supervisor sees no more of it than the agency was told.
    let supervised = region.entries("asl").await;
    let Some(((_, absent), others)) = answers.split_first() else {
        panic!("there are answers")
    };
    assert!(
        absent
            .iter()
            .all(|(seen, _)| seen.code == Code::NotFound && seen.receipt_bytes == 72)
    );
    for (class, statuses) in others {
        for ((first, first_index), (other, other_index)) in absent.iter().zip(statuses) {
            assert_eq!(first, other, "{class} can be told from absent");
            assert_eq!(
                header_of(&entries, *first_index),
                header_of(&entries, *other_index),
                "the entry of {class} can be told from absent"
            );
            assert_eq!(
                parts_of(&supervised, *first_index),
                parts_of(&supervised, *other_index),
                "the parts of {class} can be told from absent"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_of_nobody_and_one_of_whoever_is_hidden_give_equal_answers() {
    let mut region = Region::populated().await;
    let moved = |person: Person, street: &str| Person {
        street: street.to_owned(),
        ..person
    };
    // In the protected person's household, Anna is hidden with her; Ugo is dead, and nobody ever lived in the last street.
    let sheltered = Person {
        household: elena().household,
        ..moved(anna(), "Riparo")
    };
    let people = [
        mario(),
        moved(elena(), "Nascosta"),
        sheltered.clone(),
        moved(ugo(), "Passata"),
    ];
    region.publish(IMOLA, &people).await;
    let channel = region.channel(Role::Agency, PUBLIC_BODY.agency).await;
    let mut client = ConsultationServiceClient::new(channel);
    let body = region.agency(PUBLIC_BODY);
    let context = || ground(PUBLIC_BODY, "co-payment", body.new_request_id());
    let mut answers = Vec::new();
    for street in ["Deserta", "Nascosta", "Riparo", "Passata"] {
        let question = residents(context(), &moved(mario(), street));
        let status = client
            .lookup_address_residents(proto::LookupAddressResidentsRequest::from(question))
            .await
            .expect_err("nobody is shown");
        answers.push((street, seen(&status)));
    }
    let entries = region.entries("garante").await;
    let supervised = region.entries("asl").await;
    let Some(((_, (absent, first)), others)) = answers.split_first() else {
        panic!("there are answers")
    };
    assert_eq!((absent.code, absent.receipt_bytes), (Code::NotFound, 72));
    for (street, (hidden, index)) in others {
        assert_eq!(hidden, absent, "{street} can be told from nobody's street");
        assert_eq!(
            header_of(&entries, *index),
            header_of(&entries, *first),
            "{street}"
        );
        assert_eq!(
            parts_of(&supervised, *index),
            parts_of(&supervised, *first),
            "{street}"
        );
    }
    // And it is the answer to a code of nobody.
    let person = proto::LookupPersonRequest::from(lookup(context(), nobody()));
    let by_code = client.lookup_person(person).await.expect_err("nobody is shown");
    assert_eq!(&seen(&by_code).0, absent);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_hidden_costs_as_much_quota_as_whoever_is_absent() {
    let region = Region::populated().await;
    let body = region.agency(PUBLIC_BODY);
    let mut remaining = Vec::new();
    for code in [nobody(), carla().tax_code(), elena().tax_code(), ugo().tax_code()] {
        let context = || ground(PUBLIC_BODY, "co-payment", body.new_request_id());
        body.lookup_person(lookup(context(), code))
            .await
            .expect_err("nobody is shown");
        let form = client::receipt::ReceiptForm::Short;
        let described = body
            .describe_access(&context(), None, form)
            .await
            .expect("a description");
        let quotas = described
            .agreements
            .iter()
            .flat_map(|agreement| &agreement.quotas);
        remaining.push(quotas.map(|quota| quota.remaining).collect::<Vec<_>>());
    }
    let costs: Vec<Vec<i64>> = remaining
        .windows(2)
        .map(|pair| {
            let left = |quota: &Option<u64>| i64::try_from(quota.unwrap_or_default()).unwrap_or(i64::MAX);
            pair[0]
                .iter()
                .zip(&pair[1])
                .map(|(before, after)| left(before) - left(after))
                .collect()
        })
        .collect();
    assert!(
        costs.iter().flatten().any(|cost| 0 < *cost),
        "a miss costs something: {costs:?}"
    );
    assert!(
        costs.windows(2).all(|pair| pair[0] == pair[1]),
        "a class costs another quota: {costs:?}"
    );
}
