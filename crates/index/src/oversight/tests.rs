use std::sync::atomic::{AtomicU64, Ordering};

use ledger::header::{EntryKind, Outcome};
use ledger::part::{MunicipalityId, PartKind};
use store::access_log::draft::EntryDraft;
use store::access_log::part_content::{DetailPart, OperatorPart, SubjectsPart};
use store::access_log::retention::Retention;
use store::files::Files;
use store::files::faulty::{FaultyFiles, Syncs};
use store::keys::data_key::DataKey;
use store::keys::ring::NamedKey;
use store::keys::{KeyId, KeyName};

use super::*;
use crate::access::tests::store;
use crate::door::tests::{log, log_at};
use crate::oversight::alert::{AlertKind, raising};
use crate::oversight::counters::Row;

/// Monday, 2 November 2026, 9:00 in Italy.
const START_MS: u64 = 1_793_606_400_000;
const DAY_MS: u64 = 24 * 60 * 60 * 1000;
const POLICE: &str = "spiffe://ponte.test/agency/questura-bo";

fn key() -> NamedKey {
    NamedKey {
        id: KeyId::from_bytes([5; 16]),
        name: KeyName::new("oversight/days").unwrap(),
        key: Arc::new(DataKey::from_bytes(&[5; 32])),
    }
}

pub(crate) fn files() -> Arc<dyn Files> {
    Arc::new(FaultyFiles::new(Syncs::Honest))
}

/// Nothing was counted here.
pub(crate) fn oversight(files: Arc<dyn Files>) -> Oversight {
    Oversight::open(&log(), Days::new(files, key()), Vec::new()).unwrap()
}

struct Bench {
    clock: Arc<AtomicU64>,
    log: AccessLog,
}

impl Bench {
    fn new() -> Self {
        let clock = Arc::new(AtomicU64::new(START_MS));
        let now = Arc::clone(&clock);
        let log = log_at(Arc::new(move || now.load(Ordering::Relaxed)));
        Self { clock, log }
    }

    fn pass(&self, ms: u64) {
        self.clock.fetch_add(ms, Ordering::Relaxed);
    }

    async fn enter(&self, draft: EntryDraft) {
        self.log.append(self.log.reserve().unwrap(), draft).await.unwrap();
    }

    async fn access(&self, operator: &str, months: u16, places: &[&str], outcome: &str) {
        let mut draft = EntryDraft::new(EntryKind::Access, Retention::months(months).unwrap());
        draft.header.peer = Some(POLICE.to_owned());
        draft.header.purpose = Some("identification".to_owned());
        draft.header.outcome = Outcome {
            code: u16::from(outcome != "OK"),
            reason: outcome.to_owned(),
        };
        let operator = OperatorPart {
            operator: operator.to_owned(),
            ..OperatorPart::default()
        };
        let mut draft = draft.with(PartKind::Operator, &operator).unwrap();
        for place in places {
            let kind = PartKind::Subjects(MunicipalityId::new((*place).to_owned()).unwrap());
            draft = draft.with(kind, &SubjectsPart::default()).unwrap();
        }
        self.enter(draft).await;
    }

    fn size(&self) -> u64 {
        self.log.checkpoint().checkpoint.size
    }

    fn counted(&self, files: &Arc<dyn Files>) -> (u64, Vec<(NaiveDate, Arc<DayCount>)>) {
        let oversight = Oversight::open(&self.log, Days::new(Arc::clone(files), key()), Vec::new()).unwrap();
        let taken_up = oversight.with(|counted| counted.days.next());
        assert_eq!(
            oversight.catch_up(&self.log, &store(), self.size()).unwrap(),
            Reached::All
        );
        (taken_up, oversight.days(NaiveDate::MIN..NaiveDate::MAX).unwrap())
    }
}

/// Three days of accesses by two operators.
async fn three_days() -> Bench {
    let bench = Bench::new();
    for _ in 0..3 {
        bench.access("a", 24, &["E289"], "OK").await;
        bench.access("b", 6, &["D360", "E289"], "NOT_FOUND").await;
        bench.access("b", 6, &[], "QUOTA_PER_DAY").await;
        bench.pass(DAY_MS);
    }
    bench
}

fn operators(days: &[(NaiveDate, Arc<DayCount>)]) -> Vec<String> {
    let rows = days.iter().flat_map(|(_, counts)| counts.rows());
    let mut operators: Vec<String> = rows.map(|(row, _)| row.operator.to_string()).collect();
    operators.sort_unstable();
    operators.dedup();
    operators
}

#[tokio::test]
async fn what_is_kept_is_what_a_count_from_the_first_entry_gives() {
    let bench = three_days().await;
    let kept = files();
    let (taken_up, first) = bench.counted(&kept);
    assert_eq!((taken_up, first.len()), (0, 3));
    let (taken_up, again) = bench.counted(&kept);
    assert_eq!(taken_up, 6, "the days that are over are not counted again");
    let (_, fresh) = bench.counted(&files());
    assert_eq!(again, fresh);
    assert_eq!(first, fresh);
    let entries: u64 = fresh
        .iter()
        .flat_map(|(_, day)| day.rows())
        .map(|(_, count)| count.entries)
        .sum();
    assert_eq!(entries, 12, "an entry counts in each of its municipalities");
}

#[tokio::test]
async fn a_file_that_is_missing_changed_or_of_another_log_is_counted_again() {
    let bench = three_days().await;
    bench.access("a", 24, &[], "OK").await;
    let (_, fresh) = bench.counted(&files());
    for spoil in 0..3 {
        let kept = files();
        bench.counted(&kept);
        let names = kept.list().unwrap();
        assert_eq!(names.len(), 3);
        match spoil {
            0 => kept.remove(&names[1]).unwrap(),
            1 => kept.open(&names[1]).unwrap().write_at(60, b"x").unwrap(),
            _ => kept.rename(&names[2], &names[1]).unwrap(),
        }
        let (taken_up, again) = bench.counted(&kept);
        assert_eq!((taken_up, &again), (3, &fresh), "case {spoil}");
    }
    let other = Bench::new();
    other.access("c", 24, &[], "OK").await;
    other.pass(DAY_MS);
    other.access("c", 24, &[], "OK").await;
    let kept = files();
    other.counted(&kept);
    let (taken_up, again) = bench.counted(&kept);
    assert_eq!((taken_up, &again), (0, &fresh));
}

#[tokio::test]
async fn operators_are_forgotten_with_their_keys_in_what_is_kept_and_in_a_new_count() {
    let bench = three_days().await;
    let kept = files();
    let (_, before) = bench.counted(&kept);
    assert_eq!(operators(&before), ["a", "b"]);
    bench.pass(DAY_MS * 31 * 7);
    let expired = bench.log.expired();
    let details = DetailPart {
        details: expired
            .classes()
            .into_iter()
            .map(|(class, keys)| (class, keys.to_string()))
            .collect(),
    };
    let draft = EntryDraft::new(EntryKind::KeysDestroyed, Retention::months(24).unwrap());
    let draft = draft.with(PartKind::AdministrativeDetail, &details).unwrap();
    bench.enter(draft).await;
    assert!(0 < bench.log.erase(&expired).unwrap());
    bench.access("b", 6, &[], "OK").await;
    let (_, after) = bench.counted(&kept);
    let november = &after[..3];
    assert_eq!(operators(november), ["", "a"], "the other agreement's stay");
    assert_eq!(operators(&after[3..]), ["b"]);
    let counts = |days: &[(NaiveDate, Arc<DayCount>)]| -> u64 {
        let rows = days.iter().flat_map(|(_, day)| day.rows());
        rows.map(|(_, count)| count.share).sum()
    };
    assert_eq!(counts(november), counts(&before), "accesses stay counted");
    let (_, fresh) = bench.counted(&files());
    assert_eq!(after, fresh);
}

#[tokio::test]
async fn a_day_is_one_in_italy_and_the_hour_that_comes_twice_is_one() {
    let bench = Bench::new();
    // The night of 25 October 2026 has two hours from 2 to 3.
    let instants = [
        "2026-10-24T21:59:00Z",
        "2026-10-24T22:00:00Z",
        "2026-10-25T00:30:00Z",
        "2026-10-25T01:30:00Z",
        "2026-10-25T22:59:00Z",
        "2026-10-25T23:00:00Z",
    ];
    for instant in instants {
        let at: chrono::DateTime<chrono::Utc> = instant.parse().unwrap();
        bench
            .clock
            .store(u64::try_from(at.timestamp_millis()).unwrap(), Ordering::Relaxed);
        bench.access("a", 24, &[], "OK").await;
    }
    let (_, days) = bench.counted(&files());
    let seen: Vec<(String, Vec<(u8, u64)>)> = days
        .iter()
        .map(|(date, day)| {
            let hours = day.rows().map(|(Row { hour, .. }, count)| (*hour, count.entries));
            (date.to_string(), hours.collect())
        })
        .collect();
    let expected = [
        ("2026-10-24".to_owned(), vec![(23, 1)]),
        ("2026-10-25".to_owned(), vec![(0, 1), (2, 2), (23, 1)]),
        ("2026-10-26".to_owned(), vec![(0, 1)]),
    ];
    assert_eq!(seen, expected);
}

#[tokio::test]
async fn a_version_that_nobody_activated_has_reserved_purposes_only() {
    let bench = Bench::new();
    let mut draft = EntryDraft::new(EntryKind::Access, Retention::months(24).unwrap());
    draft.header.agreement_version = Some(ledger::hash::Hash::new([3; 32]));
    draft.header.purpose = Some("identification".to_owned());
    bench.enter(draft).await;
    bench.access("a", 24, &[], "OK").await;
    let (_, days) = bench.counted(&files());
    let reserved: Vec<bool> = days[0].1.rows().map(|(row, _)| row.reserved).collect();
    assert_eq!(reserved, [false, true]);
}

fn rule() -> AlertRule {
    AlertRule {
        kind: AlertKind::ManyMisses {
            percent: 50,
            at_least: 3,
        },
        agencies: std::collections::BTreeSet::new(),
    }
}

/// What waits to be raised when the index starts over the log, all entries seen.
fn waiting(bench: &Bench) -> Option<Alert> {
    let days = Days::new(files(), key());
    let oversight = Oversight::open(&bench.log, days, vec![rule()]).unwrap();
    assert_eq!(
        oversight.catch_up(&bench.log, &store(), bench.size()).unwrap(),
        Reached::All
    );
    oversight.with(|counted| counted.watch.pending())
}

#[tokio::test]
async fn what_a_crash_kept_from_being_raised_is_raised_at_the_next_start_and_nothing_twice() {
    let bench = Bench::new();
    let misses = async |count: u32| {
        for _ in 0..count {
            bench.access("a", 24, &[], "NOT_FOUND").await;
        }
    };
    misses(5).await;
    assert_eq!(waiting(&bench), None, "no entry states the rule");
    bench
        .enter(raising::changed(&bench.log, &[rule()]).unwrap().unwrap())
        .await;
    assert!(raising::changed(&bench.log, &[rule()]).unwrap().is_none());
    assert_eq!(waiting(&bench), None, "nothing since");
    misses(1).await;
    let alert = waiting(&bench).expect("an alert");
    assert_eq!(alert.counts, [("answered", 6), ("not_found", 6)]);
    // It was not entered: the index died. The next one raises it.
    let again = waiting(&bench).expect("the same alert");
    assert_eq!(again.key(), alert.key());
    let draft = EntryDraft::new(EntryKind::AlertRaised, Retention::months(24).unwrap());
    let draft = draft
        .with(PartKind::AdministrativeDetail, &again.detail())
        .unwrap();
    bench.enter(draft).await;
    assert_eq!(waiting(&bench), None, "it was entered");
    misses(3).await;
    assert_eq!(waiting(&bench), None, "it is one alert a day");
    bench.pass(DAY_MS);
    misses(3).await;
    let next = waiting(&bench).expect("another day");
    assert_ne!(next.key(), alert.key());
    // Days later nobody raises what nobody raised.
    bench.pass(3 * DAY_MS);
    misses(1).await;
    assert_eq!(waiting(&bench), None);
    // Without the rule nothing waits, and with it again only what comes then.
    bench
        .enter(raising::changed(&bench.log, &[]).unwrap().unwrap())
        .await;
    misses(3).await;
    bench
        .enter(raising::changed(&bench.log, &[rule()]).unwrap().unwrap())
        .await;
    assert_eq!(waiting(&bench), None);
}
