//! One intake for each municipality.

use std::collections::{BTreeMap, VecDeque};

use registry::identifier::IstatCode;
use registry::municipality::MunicipalityId;
use registry::publication::{
    Accepted, Acknowledgement, Admission, Admitted, Batch, Epoch, Intake, NotNext, Refusal, Watermark,
};

/// Batches whose content is remembered to tell a repetition from a conflict.
const REMEMBERED: usize = 256;

/// The intakes of all municipalities that ever published.
#[derive(Debug)]
pub(crate) struct IntakeBook {
    /// The epoch of a municipality whose line never began anew.
    first: Epoch,
    known: BTreeMap<MunicipalityId, Known>,
}

#[derive(Debug)]
struct Known {
    recent: Recent,
    /// Under the code of the last batch; made anew when the code changes.
    intake: Option<Intake>,
}

/// The line of history of a municipality and its last accepted batches, oldest first.
#[derive(Debug)]
pub(crate) struct Recent {
    epoch: Epoch,
    /// Where the line begins.
    from: Watermark,
    batches: VecDeque<Accepted>,
}

impl Recent {
    /// A line that begins behind a change, without any batch.
    pub(crate) fn new(epoch: Epoch, from: Watermark) -> Self {
        Self {
            epoch,
            from,
            batches: VecDeque::new(),
        }
    }

    /// Notes a batch.
    pub(crate) fn push(&mut self, accepted: Accepted) {
        if self.batches.len() == REMEMBERED {
            self.batches.pop_front();
        }
        self.batches.push_back(accepted);
    }

    fn intake(&self, code: IstatCode) -> Intake {
        let last = self.batches.back().map(|last| Watermark(last.last_sequence));
        let watermark = last.unwrap_or(self.from);
        Intake::restore(code, self.epoch, watermark, self.batches.iter().copied())
    }
}

impl IntakeBook {
    /// A book without any municipality.
    pub(crate) fn new(first: Epoch) -> Self {
        Self {
            first,
            known: BTreeMap::new(),
        }
    }

    /// The line of history of a municipality.
    pub(crate) fn epoch(&self, municipality: MunicipalityId) -> Epoch {
        let known = self.known.get(&municipality);
        known.map_or(self.first, |known| known.recent.epoch)
    }

    /// A municipality has left.
    pub(crate) fn forget(&mut self, municipality: MunicipalityId) {
        self.known.remove(&municipality);
    }

    /// Takes up what a journal says of a municipality, or a line that begins anew: nothing that was admitted under
    /// the one before counts any more.
    pub(crate) fn restore(&mut self, municipality: MunicipalityId, recent: Recent) {
        let intake = None;
        self.known.insert(municipality, Known { recent, intake });
    }

    /// Decides over a batch; a municipality's first opens its intake. A municipality whose ISTAT code has changed
    /// goes on where it was: the identity is the same.
    pub(crate) fn admit(
        &mut self,
        municipality: MunicipalityId,
        batch: &Batch,
        now_ms: u64,
    ) -> Result<Admission, Refusal> {
        let code = batch.municipality();
        let Known { recent, intake } = self.known.entry(municipality).or_insert_with(|| Known {
            recent: Recent::new(self.first, Watermark::default()),
            intake: None,
        });
        let current = intake.take().filter(|intake| intake.municipality() == code);
        let intake = intake.insert(current.unwrap_or_else(|| recent.intake(code)));
        intake.admit(batch, i64::try_from(now_ms).unwrap_or(i64::MAX))
    }

    /// Notes that an admitted batch is durable. Each must be settled before the next is admitted.
    pub(crate) fn settle(
        &mut self,
        municipality: MunicipalityId,
        admitted: Admitted,
    ) -> Result<Acknowledgement, NotNext> {
        let accepted = admitted.accepted();
        let never_admitted = NotNext { expected: 1 };
        let known = self.known.get_mut(&municipality).ok_or(never_admitted)?;
        let intake = known.intake.as_mut().ok_or(never_admitted)?;
        let acknowledgement = intake.settle(admitted)?;
        known.recent.push(accepted);
        Ok(acknowledgement)
    }
}
