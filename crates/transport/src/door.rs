//! Refusals that no handler sees, and where they are entered.

use std::fmt;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;

use chrono::{DateTime, Utc};

use agreement::peer::Peer;
use agreement::reason::Reason;

use crate::identity::IdentityFault;

/// Where refusals before a handler are entered. The index implements it over its access log.
///
/// The future resolves when the entry is durable: a refused call is answered only then. Above a stated rate
/// an implementation may count refusals together instead of entering each; it then resolves at once.
/// The future is never dropped before it is done, whatever the caller does.
pub trait DoorLog: fmt::Debug + Send + Sync {
    /// Enters one refusal.
    fn refused(&self, refusal: Refusal) -> DoorFuture<'_>;
}

/// What [`DoorLog::refused`] returns.
pub type DoorFuture<'a> =
    Pin<Box<dyn Future<Output = Result<Option<DoorReceipt>, DoorLogFailed>> + Send + 'a>>;

/// The short receipt of an entry, opaque to this crate; the answer to the caller carries it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DoorReceipt(pub Vec<u8>);

/// The entry could not be made durable: the caller is told that the log is unavailable, and nothing else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the refusal could not be entered in the access log")]
pub struct DoorLogFailed;

/// One refusal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The peer, when its certificate was verified.
    pub peer: Option<Peer>,
    /// Where the connection came from.
    pub address: SocketAddr,
    /// The method as `package.Service/Method`, when the path has that form; it may name nothing.
    pub method: Option<String>,
    /// Why.
    pub cause: Cause,
    /// When.
    pub at: DateTime<Utc>,
}

/// Why a connection or a call was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Cause {
    /// The connection was refused before any call.
    Connection(ConnectionFault),
    /// The call was refused with this answer.
    Call(Reason),
}

/// Why a connection was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ConnectionFault {
    /// No more connections are accepted at the moment.
    TooManyConnections,
    /// No more connections from this address are accepted at the moment.
    TooManyFromAddress,
    /// The handshake did not end in time.
    HandshakeTimeout,
    /// The other side closed the connection during the handshake.
    Abandoned,
    /// The bytes are not TLS, or break its rules.
    Malformed,
    /// The other side does not speak TLS 1.3.
    TlsVersion,
    /// No cipher suite, key exchange or signature scheme in common.
    Incompatible,
    /// The other side does not speak HTTP/2.
    Protocol,
    /// The other side refused our certificate.
    RefusedByPeer,
    /// No client certificate.
    NoCertificate,
    /// The client certificate has expired.
    CertificateExpired,
    /// The client certificate is not valid yet.
    CertificateNotYetValid,
    /// The client certificate was revoked.
    CertificateRevoked,
    /// The revocation list of the certificate's authority is missing or has expired.
    RevocationUnknown,
    /// The client certificate was issued by nobody we trust.
    UntrustedIssuer,
    /// The client certificate is broken, wrongly signed, or made for another use.
    CertificateInvalid,
    /// The client certificate is good, but names no peer.
    Identity(IdentityFault),
    /// Our own defect or the TLS library's.
    Internal,
}

impl Cause {
    /// The stable name for the log: that of the [`Reason`], or that of the [`ConnectionFault`].
    pub fn name(&self) -> &'static str {
        match self {
            Self::Connection(fault) => fault.name(),
            Self::Call(reason) => reason.name(),
        }
    }
}

impl ConnectionFault {
    /// The stable name for the log.
    pub fn name(self) -> &'static str {
        match self {
            Self::TooManyConnections => "TOO_MANY_CONNECTIONS",
            Self::TooManyFromAddress => "TOO_MANY_CONNECTIONS_FROM_ADDRESS",
            Self::HandshakeTimeout => "TLS_HANDSHAKE_TIMEOUT",
            Self::Abandoned => "TLS_ABANDONED",
            Self::Malformed => "TLS_MALFORMED",
            Self::TlsVersion => "TLS_VERSION",
            Self::Incompatible => "TLS_INCOMPATIBLE",
            Self::Protocol => "TLS_PROTOCOL",
            Self::RefusedByPeer => "TLS_REFUSED_BY_PEER",
            Self::NoCertificate => "CERTIFICATE_MISSING",
            Self::CertificateExpired => "CERTIFICATE_EXPIRED",
            Self::CertificateNotYetValid => "CERTIFICATE_NOT_YET_VALID",
            Self::CertificateRevoked => "CERTIFICATE_REVOKED",
            Self::RevocationUnknown => "CERTIFICATE_REVOCATION_UNKNOWN",
            Self::UntrustedIssuer => "CERTIFICATE_ISSUER_UNTRUSTED",
            Self::CertificateInvalid => "CERTIFICATE_INVALID",
            Self::Identity(fault) => match fault {
                IdentityFault::Unreadable => "IDENTITY_UNREADABLE",
                IdentityFault::NoUri => "IDENTITY_MISSING",
                IdentityFault::SeveralUris => "IDENTITY_AMBIGUOUS",
                IdentityFault::NotAPeer => "IDENTITY_NOT_A_PEER",
                IdentityFault::NotTheServer => "IDENTITY_NOT_THE_SERVER",
                IdentityFault::ForeignTrustDomain => "IDENTITY_FOREIGN_TRUST_DOMAIN",
                IdentityFault::Usage => "IDENTITY_USAGE",
            },
            Self::Internal => "TLS_INTERNAL",
        }
    }
}
