//! The clauses of a decision, in the order in which they are examined.

use std::fmt;

use crate::reason::Reason;

/// A condition of every call. The first one that fails is the denial.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Clause {
    /// The agreement exists and is the caller's. To a stranger both are one.
    AgreementKnown,
    /// It is not revoked.
    NotRevoked,
    /// It is active and its first day has come.
    Begun,
    /// Its last day has not passed.
    NotExpired,
    /// The certificate is one that it names, where it names any.
    Certificate,
    /// The address is in a network that it names, where it names any.
    Network,
    /// The moment is in its hours of service.
    Hours,
    /// The purpose is one of its purposes.
    Purpose,
    /// The purpose grants the service.
    Service,
    /// The agreement grants the way in which the person is named.
    SearchMode,
    /// The purpose grants the kind of verification.
    Verification,
    /// The purpose grants the kind of ascertainment.
    Ascertainment,
    /// The purpose grants the fields.
    Fields,
    /// The municipality asked for is in the territory.
    Territory,
    /// The reference date is not in the future.
    ReferenceDate,
    /// The reference date is within the history opened.
    History,
    /// What was known at an earlier instant may be asked, and the instant is not in the future.
    KnownOn,
    /// No urgency is claimed.
    Urgency,
    /// The operator is named.
    Operator,
    /// The operator is a natural person's account.
    PersonalAccount,
    /// The operator's level of assurance is high enough.
    Assurance,
    /// The workstation is named.
    Workstation,
    /// The declarant's consent is cited.
    Consent,
    /// The consent has been given.
    ConsentDate,
    /// The consent reference has the agreed form.
    ConsentForm,
    /// The declaration is about the declarant, or the purpose says by what law it names others.
    DeclaredPerson,
    /// The case is cited.
    Case,
    /// The case reference has the agreed form.
    CaseForm,
    /// The list has no more rows than a batch may have, and the row is one of them.
    BatchSize,
    /// A natural person has approved the list, in the agreed form and not in the future.
    Approval,
    /// Calls of this minute are left.
    MinuteQuota,
    /// Calls of today are left.
    DayQuota,
    /// Not too many calls of today found nobody.
    MissQuota,
    /// Rows of today are left.
    RowQuota,
    /// Not too many different declarations were made about the same identifiers.
    DifferentDeclarations,
}

impl Clause {
    /// Every clause, in the order of examination.
    pub const ALL: [Self; 35] = [
        Self::AgreementKnown,
        Self::NotRevoked,
        Self::Begun,
        Self::NotExpired,
        Self::Certificate,
        Self::Network,
        Self::Hours,
        Self::Purpose,
        Self::Service,
        Self::SearchMode,
        Self::Verification,
        Self::Ascertainment,
        Self::Fields,
        Self::Territory,
        Self::ReferenceDate,
        Self::History,
        Self::KnownOn,
        Self::Urgency,
        Self::Operator,
        Self::PersonalAccount,
        Self::Assurance,
        Self::Workstation,
        Self::Consent,
        Self::ConsentDate,
        Self::ConsentForm,
        Self::DeclaredPerson,
        Self::Case,
        Self::CaseForm,
        Self::BatchSize,
        Self::Approval,
        Self::MinuteQuota,
        Self::DayQuota,
        Self::MissQuota,
        Self::RowQuota,
        Self::DifferentDeclarations,
    ];

    /// The name in the access log and in explanations.
    pub const fn name(self) -> &'static str {
        match self {
            Self::AgreementKnown => "agreement-known",
            Self::NotRevoked => "not-revoked",
            Self::Begun => "begun",
            Self::NotExpired => "not-expired",
            Self::Certificate => "certificate",
            Self::Network => "network",
            Self::Hours => "hours",
            Self::Purpose => "purpose",
            Self::Service => "service",
            Self::SearchMode => "search-mode",
            Self::Verification => "verification",
            Self::Ascertainment => "ascertainment",
            Self::Fields => "fields",
            Self::Territory => "territory",
            Self::ReferenceDate => "reference-date",
            Self::History => "history",
            Self::KnownOn => "known-on",
            Self::Urgency => "urgency",
            Self::Operator => "operator",
            Self::PersonalAccount => "personal-account",
            Self::Assurance => "assurance",
            Self::Workstation => "workstation",
            Self::Consent => "consent",
            Self::ConsentDate => "consent-date",
            Self::ConsentForm => "consent-form",
            Self::DeclaredPerson => "declared-person",
            Self::Case => "case",
            Self::CaseForm => "case-form",
            Self::BatchSize => "batch-size",
            Self::Approval => "approval",
            Self::MinuteQuota => "minute-quota",
            Self::DayQuota => "day-quota",
            Self::MissQuota => "miss-quota",
            Self::RowQuota => "row-quota",
            Self::DifferentDeclarations => "different-declarations",
        }
    }

    /// Reads a name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|clause| clause.name() == name)
    }

    /// What a caller is told when the clause fails.
    pub const fn reason(self) -> Reason {
        match self {
            Self::AgreementKnown => Reason::AgreementUnknown,
            Self::NotRevoked => Reason::AgreementRevoked,
            Self::Begun => Reason::AgreementNotYetValid,
            Self::NotExpired => Reason::AgreementExpired,
            Self::Certificate => Reason::CertificateNotPinned,
            Self::Network => Reason::OutsideNetwork,
            Self::Hours => Reason::OutsideHours,
            Self::Purpose => Reason::PurposeUnknown,
            Self::Service => Reason::ServiceNotGranted,
            Self::SearchMode => Reason::SearchModeNotGranted,
            Self::Verification => Reason::VerificationNotGranted,
            Self::Ascertainment => Reason::AscertainmentNotGranted,
            Self::Fields => Reason::FieldsNotGranted,
            Self::Territory => Reason::OutsideTerritory,
            Self::ReferenceDate => Reason::ReferenceDateInFuture,
            Self::History => Reason::HistoryTooDeep,
            Self::KnownOn => Reason::KnownOnNotGranted,
            Self::Urgency => Reason::UrgencyNotGranted,
            Self::Operator => Reason::OperatorMissing,
            Self::PersonalAccount => Reason::OperatorCollective,
            Self::Assurance => Reason::AssuranceTooLow,
            Self::Workstation => Reason::WorkstationMissing,
            Self::Consent => Reason::ConsentMissing,
            Self::ConsentDate => Reason::ConsentNotYetGiven,
            Self::ConsentForm => Reason::ConsentReferenceIllFormed,
            Self::DeclaredPerson => Reason::DeclaredPersonNotGranted,
            Self::Case => Reason::CaseReferenceMissing,
            Self::CaseForm => Reason::CaseReferenceIllFormed,
            Self::BatchSize => Reason::BatchTooLong,
            Self::Approval => Reason::ApprovalNotValid,
            Self::MinuteQuota => Reason::QuotaPerMinute,
            Self::DayQuota => Reason::QuotaPerDay,
            Self::MissQuota => Reason::QuotaMisses,
            Self::RowQuota => Reason::QuotaRows,
            Self::DifferentDeclarations => Reason::QuotaDeclarations,
        }
    }
}

impl fmt::Display for Clause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn clauses_have_distinct_names_and_reasons_and_are_examined_in_their_order() {
        assert!(Clause::ALL.is_sorted());
        let names: BTreeSet<_> = Clause::ALL.iter().map(|clause| clause.name()).collect();
        let reasons: BTreeSet<_> = Clause::ALL.iter().map(|clause| clause.reason()).collect();
        assert_eq!(
            (names.len(), reasons.len()),
            (Clause::ALL.len(), Clause::ALL.len())
        );
        for clause in Clause::ALL {
            assert_eq!(Clause::from_name(clause.name()), Some(clause));
            assert_eq!(clause.to_string(), clause.name());
        }
        assert_eq!(Clause::from_name("none"), None);
    }
}
