//! The residents of an address, over the real wire.

use agreement::claim::AddressClaim;
use agreement::reason::Reason;
use client::agency::{LookupAddressResidents, ResidentsAnswer};
use client::error::{ClientError, Refusal};
use client::receipt::AccessProof;
use ledger::part::PartKind;
use store::access_log::part_content::{CriteriaPart, PartContent, SubjectsPart};
use support::agreements::{Document, POLICE, PUBLIC_BODY};
use support::calls::{at, ground, residents};
use support::people::{CASTEL_SAN_PIETRO, IMOLA, Person, crowd, day, elena, everybody, istat, mario};
use support::region::Region;
use uuid::Uuid;

/// Given names, group by group.
fn groups(answer: &ResidentsAnswer) -> Vec<Vec<String>> {
    let names = answer.groups.iter().map(|group| {
        let name = |card: &client::agency::PersonCard| card.given_name.as_ref().map(ToString::to_string);
        group.persons.iter().filter_map(name).collect()
    });
    names.collect()
}

fn asked(region: &Region, document: Document, purpose: &str, of: &Person) -> LookupAddressResidents {
    let context = ground(document, purpose, region.agency(document).new_request_id());
    residents(context, of)
}

fn refusal<T: std::fmt::Debug>(answer: Result<T, ClientError>) -> Refusal {
    match answer {
        Err(ClientError::Refused(refusal)) => *refusal,
        other => panic!("a refusal, not {other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_residents_are_shown_by_household_and_each_is_a_subject_of_the_entry() {
    let region = Region::populated().await;
    let body = region.agency(PUBLIC_BODY);
    let answer = body
        .lookup_address_residents(asked(&region, PUBLIC_BODY, "co-payment", &mario()))
        .await
        .expect("an answer");
    // Elena, who lives in the house too, is protected, and Ugo is dead.
    assert_eq!(groups(&answer), [vec!["Anna", "Luca", "Mario"], vec!["Giulia"]]);
    for group in &answer.groups {
        assert!(group.household.starts_with("households/"));
        for card in &group.persons {
            let household = card.household.as_ref().expect("it is granted");
            assert_eq!(household.household, group.household);
            assert!(card.residence.is_some());
        }
    }
    let AccessProof::Proved(proved) = &answer.receipt else {
        panic!("the receipt is verified")
    };
    assert_eq!(
        proved.header().body.service.as_deref(),
        Some("ponte.consultation.v1.ConsultationService/LookupAddressResidents")
    );
    let entries = region.entries("garante").await;
    let entry = entries.iter().find(|entry| entry.index == answer.receipt.index());
    let parts = &entry.expect("the entry").parts;
    let subjects: usize = parts
        .iter()
        .filter(|part| matches!(part.kind, PartKind::Subjects(_)))
        .map(|part| {
            SubjectsPart::decode(&part.content)
                .expect("subjects")
                .subjects
                .len()
        })
        .sum();
    assert_eq!(subjects, 5, "four are shown, and Elena is withheld");
    let criteria = parts.iter().find(|part| part.kind == PartKind::Criteria);
    let criteria = CriteriaPart::decode(&criteria.expect("criteria").content).expect("criteria");
    assert!(
        criteria
            .criteria
            .contains(&("street".to_owned(), "Appia".to_owned()))
    );

    let before = LookupAddressResidents {
        context: at(
            day("2015-05-31"),
            ground(PUBLIC_BODY, "co-payment", body.new_request_id()),
        ),
        ..asked(&region, PUBLIC_BODY, "co-payment", &mario())
    };
    let nobody = refusal(body.lookup_address_residents(before).await);
    assert_eq!(nobody.name, Reason::NotFound.name());
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_protected_is_not_found_by_the_address_though_found_by_the_code() {
    let region = Region::populated().await;
    let police = region.agency(POLICE);
    let context = ground(POLICE, "investigation", police.new_request_id());
    let known = police
        .lookup_person(support::calls::lookup(context, elena().tax_code()))
        .await
        .expect("she is shown without her place");
    assert!(known.persons[0].location_withheld);
    let answer = police
        .lookup_address_residents(asked(&region, POLICE, "investigation", &elena()))
        .await
        .expect("an answer");
    let names = groups(&answer).concat();
    assert!(!names.contains(&"Elena".to_owned()), "{names:?}");
    assert!(names.contains(&"Mario".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn more_than_the_agreement_shows_are_refused_without_a_count() {
    let mut region = Region::populated().await;
    let people: Vec<Person> = everybody().into_iter().chain(crowd(IMOLA, 60)).collect();
    region.publish(IMOLA, &people).await;
    let body = region.agency(PUBLIC_BODY);
    let mut refused = refusal(
        body.lookup_address_residents(asked(&region, PUBLIC_BODY, "co-payment", &mario()))
            .await,
    );
    assert_eq!(refused.name, Reason::TooManyResidents.name());
    assert_eq!(refused.exit_code(), agreement::reason::ExitCode::Usage);
    // The receipt is of digests, in which any digits may stand.
    refused.receipt = None;
    let told = format!("{refused:?}");
    for count in ["60", "64", "65"] {
        assert!(!told.contains(count), "{told}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_incomplete_or_not_granted_is_refused_by_field_or_clause() {
    let region = Region::populated().await;
    let body = region.agency(PUBLIC_BODY);
    let ask = || asked(&region, PUBLIC_BODY, "co-payment", &mario());
    let unnamed = LookupAddressResidents {
        address: AddressClaim {
            street: String::new(),
            ..ask().address
        },
        ..ask()
    };
    let refused = refusal(body.lookup_address_residents(unnamed).await);
    assert_eq!(refused.name, Reason::InvalidArgument.name());
    assert_eq!(refused.violations[0].field, "address.street");
    let elsewhere = LookupAddressResidents {
        municipality: istat(CASTEL_SAN_PIETRO),
        ..ask()
    };
    let refused = refusal(body.lookup_address_residents(elsewhere).await);
    assert_eq!(refused.name, Reason::OutsideTerritory.name());
    let police = region.agency(POLICE);
    let other_purpose = asked(&region, POLICE, "identification", &mario());
    let refused = refusal(police.lookup_address_residents(other_purpose).await);
    assert_eq!(refused.name, Reason::ServiceNotGranted.name());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeat_shows_who_lived_there_when_it_was_first_asked() {
    let mut region = Region::populated().await;
    let id = Uuid::from_u128(7);
    let ask = |region: &Region| LookupAddressResidents {
        context: ground(PUBLIC_BODY, "co-payment", id),
        ..asked(region, PUBLIC_BODY, "co-payment", &mario())
    };
    let body = region.agency(PUBLIC_BODY);
    let first = body
        .lookup_address_residents(ask(&region))
        .await
        .expect("an answer");
    let moved = everybody()
        .into_iter()
        .map(|person| match person.local_id.as_str() {
            "1" => Person {
                street: "Nuova".to_owned(),
                ..person
            },
            _ => person,
        });
    region.publish(IMOLA, &moved.collect::<Vec<_>>()).await;
    for restart in [false, true] {
        if restart {
            region.stop_index().await;
            region.start_index().await;
        }
        let body = region.agency(PUBLIC_BODY);
        let again = body
            .lookup_address_residents(ask(&region))
            .await
            .expect("an answer");
        assert_eq!(again.groups, first.groups);
        let now = body
            .lookup_address_residents(asked(&region, PUBLIC_BODY, "co-payment", &mario()))
            .await
            .expect("an answer");
        assert_eq!(groups(&now), [vec!["Anna", "Luca"], vec!["Giulia"]]);
    }
}
