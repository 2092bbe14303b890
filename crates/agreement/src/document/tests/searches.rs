//! Services that show several persons, and their bounds.

use super::*;

#[test]
fn residents_of_an_address_are_granted_with_the_residence_and_bounded() {
    let of = |services: &str, more: &str| {
        let document = fixture::DOCUMENT
            .replace("format = 1", &format!("format = 1\n{more}"))
            .replace(
                "services = [\"lookup-person\",",
                &format!("services = [{services}\"lookup-person\","),
            );
        AgreementDocument::parse(document.as_bytes())
    };
    let service = "\"lookup-address-residents\", ";
    let bound = |document: Result<Agreement, DocumentError>| document.unwrap().terms().max_residents;
    assert_eq!(bound(of(service, "")), 50);
    assert_eq!(bound(of("", "")), 50);
    assert_eq!(bound(of(service, "max_residents = 8")), 8);
    let key = |document: Result<Agreement, DocumentError>| match document {
        Err(DocumentError::Value { key, .. }) => key,
        other => panic!("{other:?}"),
    };
    assert_eq!(key(of(service, "max_residents = 51")), "max_residents");
    assert_eq!(key(of(service, "max_residents = 0")), "max_residents");
    assert_eq!(key(of("", "max_residents = 8")), "max_residents");
    let unplaced = fixture::DOCUMENT
        .replace("\"lookup-household\"", "\"lookup-address-residents\"")
        .replace("\"residence\", \"household\"", "\"household\"");
    assert_eq!(
        key(AgreementDocument::parse(unplaced.as_bytes())),
        "purpose[0].fields"
    );
}

#[test]
fn a_search_is_granted_by_the_mode_and_a_purpose_together_and_bounded() {
    let of = |search: &str, services: &str, more: &str| {
        let document = fixture::DOCUMENT
            .replace("format = 1", &format!("format = 1\n{search}\n{more}"))
            .replace(
                "services = [\"lookup-person\",",
                &format!("services = [{services}\"lookup-person\","),
            );
        AgreementDocument::parse(document.as_bytes())
    };
    let modes = "search = [\"by-identifier\", \"by-partial-data\"]";
    let service = "\"search-persons\", ";
    let bound = |document: Result<Agreement, DocumentError>| document.unwrap().terms().max_hits;
    assert_eq!(bound(of(modes, service, "")), 50);
    assert_eq!(bound(of(modes, service, "max_hits = 20")), 20);
    assert_eq!(bound(of("", "", "")), 50);
    let key = |document: Result<Agreement, DocumentError>| match document {
        Err(DocumentError::Value { key, .. }) => key,
        other => panic!("{other:?}"),
    };
    assert_eq!(key(of(modes, service, "max_hits = 51")), "max_hits");
    assert_eq!(key(of(modes, service, "max_hits = 0")), "max_hits");
    assert_eq!(key(of("", "", "max_hits = 5")), "max_hits");
    assert_eq!(key(of("", service, "")), "purpose[0].services");
    assert_eq!(key(of(modes, "", "")), "search");
    let changed = |from: &str, to: &str| {
        let document = fixture::DOCUMENT
            .replace("format = 1", &format!("format = 1\n{modes}"))
            .replace(
                "services = [\"lookup-person\",",
                &format!("services = [{service}\"lookup-person\","),
            )
            .replace(from, to);
        AgreementDocument::parse(document.as_bytes())
    };
    assert_eq!(key(changed("\"given_name\", ", "")), "purpose[0].fields");
    assert_eq!(
        key(changed(
            "required = true\nassurance",
            "required = false\nassurance"
        )),
        "operator.required"
    );
}
