//! Contradictions between cards, as the municipalities whose cards they are may see them.
//!
//! A municipality sees its own card and what is wrong; whose the other card is it sees only where that municipality has
//! confirmed that it may be contacted, and never where the whereabouts of either person are protected. A sealed identity
//! contradicts nobody. Each contradiction that is shown is an entry of the access log that names both persons.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{Datelike, NaiveDate};
use ledger::part::{MunicipalityId as PartMunicipality, PartKind};
use registry::identifier::{LocalId, PersonId};
use registry::linking::AnomalyKind;
use registry::municipality::MunicipalityId;
use registry::record::Record;

use crate::access_log::draft::{EntryDraft, Sealed};
use crate::access_log::part_content::{ContentError, DetailPart, Subject, SubjectRole, SubjectsPart};
use crate::keys::token::TokenDomain;
use crate::projection::ProjectionError;
use crate::projection::contradictions::{Contradiction, Place};
use crate::record_store::ReadError;
use crate::record_store::read::Reader;
use crate::rows::CommitSequence;

/// What a municipality asks.
#[derive(Clone, Copy, Debug)]
pub struct AnomalyQuestion<'a> {
    /// Who asks, about its own cards.
    pub municipality: MunicipalityId,
    /// Day for which double registrations are looked for.
    pub today: NaiveDate,
    /// Place of the first contradiction, from 0; of a later page the one that the page before gave.
    pub from: u64,
    /// How many at most.
    pub limit: usize,
    /// The state that is read: of a later page that of the first.
    pub as_of: Option<CommitSequence>,
    /// Municipalities that have confirmed that others may contact them.
    pub contacts: &'a BTreeSet<MunicipalityId>,
}

/// A page of contradictions, each of which leaves with its own entry.
#[derive(Debug)]
pub struct AnomalyPage {
    /// The contradictions.
    pub anomalies: Vec<Sealed<ShownAnomaly>>,
    /// Place of the next page; `None` at the end.
    pub next: Option<u64>,
    /// The state that was read.
    pub as_of: CommitSequence,
}

/// A contradiction as it is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShownAnomaly {
    /// What contradicts.
    pub kind: AnomalyKind,
    /// The municipality's own card.
    pub local_id: LocalId,
    /// Who keeps the other card, where that may be said.
    pub other: Option<MunicipalityId>,
}

/// One side of a contradiction.
struct Side {
    municipality: MunicipalityId,
    person: PersonId,
    card: Record,
}

impl Reader {
    /// A page of what contradicts the cards of a municipality.
    pub(crate) fn anomalies(
        &self,
        question: &AnomalyQuestion<'_>,
        draft: &dyn Fn() -> EntryDraft,
    ) -> Result<AnomalyPage, ReadError> {
        let AnomalyQuestion {
            municipality,
            today,
            from,
            limit,
            as_of,
            contacts,
        } = *question;
        let visible = self.projection.visible();
        let as_of = as_of.map_or(visible, |as_of| as_of.min(visible));
        let known = self.projection.contradictions_of(municipality, as_of)?;
        let mut anomalies = Vec::new();
        let mut next = None;
        for (place, (own, contradiction)) in (0..).zip(known).filter(|(place, _)| from <= *place) {
            if anomalies.len() == limit {
                next = Some(place);
                break;
            }
            let Contradiction { kind, other } = contradiction;
            let (Some(own), Some(other)) = (self.side(own, as_of)?, self.side(other, as_of)?) else {
                continue;
            };
            if !still_holds(kind, &own.card, &other.card, today) {
                continue;
            }
            let may_name = contacts.contains(&other.municipality)
                && !self.is_protected_today(&own, today, as_of)?
                && !self.is_protected_today(&other, today, as_of)?;
            let shown = ShownAnomaly {
                kind,
                local_id: own.card.local_id.clone(),
                other: may_name.then_some(other.municipality),
            };
            let draft = self.enter_anomaly(&shown, &own, &other, today, draft())?;
            anomalies.push(Sealed::new(shown, draft));
        }
        Ok(AnomalyPage {
            anomalies,
            next,
            as_of,
        })
    }

    /// The card, unless it is gone, buried or that of a sealed identity.
    fn side(&self, place: Place, as_of: CommitSequence) -> Result<Option<Side>, ProjectionError> {
        let Some(card) = self.projection.card_at(place.record, as_of)? else {
            return Ok(None);
        };
        let person = card.person;
        Ok(card.record.filter(|card| !card.is_sealed()).map(|card| Side {
            municipality: place.municipality,
            person,
            card,
        }))
    }

    fn is_protected_today(
        &self,
        side: &Side,
        today: NaiveDate,
        as_of: CommitSequence,
    ) -> Result<bool, ProjectionError> {
        Ok(side.card.protected_on(today) || self.is_protected(side.person, [today; 2], as_of)?)
    }

    fn enter_anomaly(
        &self,
        shown: &ShownAnomaly,
        own: &Side,
        other: &Side,
        today: NaiveDate,
        mut draft: EntryDraft,
    ) -> Result<EntryDraft, ContentError> {
        let named = if shown.other.is_some() { "yes" } else { "no" };
        let details = [
            ("act", "anomaly"),
            ("code", shown.kind.code()),
            ("other_named", named),
        ];
        let details = details.map(|(name, value)| (name.to_owned(), value.to_owned()));
        draft = draft.with(
            PartKind::AdministrativeDetail,
            &DetailPart {
                details: details.to_vec(),
            },
        )?;
        let year = u16::try_from(today.year()).unwrap_or_default();
        let mut subjects: BTreeMap<MunicipalityId, Vec<Subject>> = BTreeMap::new();
        for (side, role) in [(own, SubjectRole::Shown), (other, SubjectRole::Compared)] {
            let domain = TokenDomain::Pseudonym {
                municipality: side.municipality.as_str(),
                year,
            };
            subjects.entry(side.municipality).or_default().push(Subject {
                pseudonym: self.pseudonyms.token(domain, side.person.0.as_bytes()),
                role,
                fields: Vec::new(),
            });
        }
        for (municipality, mut noted) in subjects {
            noted.dedup_by_key(|subject| subject.pseudonym);
            let count = u32::try_from(noted.len()).unwrap_or(u32::MAX);
            let kind = PartMunicipality::new(municipality.as_str()).map_err(|_| ContentError::Value)?;
            let part = SubjectsPart {
                subjects: noted,
                count,
            };
            draft = draft.with(PartKind::Subjects(kind), &part)?;
        }
        Ok(draft)
    }
}

/// A double registration ends by itself when the day comes on which one of the two does.
fn still_holds(kind: AnomalyKind, own: &Record, other: &Record, today: NaiveDate) -> bool {
    match kind {
        AnomalyKind::DoubleResidence | AnomalyKind::AprAndAire | AnomalyKind::DoubleCard => {
            let stands = |card: &Record| card.registered_on(today) && !card.dead_on(today);
            stands(own) && stands(other)
        }
        AnomalyKind::OmocodePair
        | AnomalyKind::OneCodeTwoPersons
        | AnomalyKind::OnePersonTwoCodes
        | AnomalyKind::SeveralPersons => true,
    }
}
