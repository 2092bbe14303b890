//! The same request id again: the same answer, entered as a repeat and free of charge, or a refusal.

use agreement::field::FieldSet;
use agreement::reason::Reason;
use client::agency::{LookupPerson, PersonAnswer};
use client::error::ClientError;
use client::receipt::AccessProof;
use support::agreements::{Document, POLICE};
use support::calls::{ground, lookup};
use support::people::{IMOLA, Person, anna, everybody, mario, nobody};
use support::region::{Region, act};
use uuid::Uuid;

fn asked(id: Uuid) -> LookupPerson {
    lookup(ground(POLICE, "investigation", id), mario().tax_code())
}

async fn ask(region: &Region, asked: LookupPerson) -> Result<PersonAnswer, ClientError> {
    region.agency(POLICE).lookup_person(asked).await
}

/// The entry of an answer, and the one that it repeats.
fn entry(answer: &PersonAnswer) -> (u64, Option<u64>) {
    let AccessProof::Proved(proved) = &answer.receipt else {
        panic!("the receipt is verified")
    };
    (answer.receipt.index(), proved.header().body.repeat_of)
}

fn moved() -> Vec<Person> {
    let move_house = |person: Person| match person.local_id.as_str() {
        "1" => Person {
            street: "Nuova".to_owned(),
            ..person
        },
        _ => person,
    };
    everybody().into_iter().map(move_house).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeat_reads_what_the_first_call_read_and_names_it_also_after_a_restart() {
    let mut region = Region::populated().await;
    let id = Uuid::from_u128(1);
    let first = ask(&region, asked(id)).await.expect("an answer");
    let (index, none) = entry(&first);
    assert_eq!(none, None);
    region.publish(IMOLA, &moved()).await;
    let now = ask(&region, asked(Uuid::from_u128(2))).await.expect("an answer");
    assert_ne!(now.persons, first.persons);

    for restart in [false, true] {
        if restart {
            region.stop_index().await;
            region.start_index().await;
        }
        let again = ask(&region, asked(id)).await.expect("an answer");
        assert_eq!(again.persons, first.persons);
        let (own, repeats) = entry(&again);
        assert!(index < own);
        assert_eq!(repeats, Some(index));
        for other in [
            lookup(ground(POLICE, "investigation", id), anna().tax_code()),
            LookupPerson {
                fields: FieldSet::from_names(["surname"]).expect("a field"),
                ..asked(id)
            },
            {
                let mut other = asked(id);
                other.context.operator = agreement::context::OperatorId::parse("l.bianchi").ok();
                other
            },
        ] {
            let refused = ask(&region, other).await.expect_err("a refusal");
            assert_eq!(refused.reason(), Some(Reason::RequestIdReused));
        }
    }
    let reused = region.entries("garante").await;
    let reused = reused
        .iter()
        .filter(|entry| entry.header.body.outcome.reason == Reason::RequestIdReused.name());
    assert_eq!(reused.count(), 6, "each is in the log");

    region.clock.advance(std::time::Duration::from_hours(24));
    let later = ask(&region, asked(id)).await.expect("an answer");
    assert_eq!(later.persons, now.persons);
    assert_eq!(entry(&later).1, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeat_is_decided_anew_and_shows_only_what_still_may_be_shown() {
    let mut region = Region::populated().await;
    let id = Uuid::from_u128(1);
    let first = ask(&region, asked(id)).await.expect("an answer");
    assert!(!first.persons[0].location_withheld);
    let protected = everybody().into_iter().map(|mut person| {
        person.flags.protected |= person.local_id == "1";
        person
    });
    let protected: Vec<Person> = protected.collect();
    region.publish(IMOLA, &protected).await;
    let again = ask(&region, asked(id)).await;
    if let Ok(again) = &again {
        assert!(again.persons[0].location_withheld);
        assert_eq!(entry(again).1, Some(entry(&first).0));
    }
    let now = ask(&region, asked(Uuid::from_u128(2))).await;
    assert_eq!(again.is_ok(), now.is_ok());

    let revoked = region
        .administrator()
        .revoke(&POLICE.agreement(), "the convention ended", &act())
        .await;
    revoked.expect("the administrator revokes");
    let refused = ask(&region, asked(id)).await.expect_err("a refusal");
    assert_eq!(refused.reason(), Some(Reason::AgreementRevoked));
    let entries = region.entries("garante").await;
    let denied = entries.last().expect("an entry");
    assert_eq!(denied.header.body.outcome.reason, Reason::AgreementRevoked.name());
    assert_eq!(denied.header.body.repeat_of, Some(entry(&first).0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeat_costs_nothing_and_a_call_that_was_denied_leaves_its_id_free() {
    let mut region = Region::empty().await;
    let text = POLICE
        .text
        .replace("calls_per_day = 10000000", "calls_per_day = 2");
    let text = text.replace("calls_per_minute = 1000000", "calls_per_minute = 2");
    region
        .activate(Document {
            text: Box::leak(text.into_boxed_str()),
            ..POLICE
        })
        .await;
    region.publish(IMOLA, &everybody()).await;
    let found = ask(&region, asked(Uuid::from_u128(1))).await.expect("an answer");
    let missing = || lookup(ground(POLICE, "investigation", Uuid::from_u128(2)), nobody());
    let missed = |refused: ClientError| assert_eq!(refused.reason(), Some(Reason::NotFound));
    missed(ask(&region, missing()).await.expect_err("nobody"));
    for restart in [false, true] {
        if restart {
            region.stop_index().await;
            region.start_index().await;
        }
        for _ in 0..3 {
            let again = ask(&region, asked(Uuid::from_u128(1))).await.expect("an answer");
            assert_eq!(entry(&again).1, Some(entry(&found).0));
            missed(ask(&region, missing()).await.expect_err("nobody"));
        }
        let spent = ask(&region, asked(Uuid::from_u128(3)))
            .await
            .expect_err("a denial");
        assert!(
            matches!(spent.reason(), Some(Reason::QuotaPerDay | Reason::QuotaPerMinute)),
            "{:?}",
            spent.reason()
        );
    }
    region.clock.advance(std::time::Duration::from_hours(23));
    let free = ask(
        &region,
        lookup(
            ground(POLICE, "investigation", Uuid::from_u128(3)),
            anna().tax_code(),
        ),
    );
    assert_eq!(
        entry(&free.await.expect("an answer")).1,
        None,
        "another day's quota"
    );
}
