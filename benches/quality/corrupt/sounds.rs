//! How a clerk may write an Italian name that was told over the telephone.

use crate::draws::Draws;

/// Texts that sound alike, or nearly, each for the other.
const ALIKE: [(&str, &str); 30] = [
    ("QU", "CU"),
    ("CQU", "QU"),
    ("CA", "KA"),
    ("CO", "KO"),
    ("CHI", "KI"),
    ("CHE", "KE"),
    ("I", "J"),
    ("I", "Y"),
    ("V", "W"),
    ("X", "CS"),
    ("F", "PH"),
    ("T", "TH"),
    ("GLIA", "LIA"),
    ("GLIO", "LIO"),
    ("GNA", "GNIA"),
    ("GNO", "NIO"),
    ("SCE", "SCIE"),
    ("CE", "CIE"),
    ("GE", "GIE"),
    ("SCIA", "SHA"),
    ("MB", "NB"),
    ("MP", "NP"),
    ("Z", "TZ"),
    ("ZZ", "Z"),
    ("ZI", "SI"),
    ("CK", "K"),
    ("GHE", "GE"),
    ("CHE", "CE"),
    ("O", "HO"),
    ("A", "HA"),
];

const DOUBLED: [&str; 12] = ["B", "C", "D", "F", "G", "L", "M", "N", "P", "R", "S", "T"];

const VOWELS: [&str; 5] = ["A", "E", "I", "O", "U"];

/// The name as it was heard.
pub(super) fn misheard(name: &str, draws: &mut Draws) -> Option<String> {
    let mut rules: Vec<(String, String)> = Vec::new();
    for (one, other) in ALIKE {
        // A silent H stands only at the beginning.
        if other.starts_with('H') {
            if name.starts_with(one) {
                return (draws.below(8) == 0)
                    .then(|| format!("H{name}"))
                    .or_else(|| twice_or_once(name, draws));
            }
            continue;
        }
        rules.push((one.to_owned(), other.to_owned()));
        rules.push((other.to_owned(), one.to_owned()));
    }
    // A rule of sound and a double consonant are as frequent as each other.
    if draws.below(2) == 0
        && let Some(heard) = twice_or_once(name, draws)
    {
        return Some(heard);
    }
    let rules: Vec<(&str, &str)> = rules
        .iter()
        .map(|(from, to)| (from.as_str(), to.as_str()))
        .collect();
    super::rewritten(name, &rules, draws).or_else(|| twice_or_once(name, draws))
}

/// A double consonant between vowels written once, or a single one twice.
fn twice_or_once(name: &str, draws: &mut Draws) -> Option<String> {
    let mut rules = Vec::new();
    for consonant in DOUBLED {
        for before in VOWELS {
            for after in VOWELS {
                let single = format!("{before}{consonant}{after}");
                let double = format!("{before}{consonant}{consonant}{after}");
                rules.push((single.clone(), double.clone()));
                rules.push((double, single));
            }
        }
    }
    let rules: Vec<(&str, &str)> = rules
        .iter()
        .map(|(from, to)| (from.as_str(), to.as_str()))
        .collect();
    super::rewritten(name, &rules, draws)
}
