use proptest::prelude::*;

use super::*;

/// Reads a text as one kind of identifier and writes it again.
type Reader = fn(&str) -> Result<String, IdentifierError>;

const ISTAT: Reader = |text| IstatCode::parse(text).map(|code| code.as_str().to_owned());
const STATE: Reader = |text| StateCode::parse(text).map(|code| code.as_str().to_owned());
const CADASTRAL: Reader = |text| CadastralCode::parse(text).map(|code| code.as_str().to_owned());
const NATIONAL: Reader = |text| NationalId::parse(text).map(|code| code.as_str().to_owned());
const LOCAL: Reader = |text| LocalId::parse(text).map(|code| code.as_str().to_owned());
const HOUSEHOLD: Reader = |text| HouseholdId::parse(text).map(|code| code.as_str().to_owned());

#[test]
fn identifiers_of_the_right_form_are_read_as_written() {
    for (read, texts) in [
        (ISTAT, ["037032", "000000", "999999"]),
        (STATE, ["100", "999", "000"]),
        (CADASTRAL, ["E289", "Z330", "A000"]),
        (NATIONAL, ["AF41450AS", "AA0000000", "ZZ99999Z9"]),
        (LOCAL, ["1", "2023/A-12.b_3", "12345678901234567890"]),
        (HOUSEHOLD, ["1", "F-1", "12345678901234567890"]),
    ] {
        for text in texts {
            assert_eq!(read(text).as_deref(), Ok(text));
        }
    }
}

#[test]
fn identifiers_of_another_form_are_refused() {
    for (read, error, texts) in [
        (
            ISTAT,
            IdentifierError::IstatCode,
            ["", "37032", "0370320", "03703A", "０３７０３２", " 37032"],
        ),
        (
            STATE,
            IdentifierError::StateCode,
            ["", "10", "1000", "1O0", "-10", "+10"],
        ),
        (
            CADASTRAL,
            IdentifierError::CadastralCode,
            ["", "e289", "E28", "E2890", "2E89", "ND"],
        ),
        (
            NATIONAL,
            IdentifierError::NationalId,
            [
                "",
                "AF41450A",
                "AF41450ASX",
                "A141450AS",
                "AF4145OAS",
                "af41450as",
            ],
        ),
        (
            LOCAL,
            IdentifierError::LocalId,
            ["", "123456789012345678901", "1 2", "1\n", "è", "1;2"],
        ),
        (
            HOUSEHOLD,
            IdentifierError::LocalId,
            ["", "123456789012345678901", " 1", "1\t", "€", "1,2"],
        ),
    ] {
        for text in texts {
            assert_eq!(read(text), Err(error), "{text:?}");
        }
    }
}

#[test]
fn debugging_output_hides_what_names_a_person_or_family() {
    assert_eq!(
        format!("{:?}", NationalId::parse("AF41450AS").unwrap()),
        "NationalId(..)"
    );
    assert_eq!(format!("{:?}", LocalId::parse("1234").unwrap()), "LocalId(..)");
    assert_eq!(
        format!("{:?}", HouseholdId::parse("1234").unwrap()),
        "HouseholdId(..)"
    );
    assert_eq!(
        format!("{:?}", IstatCode::parse("037032").unwrap()),
        "IstatCode(037032)"
    );
}

proptest! {
    #[test]
    fn no_text_makes_a_reader_panic_or_change_it(text in any::<String>()) {
        for read in [ISTAT, STATE, CADASTRAL, NATIONAL, LOCAL, HOUSEHOLD] {
            if let Ok(read) = read(&text) {
                prop_assert_eq!(&read, &text);
            }
        }
    }
}
