//! The settings: each with its flag, its environment variable and its key.

use std::path::{Path, PathBuf};

use clap::Args;
use serde::Deserialize;

use crate::failure::Failure;
use crate::io::Environment;

macro_rules! settings {
    ($(#[doc = $doc:literal])* $name:ident, $heading:literal {
        $($field:ident: $type:ty, $variable:literal, $help:literal;)+
    }) => {
        $(#[doc = $doc])*
        #[derive(Args, Clone, Debug, Default, Deserialize)]
        #[serde(deny_unknown_fields)]
        pub struct $name {
            $(
                #[doc = $help]
                #[arg(long, help_heading = $heading, help = concat!($help, " [env: ", $variable, "]"))]
                pub $field: Option<$type>,
            )+
        }

        impl $name {
            /// What the environment sets.
            pub fn of_environment(environment: &Environment) -> Result<Self, Failure> {
                Ok(Self {
                    $($field: match environment.get($variable) {
                        Some(text) => Some(text.parse().map_err(|_| unreadable($variable))?),
                        None => None,
                    },)+
                })
            }

            /// These settings, and the other ones where these are silent.
            #[must_use]
            pub fn or(self, other: Self) -> Self {
                Self { $($field: self.$field.or(other.$field),)+ }
            }
        }
    };
}

settings! {
    /// Where the index is and who calls.
    ConnectionSettings, "Connection" {
        endpoint: String, "PONTE_ENDPOINT", "Host and port of the index";
        server_name: String, "PONTE_SERVER_NAME", "DNS name in the index's certificate, where it is not the host";
        trust_domain: String, "PONTE_TRUST_DOMAIN", "Trust domain of both sides";
        certificate: PathBuf, "PONTE_CERTIFICATE", "Own certificate, PEM";
        key: PathBuf, "PONTE_KEY", "Own key, PEM, mode 0600";
        authorities: PathBuf, "PONTE_AUTHORITIES", "Trusted authorities, PEM";
        revocation_list: PathBuf, "PONTE_REVOCATION_LIST", "Revocation list of the authority, PEM";
        log_key: String, "PONTE_LOG_KEY", "Verifier key of the access log, with which receipts are verified";
        policy: PathBuf, "PONTE_POLICY", "Policy file of logs and witnesses, C2SP tlog-policy: receipts are verified under it, and become witnessed within the hour";
        receipts: String, "PONTE_RECEIPTS", "What is done with receipts: verify, as usual, or keep, which needs no log key";
        deadline_seconds: u64, "PONTE_DEADLINE_SECONDS", "Longest time for one call";
    }
}

settings! {
    /// On what ground an agency calls.
    ContextSettings, "Ground of the call" {
        agreement: String, "PONTE_AGREEMENT", "Agreement (convenzione)";
        purpose: String, "PONTE_PURPOSE", "Purpose (finalità) of the agreement";
        operator: String, "PONTE_OPERATOR", "The agency's own id of the person who asks";
        assurance: String, "PONTE_ASSURANCE", "How strongly that person was authenticated: low, substantial, high";
        workstation: String, "PONTE_WORKSTATION", "Workstation from which the person works";
        case_reference: String, "PONTE_CASE_REFERENCE", "Number of the case file";
        consent_reference: String, "PONTE_CONSENT_REFERENCE", "Number and day of the declarant's consent: \"CONS/2026-118 2026-03-01\"";
        statement_version: String, "PONTE_STATEMENT_VERSION", "Version of the information statement that the person accepted";
    }
}

settings! {
    /// Why an auditor reads the access log.
    ReadingSettings, "Ground of the reading" {
        purpose: String, "PONTE_READING_PURPOSE", "Purpose of the reading";
        reference: String, "PONTE_READING_REFERENCE", "Number of the case for which the log is read";
        reader: String, "PONTE_READER", "The auditor's own id of the person who reads";
    }
}

settings! {
    /// By which act an administrator does something.
    ActSettings, "Act" {
        reference: String, "PONTE_ACT_REFERENCE", "Number of the act";
        operator: String, "PONTE_ACT_OPERATOR", "The administrator's own id of the person who does it";
    }
}

impl ConnectionSettings {
    /// Takes relative paths from `base`.
    pub(super) fn based_on(self, base: &Path) -> Self {
        let rebase = |path: Option<PathBuf>| path.map(|path| base.join(path));
        Self {
            certificate: rebase(self.certificate),
            key: rebase(self.key),
            authorities: rebase(self.authorities),
            revocation_list: rebase(self.revocation_list),
            policy: rebase(self.policy),
            ..self
        }
    }
}

fn unreadable(variable: &str) -> Failure {
    Failure::usage(
        format!("{variable} non è leggibile"),
        format!("{variable} cannot be read"),
    )
}
