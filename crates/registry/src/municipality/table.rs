//! The compiled-in table and its indexes, read once on first use.

use std::sync::LazyLock;

use super::Municipality;
use crate::identifier::{CadastralCode, IstatCode};
use crate::letters::plain_letters;
use crate::validity::{Validity, compact_date};

/// `cadastral, valid_from, istat, valid_to, province, region, name`, tab-separated, sorted.
pub(super) const TABLE: &str = include_str!("../../data/municipalities.tsv");

static ROWS: LazyLock<Vec<Municipality>> =
    LazyLock::new(|| TABLE.lines().skip(1).filter_map(Municipality::from_row).collect());

/// Positions in [`ROWS`] by ISTAT code and start.
static BY_ISTAT: LazyLock<Vec<(IstatCode, usize)>> = LazyLock::new(|| {
    let coded = ROWS
        .iter()
        .enumerate()
        .filter_map(|(at, row)| row.istat.map(|istat| (istat, at)));
    let mut index: Vec<_> = coded.collect();
    index.sort_by_key(|(istat, at)| (*istat, ROWS.get(*at).and_then(|row| row.validity.from)));
    index
});

/// Positions in [`ROWS`] by the hash of the name.
static BY_NAME: LazyLock<Vec<(u64, usize)>> = LazyLock::new(|| {
    let mut index: Vec<_> = ROWS
        .iter()
        .enumerate()
        .map(|(at, row)| (name_hash(row.name), at))
        .collect();
    index.sort_unstable();
    index
});

pub(super) fn rows() -> &'static [Municipality] {
    &ROWS
}

pub(super) fn by_istat(code: IstatCode) -> impl DoubleEndedIterator<Item = &'static Municipality> {
    equal_range(&BY_ISTAT, code)
        .iter()
        .filter_map(|(_, at)| ROWS.get(*at))
}

/// Rows whose name may be `name`: the caller compares, because a hash can collide.
pub(super) fn by_name(name: &str) -> impl Iterator<Item = &'static Municipality> {
    equal_range(&BY_NAME, name_hash(name))
        .iter()
        .filter_map(|(_, at)| ROWS.get(*at))
}

impl Municipality {
    fn from_row(row: &'static str) -> Option<Self> {
        let mut fields = row.split('\t');
        let mut field = || fields.next();
        let cadastral = CadastralCode::parse(field()?).ok();
        let from = compact_date(field()?);
        let istat = IstatCode::parse(field()?).ok();
        let to = compact_date(field()?);
        let (province, region, name) = (field()?, field()?, field()?);
        Some(Self {
            cadastral,
            istat,
            name,
            province,
            region,
            validity: Validity { from, to },
        })
    }
}

fn equal_range<K: Ord + Copy>(index: &[(K, usize)], key: K) -> &[(K, usize)] {
    let start = index.partition_point(|(known, _)| *known < key);
    let rest = index.get(start..).unwrap_or_default();
    let length = rest.partition_point(|(known, _)| *known == key);
    rest.get(..length).unwrap_or_default()
}

/// FNV-1a over the letters of a name.
fn name_hash(name: &str) -> u64 {
    plain_letters(name).fold(0xcbf2_9ce4_8422_2325, |hash, letter| {
        (hash ^ u64::from(letter)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}
