//! The power goes at any moment: what the disks hold then, and what a log that is opened on it answers.

use ledger::receipt::Receipt;

use super::{Bench, check_receipts, enter, signer};
use crate::{
    access_log::reading::{OpenedPart, ReaderScope},
    files::faulty::{Fault, FaultyFiles, Syncs},
    fsck::fsck,
};

/// Entries of a run; as many as make the log roll over.
const ENTRIES: usize = 9;

/// Disks that each moment may have left behind.
const SEEDS: u64 = 16;

/// Fewest disks that a run of the test looks at.
const LEAST_IMAGES: usize = 500;

/// What fails first, and so ends the log: the moment of the cut.
#[derive(Debug, Clone, Copy)]
enum Cut {
    Log(Fault),
    Keys(Fault),
    /// After everything, without the log being closed.
    AtTheEnd,
}

/// Every write and sync of the log and of the key ring, as long as the log is opened and used.
fn moments() -> Vec<Cut> {
    let probe = Bench::new();
    let receipts = until(&probe, Cut::AtTheEnd);
    assert_eq!(receipts.len(), ENTRIES);
    let of = |files: &FaultyFiles, cut: fn(Fault) -> Cut| {
        let writes = (0..files.writes()).map(Fault::WriteLost);
        let syncs = (0..files.syncs()).map(Fault::SyncLost);
        writes.chain(syncs).map(cut).collect::<Vec<_>>()
    };
    let mut moments = of(&probe.log, Cut::Log);
    moments.extend(of(&probe.keys, Cut::Keys));
    moments.push(Cut::AtTheEnd);
    moments
}

/// Receipts that were handed out before the cut.
fn until(bench: &Bench, cut: Cut) -> Vec<Receipt> {
    match cut {
        Cut::Log(fault) => bench.log.inject(fault),
        Cut::Keys(fault) => bench.keys.inject(fault),
        Cut::AtTheEnd => {}
    }
    let mut receipts = Vec::new();
    let Ok(ring) = bench.try_ring() else {
        return receipts;
    };
    let Ok((log, _)) = bench.open_with(ring) else {
        return receipts;
    };
    while receipts.len() < ENTRIES
        && let Ok(committed) = enter(&log)
    {
        receipts.push(committed.receipt());
    }
    receipts
}

/// What all disks may hold after the cut.
fn image(bench: &Bench, seed: u64) -> Bench {
    let mut image = bench.on(bench.log.crash_image(seed), bench.copy.crash_image(seed));
    image.hashes = bench.hashes.crash_image(seed);
    image.keys = bench.keys.crash_image(seed);
    image
}

/// What is wrong with the disks, if anything: every receipt is good, and every part of its entry opens.
fn loss(image: &Bench, receipts: &[Receipt]) -> Result<(), String> {
    let checked = fsck(&image.log, Some(&image.copy), &signer().verifier(), Vec::new());
    let before = checked.map_err(|error| format!("fsck: {error}"))?.entries;
    let ring = image.try_ring().map_err(|error| format!("key ring: {error}"))?;
    let (log, report) = image.open_with(ring).map_err(|error| format!("start: {error}"))?;
    let acknowledged = receipts.len() as u64;
    if report.entries != before || before < acknowledged || acknowledged + 1 < before {
        return Err(format!("{acknowledged} acknowledged, {before} there"));
    }
    check_receipts(&log, receipts);
    for index in 0..acknowledged {
        let entry = log.entry(&ReaderScope::Index, index);
        let entry = entry.map_err(|error| format!("entry {index}: {error}"))?;
        let parts = entry.ok_or("no entry")?.parts;
        if parts.is_empty() || !parts.iter().all(|part| matches!(part, OpenedPart::Shown(_))) {
            return Err(format!("entry {index} has parts that do not open"));
        }
    }
    let next = enter(&log).map_err(|error| format!("the next entry: {error}"))?;
    check_receipts(&log, &[next.receipt()]);
    Ok(())
}

/// How many disks there were, and of how many something was lost.
fn losses(syncs: Syncs) -> (usize, Vec<String>) {
    let mut lost = Vec::new();
    let moments = moments();
    let images = moments.len() * usize::try_from(SEEDS).unwrap();
    for cut in moments {
        let bench = Bench::with_syncs(syncs);
        let receipts = until(&bench, cut);
        for seed in 0..SEEDS {
            if let Err(what) = loss(&image(&bench, seed), &receipts) {
                lost.push(format!("{cut:?}, seed {seed}: {what}"));
            }
        }
    }
    (images, lost)
}

#[test]
fn a_power_cut_at_any_moment_loses_nothing_that_was_acknowledged() {
    let (images, lost) = losses(Syncs::Honest);
    assert!(LEAST_IMAGES <= images, "{images}");
    assert!(lost.is_empty(), "{}", lost.join("\n"));
}

#[test]
fn the_control_without_syncs_loses_much_or_the_test_proves_nothing() {
    let (images, lost) = losses(Syncs::Ignored);
    assert!(images < lost.len() * 4, "{} of {images}", lost.len());
}
