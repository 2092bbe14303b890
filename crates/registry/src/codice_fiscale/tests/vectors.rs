//! The published vectors: every row is a case, and its category says what must come of it.

use super::*;

const VECTORS: &str = include_str!("../../../tests/fixtures/codice_fiscale_vectors.csv");

struct Vector {
    id: String,
    category: String,
    expected: String,
    code: String,
    note: String,
    person: Generalities,
    birth_date: NaiveDate,
    place: CadastralCode,
    base: CodiceFiscale,
}

fn vectors() -> Vec<Vector> {
    let mut reader = csv::Reader::from_reader(VECTORS.as_bytes());
    let headers = reader.headers().unwrap().clone();
    let at = |name: &str| headers.iter().position(|header| header == name).unwrap();
    let columns = [
        "id",
        "category",
        "expected",
        "codice_fiscale",
        "note",
        "surname",
        "given_name",
        "sex",
        "birth_date",
        "belfiore",
        "birth_place",
        "birth_province",
    ]
    .map(at);
    let vector = |row: csv::StringRecord| {
        let [
            id,
            category,
            expected,
            code,
            note,
            surname,
            given_name,
            sex,
            date,
            belfiore,
            place,
            province,
        ] = columns.map(|column| row.get(column).unwrap().to_owned());
        let sex = if sex == "M" { Sex::Male } else { Sex::Female };
        let cadastral = cadastral(&belfiore);
        let birth_place = if province == "EE" {
            let code = crate::state::by_cadastral(cadastral).and_then(crate::state::State::code);
            code.map_or_else(
                || BirthPlace::Exceptional(place.clone()),
                |state| BirthPlace::Abroad {
                    state,
                    locality: place.clone(),
                },
            )
        } else {
            BirthPlace::Municipality {
                istat: None,
                name: place,
                province,
            }
        };
        Vector {
            base: CodiceFiscale::compute(&surname, &given_name, sex, day(&date), cadastral).unwrap(),
            person: Generalities {
                birth_place,
                ..generalities(&surname, &given_name, sex, &date)
            },
            birth_date: day(&date),
            place: cadastral,
            id,
            category,
            expected,
            code,
            note,
        }
    };
    reader.records().map(|record| vector(record.unwrap())).collect()
}

/// The error that a row must be refused with.
fn expected_error(vector: &Vector) -> CodiceFiscaleError {
    match (vector.category.as_str(), vector.note.as_str()) {
        ("invalid_check" | "invalid_omocode_check" | "invalid_omocode_stale_check", _) => {
            CodiceFiscaleError::CheckCharacter
        }
        ("invalid_omocode_letter", _) => CodiceFiscaleError::Digit,
        ("invalid_month", _) => CodiceFiscaleError::Month,
        ("invalid_day" | "invalid_date", _) => CodiceFiscaleError::Day,
        ("invalid_belfiore", _) => CodiceFiscaleError::PlaceNeverAssigned,
        ("invalid_format", "17 characters" | "empty") => CodiceFiscaleError::Length,
        ("invalid_format", "digit where the Belfiore letter goes") => CodiceFiscaleError::PlaceLetter,
        ("invalid_format", "digit as check character") => CodiceFiscaleError::CheckCharacter,
        ("invalid_format", "space inside" | "non-ASCII letter" | "punctuation") => {
            CodiceFiscaleError::Character
        }
        (category, note) => panic!("{}: no rule for {category} ({note})", vector.id),
    }
}

/// What a row of a code of somebody else must differ in.
fn expected_mismatches(vector: &Vector) -> Vec<Mismatch> {
    match vector.category.as_str() {
        "mismatch_sex" => vec![Mismatch::Sex],
        "mismatch_date" => vec![Mismatch::BirthDate],
        "mismatch_place" => vec![Mismatch::BirthPlace],
        "mismatch_swapped_names" => vec![Mismatch::Surname, Mismatch::GivenName],
        "mismatch_given_name_rule" => vec![Mismatch::GivenName],
        category => panic!("{}: no rule for {category}", vector.id),
    }
}

#[test]
fn every_vector_comes_out_as_published() {
    let vectors = vectors();
    assert_eq!(vectors.len(), 406);
    for vector in &vectors {
        let Vector {
            id,
            code,
            person,
            place,
            base,
            ..
        } = vector;
        let read = CodiceFiscale::parse(code);
        match vector.expected.as_str() {
            "match" => {
                assert_eq!(read, Ok(*base), "{id}");
                assert_eq!(base.as_str(), code.to_uppercase(), "{id}");
                assert_eq!(base.mismatches(person, Some(*place)), [], "{id}");
                assert!(!base.is_omocode(), "{id}");
            }
            "omocode" => {
                let read = read.unwrap();
                assert!(read.is_omocode(), "{id}");
                assert_eq!(read.base(), *base, "{id}");
                assert_eq!(read.mismatches(person, Some(*place)), [], "{id}");
                let progressive = vector.category == "omocode_progressive";
                assert_eq!(
                    base.omocodes().any(|omocode| omocode == read),
                    progressive,
                    "{id}"
                );
                assert!(
                    (1..128).any(|positions| base.with_omocodia(positions) == read),
                    "{id}"
                );
            }
            "mismatch" => {
                let read = read.unwrap();
                assert_ne!(read.base(), *base, "{id}");
                assert_eq!(
                    read.mismatches(person, Some(*place)),
                    expected_mismatches(vector),
                    "{id}"
                );
            }
            "invalid" => assert_eq!(read, Err(expected_error(vector)), "{id}"),
            other => panic!("{id}: no rule for {other}"),
        }
    }
}

#[test]
fn every_birth_place_of_the_vectors_existed_on_the_birth_date_and_is_found() {
    for Vector {
        id,
        base,
        birth_date,
        place,
        person,
        ..
    } in vectors()
    {
        assert!(base.place_valid_at(birth_date), "{id}");
        let found = birth_place_code(&person.birth_place, person.birth_date);
        let exceptional = matches!(person.birth_place, BirthPlace::Exceptional(_));
        assert_eq!(found, if exceptional { None } else { Some(place) }, "{id}");
    }
}
