//! The server's side: every client shows a certificate that names one peer of the trust domain.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use rustls::client::danger::HandshakeSignatureValid;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::server::{NoServerSessionStorage, WebPkiClientVerifier};
use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, Error, OtherError, ServerConfig,
    SignatureScheme,
};
use rustls_pki_types::{CertificateDer, UnixTime};
use webpki::{CertRevocationList, OwnedCertRevocationList};

use crate::clock::Clock;
use crate::identity::{self, Admitted};
use crate::pki::names::TrustDomainName;
use crate::tls::error::TlsError;
use crate::tls::material::TlsMaterial;
use crate::tls::{ALPN_HTTP1, ALPN_HTTP2, TlsTime, provider};

/// A server's configuration, made from one set of files and replaced as a whole.
pub struct ServerTls {
    pub(crate) config: Arc<ServerConfig>,
    /// The same certificate for clients without one, to whom only what is public is served.
    pub(crate) open_config: Arc<ServerConfig>,
    pub(crate) trust_domain: TrustDomainName,
    /// The lists by issuer, to look up on connections that are already open.
    revocation_lists: HashMap<Vec<u8>, Vec<CertRevocationList<'static>>>,
}

/// Why a certificate admitted at the handshake is no longer good for a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NoLongerValid {
    Expired,
    Revoked,
}

impl ServerTls {
    /// Reads `material` and checks that its certificate carries a server's identity of the trust domain.
    pub fn new(material: &TlsMaterial, clock: Arc<dyn Clock>) -> Result<Self, TlsError> {
        let parsed = material.parse()?;
        let trust_domain = material.trust_domain.clone();
        let own = parsed.chain.first().ok_or(TlsError::Chain)?;
        identity::check_server(own, &trust_domain, None).map_err(TlsError::OwnIdentity)?;

        // Parsed before anything is swapped: the bytes may come from outside (RUSTSEC-2026-0104).
        let mut revocation_lists: HashMap<Vec<u8>, Vec<CertRevocationList<'static>>> = HashMap::new();
        for list in &parsed.revocation_lists {
            let list = OwnedCertRevocationList::from_der(list).map_err(|_| TlsError::RevocationList)?;
            let list = CertRevocationList::from(list);
            revocation_lists
                .entry(list.issuer().to_vec())
                .or_default()
                .push(list);
        }

        let provider = provider();
        let chain_verifier =
            WebPkiClientVerifier::builder_with_provider(parsed.anchors, Arc::clone(&provider))
                .with_crls(parsed.revocation_lists)
                .enforce_revocation_expiration()
                .build()?;
        let verifier = PeerVerifier {
            chain: chain_verifier,
            trust_domain: trust_domain.clone(),
        };

        let time = Arc::new(TlsTime(clock));
        let builder = || {
            ServerConfig::builder_with_details(Arc::clone(&provider), Arc::<TlsTime>::clone(&time))
                .with_protocol_versions(&[&rustls::version::TLS13])
        };
        let config = builder()?
            .with_client_cert_verifier(Arc::new(verifier))
            .with_single_cert(parsed.chain.clone(), parsed.key.clone_key())?;
        let open_config = builder()?
            .with_no_client_auth()
            .with_single_cert(parsed.chain, parsed.key)?;
        Ok(Self {
            config: Arc::new(settled(config, ALPN_HTTP2)),
            open_config: Arc::new(settled(open_config, ALPN_HTTP1)),
            trust_domain,
            revocation_lists,
        })
    }

    /// Whether a certificate admitted earlier is still good at `now_ms`, by these revocation lists.
    pub(crate) fn still_valid(&self, admitted: &Admitted, now_ms: u64) -> Result<(), NoLongerValid> {
        let now = i64::try_from(now_ms / 1000).unwrap_or(i64::MAX);
        if admitted.not_after < now {
            return Err(NoLongerValid::Expired);
        }
        let Some(lists) = self.revocation_lists.get(&admitted.issuer) else {
            return Ok(());
        };
        for list in lists {
            match list.find_serial(&admitted.serial) {
                Ok(None) => {}
                // An entry that cannot be read counts against the certificate.
                Ok(Some(_)) | Err(_) => return Err(NoLongerValid::Revoked),
            }
        }
        Ok(())
    }
}

/// What is the same whoever calls.
fn settled(mut config: ServerConfig, alpn: &[u8]) -> ServerConfig {
    config.alpn_protocols = vec![alpn.to_vec()];
    // Resumption takes the certificate from the ticket and skips revocation.
    config.send_tls13_tickets = 0;
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.max_early_data_size = 0;
    config
}

impl fmt::Debug for ServerTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerTls")
            .field("trust_domain", &self.trust_domain)
            .finish_non_exhaustive()
    }
}

/// The chain as the library verifies it, then the identity as we read it, so that a client with a wrong
/// identity is told by an alert of the handshake.
#[derive(Debug)]
struct PeerVerifier {
    chain: Arc<dyn ClientCertVerifier>,
    trust_domain: TrustDomainName,
}

impl ClientCertVerifier for PeerVerifier {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        self.chain.root_hint_subjects()
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        let verified = self.chain.verify_client_cert(end_entity, intermediates, now)?;
        match identity::check_client(end_entity, &self.trust_domain) {
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
