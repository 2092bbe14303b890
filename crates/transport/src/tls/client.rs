//! The client's side: the server must carry both the DNS name that was dialled and a server's identity of
//! the trust domain.

use std::fmt;
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{Resumption, WebPkiServerVerifier};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, Error, OtherError, SignatureScheme};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};

use crate::clock::Clock;
use crate::identity;
use crate::pki::names::{IndexId, TrustDomainName};
use crate::tls::error::TlsError;
use crate::tls::material::TlsMaterial;
use crate::tls::{ALPN_HTTP2, TlsTime, provider};

/// A client's configuration.
#[derive(Clone)]
pub struct ClientTls {
    pub(crate) config: Arc<ClientConfig>,
    trust_domain: TrustDomainName,
}

impl ClientTls {
    /// Reads `material` and checks that its certificate carries a peer's identity of the trust domain.
    /// With `expected`, only that server is accepted; without, any server of the trust domain.
    pub fn new(
        material: &TlsMaterial,
        expected: Option<IndexId>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, TlsError> {
        let parsed = material.parse()?;
        let trust_domain = material.trust_domain.clone();
        let own = parsed.chain.first().ok_or(TlsError::Chain)?;
        identity::check_client(own, &trust_domain).map_err(TlsError::OwnIdentity)?;

        let provider = provider();
        let chain_verifier =
            WebPkiServerVerifier::builder_with_provider(parsed.anchors, Arc::clone(&provider))
                .with_crls(parsed.revocation_lists)
                .enforce_revocation_expiration()
                .build()?;
        let verifier = IndexVerifier {
            chain: chain_verifier,
            trust_domain: trust_domain.clone(),
            expected,
        };

        // The name `danger` is the library's, for verifiers that could check less than its own; this one
        // asks the library's first and then checks more.
        let mut config = ClientConfig::builder_with_details(provider, Arc::new(TlsTime(clock)))
            .with_protocol_versions(&[&rustls::version::TLS13])?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier))
            .with_client_auth_cert(parsed.chain, parsed.key)?;
        config.alpn_protocols = vec![ALPN_HTTP2.to_vec()];
        config.resumption = Resumption::disabled();
        config.enable_early_data = false;
        Ok(Self {
            config: Arc::new(config),
            trust_domain,
        })
    }

    /// The trust domain of both sides.
    pub fn trust_domain(&self) -> &TrustDomainName {
        &self.trust_domain
    }
}

impl fmt::Debug for ClientTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClientTls(..)")
    }
}

#[derive(Debug)]
struct IndexVerifier {
    chain: Arc<WebPkiServerVerifier>,
    trust_domain: TrustDomainName,
    expected: Option<IndexId>,
}

impl ServerCertVerifier for IndexVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let verified =
            self.chain
                .verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)?;
        match identity::check_server(end_entity, &self.trust_domain, self.expected.as_ref()) {
            Ok(()) => Ok(verified),
            Err(fault) => Err(CertificateError::Other(OtherError(Arc::new(fault))).into()),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.chain.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.chain.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.chain.supported_verify_schemes()
    }
}
