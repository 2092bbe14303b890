//! The log's batch frames as the segments see them.

use ledger::{
    frame::{Damage, FrameError, FrameView, Parsed},
    hash::sha256,
};

use crate::segment::{FrameFormat, Probe};

/// Bytes of a frame before its content, of which the last four check the others: see [`ledger::frame`].
const HEAD: usize = 26;
const CHECK: usize = 22;

/// [`ledger::frame`] in segments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BatchFrames;

impl FrameFormat for BatchFrames {
    fn head_len(&self) -> usize {
        HEAD
    }

    fn probe(&self, bytes: &[u8]) -> Probe {
        match FrameView::parse(bytes, 0) {
            Ok(Parsed::Frame(view)) => Probe::Complete(view.len()),
            Ok(Parsed::End) => Probe::End,
            Err(FrameError::Incomplete | FrameError::Broken(Damage::Hash)) => {
                claimed(bytes).map_or(Probe::Broken, |claimed| Probe::Incomplete { claimed })
            }
            Err(FrameError::Broken(
                Damage::Prefix | Damage::Version(_) | Damage::Length | Damage::Content,
            )) => Probe::Broken,
        }
    }
}

/// The length in a head that is whole.
fn claimed(bytes: &[u8]) -> Option<usize> {
    let head = bytes.first_chunk::<HEAD>()?;
    let (checked, check) = head.split_at(CHECK);
    if sha256(checked).as_bytes()[..4] != *check {
        return None;
    }
    let length = checked.last_chunk::<4>()?;
    usize::try_from(u32::from_be_bytes(*length)).ok()
}
