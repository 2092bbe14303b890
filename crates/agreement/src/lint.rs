//! What deserves attention in an agreement that is valid: traps of the law and of practice.

use chrono::{Months, NaiveDate};

use crate::ascertainment::Ascertainment;
use crate::context::Assurance;
use crate::release::Release;
use crate::service::{Service, VerificationKind};
use crate::terms::{AgencyClass, Agreement, Limits, Protection, Purpose, PurposeKind, Terms, Territory};

/// Something that deserves attention.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LintFinding {
    /// The rule.
    pub rule: LintRule,
    /// Where in the document.
    pub key: String,
}

/// The rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LintRule {
    /// Protected persons are shown on a basis that names no provision.
    ProtectedWithoutProvision,
    /// No limit of calls in a minute or day.
    NoQuota,
    /// No limit of calls that find nobody.
    NoMissQuota,
    /// A whole region for a body that is no police force.
    WholeRegion,
    /// Valid for more than five years.
    ValidTooLong,
    /// No review within twelve months.
    ReviewTooLate,
    /// Operators need not be named.
    OperatorNotNamed,
    /// A reserved purpose without substantial assurance.
    WeakAssurance,
    /// A reserved purpose of a body that is no police force.
    ReservedNotPolice,
    /// A reserved purpose that does not say when its accesses are released.
    ReservedWithoutRelease,
    /// Accesses for a reserved purpose that are released when their sealed parts are gone or about to be.
    ReleaseAfterRetention,
    /// Calls from anywhere, with any certificate of the agency.
    AnyNetwork,
    /// Calls need cite no case.
    NoCaseReference,
    /// Sealed parts of log entries kept for less than six months.
    ShortRetention,
    /// A private body that consults on the ground of transferred public power.
    PrivateConsultation,
    /// Consent is needed, and the form of its reference is left open.
    ConsentFormOpen,
    /// Death is verified or ascertained and the dead are not shown: whoever died is not found.
    DeadNotShown,
    /// Whole lists of who lives at an address, for a body that is no police force.
    ResidentsNotPolice,
}

impl LintRule {
    /// Every rule.
    pub const ALL: [Self; 18] = [
        Self::ProtectedWithoutProvision,
        Self::NoQuota,
        Self::NoMissQuota,
        Self::WholeRegion,
        Self::ValidTooLong,
        Self::ReviewTooLate,
        Self::OperatorNotNamed,
        Self::WeakAssurance,
        Self::ReservedNotPolice,
        Self::ReservedWithoutRelease,
        Self::ReleaseAfterRetention,
        Self::AnyNetwork,
        Self::NoCaseReference,
        Self::ShortRetention,
        Self::PrivateConsultation,
        Self::ConsentFormOpen,
        Self::DeadNotShown,
        Self::ResidentsNotPolice,
    ];

    /// Code of the rule.
    pub const fn name(self) -> &'static str {
        match self {
            Self::ProtectedWithoutProvision => "protected-without-provision",
            Self::NoQuota => "no-quota",
            Self::NoMissQuota => "no-miss-quota",
            Self::WholeRegion => "whole-region",
            Self::ValidTooLong => "valid-too-long",
            Self::ReviewTooLate => "review-too-late",
            Self::OperatorNotNamed => "operator-not-named",
            Self::WeakAssurance => "weak-assurance",
            Self::ReservedNotPolice => "reserved-not-police",
            Self::ReservedWithoutRelease => "reserved-without-release",
            Self::ReleaseAfterRetention => "release-after-retention",
            Self::AnyNetwork => "any-network",
            Self::NoCaseReference => "no-case-reference",
            Self::ShortRetention => "short-retention",
            Self::PrivateConsultation => "private-consultation",
            Self::ConsentFormOpen => "consent-form-open",
            Self::DeadNotShown => "dead-not-shown",
            Self::ResidentsNotPolice => "residents-not-police",
        }
    }

    /// Law or measure behind the rule.
    pub const fn source(self) -> &'static str {
        match self {
            Self::ProtectedWithoutProvision => "GDPR art. 6 c. 3; R2",
            Self::NoQuota | Self::NoMissQuota => "Garante 393/2015; R18",
            Self::WholeRegion => "GDPR art. 5 c. 1 lett. c; DPR 445/2000 art. 43; R2",
            Self::ValidTooLong | Self::ReviewTooLate => "Garante 393/2015; R5",
            Self::OperatorNotNamed => "Garante 393/2015; R6, R23",
            Self::WeakAssurance => "Regulation (EU) 910/2014 art. 8; R10",
            Self::ReservedNotPolice => "DPR 223/1989 art. 37; d.lgs. 51/2018 art. 21 c. 3",
            Self::ReservedWithoutRelease => "d.lgs. 51/2018 art. 14",
            Self::ReleaseAfterRetention => "d.lgs. 51/2018 artt. 3, 14; R24",
            Self::AnyNetwork => "Garante 393/2015; R13",
            Self::NoCaseReference => "Garante 393/2015; R15",
            Self::ShortRetention => "Garante 27 November 2008; R24",
            Self::PrivateConsultation => "DPR 223/1989 art. 37; DPR 445/2000 art. 43",
            Self::ConsentFormOpen => "DPR 445/2000 art. 71 c. 4; R15",
            Self::DeadNotShown => "DPR 445/2000 art. 71",
            Self::ResidentsNotPolice => "DPR 223/1989 artt. 34, 37; R31",
        }
    }

    /// What was found, in English.
    pub const fn english(self) -> &'static str {
        match self {
            Self::ProtectedWithoutProvision => {
                "protected persons are shown, but the basis names no provision"
            }
            Self::NoQuota => "calls per minute or per day are not limited",
            Self::NoMissQuota => "calls that find nobody are not limited, which lets codes be tried",
            Self::WholeRegion => "the territory is a whole region, though the body is no police force",
            Self::ValidTooLong => "the agreement is valid for more than five years",
            Self::ReviewTooLate => "purposes and users are reviewed later than twelve months after the start",
            Self::OperatorNotNamed => "calls need not name the operator",
            Self::WeakAssurance => "a reserved purpose does not need substantial assurance",
            Self::ReservedNotPolice => "a reserved purpose is granted to a body that is no police force",
            Self::ReservedWithoutRelease => {
                "a reserved purpose does not say when its accesses are released: they never are"
            }
            Self::ReleaseAfterRetention => {
                "reserved accesses are released when their sealed parts are no longer kept: nobody sees them"
            }
            Self::AnyNetwork => "calls are admitted from any network with any certificate of the agency",
            Self::NoCaseReference => "calls need not cite a case",
            Self::ShortRetention => "sealed parts of log entries are kept for less than six months",
            Self::PrivateConsultation => {
                "a private body consults data on the ground of transferred public power"
            }
            Self::ConsentFormOpen => "consent is needed, but the form of its reference is left open",
            Self::DeadNotShown => {
                "death is verified or ascertained, but the dead are not shown: they are not found"
            }
            Self::ResidentsNotPolice => {
                "all residents of an address are shown to a body that is no police force"
            }
        }
    }

    /// What was found, in Italian.
    pub const fn italian(self) -> &'static str {
        match self {
            Self::ProtectedWithoutProvision => {
                "le persone protette sono visibili, ma la base non cita una norma"
            }
            Self::NoQuota => "le chiamate al minuto o al giorno non sono limitate",
            Self::NoMissQuota => {
                "le chiamate senza risultato non sono limitate, il che consente di provare codici"
            }
            Self::WholeRegion => {
                "il territorio è un'intera regione, benché l'ente non sia una forza di polizia"
            }
            Self::ValidTooLong => "la convenzione vale per più di cinque anni",
            Self::ReviewTooLate => "finalità e utenti sono riesaminati oltre dodici mesi dall'inizio",
            Self::OperatorNotNamed => "le chiamate possono non indicare l'operatore",
            Self::WeakAssurance => "una finalità riservata non richiede una garanzia significativa",
            Self::ReservedNotPolice => {
                "una finalità riservata è concessa a un ente che non è una forza di polizia"
            }
            Self::ReservedWithoutRelease => {
                "una finalità riservata non indica quando gli accessi cessano di esserlo: restano riservati per sempre"
            }
            Self::ReleaseAfterRetention => {
                "gli accessi riservati cessano di esserlo quando le loro parti sigillate non sono più conservate"
            }
            Self::AnyNetwork => "sono ammesse chiamate da ogni rete con ogni certificato dell'ente",
            Self::NoCaseReference => "le chiamate possono non citare una pratica",
            Self::ShortRetention => "le parti sigillate del registro sono conservate meno di sei mesi",
            Self::PrivateConsultation => {
                "un soggetto privato consulta dati in forza di funzioni pubbliche trasferite"
            }
            Self::ConsentFormOpen => "occorre il consenso, ma la forma del suo riferimento non è stabilita",
            Self::DeadNotShown => {
                "si verifica o si accerta il decesso, ma i deceduti non sono visibili: non risultano"
            }
            Self::ResidentsNotPolice => {
                "tutti i residenti di un indirizzo sono visibili a un ente che non è una forza di polizia"
            }
        }
    }
}

/// Everything that deserves attention, in the order of the rules.
pub fn lint(agreement: &Agreement) -> Vec<LintFinding> {
    let terms = agreement.terms();
    let mut findings: Vec<LintFinding> = LintRule::ALL
        .into_iter()
        .flat_map(|rule| check(rule, terms))
        .collect();
    findings.sort_by_key(|finding| finding.rule);
    findings
}

fn check(rule: LintRule, terms: &Terms) -> Vec<LintFinding> {
    let whole = |found: bool, key: &str| {
        if found {
            vec![LintFinding {
                rule,
                key: key.to_owned(),
            }]
        } else {
            Vec::new()
        }
    };
    let purposes = |found: &dyn Fn(&Purpose) -> bool, key: &str| {
        let matching = terms
            .purposes
            .iter()
            .enumerate()
            .filter(|(_, purpose)| found(purpose));
        matching
            .map(|(position, _)| LintFinding {
                rule,
                key: format!("purpose[{position}].{key}"),
            })
            .collect()
    };
    let police = terms.class == AgencyClass::Police;
    let Limits {
        calls_per_minute,
        calls_per_day,
        misses_per_day,
    } = terms.quotas.agreement;
    match rule {
        LintRule::ProtectedWithoutProvision => {
            let unnamed = match &terms.protection {
                Protection::Hidden => false,
                Protection::LocationWithheld { basis } | Protection::Shown { basis } => {
                    !basis.bytes().any(|byte| byte.is_ascii_digit())
                }
            };
            whole(unnamed, "protected_basis")
        }
        LintRule::NoQuota => whole(calls_per_minute.is_none() || calls_per_day.is_none(), "quota"),
        LintRule::NoMissQuota => whole(misses_per_day.is_none(), "quota.misses_per_day"),
        LintRule::WholeRegion => whole(
            !police && matches!(terms.territory, Territory::Region(_)),
            "territory.region",
        ),
        LintRule::ValidTooLong => whole(later(terms.valid_from, 60) < Some(terms.valid_to), "valid_to"),
        LintRule::ReviewTooLate => whole(later(terms.valid_from, 12) < Some(terms.review_by), "review_by"),
        LintRule::OperatorNotNamed => whole(!terms.operator.identity.is_required(), "operator.required"),
        LintRule::WeakAssurance => {
            let weak = terms.operator.minimum_assurance < Assurance::Substantial;
            purposes(&|purpose| weak && purpose.kind == PurposeKind::Reserved, "kind")
        }
        LintRule::ReservedNotPolice => purposes(
            &|purpose| !police && purpose.kind == PurposeKind::Reserved,
            "kind",
        ),
        LintRule::ReservedWithoutRelease => purposes(
            &|purpose| purpose.kind == PurposeKind::Reserved && purpose.release.is_none(),
            "release",
        ),
        LintRule::ReleaseAfterRetention => purposes(
            // An access of the last day of a month loses its parts with the month in which it would be released.
            &|purpose| {
                matches!(purpose.release, Some(Release::AfterMonths(months))
                    if terms.retention_months <= months.get())
            },
            "release_after_months",
        ),
        LintRule::AnyNetwork => whole(
            terms.networks.is_empty() && terms.pinned_certificates.is_empty(),
            "networks",
        ),
        LintRule::NoCaseReference => whole(terms.case_reference.is_none(), "case_reference"),
        LintRule::ShortRetention => whole(terms.retention_months < 6, "retention_months"),
        LintRule::PrivateConsultation => {
            let consults = |purpose: &Purpose| {
                purpose
                    .services
                    .iter()
                    .any(|service| *service != Service::VerifyDeclaration)
                    || !purpose.ascertainments.is_empty()
            };
            purposes(
                &|purpose| terms.class == AgencyClass::Private && consults(purpose),
                "services",
            )
        }
        LintRule::ConsentFormOpen => {
            let open = terms.consent_reference.is_none();
            purposes(
                &|purpose| open && purpose.consent.is_required(),
                "consent_required",
            )
        }
        LintRule::ResidentsNotPolice => purposes(
            &|purpose| !police && purpose.services.contains(&Service::LookupAddressResidents),
            "services",
        ),
        LintRule::DeadNotShown => {
            let hidden = !terms.population.deceased.is_included();
            let verified = purposes(
                &|purpose| hidden && purpose.verifications.contains(&VerificationKind::Death),
                "verifications",
            );
            let ascertained = purposes(
                &|purpose| hidden && purpose.ascertainments.contains(&Ascertainment::Death),
                "ascertainments",
            );
            [verified, ascertained].concat()
        }
    }
}

fn later(day: NaiveDate, months: u32) -> Option<NaiveDate> {
    day.checked_add_months(Months::new(months))
}

#[cfg(test)]
mod tests;
