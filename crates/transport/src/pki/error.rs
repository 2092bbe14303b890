//! What can go wrong when certificates are made or read, sorted by who must act.

/// Why a certificate, request or revocation list was not made or not read.
#[derive(Debug, thiserror::Error)]
pub enum PkiError {
    /// The signing request is not PEM, is not one, asks for what is never granted, or is wrongly signed.
    #[error("the certificate signing request cannot be read, or its signature is wrong")]
    UnreadableRequest,
    /// The text holds no block of a signing request, one under another label, or another block beside it: which of two
    /// was meant, and which was compared, nobody can tell.
    #[error("exactly one PEM block is expected, a CERTIFICATE REQUEST")]
    NotOneRequest,
    /// The signing request asks for other names than the ones being issued.
    #[error("the certificate signing request names another identity than the one to issue")]
    RequestNamesAnother,
    /// The signing request was made with a key of another kind than ECDSA P-256.
    #[error("the key of the certificate signing request is not ECDSA P-256")]
    RequestKeyKind,
    /// The certificate text is not exactly one PEM certificate.
    #[error("the certificate cannot be read: one PEM certificate is expected")]
    UnreadableCertificate,
    /// The private key text is not one PEM key of a supported kind.
    #[error("the private key cannot be read: one PEM key is expected")]
    UnreadableKey,
    /// The authority's certificate is not one of an authority made by this program.
    #[error("the certificate is not the authority of a trust domain")]
    NotAnAuthority,
    /// The authority's key is not the one of its certificate.
    #[error("the private key does not belong to the authority's certificate")]
    KeyMismatch,
    /// The identity belongs to another trust domain than the authority.
    #[error("the identity belongs to another trust domain than the authority")]
    ForeignTrustDomain,
    /// The certificate was not issued by this authority.
    #[error("the certificate was not issued by this authority")]
    ForeignCertificate,
    /// The certificate carries no identity that could be renewed.
    #[error("the certificate carries neither a peer's nor a server's identity")]
    NoIdentity,
    /// A server certificate needs at least one DNS name.
    #[error("a server certificate needs at least one DNS name")]
    NoDnsName,
    /// A DNS name holds characters that cannot stand in a certificate.
    #[error("a DNS name must be ASCII letters, digits, hyphens and dots")]
    InvalidDnsName,
    /// The serial number is not hexadecimal of 1 to 20 bytes.
    #[error("a serial number is 1 to 20 bytes in hexadecimal")]
    InvalidSerial,
    /// Our own defect or the cryptographic library's.
    #[error("the cryptographic library refused to make the object")]
    Library(#[from] rcgen::Error),
}
