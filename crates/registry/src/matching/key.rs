//! Blocking keys: what an index holds of a name, so that no card within the tolerance is missed.
//!
//! A card is held under all keys of its names ([`blocking_keys`]). A question is one or two [`Way`]s (as asked, and with
//! surname and given name swapped); a way is some groups of keys, one for each name asked for. **Every card that
//! [`score`](super::score) admits has a key in each group of one of the ways.** The reverse does not hold: candidates are
//! scored afterwards.
//!
//! One slip is found without listing what could stand in the place of a letter: a word is held as it is and with each one
//! letter left out, and so it is asked for. Two words one slip apart always share one of these. Only the first
//! [`SLIP_LETTERS`] letters count, which bounds the number of keys: a slip behind them leaves them as they are.
//!
//! Keys say what a name is. An index makes tokens of their bytes ([`BlockingKey::to_bytes`]) under a secret key.

use std::collections::BTreeSet;
use std::fmt;

use super::compare::{MIN_STEM_LETTERS, is_long};
use super::name::{Name, Role, Word};
use super::query::NameQuery;
use super::score::NameField;
use crate::record::Generalities;

/// Version of the keys: of what is made of a name, of [`PHONETIC_VERSION`](super::PHONETIC_VERSION) and of
/// [`ROMANISATION_VERSION`](super::ROMANISATION_VERSION). Part of every key, so that an index of another version finds
/// nothing instead of too little.
pub const KEY_VERSION: u8 = 1;

/// Letters at the beginning of a word that count for slips.
pub const SLIP_LETTERS: usize = 8;

/// Lengths of beginnings held of each word and of the whole name.
pub const PREFIX_LENGTHS: [usize; 4] = [2, 3, 4, 6];

/// Something by which a card is found: a property of a word of one of its names.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BlockingKey {
    /// The name it is of.
    pub field: NameField,
    /// The property.
    pub kind: KeyKind,
    text: String,
}

/// What a key says of a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum KeyKind {
    /// Its letters.
    Exact,
    /// How an Italian hears it.
    Phonetic,
    /// What all spellings of a foreign name have in common.
    Romanised,
    /// Its first letters.
    Prefix,
    /// Its first [`SLIP_LETTERS`] letters, whole or with one left out.
    Slip,
}

/// One way to the cards that answer a question: those that have a key in every group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Way {
    /// For each name asked for, the keys of which a card has at least one.
    pub groups: Vec<BTreeSet<BlockingKey>>,
}

impl BlockingKey {
    /// The bytes of the key: version, field, kind, letters in UTF-8.
    pub fn to_bytes(&self) -> Vec<u8> {
        let field = match self.field {
            NameField::Surname => 1,
            NameField::GivenName => 2,
        };
        let kind = match self.kind {
            KeyKind::Exact => 1,
            KeyKind::Phonetic => 2,
            KeyKind::Romanised => 3,
            KeyKind::Prefix => 4,
            KeyKind::Slip => 5,
        };
        let mut bytes = vec![KEY_VERSION, field, kind];
        bytes.extend_from_slice(self.text.as_bytes());
        bytes
    }
}

/// Personal: debugging output does not carry the letters.
impl fmt::Debug for BlockingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BlockingKey({:?} {:?})", self.field, self.kind)
    }
}

/// Every key under which an index holds a card with these names.
pub fn blocking_keys(generalities: &Generalities) -> BTreeSet<BlockingKey> {
    let mut keys = BTreeSet::new();
    for field in NameField::ALL {
        if let Some(name) = field.of(generalities) {
            keys.extend(name_keys(field, name.as_str()));
        }
    }
    keys
}

/// Those of one name: all cards that bear it are held under them.
pub fn name_keys(field: NameField, name: &str) -> BTreeSet<BlockingKey> {
    let mut keys = BTreeSet::new();
    for word in findable(&Name::parse(name)) {
        let mut keys = Keys {
            field,
            keys: &mut keys,
        };
        keys.add_likenesses(word);
        keys.add_beginnings(word);
    }
    keys
}

/// The ways to the cards that answer a question about names.
pub fn query_keys(query: &NameQuery) -> Vec<Way> {
    let way = |place: fn(NameField) -> NameField| {
        let mut groups = Vec::with_capacity(2);
        for field in query.fields() {
            let mut keys = BTreeSet::new();
            if let Some(name) = query.part(field) {
                for word in findable(name) {
                    let field = place(field);
                    let mut keys = Keys {
                        field,
                        keys: &mut keys,
                    };
                    keys.ask(word);
                }
            }
            groups.push(keys);
        }
        Way { groups }
    };
    let mut ways = vec![way(|field| field)];
    if query.fields().count() == 2 {
        ways.push(way(NameField::swapped));
    }
    ways
}

/// The words that lead to a name: the significant ones, and the whole.
fn findable(name: &Name) -> impl Iterator<Item = &Word> {
    let words = name.words.iter().filter(|word| word.role == Role::Significant);
    words.chain(name.joined.as_ref())
}

/// Keys of one name.
struct Keys<'a> {
    field: NameField,
    keys: &'a mut BTreeSet<BlockingKey>,
}

impl Keys<'_> {
    fn add(&mut self, kind: KeyKind, text: String) {
        let field = self.field;
        self.keys.insert(BlockingKey { field, kind, text });
    }

    /// What a word of a question has in common with a word that it finds.
    fn ask(&mut self, word: &Word) {
        let Some(pattern) = &word.pattern else {
            self.add_likenesses(word);
            return;
        };
        for stem in pattern.stems() {
            let length = stem.chars().count();
            if MIN_STEM_LETTERS <= length {
                let held = PREFIX_LENGTHS.into_iter().rev().find(|held| *held <= length);
                self.add(
                    KeyKind::Prefix,
                    first_letters(stem, held.unwrap_or(length)).to_owned(),
                );
            }
        }
    }

    /// What words have in common that are equal, sound alike or are one slip apart.
    fn add_likenesses(&mut self, word: &Word) {
        for reading in &word.readings {
            self.add(KeyKind::Exact, reading.clone());
            if is_long(reading) {
                self.add_slips(first_letters(reading, SLIP_LETTERS));
            }
        }
        let sounds = word.sounds();
        for key in &sounds.phonetic {
            self.add(KeyKind::Phonetic, key.clone());
        }
        for key in &sounds.romanised {
            self.add(KeyKind::Romanised, key.clone());
        }
    }

    /// The letters, and the letters without each one.
    fn add_slips(&mut self, letters: &str) {
        self.add(KeyKind::Slip, letters.to_owned());
        for (at, letter) in letters.char_indices() {
            let (before, from) = letters.split_at(at);
            let after = from.get(letter.len_utf8()..).unwrap_or_default();
            self.add(KeyKind::Slip, format!("{before}{after}"));
        }
    }

    fn add_beginnings(&mut self, word: &Word) {
        for reading in &word.readings {
            let length = reading.chars().count();
            for held in PREFIX_LENGTHS.into_iter().filter(|held| *held <= length) {
                self.add(KeyKind::Prefix, first_letters(reading, held).to_owned());
            }
        }
    }
}

fn first_letters(text: &str, count: usize) -> &str {
    let end = text.char_indices().nth(count).map_or(text.len(), |(end, _)| end);
    text.get(..end).unwrap_or(text)
}
