//! One pass over entries for the index itself: headers, where an entry's subjects live, and of the sealed parts those
//! that are wanted.
//!
//! A frame is read and parsed once, whatever it holds, so that a pass costs what its entries cost.

use std::ops::Range;

use ledger::{
    frame::{EntryView, FrameView, Parsed},
    header::{EntryKind, Header},
    part::PartOpening,
};

use crate::{
    access_log::{
        AccessLog, Shared,
        reading::{OpenedPart, ReadError, open_part},
        retention::{class_of, subjects_municipality},
    },
    keys::KeyId,
};

/// An entry as a pass over the log sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Surveyed {
    /// Index in the log.
    pub index: u64,
    /// The header.
    pub header: Header,
    /// Cadastral codes of the municipalities whose persons influenced the answer, each once, sorted: known by the names of
    /// keys, so that they stay when the keys are destroyed.
    pub municipalities: Vec<String>,
    /// Under which class of keys the operator part is sealed, as the entry of a destruction names it:
    /// `operator 24m 2026-11`; `None` where there is no such part.
    pub operator_class: Option<String>,
    /// The wanted parts that can still be opened, each checked against the header's commitment.
    pub parts: Vec<PartOpening>,
}

impl AccessLog {
    /// Hands every entry of a range to `visit`, in order. `wanted` says of which kind of entry which parts are opened, by
    /// the part's name in key names (`operator`, `subjects`, `detail`, …). Blocks while files are read.
    ///
    /// # Errors
    /// See [`ReadError`]; entries before the one that cannot be read were handed over.
    pub fn survey(
        &self,
        range: Range<u64>,
        wanted: impl Fn(EntryKind, &str) -> bool,
        mut visit: impl FnMut(Surveyed),
    ) -> Result<(), ReadError> {
        let shared = &self.inner.shared;
        let end = range.end.min(self.checkpoint().checkpoint.size);
        let mut next = range.start;
        while next < end {
            let place = shared.frames.find(next).ok_or(ReadError::NoEntry(next))?;
            let mut bytes = vec![0; place.len as usize];
            shared.segments.read(place.position, &mut bytes)?;
            let Ok(Parsed::Frame(frame)) = FrameView::parse(&bytes, place.position.offset) else {
                return Err(ReadError::Damaged(next));
            };
            if frame.next_index() <= next {
                return Err(ReadError::NoEntry(next));
            }
            for entry in frame.entries() {
                if (next..end).contains(&entry.index) {
                    visit(shared.surveyed(&entry, &wanted)?);
                }
            }
            next = frame.next_index();
        }
        Ok(())
    }
}

impl Shared {
    fn surveyed(
        &self,
        entry: &EntryView<'_>,
        wanted: &impl Fn(EntryKind, &str) -> bool,
    ) -> Result<Surveyed, ReadError> {
        let header = Header::decode(entry.header)?;
        let mut surveyed = Surveyed {
            index: entry.index,
            header,
            municipalities: Vec::new(),
            operator_class: None,
            parts: Vec::new(),
        };
        for part in entry.parts {
            let key_id = KeyId::from_bytes(part.key_id);
            let name = self.ring.name_of(key_id).ok_or(ReadError::UnknownKey)?;
            surveyed
                .municipalities
                .extend(subjects_municipality(&name).map(str::to_owned));
            let Some((kind, months, month)) = class_of(&name) else {
                continue;
            };
            if kind == "operator" {
                surveyed.operator_class = Some(format!("{kind} {months} {month}"));
            }
            if wanted(surveyed.header.body.kind, kind)
                && let OpenedPart::Shown(opening) = open_part(
                    &self.ring,
                    &surveyed.header,
                    key_id,
                    part.position,
                    part.ciphertext,
                )?
            {
                surveyed.parts.push(opening);
            }
        }
        surveyed.municipalities.sort_unstable();
        surveyed.municipalities.dedup();
        Ok(surveyed)
    }
}
