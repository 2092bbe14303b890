//! What an agency's agreements let it do, for the agency itself.

use std::collections::BTreeSet;

use chrono::{DateTime, NaiveDate, Utc};

use registry::municipality::MunicipalityId;

use crate::agreements::{AgreementEntry, Agreements};
use crate::context::{AgreementId, PurposeId, ReferenceTerms};
use crate::declarations::{MAX_DIFFERENT, Remainder, WINDOW_DAYS};
use crate::denial::QuotaScope;
use crate::hours::HoursWindow;
use crate::moment::Moment;
use crate::peer::Peer;
use crate::service::VerificationKind;
use crate::terms::{
    AgreementHash, ByGeneralities, HistoryDepth, KnownOn, Limits, OperatorTerms, Population, Purpose,
};
use crate::usage::{Counters, Unit, UsageCounters, UsageKey};

/// The caller's agreements, in order of id, in whatever state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessDescription {
    /// Today in Italy.
    pub today: NaiveDate,
    /// The agreements.
    pub agreements: Vec<AgreementDescription>,
}

/// One agreement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AgreementDescription {
    /// Id.
    pub id: AgreementId,
    /// Hash of the document.
    pub hash: AgreementHash,
    /// Title.
    pub title: String,
    /// Where it stands.
    pub standing: AgreementStanding,
    /// First day.
    pub valid_from: NaiveDate,
    /// Last day.
    pub valid_to: NaiveDate,
    /// Day by which it must have been reviewed.
    pub review_by: NaiveDate,
    /// Municipalities of the territory that exist today.
    pub territory: BTreeSet<MunicipalityId>,
    /// Persons who may be shown.
    pub population: Population,
    /// How far back.
    pub history: HistoryDepth,
    /// Whether it may be asked what was known at an earlier instant.
    pub known_on: KnownOn,
    /// Whether lookups may name a person by complete generalities.
    pub by_generalities: ByGeneralities,
    /// Most persons that one search shows.
    pub max_hits: u16,
    /// Most residents that one question about an address shows.
    pub max_residents: u16,
    /// Hours of service; always where empty.
    pub hours: Vec<HoursWindow>,
    /// What operators must bring.
    pub operator: OperatorTerms,
    /// Form of the case reference, where calls must cite one.
    pub case_reference: Option<ReferenceTerms>,
    /// Form of the consent reference, where the agreement states one.
    pub consent_reference: Option<ReferenceTerms>,
    /// Purposes with their services, verifications, fields and need of consent.
    pub purposes: Vec<Purpose>,
    /// Quotas and what is left of them.
    pub quotas: Vec<QuotaDescription>,
    /// How many different declarations are compared, of each kind that some purpose verifies, in order of kind.
    pub declarations: Vec<DeclarationDescription>,
}

/// How many different declarations of one kind about one set of identifiers are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeclarationDescription {
    /// The kind.
    pub kind: VerificationKind,
    /// How many.
    pub limit: usize,
    /// In how many days.
    pub days: u32,
    /// What is left of them for the identifiers that the call names; `None` where it names none.
    pub left: Option<Remainder>,
}

/// Where an agreement stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AgreementStanding {
    /// Its first day is still to come.
    NotYetValid,
    /// In force.
    Active,
    /// Its last day has passed.
    Expired,
    /// Revoked.
    Revoked,
}

/// A quota and what is left of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QuotaDescription {
    /// Whose calls it bounds.
    pub scope: QuotaScope,
    /// The purpose, of quotas for each purpose.
    pub purpose: Option<PurposeId>,
    /// What it counts.
    pub kind: QuotaKind,
    /// How many are allowed.
    pub limit: u32,
    /// How many are left; `None` of quotas for each operator, whose calls are not told to others.
    pub remaining: Option<u32>,
    /// When they begin anew.
    pub resets_at: DateTime<Utc>,
}

/// What a quota counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum QuotaKind {
    /// Calls in a minute of the clock.
    CallsPerMinute,
    /// Calls in a day of Italy.
    CallsPerDay,
    /// Calls in a day of Italy that found nobody.
    MissesPerDay,
    /// Rows of lists in a day of Italy.
    RowsPerDay,
}

/// Describes the agreements of the caller. `left` tells what remains of the rule of three for the identifiers that the
/// call names, where it names some.
pub fn describe(
    agreements: &Agreements,
    peer: &Peer,
    counters: &UsageCounters,
    left: impl Fn(&AgreementId, VerificationKind) -> Option<Remainder>,
    moment: Moment,
) -> AccessDescription {
    let own = agreements.for_peer(&peer.id);
    let described = own
        .map(|entry| describe_one(entry, peer, counters, &left, moment))
        .collect();
    AccessDescription {
        today: moment.date(),
        agreements: described,
    }
}

impl AgreementStanding {
    /// Where an agreement stands at a moment.
    pub fn of(entry: &AgreementEntry, moment: Moment) -> Self {
        let terms = entry.agreement().terms();
        if entry
            .revocation()
            .is_some_and(|revocation| revocation.at <= moment.utc())
        {
            Self::Revoked
        } else if moment.date() < terms.valid_from || moment.utc() < entry.activated_at() {
            Self::NotYetValid
        } else if terms.valid_to < moment.date() {
            Self::Expired
        } else {
            Self::Active
        }
    }
}

fn describe_one(
    entry: &AgreementEntry,
    peer: &Peer,
    counters: &UsageCounters,
    left: &impl Fn(&AgreementId, VerificationKind) -> Option<Remainder>,
    moment: Moment,
) -> AgreementDescription {
    let agreement = entry.agreement();
    let terms = agreement.terms();
    let mut quotas = Vec::new();
    for (position, purpose) in terms.purposes.iter().enumerate() {
        let key = UsageKey {
            agency: peer.id.clone(),
            agreement: terms.id.clone(),
            purpose: purpose.id.clone(),
            operator: None,
            unit: Unit::Call,
        };
        let usage = counters.peek(&key, moment);
        if position == 0 {
            quotas.extend(quotas_of(
                &terms.quotas.agreement,
                Some(usage.agreement),
                QuotaScope::Agreement,
                moment,
            ));
            quotas.extend(quotas_of(
                &terms.quotas.operator,
                None,
                QuotaScope::Operator,
                moment,
            ));
        }
        let of_purpose = quotas_of(
            &terms.quotas.purpose,
            Some(usage.purpose),
            QuotaScope::Purpose,
            moment,
        );
        let rows = purpose.batch.map(|batch| QuotaDescription {
            scope: QuotaScope::Purpose,
            purpose: None,
            kind: QuotaKind::RowsPerDay,
            limit: batch.rows_per_day,
            remaining: Some(batch.rows_per_day.saturating_sub(usage.purpose.rows_today)),
            resets_at: moment.next_midnight(),
        });
        quotas.extend(of_purpose.chain(rows).map(|quota| QuotaDescription {
            purpose: Some(purpose.id.clone()),
            ..quota
        }));
    }
    let verified: BTreeSet<VerificationKind> = terms
        .purposes
        .iter()
        .flat_map(|purpose| purpose.verifications.iter().copied())
        .collect();
    let declarations = verified.into_iter().map(|kind| DeclarationDescription {
        kind,
        limit: MAX_DIFFERENT,
        days: WINDOW_DAYS,
        left: left(&terms.id, kind),
    });
    AgreementDescription {
        id: terms.id.clone(),
        hash: agreement.hash(),
        title: terms.title.clone(),
        standing: AgreementStanding::of(entry, moment),
        valid_from: terms.valid_from,
        valid_to: terms.valid_to,
        review_by: terms.review_by,
        territory: terms.territory.municipalities(),
        population: terms.population,
        history: terms.history,
        known_on: terms.known_on,
        by_generalities: terms.by_generalities,
        max_hits: terms.max_hits,
        max_residents: terms.max_residents,
        hours: terms.hours.clone(),
        operator: terms.operator,
        case_reference: terms.case_reference.clone(),
        consent_reference: terms.consent_reference.clone(),
        purposes: terms.purposes.clone(),
        quotas,
        declarations: declarations.collect(),
    }
}

fn quotas_of(
    limits: &Limits,
    used: Option<Counters>,
    scope: QuotaScope,
    moment: Moment,
) -> impl Iterator<Item = QuotaDescription> {
    let Limits {
        calls_per_minute,
        calls_per_day,
        misses_per_day,
    } = *limits;
    let day_ends = moment.next_midnight();
    let rows = [
        (
            QuotaKind::CallsPerMinute,
            calls_per_minute,
            used.map(|used| used.calls_this_minute),
            moment.next_minute(),
        ),
        (
            QuotaKind::CallsPerDay,
            calls_per_day,
            used.map(|used| used.calls_today),
            day_ends,
        ),
        (
            QuotaKind::MissesPerDay,
            misses_per_day,
            used.map(|used| used.misses_today),
            day_ends,
        ),
    ];
    rows.into_iter()
        .filter_map(move |(kind, limit, used, resets_at)| {
            let limit = limit?;
            let remaining = used.map(|used| limit.saturating_sub(used));
            Some(QuotaDescription {
                scope,
                purpose: None,
                kind,
                limit,
                remaining,
                resets_at,
            })
        })
}

#[cfg(test)]
mod tests;
