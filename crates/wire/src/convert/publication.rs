//! Batches of changes.

use registry::change::{Change, ChangeBody, EventKind, RegistryEvent};
use registry::digest::{DIGEST_BYTES, SetDigest};
use registry::identifier::{IstatCode, LocalId};
use registry::publication::{Batch, Epoch, MAX_CHANGES};

use super::date::{civil_date, optional_civil_date, timestamp_from_ms, timestamp_to_ms};
use super::invalid::{Invalid, Named, Rule, Within, array, each, required};
use crate::proto::publication::v1 as wire;
use crate::proto::registry::v1 as card;

impl From<&Batch> for wire::Batch {
    fn from(batch: &Batch) -> Self {
        Self {
            municipality: batch.municipality().to_string(),
            epoch: batch.epoch().0.to_vec(),
            first_sequence: batch.first_sequence(),
            changes: batch.changes().iter().map(Into::into).collect(),
            sent_at: Some(timestamp_from_ms(batch.sent_at_ms())),
        }
    }
}

impl TryFrom<wire::Batch> for Batch {
    type Error = Invalid;

    fn try_from(message: wire::Batch) -> Result<Self, Invalid> {
        let wire::Batch {
            municipality,
            epoch,
            first_sequence,
            changes,
            sent_at,
        } = message;
        if changes.is_empty() || MAX_CHANGES < changes.len() {
            return Err(Invalid::new(
                "changes",
                Rule::Count {
                    least: 1,
                    most: MAX_CHANGES,
                },
            ));
        }
        Self::new(
            municipality_from_wire("municipality", &municipality)?,
            epoch_from_wire("epoch", &epoch)?,
            first_sequence,
            each("changes", changes, TryInto::try_into)?,
            timestamp_to_ms("sent_at", sent_at)?,
        )
        .named("changes")
    }
}

impl From<&Change> for wire::Change {
    fn from(change: &Change) -> Self {
        let Change {
            sequence,
            local_id,
            body,
            events,
        } = change;
        let state = match body {
            ChangeBody::Upsert(record) => wire::change::State::Record(record.as_ref().into()),
            ChangeBody::Remove => wire::change::State::Removed(wire::Removal {}),
        };
        Self {
            sequence: *sequence,
            local_id: local_id.to_string(),
            state: Some(state),
            events: events.iter().map(Into::into).collect(),
        }
    }
}

impl TryFrom<wire::Change> for Change {
    type Error = Invalid;

    fn try_from(message: wire::Change) -> Result<Self, Invalid> {
        let wire::Change {
            sequence,
            local_id,
            state,
            events,
        } = message;
        let body = match required("state", state)? {
            wire::change::State::Record(record) => {
                ChangeBody::Upsert(Box::new(record.try_into().within("record")?))
            }
            wire::change::State::Removed(wire::Removal {}) => ChangeBody::Remove,
        };
        Ok(Self {
            sequence,
            local_id: LocalId::parse(&local_id).named("local_id")?,
            body,
            events: each("events", events, TryInto::try_into)?,
        })
    }
}

impl From<&RegistryEvent> for card::RegistryEvent {
    fn from(event: &RegistryEvent) -> Self {
        let RegistryEvent {
            kind,
            event_date,
            effective_date,
            registration_date,
        } = event;
        Self {
            kind: card::EventKind::from(*kind).into(),
            event_date: event_date.map(Into::into),
            effective_date: effective_date.map(Into::into),
            registration_date: Some((*registration_date).into()),
        }
    }
}

impl TryFrom<card::RegistryEvent> for RegistryEvent {
    type Error = Invalid;

    fn try_from(message: card::RegistryEvent) -> Result<Self, Invalid> {
        let card::RegistryEvent {
            kind,
            event_date,
            effective_date,
            registration_date,
        } = message;
        let kind = u8::try_from(kind).ok().and_then(EventKind::from_number);
        Ok(Self {
            kind: kind.ok_or_else(|| Invalid::new("kind", Rule::Value))?,
            event_date: optional_civil_date("event_date", event_date)?,
            effective_date: optional_civil_date("effective_date", effective_date)?,
            registration_date: civil_date("registration_date", registration_date)?,
        })
    }
}

impl From<EventKind> for card::EventKind {
    fn from(kind: EventKind) -> Self {
        match kind {
            EventKind::Birth => Self::Birth,
            EventKind::Immigration => Self::Immigration,
            EventKind::Registration => Self::Registration,
            EventKind::Emigration => Self::Emigration,
            EventKind::Cancellation => Self::Cancellation,
            EventKind::ChangeOfDwelling => Self::ChangeOfDwelling,
            EventKind::HouseholdChange => Self::HouseholdChange,
            EventKind::Marriage => Self::Marriage,
            EventKind::CivilUnion => Self::CivilUnion,
            EventKind::Widowhood => Self::Widowhood,
            EventKind::Dissolution => Self::Dissolution,
            EventKind::CivilStatusChange => Self::CivilStatusChange,
            EventKind::Citizenship => Self::Citizenship,
            EventKind::TaxCode => Self::TaxCode,
            EventKind::IdentityDocument => Self::IdentityDocument,
            EventKind::Death => Self::Death,
            EventKind::Rectification => Self::Rectification,
            EventKind::Annulment => Self::Annulment,
            EventKind::Marker => Self::Marker,
        }
    }
}

/// ISTAT code of a municipality; `field` is how the error names it.
///
/// # Errors
/// It has not six digits.
pub fn municipality_from_wire(field: &str, istat: &str) -> Result<IstatCode, Invalid> {
    IstatCode::parse(istat).named(field)
}

/// The index's line of history; `field` is how the error names it.
///
/// # Errors
/// It has not 16 bytes.
pub fn epoch_from_wire(field: &str, bytes: &[u8]) -> Result<Epoch, Invalid> {
    array(field, bytes).map(Epoch)
}

/// The digest of a municipality's cards; `field` is how the error names it.
///
/// # Errors
/// It has not 32,768 bytes.
pub fn digest_from_wire(field: &str, bytes: &[u8]) -> Result<SetDigest, Invalid> {
    SetDigest::from_bytes(bytes).map_err(|_| Invalid::new(field, Rule::Bytes(DIGEST_BYTES)))
}
