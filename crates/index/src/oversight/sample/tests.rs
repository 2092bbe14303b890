use ledger::header::EntryKind;

use super::entry::{judged, justified};
use super::*;

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn drawing(reserved: bool) -> Drawing {
    Drawing {
        agency: "spiffe://ponte.test/agency/questura-bo".to_owned(),
        reserved,
        size: 2,
        from: day("2026-10-01"),
        until: day("2026-11-01"),
        deadline: day("2026-11-20"),
    }
}

fn sample(reserved: bool) -> Sample {
    Sample::new(90, 7, drawing(reserved), &[(5, 1), (8, 2)])
}

fn justification(date: &str) -> Act {
    let detail = justified(90, 5, "checked a plate", "PS/2026/12");
    let act = Act::read(EntryKind::SampleJustified, 95, day(date), "m.bruni", &detail);
    act.expect("an act").1
}

fn judgement(outcome: Outcome) -> Act {
    let detail = judged(90, 5, outcome, "");
    let act = Act::read(EntryKind::SampleJudged, 96, day("2026-11-21"), "a.neri", &detail);
    act.expect("an act").1
}

#[test]
fn acts_read_back_from_their_entries() {
    let detail = drawing(true).detail();
    let read = Act::read(EntryKind::SampleDrawn, 90, day("2026-11-02"), "a.neri", &detail);
    assert_eq!(read, Some((90, Act::Drawn(drawing(true)))));
    let Act::Justified(5, read) = justification("2026-11-03") else {
        panic!("a justification")
    };
    assert_eq!(
        (read.text.as_str(), read.reader.as_str()),
        ("checked a plate", "m.bruni")
    );
    assert_eq!(
        Act::read(EntryKind::Access, 1, day("2026-11-02"), "", &detail),
        None
    );
    assert!(
        !format!("{read:?}").contains("plate"),
        "words are in no debugging output"
    );
}

#[test]
fn an_access_stands_where_its_acts_and_the_day_put_it() {
    let (in_time, late) = ("2026-11-20", "2026-11-21");
    for (acts, today, expected) in [
        (vec![], in_time, Standing::Pending),
        (vec![], late, Standing::Overdue),
        (vec![justification(in_time)], late, Standing::Justified),
        (vec![justification(late)], late, Standing::JustifiedLate),
        (
            vec![justification(late), judgement(Outcome::Accepted)],
            late,
            Standing::Accepted,
        ),
        (vec![judgement(Outcome::Rejected)], late, Standing::Rejected),
        // The first word counts.
        (
            vec![judgement(Outcome::Rejected), judgement(Outcome::Accepted)],
            late,
            Standing::Rejected,
        ),
    ] {
        let mut sample = sample(false);
        for act in acts {
            sample.apply(act);
        }
        let standing = sample.items[&5].standing(sample.drawing.deadline, day(today));
        assert_eq!(standing, expected);
        assert_eq!(sample.items[&8].justification, None, "the other one is as it was");
    }
}

#[test]
fn each_act_is_done_once_and_in_its_order() {
    let (before, after) = (day("2026-11-20"), day("2026-11-21"));
    let fresh = sample(false);
    assert_eq!(fresh.may_justify(5), Ok(()));
    assert_eq!(fresh.may_justify(6), Err(SampleError::Unknown));
    for (outcome, today, expected) in [
        (Outcome::Accepted, before, Err(SampleError::Waiting)),
        (Outcome::Rejected, before, Err(SampleError::Waiting)),
        (Outcome::Accepted, after, Err(SampleError::NothingToAccept)),
        (Outcome::Rejected, after, Ok(())),
    ] {
        assert_eq!(fresh.may_judge(5, outcome, "a.neri", today), expected);
    }
    let mut justified = sample(false);
    justified.apply(justification("2026-11-03"));
    assert_eq!(justified.may_justify(5), Err(SampleError::Justified));
    assert_eq!(
        justified.may_judge(5, Outcome::Accepted, "m.bruni", before),
        Ok(())
    );
    justified.apply(judgement(Outcome::Accepted));
    assert_eq!(justified.may_justify(5), Err(SampleError::Judged));
    assert_eq!(
        justified.may_judge(5, Outcome::Rejected, "a.neri", after),
        Err(SampleError::Judged)
    );
}

#[test]
fn of_reserved_purposes_another_person_records_the_outcome() {
    let mut reserved = sample(true);
    reserved.apply(justification("2026-11-03"));
    let today = day("2026-11-04");
    assert_eq!(
        reserved.may_judge(5, Outcome::Accepted, "m.bruni", today),
        Err(SampleError::SamePerson)
    );
    assert_eq!(reserved.may_judge(5, Outcome::Accepted, "a.neri", today), Ok(()));
}
