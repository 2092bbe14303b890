//! `WitnessService`: others keep an eye on the access log, and what happens when nobody does.
//!
//! None of its calls makes an entry: they tell of no person, and an entry for each would have to be witnessed in turn.

mod lag;
pub mod outside;

use std::sync::Arc;

use agreement::reason::Reason;
use ledger::checkpoint::{NoteSignature, SignedCheckpoint};
use ledger::hash::Hash;
use store::access_log::proofs::LogProofError;
use store::cosignatures::{AddError, Added};
use store::record_store::RecordStore;
use tonic::{Request, Response, Status};
use wire::convert::{Invalid, Rule, origin_from_wire};
use wire::proto::witness::v1 as pb;
use wire::proto::witness::v1::witness_service_server::WitnessService;
use wire::status::{Details, invalid_argument, status_for};

use crate::call::call_of;
use crate::shared::Shared;

pub(crate) use self::lag::{Lag, WitnessAlarm};

/// Longest signature line that is read, in bytes.
const LONGEST_LINE: usize = 1_024;

/// The service.
#[derive(Debug)]
pub struct Witnesses<S> {
    shared: Arc<Shared<S>>,
}

impl<S> Witnesses<S> {
    /// The service over the index's state.
    pub fn new(shared: Arc<Shared<S>>) -> Self {
        Self { shared }
    }

    fn check_origin(&self, origin: String) -> Result<(), Status> {
        if origin.is_empty() {
            return Ok(());
        }
        let origin = origin_from_wire("origin", origin).map_err(|invalid| invalid_argument(&invalid))?;
        if origin == *self.shared.log.origin() {
            Ok(())
        } else {
            Err(status_for(Reason::ResourceNotFound, Details::none()))
        }
    }

    fn origin(&self) -> String {
        self.shared.log.origin().as_str().to_owned()
    }

    fn offered(&self) -> Result<SignedCheckpoint, Status> {
        let shared = &self.shared;
        shared
            .cosignatures
            .offered(&shared.log.checkpoint(), shared.clock.now_ms())
            .map_err(|error| internal("the head of the access log is no checkpoint", &error))
    }
}

fn internal(what: &'static str, error: &(dyn std::error::Error + 'static)) -> Status {
    tracing::error!(error = transport::causes::chain(error), what);
    status_for(Reason::Internal, Details::none())
}

fn proof(path: Result<Vec<Hash>, LogProofError>) -> Result<Vec<Vec<u8>>, Status> {
    match path {
        Ok(path) => Ok(path.iter().map(|hash| hash.as_bytes().to_vec()).collect()),
        Err(LogProofError::Tree(_)) => Err(status_for(Reason::LogRange, Details::none())),
        Err(error @ (LogProofError::Read(_) | LogProofError::Damaged(_))) => {
            Err(internal("the access log cannot be read", &error))
        }
    }
}

fn signature(line: &str) -> Result<NoteSignature, Invalid> {
    if LONGEST_LINE < line.len() {
        let rule = Rule::Length {
            least: 1,
            most: LONGEST_LINE,
        };
        return Err(Invalid::new("cosignature", rule));
    }
    NoteSignature::from_line(line).ok_or_else(|| Invalid::new("cosignature", Rule::Character))
}

fn not_added(error: &AddError) -> Status {
    match error {
        AddError::NotOffered => status_for(Reason::ResourceNotFound, Details::none()),
        AddError::Stranger => invalid_argument(&Invalid::new(
            "cosignature",
            Rule::Stated("must be of a witness of this log"),
        )),
        AddError::Conflict => {
            tracing::error!("a witness cosigned another checkpoint than the one that it was offered");
            status_for(Reason::WitnessConflict, Details::none())
        }
        AddError::Io(error) => {
            tracing::error!(%error, "a cosignature cannot be stored");
            status_for(Reason::Unavailable, Details::none())
        }
    }
}

#[tonic::async_trait]
impl<S: RecordStore> WitnessService for Witnesses<S> {
    async fn get_checkpoint(
        &self,
        request: Request<pb::GetCheckpointRequest>,
    ) -> Result<Response<pb::GetCheckpointResponse>, Status> {
        call_of(&request, "ponte.witness.v1.WitnessService/GetCheckpoint")?;
        let pb::GetCheckpointRequest { origin } = request.into_inner();
        self.check_origin(origin)?;
        let offered = self.offered()?;
        Ok(Response::new(pb::GetCheckpointResponse {
            origin: self.origin(),
            size: offered.checkpoint().size,
            checkpoint: offered.to_text(),
            witnessed_size: self.shared.cosignatures.witnessed_size(),
        }))
    }

    async fn get_consistency_proof(
        &self,
        request: Request<pb::GetConsistencyProofRequest>,
    ) -> Result<Response<pb::GetConsistencyProofResponse>, Status> {
        call_of(&request, "ponte.witness.v1.WitnessService/GetConsistencyProof")?;
        let pb::GetConsistencyProofRequest {
            origin,
            first_size,
            second_size,
        } = request.into_inner();
        self.check_origin(origin)?;
        let path = proof(self.shared.log.consistency_proof(first_size, second_size))?;
        Ok(Response::new(pb::GetConsistencyProofResponse {
            origin: self.origin(),
            first_size,
            second_size,
            path,
        }))
    }

    async fn submit_cosignature(
        &self,
        request: Request<pb::SubmitCosignatureRequest>,
    ) -> Result<Response<pb::SubmitCosignatureResponse>, Status> {
        call_of(&request, "ponte.witness.v1.WitnessService/SubmitCosignature")?;
        let pb::SubmitCosignatureRequest {
            origin,
            size,
            cosignature,
        } = request.into_inner();
        self.check_origin(origin)?;
        let signature = signature(&cosignature).map_err(|invalid| invalid_argument(&invalid))?;
        let shared = Arc::clone(&self.shared);
        let adding = tokio::task::spawn_blocking(move || shared.cosignatures.add(size, signature));
        let added = adding
            .await
            .map_err(|error| internal("the task that stores a cosignature did not end", &error))?;
        let Added {
            cosignatures,
            witnessed,
        } = added.map_err(|error| not_added(&error))?;
        Ok(Response::new(pb::SubmitCosignatureResponse {
            cosignatures: u32::try_from(cosignatures).unwrap_or(u32::MAX),
            witnessed,
        }))
    }

    async fn get_receipt_upgrade(
        &self,
        request: Request<pb::GetReceiptUpgradeRequest>,
    ) -> Result<Response<pb::GetReceiptUpgradeResponse>, Status> {
        call_of(&request, "ponte.witness.v1.WitnessService/GetReceiptUpgrade")?;
        let pb::GetReceiptUpgradeRequest {
            origin,
            index,
            first_size,
        } = request.into_inner();
        self.check_origin(origin)?;
        if first_size <= index {
            return Err(invalid_argument(&Invalid::new("first_size", Rule::Range)));
        }
        let log = &self.shared.log;
        if log.checkpoint().checkpoint.size < first_size {
            return Err(status_for(Reason::LogRange, Details::none()));
        }
        let witnessed = self.shared.cosignatures.witnessed();
        let signed = witnessed.filter(|signed| first_size <= signed.checkpoint().size);
        let signed = signed.ok_or_else(|| status_for(Reason::NotWitnessedYet, Details::none()))?;
        let size = signed.checkpoint().size;
        Ok(Response::new(pb::GetReceiptUpgradeResponse {
            origin: self.origin(),
            checkpoint: signed.to_text(),
            inclusion_path: proof(log.inclusion_proof(index, size))?,
            consistency_path: proof(log.consistency_proof(first_size, size))?,
        }))
    }
}
