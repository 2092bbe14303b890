//! Generated code, one module for each package: `ponte.consultation.v1` is [`consultation::v1`].
//!
//! The files under `gen` are written by the test `codegen` and never by hand.

use prost::Message;

/// The whole contract as an encoded `google.protobuf.FileDescriptorSet`, without comments.
pub const FILE_DESCRIPTOR_SET: &[u8] = include_bytes!("gen/descriptors.bin");

macro_rules! packages {
    ($($(#[$doc:meta])* $area:ident = $file:literal;)*) => {
        $(
            $(#[$doc])*
            #[allow(
                clippy::all,
                clippy::pedantic,
                clippy::unwrap_used,
                clippy::or_fun_call,
                clippy::redundant_clone,
                clippy::use_self,
                clippy::needless_pass_by_value,
                missing_debug_implementations,
                unreachable_pub,
                unused_qualifications,
                elided_lifetimes_in_paths,
                rustdoc::all,
                reason = "generated code is judged by the test that generates it"
            )]
            pub mod $area {
                /// Version 1.
                pub mod v1 {
                    include!(concat!("gen/", $file));
                }
            }
        )*
    };
}

packages! {
    /// Value types that every area shares.
    r#type = "ponte.type.v1.rs";
    /// What registries write on a card.
    registry = "ponte.registry.v1.rs";
    /// Receipts of the access log.
    ledger = "ponte.ledger.v1.rs";
    /// Reasons of errors.
    error = "ponte.error.v1.rs";
    /// Nodes to index.
    publication = "ponte.publication.v1.rs";
    /// Agencies to index.
    consultation = "ponte.consultation.v1.rs";
    /// Auditors to index.
    audit = "ponte.audit.v1.rs";
    /// Witnesses to index.
    witness = "ponte.witness.v1.rs";
    /// Administrators to index.
    agreement = "ponte.agreement.v1.rs";
    /// Who takes part.
    directory = "ponte.directory.v1.rs";
}

/// Debugging output of a message that may hold personal data: its name only.
macro_rules! hidden_debug {
    ($($path:tt)*) => {
        impl std::fmt::Debug for $($path)* {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(concat!(stringify!($($path)*), "(..)"))
            }
        }
    };
}

include!("gen/hidden_debug.rs");

/// Every method of the contract as gRPC names it, "package.Service/Method": what start-up compares with the
/// allow-lists, so that no method is served that nobody decided on.
pub fn methods() -> Vec<String> {
    let set = prost_types::FileDescriptorSet::decode(FILE_DESCRIPTOR_SET)
        .expect("the committed image is a descriptor set, as the test codegen holds");
    let mut methods = Vec::new();
    for file in &set.file {
        for service in &file.service {
            let path = |method: &str| format!("{}.{}/{method}", file.package(), service.name());
            methods.extend(service.method.iter().map(|method| path(method.name())));
        }
    }
    methods
}

#[cfg(test)]
mod tests {
    #[test]
    fn methods_bear_the_names_that_travel() {
        let methods = super::methods();
        assert!(methods.contains(&"ponte.consultation.v1.ConsultationService/LookupPerson".to_owned()));
        assert!(
            methods.iter().all(|method| method.starts_with("ponte.")),
            "{methods:?}"
        );
        let distinct: std::collections::BTreeSet<&String> = methods.iter().collect();
        assert_eq!(distinct.len(), methods.len());
    }
}
