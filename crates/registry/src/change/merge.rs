//! The next version of a card, from its last version and a row of a total export.

use crate::record::{Record, TaxCodeEntry};
use crate::timeline::Timeline;

/// Joins what an export says now with what the mirror knows from before.
///
/// - A fact with a new start is added, and the earlier facts stay as history.
/// - A fact with a start already known supersedes it: a rectification.
/// - A fact that starts before ones already known takes their place: the municipality no longer states those, so
///   they were annulled.
/// - A fact without start cannot be put in order. When its value is the current one, nothing is learnt; otherwise it
///   stands alone, because what the municipality says now must be what is served.
/// - A codice fiscale that is no longer current stays as a past one.
/// - What the export leaves empty becomes empty, history included: a municipality that withdraws a field from
///   publication withdraws its past with it.
///
/// Everything else is taken from the export.
pub fn merge_export(previous: Option<&Record>, incoming: Record) -> Record {
    let Some(previous) = previous else {
        return incoming;
    };
    // Destructured so that a field added to the record must be given a rule here.
    let Record {
        municipality,
        local_id,
        register,
        generalities,
        tax_codes,
        national_id,
        civil_status,
        citizenships,
        parents,
        residences,
        households,
        identity_document,
        registration,
        cancellation,
        death,
        flags,
    } = incoming;
    Record {
        municipality,
        local_id,
        register,
        generalities,
        tax_codes: merge_tax_codes(&previous.tax_codes, tax_codes),
        national_id,
        civil_status: merge_timeline(&previous.civil_status, civil_status),
        citizenships: merge_timeline(&previous.citizenships, citizenships),
        parents,
        residences: merge_timeline(&previous.residences, residences),
        households: merge_timeline(&previous.households, households),
        identity_document,
        registration,
        cancellation,
        death,
        flags,
    }
}

fn merge_timeline<T: Clone + PartialEq>(previous: &Timeline<T>, incoming: Timeline<T>) -> Timeline<T> {
    let (Some(known), Some(stated)) = (previous.latest(), incoming.latest()) else {
        return incoming;
    };
    let Some(first_stated) = incoming.facts().first().and_then(|fact| fact.from) else {
        let nothing_learnt = stated.from.is_none() && stated.value == known.value;
        return if nothing_learnt {
            previous.clone()
        } else {
            incoming
        };
    };
    let earlier = previous
        .facts()
        .iter()
        .filter(|fact| fact.from.is_none_or(|from| from < first_stated));
    let facts = earlier.cloned().chain(incoming.facts().iter().cloned());
    Timeline::from_facts(facts)
}

fn merge_tax_codes(previous: &[TaxCodeEntry], mut incoming: Vec<TaxCodeEntry>) -> Vec<TaxCodeEntry> {
    if incoming.is_empty() {
        return incoming;
    }
    for stated in &mut incoming {
        let known = previous.iter().find(|known| known.code == stated.code);
        stated.from = stated.from.or_else(|| known.and_then(|known| known.from));
    }
    let past = previous
        .iter()
        .filter(|known| incoming.iter().all(|stated| stated.code != known.code));
    let mut codes: Vec<TaxCodeEntry> = past.cloned().collect();
    codes.append(&mut incoming);
    codes
}
