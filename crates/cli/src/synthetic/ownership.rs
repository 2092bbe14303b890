//! Who may give out a codice fiscale, so that municipalities made apart never give out the same.
//!
//! Without surname, given name, birth year, sex and birth place fixed, a codice fiscale still leaves the day open.
//! For each choice of these five the 366 days are dealt out among the municipalities of the region, by a hash of
//! the five: a resident of one municipality is only ever born on a day that is its own. The deal is a partition,
//! so two residents of different municipalities cannot have the same code, although each municipality is made
//! without looking at any other. Half of the days go to the birth place itself, most of the rest to its province,
//! in proportion to residents, which is about how people born in a place are spread; the number of persons who
//! share all data of the code therefore stays what chance would make it, only they live in one municipality.

use registry::identifier::CadastralCode;
use registry::municipality::{self, Municipality as Period};

use super::random::fold;
use super::region::Region;

/// Days dealt out: those of a leap year.
const DAYS: u64 = 366;
/// The whole of a deal.
const WHOLE: u64 = 1 << 32;
/// Share of the birth place itself, and where the shares of its province end.
const HOME_END: u64 = WHOLE / 2;
const PROVINCE_END: u64 = WHOLE / 10 * 9;
/// Numbers without a common divisor with [`DAYS`], to deal the days in ever another order, with their inverses.
const ORDERS: [(u64, u64); 8] = [
    (1, 1),
    (5, 293),
    (7, 157),
    (11, 233),
    (13, 169),
    (17, 323),
    (19, 289),
    (23, 191),
];

/// From where somebody comes, as far as the deal of days depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// A municipality that the region has today, by its place in the list.
    Municipality(usize),
    /// A municipality of one of its provinces that has ceased.
    Province(&'static str),
    /// Anywhere else.
    Elsewhere,
}

/// The part of a codice fiscale that is known before the day is.
#[derive(Clone, Copy, Debug)]
pub(super) struct CodeFrame {
    /// Six letters of surname and given name.
    pub(super) letters: [u8; 6],
    /// Cadastral code of the birth place.
    pub(super) place: CadastralCode,
    /// Birth year; the code has its last two digits.
    pub(super) year: i32,
    /// Whether the code is a woman's.
    pub(super) female: bool,
}

/// What one municipality holds in every deal.
#[derive(Debug)]
pub(super) struct Ownership {
    seed: u64,
    ordinal: usize,
    province: &'static str,
    of_region: (u64, u64),
    of_province: (u64, u64),
}

/// The days of one frame that belong to one municipality.
#[derive(Debug)]
pub(super) struct OwnDays {
    offset: u64,
    shift: u64,
    order: (u64, u64),
    /// Ranges of places in the deal, empty ones included.
    ranges: [(u64, u64); 3],
}

impl Origin {
    /// The origin of a birth place in Italy.
    pub(super) fn of(region: &'static Region, place: CadastralCode) -> Self {
        let periods = municipality::periods(place);
        let current = periods
            .iter()
            .find(|period| period.is_current())
            .and_then(Period::istat);
        if let Some(home) = current.and_then(|istat| region.municipality(istat)) {
            return Self::Municipality(home.ordinal);
        }
        match periods.last() {
            Some(last) if last.region() == Region::EMILIA_ROMAGNA => {
                let known = region
                    .municipalities()
                    .iter()
                    .find(|it| it.province == last.province());
                known.map_or(Self::Elsewhere, |it| Self::Province(it.province))
            }
            _ => Self::Elsewhere,
        }
    }
}

impl CodeFrame {
    /// The frame in 52 bits: equal exactly when the codes of the same day are.
    pub(super) fn packed(self) -> u64 {
        let letters = self.letters.iter().fold(0, |sum, letter| {
            sum * 26 + u64::from(letter.wrapping_sub(b'A') % 26)
        });
        let place = self.place.as_str().as_bytes();
        let number = place[1..]
            .iter()
            .fold(0, |sum, digit| sum * 10 + u64::from(digit - b'0'));
        let place = u64::from(place[0] - b'A') * 1000 + number;
        ((letters * 26_000 + place) * 100 + u64::try_from(self.year.rem_euclid(100)).unwrap_or(0)) * 2
            + u64::from(self.female)
    }
}

impl Ownership {
    /// What `ordinal` holds in the deals of `seed`.
    pub(super) fn new(region: &'static Region, seed: u64, ordinal: usize) -> Self {
        let all = region.municipalities();
        let province = all[ordinal].province;
        let share = |among: &dyn Fn(&str) -> bool, start: u64, end: u64| {
            let residents = |it: &super::region::Municipality| {
                if among(it.province) {
                    u64::from(it.population())
                } else {
                    0
                }
            };
            let total: u64 = all.iter().map(residents).sum();
            let before: u64 = all[..ordinal].iter().map(residents).sum();
            let at = |residents: u64| start + (end - start) * residents / total;
            (at(before), at(before + residents(&all[ordinal])))
        };
        Self {
            seed,
            ordinal,
            province,
            of_region: share(&|_| true, 0, WHOLE),
            of_province: share(&|of| of == province, 0, WHOLE),
        }
    }

    /// The municipality's own days of a frame.
    pub(super) fn days(&self, origin: Origin, frame: CodeFrame) -> OwnDays {
        let hash = fold(&[self.seed, frame.packed()]);
        let squeezed = |range: (u64, u64), start: u64, end: u64| {
            let at = |place: u64| start + (((end - start) * place) >> 32);
            (at(range.0), at(range.1))
        };
        let none = (0, 0);
        let ranges = match origin {
            Origin::Elsewhere => [self.of_region, none, none],
            Origin::Province(of) => {
                let province = if of == self.province {
                    squeezed(self.of_province, 0, PROVINCE_END)
                } else {
                    none
                };
                [province, squeezed(self.of_region, PROVINCE_END, WHOLE), none]
            }
            Origin::Municipality(ordinal) => {
                let home = if ordinal == self.ordinal {
                    (0, HOME_END)
                } else {
                    none
                };
                let near = Region::emilia_romagna().municipalities()[ordinal].province == self.province;
                let province = if near {
                    squeezed(self.of_province, HOME_END, PROVINCE_END)
                } else {
                    none
                };
                [home, province, squeezed(self.of_region, PROVINCE_END, WHOLE)]
            }
        };
        OwnDays {
            offset: hash >> 32,
            shift: (hash >> 8) % DAYS,
            order: ORDERS[(hash & 7) as usize],
            ranges: ranges.map(|range| places(range, hash >> 32)),
        }
    }
}

impl OwnDays {
    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.ranges
            .iter()
            .map(|(start, end)| (end - start) as usize)
            .sum()
    }

    /// One of them, counted from 0: a day of a leap year, 0 to 365.
    pub(super) fn get(&self, index: usize) -> Option<u16> {
        let mut index = index as u64;
        for (start, end) in self.ranges {
            if index < end - start {
                let day = ((start + index) * self.order.0 + self.shift) % DAYS;
                return u16::try_from(day).ok();
            }
            index -= end - start;
        }
        None
    }

    /// Whether a day is one of them.
    pub(super) fn contains(&self, day: u16) -> bool {
        let place = (u64::from(day) + DAYS - self.shift) * self.order.1 % DAYS;
        debug_assert!(self.offset < WHOLE);
        self.ranges
            .iter()
            .any(|(start, end)| (*start..*end).contains(&place))
    }
}

/// The places `k` of the deal whose position `(k·2³² + offset) / 366` lies in a range.
fn places((start, end): (u64, u64), offset: u64) -> (u64, u64) {
    let first = |position: u64| (position * DAYS).saturating_sub(offset).div_ceil(WHOLE).min(DAYS);
    let first_place = first(start);
    (first_place, first(end).max(first_place))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(text: &str) -> CadastralCode {
        CadastralCode::parse(text).unwrap()
    }

    /// Each day of each frame belongs to exactly one of the 330.
    #[track_caller]
    fn check_partition(birth_place: &str) {
        let region = Region::emilia_romagna();
        let place = place(birth_place);
        let origin = if birth_place.starts_with('Z') {
            Origin::Elsewhere
        } else {
            Origin::of(region, place)
        };
        let all: Vec<_> = (0..330)
            .map(|ordinal| Ownership::new(region, 5, ordinal))
            .collect();
        for (letters, year) in [(*b"RSSMRA", 1980), (*b"FRRLCA", 2023), (*b"XAXBUX", 1931)] {
            let frame = CodeFrame {
                letters,
                place,
                year,
                female: false,
            };
            let mut owners = [0; 366];
            for ownership in &all {
                let days = ownership.days(origin, frame);
                for index in 0..days.count() {
                    let day = days.get(index).unwrap();
                    assert!(days.contains(day));
                    owners[usize::from(day)] += 1;
                }
                assert_eq!((0..366).filter(|day| days.contains(*day)).count(), days.count());
                assert_eq!(days.get(days.count()), None);
            }
            assert_eq!(owners, [1; 366], "{birth_place} {year}");
        }
    }

    #[test]
    fn every_day_of_a_code_belongs_to_exactly_one_municipality() {
        for birth_place in ["E289", "A944", "M190", "B027", "H501", "Z330"] {
            check_partition(birth_place);
        }
    }

    #[test]
    fn half_of_the_days_stay_at_the_birth_place() {
        let region = Region::emilia_romagna();
        let imola = region
            .municipalities()
            .iter()
            .find(|it| it.name == "IMOLA")
            .unwrap();
        let origin = Origin::of(region, imola.cadastral);
        assert_eq!(origin, Origin::Municipality(imola.ordinal));
        let ownership = Ownership::new(region, 1, imola.ordinal);
        let frame = CodeFrame {
            letters: *b"RSSMRA",
            place: imola.cadastral,
            year: 1990,
            female: true,
        };
        assert!((190..=210).contains(&ownership.days(origin, frame).count()));
    }

    #[test]
    fn a_frame_packs_without_loss() {
        let frame = CodeFrame {
            letters: *b"RSSMRA",
            place: place("E289"),
            year: 1990,
            female: false,
        };
        let others = [
            CodeFrame {
                letters: *b"RSSMRB",
                ..frame
            },
            CodeFrame {
                letters: *b"SRSMRA",
                ..frame
            },
            CodeFrame {
                place: place("F289"),
                ..frame
            },
            CodeFrame {
                place: place("E290"),
                ..frame
            },
            CodeFrame { year: 1991, ..frame },
            CodeFrame {
                female: true,
                ..frame
            },
        ];
        assert!(others.iter().all(|other| other.packed() != frame.packed()));
        assert_eq!(CodeFrame { year: 1890, ..frame }.packed(), frame.packed());
    }
}
