//! The protocol over a network that loses, repeats, delays and reorders.

use proptest::prelude::*;

use super::*;

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
