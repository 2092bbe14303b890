//! Lookups of a household.

use chrono::NaiveDate;
use store::record_store::RecordStore;
use store::record_store::answer::{HouseholdAnswer, HouseholdCard};
use store::record_store::handle::HouseholdHandle;
use tonic::Status;
use uuid::Uuid;
use wire::convert::{HouseholdLookup, KeyCurrency, PersonMark, household_message};
use wire::proto::consultation::v1 as pb;

use super::person::person_name;
use super::{criteria, kind_of, question, settlement, trust};
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
        self.complete(&call).await?;
        let question = question(&key);
        let mut asked = criteria(&question);
        asked.extend(kind_of(&request));
        let granted = self.decide(&call, &request, asked).await?;
        let (permit, draft, pending) = granted.into_reading();
        let read = self.store.lookup_household(&permit, &question, draft).await;
        let settle = |answer: &HouseholdAnswer| settlement(answer.households.is_empty());
        let (HouseholdAnswer { households }, committed) = self.commit(pending, read, settle).await?;
        if households.is_empty() {
            return Err(self.nobody(&call, &permit, &committed));
        }
        let freshness = self.data_age(&permit, households.iter().map(|card| card.source));
        let members = households.iter().flat_map(|card| &card.view.members);
        let no_history_before: Option<NaiveDate> = members
            .filter_map(|member| member.person.no_history_before())
            .max();
        Ok(pb::LookupHouseholdResponse {
            households: households.into_iter().map(household).collect(),
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
