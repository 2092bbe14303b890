//! Real TLS over the loopback, from the handshake to the answer.

#![expect(clippy::unwrap_used, reason = "a test that cannot set its scene must fail")]

mod calls;
mod handshakes;
mod pages;
mod stop;
mod support;
