//! Names that come from other scripts and alphabets: the key of spellings that stand for one foreign name.
//!
//! `Mohamed`, `Muhammad` and `Mohammed`, `Djamal`, `Jamal` and `Giamal`, `Yuliia`, `Julija` and `Iuliia` are one name each,
//! written after French, English, Italian, German or official Latin spelling. The key keeps what these have in common and
//! is therefore coarse: it finds, and ranks low what only it finds. The rules, the first that fits is taken, equal
//! neighbours are one:
//!
//! - sibilants are one (`S Z X SH SCH ZH SZ TS TZ DZ KS CS SC` before `E I`);
//! - `C K Q CH KH CK CZ TCH TSCH`, `CI` before a vowel, are one;
//! - `J DJ DZH DSCH GJ`, `GI` before a vowel, are as `I`, and so is `Y`;
//! - `GN NJ NY` before a vowel are `N`, `LJ` is `L`, `PH` is `F`, `GH` is `G`; any other `H` is silent;
//! - `W` and `OU` before a vowel are `V`, and so is a last `F` (`Ivanoff`);
//! - vowels are three: `A E`, `I`, `O U`; `OU OE UE` are as `U`, `EE` as `I`; `Y J I` before an `E` at the start is silent.
//!
//! A key of fewer than three sounds says too little and is none. A change of any rule is a new [`ROMANISATION_VERSION`].

/// Version of the rules.
pub const ROMANISATION_VERSION: u8 = 1;

/// Sounds that a key has at least.
const MIN_SOUNDS: usize = 3;

/// The key of a word given as its normal form in capitals, if it has three sounds.
pub fn romanisation_key(word: &str) -> Option<String> {
    let letters: Vec<char> = word.chars().collect();
    let mut key = String::with_capacity(word.len());
    let mut rest = match letters.as_slice() {
        ['Y' | 'J' | 'I', tail @ ..] if tail.first() == Some(&'E') => tail,
        whole => whole,
    };
    while let [letter, ..] = rest {
        let (sound, taken) = sound(rest);
        let sound = sound.unwrap_or(*letter);
        if sound != SILENT && !key.ends_with(sound) {
            key.push(sound);
        }
        rest = rest.get(taken..).unwrap_or_default();
    }
    if key.chars().count() < MIN_SOUNDS {
        return None;
    }
    if key.ends_with('F') {
        key.pop();
        key.push('V');
    }
    Some(key)
}

/// Stands for no sound in [`sound`].
const SILENT: char = '\0';

/// Sound of the beginning and how many letters make it; `None` where the first letter stands for itself.
fn sound(rest: &[char]) -> (Option<char>, usize) {
    let (sound, taken) = match rest {
        ['T', 'S', 'C', 'H', ..] => ('K', 4),
        ['S', 'H', 'C', 'H', ..] => ('S', 4),
        ['D', 'S', 'C', 'H', ..] => ('I', 4),
        ['S', 'C', 'H', ..] => ('S', 3),
        ['T', 'C', 'H', ..] => ('K', 3),
        ['D', 'Z', 'H', ..] => ('I', 3),
        ['S', 'C', 'E' | 'I', ..] | ['S', 'H' | 'Z', ..] | ['Z', 'H', ..] => ('S', 2),
        ['C' | 'K', 'S', ..] | ['T', 'S' | 'Z', ..] | ['D', 'Z', ..] => ('S', 2),
        ['C', 'Z' | 'H' | 'K', ..] | ['K', 'H', ..] => ('K', 2),
        ['C' | 'G', 'I', next, ..] if is_vowel(*next) => {
            (if rest.starts_with(&['C']) { 'K' } else { 'I' }, 2)
        }
        ['D' | 'G', 'J', ..] => ('I', 2),
        ['G', 'H', ..] => ('G', 2),
        ['G', 'N', next, ..] | ['N', 'J' | 'Y', next, ..] if is_vowel(*next) => ('N', 2),
        ['L', 'J', ..] => ('L', 2),
        ['P', 'H', ..] => ('F', 2),
        ['O', 'U', next, ..] if is_vowel(*next) => ('V', 2),
        ['O', 'U' | 'E', ..] | ['U', 'E', ..] => ('U', 2),
        ['E', 'E', ..] => ('I', 2),
        ['A' | 'E', ..] => ('A', 1),
        ['I' | 'Y' | 'J', ..] => ('I', 1),
        ['O' | 'U', ..] => ('U', 1),
        ['W', ..] => ('V', 1),
        ['C' | 'K' | 'Q', ..] => ('K', 1),
        ['X' | 'Z', ..] => ('S', 1),
        ['H' | SILENT, ..] => (SILENT, 1),
        _ => return (None, 1),
    };
    (Some(sound), taken)
}

fn is_vowel(letter: char) -> bool {
    matches!(letter, 'A' | 'E' | 'I' | 'O' | 'U')
}
