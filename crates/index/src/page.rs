//! Page tokens: opaque to the caller, bound to what was asked, without any authority of their own.

use agreement::reason::Reason;
use aws_lc_rs::hmac;
use registry::hex;
use tonic::Status;
use wire::convert::Invalid;
use wire::status::{Details, invalid_argument, status_for};

/// Entries of a page when the caller does not say.
const USUAL: usize = 100;

/// Entries of a page at most; larger wishes are lowered.
const MOST: usize = 1000;

const TAG: usize = 16;

/// Where the next page begins, and where the listing ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PageToken {
    /// First position of the next page.
    pub(crate) position: u64,
    /// End of what the first page saw, so that a listing does not grow under its reader; 0 where it may.
    pub(crate) end: u64,
}

/// The size of a page from what was asked.
///
/// # Errors
/// A negative size.
pub(crate) fn page_size(asked: i32) -> Result<usize, Status> {
    match usize::try_from(asked) {
        Ok(0) => Ok(USUAL),
        Ok(size) => Ok(size.min(MOST)),
        Err(_) => Err(invalid_argument(&Invalid::new(
            "page_size",
            wire::convert::Rule::Range,
        ))),
    }
}

impl PageToken {
    /// The token as text, good for this scope only.
    pub(crate) fn seal(self, key: &[u8; 32], scope: &str) -> String {
        let mut bytes = [self.position.to_be_bytes(), self.end.to_be_bytes()].concat();
        let tag = tag_of(key, scope, &bytes);
        bytes.extend_from_slice(tag.as_ref().get(..TAG).unwrap_or_default());
        hex::encode(&bytes)
    }

    /// Reads a token; `None` for the first page.
    ///
    /// # Errors
    /// `PAGE_TOKEN_INVALID` for a text that this index did not give for this scope.
    pub(crate) fn open(key: &[u8; 32], scope: &str, text: &str) -> Result<Option<Self>, Status> {
        if text.is_empty() {
            return Ok(None);
        }
        read(key, scope, text)
            .map(Some)
            .ok_or_else(|| status_for(Reason::PageTokenInvalid, Details::none()))
    }
}

fn tag_of(key: &[u8; 32], scope: &str, bytes: &[u8]) -> hmac::Tag {
    let mut context = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, key));
    context.update(&(scope.len() as u64).to_be_bytes());
    context.update(scope.as_bytes());
    context.update(bytes);
    context.sign()
}

fn read(key: &[u8; 32], scope: &str, text: &str) -> Option<PageToken> {
    let bytes: [u8; 16 + TAG] = hex::decode(text)?;
    let (content, given) = bytes.split_at_checked(16)?;
    let expected = tag_of(key, scope, content);
    aws_lc_rs::constant_time::verify_slices_are_equal(expected.as_ref().get(..TAG)?, given).ok()?;
    let (position, end) = content.split_first_chunk::<8>()?;
    Some(PageToken {
        position: u64::from_be_bytes(*position),
        end: u64::from_be_bytes(end.try_into().ok()?),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: [u8; 32] = [3; 32];

    #[test]
    fn a_token_reads_back_in_its_scope_only() {
        let token = PageToken { position: 7, end: 90 };
        let text = token.seal(&KEY, "list|a");
        assert_eq!(PageToken::open(&KEY, "list|a", &text).unwrap(), Some(token));
        assert!(PageToken::open(&KEY, "list|b", &text).is_err());
        assert!(PageToken::open(&[4; 32], "list|a", &text).is_err());
    }

    #[test]
    fn a_changed_token_is_refused() {
        let text = PageToken { position: 7, end: 90 }.seal(&KEY, "list");
        for place in 0..text.len() {
            let mut changed = text.clone().into_bytes();
            changed[place] = if changed[place] == b'0' { b'1' } else { b'0' };
            assert!(PageToken::open(&KEY, "list", std::str::from_utf8(&changed).unwrap()).is_err());
        }
    }

    #[test]
    fn sizes_are_usual_lowered_or_refused() {
        assert_eq!(page_size(0).unwrap(), USUAL);
        assert_eq!(page_size(5).unwrap(), 5);
        assert_eq!(page_size(1_000_000).unwrap(), MOST);
        assert!(page_size(-1).is_err());
    }
}
