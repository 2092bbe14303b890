//! The agreements the index knows: the fold of activations and revocations.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};

use registry::municipality::MunicipalityId;
use registry::profile::GroupSet;

use crate::context::AgreementId;
use crate::moment::Moment;
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

    /// The groups of fields that agreements in force open over a municipality: what it publishes, unless it publishes
    /// less.
    pub fn groups_over(&self, municipality: MunicipalityId, moment: Moment) -> GroupSet {
        self.iter()
            .filter(|entry| entry.is_in_force(moment))
            .map(|entry| entry.agreement.terms())
            .filter(|terms| terms.territory.contains(municipality))
            .fold(GroupSet::NONE, |groups, terms| groups.union(terms.groups()))
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

    /// Whether calls under it can be admitted at a moment, as far as its validity goes: it is activated and not revoked,
    /// its first day has begun and its last is not over.
    pub fn is_in_force(&self, moment: Moment) -> bool {
        let terms = self.agreement.terms();
        let revoked = self.revocation.as_ref();
        self.activated_at <= moment.utc()
            && revoked.is_none_or(|revocation| moment.utc() < revocation.at)
            && (terms.valid_from..=terms.valid_to).contains(&moment.date())
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
    use registry::identifier::IstatCode;
    use registry::profile::FieldGroup;

    use super::*;
    use crate::clause::Clause;
    use crate::decision::{Verdict, explain};
    use crate::document::AgreementDocument;
    use crate::field::FieldSet;
    use crate::fixture;
    use crate::usage::Usage;

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
    fn groups_are_open_while_an_agreement_that_grants_them_is_in_force_and_only_over_its_territory() {
        let municipality = |istat| MunicipalityId::of_any(IstatCode::parse(istat).unwrap()).unwrap();
        let (imola, milano) = (municipality("037032"), municipality("015146"));
        let moment = |text: &str| Moment::new(at(text));
        let granting = |fields: &str, population: &str| {
            let document = fixture::DOCUMENT
                .replacen("fields = [", &format!("fields = [{fields}"), 1)
                .replacen("[population]\n", &format!("[population]\n{population}"), 1);
            AgreementDocument::parse(document.as_bytes()).unwrap()
        };
        let of = FieldSet::from_names;
        let mut agreements = Agreements::default();
        let noon = moment("2026-06-01T12:00:00Z");
        assert_eq!(agreements.groups_over(imola, noon), GroupSet::NONE);

        let agreement = granting("\"parents\", \"identity_document\", ", "aire = true\n");
        let own = agreement.terms().purposes.iter().map(|purpose| purpose.fields);
        assert!(
            own.clone()
                .any(|fields| of(["parents"]).unwrap().is_subset(fields))
        );
        let id = agreement.terms().id.clone();
        agreements
            .activate(agreement, at("2026-03-01T10:00:00Z"))
            .unwrap();
        let all = agreements.groups_over(imola, noon);
        assert!(
            GroupSet::of(&[
                FieldGroup::Parents,
                FieldGroup::IdentityDocument,
                FieldGroup::Aire
            ])
            .is_subset(all)
        );
        assert_eq!(agreements.groups_over(milano, noon), GroupSet::NONE);
        // Before it was activated, on its last day, and on the day after.
        for (text, groups) in [
            ("2026-03-01T09:59:59Z", GroupSet::NONE),
            ("2026-03-01T10:00:00Z", all),
            ("2026-12-31T22:59:59Z", all),
            ("2026-12-31T23:00:00Z", GroupSet::NONE),
        ] {
            assert_eq!(agreements.groups_over(imola, moment(text)), groups, "{text}");
        }
        agreements
            .revoke(&id, at("2026-06-01T12:00:00Z"), "misuse")
            .unwrap();
        assert_eq!(agreements.groups_over(imola, noon), GroupSet::NONE);
        assert_eq!(agreements.groups_over(imola, moment("2026-06-01T11:59:59Z")), all);
    }

    #[test]
    fn an_agreement_is_in_force_where_a_call_under_it_passes_its_clauses() {
        let agreement = fixture::agreement("");
        let mut agreements = Agreements::default();
        let id = agreement.terms().id.clone();
        agreements
            .activate(agreement, at("2026-01-02T00:00:00Z"))
            .unwrap();
        agreements
            .revoke(&id, at("2026-11-02T00:00:00Z"), "over")
            .unwrap();
        for day in 1..=400 {
            let moment = Moment::new(at("2025-12-20T11:00:00Z") + chrono::Duration::days(day));
            let outcomes = explain(
                &agreements,
                &fixture::peer(),
                &fixture::request(),
                &Usage::default(),
                moment,
            );
            let validity = [Clause::NotRevoked, Clause::Begun, Clause::NotExpired];
            let mut concerned = outcomes
                .iter()
                .filter(|outcome| validity.contains(&outcome.clause));
            let valid = concerned.all(|outcome| outcome.verdict == Verdict::Passed);
            let entry = agreements.get(&id).unwrap();
            assert_eq!(entry.is_in_force(moment), valid, "{:?}", moment.date());
        }
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
