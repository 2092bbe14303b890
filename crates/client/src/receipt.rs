//! Receipts (*ricevute*): verified before an answer is handed out, and bound to the call that was made.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use ledger::checkpoint::{Checkpoint, LogVerifier, SignedCheckpoint};
use ledger::hash::{Hash, leaf_hash, sha256};
use ledger::header::{Header, RequestId};
use ledger::name::Origin;
use ledger::receipt::{Receipt, ReceiptError, ShortReceipt};
use ledger::report::{ReportStatement, SubjectReport};
use ledger::tree::verify_inclusion;
use uuid::Uuid;
use wire::convert::{AccessReceipt, Invalid};
use wire::proto::ledger::v1 as proto;

use crate::convert::required;
use crate::error::{ClientError, EvidenceFault};
use crate::upgrade::{Upgrades, Witnessing};

/// How many verified checkpoints are remembered. Calls at the same moment share one.
const REMEMBERED: usize = 256;

/// What is done with receipts. There is no default: who does not verify them must say so.
#[derive(Clone, Debug)]
pub enum ReceiptPolicy {
    /// Verify them with the log's key; an answer whose receipt proves nothing is not handed out.
    Verify(LogVerifier),
    /// Verify them likewise, and have them witnessed within a period, or raise an alarm ([`crate::upgrade`]). An answer is
    /// handed out at once.
    Witness(Box<Witnessing>),
    /// Take them as they come, for whoever keeps them and verifies them later, or elsewhere. Until then an answer may come
    /// with a receipt that proves nothing.
    Keep,
}

/// Which receipt is wanted with an answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ReceiptForm {
    /// With header, path and checkpoint: proves the entry to anybody, offline.
    #[default]
    Full,
    /// 72 bytes, with which the full one can be had later.
    Short,
}

/// What came with an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AccessProof {
    /// The full receipt, verified, and that of the call that was made.
    Proved(Box<ProvedEntry>),
    /// The full receipt, not verified because the policy is [`ReceiptPolicy::Keep`].
    Kept(Receipt),
    /// The short receipt.
    Claimed(ShortClaim),
}

/// An entry of the access log that is proved to be there. Only this module makes one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProvedEntry {
    receipt: Receipt,
    header: Header,
    checkpoint: Checkpoint,
}

/// The claim that a log holds an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShortClaim {
    /// Origin of the log.
    pub origin: Origin,
    /// The claim.
    pub receipt: ShortReceipt,
}

/// What the header of the entry must say.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Expected<'a> {
    /// Full method, `package.Service/Method`.
    pub(crate) method: &'static str,
    pub(crate) request_id: Option<Uuid>,
    pub(crate) agreement: Option<&'a str>,
    pub(crate) purpose: Option<&'a str>,
}

/// Verifies receipts, each distinct checkpoint once.
#[derive(Debug)]
pub(crate) struct ReceiptChecker {
    policy: ReceiptPolicy,
    /// Holds what must become witnessed.
    upgrades: Option<Upgrades>,
    verified: Mutex<HashMap<Hash, Checkpoint>>,
}

impl ReceiptPolicy {
    /// The log under whose key receipts are verified, where they are.
    pub fn log(&self) -> Option<&LogVerifier> {
        match self {
            Self::Verify(log) => Some(log),
            Self::Witness(witnessing) => Some(witnessing.log()),
            Self::Keep => None,
        }
    }
}

impl AccessProof {
    /// Index of the entry in the log.
    pub fn index(&self) -> u64 {
        match self {
            Self::Proved(entry) => entry.receipt.index,
            Self::Kept(receipt) => receipt.index,
            Self::Claimed(claim) => claim.receipt.index(),
        }
    }

    /// The full receipt, where it came.
    pub fn receipt(&self) -> Option<&Receipt> {
        match self {
            Self::Proved(entry) => Some(&entry.receipt),
            Self::Kept(receipt) => Some(receipt),
            Self::Claimed(_) => None,
        }
    }
}

impl ProvedEntry {
    /// The receipt that proves it.
    pub fn receipt(&self) -> &Receipt {
        &self.receipt
    }

    /// Header of the entry.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The checkpoint that covers it.
    pub fn checkpoint(&self) -> &Checkpoint {
        &self.checkpoint
    }

    /// Whether this entry makes the claim good.
    pub fn makes_good(&self, claim: &ShortReceipt) -> bool {
        claim.is_of(&self.checkpoint.origin)
            && claim.index() == self.receipt.index
            && claim.leaf_hash() == leaf_hash(&self.receipt.header)
    }
}

impl ReceiptChecker {
    pub(crate) fn new(policy: ReceiptPolicy, upgrades: Option<Upgrades>) -> Self {
        Self {
            policy,
            upgrades,
            verified: Mutex::default(),
        }
    }

    pub(crate) fn upgrades(&self) -> Option<&Upgrades> {
        self.upgrades.as_ref()
    }

    /// The receipt of an answer, which must be there.
    pub(crate) fn of_answer(
        &self,
        receipt: Option<proto::AccessReceipt>,
        expected: &Expected<'_>,
    ) -> Result<AccessProof, ClientError> {
        let message = required("receipt", receipt)?;
        let origin = match &message.form {
            Some(proto::access_receipt::Form::Short(short)) => Some(short.origin.clone()),
            Some(proto::access_receipt::Form::Full(_)) | None => None,
        };
        match (
            AccessReceipt::try_from(message).map_err(|invalid| invalid.within("receipt"))?,
            origin,
        ) {
            (AccessReceipt::Full(receipt), _) => self.full(receipt, Some(expected)),
            (AccessReceipt::Short(receipt), origin) => {
                let claim = claim_of(origin.unwrap_or_default(), receipt)?;
                self.check_origin(&claim.origin)?;
                Ok(AccessProof::Claimed(claim))
            }
        }
    }

    /// A full receipt that stands for itself.
    pub(crate) fn full(
        &self,
        receipt: Receipt,
        expected: Option<&Expected<'_>>,
    ) -> Result<AccessProof, ClientError> {
        let (proved, header) = match self.policy.log() {
            Some(log) => {
                let entry = self.prove(log, receipt)?;
                if let Some(upgrades) = &self.upgrades {
                    upgrades.hold_proved(&entry);
                }
                let header = entry.header.clone();
                (AccessProof::Proved(Box::new(entry)), header)
            }
            None => {
                let header = Header::decode(&receipt.header)
                    .map_err(ReceiptError::from)
                    .map_err(EvidenceFault::from)?;
                (AccessProof::Kept(receipt), header)
            }
        };
        if let Some(expected) = expected {
            expected.check(&header)?;
        }
        Ok(proved)
    }

    /// A checkpoint's content; verified where the policy says so.
    pub(crate) fn checkpoint(&self, text: &str) -> Result<Checkpoint, ClientError> {
        match self.policy.log() {
            Some(log) => Ok(self.verified_checkpoint(log, text).map_err(EvidenceFault::from)?),
            None => Ok(SignedCheckpoint::parse(text)
                .map_err(EvidenceFault::from)?
                .checkpoint()
                .clone()),
        }
    }

    /// What a report states of itself; verified where the policy says so.
    pub(crate) fn report(&self, report: &SubjectReport) -> Result<ReportStatement, ClientError> {
        let stated = match self.policy.log() {
            Some(log) => report.verify(log).map(|verified| verified.statement().clone()),
            None => report.stated(),
        };
        Ok(stated.map_err(EvidenceFault::from)?)
    }

    fn prove(&self, log: &LogVerifier, receipt: Receipt) -> Result<ProvedEntry, ClientError> {
        let evidence = |error: ReceiptError| EvidenceFault::from(error);
        let checkpoint = self
            .verified_checkpoint(log, &receipt.checkpoint)
            .map_err(|error| evidence(error.into()))?;
        let leaf = leaf_hash(&receipt.header);
        verify_inclusion(
            &leaf,
            receipt.index,
            checkpoint.size,
            &receipt.path,
            &checkpoint.root,
        )
        .map_err(|error| evidence(error.into()))?;
        let header = Header::decode(&receipt.header).map_err(|error| evidence(error.into()))?;
        if header.origin != checkpoint.origin {
            return Err(EvidenceFault::OtherLog.into());
        }
        Ok(ProvedEntry {
            receipt,
            header,
            checkpoint,
        })
    }

    fn verified_checkpoint(
        &self,
        log: &LogVerifier,
        text: &str,
    ) -> Result<Checkpoint, ledger::checkpoint::CheckpointError> {
        let name = sha256(text.as_bytes());
        if let Some(known) = self
            .verified
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&name)
        {
            return Ok(known.clone());
        }
        let checkpoint = log.verify(&SignedCheckpoint::parse(text)?)?.into_checkpoint();
        let mut verified = self.verified.lock().unwrap_or_else(PoisonError::into_inner);
        if REMEMBERED <= verified.len() {
            verified.clear();
        }
        verified.insert(name, checkpoint.clone());
        Ok(checkpoint)
    }

    fn check_origin(&self, origin: &Origin) -> Result<(), EvidenceFault> {
        match self.policy.log() {
            Some(log) if log.origin() != origin => Err(EvidenceFault::OtherLog),
            Some(_) | None => Ok(()),
        }
    }
}

impl Expected<'_> {
    /// Binds the entry to the call: a genuine receipt of another call proves nothing about this one.
    fn check(&self, header: &Header) -> Result<(), ClientError> {
        let Self {
            method,
            request_id,
            agreement,
            purpose,
        } = self;
        let body = &header.body;
        if body.service.as_deref() != Some(*method) {
            return Err(ClientError::ReceiptMismatch("service"));
        }
        let sent = request_id.map(|id| RequestId(id.into_bytes()));
        if sent.is_some() && body.request_id != sent {
            return Err(ClientError::ReceiptMismatch("request id"));
        }
        if agreement.is_some() && body.agreement.as_deref() != *agreement {
            return Err(ClientError::ReceiptMismatch("agreement"));
        }
        if purpose.is_some() && body.purpose.as_deref() != *purpose {
            return Err(ClientError::ReceiptMismatch("purpose"));
        }
        if body.outcome.code != 0 {
            return Err(ClientError::ReceiptMismatch("outcome"));
        }
        Ok(())
    }
}

/// The wanted form as it travels.
pub(crate) fn wire_form(form: ReceiptForm) -> i32 {
    match form {
        ReceiptForm::Full => proto::ReceiptForm::Full,
        ReceiptForm::Short => proto::ReceiptForm::Short,
    }
    .into()
}

/// A short receipt with the log that it names.
pub(crate) fn claim_of(origin: String, receipt: ShortReceipt) -> Result<ShortClaim, Invalid> {
    let origin =
        Origin::new(origin).map_err(|_| Invalid::new("receipt.origin", wire::convert::Rule::Character))?;
    Ok(ShortClaim { origin, receipt })
}

#[cfg(test)]
mod tests;
