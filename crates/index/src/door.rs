//! Refusals before a handler, entered in the access log: one by one up to a rate, summed above it.
//!
//! A flood of refused handshakes must not fill the log. From one address at most [`SINGLY`] refusals a minute are
//! entries of their own; the rest of the minute becomes one summary with the count, entered with the next refusal
//! from anywhere that comes after the minute, or at shutdown.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use ledger::hash::Hash;
use ledger::header::{EntryKind, Outcome};
use ledger::part::PartKind;
use store::access_log::AccessLog;
use store::access_log::draft::EntryDraft;
use store::access_log::part_content::DetailPart;
use transport::door::{Cause, DoorFuture, DoorLog, DoorLogFailed, DoorReceipt, Refusal};

use crate::entry::{told, usual_retention};

/// Refusals from one address in one minute that are entered singly.
pub const SINGLY: u32 = 60;

/// The door's side of the access log.
#[derive(Debug)]
pub struct LoggedDoor {
    log: AccessLog,
    minutes: Mutex<HashMap<IpAddr, Minute>>,
}

#[derive(Clone, Copy, Debug)]
struct Minute {
    number: i64,
    singly: u32,
    summed: u32,
}

/// A minute that is over and had more refusals than are entered singly.
#[derive(Debug)]
struct Surplus {
    address: IpAddr,
    minute: i64,
    count: u32,
}

impl LoggedDoor {
    /// The door of an index.
    pub fn new(log: AccessLog) -> Self {
        Self {
            log,
            minutes: Mutex::new(HashMap::new()),
        }
    }

    /// Enters what was only counted so far; called at shutdown.
    pub async fn finish(&self) {
        for surplus in self.take_surplus(i64::MAX) {
            if self.enter_surplus(&surplus).await.is_err() {
                tracing::error!("a summary of refusals could not be entered in the access log");
            }
        }
    }

    /// Counts a refusal; tells whether it gets an entry of its own.
    fn count(&self, address: IpAddr, minute: i64) -> bool {
        let mut minutes = self.minutes.lock().unwrap_or_else(PoisonError::into_inner);
        let counted = minutes.entry(address).or_insert(Minute {
            number: minute,
            singly: 0,
            summed: 0,
        });
        if counted.singly < SINGLY {
            counted.singly += 1;
            return true;
        }
        counted.summed += 1;
        false
    }

    fn take_surplus(&self, before: i64) -> Vec<Surplus> {
        let mut minutes = self.minutes.lock().unwrap_or_else(PoisonError::into_inner);
        let mut surplus = Vec::new();
        minutes.retain(|&address, minute| {
            let over = minute.number < before;
            if over && 0 < minute.summed {
                surplus.push(Surplus {
                    address,
                    minute: minute.number,
                    count: minute.summed,
                });
            }
            !over
        });
        surplus
    }

    async fn enter_surplus(&self, surplus: &Surplus) -> Result<(), DoorLogFailed> {
        let Surplus {
            address,
            minute,
            count,
        } = surplus;
        let mut draft = EntryDraft::new(EntryKind::RefusalSummary, usual_retention());
        draft.header.address = Some(address.to_string());
        let details = DetailPart {
            details: vec![
                ("minute".to_owned(), minute.to_string()),
                ("refusals".to_owned(), count.to_string()),
            ],
        };
        let draft = draft
            .with(PartKind::AdministrativeDetail, &details)
            .map_err(|_| DoorLogFailed)?;
        self.append(draft).await.map(drop)
    }

    async fn enter(&self, refusal: Refusal) -> Result<Option<DoorReceipt>, DoorLogFailed> {
        let minute = refusal.at.timestamp().div_euclid(60);
        for surplus in self.take_surplus(minute) {
            self.enter_surplus(&surplus).await?;
        }
        if !self.count(refusal.address.ip(), minute) {
            return Ok(None);
        }
        let Refusal {
            peer,
            address,
            method,
            cause,
            at: _,
        } = refusal;
        let mut draft = EntryDraft::new(EntryKind::Refusal, usual_retention());
        draft.header.address = Some(address.ip().to_string());
        if let Some(peer) = peer {
            draft.header.peer = Some(peer.id.to_string());
            draft.header.certificate = Some(Hash::new(peer.certificate.0));
        }
        // A method that does not exist is the caller's own text: it is named only in its canonical, bounded form.
        draft.header.service = method.filter(|method| method.len() <= 120);
        draft.header.outcome = match cause {
            Cause::Call(reason) => told(reason),
            Cause::Connection(fault) => Outcome {
                code: 16,
                reason: fault.name().to_owned(),
            },
        };
        self.append(draft).await.map(Some)
    }

    async fn append(&self, draft: EntryDraft) -> Result<DoorReceipt, DoorLogFailed> {
        let slot = self.log.reserve().map_err(|_| DoorLogFailed)?;
        let committed = self.log.append(slot, draft).await.map_err(|_| DoorLogFailed)?;
        Ok(DoorReceipt(committed.short_receipt().encode().to_vec()))
    }
}

impl DoorLog for LoggedDoor {
    fn refused(&self, refusal: Refusal) -> DoorFuture<'_> {
        Box::pin(self.enter(refusal))
    }
}

#[cfg(test)]
pub(crate) mod tests;
