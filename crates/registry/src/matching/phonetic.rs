//! How an Italian hears a name: the key of words that sound alike when an Italian reads them.
//!
//! Own rules, in this order; the first that fits is taken, and equal neighbours in the end are one (double letters are
//! heard as single ones, and so are written).
//!
//! | letters | sound | letters | sound |
//! | --- | --- | --- | --- |
//! | `SCH` before `E I Y` | `SK` | `GH` | `G` |
//! | `SCI` before a vowel, `SC` before `E I Y`, `SCH`, `SH` | `s` | `GNI` before a vowel, `GN` | `n` |
//! | `TSCH TCH CZ` | `c` | `GLI` (its `I` stays unless a vowel follows) | `l` |
//! | `CH CK CQ` | `K` | `GJ`, `GI` before a vowel, `G` before `E I Y` | `g` |
//! | `CS KS` | `S` | `NI NJ NY` before a vowel | `n` |
//! | `CI` before a vowel, `C` before `E I Y` | `c` | `LI LJ LY` before a vowel | `l` |
//! | `C K Q` | `K` | `N` before `B P` | `M` |
//! | `PH` | `F` | `TS TZ DZ X Z S` | `S` |
//! | `DT` | `T` | `W` | `V` |
//! | `J Y` | `I` | `H` | nothing |
//!
//! Small letters are the palatal sounds: `c` as in *cena*, `g` as in *gelo*, `s` as in *scena*, `n` as in *gnomo*, `l` as
//! in *figlio*. Keys are stored in indexes, so a change of any rule is a new [`PHONETIC_VERSION`].

/// Version of the rules.
pub const PHONETIC_VERSION: u8 = 1;

/// The key of a word given as its normal form in capitals; letters outside A to Z stand for themselves.
pub fn phonetic_key(word: &str) -> String {
    let letters = single(word);
    let mut key = String::with_capacity(word.len());
    let mut rest = letters.as_slice();
    while let [letter, ..] = rest {
        let (sound, taken) = sound(rest);
        match sound {
            Some(sound) => sound.chars().for_each(|sound| push(&mut key, sound)),
            None => push(&mut key, *letter),
        }
        rest = rest.get(taken..).unwrap_or_default();
    }
    key
}

/// Sound of the beginning and how many letters make it; `None` where the first letter stands for itself.
fn sound(rest: &[char]) -> (Option<&'static str>, usize) {
    match rest {
        ['S', 'C', 'H', 'E' | 'I' | 'Y', ..] => (Some("SK"), 3),
        ['S', 'C', 'H', ..] => (Some("s"), 3),
        ['S', 'C', 'I', next, ..] if is_vowel(*next) => (Some("s"), 3),
        ['S', 'C', 'E' | 'I' | 'Y', ..] | ['S', 'H', ..] => (Some("s"), 2),
        ['T', 'S', 'C', 'H', ..] => (Some("c"), 4),
        ['T', 'C', 'H', ..] => (Some("c"), 3),
        ['C', 'Z', ..] => (Some("c"), 2),
        ['C', 'H' | 'K' | 'Q', ..] => (Some("K"), 2),
        ['C' | 'K', 'S', ..] => (Some("S"), 2),
        ['C', 'I', next, ..] if is_vowel(*next) => (Some("c"), 2),
        ['C', 'E' | 'I' | 'Y', ..] => (Some("c"), 1),
        ['C' | 'K' | 'Q', ..] => (Some("K"), 1),
        ['P', 'H', ..] => (Some("F"), 2),
        ['G', 'H', ..] => (Some("G"), 2),
        ['G', 'N', 'I', next, ..] if is_vowel(*next) => (Some("n"), 3),
        ['G', 'N', ..] => (Some("n"), 2),
        ['G', 'L', 'I', next, ..] if is_vowel(*next) => (Some("l"), 3),
        ['G', 'L', 'I', ..] => (Some("l"), 2),
        ['G', 'I', next, ..] if is_vowel(*next) => (Some("g"), 2),
        ['G', 'J', ..] => (Some("g"), 2),
        ['G', 'E' | 'I' | 'Y', ..] => (Some("g"), 1),
        ['N', 'I' | 'J' | 'Y', next, ..] if is_vowel(*next) => (Some("n"), 2),
        ['L', 'I' | 'J' | 'Y', next, ..] if is_vowel(*next) => (Some("l"), 2),
        ['N', 'B' | 'P', ..] => (Some("M"), 1),
        ['D', 'T', ..] => (Some("T"), 2),
        ['T', 'S' | 'Z', ..] | ['D', 'Z', ..] => (Some("S"), 2),
        ['X' | 'Z', ..] => (Some("S"), 1),
        ['W', ..] => (Some("V"), 1),
        ['J' | 'Y', ..] => (Some("I"), 1),
        ['H', ..] => (Some(""), 1),
        _ => (None, 1),
    }
}

fn single(word: &str) -> Vec<char> {
    let mut letters: Vec<char> = word.chars().collect();
    letters.dedup();
    letters
}

fn push(key: &mut String, sound: char) {
    if !key.ends_with(sound) {
        key.push(sound);
    }
}

/// The vowels other than `I`.
fn is_vowel(letter: char) -> bool {
    matches!(letter, 'A' | 'E' | 'O' | 'U')
}
