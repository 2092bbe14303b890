//! TLS: version 1.3 only, mutual between peers, one cryptographic provider.

pub mod client;
pub mod anonymous;
pub mod error;
pub mod live;
pub mod material;
pub mod server;

use std::sync::Arc;

use rustls::crypto::CryptoProvider;
use rustls::crypto::aws_lc_rs::{self, kx_group};
use rustls::time_provider::TimeProvider;
use rustls_pki_types::UnixTime;

use crate::clock::Clock;

/// The protocol of every connection between peers: HTTP/2, named in the handshake.
pub(crate) const ALPN_HTTP2: &[u8] = b"h2";

/// The protocol of connections of anybody.
pub(crate) const ALPN_HTTP1: &[u8] = b"http/1.1";

/// The provider, with the hybrid post-quantum key exchange first; peers whose library cannot speak it
/// fall back to the classical groups.
fn provider() -> Arc<CryptoProvider> {
    let kx_groups = vec![
        kx_group::X25519MLKEM768,
        kx_group::X25519,
        kx_group::SECP256R1,
        kx_group::SECP384R1,
    ];
    Arc::new(CryptoProvider {
        kx_groups,
        ..aws_lc_rs::default_provider()
    })
}

/// Our clock as the TLS library reads it.
#[derive(Debug)]
struct TlsTime(Arc<dyn Clock>);

impl TimeProvider for TlsTime {
    fn current_time(&self) -> Option<UnixTime> {
        Some(UnixTime::since_unix_epoch(std::time::Duration::from_millis(
            self.0.now_ms(),
        )))
    }
}
