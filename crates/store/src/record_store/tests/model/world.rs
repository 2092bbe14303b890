//! Nodes, network and index together.

use registry::publication::{Batch, Reaction, Refusal, StopReason};

use super::index::Index;
use super::node::{Node, Stopped};
use super::{Fate, Happening, MUNICIPALITIES};
use crate::publisher::Acknowledged;
use crate::test_support::world::Kind;

/// Rounds in which an undisturbed world must come to rest.
const ROUNDS: usize = 40;

pub(super) struct World {
    index: Index,
    nodes: Vec<Node>,
    up: Vec<(usize, u32, Batch)>,
    down: Vec<(usize, u32, Result<Acknowledged, Refusal>)>,
}

impl World {
    pub(super) fn new(kind: Kind) -> Self {
        Self {
            index: Index::new(kind),
            nodes: (0..MUNICIPALITIES).map(Node::new).collect(),
            up: Vec::new(),
            down: Vec::new(),
        }
    }

    pub(super) fn happen(&mut self, happening: Happening) {
        self.index.tick();
        match happening {
            Happening::Edit(at, edits) => self.nodes[at].edit(&edits),
            Happening::Connect(at, fate) => self.connect(at, fate),
            Happening::Send(at) => self.send(at),
            Happening::Up(fate, which) => {
                if let Some((at, stream, batch)) = pick(&mut self.up, fate, which) {
                    self.arrive(at, stream, &batch);
                }
            }
            Happening::Down(fate, which) => {
                if let Some((at, stream, answer)) = pick(&mut self.down, fate, which)
                    && stream == self.nodes[at].stream
                {
                    self.answered(at, answer);
                }
            }
            Happening::RestartIndex => self.index_goes(Index::restart),
            Happening::KillIndex => self.index_goes(Index::kill),
            Happening::CutIndex(seed) => self.index_goes(|index| index.cut(seed)),
            Happening::FailIndex(failing, seed) => self.index.fail(failing, seed),
            Happening::KillNode(at) => self.nodes[at].kill(),
            Happening::CutNode(at, seed) => self.nodes[at].cut(seed),
            Happening::FailNode(at, failing, seed) => self.nodes[at].fail(failing, seed),
            Happening::BackUp => {
                self.index.back_up();
                self.nodes.iter_mut().for_each(Node::back_up);
            }
            Happening::RestoreIndex(which) => self.index_goes(|index| index.restore(which)),
            Happening::EmptyIndex(keys) => self.index_goes(|index| index.empty(keys)),
            Happening::RestoreNode(at) => self.nodes[at].restore(),
            Happening::ShowAgain(which) => self.index.show_again(which),
        }
        self.check();
    }

    fn check(&self) {
        self.index.check_now();
        for (at, node) in self.nodes.iter().enumerate() {
            if !node.restored {
                assert!(
                    node.begins_with(self.index.held(at)),
                    "the index holds what was never journalled"
                );
            }
        }
    }

    /// The index's process ends, and with it every connection.
    fn index_goes(&mut self, how: impl FnOnce(&mut Index)) {
        how(&mut self.index);
        self.connections_end();
    }

    fn connections_end(&mut self) {
        self.up.clear();
        self.down.clear();
        for node in &mut self.nodes {
            *node.attached() = None;
            node.stream += 1;
        }
    }

    fn connect(&mut self, at: usize, fate: Fate) {
        let claim = self.nodes[at].claim();
        let Some(standing) = self.index.open_stream(at, claim) else {
            self.connections_end();
            return;
        };
        if fate != Fate::Lose && self.nodes[at].attach(&standing).is_err() {
            self.stopped(at);
        }
    }

    /// A person looks: the journal is what it is, and the administrator of the index accepts it.
    fn stopped(&mut self, at: usize) {
        assert!(
            self.nodes[at].restored,
            "a node that lost nothing has no reason to stop"
        );
        let end = self.nodes[at].journal_end().min(self.index.held(at).len() as u64);
        *self.nodes[at].attached() = None;
        if self.index.accept_journal(at, end).is_none() {
            self.connections_end();
        }
    }

    fn send(&mut self, at: usize) {
        let now_ms = self.index.now_ms();
        if let Some(batch) = self.nodes[at].next(now_ms) {
            let stream = self.nodes[at].stream;
            self.up.push((at, stream, batch));
        }
    }

    fn arrive(&mut self, at: usize, stream: u32, batch: &Batch) {
        match self.index.receive(at, batch) {
            Some(answer) => self.down.push((at, stream, answer)),
            None => self.connections_end(),
        }
    }

    fn answered(&mut self, at: usize, answer: Result<Acknowledged, Refusal>) {
        let node = &mut self.nodes[at];
        let reaction = match answer {
            Ok(acknowledged) => match node.acknowledge(&acknowledged) {
                Ok(()) => return,
                Err(Stopped) => Reaction::Stop(StopReason::IndexAhead),
            },
            Err(refusal) => match node.attached() {
                Some(attached) => attached.refused(refusal),
                None => return,
            },
        };
        match reaction {
            Reaction::ResendFrom(_) => {}
            Reaction::Reattach => self.connect(at, Fate::Deliver),
            Reaction::Stop(StopReason::Conflict | StopReason::IndexAhead) => self.stopped(at),
            Reaction::Stop(reason) => panic!("nothing in this world is a reason to stop: {reason}"),
        }
    }

    /// From here on nothing is disturbed: everything must arrive, and both sides must agree.
    pub(super) fn settle(mut self) {
        self.index_goes(|index| index.cut(7));
        for at in 0..MUNICIPALITIES {
            self.nodes[at].cut(7);
            self.deliver(at);
            if self.nodes[at].restored {
                // What a lost journal had and the index still serves is mended by comparing: a second time where the
                // index keeps aside what was published again.
                for _ in 0..2 {
                    self.nodes[at].reconcile(&self.index);
                    self.deliver(at);
                }
            } else {
                assert_eq!(self.nodes[at].reconcile(&self.index), 0, "nothing differs");
            }
        }
        self.check();
        let nodes = &self.nodes;
        self.index
            .check_history(&|change| nodes.iter().find_map(|node| node.plain_of(change)));
        for at in 0..MUNICIPALITIES {
            assert_eq!(
                self.nodes[at].reconcile(&self.index),
                0,
                "both sides hold the same"
            );
        }
    }

    fn deliver(&mut self, at: usize) {
        for _ in 0..ROUNDS {
            if self.nodes[at].attached().is_none() {
                self.connect(at, Fate::Deliver);
            }
            if self.nodes[at].is_done() {
                return;
            }
            self.send(at);
            while let Some((at, stream, batch)) = pick(&mut self.up, Fate::Deliver, 0) {
                self.arrive(at, stream, &batch);
            }
            while let Some((at, stream, answer)) = pick(&mut self.down, Fate::Deliver, 0) {
                if stream == self.nodes[at].stream {
                    self.answered(at, answer);
                }
            }
        }
        panic!("an undisturbed world does not come to rest");
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
