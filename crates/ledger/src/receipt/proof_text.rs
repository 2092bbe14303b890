use thiserror::Error;

use crate::checkpoint::{canonical_decimal, decode_base64, decode_hash, encode_base64};
use crate::receipt::Receipt;
use crate::tree::MAX_PATH_LEN;

const MARK: &str = "c2sp.org/tlog-proof@v1";

/// Why a text is not the proof of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ProofTextError {
    #[error("proof does not begin with {MARK}")]
    Mark,
    #[error("proof carries no entry header as its extra data")]
    Extra,
    #[error("proof has no canonical index line")]
    Index,
    #[error("proof has a malformed hash line, or more than {MAX_PATH_LEN}")]
    Hash,
    #[error("proof has no checkpoint")]
    Checkpoint,
}

impl Receipt {
    /// The receipt as C2SP tlog-proof text, for tools that are not ours. The header travels as the extra
    /// data: its leaf hash is what the proof is about.
    pub fn to_proof_text(&self) -> String {
        let Self {
            header,
            index,
            path,
            checkpoint,
        } = self;
        let mut text = format!("{MARK}\nextra {}\nindex {index}\n", encode_base64(header));
        for hash in path {
            text.push_str(&encode_base64(hash.as_ref()));
            text.push('\n');
        }
        text.push('\n');
        text.push_str(checkpoint);
        text
    }

    /// # Errors
    /// Not such a text, or one without a header. Nothing is proved yet: see [`Receipt::verify`].
    pub fn from_proof_text(text: &str) -> Result<Self, ProofTextError> {
        let (proof, checkpoint) = text.split_once("\n\n").ok_or(ProofTextError::Checkpoint)?;
        let mut lines = proof.split('\n');
        if lines.next() != Some(MARK) {
            return Err(ProofTextError::Mark);
        }
        let header = lines
            .next()
            .and_then(|line| decode_base64(line.strip_prefix("extra ")?))
            .ok_or(ProofTextError::Extra)?;
        let index = lines
            .next()
            .and_then(|line| canonical_decimal(line.strip_prefix("index ")?))
            .ok_or(ProofTextError::Index)?;
        let mut path = Vec::new();
        for line in lines {
            let hash = decode_hash(line).filter(|_| path.len() < MAX_PATH_LEN);
            path.push(hash.ok_or(ProofTextError::Hash)?);
        }
        Ok(Self {
            header,
            index,
            path,
            checkpoint: checkpoint.to_owned(),
        })
    }
}
