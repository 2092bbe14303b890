//! What an error says, with what caused it.

use std::error::Error;
use std::fmt::Write as _;

use crate::identity::IdentityFault;

/// Which side did not accept the other's certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HandshakeFault {
    /// The server's certificate is good, but does not name the server that was asked for.
    #[error("the server is not the expected one: {0}")]
    OtherServer(IdentityFault),
    /// The server's certificate was issued by nobody we trust, is out of date, revoked, or for another name.
    #[error("the server's certificate is not trusted")]
    ServerUntrusted,
    /// The server refused our certificate.
    #[error("the server refused the certificate of this side")]
    OwnRefused,
}

impl HandshakeFault {
    /// The same in Italian.
    pub fn italian(self) -> &'static str {
        match self {
            Self::OtherServer(IdentityFault::ForeignTrustDomain) => {
                "il server appartiene a un altro dominio di fiducia"
            }
            Self::OtherServer(_) => "il server non è quello atteso",
            Self::ServerUntrusted => "il certificato del server non è fidato",
            Self::OwnRefused => "il server ha rifiutato il certificato di questa parte",
        }
    }
}

/// What an error of a connection says of its handshake, when it ended there.
pub fn handshake_fault(error: &(dyn Error + 'static)) -> Option<HandshakeFault> {
    let mut next = Some(error);
    while let Some(error) = next {
        // The standard library's error gives what it wraps only by a method of its own.
        if let Some(inner) = error
            .downcast_ref::<std::io::Error>()
            .and_then(std::io::Error::get_ref)
            && let Some(fault) = handshake_fault(inner)
        {
            return Some(fault);
        }
        if let Some(error) = error.downcast_ref::<rustls::Error>() {
            return of_tls(error);
        }
        next = error.source();
    }
    None
}

fn of_tls(error: &rustls::Error) -> Option<HandshakeFault> {
    match error {
        rustls::Error::InvalidCertificate(rustls::CertificateError::Other(other)) => {
            match other.0.downcast_ref::<IdentityFault>() {
                Some(fault) => Some(HandshakeFault::OtherServer(*fault)),
                None => Some(HandshakeFault::ServerUntrusted),
            }
        }
        rustls::Error::InvalidCertificate(_) => Some(HandshakeFault::ServerUntrusted),
        rustls::Error::AlertReceived(_) => Some(HandshakeFault::OwnRefused),
        _ => None,
    }
}

/// The messages of an error and of everything that caused it, each said once.
pub fn chain(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut last = text.clone();
    let mut source = error.source();
    while let Some(error) = source {
        let message = error.to_string();
        if message != last {
            let _ = write!(text, ": {message}");
        }
        last = message;
        source = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("the volume is full")]
    struct Full;

    #[derive(Debug, thiserror::Error)]
    #[error(transparent)]
    struct Passed(#[from] Full);

    #[derive(Debug, thiserror::Error)]
    #[error("the file cannot be written")]
    struct Written(#[source] Passed);

    #[test]
    fn every_cause_is_told_and_none_twice() {
        assert_eq!(
            chain(&Written(Passed(Full))),
            "the file cannot be written: the volume is full"
        );
        assert_eq!(chain(&Full), "the volume is full");
    }
}
