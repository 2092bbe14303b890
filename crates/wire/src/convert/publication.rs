//! Batches of changes.

use registry::change::{ActReference, ActText, Change, ChangeBody, EventKind, RegistryEvent};
use registry::digest::{DIGEST_BYTES, SetDigest};
use registry::identifier::{IstatCode, LocalId};
use registry::profile::{FieldGroup, Profile};
use registry::publication::{Batch, Epoch, HoldReason, MAX_CHANGES, SignedBatch};
use registry::signing::Signature;
use registry::statement::{LONGEST_STATEMENT, RegistrarId, SignedStatement};

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
            signature: Vec::new(),
        }
    }
}

impl From<&SignedBatch> for wire::Batch {
    fn from(signed: &SignedBatch) -> Self {
        let SignedBatch { batch, signature } = signed;
        Self {
            signature: signature.0.to_vec(),
            ..batch.into()
        }
    }
}

impl TryFrom<wire::Batch> for SignedBatch {
    type Error = Invalid;

    fn try_from(message: wire::Batch) -> Result<Self, Invalid> {
        let signature = Signature(array("signature", &message.signature)?);
        Ok(Self {
            batch: message.try_into()?,
            signature,
        })
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
            // For those who look at it there is the signed batch.
            signature: _,
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
            act,
        } = event;
        Self {
            kind: card::EventKind::from(*kind).into(),
            event_date: event_date.map(Into::into),
            effective_date: effective_date.map(Into::into),
            registration_date: Some((*registration_date).into()),
            act: act.as_ref().map(Into::into),
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
            act,
        } = message;
        let kind = u8::try_from(kind).ok().and_then(EventKind::from_number);
        Ok(Self {
            kind: kind.ok_or_else(|| Invalid::new("kind", Rule::Value))?,
            event_date: optional_civil_date("event_date", event_date)?,
            effective_date: optional_civil_date("effective_date", effective_date)?,
            registration_date: civil_date("registration_date", registration_date)?,
            act: act.map(ActReference::try_from).transpose().within("act")?,
        })
    }
}

impl From<&ActReference> for card::ActReference {
    fn from(act: &ActReference) -> Self {
        let ActReference {
            municipality,
            office,
            year,
            part,
            series,
            number,
        } = act;
        let word = |word: &Option<ActText>| word.map(|word| word.as_str().to_owned()).unwrap_or_default();
        Self {
            municipality: municipality.to_string(),
            office: word(office),
            year: (*year).into(),
            part: word(part),
            series: word(series),
            number: word(&Some(*number)),
        }
    }
}

impl TryFrom<card::ActReference> for ActReference {
    type Error = Invalid;

    fn try_from(message: card::ActReference) -> Result<Self, Invalid> {
        let card::ActReference {
            municipality,
            office,
            year,
            part,
            series,
            number,
        } = message;
        let word = |field: &str, text: String| {
            let read = |text: String| ActText::parse(&text).ok_or_else(|| Invalid::new(field, Rule::Value));
            Some(text).filter(|text| !text.is_empty()).map(read).transpose()
        };
        Ok(Self {
            municipality: municipality_from_wire("municipality", &municipality)?,
            office: word("office", office)?,
            year: u16::try_from(year)
                .ok()
                .filter(|year| Self::is_year(*year))
                .ok_or_else(|| Invalid::new("year", Rule::Value))?,
            part: word("part", part)?,
            series: word("series", series)?,
            number: word("number", number)?.ok_or_else(|| Invalid::new("number", Rule::Value))?,
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

impl From<HoldReason> for wire::HoldReason {
    fn from(reason: HoldReason) -> Self {
        match reason {
            HoldReason::Departures => Self::Departures,
            HoldReason::Identifiers => Self::Identifiers,
            HoldReason::Arrivals => Self::Arrivals,
            HoldReason::ProtectionEnded => Self::ProtectionEnded,
            HoldReason::IdentitySealed => Self::IdentitySealed,
        }
    }
}

/// The reason that a message names.
///
/// # Errors
/// When it names none.
pub fn hold_reason_from_wire(field: &str, number: i32) -> Result<HoldReason, Invalid> {
    match wire::HoldReason::try_from(number) {
        Ok(wire::HoldReason::Departures) => Ok(HoldReason::Departures),
        Ok(wire::HoldReason::Identifiers) => Ok(HoldReason::Identifiers),
        Ok(wire::HoldReason::Arrivals) => Ok(HoldReason::Arrivals),
        Ok(wire::HoldReason::ProtectionEnded) => Ok(HoldReason::ProtectionEnded),
        Ok(wire::HoldReason::IdentitySealed) => Ok(HoldReason::IdentitySealed),
        Ok(wire::HoldReason::Unspecified) | Err(_) => Err(Invalid::new(field, Rule::Value)),
    }
}

/// The statement that a request hands over; nobody has looked at the signature yet.
///
/// # Errors
/// Names the field that is not as it must be.
pub fn statement_from_wire(
    statement: String,
    registrar: &str,
    signature: &[u8],
) -> Result<SignedStatement, Invalid> {
    if LONGEST_STATEMENT < statement.len() {
        let most = LONGEST_STATEMENT;
        return Err(Invalid::new("statement", Rule::Length { least: 1, most }));
    }
    Ok(SignedStatement {
        text: statement,
        registrar: RegistrarId::parse(registrar).ok_or_else(|| Invalid::new("registrar", Rule::Character))?,
        signature: Signature(array("signature", signature)?),
    })
}

impl From<Profile> for wire::PublicationProfile {
    fn from(profile: Profile) -> Self {
        let groups = profile.groups_since().map(|(group, since)| wire::PublishedGroup {
            group: wire::FieldGroup::from(group).into(),
            since,
        });
        Self {
            number: profile.number(),
            groups: groups.collect(),
        }
    }
}

/// A group of a later version is passed over: whoever does not know it publishes none of it.
impl TryFrom<wire::PublicationProfile> for Profile {
    type Error = Invalid;

    fn try_from(message: wire::PublicationProfile) -> Result<Self, Invalid> {
        let wire::PublicationProfile { number, groups } = message;
        let known = groups.into_iter().filter_map(|published| {
            let wire::PublishedGroup { group, since } = published;
            Some((known_group(group)?, since))
        });
        Self::told(number, known).ok_or_else(|| Invalid::new("profile", Rule::Range))
    }
}

impl From<FieldGroup> for wire::FieldGroup {
    fn from(group: FieldGroup) -> Self {
        match group {
            FieldGroup::CivilStatus => Self::CivilStatus,
            FieldGroup::Citizenships => Self::Citizenships,
            FieldGroup::Parents => Self::Parents,
            FieldGroup::IdentityDocument => Self::IdentityDocument,
            FieldGroup::Aire => Self::Aire,
        }
    }
}

fn known_group(number: i32) -> Option<FieldGroup> {
    match wire::FieldGroup::try_from(number) {
        Ok(wire::FieldGroup::CivilStatus) => Some(FieldGroup::CivilStatus),
        Ok(wire::FieldGroup::Citizenships) => Some(FieldGroup::Citizenships),
        Ok(wire::FieldGroup::Parents) => Some(FieldGroup::Parents),
        Ok(wire::FieldGroup::IdentityDocument) => Some(FieldGroup::IdentityDocument),
        Ok(wire::FieldGroup::Aire) => Some(FieldGroup::Aire),
        Ok(wire::FieldGroup::Unspecified) | Err(_) => None,
    }
}
