//! PEM text to what the TLS library takes.

use std::sync::Arc;

use rustls::RootCertStore;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer};

use crate::pki::names::TrustDomainName;
use crate::pki::request::KeyPem;
use crate::tls::error::TlsError;

/// What one side shows and whom it trusts, as PEM text.
#[derive(Debug, Clone)]
pub struct TlsMaterial {
    /// The own certificate, then intermediates if there are any.
    pub chain: String,
    /// The key of the own certificate.
    pub key: KeyPem,
    /// The authorities trusted to issue certificates of the other side: one or more, so that an authority
    /// can be replaced while certificates of the old one are still out.
    pub anchors: String,
    /// Revocation lists of those authorities, none or more. Once there is one, a certificate whose
    /// authority has no list, or only an expired one, is refused.
    pub revocation_lists: Vec<String>,
    /// The trust domain that the other side must belong to.
    pub trust_domain: TrustDomainName,
}

/// The same, read.
pub(super) struct Parsed {
    pub(super) chain: Vec<CertificateDer<'static>>,
    pub(super) key: PrivateKeyDer<'static>,
    pub(super) anchors: Arc<RootCertStore>,
    pub(super) revocation_lists: Vec<CertificateRevocationListDer<'static>>,
}

impl TlsMaterial {
    pub(super) fn parse(&self) -> Result<Parsed, TlsError> {
        let Self {
            chain,
            key,
            anchors,
            revocation_lists,
            trust_domain: _,
        } = self;

        let chain = certificates(chain).ok_or(TlsError::Chain)?;
        let key = PrivateKeyDer::from_pem_slice(key.expose().as_bytes()).map_err(|_| TlsError::Key)?;

        let store = anchors_of(anchors)?;

        let mut lists = Vec::with_capacity(revocation_lists.len());
        for list in revocation_lists {
            let list = CertificateRevocationListDer::from_pem_slice(list.as_bytes());
            lists.push(list.map_err(|_| TlsError::RevocationList)?);
        }
        Ok(Parsed {
            chain,
            key,
            anchors: Arc::new(store),
            revocation_lists: lists,
        })
    }
}

/// The authorities of a PEM text.
pub(super) fn anchors_of(pem: &str) -> Result<RootCertStore, TlsError> {
    let mut store = RootCertStore::empty();
    for anchor in certificates(pem).ok_or(TlsError::Anchors)? {
        store.add(anchor).map_err(|_| TlsError::Anchors)?;
    }
    Ok(store)
}

/// Every certificate of a PEM text; nothing when one is broken or there is none.
fn certificates(pem: &str) -> Option<Vec<CertificateDer<'static>>> {
    let certificates: Vec<_> = CertificateDer::pem_slice_iter(pem.as_bytes())
        .collect::<Result<_, _>>()
        .ok()?;
    (!certificates.is_empty()).then_some(certificates)
}
