//! Agreements, configurations and profiles of the test region.

use std::net::SocketAddr;

use chrono::{Days, NaiveDate};
use registry::signing::VerifyingKey;
use transport::pki::names::TrustDomainName;

use super::subjects::{Caller, Town};
use crate::own_region::SERVER_NAME;

const POLICE: &str = include_str!("../../data/test/agreements/police.toml");
const SMALL_QUOTA: &str = include_str!("../../data/test/agreements/small-quota.toml");
const BODY: &str = include_str!("../../data/test/agreements/public-body.toml");
const ASSOCIATION: &str = include_str!("../../data/test/agreements/association.toml");

/// Every agreement with the name of its file, in force from a year ago for a year.
pub(super) fn agreements(trust_domain: &TrustDomainName, today: NaiveDate) -> [(&'static str, String); 4] {
    [
        (Caller::Police.name(), POLICE),
        ("small-quota", SMALL_QUOTA),
        (Caller::Body.name(), BODY),
        (Caller::Association.name(), ASSOCIATION),
    ]
    .map(|(name, text)| (name, filled(text, trust_domain, today)))
}

fn filled(text: &str, trust_domain: &TrustDomainName, today: NaiveDate) -> String {
    let year = Days::new(365);
    let (from, to) = (today.checked_sub_days(year), today.checked_add_days(year));
    [
        ("{trust_domain}", trust_domain.to_string()),
        ("{valid_from}", from.unwrap_or(today).to_string()),
        ("{valid_to}", to.unwrap_or(today).to_string()),
        ("{review_by}", to.unwrap_or(today).to_string()),
    ]
    .iter()
    .fold(text.to_owned(), |text, (word, value)| text.replace(word, value))
}

/// Configuration of the index. What changes in its first minutes is more than a registry changes in a day.
pub(super) fn index(
    trust_domain: &TrustDomainName,
    listen: SocketAddr,
    nodes: &[(Town, VerifyingKey)],
) -> String {
    let nodes: String = nodes
        .iter()
        .map(|(town, key)| {
            let (name, istat) = (town.name(), town.istat());
            format!(
                "\n[[node]]\nid = \"spiffe://{trust_domain}/node/{name}\"\nmunicipalities = [\"{istat}\"]\n\
                 publication_key = \"{key}\"\n"
            )
        })
        .collect();
    format!(
        r#"# Index of a test region: its people are invented.
listen = "{listen}"
data_directory = "data"
trust_domain = "{trust_domain}"
origin = "log.{trust_domain}/1"
checkpoint_copy = "checkpoint"
key_encryption_key = "key-encryption.key"
log_key = "log.key"

[tls]
certificate = "../pki/index.pem"
key = "../pki/index.key"
authorities = "../pki/authority.pem"

[limits]
cache_mib = 64
segment_mib = 4

[daily_limits]
departures = {{ at_least = 1000, per_mille = 1000 }}
identifiers = {{ at_least = 1000, per_mille = 1000 }}
arrivals = {{ at_least = 1000, per_mille = 1000 }}

[[reader]]
id = "spiffe://{trust_domain}/auditor/region"
scope = "region"
{nodes}"#
    )
}

/// Configuration of a node.
pub(super) fn node(town: Town, trust_domain: &TrustDomainName, index: SocketAddr, log_key: &str) -> String {
    let (name, istat, port) = (town.name(), town.istat(), index.port());
    format!(
        r#"municipality = "{istat}"
data_directory = "data"
trust_domain = "{trust_domain}"
key_encryption_key = "key-encryption.key"
publication_key = "publication.key"
log_key = "{log_key}"
cache_mib = 16

[index]
host = "127.0.0.1"
port = {port}
server_name = "{SERVER_NAME}"
id = "spiffe://{trust_domain}/index/main"

[tls]
certificate = "../../pki/{name}.pem"
key = "../../pki/{name}.key"
authorities = "../../pki/authority.pem"
"#
    )
}

/// Profiles with which every question of the list can be asked as it stands.
pub(super) fn profiles(
    trust_domain: &TrustDomainName,
    index: SocketAddr,
    log_key: &str,
    today: NaiveDate,
) -> String {
    let connection = |profile: &str, peer: &str| {
        format!(
            r#"
[profile.{profile}.connection]
endpoint = "127.0.0.1:{port}"
server_name = "{SERVER_NAME}"
trust_domain = "{trust_domain}"
certificate = "pki/{peer}.pem"
key = "pki/{peer}.key"
authorities = "pki/authority.pem"
log_key = "{log_key}"
"#,
            port = index.port()
        )
    };
    let consented = today.checked_sub_days(Days::new(7)).unwrap_or(today);
    let own = |peer: &str| connection(peer, peer);
    let [police, body, association] = Caller::ALL.map(|caller| own(caller.name()));
    let quota = connection("small-quota", Caller::Police.name());
    let (auditor, administrator) = (own("auditor"), own("administrator"));
    format!(
        r#"# The people of this region are invented, and its certificates good for nothing else.
default = "police"
{police}
[profile.police.context]
agreement = "prova-polizia"
purpose = "public-order"
operator = "m.rossi"
assurance = "substantial"
workstation = "sala-operativa-2"
case_reference = "PROT-2026/118"
{quota}
[profile.small-quota.context]
agreement = "prova-quota"
purpose = "public-order"
operator = "m.rossi"
assurance = "substantial"
workstation = "sala-operativa-2"
case_reference = "PROT-2026/118"
{body}
[profile.public-body.context]
agreement = "prova-ente"
purpose = "declaration-control"
operator = "l.neri"
assurance = "substantial"
case_reference = "2026/44"
{association}
[profile.association.context]
agreement = "prova-associazione"
purpose = "member-declarations"
operator = "p.bruni"
assurance = "low"
case_reference = "PRAT-2026/5"
consent_reference = "CONS-2026/5 {consented}"
{auditor}
[profile.auditor.reading]
purpose = "controllo-periodico"
reference = "PROT-2026/7"
reader = "l.bianchi"
{administrator}
[profile.administrator.act]
reference = "DET-2026/77"
operator = "g.verdi"
"#
    )
}

#[cfg(test)]
mod tests {
    use agreement::document::AgreementDocument;

    use super::*;

    #[test]
    fn every_sample_agreement_is_one_on_any_day() {
        let domain = TrustDomainName::parse("test.ponte.example").unwrap();
        for day in ["2026-11-25", "2028-02-29"] {
            for (name, text) in agreements(&domain, day.parse().unwrap()) {
                let document = AgreementDocument::parse(text.as_bytes()).unwrap();
                let agency = if name == "small-quota" { "police" } else { name };
                let agency = format!("spiffe://test.ponte.example/agency/{agency}");
                assert_eq!(document.terms().agency.to_string(), agency);
            }
        }
    }
}
