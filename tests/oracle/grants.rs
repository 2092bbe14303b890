//! Whatever agreement, whatever call of whatever method: no datum leaves that was not granted to that call, and nothing of
//! where a protected person is.

use std::collections::BTreeSet;

use agreement::field::{Field, FieldSet};
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use tokio::runtime::Handle;
use tokio::task::block_in_place;
use tonic_prost::prost::Message;
use wire::proto::consultation::v1 as pb;

use crate::ask::Ask;
use crate::court::Court;
use crate::grant::{Grant, any_grant};
use crate::leak::{About, Asked, Shown, check};
use crate::world::Day;

/// Agreements that are drawn.
const CASES: u32 = 64;

const SERVICE: &str = "ConsultationService";

#[test]
fn every_method_of_the_contract_is_tried() {
    let set = prost_types::FileDescriptorSet::decode(wire::proto::FILE_DESCRIPTOR_SET).expect("the contract");
    let services = set.file.iter().flat_map(|file| &file.service);
    let methods: BTreeSet<String> = services
        .filter(|service| service.name() == SERVICE)
        .flat_map(|service| service.method.iter().map(|method| method.name().to_owned()))
        .collect();
    let tried: BTreeSet<String> = Ask::METHODS.into_iter().map(str::to_owned).collect();
    assert_eq!(tried, methods);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_call_under_any_agreement_shows_a_field_outside_the_grant_or_a_protected_location() {
    let mut court = Court::open().await;
    // Under an agreement that grants everything, everything is shown and every method answers: what is looked for can be
    // found.
    let shown = court
        .try_out(&Grant::everything())
        .await
        .unwrap_or_else(|leak| panic!("{leak}"));
    let columns: BTreeSet<&str> = court
        .world
        .data
        .iter()
        .filter(|datum| datum.is_ever_shown())
        .map(|datum| datum.column)
        .collect();
    assert_eq!(shown.columns, columns);
    assert_eq!(shown.fields, Field::ALL.into_iter().collect());
    let answered: BTreeSet<&str> = shown.methods.into_keys().collect();
    assert_eq!(answered, Ask::METHODS.into_iter().collect());

    let config = Config {
        cases: CASES,
        failure_persistence: None,
        max_shrink_iters: 64,
        ..Config::default()
    };
    let handle = Handle::current();
    block_in_place(|| {
        let tried = TestRunner::new(config).run(&any_grant(), |grant| {
            let tried = handle.block_on(court.try_out(&grant));
            tried.map(drop).map_err(TestCaseError::fail)
        });
        if let Err(leak) = tried {
            panic!("{leak}");
        }
    });
    court.region.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_shows_more_than_was_granted_is_caught() {
    let mut court = Court::open().await;
    let grant = Grant::everything();
    let everybody = ["imola.capo", "imola.morto", "imola.partita"];
    for field in Field::ALL {
        let mut caught = 0;
        for number in everybody.map(|name| court.world.place(name)) {
            let ask = Ask::Person(pb::LookupPersonRequest {
                context: Some(court.context("everything", Day::Today)),
                key: Some(pb::lookup_person_request::Key::TaxCode(
                    court.world.cards[number].code.clone(),
                )),
                ..pb::LookupPersonRequest::default()
            });
            let told = ask.clone().make(&mut court.client).await;
            let asked = Asked {
                ask,
                about: About::Card(number),
                granted: grant.fields.difference(FieldSet::of(&[field])),
                day: Day::Today,
                kind: None,
            };
            let checked = check(&court.world, &grant, &asked, &told, &mut Shown::default());
            caught += usize::from(checked.is_err());
        }
        assert!(0 < caught, "{field} is shown and not granted");
    }
    // Where a protected person is, under an agreement that is shown it, is a leak to one that is not.
    let withheld = grant.withholding();
    let number = court.world.place("dozza.protetta");
    for code in [
        &court.world.cards[number].code,
        &court.world.cards[court.world.place("dozza.coinquilino")].code,
    ] {
        let ask = Ask::Person(pb::LookupPersonRequest {
            context: Some(court.context("everything", Day::Today)),
            key: Some(pb::lookup_person_request::Key::TaxCode(code.clone())),
            ..pb::LookupPersonRequest::default()
        });
        let told = ask.clone().make(&mut court.client.clone()).await;
        let asked = Asked {
            ask,
            about: About::Anybody,
            granted: grant.fields,
            day: Day::Today,
            kind: None,
        };
        let shown = &mut Shown::default();
        assert_eq!(check(&court.world, &grant, &asked, &told, shown), Ok(()));
        assert!(check(&court.world, &withheld, &asked, &told, shown).is_err());
    }
    court.region.stop().await;
}
