//! The authority of a trust domain: it issues, renews and revokes.

use std::time::Duration;

use chrono::{DateTime, Utc};
use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, DistinguishedName, DnType,
    ExtendedKeyUsagePurpose, IsCa, Issuer, KeyIdMethod, KeyPair, KeyUsagePurpose, PublicKeyData,
    RevokedCertParams, SanType, SerialNumber,
};

use agreement::peer::SpiffeId;

use crate::pki::error::PkiError;
use crate::pki::names::{IndexId, TrustDomainName, Validity};
use crate::pki::request::{self, KeyPem};
use crate::pki::summary;
use crate::random::Random;

/// The authority, ready to sign.
#[derive(Debug)]
pub struct TrustDomain {
    name: TrustDomainName,
    certificate: String,
    issuer: Issuer<'static, KeyPair>,
}

/// A certificate and its key, both PEM.
#[derive(Debug, Clone)]
pub struct Issued {
    /// The certificate, PEM.
    pub certificate: String,
    /// The private key, PEM.
    pub key: KeyPem,
}

/// One line of a revocation list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revocation {
    /// The certificate's serial number in hexadecimal, as `CertificateSummary::serial` shows it.
    pub serial: String,
    /// When it was revoked.
    pub at: DateTime<Utc>,
}

/// Whose certificate is being issued.
#[derive(Debug, Clone, Copy)]
enum Holder<'a> {
    Peer(&'a SpiffeId),
    Server(&'a IndexId, &'a [&'a str]),
}

impl TrustDomain {
    /// Makes the authority of a new trust domain: a self-signed certificate and its key.
    pub fn create(
        name: &TrustDomainName,
        validity: Validity,
        random: &dyn Random,
    ) -> Result<Issued, PkiError> {
        let key = request::new_key()?;
        let mut params = blank(validity, random);
        params
            .distinguished_name
            .push(DnType::CommonName, format!("Ponte trust domain {name}"));
        params.subject_alt_names = vec![SanType::URI(name.uri().try_into()?)];
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let certificate = params.self_signed(&key)?.pem();
        Ok(Issued {
            certificate,
            key: KeyPem::new(key.serialize_pem()),
        })
    }

    /// Opens an authority made by [`TrustDomain::create`].
    pub fn open(certificate: &str, key: &KeyPem) -> Result<Self, PkiError> {
        let facts = summary::inspect(certificate)?;
        let [uri] = facts.uris.as_slice() else {
            return Err(PkiError::NotAnAuthority);
        };
        let name = uri.strip_prefix("spiffe://").ok_or(PkiError::NotAnAuthority)?;
        let name = TrustDomainName::parse(name).map_err(|_| PkiError::NotAnAuthority)?;
        if !facts.authority {
            return Err(PkiError::NotAnAuthority);
        }
        let key = KeyPair::from_pem(key.expose()).map_err(|_| PkiError::UnreadableKey)?;
        if facts.public_key != key.der_bytes() {
            return Err(PkiError::KeyMismatch);
        }
        let issuer =
            Issuer::from_ca_cert_pem(certificate, key).map_err(|_| PkiError::UnreadableCertificate)?;
        Ok(Self {
            name,
            certificate: certificate.to_owned(),
            issuer,
        })
    }

    /// The name of the trust domain.
    pub fn name(&self) -> &TrustDomainName {
        &self.name
    }

    /// The authority's certificate, PEM: the trust anchor of everybody else.
    pub fn certificate(&self) -> &str {
        &self.certificate
    }

    /// Issues the certificate of the peer `id` for a request that names exactly `id`.
    pub fn issue(
        &self,
        csr: &str,
        id: &SpiffeId,
        validity: Validity,
        random: &dyn Random,
    ) -> Result<String, PkiError> {
        self.issue_for_request(csr, Holder::Peer(id), validity, random)
    }

    /// Issues the certificate of the server `id`, reached under `dns_names`, for a request that names
    /// exactly these.
    pub fn issue_server(
        &self,
        csr: &str,
        id: &IndexId,
        dns_names: &[&str],
        validity: Validity,
        random: &dyn Random,
    ) -> Result<String, PkiError> {
        self.issue_for_request(csr, Holder::Server(id, dns_names), validity, random)
    }

    /// Makes the peer's key here and issues its certificate at once. The authority then knows a key that
    /// it should not know: for demonstrations and tests.
    pub fn issue_with_key(
        &self,
        id: &SpiffeId,
        validity: Validity,
        random: &dyn Random,
    ) -> Result<Issued, PkiError> {
        self.issue_here(Holder::Peer(id), validity, random)
    }

    /// Makes the server's key here and issues its certificate at once: see [`TrustDomain::issue_with_key`].
    pub fn issue_server_with_key(
        &self,
        id: &IndexId,
        dns_names: &[&str],
        validity: Validity,
        random: &dyn Random,
    ) -> Result<Issued, PkiError> {
        self.issue_here(Holder::Server(id, dns_names), validity, random)
    }

    /// Issues a certificate with the names of `certificate`, which this authority issued, for a new key.
    pub fn renew(
        &self,
        certificate: &str,
        csr: &str,
        validity: Validity,
        random: &dyn Random,
    ) -> Result<String, PkiError> {
        if !summary::is_signed_by(certificate, &self.certificate)? {
            return Err(PkiError::ForeignCertificate);
        }
        let facts = summary::inspect(certificate)?;
        let [uri] = facts.uris.as_slice() else {
            return Err(PkiError::NoIdentity);
        };
        if let Ok(id) = IndexId::parse(uri) {
            let dns_names: Vec<&str> = facts.dns_names.iter().map(String::as_str).collect();
            return self.issue_server(csr, &id, &dns_names, validity, random);
        }
        let id = SpiffeId::parse(uri).map_err(|_| PkiError::NoIdentity)?;
        self.issue(csr, &id, validity, random)
    }

    /// The revocation list of `revocations`, PEM. `number` must grow from list to list; after `validity`
    /// ends, servers that enforce the list refuse every certificate until they get a newer one.
    pub fn revocation_list(
        &self,
        revocations: &[Revocation],
        number: u64,
        validity: Validity,
    ) -> Result<String, PkiError> {
        let mut revoked_certs = Vec::with_capacity(revocations.len());
        for Revocation { serial, at } in revocations {
            revoked_certs.push(RevokedCertParams {
                serial_number: SerialNumber::from_slice(&summary::serial_bytes(serial)?),
                revocation_time: rcgen::date_time_ymd(1970, 1, 1) + since_epoch(*at),
                reason_code: None,
                invalidity_date: None,
            });
        }
        let params = CertificateRevocationListParams {
            this_update: rcgen::date_time_ymd(1970, 1, 1) + since_epoch(validity.not_before()),
            next_update: rcgen::date_time_ymd(1970, 1, 1) + since_epoch(validity.not_after()),
            crl_number: SerialNumber::from(number),
            issuing_distribution_point: None,
            revoked_certs,
            key_identifier_method: KeyIdMethod::Sha256,
        };
        Ok(params.signed_by(&self.issuer)?.pem()?)
    }

    fn issue_for_request(
        &self,
        csr: &str,
        holder: Holder<'_>,
        validity: Validity,
        random: &dyn Random,
    ) -> Result<String, PkiError> {
        let params = self.params_of(holder, validity, random)?;
        let request = request::read(csr, &params.subject_alt_names)?;
        // Only the key is taken from the request: names, usages and validity are the authority's.
        Ok(params.signed_by(&request.public_key, &self.issuer)?.pem())
    }

    fn issue_here(
        &self,
        holder: Holder<'_>,
        validity: Validity,
        random: &dyn Random,
    ) -> Result<Issued, PkiError> {
        let key = request::new_key()?;
        let params = self.params_of(holder, validity, random)?;
        let certificate = params.signed_by(&key, &self.issuer)?.pem();
        Ok(Issued {
            certificate,
            key: KeyPem::new(key.serialize_pem()),
        })
    }

    fn params_of(
        &self,
        holder: Holder<'_>,
        validity: Validity,
        random: &dyn Random,
    ) -> Result<CertificateParams, PkiError> {
        let mut params = blank(validity, random);
        params.is_ca = IsCa::ExplicitNoCa;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.use_authority_key_identifier_extension = true;
        let trust_domain = match holder {
            Holder::Peer(id) => {
                params.subject_alt_names = request::subject_alt_names(&id.to_string(), &[])?;
                params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
                id.trust_domain()
            }
            Holder::Server(id, dns_names) => {
                if dns_names.is_empty() {
                    return Err(PkiError::NoDnsName);
                }
                params.subject_alt_names = request::subject_alt_names(&id.to_string(), dns_names)?;
                params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
                id.trust_domain().as_str()
            }
        };
        if trust_domain != self.name.as_str() {
            return Err(PkiError::ForeignTrustDomain);
        }
        Ok(params)
    }
}

/// Parameters with a random serial number of 127 bits and an empty subject.
fn blank(validity: Validity, random: &dyn Random) -> CertificateParams {
    let mut serial = [0; 16];
    random.fill(&mut serial);
    // Positive, and with no leading zero byte (RFC 5280 §4.1.2.2).
    serial[0] = (serial[0] & 0x7f) | 0x40;
    let mut params = CertificateParams::default();
    params.serial_number = Some(SerialNumber::from_slice(&serial));
    params.not_before = rcgen::date_time_ymd(1970, 1, 1) + since_epoch(validity.not_before());
    params.not_after = rcgen::date_time_ymd(1970, 1, 1) + since_epoch(validity.not_after());
    params.distinguished_name = DistinguishedName::new();
    params
}

/// Time since 1970, which `rcgen` adds to its own kind of date; earlier instants count as 1970.
fn since_epoch(instant: DateTime<Utc>) -> Duration {
    Duration::from_secs(u64::try_from(instant.timestamp()).unwrap_or(0))
}
