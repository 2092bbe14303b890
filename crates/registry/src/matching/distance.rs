//! Whether one slip of the hand lies between two words.

/// What lies between two words that are the same but for one slip.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Slip {
    /// Nothing.
    None,
    /// One letter more, one fewer, or another one.
    OneEdit,
    /// Two neighbouring letters in the other order.
    Transposition,
}

/// The slip between two words, or `None` where it is more than one.
///
/// This is whether their distance is at most one, in the distance of Damerau and Levenshtein where no letter is edited
/// twice (optimal string alignment). Linear: what both begin with and what the rest of both ends with is left out, and
/// a single slip leaves almost nothing.
pub fn slip(one: &str, other: &str) -> Option<Slip> {
    let (mut one, mut other) = (one.chars(), other.chars());
    loop {
        let (mut one_next, mut other_next) = (one.clone(), other.clone());
        match (one_next.next(), other_next.next()) {
            (Some(letter), Some(same)) if letter == same => (one, other) = (one_next, other_next),
            _ => break,
        }
    }
    loop {
        let (mut one_next, mut other_next) = (one.clone(), other.clone());
        match (one_next.next_back(), other_next.next_back()) {
            (Some(letter), Some(same)) if letter == same => (one, other) = (one_next, other_next),
            _ => break,
        }
    }
    let one = [one.next(), one.next(), one.next()];
    let other = [other.next(), other.next(), other.next()];
    match (one, other) {
        ([None, ..], [None, ..]) => Some(Slip::None),
        ([Some(_), None, _], [_, None, _]) | ([None, ..], [Some(_), None, _]) => Some(Slip::OneEdit),
        ([first, Some(second), None], [other_first, Some(other_second), None])
            if first == Some(other_second) && other_first == Some(second) =>
        {
            Some(Slip::Transposition)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The whole table of distances, as the textbook has it.
    fn distance(one: &str, other: &str) -> usize {
        let (one, other): (Vec<char>, Vec<char>) = (one.chars().collect(), other.chars().collect());
        let mut table = vec![vec![0_usize; other.len() + 1]; one.len() + 1];
        for (at, row) in table.iter_mut().enumerate() {
            row[0] = at;
        }
        for (at, cell) in table[0].iter_mut().enumerate() {
            *cell = at;
        }
        for row in 1..=one.len() {
            for column in 1..=other.len() {
                let differs = usize::from(one[row - 1] != other[column - 1]);
                let mut best = (table[row - 1][column] + 1)
                    .min(table[row][column - 1] + 1)
                    .min(table[row - 1][column - 1] + differs);
                let swapped = 1 < row
                    && 1 < column
                    && one[row - 1] == other[column - 2]
                    && one[row - 2] == other[column - 1];
                if swapped {
                    best = best.min(table[row - 2][column - 2] + 1);
                }
                table[row][column] = best;
            }
        }
        table[one.len()][other.len()]
    }

    #[test]
    fn each_slip_is_told() {
        for (one, other, expected) in [
            ("", "", Some(Slip::None)),
            ("", "A", Some(Slip::OneEdit)),
            ("", "AB", None),
            ("ROSSI", "ROSSI", Some(Slip::None)),
            ("ROSSI", "ROSI", Some(Slip::OneEdit)),
            ("ROSSI", "RUSSI", Some(Slip::OneEdit)),
            ("ROSSI", "GROSSI", Some(Slip::OneEdit)),
            ("ROSSI", "ROSSIN", Some(Slip::OneEdit)),
            ("ROSSI", "ORSSI", Some(Slip::Transposition)),
            ("ROSSI", "ROSIS", Some(Slip::Transposition)),
            ("ROSSI", "ROISS", None),
            ("ROSSI", "RUSSO", None),
            ("ABC", "CAB", None),
            ("AB", "BA", Some(Slip::Transposition)),
            ("ИВАН", "ИВАНА", Some(Slip::OneEdit)),
        ] {
            assert_eq!(slip(one, other), expected, "{one} {other}");
            assert_eq!(slip(other, one), expected, "{other} {one}");
        }
    }

    #[test]
    fn all_short_words_of_three_letters_agree_with_the_table() {
        let mut words = vec![String::new()];
        let mut last = words.clone();
        for _ in 0..4 {
            last = last
                .iter()
                .flat_map(|word| ["A", "B", "È"].map(|letter| format!("{word}{letter}")))
                .collect();
            words.extend(last.iter().cloned());
        }
        for one in &words {
            for other in &words {
                let expected = match distance(one, other) {
                    0 => Some(0),
                    1 => Some(1),
                    _ => None,
                };
                let told = slip(one, other).map(|slip| usize::from(slip != Slip::None));
                assert_eq!(told, expected, "{one} {other}");
            }
        }
    }

    proptest! {
        #[test]
        fn longer_words_agree_with_the_table(one in "[AB]{0,12}", other in "[AB]{0,12}") {
            prop_assert_eq!(slip(&one, &other).is_some(), distance(&one, &other) <= 1);
        }

        #[test]
        fn one_planted_slip_is_found(word in "\\PC{1,20}", at in 0_usize..20, kind in 0_u8..4, letter in any::<char>()) {
            let mut letters: Vec<char> = word.chars().collect();
            let at = at % letters.len();
            match kind {
                0 => letters.insert(at, letter),
                1 => {
                    letters.remove(at);
                }
                2 => letters[at] = letter,
                _ => letters.swap(at, (at + 1).min(word.chars().count() - 1)),
            }
            let other: String = letters.into_iter().collect();
            prop_assert!(slip(&word, &other).is_some());
            prop_assert_eq!(slip(&word, &other), slip(&other, &word));
        }
    }
}
