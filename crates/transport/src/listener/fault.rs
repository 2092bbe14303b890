//! What a failed handshake means, for the door log.

use std::io;

use rustls::{CertificateError, Error, PeerIncompatible};

use crate::door::ConnectionFault;
use crate::identity::IdentityFault;

/// The library's errors are open-ended: what it adds later counts as a defect until it is named here.
pub(super) fn of(error: &io::Error) -> ConnectionFault {
    let Some(error) = error.get_ref().and_then(|inner| inner.downcast_ref::<Error>()) else {
        return ConnectionFault::Abandoned;
    };
    match error {
        Error::NoCertificatesPresented => ConnectionFault::NoCertificate,
        Error::InvalidCertificate(error) => of_certificate(error),
        Error::InvalidCertRevocationList(_) => ConnectionFault::RevocationUnknown,
        Error::PeerIncompatible(
            PeerIncompatible::SupportedVersionsExtensionRequired
            | PeerIncompatible::ServerDoesNotSupportTls12Or13
            | PeerIncompatible::ServerTlsVersionIsDisabledByOurConfig
            | PeerIncompatible::Tls12NotOffered
            | PeerIncompatible::Tls12NotOfferedOrEnabled,
        ) => ConnectionFault::TlsVersion,
        Error::PeerIncompatible(_) => ConnectionFault::Incompatible,
        Error::NoApplicationProtocol => ConnectionFault::Protocol,
        Error::AlertReceived(_) => ConnectionFault::RefusedByPeer,
        Error::InappropriateMessage { .. }
        | Error::InappropriateHandshakeMessage { .. }
        | Error::InvalidMessage(_)
        | Error::PeerMisbehaved(_)
        | Error::PeerSentOversizedRecord
        | Error::DecryptError => ConnectionFault::Malformed,
        _ => ConnectionFault::Internal,
    }
}

fn of_certificate(error: &CertificateError) -> ConnectionFault {
    match error {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            ConnectionFault::CertificateExpired
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            ConnectionFault::CertificateNotYetValid
        }
        CertificateError::Revoked => ConnectionFault::CertificateRevoked,
        CertificateError::UnknownRevocationStatus
        | CertificateError::ExpiredRevocationList
        | CertificateError::ExpiredRevocationListContext { .. } => ConnectionFault::RevocationUnknown,
        CertificateError::UnknownIssuer => ConnectionFault::UntrustedIssuer,
        CertificateError::Other(other) => match other.0.downcast_ref::<IdentityFault>() {
            Some(fault) => ConnectionFault::Identity(*fault),
            None => ConnectionFault::CertificateInvalid,
        },
        _ => ConnectionFault::CertificateInvalid,
    }
}
