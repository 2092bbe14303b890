//! Agreements and configurations of the demonstration. The agreements hold around today and at all hours, so that the
//! demonstration can be run at any time; those in `config/agreements` are how real ones look.

use chrono::{Days, NaiveDate};
use registry::signing::VerifyingKey;

use super::region::TRUST_DOMAIN;

/// Ids of the agreements.
pub(super) const POLICE: &str = "questura-demo";
pub(super) const HOUSING: &str = "edilizia-pubblica-demo";
pub(super) const ASSOCIATION: &str = "associazione-artigiani-demo";

/// The police: free consultation, also for a reserved purpose.
pub(super) fn police(today: NaiveDate, territory: &str) -> String {
    let head = head(
        POLICE,
        "Questura di Bologna",
        "questura-bologna",
        "police",
        "DPR 223/1989 art. 37 c. 1",
        today,
    );
    format!(
        r#"{head}
protected = "location-withheld"
protected_basis = "d.lgs. 51/2018 art. 5"
history = "all"

[territory]
municipalities = [{territory}]

[population]
residents = true
aire = true
cancelled = true
deceased = true
minors = true

[operator]
required = true
assurance = "substantial"
workstation = true

[case_reference]
pattern = "protocol-number"

[quota]
calls_per_minute = 1000000
calls_per_day = 10000000
misses_per_day = 1000

[[purpose]]
id = "criminal-investigation"
text = "Indagini di polizia giudiziaria"
basis = "c.p.p. art. 55; DPR 223/1989 art. 37"
kind = "reserved"
release_after_months = 18
services = ["lookup-person", "lookup-household"]
fields = ["surname", "given_name", "birth_date", "tax_code", "residence", "residence_history", "household"]

[[purpose]]
id = "public-order"
text = "Tutela dell'ordine e della sicurezza pubblica"
basis = "R.D. 773/1931 art. 1; DPR 223/1989 art. 37"
kind = "ordinary"
services = ["lookup-person", "lookup-household", "verify-declaration"]
verifications = [
    "generalities", "citizenship", "existence-in-life", "residence", "municipal-residence", "family-status",
]
fields = ["surname", "given_name", "sex", "birth_date", "birth_place", "tax_code", "residence", "household", "death"]
"#
    )
}

/// A public body: households, also as they were.
pub(super) fn housing(today: NaiveDate, territory: &str) -> String {
    let head = head(
        HOUSING,
        "Ufficio edilizia residenziale pubblica",
        "edilizia-pubblica",
        "public-body",
        "DPR 445/2000 art. 43; DPR 223/1989 art. 37",
        today,
    );
    format!(
        r#"{head}
protected = "hidden"
history = "since 2015-01-01"

[territory]
municipalities = [{territory}]

[population]
residents = true
cancelled = true
deceased = true
minors = true

[operator]
required = true
assurance = "substantial"

[case_reference]
pattern = "year-number"

[quota]
calls_per_minute = 60
calls_per_day = 2000
misses_per_day = 100

[[purpose]]
id = "housing-assignment"
text = "Verifica dei requisiti per l'assegnazione degli alloggi pubblici"
basis = "L.R. Emilia-Romagna 24/2001 art. 25; DPR 445/2000 art. 43"
kind = "ordinary"
services = ["lookup-person", "lookup-household"]
fields = ["surname", "given_name", "birth_date", "tax_code", "civil_status", "residence", "household"]
"#
    )
}

/// A private body: verification of what a declarant states and consents to.
pub(super) fn association(today: NaiveDate, territory: &str) -> String {
    let head = head(
        ASSOCIATION,
        "Associazione degli artigiani",
        "associazione-artigiani",
        "private",
        "DPR 445/2000 art. 71 c. 4",
        today,
    );
    format!(
        r#"{head}
protected = "hidden"
history = "today"

[territory]
municipalities = [{territory}]

[population]
residents = true

[operator]
required = true
assurance = "low"

[case_reference]
pattern = "protocol-number"
words = ["SOCI"]

[consent_reference]
pattern = "protocol-number"
words = ["CONS"]

[quota]
calls_per_minute = 30
calls_per_day = 200
misses_per_day = 20

[[purpose]]
id = "member-declarations"
text = "Verifica delle dichiarazioni rese dagli associati"
basis = "DPR 445/2000 art. 71 c. 4"
kind = "ordinary"
services = ["verify-declaration"]
verifications = ["generalities", "residence", "municipal-residence", "existence-in-life"]
consent_required = true
"#
    )
}

fn head(id: &str, title: &str, agency: &str, class: &str, basis: &str, today: NaiveDate) -> String {
    let later = |days| today.checked_add_days(Days::new(days)).unwrap_or(today);
    let (from, to, review) = (today.pred_opt().unwrap_or(today), later(365), later(180));
    format!(
        r#"format = 1
id = "{id}"
title = "{title}"
agency = "spiffe://{TRUST_DOMAIN}/agency/{agency}"
class = "{class}"
legal_basis = "{basis}"
valid_from = {from}
valid_to = {to}
review_by = {review}
retention_months = 24"#
    )
}

/// Configuration of the index; `nodes` names node, municipality and publication key.
///
/// A year of changes comes in one day here, so the limits of a day are those of a year.
pub(super) fn index(nodes: &[(&str, &str, VerifyingKey)], cache_mib: u64) -> String {
    let nodes: String = nodes
        .iter()
        .map(|(name, istat, key)| {
            format!(
                "\n[[node]]\nid = \"spiffe://{TRUST_DOMAIN}/node/{name}\"\nmunicipalities = [\"{istat}\"]\n\
                 publication_key = \"{key}\"\n"
            )
        })
        .collect();
    format!(
        r#"listen = "127.0.0.1:0"
data_directory = "data"
trust_domain = "{TRUST_DOMAIN}"
origin = "log.{TRUST_DOMAIN}/1"
checkpoint_copy = "checkpoint"
key_encryption_key = "key-encryption.key"
log_key = "log.key"

[tls]
certificate = "../pki/index.pem"
key = "../pki/index.key"
authorities = "../pki/authority.pem"

[limits]
cache_mib = {cache_mib}

[daily_limits]
departures = {{ at_least = 100, per_mille = 150 }}
identifiers = {{ at_least = 100, per_mille = 20 }}
arrivals = {{ at_least = 100, per_mille = 100 }}

[[reader]]
id = "spiffe://{TRUST_DOMAIN}/auditor/regione"
scope = "region"

[[reader]]
id = "spiffe://{TRUST_DOMAIN}/auditor/imola"
scope = "municipality"
municipality = "037032"
{nodes}"#
    )
}

/// Configuration of a node.
pub(super) fn node(name: &str, istat: &str, port: u16, log_key: &str) -> String {
    format!(
        r#"municipality = "{istat}"
data_directory = "data"
trust_domain = "{TRUST_DOMAIN}"
key_encryption_key = "key-encryption.key"
publication_key = "publication.key"
log_key = "{log_key}"
cache_mib = 16

[index]
host = "127.0.0.1"
port = {port}
server_name = "localhost"
id = "spiffe://{TRUST_DOMAIN}/index/main"

[tls]
certificate = "../pki/{name}.pem"
key = "../pki/{name}.key"
authorities = "../pki/authority.pem"
"#
    )
}

/// Profiles with which the commands can be tried.
pub(super) fn profiles(port: u16, log_key: &str) -> String {
    let connection = |profile: &str, peer: &str| {
        format!(
            r#"
[profile.{profile}.connection]
endpoint = "127.0.0.1:{port}"
server_name = "localhost"
trust_domain = "{TRUST_DOMAIN}"
certificate = "pki/{peer}.pem"
key = "pki/{peer}.key"
authorities = "pki/authority.pem"
log_key = "{log_key}"
"#
        )
    };
    let questura = connection("questura", "questura-bologna");
    let housing = connection("edilizia", "edilizia-pubblica");
    let auditor = connection("revisore", "auditor-regione");
    let imola = connection("imola", "auditor-imola");
    let admin = connection("amministratore", "admin-regione");
    format!(
        r#"default = "questura"
{questura}
[profile.questura.context]
agreement = "{POLICE}"
purpose = "public-order"
operator = "m.rossi"
assurance = "substantial"
workstation = "sala-operativa-2"
case_reference = "PROT-2026/118"
{housing}
[profile.edilizia.context]
agreement = "{HOUSING}"
purpose = "housing-assignment"
operator = "l.neri"
assurance = "substantial"
case_reference = "2026/44"
{auditor}
[profile.revisore.reading]
purpose = "controllo-periodico"
reference = "PROT-2026/7"
reader = "l.bianchi"
{imola}
[profile.imola.reading]
purpose = "controllo-periodico"
reference = "PROT-2026/8"
reader = "a.gialli"
{admin}
[profile.amministratore.act]
reference = "DET-2026/77"
operator = "g.verdi"
"#
    )
}
