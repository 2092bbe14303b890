//! Names and spans of time that certificates carry.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use agreement::domain::DomainKind;
use chrono::{DateTime, Utc};

const LONGEST_TRUST_DOMAIN: usize = 100;
const LONGEST_ID: usize = 64;
/// 9999-12-31T23:59:59Z, the last instant that a certificate can name (RFC 5280 §4.1.2.5).
const LAST_INSTANT: i64 = 253_402_300_799;

/// The name of a trust domain: 1 to 100 of `[a-z0-9.-]`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct TrustDomainName(String);

/// The identity of an index server, `spiffe://<trust-domain>/index/<id>`.
/// It is no role of a peer: a server cannot call another server as a client with it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct IndexId {
    trust_domain: TrustDomainName,
    id: String,
}

/// The instants from and until which a certificate is valid, both inclusive, to the second.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Validity {
    not_before: DateTime<Utc>,
    not_after: DateTime<Utc>,
}

/// Why a name or a span is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidName {
    /// The trust domain breaks its rule.
    #[error("a trust domain is 1 to 100 lower-case letters, digits, dots and hyphens")]
    TrustDomain,
    /// The server identity breaks its rule.
    #[error(
        "a server identity is spiffe://<trust-domain>/index/<id>, the id 1 to 64 lower-case letters, digits and hyphens"
    )]
    Index,
    /// The span is empty or outside what certificates can state.
    #[error("a validity must begin in 1970 or later, end after it begins, and end before the year 10000")]
    Validity,
}

impl TrustDomainName {
    /// Reads a trust domain's name.
    pub fn parse(text: &str) -> Result<Self, InvalidName> {
        let allowed = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'-');
        if text.is_empty() || LONGEST_TRUST_DOMAIN < text.len() || !text.bytes().all(allowed) {
            return Err(InvalidName::TrustDomain);
        }
        Ok(Self(text.to_owned()))
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it serves production or tests.
    pub fn kind(&self) -> DomainKind {
        DomainKind::of(&self.0)
    }

    /// The URI that names the trust domain itself, and stands in its authority's certificate.
    pub fn uri(&self) -> String {
        format!("spiffe://{}", self.0)
    }
}

impl fmt::Display for TrustDomainName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for TrustDomainName {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

impl IndexId {
    /// The server `id` of `trust_domain`.
    pub fn new(trust_domain: TrustDomainName, id: &str) -> Result<Self, InvalidName> {
        let allowed = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-');
        if id.is_empty() || LONGEST_ID < id.len() || !id.bytes().all(allowed) {
            return Err(InvalidName::Index);
        }
        Ok(Self {
            trust_domain,
            id: id.to_owned(),
        })
    }

    /// Reads the URI form.
    pub fn parse(uri: &str) -> Result<Self, InvalidName> {
        let rest = uri.strip_prefix("spiffe://").ok_or(InvalidName::Index)?;
        let (trust_domain, path) = rest.split_once('/').ok_or(InvalidName::Index)?;
        let id = path.strip_prefix("index/").ok_or(InvalidName::Index)?;
        Self::new(TrustDomainName::parse(trust_domain)?, id)
    }

    /// The trust domain the server belongs to.
    pub fn trust_domain(&self) -> &TrustDomainName {
        &self.trust_domain
    }

    /// The last segment of the URI.
    pub fn id(&self) -> &str {
        &self.id
    }
}

impl fmt::Display for IndexId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { trust_domain, id } = self;
        write!(f, "spiffe://{trust_domain}/index/{id}")
    }
}

impl Validity {
    /// From `not_before` until `not_after`; fractions of a second are cut off.
    pub fn new(not_before: DateTime<Utc>, not_after: DateTime<Utc>) -> Result<Self, InvalidName> {
        let (from, until) = (not_before.timestamp(), not_after.timestamp());
        if from < 0 || until <= from || LAST_INSTANT < until {
            return Err(InvalidName::Validity);
        }
        let whole = |seconds| DateTime::from_timestamp(seconds, 0).ok_or(InvalidName::Validity);
        Ok(Self {
            not_before: whole(from)?,
            not_after: whole(until)?,
        })
    }

    /// From `not_before` for `length`.
    pub fn starting(not_before: DateTime<Utc>, length: Duration) -> Result<Self, InvalidName> {
        let length = chrono::TimeDelta::from_std(length).map_err(|_| InvalidName::Validity)?;
        let not_after = not_before
            .checked_add_signed(length)
            .ok_or(InvalidName::Validity)?;
        Self::new(not_before, not_after)
    }

    /// The first instant of validity.
    pub fn not_before(&self) -> DateTime<Utc> {
        self.not_before
    }

    /// The last instant of validity.
    pub fn not_after(&self) -> DateTime<Utc> {
        self.not_after
    }

    /// When two thirds of the life are over: from then on the certificate should be renewed.
    pub fn renewal_due(&self) -> DateTime<Utc> {
        let life = self.not_after - self.not_before;
        self.not_before + life * 2 / 3
    }
}
