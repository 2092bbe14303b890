//! Samples from the access log: the fold of their entries, and the rule by which accesses are drawn.

use std::collections::BTreeMap;
use std::sync::Arc;

use agreement::moment::{Moment, start_of_day};
use chrono::DateTime;
use ledger::checkpoint::Checkpoint;
use ledger::header::EntryKind;
use ledger::part::PartKind;
use ledger::sample::Seed;
use store::access_log::AccessLog;
use store::access_log::part_content::{DetailPart, OperatorPart};
use store::access_log::proofs::LogProofError;
use store::access_log::reading::ReadError;

use crate::oversight::Oversight;
use crate::oversight::access::content;
use crate::oversight::reserved::ReservedPurposes;
use crate::oversight::sample::{Act, Drawing, Sample};
use crate::usage_restore::first_since;

/// Why samples cannot be told.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FoldError {
    /// The log cannot be read.
    #[error("the access log cannot be read")]
    Read(#[from] ReadError),
    /// The root from which was drawn cannot be computed.
    #[error("the root of the access log cannot be computed")]
    Root(#[from] LogProofError),
}

/// Accesses as index and time, Unix milliseconds.
pub(crate) type Drawn = Vec<(u64, u64)>;

/// Whom a sample is drawn from: answered calls of the agency in the days, entered before `end`, no repeats, and all for
/// ordinary or all for reserved purposes. Everything of it is in headers.
pub(crate) fn candidates(
    log: &AccessLog,
    reserved: &ReservedPurposes,
    drawing: &Drawing,
    end: u64,
) -> Result<Drawn, ReadError> {
    let since = |day| u64::try_from(start_of_day(day).timestamp_millis()).unwrap_or_default();
    let first = first_since(log, end, since(drawing.from))?;
    let last = first_since(log, end, since(drawing.until))?;
    let mut found = Vec::new();
    log.survey(
        first..last,
        |_, _| false,
        |entry| {
            let body = &entry.header.body;
            let purpose_is_reserved = match (&body.agreement_version, &body.purpose) {
                (Some(version), Some(purpose)) => reserved.contains(version, purpose),
                (None, _) | (_, None) => false,
            };
            if body.kind == EntryKind::Access
                && body.peer.as_deref() == Some(drawing.agency.as_str())
                && body.outcome.code == 0
                && body.repeat_of.is_none()
                && purpose_is_reserved == drawing.reserved
            {
                found.push((entry.index, entry.header.time_ms));
            }
        },
    )?;
    Ok(found)
}

/// The accesses that an announcement drew.
fn draw(
    log: &AccessLog,
    reserved: &ReservedPurposes,
    index: u64,
    drawing: &Drawing,
) -> Result<Drawn, FoldError> {
    let candidates: BTreeMap<u64, u64> = candidates(log, reserved, drawing, index)?.into_iter().collect();
    let seed = Seed::of(&Checkpoint {
        origin: log.origin().clone(),
        size: index + 1,
        root: log.root_at(index + 1)?,
    });
    let count = usize::try_from(drawing.size).unwrap_or(usize::MAX);
    let drawn = seed.draw(candidates.keys().copied(), count).into_iter();
    Ok(drawn
        .filter_map(|index| Some((index, *candidates.get(&index)?)))
        .collect())
}

impl Oversight {
    /// Whom a sample would be drawn from now.
    ///
    /// # Errors
    /// The log cannot be read.
    pub(crate) fn sample_candidates(
        &self,
        log: &AccessLog,
        drawing: &Drawing,
        end: u64,
    ) -> Result<usize, ReadError> {
        Ok(candidates(log, &ReservedPurposes::of(log)?, drawing, end)?.len())
    }

    /// Every sample as the log's entries make it, by its index. What an announcement drew is computed once and kept in
    /// memory. Blocks.
    ///
    /// # Errors
    /// See [`FoldError`].
    pub(crate) fn samples(&self, log: &AccessLog) -> Result<BTreeMap<u64, Sample>, FoldError> {
        let mut samples: BTreeMap<u64, Sample> = BTreeMap::new();
        for index in log.oversight_acts() {
            let mut act = None;
            let wanted = |kind, part: &str| is_about_samples(kind) && ["detail", "operator"].contains(&part);
            log.survey(index..index + 1, wanted, |entry| {
                let kind = entry.header.body.kind;
                let detail: Option<DetailPart> = content(&entry.parts, &PartKind::AdministrativeDetail);
                let operator: Option<OperatorPart> = content(&entry.parts, &PartKind::Operator);
                let reader = operator.unwrap_or_default().operator;
                let time_ms = entry.header.time_ms;
                let time = i64::try_from(time_ms)
                    .ok()
                    .and_then(DateTime::from_timestamp_millis);
                if let (Some(detail), Some(time)) = (detail, time) {
                    let date = Moment::new(time).date();
                    act = Act::read(kind, index, date, &reader, &detail).map(|act| (time_ms, act));
                }
            })?;
            match act {
                Some((time_ms, (index, Act::Drawn(drawing)))) => {
                    let drawn = self.drawn(log, index, &drawing)?;
                    samples.insert(index, Sample::new(index, time_ms, drawing, &drawn));
                }
                Some((_, (sample, act))) => {
                    if let Some(sample) = samples.get_mut(&sample) {
                        sample.apply(act);
                    }
                }
                None => {}
            }
        }
        Ok(samples)
    }

    fn drawn(&self, log: &AccessLog, index: u64, drawing: &Drawing) -> Result<Arc<Drawn>, FoldError> {
        let known = self.with_drawn(|drawn| drawn.get(&index).cloned());
        if let Some(known) = known {
            return Ok(known);
        }
        let drawn = Arc::new(draw(log, &ReservedPurposes::of(log)?, index, drawing)?);
        self.with_drawn(|kept| kept.insert(index, Arc::clone(&drawn)));
        Ok(drawn)
    }
}

fn is_about_samples(kind: EntryKind) -> bool {
    matches!(
        kind,
        EntryKind::SampleDrawn | EntryKind::SampleJustified | EntryKind::SampleJudged
    )
}
