//! What a registrar (*ufficiale d'anagrafe*) signs with a personal key that is on no node.
//!
//! A statement is a short text that a person can read, and its bytes are what is signed:
//!
//! ```text
//! ponte registrar statement 1
//! act: release
//! municipality: 037032
//! epoch: 00112233445566778899aabbccddeeff
//! changes: 1012
//! digest: 64 hexadecimal digits
//! ```
//!
//! Every line ends with a line feed. The digest is over what waits ([`held_digest`]), so that a registrar confirms
//! what was shown and nothing that came later.

mod withdrawal;

use std::fmt;

use aws_lc_rs::digest::{Context, SHA256};

use crate::hex;
use crate::identifier::{IstatCode, LocalId};
use crate::publication::{Epoch, HoldReason};
use crate::signing::{Purpose, Signature, SignatureError, SigningKey, VerifyingKey};

pub use self::withdrawal::{Stated, VerifiedWithdrawal, Withdrawal};

/// Longest statement, bytes.
pub const LONGEST_STATEMENT: usize = 1024;

const TITLE: &str = "ponte registrar statement 1";

/// Who signs, as the index's configuration names the person: 1 to 64 letters, digits, `.`, `_`, `-`, `@`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RegistrarId(String);

/// What is stated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// What is to be done with what waits.
    pub act: Act,
    /// The municipality, by the code in force.
    pub municipality: IstatCode,
    /// The index's line of history.
    pub epoch: Epoch,
    /// How many changes it is about.
    pub changes: u32,
    /// Which: see [`held_digest`].
    pub digest: [u8; 32],
}

/// What is to be done with changes that wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Act {
    /// They are right: serve them.
    Release,
    /// They are wrong: drop them, the cards stay as they are served.
    Reject,
}

/// A statement with its signature, as it travels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedStatement {
    /// The text that was signed.
    pub text: String,
    /// Who signed.
    pub registrar: RegistrarId,
    /// The signature.
    pub signature: Signature,
}

/// What a registrar's key signed. Only a [`SignedStatement`] makes one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified<T> {
    stated: T,
    signed: SignedStatement,
}

/// A statement about changes that wait, which the registrar's key signed.
pub type VerifiedStatement = Verified<Statement>;

/// One change that waits, as the digest takes it.
#[derive(Clone, Copy, Debug)]
pub struct HeldLine<'a> {
    /// Its place in the order of all changes that the index accepted.
    pub commit_sequence: u64,
    /// The card.
    pub local_id: &'a LocalId,
    /// Why it waits.
    pub reason: HoldReason,
    /// SHA-256 of the card's canonical bytes; zeros for a withdrawal.
    pub content: [u8; 32],
}

/// Why a text is not a statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StatementError {
    /// The text is not one of this version.
    #[error("the text is not a registrar's statement of version 1")]
    Text,
    /// The signature is not the registrar's.
    #[error(transparent)]
    Signature(#[from] SignatureError),
}

impl RegistrarId {
    /// Checks length and characters.
    pub fn parse(text: &str) -> Option<Self> {
        let admitted = |letter: char| letter.is_ascii_alphanumeric() || "._-@".contains(letter);
        let fits = (1..=64).contains(&text.len()) && text.chars().all(admitted);
        fits.then(|| Self(text.to_owned()))
    }

    /// The id.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RegistrarId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Act {
    /// The word in the text.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Release => "release",
            Self::Reject => "reject",
        }
    }

    /// The act of a word.
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Release, Self::Reject]
            .into_iter()
            .find(|act| act.word() == word)
    }
}

impl Statement {
    /// The text, which is what is signed.
    pub fn text(&self) -> String {
        let Self {
            act,
            municipality,
            epoch,
            changes,
            digest,
        } = self;
        format!(
            "{TITLE}\nact: {}\nmunicipality: {municipality}\nepoch: {}\nchanges: {changes}\ndigest: {}\n",
            act.word(),
            hex::encode(&epoch.0),
            hex::encode(digest),
        )
    }

    /// Reads a text; only the one form that [`Statement::text`] writes is taken.
    ///
    /// # Errors
    /// [`StatementError::Text`].
    pub fn parse(text: &str) -> Result<Self, StatementError> {
        let mut lines = text.lines();
        let title = lines.next();
        let mut value = |key: &str| {
            let line = lines.next().ok_or(StatementError::Text)?;
            line.strip_prefix(key)
                .and_then(|rest| rest.strip_prefix(": "))
                .ok_or(StatementError::Text)
        };
        let statement = Self {
            act: Act::from_word(value("act")?).ok_or(StatementError::Text)?,
            municipality: IstatCode::parse(value("municipality")?).map_err(|_| StatementError::Text)?,
            epoch: Epoch(hex::decode(value("epoch")?).ok_or(StatementError::Text)?),
            changes: value("changes")?.parse().map_err(|_| StatementError::Text)?,
            digest: hex::decode(value("digest")?).ok_or(StatementError::Text)?,
        };
        if title == Some(TITLE) && statement.text() == text {
            Ok(statement)
        } else {
            Err(StatementError::Text)
        }
    }

    /// Signs it.
    pub fn sign(&self, registrar: RegistrarId, key: &SigningKey) -> SignedStatement {
        SignedStatement::of(self.text(), registrar, key)
    }
}

impl SignedStatement {
    /// Proves that the registrar's key signed it.
    ///
    /// # Errors
    /// See [`StatementError`].
    pub fn verify(self, key: &VerifyingKey) -> Result<VerifiedStatement, StatementError> {
        self.verified(key, Statement::parse)
    }

    fn of(text: String, registrar: RegistrarId, key: &SigningKey) -> Self {
        let signature = key.sign(Purpose::Statement, text.as_bytes());
        Self {
            text,
            registrar,
            signature,
        }
    }

    fn verified<T>(
        self,
        key: &VerifyingKey,
        parse: impl FnOnce(&str) -> Result<T, StatementError>,
    ) -> Result<Verified<T>, StatementError> {
        key.verify(Purpose::Statement, self.text.as_bytes(), &self.signature)?;
        Ok(Verified {
            stated: parse(&self.text)?,
            signed: self,
        })
    }
}

impl<T> Verified<T> {
    /// What is stated.
    pub fn stated(&self) -> &T {
        &self.stated
    }

    /// Text, registrar and signature: the evidence.
    pub fn signed(&self) -> &SignedStatement {
        &self.signed
    }
}

/// SHA-256 over what waits, in ascending order of commit sequence: for each change its commit sequence (u64, big
/// endian), length (u8) and characters of the local id, number of the reason (u8) and hash of the content.
pub fn held_digest<'a>(held: impl IntoIterator<Item = HeldLine<'a>>) -> [u8; 32] {
    let mut context = Context::new(&SHA256);
    for HeldLine {
        commit_sequence,
        local_id,
        reason,
        content,
    } in held
    {
        let local_id = local_id.as_str().as_bytes();
        context.update(&commit_sequence.to_be_bytes());
        // A local id has at most 20 characters, all of them ASCII.
        context.update(&[u8::try_from(local_id.len()).unwrap_or(u8::MAX)]);
        context.update(local_id);
        context.update(&[reason.number()]);
        context.update(&content);
    }
    let mut hash = [0; 32];
    hash.copy_from_slice(context.finish().as_ref());
    hash
}

#[cfg(test)]
mod tests;
