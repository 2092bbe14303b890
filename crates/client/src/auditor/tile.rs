//! Tiles of hashes, from which an auditor proves whatever it has exported.

use ledger::tile::Tile;
use wire::convert::{Invalid, Rule};
use wire::proto::audit::v1 as proto;
use wire::proto::audit::v1::audit_service_client::AuditServiceClient as Service;

use crate::auditor::AuditorClient;
use crate::connection::Repeat;
use crate::error::ClientError;

impl AuditorClient {
    /// The hashes of a tile, 32 bytes each. They are as the index gave them: what proves them is the root of a signed
    /// checkpoint ([`ledger::tile::proved`]).
    ///
    /// # Errors
    /// See [`ClientError`]; `LOG_RANGE` when the log does not fill the tile so far.
    pub async fn hash_tile(&self, tile: Tile) -> Result<Vec<u8>, ClientError> {
        let message = proto::GetHashTileRequest {
            origin: String::new(),
            level: tile.level().into(),
            index: tile.index(),
            width: tile.width().into(),
        };
        let answer = self
            .connection
            .call(Repeat::Safe, message, |channel, request| async move {
                Service::new(channel).get_hash_tile(request).await
            })
            .await?;
        let proto::GetHashTileResponse { origin: _, hashes } = answer;
        if hashes.len() != tile.bytes() {
            return Err(Invalid::new("hashes", Rule::Bytes(tile.bytes())).into());
        }
        Ok(hashes)
    }
}
