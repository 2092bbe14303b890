//! `DirectoryService`: which municipalities take part, and how fresh their data are.

use std::sync::Arc;

use agreement::peer::{Role, SpiffeId};
use registry::municipality::MunicipalityId;
use store::record_store::RecordStore;
use tonic::{Request, Response, Status};
use wire::convert::timestamp_from_unix_ms;
use wire::proto::directory::v1 as pb;
use wire::proto::directory::v1::directory_service_server::DirectoryService;

use crate::call::call_of;
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

impl<S: RecordStore> Directory<S> {
    fn municipality(&self, municipality: MunicipalityId, node: &SpiffeId) -> pb::Municipality {
        let state = self.shared.store.municipality(municipality);
        let standing = self
            .shared
            .store
            .standing(municipality, self.shared.clock.now_ms());
        let current = municipality.current();
        let received_ms = self.shared.store.received_ms(municipality);
        let age = received_ms.map(|received_ms| self.shared.age_of(Some(received_ms)));
        pb::Municipality {
            istat: current
                .and_then(|current| current.istat())
                .map(|istat| istat.to_string())
                .unwrap_or_default(),
            name: current
                .map(|current| current.name().to_owned())
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
            stale: self.shared.stale_after.is_stale(node, age),
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
        let all: Vec<(MunicipalityId, &SpiffeId)> = self
            .shared
            .nodes
            .iter()
            // A node learns of its own municipalities only; how far the others are is not its business.
            .filter(|(node, _)| call.peer.id.role() != Role::Node || **node == call.peer.id)
            .flat_map(|(node, grant)| grant.municipalities.iter().map(move |&id| (id, node)))
            .collect();
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
