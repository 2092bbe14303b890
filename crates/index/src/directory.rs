//! `DirectoryService`: which municipalities take part, and how fresh their data are.

use std::collections::BTreeMap;
use std::sync::Arc;

use agreement::peer::{Role, SpiffeId};
use registry::municipality::MunicipalityId;
use store::publisher::Withdrawn;
use store::record_store::RecordStore;
use tonic::{Request, Response, Status};
use wire::convert::timestamp_from_unix_ms;
use wire::proto::directory::v1 as pb;
use wire::proto::directory::v1::directory_service_server::DirectoryService;

use crate::call::call_of;
use crate::config::NodeGrant;
use crate::page::{PageToken, page_size};
use crate::shared::{Shared, detached};

const LIST: &str = "ponte.directory.v1.DirectoryService/ListMunicipalities";

/// The service.
#[derive(Debug)]
pub struct Directory<S> {
    shared: Arc<Shared<S>>,
}

impl<S> Directory<S> {
    /// The service over the index's state.
    pub fn new(shared: Arc<Shared<S>>) -> Self {
        Self { shared }
    }
}

/// The municipalities that a caller learns of, each with its node, in order of the ISTAT code in force.
fn told_to<'a>(
    caller: &SpiffeId,
    nodes: &'a BTreeMap<SpiffeId, NodeGrant>,
) -> Vec<(MunicipalityId, &'a SpiffeId)> {
    let mut all: Vec<(MunicipalityId, &SpiffeId)> = nodes
        .iter()
        // A node learns of its own municipalities only; how far the others are is not its business.
        .filter(|(node, _)| caller.role() != Role::Node || *node == caller)
        .flat_map(|(node, grant)| grant.municipalities.iter().map(move |&id| (id, node)))
        .collect();
    all.sort_by_key(|&(id, node)| (id.latest_istat(), id, node));
    all
}

impl<S: RecordStore> Directory<S> {
    fn municipality(&self, municipality: MunicipalityId, node: &SpiffeId) -> pb::Municipality {
        let state = self.shared.store.municipality(municipality);
        let standing = self
            .shared
            .store
            .standing(municipality, self.shared.clock.now_ms());
        let withdrawn = state.as_ref().and_then(|state| state.withdrawn);
        let received_ms = self.shared.store.received_ms(municipality);
        let age = received_ms.map(|received_ms| self.shared.age_of(Some(received_ms)));
        pb::Municipality {
            istat: municipality
                .latest_istat()
                .map(|istat| istat.to_string())
                .unwrap_or_default(),
            name: municipality
                .current()
                .or_else(|| municipality.latest())
                .map(|latest| latest.name().to_owned())
                .unwrap_or_default(),
            node: node.to_string(),
            watermark: state.as_ref().map_or(0, |state| state.watermark.0),
            visible: state.as_ref().map_or(0, |state| state.visible.0),
            confirm_time: received_ms.map(timestamp_from_unix_ms),
            age: age.map(wire::convert::whole_minutes),
            records: state.as_ref().map_or(0, |state| state.records),
            identity: municipality.as_str().to_owned(),
            epoch_begin_time: standing.began_ms.map(timestamp_from_unix_ms),
            backed_up: standing.backed_up.0,
            alarm_after: Some(wire::convert::whole_minutes(self.shared.stale_after.of(node))),
            // Of one that was merged nothing comes any more: its successor has its records.
            stale: withdrawn.is_none()
                && municipality.successor().is_none()
                && self.shared.stale_after.is_stale(node, age),
            withdraw_time: withdrawn.and_then(Withdrawn::at_ms).map(timestamp_from_unix_ms),
        }
    }
}

#[tonic::async_trait]
impl<S: RecordStore> DirectoryService for Directory<S> {
    async fn accept_journal(
        &self,
        request: Request<pb::AcceptJournalRequest>,
    ) -> Result<Response<pb::AcceptJournalResponse>, Status> {
        let call = call_of(&request, "ponte.directory.v1.DirectoryService/AcceptJournal")?;
        let shared = Arc::clone(&self.shared);
        let work = async move { shared.accept_journal(call, request.into_inner()).await };
        detached(&self.shared.tasks, work).await.map(Response::new)
    }

    async fn declare_backup(
        &self,
        request: Request<pb::DeclareBackupRequest>,
    ) -> Result<Response<pb::DeclareBackupResponse>, Status> {
        let call = call_of(&request, "ponte.directory.v1.DirectoryService/DeclareBackup")?;
        let shared = Arc::clone(&self.shared);
        let work = async move { shared.declare_backup(call, request.into_inner()).await };
        detached(&self.shared.tasks, work).await.map(Response::new)
    }

    async fn reopen(
        &self,
        request: Request<pb::ReopenRequest>,
    ) -> Result<Response<pb::ReopenResponse>, Status> {
        let call = call_of(&request, "ponte.directory.v1.DirectoryService/Reopen")?;
        let shared = Arc::clone(&self.shared);
        let work = async move { shared.reopen(call, request.into_inner()).await };
        detached(&self.shared.tasks, work).await.map(Response::new)
    }

    async fn list_municipalities(
        &self,
        request: Request<pb::ListMunicipalitiesRequest>,
    ) -> Result<Response<pb::ListMunicipalitiesResponse>, Status> {
        let call = call_of(&request, LIST)?;
        let pb::ListMunicipalitiesRequest {
            page_size: size,
            page_token,
        } = request.into_inner();
        let limit = page_size(size)?;
        let token = PageToken::open(&self.shared.page_key, LIST, &page_token)?;
        let from = usize::try_from(token.map_or(0, |token| token.position)).unwrap_or(usize::MAX);
        let all = told_to(&call.peer.id, &self.shared.nodes);
        let page: Vec<pb::Municipality> = all
            .iter()
            .skip(from)
            .take(limit)
            .map(|(municipality, node)| self.municipality(*municipality, node))
            .collect();
        let next = from.saturating_add(page.len());
        let token = PageToken {
            position: next as u64,
            end: 0,
        };
        let more = next < all.len();
        let next_page_token = if more {
            token.seal(&self.shared.page_key, LIST)
        } else {
            String::new()
        };
        Ok(Response::new(pb::ListMunicipalitiesResponse {
            municipalities: page,
            next_page_token,
        }))
    }
}

#[cfg(test)]
mod tests {
    use registry::identifier::IstatCode;
    use registry::publication::EnrolledKeys;
    use registry::signing::SigningKey;

    use super::*;

    fn id(istat: &str) -> MunicipalityId {
        MunicipalityId::of_any(IstatCode::parse(istat).unwrap()).unwrap()
    }

    fn peer(role: Role, name: &str) -> SpiffeId {
        SpiffeId::new("ponte.example", role, name).unwrap()
    }

    #[test]
    fn municipalities_are_told_in_order_of_istat_code_and_to_a_node_its_own() {
        let grant = |codes: &[&str]| NodeGrant {
            municipalities: codes.iter().map(|code| id(code)).collect(),
            publication_keys: EnrolledKeys::of(SigningKey::from_seed(&[9; 32]).unwrap().verifying_key()),
        };
        let (first, second) = (peer(Role::Node, "a"), peer(Role::Node, "b"));
        let nodes = BTreeMap::from([
            (first.clone(), grant(&["037032", "037006"])),
            (second.clone(), grant(&["037025", "037007"])),
        ]);
        let expected = [
            (id("037006"), &first),
            (id("037007"), &second),
            (id("037025"), &second),
            (id("037032"), &first),
        ];
        assert_eq!(told_to(&peer(Role::Auditor, "regione"), &nodes), expected);
        let own = [(id("037007"), &second), (id("037025"), &second)];
        assert_eq!(told_to(&second, &nodes), own);
    }
}
