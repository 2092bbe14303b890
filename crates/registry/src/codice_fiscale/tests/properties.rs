//! Rules that hold for every code.

use proptest::prelude::*;

use super::*;
use crate::municipality::{self, Municipality};
use crate::state;

/// Characters that can stand in some place of a code.
const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

fn any_place() -> impl Strategy<Value = CadastralCode> {
    let municipalities = municipality::all().iter().filter_map(Municipality::cadastral);
    let states = state::all().iter().filter_map(state::State::cadastral);
    prop::sample::select(municipalities.chain(states).collect::<Vec<_>>())
}

fn any_birth() -> impl Strategy<Value = NaiveDate> {
    (0..120_000_u64).prop_map(|days| day("1800-01-01") + chrono::Days::new(days))
}

fn any_sex() -> impl Strategy<Value = Sex> {
    prop::sample::select(vec![Sex::Male, Sex::Female])
}

/// Names as registries write them, and anything else.
fn any_name() -> impl Strategy<Value = String> {
    prop_oneof!["[A-Za-zàèìòùçöüšŁß' -]{1,20}", any::<String>()]
}

fn any_code() -> impl Strategy<Value = CodiceFiscale> {
    (any_name(), any_name(), any_sex(), any_birth(), any_place()).prop_map(
        |(surname, given_name, sex, birth, place)| {
            CodiceFiscale::compute(&surname, &given_name, sex, birth, place).unwrap()
        },
    )
}

proptest! {
    #[test]
    fn a_computed_code_is_valid_and_says_what_it_was_made_of(
        (surname, given_name) in (any_name(), any_name()),
        (sex, birth, place) in (any_sex(), any_birth(), any_place()),
    ) {
        let code = CodiceFiscale::compute(&surname, &given_name, sex, birth, place).unwrap();
        prop_assert_eq!(CodiceFiscale::parse(code.as_str()), Ok(code));
        prop_assert_eq!(code.sex(), sex);
        prop_assert_eq!(u32::from(code.day()), birth.day());
        prop_assert_eq!(u32::from(code.month()), birth.month());
        prop_assert_eq!(i32::from(code.year_in_century()), birth.year() % 100);
        prop_assert_eq!(code.place(), Some(place));
        prop_assert_eq!(code.base(), code);
    }

    #[test]
    fn all_128_forms_are_valid_and_lead_back_to_one_base(code in any_code()) {
        let mut forms = Vec::new();
        for positions in 0..128 {
            let form = code.with_omocodia(positions);
            prop_assert_eq!(CodiceFiscale::parse(form.as_str()), Ok(form));
            prop_assert_eq!(form.base(), code);
            prop_assert_eq!(form.is_omocode(), positions != 0);
            prop_assert_eq!((form.sex(), form.day(), form.month()), (code.sex(), code.day(), code.month()));
            prop_assert_eq!((form.year_in_century(), form.place()), (code.year_in_century(), code.place()));
            forms.push(form);
        }
        forms.sort();
        forms.dedup();
        prop_assert_eq!(forms.len(), 128);
    }

    #[test]
    fn two_valid_codes_never_differ_in_one_character(code in any_code(), positions in 0..128_u8) {
        let form = code.with_omocodia(positions);
        for at in 0..CodiceFiscale::LENGTH {
            for character in ALPHABET {
                let mut changed = form.as_str().as_bytes().to_vec();
                if changed[at] == *character {
                    continue;
                }
                changed[at] = *character;
                let changed = String::from_utf8(changed).unwrap();
                prop_assert!(CodiceFiscale::parse(&changed).is_err());
            }
        }
    }

    #[test]
    fn what_is_read_is_the_text_in_capitals(text in prop_oneof![
        any::<String>(),
        "[A-Z0-9]{16}",
        "[A-Z]{6}[0-9LMNPQRSTUV]{2}[ABCDEHLMPRST][0-9LMNPQRSTUV]{2}[A-Z][0-9LMNPQRSTUV]{3}[A-Z]",
        "\\PC{0,3}[0-9]{11}\\PC{0,3}",
    ]) {
        if let Ok(code) = TaxCode::parse(&text) {
            prop_assert_eq!(code.as_str(), text.trim().to_ascii_uppercase());
        }
    }

    #[test]
    fn case_and_blanks_around_do_not_matter(code in any_code(), blanks in "[ \t\n]{0,3}") {
        let text = format!("{blanks}{}{blanks}", code.as_str().to_ascii_lowercase());
        prop_assert_eq!(CodiceFiscale::parse(&text), Ok(code));
    }

    #[test]
    fn a_wrong_digit_in_a_provisional_code_is_noticed(
        (serial, office) in (0..10_000_000_u32, 0..1000_u16),
        (at, digit) in (0..11_usize, b'0'..=b'9'),
    ) {
        let code = ProvisionalCode::issue(serial, office).unwrap();
        prop_assert_eq!(ProvisionalCode::parse(code.as_str()), Ok(code));
        prop_assert_eq!(code.as_str()[..10].parse::<u64>(), Ok(u64::from(serial) * 1000 + u64::from(office)));
        let mut changed = code.as_str().as_bytes().to_vec();
        if changed[at] != digit {
            changed[at] = digit;
            let changed = String::from_utf8(changed).unwrap();
            prop_assert_eq!(ProvisionalCode::parse(&changed), Err(CodiceFiscaleError::ProvisionalCheckDigit));
        }
    }
}
