use chrono::NaiveDate;
use proptest::prelude::*;

use super::*;
use crate::context::Assurance;
use crate::fixture;
use crate::lint::{LintRule, lint};
use crate::service::{Service, VerificationKind};
use crate::terms::{
    AgencyClass, HistoryDepth, Inclusion, Limits, OperatorTerms, Population, Presence, Protection,
    PurposeKind, Territory,
};

mod ascertainments;
mod samples;
mod searches;

fn parse(document: &str) -> Result<Agreement, DocumentError> {
    AgreementDocument::parse(document.as_bytes())
}

#[track_caller]
fn refused(from: &str, to: &str, key: &str) {
    match parse(&fixture::changed_document(from, to)) {
        Err(DocumentError::Value { key: found, .. }) => assert_eq!(found, key, "{to}"),
        other => panic!("{to}: {other:?}"),
    }
}

#[track_caller]
fn refused_layout(from: &str, to: &str, message: &str) {
    match parse(&fixture::changed_document(from, to)) {
        Err(DocumentError::Layout { message: found, .. }) => assert!(found.contains(message), "{found}"),
        other => panic!("{to}: {other:?}"),
    }
}

#[test]
fn a_document_is_read_in_full() {
    let agreement = fixture::agreement("");
    let terms = agreement.terms();
    let day = |text: &str| text.parse::<NaiveDate>().unwrap();
    assert_eq!(
        (terms.id.as_str(), terms.title.as_str()),
        ("questura-2026", "Questura, consultation")
    );
    assert_eq!(terms.agency, fixture::peer().id);
    assert_eq!(
        (terms.class, terms.legal_basis.as_str()),
        (AgencyClass::Police, "DPR 223/1989 art. 37")
    );
    assert_eq!(terms.transferred_public_power, None);
    assert_eq!(
        (terms.valid_from, terms.valid_to),
        (day("2026-01-01"), day("2026-12-31"))
    );
    assert_eq!((terms.review_by, terms.retention_months), (day("2026-12-31"), 24));
    assert_eq!(terms.territory, Territory::Region("08"));
    let (included, excluded) = (Inclusion::Included, Inclusion::Excluded);
    let population = Population {
        residents: included,
        aire: excluded,
        cancelled: excluded,
        deceased: excluded,
        minors: included,
    };
    assert_eq!(terms.population, population);
    assert_eq!(
        (&terms.protection, terms.history),
        (&Protection::Hidden, HistoryDepth::Since(day("2010-01-01")))
    );
    assert_eq!(
        terms.networks.iter().map(ToString::to_string).collect::<Vec<_>>(),
        ["192.0.2.0/24"]
    );
    assert_eq!(
        terms.hours.iter().map(ToString::to_string).collect::<Vec<_>>(),
        ["mon, tue 08:00-18:00"]
    );
    assert!(terms.pinned_certificates.contains(&fixture::peer().certificate));
    let operator = OperatorTerms {
        identity: Presence::Required,
        minimum_assurance: Assurance::Substantial,
        workstation: Presence::Required,
    };
    assert_eq!(terms.operator, operator);
    let limits = |minute, day, misses| Limits {
        calls_per_minute: Some(minute),
        calls_per_day: Some(day),
        misses_per_day: Some(misses),
    };
    assert_eq!(terms.quotas.agreement, limits(60, 1000, 100));
    assert_eq!(
        (terms.quotas.purpose, terms.quotas.operator),
        (limits(30, 500, 50), limits(6, 80, 8))
    );
    let [investigation, declarations] = &terms.purposes[..] else {
        panic!("two purposes")
    };
    assert_eq!(
        (investigation.kind, investigation.consent),
        (PurposeKind::Reserved, Presence::Required)
    );
    assert_eq!(investigation.services.len(), 3);
    assert_eq!(
        (declarations.kind, declarations.consent),
        (PurposeKind::Ordinary, Presence::Optional)
    );
    assert_eq!(
        declarations.services.iter().collect::<Vec<_>>(),
        [&Service::VerifyDeclaration]
    );
    assert_eq!(
        declarations.verifications.iter().collect::<Vec<_>>(),
        [&VerificationKind::Residence]
    );
    assert_eq!(
        (declarations.text.as_str(), declarations.basis.as_str()),
        ("Control of declarations", "DPR 445/2000 art. 71")
    );
}

#[test]
fn what_a_document_leaves_out_is_denied_or_unbounded_as_documented() {
    let document = r#"
        format = 1
        id = "a"
        title = "Least"
        agency = "spiffe://d/agency/a"
        class = "public-body"
        legal_basis = "DPR 445/2000 art. 43"
        valid_from = 2026-01-01
        valid_to = 2026-01-01
        review_by = 2026-01-01
        retention_months = 240
        territory = { municipalities = ["037032"] }
        [[purpose]]
        id = "p"
        text = "Some purpose"
        basis = "Some basis"
        kind = "ordinary"
        services = ["lookup-person"]
        fields = ["surname"]
    "#;
    let agreement = parse(document).unwrap();
    let terms = agreement.terms();
    let excluded = Inclusion::Excluded;
    let population = Population {
        residents: Inclusion::Included,
        aire: excluded,
        cancelled: excluded,
        deceased: excluded,
        minors: excluded,
    };
    assert_eq!(
        (terms.population, &terms.protection, terms.history),
        (population, &Protection::Hidden, HistoryDepth::Today)
    );
    assert_eq!(
        (
            terms.networks.len(),
            terms.hours.len(),
            terms.pinned_certificates.len()
        ),
        (0, 0, 0)
    );
    let operator = OperatorTerms {
        identity: Presence::Required,
        minimum_assurance: Assurance::Low,
        workstation: Presence::Optional,
    };
    assert_eq!((terms.operator, &terms.case_reference), (operator, &None));
    assert_eq!(terms.consent_reference, None);
    assert_eq!(terms.quotas.agreement, Limits::default());
    let rules: Vec<_> = lint(&agreement).into_iter().map(|finding| finding.rule).collect();
    let expect = [
        LintRule::NoQuota,
        LintRule::NoMissQuota,
        LintRule::AnyNetwork,
        LintRule::NoCaseReference,
    ];
    assert_eq!(rules, expect);
}

#[test]
fn the_hash_is_that_of_the_bytes_submitted() {
    let one = fixture::agreement("");
    let other = fixture::agreement("# a comment\n");
    assert_eq!(one.terms(), other.terms());
    assert_ne!(one.hash(), other.hash());
    assert_eq!(one.document(), fixture::DOCUMENT.as_bytes());
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, fixture::DOCUMENT.as_bytes());
    assert_eq!(one.hash().0, digest.as_ref());
    let text = one.hash().to_string();
    assert_eq!(
        (text.len(), &text[..2]),
        (64, format!("{:02x}", one.hash().0[0]).as_str())
    );
    assert_eq!(format!("{one:?}"), format!("Agreement(questura-2026 {text})"));
}

#[test]
fn what_is_no_document_is_refused() {
    let padding = MAX_DOCUMENT - fixture::DOCUMENT.len() - 1;
    assert!(parse(&format!("{}#{}", fixture::DOCUMENT, "x".repeat(padding))).is_ok());
    let too_large = parse(&format!("{}#{}", fixture::DOCUMENT, "x".repeat(padding + 1)));
    assert_eq!(too_large, Err(DocumentError::TooLarge));
    assert_eq!(AgreementDocument::parse(b"\xff"), Err(DocumentError::Encoding));
    assert!(matches!(
        parse("format = 1\nid ="),
        Err(DocumentError::Layout { line: 2, .. })
    ));
    assert!(matches!(parse(""), Err(DocumentError::Layout { .. })));
}

#[test]
fn unknown_keys_are_refused_everywhere() {
    for (from, to) in [
        ("format = 1", "format = 1\nsurprise = 1"),
        ("region = \"08\"", "region = \"08\"\nsurprise = 1"),
        ("minors = true", "minors = true\nsurprise = true"),
        ("from = \"08:00\"", "from = \"08:00\"\nsurprise = 1"),
        ("workstation = true", "workstation = true\nsurprise = 1"),
        (
            "pattern = \"year-number\"",
            "pattern = \"year-number\"\nsurprise = 1",
        ),
        ("calls_per_day = 1000", "calls_per_day = 1000\nsurprise = 1"),
        ("purpose = { ", "purpose = { surprise = 1, "),
        ("consent_required = true", "consent_required = true\nsurprise = 1"),
    ] {
        refused_layout(from, to, "surprise");
    }
    refused_layout("class = \"police\"", "", "class");
    refused_layout("calls_per_day = 1000", "calls_per_day = -1", "-1");
}

#[test]
fn each_value_is_checked_and_named() {
    refused("format = 1", "format = 2", "format");
    refused("id = \"questura-2026\"", "id = \"Questura\"", "id");
    refused("title = \"Questura, consultation\"", "title = \"x\"", "title");
    refused(
        "title = \"Questura, consultation\"",
        "title = \"Questura\\nSecond line\"",
        "title",
    );
    refused(
        "title = \"Questura, consultation\"",
        "title = \" Questura\"",
        "title",
    );
    refused("agency/questura", "node/questura", "agency");
    refused(
        "spiffe://ponte.example/agency",
        "https://ponte.example/agency",
        "agency",
    );
    refused("class = \"police\"", "class = \"army\"", "class");
    refused(
        "valid_from = 2026-01-01",
        "valid_from = 2026-01-01T00:00:00",
        "valid_from",
    );
    refused("valid_from = 2026-01-01", "valid_from = 2027-01-01", "valid_to");
    refused(
        "retention_months = 24",
        "retention_months = 0",
        "retention_months",
    );
    refused(
        "retention_months = 24",
        "retention_months = 241",
        "retention_months",
    );
    refused("protected = \"hidden\"", "protected = \"maybe\"", "protected");
    refused(
        "protected = \"hidden\"",
        "protected = \"shown\"",
        "protected_basis",
    );
    refused(
        "protected = \"hidden\"",
        "protected = \"location-withheld\"",
        "protected_basis",
    );
    refused(
        "protected = \"hidden\"",
        "protected = \"hidden\"\nprotected_basis = \"some law\"",
        "protected_basis",
    );
    refused("since 2010-01-01", "since 2010", "history");
    refused("since 2010-01-01", "since 2010-1-1x", "history");
    refused("since 2010-01-01", "yesterday", "history");
    for search in [
        "[]",
        "[\"by-partial-data\"]",
        "[\"list\"]",
        "[\"guess\"]",
        "[\"by-identifier\", \"by-identifier\"]",
        "[\"by-partial-data\", \"by-identifier\"]",
        // No purpose of the fixture searches.
        "[\"by-identifier\", \"by-partial-data\"]",
    ] {
        refused("format = 1", &format!("format = 1\nsearch = {search}"), "search");
    }
    refused("192.0.2.0/24", "192.0.2.1/24", "networks");
    refused("\"0101", "\"xx01", "pinned_certificates");
    refused("region = \"08\"", "region = \"21\"", "territory.region");
    refused("region = \"08\"", "", "territory");
    refused(
        "region = \"08\"",
        "region = \"08\"\nmunicipalities = [\"037032\"]",
        "territory",
    );
    refused(
        "region = \"08\"",
        "municipalities = []",
        "territory.municipalities",
    );
    refused(
        "region = \"08\"",
        "municipalities = [\"037032\", \"999999\"]",
        "territory.municipalities",
    );
    refused("residents = true", "residents = false", "population");
    refused("to = \"18:00\"", "to = \"07:00\"", "hours");
    refused(
        "assurance = \"substantial\"",
        "assurance = \"none\"",
        "operator.assurance",
    );
    refused(
        "pattern = \"year-number\"",
        "pattern = \".*\"",
        "case_reference.pattern",
    );
    refused(
        "words = [\"CONS\"]",
        "words = [\"Rossi\"]",
        "consent_reference.words",
    );
    refused(
        "pattern = \"protocol-number\"",
        "pattern = \"year-number\"",
        "consent_reference.words",
    );
    refused(
        "verifications = [\"residence\"]",
        "verifications = [\"residence\"]\nnamed_persons_basis = \"DPR 445/2000 art. 47\"",
        "purpose[1].named_persons_basis",
    );
    refused(
        "consent_required = true",
        "consent_required = true\nnamed_persons_basis = \"\"",
        "purpose[0].named_persons_basis",
    );
    refused("id = \"declarations\"", "id = \"Declarations\"", "purpose[1].id");
    refused("id = \"declarations\"", "id = \"investigation\"", "purpose.id");
    refused("text = \"Investigation\"", "text = \"\"", "purpose[0].text");
    refused("basis = \"c.p.p. art. 55\"", "basis = \"\"", "purpose[0].basis");
    refused("kind = \"reserved\"", "kind = \"secret\"", "purpose[0].kind");
    let rule = "release_after_months = 3";
    for (other, key) in [
        ("release_after_months = 0", "purpose[0].release_after_months"),
        ("release_after_months = 601", "purpose[0].release_after_months"),
        ("release = \"later\"", "purpose[0].release"),
        ("release = \"\"", "purpose[0].release"),
        (
            "release = \"never\"\nrelease_after_months = 3",
            "purpose[0].release",
        ),
    ] {
        refused(rule, other, key);
    }
    let ordinary = "kind = \"ordinary\"";
    for (more, key) in [
        ("release = \"never\"", "purpose[1].release"),
        ("release_after_months = 3", "purpose[1].release_after_months"),
    ] {
        refused(ordinary, &format!("{ordinary}\n{more}"), key);
    }
    refused(
        "services = [\"verify-declaration\"]",
        "services = []",
        "purpose[1].services",
    );
    refused(
        "services = [\"verify-declaration\"]",
        "services = [\"search\"]",
        "purpose[1].services",
    );
    refused(
        "services = [\"verify-declaration\"]",
        "services = [\"describe-access\"]",
        "purpose[1].services",
    );
    refused(
        "verifications = [\"residence\"]",
        "verifications = []",
        "purpose[1].verifications",
    );
    refused(
        "verifications = [\"residence\"]",
        "verifications = [\"wealth\"]",
        "purpose[1].verifications",
    );
    refused(
        "verifications = [\"residence\"]",
        "verifications = [\"residence\"]\nfields = [\"surname\"]",
        "purpose[1].fields",
    );
    refused(
        "\"lookup-household\", \"verify-declaration\"",
        "\"lookup-household\"",
        "purpose[0].verifications",
    );
    refused("\"surname\", ", "\"wealth\", ", "purpose[0].fields");
    refused("\"household\", ", "", "purpose[0].fields");
    let fields =
        "fields = [\"surname\", \"given_name\", \"birth_date\", \"residence\", \"household\", \"death\"]";
    refused(fields, "fields = []", "purpose[0].fields");
    assert!(
        parse(&fixture::changed_document(
            "residents = true",
            "residents = false\naire = true"
        ))
        .is_ok()
    );
    assert!(
        parse(&fixture::changed_document(
            "format = 1",
            "format = 1\nsearch = [\"by-identifier\"]"
        ))
        .is_ok()
    );
    assert!(
        parse(&fixture::changed_document(
            "valid_to = 2026-12-31",
            "valid_to = 2026-01-01"
        ))
        .is_ok()
    );
    let without_purposes = fixture::DOCUMENT.split("[[purpose]]").next().unwrap();
    let refusal = parse(without_purposes).unwrap_err().to_string();
    assert_eq!(refusal, "purpose: there must be at least one");
    let reserved = parse(&fixture::changed_document(
        "format = 1",
        "format = 1\nsearch = [\"list\"]",
    ))
    .unwrap_err();
    assert_eq!(
        reserved.to_string(),
        "search: list is reserved and cannot be granted yet"
    );
}

#[test]
fn former_residences_need_a_history() {
    let with_history = fixture::changed_document("\"residence\", ", "\"residence\", \"residence_history\", ");
    assert!(parse(&with_history).is_ok());
    let refusal = parse(&with_history.replace("since 2010-01-01", "today")).unwrap_err();
    assert!(matches!(refusal, DocumentError::Value { key, .. } if key == "purpose[0].fields"));
}

proptest! {
    #[test]
    fn no_input_makes_the_reader_fail_otherwise_than_by_refusing(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        prop_assert!(AgreementDocument::parse(&bytes).is_err());
    }

    #[test]
    fn a_damaged_document_is_refused_or_hashed_anew(at in 0..fixture::DOCUMENT.len(), byte in 0x20..0x7f_u8) {
        let mut bytes = fixture::DOCUMENT.as_bytes().to_vec();
        bytes[at] = byte;
        if let Ok(agreement) = AgreementDocument::parse(&bytes) {
            prop_assert_eq!(agreement.document(), &bytes[..]);
            let same = bytes == fixture::DOCUMENT.as_bytes();
            prop_assert_eq!(agreement.hash() == fixture::agreement("").hash(), same);
        }
    }
}

#[test]
fn a_list_is_granted_with_its_bounds_where_the_call_by_itself_is() {
    let with = |batch: &str, services: &str| {
        let services_before = "services = [\"lookup-person\", ";
        let document =
            fixture::changed_document(services_before, &format!("{batch}\n{services_before}{services}"));
        AgreementDocument::parse(document.as_bytes())
    };
    let key = |document: Result<Agreement, DocumentError>| match document {
        Err(DocumentError::Value { key, .. }) => key,
        other => panic!("{other:?}"),
    };
    let both = "\"batch-lookup-persons\", \"batch-verify\", ";
    let terms = "batch = { rows_per_batch = 10, rows_per_day = 20, fields = [\"surname\"] }";
    let agreement = with(terms, both).unwrap();
    let batch = agreement.terms().purposes[0].batch.unwrap();
    assert_eq!((batch.rows_per_batch, batch.rows_per_day), (10, 20));
    let bounds = "batch = { rows_per_batch = 10, rows_per_day = 20 }";
    assert!(with(bounds, "\"batch-verify\", ").is_ok());
    for (batch, services, expect) in [
        ("", both, "purpose[0].batch"),
        (terms, "", "purpose[0].batch"),
        (bounds, both, "purpose[0].batch.fields"),
        (terms, "\"batch-verify\", ", "purpose[0].batch.fields"),
        (
            &terms.replace("surname", "citizenships"),
            both,
            "purpose[0].batch.fields",
        ),
        (
            &terms.replace("10,", "0,"),
            both,
            "purpose[0].batch.rows_per_batch",
        ),
        (
            &terms.replace("20,", "1000001,"),
            both,
            "purpose[0].batch.rows_per_day",
        ),
    ] {
        assert_eq!(key(with(batch, services)), expect, "{batch} {services}");
    }
    let alone = fixture::changed_document(
        "services = [\"verify-declaration\"]",
        "services = [\"verify-declaration\", \"batch-lookup-persons\"]",
    );
    assert_eq!(
        key(AgreementDocument::parse(alone.as_bytes())),
        "purpose[1].services"
    );
}
