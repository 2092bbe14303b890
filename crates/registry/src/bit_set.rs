//! Sets over a small closed list of items, as the bits of one number: of groups of fields, of fields.

/// Implements a set, a tuple struct over `$bits`, of items that have `ALL` in their order, `bit()` as a constant function,
/// and `name()`.
#[macro_export]
macro_rules! bit_set {
    ($set:ident($bits:ty) of $item:ident) => {
        impl $set {
            /// Every item.
            pub const ALL: Self = Self::of(&$item::ALL);

            /// The set of these items.
            pub const fn of(items: &[$item]) -> Self {
                let mut bits = 0;
                let mut rest = items;
                while let [item, tail @ ..] = rest {
                    bits |= item.bit();
                    rest = tail;
                }
                Self(bits)
            }

            /// A bit for each item, the first lowest: the form in stored formats.
            pub const fn bits(self) -> $bits {
                self.0
            }

            /// Reads [`Self::bits`]; `None` if a bit stands for no item.
            pub const fn from_bits(bits: $bits) -> Option<Self> {
                if bits & !Self::ALL.0 == 0 {
                    Some(Self(bits))
                } else {
                    None
                }
            }

            /// Whether there is no item.
            pub const fn is_empty(self) -> bool {
                self.0 == 0
            }

            /// Whether the item is in the set.
            pub const fn contains(self, item: $item) -> bool {
                self.0 & item.bit() != 0
            }

            /// Whether every item of the set is also in `other`.
            pub const fn is_subset(self, other: Self) -> bool {
                self.0 & !other.0 == 0
            }

            /// Items of both.
            #[must_use]
            pub const fn intersection(self, other: Self) -> Self {
                Self(self.0 & other.0)
            }

            /// Items of either.
            #[must_use]
            pub const fn union(self, other: Self) -> Self {
                Self(self.0 | other.0)
            }

            /// Items of the set that are not in `other`.
            #[must_use]
            pub const fn difference(self, other: Self) -> Self {
                Self(self.0 & !other.0)
            }

            /// The items, in their order.
            pub fn iter(self) -> impl Iterator<Item = $item> {
                $item::ALL
                    .into_iter()
                    .filter(move |item| self.contains(*item))
            }
        }

        impl FromIterator<$item> for $set {
            fn from_iter<I: IntoIterator<Item = $item>>(items: I) -> Self {
                Self(items.into_iter().fold(0, |bits, item| bits | item.bit()))
            }
        }

        /// The names, separated by commas.
        impl ::std::fmt::Display for $set {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                for (position, item) in self.iter().enumerate() {
                    let separator = if position == 0 { "" } else { ", " };
                    write!(f, "{separator}{}", item.name())?;
                }
                Ok(())
            }
        }

        impl ::std::fmt::Debug for $set {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                write!(f, "{}({self})", stringify!($set))
            }
        }
    };
}
