//! Kinds of ascertainment in a document.

use registry::profile::FieldGroup;

use super::*;
use crate::ascertainment::Ascertainment;

#[test]
fn ascertainments_are_granted_by_name_beside_or_instead_of_services() {
    let with =
        |from: &str, to: &str| AgreementDocument::parse(fixture::changed_document(from, to).as_bytes());
    let key = |read: Result<Agreement, DocumentError>| match read {
        Err(DocumentError::Value { key, .. }) => key,
        other => panic!("{other:?}"),
    };
    let purpose = "services = [\"verify-declaration\"]\nverifications = [\"residence\"]";
    let read = with(
        purpose,
        "ascertainments = [\"residence\", \"death\", \"residence\"]",
    )
    .unwrap();
    let [_, declarations] = &read.terms().purposes[..] else {
        panic!("two purposes");
    };
    assert!(declarations.services.is_empty() && declarations.fields.is_empty());
    let expect = [Ascertainment::Death, Ascertainment::Residence];
    assert_eq!(
        declarations.ascertainments.iter().copied().collect::<Vec<_>>(),
        expect
    );
    for (to, fault) in [
        ("ascertainments = [\"C016\"]", "purpose[1].ascertainments"),
        (
            "ascertainments = [\"municipal-residence\"]",
            "purpose[1].ascertainments",
        ),
        ("services = []", "purpose[1].services"),
        ("ascertainments = [\"registry-data\"]", "purpose[1].fields"),
        (
            "ascertainments = [\"death\"]\nfields = [\"death\"]",
            "purpose[1].fields",
        ),
    ] {
        assert_eq!(key(with(purpose, to)), fault, "{to}");
    }
    with(
        purpose,
        "ascertainments = [\"registry-data\"]\nfields = [\"death\"]",
    )
    .unwrap();
}

#[test]
fn a_private_body_ascertains_nothing_unless_public_power_was_transferred_to_it() {
    let text = include_str!("../../../../../config/agreements/trade-association.toml");
    let verifications = "verifications = [";
    assert!(text.contains(verifications));
    let text = text.replace(
        verifications,
        &format!("ascertainments = [\"existence-in-life\"]\n{verifications}"),
    );
    let refused = AgreementDocument::parse(text.as_bytes()).unwrap_err();
    let DocumentError::Value { key, .. } = refused else {
        panic!("{refused:?}");
    };
    assert_eq!(key, "purpose[0].ascertainments");
    let act = "class = \"private\"\ntransferred_public_power = \"L. 152/2001 art. 1\"";
    let text = text.replace("class = \"private\"", act);
    AgreementDocument::parse(text.as_bytes()).unwrap();
}

#[test]
fn a_municipality_must_publish_what_an_ascertainment_shows() {
    let purpose = "services = [\"verify-declaration\"]\nverifications = [\"residence\"]";
    for (kind, group) in [
        ("marriage", Some(FieldGroup::CivilStatus)),
        ("citizenship", Some(FieldGroup::Citizenships)),
        ("maternity", Some(FieldGroup::Parents)),
        ("death", None),
    ] {
        let read = fixture::changed(purpose, &format!("ascertainments = [\"{kind}\"]"));
        let groups = read.terms().groups();
        assert_eq!(groups, group.into_iter().collect(), "{kind}");
    }
}
