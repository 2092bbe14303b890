//! What a card of a sealed identity may say, and what leads back to the identity that it must never be joined to.

use chrono::NaiveDate;

use crate::linking::{GeneralitiesKey, LinkKey};
use crate::measure::{IdentitySeal, NewIdentity};
use crate::record::{Record, Registration};
use crate::timeline::{Dated, Timeline};

/// The card without what is from before its seal; a card without a seal as it is.
///
/// Of every fact those remain that began on the first day of the new identity or later, and the current one. Of codes
/// the current one remains, and earlier ones that are known to be of the new identity. An identity card from before
/// goes, and so does the place from which the person came before.
pub fn stripped(mut card: Record) -> Record {
    let Some(IdentitySeal { from, .. }) = card.measures.seal else {
        return card;
    };
    if let Some(current) = card.tax_codes.pop() {
        card.tax_codes
            .retain(|entry| entry.from.is_some_and(|start| from <= start));
        card.tax_codes.push(current);
    }
    card.civil_status = since(&card.civil_status, from);
    card.citizenships = since(&card.citizenships, from);
    card.residences = since(&card.residences, from);
    card.households = since(&card.households, from);
    card.identity_document = card.identity_document.filter(|document| from <= document.issued);
    let entered_since = card.registration.effective.is_some_and(|entry| from <= entry);
    if !entered_since {
        card.registration = Registration {
            origin: None,
            ..card.registration
        };
    }
    card
}

/// The card as it is once the back office names the new identity: the seal says so as soon as the current codice
/// fiscale is none that the sealed card bore. `previous` is the version before.
pub fn with_arrival(previous: &Record, mut card: Record) -> Record {
    let arrived = card
        .current_tax_code()
        .is_some_and(|code| previous.tax_codes.iter().all(|entry| entry.code != *code));
    if let Some(seal) = &mut card.measures.seal
        && arrived
    {
        seal.identity = NewIdentity::Present;
    }
    card
}

/// Everything by which a card can be told to be that of an identity: national id, every codice fiscale whether
/// validated or not, exact generalities.
pub fn identity_keys(card: &Record) -> Vec<LinkKey> {
    let national_id = card.national_id.map(LinkKey::NationalId);
    let codes = card.tax_codes.iter().map(|entry| LinkKey::TaxCode(entry.code));
    let generalities = GeneralitiesKey::of(&card.generalities).map(LinkKey::Generalities);
    national_id.into_iter().chain(codes).chain(generalities).collect()
}

/// Whether a card that shares these keys with a buried identity is one of that identity. A national id or a codice
/// fiscale says so; equal generalities do where the card has no validated code and no national id of its own, because
/// then nothing says that it is another person's.
pub fn belongs_to_buried(card: &Record, shared: &[LinkKey]) -> bool {
    let certain = shared.iter().any(|key| match key {
        LinkKey::NationalId(_) | LinkKey::TaxCode(_) => true,
        LinkKey::Generalities(_) => false,
    });
    let told_apart = card.national_id.is_some() || card.tax_codes.iter().any(|entry| entry.validated);
    certain || (!shared.is_empty() && !told_apart)
}

fn since<T: Clone>(timeline: &Timeline<T>, from: NaiveDate) -> Timeline<T> {
    let began_since = |fact: &&Dated<T>| fact.from.is_some_and(|start| from <= start);
    let facts: Vec<Dated<T>> = timeline.facts().iter().filter(began_since).cloned().collect();
    if facts.is_empty() {
        Timeline::from_facts(timeline.latest().cloned())
    } else {
        Timeline::from_facts(facts)
    }
}

#[cfg(test)]
mod tests;
