//! Death, civil status, citizenship, parents, national id: each kind over cards and reference dates.

use super::*;

const FREE: [CivilStatus; 5] = [
    CivilStatus::Single,
    CivilStatus::Widowed,
    CivilStatus::Divorced,
    CivilStatus::FreeAfterPartnerDeath,
    CivilStatus::FreeAfterUnionDissolved,
];
const BOUND: [CivilStatus; 2] = [CivilStatus::Married, CivilStatus::CivillyUnited];

/// Mario, married since 5 May 2012, registered since 1 June 2015, with parents and a national id.
fn card() -> Record {
    Record {
        parents: parents(),
        national_id: NationalId::parse("AA00001AA").ok(),
        ..fixture::record()
    }
}

fn parent(role: ParentRole, surname: &str, given_name: &str) -> Parent {
    let part = |text: &str| (!text.is_empty()).then(|| fixture::name(text));
    Parent {
        role,
        surname: part(surname),
        given_name: part(given_name),
        tax_code: None,
    }
}

pub(super) fn parents() -> Vec<Parent> {
    vec![
        parent(ParentRole::Father, "Rossi", "Aldo"),
        parent(ParentRole::Mother, "Bianchi", "Ada"),
    ]
}

fn person(surname: &str, given_name: &str) -> NamedPerson {
    let part = |text: &str| (!text.is_empty()).then(|| fixture::name(text));
    NamedPerson::new(part(surname), part(given_name)).unwrap()
}

pub(super) fn father(surname: &str, given_name: &str) -> Claim {
    Claim::Paternity(ParentClaim {
        parent: person(surname, given_name),
    })
}

pub(super) fn mother(surname: &str, given_name: &str) -> Claim {
    Claim::Maternity(ParentClaim {
        parent: person(surname, given_name),
    })
}

fn dead_since(text: &str) -> Claim {
    let date = (!text.is_empty()).then(|| date(text));
    Claim::Death(DeathClaim { date })
}

fn since(text: &str) -> BondClaim {
    BondClaim {
        since: (!text.is_empty()).then(|| date(text)),
        partner: None,
    }
}

fn with_partner() -> BondClaim {
    BondClaim {
        since: None,
        partner: Some(person("Verdi", "Anna")),
    }
}

fn unmarried(status: Option<CivilStatus>) -> Claim {
    Claim::UnmarriedStatus(UnmarriedClaim::new(status).unwrap())
}

fn state(code: &str) -> StateCode {
    StateCode::parse(code).unwrap()
}

fn citizen_of(code: &str) -> Claim {
    Claim::Citizenship(CitizenshipClaim::new(state(code)).unwrap())
}

fn national_id(id: &str, surname: &str) -> Claim {
    let parts = GeneralitiesParts {
        surname: Some(fixture::name(surname)),
        ..GeneralitiesParts::default()
    };
    Claim::NationalId(NationalIdClaim {
        national_id: NationalId::parse(id).unwrap(),
        generalities: GeneralitiesClaim::new(parts).unwrap(),
    })
}

/// A claim of each kind that is true of the card today, apart from death.
fn true_claims() -> Vec<Claim> {
    vec![
        named("Rossi", "Mario"),
        Claim::Marriage(since("2012-05-05")),
        citizen_of("100"),
        Claim::ExistenceInLife,
        at_imola(address("APPIA", Some(7))),
        father("Rossi", "Aldo"),
        mother("Bianchi", "Ada"),
        national_id("AA00001AA", "Rossi"),
        in_imola(),
    ]
}

fn with_status(status: CivilStatus) -> Record {
    Record {
        civil_status: Timeline::starting(Some(day("2018-03-04")), status),
        ..card()
    }
}

#[test]
fn one_claim_of_each_kind_under_every_standing_of_the_card() {
    // Columns: alive and registered, before the registration, procedure open, cancelled before, dead before.
    let expect = [
        (VerificationKind::Generalities, [YES, YES, YES, YES, YES]),
        (
            VerificationKind::Marriage,
            [
                YES,
                BEFORE_HISTORY,
                PROCEDURE_OPEN,
                NOT_REGISTERED,
                NOT_REGISTERED,
            ],
        ),
        (
            VerificationKind::Citizenship,
            [
                YES,
                BEFORE_HISTORY,
                PROCEDURE_OPEN,
                NOT_REGISTERED,
                NOT_REGISTERED,
            ],
        ),
        (
            VerificationKind::ExistenceInLife,
            [YES, YES, YES, NOT_REGISTERED, NO],
        ),
        (
            VerificationKind::Residence,
            [YES, BEFORE_HISTORY, PROCEDURE_OPEN, NOT_REGISTERED, NO],
        ),
        (VerificationKind::Paternity, [YES, YES, YES, YES, YES]),
        (VerificationKind::Maternity, [YES, YES, YES, YES, YES]),
        (VerificationKind::NationalId, [YES, YES, YES, YES, YES]),
        (
            VerificationKind::MunicipalResidence,
            [YES, BEFORE_HISTORY, PROCEDURE_OPEN, NOT_REGISTERED, NO],
        ),
    ];
    let mut open = card();
    open.flags.procedure_open = true;
    let mut gone = card();
    cancelled(&mut gone, "2026-01-01");
    let mut dead = card();
    died(&mut dead, "2026-01-01");
    let registered = card();
    for (claim, (kind, answers)) in true_claims().into_iter().zip(expect) {
        assert_eq!(claim.kind(), kind);
        let cards = [
            (&registered, TODAY),
            (&registered, "2015-05-31"),
            (&open, TODAY),
            (&gone, TODAY),
            (&dead, TODAY),
        ];
        for ((record, on), answer) in cards.into_iter().zip(answers) {
            check(record, &claim, on, answer);
        }
    }
}

#[test]
fn dead_is_who_died_before_the_day() {
    let mut record = card();
    for on in [TODAY, "2015-05-31", "1980-01-01"] {
        check(&record, &dead_since(""), on, NO);
    }
    died(&mut record, "2026-03-01");
    for (stated, on, expect) in [
        ("", "2026-02-28", NO),
        // Of the day of death the registry holds no hour: it still counts as life, and may have seen the death.
        ("", "2026-03-01", NOT_HELD),
        ("2026-03-01", "2026-03-01", NOT_HELD),
        ("", "2026-03-02", YES),
        ("2026-03-01", "2026-03-02", YES),
        ("2026-03", "2026-03-02", YES),
        ("2026-02-28", "2026-03-02", NO),
        ("2025", "2026-03-02", NO),
    ] {
        check(&record, &dead_since(stated), on, expect);
    }
    // Between death and cancellation the person is dead all the same.
    cancelled(&mut record, "2026-03-06");
    check(&record, &dead_since("2026-03-01"), "2026-03-04", YES);
}

#[test]
fn who_has_left_the_register_may_be_dead_without_its_knowledge() {
    let mut record = card();
    cancelled(&mut record, "2020-01-01");
    check(&record, &dead_since(""), "2019-12-31", NO);
    check(&record, &dead_since(""), TODAY, NOT_REGISTERED);
    record.cancellation = Some(Cancellation {
        reason: CancellationReason::Apr(AprCancellationReason::Death),
        effective: day("2026-02-01"),
        destination: None,
    });
    for (stated, on, expect) in [
        ("", "2026-01-31", NO),
        ("", "2026-02-01", NOT_HELD),
        ("", "2026-02-02", YES),
        ("2026-02-01", "2026-02-02", NOT_HELD),
    ] {
        check(&record, &dead_since(stated), on, expect);
    }
}

#[test]
fn each_status_makes_its_own_declarations_true() {
    // Columns: marriage, civil union, widowhood, unmarried.
    for (held, expect) in [
        (CivilStatus::Single, [NO, NO, NO, YES]),
        (CivilStatus::Married, [YES, NO, NO, NO]),
        (CivilStatus::Widowed, [NO, NO, YES, YES]),
        (CivilStatus::Divorced, [NO, NO, NO, YES]),
        (CivilStatus::CivillyUnited, [NO, YES, NO, NO]),
        (CivilStatus::FreeAfterPartnerDeath, [NO, NO, NOT_HELD, YES]),
        (CivilStatus::FreeAfterUnionDissolved, [NO, NO, NO, YES]),
        (CivilStatus::Unknown, [NOT_HELD, NOT_HELD, NOT_HELD, NOT_HELD]),
    ] {
        let record = with_status(held);
        let claims = [
            Claim::Marriage(since("")),
            Claim::CivilUnion(since("")),
            Claim::Widowhood(since("")),
            unmarried(None),
        ];
        for (claim, answer) in claims.iter().zip(expect) {
            check(&record, claim, TODAY, answer);
            // The day of the change counts, and the day before it is before all that is known.
            check(&record, claim, "2018-03-04", answer);
            check(&record, claim, "2018-03-03", BEFORE_HISTORY);
        }
        for stated in FREE {
            let expect = match held {
                CivilStatus::Unknown => NOT_HELD,
                held if held == stated => YES,
                _ => NO,
            };
            check(&record, &unmarried(Some(stated)), TODAY, expect);
        }
    }
    for status in BOUND.into_iter().chain([CivilStatus::Unknown]) {
        assert_eq!(UnmarriedClaim::new(Some(status)), Err(ClaimError::NotUnmarried));
    }
}

#[test]
fn a_status_is_that_of_the_day() {
    let mut record = with_status(CivilStatus::Single);
    for (from, status) in [
        ("2020-06-01", CivilStatus::Married),
        ("2024-02-10", CivilStatus::Widowed),
    ] {
        record.civil_status.record(Dated {
            from: Some(day(from)),
            value: status,
        });
    }
    for (claim, on, expect) in [
        (Claim::Marriage(since("")), "2020-05-31", NO),
        (Claim::Marriage(since("")), "2020-06-01", YES),
        (Claim::Marriage(since("")), "2024-02-09", YES),
        (Claim::Marriage(since("")), "2024-02-10", NO),
        (Claim::Widowhood(since("2024-02-10")), "2024-02-10", YES),
        (unmarried(None), "2020-05-31", YES),
        (unmarried(None), "2023-01-01", NO),
        (unmarried(Some(CivilStatus::Single)), TODAY, NO),
    ] {
        check(&record, &claim, on, expect);
    }
    record.civil_status = Timeline::default();
    check(&record, &unmarried(None), TODAY, NOT_HELD);
    // Without a start it may have begun at any time, but the card knows nothing of days before the registration.
    record.civil_status = Timeline::starting(None, CivilStatus::Married);
    check(&record, &Claim::Marriage(since("")), "2015-06-01", YES);
    check(&record, &Claim::Marriage(since("2012")), TODAY, NOT_HELD);
    check(&record, &Claim::Marriage(since("")), "2015-05-31", BEFORE_HISTORY);
}

#[test]
fn a_stated_beginning_is_compared_with_that_of_the_status() {
    for (from, stated, expect) in [
        ("2018-03-04", "2018-03-04", YES),
        ("2018-03-04", "2018", YES),
        ("2018-03-04", "2018-03-05", NO),
        ("2018-03-04", "2017-03-04", NO),
        // Dated with the entry into the register: it may have begun earlier, and not later.
        ("2015-06-01", "2012-05-05", NOT_HELD),
        ("2015-06-01", "2015-06-01", YES),
        ("2015-06-01", "2016-01-01", NO),
    ] {
        for status in [
            CivilStatus::Married,
            CivilStatus::CivillyUnited,
            CivilStatus::Widowed,
        ] {
            let record = Record {
                civil_status: Timeline::starting(Some(day(from)), status),
                ..card()
            };
            let claim = match status {
                CivilStatus::Married => Claim::Marriage(since(stated)),
                CivilStatus::CivillyUnited => Claim::CivilUnion(since(stated)),
                _ => Claim::Widowhood(since(stated)),
            };
            check(&record, &claim, TODAY, expect);
        }
    }
}

#[test]
fn who_the_partner_is_the_card_does_not_hold() {
    for (held, claim, expect) in [
        (CivilStatus::Married, Claim::Marriage(with_partner()), NOT_HELD),
        (CivilStatus::Single, Claim::Marriage(with_partner()), NO),
        (
            CivilStatus::CivillyUnited,
            Claim::CivilUnion(with_partner()),
            NOT_HELD,
        ),
        (CivilStatus::Married, Claim::CivilUnion(with_partner()), NO),
        (CivilStatus::Widowed, Claim::Widowhood(with_partner()), NOT_HELD),
        (CivilStatus::Divorced, Claim::Widowhood(with_partner()), NO),
    ] {
        check(&with_status(held), &claim, TODAY, expect);
    }
}

#[test]
fn citizenship_is_one_of_those_held_on_the_day() {
    let held = |codes: &[&str]| Record {
        citizenships: Timeline::starting(
            Some(day("2018-03-04")),
            codes.iter().map(|code| state(code)).collect(),
        ),
        ..card()
    };
    for (codes, stated, expect) in [
        (&["100"][..], "100", YES),
        // Of an Italian citizen the register need not name the other citizenship.
        (&["100"], "215", NOT_HELD),
        (&["215"], "215", YES),
        (&["215"], "100", NO),
        (&["215"], "216", NO),
        (&["215", "216"], "216", YES),
        (&["100", "215"], "215", YES),
        (&["999"], "999", YES),
        (&["999"], "215", NO),
        (&["215"], "999", NO),
        (&["997"], "215", NOT_HELD),
        (&["998"], "100", NOT_HELD),
        (&[], "100", NOT_HELD),
    ] {
        check(&held(codes), &citizen_of(stated), TODAY, expect);
    }
    let mut naturalised = held(&["215"]);
    naturalised.citizenships.record(Dated {
        from: Some(day("2024-02-10")),
        value: vec![state("100")],
    });
    for (stated, on, expect) in [
        ("100", "2024-02-09", NO),
        ("215", "2024-02-09", YES),
        ("100", "2024-02-10", YES),
        ("100", "2018-03-03", BEFORE_HISTORY),
    ] {
        check(&naturalised, &citizen_of(stated), on, expect);
    }
    naturalised.citizenships = Timeline::default();
    check(&naturalised, &citizen_of("100"), TODAY, NOT_HELD);
    for code in ["997", "998", "000", "905"] {
        assert_eq!(
            CitizenshipClaim::new(state(code)),
            Err(ClaimError::NoCitizenship),
            "{code}"
        );
    }
}

#[test]
fn parents_agree_in_the_names_that_are_stated() {
    let mut record = card();
    for (claim, expect) in [
        (father("ROSSI", "Aldo"), YES),
        (father("Rossi", ""), YES),
        (father("", "Aldo"), YES),
        (father("Bianchi", "Aldo"), NO),
        (father("Rossi", "Ugo"), NO),
        (father("Bianchi", "Ada"), NO),
        (mother("Bianchi", "Ada"), YES),
        (mother("Rossi", "Aldo"), NO),
    ] {
        for on in [TODAY, "2000-01-01"] {
            check(&record, &claim, on, expect);
        }
    }
    record.parents = vec![parent(ParentRole::Mother, "Bianchi", "")];
    check(&record, &mother("Bianchi", "Ada"), TODAY, NOT_HELD);
    check(&record, &mother("Verdi", "Ada"), TODAY, NO);
    check(&record, &father("Rossi", "Aldo"), TODAY, NOT_HELD);
    record.parents.push(parent(ParentRole::Mother, "Verdi", "Ada"));
    check(&record, &mother("Verdi", "Ada"), TODAY, YES);
    check(&record, &mother("Neri", "Ada"), TODAY, NO);
    check(&record, &mother("Bianchi", "Ada"), TODAY, NOT_HELD);
    assert_eq!(NamedPerson::new(None, None), Err(ClaimError::NobodyNamed));
}

#[test]
fn a_national_id_agrees_with_the_person_it_is_said_to_belong_to() {
    let mut record = card();
    for (id, surname, expect) in [
        ("AA00001AA", "Rossi", YES),
        ("AA00001AA", "Bianchi", NO),
        ("AA00002AA", "Rossi", NO),
    ] {
        check(&record, &national_id(id, surname), TODAY, expect);
    }
    record.national_id = None;
    check(&record, &national_id("AA00001AA", "Rossi"), TODAY, NOT_HELD);
    check(&record, &national_id("AA00001AA", "Bianchi"), TODAY, NO);
}

#[test]
fn debugging_output_of_the_kinds_holds_no_data() {
    let shown = format!(
        "{:?} {:?} {:?} {:?} {:?} {:?}",
        dead_since("2026-03-01"),
        Claim::Marriage(BondClaim {
            since: Some(date("2012-05-05")),
            ..with_partner()
        }),
        citizen_of("215"),
        unmarried(Some(CivilStatus::Divorced)),
        father("Rossi", "Aldo"),
        national_id("AA00001AA", "Rossi"),
    );
    for secret in [
        "2026",
        "2012",
        "Verdi",
        "215",
        "Divorced",
        "Aldo",
        "Rossi",
        "AA00001AA",
    ] {
        assert!(!shown.contains(secret), "{shown}");
    }
}
