//! How good the search is, and what it costs: recall and precision on a published benchmark and on misspelt Italian
//! names, against floors that were written down before.
//!
//! ```text
//! cargo bench -p benches --bench search_quality
//! ```
//!
//! Of each data set the held-out half counts; `PONTE_BENCH_HALF=0` shows the other one, on which the matcher may be
//! tuned, with precision and recall at other thresholds. `PONTE_BENCH_LOOK_UPS` (2,000) of each kind of error.

use benches::measure::{Extent, setting};
use benches::quality::Half;
use benches::quality::corrupt::Fault;
use benches::quality::febrl::Febrl;
use benches::quality::figures::{AllFloors, Figures, THRESHOLD, Tally};
use benches::quality::italian::{DISTRICT, District};
use cli::synthetic::Scale;

#[expect(clippy::print_stdout, reason = "a comparison prints its table")]
fn main() {
    let Some(extent) = Extent::from_arguments() else {
        return;
    };
    let half = match setting("PONTE_BENCH_HALF", 1) {
        0 => Half::Tuning,
        _ => Half::HeldOut,
    };
    let most = setting("PONTE_BENCH_LOOK_UPS", extent.choose(2_000, 10));
    let most = usize::try_from(most).expect("a number of look-ups");
    let scale = Scale::one_in(extent.choose(1, 100)).expect("a scale");
    println!(
        "{}",
        extent.printed(&report(half, most, extent.choose(1, 50), scale))
    );
}

fn report(half: Half, most: usize, one_in: usize, scale: Scale) -> String {
    let floors = AllFloors::stated();
    let febrl = Febrl::read().tally(half, one_in);
    let district = District::of(&DISTRICT, scale);
    let mut lines = vec![
        format!(
            "{half:?} half, answers from {THRESHOLD} on; {} Italian persons",
            district.people().len()
        ),
        format!("{:<30} {}", "", Figures::HEAD),
    ];
    let mut line = |what: &str, figures: Figures, missed: &[&str]| {
        let verdict = if missed.is_empty() {
            "floors met".to_owned()
        } else {
            format!("FLOOR MISSED: {}", missed.join(", "))
        };
        lines.push(format!("{what:<30} {figures}  {verdict}"));
    };
    let figures = febrl.figures(THRESHOLD);
    line("febrl4", figures, &floors.febrl4.missed(&figures));
    let mut all = Tally::default();
    for fault in Fault::ALL {
        let tally = district.tally(fault, half, most);
        all.add(&tally);
        let figures = tally.figures(THRESHOLD);
        let missed: &[&str] = if floors.italian_kind.reached(&figures) {
            &[]
        } else {
            &["recall at 10"]
        };
        line(fault.words(), figures, missed);
    }
    let figures = all.figures(THRESHOLD);
    line(
        "Italian names, all kinds",
        figures,
        &floors.italian.missed(&figures),
    );
    line(
        "Italian names as registered",
        district.as_registered(half, most).figures(THRESHOLD),
        &[],
    );
    if half == Half::Tuning {
        for (what, tally) in [("febrl4", &febrl), ("Italian", &all)] {
            for threshold in (400..=1_000).step_by(50) {
                lines.push(format!(
                    "{what:<22} at {threshold:>4} {}",
                    tally.figures(threshold)
                ));
            }
        }
    }
    lines.join("\n")
}
