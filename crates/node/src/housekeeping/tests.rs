use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use transport::clock::ManualClock;

use crate::fixture::day;

use super::*;

/// Notes the days on which it was done, and fails when told to.
#[derive(Debug, Default)]
struct Diary {
    days: Mutex<Vec<NaiveDate>>,
    fails: AtomicBool,
}

impl Diary {
    fn days(&self) -> Vec<String> {
        let days = self.days.lock().unwrap_or_else(PoisonError::into_inner);
        days.iter().map(NaiveDate::to_string).collect()
    }
}

impl Chore for Diary {
    fn name(&self) -> &'static str {
        "diary"
    }

    fn run(&self, today: NaiveDate) -> Result<u64, Box<dyn std::error::Error + Send + Sync>> {
        if self.fails.load(Ordering::SeqCst) {
            return Err("the pen is empty".into());
        }
        let mut days = self.days.lock().unwrap_or_else(PoisonError::into_inner);
        days.push(today);
        Ok(days.len() as u64)
    }
}

fn at(date: &str, hour: u32) -> chrono::DateTime<chrono::Utc> {
    day(date).and_hms_opt(hour, 30, 0).unwrap().and_utc()
}

async fn done_on(handle: &HousekeepingHandle, date: &str) {
    let wanted = |status: &[ChoreStatus]| {
        status
            .iter()
            .all(|chore| chore.done_on.as_deref() == Some(date) && chore.error.is_none())
    };
    handle.wait_for(wanted).await.expect("it runs");
}

#[tokio::test]
async fn a_chore_is_done_once_on_each_day_of_italy() {
    let diary = Arc::new(Diary::default());
    let clock = Arc::new(ManualClock::at(at("2025-01-10", 12)));
    let chores: Vec<Arc<dyn Chore>> = vec![Arc::<Diary>::clone(&diary)];
    let housekeeping = Housekeeping::new(chores, Arc::<ManualClock>::clone(&clock));
    let handle = housekeeping.handle();
    let shutdown = Shutdown::new();
    let running = tokio::spawn(housekeeping.run(shutdown.clone()));

    done_on(&handle, "2025-01-10").await;
    handle.wake();
    // 23:30 in London is half past midnight in Rome.
    clock.set(at("2025-01-10", 23));
    handle.wake();
    done_on(&handle, "2025-01-11").await;
    assert_eq!(diary.days(), ["2025-01-10", "2025-01-11"]);

    diary.fails.store(true, Ordering::SeqCst);
    clock.set(at("2025-01-12", 12));
    handle.wake();
    let failed = |status: &[ChoreStatus]| status.iter().all(|chore| chore.error.is_some());
    let status = handle.wait_for(failed).await.expect("it runs");
    assert_eq!(status[0].error.as_deref(), Some("the pen is empty"));
    assert_eq!(status[0].done_on.as_deref(), Some("2025-01-11"));
    diary.fails.store(false, Ordering::SeqCst);
    handle.wake();
    done_on(&handle, "2025-01-12").await;

    shutdown.trigger();
    running.await.unwrap();
    assert_eq!(diary.days(), ["2025-01-10", "2025-01-11", "2025-01-12"]);
}
