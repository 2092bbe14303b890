//! Names of files that are about to go: nobody can exchange them, and after an interruption they say what they were.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use aws_lc_rs::digest;
use registry::hex;

use super::watch::{Seen, Stamp};

/// How the name of a file begins that was taken and is about to go; [`mark`] and its own name follow.
pub(super) const TAKEN: &str = ".ponte-taken-";

/// How the name of a file begins that is no export and is about to be moved.
pub(super) const MOVING: &str = ".ponte-moving-";

/// Characters of a [`mark`].
const MARK: usize = 16;

/// A file whose name was taken from it.
pub(super) struct Held<'a> {
    pub(super) whole: &'a OsStr,
    pub(super) kind: HeldKind,
    pub(super) original: &'a OsStr,
}

#[derive(PartialEq, Eq)]
pub(super) enum HeldKind {
    /// To be destroyed, when this is its mark.
    Taken(String),
    /// To be moved.
    Moving,
}

impl<'a> Held<'a> {
    pub(super) fn of(whole: &'a OsStr) -> Option<Self> {
        let bytes = whole.as_encoded_bytes();
        let (rest, taken) = match bytes.strip_prefix(TAKEN.as_bytes()) {
            Some(rest) => (rest, true),
            None => (bytes.strip_prefix(MOVING.as_bytes())?, false),
        };
        let (mark, original) = rest.split_at_checked(MARK)?;
        let original = OsStr::from_bytes(original.strip_prefix(b"-")?);
        let mark = std::str::from_utf8(mark).ok()?.to_owned();
        let kind = if taken {
            HeldKind::Taken(mark)
        } else {
            HeldKind::Moving
        };
        Some(Self {
            whole,
            kind,
            original,
        })
    }
}

/// The name of a file that is about to go: it says which file that is, also after a restart.
pub(super) fn held_name(prefix: &str, seen: &Seen) -> OsString {
    let mut name = OsString::from(format!("{prefix}{}-", mark(seen.stamp)));
    name.push(&seen.name);
    name
}

/// What tells a file from others of its name: the first 8 bytes of SHA-256 over number, size and time of change. The
/// device is not among them: it may have another number after a restart.
pub(super) fn mark(stamp: Stamp) -> String {
    let Stamp {
        bytes,
        changed_ns,
        file: (_, number),
    } = stamp;
    let stated = format!("{number}/{bytes}/{changed_ns}");
    let mut text = hex::encode(digest::digest(&digest::SHA256, stated.as_bytes()).as_ref());
    text.truncate(MARK);
    text
}

/// A name, or a similar one: `a.csv`, `a.2.csv`, `a.3.csv`.
pub(super) fn numbered(name: &OsStr, attempt: u32) -> OsString {
    if attempt == 1 {
        return name.to_owned();
    }
    let path = Path::new(name);
    let mut numbered = path.file_stem().unwrap_or_default().to_owned();
    numbered.push(format!(".{attempt}."));
    numbered.push(path.extension().unwrap_or_default());
    numbered
}
