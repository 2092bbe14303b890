//! Measures that a registrar sets on a card: protection of whereabouts, sealing of an identity. They are journalled at
//! once, outside exports, and go to the index like every change.

use std::fmt;

use chrono::NaiveDate;
use registry::change::{ChangeBody, derive_events};
use registry::identifier::{IdentifierError, LocalId};
use registry::measure::{
    IdentitySeal, Measures, NewIdentity, Protection, ProtectionBasis, SealBasis, needs_confirmation,
};
use registry::publication::HoldReason;
use registry::record::Record;
use registry::sealing::stripped;
use serde::{Deserialize, Serialize};
use store::municipal::{ChangeDraft, MunicipalError, MunicipalStore};

/// A card by its number, as a command names it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CardNumber(pub String);

/// A day, written `YYYY-MM-DD`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Day(pub NaiveDate);

/// What a registrar orders.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "measure", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Order {
    /// Protect the person's whereabouts, or change the days of a protection.
    Protect {
        /// Code of a [`ProtectionBasis`].
        basis: String,
        /// First day, `YYYY-MM-DD`; today in Italy when absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        from: Option<Day>,
        /// Last day, inclusive; none when absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        until: Option<Day>,
    },
    /// End the protection, that of the export's marker included.
    Unprotect,
    /// Begin a new identity that nothing may join to the old one.
    Seal {
        /// Code of a [`SealBasis`].
        basis: String,
        /// First day of the new identity.
        from: Day,
        /// Whether the card bears the new identity already.
        identity: Bearing,
    },
}

/// Whether a card bears the new identity when it is sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Bearing {
    /// The old one still: the card is shown to nobody until an export brings another codice fiscale.
    Old,
    /// The new one already.
    New,
}

/// What became of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct MeasureReport {
    /// Number of the change in the node's journal.
    pub sequence: u64,
    /// When it takes effect at the index.
    pub effect: Effect,
}

/// When a measure takes effect at the index.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Effect {
    /// As soon as it arrives.
    AtOnce,
    /// When a registrar has confirmed it.
    AfterConfirmation,
}

/// Why an order is not carried out. Nothing was journalled.
#[derive(Debug, thiserror::Error)]
pub enum MeasureError {
    /// The number is not one.
    #[error("the number of a card is wrong")]
    Number(#[from] IdentifierError),
    /// There is no such card.
    #[error("no card has this number")]
    NoCard,
    /// The basis is not one of the list.
    #[error("the basis must be one of {0}")]
    Basis(String),
    /// The last day lies before the first.
    #[error("the last day must not lie before the first")]
    Days,
    /// There is nothing to end.
    #[error("the card is not protected")]
    NotProtected,
    /// The card has this seal already.
    #[error("the card is sealed from that day already")]
    Sealed,
    /// The seal would begin before the one that the card has.
    #[error("the card has a seal from a later day")]
    SealedLater,
    /// The node's store.
    #[error("the change cannot be journalled")]
    Store(#[from] MunicipalError),
}

impl TryFrom<String> for Day {
    type Error = chrono::ParseError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse().map(Self)
    }
}

impl From<Day> for String {
    fn from(Day(day): Day) -> Self {
        day.to_string()
    }
}

/// Personal: debugging output does not carry it.
impl fmt::Debug for CardNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CardNumber(..)")
    }
}

/// Carries an order out on `today` and journals the card's new version.
///
/// # Errors
/// See [`MeasureError`].
pub fn set_measure(
    store: &mut MunicipalStore,
    number: &CardNumber,
    order: &Order,
    today: NaiveDate,
) -> Result<MeasureReport, MeasureError> {
    let local_id = LocalId::parse(&number.0)?;
    let previous = store.card(&local_id)?.ok_or(MeasureError::NoCard)?;
    let next = ordered(&previous, order, today)?;
    let effect = match needs_confirmation(Some(&previous), &next) {
        None => Effect::AtOnce,
        Some(
            HoldReason::ProtectionEnded
            | HoldReason::IdentitySealed
            | HoldReason::Departures
            | HoldReason::Identifiers
            | HoldReason::Arrivals,
        ) => Effect::AfterConfirmation,
    };
    let events = derive_events(Some(&previous), &next, today);
    store.append(vec![ChangeDraft {
        local_id,
        body: ChangeBody::Upsert(Box::new(next)),
        events,
    }])?;
    Ok(MeasureReport {
        sequence: store.last_sequence(),
        effect,
    })
}

fn ordered(previous: &Record, order: &Order, today: NaiveDate) -> Result<Record, MeasureError> {
    let mut next = previous.clone();
    match order {
        Order::Protect { basis, from, until } => {
            let basis = ProtectionBasis::from_code(basis)
                .ok_or_else(|| MeasureError::Basis(codes(ProtectionBasis::ALL, |basis| basis.code())))?;
            let from = from.map_or(today, |Day(day)| day);
            let until = until.map(|Day(day)| day);
            if until.is_some_and(|until| until < from) {
                return Err(MeasureError::Days);
            }
            next.measures.protection = Some(Protection { basis, from, until });
            Ok(next)
        }
        Order::Unprotect => {
            if !previous.ever_protected() {
                return Err(MeasureError::NotProtected);
            }
            next.flags.protected = false;
            next.measures = Measures {
                protection: None,
                ..next.measures
            };
            Ok(next)
        }
        Order::Seal {
            basis,
            from,
            identity,
        } => {
            let basis = SealBasis::from_code(basis)
                .ok_or_else(|| MeasureError::Basis(codes(SealBasis::ALL, |basis| basis.code())))?;
            let Day(from) = *from;
            match previous.measures.seal {
                Some(seal) if seal.from == from => return Err(MeasureError::Sealed),
                Some(seal) if from < seal.from => return Err(MeasureError::SealedLater),
                Some(_) | None => {}
            }
            next.measures.seal = Some(IdentitySeal {
                basis,
                from,
                identity: match identity {
                    Bearing::Old => NewIdentity::Awaited,
                    Bearing::New => NewIdentity::Present,
                },
            });
            Ok(stripped(next))
        }
    }
}

fn codes<T>(all: &[T], code: impl Fn(&T) -> &'static str) -> String {
    all.iter().map(code).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests;
