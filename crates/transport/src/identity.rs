//! From a certificate to a peer, once per connection.
//!
//! The chain has been verified by TLS before anything here runs; this module decides whom the
//! certificate names. Handlers get a peer from nowhere else.

use std::net::{IpAddr, SocketAddr};
use std::ops::Deref;
use std::sync::Arc;

use rustls_pki_types::CertificateDer;
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::FromDer;

use agreement::peer::{Peer, SpiffeId};

use crate::pki::names::{IndexId, TrustDomainName};
use crate::pki::summary;

/// A peer whose certificate was verified on the connection that the call came by.
/// Only this crate makes one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedPeer(Arc<Peer>);

/// The call did not pass the acceptor of this crate: a defect of the wiring, never of a caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the call carries no verified peer")]
pub struct NoVerifiedPeer;

/// Why a certificate that TLS accepts names nobody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum IdentityFault {
    /// The certificate's names or usages cannot be read.
    #[error("the certificate's names cannot be read")]
    Unreadable,
    /// There is no URI name.
    #[error("the certificate carries no URI name")]
    NoUri,
    /// There are several URI names, and none is preferred to another.
    #[error("the certificate carries more than one URI name")]
    SeveralUris,
    /// The URI is not `spiffe://<trust-domain>/<role>/<id>` with a known role.
    #[error("the certificate's URI names no peer")]
    NotAPeer,
    /// The URI is not `spiffe://<trust-domain>/index/<id>`, or not the expected server's.
    #[error("the certificate's URI does not name the expected server")]
    NotTheServer,
    /// The peer belongs to another trust domain.
    #[error("the certificate's URI belongs to another trust domain")]
    ForeignTrustDomain,
    /// The extended key usage does not allow this use, or is missing.
    #[error("the certificate does not state that it may be used for this")]
    Usage,
}

/// What is kept of a client's certificate for the life of its connection.
#[derive(Debug, Clone)]
pub(crate) struct Admitted {
    pub(crate) peer: VerifiedPeer,
    /// The last second of validity, since 1970.
    pub(crate) not_after: i64,
    /// Issuer and serial number, as `webpki` encodes them, for the revocation lists.
    pub(crate) issuer: Vec<u8>,
    pub(crate) serial: Vec<u8>,
}

impl VerifiedPeer {
    /// The peer of a call, from the extensions of its request.
    pub fn of(extensions: &http::Extensions) -> Result<Self, NoVerifiedPeer> {
        extensions.get::<Self>().cloned().ok_or(NoVerifiedPeer)
    }

    /// The peer.
    pub fn peer(&self) -> &Peer {
        &self.0
    }
}

impl Deref for VerifiedPeer {
    type Target = Peer;

    fn deref(&self) -> &Peer {
        &self.0
    }
}

/// Names the peer that a verified chain's first certificate belongs to.
pub(crate) fn admit(
    certificate: &CertificateDer<'_>,
    trust_domain: &TrustDomainName,
    address: SocketAddr,
) -> Result<Admitted, IdentityFault> {
    let facts = read(certificate)?;
    let id = peer_of(&facts, trust_domain)?;
    let entity = webpki::EndEntityCert::try_from(certificate).map_err(|_| IdentityFault::Unreadable)?;
    let peer = Peer {
        id,
        certificate: summary::fingerprint(certificate),
        address: canonical(address.ip()),
    };
    Ok(Admitted {
        peer: VerifiedPeer(Arc::new(peer)),
        not_after: facts.not_after,
        issuer: entity.issuer().to_vec(),
        serial: entity.serial().to_vec(),
    })
}

/// Checks that a client certificate names a peer of `trust_domain`.
pub(crate) fn check_client(
    certificate: &CertificateDer<'_>,
    trust_domain: &TrustDomainName,
) -> Result<(), IdentityFault> {
    peer_of(&read(certificate)?, trust_domain).map(|_| ())
}

/// Checks that a server certificate names a server of `trust_domain`, and `expected` when one is given.
pub(crate) fn check_server(
    certificate: &CertificateDer<'_>,
    trust_domain: &TrustDomainName,
    expected: Option<&IndexId>,
) -> Result<(), IdentityFault> {
    let facts = read(certificate)?;
    if !facts.server_auth {
        return Err(IdentityFault::Usage);
    }
    let id = IndexId::parse(&facts.uri).map_err(|_| IdentityFault::NotTheServer)?;
    if id.trust_domain() != trust_domain {
        return Err(IdentityFault::ForeignTrustDomain);
    }
    if expected.is_some_and(|expected| *expected != id) {
        return Err(IdentityFault::NotTheServer);
    }
    Ok(())
}

/// The IPv4 address behind an IPv6 socket's mapped one, so that one peer has one address.
pub(crate) fn canonical(address: IpAddr) -> IpAddr {
    address.to_canonical()
}

struct Facts {
    uri: String,
    client_auth: bool,
    server_auth: bool,
    not_after: i64,
}

fn peer_of(facts: &Facts, trust_domain: &TrustDomainName) -> Result<SpiffeId, IdentityFault> {
    // A certificate without extended key usage is good for every use to webpki, and for none to us.
    if !facts.client_auth {
        return Err(IdentityFault::Usage);
    }
    let id = SpiffeId::parse(&facts.uri).map_err(|_| IdentityFault::NotAPeer)?;
    if id.trust_domain() != trust_domain.as_str() {
        return Err(IdentityFault::ForeignTrustDomain);
    }
    Ok(id)
}

fn read(certificate: &CertificateDer<'_>) -> Result<Facts, IdentityFault> {
    let Ok((_, certificate)) = X509Certificate::from_der(certificate) else {
        return Err(IdentityFault::Unreadable);
    };
    let names = certificate
        .subject_alternative_name()
        .map_err(|_| IdentityFault::Unreadable)?;
    let mut uri = None;
    for name in names.iter().flat_map(|extension| &extension.value.general_names) {
        match name {
            GeneralName::URI(text) if uri.is_none() => uri = Some((*text).to_owned()),
            GeneralName::URI(_) => return Err(IdentityFault::SeveralUris),
            GeneralName::Invalid(..) => return Err(IdentityFault::Unreadable),
            GeneralName::OtherName(..)
            | GeneralName::RFC822Name(_)
            | GeneralName::DNSName(_)
            | GeneralName::X400Address(_)
            | GeneralName::DirectoryName(_)
            | GeneralName::EDIPartyName(_)
            | GeneralName::IPAddress(_)
            | GeneralName::RegisteredID(_) => {}
        }
    }
    let uri = uri.ok_or(IdentityFault::NoUri)?;
    let usages = certificate
        .extended_key_usage()
        .map_err(|_| IdentityFault::Unreadable)?;
    Ok(Facts {
        uri,
        client_auth: usages.as_ref().is_some_and(|usages| usages.value.client_auth),
        server_auth: usages.as_ref().is_some_and(|usages| usages.value.server_auth),
        not_after: certificate.validity().not_after.timestamp(),
    })
}
