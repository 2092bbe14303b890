//! Handles: what an agency sees instead of an internal id.
//!
//! A handle is the 16-byte id encrypted as one AES-256 block under a key of the agreement and the kind of thing. One
//! block is a permutation, so equal ids have equal handles inside one agreement and unrelated ones in another: two
//! agencies cannot join their files.

use std::fmt;

use agreement::context::{AgreementId, OperatorId};
use aws_lc_rs::cipher::{AES_256, DecryptingKey, DecryptionContext, EncryptingKey, UnboundCipherKey};
use aws_lc_rs::hmac;
use registry::identifier::PersonId;
use uuid::Uuid;

use crate::keys::data_key::DataKey;
use crate::keys::token::Token;

/// Names a person to one agency.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PersonHandle(pub [u8; 16]);

/// Names a household to one agency.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct HouseholdHandle(pub [u8; 16]);

/// Names a person whom a search found: to the operator who searched, under the agreement of the search, for
/// [`SEARCH_HANDLE_MS`]. Two searches give two handles for one person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SearchHandle(pub [u8; Self::LENGTH]);

/// How long the handle of a search is valid, in milliseconds: ten minutes.
pub const SEARCH_HANDLE_MS: i64 = 10 * 60 * 1000;

impl SearchHandle {
    /// Bytes of a handle: a sealed person id and the instant until which it is valid.
    pub const LENGTH: usize = 16 + 8 + DataKey::OVERHEAD;
}

/// Makes handles.
pub struct HandleKeys {
    persistent: hmac::Key,
    searches: DataKey,
}

impl fmt::Debug for HandleKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HandleKeys(..)")
    }
}

impl HandleKeys {
    /// From the index's secret.
    pub fn new(secret: &[u8; 32]) -> Self {
        let persistent = hmac::Key::new(hmac::HMAC_SHA256, secret);
        let tag = hmac::sign(&persistent, b"handles of searches v1");
        let mut searches = [0; 32];
        searches.copy_from_slice(tag.as_ref());
        Self {
            persistent,
            searches: DataKey::from_bytes(&searches),
        }
    }

    /// The handle of a person whom a search found, valid up to `expires_ms`, Unix milliseconds.
    pub(crate) fn search(
        &self,
        agreement: &AgreementId,
        operator: Option<&OperatorId>,
        person: PersonId,
        expires_ms: i64,
    ) -> SearchHandle {
        let mut content = [0; 24];
        let (id, expiry) = content.split_at_mut(16);
        id.copy_from_slice(person.0.as_bytes());
        expiry.copy_from_slice(&expires_ms.to_be_bytes());
        let sealed = self
            .searches
            .seal_derived(&searcher(agreement, operator), &content);
        let mut handle = [0; SearchHandle::LENGTH];
        handle.copy_from_slice(&sealed);
        SearchHandle(handle)
    }

    /// The person of a search's handle; `None` where it is not of this operator and agreement, or its time has passed at
    /// `now_ms`.
    pub fn found(
        &self,
        agreement: &AgreementId,
        operator: Option<&OperatorId>,
        handle: &SearchHandle,
        now_ms: i64,
    ) -> Option<PersonId> {
        let content = self
            .searches
            .open(&searcher(agreement, operator), &handle.0)
            .ok()?;
        let (id, expiry) = content.split_first_chunk::<16>()?;
        let expires_ms = i64::from_be_bytes(expiry.try_into().ok()?);
        (now_ms <= expires_ms).then(|| PersonId(Uuid::from_bytes(*id)))
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
        let mut context = hmac::Context::with_key(&self.persistent);
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

/// For whom the handle of a search is, in bytes that differ whenever one of the two does.
fn searcher(agreement: &AgreementId, operator: Option<&OperatorId>) -> Vec<u8> {
    let mut bytes = agreement.as_str().as_bytes().to_vec();
    bytes.push(0);
    if let Some(operator) = operator {
        bytes.push(1);
        bytes.extend_from_slice(operator.as_str().as_bytes());
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_handle_of_a_search_is_for_one_operator_and_for_its_time() {
        let keys = HandleKeys::new(&[7; 32]);
        let person = PersonId(Uuid::from_bytes([9; 16]));
        let operator = |id: &str| OperatorId::parse(id).unwrap();
        let (rossi, verdi, police) = (operator("m.rossi"), operator("a.verdi"), agreement("police-1"));
        let handle = keys.search(&police, Some(&rossi), person, 1_000);
        assert_eq!(keys.found(&police, Some(&rossi), &handle, 1_000), Some(person));
        assert_eq!(keys.found(&police, Some(&rossi), &handle, 1_001), None);
        assert_eq!(keys.found(&police, Some(&verdi), &handle, 1_000), None);
        assert_eq!(keys.found(&police, None, &handle, 1_000), None);
        assert_eq!(
            keys.found(&agreement("police-2"), Some(&rossi), &handle, 1_000),
            None
        );
        let mut changed = handle;
        changed.0[20] ^= 1;
        assert_eq!(keys.found(&police, Some(&rossi), &changed, 1_000), None);
        assert_ne!(keys.search(&police, Some(&rossi), person, 1_001), handle);
        let other = HandleKeys::new(&[8; 32]);
        assert_eq!(other.found(&police, Some(&rossi), &handle, 1_000), None);
    }

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
