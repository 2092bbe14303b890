//! Thirty days of ten municipalities, and ten thousand questions.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::BufReader;
use std::path::Path;

use chrono::{Days, NaiveDate};
use cli::synthetic::churn::{Churn, Pace, TRUTH};
use cli::synthetic::truth::{CardAnswer, Truth, TruthCard};
use cli::synthetic::{Plan, Scale};
use registry::change::EventKind;
use registry::identifier::{IstatCode, LocalId};

use crate::answers::answer;
use crate::replay::Registry;

/// The municipalities of the Circondario Imolese.
const MUNICIPALITIES: [&str; 10] = [
    "037007", "037012", "037014", "037016", "037020", "037025", "037026", "037032", "037037", "037045",
];
const DAYS: u16 = 30;
const QUESTIONS: usize = 10_000;

/// Days of the ten municipalities, and what the product made of them.
pub(crate) struct Story {
    pub(crate) truth: Truth,
    pub(crate) registries: BTreeMap<String, Registry>,
    /// Exports by municipality and day, the first one total.
    pub(crate) exports: BTreeMap<IstatCode, BTreeMap<NaiveDate, Vec<u8>>>,
    pub(crate) events: BTreeMap<String, usize>,
}

/// A question about a person.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Question<'a> {
    pub(crate) person: &'a str,
    pub(crate) reference: NaiveDate,
    pub(crate) known_on: NaiveDate,
}

/// Numbers that follow from a seed (SplitMix64).
pub(crate) struct Chance(u64);

impl Story {
    /// The days of a seed.
    pub(crate) fn of(seed: u64) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let codes: Vec<IstatCode> = MUNICIPALITIES
            .iter()
            .map(|code| IstatCode::parse(code).expect("an ISTAT code"))
            .collect();
        let churn = Churn::new(Plan::new(seed, 2026).expect("a plan"), None, DAYS, &codes)
            .expect("days that can be made");
        let churn = churn
            .of(Scale::one_in(30).expect("a scale"))
            .at(Pace::times(60).expect("a pace"));
        churn
            .write(directory.path(), |_| ())
            .expect("the days are written");
        let truth = File::open(directory.path().join(TRUTH)).expect("what was written can be read");
        let mut story = Self {
            truth: Truth::read(BufReader::new(truth)).expect("what was written can be read"),
            registries: BTreeMap::new(),
            exports: BTreeMap::new(),
            events: BTreeMap::new(),
        };
        for code in codes {
            let files = directory.path().join(code.as_str());
            let read = |name: &str| fs::read(files.join(name)).expect("what was written can be read");
            let mut registry = Registry::new(code);
            let total = read(&churn.total_name());
            registry.total(&total, churn.first());
            let mut exports = BTreeMap::from([(churn.first(), total)]);
            for day in days_after(churn.first(), churn.last()) {
                let file = read(&Churn::incremental_name(day));
                count_events(&file, &mut story.events);
                registry.incremental(&file, day);
                exports.insert(day, file);
            }
            story.registries.insert(code.to_string(), registry);
            story.exports.insert(code, exports);
        }
        story
    }

    /// Questions, half of them about people to whom something happened.
    pub(crate) fn questions(&self, seed: u64, number: usize) -> Vec<Question<'_>> {
        let header = self.truth.header();
        let (first, last) = (header.first_export, header.last_export);
        let all: Vec<&TruthCard> = self.truth.cards().iter().collect();
        let changed = |card: &&TruthCard| card.facts.iter().any(|fact| first < fact.known_from);
        let changed: Vec<&TruthCard> = all.iter().copied().filter(changed).collect();
        let mut chance = Chance(seed);
        let known_days = (last - first).num_days().unsigned_abs();
        (0..number)
            .map(|at| {
                let cards = if at % 2 == 0 { &changed } else { &all };
                let card = cards[chance.below(cards.len() as u64) as usize];
                // From the day before anything was known to the day after everything was.
                let known_on = first - Days::new(1) + Days::new(chance.below(known_days + 3));
                let back = match chance.below(4) {
                    0 => chance.below(15_000),
                    _ => chance.below(known_days + 25),
                };
                Question {
                    person: &card.person,
                    reference: last + Days::new(3) - Days::new(back),
                    known_on,
                }
            })
            .collect()
    }

    /// The truth of a card.
    pub(crate) fn card(&self, municipality: &str, card: &str) -> Option<&TruthCard> {
        let mut cards = self.truth.cards().iter();
        cards.find(|known| known.municipality == municipality && known.card == card)
    }

    /// What the truth answers, by municipality and card.
    pub(crate) fn right(&self, question: Question<'_>) -> BTreeMap<(String, String), CardAnswer> {
        let Question {
            person,
            reference,
            known_on,
        } = question;
        let cards = self.truth.cards_of(person);
        cards
            .filter_map(|card| {
                let answer = self.truth.answer(card, reference, known_on)?;
                Some(((card.municipality.clone(), card.card.clone()), answer))
            })
            .collect()
    }

    /// What the product answers, by municipality and card.
    fn answered(&self, question: Question<'_>) -> BTreeMap<(String, String), CardAnswer> {
        let Question {
            person,
            reference,
            known_on,
        } = question;
        let cards = self.truth.cards_of(person);
        cards
            .filter_map(|card| {
                let registry = self.registries.get(&card.municipality)?;
                let number = LocalId::parse(&card.card).expect("the number of a card");
                let answer = answer(registry, &number, reference, known_on)?;
                Some(((card.municipality.clone(), card.card.clone()), answer))
            })
            .collect()
    }
}

impl Chance {
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = self.0;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (word ^ (word >> 31)) % bound
    }
}

/// The days after one, up to another.
fn days_after(first: NaiveDate, last: NaiveDate) -> impl Iterator<Item = NaiveDate> {
    first.iter_days().skip(1).take_while(move |day| *day <= last)
}

/// Counts the rows of a file by operation and event.
fn count_events(file: &[u8], events: &mut BTreeMap<String, usize>) {
    let mut reader = csv::ReaderBuilder::new().delimiter(b';').from_reader(file);
    let header = reader.headers().expect("a header").clone();
    let column = |name: &str| {
        header
            .iter()
            .position(|column| column == name)
            .expect("a column of the layout")
    };
    let (operation, event) = (column("operazione"), column("evento"));
    for row in reader.records() {
        let row = row.expect("a readable row");
        *events
            .entry(format!("{} {}", &row[operation], &row[event]))
            .or_default() += 1;
    }
}

/// Two files of the same name in two directories are equal.
#[track_caller]
fn assert_same(one: &Path, other: &Path) {
    let names = |directory: &Path| -> BTreeSet<_> {
        let entries = fs::read_dir(directory).expect("what was written can be read");
        entries
            .map(|entry| entry.expect("what was written can be read").file_name())
            .collect()
    };
    assert_eq!(names(one), names(other));
    for name in names(one) {
        let (one, other) = (one.join(&name), other.join(&name));
        if one.is_dir() {
            assert_same(&one, &other);
        } else {
            assert!(
                fs::read(&one).expect("what was written can be read")
                    == fs::read(&other).expect("what was written can be read"),
                "{}",
                name.display()
            );
        }
    }
}

#[track_caller]
fn check_days(seed: u64) {
    let story = Story::of(seed);
    let mut wrong = Vec::new();
    let mut known = 0;
    for question in story.questions(seed + 1, QUESTIONS) {
        let (right, answered) = (story.right(question), story.answered(question));
        known += usize::from(!right.is_empty());
        if right != answered {
            wrong.push(format!(
                "{question:?}\nright: {right:#?}\nanswered: {answered:#?}"
            ));
        }
    }
    let shown = wrong.iter().take(3).cloned().collect::<Vec<_>>().join("\n\n");
    let number = wrong.len();
    assert!(
        wrong.is_empty(),
        "{number} of {QUESTIONS} answers of seed {seed} are wrong\n{shown}"
    );
    assert!(
        QUESTIONS * 3 / 4 < known,
        "only {known} questions are about people known then"
    );
}

#[test]
fn ten_thousand_questions_have_the_answer_of_the_truth() {
    check_days(1);
}

#[test]
fn days_on_which_faults_were_found_have_the_answers_of_the_truth() {
    // A flat behind the same door, and rectifications that were annulled.
    for seed in [35, 37, 48] {
        check_days(seed);
    }
}

#[test]
fn every_kind_of_event_happens_in_the_days() {
    let story = Story::of(1);
    for told in [
        EventKind::Birth,
        EventKind::Immigration,
        EventKind::Registration,
        EventKind::Emigration,
        EventKind::Cancellation,
        EventKind::ChangeOfDwelling,
        EventKind::HouseholdChange,
        EventKind::Marriage,
        EventKind::Widowhood,
        EventKind::Dissolution,
        EventKind::Citizenship,
        EventKind::TaxCode,
        EventKind::Death,
        EventKind::Rectification,
        EventKind::Annulment,
    ] {
        let row = format!("A {}", told.code());
        assert!(story.events.contains_key(&row), "{row}: {:#?}", story.events);
    }
    assert!(story.events.contains_key("X ANNULMENT"), "{:#?}", story.events);
    let moved = story.truth.cards().iter().filter(|card| {
        let home = card.person.split('/').next();
        home != Some(card.municipality.as_str())
    });
    assert!(20 < moved.count());
}

#[test]
fn days_are_a_function_of_seed_and_municipalities() {
    let codes: Vec<IstatCode> = ["037007", "037014"]
        .iter()
        .map(|code| IstatCode::parse(code).expect("an ISTAT code"))
        .collect();
    let written = |seed: u64, codes: &[IstatCode]| {
        let directory = tempfile::tempdir().expect("a directory");
        let churn = Churn::new(Plan::new(seed, 2026).expect("a plan"), None, 10, codes)
            .expect("days that can be made");
        let churn = churn
            .of(Scale::one_in(10).expect("a scale"))
            .at(Pace::times(100).expect("a pace"));
        churn
            .write(directory.path(), |_| ())
            .expect("the days are written");
        directory
    };
    let one = written(1, &codes);
    assert_same(one.path(), written(1, &codes).path());
    let reversed: Vec<IstatCode> = codes.iter().rev().copied().collect();
    assert_same(one.path(), written(1, &reversed).path());
    let other = fs::read(written(2, &codes).path().join(TRUTH)).expect("what was written can be read");
    assert!(fs::read(one.path().join(TRUTH)).expect("what was written can be read") != other);
}
