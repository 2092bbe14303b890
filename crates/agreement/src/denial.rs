//! A refusal, and what would make the call succeed.

use std::fmt::{self, Write as _};
use std::net::IpAddr;

use chrono::{DateTime, NaiveDate, Utc};

use crate::ascertainment::Ascertainment;
use crate::clause::Clause;
use crate::context::{AgreementId, Assurance, PurposeId, ReferenceTerms};
use crate::field::FieldSet;
use crate::hours::HoursWindow;
use crate::network::Network;
use crate::peer::CertificateFingerprint;
use crate::reason::Reason;
use crate::service::{Service, VerificationKind};

/// Why a call is refused. It repeats nothing of the request but ids of agreement and purpose and names of fields.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Denial {
    /// The agreement that the call named.
    pub agreement: AgreementId,
    /// The purpose that the call named.
    pub purpose: PurposeId,
    /// The first clause that failed.
    pub clause: Clause,
    /// What would make the call pass it.
    pub requirement: Requirement,
}

/// What would make a call pass a clause.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Requirement {
    /// Nothing that the agreement as it is could offer, or nothing more than the reason says.
    Unspecified,
    /// A call on this day or a later one.
    NotBefore(NaiveDate),
    /// A call on this day or an earlier one.
    NotAfter(NaiveDate),
    /// A call in these hours.
    Hours(Vec<HoursWindow>),
    /// A call from one of these networks.
    Networks {
        /// Address that the call came from.
        seen: IpAddr,
        /// Networks admitted.
        admitted: Vec<Network>,
    },
    /// A call with another certificate.
    OtherCertificate {
        /// Certificate that the call came with.
        seen: CertificateFingerprint,
    },
    /// One of these purposes.
    Purposes(Vec<PurposeId>),
    /// One of these services.
    Services(Vec<Service>),
    /// One of these verifications.
    Verifications(Vec<VerificationKind>),
    /// One of these ascertainments.
    Ascertainments {
        /// Asked for and not granted.
        refused: Ascertainment,
        /// Granted.
        granted: Vec<Ascertainment>,
    },
    /// Fewer fields.
    Fields {
        /// Asked for and not granted.
        refused: FieldSet,
        /// Granted.
        granted: FieldSet,
    },
    /// This reference date or a later one.
    ReferenceDateFrom(NaiveDate),
    /// This reference date or an earlier one.
    ReferenceDateUntil(NaiveDate),
    /// This level of assurance or a higher one.
    Assurance(Assurance),
    /// A reference of this form, of the case or of the consent.
    Reference(ReferenceTerms),
    /// A list of at most this many rows.
    Rows(u32),
    /// A call at this instant or later.
    Quota {
        /// Whose quota.
        scope: QuotaScope,
        /// How many are allowed.
        limit: u32,
        /// When they begin anew.
        resets_at: DateTime<Utc>,
    },
    /// A declaration that was made before, or a call at this instant or later.
    Declarations {
        /// How many different ones are compared.
        limit: usize,
        /// In how many days.
        days: u32,
        /// When the earliest no longer counts.
        resets_at: DateTime<Utc>,
    },
}

/// Whose calls a quota bounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum QuotaScope {
    /// All of the agreement.
    Agreement,
    /// Those for one purpose.
    Purpose,
    /// Those for one operator.
    Operator,
}

/// Language of texts for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    /// English.
    English,
    /// Italian.
    Italian,
}

impl Denial {
    /// What the caller is told.
    pub fn reason(&self) -> Reason {
        self.clause.reason()
    }

    /// What happened and what can be done, for people.
    pub fn text(&self, language: Language) -> String {
        let reason = self.reason();
        let (what, remedy) = match language {
            Language::English => (reason.english(), reason.remedy_english()),
            Language::Italian => (reason.italian(), reason.remedy_italian()),
        };
        let mut text = format!("{what}: {remedy}");
        if let Some(detail) = self.requirement.text(language) {
            let _ = write!(text, " ({detail})");
        }
        text
    }
}

impl fmt::Display for Denial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text(Language::English))
    }
}

impl std::error::Error for Denial {}

impl QuotaScope {
    /// Every scope.
    pub const ALL: [Self; 3] = [Self::Agreement, Self::Purpose, Self::Operator];

    /// The name on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Agreement => "agreement",
            Self::Purpose => "purpose",
            Self::Operator => "operator",
        }
    }

    const fn italian(self) -> &'static str {
        match self {
            Self::Agreement => "convenzione",
            Self::Purpose => "finalità",
            Self::Operator => "operatore",
        }
    }
}

impl Requirement {
    /// The detail, for people; `None` where the reason says all.
    pub fn text(&self, language: Language) -> Option<String> {
        let say = |english: &str, italian: &str| match language {
            Language::English => english.to_owned(),
            Language::Italian => italian.to_owned(),
        };
        let text = match self {
            Self::Unspecified => return None,
            Self::NotBefore(day) => format!("{} {day}", say("from", "dal")),
            Self::NotAfter(day) => format!("{} {day}", say("until", "fino al")),
            Self::Hours(windows) => format!("{}: {}", say("hours", "orario"), joined(windows, "; ")),
            Self::Networks { seen, admitted } => {
                let words = say("the call came from", "la chiamata proviene da");
                format!(
                    "{words} {seen}; {}: {}",
                    say("admitted", "ammesse"),
                    joined(admitted, ", ")
                )
            }
            Self::OtherCertificate { seen } => format!("{} {seen}", say("used", "usato")),
            Self::Purposes(ids) => format!("{}: {}", say("purposes", "finalità"), joined(ids, ", ")),
            Self::Services(services) => format!("{}: {}", say("granted", "concessi"), joined(services, ", ")),
            Self::Verifications(kinds) => format!("{}: {}", say("granted", "concesse"), joined(kinds, ", ")),
            Self::Ascertainments { refused, granted } => {
                let name = say(refused.name(), refused.italian());
                let code = refused.anpr_code();
                let mut text = format!("{}: {name} ({code})", say("not granted", "non concesso"));
                if !granted.is_empty() {
                    let _ = write!(
                        text,
                        "; {}: {}",
                        say("granted", "concessi"),
                        joined(granted, ", ")
                    );
                }
                text
            }
            Self::Fields { refused, granted } => {
                format!(
                    "{}: {refused}; {}: {granted}",
                    say("not granted", "non concessi"),
                    say("granted", "concessi")
                )
            }
            Self::ReferenceDateFrom(day) => format!("{} {day}", say("from", "dal")),
            Self::ReferenceDateUntil(day) => format!("{} {day}", say("until", "fino al")),
            Self::Assurance(level) => format!("{} {}", say("at least", "almeno"), level.name()),
            Self::Reference(form) => {
                let mut text = format!("{} {}", say("form", "forma"), form.pattern.name());
                let words = form.words();
                if !words.is_empty() {
                    let _ = write!(text, ", {}: {}", say("words", "parole"), words.join(", "));
                }
                text
            }
            Self::Rows(rows) => format!("{} {rows}", say("at most", "al più")),
            Self::Quota {
                scope,
                limit,
                resets_at,
            } => {
                let scope = say(scope.name(), scope.italian());
                let resets = resets_at.format("%Y-%m-%dT%H:%M:%SZ");
                format!(
                    "{limit} {} {scope}, {} {resets}",
                    say("per", "per"),
                    say("until", "fino a")
                )
            }
            Self::Declarations {
                limit,
                days,
                resets_at,
            } => {
                let resets = resets_at.format("%Y-%m-%dT%H:%M:%SZ");
                format!(
                    "{limit} {} {days} {}, {} {resets}",
                    say("in", "in"),
                    say("days", "giorni"),
                    say("until", "fino a")
                )
            }
        };
        Some(text)
    }
}

fn joined<T: fmt::Display>(items: &[T], separator: &str) -> String {
    items.iter().map(T::to_string).collect::<Vec<_>>().join(separator)
}
