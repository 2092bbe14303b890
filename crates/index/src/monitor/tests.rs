use ledger::header::EntryKind;
use store::access_log::draft::EntryDraft;

use super::*;
use crate::door::tests::{Disks, log, log_on};
use crate::entry::usual_retention;

/// What each path asks for, as it stands in C2SP tlog-tiles; nothing for every other.
#[test]
fn paths_are_those_of_tlog_tiles_without_entries() {
    let tile = |level, index, width| Tile::new(level, index, width).ok().map(Asked::Tile);
    let cases: &[(&str, Option<Asked>)] = &[
        ("/checkpoint", Some(Asked::Checkpoint)),
        ("/tile/0/000", tile(0, 0, 256)),
        ("/tile/0/000.p/1", tile(0, 0, 1)),
        ("/tile/0/x001/x234/067", tile(0, 1_234_067, 256)),
        ("/tile/1/002.p/255", tile(1, 2, 255)),
        ("/tile/7/000.p/1", tile(7, 0, 1)),
        ("", None),
        ("/", None),
        ("checkpoint", None),
        ("//checkpoint", None),
        ("/checkpoint/", None),
        ("/Checkpoint", None),
        ("/checkpoint.txt", None),
        ("/tile", None),
        ("/tile/", None),
        ("/tile/0", None),
        ("/tile/8/000", None),
        ("/tile/-1/000", None),
        ("/tile/00/000", None),
        ("/tile/0/0", None),
        ("/tile/0/0000", None),
        ("/tile/0/x000/001", None),
        ("/tile/0/000.p/0", None),
        ("/tile/0/000.p/256", None),
        ("/tile/0/000.p/01", None),
        ("/tile/0/000.p", None),
        ("/tile/0/000/", None),
        ("/tile/0/000/../001", None),
        ("/tile/0/%30%30%30", None),
        ("/tile/entries/000", None),
        ("/tile/entries/000.p/1", None),
        ("/tile/data/000", None),
        ("/tile/0/x999/x999/x999/x999/x999/x999/x999/999", None),
        ("/../../etc/passwd", None),
        ("/metrics", None),
    ];
    for (path, expected) in cases {
        assert_eq!(Asked::parse(path), *expected, "{path}");
    }
}

async fn grow(log: &AccessLog, entries: usize) {
    for _ in 0..entries {
        let draft = EntryDraft::new(EntryKind::ServiceStarted, usual_retention());
        log.append(log.reserve().unwrap(), draft).await.unwrap();
    }
}

fn content(found: Found) -> Option<Page> {
    match found {
        Found::Page(page) => Some(page),
        Found::Nothing => None,
        Found::Unreadable => panic!("the log can be read"),
    }
}

#[tokio::test]
async fn a_head_is_renewed_once_in_a_while_and_tiles_go_no_further_than_it() {
    let log = log();
    grow(&log, 3).await;
    let pages = LogPages::new(log.clone(), Duration::from_secs(10));
    let start = pages.shown.lock().unwrap().since;
    grow(&log, 2).await;
    let size = |after| pages.renewed(start + Duration::from_secs(after)).checkpoint.size;
    let partial = |width| pages.page(&format!("/tile/0/000.p/{width}"));
    assert_eq!(size(9), 3);
    assert!(content(partial(3)).is_some());
    assert_eq!(partial(4), Found::Nothing, "the log has it, and nobody is told");
    assert_eq!(size(10), 5);
    grow(&log, 1).await;
    assert_eq!(size(19), 5, "ten seconds from the last one");
    assert!(content(partial(5)).is_some());
    assert_eq!(partial(6), Found::Nothing);
}

#[tokio::test]
async fn a_full_tile_is_kept_for_ever_a_part_of_one_for_an_hour_and_the_head_not_at_all() {
    let log = log();
    grow(&log, 258).await;
    let pages = LogPages::new(log.clone(), Duration::from_secs(10));
    let keep = |path: &str| content(pages.page(path)).map(|page| (page.content.len(), page.keep));
    assert_eq!(keep("/tile/0/000"), Some((8192, Keep::Forever)));
    assert_eq!(keep("/tile/0/001.p/2"), Some((64, Keep::Hour)));
    assert_eq!(
        keep("/tile/0/000.p/7"),
        Some((224, Keep::Hour)),
        "of an older size"
    );
    assert_eq!(keep("/tile/1/000.p/1"), Some((32, Keep::Hour)));
    assert_eq!(keep("/tile/0/001"), None);
    assert_eq!(keep("/tile/1/000"), None);
    let head = content(pages.page("/checkpoint")).unwrap();
    assert_eq!(head.keep, Keep::Never);
    assert_eq!(head.content, log.checkpoint().text.as_bytes());
}

/// Every page of a log of 258 entries.
fn paths() -> Vec<String> {
    let mut paths = vec!["/checkpoint".to_owned(), "/tile/0/000".to_owned()];
    paths.extend((1..256).step_by(17).map(|width| format!("/tile/0/000.p/{width}")));
    paths.extend(["/tile/0/001.p/1", "/tile/0/001.p/2", "/tile/1/000.p/1"].map(str::to_owned));
    paths
}

#[tokio::test]
async fn a_bit_that_turns_under_a_running_endpoint_is_found_before_a_byte_of_it_is_served() {
    const FLIPS: usize = 200;
    let disks = Disks::new();
    let log = log_on(&disks);
    grow(&log, 258).await;
    log.close();
    let mut found = 0;
    for seed in 0..FLIPS {
        let image = disks.image();
        let log = log_on(&image);
        let pages = LogPages::new(log.clone(), Duration::from_secs(3_600));
        let sound: Vec<(String, Found)> = paths()
            .into_iter()
            .map(|path| {
                let page = pages.page(&path);
                assert!(matches!(page, Found::Page(_)), "{path}");
                (path, page)
            })
            .collect();
        let name = "hashes-0.tiles";
        let bits = image.hashes.content(name).unwrap().len() * 8;
        // Steps of the golden ratio visit the whole of it evenly.
        let bit = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) % bits;
        image.hashes.flip_bit(name, bit);
        let mut refused = 0;
        for (path, sound) in &sound {
            match pages.page(path) {
                Found::Unreadable => refused += 1,
                page => assert_eq!(&page, sound, "{path}, bit {bit}"),
            }
        }
        found += usize::from(0 < refused);
        assert!(refused < sound.len(), "the head does not come from there");
        log.close();
    }
    assert_eq!(found, FLIPS);
}
