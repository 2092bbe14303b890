//! What a registrar signs so that a municipality leaves: it cannot be undone.
//!
//! ```text
//! ponte registrar statement 1
//! act: withdraw
//! municipality: 037032
//! epoch: 00112233445566778899aabbccddeeff
//! effect: every card and every key of the municipality is destroyed for good
//! ```
//!
//! It names no cards: whatever is there when it is handed over goes.

use super::{RegistrarId, SignedStatement, Statement, StatementError, TITLE, Verified};
use crate::hex;
use crate::identifier::IstatCode;
use crate::publication::Epoch;
use crate::signing::{SigningKey, VerifyingKey};

const ACT: &str = "withdraw";
const EFFECT: &str = "every card and every key of the municipality is destroyed for good";

/// That a municipality leaves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Withdrawal {
    /// The municipality, by the code in force.
    pub municipality: IstatCode,
    /// The index's line of history.
    pub epoch: Epoch,
}

/// A withdrawal that the registrar's key signed.
pub type VerifiedWithdrawal = Verified<Withdrawal>;

/// Whatever a registrar may sign.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stated {
    /// About changes that wait.
    Held(Statement),
    /// That the municipality leaves.
    Withdrawal(Withdrawal),
}

impl Withdrawal {
    /// The text, which is what is signed.
    pub fn text(&self) -> String {
        let Self { municipality, epoch } = self;
        let epoch = hex::encode(&epoch.0);
        format!("{TITLE}\nact: {ACT}\nmunicipality: {municipality}\nepoch: {epoch}\neffect: {EFFECT}\n")
    }

    /// Reads a text; only the one form that [`Withdrawal::text`] writes is taken.
    ///
    /// # Errors
    /// [`StatementError::Text`].
    pub fn parse(text: &str) -> Result<Self, StatementError> {
        let mut lines = text.lines().skip(2);
        let mut value = |key: &str| {
            let line = lines.next().ok_or(StatementError::Text)?;
            line.strip_prefix(key).ok_or(StatementError::Text)
        };
        let withdrawal = Self {
            municipality: IstatCode::parse(value("municipality: ")?).map_err(|_| StatementError::Text)?,
            epoch: Epoch(hex::decode(value("epoch: ")?).ok_or(StatementError::Text)?),
        };
        if withdrawal.text() == text {
            Ok(withdrawal)
        } else {
            Err(StatementError::Text)
        }
    }
}

impl Stated {
    /// Reads a text of either form.
    ///
    /// # Errors
    /// [`StatementError::Text`].
    pub fn parse(text: &str) -> Result<Self, StatementError> {
        match Withdrawal::parse(text) {
            Ok(withdrawal) => Ok(Self::Withdrawal(withdrawal)),
            Err(_) => Statement::parse(text).map(Self::Held),
        }
    }

    /// The text, which is what is signed.
    pub fn text(&self) -> String {
        match self {
            Self::Held(statement) => statement.text(),
            Self::Withdrawal(withdrawal) => withdrawal.text(),
        }
    }

    /// The word of its act.
    pub const fn act(&self) -> &'static str {
        match self {
            Self::Held(statement) => statement.act.word(),
            Self::Withdrawal(_) => ACT,
        }
    }

    /// The municipality, by the code in force.
    pub const fn municipality(&self) -> IstatCode {
        match self {
            Self::Held(statement) => statement.municipality,
            Self::Withdrawal(withdrawal) => withdrawal.municipality,
        }
    }

    /// Signs it.
    pub fn sign(&self, registrar: RegistrarId, key: &SigningKey) -> SignedStatement {
        SignedStatement::of(self.text(), registrar, key)
    }
}

impl SignedStatement {
    /// Proves that the registrar's key signed a withdrawal.
    ///
    /// # Errors
    /// See [`StatementError`].
    pub fn verify_withdrawal(self, key: &VerifyingKey) -> Result<VerifiedWithdrawal, StatementError> {
        self.verified(key, Withdrawal::parse)
    }
}

#[cfg(test)]
mod tests;
