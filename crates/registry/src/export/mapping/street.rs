//! An address in one field, where it falls apart in exactly one way.

use std::collections::BTreeMap;

/// How a street and its number stand in one field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct StreetSplit {
    pub(super) number_after: NumberAfter,
    /// What the back office writes for a species, with its code. Nothing else is one: `VIA NUOVA BAGNARA` would have
    /// two readings under table 4, and only the municipality knows which is its own.
    pub(super) species: BTreeMap<String, String>,
}

/// What stands between street and number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NumberAfter {
    /// A comma: without one there is no number.
    Comma,
    /// The last blank: the last word is the number, or `SNC`.
    Blank,
}

/// The parts of an address.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Street<'t> {
    /// Code of table 4.
    pub(super) species: &'t str,
    pub(super) name: &'t str,
    pub(super) number: HouseNumber<'t>,
}

/// A house number; both parts are empty for a house without one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct HouseNumber<'t> {
    pub(super) number: &'t str,
    pub(super) suffix: &'t str,
}

impl StreetSplit {
    /// `None` when it does not fall apart, or could do so in another way.
    pub(super) fn split<'t>(&'t self, text: &'t str) -> Option<Street<'t>> {
        let (street, number) = match self.number_after {
            NumberAfter::Comma => match text.rsplit_once(',') {
                Some((street, number)) => (street.trim_end(), HouseNumber::parse(number)?),
                None => (text, HouseNumber::default()),
            },
            NumberAfter::Blank => {
                let (street, number) = text.rsplit_once(char::is_whitespace)?;
                (street.trim_end(), HouseNumber::parse(number)?)
            }
        };
        let (species, name) = self.species(street)?;
        Some(Street {
            species,
            name,
            number,
        })
    }

    /// The longest species with which the street begins, and the rest.
    fn species<'t>(&'t self, street: &'t str) -> Option<(&'t str, &'t str)> {
        let beginning = self.species.iter().filter_map(|(label, code)| {
            let head = street.get(..label.len())?;
            let name = street.get(label.len()..)?;
            let whole_word = name.starts_with(char::is_whitespace) && head.eq_ignore_ascii_case(label);
            whole_word.then(|| (label.len(), code.as_str(), name.trim()))
        });
        let (_, code, name) = beginning.max_by_key(|(length, ..)| *length)?;
        (!name.is_empty()).then_some((code, name))
    }
}

impl<'t> HouseNumber<'t> {
    /// Reads `12`, `12A`, `12/A`, `12/1`, `12 BIS`, `SNC` and nothing. A range (`12-14`) is no number.
    pub(super) fn parse(text: &'t str) -> Option<Self> {
        let text = text.trim();
        let none = ["", "SNC", "S.N.C.", "SN", "S.N."];
        if none.iter().any(|none| text.eq_ignore_ascii_case(none)) {
            return Some(Self::default());
        }
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let (number, rest) = text.split_at_checked(digits)?;
        if !(1..=6).contains(&digits) {
            return None;
        }
        let suffix = match rest.strip_prefix('/') {
            Some(suffix) => suffix.trim(),
            None if rest.starts_with(|first: char| first.is_ascii_digit()) => return None,
            None => {
                let suffix = rest.trim_start();
                if suffix.starts_with(|first: char| first.is_ascii_digit()) {
                    return None;
                }
                suffix
            }
        };
        let is_suffix = suffix.len() <= 10 && suffix.bytes().all(|byte| byte.is_ascii_alphanumeric());
        let complete = is_suffix && (!suffix.is_empty() || rest.is_empty());
        complete.then_some(Self { number, suffix })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn house_numbers_are_read_where_they_are_plain() {
        let cases: &[(&str, Option<(&str, &str)>)] = &[
            ("12", Some(("12", ""))),
            (" 12/A ", Some(("12", "A"))),
            ("12A", Some(("12", "A"))),
            ("12 BIS", Some(("12", "BIS"))),
            ("12/1", Some(("12", "1"))),
            ("0", Some(("0", ""))),
            ("", Some(("", ""))),
            ("snc", Some(("", ""))),
            ("S.N.C.", Some(("", ""))),
            ("12-14", None),
            ("12 14", None),
            ("12/", None),
            ("12/A INT 3", None),
            ("A12", None),
            ("1234567", None),
            ("KM 12", None),
        ];
        for (text, expect) in cases {
            let read = HouseNumber::parse(text).map(|read| (read.number, read.suffix));
            assert_eq!(read, *expect, "{text}");
        }
    }

    #[test]
    fn an_address_falls_apart_in_one_way_or_not_at_all() {
        let split = |number_after, text: &str| {
            let species = [
                ("VIA", "213"),
                ("VIALE", "230"),
                ("V.LE", "230"),
                ("PIAZZA", "125"),
            ];
            let species = species
                .map(|(label, code)| (label.to_owned(), code.to_owned()))
                .into();
            let split = StreetSplit {
                number_after,
                species,
            };
            split.split(text).map(|street| {
                let HouseNumber { number, suffix } = street.number;
                format!("{}|{}|{number}|{suffix}", street.species, street.name)
            })
        };
        let cases = [
            (
                NumberAfter::Blank,
                "VIA GARIBALDI 12/A",
                Some("213|GARIBALDI|12|A"),
            ),
            (NumberAfter::Blank, "Via Garibaldi SNC", Some("213|Garibaldi||")),
            (NumberAfter::Blank, "VIALE DANTE 3", Some("230|DANTE|3|")),
            (NumberAfter::Blank, "V.LE DANTE 3", Some("230|DANTE|3|")),
            (
                NumberAfter::Blank,
                "PIAZZA MARTIRI 7 LUGLIO 4",
                Some("125|MARTIRI 7 LUGLIO|4|"),
            ),
            (NumberAfter::Blank, "VIA GARIBALDI", None),
            (NumberAfter::Blank, "VIA 4 NOVEMBRE", None),
            (NumberAfter::Blank, "VIA 12", None),
            (NumberAfter::Blank, "GARIBALDI 12", None),
            (NumberAfter::Blank, "VIALONGA 12", None),
            (
                NumberAfter::Blank,
                "VIA NUOVA BAGNARA 5",
                Some("213|NUOVA BAGNARA|5|"),
            ),
            (NumberAfter::Blank, "CORSO DANTE 5", None),
            (
                NumberAfter::Comma,
                "VIA 4 NOVEMBRE, 12 BIS",
                Some("213|4 NOVEMBRE|12|BIS"),
            ),
            (NumberAfter::Comma, "VIA DEI 1000", Some("213|DEI 1000||")),
            (NumberAfter::Comma, "VIA GARIBALDI,", Some("213|GARIBALDI||")),
            (NumberAfter::Comma, "VIA GARIBALDI, 12-14", None),
            (NumberAfter::Comma, "VIA, 12", None),
        ];
        for (number_after, text, expect) in cases {
            assert_eq!(split(number_after, text).as_deref(), expect, "{text}");
        }
    }
}
