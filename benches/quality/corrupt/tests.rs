use std::collections::BTreeSet;

use super::*;

fn person(surname: &str, given_name: &str) -> Known {
    Known {
        surname: Some(surname.to_owned()),
        given_name: Some(given_name.to_owned()),
        birth: NaiveDate::from_ymd_opt(1984, 3, 7),
    }
}

/// Everything that comes of a fault within a thousand draws: surname and given name.
fn outcomes(fault: Fault, surname: &str, given_name: &str) -> BTreeSet<String> {
    let mut draws = Draws::new(1);
    let known = person(surname, given_name);
    (0..1_000)
        .filter_map(|_| fault.plant(&known, &mut draws))
        .map(|faulty| {
            let text = |name: Option<String>| name.unwrap_or_default();
            format!("{}, {}", text(faulty.surname), text(faulty.given_name))
        })
        .collect()
}

#[track_caller]
fn includes(fault: Fault, (surname, given_name): (&str, &str), expected: &[&str]) {
    let outcomes = outcomes(fault, surname, given_name);
    for expected in expected {
        assert!(outcomes.contains(*expected), "{fault:?} {expected}: {outcomes:?}");
    }
}

#[test]
fn each_fault_does_to_names_what_it_says() {
    includes(
        Fault::AccentOrApostrophe,
        ("D'ANGELO", "NICOLÒ"),
        &[
            "DANGELO, NICOLÒ",
            "D ANGELO, NICOLÒ",
            "D'ANGELO, NICOLO",
            "D'ANGELO, NICOLO'",
        ],
    );
    includes(
        Fault::DoubleName,
        ("ROSSI", "ANNA MARIA"),
        &[
            "ROSSI, ANNA",
            "ROSSI, MARIA",
            "ROSSI, ANNAMARIA",
            "ROSSI, ANNA-MARIA",
            "ROSSI LUIGI, ANNA MARIA",
        ],
    );
    includes(Fault::Swapped, ("ROSSI", "ANNA"), &["ANNA, ROSSI"]);
    includes(
        Fault::Particle,
        ("DE LUCA", "ANNA"),
        &["LUCA, ANNA", "DELUCA, ANNA", "DI LUCA, ANNA"],
    );
    includes(Fault::Particle, ("ROSSI", "ANNA"), &["DE ROSSI, ANNA"]);
    includes(Fault::OneEdit, ("ROSSI", "ANNA"), &["ROSI, ANNA", "ROSSI, ANA"]);
    includes(
        Fault::Transposition,
        ("ROSSI", "ANNA"),
        &["ORSSI, ANNA", "ROSIS, ANNA", "ROSSI, NANA"],
    );
    includes(
        Fault::Heard,
        ("GUICCIARDI", "GIOVANNA"),
        &["GUICIARDI, GIOVANNA", "GUICCIARDI, GIOVANA"],
    );
    includes(
        Fault::Heard,
        ("PASQUALI", "JACOPO"),
        &["PASCUALI, JACOPO", "PASQUALI, IACOPO"],
    );
    includes(
        Fault::Transliteration,
        ("OUALI", "MOHAMED"),
        &["UALI, MOHAMED", "OUALI, MUHAMMAD"],
    );
}

#[test]
fn what_cannot_have_a_fault_gets_none_and_what_has_one_differs() {
    assert!(outcomes(Fault::Transliteration, "ROSSI", "ANNA").is_empty());
    let mut draws = Draws::new(2);
    let known = person("DE LUCA", "NICOLÒ");
    for fault in Fault::ALL {
        for _ in 0..200 {
            if let Some(faulty) = fault.plant(&known, &mut draws) {
                assert!(faulty != known, "{fault:?}");
            }
        }
    }
}

#[test]
fn faults_of_the_birth_date_leave_a_day_and_the_names() {
    let mut draws = Draws::new(3);
    let known = person("ROSSI", "ANNA");
    let swapped = Fault::DayAndMonth.plant(&known, &mut draws).unwrap();
    assert_eq!(swapped.birth, NaiveDate::from_ymd_opt(1984, 7, 3));
    let mut seen = 0;
    for _ in 0..200 {
        let Some(faulty) = Fault::BirthDigit.plant(&known, &mut draws) else {
            continue;
        };
        seen += 1;
        let (one, other) = (
            known.birth.unwrap().to_string(),
            faulty.birth.unwrap().to_string(),
        );
        let differing = one
            .chars()
            .zip(other.chars())
            .filter(|(one, other)| one != other)
            .count();
        assert_eq!(differing, 1);
        assert_eq!(faulty.surname, known.surname);
    }
    assert!(50 < seen);
}

#[test]
fn the_same_seed_plants_the_same() {
    let planted = |seed: u64| {
        let mut draws = Draws::new(seed);
        let known = person("GUICCIARDINI", "MARIA CHIARA");
        (0..50)
            .map(|_| {
                Fault::OneEdit
                    .plant(&known, &mut draws)
                    .map(|faulty| faulty.surname)
            })
            .collect::<Vec<_>>()
    };
    assert_eq!(planted(5), planted(5));
    assert_ne!(planted(5), planted(6));
}
