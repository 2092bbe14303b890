//! The messages of C2SP tlog-witness, by which a log asks a witness for its cosignature.
//!
//! ```text
//! POST <prefix>/add-checkpoint
//!
//! old 20852014
//! PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=
//!
//! <the signed checkpoint>
//! ```
//!
//! The answer is one or more signature lines, or, where the witness remembers another size, that size as
//! [`SIZE_MEDIA_TYPE`].

use thiserror::Error;

use crate::checkpoint::{NoteSignature, SignedCheckpoint, encode_base64};
use crate::hash::Hash;

/// The path of the call under a witness's submission prefix.
pub const ADD_CHECKPOINT: &str = "add-checkpoint";

/// Media type of the answer that states the size of the newest checkpoint a witness has cosigned.
pub const SIZE_MEDIA_TYPE: &str = "text/x.tlog.size";

/// Longest answer that is read, in bytes: many times the signature lines of one witness.
pub const ANSWER_MAX_LEN: usize = 16 * 1024;

/// Why an answer is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum AnswerError {
    #[error("the witness's answer is not UTF-8")]
    Utf8,
    #[error("the witness's answer is not made of signature lines")]
    Lines,
    #[error("the witness's answer is not a size in decimal and a line feed")]
    Size,
}

/// The body of the call. `proof` leads from `old` entries, which the witness has cosigned, to the checkpoint; it is empty
/// where `old` is zero or the checkpoint's own size.
pub fn add_checkpoint(old: u64, proof: &[Hash], checkpoint: &SignedCheckpoint) -> String {
    let mut body = format!("old {old}\n");
    for hash in proof {
        body.push_str(&encode_base64(hash.as_bytes()));
        body.push('\n');
    }
    body.push('\n');
    body.push_str(&checkpoint.to_text());
    body
}

/// The signature lines of an answer. Nothing is verified yet.
///
/// # Errors
/// It is not one or more whole lines of that form.
pub fn cosignatures(body: &[u8]) -> Result<Vec<NoteSignature>, AnswerError> {
    let text = std::str::from_utf8(body).map_err(|_| AnswerError::Utf8)?;
    let text = text.strip_suffix('\n').ok_or(AnswerError::Lines)?;
    text.split('\n')
        .map(|line| NoteSignature::from_line(line).ok_or(AnswerError::Lines))
        .collect()
}

/// The size that a witness says it has cosigned last.
///
/// # Errors
/// It is not a number in canonical decimal with a line feed.
pub fn size(body: &[u8]) -> Result<u64, AnswerError> {
    let text = std::str::from_utf8(body).map_err(|_| AnswerError::Utf8)?;
    let digits = text.strip_suffix('\n').ok_or(AnswerError::Size)?;
    let canonical = digits == "0" || !digits.starts_with('0');
    if !canonical || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(AnswerError::Size);
    }
    digits.parse().map_err(|_| AnswerError::Size)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checkpoint::{Cosigner, LogSigner, WitnessedAt};
    use crate::hash::sha256;
    use crate::name::{KeyName, Origin};

    fn checkpoint() -> SignedCheckpoint {
        LogSigner::from_seed(Origin::new("log.example/1").unwrap(), &[1; 32])
            .unwrap()
            .sign(5, sha256(b"root"))
    }

    #[test]
    fn the_call_has_the_form_of_the_specification() {
        let text = checkpoint().to_text();
        assert_eq!(add_checkpoint(0, &[], &checkpoint()), format!("old 0\n\n{text}"));
        let hash = Hash::new([0; 32]);
        let zeros = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
        assert_eq!(
            add_checkpoint(3, &[hash, hash], &checkpoint()),
            format!("old 3\n{zeros}\n{zeros}\n\n{text}")
        );
    }

    #[test]
    fn answers_are_read_whole_or_refused() {
        let witness = Cosigner::from_seed(KeyName::new("w.example").unwrap(), &[2; 32]).unwrap();
        let line = witness
            .cosign(checkpoint().checkpoint(), WitnessedAt(1))
            .to_line();
        assert_eq!(
            cosignatures(format!("{line}\n{line}\n").as_bytes())
                .unwrap()
                .len(),
            2
        );
        for bad in ["", "\n", &line, &format!("{line}\n\n"), "hello\n"] {
            assert_eq!(cosignatures(bad.as_bytes()), Err(AnswerError::Lines), "{bad}");
        }
        assert_eq!(cosignatures(&[0xff, b'\n']), Err(AnswerError::Utf8));
        for (text, expected) in [("0\n", 0), ("17\n", 17), ("18446744073709551615\n", u64::MAX)] {
            assert_eq!(size(text.as_bytes()), Ok(expected));
        }
        for bad in [
            "",
            "\n",
            "7",
            "07\n",
            "+7\n",
            "-7\n",
            "7 \n",
            "18446744073709551616\n",
            "7\n\n",
        ] {
            assert_eq!(size(bad.as_bytes()), Err(AnswerError::Size), "{bad}");
        }
    }
}
