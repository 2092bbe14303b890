//! The name index: memory for a million persons, how fast it fills, and what a question costs beside an exact lookup.
//!
//! ```text
//! cargo bench -p benches --bench name_index
//! ```
//!
//! Names are drawn by rank as in a registry: the n-th is borne n times less often than the first, among
//! `PONTE_BENCH_SURNAMES` (100,000) surnames and half as many given names. `PONTE_BENCH_PERSONS` (1,000,000). An exact
//! lookup is reckoned as what it costs at least: the one row of a card, unsealed and decoded.

use std::collections::BTreeMap;
use std::hint::black_box;
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use benches::draws::Draws;
use benches::measure::{Extent, count, median, setting};
use benches::people;
use benches::report::{Bound, Budget};
use chrono::{Days, NaiveDate};
use registry::canonical;
use registry::codice_fiscale::CodiceFiscale;
use registry::date::PartialDate;
use registry::identifier::{CadastralCode, IstatCode, PersonId, RecordId};
use registry::matching::{BirthDateRange, Extent as Part, NameQuery, PersonQuery, TaxCodeQuery};
use registry::municipality::{self, Municipality};
use registry::record::{PersonName, Record, Sex};
use store::keys::data_key::DataKey;
use store::name_index::{CodesAsked, IndexedCard, NameIndex};
use uuid::Uuid;

const MEMORY: Budget = Budget {
    what: "resident memory for a million persons / 300 MB",
    bound: Bound::AtMost,
    gate: 1.0,
    target: 0.8,
};

/// The name of a rank: the more letters, the rarer.
fn name(rank: u64, syllables: &[&str], ending: &str) -> String {
    let mut text = String::new();
    let mut left = rank;
    let all = syllables.len() as u64;
    loop {
        let at = usize::try_from(left % all).unwrap_or_default();
        text.push_str(syllables[at]);
        left /= all;
        if left == 0 {
            break;
        }
        left -= 1;
    }
    text.push_str(ending);
    let mut letters = text.chars();
    letters
        .next()
        .map(|first| first.to_uppercase().chain(letters).collect())
        .unwrap_or_default()
}

const SURNAME_SYLLABLES: [&str; 32] = [
    "ro", "fer", "bian", "ru", "co", "mar", "ri", "gal", "con", "de", "man", "cos", "gior", "riz", "lom",
    "mo", "bar", "fon", "san", "mari", "ca", "ghe", "chia", "gua", "pel", "ser", "vi", "zan", "ber", "ta",
    "sci", "qua",
];

const GIVEN_SYLLABLES: [&str; 24] = [
    "ma", "an", "giu", "fran", "lu", "ele", "chia", "sa", "ale", "mat", "pao", "ste", "ro", "an", "da", "mi",
    "fe", "vale", "si", "gia", "moha", "fati", "oksa", "xia",
];

/// The person of a number, with names of the people.
fn person(number: u64, surnames: u64, places: &[IstatCode]) -> Record {
    let mut draws = Draws::new(number.wrapping_mul(0x5851_f42d_4c95_7f2d));
    let surname = name(draws.rank(surnames), &SURNAME_SYLLABLES, "si");
    let mut given_name = name(draws.rank(surnames / 2), &GIVEN_SYLLABLES, "na");
    if draws.word().is_multiple_of(8) {
        // One in eight has a second name.
        let second = name(draws.rank(200), &GIVEN_SYLLABLES, "na");
        given_name = format!("{given_name} {second}");
    }
    let birth = NaiveDate::from_ymd_opt(1930, 1, 1).expect("a day") + Days::new(draws.word() % 33_000);
    let birth_place = CadastralCode::parse("A944").expect("Bologna has a cadastral code");
    let code = CodiceFiscale::compute(&surname, &given_name, Sex::Female, birth, birth_place);
    let mut card = people::card(number % 1_000);
    card.municipality = places[usize::try_from(draws.word()).unwrap_or_default() % places.len()];
    card.generalities.surname = PersonName::parse(&surname).ok();
    card.generalities.given_name = PersonName::parse(&given_name).ok();
    card.generalities.birth_date = PartialDate::known(birth).expect("a birth date");
    for entry in &mut card.tax_codes {
        entry.code = code.expect("the generalities make a code").into();
    }
    card
}

/// Memory of this process that is resident, in bytes.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("the process runs");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.split_whitespace().next());
    1024 * kib
        .and_then(|kib| kib.parse::<u64>().ok())
        .expect("a number of KiB")
}

#[expect(clippy::print_stdout, reason = "a comparison prints its table")]
fn main() {
    let Some(extent) = Extent::from_arguments() else {
        return;
    };
    let persons = setting("PONTE_BENCH_PERSONS", extent.choose(1_000_000, 2_000));
    let surnames = setting("PONTE_BENCH_SURNAMES", extent.choose(100_000, 500));
    let questions = extent.choose(300, 5);
    let report = compare(persons, surnames, questions);
    println!("{}", extent.printed(&report));
}

fn compare(persons: u64, surnames: u64, questions: u64) -> String {
    let places: Vec<IstatCode> = municipality::current_of_region("08")
        .filter_map(Municipality::istat)
        .collect();
    let index = NameIndex::default();
    let before = resident();
    let mut filling = Duration::ZERO;
    for number in 0..persons {
        let card = person(number, surnames, &places);
        let record = RecordId(Uuid::from_u128(u128::from(number) << 64 | 7));
        let start = Instant::now();
        if let Some(indexed) = IndexedCard::of(PersonId(record.0), &card) {
            index.add(record, &indexed);
        }
        filling += start.elapsed();
    }
    let bytes = resident().saturating_sub(before);
    let size = index.read().size();
    let million = count(persons) / 1e6;
    let per_million = count(bytes) / million / 1e6;
    let exact = exact_lookup(questions, surnames, &places);
    let mut lines = vec![
        format!(
            "{persons} persons with {} surnames and {} given names: {per_million:.0} MB and {:.1} s to fill for a million",
            size.surnames,
            size.given_names,
            filling.as_secs_f64() / million
        ),
        format!(
            "exact lookup, one card unsealed and decoded: {:.1} us",
            exact * 1e6
        ),
        MEMORY.line(per_million / 300.0),
    ];
    let asked = questions_of(questions, surnames, &places);
    for (what, queries) in &asked {
        let (time, found) = cost(&index, queries, usize::MAX);
        let (bounded, _) = cost(&index, queries, 51);
        lines.push(format!(
            "{what:<44} {:>9.1} us ({:>7.1} us to the 51st, {:>6.0} x exact), {found:>8.0} candidates, median",
            time * 1e6,
            bounded * 1e6,
            bounded / exact
        ));
    }
    lines.join("\n")
}

/// Questions about persons who are there, by their kind.
fn questions_of(
    questions: u64,
    surnames: u64,
    places: &[IstatCode],
) -> BTreeMap<&'static str, Vec<PersonQuery>> {
    let mut asked: BTreeMap<&str, Vec<PersonQuery>> = BTreeMap::new();
    for number in 0..questions {
        let card = person(number * 977, surnames, places);
        let names = &card.generalities;
        let (Some(surname), Some(given_name)) = (&names.surname, &names.given_name) else {
            continue;
        };
        let (surname, given_name) = (surname.as_str(), given_name.as_str());
        let beginning = |text: &str, letters: usize| text.chars().take(letters).collect::<String>();
        let of = |surname: &str, given_name: Option<&str>, part: Part| {
            NameQuery::new(Some((surname, part)), given_name.map(|name| (name, part))).ok()
        };
        let born = BirthDateRange::of(names.birth_date);
        let code = card.tax_codes.first().map(|entry| entry.code.as_str().to_owned());
        let code = |length: usize| {
            let code = code.as_ref().map(|code| beginning(code, length));
            code.and_then(|code| TaxCodeQuery::parse(&code).ok())
        };
        let misspelt = format!(
            "{}x{}",
            beginning(surname, 3),
            surname.chars().skip(3).collect::<String>()
        );
        for (what, names, code, born) in [
            (
                "whole surname and given name",
                of(surname, Some(given_name), Part::Whole),
                None,
                None,
            ),
            (
                "surname with a slip, and given name",
                of(&misspelt, Some(given_name), Part::Whole),
                None,
                None,
            ),
            (
                "surname and birth date",
                of(surname, None, Part::Whole),
                None,
                Some(born),
            ),
            ("surname alone", of(surname, None, Part::Whole), None, None),
            (
                "two letters of surname and of given name",
                of(
                    &beginning(surname, 2),
                    Some(&beginning(given_name, 2)),
                    Part::Beginning,
                ),
                None,
                None,
            ),
            (
                "two letters of surname",
                of(&beginning(surname, 2), None, Part::Beginning),
                None,
                None,
            ),
            ("eleven characters of a code", None, code(11), None),
            ("three characters of a code", None, code(3), None),
        ] {
            if let Ok(query) = PersonQuery::new(names, code, born, None) {
                asked.entry(what).or_default().push(query);
            }
        }
    }
    asked
}

/// Median seconds until the candidates of a question are there, `limit` at most, and their median number.
fn cost(index: &NameIndex, queries: &[PersonQuery], limit: usize) -> (f64, f64) {
    let mut times = Vec::with_capacity(queries.len());
    let mut counts = Vec::with_capacity(queries.len());
    for query in queries {
        let start = Instant::now();
        let mut found = 0_usize;
        index.read().candidates(query, CodesAsked::All, &mut |candidate| {
            black_box(candidate);
            found += 1;
            if found < limit {
                ControlFlow::Continue(())
            } else {
                ControlFlow::Break(())
            }
        });
        times.push(start.elapsed().as_secs_f64());
        counts.push(count(found as u64));
    }
    (median(times), median(counts))
}

/// Median seconds of what an exact lookup does at least.
fn exact_lookup(questions: u64, surnames: u64, places: &[IstatCode]) -> f64 {
    let key = DataKey::from_bytes(&[5; 32]);
    let rows: Vec<Vec<u8>> = (0..questions)
        .map(|number| key.seal_derived(b"row", &canonical::encode(&person(number, surnames, places))))
        .collect();
    median(rows.iter().map(|row| {
        let start = Instant::now();
        let opened = key.open(b"row", row).expect("its own key");
        black_box(canonical::decode(&opened).expect("a card"));
        start.elapsed().as_secs_f64()
    }))
}
