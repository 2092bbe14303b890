//! The samples of `config/agreements`.

use super::*;

#[test]
fn a_private_body_verifies_with_consent_and_no_more() {
    let sample = include_str!("../../../../../config/agreements/trade-association.toml");
    let refused = |from: &str, to: &str, expect: &str| {
        assert!(sample.contains(from), "{from}");
        match parse(&sample.replace(from, to)) {
            Err(DocumentError::Value { key, .. }) => assert_eq!(key, expect, "{to}"),
            other => panic!("{to}: {other:?}"),
        }
    };
    let lookup = "services = [\"verify-declaration\", \"lookup-person\"]\nfields = [\"surname\"]";
    refused(
        "services = [\"verify-declaration\"]",
        lookup,
        "purpose[0].services",
    );
    refused(
        "consent_required = true",
        "consent_required = false",
        "purpose[0].consent_required",
    );
    refused("consent_required = true", "", "purpose[0].consent_required");
    let transferred = sample
        .replace(
            "class = \"private\"",
            "class = \"private\"\ntransferred_public_power = \"L. 580/1993 art. 2\"",
        )
        .replace("services = [\"verify-declaration\"]", lookup)
        .replace("consent_required = true", "");
    let rules: Vec<_> = lint(&parse(&transferred).unwrap())
        .into_iter()
        .map(|finding| finding.rule)
        .collect();
    assert!(rules.contains(&LintRule::PrivateConsultation));
}

#[test]
fn the_sample_of_a_questura_grants_consultation_with_history() {
    let agreement = parse(include_str!("../../../../../config/agreements/questura.toml")).unwrap();
    let terms = agreement.terms();
    assert_eq!(
        (terms.class, terms.history, terms.territory.municipalities().len()),
        (AgencyClass::Police, HistoryDepth::All, 10)
    );
    let [criminal, order] = &terms.purposes[..] else {
        panic!("two purposes")
    };
    assert_eq!(
        (criminal.kind, order.kind),
        (PurposeKind::Reserved, PurposeKind::Ordinary)
    );
    for service in [Service::LookupPerson, Service::LookupHousehold] {
        assert!(criminal.services.contains(&service) && order.services.contains(&service));
    }
    assert_eq!(criminal.fields, crate::field::FieldSet::ALL);
    let residents = Service::LookupAddressResidents;
    assert!(order.services.contains(&residents) && !criminal.services.contains(&residents));
    assert_eq!((terms.max_hits, terms.max_residents), (20, 30));
    let rules: Vec<_> = lint(&agreement).into_iter().map(|finding| finding.rule).collect();
    assert_eq!(rules, [LintRule::AnyNetwork]);
}

#[test]
fn the_sample_of_a_public_body_grants_households_of_past_days() {
    let agreement = parse(include_str!("../../../../../config/agreements/public-body.toml")).unwrap();
    let terms = agreement.terms();
    assert_eq!(terms.class, AgencyClass::PublicBody);
    assert_eq!(terms.history, HistoryDepth::Since("2015-01-01".parse().unwrap()));
    assert!(terms.purposes[0].services.contains(&Service::LookupHousehold));
    assert_eq!(terms.protection, Protection::Hidden);
    let rules: Vec<_> = lint(&agreement).into_iter().map(|finding| finding.rule).collect();
    assert_eq!(rules, [LintRule::AnyNetwork]);
}

#[test]
fn the_sample_of_a_trade_association_grants_verification_only() {
    let agreement = parse(include_str!(
        "../../../../../config/agreements/trade-association.toml"
    ))
    .unwrap();
    let terms = agreement.terms();
    assert_eq!(
        (terms.class, terms.history),
        (AgencyClass::Private, HistoryDepth::Today)
    );
    for purpose in &terms.purposes {
        assert_eq!(
            purpose.services.iter().collect::<Vec<_>>(),
            [&Service::VerifyDeclaration]
        );
        assert_eq!((purpose.consent, purpose.fields.len()), (Presence::Required, 0));
    }
    let rules: Vec<_> = lint(&agreement).into_iter().map(|finding| finding.rule).collect();
    assert_eq!(rules, [LintRule::AnyNetwork]);
}
