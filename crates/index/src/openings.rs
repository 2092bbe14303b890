//! Openings of reserved accesses as the access log tells them: their book is the fold of its entries.
//!
//! An act is entered first and noted afterwards, read back from its entry as a restart would read it; what was refused
//! is entered with its reason and opens nothing. An entry whose parts were erased at the end of their retention opens
//! nothing either: its time is long over.

use agreement::context::OperatorId;
use agreement::openings::{EntrySet, Opener, Opening, OpeningAct, OpeningBook, OpeningKind};
use agreement::peer::{CertificateFingerprint, SpiffeId};
use ledger::header::EntryKind;
use ledger::part::PartKind;
use store::access_log::AccessLog;
use store::access_log::part_content::{DetailPart, OperatorPart};
use store::access_log::reading::{OpenedEntry, ReadError, ReaderScope};

use crate::agreement_book::instant;
use crate::usage_restore::part_of;

/// What the details of an entry are named: by whose word, which entries (with the agency behind it), why, and what is
/// confirmed.
const KIND: &str = "kind";
const ENTRIES: &str = "entries ";
const REASON: &str = "reason";
const OPENING: &str = "opening";

/// The openings as of the last entry.
///
/// # Errors
/// When the log cannot be read.
pub fn fold(log: &AccessLog) -> Result<OpeningBook, ReadError> {
    let mut book = OpeningBook::default();
    for index in log.opening_acts() {
        if let Some(entry) = log.entry(&ReaderScope::Index, index)? {
            apply(&mut book, &entry);
        }
    }
    Ok(book)
}

/// Notes what an entry did.
pub(crate) fn apply(book: &mut OpeningBook, entry: &OpenedEntry) {
    let body = &entry.header.body;
    if body.outcome.code != 0 {
        return;
    }
    let noted = match body.kind {
        EntryKind::OpeningRequested => book_request(book, entry),
        EntryKind::OpeningConfirmed => book_confirmation(book, entry),
        _ => None,
    };
    if noted.is_none() {
        tracing::debug!(
            entry = entry.index,
            "an act about an opening can no longer be read"
        );
    }
}

fn book_request(book: &mut OpeningBook, entry: &OpenedEntry) -> Option<()> {
    let DetailPart { details } = part_of(entry, &PartKind::AdministrativeDetail)?;
    let stated = |wanted: &str| {
        details
            .iter()
            .find(|(name, _)| name == wanted)
            .map(|(_, value)| value)
    };
    let entries = details.iter().filter_map(|(name, value)| {
        let agency = SpiffeId::parse(name.strip_prefix(ENTRIES)?).ok()?;
        Some((agency, value.parse::<EntrySet>().ok()?))
    });
    book.request(Opening {
        kind: kind_of(stated(KIND)?)?,
        entries: entries.collect(),
        reason: stated(REASON)?.clone(),
        requested: act_of(entry)?,
        confirmed: None,
    });
    Some(())
}

fn book_confirmation(book: &mut OpeningBook, entry: &OpenedEntry) -> Option<()> {
    let DetailPart { details } = part_of(entry, &PartKind::AdministrativeDetail)?;
    let (_, opening) = details.iter().find(|(name, _)| name == OPENING)?;
    book.confirm(opening.parse().ok()?, act_of(entry)?);
    Some(())
}

fn act_of(entry: &OpenedEntry) -> Option<OpeningAct> {
    let body = &entry.header.body;
    let operator: OperatorPart = part_of(entry, &PartKind::Operator)?;
    Some(OpeningAct {
        entry: entry.index,
        at: instant(&entry.header)?,
        by: Opener {
            auditor: SpiffeId::parse(body.peer.as_deref()?).ok()?,
            certificate: CertificateFingerprint(*body.certificate?.as_bytes()),
            person: OperatorId::parse(&operator.operator).ok()?,
        },
        purpose: body.purpose.clone()?,
        reference: operator.case_reference?,
    })
}

const fn kind_name(kind: OpeningKind) -> &'static str {
    match kind {
        OpeningKind::Regional => "regional",
        OpeningKind::Agency => "agency",
    }
}

fn kind_of(name: &str) -> Option<OpeningKind> {
    let mut kinds = [OpeningKind::Regional, OpeningKind::Agency].into_iter();
    kinds.find(|kind| kind_name(*kind) == name)
}

/// Details of the entry of a request that is granted.
pub(crate) fn request_details<'a>(
    kind: OpeningKind,
    entries: impl IntoIterator<Item = (&'a SpiffeId, &'a EntrySet)>,
    reason: &str,
) -> Vec<(String, String)> {
    let mut details = vec![
        (KIND.to_owned(), kind_name(kind).to_owned()),
        (REASON.to_owned(), reason.to_owned()),
    ];
    let entries = entries.into_iter();
    details.extend(entries.map(|(agency, entries)| (format!("{ENTRIES}{agency}"), entries.to_string())));
    details
}

/// Details of the entry of a request that is refused: whose the entries are is not looked into.
pub(crate) fn refused_details(entries: &EntrySet, reason: &str) -> Vec<(String, String)> {
    vec![
        (ENTRIES.trim_end().to_owned(), entries.to_string()),
        (REASON.to_owned(), reason.to_owned()),
    ]
}

/// The detail that names an opening: of a confirmation, and of a reading by it.
pub(crate) fn opening_detail(opening: u64) -> (String, String) {
    (OPENING.to_owned(), opening.to_string())
}
