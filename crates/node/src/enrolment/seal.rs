//! How a region knows its own invitations again without keeping a list of them.

use std::fmt;

use agreement::peer::SpiffeId;
use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, SecondsFormat, Utc};
use registry::identifier::IstatCode;

use super::Fingerprint;

/// What the key is derived for.
const PURPOSE: &[u8] = b"ponte invitation key v1";

/// A region's key for its invitations.
pub struct InvitationKey(hmac::Key);

/// What says that a region gave out an invitation: HMAC-SHA-256 over its number, for whom it is, and until when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvitationSeal([u8; Self::LENGTH]);

/// What an invitation and the answer to it have in common.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invited {
    /// The number that both sides compared: of everything that the invitation says.
    pub number: Fingerprint,
    /// Not to be used after this, whole seconds.
    pub expires: DateTime<Utc>,
    /// The region's word for it.
    pub seal: InvitationSeal,
}

/// Why an answer is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvitedError {
    /// This region gave out no such invitation: another region's, an invitation that was changed on the way, or one from
    /// before the region's key was changed.
    #[error("the request answers an invitation that this index did not give out")]
    Unknown,
    /// It is too old.
    #[error("the invitation expired on {0}")]
    Expired(DateTime<Utc>),
}

impl InvitationKey {
    /// The key, from the secret seed of the region's access log.
    pub fn of_log(seed: &[u8; 32]) -> Self {
        let derived = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, seed), PURPOSE);
        Self(hmac::Key::new(hmac::HMAC_SHA256, derived.as_ref()))
    }

    pub(super) fn seal(
        &self,
        number: Fingerprint,
        municipality: IstatCode,
        node: &SpiffeId,
        expires: DateTime<Utc>,
    ) -> InvitationSeal {
        let tag = hmac::sign(&self.0, &message(number, municipality, node, expires));
        let mut seal = [0; InvitationSeal::LENGTH];
        seal.copy_from_slice(tag.as_ref());
        InvitationSeal(seal)
    }

    /// Whether this region invited the node for the municipality, and the invitation is still good.
    pub(super) fn check(
        &self,
        invited: &Invited,
        municipality: IstatCode,
        node: &SpiffeId,
        now: DateTime<Utc>,
    ) -> Result<(), InvitedError> {
        let Invited {
            number,
            expires,
            seal,
        } = invited;
        hmac::verify(&self.0, &message(*number, municipality, node, *expires), &seal.0)
            .map_err(|_| InvitedError::Unknown)?;
        if *expires < now {
            return Err(InvitedError::Expired(*expires));
        }
        Ok(())
    }
}

impl fmt::Debug for InvitationKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("InvitationKey(..)")
    }
}

impl InvitationSeal {
    /// Length in bytes.
    pub const LENGTH: usize = 32;

    /// Reads base64.
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = STANDARD.decode(text).ok()?;
        bytes.try_into().ok().map(Self)
    }
}

impl fmt::Display for InvitationSeal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&STANDARD.encode(self.0))
    }
}

/// An instant as it is written in an invitation and in the answer, RFC 3339 to the second.
pub(super) fn instant(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// Texts of known alphabets, none of which has a line end.
fn message(number: Fingerprint, municipality: IstatCode, node: &SpiffeId, expires: DateTime<Utc>) -> Vec<u8> {
    format!("{number}\n{municipality}\n{node}\n{}\n", instant(expires)).into_bytes()
}
