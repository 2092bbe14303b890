//! Seals that a registrar has confirmed, with their proofs.

use registry::identifier::LocalId;
use registry::publication::{ConfirmedSeal, ProvedSeal, SealProof};

use super::date::civil_date;
use super::invalid::{Invalid, Named, Rule, each};
use super::measure::seal_basis;
use crate::proto::publication::v1 as wire;
use crate::proto::registry::v1::SealBasis;

/// Seals with proofs that are not yet checked.
///
/// # Errors
/// [`Invalid`] within `field`.
pub fn confirmed_seals_from_wire(
    field: &str,
    seals: Vec<wire::ConfirmedSeal>,
) -> Result<Vec<ProvedSeal>, Invalid> {
    each(field, seals, TryInto::try_into)
}

impl From<ProvedSeal> for wire::ConfirmedSeal {
    fn from(proved: ProvedSeal) -> Self {
        let ProvedSeal {
            seal:
                ConfirmedSeal {
                    local_id,
                    basis,
                    from,
                },
            proof,
        } = proved;
        Self {
            local_id: local_id.to_string(),
            basis: SealBasis::from(basis).into(),
            from: Some(from.into()),
            proof: proof.as_bytes().to_vec(),
        }
    }
}

impl TryFrom<wire::ConfirmedSeal> for ProvedSeal {
    type Error = Invalid;

    fn try_from(message: wire::ConfirmedSeal) -> Result<Self, Invalid> {
        let wire::ConfirmedSeal {
            local_id,
            basis,
            from,
            proof,
        } = message;
        let proof: Result<[u8; SealProof::LENGTH], _> = proof.try_into();
        Ok(Self {
            seal: ConfirmedSeal {
                local_id: LocalId::parse(&local_id).named("local_id")?,
                basis: seal_basis(basis)?,
                from: civil_date("from", from)?,
            },
            proof: SealProof::from_bytes(
                proof.map_err(|_| Invalid::new("proof", Rule::Bytes(SealProof::LENGTH)))?,
            ),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_confirmed_seal_survives_the_wire_and_is_refused_by_the_name_of_the_field() {
        let key = registry::publication::AcknowledgementKey::new(&[1; 32]);
        let imola = registry::municipality::MunicipalityId::parse("E289").unwrap();
        let proved = key.prove_seal(
            imola,
            ConfirmedSeal {
                local_id: LocalId::parse("S-1").unwrap(),
                basis: registry::measure::SealBasis::Adoption,
                from: "2026-01-10".parse().unwrap(),
            },
        );
        let message = || wire::ConfirmedSeal::from(proved.clone());
        let read = confirmed_seals_from_wire("seals", vec![message()]).unwrap();
        assert_eq!(read, std::slice::from_ref(&proved));
        type Spoil = fn(&mut wire::ConfirmedSeal);
        let cases: [(Spoil, &str); 4] = [
            (|seal| seal.local_id.clear(), "seals[1].local_id"),
            (|seal| seal.basis = 0, "seals[1].basis"),
            (|seal| seal.from = None, "seals[1].from"),
            (|seal| seal.proof.truncate(31), "seals[1].proof"),
        ];
        for (spoil, field) in cases {
            let mut spoilt = message();
            spoil(&mut spoilt);
            let refused = confirmed_seals_from_wire("seals", vec![message(), spoilt]);
            assert_eq!(refused.unwrap_err().field(), field);
        }
    }
}
