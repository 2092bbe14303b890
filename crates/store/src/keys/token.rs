//! Tokens: what stands for an identifier in keys of the record store and in the access log.

use std::fmt::{self, Debug};

use aws_lc_rs::hmac;
use registry::hex::Hex;

use crate::keys::data_key::DataKey;

/// 16 bytes that stand for one value in one domain; without the key they say nothing about it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Token([u8; 16]);

/// What a token stands for. Equal values in two domains have unrelated tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenDomain<'a> {
    /// A tax code (codice fiscale).
    TaxCode,
    /// A national id (idANPR).
    NationalId,
    /// A household (famiglia anagrafica, convivenza).
    Household,
    /// A dwelling: an address with its internal number.
    Dwelling,
    /// A house: an address as far as street and number go.
    House,
    /// Normalised generalities, for unconfirmed links.
    Generalities,
    /// A municipality's own number of a card.
    LocalId,
    /// A declaration that an agency wants verified, or the identifiers that it is about.
    Declaration,
    /// Everything that a request says, to tell a repeat from another one.
    Request,
    /// A person in the access log of one municipality and one year.
    Pseudonym {
        /// The municipality's identity.
        municipality: &'a str,
        /// Calendar year, Europe/Rome.
        year: u16,
    },
}

/// Makes tokens under one data key.
#[derive(Clone)]
pub struct Tokenizer(hmac::Key);

impl Tokenizer {
    /// A maker of tokens under a key derived from `key`.
    #[must_use]
    pub fn new(key: &DataKey) -> Self {
        Self(key.token_key().clone())
    }

    /// The token of a normalised value: the first 16 bytes of HMAC-SHA-256 over domain and value, lengths in front.
    #[must_use]
    pub fn token(&self, domain: TokenDomain<'_>, value: &[u8]) -> Token {
        let domain = domain.label();
        let mut context = hmac::Context::with_key(&self.0);
        context.update(&(domain.len() as u64).to_be_bytes());
        context.update(domain.as_bytes());
        context.update(&(value.len() as u64).to_be_bytes());
        context.update(value);
        let tag = context.sign();
        let mut token = [0; 16];
        token.copy_from_slice(&tag.as_ref()[..16]);
        Token(token)
    }
}

impl Debug for Tokenizer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tokenizer(..)")
    }
}

impl TokenDomain<'_> {
    fn label(self) -> String {
        match self {
            Self::TaxCode => "tax-code".to_owned(),
            Self::NationalId => "national-id".to_owned(),
            Self::Household => "household".to_owned(),
            Self::Dwelling => "dwelling".to_owned(),
            Self::House => "house".to_owned(),
            Self::Generalities => "generalities".to_owned(),
            Self::LocalId => "local-id".to_owned(),
            Self::Declaration => "declaration".to_owned(),
            Self::Request => "request".to_owned(),
            Self::Pseudonym { municipality, year } => format!("pseudonym/{municipality}/{year}"),
        }
    }
}

impl Token {
    /// A token from stored bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// The bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Token({})", Hex(&self.0))
    }
}
