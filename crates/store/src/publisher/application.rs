//! From one decision to rows.

use registry::change::{Change, ChangeBody};
use registry::identifier::{PersonId, RecordId};
use registry::municipality::MunicipalityId;
use registry::sealing;

use crate::linker::Linker;
use crate::projection::burial::Moment;
use crate::projection::contradictions::{Contradiction, Place};
use crate::projection::{AppliedChange, Projection, ProjectionError, Replaced};
use crate::publication_journal::entry::{Decision, Showing};

/// Writes what was decided about a change; nothing where it is not served.
///
/// Everything rests on the decision and on rows of before the change, so that a replay writes the same again.
pub(crate) fn apply_change(
    projection: &Projection,
    linker: &Linker,
    moment: Moment,
    municipality: MunicipalityId,
    change: &Change,
    decision: &Decision,
) -> Result<Option<Replaced>, ProjectionError> {
    let card = match &change.body {
        ChangeBody::Upsert(card) => Some(card.as_ref()),
        ChangeBody::Remove => None,
    };
    let serve = |record: RecordId, person: PersonId| {
        projection.apply(&AppliedChange {
            sequence: moment.sequence,
            recorded_ms: moment.recorded_ms,
            municipality,
            record,
            person,
            card,
        })
    };
    let contradict = |record: RecordId, found: &[Contradiction]| {
        projection.contradict(moment.sequence, Place { municipality, record }, found)
    };
    let replaced = match decision {
        Decision::Quarantined { rule: _ } => return Ok(None),
        Decision::Held { reason: _, moved } => {
            let record = moved.unwrap_or_else(|| linker.record_id(municipality, &change.local_id));
            projection.hold(&AppliedChange {
                sequence: moment.sequence,
                recorded_ms: moment.recorded_ms,
                municipality,
                record,
                person: PersonId(record.0),
                card,
            })?
        }
        Decision::Linked { person, standing: _ } => {
            let record = linker.record_id(municipality, &change.local_id);
            let replaced = serve(record, *person)?;
            contradict(record, &[])?;
            replaced
        }
        Decision::Related {
            person,
            standing: _,
            relinked,
            contradictions,
        } => {
            let record = linker.record_id(municipality, &change.local_id);
            let replaced = serve(record, *person)?;
            for (other, person) in relinked {
                projection.relink(moment, *other, *person)?;
            }
            contradict(record, contradictions)?;
            replaced
        }
        Decision::Sealed {
            showing,
            record,
            before,
            buried,
        } => {
            let spared = match (showing, card) {
                (Showing::Shown, Some(card)) => sealing::identity_keys(card),
                (Showing::Shown | Showing::Awaited, _) => Vec::new(),
            };
            let Replaced {
                before: published,
                after: _,
            } = projection.bury_for(moment, municipality, *before, *record, &spared)?;
            contradict(*before, &[])?;
            for other in buried {
                projection.bury(moment, *other, &spared)?;
            }
            let Replaced { before: _, after } = match showing {
                Showing::Shown => serve(*record, PersonId(record.0))?,
                Showing::Awaited => projection.keep_buried(moment, municipality, *record, card)?,
            };
            Replaced {
                before: published,
                after,
            }
        }
        Decision::Buried { record } => {
            let replaced = projection.keep_buried(moment, municipality, *record, card)?;
            contradict(*record, &[])?;
            replaced
        }
        Decision::Renewed { showing, record } => match showing {
            Showing::Shown => {
                if let Some(card) = card {
                    projection.release_national_id(moment, card)?;
                }
                serve(*record, PersonId(record.0))?
            }
            Showing::Awaited => projection.keep_buried(moment, municipality, *record, card)?,
        },
    };
    Ok(Some(replaced))
}
