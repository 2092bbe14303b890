//! Lookups of the residents of an address.

use agreement::reason::Reason;
use agreement::usage::Settlement;
use store::record_store::RecordStore;
use store::record_store::answer::{ResidentGroup, ResidentsAnswer};
use tonic::Status;
use wire::convert::ResidentsLookup;
use wire::proto::consultation::v1 as pb;
use wire::status::{Details, status_for};

use super::household::household_name;
use super::person::person;
use super::settlement;
use crate::entry::Call;
use crate::shared::Shared;

impl<S: RecordStore> Shared<S> {
    pub(super) async fn lookup_address_residents(
        &self,
        call: Call,
        lookup: ResidentsLookup,
    ) -> Result<pb::LookupAddressResidentsResponse, Status> {
        let ResidentsLookup {
            request,
            address,
            criteria,
            receipt,
        } = lookup;
        self.complete(&call).await?;
        let granted = self.decide(&call, &request, criteria).await?;
        let (permit, draft, pending) = granted.into_reading();
        let read = self
            .store
            .lookup_address_residents(&permit, &address, draft)
            .await;
        let settle = |answer: &ResidentsAnswer| match answer {
            ResidentsAnswer::Found(groups) => settlement(groups.is_empty()),
            // That there are many was told.
            ResidentsAnswer::TooMany { most: _ } => Settlement::Hit,
        };
        let (answer, committed) = self.commit(pending, read, settle).await?;
        let groups = match answer {
            ResidentsAnswer::Found(groups) => groups,
            ResidentsAnswer::TooMany { most } => {
                let details = Details::none()
                    .with_most_shown(most)
                    .with_receipt(self.log.origin().clone(), committed.short_receipt());
                return Err(status_for(Reason::TooManyResidents, details));
            }
        };
        if groups.is_empty() {
            return Err(self.nobody(&call, &permit, &committed));
        }
        let cards = || groups.iter().flat_map(|group| &group.cards);
        let freshness = self.data_age(&permit, cards().map(|card| card.source));
        let no_history_before = cards().filter_map(|card| card.view.no_history_before()).max();
        Ok(pb::LookupAddressResidentsResponse {
            groups: groups.into_iter().map(group).collect(),
            no_history_before: no_history_before.map(Into::into),
            freshness: Some(freshness.message(call.freshness)),
            reference_date: Some(permit.reference_date().into()),
            today: Some(permit.today().into()),
            receipt: Some(self.receipt(&committed, receipt)),
        })
    }
}

fn group(group: ResidentGroup) -> pb::ResidentGroup {
    let ResidentGroup { household, cards } = group;
    pb::ResidentGroup {
        household: household.map(household_name).unwrap_or_default(),
        persons: cards.into_iter().map(person).collect(),
    }
}
