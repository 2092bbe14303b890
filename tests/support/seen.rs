//! What callers and supervisors see, but for what is another in each call whatever is asked.
//!
//! Blanked are, and nothing else is: the receipt, whose position in the log and whose random bytes are each call's own (its
//! length and the log's name stay); the time of day in the header `date` (its length stays); of an entry the request id,
//! which the caller draws, and the root over its sealed parts, which are sealed anew each time.

use client::auditor::AccessEntry;
use ledger::header::HeaderBody;
use ledger::part::PartKind;
use tonic::metadata::{KeyAndValueRef, MetadataMap};
use tonic::{Code, Status};
use wire::status::{EntryReceipt, RECEIPT_TRAILER, entry_receipt, failure_of};

/// Everything of an answer that reaches the caller, but for the content of its receipt, which is another each time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Code of the status.
    pub code: Code,
    /// Message of the status.
    pub message: String,
    /// Details of the status as encoded.
    pub details: Vec<u8>,
    /// Names and values of the trailers, sorted.
    pub trailers: Vec<(String, Vec<u8>)>,
    /// Length of the receipt.
    pub receipt_bytes: usize,
}

/// What a refused caller sees, and the index of its entry.
///
/// # Panics
/// When the refusal carries no receipt.
pub fn seen(status: &Status) -> (Seen, u64) {
    let receipt = failure_of(status)
        .details
        .receipt()
        .cloned()
        .or_else(|| entry_receipt(status.metadata()));
    let EntryReceipt { origin, receipt } = receipt.expect("an answer carries a receipt");
    let origin = origin.as_str().as_bytes().to_vec();
    let secret = receipt.encode();
    let masked = |bytes: &[u8]| mask(bytes, &secret);
    let trailers = metadata_of(status.metadata())
        .into_iter()
        .map(|(key, value)| match key.as_str() {
            // Beside the receipt it holds the entry's index, whose length as a number grows with the log.
            RECEIPT_TRAILER => (key, origin.clone()),
            _ => (key, masked(&value)),
        })
        .collect();
    let seen = Seen {
        code: status.code(),
        message: status.message().to_owned(),
        details: masked(status.details()),
        trailers,
        receipt_bytes: secret.len(),
    };
    (seen, receipt.index())
}

/// Names and values of headers or trailers, sorted.
///
/// # Panics
/// When a binary one is not well formed.
pub fn metadata_of(metadata: &MetadataMap) -> Vec<(String, Vec<u8>)> {
    let value_of = |entry| match entry {
        // The time of day passes on while the classes are tried: its length alone is compared.
        KeyAndValueRef::Ascii(key, value) if key == "date" => {
            (key.to_string(), vec![0; value.as_bytes().len()])
        }
        KeyAndValueRef::Ascii(key, value) => (key.to_string(), value.as_bytes().to_vec()),
        KeyAndValueRef::Binary(key, value) => {
            let value = value.to_bytes().expect("it is well formed");
            (key.to_string(), value.to_vec())
        }
    };
    let mut values: Vec<_> = metadata.iter().map(value_of).collect();
    values.sort();
    values
}

/// The bytes with the receipt in them blanked, its length kept.
fn mask(bytes: &[u8], secret: &[u8]) -> Vec<u8> {
    let mut masked = bytes.to_vec();
    let mut from = 0;
    while let Some(at) = masked[from..]
        .windows(secret.len())
        .position(|window| window == secret)
    {
        masked[from + at..from + at + secret.len()].fill(0);
        from += at + secret.len();
    }
    masked
}

fn entry_of(entries: &[AccessEntry], index: u64) -> &AccessEntry {
    let found = entries.iter().find(|entry| entry.index == index);
    found.expect("the reader sees the entry")
}

/// Length and content of an entry's header, but for what is another in each call: its id and its own sealed parts.
///
/// # Panics
/// When the entry is not among them.
pub fn header_of(entries: &[AccessEntry], index: u64) -> (usize, HeaderBody) {
    let entry = entry_of(entries, index);
    let body = entry.header.body.clone();
    (
        entry.header_bytes.len(),
        HeaderBody {
            request_id: None,
            parts_root: ledger::hash::sha256(b""),
            ..body
        },
    )
}

/// The parts of an entry that its reader may see.
///
/// # Panics
/// When the entry is not among them.
pub fn parts_of(entries: &[AccessEntry], index: u64) -> Vec<(PartKind, Vec<u8>)> {
    let parts = entry_of(entries, index).parts.iter();
    parts
        .map(|part| (part.kind.clone(), part.content.clone()))
        .collect()
}
