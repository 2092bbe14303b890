//! Examination of each clause.

use chrono::NaiveDate;

use crate::agreements::{AgreementEntry, Agreements};
use crate::batch::{Approval, BatchRow, BatchTerms};
use crate::clause::Clause;
use crate::context::{USUAL_REFERENCE, Urgency};
use crate::declarations::{DeclarationUse, MAX_DIFFERENT, WINDOW_DAYS};
use crate::denial::{QuotaScope, Requirement};
use crate::field::{Field, FieldSet};
use crate::moment::Moment;
use crate::peer::Peer;
use crate::request::{Asked, DeclaredPerson, Request};
use crate::service::{Service, VerificationKind};
use crate::terms::{ByGeneralities, KnownOn, Limits, Purpose, Terms};
use crate::usage::{Counters, Usage};

use super::Verdict;

/// A call with everything its examination depends on.
pub(super) struct Call<'a> {
    peer: &'a Peer,
    request: &'a Request,
    usage: &'a Usage,
    moment: Moment,
    entry: Option<&'a AgreementEntry>,
    purpose: Option<&'a Purpose>,
}

impl<'a> Call<'a> {
    pub(super) fn new(
        agreements: &'a Agreements,
        peer: &'a Peer,
        request: &'a Request,
        usage: &'a Usage,
        moment: Moment,
    ) -> Self {
        let own = |entry: &&AgreementEntry| entry.agreement().terms().agency == peer.id;
        let entry = agreements.get(&request.context.agreement).filter(own);
        let purpose = entry.and_then(|entry| entry.agreement().terms().purpose(&request.context.purpose));
        Self {
            peer,
            request,
            usage,
            moment,
            entry,
            purpose,
        }
    }

    /// The agreement, if there is one of the caller.
    pub(super) fn entry(&self) -> Option<&'a AgreementEntry> {
        self.entry
    }

    /// How a clause comes out. Services that need no grant are bound by the agreement's validity, networks and
    /// certificates only.
    pub(super) fn examine(&self, clause: Clause) -> Verdict {
        let Some(entry) = self.entry else {
            return if clause == Clause::AgreementKnown {
                Verdict::Failed(Requirement::Unspecified)
            } else {
                Verdict::NotReached
            };
        };
        let terms = entry.agreement().terms();
        match clause {
            Clause::AgreementKnown => Verdict::Passed,
            Clause::NotRevoked => {
                let revoked = entry
                    .revocation()
                    .is_some_and(|revocation| revocation.at <= self.moment.utc());
                unless(revoked, || Requirement::Unspecified)
            }
            Clause::Begun => {
                let begun =
                    terms.valid_from <= self.moment.date() && entry.activated_at() <= self.moment.utc();
                unless(!begun, || {
                    let activated = Moment::new(entry.activated_at()).date();
                    Requirement::NotBefore(terms.valid_from.max(activated))
                })
            }
            Clause::NotExpired => unless(terms.valid_to < self.moment.date(), || {
                Requirement::NotAfter(terms.valid_to)
            }),
            Clause::Certificate => {
                let pinned = &terms.pinned_certificates;
                let seen = self.peer.certificate;
                unless(!pinned.is_empty() && !pinned.contains(&seen), || {
                    Requirement::OtherCertificate { seen }
                })
            }
            Clause::Network => {
                let networks = &terms.networks;
                let seen = self.peer.address;
                let outside = !networks.is_empty() && !networks.iter().any(|network| network.contains(seen));
                unless(outside, || Requirement::Networks {
                    seen,
                    admitted: networks.clone(),
                })
            }
            _ if !self.request.service().needs_grant() => Verdict::Passed,
            Clause::Hours => {
                let windows = &terms.hours;
                let outside =
                    !windows.is_empty() && !windows.iter().any(|window| window.contains(self.moment));
                unless(outside, || Requirement::Hours(windows.clone()))
            }
            Clause::SearchMode => {
                let named = self.request.asked.names_by_generalities();
                unless(named && terms.by_generalities == ByGeneralities::Refused, || {
                    Requirement::Unspecified
                })
            }
            Clause::Purpose => unless(self.purpose.is_none(), || {
                Requirement::Purposes(terms.purposes.iter().map(|purpose| purpose.id.clone()).collect())
            }),
            Clause::BatchSize | Clause::Approval | Clause::RowQuota if self.request.batch.is_none() => {
                Verdict::Passed
            }
            Clause::Service
            | Clause::Verification
            | Clause::Ascertainment
            | Clause::Fields
            | Clause::Consent
            | Clause::ConsentDate
            | Clause::DeclaredPerson
            | Clause::BatchSize
            | Clause::Approval
            | Clause::RowQuota => match self.purpose {
                Some(purpose) => self.examine_grant(clause, purpose),
                None => Verdict::NotReached,
            },
            Clause::Territory => {
                let outside = self
                    .request
                    .municipality
                    .is_some_and(|id| !terms.territory.contains(id));
                unless(outside, || Requirement::Unspecified)
            }
            Clause::ReferenceDate => {
                let today = self.moment.date();
                unless(today < self.reference_date(), || {
                    Requirement::ReferenceDateUntil(today)
                })
            }
            Clause::History => match terms.history.earliest(self.moment.date()) {
                Some(earliest) if self.reference_date() < earliest => {
                    Verdict::Failed(Requirement::ReferenceDateFrom(earliest))
                }
                Some(_) | None => Verdict::Passed,
            },
            Clause::KnownOn => {
                let asked = self.request.context.known_on;
                // The names of an earlier instant are not indexed: a search knows what is known now.
                let searches = self.request.asked.service() == Service::SearchPersons;
                let refused = asked.is_some_and(|instant| {
                    terms.known_on == KnownOn::Refused || searches || self.moment.utc() < instant
                });
                unless(refused, || Requirement::Unspecified)
            }
            Clause::Urgency => unless(self.request.context.urgency != Urgency::Ordinary, || {
                Requirement::Unspecified
            }),
            Clause::Operator | Clause::PersonalAccount | Clause::Assurance | Clause::Workstation => {
                self.examine_operator(clause, terms)
            }
            Clause::ConsentForm => {
                let form = terms.consent_reference.as_ref().unwrap_or(&USUAL_REFERENCE);
                let given = self.request.context.consent_reference.as_ref();
                unless(
                    given.is_some_and(|reference| !form.admits_consent(reference)),
                    || Requirement::Reference(form.clone()),
                )
            }
            Clause::Case => {
                let missing = terms
                    .case_reference
                    .as_ref()
                    .filter(|_| self.request.context.case_reference.is_none());
                missing.map_or(Verdict::Passed, |form| {
                    Verdict::Failed(Requirement::Reference(form.clone()))
                })
            }
            Clause::CaseForm => match (&terms.case_reference, &self.request.context.case_reference) {
                (form, Some(reference)) => {
                    let form = form.as_ref().unwrap_or(&USUAL_REFERENCE);
                    unless(!form.admits_case(reference), || {
                        Requirement::Reference(form.clone())
                    })
                }
                (Some(_), None) => Verdict::NotReached,
                (None, None) => Verdict::Passed,
            },
            Clause::MinuteQuota | Clause::DayQuota | Clause::MissQuota if self.request.batch.is_some() => {
                // A row counts as a row.
                Verdict::Passed
            }
            Clause::MinuteQuota | Clause::DayQuota | Clause::MissQuota => self.examine_quotas(clause, terms),
            Clause::DifferentDeclarations => match self.usage.declarations {
                DeclarationUse::Open => Verdict::Passed,
                DeclarationUse::UsedUp { resets_at } => Verdict::Failed(Requirement::Declarations {
                    limit: MAX_DIFFERENT,
                    days: WINDOW_DAYS,
                    resets_at,
                }),
            },
        }
    }

    /// What the purpose grants.
    fn examine_grant(&self, clause: Clause, purpose: &Purpose) -> Verdict {
        let asked = self.request.asked;
        let consent = self.request.context.consent_reference.as_ref();
        match clause {
            Clause::Service => {
                // Being listed suffices for an ascertainment, but not for a list of them.
                let by_kind = asked.ascertainment().is_some() && self.request.batch.is_none();
                let granted = by_kind || purpose.services.contains(&self.request.service());
                unless(!granted, || {
                    Requirement::Services(purpose.services.iter().copied().collect())
                })
            }
            Clause::Verification => {
                let granted = |kind: VerificationKind| purpose.verifications.contains(&kind);
                // Limited to a municipality, the question is also whether the person is registered there.
                let place = [VerificationKind::Residence, VerificationKind::MunicipalResidence];
                let limited = self.request.municipality.is_some() && !place.into_iter().any(granted);
                let refused = asked.verification().is_some_and(|kind| limited || !granted(kind));
                unless(refused, || {
                    Requirement::Verifications(purpose.verifications.iter().copied().collect())
                })
            }
            Clause::Ascertainment => {
                let refused = asked
                    .ascertainment()
                    .filter(|kind| self.request.batch.is_some() || !purpose.ascertainments.contains(kind));
                refused.map_or(Verdict::Passed, |refused| {
                    Verdict::Failed(Requirement::Ascertainments {
                        refused,
                        granted: purpose.ascertainments.iter().copied().collect(),
                    })
                })
            }
            Clause::Fields => {
                let granted = purpose.fields_of(self.request);
                let confirmed = purpose.confirmed_to(self.request);
                let mut refused: FieldSet = asked.fields().difference(granted);
                let looks_up = match asked {
                    Asked::Person { .. }
                    | Asked::PersonNamed { .. }
                    | Asked::Household { .. }
                    | Asked::Ascertainment { .. }
                    | Asked::HouseholdNamed { .. }
                    | Asked::Residents { .. }
                    | Asked::Search { .. } => true,
                    Asked::Verification(_) | Asked::AccessDescription | Asked::Receipt => false,
                };
                // Whoever is found by generalities is told that they are true.
                if asked.names_by_generalities() {
                    refused = refused.union(FieldSet::SEARCHED.difference(confirmed));
                }
                // Whoever is found by an address is told where the person lives.
                if matches!(asked, Asked::Residents { .. }) {
                    refused = refused.union(FieldSet::of(&[Field::Residence]).difference(granted));
                }
                // Limited to a municipality, the question is also whether the person has a card there.
                let names = !confirmed.intersection(FieldSet::NAMING).is_empty();
                if looks_up && self.request.municipality.is_some() && !names {
                    refused = refused.union(FieldSet::of(&[Field::Residence]));
                }
                unless(!refused.is_empty(), || Requirement::Fields { refused, granted })
            }
            Clause::BatchSize | Clause::Approval | Clause::RowQuota => {
                match (&self.request.batch, &purpose.batch) {
                    (Some(row), Some(terms)) => self.examine_batch(clause, row, terms),
                    (Some(_), None) => Verdict::NotReached,
                    (None, _) => Verdict::Passed,
                }
            }
            Clause::Consent => unless(purpose.consent.is_required() && consent.is_none(), || {
                Requirement::Unspecified
            }),
            Clause::ConsentDate => {
                let today = self.moment.date();
                let future = consent.is_some_and(|consent| today < consent.given_on());
                unless(future, || Requirement::NotAfter(today))
            }
            Clause::DeclaredPerson => {
                let refused = purpose.consent.is_required()
                    && purpose.named_persons_basis.is_none()
                    && self.request.declared == DeclaredPerson::Named;
                unless(refused, || Requirement::Unspecified)
            }
            _ => Verdict::NotReached,
        }
    }

    /// The list to which the call belongs.
    fn examine_batch(&self, clause: Clause, row: &BatchRow, granted: &BatchTerms) -> Verdict {
        let BatchRow {
            batch: _,
            row,
            rows,
            approval,
        } = row;
        match clause {
            Clause::BatchSize => unless(granted.rows_per_batch < *rows || *row == 0 || rows < row, || {
                Requirement::Rows(granted.rows_per_batch)
            }),
            Clause::Approval => {
                let Approval {
                    reference,
                    approver,
                    approved_on,
                } = approval;
                let today = self.moment.date();
                let case = self
                    .entry()
                    .and_then(|entry| entry.agreement().terms().case_reference.as_ref());
                let form = case.unwrap_or(&USUAL_REFERENCE);
                if today < *approved_on {
                    Verdict::Failed(Requirement::NotAfter(today))
                } else if !form.admits_case(reference) {
                    Verdict::Failed(Requirement::Reference(form.clone()))
                } else {
                    unless(approver.is_collective(), || Requirement::Unspecified)
                }
            }
            _ => unless(granted.rows_per_day <= self.usage.purpose.rows_today, || {
                Requirement::Quota {
                    scope: QuotaScope::Purpose,
                    limit: granted.rows_per_day,
                    resets_at: self.moment.next_midnight(),
                }
            }),
        }
    }

    /// What the operator brings.
    fn examine_operator(&self, clause: Clause, terms: &Terms) -> Verdict {
        let context = &self.request.context;
        let failed = match clause {
            Clause::Operator => terms.operator.identity.is_required() && context.operator.is_none(),
            Clause::PersonalAccount => context
                .operator
                .as_ref()
                .is_some_and(|operator| operator.is_collective()),
            Clause::Assurance => context.assurance < Some(terms.operator.minimum_assurance),
            Clause::Workstation => terms.operator.workstation.is_required() && context.workstation.is_none(),
            _ => return Verdict::NotReached,
        };
        unless(failed, || match clause {
            Clause::Assurance => Requirement::Assurance(terms.operator.minimum_assurance),
            _ => Requirement::Unspecified,
        })
    }

    /// What is left of the quotas; the widest scope that is used up is named.
    fn examine_quotas(&self, clause: Clause, terms: &Terms) -> Verdict {
        for scope in QuotaScope::ALL {
            let (limits, used) = match scope {
                QuotaScope::Agreement => (&terms.quotas.agreement, &self.usage.agreement),
                QuotaScope::Purpose => (&terms.quotas.purpose, &self.usage.purpose),
                QuotaScope::Operator => (&terms.quotas.operator, &self.usage.operator),
            };
            let Some((limit, used)) = limit_and_use(clause, limits, used) else {
                continue;
            };
            if limit <= used {
                let resets_at = match clause {
                    Clause::MinuteQuota => self.moment.next_minute(),
                    _ => self.moment.next_midnight(),
                };
                return Verdict::Failed(Requirement::Quota {
                    scope,
                    limit,
                    resets_at,
                });
            }
        }
        Verdict::Passed
    }

    fn reference_date(&self) -> NaiveDate {
        self.request
            .context
            .reference_date
            .unwrap_or_else(|| self.moment.date())
    }
}

/// The limit of a quota clause, where there is one, and what is used of it.
fn limit_and_use(clause: Clause, limits: &Limits, used: &Counters) -> Option<(u32, u32)> {
    let (limit, used) = match clause {
        Clause::MinuteQuota => (limits.calls_per_minute, used.calls_this_minute),
        Clause::DayQuota => (limits.calls_per_day, used.calls_today),
        _ => (limits.misses_per_day, used.misses_today),
    };
    limit.map(|limit| (limit, used))
}

fn unless(failed: bool, requirement: impl FnOnce() -> Requirement) -> Verdict {
    if failed {
        Verdict::Failed(requirement())
    } else {
        Verdict::Passed
    }
}
