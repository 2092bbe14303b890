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
    epoch: Epoch,
    known: BTreeMap<MunicipalityId, Known>,
}

#[derive(Debug)]
struct Known {
    intake: Intake,
    recent: Recent,
}

/// The last accepted batches of a municipality, oldest first.
#[derive(Debug, Default)]
pub(crate) struct Recent(VecDeque<Accepted>);

impl Recent {
    /// Notes a batch.
    pub(crate) fn push(&mut self, accepted: Accepted) {
        if self.0.len() == REMEMBERED {
            self.0.pop_front();
        }
        self.0.push_back(accepted);
    }

    fn intake(&self, code: IstatCode, epoch: Epoch) -> Intake {
        let watermark = Watermark(self.0.back().map_or(0, |last| last.last_sequence));
        Intake::restore(code, epoch, watermark, self.0.iter().copied())
    }
}

impl IntakeBook {
    /// A book without any municipality.
    pub(crate) fn new(epoch: Epoch) -> Self {
        Self {
            epoch,
            known: BTreeMap::new(),
        }
    }

    /// The line of history.
    pub(crate) fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// Takes up what a journal says of a municipality.
    pub(crate) fn restore(&mut self, municipality: MunicipalityId, code: IstatCode, recent: Recent) {
        let intake = recent.intake(code, self.epoch);
        self.known.insert(municipality, Known { intake, recent });
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
        let known = self.known.entry(municipality).or_insert_with(|| {
            let recent = Recent::default();
            Known {
                intake: recent.intake(code, self.epoch),
                recent,
            }
        });
        if known.intake.municipality() != code {
            known.intake = known.recent.intake(code, self.epoch);
        }
        known
            .intake
            .admit(batch, i64::try_from(now_ms).unwrap_or(i64::MAX))
    }

    /// Notes that an admitted batch is durable. Each must be settled before the next is admitted.
    pub(crate) fn settle(
        &mut self,
        municipality: MunicipalityId,
        admitted: Admitted,
    ) -> Result<Acknowledgement, NotNext> {
        let accepted = admitted.accepted();
        let known = self.known.get_mut(&municipality).ok_or(NotNext { expected: 1 })?;
        let acknowledgement = known.intake.settle(admitted)?;
        known.recent.push(accepted);
        Ok(acknowledgement)
    }
}
