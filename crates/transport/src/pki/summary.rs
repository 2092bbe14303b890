//! Reading certificates for people and for decisions about renewal.

use aws_lc_rs::digest;
use chrono::{DateTime, Utc};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::FromDer;

use agreement::peer::CertificateFingerprint;

use crate::pki::error::PkiError;
use crate::pki::names::Validity;

const LONGEST_SERIAL: usize = 20;

/// What a certificate says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateSummary {
    /// Its URI names, in order; a usable certificate has exactly one.
    pub uris: Vec<String>,
    /// Its DNS names, in order.
    pub dns_names: Vec<String>,
    /// When it is valid.
    pub validity: Validity,
    /// SHA-256 of its DER encoding.
    pub fingerprint: CertificateFingerprint,
    /// The issuer's name as RFC 4514 text.
    pub issuer: String,
    /// The serial number in lower-case hexadecimal.
    pub serial: String,
    /// Whether it may be used by a client.
    pub client_auth: bool,
    /// Whether it may be used by a server.
    pub server_auth: bool,
    /// Whether it may issue other certificates.
    pub authority: bool,
    /// The public key as it stands in the certificate.
    pub public_key: Vec<u8>,
}

impl CertificateSummary {
    /// Whether two thirds of the life are over at `now`.
    pub fn needs_renewal(&self, now: DateTime<Utc>) -> bool {
        self.validity.renewal_due() <= now
    }
}

/// Reads the first certificate of a PEM text.
pub fn inspect(pem: &str) -> Result<CertificateSummary, PkiError> {
    let der = der_of(pem)?;
    let certificate = parse(&der)?;

    let mut uris = Vec::new();
    let mut dns_names = Vec::new();
    let names = certificate
        .subject_alternative_name()
        .map_err(|_| PkiError::UnreadableCertificate)?;
    for name in names.iter().flat_map(|extension| &extension.value.general_names) {
        match name {
            GeneralName::URI(uri) => uris.push((*uri).to_owned()),
            GeneralName::DNSName(dns_name) => dns_names.push((*dns_name).to_owned()),
            GeneralName::Invalid(..) => return Err(PkiError::UnreadableCertificate),
            GeneralName::OtherName(..)
            | GeneralName::RFC822Name(_)
            | GeneralName::X400Address(_)
            | GeneralName::DirectoryName(_)
            | GeneralName::EDIPartyName(_)
            | GeneralName::IPAddress(_)
            | GeneralName::RegisteredID(_) => {}
        }
    }

    let usages = certificate
        .extended_key_usage()
        .map_err(|_| PkiError::UnreadableCertificate)?;
    let instant = |seconds| DateTime::from_timestamp(seconds, 0).ok_or(PkiError::UnreadableCertificate);
    let not_before = instant(certificate.validity().not_before.timestamp())?;
    let not_after = instant(certificate.validity().not_after.timestamp())?;
    Ok(CertificateSummary {
        uris,
        dns_names,
        validity: Validity::new(not_before, not_after).map_err(|_| PkiError::UnreadableCertificate)?,
        fingerprint: fingerprint(&der),
        issuer: certificate.issuer().to_string(),
        serial: hex(certificate.raw_serial()),
        client_auth: usages.as_ref().is_some_and(|usages| usages.value.client_auth),
        server_auth: usages.as_ref().is_some_and(|usages| usages.value.server_auth),
        authority: certificate.is_ca(),
        public_key: certificate.public_key().subject_public_key.data.to_vec(),
    })
}

/// SHA-256 of a certificate's DER encoding.
pub fn fingerprint(der: &CertificateDer<'_>) -> CertificateFingerprint {
    let output = digest::digest(&digest::SHA256, der);
    let mut bytes = [0; digest::SHA256_OUTPUT_LEN];
    bytes.copy_from_slice(output.as_ref());
    CertificateFingerprint(bytes)
}

/// Whether the key of the certificate `authority` signed `pem`.
pub(crate) fn is_signed_by(pem: &str, authority: &str) -> Result<bool, PkiError> {
    let (der, authority) = (der_of(pem)?, der_of(authority)?);
    let (certificate, authority) = (parse(&der)?, parse(&authority)?);
    Ok(certificate.verify_signature(Some(authority.public_key())).is_ok())
}

/// The bytes of a serial number shown in hexadecimal.
pub(crate) fn serial_bytes(serial: &str) -> Result<Vec<u8>, PkiError> {
    let digits = serial.as_bytes();
    if digits.is_empty() || !digits.len().is_multiple_of(2) || 2 * LONGEST_SERIAL < digits.len() {
        return Err(PkiError::InvalidSerial);
    }
    let mut bytes = Vec::with_capacity(digits.len() / 2);
    for pair in digits.chunks_exact(2) {
        let [high, low] = pair else {
            return Err(PkiError::InvalidSerial);
        };
        let value = |digit: &u8| char::from(*digit).to_digit(16).ok_or(PkiError::InvalidSerial);
        let byte = value(high)? << 4 | value(low)?;
        bytes.push(u8::try_from(byte).map_err(|_| PkiError::InvalidSerial)?);
    }
    Ok(bytes)
}

fn der_of(pem: &str) -> Result<CertificateDer<'static>, PkiError> {
    CertificateDer::from_pem_slice(pem.as_bytes()).map_err(|_| PkiError::UnreadableCertificate)
}

fn parse<'a>(der: &'a CertificateDer<'_>) -> Result<X509Certificate<'a>, PkiError> {
    let Ok((rest, certificate)) = X509Certificate::from_der(der) else {
        return Err(PkiError::UnreadableCertificate);
    };
    if !rest.is_empty() {
        return Err(PkiError::UnreadableCertificate);
    }
    Ok(certificate)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
