//! Beside the table: who meets a reason, who can mend it, and whether the same call is worth making again.

use super::Reason;

/// Who can meet a reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Audience {
    /// Whoever calls any service.
    Everybody,
    /// An agency that consults.
    Agencies,
    /// A municipality's node that publishes.
    Nodes,
    /// An auditor, a witness or an administrator.
    Readers,
}

/// Who can mend it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Mender {
    /// Whoever made the call, by another call.
    Caller,
    /// The parties of the agreement, by another agreement or act.
    Parties,
    /// The municipality that publishes, at its node.
    Municipality,
    /// Whoever runs the index.
    Index,
    /// Nobody needs to: it passes.
    Time,
}

/// Whether the same call is worth making again, with the same request id and nothing changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Retry {
    /// It meets the same until something is changed.
    Never,
    /// After a pause, which the error states or which grows; nothing was disclosed, or it is a repeat and costs nothing.
    AfterPause,
    /// Not before the instant, the day or the hours that the error states.
    FromStated,
}

impl Audience {
    /// Every audience.
    pub const ALL: [Self; 4] = [Self::Everybody, Self::Agencies, Self::Nodes, Self::Readers];

    /// The heading in the documentation.
    pub const fn english(self) -> &'static str {
        match self {
            Self::Everybody => "Whoever calls",
            Self::Agencies => "Agencies that consult",
            Self::Nodes => "Nodes that publish",
            Self::Readers => "Auditors, witnesses and administrators",
        }
    }
}

impl Mender {
    /// The word in the documentation.
    pub const fn english(self) -> &'static str {
        match self {
            Self::Caller => "the caller",
            Self::Parties => "the parties of the agreement",
            Self::Municipality => "the municipality, at its node",
            Self::Index => "whoever runs the index",
            Self::Time => "it passes",
        }
    }
}

impl Retry {
    /// The word in the documentation.
    pub const fn english(self) -> &'static str {
        match self {
            Self::Never => "no",
            Self::AfterPause => "after a pause, same request id",
            Self::FromStated => "from what is stated on",
        }
    }
}

impl Reason {
    /// Who can meet it.
    pub const fn met_by(self) -> Audience {
        match self {
            Self::PeerNotIdentified
            | Self::PeerRevoked
            | Self::RoleNotAllowed
            | Self::UnknownMethod
            | Self::MessageUndecodable
            | Self::MessageTooLarge
            | Self::MetadataInvalid
            | Self::DeadlineExceeded
            | Self::Busy
            | Self::Unavailable
            | Self::LogUnavailable
            | Self::Internal
            | Self::InvalidArgument
            | Self::ResourceNotFound
            | Self::LogRange
            | Self::NotWitnessedYet => Audience::Everybody,
            Self::IndexRestoring
            | Self::WitnessesMissing
            | Self::TaxCodeInvalid
            | Self::ReferenceDateInFuture
            | Self::RequestIdReused
            | Self::NotFound
            | Self::TooManyFound
            | Self::TooManyResidents
            | Self::HandleInvalid
            | Self::AgreementUnknown
            | Self::AgreementRevoked
            | Self::AgreementNotYetValid
            | Self::AgreementExpired
            | Self::OutsideHours
            | Self::OutsideNetwork
            | Self::CertificateNotPinned
            | Self::PurposeUnknown
            | Self::ServiceNotGranted
            | Self::VerificationNotGranted
            | Self::FieldsNotGranted
            | Self::OutsideTerritory
            | Self::KnownOnNotGranted
            | Self::HistoryTooDeep
            | Self::OperatorMissing
            | Self::OperatorCollective
            | Self::AssuranceTooLow
            | Self::WorkstationMissing
            | Self::ConsentMissing
            | Self::ConsentNotYetGiven
            | Self::ConsentReferenceIllFormed
            | Self::DeclaredPersonNotGranted
            | Self::CaseReferenceMissing
            | Self::CaseReferenceIllFormed
            | Self::UrgencyNotGranted
            | Self::QuotaPerMinute
            | Self::QuotaPerDay
            | Self::QuotaMisses
            | Self::BatchTooLong
            | Self::ApprovalNotValid
            | Self::QuotaRows
            | Self::SearchModeNotGranted
            | Self::AscertainmentNotGranted
            | Self::QuotaDeclarations => Audience::Agencies,
            Self::PublicationGap
            | Self::PublicationConflict
            | Self::ClockSkew
            | Self::ForeignMunicipality
            | Self::IndexRestored
            | Self::VersionNotShared
            | Self::StreamSuperseded
            | Self::BatchNotSigned
            | Self::HoldingsChanged
            | Self::StatementNotSigned
            | Self::MunicipalityWithdrawn => Audience::Nodes,
            Self::PageTokenInvalid
            | Self::OutsideScope
            | Self::WitnessConflict
            | Self::OversightBehind
            | Self::SampleState
            | Self::SubjectUnknown
            | Self::SubjectAmbiguous
            | Self::ReportTooLong
            | Self::AgreementInvalid
            | Self::OpeningSameCertificate
            | Self::OpeningSameAuditor
            | Self::OpeningSamePerson
            | Self::OpeningLapsed
            | Self::OpeningSettled
            | Self::OpeningNotReserved
            | Self::AgreementState => Audience::Readers,
        }
    }

    /// Who can mend it.
    pub const fn mender(self) -> Mender {
        match self {
            Self::PeerNotIdentified
            | Self::PeerRevoked
            | Self::RoleNotAllowed
            | Self::UnknownMethod
            | Self::MessageUndecodable
            | Self::MessageTooLarge
            | Self::MetadataInvalid
            | Self::DeadlineExceeded
            | Self::InvalidArgument
            | Self::TaxCodeInvalid
            | Self::ReferenceDateInFuture
            | Self::RequestIdReused
            | Self::PageTokenInvalid
            | Self::NotFound
            | Self::TooManyFound
            | Self::TooManyResidents
            | Self::HandleInvalid
            | Self::AgreementUnknown
            | Self::OutsideNetwork
            | Self::CertificateNotPinned
            | Self::PurposeUnknown
            | Self::OperatorMissing
            | Self::OperatorCollective
            | Self::AssuranceTooLow
            | Self::WorkstationMissing
            | Self::ConsentMissing
            | Self::ConsentNotYetGiven
            | Self::ConsentReferenceIllFormed
            | Self::DeclaredPersonNotGranted
            | Self::CaseReferenceMissing
            | Self::CaseReferenceIllFormed
            | Self::UrgencyNotGranted
            | Self::BatchTooLong
            | Self::ApprovalNotValid
            | Self::OutsideScope
            | Self::ResourceNotFound
            | Self::LogRange
            | Self::SampleState
            | Self::AgreementInvalid
            | Self::OpeningSameCertificate
            | Self::OpeningSameAuditor
            | Self::OpeningSamePerson
            | Self::OpeningLapsed
            | Self::OpeningSettled
            | Self::OpeningNotReserved
            | Self::SubjectUnknown
            | Self::SubjectAmbiguous
            | Self::ReportTooLong
            | Self::AgreementState => Mender::Caller,
            Self::AgreementRevoked
            | Self::AgreementExpired
            | Self::ServiceNotGranted
            | Self::VerificationNotGranted
            | Self::FieldsNotGranted
            | Self::OutsideTerritory
            | Self::KnownOnNotGranted
            | Self::HistoryTooDeep
            | Self::SearchModeNotGranted
            | Self::AscertainmentNotGranted => Mender::Parties,
            Self::PublicationGap
            | Self::PublicationConflict
            | Self::ClockSkew
            | Self::ForeignMunicipality
            | Self::IndexRestored
            | Self::VersionNotShared
            | Self::StreamSuperseded
            | Self::BatchNotSigned
            | Self::HoldingsChanged
            | Self::StatementNotSigned
            | Self::MunicipalityWithdrawn => Mender::Municipality,
            Self::Unavailable
            | Self::LogUnavailable
            | Self::IndexRestoring
            | Self::WitnessesMissing
            | Self::Internal
            | Self::WitnessConflict
            | Self::NotWitnessedYet => Mender::Index,
            Self::Busy
            | Self::AgreementNotYetValid
            | Self::OutsideHours
            | Self::QuotaPerMinute
            | Self::QuotaPerDay
            | Self::QuotaMisses
            | Self::QuotaRows
            | Self::OversightBehind
            | Self::QuotaDeclarations => Mender::Time,
        }
    }

    /// Whether the same call is worth making again.
    pub const fn retry(self) -> Retry {
        match self {
            Self::DeadlineExceeded
            | Self::Busy
            | Self::Unavailable
            | Self::LogUnavailable
            | Self::IndexRestoring
            | Self::WitnessesMissing
            | Self::NotWitnessedYet
            | Self::OversightBehind
            | Self::StreamSuperseded => Retry::AfterPause,
            Self::AgreementNotYetValid
            | Self::OutsideHours
            | Self::QuotaPerMinute
            | Self::QuotaPerDay
            | Self::QuotaMisses
            | Self::QuotaRows
            | Self::QuotaDeclarations => Retry::FromStated,
            Self::PeerNotIdentified
            | Self::PeerRevoked
            | Self::RoleNotAllowed
            | Self::UnknownMethod
            | Self::MessageUndecodable
            | Self::MessageTooLarge
            | Self::MetadataInvalid
            | Self::Internal
            | Self::InvalidArgument
            | Self::TaxCodeInvalid
            | Self::ReferenceDateInFuture
            | Self::RequestIdReused
            | Self::PageTokenInvalid
            | Self::NotFound
            | Self::TooManyFound
            | Self::TooManyResidents
            | Self::HandleInvalid
            | Self::AgreementUnknown
            | Self::AgreementRevoked
            | Self::AgreementExpired
            | Self::OutsideNetwork
            | Self::CertificateNotPinned
            | Self::PurposeUnknown
            | Self::ServiceNotGranted
            | Self::VerificationNotGranted
            | Self::FieldsNotGranted
            | Self::OutsideTerritory
            | Self::KnownOnNotGranted
            | Self::HistoryTooDeep
            | Self::OperatorMissing
            | Self::OperatorCollective
            | Self::AssuranceTooLow
            | Self::WorkstationMissing
            | Self::ConsentMissing
            | Self::ConsentNotYetGiven
            | Self::ConsentReferenceIllFormed
            | Self::DeclaredPersonNotGranted
            | Self::CaseReferenceMissing
            | Self::CaseReferenceIllFormed
            | Self::UrgencyNotGranted
            | Self::BatchTooLong
            | Self::ApprovalNotValid
            | Self::SearchModeNotGranted
            | Self::AscertainmentNotGranted
            | Self::PublicationGap
            | Self::PublicationConflict
            | Self::ClockSkew
            | Self::ForeignMunicipality
            | Self::IndexRestored
            | Self::VersionNotShared
            | Self::BatchNotSigned
            | Self::HoldingsChanged
            | Self::StatementNotSigned
            | Self::MunicipalityWithdrawn
            | Self::OutsideScope
            | Self::ResourceNotFound
            | Self::LogRange
            | Self::WitnessConflict
            | Self::SampleState
            | Self::SubjectUnknown
            | Self::SubjectAmbiguous
            | Self::ReportTooLong
            | Self::AgreementInvalid
            | Self::OpeningSameCertificate
            | Self::OpeningSameAuditor
            | Self::OpeningSamePerson
            | Self::OpeningLapsed
            | Self::OpeningSettled
            | Self::OpeningNotReserved
            | Self::AgreementState => Retry::Never,
        }
    }
}
