use super::*;

pub(super) fn in_imola() -> Claim {
    Claim::MunicipalResidence(municipality(fixture::IMOLA))
}

pub(super) fn at_imola(address: AddressClaim) -> Claim {
    Claim::Residence(ResidenceClaim {
        municipality: municipality(fixture::IMOLA),
        address,
    })
}

pub(super) fn address(street: &str, number: Option<u32>) -> AddressClaim {
    let Place::Italian(address) = fixture::residence(street, number).place else {
        panic!("an Italian address")
    };
    AddressClaim::from(&address)
}

#[test]
fn residence_in_a_municipality_is_registration_in_it() {
    let mut record = fixture::record();
    check(&record, &in_imola(), TODAY, YES);
    let bologna = Claim::MunicipalResidence(municipality("037006"));
    check(&record, &bologna, TODAY, NO);
    check(&record, &in_imola(), "2015-06-01", YES);
    check(&record, &in_imola(), "2015-05-31", BEFORE_HISTORY);
    check(&record, &bologna, "2015-05-31", BEFORE_HISTORY);
    record.registration.effective = None;
    check(&record, &in_imola(), "2015-06-01", YES);
    check(&record, &in_imola(), "2015-05-31", BEFORE_HISTORY);
    record.residences = Timeline::starting(None, fixture::residence("EMILIA", Some(10)));
    check(&record, &in_imola(), "2015-05-31", YES);
    record.register = Register::Aire;
    check(&record, &in_imola(), TODAY, NO);
}

#[test]
fn residence_ends_with_the_registration() {
    let mut record = fixture::record();
    cancelled(&mut record, "2026-03-02");
    check(&record, &in_imola(), "2026-03-01", YES);
    check(&record, &in_imola(), TODAY, NOT_REGISTERED);
    died(&mut record, "2026-03-02");
    check(&record, &in_imola(), "2026-03-03", NO);
}

#[test]
fn an_open_procedure_leaves_residence_undetermined() {
    let mut record = fixture::record();
    record.flags.procedure_open = true;
    check(&record, &in_imola(), TODAY, PROCEDURE_OPEN);
    check(&record, &Claim::ExistenceInLife, TODAY, YES);
}

#[test]
fn addresses_agree_in_every_part_that_is_stated() {
    let mut record = fixture::record();
    check(&record, &at_imola(address("APPIA", Some(7))), TODAY, YES);
    check(&record, &at_imola(address("APPIA", None)), TODAY, NO);
    check(&record, &at_imola(address("APPIA", Some(8))), TODAY, NO);
    check(&record, &at_imola(address("EMILIA", Some(7))), TODAY, NO);
    check(&record, &at_imola(address("Emilia", Some(10))), "2020-01-14", YES);
    check(&record, &at_imola(address("Emilia", Some(10))), "2020-01-15", NO);
    let piazza = AddressClaim {
        species: ToponymSpecies::from_number(125),
        ..address("APPIA", Some(7))
    };
    check(&record, &at_imola(piazza), TODAY, NO);
    let unspecified = AddressClaim {
        species: None,
        ..address("APPIA", Some(7))
    };
    check(&record, &at_imola(unspecified), TODAY, YES);

    let with = |suffix: &str, staircase: &str, unit: &str| {
        at_imola(AddressClaim {
            suffix: suffix.to_owned(),
            staircase: staircase.to_owned(),
            unit: unit.to_owned(),
            ..address("APPIA", Some(7))
        })
    };
    check(&record, &with("A", "", ""), TODAY, NOT_HELD);
    check(&record, &with("", "1", ""), TODAY, NOT_HELD);
    check(&record, &with("", "", "3"), TODAY, NOT_HELD);
    let Place::Italian(mut held) = fixture::residence("Appia", Some(7)).place else {
        panic!("Italian")
    };
    held.suffix = "A".to_owned();
    held.staircase = "B".to_owned();
    held.unit = "3".to_owned();
    let place = Place::Italian(held);
    record.residences = Timeline::starting(
        None,
        Residence {
            place,
            ..fixture::residence("Appia", None)
        },
    );
    check(&record, &with("a", "b", "3"), TODAY, YES);
    check(&record, &with("", "", ""), TODAY, YES);
    check(&record, &with("B", "B", "3"), TODAY, NO);
    check(&record, &with("A", "C", "3"), TODAY, NO);
    check(&record, &with("A", "B", "4"), TODAY, NO);
}

#[test]
fn a_house_without_number_contradicts_a_number() {
    let mut record = fixture::record();
    record.residences = Timeline::starting(None, fixture::residence("Appia", None));
    check(&record, &at_imola(address("APPIA", Some(7))), TODAY, NO);
    check(&record, &at_imola(address("APPIA", None)), TODAY, YES);
}

#[test]
fn a_notional_address_is_no_address() {
    let mut record = fixture::record();
    let place = Place::Notional {
        municipality: fixture::istat(fixture::IMOLA),
    };
    record.residences = Timeline::starting(
        None,
        Residence {
            place,
            ..fixture::residence("Appia", None)
        },
    );
    check(&record, &in_imola(), TODAY, YES);
    check(&record, &at_imola(address("APPIA", None)), TODAY, NOT_HELD);
    let place = Place::Foreign(ForeignAddress {
        state: StateCode::parse("215").unwrap(),
        locality: "Lyon".to_owned(),
        line: String::new(),
    });
    record.residences = Timeline::starting(
        None,
        Residence {
            place,
            ..fixture::residence("Appia", None)
        },
    );
    check(&record, &at_imola(address("APPIA", None)), TODAY, NOT_HELD);
    record.residences = Timeline::default();
    check(&record, &at_imola(address("APPIA", None)), TODAY, NOT_HELD);
    record.residences = Timeline::starting(Some(day("2026-03-03")), fixture::residence("Appia", None));
    check(&record, &at_imola(address("APPIA", None)), TODAY, BEFORE_HISTORY);
}

#[test]
fn a_residence_counts_from_the_declaration_on_while_its_check_is_open() {
    let mut record = fixture::record();
    record.residences.record(Dated {
        from: Some(day("2026-02-20")),
        value: Residence {
            standing: ResidenceStanding::Provisional,
            ..fixture::residence("Emilia", Some(12))
        },
    });
    for (street, number, on, expect) in [
        ("EMILIA", 12, TODAY, YES),
        ("EMILIA", 12, "2026-02-20", YES),
        ("EMILIA", 12, "2026-02-19", NO),
        ("APPIA", 7, "2026-02-19", YES),
        ("APPIA", 7, TODAY, NO),
    ] {
        check(&record, &at_imola(address(street, Some(number))), on, expect);
    }
}

#[test]
fn an_address_in_another_municipality_is_not_true_whatever_its_street() {
    let elsewhere = Claim::Residence(ResidenceClaim {
        municipality: municipality("037006"),
        address: address("APPIA", Some(7)),
    });
    let mut record = fixture::record();
    check(&record, &elsewhere, TODAY, NO);
    check(
        &record,
        &at_imola(address("APPIA", Some(7))),
        "2015-05-31",
        BEFORE_HISTORY,
    );
    record.flags.procedure_open = true;
    check(
        &record,
        &at_imola(address("APPIA", Some(7))),
        TODAY,
        PROCEDURE_OPEN,
    );
}
