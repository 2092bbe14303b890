//! The rule of three: how many different declarations of one kind are compared about one set of identifiers.
//!
//! Whoever may try one house number after the other learns the true one. So under one agreement at most
//! [`MAX_DIFFERENT`] different declarations of a kind about one set of identifiers are compared in [`WINDOW_DAYS`] days.
//! A declaration counts before anything is looked up, whether or not there is such a person; the same one again is not
//! counted. A reference date in the past is part of the declaration: else one that never changes would find the day on
//! which something ended. Of identifiers and declarations only keyed hashes are kept.

use std::collections::HashMap;
use std::fmt;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};

use registry::hex;

use crate::claim::Claim;
use crate::context::{AccessContext, AgreementId};
use crate::moment::Moment;

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
        /// When the earliest of them no longer counts.
        resets_at: DateTime<Utc>,
    },
}

/// A declaration that began to count; it is given back where the call is denied for another reason.
#[derive(Debug)]
#[must_use = "a declaration that is not given back counts"]
pub struct Counted(Option<Attempt>);

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
    /// The declaration of a call. `identifiers` are name and value of each, as normalised; their order says nothing.
    /// `hash` is a keyed one: whoever lacks the key must not be able to try values.
    pub fn new(
        context: &AccessContext,
        identifiers: &[(String, String)],
        claim: &Claim,
        today: NaiveDate,
        hash: impl Fn(&[u8]) -> [u8; 16],
    ) -> Self {
        let AccessContext {
            agreement,
            reference_date,
            known_on,
            ..
        } = context;
        let mut declared = claim.normal_form();
        if let Some(day) = reference_date.filter(|day| *day < today) {
            put(&mut declared, &day.to_string());
        }
        if let Some(instant) = known_on {
            put(&mut declared, &instant.timestamp_millis().to_string());
        }
        Self {
            about: hash(&about(agreement, identifiers, claim)),
            claim: hash(&declared),
        }
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
    /// Counts a declaration, if it is not one that counts already and there is room for it.
    pub fn count(&mut self, attempt: Attempt, moment: Moment) -> (Counted, DeclarationUse) {
        let now = moment.utc();
        let declarations = self.declarations.entry(attempt.about).or_default();
        declarations.retain(|declaration| declaration.counts_at(now));
        if declarations
            .iter()
            .any(|declaration| declaration.claim == attempt.claim)
        {
            return (Counted(None), DeclarationUse::Open);
        }
        let earliest = declarations.iter().map(|declaration| declaration.ends()).min();
        if let Some(resets_at) = earliest
            && MAX_DIFFERENT <= declarations.len()
        {
            return (Counted(None), DeclarationUse::UsedUp { resets_at });
        }
        declarations.push(Declaration {
            claim: attempt.claim,
            first_made: now,
        });
        (Counted(Some(attempt)), DeclarationUse::Open)
    }

    /// Takes back what a denied call counted: nothing was compared.
    #[expect(
        clippy::needless_pass_by_value,
        reason = "what is given back is given back once"
    )]
    pub fn give_back(&mut self, counted: Counted) {
        let Counted(Some(attempt)) = counted else {
            return;
        };
        if let Some(declarations) = self.declarations.get_mut(&attempt.about) {
            declarations.retain(|declaration| declaration.claim != attempt.claim);
            if declarations.is_empty() {
                self.declarations.remove(&attempt.about);
            }
        }
    }

    /// Drops what no longer counts.
    pub fn expire(&mut self, moment: Moment) {
        let now = moment.utc();
        self.declarations.retain(|_, declarations| {
            declarations.retain(|declaration| declaration.counts_at(now));
            !declarations.is_empty()
        });
    }

    /// Counts again what the log says of declarations that were compared, oldest first.
    pub fn restore(&mut self, events: impl IntoIterator<Item = DeclarationEvent>) {
        for DeclarationEvent { attempt, moment } in events {
            let declarations = self.declarations.entry(attempt.about).or_default();
            declarations.retain(|declaration| declaration.counts_at(moment.utc()));
            // Each was compared when it was entered: it counts, whatever there is room for.
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
}

impl Declaration {
    fn ends(&self) -> DateTime<Utc> {
        self.first_made + TimeDelta::days(i64::from(WINDOW_DAYS))
    }

    fn counts_at(&self, now: DateTime<Utc>) -> bool {
        now < self.ends()
    }
}

fn about(agreement: &AgreementId, identifiers: &[(String, String)], claim: &Claim) -> Vec<u8> {
    let mut bytes = Vec::new();
    put(&mut bytes, agreement.as_str());
    put(&mut bytes, claim.kind().name());
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
