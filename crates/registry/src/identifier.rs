//! Identifiers, one type for each, so that none can stand in another's place.

use std::fmt;

use uuid::Uuid;

/// Why a text is not the identifier it should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IdentifierError {
    /// ISTAT code of a municipality: six digits.
    #[error("an ISTAT code of a municipality has six digits")]
    IstatCode,
    /// ISTAT code of a state: three digits.
    #[error("a state code has three digits")]
    StateCode,
    /// Cadastral code: a letter and three digits.
    #[error("a cadastral code is one letter and three digits")]
    CadastralCode,
    /// Local ids: 1 to 20 printable ASCII characters without blanks.
    #[error("a local id has 1 to 20 characters, letters, digits or any of . _ / -")]
    LocalId,
    /// National id: nine letters and digits.
    #[error("a national id has two letters, five digits and two letters or digits")]
    NationalId,
}

macro_rules! fixed_code {
    ($(#[$doc:meta])* $name:ident, $length:literal, $error:ident, $valid:expr) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name([u8; $length]);

        impl $name {
            /// Checks the form only; whether the code was ever assigned is a question for the reference tables.
            pub fn parse(text: &str) -> Result<Self, IdentifierError> {
                let bytes: [u8; $length] = text.as_bytes().try_into().map_err(|_| IdentifierError::$error)?;
                let valid: fn(&[u8; $length]) -> bool = $valid;
                if valid(&bytes) { Ok(Self(bytes)) } else { Err(IdentifierError::$error) }
            }

            /// The code as written.
            pub fn as_str(&self) -> &str {
                std::str::from_utf8(&self.0).unwrap_or_default()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

macro_rules! plain_debug {
    ($name:ident) => {
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self)
            }
        }
    };
}

macro_rules! hidden_debug {
    ($name:ident) => {
        /// Personal: debugging output does not carry it.
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($name), "(..)"))
            }
        }
    };
}

fixed_code!(
    /// ISTAT code of a municipality (*codice ISTAT del comune*), six digits, as in force in some period.
    IstatCode, 6, IstatCode, |bytes| bytes.iter().all(u8::is_ascii_digit)
);
plain_debug!(IstatCode);

fixed_code!(
    /// ISTAT code of a state of citizenship or birth, three digits; 100 is Italy, 999 stateless.
    StateCode, 3, StateCode, |bytes| bytes.iter().all(u8::is_ascii_digit)
);
plain_debug!(StateCode);

fixed_code!(
    /// Cadastral code (*codice catastale*, "Belfiore") of a municipality or foreign state.
    CadastralCode, 4, CadastralCode, |bytes| bytes[0].is_ascii_uppercase() && bytes[1..].iter().all(u8::is_ascii_digit)
);
plain_debug!(CadastralCode);

fixed_code!(
    /// National id of a person (*identificativo unico nazionale*, idANPR), nine characters.
    NationalId, 9, NationalId, |bytes| {
        bytes[..2].iter().all(u8::is_ascii_uppercase)
            && bytes[2..7].iter().all(u8::is_ascii_digit)
            && bytes[7..].iter().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
    }
);
hidden_debug!(NationalId);

/// A municipality's own number for a card (*identificativo della scheda nel comune*), at most 20 characters.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LocalId(String);

/// A municipality's own number for a family or convivenza card, at most 20 characters.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HouseholdId(String);

macro_rules! local_number {
    ($name:ident) => {
        impl $name {
            /// Checks length and characters.
            pub fn parse(text: &str) -> Result<Self, IdentifierError> {
                let admitted = |byte: u8| byte.is_ascii_alphanumeric() || b"._/-".contains(&byte);
                if text.is_empty() || 20 < text.len() || !text.bytes().all(admitted) {
                    return Err(IdentifierError::LocalId);
                }
                Ok(Self(text.to_owned()))
            }

            /// The number as written.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        hidden_debug!($name);
    };
}

local_number!(LocalId);
local_number!(HouseholdId);

/// Regional id of one card: UUIDv8 from HMAC(region key, municipality identity ‖ local id), so that a rebuild
/// mints the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecordId(pub Uuid);

/// Regional id of a person: the [`RecordId`] of the first of the linked cards.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PersonId(pub Uuid);

#[cfg(test)]
mod tests;
