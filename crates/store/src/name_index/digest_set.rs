//! An ordered set of digests with what they lead to, in little memory.
//!
//! A name has some thirty keys, so this is the most of what a small index holds. The entries are parted by the first
//! bits of their digest into buckets, each a sorted vector that grows by an eighth; when buckets get long, every one is
//! parted in two.

use std::hash::{DefaultHasher, Hash, Hasher};

/// Something by which a name or a card is found, cut to 32 bits: where two meet, both are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Digest(u32);

/// Entries of a bucket, on average, at which all are parted.
const LONG: usize = 96;

/// Entries for which a bucket first has room.
const FIRST_ROOM: usize = 4;

/// The set, of numbers of names or cards.
pub(super) struct DigestSet<T> {
    /// 2 to the power of `bits`, in the order of the digests.
    buckets: Vec<Vec<(Digest, T)>>,
    bits: u32,
    len: usize,
}

impl Digest {
    /// Half of a SipHash without a key: it is kept in memory and tells nothing that does not stand beside it.
    pub(super) fn of(bytes: &[u8]) -> Self {
        let mut hasher = DefaultHasher::new();
        bytes.hash(&mut hasher);
        let [low @ .., _, _, _, _] = hasher.finish().to_le_bytes();
        Self(u32::from_le_bytes(low))
    }
}

impl<T> Default for DigestSet<T> {
    fn default() -> Self {
        Self {
            buckets: vec![Vec::new()],
            bits: 0,
            len: 0,
        }
    }
}

impl<T: Copy + Ord> DigestSet<T> {
    pub(super) fn insert(&mut self, lead: Digest, led: T) {
        let at = self.place(lead);
        let Some(bucket) = self.buckets.get_mut(at) else {
            return;
        };
        let Err(at) = bucket.binary_search(&(lead, led)) else {
            return;
        };
        if bucket.len() == bucket.capacity() {
            bucket.reserve_exact(FIRST_ROOM.max(bucket.len() / 8));
        }
        bucket.insert(at, (lead, led));
        self.len += 1;
        if LONG << self.bits < self.len && self.bits < u32::BITS {
            self.part();
        }
    }

    pub(super) fn remove(&mut self, lead: Digest, led: T) {
        let at = self.place(lead);
        let Some(bucket) = self.buckets.get_mut(at) else {
            return;
        };
        if let Ok(at) = bucket.binary_search(&(lead, led)) {
            bucket.remove(at);
            self.len -= 1;
        }
    }

    /// What a digest leads to, in its order.
    pub(super) fn led_to(&self, lead: Digest) -> impl Iterator<Item = T> {
        let bucket = self.buckets.get(self.place(lead)).map_or(&[][..], Vec::as_slice);
        let from = bucket.partition_point(|(held, _)| *held < lead);
        let rest = bucket.get(from..).unwrap_or_default().iter();
        rest.take_while(move |(held, _)| *held == lead)
            .map(|(_, led)| *led)
    }

    /// How many entries there are.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    #[cfg(test)]
    pub(super) fn iter(&self) -> impl Iterator<Item = (Digest, T)> {
        self.buckets.iter().flatten().copied()
    }

    fn place(&self, lead: Digest) -> usize {
        // No shift by all 32 bits.
        let first_bits = lead.0.checked_shr(u32::BITS - self.bits);
        first_bits.unwrap_or_default() as usize
    }

    /// Parts every bucket in two, one after the other, so that no more than one is there twice.
    fn part(&mut self) {
        self.bits += 1;
        let bits = self.bits;
        let mut parted = Vec::with_capacity(2 * self.buckets.len());
        for mut bucket in std::mem::take(&mut self.buckets) {
            let bit = 1 << (u32::BITS - bits);
            let from = bucket.partition_point(|(lead, _)| lead.0 & bit == 0);
            let second: Vec<_> = bucket.drain(from..).collect();
            bucket.shrink_to_fit();
            parted.push(bucket);
            parted.push(second);
        }
        self.buckets = parted;
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Few digests, so that some are of several names, and enough entries for buckets to be parted several times.
        #[test]
        fn the_set_is_what_an_ordered_set_is(
            changes in proptest::collection::vec((any::<bool>(), 0..400_u32, 1..8_usize), 0..3_000),
        ) {
            let mut set = DigestSet::default();
            let mut expected = BTreeSet::new();
            for (added, number, name) in changes {
                let (lead, name) = (Digest(number.wrapping_mul(0x9e37_79b9)), name);
                if added {
                    set.insert(lead, name);
                    expected.insert((lead, name));
                } else {
                    set.remove(lead, name);
                    expected.remove(&(lead, name));
                }
            }
            prop_assert_eq!(set.len, expected.len());
            prop_assert!(set.iter().eq(expected.iter().copied()));
            for number in 0..401_u32 {
                let lead = Digest(number.wrapping_mul(0x9e37_79b9));
                let of_it = expected.iter().filter(|(held, _)| *held == lead).map(|(_, name)| *name);
                prop_assert!(set.led_to(lead).eq(of_it));
            }
        }
    }

    #[test]
    fn a_set_that_grows_is_parted() {
        let mut set = DigestSet::default();
        for number in 0..10_000_u32 {
            set.insert(Digest(number.wrapping_mul(0x9e37_79b9)), number);
        }
        assert!(64 <= set.buckets.len(), "{}", set.buckets.len());
        assert_eq!(set.iter().count(), 10_000);
    }
}
