//! Lookups of a household.

use chrono::NaiveDate;
use store::record_store::RecordStore;
use store::record_store::answer::{DeceasedCard, HouseholdAnswer, HouseholdCard, Source};
use store::record_store::handle::HouseholdHandle;
use tonic::Status;
use uuid::Uuid;
use wire::convert::{HouseholdLookup, KeyCurrency, PersonMark, deceased_message, household_message};
use wire::proto::consultation::v1 as pb;

use super::person::{currency, person_name};
use super::{settlement, trust};
use crate::entry::Call;
use crate::shared::Shared;

impl<S: RecordStore> Shared<S> {
    pub(super) async fn lookup_household(
        &self,
        call: Call,
        lookup: HouseholdLookup,
    ) -> Result<pb::LookupHouseholdResponse, Status> {
        let HouseholdLookup {
            request,
            key,
            receipt,
        } = lookup;
        let (permit, question, draft, pending) = self.reading_by_key(&call, &request, key).await?;
        let read = self.store.lookup_household(&permit, &question, draft).await;
        let settle = |answer: &HouseholdAnswer| settlement(answer.is_empty());
        let (answer, committed) = self.commit(pending, read, settle).await?;
        if answer.is_empty() {
            return Err(self.nobody(&call, &permit, &committed));
        }
        let HouseholdAnswer { households, deceased } = answer;
        let sources = households.iter().map(|card| card.source);
        // What is shown of the dead names no municipality.
        let freshness = self.data_age(&permit, sources.chain(deceased.iter().map(|_| Source::Withheld)));
        let members = households.iter().flat_map(|card| &card.view.members);
        let no_history_before: Option<NaiveDate> = members
            .filter_map(|member| member.person.no_history_before())
            .max();
        Ok(pb::LookupHouseholdResponse {
            households: households.into_iter().map(household).collect(),
            deceased: deceased.into_iter().map(deceased_person).collect(),
            no_history_before: no_history_before.map(Into::into),
            freshness: Some(freshness.message(call.freshness)),
            reference_date: Some(permit.reference_date().into()),
            today: Some(permit.today().into()),
            receipt: Some(self.receipt(&committed, receipt)),
        })
    }
}

pub(super) fn household_name(handle: HouseholdHandle) -> String {
    format!("households/{}", Uuid::from_bytes(handle.0).simple())
}

fn household(card: HouseholdCard) -> pb::Household {
    let HouseholdCard {
        handle,
        handles,
        view,
        source: _,
        version,
    } = card;
    household_message(view, &household_name(handle), |card| PersonMark {
        name: handles.get(card).copied().map(person_name).unwrap_or_default(),
        currency: KeyCurrency::Current,
        trust: trust(version),
    })
}

fn deceased_person(card: DeceasedCard) -> pb::DeceasedPerson {
    let DeceasedCard {
        handle,
        view,
        standing,
        version,
    } = card;
    let mark = PersonMark {
        name: person_name(handle),
        currency: currency(standing),
        trust: trust(version),
    };
    deceased_message(view, mark)
}
