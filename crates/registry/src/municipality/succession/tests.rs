use chrono::NaiveDate;

use super::*;
use crate::municipality::{all, current_of_region};

fn id(istat: &str) -> MunicipalityId {
    MunicipalityId::of_any(IstatCode::parse(istat).unwrap()).unwrap()
}

const SORBOLO: &str = "034037";
const MEZZANI: &str = "034021";
const SORBOLO_MEZZANI: &str = "034051";

/// The first day from which mergers are in the table.
fn since() -> NaiveDate {
    NaiveDate::from_ymd_opt(2009, 1, 1).unwrap()
}

#[test]
fn the_rows_are_sorted_and_each_predecessor_ends_the_day_before_its_successor_begins() {
    assert_eq!(SUCCESSIONS.len(), TABLE.lines().count() - 1);
    assert!(SUCCESSIONS.is_sorted_by(|(one, _), (other, _)| one < other));
    for (predecessor, successor) in SUCCESSIONS.iter() {
        let ended = predecessor.latest().unwrap();
        let begun = periods(successor.cadastral()).first().unwrap();
        let (end, begin) = (ended.validity().to.unwrap(), begun.validity().from.unwrap());
        assert_eq!(end.succ_opt(), Some(begin), "{predecessor} {successor}");
        assert_eq!(ended.province(), begun.province(), "{predecessor} {successor}");
    }
}

#[test]
fn whoever_ceased_in_the_region_has_a_successor_and_whoever_was_made_there_has_predecessors() {
    let ceased = all().iter().filter(|period| {
        let ended = period.validity().to.is_some_and(|to| since() <= to);
        let last = period.id().and_then(MunicipalityId::latest);
        period.region() == "08" && ended && last.is_some_and(|last| last == *period)
    });
    let ceased: Vec<MunicipalityId> = ceased.filter_map(Municipality::id).collect();
    assert_eq!(ceased.len(), SUCCESSIONS.len());
    assert!(ceased.iter().all(|id| id.successor().is_some()));
    for made in current_of_region("08").filter_map(Municipality::id) {
        let first = periods(made.cadastral()).first().unwrap();
        if first.validity().from.is_some_and(|from| since() <= from) {
            assert!(3 <= made.lineage().len(), "{made}");
        }
    }
}

#[test]
fn a_merger_inherits_from_both_and_they_do_not_inherit_from_each_other() {
    let [sorbolo, mezzani, merged] = [SORBOLO, MEZZANI, SORBOLO_MEZZANI].map(id);
    assert_eq!(sorbolo.successor(), Some(merged));
    assert_eq!([sorbolo.keeper(), mezzani.keeper(), merged.keeper()], [merged; 3]);
    assert_eq!(merged.successor(), None);
    assert!(sorbolo.shares_lineage(merged) && merged.shares_lineage(mezzani));
    assert!(sorbolo.shares_lineage(sorbolo) && !sorbolo.shares_lineage(mezzani));
    let mut lineage = merged.lineage();
    lineage.sort_unstable();
    assert_eq!(lineage, [mezzani, sorbolo, merged]);
    assert_eq!(sorbolo.lineage(), [sorbolo, merged]);
    for (old, new) in [
        ("038002", "038029"),
        ("038020", "038029"),
        ("038016", "038028"),
        ("038021", "038028"),
    ] {
        assert_eq!(id(old).keeper(), id(new));
    }
}

#[test]
fn a_change_of_province_is_no_succession_and_the_code_in_force_is_the_latest() {
    for (old, new) in [("041033", "099030"), ("041060", "099031")] {
        assert_eq!(id(old), id(new));
        assert_eq!(id(old).successor(), None);
        assert_eq!(
            id(old).latest_istat().map(|code| code.to_string()).as_deref(),
            Some(new)
        );
    }
    let ceased = id(SORBOLO);
    assert_eq!(ceased.current(), None);
    assert_eq!(
        ceased.latest_istat().map(|code| code.to_string()).as_deref(),
        Some(SORBOLO)
    );
    assert_eq!(ceased.latest().map(Municipality::name), Some("SORBOLO"));
}
