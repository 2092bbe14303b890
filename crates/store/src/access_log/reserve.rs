//! What is kept of reserved accesses (*accessi riservati*: criminal police, judicial order; d.lgs. 51/2018 art. 21 c. 3),
//! from whom and how long: one rule for listings, followers and proofs, by the entry alone.
//!
//! Whether an access is reserved, and from which instant on it is an ordinary one, stands in the decision part of its
//! entry; the agreement of then is not asked again.

use agreement::release::Seclusion;
use ledger::header::EntryKind;

use crate::access_log::{part_content::DecisionPart, reading::ReaderScope};

/// Whether an access is reserved, and until when.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reserve {
    /// It is an ordinary access, or no access.
    Ordinary,
    /// It is reserved before this Unix time in milliseconds, and ordinary from it on.
    Until(u64),
    /// It is reserved for ever.
    Forever,
}

/// What is kept from a reader of an entry that its scope would show.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Withheld {
    /// Nothing.
    Nothing,
    /// Every sealed part: the reader sees that there was an access, by its header.
    Parts,
    /// All of it: to this reader there is no such entry.
    Entry,
}

/// Whether an entry was opened to a reader: by two regional auditors together, or by its agency's supervisor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Opened {
    /// It was, and still is.
    Yes,
    /// It was not, or is no longer.
    No,
}

impl Reserve {
    /// As an entry says it. Of an access whose decision is missing or was erased nobody can say that it was ordinary, so
    /// it counts as reserved for ever.
    pub fn of(kind: EntryKind, decision: Option<&DecisionPart>) -> Self {
        match (decision, kind) {
            (Some(decision), _) => decision.reserve(),
            (None, EntryKind::Access) => Self::Forever,
            (None, _) => Self::Ordinary,
        }
    }

    /// Whether the access is reserved at this Unix time in milliseconds. Citizens, statistics and alerts outside the
    /// agency see nothing of what is.
    #[must_use]
    pub fn holds_at(self, now_ms: u64) -> bool {
        match self {
            Self::Ordinary => false,
            Self::Until(released_ms) => now_ms < released_ms,
            Self::Forever => true,
        }
    }

    /// What is kept at this Unix time in milliseconds from a reader of this scope.
    ///
    /// An opening shows everything to the regional auditors who made it. It never shows anything to a municipality, and
    /// the agency's supervisor is shown its own entries in any case, as if they were ordinary ones.
    #[must_use]
    pub fn withheld_from(self, scope: &ReaderScope, opened: Opened, now_ms: u64) -> Withheld {
        match (scope, opened) {
            (ReaderScope::Index | ReaderScope::Agency(_), _) | (ReaderScope::Region, Opened::Yes) => {
                Withheld::Nothing
            }
            _ if !self.holds_at(now_ms) => Withheld::Nothing,
            (ReaderScope::Region, Opened::No) => Withheld::Parts,
            (ReaderScope::Municipality(_), _) => Withheld::Entry,
        }
    }
}

impl DecisionPart {
    /// The same decision of an access that is reserved or not.
    #[must_use]
    pub fn secluded(self, seclusion: Seclusion) -> Self {
        let (reserved, released_ms) = match seclusion {
            Seclusion::None => (false, None),
            // An instant before 1970 is none of a release to come; the access stays reserved.
            Seclusion::Until(instant) => (true, u64::try_from(instant.timestamp_millis()).ok()),
            Seclusion::Forever => (true, None),
        };
        Self {
            reserved,
            released_ms,
            ..self
        }
    }

    /// Whether the access is reserved, and until when.
    #[must_use]
    pub fn reserve(&self) -> Reserve {
        match (self.reserved, self.released_ms) {
            (false, _) => Reserve::Ordinary,
            (true, Some(released_ms)) => Reserve::Until(released_ms),
            (true, None) => Reserve::Forever,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    const RELEASED: u64 = 1_000;

    fn scopes() -> [ReaderScope; 4] {
        [
            ReaderScope::Index,
            ReaderScope::Region,
            ReaderScope::Agency("spiffe://ponte.example/agency/questura".to_owned()),
            ReaderScope::Municipality(BTreeSet::from(["E289".to_owned()])),
        ]
    }

    /// What is withheld from index, region, agency and municipality.
    #[track_caller]
    fn check(reserve: Reserve, now_ms: u64, opened: Opened, expected: [Withheld; 4]) {
        let withheld = scopes().map(|scope| reserve.withheld_from(&scope, opened, now_ms));
        assert_eq!(withheld, expected, "{reserve:?} at {now_ms}, {opened:?}");
    }

    #[test]
    fn what_is_withheld_from_whom_before_and_after_the_release_opened_or_not() {
        use Withheld::{Entry, Nothing, Parts};
        let all = [Nothing; 4];
        for opened in [Opened::No, Opened::Yes] {
            for now in [0, RELEASED, u64::MAX] {
                check(Reserve::Ordinary, now, opened, all);
            }
            check(Reserve::Until(RELEASED), RELEASED, opened, all);
            check(Reserve::Until(RELEASED), u64::MAX, opened, all);
        }
        for (reserve, now) in [
            (Reserve::Until(RELEASED), 0),
            (Reserve::Until(RELEASED), RELEASED - 1),
            (Reserve::Forever, 0),
            (Reserve::Forever, u64::MAX),
        ] {
            check(reserve, now, Opened::No, [Nothing, Parts, Nothing, Entry]);
            check(reserve, now, Opened::Yes, [Nothing, Nothing, Nothing, Entry]);
        }
    }

    #[test]
    fn an_access_that_cannot_tell_is_reserved_for_ever_and_what_is_no_access_is_not() {
        assert_eq!(Reserve::of(EntryKind::Access, None), Reserve::Forever);
        assert_eq!(Reserve::of(EntryKind::LogRead, None), Reserve::Ordinary);
        let ordinary = DecisionPart::default();
        assert_eq!(Reserve::of(EntryKind::Access, Some(&ordinary)), Reserve::Ordinary);
    }

    #[test]
    fn a_decision_says_what_the_purpose_made_of_the_access() {
        let of = |seclusion| DecisionPart::default().secluded(seclusion).reserve();
        let instant = |ms| chrono::DateTime::from_timestamp_millis(ms).unwrap();
        assert_eq!(of(Seclusion::None), Reserve::Ordinary);
        assert_eq!(of(Seclusion::Until(instant(1_000))), Reserve::Until(RELEASED));
        assert_eq!(of(Seclusion::Until(instant(-1))), Reserve::Forever);
        assert_eq!(of(Seclusion::Forever), Reserve::Forever);
    }
}
