use super::*;
use crate::document::AgreementDocument;
use crate::fixture;

fn rules(agreement: &Agreement) -> Vec<(LintRule, String)> {
    lint(agreement)
        .into_iter()
        .map(|LintFinding { rule, key }| (rule, key))
        .collect()
}

type Trap = (&'static [(&'static str, &'static str)], LintRule, &'static str);

/// Texts of the fixture agreement to change, and the one finding that follows.
const TRAPS: [Trap; 23] = [
    (
        &[("release_after_months = 3\n", "")],
        LintRule::ReservedWithoutRelease,
        "purpose[0].release",
    ),
    (
        &[("release_after_months = 3", "release_after_months = 24")],
        LintRule::ReleaseAfterRetention,
        "purpose[0].release_after_months",
    ),
    (
        &[("release_after_months = 3", "release_after_months = 600")],
        LintRule::ReleaseAfterRetention,
        "purpose[0].release_after_months",
    ),
    (
        &[
            ("class = \"police\"", "class = \"public-service-operator\""),
            ("region = \"08\"", "municipalities = [\"037032\"]"),
            (
                "kind = \"reserved\"\nrelease_after_months = 3",
                "kind = \"ordinary\"",
            ),
            (
                "\"lookup-household\", \"verify",
                "\"lookup-address-residents\", \"verify",
            ),
        ],
        LintRule::ResidentsNotPolice,
        "purpose[0].services",
    ),
    (
        &[(
            "[consent_reference]\npattern = \"protocol-number\"\nwords = [\"CONS\"]\n",
            "",
        )],
        LintRule::ConsentFormOpen,
        "purpose[0].consent_required",
    ),
    (
        &[(
            "verifications = [\"generalities\", \"residence\"]",
            "verifications = [\"death\"]",
        )],
        LintRule::DeadNotShown,
        "purpose[0].verifications",
    ),
    (
        &[(
            "verifications = [\"generalities\", \"residence\"]",
            "verifications = [\"generalities\"]\nascertainments = [\"death\"]",
        )],
        LintRule::DeadNotShown,
        "purpose[0].ascertainments",
    ),
    (
        &[(
            "protected = \"hidden\"",
            "protected = \"shown\"\nprotected_basis = \"institutional tasks\"",
        )],
        LintRule::ProtectedWithoutProvision,
        "protected_basis",
    ),
    (
        &[(
            "protected = \"hidden\"",
            "protected = \"location-withheld\"\nprotected_basis = \"need\"",
        )],
        LintRule::ProtectedWithoutProvision,
        "protected_basis",
    ),
    (&[("calls_per_minute = 60\n", "")], LintRule::NoQuota, "quota"),
    (&[("calls_per_day = 1000\n", "")], LintRule::NoQuota, "quota"),
    (
        &[("misses_per_day = 100\n", "")],
        LintRule::NoMissQuota,
        "quota.misses_per_day",
    ),
    (
        &[
            ("class = \"police\"", "class = \"public-body\""),
            (
                "kind = \"reserved\"\nrelease_after_months = 3",
                "kind = \"ordinary\"",
            ),
        ],
        LintRule::WholeRegion,
        "territory.region",
    ),
    (
        &[("valid_to = 2026-12-31", "valid_to = 2031-01-02")],
        LintRule::ValidTooLong,
        "valid_to",
    ),
    (
        &[("review_by = 2026-12-31", "review_by = 2027-01-02")],
        LintRule::ReviewTooLate,
        "review_by",
    ),
    (
        &[("required = true\nassurance", "required = false\nassurance")],
        LintRule::OperatorNotNamed,
        "operator.required",
    ),
    (
        &[("\"substantial\"", "\"low\"")],
        LintRule::WeakAssurance,
        "purpose[0].kind",
    ),
    (
        &[
            ("class = \"police\"", "class = \"public-body\""),
            ("region = \"08\"", "municipalities = [\"037032\"]"),
        ],
        LintRule::ReservedNotPolice,
        "purpose[0].kind",
    ),
    (
        &[
            ("networks = [\"192.0.2.0/24\"]", ""),
            (
                "\"0101010101010101010101010101010101010101010101010101010101010101\"",
                "",
            ),
        ],
        LintRule::AnyNetwork,
        "networks",
    ),
    (
        &[("[case_reference]\npattern = \"year-number\"\n", "")],
        LintRule::NoCaseReference,
        "case_reference",
    ),
    (
        &[("retention_months = 24", "retention_months = 5")],
        LintRule::ShortRetention,
        "retention_months",
    ),
    (
        &[
            (
                "class = \"police\"",
                "class = \"private\"\ntransferred_public_power = \"DM 12/2020\"",
            ),
            ("region = \"08\"", "municipalities = [\"037032\"]"),
            (
                "kind = \"reserved\"\nrelease_after_months = 3",
                "kind = \"ordinary\"",
            ),
        ],
        LintRule::PrivateConsultation,
        "purpose[0].services",
    ),
    (
        &[
            ("release_after_months = 3", "release = \"never\""),
            ("kind = \"ordinary\"", "kind = \"reserved\"\nrelease = \"never\""),
            ("\"substantial\"", "\"substantial\" # both reserved"),
            ("retention_months = 24", "retention_months = 1"),
        ],
        LintRule::ShortRetention,
        "retention_months",
    ),
];

#[test]
fn a_sound_agreement_has_no_finding() {
    assert_eq!(rules(&fixture::agreement("")), []);
}

#[test]
fn each_trap_is_found_alone() {
    for (changes, rule, key) in TRAPS {
        let document = changes
            .iter()
            .fold(fixture::DOCUMENT.to_owned(), |document, (from, to)| {
                assert!(document.contains(from), "{from}");
                document.replace(from, to)
            });
        let agreement = AgreementDocument::parse(document.as_bytes()).unwrap();
        assert_eq!(rules(&agreement), [(rule, key.to_owned())], "{changes:?}");
    }
    for rule in LintRule::ALL {
        assert!(
            TRAPS.iter().any(|(_, of, _)| *of == rule),
            "{} has a row",
            rule.name()
        );
    }
}

#[test]
fn what_lies_on_the_edge_is_no_trap() {
    for (from, to) in [
        ("valid_to = 2026-12-31", "valid_to = 2031-01-01"),
        ("review_by = 2026-12-31", "review_by = 2027-01-01"),
        ("retention_months = 24", "retention_months = 6"),
        ("networks = [\"192.0.2.0/24\"]", ""),
        (
            "\"0101010101010101010101010101010101010101010101010101010101010101\"",
            "",
        ),
        (
            "protected = \"hidden\"",
            "protected = \"shown\"\nprotected_basis = \"c.p.p. art. 55\"",
        ),
        ("\"substantial\"", "\"high\""),
    ] {
        assert_eq!(rules(&fixture::changed(from, to)), [], "{to}");
    }
}

#[test]
fn weak_assurance_concerns_reserved_purposes_only() {
    let document = fixture::changed_document(
        "kind = \"reserved\"\nrelease_after_months = 3",
        "kind = \"ordinary\"",
    );
    let agreement =
        AgreementDocument::parse(document.replace("\"substantial\"", "\"low\"").as_bytes()).unwrap();
    assert_eq!(rules(&agreement), []);
}

#[test]
fn rules_have_distinct_names_texts_and_a_source() {
    assert!(LintRule::ALL.is_sorted());
    for (position, rule) in LintRule::ALL.into_iter().enumerate() {
        for other in LintRule::ALL.into_iter().skip(position + 1) {
            assert_ne!(rule.name(), other.name());
            assert_ne!(rule.english(), other.english());
            assert_ne!(rule.italian(), other.italian());
        }
        assert!(
            rule.source().bytes().any(|byte| byte.is_ascii_digit()),
            "{} cites a source",
            rule.name()
        );
    }
}
