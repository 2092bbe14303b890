use chrono::{DateTime, Utc};

use super::*;

const SAMPLE: &str = include_str!("../../../../config/index.toml");

fn parse(text: &str) -> Result<IndexConfig, ConfigError> {
    IndexConfig::parse(text, Path::new("/etc/ponte"))
}

#[test]
fn the_sample_is_a_whole_configuration() {
    let config = parse(SAMPLE).unwrap();
    assert_eq!(config.trust_domain, "ponte.example");
    assert_eq!(config.data_directory, Path::new("/etc/ponte/data"));
    assert_eq!(config.tls.key, Path::new("/etc/ponte/tls/index.key"));
    let published: usize = config.nodes.values().map(|node| node.municipalities.len()).sum();
    assert_eq!((config.nodes.len(), published), (2, 5));
    let santerno = SpiffeId::parse("spiffe://ponte.example/node/santerno").unwrap();
    let march: DateTime<Utc> = "2026-03-01T00:00:00Z".parse().unwrap();
    let enrolled: Vec<_> = config.nodes[&santerno].publication_keys.iter().collect();
    assert_eq!(enrolled[1].from_ms, u64::try_from(march.timestamp_millis()).ok());
    assert_eq!(
        (enrolled.len(), enrolled[0].from_ms, enrolled[1].until_ms),
        (2, None, None)
    );
    let region = SpiffeId::parse("spiffe://ponte.example/auditor/region").unwrap();
    assert_eq!(config.readers.get(&region), Some(&ReaderGrant::Region));
    assert_eq!(config.limits.cache_bytes, 1 << 30);
    assert_eq!(config.registrars.len(), 1);
    assert_eq!(config.daily_limits, DailyLimits::default());
    let monitor = config.monitor.unwrap();
    assert_eq!(monitor.listen.port(), 8444);
    assert_eq!(monitor.renew, Duration::from_secs(10));
}

#[test]
fn without_its_section_there_is_no_endpoint_for_monitors_and_with_it_there_are_usable_bounds() {
    let (before, rest) = SAMPLE.split_once("[monitor]").unwrap();
    let (_, after) = rest.split_once("\n[").unwrap();
    let config = parse(&format!("{before}[{after}")).unwrap();
    assert_eq!(config.monitor, None);
    let config = parse(&format!("{before}[monitor]\nlisten = \"[::]:8444\"\n[{after}")).unwrap();
    assert_eq!(config.monitor.unwrap().connections_per_address, 8);
}

#[test]
fn what_is_left_out_has_a_usable_default() {
    let (without_limits, _) = SAMPLE.split_once("[limits]").unwrap();
    let config = parse(without_limits).unwrap();
    assert_eq!(config.limits.deadline, Limits::default().deadline);
    assert_eq!(config.limits.segment_bytes, Limits::default().segment_bytes);
}

#[track_caller]
fn check_refused(from: &str, to: &str, key: &str) {
    assert!(
        SAMPLE.contains(from),
        "the sample has the text that the case changes"
    );
    let text = SAMPLE.replacen(from, to, 1);
    match parse(&text).unwrap_err() {
        ConfigError::Value { key: found, .. } => assert_eq!(found, key),
        ConfigError::Toml(_) => assert_eq!(key, "toml", "the file does not parse"),
        ConfigError::Read(error) => panic!("parsing reads no file: {error}"),
    }
}

#[test]
fn each_broken_rule_names_its_key() {
    check_refused("listen = \"0.0.0.0:8443\"", "listen = \"everywhere\"", "toml");
    check_refused("trust_domain", "trusted_domain", "toml");
    check_refused("[limits]", "[limits]\ncache_gib = 1", "toml");
    let test_origin = "origin = \"log.test.ponte.example/1\"";
    check_refused("origin = \"log.ponte.example/1\"", test_origin, "origin");
    let test_domain = "trust_domain = \"test.ponte.example\"";
    check_refused("trust_domain = \"ponte.example\"", test_domain, "origin");
    check_refused(
        "spiffe://ponte.example/node/imola",
        "spiffe://other.example/node/imola",
        "node[0].id",
    );
    check_refused(
        "spiffe://ponte.example/node/imola",
        "spiffe://ponte.example/agency/imola",
        "node[0].id",
    );
    check_refused("spiffe://ponte.example/node/imola", "imola", "node[0].id");
    check_refused(
        "municipalities = [\"037032\"]",
        "municipalities = []",
        "node[0].municipalities",
    );
    check_refused(
        "municipalities = [\"037032\"]",
        "municipalities = [\"37032\"]",
        "node[0].municipalities",
    );
    check_refused(
        "municipalities = [\"037032\"]",
        "municipalities = [\"999999\"]",
        "node[0].municipalities",
    );
    check_refused(
        "spiffe://ponte.example/auditor/region",
        "spiffe://ponte.example/admin/region",
        "reader[0].id",
    );
    check_refused(
        "publication_key = \"O2on",
        "publication_key = \"",
        "node[0].publication_key",
    );
    check_refused(
        "publication_key = \"O2on",
        "# publication_key = \"O2on",
        "node[0]",
    );
    check_refused(
        "publication_keys = [",
        "publication_key = \"O2onvM62pC1im6jQKm8Nc2UyFXcd4kOmOsBIoYtZ2ik=\"\npublication_keys = [",
        "node[1]",
    );
    check_refused(
        "until = \"2026-04-01T00:00:00Z\"",
        "until = \"1 April\"",
        "node[1].publication_keys[0].until",
    );
    check_refused("key = \"iojj", "key = \"", "node[1].publication_keys[1].key");
    check_refused(
        "iojj3XQJ8ZX9UtstPLpdcspnCb8dlBIb83SIAbQPb1w=",
        "O2onvM62pC1im6jQKm8Nc2UyFXcd4kOmOsBIoYtZ2ik=",
        "node[1].publication_keys",
    );
    check_refused("\nkey = \"O2on", "\n# key = \"O2on", "toml");
    check_refused("id = \"g.neri\"", "id = \"g neri\"", "registrar[0].id");
    check_refused(
        "departures = { at_least = 25, per_mille = 4 }",
        "departures = { at_least = 0, per_mille = 1001 }",
        "daily_limits.departures.per_mille",
    );
    check_refused("0.0.0.0:8444", "0.0.0.0:8443", "monitor.listen");
    check_refused("renew_seconds = 10", "renew_seconds = 0", "monitor.renew_seconds");
    check_refused(
        "renew_seconds = 10",
        "renew_seconds = 3601",
        "monitor.renew_seconds",
    );
    check_refused("renew_seconds", "renew_minutes", "toml");
    check_refused(
        "requests_per_minute = 6000",
        "requests_per_minute = 0",
        "monitor.requests_per_minute",
    );
    check_refused("scope = \"region\"", "scope = \"everything\"", "toml");
    check_refused(
        "scope = \"region\"",
        "scope = \"region\"\nmunicipality = \"037032\"",
        "reader[0]",
    );
    check_refused(
        "scope = \"municipality\"\nmunicipality = \"037032\"",
        "scope = \"municipality\"",
        "reader[1]",
    );
    check_refused(
        "agency = \"spiffe://ponte.example/agency/",
        "agency = \"spiffe://ponte.example/node/",
        "reader[2].agency",
    );
}

#[test]
fn witnesses_and_what_happens_without_them_are_read() {
    let config = IndexConfig::parse(SAMPLE, Path::new("/etc/ponte")).unwrap();
    let Witnessing {
        witnesses,
        asked,
        authorities,
        quorum,
        stop_after,
    } = config.witnessing;
    assert_eq!((asked, authorities), (Vec::new(), None));
    let names: Vec<&str> = witnesses.iter().map(|witness| witness.name.as_str()).collect();
    assert_eq!(
        names,
        [
            "witness.comune.imola.example/ponte",
            "witness.comune.dozza.example/ponte"
        ]
    );
    assert_eq!((quorum, stop_after), (1, Duration::from_hours(4)));
    check_refused("quorum = 1", "quorum = 0", "witnessing.quorum");
    check_refused("quorum = 1", "quorum = 3", "witnessing.quorum");
    check_refused(
        "stop_after_hours = 4",
        "stop_after_hours = 0",
        "witnessing.stop_after_hours",
    );
    check_refused("+f81752ae+", "+f81752af+", "witness[0].key");
    check_refused(
        "witness.comune.dozza.example/ponte+13468b8f+BAtROtm0kkAVygkC7QeQRNOsXb7CMG8GlIwQ2o62458t",
        "witness.comune.imola.example/ponte+f81752ae+BGa+fjMsekUzMr2dCn99sFX1xe8aBq2mbZizn7aBDEc6",
        "witness[1].key",
    );
}

#[test]
fn a_witness_that_is_asked_has_an_address_and_somebody_who_vouches_for_it() {
    let key = "key = \"witness.comune.dozza.example/ponte+13468b8f+BAtROtm0kkAVygkC7QeQRNOsXb7CMG8GlIwQ2o62458t\"\n";
    assert!(SAMPLE.contains(key));
    let with_url = |url: &str| SAMPLE.replacen(key, &format!("{key}url = {url:?}\n"), 1);
    let with = |url: &str| {
        let authorities = "[witnessing]\nauthorities = \"pki/web.pem\"\n";
        let text = with_url(url).replacen("[witnessing]\n", authorities, 1);
        IndexConfig::parse(&text, Path::new("/etc/ponte"))
    };
    let config = with("https://witness.example:8444/ponte").unwrap().witnessing;
    let [AskedWitness { key: asked, url }] = &config.asked[..] else {
        panic!("{config:?}")
    };
    assert_eq!(asked.name().as_str(), "witness.comune.dozza.example/ponte");
    assert_eq!(url, "https://witness.example:8444/ponte");
    assert_eq!(
        config.authorities.as_deref(),
        Some(Path::new("/etc/ponte/pki/web.pem"))
    );
    for (refused, place) in [
        (with("http://witness.example/ponte"), "witness[1].url"),
        (with("https://a@witness.example"), "witness[1].url"),
        (
            IndexConfig::parse(&with_url("https://witness.example"), Path::new("/etc/ponte")),
            "witnessing.authorities",
        ),
    ] {
        let error = refused.unwrap_err().to_string();
        assert!(error.contains(place), "{error}");
    }
}

fn with_alert(rule: &str) -> Result<IndexConfig, ConfigError> {
    let (before, _) = SAMPLE.split_once("[[alert]]").unwrap();
    parse(&format!("{before}\n[[alert]]\n{rule}\n"))
}

#[test]
fn the_rules_of_the_sample_are_the_usual_ones() {
    let sample = parse(SAMPLE).unwrap().alerts;
    assert_eq!(sample.len(), 6);
    for setting in sample {
        let AlertSetting::Rule(rule) = &setting else {
            panic!("no roster is in the sample")
        };
        let usual = with_alert(&format!("kind = \"{}\"", rule.kind.name())).unwrap();
        assert_eq!(usual.alerts, [setting]);
    }
}

#[test]
fn a_rule_outside_of_its_bounds_names_its_key() {
    for (rule, key) in [
        ("kind = \"volume\"\nfactor = 1", "alert[0].factor"),
        ("kind = \"volume\"\ndays = 61", "alert[0].days"),
        ("kind = \"volume\"\nat_least = 0", "alert[0].at_least"),
        ("kind = \"night-and-holidays\"\nfrom = \"25:00\"", "alert[0].from"),
        (
            "kind = \"night-and-holidays\"\nuntil = \"22:00\"",
            "alert[0].until",
        ),
        ("kind = \"repeated-subject\"\nmore_than = 0", "alert[0].more_than"),
        ("kind = \"repeated-subject\"\ndays = 93", "alert[0].days"),
        ("kind = \"many-misses\"\npercent = 101", "alert[0].percent"),
        ("kind = \"outside-territory\"\ndays = 6", "alert[0].days"),
        (
            "kind = \"without-case\"\nagencies = [\"spiffe://ponte.example/node/x\"]",
            "alert[0].agencies",
        ),
        (
            "kind = \"without-case\"\n[[alert]]\nkind = \"without-case\"",
            "alert[1]",
        ),
    ] {
        match with_alert(rule).unwrap_err() {
            ConfigError::Value { key: found, .. } => assert_eq!(found, key, "{rule}"),
            other => panic!("{rule}: {other}"),
        }
    }
    for rule in [
        "kind = \"curiosity\"",
        "kind = \"volume\"\nmedian = 3",
        "kind = \"colleague\"\nroster = \"r.csv\"",
    ] {
        assert!(matches!(with_alert(rule), Err(ConfigError::Toml(_))), "{rule}");
    }
}

#[test]
fn a_roster_is_read_from_beside_the_configuration_and_only_when_it_is_for_its_owner() {
    use std::os::unix::fs::PermissionsExt;

    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("roster.csv");
    std::fs::write(&path, "m.esposito;STTSGT90A01H501J\n").unwrap();
    let (before, _) = SAMPLE.split_once("[[alert]]").unwrap();
    let rule = "kind = \"colleague\"\nagency = \"spiffe://ponte.example/agency/a\"\nroster = \"roster.csv\"";
    let text = format!("{before}\n[[alert]]\n{rule}\n");
    let config = IndexConfig::parse(&text, directory.path()).unwrap();
    let [setting] = &config.alerts[..] else {
        panic!("one rule")
    };
    for (mode, readable) in [(0o640, false), (0o600, true)] {
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        assert_eq!(setting.load().is_ok(), readable, "{mode:o}");
    }
    assert_eq!(
        setting.load().unwrap().text(),
        "colleague roster=1 agency=spiffe://ponte.example/agency/a"
    );
}
