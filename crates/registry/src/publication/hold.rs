//! Changes that the index does not serve before a registrar has confirmed them.
//!
//! A node is not trusted with everything: a stolen or broken one could declare a town dead. What goes beyond the
//! usual measure of a day, and what would open or bury the data of a person, waits, and the card is served as it was.

use std::collections::VecDeque;

use crate::change::ChangeBody;
use crate::record::Record;

/// Why a change waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum HoldReason {
    /// More deaths, cancellations and withdrawals than a day admits.
    Departures,
    /// More changes of codice fiscale or national id than a day admits.
    Identifiers,
    /// More registrations of persons who are registered in another municipality than a day admits.
    Arrivals,
    /// The protection of a person's whereabouts would end or become shorter.
    ProtectionEnded,
    /// The person's identity would be sealed, or no longer be.
    IdentitySealed,
}

/// A kind of change of which a day admits only so many.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Limited {
    /// Deaths, cancellations, withdrawals of cards that were open; deaths of persons whom another card has alive.
    Departures,
    /// Changes of codice fiscale or national id.
    Identifiers,
    /// Registrations of persons who are registered in another municipality.
    Arrivals,
}

/// How many changes of one kind a municipality may have served in 24 hours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allowance {
    /// So many in any case.
    pub at_least: u32,
    /// And so many for each thousand cards.
    pub per_mille: u32,
}

/// The allowances of a municipality.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DailyLimits {
    /// Deaths, cancellations, withdrawals.
    pub departures: Allowance,
    /// Changes of codice fiscale or national id.
    pub identifiers: Allowance,
    /// Registrations of persons registered elsewhere.
    pub arrivals: Allowance,
}

/// The kinds that one change belongs to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LimitedKinds(u8);

/// What other cards say of the person of a card.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Others {
    /// Another municipality has the person registered whom the card claims by something that an open version of it
    /// did not say before.
    pub registered: bool,
    /// Another card, of whatever municipality, has the person alive and registered.
    pub alive: bool,
}

/// What a municipality sent and had served in the last 24 hours.
#[derive(Clone, Debug, Default)]
pub struct RollingDay {
    /// When it sent anything for the first time, Unix milliseconds.
    began_ms: Option<u64>,
    received: VecDeque<(u64, u64)>,
    changes: u64,
    served: VecDeque<(u64, LimitedKinds)>,
    counts: [u32; 3],
}

/// 24 hours.
const DAY_MS: u64 = 24 * 60 * 60 * 1000;

impl HoldReason {
    /// Every reason, by number.
    pub const ALL: [Self; 5] = [
        Self::Departures,
        Self::Identifiers,
        Self::Arrivals,
        Self::ProtectionEnded,
        Self::IdentitySealed,
    ];

    /// Number in stored bytes; never reused.
    pub const fn number(self) -> u8 {
        match self {
            Self::Departures => 1,
            Self::Identifiers => 2,
            Self::Arrivals => 3,
            Self::ProtectionEnded => 4,
            Self::IdentitySealed => 5,
        }
    }

    /// The reason of a number.
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.number() == number)
    }

    /// Code for machines.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Departures => "DEPARTURES",
            Self::Identifiers => "IDENTIFIERS",
            Self::Arrivals => "ARRIVALS",
            Self::ProtectionEnded => "PROTECTION_ENDED",
            Self::IdentitySealed => "IDENTITY_SEALED",
        }
    }

    /// The reason of a code.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.code() == code)
    }

    /// What it means, in Italian.
    pub const fn italian(self) -> &'static str {
        match self {
            Self::Departures => "decessi, cancellazioni e ritiri oltre il limite giornaliero",
            Self::Identifiers => "variazioni di codice fiscale o idANPR oltre il limite giornaliero",
            Self::Arrivals => "iscrizioni di residenti altrove oltre il limite giornaliero",
            Self::ProtectionEnded => "fine o riduzione della protezione del soggetto",
            Self::IdentitySealed => "identità da segregare o non più segregata",
        }
    }

    /// What it means, in English.
    pub const fn english(self) -> &'static str {
        match self {
            Self::Departures => "more deaths, cancellations and withdrawals than a day admits",
            Self::Identifiers => "more changes of codice fiscale or idANPR than a day admits",
            Self::Arrivals => "more registrations of residents of other municipalities than a day admits",
            Self::ProtectionEnded => "the protection of the person would end or become shorter",
            Self::IdentitySealed => "the identity would be sealed, or no longer be",
        }
    }
}

impl Limited {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::Departures, Self::Identifiers, Self::Arrivals];

    const fn place(self) -> usize {
        match self {
            Self::Departures => 0,
            Self::Identifiers => 1,
            Self::Arrivals => 2,
        }
    }

    /// Why the excess waits.
    pub const fn reason(self) -> HoldReason {
        match self {
            Self::Departures => HoldReason::Departures,
            Self::Identifiers => HoldReason::Identifiers,
            Self::Arrivals => HoldReason::Arrivals,
        }
    }
}

impl Allowance {
    /// How many of a municipality with so many cards.
    pub fn of(self, cards: u64) -> u64 {
        let share = cards.saturating_mul(u64::from(self.per_mille)) / 1_000;
        share.max(u64::from(self.at_least))
    }
}

/// Ten times what a usual day brings: some 12 deaths and 40 moves in 100,000 residents on a working day.
impl Default for DailyLimits {
    fn default() -> Self {
        let per_mille = |per_mille| Allowance {
            at_least: 25,
            per_mille,
        };
        Self {
            departures: per_mille(4),
            identifiers: per_mille(2),
            arrivals: per_mille(2),
        }
    }
}

impl DailyLimits {
    /// The allowance of a kind.
    pub fn allowance(&self, kind: Limited) -> Allowance {
        match kind {
            Limited::Departures => self.departures,
            Limited::Identifiers => self.identifiers,
            Limited::Arrivals => self.arrivals,
        }
    }
}

impl LimitedKinds {
    /// None.
    pub const NONE: Self = Self(0);

    /// To which kinds a change belongs. `previous` is the card as it is served, `others` what other cards say of its
    /// person today.
    pub fn of(previous: Option<&Record>, next: &ChangeBody, others: Others) -> Self {
        let Others { registered, alive } = others;
        let was_open = previous.is_some_and(Record::is_open);
        let next = match next {
            ChangeBody::Upsert(card) => Some(card.as_ref()),
            ChangeBody::Remove => None,
        };
        let now_open = next.is_some_and(Record::is_open);
        let mut kinds = Self::NONE;
        let declared_dead =
            next.is_some_and(Record::is_of_deceased) && !previous.is_some_and(Record::is_of_deceased);
        if was_open && !now_open || declared_dead && alive {
            kinds.insert(Limited::Departures);
        }
        if let (Some(previous), Some(next)) = (previous, next)
            && (previous.national_id != next.national_id
                || previous.current_tax_code() != next.current_tax_code())
        {
            // An identifier where there was none is the usual end of a registration.
            let lost = |was: bool, is_same: bool| was && !is_same;
            let id = lost(
                previous.national_id.is_some(),
                previous.national_id == next.national_id,
            );
            let code = lost(
                previous.current_tax_code().is_some(),
                previous.current_tax_code() == next.current_tax_code(),
            );
            if id || code {
                kinds.insert(Limited::Identifiers);
            }
        }
        if now_open && registered {
            kinds.insert(Limited::Arrivals);
        }
        kinds
    }

    /// From its stored byte.
    pub fn from_byte(byte: u8) -> Option<Self> {
        (byte < 8).then_some(Self(byte))
    }

    /// The stored byte.
    pub const fn byte(self) -> u8 {
        self.0
    }

    /// Whether it is none.
    pub const fn is_none(self) -> bool {
        self.0 == 0
    }

    /// The first of them.
    pub fn first(self) -> Option<Limited> {
        Limited::ALL.into_iter().find(|kind| self.contains(*kind))
    }

    /// Whether a kind is among them.
    pub const fn contains(self, kind: Limited) -> bool {
        self.0 & (1 << kind.place()) != 0
    }

    fn insert(&mut self, kind: Limited) {
        self.0 |= 1 << kind.place();
    }
}

impl RollingDay {
    /// Notes that so many changes were received at `now_ms`, Unix milliseconds. Times do not go back.
    pub fn receive(&mut self, changes: u64, now_ms: u64) {
        self.began_ms.get_or_insert(now_ms);
        self.received.push_back((now_ms, changes));
        self.changes = self.changes.saturating_add(changes);
    }

    /// Of how many cards the limits are shares, where the municipality has `cards` now: as many as it had a day ago at
    /// least, so that cards made up for the purpose raise no limit; on its first day all.
    pub fn base(&mut self, cards: u64, now_ms: u64) -> u64 {
        self.forget(now_ms);
        match self.began_ms {
            Some(began) if began.saturating_add(DAY_MS) <= now_ms => cards.saturating_sub(self.changes),
            Some(_) | None => cards,
        }
    }

    /// Notes that a change was served at `now_ms`, Unix milliseconds. Times do not go back.
    pub fn note(&mut self, kinds: LimitedKinds, now_ms: u64) {
        if kinds.is_none() {
            return;
        }
        self.served.push_back((now_ms, kinds));
        for kind in Limited::ALL {
            self.counts[kind.place()] += u32::from(kinds.contains(kind));
        }
    }

    /// The first kind of which one more change, at `now_ms`, would be too many; `cards` is how many the
    /// municipality has.
    pub fn exceeded_by(
        &mut self,
        kinds: LimitedKinds,
        limits: &DailyLimits,
        cards: u64,
        now_ms: u64,
    ) -> Option<Limited> {
        self.forget(now_ms);
        Limited::ALL.into_iter().find(|kind| {
            kinds.contains(*kind) && limits.allowance(*kind).of(cards) <= u64::from(self.counts[kind.place()])
        })
    }

    fn forget(&mut self, now_ms: u64) {
        while let Some((_, changes)) = self
            .received
            .pop_front_if(|(at, _)| at.saturating_add(DAY_MS) <= now_ms)
        {
            self.changes = self.changes.saturating_sub(changes);
        }
        while let Some((_, kinds)) = self
            .served
            .pop_front_if(|(at, _)| at.saturating_add(DAY_MS) <= now_ms)
        {
            for kind in Limited::ALL {
                let count = &mut self.counts[kind.place()];
                *count = count.saturating_sub(u32::from(kinds.contains(kind)));
            }
        }
    }
}

#[cfg(test)]
mod tests;
