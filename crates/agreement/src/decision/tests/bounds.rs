use super::*;
use crate::batch::Approval;

type Scope = (QuotaScope, fn(&mut Usage) -> &mut Counters, [u32; 3]);

#[test]
fn agreements_hold_from_their_first_day_to_their_last_in_italy() {
    let always = |when: &str| {
        Case::with(|case| {
            let hours = "[[hours]]\ndays = [\"mon\", \"tue\"]\nfrom = \"08:00\"\nto = \"18:00\"\n";
            case.document = fixture::changed_document(hours, "");
            case.moment = Moment::new(instant(when));
            case.request.context.consent_reference = ConsentReference::parse("CONS-1 2025-12-30").ok();
        })
    };
    let first = Requirement::NotBefore(fixture::day("2026-01-01"));
    denied(&always("2025-12-31T22:59:59Z"), Clause::Begun, first);
    granted(&always("2025-12-31T23:00:00Z"));
    granted(&always("2026-12-31T22:59:59Z"));
    let last = Requirement::NotAfter(fixture::day("2026-12-31"));
    denied(&always("2026-12-31T23:00:00Z"), Clause::NotExpired, last);
}

#[test]
fn activation_and_revocation_take_effect_at_their_instant() {
    granted(&Case::with(|case| case.activated = case.moment.utc()));
    granted(&Case::with(|case| {
        case.revoked = Some(instant("2026-03-02T10:00:01Z"))
    }));
    denied(
        &Case::with(|case| case.revoked = Some(instant("2026-03-02T09:59:59Z"))),
        Clause::NotRevoked,
        Requirement::Unspecified,
    );
}

#[test]
fn hours_end_on_their_minute() {
    let hours = || Requirement::Hours(fixture::agreement("").terms().hours.clone());
    denied(&Case::at("2026-03-02T06:59:59Z"), Clause::Hours, hours());
    granted(&Case::at("2026-03-02T07:00:00Z"));
    granted(&Case::at("2026-03-02T16:59:59Z"));
    denied(&Case::at("2026-03-02T17:00:00Z"), Clause::Hours, hours());
    granted(&Case::at("2026-03-03T10:00:00Z"));
}

#[test]
fn what_an_agreement_does_not_bound_is_free() {
    let no_network = Case::document("networks = [\"192.0.2.0/24\"]", "networks = []");
    granted(&Case {
        peer: Peer {
            address: "2001:db8::1".parse().unwrap(),
            ..fixture::peer()
        },
        ..no_network
    });
    let unpinned = Case::document(&format!("pinned_certificates = [\"{}\"]", "01".repeat(32)), "");
    let other = CertificateFingerprint([2; 32]);
    granted(&Case {
        peer: Peer {
            certificate: other,
            ..fixture::peer()
        },
        ..unpinned
    });
    let no_case = Case::document("[case_reference]\npattern = \"year-number\"\n", "");
    let mut request = fixture::request();
    request.context.case_reference = CaseReference::parse("PG-123").ok();
    granted(&Case {
        request: request.clone(),
        ..no_case.clone()
    });
    request.context.case_reference = CaseReference::parse("ROSSI-123").ok();
    let named = Case {
        request: request.clone(),
        ..no_case.clone()
    };
    let usual = Requirement::Reference(ReferenceTerms {
        pattern: ReferencePattern::ProtocolNumber,
        words: None,
    });
    denied(&named, Clause::CaseForm, usual.clone());
    request.context.case_reference = None;
    granted(&Case { request, ..no_case });
    let mut no_form = Case::document(
        "[consent_reference]\npattern = \"protocol-number\"\nwords = [\"CONS\"]\n",
        "",
    );
    granted(&no_form);
    no_form.request.context.consent_reference = ConsentReference::parse("ROSSI-1 2026-03-02").ok();
    denied(&no_form, Clause::ConsentForm, usual);
    let anonymous = Case::document("required = true", "required = false");
    let mut request = fixture::request();
    request.context.operator = None;
    granted(&Case { request, ..anonymous });
    let anywhere = Case::document("workstation = true", "workstation = false");
    let mut request = fixture::request();
    request.context.workstation = None;
    granted(&Case { request, ..anywhere });
    let no_consent = Case::document("consent_required = true", "consent_required = false");
    let mut request = fixture::request();
    request.context.consent_reference = None;
    granted(&Case {
        request,
        ..no_consent
    });
}

#[test]
fn assurance_is_compared_by_level() {
    let check = |least: &str, given: Option<Assurance>, expect: bool| {
        let mut case = Case::document("assurance = \"substantial\"", &format!("assurance = \"{least}\""));
        case.request.context.assurance = given;
        assert_eq!(case.decide().is_ok(), expect, "{least}: {given:?}");
    };
    let levels = [
        None,
        Some(Assurance::Low),
        Some(Assurance::Substantial),
        Some(Assurance::High),
    ];
    for (least, passes) in [
        ("low", [false, true, true, true]),
        ("substantial", [false, false, true, true]),
        ("high", [false, false, false, true]),
    ] {
        for (given, expect) in levels.into_iter().zip(passes) {
            check(least, given, expect);
        }
    }
}

#[test]
fn reference_dates_reach_as_far_as_the_history_granted() {
    let asked = |history: &str, day: Option<&str>| {
        let mut case = Case::document("since 2010-01-01", history);
        case.request.context.reference_date = day.map(fixture::day);
        case
    };
    for day in [None, Some("2026-03-02"), Some("2010-01-01")] {
        let permit = granted(&asked("since 2010-01-01", day));
        assert_eq!(permit.reference_date(), fixture::day(day.unwrap_or("2026-03-02")));
        assert_eq!(permit.history_from(), Some(fixture::day("2010-01-01")));
    }
    let from = |day: &str| Requirement::ReferenceDateFrom(fixture::day(day));
    denied(
        &asked("since 2010-01-01", Some("2009-12-31")),
        Clause::History,
        from("2010-01-01"),
    );
    assert_eq!(
        granted(&asked("today", Some("2026-03-02"))).history_from(),
        Some(fixture::day("2026-03-02"))
    );
    granted(&asked("today", None));
    denied(
        &asked("today", Some("2026-03-01")),
        Clause::History,
        from("2026-03-02"),
    );
    assert_eq!(granted(&asked("all", Some("1861-03-17"))).history_from(), None);
    let until = Requirement::ReferenceDateUntil(fixture::day("2026-03-02"));
    denied(&asked("all", Some("2026-03-03")), Clause::ReferenceDate, until);
}

#[test]
fn what_was_known_is_opened_only_where_granted_and_never_for_the_future() {
    let asked = |known_on: &str, seconds: i64| {
        let mut case = Case::document("format = 1", &format!("format = 1\nknown_on = {known_on}"));
        let instant = case.moment.utc() + chrono::TimeDelta::seconds(seconds);
        case.request.context.known_on = Some(instant);
        (case, instant)
    };
    for seconds in [0, -1, -100_000_000] {
        let (case, instant) = asked("true", seconds);
        assert_eq!(granted(&case).known_on(), Some(instant));
        denied(
            &asked("false", seconds).0,
            Clause::KnownOn,
            Requirement::Unspecified,
        );
    }
    denied(&asked("true", 1).0, Clause::KnownOn, Requirement::Unspecified);
    assert_eq!(
        granted(&Case::document("format = 1", "format = 1")).known_on(),
        None
    );
}

#[test]
fn municipalities_are_compared_by_identity() {
    let asked = |territory: &str, code: &str| {
        let mut case = Case::document("region = \"08\"", territory);
        case.request.municipality = Some(municipality(code));
        case.decide().is_ok()
    };
    assert!(asked("region = \"08\"", "037032"));
    assert!(!asked("region = \"08\"", "015146"));
    assert!(asked("municipalities = [\"037032\"]", "037032"));
    assert!(!asked("municipalities = [\"037032\"]", "037006"));
    // Novafeltria passed from Marche to Emilia-Romagna in 2009 and changed its code: an agreement may name either.
    assert!(asked("region = \"08\"", "041039"));
    assert!(!asked("region = \"11\"", "099023"));
    assert!(asked("municipalities = [\"041039\"]", "099023"));
    let permit = granted(&Case::with(|case| {
        case.request.municipality = Some(municipality("037032"))
    }));
    assert_eq!(permit.municipality(), Some(municipality("037032")));
}

fn searching(criteria: &[Field]) -> Case {
    let services = "services = [\"lookup-person\", ";
    let searching = services.replace("= [", "= [\"search-persons\", ");
    let modes = "format = 1\nsearch = [\"by-identifier\", \"by-partial-data\"]";
    Case::with(|case| {
        case.document = fixture::changed_document(services, &searching).replace("format = 1", modes);
        let criteria = FieldSet::of(criteria);
        case.request.asked = Asked::Search { criteria };
    })
}

#[test]
fn a_search_by_a_field_that_is_not_granted_is_refused_as_if_it_were_asked_for() {
    let permit = granted(&searching(&[Field::Surname, Field::BirthDate]));
    let shown = FieldSet::of(&[Field::Surname, Field::GivenName, Field::BirthDate]);
    assert_eq!(
        (permit.fields(), permit.service()),
        (shown, Service::SearchPersons)
    );
    assert!(permit.granted().contains(Field::Residence));
    assert_eq!(permit.operator(), fixture::request().context.operator.as_ref());
    let denial = searching(&[Field::Surname, Field::TaxCode]).decide().unwrap_err();
    assert_eq!(denial.clause, Clause::Fields);
    let denial = Case::with(|case| {
        case.request.asked = Asked::Search {
            criteria: FieldSet::EMPTY,
        }
    });
    assert_eq!(denial.decide().unwrap_err().clause, Clause::Service);
}

#[test]
fn a_search_knows_what_is_known_now() {
    let mut case = searching(&[Field::Surname]);
    case.document = case.document.replace("format = 1", "format = 1\nknown_on = true");
    granted(&case);
    case.request.context.known_on = Some(instant("2026-03-01T10:00:00Z"));
    assert_eq!(case.decide().unwrap_err().clause, Clause::KnownOn);
}

#[test]
fn a_lookup_is_limited_to_a_municipality_only_where_a_field_that_names_it_is_granted() {
    let limited = |fields: &str, asked: Asked, municipality: Option<MunicipalityId>| {
        let all =
            "fields = [\"surname\", \"given_name\", \"birth_date\", \"residence\", \"household\", \"death\"]";
        let mut case = Case::document(all, &format!("fields = [{fields}]"));
        case.request.asked = asked;
        case.request.municipality = municipality;
        case
    };
    let imola = Some(municipality("037032"));
    let fields = FieldSet::EMPTY;
    for asked in [Asked::Person { fields }, Asked::Household { fields }] {
        let nameless = "\"surname\", \"household\"";
        granted(&limited(nameless, asked, None));
        let expect = Requirement::Fields {
            refused: FieldSet::of(&[Field::Residence]),
            granted: FieldSet::of(&[Field::Surname, Field::Household]),
        };
        denied(&limited(nameless, asked, imola), Clause::Fields, expect);
        for naming in ["residence", "registration"] {
            let fields = format!("{nameless}, \"{naming}\"");
            granted(&limited(&fields, asked, imola));
        }
    }
}

#[test]
fn a_verification_is_limited_to_a_municipality_only_where_residence_may_be_verified() {
    let limited = |verifications: &str, municipality: Option<MunicipalityId>| {
        let mut case = Case::document("verifications = [\"generalities\", \"residence\"]", verifications);
        case.request.asked = Asked::Verification(VerificationKind::Generalities);
        case.request.municipality = municipality;
        case
    };
    let imola = Some(municipality("037032"));
    let alone = "verifications = [\"generalities\"]";
    granted(&limited(alone, None));
    let expect = Requirement::Verifications(vec![VerificationKind::Generalities]);
    denied(&limited(alone, imola), Clause::Verification, expect);
    for place in ["residence", "municipal-residence"] {
        granted(&limited(
            &format!("verifications = [\"generalities\", \"{place}\"]"),
            imola,
        ));
    }
}

#[test]
fn fields_are_those_asked_for_or_all_that_are_granted() {
    let asked = |asked: Asked| granted(&Case::with(|case| case.request.asked = asked)).fields();
    let names = FieldSet::of(&[Field::Surname, Field::GivenName]);
    assert_eq!(asked(Asked::Person { fields: names }), names);
    let granted_fields = asked(Asked::Person {
        fields: FieldSet::EMPTY,
    });
    assert_eq!(granted_fields.len(), 6);
    assert_eq!(
        asked(Asked::Person {
            fields: granted_fields
        }),
        granted_fields
    );
    assert_eq!(
        asked(Asked::Household {
            fields: FieldSet::EMPTY
        }),
        granted_fields
    );
    let with_household = names.union(FieldSet::of(&[Field::Household]));
    assert_eq!(asked(Asked::Household { fields: names }), with_household);
    let residence = asked(Asked::Verification(VerificationKind::Residence));
    assert_eq!(residence, FieldSet::of(&[Field::Residence]));
}

#[test]
fn a_verification_is_granted_by_kind() {
    let case = |kind| Case::with(|case| case.request.asked = Asked::Verification(kind));
    for kind in [VerificationKind::Generalities, VerificationKind::Residence] {
        let permit = granted(&case(kind));
        assert_eq!(
            (permit.service(), permit.verification()),
            (Service::VerifyDeclaration, Some(kind))
        );
    }
    assert_eq!(
        case(VerificationKind::ExistenceInLife)
            .decide()
            .unwrap_err()
            .clause,
        Clause::Verification
    );
}

#[test]
fn quotas_are_used_up_at_their_limit_in_each_scope() {
    let scopes: [Scope; 3] = [
        (
            QuotaScope::Agreement,
            |usage| &mut usage.agreement,
            [60, 1000, 100],
        ),
        (QuotaScope::Purpose, |usage| &mut usage.purpose, [30, 500, 50]),
        (QuotaScope::Operator, |usage| &mut usage.operator, [6, 80, 8]),
    ];
    for (scope, counters, [minute, day, misses]) in scopes {
        let case = |used: Counters| Case::with(|case| *counters(&mut case.usage) = used);
        granted(&case(used(minute - 1, day - 1, misses - 1)));
        let next_minute = quota(scope, minute, "2026-03-02T10:01:00Z");
        denied(
            &case(used(minute, 0, 0)),
            Clause::MinuteQuota,
            next_minute.clone(),
        );
        denied(&case(used(u32::MAX, 0, 0)), Clause::MinuteQuota, next_minute);
        denied(
            &case(used(0, day, 0)),
            Clause::DayQuota,
            quota(scope, day, "2026-03-02T23:00:00Z"),
        );
        denied(
            &case(used(0, 0, misses)),
            Clause::MissQuota,
            quota(scope, misses, "2026-03-02T23:00:00Z"),
        );
    }
    let unlimited = Case::with(|case| {
        case.document = case
            .document
            .lines()
            .filter(|line| !line.contains("_per_"))
            .collect::<Vec<_>>()
            .join("\n");
        let most = used(u32::MAX, u32::MAX, u32::MAX);
        case.usage = Usage {
            agreement: most,
            purpose: most,
            operator: most,
            declarations: DeclarationUse::Open,
        };
    });
    granted(&unlimited);
}

#[test]
fn a_region_holds_the_municipalities_that_last_belonged_to_it() {
    let region = Territory::region("08").unwrap();
    assert_eq!(region.municipalities().len(), 330);
    assert!(region.municipalities().into_iter().all(|id| region.contains(id)));
    assert_eq!(Territory::region("99"), None);
    let some = Territory::Municipalities(BTreeSet::from([municipality("037032")]));
    assert_eq!(some.municipalities(), BTreeSet::from([municipality("037032")]));
}

#[test]
fn a_list_shows_the_fields_of_lists_and_no_more() {
    let surname = FieldSet::of(&[Field::Surname]);
    let permit = granted(&listing(10, 10));
    assert_eq!(
        (permit.fields(), permit.service()),
        (surname, Service::LookupPerson)
    );
    let mut case = listing(1, 1);
    case.request.asked = Asked::Person {
        fields: FieldSet::of(&[Field::BirthDate]),
    };
    denied(
        &case,
        Clause::Fields,
        Requirement::Fields {
            refused: FieldSet::of(&[Field::BirthDate]),
            granted: surname,
        },
    );
    case.request.asked = Asked::Verification(VerificationKind::Residence);
    granted(&case);
    case.request.asked = Asked::Verification(VerificationKind::Death);
    assert_eq!(case.decide().unwrap_err().clause, Clause::Verification);
}

#[test]
fn a_list_needs_a_grant_of_its_own_and_has_a_length() {
    let mut case = listing(1, 1);
    case.document = fixture::DOCUMENT.to_owned();
    assert_eq!(case.decide().unwrap_err().clause, Clause::Service);
    for (row, rows) in [(1, 11), (0, 10), (6, 5)] {
        denied(&listing(row, rows), Clause::BatchSize, Requirement::Rows(10));
    }
}

#[test]
fn somebody_of_flesh_and_blood_has_approved_the_list_by_now() {
    let approved = |change: &dyn Fn(&mut Approval)| {
        let mut case = listing(1, 1);
        change(&mut case.request.batch.as_mut().unwrap().approval);
        case
    };
    granted(&approved(&|approval| {
        approval.approved_on = fixture::day("2020-01-01")
    }));
    let tomorrow = approved(&|approval| approval.approved_on = fixture::day("2026-03-03"));
    denied(
        &tomorrow,
        Clause::Approval,
        Requirement::NotAfter(fixture::day("2026-03-02")),
    );
    let office = approved(&|approval| approval.approver = OperatorId::parse("ufficio").unwrap());
    assert_eq!(office.decide().unwrap_err().clause, Clause::Approval);
    let form = approved(&|approval| approval.reference = CaseReference::parse("LIST-7").unwrap());
    assert_eq!(form.decide().unwrap_err().clause, Clause::Approval);
}

#[test]
fn rows_have_a_quota_of_their_own() {
    let mut case = listing(1, 1);
    let used = |rows_today: u32| Counters {
        rows_today,
        ..used(1_000, 1_000, 1_000)
    };
    case.usage.agreement = used(1_000);
    case.usage.purpose = used(99);
    granted(&case);
    case.usage.purpose = used(100);
    let resets_at = fixture::moment().next_midnight();
    denied(
        &case,
        Clause::RowQuota,
        Requirement::Quota {
            scope: QuotaScope::Purpose,
            limit: 100,
            resets_at,
        },
    );
}

#[test]
fn residents_of_an_address_are_asked_where_the_service_and_the_residence_are_granted() {
    let asked = |document: String, wanted: &[Field]| {
        Case::with(|case| {
            case.document = document;
            case.request.municipality = MunicipalityId::of_any(fixture::istat(fixture::IMOLA));
            let fields = FieldSet::of(wanted);
            case.request.asked = Asked::Residents { fields };
        })
    };
    let granting = || fixture::changed_document("[\"lookup-person\", ", "[\"lookup-address-residents\", ");
    let permit = granted(&asked(granting(), &[Field::Surname]));
    assert_eq!(
        (permit.fields(), permit.service(), permit.max_residents()),
        (
            FieldSet::of(&[Field::Surname]),
            Service::LookupAddressResidents,
            50
        )
    );
    let denial = asked(fixture::DOCUMENT.to_owned(), &[]).decide().unwrap_err();
    assert_eq!(denial.clause, Clause::Service);
    let denial = asked(granting(), &[Field::TaxCode]).decide().unwrap_err();
    assert_eq!(denial.clause, Clause::Fields);
    let mut elsewhere = asked(granting(), &[]);
    elsewhere.request.municipality = MunicipalityId::of_any(fixture::istat("015146"));
    assert_eq!(elsewhere.decide().unwrap_err().clause, Clause::Territory);
}

#[test]
fn who_is_named_by_generalities_is_looked_up_where_that_mode_and_what_it_confirms_are_granted() {
    let everything = "fields = [\"sex\", \"birth_place\", \"surname\",";
    let named = |search: &str, fields: &str, wanted: &[Field]| {
        Case::with(|case| {
            case.document = fixture::changed_document("fields = [\"surname\",", fields)
                .replace("format = 1", &format!("format = 1\nsearch = [{search}]"));
            let fields = FieldSet::of(wanted);
            case.request.asked = Asked::PersonNamed { fields };
        })
    };
    let both = "\"by-identifier\", \"by-generalities\"";
    let permit = granted(&named(both, everything, &[Field::Residence]));
    assert_eq!(
        (permit.fields(), permit.service()),
        (FieldSet::of(&[Field::Residence]), Service::LookupPerson)
    );
    granted(&named(both, everything, &[]));
    let household = |mut case: Case| {
        let fields = case.request.asked.fields();
        case.request.asked = Asked::HouseholdNamed { fields };
        case
    };
    let permit = granted(&household(named(both, everything, &[Field::Surname])));
    assert_eq!(
        (permit.fields(), permit.service()),
        (
            FieldSet::of(&[Field::Surname, Field::Household]),
            Service::LookupHousehold
        )
    );
    for refused in [
        named("\"by-identifier\"", everything, &[]),
        household(named("\"by-identifier\"", everything, &[])),
    ] {
        assert_eq!(refused.decide().unwrap_err().clause, Clause::SearchMode);
    }
    let unconfirmed = household(named(both, "fields = [\"surname\",", &[]));
    assert_eq!(unconfirmed.decide().unwrap_err().clause, Clause::Fields);
    let without = named(both, "fields = [\"surname\",", &[]);
    let refused = FieldSet::of(&[Field::Sex, Field::BirthPlace]);
    let denial = without.decide().unwrap_err();
    assert_eq!(denial.clause, Clause::Fields);
    assert!(
        matches!(denial.requirement, Requirement::Fields { refused: told, .. } if told == refused),
        "{denial}"
    );
}
