//! What the product shows, in the words of the truth.

use std::collections::BTreeMap;

use agreement::field::FieldSet;
use agreement::view::household::{HouseholdView, VisibleCard};
use agreement::view::person::{Fact, PersonView};
use chrono::NaiveDate;
use cli::synthetic::truth::{CardAnswer, Dwelling, Link, Standing, Told};
use registry::identifier::LocalId;
use registry::record::{HouseholdLink, Record};

use crate::replay::Registry;

/// What the product answers of a card; `None` where it has none.
pub(crate) fn answer(
    registry: &Registry,
    card: &LocalId,
    reference: NaiveDate,
    known_on: NaiveDate,
) -> Option<CardAnswer> {
    let record = registry.known(card, known_on)?;
    let view = PersonView::of(record, FieldSet::ALL, reference, None);
    let link = view.household.as_ref().and_then(Fact::held).cloned();
    let members = link.map_or_else(BTreeMap::new, |link| {
        let cards = registry.of_household(&link.household, known_on);
        members(&link, &cards, reference)
    });
    Some(of_view(&view, members))
}

/// Cards and roles of a household's members.
fn members(link: &HouseholdLink, cards: &[&Record], reference: NaiveDate) -> BTreeMap<String, String> {
    let visible: Vec<VisibleCard<'_>> = cards
        .iter()
        .map(|record| VisibleCard {
            record,
            visible: FieldSet::ALL,
        })
        .collect();
    let view = HouseholdView::of(&link.household, &visible, reference, None);
    let members = view.map(|view| view.members).unwrap_or_default();
    members
        .into_iter()
        .map(|member| {
            let link = HouseholdLink {
                household: link.household.clone(),
                role: member.role,
            };
            (cards[member.card].local_id.to_string(), Link::of(&link).role)
        })
        .collect()
}

/// A shown card with all its fields, and the members of its household.
pub(crate) fn of_view(view: &PersonView, members: BTreeMap<String, String>) -> CardAnswer {
    let standing = if view.death.is_some() {
        Standing::Dead
    } else if view.cancellation.is_some() {
        Standing::Cancelled
    } else {
        Standing::Registered
    };
    let registration = view.registration.as_ref().map(|entry| &entry.registration);
    CardAnswer {
        standing,
        registration: registration.map(|entry| (entry.reason.code().to_owned(), entry.effective)),
        cancellation: view
            .cancellation
            .as_ref()
            .map(|exit| (exit.reason.code().to_owned(), exit.effective)),
        death: view.death.as_ref().map(|death| death.date),
        names: (
            view.surname.as_ref().map(ToString::to_string),
            view.given_name.as_ref().map(ToString::to_string),
        ),
        tax_codes: view
            .tax_code_history
            .iter()
            .map(|entry| entry.code.as_str().to_owned())
            .collect(),
        civil_status: told(view.civil_status.as_ref(), |status| status.code().to_owned()),
        citizenships: told(view.citizenships.as_ref(), |states| {
            states.iter().map(ToString::to_string).collect()
        }),
        residence: told(view.residence.as_ref(), Dwelling::of),
        household: told(view.household.as_ref(), Link::of),
        members,
    }
}

fn told<T, U>(fact: Option<&Fact<T>>, value: impl Fn(&T) -> U) -> Told<U> {
    match fact {
        Some(Fact::Held { from, value: held }) => Told::Held {
            from: *from,
            value: value(held),
        },
        Some(Fact::NoHistoryBefore(day)) => Told::NoHistoryBefore(*day),
        Some(Fact::NotHeld) | None => Told::NotHeld,
    }
}
