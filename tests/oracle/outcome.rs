//! What came of a call, and in what one can be told from another.

use std::collections::BTreeMap;

use client::auditor::AccessEntry;
use ledger::header::HeaderBody;
use ledger::part::PartKind;
use support::region::Region;
use support::seen::{Seen, header_of, metadata_of, parts_of, seen};
use tonic::Code;
use tonic_prost::prost::Message;
use wire::proto::ledger::v1 as receipts;

use crate::ask::{Answer, Told};

/// Who reads the log: the whole region, and the agency that asks.
pub(crate) const READERS: [&str; 2] = [REGION, "questura"];

const REGION: &str = "garante";

/// What came of one call.
#[derive(Clone, Debug)]
pub(crate) struct Outcome {
    pub(crate) bytes: Bytes,
    /// Of the entry that the call made.
    pub(crate) index: u64,
    /// What it took of every quota and allowance, where that was looked at.
    pub(crate) cost: Option<Vec<(String, i64)>>,
}

/// Everything that the caller sees of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Bytes {
    Refusal(Seen),
    Row {
        headers: Vec<(String, Vec<u8>)>,
        /// The message without its receipt.
        message: Vec<u8>,
        /// The log of the receipt, and the receipt's length.
        receipt: (String, usize),
        trailers: Vec<(String, Vec<u8>)>,
    },
}

/// The entries that each reader sees, by index.
pub(crate) struct Views(BTreeMap<&'static str, BTreeMap<u64, AccessEntry>>);

/// In what two calls can be told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Difference {
    Bytes,
    Cost,
    Entry(&'static str),
}

impl Bytes {
    /// What the caller saw, and the index of the entry.
    pub(crate) fn of(told: Told) -> (Self, u64) {
        let Told {
            headers,
            mut answers,
            refusal,
            trailers,
        } = told;
        if let Some(status) = refusal {
            assert!(answers.is_empty(), "nothing before a refusal");
            let (seen, index) = seen(&status);
            return (Self::Refusal(seen), index);
        }
        assert_eq!(answers.len(), 1);
        let answer = answers.remove(0);
        assert_eq!(answer.row_failure(), Some(Code::NotFound), "nobody is shown");
        let (message, receipt) = match answer {
            Answer::LookedUp(mut outcome) => {
                let receipt = outcome.receipt.take();
                (outcome.encode_to_vec(), receipt)
            }
            Answer::Verified(mut outcome) => {
                let receipt = outcome.receipt.take();
                (outcome.encode_to_vec(), receipt)
            }
            _ => panic!("nobody is shown"),
        };
        let receipts::ShortReceipt {
            origin,
            index,
            receipt,
        } = receipt.expect("the row has a receipt");
        let row = Self::Row {
            headers: metadata_of(&headers),
            message,
            receipt: (origin, receipt.len()),
            trailers: metadata_of(&trailers),
        };
        (row, index)
    }
}

impl Views {
    pub(crate) async fn read(region: &Region) -> Self {
        let mut views = BTreeMap::new();
        for reader in READERS {
            let entries = region.entries_in_pages(reader, 1_000).await;
            views.insert(
                reader,
                entries.into_iter().map(|entry| (entry.index, entry)).collect(),
            );
        }
        Self(views)
    }

    /// What a reader sees of an entry: nothing, or the header and, of the agency's supervisor, the parts.
    pub(crate) fn of(&self, reader: &str, index: u64) -> Option<View> {
        let entry = self.0[reader].get(&index)?;
        let entry = std::slice::from_ref(entry);
        let parts = if reader == REGION {
            Vec::new()
        } else {
            parts_of(entry, index)
        };
        Some((header_of(entry, index), parts))
    }
}

pub(crate) type View = ((usize, HeaderBody), Vec<(PartKind, Vec<u8>)>);

/// In what one call can be told from the other.
pub(crate) fn differences(views: &Views, one: &Outcome, other: &Outcome) -> Vec<Difference> {
    let bytes = (one.bytes != other.bytes).then_some(Difference::Bytes);
    let cost = (one.cost != other.cost).then_some(Difference::Cost);
    let entries = READERS
        .into_iter()
        .filter(|reader| views.of(reader, one.index) != views.of(reader, other.index))
        .map(Difference::Entry);
    bytes.into_iter().chain(cost).chain(entries).collect()
}
