//! Receipts, both ways.

use ledger::checkpoint::SignedCheckpoint;
use ledger::hash::Hash;
use ledger::name::Origin;
use ledger::receipt::{Receipt, ShortReceipt};

use super::invalid::{Invalid, Rule, array, each, required};
use crate::proto::ledger::v1 as wire;

/// Which receipt a caller wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReceiptChoice {
    /// With header, path and checkpoint.
    Full,
    /// The 72 bytes.
    Short,
}

/// What the request's `receipt_form` means: full unless the short one is asked for.
///
/// # Errors
/// A number that this version does not know.
pub fn receipt_choice(number: i32) -> Result<ReceiptChoice, Invalid> {
    match wire::ReceiptForm::try_from(number) {
        Ok(wire::ReceiptForm::Unspecified | wire::ReceiptForm::Full) => Ok(ReceiptChoice::Full),
        Ok(wire::ReceiptForm::Short) => Ok(ReceiptChoice::Short),
        Err(_) => Err(Invalid::new("receipt_form", Rule::Value)),
    }
}

/// The receipt of an entry of the log `origin` as a message.
pub fn full_receipt(origin: &Origin, receipt: Receipt) -> wire::Receipt {
    let Receipt {
        header,
        index,
        path,
        checkpoint,
    } = receipt;
    wire::Receipt {
        origin: origin.as_str().to_owned(),
        index,
        header,
        path: path.iter().map(|hash| hash.as_bytes().to_vec()).collect(),
        checkpoint,
    }
}

/// The short receipt of an entry of the log `origin` as a message.
pub fn short_receipt(origin: &Origin, receipt: &ShortReceipt) -> wire::ShortReceipt {
    wire::ShortReceipt {
        origin: origin.as_str().to_owned(),
        index: receipt.index(),
        receipt: receipt.encode().to_vec(),
    }
}

impl From<wire::Receipt> for wire::AccessReceipt {
    fn from(receipt: wire::Receipt) -> Self {
        Self {
            form: Some(wire::access_receipt::Form::Full(receipt)),
        }
    }
}

impl From<wire::ShortReceipt> for wire::AccessReceipt {
    fn from(receipt: wire::ShortReceipt) -> Self {
        Self {
            form: Some(wire::access_receipt::Form::Short(receipt)),
        }
    }
}

/// Reads the message; nothing is proved yet, except that it names the log that its checkpoint names.
impl TryFrom<wire::Receipt> for Receipt {
    type Error = Invalid;

    fn try_from(message: wire::Receipt) -> Result<Self, Invalid> {
        let wire::Receipt {
            origin,
            index,
            header,
            path,
            checkpoint,
        } = message;
        let signed =
            SignedCheckpoint::parse(&checkpoint).map_err(|_| Invalid::new("checkpoint", Rule::Character))?;
        if signed.checkpoint().origin.as_str() != origin {
            return Err(Invalid::new("origin", Rule::Contradicts("checkpoint")));
        }
        let path = each("path", path, |hash| {
            array::<{ Hash::LEN }>("", &hash).map(Hash::new)
        })?;
        Ok(Self {
            header,
            index,
            path,
            checkpoint,
        })
    }
}

/// Reads the message, which must agree with itself.
impl TryFrom<wire::ShortReceipt> for ShortReceipt {
    type Error = Invalid;

    fn try_from(message: wire::ShortReceipt) -> Result<Self, Invalid> {
        let wire::ShortReceipt {
            origin,
            index,
            receipt,
        } = message;
        let short = Self::decode(&receipt).map_err(|_| Invalid::new("receipt", Rule::Bytes(Self::LEN)))?;
        if short.index() != index {
            return Err(Invalid::new("index", Rule::Contradicts("receipt")));
        }
        let origin = Origin::new(origin).map_err(|_| Invalid::new("origin", Rule::Character))?;
        if !short.is_of(&origin) {
            return Err(Invalid::new("origin", Rule::Contradicts("receipt")));
        }
        Ok(short)
    }
}

/// A receipt that came with an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AccessReceipt {
    /// The full one, not yet verified.
    Full(Receipt),
    /// The short one.
    Short(ShortReceipt),
}

impl TryFrom<wire::AccessReceipt> for AccessReceipt {
    type Error = Invalid;

    fn try_from(message: wire::AccessReceipt) -> Result<Self, Invalid> {
        let wire::AccessReceipt { form } = message;
        match required("form", form)? {
            wire::access_receipt::Form::Full(receipt) => Receipt::try_from(receipt)
                .map(Self::Full)
                .map_err(|invalid| invalid.within("full")),
            wire::access_receipt::Form::Short(receipt) => ShortReceipt::try_from(receipt)
                .map(Self::Short)
                .map_err(|invalid| invalid.within("short")),
        }
    }
}
