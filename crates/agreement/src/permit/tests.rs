use registry::identifier::IstatCode;

use super::*;
use crate::document::AgreementDocument;
use crate::fixture;

fn municipality(code: &str) -> MunicipalityId {
    MunicipalityId::of_any(IstatCode::parse(code).unwrap()).unwrap()
}

fn subject() -> SubjectFacts {
    SubjectFacts {
        municipality: municipality(fixture::IMOLA),
        register: Register::Apr,
        standing: Standing::Registered,
        age: Age::Adult,
        location: Location::Open,
        identity: Identity::Open,
        consent: Consent::Given,
    }
}

/// The permit under the fixture agreement with another population.
fn permit_for(population: &str) -> Permit {
    let agreement = fixture::changed("residents = true\nminors = true", population);
    fixture::permit(agreement, &fixture::request())
}

fn permit_with(from: &str, to: &str) -> Permit {
    fixture::permit(fixture::changed(from, to), &fixture::request())
}

#[track_caller]
fn check(permit: &Permit, subject: SubjectFacts, expect: Option<HiddenClause>) {
    let hidden = match permit.view(&subject) {
        View::Hidden(clause) => Some(clause),
        View::Visible(fields) => {
            assert_eq!(fields, permit.fields());
            None
        }
    };
    assert_eq!(hidden, expect);
}

#[test]
fn everybody_is_shown_only_where_included() {
    let aire = SubjectFacts {
        register: Register::Aire,
        ..subject()
    };
    let cancelled = SubjectFacts {
        standing: Standing::Cancelled,
        ..subject()
    };
    let dead = SubjectFacts {
        standing: Standing::Dead,
        ..subject()
    };
    let minor = SubjectFacts {
        age: Age::Minor,
        ..subject()
    };
    let none = permit_for("residents = true");
    check(&none, subject(), None);
    check(&none, aire, Some(HiddenClause::Aire));
    check(&none, cancelled, Some(HiddenClause::Cancelled));
    check(&none, dead, Some(HiddenClause::Deceased));
    check(&none, minor, Some(HiddenClause::Minor));
    check(
        &permit_for("residents = false\naire = true"),
        subject(),
        Some(HiddenClause::Residents),
    );
    check(&permit_for("residents = false\naire = true"), aire, None);
    check(&permit_for("aire = true"), aire, None);
    check(&permit_for("aire = true"), subject(), None);
    check(&permit_for("cancelled = true"), cancelled, None);
    check(
        &permit_for("cancelled = true"),
        dead,
        Some(HiddenClause::Deceased),
    );
    check(&permit_for("deceased = true"), dead, None);
    check(
        &permit_for("deceased = true"),
        cancelled,
        Some(HiddenClause::Cancelled),
    );
    check(&permit_for("minors = true"), minor, None);
    let dead_abroad = SubjectFacts {
        register: Register::Aire,
        ..dead
    };
    check(
        &permit_for("deceased = true"),
        dead_abroad,
        Some(HiddenClause::Aire),
    );
    check(&permit_for("aire = true\ndeceased = true"), dead_abroad, None);
}

#[test]
fn nobody_is_shown_outside_the_territory_or_the_municipality_asked_for() {
    let elsewhere = SubjectFacts {
        municipality: municipality("015146"),
        ..subject()
    };
    let region = permit_for("residents = true");
    check(&region, elsewhere, Some(HiddenClause::Territory));
    let only_imola = permit_with("region = \"08\"", "municipalities = [\"037032\"]");
    check(&only_imola, subject(), None);
    let bologna = SubjectFacts {
        municipality: municipality("037006"),
        ..subject()
    };
    check(&only_imola, bologna, Some(HiddenClause::Territory));
    check(&region, bologna, None);
    let mut request = fixture::request();
    request.municipality = Some(municipality(fixture::IMOLA));
    let limited = fixture::permit(fixture::agreement(""), &request);
    check(&limited, subject(), None);
    check(&limited, bologna, Some(HiddenClause::Territory));
}

#[test]
fn sealed_identities_and_closed_municipalities_are_always_hidden() {
    let everything = permit_with(
        "protected = \"hidden\"",
        "protected = \"shown\"\nprotected_basis = \"c.p.p. art. 55\"",
    );
    let sealed = SubjectFacts {
        identity: Identity::Sealed,
        ..subject()
    };
    check(&everything, sealed, Some(HiddenClause::SealedIdentity));
    let closed = SubjectFacts {
        consent: Consent::Withheld,
        ..subject()
    };
    check(&everything, closed, Some(HiddenClause::MunicipalityConsent));
    check(&everything, subject(), None);
}

#[test]
fn protected_persons_are_hidden_withheld_or_shown() {
    let protected = SubjectFacts {
        location: Location::Protected,
        ..subject()
    };
    let hidden = permit_for("residents = true");
    check(&hidden, protected, Some(HiddenClause::Protected));
    let basis = "protected_basis = \"c.p.p. art. 55\"";
    let withheld = permit_with(
        "protected = \"hidden\"",
        &format!("protected = \"location-withheld\"\n{basis}"),
    );
    check(&withheld, subject(), None);
    let View::Visible(fields) = withheld.view(&protected) else {
        panic!("the person stays findable")
    };
    assert_eq!(fields.to_string(), "surname, given_name, birth_date, death");
    assert!(withheld.withholds_location(fields));
    // Nor is the place found by asking of one municipality after the other.
    let mut request = fixture::request();
    request.municipality = Some(municipality("037006"));
    let changed = format!("protected = \"location-withheld\"\n{basis}");
    let elsewhere = fixture::permit(fixture::changed("protected = \"hidden\"", &changed), &request);
    check(&elsewhere, subject(), Some(HiddenClause::Territory));
    for location in [Location::Protected, Location::Shared] {
        let subject = SubjectFacts {
            location,
            ..subject()
        };
        assert_eq!(elsewhere.view(&subject), View::Visible(fields));
        assert_eq!(withheld.view(&subject), View::Visible(fields));
    }
    assert!(!withheld.withholds_location(withheld.fields()));
    let shown = permit_with(
        "protected = \"hidden\"",
        &format!("protected = \"shown\"\n{basis}"),
    );
    check(&shown, protected, None);
}

#[test]
fn whose_location_is_withheld_is_not_found_by_asking_where() {
    let mode = |mode: &str| {
        let protection = format!("protected = \"{mode}\"\nprotected_basis = \"c.p.p. art. 55\"");
        let document = fixture::changed_document("protected = \"hidden\"", &protection)
            .replace(
                "format = 1",
                "format = 1\nsearch = [\"by-identifier\", \"by-partial-data\"]",
            )
            .replace("[\"lookup-person\", ", "[\"search-persons\", ");
        AgreementDocument::parse(document.as_bytes()).unwrap()
    };
    let mut request = fixture::request();
    let criteria = FieldSet::of(&[Field::Surname]);
    request.asked = Asked::Search { criteria };
    let everywhere = fixture::permit(mode("location-withheld"), &request);
    request.municipality = Some(municipality(fixture::IMOLA));
    let here = fixture::permit(mode("location-withheld"), &request);
    let shown_here = fixture::permit(mode("shown"), &request);
    check(&here, subject(), None);
    for location in [Location::Shared, Location::Protected] {
        let subject = SubjectFacts {
            location,
            ..subject()
        };
        check(&everywhere, subject, None);
        check(&here, subject, Some(HiddenClause::Protected));
        check(&shown_here, subject, None);
    }
}

#[test]
fn whose_location_is_withheld_is_not_found_by_an_address() {
    let mode = |mode: &str| {
        let protection = format!("protected = \"{mode}\"\nprotected_basis = \"c.p.p. art. 55\"");
        let document = fixture::changed_document("protected = \"hidden\"", &protection)
            .replace("[\"lookup-person\", ", "[\"lookup-address-residents\", ");
        let mut request = fixture::request();
        let fields = FieldSet::EMPTY;
        request.asked = Asked::Residents { fields };
        request.municipality = Some(municipality(fixture::IMOLA));
        fixture::permit(AgreementDocument::parse(document.as_bytes()).unwrap(), &request)
    };
    check(&mode("location-withheld"), subject(), None);
    for location in [Location::Shared, Location::Protected] {
        let subject = SubjectFacts {
            location,
            ..subject()
        };
        check(&mode("location-withheld"), subject, Some(HiddenClause::Protected));
        check(&mode("shown"), subject, None);
    }
}

#[test]
fn a_permit_for_no_person_shows_nobody() {
    let mut request = fixture::request();
    request.asked = Asked::Receipt;
    check(
        &fixture::permit(fixture::agreement(""), &request),
        subject(),
        Some(HiddenClause::Service),
    );
}

#[test]
fn a_purpose_that_the_agreement_lacks_grants_no_consultation() {
    let agreement = Arc::new(fixture::agreement(""));
    let mut request = fixture::request();
    request.context.purpose = PurposeId::parse("no-such-purpose").unwrap();
    assert_eq!(Permit::grant(&agreement, &request, fixture::moment()), None);
    request.asked = Asked::Receipt;
    let permit = Permit::grant(&agreement, &request, fixture::moment()).unwrap();
    assert!(
        permit.fields().is_empty(),
        "what needs no grant shows no field either"
    );
}

#[test]
fn a_person_is_shown_with_the_fields_of_the_permit() {
    let permit = permit_for("residents = true");
    let mut record = fixture::record();
    let person = permit.person(&record, &subject()).unwrap();
    assert_eq!(
        (person.fields, person.location_withheld),
        (permit.fields(), false)
    );
    assert_eq!(person.surname, record.generalities.surname);
    assert_eq!(person.sex, None, "sex is not granted");
    let hidden = SubjectFacts {
        consent: Consent::Withheld,
        ..subject()
    };
    assert_eq!(
        permit.person(&record, &hidden),
        Err(HiddenClause::MunicipalityConsent)
    );
    let beyond = permit.person_with(&record, FieldSet::ALL);
    assert_eq!(beyond, person, "nothing beyond the permit is shown");

    record.flags.protected = true;
    let basis = "protected = \"location-withheld\"\nprotected_basis = \"c.p.p. art. 55\"";
    let permit = permit_with("protected = \"hidden\"", basis);
    let facts = SubjectFacts {
        location: Location::Protected,
        ..subject()
    };
    let person = permit.person(&record, &facts).unwrap();
    assert!(person.location_withheld);
    assert_eq!((person.residence, person.household), (None, None));
}

/// What a question about the household of a dead person gives, dead on 3 February 2026 at Imola; asked a month later.
fn deceased(document: &str, wanted: &[Field], reference_date: Option<&str>) -> Option<DeceasedView> {
    let mut record = fixture::record();
    record.death = Some(registry::record::Death {
        date: fixture::day("2026-02-03"),
        place: Some(registry::record::Locality::Municipality(fixture::istat(
            fixture::IMOLA,
        ))),
    });
    let mut request = fixture::request();
    request.asked = Asked::Household {
        fields: FieldSet::of(wanted),
    };
    request.context.reference_date = reference_date.map(fixture::day);
    let agreement = AgreementDocument::parse(document.as_bytes()).unwrap();
    let permit = fixture::permit(agreement, &request);
    permit.deceased(&record, permit.fields())
}

#[test]
fn of_the_family_of_a_dead_person_the_deceased_alone_is_shown() {
    let view = deceased(fixture::DOCUMENT, &[], None).unwrap();
    assert_eq!(
        view.person.fields.to_string(),
        "surname, given_name, birth_date, death"
    );
    let death = view.person.death.unwrap();
    assert_eq!((death.date, death.place), (fixture::day("2026-02-03"), None));
    assert!(!view.person.location_withheld);
    assert_eq!(view.family_until, Some(fixture::day("2026-02-02")));
    // The day of death counts as life.
    assert_eq!(deceased(fixture::DOCUMENT, &[], Some("2026-02-03")), None);
    assert!(deceased(fixture::DOCUMENT, &[], Some("2026-02-04")).is_some());
}

#[test]
fn nothing_tells_of_a_death_that_is_not_granted_or_not_wanted() {
    let ungranted = fixture::changed_document("\"household\", \"death\"]", "\"household\"]");
    assert_eq!(deceased(&ungranted, &[], None), None);
    assert_eq!(deceased(fixture::DOCUMENT, &[Field::Surname], None), None);
    let wanted = deceased(fixture::DOCUMENT, &[Field::Death, Field::Residence], None).unwrap();
    assert_eq!(wanted.person.fields, FieldSet::of(&[Field::Death]));
}

#[test]
fn the_day_to_ask_in_place_of_a_death_is_one_that_the_agreement_opens() {
    let of = |history: &str| {
        let document = fixture::changed_document("history = \"since 2010-01-01\"", history);
        deceased(&document, &[], None).unwrap().family_until
    };
    assert_eq!(of("history = \"today\""), None);
    assert_eq!(of("history = \"since 2026-02-03\""), None);
    let before = Some(fixture::day("2026-02-02"));
    assert_eq!(of("history = \"since 2026-02-02\""), before);
    assert_eq!(of("history = \"all\""), before);
}

#[test]
fn clauses_have_names_and_are_examined_in_their_order() {
    assert!(HiddenClause::ALL.is_sorted());
    for clause in HiddenClause::ALL {
        assert_eq!(HiddenClause::from_name(clause.name()), Some(clause));
    }
    assert_eq!(HiddenClause::from_name(""), None);
}
