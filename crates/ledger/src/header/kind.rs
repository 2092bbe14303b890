use std::fmt;

use thiserror::Error;

/// A number that is no [`EntryKind`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("entry kind {0} is unknown")]
pub struct UnknownKind(pub u16);

macro_rules! entry_kinds {
    ($($(#[doc = $doc:literal])* $kind:ident = $code:literal, $name:literal;)+) => {
        /// What an entry records. Numbers are part of the format and are never reused.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u16)]
        pub enum EntryKind {
            $($(#[doc = $doc])* $kind = $code,)+
        }

        impl EntryKind {
            /// Every kind, by number.
            pub const ALL: &[Self] = &[$(Self::$kind,)+];

            /// # Errors
            /// No kind has this number.
            pub const fn from_code(code: u16) -> Result<Self, UnknownKind> {
                match code {
                    $($code => Ok(Self::$kind),)+
                    _ => Err(UnknownKind(code)),
                }
            }

            /// Name for people and exports.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$kind => $name,)+
                }
            }
        }
    };
}

entry_kinds! {
    /// A call that reached its handler: answered or denied, as the outcome says.
    Access = 1, "access";
    /// A call refused before its handler: connection, method, message, limits.
    Refusal = 2, "refusal";
    /// Refusals that came faster than they are entered one by one, together.
    RefusalSummary = 3, "refusal-summary";

    /// An auditor read entries: one page or report.
    LogRead = 16, "log-read";
    /// A follower of the log connected.
    FollowerOpened = 17, "follower-opened";
    /// What a connected follower was given in the last minute.
    FollowerTick = 18, "follower-tick";
    /// A follower of the log left.
    FollowerClosed = 19, "follower-closed";
    /// A report on one subject's accesses (GDPR article 15).
    SubjectReport = 20, "subject-report";
    /// What an operator did calls for a look.
    AlertRaised = 21, "alert-raised";
    /// A sample of accesses was drawn, which their agency must justify.
    SampleDrawn = 22, "sample-drawn";
    /// An agency justified an access of a sample.
    SampleJustified = 23, "sample-justified";
    /// It was recorded whether an access of a sample was justified.
    SampleJudged = 24, "sample-judged";

    /// An auditor asked for an opening of reserved accesses.
    OpeningRequested = 25, "opening-requested";
    /// A second regional auditor confirmed an opening.
    OpeningConfirmed = 26, "opening-confirmed";

    /// A municipality's batch was accepted.
    Publication = 32, "publication";
    /// A municipality's data was withdrawn and its keys destroyed.
    MunicipalityWithdrawn = 33, "municipality-withdrawn";
    /// A registrar confirmed or rejected changes that waited.
    HeldConfirmed = 34, "held-confirmed";
    /// What a node sent in an interval is no longer trusted.
    QuarantineBegun = 35, "quarantine-begun";
    /// A quarantine was taken back.
    QuarantineLifted = 36, "quarantine-lifted";

    /// An agreement (*convenzione*) was proposed.
    AgreementProposed = 48, "agreement-proposed";
    /// A party signed an agreement.
    AgreementCountersigned = 49, "agreement-countersigned";
    AgreementActivated = 50, "agreement-activated";
    AgreementSuspended = 51, "agreement-suspended";
    AgreementRevoked = 52, "agreement-revoked";
    AgreementExpired = 53, "agreement-expired";
    /// The scope of an auditor or an administrator was changed.
    ScopeChanged = 54, "scope-changed";

    /// First entry of a log; it commits to the log that it continues, if any.
    OriginOpened = 64, "origin-opened";
    ServiceStarted = 65, "service-started";
    ServiceStopped = 66, "service-stopped";
    /// For a time nothing could be entered, and nothing was answered.
    Gap = 67, "gap";
    /// Sealed parts reached the end of their retention and their keys were destroyed.
    KeysDestroyed = 68, "keys-destroyed";
    /// Configuration was loaded again: certificates, trust anchors, limits.
    ConfigurationChanged = 69, "configuration-changed";
}

impl EntryKind {
    pub const fn code(self) -> u16 {
        self as u16
    }
}

impl fmt::Display for EntryKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
