//! How long cards of those who left or died stay published.
//!
//! The municipality keeps them for ever; the index need not. A card whose term is over leaves publication with an
//! ordinary withdrawal, by day and also while it stands in every later export.

use chrono::{Datelike, NaiveDate};
use registry::change::ChangeBody;
use registry::record::Record;
use store::municipal::{ChangeDraft, MunicipalError, MunicipalStore};

/// Withdrawals that are journalled with one sync.
const CHUNK: usize = 1_000;

/// Terms of publication, in whole years; none where the card stays as long as the municipality exports it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Retention {
    /// After a cancellation other than by death takes effect, 1 to 200.
    pub cancelled_years: Option<u16>,
    /// After death, 1 to 200.
    pub deceased_years: Option<u16>,
}

impl Retention {
    /// Whether any term is set.
    pub fn is_bounded(self) -> bool {
        self.cancelled_years.is_some() || self.deceased_years.is_some()
    }

    /// Whether the card's term is over on `day`: a term of two years that began on 1 March 2020 is over on 1 March 2022.
    /// A cancellation by death without the day of death counts as death.
    pub fn is_over(self, card: &Record, day: NaiveDate) -> bool {
        let Self {
            cancelled_years,
            deceased_years,
        } = self;
        let cancellation = card.cancellation.as_ref();
        let by_death = cancellation.is_some_and(|cancellation| cancellation.reason.is_death());
        let effective = cancellation.map(|cancellation| cancellation.effective);
        let died = card.death.as_ref().map(|death| death.date);
        let over = |since: Option<NaiveDate>, years: Option<u16>| {
            since
                .zip(years)
                .and_then(|(since, years)| years_after(since, years))
                .is_some_and(|end| end <= day)
        };
        if by_death || died.is_some() {
            over(died.or(effective), deceased_years) || (!by_death && over(effective, cancelled_years))
        } else {
            over(effective, cancelled_years)
        }
    }
}

/// Withdraws every card whose term is over on `day`. Returns how many.
///
/// # Errors
/// Those of mirror and journal; what was journalled before stays.
pub fn withdraw(
    store: &mut MunicipalStore,
    retention: Retention,
    day: NaiveDate,
) -> Result<u64, MunicipalError> {
    if !retention.is_bounded() {
        return Ok(0);
    }
    let mut over = Vec::new();
    store.every_card(&mut |card| {
        if retention.is_over(&card, day) {
            over.push(card.local_id);
        }
    })?;
    // The mirror's order is that of its sealed keys; the journal's must not depend on them.
    over.sort_unstable();
    let count = over.len() as u64;
    for cards in over.chunks(CHUNK) {
        let drafts = cards.iter().map(|local_id| ChangeDraft {
            local_id: local_id.clone(),
            body: ChangeBody::Remove,
            events: Vec::new(),
        });
        store.append(drafts.collect())?;
    }
    Ok(count)
}

/// The same day some years later; 29 February is followed by 1 March. Nothing beyond the calendar.
fn years_after(day: NaiveDate, years: u16) -> Option<NaiveDate> {
    let year = day.year().checked_add(i32::from(years))?;
    day.with_year(year)
        .or_else(|| NaiveDate::from_ymd_opt(year, 3, 1))
}

#[cfg(test)]
mod tests;
