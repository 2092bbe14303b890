//! Cases written by hand, as data: `names_alike.csv` and `sounds.csv`.

use super::*;

const NAMES_ALIKE: &str = include_str!("../../../tests/fixtures/names_alike.csv");
const SOUNDS: &str = include_str!("../../../tests/fixtures/sounds.csv");

/// Rows of a fixture, without those that say something about it.
pub(super) fn rows(text: &'static str) -> impl Iterator<Item = Vec<&'static str>> {
    text.lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| line.split(',').collect())
}

#[test]
fn every_pair_of_names_is_alike_for_its_reasons_and_shares_a_key() {
    let mut failures = Vec::new();
    let mut count = 0;
    for row in rows(NAMES_ALIKE).skip(1) {
        let [question, registered, expected] = row[..] else {
            panic!("a row has three fields: {row:?}")
        };
        let (query, card) = (asked(question, ""), person(registered, "Anna"));
        let found = score(&query, &card);
        let told = found.as_ref().map_or_else(
            || "-".to_owned(),
            |found| {
                let reasons = reasons_of(found, MatchField::Surname);
                let names: Vec<String> = reasons.iter().map(|reason| format!("{reason:?}")).collect();
                names.join(" ")
            },
        );
        if told != expected {
            failures.push(format!("{question} / {registered}: {told}, not {expected}"));
        }
        if found.is_some() && !keys_meet(&query, &card) {
            failures.push(format!("{question} / {registered}: no key in common"));
        }
        count += 1;
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    assert!(250 < count, "{count}");
}

#[test]
fn the_same_holds_of_given_names_and_of_the_other_direction() {
    for row in rows(NAMES_ALIKE).skip(1) {
        let [question, registered, _] = row[..] else {
            panic!("a row has three fields: {row:?}")
        };
        let as_surname = score(&asked(question, ""), &person(registered, ""));
        let as_given_name = score(&asked("", question), &person("", registered));
        let scores = [&as_surname, &as_given_name].map(|found| found.as_ref().map(|found| found.score));
        assert_eq!(scores[0], scores[1], "{question} / {registered}");
        // A question may have wildcards and other signs for the apostrophe, a registered name may not.
        if PersonName::parse(question).is_err() {
            continue;
        }
        let reversed = score(&asked(registered, ""), &person(question, ""));
        assert_eq!(reversed, as_surname, "{question} / {registered}");
    }
}

#[test]
fn words_that_sound_alike_have_one_key_and_others_have_not() {
    let mut failures = Vec::new();
    for row in rows(SOUNDS) {
        let (rule, words) = (row[0], &row[1..]);
        let keys: BTreeSet<Option<String>> = words
            .iter()
            .map(|word| match rule {
                "italian" | "apart" => Some(phonetic_key(word)),
                "romanised" => romanisation_key(word),
                _ => panic!("{rule}"),
            })
            .collect();
        let expected = if rule == "apart" { words.len() } else { 1 };
        if keys.len() != expected || keys.contains(&None) {
            failures.push(format!("{rule} {words:?}: {keys:?}"));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// Keys are stored: whoever changes one of these makes a new version of the rules and of the keys.
#[test]
fn keys_are_those_of_their_version() {
    assert_eq!([PHONETIC_VERSION, ROMANISATION_VERSION, KEY_VERSION], [1, 1, 1]);
    for (word, phonetic, romanised) in [
        ("ROSSI", "ROSI", Some("RUSI")),
        ("BIANCHI", "BIANKI", Some("BIANKI")),
        ("GIOVANNI", "gOVANI", Some("IUVANI")),
        ("CIACCIO", "cAcO", Some("KAKU")),
        ("GUGLIELMO", "GUlELMO", Some("GUGLIALMU")),
        ("SIGNORINI", "SInORINI", Some("SINURINI")),
        ("SCIASCIA", "sAsA", Some("SIASIA")),
        ("SCHIAVONE", "SKIAVONE", Some("SIAVUNA")),
        ("ACQUAVIVA", "AKUAVIVA", Some("AKUAVIVA")),
        ("CESENA", "cESENA", Some("KASANA")),
        ("GHEZZI", "GESI", Some("GASI")),
        ("ANTONIO", "ANTOnO", Some("ANTUNIU")),
        ("GIAMBATTISTA", "gAMBATISTA", Some("IAMBATISTA")),
        ("HOXHA", "OSA", Some("USA")),
        ("MOHAMMED", "MOAMED", Some("MUAMAD")),
        ("KHARCHENKO", "KARKENKO", Some("KARKANKU")),
        ("WU", "VU", None),
        ("ИВАН", "ИВАН", Some("ИВАН")),
        ("", "", None),
    ] {
        assert_eq!(phonetic_key(word), phonetic, "{word}");
        assert_eq!(romanisation_key(word).as_deref(), romanised, "{word}");
    }
}

#[test]
fn swapped_names_are_found_and_say_so_of_both_fields() {
    use {MatchField as F, Reason as R};
    let say = |surname: R, given_name: R| {
        let reasons = [
            (F::Surname, surname),
            (F::Surname, R::SurnameAndGivenNameSwapped),
            (F::GivenName, given_name),
            (F::GivenName, R::SurnameAndGivenNameSwapped),
        ];
        reasons.map(|(field, reason)| FieldReason { field, reason })
    };
    for (question, card, score_expected, expected) in [
        (
            ("Mario", "Rossi"),
            ("Rossi", "Mario"),
            920,
            say(R::Exact, R::Exact),
        ),
        (
            ("Nicolo", "Foa"),
            ("Foà", "Nicolò"),
            900,
            say(R::AccentOrApostrophe, R::AccentOrApostrophe),
        ),
        (
            ("Mraio", "Rossi"),
            ("Rossi", "Mario"),
            730,
            say(R::Exact, R::Transposition),
        ),
        (
            ("Mario", "Rosdi"),
            ("Rossi", "Mario"),
            710,
            say(R::OneEdit, R::Exact),
        ),
        (
            ("Ahmed", "El Amrani"),
            ("Elamrani", "Ahmad"),
            700,
            say(R::AccentOrApostrophe, R::OneEdit),
        ),
    ] {
        let (query, card) = (asked(question.0, question.1), person(card.0, card.1));
        let found = score(&query, &card).unwrap();
        assert_eq!(found.reasons, BTreeSet::from(expected), "{question:?}");
        assert_eq!(found.score, score_expected, "{question:?}");
        assert!(keys_meet(&query, &card));
    }
    assert_eq!(score(&asked("Mario", ""), &person("Rossi", "Mario")), None);
    assert_eq!(score(&asked("Mario", "Bianchi"), &person("Rossi", "Mario")), None);
    assert_eq!(score(&asked("Rossi", "Mario"), &person("Rossi", "")), None);
}

#[test]
fn of_two_answers_the_better_counts() {
    // As asked, with one slip in each name; swapped, without any.
    let found = score(&asked("Marco", "Marca"), &person("Marca", "Marco")).unwrap();
    assert_eq!(found.score, 920);
    let found = score(&asked("Martino", "Martino"), &person("Martino", "Martino")).unwrap();
    assert_eq!(found.score, MAX_SCORE);
}

#[test]
fn hits_stand_in_one_order_from_wherever_they_came() {
    let hit = |score| Match {
        score,
        reasons: BTreeSet::new(),
    };
    let mut hits = vec![(hit(700), 3), (hit(1000), 9), (hit(700), 1), (hit(890), 2)];
    rank(&mut hits);
    let mut reversed: Vec<_> = hits.iter().cloned().rev().collect();
    rank(&mut reversed);
    assert_eq!(hits, reversed);
    let order: Vec<_> = hits.iter().map(|(found, key)| (found.score, *key)).collect();
    assert_eq!(order, [(1000, 9), (890, 2), (700, 1), (700, 3)]);
}
