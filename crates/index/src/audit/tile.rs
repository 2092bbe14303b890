//! Tiles of hashes for auditors, who prove with them what they exported.

use agreement::reason::Reason;
use ledger::tile::{TILE_WIDTH, Tile, TileError};
use store::access_log::AccessLog;
use tonic::Status;
use wire::convert::{Invalid, Rule};
use wire::proto::audit::v1 as pb;
use wire::status::{Details, invalid_argument, status_for};

use crate::audit::proof_error;

/// The hashes of a tile, as far as the log reaches now. It makes no entry: of entries it tells nothing but hashes, which
/// anybody may have who monitors the log.
pub(super) fn get(
    log: &AccessLog,
    request: &pb::GetHashTileRequest,
) -> Result<pb::GetHashTileResponse, Status> {
    let pb::GetHashTileRequest {
        origin: _,
        level,
        index,
        width,
    } = request;
    let tile = asked(*level, *index, *width).map_err(|invalid| invalid_argument(&invalid))?;
    let size = log.checkpoint().checkpoint.size;
    let hashes = log.tile(tile, size).map_err(|error| proof_error(&error))?;
    let hashes = hashes.ok_or_else(|| status_for(Reason::LogRange, Details::none()))?;
    Ok(pb::GetHashTileResponse {
        origin: log.origin().as_str().to_owned(),
        hashes,
    })
}

/// The tile that is asked for.
fn asked(level: u32, index: u64, width: u32) -> Result<Tile, Invalid> {
    let level = u8::try_from(level).map_err(|_| Invalid::new("level", Rule::Range))?;
    let width = match width {
        0 => TILE_WIDTH,
        width => u16::try_from(width).map_err(|_| Invalid::new("width", Rule::Range))?,
    };
    Tile::new(level, index, width).map_err(|error| {
        let field = match error {
            TileError::Level => "level",
            TileError::Width => "width",
            TileError::Index | TileError::Path => "index",
        };
        Invalid::new(field, Rule::Range)
    })
}
