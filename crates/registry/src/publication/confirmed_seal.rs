//! Seals that a registrar has confirmed, as an index that lost what it had learns of them again.
//!
//! A seal waits for a registrar before it takes effect. An index that was restored or emptied gets every card again, the
//! sealed ones as they were before their seal too; until a registrar had confirmed the seal once more, the old identity
//! would be answered. So the index proves each seal that was confirmed, by a MAC under the key with which it proves
//! acknowledgements; the node keeps the proofs and shows them when it opens a stream, and a seal that is proved takes
//! effect at once. A proof says nothing of what the card holds and makes nothing visible: shown again at the wrong time
//! it can only seal what a registrar has sealed.

use aws_lc_rs::hmac;
use chrono::{Datelike, NaiveDate};

use crate::identifier::LocalId;
use crate::measure::SealBasis;
use crate::municipality::MunicipalityId;
use crate::publication::AcknowledgementKey;
use crate::record::Record;

const LABEL: &[u8] = b"ponte confirmed seal v1";

/// A seal that a registrar has confirmed: of which card, on what basis, from when.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConfirmedSeal {
    /// The municipality's number of the card.
    pub local_id: LocalId,
    /// What the seal rests on.
    pub basis: SealBasis,
    /// First day of the new identity.
    pub from: NaiveDate,
}

/// HMAC-SHA-256 over `"ponte confirmed seal v1" ‖ cadastral code (4) ‖ basis (1) ‖ day (4, days since 31 December of the
/// year before year 1, big-endian) ‖ local id`. To a node they are bytes to keep.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct SealProof([u8; Self::LENGTH]);

/// A seal with the proof that it was confirmed, not yet checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProvedSeal {
    /// The seal.
    pub seal: ConfirmedSeal,
    /// What the index said of it.
    pub proof: SealProof,
}

impl ConfirmedSeal {
    /// The seal of a card, where it has one.
    pub fn of(card: &Record) -> Option<Self> {
        card.measures.seal.map(|seal| Self {
            local_id: card.local_id.clone(),
            basis: seal.basis,
            from: seal.from,
        })
    }
}

impl AcknowledgementKey {
    /// Proof that a registrar has confirmed a seal.
    pub fn prove_seal(&self, municipality: MunicipalityId, seal: ConfirmedSeal) -> ProvedSeal {
        let tag = hmac::sign(&self.0, &message(municipality, &seal));
        let mut proof = [0; SealProof::LENGTH];
        proof.copy_from_slice(tag.as_ref());
        ProvedSeal {
            seal,
            proof: SealProof(proof),
        }
    }

    /// Whether this key proved it.
    pub fn confirms_seal(&self, municipality: MunicipalityId, proved: &ProvedSeal) -> bool {
        let ProvedSeal { seal, proof } = proved;
        hmac::verify(&self.0, &message(municipality, seal), &proof.0).is_ok()
    }
}

impl SealProof {
    /// Length in bytes.
    pub const LENGTH: usize = 32;

    /// The proof as the other side sends it back.
    pub fn from_bytes(bytes: [u8; Self::LENGTH]) -> Self {
        Self(bytes)
    }

    /// The bytes.
    pub fn as_bytes(&self) -> &[u8; Self::LENGTH] {
        &self.0
    }
}

impl std::fmt::Debug for SealProof {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SealProof(..)")
    }
}

fn message(municipality: MunicipalityId, seal: &ConfirmedSeal) -> Vec<u8> {
    let ConfirmedSeal {
        local_id,
        basis,
        from,
    } = seal;
    let mut message = LABEL.to_vec();
    message.extend_from_slice(municipality.as_str().as_bytes());
    message.push(basis.number());
    message.extend_from_slice(&from.num_days_from_ce().to_be_bytes());
    message.extend_from_slice(local_id.as_str().as_bytes());
    message
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{day, local_id};

    fn seal() -> ConfirmedSeal {
        ConfirmedSeal {
            local_id: local_id("S-1"),
            basis: SealBasis::Adoption,
            from: day("2026-01-10"),
        }
    }

    #[test]
    fn a_proof_is_of_one_seal_of_one_card_of_one_municipality_and_of_one_index() {
        let [imola, bologna] = ["E289", "A944"].map(|code| MunicipalityId::parse(code).unwrap());
        let (key, other) = (
            AcknowledgementKey::new(&[1; 32]),
            AcknowledgementKey::new(&[2; 32]),
        );
        let proved = key.prove_seal(imola, seal());
        assert!(key.confirms_seal(imola, &proved));
        assert!(!other.confirms_seal(imola, &proved) && !key.confirms_seal(bologna, &proved));
        let altered = [
            ConfirmedSeal {
                local_id: local_id("S-2"),
                ..seal()
            },
            ConfirmedSeal {
                basis: SealBasis::CourtOrder,
                ..seal()
            },
            ConfirmedSeal {
                from: day("2026-01-11"),
                ..seal()
            },
        ];
        for seal in altered {
            assert!(!key.confirms_seal(
                imola,
                &ProvedSeal {
                    seal,
                    ..proved.clone()
                }
            ));
        }
    }

    /// HMAC-SHA256(32 bytes of 01, label ‖ "E289" ‖ 01 ‖ 000b492a ‖ "S-1"), computed elsewhere.
    #[test]
    fn a_proof_is_the_published_vector() {
        let imola = MunicipalityId::parse("E289").unwrap();
        let proved = AcknowledgementKey::new(&[1; 32]).prove_seal(imola, seal());
        let hexadecimal: String = proved
            .proof
            .as_bytes()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        assert_eq!(
            hexadecimal,
            "48f64b00cab4366c5f058d4d3aec5660f0a2d1d7f006c01b40de0277aca27f45"
        );
    }
}
