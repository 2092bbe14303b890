//! Lines of history and backups, as the writer keeps them: what is begun or noted is in the journal first.

use std::sync::{Arc, PoisonError};

use registry::municipality::MunicipalityId;
use registry::publication::{AcknowledgementKey, Cause, Claim, Epoch, Line, Verdict, Watermark};

use crate::publication_journal::JournalError;
use crate::publication_journal::line_entry::{BackupEntry, LineEntry, ReopeningEntry};
use crate::publisher::intake_book::Recent;
use crate::publisher::restoration::Restoration;
use crate::publisher::writer::Writer;
use crate::publisher::{
    Acknowledged, MunicipalityState, NewLine, PublishError, Rejection, Standing, States, WriterFailure,
};
use crate::segment::AppendError;

/// The lines of history of all municipalities, as far as they follow from the states.
#[derive(Clone, Debug)]
pub(crate) struct Lines {
    /// The epoch of a municipality whose line never began anew.
    pub(crate) first: Epoch,
    /// Makes and checks proofs of acknowledgement.
    pub(crate) key: Arc<AcknowledgementKey>,
    /// Whether what was lost is still awaited.
    pub(crate) restoration: Arc<Restoration>,
}

impl Lines {
    /// The line of a municipality.
    pub(crate) fn of(&self, state: Option<&MunicipalityState>) -> Line {
        let begun = state.and_then(|state| state.line);
        begun.unwrap_or_else(|| Line::first(self.first))
    }

    pub(crate) fn judge(
        &self,
        line: &Line,
        municipality: MunicipalityId,
        held: Watermark,
        claim: &Claim,
    ) -> Verdict {
        line.judge(&self.key, municipality, held, claim)
    }

    /// What a node is told.
    pub(crate) fn standing(
        &self,
        municipality: MunicipalityId,
        state: Option<&MunicipalityState>,
        now_ms: u64,
    ) -> Standing {
        let line = self.of(state);
        let watermark = state.map_or_else(Watermark::default, |state| state.watermark);
        Standing {
            epoch: line.epoch(),
            began_ms: line.began_ms(),
            watermark,
            proof: self.key.prove(municipality, line.epoch(), watermark, now_ms),
            last: state.and_then(|state| state.last),
            backed_up: state.map_or_else(Watermark::default, |state| state.backed_up),
            profile: state.and_then(|state| state.profile),
        }
    }
}

impl Writer {
    pub(super) fn acknowledged(
        &self,
        municipality: MunicipalityId,
        epoch: Epoch,
        watermark: Watermark,
        rejections: Vec<Rejection>,
        now_ms: u64,
    ) -> Acknowledged {
        let states = self.states.read().unwrap_or_else(PoisonError::into_inner);
        let state = states.get(&municipality);
        Acknowledged {
            watermark,
            rejections,
            proof: self.lines.key.prove(municipality, epoch, watermark, now_ms),
            backed_up: state.map_or_else(Watermark::default, |state| state.backed_up),
            profile: state.and_then(|state| state.profile),
        }
    }

    /// Begins a line where there is reason to: it is on the device when this answers. Two that ask for the same loss
    /// come here one after the other, and the second finds it begun.
    pub(super) fn begin_line(
        &mut self,
        municipality: MunicipalityId,
        epoch: Epoch,
        reason: NewLine,
        now_ms: u64,
    ) -> Result<Result<Standing, PublishError>, WriterFailure> {
        if self.is_withdrawn(municipality) {
            return Ok(Err(PublishError::Withdrawn));
        }
        let (line, watermark) = {
            let states = self.states.read().unwrap_or_else(PoisonError::into_inner);
            let state = states.get(&municipality);
            let held = state.map_or_else(Watermark::default, |state| state.watermark);
            (self.lines.of(state), held)
        };
        let (cause, watermark, began_ms) = match reason {
            NewLine::Claimed(claim) => {
                if self.lines.judge(&line, municipality, watermark, &claim) != Verdict::Lost {
                    return Ok(Ok(self.standing(municipality, now_ms)));
                }
                let cause = Cause::Loss {
                    epoch: claim.epoch,
                    watermark: claim.watermark,
                };
                (cause, watermark, Line::next_began_ms(Some(&claim), now_ms))
            }
            NewLine::ShorterJournal(end) if end <= watermark => {
                (Cause::ShorterJournal, end, Line::next_began_ms(None, now_ms))
            }
            NewLine::ShorterJournal(_) => return Ok(Ok(self.standing(municipality, now_ms))),
        };
        let entry = LineEntry {
            municipality,
            epoch,
            watermark,
            began_ms,
            cause,
        };
        match self.journal.append_line(&entry) {
            Ok(()) => {}
            Err(JournalError::Append(AppendError::NoSpace)) => return Ok(Err(PublishError::Stopped)),
            Err(error) => return Err(error.into()),
        }
        match cause {
            Cause::Loss { .. } => self.lines.restoration.begin(),
            Cause::ShorterJournal => {}
        }
        let line = Line::begun(epoch, began_ms);
        self.book.restore(municipality, Recent::new(epoch, watermark));
        {
            let mut states = self.states.write().unwrap_or_else(PoisonError::into_inner);
            states
                .entry(municipality)
                .or_insert_with(MunicipalityState::empty)
                .begin(line, watermark);
        }
        tracing::warn!(
            municipality = municipality.as_str(),
            watermark = watermark.0,
            "a new line of history begins"
        );
        Ok(Ok(self.standing(municipality, now_ms)))
    }

    fn standing(&self, municipality: MunicipalityId, now_ms: u64) -> Standing {
        let states = self.states.read().unwrap_or_else(PoisonError::into_inner);
        self.lines
            .standing(municipality, states.get(&municipality), now_ms)
    }

    pub(super) fn reopen(&mut self, at_ms: u64) -> Result<Result<(), PublishError>, WriterFailure> {
        if !self.lines.restoration.lasts() {
            return Ok(Ok(()));
        }
        match self.journal.append_reopening(ReopeningEntry { at_ms }) {
            Ok(()) => {}
            Err(JournalError::Append(AppendError::NoSpace)) => return Ok(Err(PublishError::Stopped)),
            Err(error) => return Err(error.into()),
        }
        self.lines.restoration.end();
        tracing::warn!("what was lost is there again, or is no longer awaited: agencies are answered");
        Ok(Ok(()))
    }

    pub(super) fn note_backup(&mut self, at_ms: u64) -> Result<Result<(), PublishError>, WriterFailure> {
        let municipalities = {
            let states = self.states.read().unwrap_or_else(PoisonError::into_inner);
            let held = states
                .iter()
                .filter(|(_, state)| state.withdrawn.is_none())
                .map(|(&municipality, state)| (municipality, state.marks.at(at_ms)));
            held.collect()
        };
        let entry = BackupEntry {
            at_ms,
            municipalities,
        };
        match self.journal.append_backup(&entry) {
            Ok(()) => {}
            Err(JournalError::Append(AppendError::NoSpace)) => return Ok(Err(PublishError::Stopped)),
            Err(error) => return Err(error.into()),
        }
        note_backup(&self.states, &entry);
        Ok(Ok(()))
    }
}

/// Takes up how far a backup holds. It never goes back: an older backup is not a lesser one.
pub(crate) fn note_backup(states: &States, entry: &BackupEntry) {
    let mut states = states.write().unwrap_or_else(PoisonError::into_inner);
    for (municipality, watermark) in &entry.municipalities {
        if let Some(state) = states.get_mut(municipality) {
            state.backed_up = state.backed_up.max(*watermark).min(state.watermark);
        }
    }
}
