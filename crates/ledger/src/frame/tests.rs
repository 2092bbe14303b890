use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::hash::{leaf_hash, sha256};

type OwnedEntry = (Vec<u8>, Vec<([u8; 16], u16, Vec<u8>)>);

/// Bytes without zeros, as sealed bytes practically are.
fn filler(seed: u8, length: usize) -> Vec<u8> {
    (0..length)
        .map(|at| 1 + (usize::from(seed) * 31 + at * 7) as u8 % 255)
        .collect()
}

fn entry(seed: u8) -> OwnedEntry {
    let part = |n: u8| ([seed ^ n | 1; 16], u16::from(n), filler(n, 150 + usize::from(n)));
    (filler(seed, 480), (0..seed % 4).map(part).collect())
}

fn build(first: u64, checkpoint: &[u8], entries: &[OwnedEntry]) -> Vec<u8> {
    let mut builder = FrameBuilder::new(first, checkpoint).unwrap();
    for (index, (header, parts)) in (first..).zip(entries) {
        let sealed = parts.iter().map(|(key_id, position, ciphertext)| SealedPart {
            key_id: *key_id,
            position: *position,
            ciphertext,
        });
        let before = builder.len();
        assert_eq!(builder.push(header, sealed.clone()), Ok(index));
        let added = entry_len(header.len(), sealed.map(|part| part.ciphertext.len()));
        assert_eq!(builder.len(), before + added);
    }
    let expected = builder.len();
    let frame = builder.finish();
    assert_eq!(frame.len(), expected);
    frame
}

fn sample() -> Vec<u8> {
    build(1000, b"checkpoint", &(0..6).map(entry).collect::<Vec<_>>())
}

#[track_caller]
fn parsed(tail: &[u8], position: u64) -> FrameView<'_> {
    match FrameView::parse(tail, position) {
        Ok(Parsed::Frame(view)) => view,
        other => panic!("no frame: {other:?}"),
    }
}

#[track_caller]
fn fails(tail: &[u8], position: u64, expected: FrameError) {
    assert_eq!(FrameView::parse(tail, position).err(), Some(expected));
}

#[test]
fn a_frame_of_any_size_is_read_as_written_whatever_follows() {
    for count in [0, 1, 2, 64] {
        let entries: Vec<OwnedEntry> = (0..count).map(entry).collect();
        let mut tail = build(7, b"text", &entries);
        let length = tail.len();
        tail.extend_from_slice(&[0xff; 100]);
        let view = parsed(&tail, 0);
        assert_eq!((view.first_index(), view.len()), (7, length));
        assert_eq!(view.next_index(), 7 + u64::from(count));
        assert_eq!(view.previous_checkpoint(), b"text");
        let read: Vec<OwnedEntry> = view
            .entries()
            .map(
                |EntryView {
                     index: _,
                     header,
                     parts,
                 }| {
                    let parts = parts
                        .iter()
                        .map(|part| (part.key_id, part.position, part.ciphertext.to_vec()));
                    (header.to_vec(), parts.collect())
                },
            )
            .collect();
        assert_eq!(read, entries);
        let indices: Vec<u64> = view.entries().map(|entry| entry.index).collect();
        assert_eq!(indices, (7..7 + u64::from(count)).collect::<Vec<_>>());
    }
    assert_eq!(build(7, b"text", &[]).len(), empty_frame_len(4));
}

#[test]
fn a_used_buffer_builds_the_same_frame() {
    let dirty = FrameBuilder::with_buffer(vec![9; 5000], 3, b"c").unwrap();
    assert_eq!(dirty.count(), 0);
    assert_eq!(dirty.finish(), build(3, b"c", &[]));
}

#[test]
fn zeros_are_the_end() {
    for length in [0, 1, PREFIX - 1, PREFIX, 10_000] {
        assert!(
            matches!(FrameView::parse(&vec![0; length], 3), Ok(Parsed::End)),
            "{length}"
        );
    }
}

#[test]
fn a_frame_cut_anywhere_is_incomplete() {
    let frame = sample();
    for cut in 1..frame.len() {
        fails(&frame[..cut], 0, FrameError::Incomplete);
    }
}

#[test]
fn a_frame_with_sectors_never_written_is_incomplete() {
    let frame = sample();
    for position in [0, 1, 100, 500, 511, 4096, 5000] {
        // Any one sector, and any suffix of sectors, may be missing after a power cut.
        let mut start = 0;
        while start < frame.len() {
            let end = (start + 512 - (position as usize + start) % 512).min(frame.len());
            for missing in [start..end, start..frame.len()] {
                let mut torn = frame.clone();
                torn[missing.clone()].fill(0);
                torn.extend_from_slice(&[0; 2000]);
                match FrameView::parse(&torn, position) {
                    Err(error) => assert_eq!(error, FrameError::Incomplete, "{missing:?} at {position}"),
                    Ok(Parsed::End) => assert_eq!(missing, 0..frame.len()),
                    Ok(Parsed::Frame(_)) => panic!("a torn frame was read: {missing:?} at {position}"),
                }
            }
            start = end;
        }
    }
}

#[test]
fn a_frame_with_any_bit_changed_is_broken() {
    let frame = sample();
    for at in 0..frame.len() {
        let mut changed = frame.clone();
        changed[at] ^= 1 << (at % 8);
        let damage = if at < PREFIX { Damage::Prefix } else { Damage::Hash };
        fails(&changed, 0, FrameError::Broken(damage));
    }
}

/// A frame whose hashes fit content that no builder makes.
fn forged(change: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut frame = build(1, b"", &[entry(1)]);
    frame.truncate(frame.len() - TRAILER);
    change(&mut frame);
    let check = *sha256(&frame[..CHECKED_PREFIX]).as_bytes();
    frame[CHECKED_PREFIX..PREFIX].copy_from_slice(&check[..4]);
    let hash = sha256(&frame);
    frame.extend_from_slice(hash.as_ref());
    frame
}

#[test]
fn a_frame_that_only_its_hashes_vouch_for_is_broken() {
    let broken = |change: fn(&mut Vec<u8>), damage| fails(&forged(change), 0, FrameError::Broken(damage));
    assert_eq!(parsed(&forged(|_| {}), 0).entries().len(), 1);
    broken(|f| f[5] = 9, Damage::Version(9));
    broken(
        |f| f[18..22].copy_from_slice(&10_u32.to_be_bytes()),
        Damage::Length,
    );
    broken(
        |f| f[18..22].copy_from_slice(&u32::MAX.to_be_bytes()),
        Damage::Length,
    );
    broken(
        |f| f[14..18].copy_from_slice(&0_u32.to_be_bytes()),
        Damage::Content,
    );
    broken(
        |f| f[14..18].copy_from_slice(&2_u32.to_be_bytes()),
        Damage::Content,
    );
    broken(
        |f| f[14..18].copy_from_slice(&u32::MAX.to_be_bytes()),
        Damage::Content,
    );
    broken(
        |f| f[6..14].copy_from_slice(&u64::MAX.to_be_bytes()),
        Damage::Content,
    );
    broken(|f| f[PREFIX] = 0xff, Damage::Content);
    broken(|f| f[PREFIX + 2] = 0xff, Damage::Content);
}

#[test]
fn an_incomplete_frame_with_a_whole_one_behind_it_is_noticed() {
    let mut tail = sample();
    tail[..512].fill(0);
    let alone = tail.clone();
    fails(&alone, 0, FrameError::Incomplete);
    assert!(!whole_frame_follows(&alone, 0));
    tail.extend_from_slice(&build(1006, b"", &[]));
    tail.extend_from_slice(&[0; 1000]);
    fails(&tail, 0, FrameError::Incomplete);
    assert!(whole_frame_follows(&tail, 0));
    assert!(!whole_frame_follows(&sample(), 0));
    assert!(!whole_frame_follows(&[], 0));
}

#[test]
fn what_does_not_fit_is_refused_and_leaves_the_frame_as_it_was() {
    assert_eq!(
        FrameBuilder::new(0, &[1; 65_536]).err(),
        Some(BuildError::Checkpoint)
    );
    let mut builder = FrameBuilder::new(u64::MAX - 1, b"").unwrap();
    let none = || [].into_iter();
    assert_eq!(builder.push(&[], none()), Err(BuildError::Header));
    assert_eq!(builder.push(&[1; 1025], none()), Err(BuildError::Header));
    let part = SealedPart {
        key_id: [1; 16],
        position: 0,
        ciphertext: b"x",
    };
    assert_eq!(
        builder.push(b"h", [part; 1025].into_iter()),
        Err(BuildError::Parts)
    );
    let large = vec![1; FRAME_MAX_LEN];
    let too_large = SealedPart {
        ciphertext: &large,
        ..part
    };
    assert_eq!(builder.push(b"h", [too_large].into_iter()), Err(BuildError::Full));
    let fits = SealedPart {
        ciphertext: &large[..FRAME_MAX_LEN - builder.len() - 27],
        ..part
    };
    assert_eq!(builder.push(b"h", [fits].into_iter()), Ok(u64::MAX - 1));
    assert_eq!(builder.len(), FRAME_MAX_LEN);
    assert_eq!(builder.push(b"h", none()), Err(BuildError::Full));
    assert_eq!(builder.count(), 1);

    let mut last = FrameBuilder::new(u64::MAX - 1, b"").unwrap();
    assert_eq!(last.push(b"h", none()), Ok(u64::MAX - 1));
    assert_eq!(last.push(b"h", none()), Err(BuildError::Index));
}

proptest! {
    #[test]
    fn hostile_bytes_are_never_a_frame(mut bytes in vec(any::<u8>(), 1..300), position in any::<u64>()) {
        bytes[0] |= 1;
        prop_assert!(FrameView::parse(&bytes, position).is_err());
    }

    #[test]
    fn hostile_content_under_good_hashes_does_not_panic(
        content in vec(any::<u8>(), 2..300), count in 0..4_u32,
    ) {
        let frame = forged(|frame| {
            frame.truncate(PREFIX);
            frame.extend_from_slice(&content);
            frame[14..18].copy_from_slice(&count.to_be_bytes());
            let length = u32::try_from(frame.len() + TRAILER).unwrap();
            frame[18..22].copy_from_slice(&length.to_be_bytes());
        });
        if let Ok(Parsed::Frame(view)) = FrameView::parse(&frame, 0) {
            let leaves: Vec<_> = view.entries().map(|entry| leaf_hash(entry.header)).collect();
            prop_assert_eq!(leaves.len(), count as usize);
        }
    }
}
