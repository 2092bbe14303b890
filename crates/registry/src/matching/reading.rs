//! The two readings of letters that the 26 do not have.
//!
//! Each registry writes a foreign letter as its clerk, its software or the passport has it: `Müller` is `MULLER` in one
//! and `MUELLER` in another. A word has the reading of [`crate::normal::name_key`], and a second one where a letter is
//! also written otherwise: as ICAO Doc 9303 part 3 section 6 has it in machine-readable zones (`Ä` AE, `Ü` UE, `Å` AA;
//! Cyrillic letters), or as people of the language write it without their letter (`Đ` DJ, `Š` SH, `Ñ` NY, `Ø` O).

use crate::normal::{composed, name_key};

/// Whether `*` and `?` stay in a reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wildcards {
    Kept,
    Dropped,
}

/// One or two readings of a text, in capitals, the usual one first; none if it has no letter.
pub(super) fn readings(text: &str, wildcards: Wildcards) -> Vec<String> {
    let text = composed(text);
    let kept = |letter: char| wildcards == Wildcards::Kept && is_wildcard(letter);
    let mut first = String::with_capacity(text.len());
    let mut second = String::new();
    let mut differs = false;
    for letter in text.chars() {
        let start = first.len();
        if letter.is_ascii_alphanumeric() {
            first.push(letter.to_ascii_uppercase());
        } else if kept(letter) {
            first.push(letter);
        } else if !letter.is_ascii() {
            first.push_str(&name_key(letter.encode_utf8(&mut [0; 4])));
        }
        if let Some(other) = other_reading(letter) {
            if !differs {
                second.push_str(first.get(..start).unwrap_or_default());
                differs = true;
            }
            second.push_str(other);
        } else if differs {
            second.push_str(first.get(start..).unwrap_or_default());
        }
    }
    let mut readings = Vec::with_capacity(2);
    if !first.is_empty() {
        readings.push(first);
    }
    if differs && !second.is_empty() && readings.first() != Some(&second) {
        readings.push(second);
    }
    readings
}

pub(super) fn is_wildcard(letter: char) -> bool {
    matches!(letter, '*' | '?')
}

/// How else than in `name_key` the letter is written.
fn other_reading(letter: char) -> Option<&'static str> {
    if letter.is_ascii() {
        return None;
    }
    let capitals = match letter {
        'Ä' | 'ä' => "AE",
        'Ö' | 'ö' | 'Ő' | 'ő' => "OE",
        'Ü' | 'ü' | 'Ű' | 'ű' => "UE",
        'Å' | 'å' => "AA",
        'Ø' | 'ø' => "O",
        'Ñ' | 'ñ' | 'Ń' | 'ń' | 'Ň' | 'ň' => "NY",
        'Đ' | 'đ' => "DJ",
        'Š' | 'š' | 'Ş' | 'ş' | 'Ș' | 'ș' | 'Ś' | 'ś' => "SH",
        'Č' | 'č' | 'Ć' | 'ć' | 'Ç' | 'ç' => "CH",
        'Ž' | 'ž' | 'Ż' | 'ż' | 'Ź' | 'ź' => "ZH",
        'Ţ' | 'ţ' | 'Ț' | 'ț' => "TS",
        'Ə' | 'ə' => "E",
        'Þ' | 'þ' => "T",
        _ => return cyrillic(letter),
    };
    Some(capitals)
}

/// ICAO Doc 9303 part 3 section 6 B, for Russian, Ukrainian, Belarusian, Bulgarian, Serbian and Macedonian letters.
fn cyrillic(letter: char) -> Option<&'static str> {
    let capital = letter.to_uppercase().next()?;
    let latin = match capital {
        'А' => "A",
        'Б' => "B",
        'В' => "V",
        'Г' | 'Ґ' => "G",
        'Д' => "D",
        'Ђ' => "D",
        'Е' | 'Ё' | 'Э' => "E",
        'Є' => "IE",
        'Ж' => "ZH",
        'З' => "Z",
        'Ѕ' => "DZ",
        'И' | 'І' | 'Ї' | 'Й' => "I",
        'Ј' => "J",
        'К' => "K",
        'Л' => "L",
        'Љ' => "LJ",
        'М' => "M",
        'Н' => "N",
        'Њ' => "NJ",
        'О' => "O",
        'П' => "P",
        'Р' => "R",
        'С' => "S",
        'Т' => "T",
        'Ћ' => "C",
        'У' | 'Ў' => "U",
        'Ф' => "F",
        'Х' => "KH",
        'Ц' => "TS",
        'Ч' => "CH",
        'Џ' => "DZ",
        'Ш' => "SH",
        'Щ' => "SHCH",
        'Ъ' => "IE",
        'Ы' => "Y",
        'Ь' => "",
        'Ю' => "IU",
        'Я' => "IA",
        _ => return None,
    };
    Some(latin)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn foreign_letters_have_both_readings() {
        for (text, expected) in [
            ("", &[][..]),
            ("'", &[]),
            ("Rossi", &["ROSSI"]),
            ("D’Angelo", &["DANGELO"]),
            ("Nicolò", &["NICOLO"]),
            ("Müller", &["MULLER", "MUELLER"]),
            ("Mu\u{308}ller", &["MULLER", "MUELLER"]),
            ("Groß", &["GROSS"]),
            ("Jäger-Öz", &["JAGEROZ", "JAEGEROEZ"]),
            ("Håkon", &["HAKON", "HAAKON"]),
            ("Sørensen", &["SOERENSEN", "SORENSEN"]),
            ("Kjær", &["KJAER"]),
            ("Nuñez", &["NUNEZ", "NUNYEZ"]),
            ("Łukasz", &["LUKASZ"]),
            ("Đoković", &["DOKOVIC", "DJOKOVICH"]),
            ("Ștefan", &["STEFAN", "SHTEFAN"]),
            ("Şahin", &["SAHIN", "SHAHIN"]),
            ("Çelik", &["CELIK", "CHELIK"]),
            ("Țurcan", &["TURCAN", "TSURCAN"]),
            ("Шевченко", &["ШЕВЧЕНКО", "SHEVCHENKO"]),
            ("Юрій", &["ЮРІИ", "IURII"]),
            ("李", &["李"]),
        ] {
            assert_eq!(readings(text, Wildcards::Dropped), expected, "{text}");
        }
    }

    #[test]
    fn wildcards_stay_only_where_asked() {
        assert_eq!(readings("Mü?l*", Wildcards::Kept), ["MU?L*", "MUE?L*"]);
        assert_eq!(readings("Mü?l*", Wildcards::Dropped), ["MUL", "MUEL"]);
    }

    proptest! {
        #[test]
        fn the_first_reading_is_the_key_of_the_name(text in "\\PC{0,30}") {
            let first = readings(&text, Wildcards::Dropped).into_iter().next().unwrap_or_default();
            prop_assert_eq!(first, name_key(&composed(&text)));
        }
    }
}
