mod batches;
mod world;

use super::*;
use crate::change::{ActReference, ActText, Change, ChangeBody, EventKind, RegistryEvent};
use crate::identifier::IstatCode;
use crate::testing::{BOLOGNA, IMOLA, any_record, day, istat, local_id, open_record};

const EPOCH: Epoch = Epoch([7; 16]);
const NOW: i64 = 1_735_689_600_000;

fn removal(sequence: u64, id: &str) -> Change {
    Change {
        sequence,
        local_id: local_id(id),
        body: ChangeBody::Remove,
        events: Vec::new(),
    }
}

fn batch_of(first: u64, ids: &[&str]) -> Batch {
    let changes = (first..)
        .zip(ids)
        .map(|(sequence, id)| removal(sequence, id))
        .collect();
    Batch::new(istat(IMOLA), EPOCH, first, changes, NOW).unwrap()
}

/// Admits and settles; what the node is told.
fn take(intake: &mut Intake, batch: &Batch) -> Result<Watermark, Refusal> {
    match intake.admit(batch, NOW)? {
        Admission::New(admitted) => Ok(intake.settle(admitted).unwrap().watermark),
        Admission::Duplicate(acknowledgement) => Ok(acknowledgement.watermark),
    }
}

#[test]
fn the_intake_admits_what_is_next_and_acknowledges_what_it_has() {
    let mut intake = Intake::new(istat(IMOLA), EPOCH);
    let (first, second, third) = (batch_of(1, &["a", "b"]), batch_of(3, &["c"]), batch_of(4, &["d"]));
    assert_eq!(take(&mut intake, &second), Err(Refusal::Gap { expected: 1 }));
    assert_eq!(take(&mut intake, &first), Ok(Watermark(2)));
    assert_eq!(take(&mut intake, &third), Err(Refusal::Gap { expected: 3 }));
    assert_eq!(take(&mut intake, &second), Ok(Watermark(3)));
    assert_eq!(take(&mut intake, &first), Ok(Watermark(3)));
    assert_eq!(
        take(&mut intake, &batch_of(1, &["a", "x"])),
        Err(Refusal::Conflict { sequence: 1 })
    );
    assert_eq!(
        take(&mut intake, &batch_of(1, &["a"])),
        Err(Refusal::Conflict { sequence: 1 })
    );
    assert_eq!(
        take(&mut intake, &batch_of(2, &["b"])),
        Err(Refusal::Conflict { sequence: 2 })
    );
    assert_eq!(
        take(&mut intake, &batch_of(3, &["c", "d"])),
        Err(Refusal::Conflict { sequence: 3 })
    );
    assert_eq!(intake.watermark(), Watermark(3));
}

#[test]
fn a_batch_out_of_place_or_time_is_refused_before_its_number_counts() {
    let mut intake = Intake::new(istat(IMOLA), EPOCH);
    let changes = || vec![removal(1, "a")];
    let foreign = Batch::new(istat(BOLOGNA), EPOCH, 1, changes(), NOW).unwrap();
    assert_eq!(take(&mut intake, &foreign), Err(Refusal::ForeignMunicipality));
    let lost = Batch::new(istat(IMOLA), Epoch([8; 16]), 1, changes(), NOW).unwrap();
    assert_eq!(take(&mut intake, &lost), Err(Refusal::WrongEpoch));
    let limit = i64::try_from(MAX_CLOCK_SKEW_MS).unwrap();
    let sent = |at| batch_of(1, &["a"]).sent_again(at);
    for skew in [limit + 1, -limit - 1] {
        let expected = Err(Refusal::ClockSkew(MAX_CLOCK_SKEW_MS + 1));
        assert_eq!(take(&mut intake, &sent(NOW + skew)), expected);
    }
    assert!(matches!(
        take(&mut intake, &sent(i64::MIN)),
        Err(Refusal::ClockSkew(_))
    ));
    assert_eq!(take(&mut intake, &sent(NOW + limit)), Ok(Watermark(1)));
    assert_eq!(take(&mut intake, &sent(NOW - limit)), Ok(Watermark(1)));
}

#[test]
fn what_is_admitted_and_not_durable_is_not_acknowledged() {
    let mut intake = Intake::new(istat(IMOLA), EPOCH);
    let (first, second) = (batch_of(1, &["a"]), batch_of(2, &["b"]));
    let Ok(Admission::New(first_admitted)) = intake.admit(&first, NOW) else {
        panic!("the first is new")
    };
    let Ok(Admission::New(second_admitted)) = intake.admit(&second, NOW) else {
        panic!("the second is new")
    };
    let nothing_yet = Admission::Duplicate(Acknowledgement {
        watermark: Watermark(0),
    });
    assert_eq!(intake.admit(&first, NOW), Ok(nothing_yet));
    assert_eq!(intake.settle(second_admitted), Err(NotNext { expected: 1 }));
    assert_eq!(
        intake.settle(first_admitted).map(|told| told.watermark),
        Ok(Watermark(1))
    );
}

#[test]
fn a_batch_older_than_memory_sends_the_node_back_to_the_state() {
    let mut intake = Intake::restore(istat(IMOLA), EPOCH, Watermark(9), []);
    assert_eq!(
        take(&mut intake, &batch_of(9, &["a"])),
        Err(Refusal::Stale {
            watermark: Watermark(9)
        })
    );
    let mut intake = Intake::new(istat(IMOLA), EPOCH);
    for sequence in 1..=300 {
        take(&mut intake, &batch_of(sequence, &["a"])).unwrap();
    }
    assert_eq!(
        take(&mut intake, &batch_of(300 - 255, &["a"])),
        Ok(Watermark(300))
    );
    assert_eq!(
        take(&mut intake, &batch_of(300 - 256, &["a"])),
        Err(Refusal::Stale {
            watermark: Watermark(300)
        })
    );
}

#[test]
fn a_node_reacts_to_each_refusal() {
    let attached = || {
        let state = IndexState {
            municipality: istat(IMOLA),
            epoch: EPOCH,
            watermark: Watermark(2),
        };
        let mut attached = Detached::new(istat(IMOLA), 9).attach(state).unwrap();
        attached.sent(&batch_of(3, &["a", "b"]));
        attached.sent(&batch_of(5, &["c"]));
        attached
    };
    let cases = [
        (
            Refusal::ForeignMunicipality,
            Reaction::Stop(StopReason::ForeignMunicipality),
            6,
        ),
        (Refusal::WrongEpoch, Reaction::Reattach, 6),
        (
            Refusal::Stale {
                watermark: Watermark(9),
            },
            Reaction::Reattach,
            6,
        ),
        (Refusal::ClockSkew(600_001), Reaction::Stop(StopReason::Clock), 6),
        (
            Refusal::Conflict { sequence: 3 },
            Reaction::Stop(StopReason::Conflict),
            6,
        ),
        (Refusal::Gap { expected: 3 }, Reaction::ResendFrom(3), 3),
        (Refusal::Gap { expected: 5 }, Reaction::ResendFrom(5), 5),
        (Refusal::Gap { expected: 6 }, Reaction::ResendFrom(6), 6),
        (Refusal::Gap { expected: 7 }, Reaction::ResendFrom(7), 7),
        (
            Refusal::Gap { expected: 11 },
            Reaction::Stop(StopReason::IndexAhead),
            6,
        ),
        (Refusal::Gap { expected: 2 }, Reaction::Reattach, 6),
    ];
    for (refusal, reaction, next) in cases {
        let mut node = attached();
        assert_eq!(
            (node.refused(refusal), node.next_sequence()),
            (reaction, Some(next)),
            "{refusal}"
        );
    }
    let mut node = attached();
    assert_eq!(node.in_flight(), 3);
    assert_eq!(node.acknowledge(Watermark(4)), Ok(Watermark(4)));
    assert_eq!(node.acknowledge(Watermark(3)), Ok(Watermark(4)));
    assert_eq!(node.acknowledge(Watermark(7)), Ok(Watermark(7)));
    assert_eq!((node.in_flight(), node.next_sequence()), (0, Some(8)));
    assert_eq!(node.acknowledge(Watermark(10)), Err(StopReason::IndexAhead));
}

#[test]
fn a_node_does_not_attach_to_an_index_that_knows_more_or_another() {
    let state = |municipality: &str, watermark| IndexState {
        municipality: istat(municipality),
        epoch: EPOCH,
        watermark: Watermark(watermark),
    };
    let attach = |state| {
        Detached::new(istat(IMOLA), 5)
            .attach(state)
            .map(|attached| attached.next_sequence())
    };
    assert_eq!(attach(state(IMOLA, 0)), Ok(Some(1)));
    assert_eq!(attach(state(IMOLA, 5)), Ok(None));
    let ahead = AttachError::AheadOfJournal {
        watermark: Watermark(6),
        journal_end: 5,
    };
    assert_eq!(attach(state(IMOLA, 6)), Err(ahead));
    assert_eq!(attach(state(BOLOGNA, 0)), Err(AttachError::ForeignMunicipality));
}

#[test]
fn an_accepted_batch_is_told_from_what_a_restored_journal_has_in_its_place() {
    let card = |sequence, id: &str| {
        let mut record = open_record();
        record.local_id = local_id(id);
        record.municipality = istat(IMOLA);
        Change {
            body: ChangeBody::Upsert(Box::new(record)),
            ..removal(sequence, id)
        }
    };
    let changes = vec![card(4, "a"), removal(5, "b")];
    let batch = Batch::new(istat(IMOLA), EPOCH, 4, changes.clone(), NOW).unwrap();
    let accepted = Accepted {
        first_sequence: 4,
        last_sequence: 5,
        content: batch.content_id(),
    };
    // The code is that of the cards, whatever the municipality's is today.
    for today in [IMOLA, BOLOGNA] {
        assert!(accepted.is_of(istat(today), EPOCH, changes.clone()));
    }
    for other in [
        vec![],
        vec![card(4, "a")],
        vec![card(4, "a"), removal(5, "c")],
        vec![card(4, "a"), removal(5, "b"), removal(6, "c")],
        vec![card(5, "a"), removal(6, "b")],
    ] {
        assert!(!accepted.is_of(istat(IMOLA), EPOCH, other));
    }
    assert!(!accepted.is_of(istat(IMOLA), Epoch([8; 16]), changes));
}
