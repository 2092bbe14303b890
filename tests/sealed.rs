//! Measures that a registrar sets on a card: protection without an export, and fifty sealed identities of which nothing
//! is left that an agency could find.

mod doors;

use agreement::claim::Claim;
use agreement::peer::Role;
use chrono::NaiveDate;
use client::error::ClientError;
use client::page::PageRequest;
use node::measure::{Bearing, CardNumber, Day, Effect, Order};
use registry::code::Kinship;
use registry::codice_fiscale::TaxCode;
use registry::record::Sex;
use registry::statement::{Act, RegistrarId};
use support::agreements::PUBLIC_BODY;
use support::calls::{at, ground, household, lookup, verify};
use support::municipality::signing_key;
use support::people::{
    CASTEL_SAN_PIETRO, DOZZA, IMOLA, Person, crowd, day, elena, giulia, istat, mario, nobody,
};
use support::region::Region;
use support::wait::until_async;
use tonic::Status;
use tonic::transport::Channel;
use wire::proto::consultation::v1 as proto;
use wire::proto::consultation::v1::consultation_service_client::ConsultationServiceClient;

use support::seen::{Seen, seen};

const SEALED: u32 = 50;

const REGISTRAR_SEED: [u8; 32] = [0x77; 32];

async fn region() -> Region {
    let registrar = signing_key(REGISTRAR_SEED).verifying_key();
    let more = format!(
        "[limits]\ncache_mib = 8\nsync_interval_seconds = 1\nsegment_mib = 4\nconnections_per_address = 512\n\
         [[registrar]]\nid = \"g.neri\"\nmunicipalities = [{IMOLA:?}]\nkey = \"{registrar}\"\n"
    );
    let region = Region::configured(&more).await;
    region.activate(PUBLIC_BODY).await;
    region
}

/// A registrar confirms everything that waits in Imola; how many changes that were.
async fn confirm(region: &Region) -> u32 {
    let node = region.node_client(IMOLA);
    let page = node
        .list_held_changes(istat(IMOLA), &PageRequest::default())
        .await
        .expect("a page");
    let statement = page.statement(Act::Release, istat(IMOLA));
    let registrar = RegistrarId::parse("g.neri").expect("an id");
    let signed = statement.sign(registrar, &signing_key(REGISTRAR_SEED));
    node.confirm_held_changes(istat(IMOLA), &signed)
        .await
        .expect("the statement is taken")
}

/// Whether the public body is shown the person.
async fn is_shown(region: &Region, code: TaxCode) -> bool {
    let agency = region.agency(PUBLIC_BODY);
    let context = ground(PUBLIC_BODY, "co-payment", agency.new_request_id());
    match agency.lookup_person(lookup(context, code)).await {
        Ok(answer) => !answer.persons.is_empty(),
        Err(ClientError::Refused(_)) => false,
        Err(error) => panic!("{error:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_protection_is_at_the_index_without_an_export_and_ends_only_with_a_second_registrar() {
    let mut region = region().await;
    region.publish(IMOLA, &[mario(), giulia()]).await;
    let code = giulia().tax_code();
    assert!(is_shown(&region, code).await);
    let card = || CardNumber(giulia().local_id);
    let order = Order::Protect {
        basis: "shelter".to_owned(),
        from: None,
        until: None,
    };
    let report = region.municipality(IMOLA).node().order(card(), order).await;
    assert_eq!(report.expect("the order is carried out").effect, Effect::AtOnce);
    until_async("the protection is at the index", || async {
        (!is_shown(&region, code).await).then_some(())
    })
    .await;

    region.publish(IMOLA, &[mario(), giulia()]).await;
    assert!(!is_shown(&region, code).await, "an export ends no protection");
    let report = region
        .municipality(IMOLA)
        .node()
        .order(card(), Order::Unprotect)
        .await;
    assert_eq!(
        report.expect("the order is carried out").effect,
        Effect::AfterConfirmation
    );
    region.municipality(IMOLA).published().await;
    assert!(!is_shown(&region, code).await, "its end waits");
    assert_eq!(confirm(&region).await, 1);
    until_async("the protection has ended", || async {
        is_shown(&region, code).await.then_some(())
    })
    .await;
    region.stop().await;
}

/// Children in families of two with a parent each, and what becomes of them.
struct Children {
    parents: Vec<Person>,
    old: Vec<Person>,
    new: Vec<Person>,
    elsewhere: Vec<Person>,
}

fn children() -> Children {
    let leaked = |text: String| -> &'static str { text.leak() };
    let parents: Vec<Person> = crowd(IMOLA, SEALED)
        .into_iter()
        .enumerate()
        .map(|(number, parent)| Person {
            household: leaked(format!("P{number}")),
            street: format!("Casa {number}"),
            // A year of birth each: people of a crowd may share a codice fiscale.
            birth: leaked(format!("19{}-01-01", 40 + number)),
            ..parent
        })
        .collect();
    let old: Vec<Person> = parents
        .iter()
        .enumerate()
        .map(|(number, parent)| Person {
            local_id: format!("B{number}"),
            given_name: "Bambino".to_owned(),
            sex: Sex::Male,
            birth: leaked(format!("2010-{:02}-{:02}", 1 + number / 25, 1 + number % 25)),
            kinship: Kinship::Child,
            ..parent.clone()
        })
        .collect();
    let new = old
        .iter()
        .enumerate()
        .map(|(number, child)| Person {
            surname: format!("Nuovo{}", child.surname),
            given_name: "Altro".to_owned(),
            household: leaked(format!("N{number}")),
            kinship: Kinship::ReferencePerson,
            household_from: "2026-11-01",
            street: "Nuova".to_owned(),
            residence_from: "2026-11-01",
            ..child.clone()
        })
        .collect();
    let elsewhere = old
        .iter()
        .map(|child| Person {
            municipality: DOZZA,
            death: None,
            ..child.clone()
        })
        .collect();
    Children {
        parents,
        old,
        new,
        elsewhere,
    }
}

/// Everything that an agency can ask about a code, at a day.
async fn ask(
    region: &Region,
    client: &mut ConsultationServiceClient<Channel>,
    code: TaxCode,
    on: NaiveDate,
) -> [Result<(), Status>; 3] {
    let agency = region.agency(PUBLIC_BODY);
    let context = || at(on, ground(PUBLIC_BODY, "co-payment", agency.new_request_id()));
    let person = proto::LookupPersonRequest::from(lookup(context(), code));
    let family = proto::LookupHouseholdRequest::from(household(context(), code));
    let declaration = proto::VerifyDeclarationRequest::from(verify(context(), code, Claim::ExistenceInLife));
    [
        client.lookup_person(person).await.map(drop),
        client.lookup_household(family).await.map(drop),
        client.verify_declaration(declaration).await.map(drop),
    ]
}

/// What of an answer reaches the caller; it must be a refusal.
fn refused(answers: [Result<(), Status>; 3], who: &str) -> [Seen; 3] {
    answers.map(|answer| seen(&answer.expect_err(who)).0)
}

async fn check_gone(region: &Region, children: &Children) {
    let mut client = ConsultationServiceClient::new(region.channel(Role::Agency, PUBLIC_BODY.agency).await);
    for on in ["2016-01-01", "2026-10-31", "2026-11-02"].map(day) {
        let absent = refused(ask(region, &mut client, nobody(), on).await, "nobody");
        for (number, child) in children.old.iter().enumerate() {
            let answers = ask(region, &mut client, child.tax_code(), on).await;
            let gone = refused(answers, &format!("child {number} on {on}"));
            assert_eq!(gone, absent, "child {number} can be told from absent on {on}");
        }
    }
    let agency = region.agency(PUBLIC_BODY);
    for (parent, on) in children
        .parents
        .iter()
        .zip(["2016-01-01", "2026-11-02"].into_iter().cycle())
    {
        let context = at(
            day(on),
            ground(PUBLIC_BODY, "co-payment", agency.new_request_id()),
        );
        let family = agency
            .lookup_household(household(context, parent.tax_code()))
            .await
            .expect("the parent's household");
        let members: Vec<usize> = family
            .households
            .iter()
            .map(|household| household.members.len())
            .collect();
        assert_eq!(members, [1], "the parent lives alone on {on}, and always did");
    }
}

/// The parents with their children as they were or are, and somebody else.
fn with(children: &Children, of_whom: &[Person]) -> Vec<Person> {
    [children.parents.as_slice(), of_whom, &[elena()]].concat()
}

/// Two municipalities know the children; one has sealed them, and a registrar has confirmed it.
async fn seal_all(region: &mut Region, children: &Children) {
    region.publish(IMOLA, &with(children, &children.old)).await;
    region.publish(DOZZA, &children.elsewhere).await;
    assert!(is_shown(region, children.old[7].tax_code()).await);

    for child in &children.old {
        let order = Order::Seal {
            basis: "adoption".to_owned(),
            from: Day(day("2026-11-01")),
            identity: Bearing::Old,
        };
        let card = CardNumber(child.local_id.clone());
        let report = region.municipality(IMOLA).node().order(card, order).await;
        assert_eq!(report.expect("the order").effect, Effect::AfterConfirmation);
    }
    region.municipality(IMOLA).published().await;
    assert!(is_shown(region, children.old[7].tax_code()).await, "it waits");
    assert_eq!(confirm(region).await, SEALED);
    check_gone(region, children).await;
    region.publish(IMOLA, &with(children, &children.new)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_sealed_persons_leave_nothing_after_total_exports_restart_and_replay() {
    let mut region = region().await;
    let children = children();
    seal_all(&mut region, &children).await;
    check_gone(&region, &children).await;
    for child in &children.new {
        assert!(
            is_shown(&region, child.tax_code()).await,
            "the new identity is shown"
        );
    }

    // The other municipality goes on naming the old identity, under other numbers too.
    let again: Vec<Person> = children
        .elsewhere
        .iter()
        .map(|child| Person {
            street: "Altra".to_owned(),
            local_id: format!("Z{}", child.local_id),
            ..child.clone()
        })
        .collect();
    region
        .publish(DOZZA, &[children.elsewhere.as_slice(), &again].concat())
        .await;
    check_gone(&region, &children).await;

    region.stop_index().await;
    std::fs::remove_dir_all(region.index_data().join("projection")).expect("the rows are there");
    region.start_index().await;
    check_gone(&region, &children).await;
    assert!(is_shown(&region, children.new[0].tax_code()).await);
    region.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_emptied_index_seals_again_without_asking_anybody() {
    let mut region = region().await;
    let children = children();
    seal_all(&mut region, &children).await;
    region.stop_index().await;
    for place in ["journal", "projection"] {
        std::fs::remove_dir_all(region.index_data().join(place)).expect("it is there");
    }
    region.start_index().await;
    // Every municipality must have been heard before agencies are answered.
    for code in [DOZZA, CASTEL_SAN_PIETRO, IMOLA] {
        let node = region.municipality(code).node();
        node.publisher().wake();
        let end = node.status().await.expect("a status").journal_end;
        until_async("everything is there again", || async {
            let state = region.node_client(code).get_state(istat(code)).await;
            (state.expect("a state").visible.0 == end).then_some(())
        })
        .await;
    }
    until_async("agencies are answered", || async {
        is_shown(&region, children.parents[0].tax_code())
            .await
            .then_some(())
    })
    .await;
    check_gone(&region, &children).await;
    for child in &children.new {
        assert!(
            is_shown(&region, child.tax_code()).await,
            "the new identity is shown"
        );
    }
    let node = region.node_client(IMOLA);
    let held = node
        .list_held_changes(istat(IMOLA), &PageRequest::default())
        .await;
    assert_eq!(held.expect("a page").total, 0, "nothing waits");
    region.stop().await;
}
