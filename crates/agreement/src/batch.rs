//! Lists: one person or declaration after the other, under a grant of its own.
//!
//! Whoever may ask about one person may not therefore ask about ten thousand. So a purpose grants batches apart, with
//! fields of their own, rows per batch and rows per day, and each list names who has approved it. Each row is decided and
//! entered as a call of its own; rows count as rows and not as calls.

use aws_lc_rs::digest::{SHA256, digest};
use chrono::NaiveDate;
use uuid::{Builder, Uuid};

use crate::context::{CaseReference, OperatorId};
use crate::field::FieldSet;

/// Rows that a batch may have under any agreement.
pub const MAX_ROWS: u32 = 1_000_000;

/// What a purpose grants of batches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchTerms {
    /// Rows that one batch may have, 1 to [`MAX_ROWS`].
    pub rows_per_batch: u32,
    /// Rows that may be asked in a day, Europe/Rome, by all batches for the purpose.
    pub rows_per_day: u32,
    /// Fields that rows of lookups show; empty where only declarations are verified.
    pub fields: FieldSet,
}

/// A row as the decision sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BatchRow {
    /// Id of the batch.
    pub batch: Uuid,
    /// Which, from 1.
    pub row: u32,
    /// How many the batch has.
    pub rows: u32,
    /// Who has approved the list.
    pub approval: Approval,
}

/// That somebody of the agency has approved a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Approval {
    /// The act, in the form of a case reference.
    pub reference: CaseReference,
    /// The natural person who approved it.
    pub approver: OperatorId,
    /// When.
    pub approved_on: NaiveDate,
}

/// The request id of a row: the first 16 bytes of SHA-256(`ponte batch row` ‖ 0 ‖ id of the batch ‖ row as u32, big
/// endian) as UUIDv8 (RFC 9562). A batch that is sent again therefore repeats its rows.
pub fn row_request_id(batch: Uuid, row: u32) -> Uuid {
    let bytes = [
        b"ponte batch row\0".as_slice(),
        batch.as_bytes(),
        &row.to_be_bytes(),
    ]
    .concat();
    let mut id = [0; 16];
    id.copy_from_slice(&digest(&SHA256, &bytes).as_ref()[..16]);
    Builder::from_custom_bytes(id).into_uuid()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ids_of_rows_are_their_own_and_always_the_same() {
        let batch = Uuid::from_u128(0x0011_2233_4455_6677_8899_aabb_ccdd_eeff);
        let ids: std::collections::BTreeSet<Uuid> =
            (1..=1000).map(|row| row_request_id(batch, row)).collect();
        assert_eq!(ids.len(), 1000);
        let first = row_request_id(batch, 1);
        assert_eq!((first.get_version_num(), first), (8, row_request_id(batch, 1)));
        assert_ne!(first, row_request_id(Uuid::from_u128(1), 1));
        assert_eq!(first.to_string(), "bca407fd-41fa-87a6-9e62-bfa5fe5d6847");
    }
}
