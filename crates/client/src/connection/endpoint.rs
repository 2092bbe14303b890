//! Where the index is, who the caller is, and whom it trusts.

use std::path::PathBuf;

use ledger::checkpoint::LogVerifier;
use transport::channel::ServerAddress;
use transport::pki::files::{read_certificate, read_key};
use transport::pki::names::{IndexId, TrustDomainName};
use transport::tls::material::TlsMaterial;

use crate::connection::Timing;
use crate::error::SetupError;
use crate::receipt::ReceiptPolicy;
use crate::upgrade::Witnessing;

/// Everything that a connection is made from.
#[derive(Clone, Debug)]
pub struct Endpoint {
    /// Host, port and name of the server.
    pub server: ServerAddress,
    /// The caller's certificate and key, and the authorities it trusts.
    pub identity: IdentityFiles,
    /// Trust domain of both sides.
    pub trust_domain: TrustDomainName,
    /// The one server that is accepted; any server of the trust domain when absent.
    pub expected_server: Option<IndexId>,
    /// What is done with receipts.
    pub receipts: ReceiptPolicy,
    /// Deadline, attempts and waits.
    pub timing: Timing,
}

/// Files of the caller's identity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdentityFiles {
    /// Certificate chain, PEM.
    pub certificate: PathBuf,
    /// Private key, PEM, mode 0600.
    pub key: PathBuf,
    /// Trusted authorities, PEM.
    pub authorities: PathBuf,
    /// Revocation lists of those authorities, PEM.
    pub revocation_lists: Vec<PathBuf>,
}

impl Endpoint {
    /// Any server of the trust domain, with every receipt verified under the key of its log, and the usual deadline and
    /// attempts.
    pub fn new(
        server: ServerAddress,
        identity: IdentityFiles,
        trust_domain: TrustDomainName,
        log: LogVerifier,
    ) -> Self {
        Self {
            server,
            identity,
            trust_domain,
            expected_server: None,
            receipts: ReceiptPolicy::Verify(log),
            timing: Timing::default(),
        }
    }

    /// The same, and every receipt becomes a witnessed one in the time that is stated, or an alarm is raised.
    #[must_use]
    pub fn witnessed(self, witnessing: Witnessing) -> Self {
        Self {
            receipts: ReceiptPolicy::Witness(Box::new(witnessing)),
            ..self
        }
    }
}

impl IdentityFiles {
    pub(crate) fn read(&self, trust_domain: &TrustDomainName) -> Result<TlsMaterial, SetupError> {
        let Self {
            certificate,
            key,
            authorities,
            revocation_lists,
        } = self;
        Ok(TlsMaterial {
            chain: read_certificate(certificate)?,
            key: read_key(key)?,
            anchors: read_certificate(authorities)?,
            revocation_lists: revocation_lists
                .iter()
                .map(|list| read_certificate(list))
                .collect::<Result<_, _>>()?,
            trust_domain: trust_domain.clone(),
        })
    }
}
