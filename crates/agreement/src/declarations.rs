//! The rule of three: how many different declarations of one kind are compared about one set of identifiers.
//!
//! Whoever may try one house number after the other learns the true one. So under one agreement at most
//! [`MAX_DIFFERENT`] different declarations of a kind about one set of identifiers are compared in [`WINDOW_DAYS`] days.
//! A declaration counts before anything is looked up, whether or not there is such a person; the same one again is not
//! counted. A reference date in the past is part of the declaration: else one that never changes would find the day on
//! which something ended. The municipality to which a question is limited counts as a declaration of residence there:
//! else one that is true of everybody would find out where somebody lives. Of identifiers and declarations only keyed
//! hashes are kept.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;
use std::iter;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};

use registry::hex;

use crate::claim::Claim;
use crate::context::{AccessContext, AgreementId};
use crate::moment::Moment;
use crate::request::Request;
use crate::service::VerificationKind;

/// Different declarations of one kind about one set of identifiers that are compared within the window.
pub const MAX_DIFFERENT: usize = 3;
/// Days for which a declaration counts, from the instant at which it was first made.
pub const WINDOW_DAYS: u32 = 30;

/// One declaration about one set of identifiers under one agreement, as hashes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Attempt {
    about: [u8; 16],
    claim: [u8; 16],
}

/// A text is not an [`Attempt`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not two hashes of 16 bytes")]
pub struct AttemptError;

/// Whether one more declaration may be compared. An input of the decision.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DeclarationUse {
    /// It may: it is no declaration, one that was made before, or among the first.
    #[default]
    Open,
    /// It may not: as many others were compared as may be.
    UsedUp {
        /// When so many of them no longer count that it may.
        resets_at: DateTime<Utc>,
    },
}

/// How many more different declarations of a kind about one set of identifiers would be compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Remainder {
    /// How many, 0 to [`MAX_DIFFERENT`].
    pub declarations: usize,
    /// When there is one more; `None` where none was made.
    pub resets_at: Option<DateTime<Utc>>,
}

/// A declaration that was entered in the log before a restart.
#[derive(Clone, Copy, Debug)]
pub struct DeclarationEvent {
    /// Which.
    pub attempt: Attempt,
    /// When.
    pub moment: Moment,
}

/// What was declared about whom, for as long as it counts. Pure accounting: whoever owns it also owns clock and key.
#[derive(Debug, Default)]
pub struct DeclarationCounters {
    declarations: HashMap<[u8; 16], Vec<Declaration>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Declaration {
    claim: [u8; 16],
    first_made: DateTime<Utc>,
}

impl Attempt {
    /// What a call declares; several where it is limited to a municipality. `identifiers` are name and value of each, as
    /// normalised; their order says nothing. `hash` is a keyed one: whoever lacks the key must not be able to try values.
    pub fn all_of(
        request: &Request,
        identifiers: &[(String, String)],
        claim: &Claim,
        today: NaiveDate,
        hash: impl Fn(&[u8]) -> [u8; 16],
    ) -> Vec<Self> {
        let Request {
            context:
                AccessContext {
                    agreement,
                    reference_date,
                    known_on,
                    ..
                },
            municipality,
            asked: _,
            declared: _,
            batch: _,
        } = request;
        let attempt = |claim: &Claim| {
            let mut declared = claim.normal_form();
            if let Some(day) = reference_date.filter(|day| *day < today) {
                put(&mut declared, &day.to_string());
            }
            if let Some(instant) = known_on {
                put(&mut declared, &instant.timestamp_millis().to_string());
            }
            Self {
                about: hash(&about(agreement, identifiers, claim.kind())),
                claim: hash(&declared),
            }
        };
        let resident = municipality.map(|limit| attempt(&Claim::MunicipalResidence(limit)));
        iter::once(attempt(claim)).chain(resident).collect()
    }

    /// Reads what [`Self::to_string`] writes: 64 hexadecimal digits.
    pub fn parse(text: &str) -> Result<Self, AttemptError> {
        let bytes = hex::decode::<32>(text).ok_or(AttemptError)?;
        let (about, claim) = bytes.split_at(16);
        Ok(Self {
            about: about.try_into().map_err(|_| AttemptError)?,
            claim: claim.try_into().map_err(|_| AttemptError)?,
        })
    }
}

impl fmt::Display for Attempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", hex::Hex(&self.about), hex::Hex(&self.claim))
    }
}

/// A hash leads to nobody without its key, and is kept out all the same.
impl fmt::Debug for Attempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Attempt(..)")
    }
}

impl DeclarationCounters {
    /// Whether what a call declares may be compared. It counts once [`Self::count`] is called, which is for whoever then
    /// decides in the caller's favour, before another call is looked at.
    pub fn standing(&self, attempts: &[Attempt], moment: Moment) -> DeclarationUse {
        let now = moment.utc();
        let mut wanted: BTreeMap<[u8; 16], BTreeSet<[u8; 16]>> = BTreeMap::new();
        for Attempt { about, claim } in attempts {
            wanted.entry(*about).or_default().insert(*claim);
        }
        let resets = wanted.into_iter().filter_map(|(about, mut claims)| {
            let mut ends = Vec::new();
            for declaration in self.counting(about, now) {
                claims.remove(&declaration.claim);
                ends.push(declaration.ends());
            }
            ends.sort_unstable();
            let excess = (!claims.is_empty())
                .then(|| (ends.len() + claims.len()).checked_sub(MAX_DIFFERENT + 1))??;
            ends.get(excess).copied()
        });
        match resets.max() {
            Some(resets_at) => DeclarationUse::UsedUp { resets_at },
            None => DeclarationUse::Open,
        }
    }

    /// What is left for declarations of a kind about identifiers under an agreement. Like the counting, it depends on what
    /// was declared, and on nothing that a registry holds. Identifiers and hash are those of [`Attempt::all_of`].
    pub fn remainder(
        &self,
        agreement: &AgreementId,
        identifiers: &[(String, String)],
        kind: VerificationKind,
        moment: Moment,
        hash: impl Fn(&[u8]) -> [u8; 16],
    ) -> Remainder {
        let about = hash(&about(agreement, identifiers, kind));
        let ends: Vec<_> = self
            .counting(about, moment.utc())
            .map(|declaration| declaration.ends())
            .collect();
        Remainder {
            declarations: MAX_DIFFERENT.saturating_sub(ends.len()),
            resets_at: ends.into_iter().min(),
        }
    }

    /// Counts what a call declares, apart from what counts already.
    pub fn count(&mut self, attempts: &[Attempt], moment: Moment) {
        self.restore(attempts.iter().map(|attempt| DeclarationEvent {
            attempt: *attempt,
            moment,
        }));
    }

    /// Drops what no longer counts.
    pub fn expire(&mut self, moment: Moment) {
        let now = moment.utc();
        self.declarations.retain(|_, declarations| {
            declarations.retain(|declaration| declaration.counts_at(now));
            !declarations.is_empty()
        });
    }

    /// Counts again what the log says of declarations that were compared, oldest first. Each was compared when it was
    /// entered: it counts, whatever there is room for.
    pub fn restore(&mut self, events: impl IntoIterator<Item = DeclarationEvent>) {
        for DeclarationEvent { attempt, moment } in events {
            let declarations = self.declarations.entry(attempt.about).or_default();
            declarations.retain(|declaration| declaration.counts_at(moment.utc()));
            if declarations
                .iter()
                .all(|declaration| declaration.claim != attempt.claim)
            {
                declarations.push(Declaration {
                    claim: attempt.claim,
                    first_made: moment.utc(),
                });
            }
        }
    }

    /// How many declarations are kept: a measure of memory.
    pub fn len(&self) -> usize {
        self.declarations.values().map(Vec::len).sum()
    }

    /// Whether nothing is kept.
    pub fn is_empty(&self) -> bool {
        self.declarations.is_empty()
    }

    fn counting(&self, about: [u8; 16], now: DateTime<Utc>) -> impl Iterator<Item = &Declaration> {
        let declarations = self.declarations.get(&about).into_iter().flatten();
        declarations.filter(move |declaration| declaration.counts_at(now))
    }
}

impl Declaration {
    fn ends(&self) -> DateTime<Utc> {
        self.first_made + TimeDelta::days(i64::from(WINDOW_DAYS))
    }

    fn counts_at(&self, now: DateTime<Utc>) -> bool {
        now < self.ends()
    }
}

fn about(agreement: &AgreementId, identifiers: &[(String, String)], kind: VerificationKind) -> Vec<u8> {
    let mut bytes = Vec::new();
    put(&mut bytes, agreement.as_str());
    put(&mut bytes, kind.name());
    let mut identifiers: Vec<_> = identifiers.iter().collect();
    identifiers.sort_unstable();
    for (name, value) in identifiers {
        put(&mut bytes, name);
        put(&mut bytes, value);
    }
    bytes
}

fn put(bytes: &mut Vec<u8>, text: &str) {
    bytes.extend_from_slice(&(text.len() as u64).to_be_bytes());
    bytes.extend_from_slice(text.as_bytes());
}

#[cfg(test)]
mod tests;
