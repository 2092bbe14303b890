//! Registry events (*eventi anagrafici*).

use chrono::NaiveDate;

use crate::change::act::ActReference;

/// What happened to a card, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RegistryEvent {
    /// What happened.
    pub kind: EventKind,
    /// Day of the event itself (birth, marriage, death), when the registry gives it.
    pub event_date: Option<NaiveDate>,
    /// Legal effective date (*decorrenza*), when the registry gives it.
    pub effective_date: Option<NaiveDate>,
    /// Day on which the registry wrote it down; for events found by comparing exports, the day of the export.
    pub registration_date: NaiveDate,
    /// The civil-status act behind it, when the registry gives it.
    pub act: Option<ActReference>,
}

/// Declares the kinds: number in canonical bytes, code, Italian label.
macro_rules! event_kinds {
    ($($(#[$doc:meta])* $kind:ident = $number:literal, $code:literal, $label:literal;)+) => {
        /// Kinds of registry events.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum EventKind {
            $($(#[$doc])* $kind,)+
        }

        impl EventKind {
            /// Every kind, by number.
            pub const ALL: &'static [Self] = &[$(Self::$kind,)+];

            /// Number in canonical bytes; never reused.
            pub const fn number(self) -> u8 {
                match self {
                    $(Self::$kind => $number,)+
                }
            }

            /// The kind of a number.
            pub const fn from_number(number: u8) -> Option<Self> {
                match number {
                    $($number => Some(Self::$kind),)+
                    _ => None,
                }
            }

            /// Code for machines.
            pub const fn code(self) -> &'static str {
                match self {
                    $(Self::$kind => $code,)+
                }
            }

            /// The kind of a code.
            pub fn from_code(code: &str) -> Option<Self> {
                match code {
                    $($code => Some(Self::$kind),)+
                    _ => None,
                }
            }

            /// Italian label.
            pub const fn label(self) -> &'static str {
                match self {
                    $(Self::$kind => $label,)+
                }
            }
        }
    };
}

event_kinds! {
    /// Birth (*nascita*).
    Birth = 1, "BIRTH", "Nascita";
    /// Registration of somebody who came from another municipality or from abroad (*immigrazione*).
    Immigration = 2, "IMMIGRATION", "Immigrazione";
    /// Registration for any other reason: reappearance, census, court, restored position.
    Registration = 3, "REGISTRATION", "Altra iscrizione";
    /// Cancellation of somebody who went to another municipality or abroad (*emigrazione*).
    Emigration = 4, "EMIGRATION", "Emigrazione";
    /// Cancellation for any other reason: untraceability, census, double registration.
    Cancellation = 5, "CANCELLATION", "Altra cancellazione";
    /// Another address in the same municipality, or another address abroad (*cambio di abitazione*).
    ChangeOfDwelling = 6, "CHANGE_OF_DWELLING", "Cambio di abitazione";
    /// Another household, or another role in it (*mutazione di famiglia o convivenza*).
    HouseholdChange = 7, "HOUSEHOLD_CHANGE", "Mutazione di famiglia o convivenza";
    /// Marriage (*matrimonio*).
    Marriage = 8, "MARRIAGE", "Matrimonio";
    /// Civil union (L. 76/2016).
    CivilUnion = 9, "CIVIL_UNION", "Unione civile";
    /// Death of the spouse or civil partner (*vedovanza*).
    Widowhood = 10, "WIDOWHOOD", "Vedovanza o decesso della parte unita civilmente";
    /// End of a marriage or union by divorce, annulment or dissolution.
    Dissolution = 11, "DISSOLUTION", "Scioglimento di matrimonio o unione civile";
    /// Any other change of civil status.
    CivilStatusChange = 12, "CIVIL_STATUS_CHANGE", "Altra variazione di stato civile";
    /// Citizenship acquired or lost.
    Citizenship = 13, "CITIZENSHIP", "Variazione di cittadinanza";
    /// Another codice fiscale, or its validation.
    TaxCode = 14, "TAX_CODE", "Variazione del codice fiscale";
    /// Identity card issued or replaced.
    IdentityDocument = 15, "IDENTITY_DOCUMENT", "Variazione della carta d'identità";
    /// Death (*decesso*).
    Death = 16, "DEATH", "Decesso";
    /// A fact already registered was corrected (*rettifica*).
    Rectification = 17, "RECTIFICATION", "Rettifica";
    /// A fact already registered was undone (*annullamento*).
    Annulment = 18, "ANNULMENT", "Annullamento";
    /// Markers changed: protection, open procedure, certifiability, national id.
    Marker = 19, "MARKER", "Variazione di annotazioni della scheda";
}
