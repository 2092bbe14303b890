//! The whole of publication against a model: the product's own journals, machines and notes on both sides, a network
//! that loses, repeats, reorders and delays, and an index that is killed, loses power, fails in the middle of a write,
//! is restored from an earlier backup or emptied, and nodes to whom the same happens.
//!
//! What must hold, after every happening:
//! - what the index acknowledged and did not lose to a restore is in its journal, in order and once;
//! - an index that lost something acknowledged never goes on under the epoch of that acknowledgement;
//! - there are no more epochs than there were restores and acts of an administrator;
//! - a node sends nothing that the index would have to refuse as other content, unless the node itself was restored.
//!
//! And in the end, when nothing is disturbed any more: everything journalled at a node is at the index, the digests of
//! both sides are equal, and every card's history is the model's on both axes: which version was served as of each
//! recorded change, and where the person lived on which day according to each version.

mod index;
mod node;
mod people;
mod world;

use proptest::prelude::*;

use self::index::Failing;
use self::people::Edit;
use self::world::World;
use crate::test_support::world::Kind;

/// Municipalities of the region.
const MUNICIPALITIES: usize = 2;

/// One thing that happens.
#[derive(Clone, Debug)]
enum Happening {
    /// A municipality's registry changes, and its node journals it.
    Edit(usize, Vec<Edit>),
    /// A node opens a stream; the answer may be lost.
    Connect(usize, Fate),
    /// A node sends its next batch.
    Send(usize),
    /// A message reaches the index, or does not.
    Up(Fate, usize),
    /// An answer reaches its node, or does not.
    Down(Fate, usize),
    /// The index stops in good order and starts again.
    RestartIndex,
    /// The index is killed and starts again.
    KillIndex,
    /// Power fails under the index; of what was not synced, chance decides.
    CutIndex(u64),
    /// The index's next writing fails, and then power.
    FailIndex(Failing, u64),
    /// A node is killed and starts again.
    KillNode(usize),
    /// Power fails under a node.
    CutNode(usize, u64),
    /// A node's next writing fails, and then power.
    FailNode(usize, Failing, u64),
    /// Index and nodes are backed up.
    BackUp,
    /// The index is restored from one of its backups.
    RestoreIndex(usize),
    /// The index loses its journal, and perhaps its keys.
    EmptyIndex(Keys),
    /// A node is restored from its backup.
    RestoreNode(usize),
    /// Somebody shows the index an acknowledgement of before.
    ShowAgain(usize),
}

/// What the network does to a message, whichever it picks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Deliver,
    DeliverAndKeep,
    Lose,
}

/// What becomes of the keys of an index that is emptied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Keys {
    Kept,
    Lost,
}

fn any_happening() -> impl Strategy<Value = Happening> {
    let fate =
        || prop_oneof![6 => Just(Fate::Deliver), 1 => Just(Fate::DeliverAndKeep), 1 => Just(Fate::Lose)];
    let keys = || prop_oneof![3 => Just(Keys::Kept), 1 => Just(Keys::Lost)];
    let failing = || {
        prop_oneof![
            Just(Failing::WriteLost),
            (0usize..300).prop_map(Failing::WriteShort),
            Just(Failing::WriteDone),
            Just(Failing::SyncLost),
            Just(Failing::SyncDone),
        ]
    };
    let municipality = || 0..MUNICIPALITIES;
    prop_oneof![
        10 => (municipality(), proptest::collection::vec(people::any_edit(), 1..4))
            .prop_map(|(municipality, edits)| Happening::Edit(municipality, edits)),
        8 => (municipality(), fate()).prop_map(|(municipality, fate)| Happening::Connect(municipality, fate)),
        18 => municipality().prop_map(Happening::Send),
        20 => (fate(), any::<usize>()).prop_map(|(fate, which)| Happening::Up(fate, which)),
        16 => (fate(), any::<usize>()).prop_map(|(fate, which)| Happening::Down(fate, which)),
        1 => Just(Happening::RestartIndex),
        1 => Just(Happening::KillIndex),
        1 => any::<u64>().prop_map(Happening::CutIndex),
        2 => (failing(), any::<u64>()).prop_map(|(failing, seed)| Happening::FailIndex(failing, seed)),
        1 => municipality().prop_map(Happening::KillNode),
        1 => (municipality(), any::<u64>()).prop_map(|(municipality, seed)| Happening::CutNode(municipality, seed)),
        2 => (municipality(), failing(), any::<u64>())
            .prop_map(|(municipality, failing, seed)| Happening::FailNode(municipality, failing, seed)),
        3 => Just(Happening::BackUp),
        2 => any::<usize>().prop_map(Happening::RestoreIndex),
        1 => keys().prop_map(Happening::EmptyIndex),
        1 => municipality().prop_map(Happening::RestoreNode),
        2 => any::<usize>().prop_map(Happening::ShowAgain),
    ]
}

fn any_story() -> impl Strategy<Value = Vec<Happening>> {
    proptest::collection::vec(any_happening(), 1..80)
}

fn told(story: Vec<Happening>, kind: Kind) {
    let mut world = World::new(kind);
    for happening in story {
        world.happen(happening);
    }
    world.settle();
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn publication_is_what_the_model_says_whatever_happens(story in any_story()) {
        told(story, Kind::Memory);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn publication_is_what_the_model_says_on_sled(story in any_story()) {
        told(story, Kind::Sled);
    }
}
