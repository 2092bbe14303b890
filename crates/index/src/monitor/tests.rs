use ledger::header::EntryKind;
use store::access_log::draft::EntryDraft;

use super::*;
use crate::door::tests::log;
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
