//! Handles: what an agency sees instead of an internal id.
//!
//! A handle is the 16-byte id encrypted as one AES-256 block under a key of the agreement and the kind of thing. One
//! block is a permutation, so equal ids have equal handles inside one agreement and unrelated ones in another: two
//! agencies cannot join their files.

use std::fmt;

use agreement::context::AgreementId;
use aws_lc_rs::cipher::{AES_256, DecryptingKey, DecryptionContext, EncryptingKey, UnboundCipherKey};
use aws_lc_rs::hmac;
use registry::identifier::PersonId;
use uuid::Uuid;

use crate::keys::token::Token;

/// Names a person to one agency.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PersonHandle(pub [u8; 16]);

/// Names a household to one agency.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct HouseholdHandle(pub [u8; 16]);

/// Makes handles.
pub struct HandleKeys(hmac::Key);

impl fmt::Debug for HandleKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HandleKeys(..)")
    }
}

impl HandleKeys {
    /// From the index's secret.
    pub fn new(secret: &[u8; 32]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, secret))
    }

    /// The handle of a person under an agreement.
    pub fn person(&self, agreement: &AgreementId, person: PersonId) -> PersonHandle {
        PersonHandle(self.encrypt(agreement, b"person", *person.0.as_bytes()))
    }

    /// The person of a handle. A handle that was never given out has a person that nobody is.
    pub fn person_of(&self, agreement: &AgreementId, handle: PersonHandle) -> PersonId {
        PersonId(Uuid::from_bytes(self.decrypt(agreement, b"person", handle.0)))
    }

    /// The handle of a household under an agreement.
    pub(crate) fn household(&self, agreement: &AgreementId, household: &Token) -> HouseholdHandle {
        HouseholdHandle(self.encrypt(agreement, b"household", *household.as_bytes()))
    }

    fn key(&self, agreement: &AgreementId, kind: &[u8]) -> UnboundCipherKey {
        let mut context = hmac::Context::with_key(&self.0);
        context.update(kind);
        context.update(&[0]);
        context.update(agreement.as_str().as_bytes());
        UnboundCipherKey::new(&AES_256, context.sign().as_ref())
            .expect("an HMAC-SHA256 tag is an AES-256 key")
    }

    fn encrypt(&self, agreement: &AgreementId, kind: &[u8], mut block: [u8; 16]) -> [u8; 16] {
        let key = EncryptingKey::ecb(self.key(agreement, kind)).expect("AES has an ECB mode");
        key.encrypt(&mut block)
            .expect("one block is a whole number of blocks");
        block
    }

    fn decrypt(&self, agreement: &AgreementId, kind: &[u8], mut block: [u8; 16]) -> [u8; 16] {
        let key = DecryptingKey::ecb(self.key(agreement, kind)).expect("AES has an ECB mode");
        key.decrypt(&mut block, DecryptionContext::None)
            .expect("one block is a whole number of blocks");
        block
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn agreement(id: &str) -> AgreementId {
        AgreementId::parse(id).expect("the id has the form of an agreement's id")
    }

    #[test]
    fn a_handle_leads_back_under_its_own_agreement_only() {
        let keys = HandleKeys::new(&[7; 32]);
        let person = PersonId(Uuid::from_bytes([9; 16]));
        let handle = keys.person(&agreement("police-1"), person);
        assert_eq!(keys.person_of(&agreement("police-1"), handle), person);
        assert_ne!(keys.person_of(&agreement("police-2"), handle), person);
        assert_ne!(keys.person(&agreement("police-2"), person), handle);
    }

    #[test]
    fn a_handle_is_the_same_each_time_and_hides_the_id() {
        let keys = HandleKeys::new(&[7; 32]);
        let person = PersonId(Uuid::from_bytes([9; 16]));
        let handle = keys.person(&agreement("police-1"), person);
        assert_eq!(keys.person(&agreement("police-1"), person), handle);
        assert_ne!(handle.0, *person.0.as_bytes());
    }
}
