//! A client without a certificate, for what anybody may read: it demands the server's DNS name from authorities that
//! it was given, and nothing else. Whatever is read that way must prove itself.

use std::fmt;
use std::sync::Arc;

use rustls::ClientConfig;
use rustls::client::Resumption;

use crate::clock::Clock;
use crate::tls::error::TlsError;
use crate::tls::material::anchors_of;
use crate::tls::{ALPN_HTTP1, TlsTime, provider};

/// A configuration of a client without a certificate.
#[derive(Clone)]
pub struct AnonymousTls {
    pub(crate) config: Arc<ClientConfig>,
}

impl AnonymousTls {
    /// Trusts the authorities of a PEM text.
    ///
    /// # Errors
    /// There is none that can be read.
    pub fn new(authorities: &str, clock: Arc<dyn Clock>) -> Result<Self, TlsError> {
        let anchors = anchors_of(authorities)?;
        let mut config = ClientConfig::builder_with_details(provider(), Arc::new(TlsTime(clock)))
            .with_protocol_versions(&[&rustls::version::TLS13])?
            .with_root_certificates(anchors)
            .with_no_client_auth();
        config.alpn_protocols = vec![ALPN_HTTP1.to_vec()];
        config.resumption = Resumption::disabled();
        config.enable_early_data = false;
        Ok(Self {
            config: Arc::new(config),
        })
    }
}

impl fmt::Debug for AnonymousTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AnonymousTls(..)")
    }
}
