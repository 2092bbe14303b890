//! Lookups by complete generalities, over the real wire.

use agreement::field::FieldSet;
use agreement::reason::Reason;
use client::agency::{LookupNamed, PersonAnswer};
use client::error::ClientError;
use client::receipt::ReceiptForm;
use registry::date::PartialDate;
use registry::record::{Generalities, PersonName, Sex};
use support::agreements::{Document, POLICE, PUBLIC_BODY};
use support::calls::{ground, household};
use support::people::{DOZZA, IMOLA, Person, carla, elena, everybody, mario};
use support::region::{MUNICIPALITIES, Region};

/// The public body's agreement with this mode, and with the fields that it confirms.
fn naming() -> Document {
    let text = PUBLIC_BODY
        .text
        .replace(
            "format = 1",
            "format = 1\nsearch = [\"by-identifier\", \"by-generalities\"]",
        )
        .replace(
            "fields = [\"surname\",",
            "fields = [\"sex\", \"birth_place\", \"surname\",",
        );
    Document {
        text: Box::leak(text.into_boxed_str()),
        ..PUBLIC_BODY
    }
}

async fn region(people: &[Person]) -> Region {
    let mut region = Region::empty().await;
    region.activate(POLICE).await;
    region.activate(naming()).await;
    for istat in MUNICIPALITIES {
        region.publish(istat, people).await;
    }
    region
}

async fn ask(region: &Region, generalities: Generalities) -> Result<PersonAnswer, ClientError> {
    let agency = region.agency(PUBLIC_BODY);
    let request = LookupNamed {
        context: ground(PUBLIC_BODY, "co-payment", agency.new_request_id()),
        generalities,
        municipality: None,
        fields: FieldSet::EMPTY,
        receipt: ReceiptForm::Full,
    };
    agency.lookup_named(request).await
}

fn spelt(surname: &str, given_name: &str) -> Generalities {
    Generalities {
        surname: PersonName::parse(surname).ok(),
        given_name: PersonName::parse(given_name).ok(),
        ..mario().card().generalities
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_has_these_generalities_is_found_however_they_are_spelt() {
    let region = region(&everybody()).await;
    for generalities in [
        mario().card().generalities,
        spelt("rossi", "MARIO"),
        spelt(" Rossi ", "Mario"),
    ] {
        let answer = ask(&region, generalities).await.expect("an answer");
        let codes = answer
            .persons
            .iter()
            .map(|card| card.tax_code.as_ref().map(|entry| entry.code));
        let codes: Vec<_> = codes.collect();
        assert_eq!(codes, [Some(mario().tax_code())]);
    }
    let others = [
        spelt("Rosso", "Mario"),
        Generalities {
            sex: Sex::Female,
            ..mario().card().generalities
        },
        Generalities {
            birth_date: PartialDate::parse("1985-12-11").expect("a date"),
            ..mario().card().generalities
        },
    ];
    for other in others {
        let nobody = ask(&region, other).await.expect_err("nobody");
        assert_eq!(nobody.reason(), Some(Reason::NotFound));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_protected_or_out_of_territory_is_as_if_absent() {
    let region = region(&everybody()).await;
    let refusal = async |generalities: Generalities| match ask(&region, generalities).await {
        Err(ClientError::Refused(refusal)) => (refusal.name.clone(), refusal.italian()),
        other => panic!("a refusal, not {other:?}"),
    };
    let absent = refusal(spelt("Nessuno", "Mario")).await;
    assert_eq!(absent.0, Reason::NotFound.name());
    for hidden in [elena(), carla()] {
        assert_eq!(refusal(hidden.card().generalities).await, absent);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn several_cards_are_answered_as_several() {
    let twin = Person {
        municipality: DOZZA,
        local_id: "77".to_owned(),
        ..mario()
    };
    let people: Vec<Person> = everybody().into_iter().chain([twin]).collect();
    let region = region(&people).await;
    let answer = ask(&region, mario().card().generalities)
        .await
        .expect("an answer");
    assert_eq!(answer.persons.len(), 2, "in {IMOLA} and in {DOZZA}");
}

#[tokio::test(flavor = "multi_thread")]
async fn households_are_asked_by_generalities_under_the_same_grants() {
    let region = region(&everybody()).await;
    let of = async |document: Document, purpose: &str, generalities: Generalities| {
        let agency = region.agency(document);
        let request = LookupNamed {
            context: ground(document, purpose, agency.new_request_id()),
            generalities,
            municipality: None,
            fields: FieldSet::EMPTY,
            receipt: ReceiptForm::Full,
        };
        agency.lookup_household_of_named(request).await
    };
    let found = of(PUBLIC_BODY, "co-payment", spelt("rossi", "MARIO"))
        .await
        .expect("an answer");
    let agency = region.agency(PUBLIC_BODY);
    let context = ground(PUBLIC_BODY, "co-payment", agency.new_request_id());
    let by_code = agency
        .lookup_household(household(context, mario().tax_code()))
        .await
        .expect("an answer");
    assert_eq!(found.households, by_code.households);
    assert!(!found.households.is_empty() && found.deceased.is_empty());
    for hidden in [elena(), carla()] {
        let nobody = of(PUBLIC_BODY, "co-payment", hidden.card().generalities).await;
        let nobody = nobody.expect_err("nobody");
        assert_eq!(nobody.reason(), Some(Reason::NotFound));
    }
    let refused = of(POLICE, "investigation", mario().card().generalities).await;
    let refused = refused.expect_err("a refusal");
    assert_eq!(refused.reason(), Some(Reason::SearchModeNotGranted));
}

#[tokio::test(flavor = "multi_thread")]
async fn incomplete_generalities_and_an_agreement_without_the_mode_are_refused() {
    let region = region(&everybody()).await;
    let incomplete = [
        Generalities {
            given_name: None,
            ..mario().card().generalities
        },
        Generalities {
            sex: Sex::Unknown,
            ..mario().card().generalities
        },
        Generalities {
            birth_date: PartialDate::parse("1985").expect("a date"),
            ..mario().card().generalities
        },
    ];
    for generalities in incomplete {
        let Err(ClientError::Refused(refusal)) = ask(&region, generalities).await else {
            panic!("a refusal");
        };
        assert_eq!(refusal.name, Reason::InvalidArgument.name());
        assert_eq!(refusal.violations[0].field, "generalities");
    }
    let police = region.agency(POLICE);
    let request = LookupNamed {
        context: ground(POLICE, "investigation", police.new_request_id()),
        generalities: mario().card().generalities,
        municipality: None,
        fields: FieldSet::EMPTY,
        receipt: ReceiptForm::Full,
    };
    let refused = police.lookup_named(request).await.expect_err("a refusal");
    assert_eq!(refused.reason(), Some(Reason::SearchModeNotGranted));
}
