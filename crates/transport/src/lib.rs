//! What stands between the network and the handlers: clock, randomness, trust domain, mutual TLS,
//! verified peers, allow-lists, deadlines, limits, refusals, health and shutdown.
//!
//! A connection is accepted by [`listener`], which admits it by TLS and names its peer once; every call
//! on it passes the [`gate`], which checks the certificate again, the allow-list and the deadline.
//! What either refuses is entered in the [`door::DoorLog`] before the refusal leaves.
//! Apart from all that, [`public`] serves to anybody what is public, and [`fetch`] gets it.

pub mod clock;
pub mod random;
pub mod causes;

pub mod pki;

pub mod identity;
pub mod tls;

pub mod allow;
pub mod deadline;
pub mod door;
pub mod gate;
pub mod listener;

pub mod health;
pub mod server;
pub mod shutdown;

pub mod public;

pub mod channel;
pub mod fetch;
