//! A node and an index that apply the same profiles, heard of sooner or later, hold the same cards.

use std::collections::BTreeMap;

use proptest::prelude::*;
use registry::canonical;
use registry::change::ChangeBody;
use registry::digest::SetDigest;
use registry::identifier::LocalId;
use registry::publication::{Accepted, Batch, Epoch};
use registry::record::{Parent, ParentRole, PersonName, Record, Register};

use super::*;
use crate::files::faulty::FaultyFiles;
use crate::keys::encryption_key::KeyEncryptionKey;
use crate::keys::ring::KeyRing;
use crate::municipal::{ChangeDraft, MirrorEngine, MunicipalStore};
use crate::segment::Settings;
use crate::segment::preparation::Preparation;
use crate::test_support::CountingEntropy;
use crate::test_support::people::{IMOLA, giulia, istat, mario, municipality, with};

const EPOCH: Epoch = Epoch([4; 16]);
const PARENTS: GroupSet = GroupSet::of(&[FieldGroup::Parents]);

#[derive(Default)]
struct Bench {
    journal: FaultyFiles,
    keys: FaultyFiles,
}

impl Bench {
    fn open(&self) -> MunicipalStore {
        self.try_open().unwrap()
    }

    fn try_open(&self) -> Result<MunicipalStore, MunicipalError> {
        self.open_over(MirrorEngine::Memory)
    }

    fn open_over(&self, engine: MirrorEngine<'_>) -> Result<MunicipalStore, MunicipalError> {
        let key = KeyEncryptionKey::from_bytes(&[5; 32]);
        let entropy = Arc::new(CountingEntropy::default());
        let ring = KeyRing::open(Arc::new(self.keys.clone()), key, entropy).unwrap();
        let settings = Settings {
            segment_bytes: 64 << 10,
            preparation: Preparation::Inline,
        };
        let files = Arc::new(self.journal.clone());
        MunicipalStore::open(files, &ring, settings, engine, municipality(IMOLA))
    }
}

/// The index as the protocol knows it: the cards that it received, within the profile.
struct Index {
    profile: Profile,
    cards: BTreeMap<LocalId, Record>,
    watermark: u64,
    batches: Vec<Accepted>,
}

impl Index {
    fn new(groups: GroupSet) -> Self {
        Self {
            profile: Profile::first(groups),
            cards: BTreeMap::new(),
            watermark: 0,
            batches: Vec::new(),
        }
    }

    fn publish_only(&mut self, groups: GroupSet) {
        if groups == self.profile.groups() {
            return;
        }
        self.profile = self.profile.followed_by(groups);
        let cards = std::mem::take(&mut self.cards).into_iter();
        self.cards = cards
            .filter_map(|(local_id, card)| Some((local_id, groups.applied(card)?)))
            .collect();
    }

    /// A node opens its stream, learns the profile, and sends what it has.
    fn receive(&mut self, node: &mut MunicipalStore, own: GroupSet) {
        node.adopt_profile(self.profile).unwrap();
        let changes = node.changes_from(self.watermark + 1, 1_000).unwrap();
        if changes.is_empty() {
            return;
        }
        assert!(
            changes
                .iter()
                .all(|change| self.profile.groups().intersection(own).covers_change(change)),
            "nothing outside travels"
        );
        let batch = Batch::new(istat(IMOLA), EPOCH, self.watermark + 1, changes, 0).unwrap();
        self.batches.push(Accepted {
            first_sequence: batch.first_sequence(),
            last_sequence: batch.last_sequence(),
            content: batch.content_id(),
        });
        self.watermark = batch.last_sequence();
        for change in batch.within(self.profile.groups()).changes() {
            match &change.body {
                ChangeBody::Upsert(card) => self.cards.insert(change.local_id.clone(), card.as_ref().clone()),
                ChangeBody::Remove => self.cards.remove(&change.local_id),
            };
        }
    }

    fn digest(&self) -> SetDigest {
        let mut digest = SetDigest::new();
        for (local_id, card) in &self.cards {
            digest.add(local_id, &canonical::encode(card));
        }
        digest
    }
}

fn full(card: Record) -> Record {
    with(card, |card| {
        card.parents.push(Parent {
            role: ParentRole::Mother,
            surname: PersonName::parse("Neri").ok(),
            given_name: None,
            tax_code: None,
        });
    })
}

fn card(like: u8) -> Record {
    match like {
        0 => mario(),
        1 => full(mario()),
        2 => with(full(mario()), |card| card.register = Register::Aire),
        3 => full(giulia()),
        _ => with(giulia(), |card| card.register = Register::Aire),
    }
}

fn draft(card: Record) -> ChangeDraft {
    ChangeDraft {
        local_id: card.local_id.clone(),
        body: ChangeBody::Upsert(Box::new(card)),
        events: Vec::new(),
    }
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Journal(u8),
    Agree(GroupSet),
    Admit(GroupSet),
    Publish,
    Restart,
}

fn any_step() -> impl Strategy<Value = Step> {
    let groups = || (0..=GroupSet::ALL.bits()).prop_filter_map("a profile", GroupSet::from_bits);
    prop_oneof![
        4 => (0u8..5).prop_map(Step::Journal),
        2 => groups().prop_map(Step::Agree),
        1 => groups().prop_map(Step::Admit),
        3 => Just(Step::Publish),
        1 => Just(Step::Restart),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn both_sides_are_equal_whenever_everything_is_sent(
        first in (0..=GroupSet::ALL.bits()).prop_filter_map("a profile", GroupSet::from_bits),
        steps in proptest::collection::vec(any_step(), 1..30),
    ) {
        let bench = Bench::default();
        let (mut node, mut index) = (bench.open(), Index::new(first));
        let mut own = GroupSet::ALL;
        for step in steps.into_iter().chain([Step::Publish, Step::Restart, Step::Publish]) {
            match step {
                Step::Journal(like) => node.append(vec![draft(card(like))]).unwrap(),
                Step::Agree(groups) => index.publish_only(groups),
                Step::Admit(groups) => {
                    own = groups;
                    node.admit_groups(groups).unwrap();
                }
                Step::Publish => {
                    index.receive(&mut node, own);
                    prop_assert_eq!(node.digest().root(), index.digest().root());
                    prop_assert_eq!(node.cards(), index.cards.len() as u64);
                    let groups = node.profile().effective().unwrap();
                    let mut within = true;
                    node.every_card(&mut |card| within &= GroupSet::of_card(&card).is_subset(groups)).unwrap();
                    prop_assert!(within, "nothing outside is in the mirror");
                    for batch in &index.batches {
                        prop_assert!(node.sent(batch, istat(IMOLA), EPOCH).unwrap());
                    }
                }
                Step::Restart => {
                    drop(node);
                    node = bench.open();
                }
            }
        }
    }
}

#[test]
fn nothing_is_left_out_before_the_index_has_spoken_and_nothing_outside_is_sent_after() {
    let bench = Bench::default();
    let mut node = bench.open();
    node.append(vec![draft(full(mario()))]).unwrap();
    assert_eq!(node.profile().effective(), None);
    assert_eq!(node.groups(), GroupSet::ALL);
    assert!(node.adopt_profile(Profile::first(GroupSet::NONE)).unwrap());
    let changes = node.changes_from(1, 10).unwrap();
    assert!(changes.iter().all(|change| GroupSet::NONE.covers_change(change)));
    assert_eq!(
        node.card(&mario().local_id).unwrap(),
        GroupSet::NONE.applied(full(mario()))
    );
    assert_eq!(node.profile().awaited, GroupSet::NONE);
}

#[test]
fn a_group_that_comes_in_is_awaited_until_a_total_export_has_brought_it() {
    let bench = Bench::default();
    let mut node = bench.open();
    let none = Profile::first(GroupSet::NONE);
    node.adopt_profile(none).unwrap();
    let wider = none.followed_by(PARENTS);
    node.adopt_profile(wider).unwrap();
    assert_eq!(node.profile().awaited, GroupSet::NONE, "there are no cards yet");
    node.append(vec![draft(full(mario()))]).unwrap();
    let all = wider.followed_by(GroupSet::ALL);
    node.adopt_profile(all).unwrap();
    let others = GroupSet::ALL.difference(PARENTS);
    assert_eq!(node.profile().awaited, others);
    // What left and came back while nobody heard of it is awaited as well.
    node.adopt_profile(all.followed_by(others).followed_by(GroupSet::ALL))
        .unwrap();
    assert_eq!(node.profile().awaited, GroupSet::ALL);
    drop(node);
    let mut node = bench.open();
    assert_eq!(node.profile().awaited, GroupSet::ALL);
    assert_eq!(
        node.card(&mario().local_id).unwrap(),
        GroupSet::NONE.applied(full(mario()))
    );
    node.note_groups_brought().unwrap();
    assert_eq!(node.profile().awaited, GroupSet::NONE);
}

#[test]
fn an_index_that_counts_from_the_beginning_again_takes_nothing_along() {
    let bench = Bench::default();
    let mut node = bench.open();
    node.append(vec![draft(full(mario()))]).unwrap();
    let third = Profile::first(PARENTS)
        .followed_by(GroupSet::NONE)
        .followed_by(GroupSet::ALL);
    node.adopt_profile(third).unwrap();
    assert!(!node.adopt_profile(Profile::first(GroupSet::ALL)).unwrap());
    assert_eq!(node.card(&mario().local_id).unwrap(), Some(full(mario())));
}

#[test]
fn a_mirror_that_may_hold_what_left_is_made_again() {
    let (bench, directory) = (Bench::default(), tempfile::tempdir().unwrap());
    let open = || {
        let engine = MirrorEngine::Sled {
            directory: directory.path(),
            cache_bytes: 4 << 20,
        };
        bench.open_over(engine).unwrap()
    };
    let mut node = open();
    node.append(vec![draft(full(mario()))]).unwrap();
    node.sync().unwrap();
    drop(node);
    let mut profile = NodeProfile::open(Arc::new(bench.journal.clone())).unwrap();
    // As after a stop between the note and the mirror.
    let adopted = profile.adopt(Profile::first(GroupSet::NONE), 1).unwrap();
    assert_eq!(adopted, Adopted::Outside(GroupSet::NONE));
    for _ in 0..2 {
        let node = open();
        let card = node.card(&mario().local_id).unwrap();
        assert_eq!(card, GroupSet::NONE.applied(full(mario())));
        let noted = NodeProfile::open(Arc::new(bench.journal.clone())).unwrap();
        assert!(noted.is_mirrored());
    }
}

/// The file as version 1 has it: it must be read for ever.
#[test]
fn version_1_still_reads_and_is_what_is_written() {
    let bench = Bench::default();
    let text = concat!(
        r#"{"version":1,"told":{"number":4,"groups":["civil_status","parents"]},"own":["parents","aire"],"#,
        r#""awaited":["parents"],"narrowings":[{"through":7,"groups":["parents"],"by":"agreed"},"#,
        r#"{"through":9,"groups":[],"by":"own"}],"mirrored":true}"#
    );
    replace(&bench.journal, FILE, text.as_bytes()).unwrap();
    let mut profile = NodeProfile::open(Arc::new(bench.journal.clone())).unwrap();
    assert_eq!(
        profile.status(),
        ProfileStatus {
            agreed: Some(GroupSet::of(&[FieldGroup::CivilStatus, FieldGroup::Parents])),
            number: Some(4),
            own: GroupSet::of(&[FieldGroup::Parents, FieldGroup::Aire]),
            awaited: PARENTS,
        }
    );
    assert_eq!(profile.narrowings(), 2);
    profile.write().unwrap();
    assert_eq!(
        read_whole(&bench.journal, FILE).unwrap().unwrap(),
        text.as_bytes()
    );
    profile.mirrored = false;
    profile.note_mirrored().unwrap();
    assert_eq!(
        read_whole(&bench.journal, FILE).unwrap().unwrap(),
        text.as_bytes()
    );
}

#[test]
fn damaged_notes_open_no_store() {
    for text in [
        "",
        "{}",
        r#"{"version":2,"told":null,"own":null,"awaited":[],"narrowings":[],"mirrored":true}"#,
        r#"{"version":1,"told":null,"own":["everything"],"awaited":[],"narrowings":[],"mirrored":true}"#,
    ] {
        let bench = Bench::default();
        replace(&bench.journal, FILE, text.as_bytes()).unwrap();
        assert!(
            matches!(bench.try_open(), Err(MunicipalError::ProfileDamaged)),
            "{text}"
        );
    }
}
