mod properties;
mod vectors;

use super::*;
use crate::identifier::StateCode;
use crate::record::{BirthPlace, PersonName};

fn cadastral(text: &str) -> CadastralCode {
    CadastralCode::parse(text).unwrap()
}

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn parse(text: &str) -> CodiceFiscale {
    CodiceFiscale::parse(text).unwrap()
}

fn generalities(surname: &str, given_name: &str, sex: Sex, birth_date: &str) -> Generalities {
    Generalities {
        surname: PersonName::parse(surname).ok(),
        given_name: PersonName::parse(given_name).ok(),
        sex,
        birth_date: PartialDate::parse(birth_date).unwrap(),
        birth_place: BirthPlace::Exceptional("NAVE".to_owned()),
    }
}

#[test]
fn the_fictitious_subjects_of_anpr_have_valid_codes() {
    for (text, sex, birth, place) in [
        ("STTSGT90A01H501J", Sex::Male, (90, 1, 1), "H501"),
        ("PRVGNN90R10H501Q", Sex::Male, (90, 10, 10), "H501"),
        ("NRECLD90R50H501G", Sex::Female, (90, 10, 10), "H501"),
        ("TTVSGT90A01H501H", Sex::Male, (90, 1, 1), "H501"),
        ("SLVDNN00R50L424L", Sex::Female, (0, 10, 10), "L424"),
    ] {
        let code = parse(text);
        assert_eq!(code.as_str(), text);
        assert_eq!(code.sex(), sex, "{text}");
        assert_eq!(
            (code.year_in_century(), code.month(), code.day()),
            birth,
            "{text}"
        );
        assert_eq!(code.place(), Some(cadastral(place)), "{text}");
    }
}

#[test]
fn omocodes_follow_one_another_from_the_right() {
    let base = parse("STTSGT90A01H501J");
    let chain: Vec<_> = base.omocodes().map(|code| code.as_str().to_owned()).collect();
    let expect = [
        "STTSGT90A01H50MB",
        "STTSGT90A01H5LMM",
        "STTSGT90A01HRLMH",
        "STTSGT90A0MHRLMZ",
        "STTSGT90ALMHRLMK",
        "STTSGT9LALMHRLMV",
        "STTSGTVLALMHRLMK",
    ];
    assert_eq!(chain, expect);
    assert!(base.omocodes().all(|code| code.omocodes().eq(base.omocodes())));
}

#[test]
fn absent_names_become_x() {
    let code = CodiceFiscale::compute("", "", Sex::Female, day("1980-03-01"), cadastral("H501")).unwrap();
    assert!(code.as_str().starts_with("XXXXXX80C41H501"));
    let nameless = generalities("", "", Sex::Female, "1980-03-01");
    assert_eq!(code.mismatches(&nameless, Some(cadastral("H501"))), []);
}

#[test]
fn no_code_is_computed_without_sex_or_place() {
    let compute =
        |sex, place| CodiceFiscale::compute("ROSSI", "MARIO", sex, day("1980-03-01"), cadastral(place));
    assert_eq!(compute(Sex::Unknown, "H501"), Err(ComputeError::SexUnknown));
    assert_eq!(compute(Sex::Male, "A000"), Err(ComputeError::PlaceNeverAssigned));
    assert_eq!(compute(Sex::Male, "Z999"), Err(ComputeError::PlaceNeverAssigned));
}

#[test]
fn blanks_around_and_small_letters_are_normalised_and_blanks_inside_are_not() {
    let code = parse("RSSMRA80C01E187H");
    for text in [" RSSMRA80C01E187H\n", "rssmra80c01e187h", "\tRssMra80C01e187h "] {
        assert_eq!(CodiceFiscale::parse(text), Ok(code), "{text:?}");
    }
    for text in [
        "RSS MRA 80C01 E187H",
        "RSSMRA80C01E187 H",
        "RSSMRA80C01E187\u{301}H",
    ] {
        assert_eq!(
            CodiceFiscale::parse(text),
            Err(CodiceFiscaleError::Character),
            "{text:?}"
        );
    }
}

#[test]
fn the_twenty_ninth_of_february_needs_a_year_that_can_be_a_leap_year() {
    for (year, expect) in [
        ("00", true),
        ("04", true),
        ("96", true),
        ("01", false),
        ("98", false),
    ] {
        let body = format!("RSSMRA{year}B29E187A");
        let with_check =
            (b'A'..=b'Z').map(|check| body[..15].to_owned() + char::from(check).encode_utf8(&mut [0; 4]));
        let read = with_check
            .filter(|text| CodiceFiscale::parse(text).is_ok())
            .count();
        assert_eq!(read, usize::from(expect), "{year}");
    }
}

#[test]
fn differences_from_the_person_are_named() {
    let code = parse("RSSMRA80C01E187H");
    let place = Some(cadastral("E187"));
    let rows = [
        ("Rossi", "Mario", Sex::Male, "1980-03-01", place, vec![]),
        ("Rossi", "Mario", Sex::Unknown, "1980", None, vec![]),
        ("Rossi", "Mario", Sex::Male, "1980-03", place, vec![]),
        ("Rossi", "Mario", Sex::Male, "1880-03-01", place, vec![]),
        (
            "Bianchi",
            "Mario",
            Sex::Male,
            "1980-03-01",
            place,
            vec![Mismatch::Surname],
        ),
        (
            "Rossi",
            "Maria",
            Sex::Female,
            "1980-03-01",
            place,
            vec![Mismatch::Sex],
        ),
        (
            "Rossi",
            "Carlo",
            Sex::Male,
            "1980-03-01",
            place,
            vec![Mismatch::GivenName],
        ),
        (
            "Rossi",
            "Mario",
            Sex::Male,
            "1980-04",
            place,
            vec![Mismatch::BirthDate],
        ),
        (
            "Rossi",
            "Mario",
            Sex::Male,
            "1981",
            place,
            vec![Mismatch::BirthDate],
        ),
        (
            "Rossi",
            "Mario",
            Sex::Male,
            "1980-03-02",
            place,
            vec![Mismatch::BirthDate],
        ),
        (
            "Rossi",
            "Mario",
            Sex::Male,
            "1980-03-01",
            Some(cadastral("H501")),
            vec![Mismatch::BirthPlace],
        ),
    ];
    for (surname, given_name, sex, date, place, expect) in rows {
        let person = generalities(surname, given_name, sex, date);
        for form in [code, code.with_omocodia(0b101_0101)] {
            assert_eq!(
                form.mismatches(&person, place),
                expect,
                "{surname} {given_name} {date}"
            );
        }
    }
}

#[test]
fn the_birth_place_of_a_card_leads_to_its_cadastral_code() {
    let municipality = |istat: &str, name: &str, province: &str| BirthPlace::Municipality {
        istat: crate::identifier::IstatCode::parse(istat).ok(),
        name: name.to_owned(),
        province: province.to_owned(),
    };
    let abroad = |state: &str| BirthPlace::Abroad {
        state: StateCode::parse(state).unwrap(),
        locality: String::new(),
    };
    for (place, on, expect) in [
        // The code in force.
        (municipality("037032", "IMOLA", "BO"), "1980-03-01", Some("E289")),
        (municipality("037032", "IMOLA", "BO"), "1980", Some("E289")),
        // Today's code for a birth under another one.
        (
            municipality("099030", "MONTECOPIOLO", "RN"),
            "1980-03-01",
            Some("F478"),
        ),
        // Before the table begins.
        (municipality("036023", "MODENA", "MO"), "1850", Some("F257")),
        // A code that two municipalities had in turn, on a day on which neither had it.
        (municipality("092001", "NESSUNO", "CA"), "1850", None),
        // No code, or one never assigned: by name.
        (municipality("", "Forli'", "FO"), "1980-03-01", Some("D704")),
        (municipality("999999", "FORLÌ", "FO"), "1980-03-01", Some("D704")),
        (municipality("", "ATLANTIDE", "FO"), "1980-03-01", None),
        (abroad("436"), "1980-03-01", Some("Z330")),
        (abroad("325"), "1980-03-01", None),
        (BirthPlace::Exceptional("NAVE".to_owned()), "1980-03-01", None),
    ] {
        let found = birth_place_code(&place, PartialDate::parse(on).unwrap());
        assert_eq!(found, expect.map(cadastral), "{on} {expect:?}");
    }
}

#[test]
fn the_birth_place_is_held_against_its_periods() {
    for (text, on, expect) in [
        ("CRNVNS70H03F659G", "1970-06-03", Standing::Valid),
        ("CRNVNS70H03F659G", "2015-01-01", Standing::AfterEnd),
        ("CRNVNS70H03F659G", "1820-01-01", Standing::BeforeFirstPeriod),
        ("NVKBRS70E11Z135I", "1970-05-11", Standing::Valid),
        ("NVKBRS70E11Z135I", "1992-04-01", Standing::AfterEnd),
    ] {
        let code = parse(text);
        assert_eq!(code.place_standing_on(day(on)), Some(expect), "{text} {on}");
        assert_eq!(code.place_valid_at(day(on)), expect == Standing::Valid);
    }
}

#[test]
fn provisional_codes_are_read_by_their_check_digit() {
    let code = ProvisionalCode::issue(1_234_567, 890).unwrap();
    assert_eq!(TaxCode::parse(code.as_str()), Ok(TaxCode::Provisional(code)));
    assert_eq!(
        TaxCode::parse(" 12345678903 ").map(|code| code.as_str().to_owned()),
        Ok("12345678903".to_owned())
    );
    assert_eq!(
        TaxCode::parse("12345678904"),
        Err(CodiceFiscaleError::ProvisionalCheckDigit)
    );
    assert_eq!(
        TaxCode::parse("1234567890A"),
        Err(CodiceFiscaleError::ProvisionalDigit)
    );
    assert_eq!(TaxCode::parse("1234567890"), Err(CodiceFiscaleError::Length));
    assert_eq!(TaxCode::parse("123456789012"), Err(CodiceFiscaleError::Length));
    assert_eq!(ProvisionalCode::issue(10_000_000, 0), None);
    assert_eq!(ProvisionalCode::issue(0, 1000), None);
    assert_eq!(TaxCode::from(code).definitive(), None);
}

#[test]
fn debugging_output_hides_the_code() {
    let definitive = parse("RSSMRA80C01E187H");
    let provisional = ProvisionalCode::parse("12345678903").unwrap();
    assert_eq!(
        format!("{definitive:?} {provisional:?}"),
        "CodiceFiscale(..) ProvisionalCode(..)"
    );
    let both = [TaxCode::from(definitive), TaxCode::from(provisional)];
    assert_eq!(
        format!("{both:?}"),
        "[TaxCode::Definitive(..), TaxCode::Provisional(..)]"
    );
}
