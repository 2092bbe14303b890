//! Searches by partial data, over the real wire.

use agreement::context::OperatorId;
use agreement::field::{Field, FieldSet};
use client::agency::{
    AgencyClient, Freshness, LookupFound, SearchAnswer, SearchHandle, SearchHit, SearchPersons,
};
use client::error::ClientError;
use client::receipt::ReceiptForm;
use registry::matching::{Extent, Reason};
use support::agreements::{Document, PUBLIC_BODY};
use support::calls::ground;
use support::people::{DOZZA, IMOLA, crowd, day, istat, mario};
use support::region::Region;

/// Police that may search.
const SEARCHERS: Document = Document {
    id: "questura-search-2026",
    agency: "questura-bo",
    text: include_str!("data/agreements/search.toml"),
};

const PURPOSE: &str = "identification";
const SEARCH: &str = "ponte.consultation.v1.ConsultationService/SearchPersons";

fn names(agency: &AgencyClient, surname: &str, given_name: Option<&str>) -> SearchPersons {
    let part = |text: &str| (text.to_owned(), Extent::Whole);
    SearchPersons {
        context: ground(SEARCHERS, PURPOSE, agency.new_request_id()),
        surname: Some(part(surname)),
        given_name: given_name.map(part),
        tax_code: None,
        born: None,
        municipality: None,
        receipt: ReceiptForm::Full,
    }
}

fn found(agency: &AgencyClient, handle: &SearchHandle) -> LookupFound {
    LookupFound {
        context: ground(SEARCHERS, PURPOSE, agency.new_request_id()),
        handle: handle.clone(),
        fields: FieldSet::EMPTY,
        receipt: ReceiptForm::Full,
    }
}

fn given_names(answer: &SearchAnswer) -> Vec<String> {
    let name = |hit: &SearchHit| hit.person.given_name.as_ref().map(ToString::to_string);
    answer.hits.iter().filter_map(name).collect()
}

fn reason(error: &ClientError) -> &str {
    match error {
        ClientError::Refused(refusal) => &refusal.name,
        other => panic!("no refusal: {other:?}"),
    }
}

async fn region() -> (Region, AgencyClient) {
    let region = Region::populated().await;
    region.activate(SEARCHERS).await;
    let agency = region.agency(SEARCHERS);
    (region, agency)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_misspelt_name_leads_to_a_person_who_is_then_looked_up() {
    let (region, agency) = region().await;
    let answer = agency
        .search_persons(names(&agency, "Rosi", Some("Mario")))
        .await
        .expect("an answer");
    let [hit] = &answer.hits[..] else {
        panic!("one hit: {:?}", answer.hits)
    };
    let expected = [
        (Field::Surname, Reason::Phonetic),
        (Field::GivenName, Reason::Exact),
    ];
    assert_eq!((hit.score, &hit.reasons[..]), (890, &expected[..]));
    let shown = "surname, given_name, sex, birth_date, birth_place";
    assert_eq!(hit.person.fields.to_string(), shown);
    // Alone or not, a hit tells no code, id, place or municipality; nor does the freshness of the answer.
    assert_eq!((hit.person.handle.as_str(), &hit.person.tax_code), ("", &None));
    assert!(hit.person.national_id.is_none() && hit.person.tax_code_history.is_empty());
    assert!(hit.person.residence.is_none() && hit.person.residence_history.is_empty());
    assert!(hit.person.household.is_none() && hit.person.registration.is_none());
    assert!(matches!(answer.freshness, Freshness::Oldest(_)));
    let card = agency
        .lookup_found(found(&agency, &hit.handle))
        .await
        .expect("a person");
    assert_eq!(card.persons[0].current_tax_code(), Some(&mario().tax_code()));
    let mut other = found(&agency, &hit.handle);
    other.context.operator = OperatorId::parse("a.verdi").ok();
    let refused = agency.lookup_found(other).await.expect_err("another operator");
    assert_eq!(reason(&refused), "HANDLE_INVALID");
    let refused = agency
        .lookup_found(found(&agency, &SearchHandle(vec![1; 7])))
        .await
        .expect_err("no handle");
    assert_eq!(reason(&refused), "HANDLE_INVALID");
    // The supervisor sees the search with who was shown, and the refusals.
    let entries = region.entries("garante").await;
    let search = entries
        .iter()
        .filter(|entry| entry.header.body.service.as_deref() == Some(SEARCH));
    assert_eq!(search.count(), 1);
    let refusals = entries
        .iter()
        .filter(|entry| entry.header.body.outcome.reason == "HANDLE_INVALID");
    assert_eq!(refusals.count(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hit_leads_to_the_household_and_one_that_is_dead_to_the_deceased_alone() {
    let (_region, agency) = region().await;
    let hit = async |surname: &str| {
        let answer = agency.search_persons(names(&agency, surname, None)).await;
        answer.expect("an answer").hits.remove(0).handle
    };
    let anna = hit("Bianchi").await;
    let answer = agency
        .lookup_household_of_found(found(&agency, &anna))
        .await
        .expect("a household");
    let members = answer.households[0].members.iter();
    let members = members.map(|member| member.person.given_name.as_ref().map(ToString::to_string));
    let members: Vec<_> = members.flatten().collect();
    assert_eq!(members, ["Mario", "Anna", "Luca"]);
    let mut other = found(&agency, &anna);
    other.context.operator = OperatorId::parse("a.verdi").ok();
    let refused = agency
        .lookup_household_of_found(other)
        .await
        .expect_err("another operator");
    assert_eq!(reason(&refused), "HANDLE_INVALID");
    let ugo = hit("Galli").await;
    let answer = agency
        .lookup_household_of_found(found(&agency, &ugo))
        .await
        .expect("the deceased");
    assert_eq!(answer.households, []);
    let [deceased] = &answer.deceased[..] else {
        panic!("one deceased: {:?}", answer.deceased)
    };
    let shown = "surname, given_name, sex, birth_date, birth_place, death";
    assert_eq!(deceased.person.fields.to_string(), shown);
    assert_eq!(
        deceased.person.death.as_ref().map(|death| death.date),
        Some(day("2024-11-20"))
    );
    assert_eq!(deceased.family_until, Some(day("2024-11-19")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_search_finds_everybody_visible_or_says_that_they_are_too_many() {
    let (mut region, agency) = region().await;
    let all = agency
        .search_persons(names(&agency, "Rossi", None))
        .await
        .expect("an answer");
    assert_eq!(given_names(&all), ["Luca", "Mario"]);
    let beginning = SearchPersons {
        surname: Some(("Ro".to_owned(), Extent::Beginning)),
        ..names(&agency, "Ro", None)
    };
    let all = agency.search_persons(beginning).await.expect("an answer");
    assert_eq!(given_names(&all), ["Luca", "Mario"]);
    let by_code = SearchPersons {
        surname: None,
        tax_code: Some("RSSM".to_owned()),
        ..names(&agency, "", None)
    };
    let one = agency.search_persons(by_code).await.expect("an answer");
    assert_eq!(given_names(&one), ["Mario"]);
    let nobody = agency.search_persons(names(&agency, "Assente", None)).await;
    assert_eq!(reason(&nobody.expect_err("nobody")), "NOT_FOUND");
    region.publish(DOZZA, &crowd(DOZZA, 5)).await;
    let many = SearchPersons {
        surname: Some(("Folla".to_owned(), Extent::Beginning)),
        ..names(&agency, "", None)
    };
    let refused = agency.search_persons(many.clone()).await.expect_err("too many");
    assert_eq!(reason(&refused), "TOO_MANY_FOUND");
    let elsewhere = SearchPersons {
        municipality: Some(istat(IMOLA)),
        context: ground(SEARCHERS, PURPOSE, agency.new_request_id()),
        ..many
    };
    let nobody = agency.search_persons(elsewhere).await;
    assert_eq!(reason(&nobody.expect_err("nobody there")), "NOT_FOUND");
}

/// Elena's whereabouts are protected: she is found, and not by asking where.
#[tokio::test(flavor = "multi_thread")]
async fn a_protected_person_is_not_located_by_a_search() {
    let (_region, agency) = region().await;
    let everywhere = names(&agency, "Neri", Some("Elena"));
    let answer = agency
        .search_persons(everywhere.clone())
        .await
        .expect("an answer");
    assert_eq!(given_names(&answer), ["Elena"]);
    for municipality in [IMOLA, DOZZA] {
        let limited = SearchPersons {
            municipality: Some(istat(municipality)),
            context: ground(SEARCHERS, PURPOSE, agency.new_request_id()),
            ..everywhere.clone()
        };
        let refused = agency
            .search_persons(limited)
            .await
            .expect_err("not by asking where");
        assert_eq!(reason(&refused), "NOT_FOUND");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_granted_or_would_browse_is_refused() {
    let (region, agency) = region().await;
    let refused = agency
        .search_persons(names(&agency, "R", None))
        .await
        .expect_err("one letter");
    let ClientError::Refused(refusal) = &refused else {
        panic!("no refusal: {refused:?}")
    };
    let violations: Vec<_> = refusal
        .violations
        .iter()
        .map(|violation| (violation.field.as_str(), violation.rule.as_str()))
        .collect();
    assert_eq!(violations, [("surname", "a name needs at least 2 letters")]);
    let short = SearchPersons {
        surname: None,
        tax_code: Some("RS".to_owned()),
        ..names(&agency, "", None)
    };
    let refused = agency.search_persons(short).await.expect_err("two characters");
    assert_eq!(reason(&refused), "INVALID_ARGUMENT");
    // The public body has no search in its agreement.
    let body = region.agency(PUBLIC_BODY);
    let foreign = SearchPersons {
        context: ground(PUBLIC_BODY, "co-payment", body.new_request_id()),
        ..names(&body, "Rossi", None)
    };
    let refused = body.search_persons(foreign).await.expect_err("not granted");
    assert_eq!(reason(&refused), "SERVICE_NOT_GRANTED");
}
