//! The agreements the index knows: the fold of activations and revocations.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};

use crate::context::AgreementId;
use crate::peer::SpiffeId;
use crate::terms::Agreement;

/// Every agreement. A clone is a snapshot and costs a reference count.
#[derive(Clone, Debug, Default)]
pub struct Agreements {
    entries: Arc<BTreeMap<AgreementId, AgreementEntry>>,
}

/// An agreement and its life.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AgreementEntry {
    agreement: Arc<Agreement>,
    activated_at: DateTime<Utc>,
    revocation: Option<Revocation>,
}

/// End of an agreement before its last day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revocation {
    /// Calls are refused from this instant on.
    pub at: DateTime<Utc>,
    /// Why, as the administrator stated.
    pub reason: String,
}

/// Why an agreement's state does not allow a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AgreementsError {
    /// No such agreement.
    #[error("there is no agreement of that id")]
    Unknown,
    /// Revocation is final; a new agreement needs a new id.
    #[error("the agreement was revoked")]
    Revoked,
    /// The id belongs to another agency.
    #[error("the id belongs to an agreement of another agency")]
    OtherAgency,
}

impl Agreements {
    /// Puts an agreement into force, or a new version in place of the one in force.
    pub fn activate(&mut self, agreement: Agreement, at: DateTime<Utc>) -> Result<(), AgreementsError> {
        let id = agreement.terms().id.clone();
        if let Some(present) = self.entries.get(&id) {
            if present.revocation.is_some() {
                return Err(AgreementsError::Revoked);
            }
            if present.agreement.terms().agency != agreement.terms().agency {
                return Err(AgreementsError::OtherAgency);
            }
        }
        let entry = AgreementEntry {
            agreement: Arc::new(agreement),
            activated_at: at,
            revocation: None,
        };
        Arc::make_mut(&mut self.entries).insert(id, entry);
        Ok(())
    }

    /// Ends an agreement for good.
    pub fn revoke(
        &mut self,
        id: &AgreementId,
        at: DateTime<Utc>,
        reason: &str,
    ) -> Result<(), AgreementsError> {
        if self
            .entries
            .get(id)
            .is_some_and(|present| present.revocation.is_some())
        {
            return Err(AgreementsError::Revoked);
        }
        let entry = Arc::make_mut(&mut self.entries)
            .get_mut(id)
            .ok_or(AgreementsError::Unknown)?;
        entry.revocation = Some(Revocation {
            at,
            reason: reason.to_owned(),
        });
        Ok(())
    }

    /// The agreement of that id, in whatever state.
    pub fn get(&self, id: &AgreementId) -> Option<&AgreementEntry> {
        self.entries.get(id)
    }

    /// The agreements of an agency, in order of id, in whatever state.
    pub fn for_peer<'a>(&'a self, agency: &'a SpiffeId) -> impl Iterator<Item = &'a AgreementEntry> {
        self.iter()
            .filter(move |entry| entry.agreement.terms().agency == *agency)
    }

    /// Every agreement, in order of id.
    pub fn iter(&self) -> impl Iterator<Item = &AgreementEntry> {
        self.entries.values()
    }
}

impl AgreementEntry {
    /// The version in force.
    pub fn agreement(&self) -> &Arc<Agreement> {
        &self.agreement
    }

    /// When this version was activated.
    pub fn activated_at(&self) -> DateTime<Utc> {
        self.activated_at
    }

    /// Its revocation, where there is one.
    pub fn revocation(&self) -> Option<&Revocation> {
        self.revocation.as_ref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn a_new_version_takes_the_place_of_the_old_one() {
        let mut agreements = Agreements::default();
        let first = fixture::agreement("");
        let second = fixture::agreement("# second version\n");
        let id = first.terms().id.clone();
        agreements
            .activate(first.clone(), at("2026-01-01T00:00:00Z"))
            .unwrap();
        let snapshot = agreements.clone();
        agreements
            .activate(second.clone(), at("2026-02-01T00:00:00Z"))
            .unwrap();
        assert_eq!(agreements.get(&id).unwrap().agreement().hash(), second.hash());
        assert_eq!(
            agreements.get(&id).unwrap().activated_at(),
            at("2026-02-01T00:00:00Z")
        );
        assert_eq!(
            snapshot.get(&id).unwrap().agreement().hash(),
            first.hash(),
            "a snapshot stays as it was"
        );
        assert_eq!(agreements.iter().count(), 1);
    }

    #[test]
    fn revocation_is_final() {
        let mut agreements = Agreements::default();
        let agreement = fixture::agreement("");
        let id = agreement.terms().id.clone();
        let when = at("2026-01-01T00:00:00Z");
        assert_eq!(
            agreements.revoke(&id, when, "misuse"),
            Err(AgreementsError::Unknown)
        );
        agreements.activate(agreement.clone(), when).unwrap();
        assert_eq!(agreements.get(&id).unwrap().revocation(), None);
        agreements.revoke(&id, when, "misuse").unwrap();
        let expect = Revocation {
            at: when,
            reason: "misuse".to_owned(),
        };
        assert_eq!(agreements.get(&id).unwrap().revocation(), Some(&expect));
        assert_eq!(
            agreements.revoke(&id, when, "again"),
            Err(AgreementsError::Revoked)
        );
        assert_eq!(
            agreements.activate(agreement, when),
            Err(AgreementsError::Revoked)
        );
    }

    #[test]
    fn an_id_stays_with_its_agency() {
        let mut agreements = Agreements::default();
        let when = at("2026-01-01T00:00:00Z");
        let own = fixture::agreement("");
        let other = fixture::changed("agency/questura", "agency/other");
        let (own_agency, other_agency) = (own.terms().agency.clone(), other.terms().agency.clone());
        agreements.activate(own, when).unwrap();
        assert_eq!(
            agreements.activate(other, when),
            Err(AgreementsError::OtherAgency)
        );
        assert_eq!(agreements.for_peer(&own_agency).count(), 1);
        assert_eq!(agreements.for_peer(&other_agency).count(), 0);
    }
}
