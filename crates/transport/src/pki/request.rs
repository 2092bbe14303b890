//! Signing requests: the key stays with the one who asks, the authority sees only the request.

use std::fmt;

use rcgen::{CertificateParams, CertificateSigningRequestParams, KeyPair, SanType};
use rustls_pki_types::CertificateSigningRequestDer;
use rustls_pki_types::pem::PemObject;
use zeroize::Zeroizing;

use agreement::peer::SpiffeId;

use crate::pki::error::PkiError;
use crate::pki::names::IndexId;

/// How every block begins (RFC 7468 §2).
const BEGIN: &str = "-----BEGIN";

/// Label of a signing request (RFC 7468 §7).
const LABEL: &str = "CERTIFICATE REQUEST";

const DASHES: &str = "-----";

/// A private key as PEM text. It is wiped when dropped and never shown by `Debug`.
#[derive(Clone)]
pub struct KeyPem(Zeroizing<String>);

/// A signing request and the key it was made with.
#[derive(Debug, Clone)]
pub struct SigningRequest {
    /// The request, PEM: goes to the authority.
    pub csr: String,
    /// The private key, PEM: stays where it was made.
    pub key: KeyPem,
}

impl KeyPem {
    /// Takes PEM text over; what it holds is checked where it is used.
    pub fn new(pem: String) -> Self {
        Self(Zeroizing::new(pem))
    }

    /// The PEM text.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for KeyPem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyPem(..)")
    }
}

/// Makes a key and a request for the certificate of the peer `id`.
pub fn csr(id: &SpiffeId) -> Result<SigningRequest, PkiError> {
    make(&id.to_string(), &[])
}

/// Makes a key and a request for the certificate of the server `id`, reached under `dns_names`.
pub fn server_csr(id: &IndexId, dns_names: &[&str]) -> Result<SigningRequest, PkiError> {
    make(&id.to_string(), dns_names)
}

/// Checks that a signing request is for exactly the peer `id`, made with a key of the admitted kind and signed with it.
pub fn check_names(csr: &str, id: &SpiffeId) -> Result<(), PkiError> {
    read(csr, &subject_alt_names(&id.to_string(), &[])?).map(drop)
}

/// Reads a signing request that must ask for exactly these names. Other text may stand beside it, as in a request of
/// enrolment, but no other block.
pub(crate) fn read(csr: &str, names: &[SanType]) -> Result<CertificateSigningRequestParams, PkiError> {
    let der = the_block(csr)?;
    let request = CertificateSigningRequestParams::from_der(&der).map_err(|_| PkiError::UnreadableRequest)?;
    if request.public_key.algorithm() != &rcgen::PKCS_ECDSA_P256_SHA256 {
        return Err(PkiError::RequestKeyKind);
    }
    if request.params.subject_alt_names != names {
        return Err(PkiError::RequestNamesAnother);
    }
    Ok(request)
}

/// The one block of a text. Parsers differ in which of several they take, so that the request that people compared need
/// not be the one that is signed.
fn the_block(text: &str) -> Result<CertificateSigningRequestDer<'static>, PkiError> {
    let begins = format!("{BEGIN} {LABEL}{DASHES}");
    if text.matches(BEGIN).count() != 1 || !text.contains(&begins) {
        return Err(PkiError::NotOneRequest);
    }
    CertificateSigningRequestDer::from_pem_slice(text.as_bytes()).map_err(|_| PkiError::UnreadableRequest)
}

/// The names of a certificate: the identity first, then the DNS names.
pub(crate) fn subject_alt_names(uri: &str, dns_names: &[&str]) -> Result<Vec<SanType>, PkiError> {
    let mut names = vec![SanType::URI(uri.try_into()?)];
    for dns_name in dns_names {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.');
        if dns_name.is_empty() || !dns_name.bytes().all(allowed) {
            return Err(PkiError::InvalidDnsName);
        }
        names.push(SanType::DnsName((*dns_name).try_into()?));
    }
    Ok(names)
}

pub(crate) fn new_key() -> Result<KeyPair, PkiError> {
    Ok(KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256)?)
}

fn make(uri: &str, dns_names: &[&str]) -> Result<SigningRequest, PkiError> {
    let key = new_key()?;
    let mut params = CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.subject_alt_names = subject_alt_names(uri, dns_names)?;
    let csr = params.serialize_request(&key)?.pem()?;
    Ok(SigningRequest {
        csr,
        key: KeyPem::new(key.serialize_pem()),
    })
}
