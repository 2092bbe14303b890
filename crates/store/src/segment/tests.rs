use std::{convert::Infallible, sync::Arc};

use super::{
    AppendError, Position, Recovery, SegmentSet, Settings,
    envelope::Envelope,
    preparation::{Preparation, segment_name},
    scan::ScanError,
};
use crate::files::faulty::{Fault, FaultyFiles, Syncs};

const SETTINGS: Settings = Settings {
    segment_bytes: 2048,
    preparation: Preparation::Inline,
};

fn envelope() -> Envelope {
    Envelope::new(*b"TEST", 1).unwrap()
}

fn frame(sequence: u64) -> Vec<u8> {
    let payload = vec![u8::try_from(sequence % 251).unwrap() + 1; 600];
    let mut frame = Vec::new();
    envelope().encode(sequence, &payload, &mut frame).unwrap();
    frame
}

type Opened = Result<(SegmentSet, Recovery, Vec<u64>), ScanError<Infallible>>;

fn open(files: &FaultyFiles) -> Opened {
    let mut seen = Vec::new();
    let (set, recovery) = SegmentSet::open(
        Arc::new(files.clone()),
        "test",
        SETTINGS,
        &envelope(),
        &mut |_, bytes| {
            let framed = envelope().decode(bytes).expect("a scan shows whole frames only");
            assert_eq!(bytes, frame(framed.sequence));
            seen.push(framed.sequence);
            Ok(())
        },
    )?;
    Ok((set, recovery, seen))
}

/// Appends until something fails; returns how many frames were acknowledged.
fn fill(files: &FaultyFiles, count: u64) -> u64 {
    let Ok((mut set, _, seen)) = open(files) else {
        return 0;
    };
    let first = seen.len() as u64;
    for sequence in first..count {
        let done = if sequence % 2 == 0 {
            set.append(&frame(sequence)).map(|_| ())
        } else {
            set.append_during(&frame(sequence), || ()).map(|_| ())
        };
        if done.is_err() {
            assert!(matches!(
                set.append(&frame(sequence)),
                Err(AppendError::Poisoned | AppendError::NoSpace)
            ));
            return sequence;
        }
    }
    count
}

#[track_caller]
fn check_kept(files: &FaultyFiles, acknowledged: u64) {
    let (_, _, seen) = open(files).unwrap();
    let found = seen.len() as u64;
    assert_eq!(seen, (0..found).collect::<Vec<_>>());
    assert!(
        acknowledged <= found && found <= acknowledged + 1,
        "{acknowledged} acknowledged, {found} found"
    );
    // The set goes on from there, and all of it is there again.
    assert_eq!(fill(files, found + 5), found + 5);
    assert_eq!(open(files).unwrap().2.len() as u64, found + 5);
}

#[test]
fn frames_come_back_in_order_over_several_segments() {
    let files = FaultyFiles::default();
    assert_eq!(fill(&files, 10), 10);
    let (set, recovery, seen) = open(&files).unwrap();
    assert_eq!(seen, (0..10).collect::<Vec<_>>());
    assert_eq!((recovery.frames, recovery.cut), (10, None));
    assert_eq!(set.end().segment, 3);
    let mut bytes = vec![0; frame(4).len()];
    set.reader()
        .read(
            Position {
                segment: 1,
                offset: frame(3).len() as u64,
            },
            &mut bytes,
        )
        .unwrap();
    assert_eq!(bytes, frame(4));
}

#[test]
fn every_single_fault_loses_no_acknowledged_frame() {
    let probe = FaultyFiles::default();
    fill(&probe, 8);
    let faults = (0..probe.writes())
        .flat_map(|at| {
            [
                Fault::WriteLost(at),
                Fault::WritePersisted(at),
                Fault::WriteShort(at, 300),
                Fault::WriteShort(at, 655),
            ]
        })
        .chain((0..probe.syncs()).flat_map(|at| [Fault::SyncLost(at), Fault::SyncPersisted(at)]));
    for fault in faults {
        let files = FaultyFiles::default();
        files.inject(fault);
        let acknowledged = fill(&files, 8);
        check_kept(&files.after_kill(), acknowledged);
        for seed in 0..6 {
            check_kept(&files.crash_image(seed), acknowledged);
        }
    }
}

#[test]
fn a_power_cut_loses_frames_only_when_syncs_lie() {
    let run = |syncs| {
        let files = FaultyFiles::new(syncs);
        let acknowledged = fill(&files, 8);
        assert_eq!(acknowledged, 8);
        (0..40)
            .map(|seed| files.crash_image(seed))
            .filter(|image| open(image).map_or(0, |(_, _, seen)| seen.len()) < 8)
            .count()
    };
    assert_eq!(run(Syncs::Honest), 0);
    assert!(
        0 < run(Syncs::Ignored),
        "the control must lose data, or the test proves nothing"
    );
}

#[test]
fn a_flipped_bit_in_a_frame_is_found() {
    let files = FaultyFiles::default();
    fill(&files, 5);
    for segment in 0..2 {
        let name = segment_name("test", segment);
        let whole = files.content(&name).unwrap();
        let used = if segment == 0 {
            3 * frame(0).len()
        } else {
            2 * frame(0).len()
        };
        for at in 0..used {
            let mut bytes = whole.clone();
            bytes[at] ^= 1 << (at % 8);
            let image = files.after_kill();
            image.set_content(&name, bytes);
            let expected = at - at % frame(0).len();
            match open(&image) {
                Err(ScanError::Broken {
                    segment: found,
                    offset,
                }) => {
                    assert_eq!((found, offset), (segment, expected as u64));
                }
                other => panic!(
                    "bit {at} of segment {segment}: {:?}",
                    other.map(|(_, recovery, _)| recovery)
                ),
            }
        }
    }
}

#[test]
fn a_missing_segment_is_found() {
    let files = FaultyFiles::default();
    fill(&files, 8);
    crate::files::Files::remove(&files, &segment_name("test", 1)).unwrap();
    assert!(matches!(open(&files), Err(ScanError::Missing { segment: 1 })));
}

#[test]
fn a_full_disk_is_not_the_end() {
    let files = FaultyFiles::default();
    let (mut set, ..) = open(&files).unwrap();
    files.inject(Fault::FullFrom(0));
    let mut sequence = 0;
    let error = loop {
        match set.append(&frame(sequence)) {
            Ok(_) => sequence += 1,
            Err(error) => break error,
        }
    };
    assert!(matches!(error, AppendError::NoSpace));
    assert_eq!(sequence, 6, "the segment made ahead was still used");
    assert!(matches!(set.append(&frame(sequence)), Err(AppendError::NoSpace)));
    files.make_room();
    set.append(&frame(sequence)).unwrap();
    drop(set);
    assert_eq!(open(&files).unwrap().2.len(), 7);
}

#[test]
fn a_frame_longer_than_a_segment_is_refused_and_harmless() {
    let files = FaultyFiles::default();
    let (mut set, ..) = open(&files).unwrap();
    assert!(matches!(
        set.append(&[1; 2049]),
        Err(AppendError::TooLong { len: 2049, max: 2048 })
    ));
    set.append(&frame(0)).unwrap();
}

#[test]
fn segments_made_in_the_background_are_the_same() {
    let directory = tempfile::tempdir().unwrap();
    let settings = Settings {
        preparation: Preparation::Background,
        ..SETTINGS
    };
    let files = || Arc::new(crate::files::system::SystemFiles::open(directory.path()).unwrap());
    {
        let (mut set, _) =
            SegmentSet::open::<Infallible>(files(), "test", settings, &envelope(), &mut |_, _| Ok(()))
                .unwrap();
        for sequence in 0..20 {
            set.append(&frame(sequence)).unwrap();
        }
    }
    let (_, recovery) =
        SegmentSet::open::<Infallible>(files(), "test", settings, &envelope(), &mut |_, _| Ok(())).unwrap();
    assert_eq!(recovery.frames, 20);
}
