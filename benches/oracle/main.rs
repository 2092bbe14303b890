//! Whether the time of an answer tells who is hidden from who does not exist.
//!
//! ```text
//! cargo bench -p benches --bench oracle
//! ```
//!
//! An index with the log's sync replaced by a constant, behind real mutual TLS on this machine, is asked for persons who are
//! absent, out of territory and protected, one after the other in an order drawn anew for each three. By every door and
//! for each pair of classes a classifier has the latency of single calls and the means of 32 of the same class; its AUC is
//! the chance that it tells a call of the one from a call of the other, 0.5 where it can only guess.
//!
//! The run fails where that is above 0.55, pooled over all doors (whichever is the slower over all of them), or at one door
//! by more than chance explains; and where a **control** is not caught: 20 microseconds of work more for one class, in the product under the answers' steps, where
//! they are taken away, and behind the steps, where they stand.
//!
//! `PONTE_BENCH_PAIRS` (4,096) calls of each class by each door; `PONTE_BENCH_SEED` (1) draws the order;
//! `PONTE_BENCH_DIRECTORY` names the directory in which the index keeps its files.

mod doors;
mod figures;
mod ground;
mod town;

use std::process::ExitCode;
use std::time::{Duration, Instant};

use benches::measure::{Extent, count, median, setting};
use index::pace::Pace;

use crate::doors::{Caller, Door};
use crate::figures::{Auc, Draw, means};
use crate::ground::{Index, Planted};
use crate::town::{Class, Town};

/// Most that a classifier may be right.
const BOUND: f64 = 0.55;

/// Standard errors by which one door must be above the bound to count as a leak and not as chance.
const SURELY: f64 = 2.5;

/// What the controls plant.
const PLANTED: Duration = Duration::from_micros(20);

/// Calls of one class whose mean a classifier has.
const MEAN_OF: usize = 32;

/// Latencies of calls by one door, in microseconds, by class.
type Latencies = [Vec<f64>; 3];

/// A control: where the work is planted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Plant {
    Nowhere,
    /// In the index, before the answer waits for its step.
    InTheIndex,
    /// In the caller, where nothing hides it.
    BehindTheAnswer,
}

#[expect(clippy::print_stdout, reason = "a comparison prints its table")]
fn main() -> ExitCode {
    let Some(extent) = Extent::from_arguments() else {
        return ExitCode::SUCCESS;
    };
    let pairs = usize::try_from(setting("PONTE_BENCH_PAIRS", extent.choose(4_096, 64))).expect("a number");
    let seed = setting("PONTE_BENCH_SEED", 1);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let (report, leaks) = runtime.block_on(try_all(pairs, seed));
    println!("{}", extent.printed(&report));
    match (extent, leaks) {
        // A taste of so few calls proves nothing.
        (Extent::Taste, _) | (Extent::Whole, 0) => ExitCode::SUCCESS,
        (Extent::Whole, _) => ExitCode::FAILURE,
    }
}

async fn try_all(pairs: usize, seed: u64) -> (String, usize) {
    let mut lines = vec![format!("{pairs} calls of each class by each door, seed {seed}")];
    let mut leaks = 0;
    let mut medians = Vec::new();
    for pace in [Pace::AtOnce, Pace::Steps] {
        let index = Index::start(pace);
        let town = Town::publish(&index).await;
        let mut caller = Caller::new(&index).await;
        let mut draw = Draw::new(seed);
        lines.push(format!("\n{pace:?}: median us of absent, out of territory, protected; AUC of single calls, of means of {MEAN_OF}"));
        let mut pooled: [Vec<[Auc; 2]>; 3] = Default::default();
        for door in Door::ALL {
            let latencies = measure(
                &mut caller,
                &town,
                &index.planted,
                door,
                (pairs, Plant::Nowhere),
                &mut draw,
            )
            .await;
            let middle = latencies.each_ref().map(|class| median(class.iter().copied()));
            medians.push((pace, door, middle[0]));
            for ((name, first, second), pool) in PAIRS.into_iter().zip(&mut pooled) {
                let aucs = aucs(&latencies[first], &latencies[second]);
                pool.push(aucs);
                let surely = aucs.iter().any(|auc| BOUND + SURELY * auc.error < auc.value);
                leaks += usize::from(pace == Pace::Steps && surely);
                lines.push(format!(
                    "{:<16} {name:<28} {:>6.0} {:>6.0} {:>6.0}   {}   {}{}",
                    door.name(),
                    middle[0],
                    middle[1],
                    middle[2],
                    aucs[0],
                    aucs[1],
                    if surely { "   TELLS" } else { "" },
                ));
            }
        }
        for ((name, ..), pool) in PAIRS.into_iter().zip(&pooled) {
            let [single, mean] = [0, 1].map(|of| Auc::pooled(pool.iter().map(|aucs| aucs[of])));
            let tells = BOUND < single.value || BOUND < mean.value;
            leaks += usize::from(pace == Pace::Steps && tells);
            lines.push(format!(
                "{:<16} {name:<28} {:>20}   {single}   {mean}{}",
                "all doors",
                "",
                if tells { "   TELLS" } else { "" },
            ));
        }
        let plant = match pace {
            Pace::AtOnce => Plant::InTheIndex,
            Pace::Steps => Plant::BehindTheAnswer,
        };
        let latencies = measure(
            &mut caller,
            &town,
            &index.planted,
            Door::Control,
            (pairs, plant),
            &mut draw,
        )
        .await;
        let [single, mean] = aucs(&latencies[0], &latencies[1]);
        let caught = BOUND < mean.value;
        leaks += usize::from(!caught);
        lines.push(format!(
            "control {plant:?}, 20 us more of absent: {single}   {mean}   {}",
            if caught { "caught" } else { "NOT CAUGHT" },
        ));
        index.stop();
    }
    lines.push("\nmedian of who is absent, on steps / at once".to_owned());
    for door in Door::ALL {
        let of = |wanted: Pace| {
            let found = medians
                .iter()
                .find(|(pace, of, _)| *pace == wanted && *of == door);
            found.map_or(f64::NAN, |(.., median)| *median)
        };
        let (steps, once) = (of(Pace::Steps), of(Pace::AtOnce));
        lines.push(format!(
            "{:<16} {steps:>6.0} us / {once:>6.0} us = {:>5.1} x",
            door.name(),
            steps / once
        ));
    }
    lines.push(match leaks {
        0 => "nothing tells them apart, and the controls are caught".to_owned(),
        leaks => format!("{leaks} FAILED"),
    });
    (lines.join("\n"), leaks)
}

/// The pairs of classes, by their places.
const PAIRS: [(&str, usize, usize); 3] = [
    ("absent, out of territory", 0, 1),
    ("absent, protected", 0, 2),
    ("out of territory, protected", 1, 2),
];

/// Asks by a door, in threes in an order drawn anew. Where work is planted, all three are absent and the second has it.
async fn measure(
    caller: &mut Caller,
    town: &Town,
    planted: &Planted,
    door: Door,
    (pairs, plant): (usize, Plant),
    draw: &mut Draw,
) -> Latencies {
    let mut latencies: Latencies = Default::default();
    let warm_up = pairs / 16;
    for round in 0..pairs + warm_up {
        for place in draw.order() {
            let class = match plant {
                Plant::Nowhere => Class::ALL[place],
                Plant::InTheIndex | Plant::BehindTheAnswer => Class::Absent,
            };
            let bears = place == 1;
            let request = caller.request(door, town.person(class, draw));
            planted.set(if bears && plant == Plant::InTheIndex {
                PLANTED
            } else {
                Duration::ZERO
            });
            let before = Instant::now();
            caller.ask(request).await;
            if bears && plant == Plant::BehindTheAnswer {
                ground::work(PLANTED);
            }
            let taken = before.elapsed();
            planted.set(Duration::ZERO);
            if warm_up <= round {
                latencies[place].push(taken.as_secs_f64() * 1e6);
            }
        }
    }
    latencies
}

/// What a classifier makes of single calls and of means.
fn aucs(first: &[f64], second: &[f64]) -> [Auc; 2] {
    [
        Auc::of(first, second),
        Auc::of(&means(first, MEAN_OF), &means(second, MEAN_OF)),
    ]
}

/// A number of samples to reckon with.
fn number(samples: usize) -> f64 {
    count(u64::try_from(samples).unwrap_or(u64::MAX))
}
