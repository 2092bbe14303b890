//! Driving calls, and reading what another process used.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Ticks of `utime` and `stime` in a second (`sysconf(_SC_CLK_TCK)`), 100 on every Linux that Ponte runs on.
const TICKS: u64 = 100;

/// What a time of calls came to.
#[derive(Clone, Debug)]
pub struct Round {
    /// Calls that were answered.
    pub calls: u64,
    /// How long they took together.
    pub elapsed: Duration,
    /// CPU time that the server used meanwhile.
    pub server_cpu: Duration,
    /// Latencies in microseconds, ascending.
    latencies: Vec<u32>,
}

impl Round {
    /// Calls a second.
    pub fn throughput(&self) -> f64 {
        count(self.calls) / self.elapsed.as_secs_f64()
    }

    /// The server's CPU time for a call, in microseconds.
    pub fn cpu_per_call(&self) -> f64 {
        self.server_cpu.as_secs_f64() * 1e6 / count(self.calls)
    }

    /// The latency that `percent` of the calls did not exceed, in microseconds.
    pub fn percentile(&self, percent: usize) -> f64 {
        let last = self.latencies.len().saturating_sub(1);
        self.latencies
            .get(last * percent / 100)
            .copied()
            .map_or(f64::NAN, f64::from)
    }
}

/// CPU time of a process until now.
///
/// # Panics
/// When there is no such process.
pub fn cpu_of(pid: u32) -> Duration {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).expect("the process runs");
    // The name of the program may hold blanks and parentheses; the numbers begin behind its last one.
    let (_, numbers) = stat.rsplit_once(')').expect("the form of /proc/<pid>/stat");
    let ticks: u64 = numbers
        .split_whitespace()
        .skip(11)
        .take(2)
        .map(|ticks| ticks.parse::<u64>().expect("a number of ticks"))
        .sum();
    Duration::from_millis(ticks * 1000 / TICKS)
}

/// Makes calls for a time, as many at once as there are callers. `call` gets a caller and the number of the call.
///
/// # Panics
/// When a call panics.
pub async fn drive<C, F>(
    callers: &[C],
    time: Duration,
    server: u32,
    call: impl Fn(C, u64) -> F + Clone + Send + 'static,
) -> Round
where
    C: Clone + Send + 'static,
    F: Future<Output = ()> + Send,
{
    let numbers = Arc::new(AtomicU64::new(0));
    let cpu = cpu_of(server);
    let start = Instant::now();
    let end = start + time;
    let tasks: Vec<_> = callers
        .iter()
        .cloned()
        .map(|caller| {
            let (numbers, call) = (Arc::clone(&numbers), call.clone());
            tokio::spawn(async move {
                let mut latencies = Vec::with_capacity(1 << 14);
                let mut before = Instant::now();
                while before < end {
                    call(caller.clone(), numbers.fetch_add(1, Ordering::Relaxed)).await;
                    let after = Instant::now();
                    latencies.push(u32::try_from((after - before).as_micros()).unwrap_or(u32::MAX));
                    before = after;
                }
                latencies
            })
        })
        .collect();
    let mut latencies = Vec::new();
    for task in tasks {
        latencies.extend(task.await.expect("no call fails"));
    }
    let elapsed = start.elapsed();
    let server_cpu = cpu_of(server) - cpu;
    latencies.sort_unstable();
    Round {
        calls: latencies.len() as u64,
        elapsed,
        server_cpu,
        latencies,
    }
}

/// The middle value.
pub fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_unstable_by(f64::total_cmp);
    match values.len() {
        0 => f64::NAN,
        odd if !odd.is_multiple_of(2) => values[odd / 2],
        even => f64::midpoint(values[even / 2 - 1], values[even / 2]),
    }
}

/// A count as a number to divide by.
#[expect(clippy::cast_precision_loss, reason = "no bench counts to 2^53")]
pub fn count(count: u64) -> f64 {
    count as f64
}

/// A number from the environment, else the usual one.
///
/// # Panics
/// When the variable holds something else.
pub fn setting(name: &str, usual: u64) -> u64 {
    std::env::var(name).map_or(usual, |text| text.parse().expect("the variable is a number"))
}

/// How much of the work is done: all when cargo runs a bench, a taste when it runs tests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// `cargo bench`: everything, in numbers that mean something.
    Whole,
    /// `cargo test`: just enough to see that it works.
    Taste,
}

impl Extent {
    /// As the arguments say; nothing when they only ask for a list of tests.
    pub fn from_arguments() -> Option<Self> {
        let arguments: Vec<String> = std::env::args().collect();
        let has = |name: &str| arguments.iter().any(|argument| argument == name);
        if has("--list") {
            return None;
        }
        Some(if has("--bench") && !has("--test") {
            Self::Whole
        } else {
            Self::Taste
        })
    }

    /// What is printed of a report: after a taste only its first line, since its figures mean nothing.
    pub fn printed(self, report: &str) -> &str {
        match self {
            Self::Whole => report,
            Self::Taste => report.lines().next().unwrap_or_default(),
        }
    }

    /// One of two numbers.
    pub fn choose<T>(self, whole: T, taste: T) -> T {
        match self {
            Self::Whole => whole,
            Self::Taste => taste,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle_or_between_the_two_in_the_middle() {
        assert!((median([3.0, 1.0, 2.0]) - 2.0).abs() < 1e-9);
        assert!((median([4.0, 1.0, 2.0, 3.0]) - 2.5).abs() < 1e-9);
        assert!(median([]).is_nan());
    }

    #[test]
    fn a_process_has_used_as_much_cpu_time_as_before_or_more() {
        let pid = std::process::id();
        let before = cpu_of(pid);
        assert!(before <= cpu_of(pid));
    }
}
