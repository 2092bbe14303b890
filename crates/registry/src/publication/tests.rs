use proptest::prelude::*;

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

#[test]
fn a_batch_holds_consecutive_changes_of_its_municipality() {
    let check = |first: u64, changes: Vec<Change>, expected: Option<BatchError>| {
        assert_eq!(
            Batch::new(istat(IMOLA), EPOCH, first, changes, NOW).err(),
            expected
        );
    };
    let upsert = |sequence, id: &str, municipality: &str| {
        let mut record = open_record();
        record.municipality = istat(municipality);
        Change {
            body: ChangeBody::Upsert(Box::new(record)),
            ..removal(sequence, id)
        }
    };
    check(1, vec![removal(1, "a"), removal(2, "b")], None);
    check(5, vec![upsert(5, "S-100/7", IMOLA)], None);
    check(1, vec![], Some(BatchError::Empty));
    check(0, vec![removal(0, "a")], Some(BatchError::Sequence));
    check(1, vec![removal(2, "a")], Some(BatchError::Sequence));
    check(
        1,
        vec![removal(1, "a"), removal(3, "b")],
        Some(BatchError::Sequence),
    );
    check(
        1,
        vec![removal(1, "a"), removal(1, "b")],
        Some(BatchError::Sequence),
    );
    check(u64::MAX, vec![removal(u64::MAX, "a")], None);
    check(
        u64::MAX,
        vec![removal(u64::MAX, "a"), removal(0, "b")],
        Some(BatchError::Sequence),
    );
    check(
        3,
        vec![upsert(3, "S-100/7", BOLOGNA)],
        Some(BatchError::ForeignRecord(3)),
    );
    check(3, vec![upsert(3, "other", IMOLA)], Some(BatchError::LocalId(3)));
    let most = MAX_CHANGES as u64;
    check(
        1,
        (1..=most).map(|sequence| removal(sequence, "a")).collect(),
        None,
    );
    check(
        1,
        (1..=most + 1).map(|sequence| removal(sequence, "a")).collect(),
        Some(BatchError::TooLong),
    );
}

#[test]
fn the_time_of_sending_is_not_content_and_everything_else_is() {
    let batch = batch_of(1, &["a", "b"]);
    let id = batch.content_id();
    assert_eq!(batch.clone().sent_again(NOW + 1).content_id(), id);
    let others = [
        batch_of(2, &["a", "b"]),
        batch_of(1, &["a"]),
        batch_of(1, &["a", "c"]),
        Batch::new(istat(BOLOGNA), EPOCH, 1, batch.changes().to_vec(), NOW).unwrap(),
        Batch::new(istat(IMOLA), Epoch([8; 16]), 1, batch.changes().to_vec(), NOW).unwrap(),
    ];
    for other in others {
        assert_ne!(other.content_id(), id);
    }
    let mut changes = batch.into_changes();
    changes[0].events.push(RegistryEvent {
        kind: EventKind::Death,
        event_date: None,
        effective_date: None,
        registration_date: day("2025-01-01"),
        act: None,
    });
    assert_ne!(
        Batch::new(istat(IMOLA), EPOCH, 1, changes, NOW)
            .unwrap()
            .content_id(),
        id
    );
}

/// Version 2: `02 istat epoch first count (id 00 events)*`, each event with `act?` behind its dates.
#[test]
fn the_bytes_of_a_batch_with_a_reference_of_an_act_are_as_documented() {
    let word = |text: &str| ActText::parse(text);
    let mut change = removal(300, "ab");
    let death = RegistryEvent {
        kind: EventKind::Death,
        event_date: None,
        effective_date: None,
        registration_date: day("2025-01-02"),
        act: Some(ActReference {
            municipality: istat(BOLOGNA),
            office: None,
            year: 2025,
            part: word("1"),
            series: None,
            number: word("12").unwrap(),
        }),
    };
    change
        .events
        .extend([death, RegistryEvent { act: None, ..death }]);
    let batch = Batch::new(istat(IMOLA), EPOCH, 300, vec![change.clone()], NOW).unwrap();
    let expected = [
        &b"\x02037032"[..],
        &[7; 16],
        b"\xac\x02\x01",
        b"\x02ab\x00\x02",
        b"\x10\x00\x00\x00\x0b\x47\xb5",
        b"\x01037006\x00\x07\xe9\x01\x011\x00\x0212",
        b"\x10\x00\x00\x00\x0b\x47\xb5\x00",
    ]
    .concat();
    assert_eq!(batch.canonical_bytes(), expected);
    assert!(Batch::from_canonical_bytes(&expected, NOW) == Ok(batch.clone()));
    for length in 0..expected.len() {
        let cut = Batch::from_canonical_bytes(&expected[..length], NOW);
        assert_eq!(cut, Err(BatchError::Bytes), "{length}");
    }
    // One content has one encoding: without any reference it is that of version 1.
    change.events.remove(0);
    let without = Batch::new(istat(IMOLA), EPOCH, 300, vec![change], NOW).unwrap();
    let mut bytes = without.canonical_bytes();
    assert_eq!(bytes[0], 1);
    bytes[0] = 2;
    bytes.push(0);
    assert_eq!(Batch::from_canonical_bytes(&bytes, NOW), Err(BatchError::Bytes));
    assert_ne!(without.content_id(), batch.content_id());
}

/// The layout of batches is in journals: `01 istat epoch first count (id 00 events)*`.
#[test]
fn the_bytes_of_a_batch_are_as_documented() {
    let mut change = removal(300, "ab");
    change.events.push(RegistryEvent {
        kind: EventKind::Emigration,
        event_date: None,
        effective_date: Some(day("2025-01-01")),
        registration_date: day("2025-01-02"),
        act: None,
    });
    let batch = Batch::new(istat(IMOLA), EPOCH, 300, vec![change], NOW).unwrap();
    let expected = [
        &b"\x01037032"[..],
        &[7; 16],
        b"\xac\x02\x01",
        b"\x02ab\x00\x01",
        b"\x04\x00\x01\x00\x0b\x47\xb4\x00\x0b\x47\xb5",
    ]
    .concat();
    assert_eq!(batch.canonical_bytes(), expected);
    assert!(Batch::from_canonical_bytes(&expected, NOW) == Ok(batch));
    for length in 0..expected.len() {
        assert_eq!(
            Batch::from_canonical_bytes(&expected[..length], NOW),
            Err(BatchError::Bytes),
            "{length}"
        );
    }
    assert_eq!(
        Batch::from_canonical_bytes(&[&expected[..], &[0]].concat(), NOW),
        Err(BatchError::Bytes)
    );
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

/// One thing that can happen in the world of a node, a network and an index.
#[derive(Clone, Copy, Debug)]
enum Happening {
    Journal(usize),
    Send,
    Settle,
    RestartNode,
    RestartIndex,
    Up(Fate, usize),
    Down(Fate, usize),
}

/// What the network does to one of the messages under way, whichever it picks.
#[derive(Clone, Copy, Debug)]
enum Fate {
    Deliver,
    DeliverAndKeep,
    Lose,
}

fn any_happening() -> impl Strategy<Value = Happening> {
    let fate =
        || prop_oneof![4 => Just(Fate::Deliver), 1 => Just(Fate::DeliverAndKeep), 1 => Just(Fate::Lose)];
    prop_oneof![
        2 => (1usize..4).prop_map(Happening::Journal),
        4 => Just(Happening::Send),
        4 => Just(Happening::Settle),
        1 => Just(Happening::RestartNode),
        1 => Just(Happening::RestartIndex),
        6 => (fate(), any::<usize>()).prop_map(|(fate, which)| Happening::Up(fate, which)),
        6 => (fate(), any::<usize>()).prop_map(|(fate, which)| Happening::Down(fate, which)),
    ]
}

/// The node's journal of batches, what the network carries, and the index with its journal.
struct World {
    municipality: IstatCode,
    journal: Vec<Batch>,
    node: Attached,
    connection: u32,
    up: Vec<Batch>,
    down: Vec<(u32, Result<Watermark, Refusal>)>,
    intake: Intake,
    pending: Vec<(Admitted, Batch)>,
    durable: Vec<(Accepted, Batch)>,
}

impl World {
    fn new() -> Self {
        let municipality = istat(IMOLA);
        let state = IndexState {
            municipality,
            epoch: EPOCH,
            watermark: Watermark(0),
        };
        Self {
            municipality,
            journal: Vec::new(),
            node: Detached::new(municipality, 0).attach(state).unwrap(),
            connection: 0,
            up: Vec::new(),
            down: Vec::new(),
            intake: Intake::new(municipality, EPOCH),
            pending: Vec::new(),
            durable: Vec::new(),
        }
    }

    fn journal_end(&self) -> u64 {
        self.journal.last().map_or(0, Batch::last_sequence)
    }

    fn happen(&mut self, happening: Happening) {
        match happening {
            Happening::Journal(count) => {
                let first = self.journal_end() + 1;
                let ids: Vec<String> = (0..count)
                    .map(|offset| format!("c{}", first + offset as u64))
                    .collect();
                let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
                self.journal.push(batch_of(first, &ids));
                self.node.journalled(self.journal_end());
            }
            Happening::Send => {
                let next = self.node.next_sequence();
                if let Some(batch) = self
                    .journal
                    .iter()
                    .find(|batch| Some(batch.first_sequence()) == next)
                {
                    self.node.sent(batch);
                    self.up
                        .push(batch.clone().sent_again(NOW + i64::from(self.connection)));
                }
            }
            Happening::Settle => {
                if !self.pending.is_empty() {
                    let (admitted, batch) = self.pending.remove(0);
                    self.durable.push((admitted.accepted(), batch));
                    let told = self.intake.settle(admitted).unwrap();
                    self.down.push((self.connection, Ok(told.watermark)));
                }
            }
            Happening::RestartNode => self.reattach(),
            Happening::RestartIndex => {
                self.pending.clear();
                let recent = self.durable.iter().map(|(accepted, _)| *accepted);
                self.intake = Intake::restore(self.municipality, EPOCH, self.intake.watermark(), recent);
            }
            Happening::Up(fate, which) => {
                if let Some(batch) = pick(&mut self.up, fate, which) {
                    match self.intake.admit(&batch, NOW) {
                        Ok(Admission::New(admitted)) => self.pending.push((admitted, batch)),
                        Ok(Admission::Duplicate(told)) => {
                            self.down.push((self.connection, Ok(told.watermark)))
                        }
                        Err(refusal) => self.down.push((self.connection, Err(refusal))),
                    }
                }
            }
            Happening::Down(fate, which) => {
                let Some((connection, told)) = pick(&mut self.down, fate, which) else {
                    return;
                };
                if connection != self.connection {
                    return;
                }
                match told {
                    Ok(watermark) => {
                        self.node.acknowledge(watermark).unwrap();
                    }
                    Err(refusal) => match self.node.refused(refusal) {
                        Reaction::ResendFrom(_) => {}
                        // An answer that outlived newer ones; the node asks and goes on.
                        Reaction::Reattach => self.reattach(),
                        Reaction::Stop(reason) => {
                            panic!("nothing in this world is a reason to stop: {reason}")
                        }
                    },
                }
            }
        }
        self.check();
    }

    fn reattach(&mut self) {
        self.connection += 1;
        let watermark = self.intake.watermark();
        let state = IndexState {
            municipality: self.municipality,
            epoch: EPOCH,
            watermark,
        };
        self.node = Detached::new(self.municipality, self.journal_end())
            .attach(state)
            .unwrap();
    }

    /// What the index holds durably is a beginning of the node's journal, and the node believes no more than that.
    fn check(&self) {
        let held: Vec<_> = self.durable.iter().map(|(_, batch)| batch.content_id()).collect();
        let journalled: Vec<_> = self
            .journal
            .iter()
            .take(held.len())
            .map(Batch::content_id)
            .collect();
        assert_eq!(held, journalled);
        assert_eq!(
            self.intake.watermark().0,
            self.durable.last().map_or(0, |(_, batch)| batch.last_sequence())
        );
        assert!(self.node.acknowledged() <= self.intake.watermark());
    }
}

fn pick<T: Clone>(messages: &mut Vec<T>, fate: Fate, which: usize) -> Option<T> {
    if messages.is_empty() {
        return None;
    }
    let position = which % messages.len();
    match fate {
        Fate::Deliver => Some(messages.remove(position)),
        Fate::DeliverAndKeep => messages.get(position).cloned(),
        Fate::Lose => {
            messages.remove(position);
            None
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn every_change_arrives_once_whatever_the_network_does(
        story in proptest::collection::vec(any_happening(), 0..200)
    ) {
        let mut world = World::new();
        story.into_iter().for_each(|happening| world.happen(happening));

        // From here on the network is good: everything must arrive in one pass.
        world.up.clear();
        world.down.clear();
        while !world.pending.is_empty() {
            world.happen(Happening::Settle);
        }
        world.happen(Happening::RestartNode);
        for _ in 0..world.journal.len() {
            world.happen(Happening::Send);
            world.happen(Happening::Up(Fate::Deliver, 0));
            world.happen(Happening::Settle);
        }
        while !world.down.is_empty() {
            world.happen(Happening::Down(Fate::Deliver, 0));
        }
        prop_assert_eq!(world.node.acknowledged().0, world.journal_end());
        prop_assert_eq!(world.durable.len(), world.journal.len());
    }

    #[test]
    fn a_batch_comes_back_from_its_bytes(records in proptest::collection::vec(any_record(), 1..4), first in 1u64..u64::MAX / 2) {
        let changes = (first..).zip(records).map(|(sequence, mut record)| {
            record.municipality = istat(IMOLA);
            let local_id = record.local_id.clone();
            Change { sequence, local_id, body: ChangeBody::Upsert(Box::new(record)), events: Vec::new() }
        });
        let batch = Batch::new(istat(IMOLA), EPOCH, first, changes.collect(), NOW).unwrap();
        let back = Batch::from_canonical_bytes(&batch.canonical_bytes(), NOW);
        prop_assert!(back == Ok(batch));
    }
}
