//! Openings of reserved accesses (*apertura degli accessi riservati*): who may look into what nobody outside the agency sees.
//!
//! Two regional auditors together open accesses of any agency, the one who asks and another who confirms within
//! [`CONFIRM_HOURS`]; an agency's supervisor opens those of its own agency alone, since nobody else inside it watches over
//! them. An opening lasts [`OPEN_HOURS`], for those who made it and for nobody else.
//!
//! The book is the fold of the access log's entries; it is the same after a restart.

mod entries;

use std::collections::BTreeMap;
use std::fmt;

use chrono::{DateTime, TimeDelta, Utc};

use crate::context::OperatorId;
use crate::peer::{CertificateFingerprint, SpiffeId};
use crate::reason::Reason;

pub use self::entries::{EntrySet, EntrySetError, MAX_ENTRIES};

/// Hours within which a second regional auditor must confirm.
pub const CONFIRM_HOURS: u16 = 72;

/// Hours for which what was opened can be read.
pub const OPEN_HOURS: u16 = 24;

/// Somebody who reads the log: the auditor's identity, the certificate of the call and the natural person behind it.
#[derive(Clone, PartialEq, Eq)]
pub struct Opener {
    /// The auditor.
    pub auditor: SpiffeId,
    /// The certificate that was shown.
    pub certificate: CertificateFingerprint,
    /// The natural person, by the auditor's own id.
    pub person: OperatorId,
}

/// By whose word accesses are opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OpeningKind {
    /// Of two regional auditors together.
    Regional,
    /// Of the supervisor of the agency whose accesses they are.
    Agency,
}

/// What somebody did, when, and on what ground.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpeningAct {
    /// Index of its entry in the log.
    pub entry: u64,
    /// When it was entered.
    pub at: DateTime<Utc>,
    /// Who.
    pub by: Opener,
    /// Purpose of the reading.
    pub purpose: String,
    /// The act that orders it.
    pub reference: String,
}

/// An opening; its id is the index of the entry that asked for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opening {
    /// By whose word.
    pub kind: OpeningKind,
    /// Which accesses, by the agency whose they are.
    pub entries: BTreeMap<SpiffeId, EntrySet>,
    /// Why.
    pub reason: String,
    /// Who asked.
    pub requested: OpeningAct,
    /// Who confirmed; nobody of an agency's own opening, which needs none.
    pub confirmed: Option<OpeningAct>,
}

/// How an opening stands at an instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OpeningStanding {
    /// It waits for a second regional auditor until this instant.
    Waiting(DateTime<Utc>),
    /// Nobody confirmed it in time.
    Lapsed,
    /// Those who made it read what it opens until this instant.
    Open(DateTime<Utc>),
    /// Its time is over.
    Ended,
}

/// Why an opening is not confirmed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OpeningRefusal {
    /// There is no such opening that waits for a second auditor's word.
    Unknown,
    /// It was confirmed before.
    Settled,
    /// The time to confirm is over.
    Lapsed,
    /// The confirmation comes with the certificate of the request.
    SameCertificate,
    /// It comes from the auditor who asked.
    SameAuditor,
    /// It comes from the natural person who asked.
    SamePerson,
}

/// Every opening, in the order of their entries.
#[derive(Clone, Debug, Default)]
pub struct OpeningBook(Vec<Opening>);

impl Opener {
    /// Whether both are the same natural person. Letters count whatever their case; more than the ids that auditors state
    /// nobody can compare here.
    pub fn is_person(&self, other: &OperatorId) -> bool {
        self.person.as_str().eq_ignore_ascii_case(other.as_str())
    }
}

/// The person is personal: debugging output does not carry it.
impl fmt::Debug for Opener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Opener({}, ..)", self.auditor)
    }
}

impl Opening {
    /// Its id: the index of the entry that asked for it.
    pub fn id(&self) -> u64 {
        self.requested.entry
    }

    /// How it stands at an instant. A confirmation counts whenever it was entered: it was judged before.
    pub fn standing(&self, now: DateTime<Utc>) -> OpeningStanding {
        let opened = match (self.kind, &self.confirmed) {
            (OpeningKind::Agency, _) => self.requested.at,
            (OpeningKind::Regional, Some(confirmed)) => confirmed.at,
            (OpeningKind::Regional, None) => {
                let until = later(self.requested.at, CONFIRM_HOURS);
                return if now < until {
                    OpeningStanding::Waiting(until)
                } else {
                    OpeningStanding::Lapsed
                };
            }
        };
        let until = later(opened, OPEN_HOURS);
        if now < until {
            OpeningStanding::Open(until)
        } else {
            OpeningStanding::Ended
        }
    }

    /// Whether the reader is one of those who made it.
    fn is_of(&self, auditor: &SpiffeId, person: &OperatorId) -> bool {
        let makers = [Some(&self.requested), self.confirmed.as_ref()];
        let mut makers = makers.into_iter().flatten().map(|act| &act.by);
        makers.any(|maker| maker.auditor == *auditor && maker.is_person(person))
    }
}

impl OpeningBook {
    /// Notes an opening that was asked for. They come in the order of their entries.
    pub fn request(&mut self, opening: Opening) {
        self.0.push(opening);
    }

    /// Notes a confirmation that was entered; one of an opening that is not there, because its entry can no longer be
    /// read, is of no effect.
    pub fn confirm(&mut self, opening: u64, act: OpeningAct) {
        if let Ok(place) = self.0.binary_search_by_key(&opening, Opening::id) {
            self.0[place].confirmed.get_or_insert(act);
        }
    }

    /// The opening of an id.
    pub fn get(&self, opening: u64) -> Option<&Opening> {
        let place = self.0.binary_search_by_key(&opening, Opening::id).ok()?;
        self.0.get(place)
    }

    /// Whether a regional auditor may confirm an opening now: another certificate, another auditor and another natural
    /// person than asked, in time, and once.
    ///
    /// # Errors
    /// See [`OpeningRefusal`].
    pub fn judge(&self, opening: u64, by: &Opener, now: DateTime<Utc>) -> Result<(), OpeningRefusal> {
        let opening = self.get(opening).ok_or(OpeningRefusal::Unknown)?;
        if opening.kind == OpeningKind::Agency {
            return Err(OpeningRefusal::Unknown);
        }
        if opening.confirmed.is_some() {
            return Err(OpeningRefusal::Settled);
        }
        let first = &opening.requested.by;
        if first.certificate == by.certificate {
            return Err(OpeningRefusal::SameCertificate);
        }
        if first.auditor == by.auditor {
            return Err(OpeningRefusal::SameAuditor);
        }
        if first.is_person(&by.person) {
            return Err(OpeningRefusal::SamePerson);
        }
        match opening.standing(now) {
            OpeningStanding::Waiting(_) => Ok(()),
            OpeningStanding::Lapsed | OpeningStanding::Open(_) | OpeningStanding::Ended => {
                Err(OpeningRefusal::Lapsed)
            }
        }
    }

    /// The openings by which a reader reads now: those that it made and that are open. Newest first.
    pub fn open_to<'a>(
        &'a self,
        auditor: &'a SpiffeId,
        person: &'a OperatorId,
        now: DateTime<Utc>,
    ) -> impl Iterator<Item = &'a Opening> {
        // What was asked for so long ago is over, however late it was confirmed.
        let longest = later(DateTime::UNIX_EPOCH, CONFIRM_HOURS + OPEN_HOURS) - DateTime::UNIX_EPOCH;
        let recent = self
            .0
            .iter()
            .rev()
            .take_while(move |opening| now < opening.requested.at + longest);
        recent.filter(move |opening| {
            matches!(opening.standing(now), OpeningStanding::Open(_)) && opening.is_of(auditor, person)
        })
    }

    /// Every opening with an id of at least `from`, in order.
    pub fn since(&self, from: u64) -> &[Opening] {
        let start = self.0.partition_point(|opening| opening.id() < from);
        self.0.get(start..).unwrap_or_default()
    }
}

impl OpeningRefusal {
    /// The reason that the caller meets.
    pub const fn reason(self) -> Reason {
        match self {
            Self::Unknown => Reason::ResourceNotFound,
            Self::Settled => Reason::OpeningSettled,
            Self::Lapsed => Reason::OpeningLapsed,
            Self::SameCertificate => Reason::OpeningSameCertificate,
            Self::SameAuditor => Reason::OpeningSameAuditor,
            Self::SamePerson => Reason::OpeningSamePerson,
        }
    }
}

fn later(at: DateTime<Utc>, hours: u16) -> DateTime<Utc> {
    at.checked_add_signed(TimeDelta::hours(hours.into()))
        .unwrap_or(DateTime::<Utc>::MAX_UTC)
}

#[cfg(test)]
mod tests;
