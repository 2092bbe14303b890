//! Persons: which cards belong together, asked of the rows and decided by the registry's rules.

use std::collections::HashMap;

use chrono::{DateTime, NaiveDate};
use registry::change::ChangeBody;
use registry::identifier::{LocalId, PersonId, RecordId};
use registry::linking::{self, Candidate, CardFacts, Identity, LinkKey, RegionKey};
use registry::municipality::MunicipalityId;
use registry::publication::Batch;
use registry::record::Record;

use crate::keys::token::Token;
use crate::projection::{Projection, ProjectionError};
use crate::publication_journal::entry::{Decision, LinkStanding};
use crate::rows::CommitSequence;

/// Makes record ids and resolves persons.
#[derive(Debug)]
pub(crate) struct Linker {
    region: RegionKey,
}

/// What became of one change.
#[derive(Debug)]
pub(crate) struct Resolved(Decision);

impl Resolved {
    pub(crate) fn decision(&self) -> Decision {
        self.0.clone()
    }
}

/// A card of the batch at hand that earlier cards of the batch must be able to find.
struct Pending {
    record: RecordId,
    person: PersonId,
    facts: CardFacts,
    linked_at: u64,
}

impl Linker {
    pub(crate) fn new(region: RegionKey) -> Self {
        Self { region }
    }

    /// The regional id of a card.
    pub(crate) fn record_id(&self, municipality: MunicipalityId, local_id: &LocalId) -> RecordId {
        linking::record_id(&self.region, municipality, local_id)
    }

    /// Decides over every change of a batch, against all that was accepted before and the batch itself.
    pub(crate) fn resolve(
        &self,
        projection: &Projection,
        municipality: MunicipalityId,
        batch: &Batch,
    ) -> Result<Vec<Resolved>, ProjectionError> {
        let visible = projection.visible();
        let today = DateTime::from_timestamp_millis(batch.sent_at_ms()).map(|sent| sent.date_naive());
        let mut pending: Vec<Pending> = Vec::new();
        let mut by_key: HashMap<LinkKey, Vec<usize>> = HashMap::new();
        let mut by_record: HashMap<RecordId, usize> = HashMap::new();
        let mut resolved = Vec::with_capacity(batch.changes().len());
        for change in batch.changes() {
            let record = self.record_id(municipality, &change.local_id);
            let known = match by_record.get(&record).and_then(|&place| pending.get(place)) {
                Some(pending) => Some(pending.person),
                None => projection.card_at(record, visible)?.map(|card| card.person),
            };
            let ChangeBody::Upsert(card) = &change.body else {
                let person = known.unwrap_or(PersonId(record.0));
                resolved.push(Resolved(Decision::Linked { person, standing: LinkStanding::Confirmed }));
                continue;
            };
            let facts = CardFacts::of(card, Identity::Open);
            let mut candidates = stored_candidates(projection, visible, card)?;
            let keys = linking::link_keys(card);
            let shared = keys.iter().filter_map(|key| by_key.get(key)).flatten();
            candidates.extend(shared.filter_map(|&place| pending.get(place)).map(|other| Candidate {
                record: other.record,
                person: other.person,
                linked_at: other.linked_at,
                facts: other.facts.clone(),
            }));
            let decision = linking::link(record, &facts, &candidates, today.unwrap_or(NaiveDate::MIN));
            let standing = match decision.standing {
                linking::LinkStanding::First | linking::LinkStanding::Confirmed => LinkStanding::Confirmed,
                linking::LinkStanding::Unconfirmed => LinkStanding::Unconfirmed,
            };
            // A card that was linked keeps its person: what changed on it may be the very thing that linked it.
            let person = match (known, decision.standing) {
                (Some(known), linking::LinkStanding::First | linking::LinkStanding::Unconfirmed) => known,
                _ => decision.person,
            };
            let linked_at = visible.0 + 1 + pending.len() as u64;
            by_record.insert(record, pending.len());
            for key in keys {
                by_key.entry(key).or_default().push(pending.len());
            }
            pending.push(Pending { record, person, facts, linked_at });
            resolved.push(Resolved(Decision::Linked { person, standing }));
        }
        Ok(resolved)
    }
}

fn stored_candidates(
    projection: &Projection,
    visible: CommitSequence,
    card: &Record,
) -> Result<Vec<Candidate>, ProjectionError> {
    let mut records: Vec<RecordId> = Vec::new();
    for token in link_tokens(projection, card) {
        for record in projection.cards_of_token(&token, visible)? {
            if !records.contains(&record) {
                records.push(record);
            }
        }
    }
    let mut candidates = Vec::with_capacity(records.len());
    for record in records {
        let Some(found) = projection.card_at(record, visible)? else { continue };
        let Some(body) = &found.record else { continue };
        candidates.push(Candidate {
            record,
            person: found.person,
            linked_at: found.sequence.0,
            facts: CardFacts::of(body, Identity::Open),
        });
    }
    Ok(candidates)
}

fn link_tokens(projection: &Projection, card: &Record) -> Vec<Token> {
    linking::link_keys(card)
        .iter()
        .map(|key| match key {
            LinkKey::NationalId(id) => projection.national_id_token(id.as_str()),
            LinkKey::TaxCode(code) => projection.tax_code_token(code.as_str()),
            LinkKey::Generalities(key) => projection.generalities_token(key),
        })
        .collect()
}
