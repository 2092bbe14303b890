//! Ascertainments are granted and called by their names, and show what their kind opens and nothing else.

mod cases;

use std::collections::BTreeSet;

use agreement::ascertainment::Ascertainment;
use agreement::context::{AccessContext, AgreementId};
use agreement::field::{Field, FieldSet};
use agreement::reason::Reason;
use agreement::service::Service;
use agreement::verification::Verdict;
use client::admin::SupposedCall;
use client::agency::{
    AgencyClient, Ascertain, AscertainFamilyStatus, AscertainedPerson, HouseholdAnswer, PersonAnswer,
    PersonKey,
};
use client::error::ClientError;
use client::receipt::ReceiptForm;
use ledger::part::PartKind;
use registry::codice_fiscale::TaxCode;
use support::agreements::{Document, PUBLIC_BODY};
use support::calls::{at, ground, household, lookup};
use support::cards::Cards;
use support::people::nobody;
use support::region::act;

use crate::verification::cards::{self, region};

const AGREEMENT: &str = include_str!("data/ascertainment/agreement.toml");
const PURPOSE: &str = "ascertainments";
const OPEN: Document = Document {
    id: "ascertainment-2026",
    text: AGREEMENT,
    ..PUBLIC_BODY
};

/// What an ascertainment tells.
enum Told {
    Person(PersonAnswer),
    Household(HouseholdAnswer),
}

fn context(agreement: &str, agency: &AgencyClient) -> AccessContext {
    AccessContext {
        agreement: AgreementId::parse(agreement).expect("an id"),
        ..ground(OPEN, PURPOSE, agency.new_request_id())
    }
}

async fn ascertain(
    agency: &AgencyClient,
    context: AccessContext,
    kind: Ascertainment,
    code: TaxCode,
    fields: FieldSet,
) -> Result<Told, ClientError> {
    let key = PersonKey::TaxCode(code);
    match kind.service() {
        Service::LookupHousehold => {
            let request = AscertainFamilyStatus {
                context,
                person: AscertainedPerson::Known(key),
                municipality: None,
                fields,
                receipt: ReceiptForm::Full,
            };
            agency.ascertain_family_status(request).await.map(Told::Household)
        }
        _ => {
            let request = Ascertain {
                context,
                kind,
                person: AscertainedPerson::Known(key),
                municipality: None,
                fields,
                receipt: ReceiptForm::Full,
            };
            agency.ascertain(request).await.map(Told::Person)
        }
    }
}

fn code_of(cards: &Cards, card: &str) -> TaxCode {
    TaxCode::parse(&cards.value(card, "codice_fiscale")).expect("a codice fiscale")
}

#[tokio::test(flavor = "multi_thread")]
async fn no_kind_shows_a_field_that_it_does_not_open_of_anybody_on_any_day() {
    let cards = cards::read();
    let region = region(&cards, OPEN).await;
    let agency = region.agency(OPEN);
    let of_purpose = FieldSet::of(&[Field::Surname, Field::CivilStatus, Field::Cancellation]);
    let mut answers = 0;
    for card in cards.names() {
        let code = code_of(&cards, &card);
        for kind in Ascertainment::ALL {
            let opened = kind.opens(of_purpose);
            for day in ["2026-10-29", "2026-10-30", "2026-10-31", "2012-01-01"] {
                let context = at(day.parse().expect("a day"), context(OPEN.id, &agency));
                match ascertain(&agency, context, kind, code, FieldSet::EMPTY).await {
                    Ok(Told::Person(answer)) => {
                        answers += answer.persons.len();
                        for person in answer.persons {
                            assert_eq!(person.fields, opened, "{card} {kind} {day}");
                            assert_eq!(person.of_kind.is_some(), kind.claim().is_some(), "{card} {kind}");
                            if kind.claim().is_some() && opened.contains(Field::CivilStatus) {
                                let yes = person.of_kind.is_some_and(|told| told.verdict == Verdict::Yes);
                                assert_eq!(person.civil_status.is_some(), yes, "{card} {kind} {day}");
                            }
                        }
                    }
                    Ok(Told::Household(answer)) => {
                        for household in answer.households {
                            answers += household.members.len();
                            for member in household.members {
                                assert_eq!(member.person.fields, opened, "{card} {kind} {day}");
                            }
                        }
                    }
                    Err(error) => {
                        assert_eq!(error.reason(), Some(Reason::NotFound), "{card} {kind}: {error}")
                    }
                }
            }
        }
    }
    assert!(900 < answers, "{answers} answers were looked at");
}

#[tokio::test(flavor = "multi_thread")]
async fn being_listed_opens_no_plain_lookup_and_a_denial_says_which_kind_is_not_granted() {
    let cards = cards::read();
    let region = region(&cards, OPEN).await;
    let agency = region.agency(OPEN);
    let code = code_of(&cards, "imola.bruno");
    let plain = agency
        .lookup_person(lookup(context(OPEN.id, &agency), code))
        .await;
    assert_eq!(
        plain.expect_err("no service is granted").reason(),
        Some(Reason::ServiceNotGranted)
    );
    let plain = agency
        .lookup_household(household(context(OPEN.id, &agency), code))
        .await;
    assert_eq!(
        plain.expect_err("no service is granted").reason(),
        Some(Reason::ServiceNotGranted)
    );

    let few = AGREEMENT
        .replace("ascertainment-2026", "few-2026")
        .replace("\"death\", \"marriage\",", "\"death\",");
    let administrator = region.administrator();
    administrator
        .activate(few.as_bytes(), None, &act(), client::admin::Effect::Activate)
        .await
        .expect("the agreement is activated");
    let refused = ascertain(
        &agency,
        context("few-2026", &agency),
        Ascertainment::Marriage,
        code,
        FieldSet::EMPTY,
    );
    let Err(ClientError::Refused(refusal)) = refused.await else {
        panic!("a refusal");
    };
    assert_eq!(refusal.name, Reason::AscertainmentNotGranted.name());
    assert_eq!(refusal.clause.as_deref(), Some("ascertainment"));
    let requirement = refusal
        .requirement
        .clone()
        .expect("what would make the call succeed");
    assert!(
        requirement.starts_with("not granted: marriage (C017); granted: generalities, death, citizenship"),
        "{requirement}"
    );
    assert!(refusal.italian().contains("non concesso: matrimonio (C017)"));

    let supposed = |agreement: &str, kind| SupposedCall {
        peer: None,
        address: None,
        certificate: None,
        context: context(agreement, &agency),
        service: Service::LookupPerson,
        verification: None,
        ascertainment: Some(kind),
        fields: FieldSet::EMPTY,
        municipality: None,
        at: None,
    };
    let explain =
        client::admin::AdminClient::new(region.connection(agreement::peer::Role::Agency, OPEN.agency));
    let explained = explain
        .explain(&supposed("few-2026", Ascertainment::Marriage))
        .await
        .expect("an explanation");
    assert_eq!(explained.reason, Some(Reason::AscertainmentNotGranted));
    let explained = explain
        .explain(&supposed(OPEN.id, Ascertainment::Marriage))
        .await
        .expect("an explanation");
    assert_eq!(
        (explained.permitted, explained.fields),
        (true, FieldSet::of(&[Field::CivilStatus]))
    );
    let told = agency
        .describe_access(&context(OPEN.id, &agency), None, ReceiptForm::Full)
        .await
        .expect("a description");
    let described = told.agreements.iter().find(|told| told.agreement == OPEN.id);
    let names: BTreeSet<&str> = described.expect("the agreement").purposes[0]
        .ascertainments
        .iter()
        .map(String::as_str)
        .collect();
    assert_eq!(names, Ascertainment::ALL.map(Ascertainment::name).into());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_entry_says_which_kind_was_asked_and_which_fields_were_shown() {
    let cards = cards::read();
    let region = region(&cards, OPEN).await;
    let agency = region.agency(OPEN);
    for (kind, card) in [
        (Ascertainment::ExistenceInLife, "imola.bruno"),
        (Ascertainment::FamilyStatus, "imola.carla"),
    ] {
        let context = context(OPEN.id, &agency);
        let id = ledger::header::RequestId(context.request_id.into_bytes());
        let told = ascertain(&agency, context, kind, code_of(&cards, card), FieldSet::EMPTY).await;
        assert!(told.is_ok(), "{kind}");
        let entries = region.entries("garante").await;
        let entry = entries
            .iter()
            .find(|entry| entry.header.body.request_id == Some(id))
            .expect("the entry of the call");
        let items = |wanted: PartKind| {
            let part = entry.parts.iter().find(|part| part.kind == wanted);
            part.expect("the region sees the part").items.clone()
        };
        let said = ("ascertainment".to_owned(), kind.name().to_owned());
        assert!(items(PartKind::Criteria).contains(&said), "{kind}");
        let mut opened: Vec<&str> = kind.opens(FieldSet::EMPTY).names().collect();
        opened.sort_unstable();
        assert_eq!(entry.header.body.granted_fields, opened, "{kind}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_protected_or_out_of_territory_is_as_if_absent_to_every_kind() {
    let cards = cards::read();
    let region = region(&cards, OPEN).await;
    let agency = region.agency(OPEN);
    for kind in Ascertainment::ALL {
        let mut refusals = BTreeSet::new();
        for code in [
            code_of(&cards, "imola.rita"),
            code_of(&cards, "elsewhere.tito"),
            nobody(),
        ] {
            let told = ascertain(&agency, context(OPEN.id, &agency), kind, code, FieldSet::EMPTY).await;
            let Err(ClientError::Refused(refusal)) = told else {
                panic!("{kind}: a refusal");
            };
            refusals.insert((
                refusal.name.clone(),
                refusal.italian(),
                refusal.oldest_age_minutes,
            ));
        }
        assert_eq!(refusals.len(), 1, "{kind}: {refusals:?}");
        let (name, ..) = refusals.first().expect("one");
        assert_eq!(name, Reason::NotFound.name());
    }
}
