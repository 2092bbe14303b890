//! Bits turn on a disk: in segments, in hash files, in the copy of the checkpoint and in the key ring.

use ledger::{
    receipt::Receipt,
    tile::{TILE_WIDTH, Tile},
};

use super::{Bench, check_receipts, enter, signer};
use crate::{
    access_log::{
        AccessLog,
        reading::{OpenedEntry, ReaderScope},
    },
    files::{Files, faulty::FaultyFiles},
    fsck::{FsckError, FsckReport, fsck},
};

/// Entries of the log that decays.
const ENTRIES: usize = 9;

/// Flips of each of the four kinds of file.
const FLIPS: u64 = 200;

/// The files that decay.
type Disk = fn(&Bench) -> &FaultyFiles;

/// With how many of the flips are found at least: bits behind the last frame of a segment are dead.
const DISKS: [(&str, Disk, u64); 4] = [
    ("segments", |bench| &bench.log, FLIPS / 4),
    ("hashes", |bench| &bench.hashes, FLIPS),
    ("checkpoint", |bench| &bench.copy, FLIPS),
    ("key ring", |bench| &bench.keys, FLIPS),
];

fn sound() -> (Bench, Vec<Receipt>) {
    let bench = Bench::new();
    let log = bench.log();
    let receipts = (0..ENTRIES)
        .map(|_| enter(&log).expect("an entry").receipt())
        .collect();
    log.close();
    (bench, receipts)
}

fn check(bench: &Bench) -> Result<FsckReport, FsckError> {
    fsck(&bench.log, Some(&bench.copy), &signer().verifier(), Vec::new())
}

/// Every entry as the region reads it.
fn entries(log: &AccessLog) -> Result<Vec<OpenedEntry>, String> {
    let read = |index| match log.entry(&ReaderScope::Index, index) {
        Ok(Some(entry)) => Ok(entry),
        Ok(None) => Err("no entry".to_owned()),
        Err(error) => Err(error.to_string()),
    };
    (0..ENTRIES as u64).map(read).collect()
}

/// A place of the disk by chance: a file, and one of its bits.
fn place(files: &FaultyFiles, seed: u64) -> (String, usize) {
    let names = files.list().expect("names");
    let sizes = names
        .iter()
        .map(|name| files.content(name).map_or(0, |bytes| bytes.len() * 8));
    let sizes: Vec<usize> = sizes.collect();
    let all: usize = sizes.iter().sum();
    // Steps of the golden ratio visit the whole of it evenly.
    let mut bit = usize::try_from(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) % all as u64).expect("a bit");
    for (name, size) in names.into_iter().zip(sizes) {
        if bit < size {
            return (name, bit);
        }
        bit -= size;
    }
    panic!("the disk is empty")
}

#[test]
fn a_flip_at_rest_is_found_or_mended_before_anything_is_served() {
    let (bench, receipts) = sound();
    let expected = {
        let log = bench.log();
        let read = entries(&log).expect("entries");
        log.close();
        read
    };
    for (kind, disk, least) in DISKS {
        let mut found = 0;
        for seed in 0..FLIPS {
            let image = bench.on(bench.log.after_kill(), bench.copy.after_kill());
            let (name, bit) = place(disk(&image), seed);
            disk(&image).flip_bit(&name, bit);
            let checked = check(&image);
            let opened = image.try_ring().map_err(|error| error.to_string());
            let opened = opened.and_then(|ring| image.open_with(ring).map_err(|error| error.to_string()));
            match opened {
                Err(_) => found += 1,
                Ok((log, report)) => {
                    assert!(
                        checked.is_ok(),
                        "{kind}, {name}, bit {bit}: fsck sees what the start does not"
                    );
                    found += u64::from(0 < report.hashes_rewritten);
                    assert_eq!(
                        entries(&log).expect("entries"),
                        expected,
                        "{kind}, {name}, bit {bit}"
                    );
                    check_receipts(&log, &receipts);
                    log.close();
                }
            }
        }
        assert!(least <= found, "{kind}: {found}");
    }
}

#[test]
fn a_flip_under_a_running_log_is_found_before_a_byte_of_it_is_served() {
    let (bench, receipts) = sound();
    for (kind, disk, least) in [DISKS[0], DISKS[1]] {
        let mut found = 0;
        for seed in 0..FLIPS {
            let image = bench.on(bench.log.after_kill(), bench.copy.after_kill());
            let log = image.log();
            let expected = entries(&log).expect("entries");
            let (name, bit) = place(disk(&image), seed);
            disk(&image).flip_bit(&name, bit);
            let served = entries(&log);
            let proofs = proofs(&log, &receipts);
            match (&served, &proofs) {
                (Ok(entries), Ok(())) => assert_eq!(entries, &expected, "{kind}, {name}, bit {bit}"),
                _ => found += 1,
            }
            log.close();
        }
        assert!(least <= found, "{kind}: {found}");
    }
}

/// Whether every proof that is served holds; an error where one is not served.
fn proofs(log: &AccessLog, receipts: &[Receipt]) -> Result<(), String> {
    let verifier = log.verifier();
    for receipt in receipts {
        let old = receipt.verify(verifier).expect("a receipt stays good");
        let fresh = log.receipt(old.index()).map_err(|error| error.to_string())?;
        let new = fresh.verify(verifier).expect("what is served holds");
        let (old, new) = (old.checkpoint(), new.checkpoint());
        let proof = log.consistency_proof(old.size, new.size);
        let proof = proof.map_err(|error| error.to_string())?;
        ledger::tree::verify_consistency(old.size, &old.root, new.size, &new.root, &proof)
            .expect("what is served holds");
    }
    Ok(())
}

/// Every tile of a log of `size` entries, and every narrower part of the last of each level.
fn tiles(size: u64) -> Vec<Tile> {
    let width = u64::from(TILE_WIDTH);
    let (mut tiles, mut level, mut hashes) = (Vec::new(), 0, size);
    while 0 < hashes {
        let (full, rest) = (hashes / width, hashes % width);
        tiles.extend((0..full).map(|index| Tile::new(level, index, TILE_WIDTH).expect("a tile")));
        let rest = u16::try_from(rest).expect("less than a tile");
        tiles.extend((1..=rest).map(|width| Tile::new(level, full, width).expect("a part")));
        (level, hashes) = (level + 1, full);
    }
    tiles
}

/// What monitors are served: nothing of it may be another than it was.
#[test]
fn a_flip_under_a_running_log_is_found_before_a_byte_of_a_tile_is_served() {
    const GROWN: u64 = 300;
    let bench = Bench::new();
    let log = bench.log();
    for _ in 0..GROWN {
        enter(&log).expect("an entry");
    }
    log.close();
    let tiles = tiles(GROWN);
    assert_eq!(tiles.len(), 1 + 44 + 1);
    // A hash of the last tile stands in some of its parts alone, and every hash of a full one in all of it.
    for (kind, disk, all_found) in [
        ("segments", DISKS[0].1, false),
        ("hashes", DISKS[1].1, true),
        ("checkpoint", DISKS[2].1, false),
    ] {
        let mut found = 0;
        for seed in 0..FLIPS {
            let image = bench.on(bench.log.after_kill(), bench.copy.after_kill());
            let log = image.log();
            let head = log.checkpoint();
            let serve = || {
                tiles
                    .iter()
                    .map(|tile| log.tile(*tile, GROWN).map_err(|error| error.to_string()))
            };
            let expected: Vec<_> = serve().map(|tile| tile.expect("it is sound")).collect();
            let (name, bit) = place(disk(&image), seed);
            disk(&image).flip_bit(&name, bit);
            let mut refused = false;
            for (tile, expected) in serve().zip(expected) {
                match tile {
                    Ok(tile) => assert_eq!(tile, expected, "{kind}, {name}, bit {bit}"),
                    Err(_) => refused = true,
                }
            }
            assert_eq!(log.checkpoint(), head, "{kind}, {name}, bit {bit}");
            found += u64::from(refused);
            log.close();
        }
        // What is in none of these files a tile is not made from: such a flip is dead to it.
        assert_eq!(found, if all_found { FLIPS } else { 0 }, "{kind}");
    }
}

#[test]
fn a_flipped_bit_is_found_or_harmless() {
    let (bench, receipts) = sound();

    let sound = check(&bench).unwrap();
    let mut found = 0;
    for name in bench.log.list().unwrap() {
        let whole = bench.log.content(&name).unwrap();
        for at in (0..whole.len()).step_by(29) {
            let mut bytes = whole.clone();
            bytes[at] ^= 1 << (at % 8);
            let image = bench.on(bench.log.after_kill(), bench.copy.after_kill());
            image.log.set_content(&name, bytes);
            match check(&image) {
                Ok(report) => assert_eq!((report.entries, report.root), (sound.entries, sound.root)),
                Err(FsckError::Segments(_) | FsckError::At { .. } | FsckError::Log(_)) => {
                    found += 1;
                    assert!(image.open().is_err());
                }
                Err(error @ (FsckError::Copy(_) | FsckError::Cosigned { .. } | FsckError::Unread(_))) => {
                    panic!("byte {at} of {name}: {error}")
                }
            }
        }
    }
    assert!(receipts.len() * 10 < found);
}
