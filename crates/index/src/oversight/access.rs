//! What of an entry counts.

use std::sync::Arc;

use agreement::document::AgreementDocument;
use agreement::moment::Moment;
use agreement::reason::Reason;
use chrono::DateTime;
use ledger::hash::Hash;
use ledger::header::{EntryKind, Header, HeaderBody};
use ledger::part::{PartKind, PartOpening};
use registry::municipality::MunicipalityId;
use store::access_log::part_content::{DetailPart, OperatorPart, PartContent, SubjectsPart};
use store::access_log::survey::Surveyed;

use crate::oversight::alert::{entry, raising};
use crate::oversight::reserved::ReservedPurposes;

/// A text that many entries have in common.
pub(crate) type Name = Arc<str>;

/// What an entry says to oversight.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    /// Index of the entry.
    pub(crate) index: u64,
    /// When it was made.
    pub(crate) at: Moment,
    /// What it is.
    pub(crate) what: What,
}

/// What an entry is to oversight.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum What {
    /// A call, or a refusal before one.
    Access(Box<Access>),
    /// Keys were destroyed: the classes of operator parts that nobody can open any more, such as `operator 24m 2026-11`.
    Destroyed(Vec<Name>),
    /// An alert was raised, by what tells it from all others.
    Raised(String),
    /// The alert rules that are in force from here on.
    Rules(Vec<String>),
    /// Anything else.
    Other,
}

/// An access, as it is counted and watched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Access {
    /// Whether the entry is of a call that reached its handler.
    pub(crate) reached: bool,
    /// The caller's SPIFFE id; empty where it had none.
    pub(crate) caller: Name,
    /// The agreement; empty where none was named.
    pub(crate) agreement: Name,
    /// The purpose; empty where none was named.
    pub(crate) purpose: Name,
    /// The method; empty where none is known.
    pub(crate) service: Name,
    /// `OK`, or the reason as told to the caller.
    pub(crate) outcome: Name,
    /// The operator; empty where none was named or the part can be opened no more.
    pub(crate) operator: Name,
    /// The class of keys of the operator part; empty where there is none.
    pub(crate) class: Name,
    /// Whether the purpose is reserved.
    pub(crate) reserved: bool,
    /// Municipalities whose persons influenced the answer, sorted, each once; one that was merged is its successor.
    pub(crate) places: Vec<Name>,
    /// Whether the call repeats an earlier one.
    pub(crate) is_repeat: bool,
    /// Whether it is a row of an approved list.
    pub(crate) is_row: bool,
    /// Whether a case was referred to.
    pub(crate) has_case: bool,
    /// The persons who influenced the answer, where rules ask for them.
    pub(crate) subjects: Vec<Subject>,
}

/// A person in an entry, as one municipality's log of one year names it.
pub(crate) type Pseudonym = [u8; 16];

/// A person who influenced an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Subject {
    /// The municipality whose record was read.
    pub(crate) place: Name,
    /// The pseudonym.
    pub(crate) pseudonym: Pseudonym,
}

impl Access {
    /// Whether nobody was found, or nobody who is shown.
    pub(crate) fn is_miss(&self) -> bool {
        *self.outcome == *Reason::NotFound.name()
    }
}

/// Which parts are opened; those on persons only where somebody looks at them.
pub(crate) fn wanted(kind: EntryKind, part: &str, subjects: bool) -> bool {
    match kind {
        EntryKind::Access => part == "operator" || (subjects && part == "subjects"),
        EntryKind::KeysDestroyed | EntryKind::AlertRaised | EntryKind::ConfigurationChanged => {
            part == "detail"
        }
        EntryKind::AgreementActivated => part == "agreement",
        _ => false,
    }
}

impl Seen {
    /// What an entry says. An activation adds to what is known of purposes.
    pub(crate) fn of(surveyed: Surveyed, reserved: &mut ReservedPurposes) -> Self {
        let Surveyed {
            index,
            header,
            municipalities,
            operator_class,
            parts,
        } = surveyed;
        let at = Moment::new(instant(&header));
        let body = header.body;
        let what = match body.kind {
            EntryKind::Access | EntryKind::Refusal | EntryKind::RefusalSummary => {
                let operator = content::<OperatorPart>(&parts, &PartKind::Operator);
                let has_case = operator
                    .as_ref()
                    .is_some_and(|part| part.case_reference.is_some());
                let operator = operator.map_or_else(Name::default, |part| part.operator.into());
                What::Access(Box::new(Access {
                    reached: body.kind == EntryKind::Access,
                    reserved: is_reserved(&body, reserved),
                    is_repeat: body.repeat_of.is_some(),
                    is_row: body.service.as_deref().is_some_and(is_of_list),
                    has_case,
                    subjects: subjects(&parts),
                    caller: name(body.peer),
                    agreement: name(body.agreement),
                    purpose: name(body.purpose),
                    service: name(body.service),
                    outcome: if body.outcome.code == 0 {
                        "OK".into()
                    } else {
                        body.outcome.reason.into()
                    },
                    operator,
                    class: name(operator_class),
                    places: keepers(municipalities),
                }))
            }
            EntryKind::KeysDestroyed if body.outcome.code == 0 => {
                let detail = content::<DetailPart>(&parts, &PartKind::AdministrativeDetail);
                let classes = detail.unwrap_or_default().details.into_iter();
                let of_operators = classes.filter(|(class, _)| class.starts_with("operator "));
                What::Destroyed(of_operators.map(|(class, _)| class.into()).collect())
            }
            EntryKind::AlertRaised => match content::<DetailPart>(&parts, &PartKind::AdministrativeDetail) {
                Some(detail) => entry::key_of(&detail).map_or(What::Other, What::Raised),
                None => What::Other,
            },
            EntryKind::ConfigurationChanged => {
                let detail = content::<DetailPart>(&parts, &PartKind::AdministrativeDetail);
                detail
                    .and_then(|detail| raising::stated(&detail))
                    .map_or(What::Other, What::Rules)
            }
            EntryKind::AgreementActivated => {
                for opening in &parts {
                    if opening.kind == PartKind::AgreementBytes
                        && let Ok(agreement) = AgreementDocument::parse(&opening.content)
                    {
                        reserved.learn(&agreement);
                    }
                }
                What::Other
            }
            _ => What::Other,
        };
        Self { index, at, what }
    }
}

/// By the document that decided, which outlives every part of the entry.
fn is_reserved(body: &HeaderBody, reserved: &ReservedPurposes) -> bool {
    match (&body.agreement_version, &body.purpose) {
        (Some(version), Some(purpose)) => reserved.contains(version, purpose),
        (None, _) | (_, None) => false,
    }
}

/// The time of an entry; one that is no date counts as the first there is, and so on the day of the entry before.
fn instant(header: &Header) -> DateTime<chrono::Utc> {
    let time = i64::try_from(header.time_ms).ok();
    time.and_then(DateTime::from_timestamp_millis)
        .unwrap_or(DateTime::UNIX_EPOCH)
}

/// Municipalities as they are called today: a person with a card in one and in its successor is of one place.
fn keepers(municipalities: Vec<String>) -> Vec<Name> {
    let mut places: Vec<Name> = municipalities
        .into_iter()
        .map(|code| match MunicipalityId::parse(&code) {
            Some(id) => id.keeper().as_str().into(),
            None => code.into(),
        })
        .collect();
    places.sort_unstable();
    places.dedup();
    places
}

/// Whether a method is one of approved lists, each row of which is an entry.
fn is_of_list(service: &str) -> bool {
    service
        .rsplit('/')
        .next()
        .is_some_and(|method| method.starts_with("Batch"))
}

fn subjects(parts: &[PartOpening]) -> Vec<Subject> {
    let mut found = Vec::new();
    for part in parts {
        if let PartKind::Subjects(place) = &part.kind
            && let Ok(SubjectsPart { subjects, .. }) = SubjectsPart::decode(&part.content)
        {
            let place = Name::from(place.as_str());
            found.extend(subjects.into_iter().map(|subject| Subject {
                place: Name::clone(&place),
                pseudonym: *subject.pseudonym.as_bytes(),
            }));
        }
    }
    found
}

fn name(text: Option<String>) -> Name {
    text.map_or_else(Name::default, Name::from)
}

/// The content of the part of a kind, where it was opened.
pub(crate) fn content<C: PartContent>(parts: &[PartOpening], kind: &PartKind) -> Option<C> {
    let part = parts.iter().find(|part| part.kind == *kind)?;
    C::decode(&part.content).ok()
}

/// Which version of an agreement, as a header names it.
pub(crate) type Version = Hash;
