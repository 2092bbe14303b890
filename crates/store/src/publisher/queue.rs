//! What waits for the writer: one lane for each municipality, served in turn.
//!
//! A municipality that loads a hundred thousand cards fills its own lane and no other: whoever comes with a single
//! change waits for at most one batch of each that is before it in the round. A lane holds a bounded number of batches,
//! and so does the whole queue; beyond either its owner is told to come back. How many batches a node may have under
//! way shrinks with the number of lanes that are in use.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Places in one lane: as many as a node may have under way.
pub(crate) const LANE: usize = 8;

/// Places in all lanes together.
const ALL: usize = 256;

/// Lanes served in turn.
pub(crate) struct Lanes<K, T> {
    lanes: BTreeMap<K, VecDeque<T>>,
    /// Lanes in which something waits, in the order in which they are served.
    round: VecDeque<K>,
    waiting: usize,
}

/// Why something finds no place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoPlace {
    /// Its lane or the queue is full.
    Full,
    /// Nobody takes from the queue any more.
    Closed,
}

/// Lanes between threads. Clones share them.
pub(crate) struct FairQueue<K, T> {
    shared: Arc<Shared<K, T>>,
}

struct Shared<K, T> {
    state: Mutex<State<K, T>>,
    changed: Condvar,
}

struct State<K, T> {
    lanes: Lanes<K, T>,
    closed: bool,
}

/// What taking from the queue brought.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Taken<T> {
    /// The next in turn.
    Next(T),
    /// Nothing came in time.
    Nothing,
    /// Nothing is left, and nothing will come.
    Closed,
}

impl<K: Ord + Copy, T> Lanes<K, T> {
    pub(crate) fn new() -> Self {
        Self {
            lanes: BTreeMap::new(),
            round: VecDeque::new(),
            waiting: 0,
        }
    }

    /// Puts something at the end of its lane; gives it back where there is no place.
    pub(crate) fn push(&mut self, key: K, item: T) -> Result<(), T> {
        let lane = self.lanes.entry(key).or_default();
        if lane.len() == LANE || self.waiting == ALL {
            return Err(item);
        }
        if lane.is_empty() {
            self.round.push_back(key);
        }
        lane.push_back(item);
        self.waiting += 1;
        Ok(())
    }

    /// The next in turn: one of each lane before a second of any.
    pub(crate) fn pop(&mut self) -> Option<T> {
        let key = self.round.pop_front()?;
        let lane = self.lanes.get_mut(&key)?;
        let item = lane.pop_front()?;
        self.waiting -= 1;
        if lane.is_empty() {
            self.lanes.remove(&key);
        } else {
            self.round.push_back(key);
        }
        Some(item)
    }

    /// Lanes in which something waits.
    pub(crate) fn in_use(&self) -> usize {
        self.round.len()
    }
}

/// Batches that a node may have under way while so many lanes are in use, itself among them: all that a lane holds
/// when it is alone, fewer the more share the writer, one at least.
pub(crate) fn credits(lanes_in_use: usize) -> u32 {
    let share = LANE.div_ceil(lanes_in_use.max(1));
    u32::try_from(share).unwrap_or(1)
}

impl<K: Ord + Copy, T> FairQueue<K, T> {
    pub(crate) fn new() -> Self {
        let state = State {
            lanes: Lanes::new(),
            closed: false,
        };
        Self {
            shared: Arc::new(Shared {
                state: Mutex::new(state),
                changed: Condvar::new(),
            }),
        }
    }

    fn state(&self) -> MutexGuard<'_, State<K, T>> {
        self.shared.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts something at the end of its lane.
    pub(crate) fn push(&self, key: K, item: T) -> Result<(), NoPlace> {
        let mut state = self.state();
        if state.closed {
            return Err(NoPlace::Closed);
        }
        state.lanes.push(key, item).map_err(|_| NoPlace::Full)?;
        drop(state);
        self.shared.changed.notify_one();
        Ok(())
    }

    /// Takes the next in turn, waiting for it at most so long.
    pub(crate) fn take(&self, longest: Duration) -> Taken<T> {
        let waiting = self
            .shared
            .changed
            .wait_timeout_while(self.state(), longest, |state| {
                !state.closed && state.lanes.in_use() == 0
            });
        let (mut state, _) = waiting.unwrap_or_else(PoisonError::into_inner);
        match state.lanes.pop() {
            Some(item) => Taken::Next(item),
            None if state.closed => Taken::Closed,
            None => Taken::Nothing,
        }
    }

    /// Lets nothing in any more. What waits is still served.
    pub(crate) fn close(&self) {
        self.state().closed = true;
        self.shared.changed.notify_all();
    }

    /// Lets nothing in any more and gives up what waits.
    pub(crate) fn abandon(&self) {
        let mut state = self.state();
        state.closed = true;
        state.lanes = Lanes::new();
        drop(state);
        self.shared.changed.notify_all();
    }

    /// Batches that a node may have under way now.
    pub(crate) fn credits(&self) -> u32 {
        credits(self.state().lanes.in_use())
    }
}

/// What waits is personal: debugging output does not carry it.
impl<K, T> std::fmt::Debug for FairQueue<K, T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("FairQueue(..)")
    }
}

impl<K, T> Clone for FairQueue<K, T> {
    fn clone(&self) -> Self {
        Self {
            shared: Arc::clone(&self.shared),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_of_each_lane_is_served_before_a_second_of_any() {
        let mut lanes = Lanes::new();
        for batch in 0..LANE {
            lanes.push("loading", ("loading", batch)).unwrap();
        }
        // Whoever comes now with a single change waits for one batch of the other, not for all.
        assert_eq!(lanes.pop(), Some(("loading", 0)));
        lanes.push("small", ("small", 0)).unwrap();
        lanes.push("third", ("third", 0)).unwrap();
        lanes.push("third", ("third", 1)).unwrap();
        let order: Vec<_> = std::iter::from_fn(|| lanes.pop()).collect();
        let expected = [
            ("loading", 1),
            ("small", 0),
            ("third", 0),
            ("loading", 2),
            ("third", 1),
            ("loading", 3),
            ("loading", 4),
            ("loading", 5),
            ("loading", 6),
            ("loading", 7),
        ];
        assert_eq!(order, expected);
        assert_eq!((lanes.in_use(), lanes.waiting), (0, 0));
    }

    #[test]
    fn a_full_lane_refuses_its_owner_and_nobody_else() {
        let mut lanes = Lanes::new();
        for batch in 0..LANE {
            lanes.push(1, batch).unwrap();
        }
        assert_eq!(lanes.push(1, 99), Err(99));
        assert_eq!(lanes.push(2, 0), Ok(()));
        assert_eq!(lanes.pop(), Some(0));
        assert_eq!(lanes.push(1, 8), Ok(()));
    }

    #[test]
    fn a_full_queue_refuses_everybody() {
        let mut lanes = Lanes::new();
        for key in 0..ALL {
            lanes.push(key, key).unwrap();
        }
        assert_eq!(lanes.push(ALL, ALL), Err(ALL));
        assert_eq!(lanes.pop(), Some(0));
        assert_eq!(lanes.push(ALL, ALL), Ok(()));
    }

    #[test]
    fn credits_shrink_as_more_share_the_writer() {
        let told: Vec<u32> = [0, 1, 2, 3, 4, 8, 100].into_iter().map(credits).collect();
        assert_eq!(told, [8, 8, 4, 3, 2, 1, 1]);
    }

    #[test]
    fn what_waits_is_served_after_the_queue_was_closed() {
        let queue = FairQueue::new();
        let soon = Duration::ZERO;
        assert_eq!(queue.take(soon), Taken::<u32>::Nothing);
        queue.push(1, 10).unwrap();
        queue.push(1, 11).unwrap();
        queue.close();
        assert_eq!(queue.push(1, 12), Err(NoPlace::Closed));
        assert_eq!(queue.take(soon), Taken::Next(10));
        assert_eq!(queue.take(soon), Taken::Next(11));
        assert_eq!(queue.take(soon), Taken::Closed);
    }

    #[test]
    fn whoever_waits_is_woken_by_the_next_and_by_the_end() {
        let queue = FairQueue::new();
        let taker = {
            let queue = queue.clone();
            std::thread::spawn(move || {
                let mut taken = Vec::new();
                while let Taken::Next(item) = queue.take(Duration::from_secs(3_600)) {
                    taken.push(item);
                }
                taken
            })
        };
        queue.push(1, 1).unwrap();
        queue.push(2, 2).unwrap();
        queue.close();
        assert_eq!(taker.join().unwrap(), [1, 2]);
    }
}
