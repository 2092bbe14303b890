//! Lookups of one person.

use store::record_store::RecordStore;
use store::record_store::answer::{CodeStanding, PersonAnswer, PersonCard};
use store::record_store::handle::PersonHandle;
use tonic::Status;
use uuid::Uuid;
use wire::convert::{KeyCurrency, LookupKey, PersonLookup, PersonMark, person_message};
use wire::proto::consultation::v1 as pb;

use super::household::household_name;
use super::{settlement, trust};
use crate::entry::Call;
use crate::shared::Shared;

impl<S: RecordStore> Shared<S> {
    /// Who is named by an identifier and shown is shown at once. On a step leaves that nobody is shown, and whatever is
    /// answered to generalities, which others may have who are not shown.
    pub(super) async fn lookup_person(
        &self,
        call: Call,
        lookup: PersonLookup,
    ) -> Result<pb::LookupPersonResponse, Status> {
        let arrived = call.arrived;
        let others_may_have_it = matches!(lookup.key, LookupKey::Generalities(_));
        let found = self.find_person(call, lookup).await;
        if found.is_err() || others_may_have_it {
            self.pace.hold(arrived).await;
        }
        found
    }

    async fn find_person(
        &self,
        call: Call,
        lookup: PersonLookup,
    ) -> Result<pb::LookupPersonResponse, Status> {
        let PersonLookup {
            request,
            key,
            receipt,
        } = lookup;
        let (permit, question, draft, pending) = self.reading_by_key(&call, &request, key).await?;
        let read = self.store.lookup_person(&permit, &question, draft).await;
        let settle = |answer: &PersonAnswer| settlement(answer.cards.is_empty());
        let (PersonAnswer { cards }, committed) = self.commit(pending, read, settle).await?;
        if cards.is_empty() {
            return Err(self.nobody(&call, &permit, &committed));
        }
        let freshness = self.data_age(&permit, cards.iter().map(|card| card.source));
        let no_history_before = cards
            .iter()
            .filter_map(|card| card.view.no_history_before())
            .max();
        Ok(pb::LookupPersonResponse {
            persons: cards.into_iter().map(person).collect(),
            no_history_before: no_history_before.map(Into::into),
            freshness: Some(freshness.message(call.freshness)),
            reference_date: Some(permit.reference_date().into()),
            today: Some(permit.today().into()),
            receipt: Some(self.receipt(&committed, receipt)),
        })
    }
}

pub(super) fn person_name(handle: PersonHandle) -> String {
    format!("persons/{}", Uuid::from_bytes(handle.0).simple())
}

pub(super) fn person(card: PersonCard) -> pb::Person {
    let PersonCard {
        handle,
        household,
        view,
        standing,
        source: _,
        version,
    } = card;
    let mark = PersonMark {
        name: person_name(handle),
        currency: currency(standing),
        trust: trust(version),
    };
    person_message(view, mark, |_| household.map(household_name).unwrap_or_default())
}

pub(super) fn currency(standing: CodeStanding) -> KeyCurrency {
    match standing {
        CodeStanding::Current => KeyCurrency::Current,
        CodeStanding::Superseded => KeyCurrency::Superseded,
    }
}
