//! Waiting for a condition with a bound, never for a time.

use std::time::{Duration, Instant};

/// Far longer than anything here takes: who waits so long has failed.
pub const PATIENCE: Duration = Duration::from_secs(60);

const PAUSE: Duration = Duration::from_millis(10);

/// Waits until `condition` gives a value.
///
/// # Panics
/// When it does not in [`PATIENCE`].
#[track_caller]
pub fn until<T>(what: &str, mut condition: impl FnMut() -> Option<T>) -> T {
    let started = Instant::now();
    loop {
        if let Some(value) = condition() {
            return value;
        }
        assert!(started.elapsed() < PATIENCE, "waited too long until {what}");
        std::thread::sleep(PAUSE);
    }
}

/// Waits until `condition` gives a value.
///
/// # Panics
/// When it does not in [`PATIENCE`].
pub async fn until_async<T, F: Future<Output = Option<T>>>(
    what: &str,
    mut condition: impl FnMut() -> F,
) -> T {
    let started = Instant::now();
    loop {
        if let Some(value) = condition().await {
            return value;
        }
        assert!(started.elapsed() < PATIENCE, "waited too long until {what}");
        tokio::time::sleep(PAUSE).await;
    }
}

/// Waits for `future`, and fails the test rather than hang.
///
/// # Panics
/// When it does not end in [`PATIENCE`].
pub async fn within<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future)
        .await
        .expect("it ends in time")
}
