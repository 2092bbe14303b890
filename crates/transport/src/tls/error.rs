//! Why a TLS configuration cannot be made. A broken configuration is never replaced by a weaker one.

/// What is wrong with the files that a configuration is made from.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The certificate chain is empty or not PEM.
    #[error("the certificate chain cannot be read: at least one PEM certificate is expected")]
    Chain,
    /// The private key is missing, repeated or of an unknown kind.
    #[error("the private key cannot be read: one PEM key is expected")]
    Key,
    /// No trust anchor could be read.
    #[error("the trust anchors cannot be read: at least one PEM certificate is expected")]
    Anchors,
    /// A revocation list cannot be read.
    #[error("a certificate revocation list cannot be read")]
    RevocationList,
    /// The own certificate does not carry the identity that this side needs.
    #[error("the own certificate carries no usable identity")]
    OwnIdentity(#[source] crate::identity::IdentityFault),
    /// The verifier refused the anchors or lists.
    #[error("the certificate verifier refused the trust anchors or revocation lists")]
    Verifier(#[from] rustls::server::VerifierBuilderError),
    /// Key and certificate do not belong together, or the library refused them.
    #[error("the TLS library refused the certificate or its key")]
    Library(#[from] rustls::Error),
}
