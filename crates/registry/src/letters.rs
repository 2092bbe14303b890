//! Names reduced to the 26 letters, as the codice fiscale and the tables of places need them.

use unicode_normalization::UnicodeNormalization;

/// The letters A to Z of `text`: upper case, diacritics folded to the plain letter, everything else left out.
///
/// Folding is that of the tax registry (è, ė and ê are all E; ö is O, not OE). The few Latin letters that Unicode
/// does not decompose are spelled out (ß as SS, æ as AE); letters of other scripts are left out, because registries
/// transliterate before they write.
pub(crate) fn plain_letters(text: &str) -> impl Iterator<Item = u8> {
    text.chars().flat_map(|letter| {
        let spelled = if letter.is_ascii() { "" } else { spelled(letter) };
        let single = if spelled.is_empty() { single(letter) } else { None };
        spelled.bytes().chain(single)
    })
}

/// Latin letters without a decomposition.
fn spelled(letter: char) -> &'static str {
    match letter {
        'ß' | 'ẞ' => "SS",
        'Æ' | 'æ' => "AE",
        'Œ' | 'œ' => "OE",
        'Þ' | 'þ' => "TH",
        'Ĳ' | 'ĳ' => "IJ",
        'Ø' | 'ø' => "O",
        'Đ' | 'đ' | 'Ð' | 'ð' => "D",
        'Ł' | 'ł' => "L",
        'Ħ' | 'ħ' => "H",
        'Ŧ' | 'ŧ' => "T",
        'Ŋ' | 'ŋ' => "N",
        'Ə' | 'ə' => "E",
        'ı' => "I",
        _ => "",
    }
}

/// The base letter of `letter`, if it is one of the 26.
fn single(letter: char) -> Option<u8> {
    let base = if letter.is_ascii() {
        Some(letter)
    } else {
        letter.nfkd().next()
    };
    base.filter(char::is_ascii_alphabetic)
        .and_then(|base| u8::try_from(base.to_ascii_uppercase()).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, letters: &str) {
        assert_eq!(
            plain_letters(text).map(char::from).collect::<String>(),
            letters,
            "{text:?}"
        );
    }

    #[test]
    fn letters_are_folded_and_the_rest_is_left_out() {
        for (text, letters) in [
            ("", ""),
            ("rossi", "ROSSI"),
            ("D'Alò-De' Rossi 3°", "DALODEROSSI"),
            ("D’Alò", "DALO"),
            ("Müller Björk", "MULLERBJORK"),
            ("Strauß", "STRAUSS"),
            ("Łukasz Ørsted Đoković", "LUKASZORSTEDDOKOVIC"),
            ("Ștefănescu Češka Gülşah", "STEFANESCUCESKAGULSAH"),
            ("Ισίδωρος Иван", ""),
        ] {
            check(text, letters);
        }
    }

    #[test]
    fn composed_and_decomposed_spelling_are_the_same() {
        check("No\u{e8}", "NOE");
        check("Noe\u{300}", "NOE");
    }
}
