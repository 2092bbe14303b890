//! What travels between nodes, index, agencies and auditors: the messages and services that the `.proto` files
//! define, and their conversions to and from the domain.
//!
//! Wire types live only here and at the first line of a handler: behind it the domain's own types are used.
//! [`proto`] is the generated code, one module for each package `ponte.<area>.v1`; [`convert`] leads from it to the
//! domain and back; [`status`] maps the one table of errors to gRPC.

pub mod proto;
pub mod convert;
pub mod status;
