//! One intake for each municipality.

use std::collections::BTreeMap;

use registry::identifier::IstatCode;
use registry::municipality::MunicipalityId;
use registry::publication::{Epoch, Watermark};
use registry::publication::{Accepted, Intake};

/// The intakes of all municipalities that ever published.
#[derive(Debug, Default)]
pub(crate) struct IntakeBook(BTreeMap<MunicipalityId, Intake>);

impl IntakeBook {
    /// The municipality's intake; a first batch opens it.
    pub(crate) fn intake(
        &mut self,
        municipality: MunicipalityId,
        code: IstatCode,
        epoch: Epoch,
    ) -> &mut Intake {
        self.0.entry(municipality).or_insert_with(|| Intake::new(code, epoch))
    }

    /// Takes up what a journal says of a municipality.
    pub(crate) fn restore(
        &mut self,
        municipality: MunicipalityId,
        code: IstatCode,
        epoch: Epoch,
        accepted: impl IntoIterator<Item = Accepted>,
    ) {
        let accepted: Vec<Accepted> = accepted.into_iter().collect();
        let watermark = Watermark(accepted.last().map_or(0, |last| last.last_sequence));
        self.0.insert(municipality, Intake::restore(code, epoch, watermark, accepted));
    }
}
