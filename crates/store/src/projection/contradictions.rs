//! Which cards contradict each other now: rebuilt by replay, gone as soon as one of the two says otherwise.

use registry::identifier::RecordId;
use registry::linking::AnomalyKind;
use registry::municipality::MunicipalityId;
use uuid::Uuid;

use crate::projection::{Projection, ProjectionError};
use crate::rows::{CommitSequence, RowError, Spans, prefixed};

/// A card by its municipality.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Place {
    /// Who keeps it.
    pub(crate) municipality: MunicipalityId,
    /// Its id.
    pub(crate) record: RecordId,
}

/// A card that another contradicts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Contradiction {
    /// What contradicts.
    pub(crate) kind: AnomalyKind,
    /// The other card.
    pub(crate) other: Place,
}

impl Projection {
    /// What a card contradicts from a change on: what it contradicted before and does not any more is resolved, on both
    /// sides.
    pub(crate) fn contradict(
        &self,
        sequence: CommitSequence,
        card: Place,
        found: &[Contradiction],
    ) -> Result<(), ProjectionError> {
        let held = self.contradictions(&card_prefix(card), sequence.before())?;
        for (_, known) in held.iter().filter(|(_, known)| !found.contains(known)) {
            self.edit_both(card, known, |spans| spans.leave(sequence))?;
        }
        for new in found
            .iter()
            .filter(|new| held.iter().all(|(_, known)| known != *new))
        {
            self.edit_both(card, new, |spans| spans.enter(sequence))?;
        }
        Ok(())
    }

    /// What the cards of a municipality contradict, as a reader at `visible` sees it, in the order of the keys, which
    /// says nothing of anybody.
    pub(crate) fn contradictions_of(
        &self,
        municipality: MunicipalityId,
        visible: CommitSequence,
    ) -> Result<Vec<(Place, Contradiction)>, ProjectionError> {
        self.contradictions(&prefixed(b'N', municipality.as_str().as_bytes()), visible)
    }

    fn contradictions(
        &self,
        prefix: &[u8],
        visible: CommitSequence,
    ) -> Result<Vec<(Place, Contradiction)>, ProjectionError> {
        let mut found = Vec::new();
        self.visit(prefix, &mut |key, value| {
            let pair = behind(key)?;
            if Spans::decode(value)?.hold_at(visible) {
                found.push(pair);
            }
            Ok(())
        })?;
        Ok(found)
    }

    fn edit_both(
        &self,
        card: Place,
        contradiction: &Contradiction,
        edit: impl Fn(&mut Spans) -> bool,
    ) -> Result<(), ProjectionError> {
        let Contradiction { kind, other } = *contradiction;
        self.edit_spans(&key(card, kind, other), &edit)?;
        self.edit_spans(&key(other, kind, card), &edit)
    }
}

fn card_prefix(card: Place) -> Vec<u8> {
    let mut key = prefixed(b'N', card.municipality.as_str().as_bytes());
    key.extend_from_slice(card.record.0.as_bytes());
    key
}

fn key(card: Place, kind: AnomalyKind, other: Place) -> Vec<u8> {
    let mut key = card_prefix(card);
    key.push(kind.number());
    key.extend_from_slice(other.municipality.as_str().as_bytes());
    key.extend_from_slice(other.record.0.as_bytes());
    key
}

/// Card and contradiction of a key.
fn behind(key: &[u8]) -> Result<(Place, Contradiction), RowError> {
    let rest = key.strip_prefix(b"N").ok_or(RowError::Malformed)?;
    let (card, rest) = place(rest)?;
    let (&kind, rest) = rest.split_first().ok_or(RowError::Malformed)?;
    let kind = AnomalyKind::from_number(kind).ok_or(RowError::Malformed)?;
    match place(rest)? {
        (other, []) => Ok((card, Contradiction { kind, other })),
        (_, [_, ..]) => Err(RowError::Malformed),
    }
}

fn place(bytes: &[u8]) -> Result<(Place, &[u8]), RowError> {
    let (municipality, rest) = bytes.split_first_chunk::<4>().ok_or(RowError::Malformed)?;
    let (record, rest) = rest.split_first_chunk::<16>().ok_or(RowError::Malformed)?;
    let municipality = std::str::from_utf8(municipality)
        .ok()
        .and_then(MunicipalityId::parse);
    let place = Place {
        municipality: municipality.ok_or(RowError::Malformed)?,
        record: RecordId(Uuid::from_bytes(*record)),
    };
    Ok((place, rest))
}
