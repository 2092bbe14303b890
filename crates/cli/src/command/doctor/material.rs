//! Certificates, keys and secrets on disk.

use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use agreement::peer::{Role, SpiffeId};
use chrono::{DateTime, Utc};
use transport::causes::chain;
use transport::pki::files;
use transport::pki::names::IndexId;
use transport::pki::summary;

use super::CallerRole;
use super::finding::{Finding, Light};

/// Identity and life of a certificate; gives the role of a peer.
pub(super) fn certificate(
    path: &Path,
    now: DateTime<Utc>,
    findings: &mut Vec<Finding>,
) -> Option<CallerRole> {
    let read = files::read_certificate(path).map_err(|error| chain(&error));
    let summary = match read.and_then(|pem| summary::inspect(&pem).map_err(|error| chain(&error))) {
        Ok(summary) => summary,
        Err(error) => {
            let finding = Finding::new("certificate", Light::Red, &error, &error);
            findings.push(finding.remedy("indicare un certificato PEM", "name a PEM certificate"));
            return None;
        }
    };
    let role = match summary.uris.as_slice() {
        [uri] if IndexId::parse(uri).is_ok() => None,
        [uri] => match SpiffeId::parse(uri) {
            Ok(id) => Some(role_of(id.role())),
            Err(error) => {
                findings.push(identity_fault(&error.to_string()));
                return None;
            }
        },
        _ => {
            findings.push(identity_fault("exactly one URI name is expected"));
            return None;
        }
    };
    findings.push(Finding::green(
        "identity",
        "una sola identità, ben formata",
        "one identity, well formed",
    ));

    let until = summary.validity.not_after();
    let day = until.date_naive();
    let renew = |finding: Finding| {
        finding.remedy(
            "ponte pki csr, poi ponte pki renew",
            "ponte pki csr, then ponte pki renew",
        )
    };
    findings.push(if until < now {
        renew(Finding::new(
            "certificate",
            Light::Red,
            format!("scaduto il {day}"),
            format!("expired on {day}"),
        ))
    } else if now < summary.validity.not_before() {
        Finding::new("certificate", Light::Red, "non ancora valido", "not yet valid")
            .remedy("controllare l'orologio", "check the clock")
    } else if summary.needs_renewal(now) {
        renew(Finding::new(
            "certificate",
            Light::Yellow,
            format!("da rinnovare, scade il {day}"),
            format!("to be renewed, expires on {day}"),
        ))
    } else {
        Finding::green(
            "certificate",
            format!("valido fino al {day}"),
            format!("valid until {day}"),
        )
    });
    role
}

/// A private key that only its owner can read.
pub(super) fn private_key(path: &Path, findings: &mut Vec<Finding>) {
    findings.push(match files::read_key(path) {
        Ok(_) => Finding::green(
            "key",
            "leggibile solo dal proprietario",
            "readable by its owner alone",
        ),
        Err(error) => {
            let text = chain(&error);
            Finding::new("key", Light::Red, &text, &text).remedy(
                "chmod 600, e un certificato nuovo se altri l'hanno letta",
                "chmod 600, and a new certificate if others read it",
            )
        }
    });
}

/// A secret that only its owner can read.
pub(super) fn secret(subject: &'static str, path: &Path, findings: &mut Vec<Finding>) {
    findings.push(match path.metadata() {
        Ok(metadata) if metadata.mode() & 0o077 == 0 => Finding::green(
            subject,
            "leggibile solo dal proprietario",
            "readable by its owner alone",
        ),
        Ok(_) => Finding::new(subject, Light::Red, "leggibile da altri", "readable by others")
            .remedy("chmod 600 e sostituirla", "chmod 600, and replace it"),
        Err(error) => {
            let text = error.to_string();
            Finding::new(subject, Light::Red, &text, &text)
                .remedy("ponte index init la crea", "ponte index init makes it")
        }
    });
}

/// A key that lies among the data it seals protects nothing from whoever copies them.
pub(super) fn separate(key: &Path, data: &Path, findings: &mut Vec<Finding>) {
    let inside = match (key.canonicalize(), data.canonicalize()) {
        (Ok(key), Ok(data)) => key.starts_with(data),
        _ => return,
    };
    if inside {
        findings.push(
            Finding::new(
                "key-encryption-key",
                Light::Yellow,
                "sta nella cartella dei dati che protegge",
                "lies in the directory of the data that it protects",
            )
            .remedy(
                "spostarla, o usare una credenziale di systemd",
                "move it, or use a systemd credential",
            ),
        );
    }
}

fn identity_fault(rule: &str) -> Finding {
    Finding::new("identity", Light::Red, rule, rule).remedy(
        "chiedere un certificato con una sola identità spiffe://",
        "ask for a certificate with exactly one spiffe:// identity",
    )
}

fn role_of(role: Role) -> CallerRole {
    match role {
        Role::Node => CallerRole::Node,
        Role::Agency => CallerRole::Agency,
        Role::Auditor => CallerRole::Auditor,
        Role::Admin => CallerRole::Admin,
    }
}
