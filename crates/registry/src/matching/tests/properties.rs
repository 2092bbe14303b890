//! What holds of all names.

use proptest::prelude::*;
use proptest::sample::{Index, select};

use super::names::{GIVEN_NAMES, SURNAMES};
use super::*;

/// A fault that is forgiven.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    None,
    Capitals,
    WithoutAccents,
    WithoutApostrophes,
    Joined,
    Turned,
    WithoutParticle,
    FirstWordOnly,
    OneMore,
    Transposed,
    Missing,
    Wrong,
    Added,
    Respelt,
    SecondReading,
    Beginning,
    Open,
}

const FAULTS: &[Fault] = &[
    Fault::None,
    Fault::Capitals,
    Fault::WithoutAccents,
    Fault::WithoutApostrophes,
    Fault::Joined,
    Fault::Turned,
    Fault::WithoutParticle,
    Fault::FirstWordOnly,
    Fault::OneMore,
    Fault::Transposed,
    Fault::Missing,
    Fault::Wrong,
    Fault::Added,
    Fault::Respelt,
    Fault::SecondReading,
    Fault::Beginning,
    Fault::Open,
];

/// Spellings that an Italian reads alike wherever they stand.
const RESPELLINGS: &[(&str, &str)] = &[
    ("CHI", "KI"),
    ("CHE", "KE"),
    ("PH", "F"),
    ("TH", "T"),
    ("QU", "CU"),
    ("ZZ", "SS"),
    ("SS", "S"),
    ("LL", "L"),
    ("RR", "R"),
    ("TT", "T"),
    ("NN", "N"),
    ("CCA", "CA"),
    ("J", "I"),
    ("Y", "I"),
    ("W", "V"),
    ("Z", "S"),
    ("GNA", "NIA"),
    ("CK", "K"),
    ("SHA", "SCHA"),
    ("KI", "CHI"),
    ("KE", "CHE"),
    ("MP", "NP"),
    ("XA", "SSA"),
    ("XI", "SSI"),
];

impl Fault {
    /// The name with the fault, where it has a place for it.
    fn plant(self, name: &str, at: Index) -> Option<String> {
        let key: Vec<char> = crate::normal::name_key(name).chars().collect();
        let several = name.contains([' ', '-', '\'']);
        // In a name of several words the words are left, so a slip is planted in one that is long enough.
        let slip = |change: &dyn Fn(&mut Vec<char>, usize)| {
            let words: Vec<&str> = name
                .split([' ', '-', '\''])
                .filter(|word| 5 <= word.chars().count())
                .collect();
            let word = words.get(at.index(words.len().max(1)))?;
            let mut letters: Vec<char> = crate::normal::name_key(word).chars().collect();
            let place = at.index(letters.len() - 1);
            change(&mut letters, place);
            Some(name.replacen(word, &letters.into_iter().collect::<String>(), 1))
        };
        match self {
            Self::None | Self::Beginning => Some(name.to_owned()),
            Self::Capitals => Some(name.to_uppercase()),
            Self::WithoutAccents => {
                let words: Vec<String> = name.split(' ').map(crate::normal::name_key).collect();
                Some(words.join(" "))
            }
            Self::WithoutApostrophes => name.contains('\'').then(|| name.replace('\'', " ")),
            Self::Joined => several.then(|| key.iter().collect()),
            Self::Turned => name
                .contains(' ')
                .then(|| name.split(' ').rev().collect::<Vec<_>>().join(" ")),
            Self::WithoutParticle => [
                "De ", "Di ", "D'", "Della ", "Lo ", "La ", "El ", "da ", "dos ", "van ",
            ]
            .into_iter()
            .find_map(|particle| name.strip_prefix(particle).map(str::to_owned)),
            Self::FirstWordOnly => ["Maria ", "Anna ", "Rossi ", "García "]
                .into_iter()
                .find(|word| name.starts_with(word))
                .map(str::to_owned),
            // Beside another word, a name that is a particle is one.
            Self::OneMore => (!["Li", "Lo"].contains(&name)).then(|| format!("{name} Zoe")),
            Self::Transposed => slip(&|letters, at| letters.swap(at, at + 1)),
            Self::Missing => slip(&|letters, at| {
                letters.remove(at);
            }),
            Self::Wrong => slip(&|letters, at| letters[at] = 'B'),
            Self::Added => slip(&|letters, at| letters.insert(at, 'V')),
            Self::Respelt => {
                let found: Vec<_> = RESPELLINGS
                    .iter()
                    .filter(|(from, _)| key.iter().collect::<String>().contains(from))
                    .collect();
                let (from, to) = found.get(at.index(found.len().max(1)))?;
                Some(key.iter().collect::<String>().replacen(from, to, 1))
            }
            Self::SecondReading => {
                let read = name
                    .replace('ü', "ue")
                    .replace('ö', "oe")
                    .replace('Å', "Aa")
                    .replace('ø', "oe")
                    .replace('ß', "ss")
                    .replace('Đ', "Dj")
                    .replace('ć', "ch")
                    .replace('ñ', "ny")
                    .replace('Ș', "Sh")
                    .replace('ș', "sh");
                (read != name).then_some(read)
            }
            Self::Open => {
                let mut letters = key;
                let place = 2 + at.index(letters.len().checked_sub(2).filter(|left| *left != 0)?);
                letters[place] = '?';
                Some(letters.into_iter().collect())
            }
        }
    }

    fn extent(self) -> Extent {
        if self == Self::Beginning {
            Extent::Beginning
        } else {
            Extent::Whole
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4096))]

    #[test]
    fn what_is_asked_with_forgiven_faults_is_found(
        surname in select(SURNAMES), given_name in select(GIVEN_NAMES),
        faults in (select(FAULTS), select(FAULTS)), at in any::<Index>(), swapped in any::<bool>(),
    ) {
        // A name that has no place for the fault is asked for as it is.
        let plant = |fault: Fault, name: &str| fault.plant(name, at).unwrap_or_else(|| name.to_owned());
        let (first, second) = (plant(faults.0, surname), plant(faults.1, given_name));
        let parts = (Some((first.as_str(), faults.0.extent())), Some((second.as_str(), faults.1.extent())));
        let query = if swapped { NameQuery::new(parts.1, parts.0) } else { NameQuery::new(parts.0, parts.1) }.unwrap();
        let card = person(surname, given_name);
        let found = score(&query, &card);
        prop_assert!(found.is_some(), "{} {} / {} {}", first, second, surname, given_name);
        prop_assert!(keys_meet(&query, &card));
    }

    #[test]
    fn whatever_is_admitted_shares_a_key(
        one in "[ABE]{1,5}( |'|-)?[ABI]{0,6}", other in "[ABE]{1,5}( |'|-)?[ABI]{0,6}",
    ) {
        if let (Ok(query), Ok(name)) = (NameQuery::new(Some((&one, Extent::Whole)), None), PersonName::parse(&other)) {
            let card = person(name.as_str(), "");
            let found = score(&query, &card);
            prop_assert!(found.is_none() || keys_meet(&query, &card), "{one} {other}");
        }
    }

    #[test]
    fn whatever_fits_a_pattern_shares_a_key(
        one in "[AÜ]{1,3}( |')?[ABÜ]{0,3}[*?]?[ABÜ]{0,2}", other in "[AÜ]{1,3}( |')?[ABÜ]{0,5}",
        extent in select(&[Extent::Whole, Extent::Beginning][..]),
    ) {
        if let (Ok(query), Ok(name)) = (NameQuery::new(Some((&one, extent)), None), PersonName::parse(&other)) {
            let card = person(name.as_str(), "");
            let found = score(&query, &card);
            prop_assert!(found.is_none() || keys_meet(&query, &card), "{one} {other}");
        }
    }

    #[test]
    fn it_does_not_matter_which_of_two_whole_names_is_asked_for(
        one in "[ABEDÜ]{2,5}( |'|-)?[ABID]{0,6}( [AB]{1,4})?", other in "[ABEDÜ]{2,5}( |'|-)?[ABID]{0,6}( [AB]{1,4})?",
    ) {
        let there = score(&asked(&one, ""), &person(&other, ""));
        let back = score(&asked(&other, ""), &person(&one, ""));
        prop_assert_eq!(there, back);
    }

    #[test]
    fn any_text_is_refused_or_compared(
        asked_text in "\\PC{0,30}", registered in "[\\p{L} '-]{1,30}", code in "\\PC{0,20}",
        extent in select(&[Extent::Whole, Extent::Beginning][..]),
    ) {
        let query = NameQuery::new(Some((&asked_text, extent)), None);
        let name = PersonName::parse(&registered);
        if let (Ok(query), Ok(name)) = (&query, &name) {
            let card = person(name.as_str(), "");
            let found = score(query, &card);
            prop_assert!(found.is_none_or(|found| (1..=MAX_SCORE).contains(&found.score)));
        }
        if let Ok(name) = &name && let Ok(same) = NameQuery::new(Some((name.as_str(), Extent::Whole)), None) {
            let card = person(name.as_str(), "");
            prop_assert_eq!(score(&same, &card).map(|found| found.score), Some(MAX_SCORE));
            prop_assert!(keys_meet(&same, &card));
        }
        let _ = TaxCodeQuery::parse(&code);
        let _ = (phonetic_key(&asked_text), romanisation_key(&asked_text));
    }

    #[test]
    fn worse_faults_never_score_better(surname in select(SURNAMES), at in any::<Index>()) {
        let card = person(surname, "");
        let scored = |fault: Fault| {
            let text = fault.plant(surname, at)?;
            let found = score(&asked(&text, ""), &card)?;
            Some((found.score, reasons_of(&found, MatchField::Surname)))
        };
        let worst = |reason: Reason| match reason {
            Reason::Exact => MAX_SCORE..=MAX_SCORE,
            Reason::AccentOrApostrophe => 990..=990,
            Reason::Particle => 960..=970,
            Reason::WordOrder => 950..=960,
            Reason::Transliteration => 770..=940,
            Reason::Phonetic => 890..=890,
            Reason::Transposition => 810..=810,
            Reason::OneEdit => 790..=790,
            _ => 1..=MAX_SCORE,
        };
        for fault in [Fault::None, Fault::WithoutAccents, Fault::Joined, Fault::Turned, Fault::Respelt, Fault::Transposed, Fault::Wrong] {
            if let Some((found, reasons)) = scored(fault) && let [reason] = reasons[..] {
                prop_assert!(worst(reason).contains(&found), "{} {:?} {:?} {}", surname, fault, reason, found);
            }
        }
    }

    #[test]
    fn a_fault_more_never_scores_better(surname in select(SURNAMES), given_name in select(GIVEN_NAMES), at in any::<Index>(), fault in select(FAULTS)) {
        let card = person(surname, given_name);
        if let Some(text) = fault.plant(given_name, at) && fault.extent() == Extent::Whole {
            let one = score(&asked(surname, &text), &card);
            let turned = Fault::Wrong.plant(surname, at);
            if let (Some(one), Some(turned)) = (one, turned) {
                let two = score(&asked(&turned, &text), &card);
                prop_assert!(two.is_some_and(|two| two.score <= one.score));
            }
        }
    }

    #[test]
    fn a_card_is_admitted_exactly_if_its_names_are(
        one in select(SURNAMES), other in select(GIVEN_NAMES), surname in select(SURNAMES), given_name in select(GIVEN_NAMES),
        same in any::<(bool, bool, bool)>(),
    ) {
        let (one, other) = (if same.0 { surname } else { one }, if same.1 { given_name } else { other });
        let query = if same.2 { asked(other, one) } else { asked(one, other) };
        let (surname_of, given_name_of) = (NameField::Surname, NameField::GivenName);
        let admitted = (query.admits(surname_of, surname) && query.admits(given_name_of, given_name))
            || (query.admits(surname_of, given_name) && query.admits(given_name_of, surname));
        prop_assert_eq!(score(&query, &person(surname, given_name)).is_some(), admitted);
    }
}
