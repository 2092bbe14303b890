//! Seals that a registrar has confirmed, with what the index said of them: kept for an index that loses it.
//!
//! Sealed in a file: format version 1; number of seals (u32); for each its basis (u8), first day (i32, days since 31
//! December of the year before year 1), proof (32 bytes) and, behind a length byte, local id. All numbers are
//! big-endian. Associated data: `confirmed-seals/1`.

use std::sync::Arc;

use chrono::{Datelike, NaiveDate};
use registry::identifier::LocalId;
use registry::measure::SealBasis;
use registry::publication::{ConfirmedSeal, ProvedSeal, SealProof};

use crate::files::{Files, read_whole, replace};
use crate::keys::ring::NamedKey;
use crate::municipal::MunicipalError;

const FILE: &str = "confirmed-seals.sealed";
const FORMAT: u8 = 1;
const ASSOCIATED: &[u8] = b"confirmed-seals/1";

/// The seals of which the index ever told.
#[derive(Debug)]
pub(super) struct ConfirmedSeals {
    files: Arc<dyn Files>,
    key: NamedKey,
    seals: Vec<ProvedSeal>,
}

impl ConfirmedSeals {
    pub(super) fn open(files: Arc<dyn Files>, key: NamedKey) -> Result<Self, MunicipalError> {
        let seals = match read_whole(files.as_ref(), FILE).map_err(MunicipalError::Seals)? {
            Some(sealed) => {
                let plain = key.key.open(ASSOCIATED, &sealed);
                let plain = plain.map_err(|_| MunicipalError::SealsDamaged)?;
                decode(&plain).ok_or(MunicipalError::SealsDamaged)?
            }
            None => Vec::new(),
        };
        Ok(Self { files, key, seals })
    }

    pub(super) fn all(&self) -> &[ProvedSeal] {
        &self.seals
    }

    /// Keeps what the index tells: durable when this returns. A newer proof of the same seal takes the place of the older,
    /// and one that the index no longer tells of stays: it may have lost it.
    pub(super) fn keep(&mut self, told: Vec<ProvedSeal>) -> Result<(), MunicipalError> {
        let mut seals = self.seals.clone();
        for proved in told {
            seals.retain(|kept| kept.seal != proved.seal);
            seals.push(proved);
        }
        seals.sort_by(|one, other| one.seal.cmp(&other.seal));
        if seals == self.seals {
            return Ok(());
        }
        let sealed = self.key.key.seal_derived(ASSOCIATED, &encode(&seals));
        replace(self.files.as_ref(), FILE, &sealed).map_err(MunicipalError::Seals)?;
        self.seals = seals;
        Ok(())
    }
}

fn encode(seals: &[ProvedSeal]) -> Vec<u8> {
    let mut bytes = vec![FORMAT];
    bytes.extend_from_slice(&(seals.len() as u32).to_be_bytes());
    for ProvedSeal { seal, proof } in seals {
        let ConfirmedSeal {
            local_id,
            basis,
            from,
        } = seal;
        bytes.push(basis.number());
        bytes.extend_from_slice(&from.num_days_from_ce().to_be_bytes());
        bytes.extend_from_slice(proof.as_bytes());
        let local_id = local_id.as_str().as_bytes();
        // A local id has at most 20 characters, all of them ASCII.
        bytes.push(u8::try_from(local_id.len()).unwrap_or(u8::MAX));
        bytes.extend_from_slice(local_id);
    }
    bytes
}

fn decode(bytes: &[u8]) -> Option<Vec<ProvedSeal>> {
    fn array<const N: usize>(input: &mut &[u8]) -> Option<[u8; N]> {
        let (array, rest) = input.split_first_chunk()?;
        *input = rest;
        Some(*array)
    }
    let (&FORMAT, mut input) = bytes.split_first()? else {
        return None;
    };
    let count = u32::from_be_bytes(array(&mut input)?);
    let mut seals = Vec::new();
    for _ in 0..count {
        let [basis] = array(&mut input)?;
        let days = i32::from_be_bytes(array(&mut input)?);
        let proof = array(&mut input)?;
        let [length] = array(&mut input)?;
        let (local_id, rest) = input.split_at_checked(length.into())?;
        input = rest;
        seals.push(ProvedSeal {
            seal: ConfirmedSeal {
                local_id: LocalId::parse(std::str::from_utf8(local_id).ok()?).ok()?,
                basis: SealBasis::from_number(basis)?,
                from: NaiveDate::from_num_days_from_ce_opt(days)?,
            },
            proof: SealProof::from_bytes(proof),
        });
    }
    input.is_empty().then_some(seals)
}

#[cfg(test)]
mod tests;
