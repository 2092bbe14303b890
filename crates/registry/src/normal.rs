//! Normal forms of names and codes: what makes two spellings the same key.
//!
//! A registry writes `D’Angelo`, another `D'ANGELO`, a third `D ANGELO`; one writes `Nicolò`, another `NICOLO'`. Keys
//! built here are equal for all of them. They serve lookups and comparison only and are never shown: what is shown is
//! always the text as registered.

use std::borrow::Cow;

use unicode_normalization::{IsNormalized, UnicodeNormalization, char::is_combining_mark, is_nfc_quick};

/// Canonical composition (Unicode NFC): the form in which every text of a record is kept.
pub fn composed(text: &str) -> Cow<'_, str> {
    match is_nfc_quick(text.chars()) {
        IsNormalized::Yes => Cow::Borrowed(text),
        IsNormalized::No | IsNormalized::Maybe => Cow::Owned(text.nfc().collect()),
    }
}

/// Key of a name or place name: capital letters and digits only, without accents, blanks, apostrophes, hyphens.
///
/// Letters that do not decompose are written as ICAO Doc 9303 writes them in passports where that is one rule for
/// all countries (`ß` SS, `Æ` AE, `Ø` OE …). Letters with an umlaut lose it: registries write both `MÜLLER` and `MULLER`.
pub fn name_key(text: &str) -> String {
    let mut key = String::with_capacity(text.len());
    for letter in text.chars() {
        push_folded(&mut key, letter);
    }
    key
}

/// The words of a name, each as [`name_key`]; blanks and hyphens divide words, apostrophes do not.
pub fn name_words(text: &str) -> Vec<String> {
    text.split(|letter: char| letter.is_whitespace() || is_hyphen(letter))
        .map(name_key)
        .filter(|word| !word.is_empty())
        .collect()
}

/// Whether two names are the same but for case, accents, blanks, apostrophes and hyphens.
pub fn same_name(one: &str, other: &str) -> bool {
    one == other || name_key(one) == name_key(other)
}

/// Key of a code (codice fiscale, card number, document number): ASCII capitals, no blanks inside or around.
pub fn code_key(text: &str) -> String {
    text.chars()
        .filter(|letter| !letter.is_whitespace())
        .map(|letter| letter.to_ascii_uppercase())
        .collect()
}

fn push_folded(key: &mut String, letter: char) {
    if letter.is_ascii() {
        if letter.is_ascii_alphanumeric() {
            key.push(letter.to_ascii_uppercase());
        }
        return;
    }
    if let Some(transcription) = transcription(letter) {
        key.push_str(transcription);
        return;
    }
    let decomposed = std::iter::once(letter)
        .nfkd()
        .filter(|part| !is_combining_mark(*part));
    for part in decomposed {
        if let Some(transcription) = transcription(part) {
            key.push_str(transcription);
        } else {
            key.extend(
                part.to_uppercase()
                    .filter(|capital| capital.is_alphanumeric() && !is_modifier(*capital)),
            );
        }
    }
}

/// Letters that modify others, among them the apostrophe of some transliterations (U+02BC).
fn is_modifier(letter: char) -> bool {
    matches!(letter, '\u{2b0}'..='\u{2ff}')
}

pub(crate) fn is_hyphen(letter: char) -> bool {
    matches!(letter, '-' | '\u{2010}'..='\u{2015}')
}

/// Letters without a decomposition into a base letter and marks.
fn transcription(letter: char) -> Option<&'static str> {
    let capitals = match letter {
        'ß' | 'ẞ' => "SS",
        'Æ' | 'æ' => "AE",
        'Œ' | 'œ' => "OE",
        'Ø' | 'ø' => "OE",
        'Þ' | 'þ' => "TH",
        'Đ' | 'đ' | 'Ð' | 'ð' => "D",
        'Ł' | 'ł' => "L",
        'Ħ' | 'ħ' => "H",
        'Ŧ' | 'ŧ' => "T",
        'Ŋ' | 'ŋ' => "N",
        'ı' => "I",
        'ĸ' => "Q",
        _ => return None,
    };
    Some(capitals)
}

#[cfg(test)]
mod tests;
