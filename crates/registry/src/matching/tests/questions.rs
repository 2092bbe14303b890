//! What may be asked.

use super::*;

fn refusal(surname: &str, extent: Extent) -> Option<QueryRule> {
    let found = NameQuery::new(Some((surname, extent)), None).err();
    found
        .inspect(|error| assert_eq!(error.field, QueryField::Surname))
        .map(|error| error.rule)
}

#[test]
fn names_are_admitted_or_refused_by_their_rule() {
    use QueryRule::{NameCharacter, NameLength, TooFewLetters, TooManyWildcards, WildcardTooEarly};
    let long = "A".repeat(80);
    let longer = "A".repeat(81);
    for (text, whole, beginning) in [
        ("Rossi", None, None),
        ("Ro", None, None),
        ("R", Some(TooFewLetters), Some(TooFewLetters)),
        ("", Some(TooFewLetters), Some(TooFewLetters)),
        (" - ", Some(TooFewLetters), Some(TooFewLetters)),
        ("'R'", Some(TooFewLetters), Some(TooFewLetters)),
        ("*", Some(TooFewLetters), Some(TooFewLetters)),
        ("??", Some(TooFewLetters), Some(TooFewLetters)),
        ("R*", Some(TooFewLetters), Some(TooFewLetters)),
        ("D'A", None, None),
        ("Ros*", None, None),
        ("Ros*i", None, None),
        ("Ro?si", None, None),
        ("R*si", Some(WildcardTooEarly), Some(WildcardTooEarly)),
        ("*ssi", Some(WildcardTooEarly), Some(WildcardTooEarly)),
        ("?ossi", Some(WildcardTooEarly), Some(WildcardTooEarly)),
        ("R?ssi", Some(WildcardTooEarly), Some(WildcardTooEarly)),
        ("Rossi *", Some(WildcardTooEarly), Some(WildcardTooEarly)),
        ("Rossi ?ianchi", Some(WildcardTooEarly), Some(WildcardTooEarly)),
        ("Rossi B*", None, None),
        ("Ro*s*", Some(TooManyWildcards), Some(TooManyWildcards)),
        ("Ros* Bia*", Some(TooManyWildcards), Some(TooManyWildcards)),
        ("Ros* Bianchi", None, Some(TooManyWildcards)),
        ("Ro???", None, None),
        ("Ro????", Some(TooManyWildcards), Some(TooManyWildcards)),
        ("Ro55i", Some(NameCharacter), Some(NameCharacter)),
        ("Nicolo\u{300}", None, None),
        ("o\u{300}", Some(TooFewLetters), Some(TooFewLetters)),
        ("Rossi%", Some(NameCharacter), Some(NameCharacter)),
        ("Ros\u{0}si", Some(NameCharacter), Some(NameCharacter)),
        (long.as_str(), None, None),
        (longer.as_str(), Some(NameLength), Some(NameLength)),
    ] {
        assert_eq!(refusal(text, Extent::Whole), whole, "{text}");
        assert_eq!(refusal(text, Extent::Beginning), beginning, "{text}");
    }
}

#[test]
fn a_beginning_is_what_a_star_at_its_end_says() {
    for (beginning, pattern) in [
        ("Ros", "Ros*"),
        ("D'", "D'*"),
        ("Nicolò", "Nicolo*"),
        ("Rossi B", "Rossi B*"),
        ("Ros*", "Ros*"),
    ] {
        let by_extent = NameQuery::new(Some((beginning, Extent::Beginning)), None);
        let by_star = NameQuery::new(Some((pattern, Extent::Whole)), None);
        let (Ok(by_extent), Ok(by_star)) = (by_extent, by_star) else {
            assert_eq!(beginning, "D'");
            continue;
        };
        for surname in names::SURNAMES.iter().chain(names::GIVEN_NAMES) {
            let card = person(surname, "");
            assert_eq!(
                score(&by_extent, &card),
                score(&by_star, &card),
                "{beginning} {surname}"
            );
        }
    }
}

#[test]
fn a_question_that_selects_nobody_is_refused() {
    let no_key = QueryError {
        field: QueryField::Surname,
        rule: QueryRule::NoKey,
    };
    assert_eq!(NameQuery::new(None, None), Err(no_key));
    let day = NaiveDate::from_ymd_opt(1980, 1, 31).unwrap();
    let range = BirthDateRange::new(day, day).unwrap();
    let municipality = MunicipalityId::parse("E289");
    assert_eq!(
        PersonQuery::new(None, None, Some(range), municipality),
        Err(no_key)
    );
    let code = TaxCodeQuery::parse("RSS").unwrap();
    assert!(PersonQuery::new(None, Some(code), None, None).is_ok());
}

#[test]
fn refusals_name_field_and_rule_and_nothing_that_was_asked() {
    let error = NameQuery::new(None, Some(("Zz9", Extent::Whole))).unwrap_err();
    assert_eq!(
        error.to_string(),
        "given_name: a name holds only letters, blanks, - ' . , and the wildcards * and ?"
    );
    let error = TaxCodeQuery::parse("ZQ").unwrap_err();
    assert_eq!(
        error.to_string(),
        "tax_code: a codice fiscale needs at least its first 3 characters"
    );
}

#[test]
fn questions_and_keys_do_not_show_what_they_hold() {
    let query = asked("Zanichelli", "Quinto");
    let code = TaxCodeQuery::parse("ZNCQNT").unwrap();
    let day = NaiveDate::from_ymd_opt(1987, 1, 31).unwrap();
    let range = BirthDateRange::new(day, day).unwrap();
    let keys = query_keys(&query);
    let whole = PersonQuery::new(Some(query), Some(code), Some(range), None).unwrap();
    let shown = format!("{whole:?} {keys:?}");
    for text in ["ZAN", "QUI", "ZNC", "1987"] {
        assert!(!shown.to_uppercase().contains(text), "{text}");
    }
}

#[test]
fn days_of_birth_span_ten_years_at_most() {
    let day = |text: &str| text.parse::<NaiveDate>().unwrap();
    for (first, last, expected) in [
        ("1980-01-31", "1980-01-31", None),
        ("1980-01-01", "1989-12-31", None),
        ("1980-01-01", "1990-01-01", Some(QueryRule::RangeTooLong)),
        ("1980-01-02", "1980-01-01", Some(QueryRule::RangeReversed)),
        ("1800-01-01", "9998-12-31", Some(QueryRule::RangeTooLong)),
    ] {
        let rule = BirthDateRange::new(day(first), day(last))
            .err()
            .map(|error| error.rule);
        assert_eq!(rule, expected, "{first} {last}");
    }
    assert!(BirthDateRange::new(NaiveDate::MAX, NaiveDate::MAX).is_err());
}

#[test]
fn an_incomplete_birth_date_lies_where_it_can_lie() {
    let day = |text: &str| text.parse::<NaiveDate>().unwrap();
    let range = BirthDateRange::new(day("1980-02-10"), day("1980-03-05")).unwrap();
    for (registered, expected) in [
        ("1980-02-10", true),
        ("1980-03-05", true),
        ("1980-02-09", false),
        ("1980-03-06", false),
        ("1980-02", true),
        ("1980-03", true),
        ("1980-01", false),
        ("1980-04", false),
        ("1980", true),
        ("1979", false),
    ] {
        assert_eq!(
            range.admits(PartialDate::parse(registered).unwrap()),
            expected,
            "{registered}"
        );
    }
    let year = BirthDateRange::of(PartialDate::parse("1980").unwrap());
    assert_eq!(
        (year.first(), year.last()),
        (day("1980-01-01"), day("1980-12-31"))
    );
}

#[test]
fn beginnings_of_codes_are_admitted_or_refused_by_their_rule() {
    use QueryRule::{CodeCharacter, CodeLength, TooFewCharacters};
    for (text, expected) in [
        ("RSS", None),
        ("rss mra", None),
        ("RSSMRA80A01F205X", None),
        ("RSS*", None),
        ("RSS???80", None),
        ("123", None),
        ("", Some(TooFewCharacters)),
        ("RS", Some(TooFewCharacters)),
        ("RS*", Some(TooFewCharacters)),
        ("RS?", Some(TooFewCharacters)),
        ("???MRA", Some(TooFewCharacters)),
        ("***", Some(CodeCharacter)),
        ("RSS-MRA", Some(CodeCharacter)),
        ("RSSÀ", Some(CodeCharacter)),
        ("RSS*80", Some(CodeCharacter)),
        ("RSSMRA80A01F205XX", Some(CodeLength)),
    ] {
        let rule = TaxCodeQuery::parse(text).err().map(|error| error.rule);
        assert_eq!(rule, expected, "{text}");
    }
}

#[test]
fn codes_are_found_by_their_beginning_and_through_omocodia() {
    use TaxCodeMatch::{AsWritten, Omocodia};
    // ANPR's published fictitious subject, with forms of its omocodia.
    let (base, first, last) = ("STTSGT90A01H501J", "STTSGT90A01H50MB", "STTSGTVLALMHRLMK");
    for (question, code, expected) in [
        ("STT", base, Some(AsWritten)),
        ("STTSGT90A01H501J", base, Some(AsWritten)),
        ("STTSGT90A01H501", base, Some(AsWritten)),
        ("STT???90", base, Some(AsWritten)),
        ("STT???91", base, None),
        ("SGT", base, None),
        ("STTSGT90A01H50", first, Some(AsWritten)),
        ("STTSGT90A01H501", first, Some(Omocodia)),
        ("STTSGT90A01H501J", first, Some(Omocodia)),
        ("STTSGT90A01H50MB", base, Some(Omocodia)),
        ("STTSGT90A", last, Some(Omocodia)),
        ("STTSGTVL", base, Some(Omocodia)),
        ("STTSGT90??1H501", last, Some(Omocodia)),
        ("STTSGT91A", last, None),
        ("123", base, None),
    ] {
        let (query, code) = (
            TaxCodeQuery::parse(question).unwrap(),
            TaxCode::parse(code).unwrap(),
        );
        assert_eq!(query.matches(&code), expected, "{question}");
        let longest = TaxCodeQuery::longest_key(&code);
        assert_eq!(query.admits_key(&longest), expected.is_some(), "{question}");
        if expected.is_some() {
            let held: Vec<String> = TaxCodeQuery::code_keys(&code).collect();
            assert!(
                query.keys().iter().any(|key| held.contains(key)),
                "{question} {code:?}"
            );
        }
    }
}

#[test]
fn beginnings_of_provisional_codes_are_found_as_they_stand() {
    // Digits in the places where omocodia puts letters, and letters that are read as digits there.
    let code = TaxCode::Provisional(provisional());
    for length in 3..=11 {
        let query = TaxCodeQuery::parse(&code.as_str()[..length]).unwrap();
        assert_eq!(query.matches(&code), Some(TaxCodeMatch::AsWritten));
        assert!(query.admits_key(&TaxCodeQuery::longest_key(&code)));
        let held: Vec<String> = TaxCodeQuery::code_keys(&code).collect();
        assert!(query.keys().iter().any(|key| held.contains(key)), "{length}");
    }
    let letters = TaxCodeQuery::parse(&code.as_str().replace('0', "L")).unwrap();
    assert_eq!(letters.matches(&code), None);
    assert!(!letters.admits_key(&TaxCodeQuery::longest_key(&code)));
}

fn provisional() -> crate::codice_fiscale::ProvisionalCode {
    (0..10)
        .find_map(|check| crate::codice_fiscale::ProvisionalCode::parse(&format!("1234500010{check}")).ok())
        .unwrap()
}

#[test]
fn the_whole_question_is_answered_by_every_field_asked_for() {
    use {MatchField as F, Reason as R};
    let card = person("Rossi", "Mario");
    let codes = [TaxCode::parse("STTSGT90A01H50MB").unwrap()];
    let imola = MunicipalityId::parse("E289");
    let candidate = Candidate {
        generalities: &card,
        tax_codes: &codes,
        municipality: imola,
    };
    let range =
        |first: &str, last: &str| BirthDateRange::new(first.parse().unwrap(), last.parse().unwrap()).ok();
    let names = Some(asked("Rosdi", "Mario"));
    let code = TaxCodeQuery::parse("STTSGT90A01H501").ok();
    let query = PersonQuery::new(names.clone(), code, range("1980-01-01", "1980-12-31"), imola).unwrap();
    let found = query.score(&candidate).unwrap();
    assert_eq!(found.score, 770);
    let expected = [
        (F::Surname, R::OneEdit),
        (F::GivenName, R::Exact),
        (F::BirthDate, R::WithinRange),
        (F::TaxCode, R::Omocodia),
        (F::Municipality, R::Exact),
    ];
    assert_eq!(
        found.reasons,
        BTreeSet::from(expected.map(|(field, reason)| FieldReason { field, reason }))
    );

    let bologna = MunicipalityId::parse("A944");
    let other_code = TaxCodeQuery::parse("RSS").ok();
    for query in [
        PersonQuery::new(Some(asked("Bianchi", "")), None, None, None),
        PersonQuery::new(names.clone(), other_code, None, None),
        PersonQuery::new(names.clone(), None, range("1981-01-01", "1981-12-31"), None),
        PersonQuery::new(names.clone(), None, None, bologna),
    ] {
        assert_eq!(query.unwrap().score(&candidate), None);
    }
    let day = PersonQuery::new(names, None, range("1980-01-31", "1980-01-31"), None).unwrap();
    assert_eq!(
        reasons_of(&day.score(&candidate).unwrap(), F::BirthDate),
        [R::Exact]
    );
    let mut undated = card.clone();
    undated.birth_date = PartialDate::parse("1980").unwrap();
    let undated = Candidate {
        generalities: &undated,
        ..candidate
    };
    assert_eq!(
        reasons_of(&day.score(&undated).unwrap(), F::BirthDate),
        [R::PossiblyWithinRange]
    );
}
