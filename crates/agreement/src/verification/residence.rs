//! Where the person is resident.

use chrono::NaiveDate;

use registry::municipality::MunicipalityId;
use registry::normal::{code_key, same_name};
use registry::record::{Address, Place, Record, Register};
use registry::timeline::AsOf;

use super::identity::identity_on;
use super::register::{AfterDeath, absence, hindrance};
use super::{Part, VerificationAnswer, VerificationReason, agreement, whole};
use crate::claim::{AddressClaim, ResidenceClaim};

/// Residence in a municipality is registration among its residents, wherever in it. Who is registered abroad is
/// resident in no municipality.
pub(super) fn in_municipality(
    record: &Record,
    municipality: MunicipalityId,
    day: NaiveDate,
) -> VerificationAnswer {
    if let Some(answer) = hindrance(record, day, AfterDeath::Untrue) {
        return answer;
    }
    if record.register == Register::Aire {
        return VerificationAnswer::NO;
    }
    if identity_on(record.municipality, day) == Some(municipality) {
        VerificationAnswer::YES
    } else {
        VerificationAnswer::NO
    }
}

/// Residence at an address takes effect on the day of the declaration, also while the check of it is open (DPR 223/1989
/// art. 18 c. 1). Whose address is notional is resident in the municipality and at no address.
pub(super) fn at_address(record: &Record, claim: &ResidenceClaim, day: NaiveDate) -> VerificationAnswer {
    let ResidenceClaim {
        municipality,
        address: stated,
    } = claim;
    let registered = in_municipality(record, *municipality, day);
    if registered != VerificationAnswer::YES {
        return registered;
    }
    match record.while_registered(&record.residences, day) {
        AsOf::Held(held) => match &held.place {
            Place::Italian(held) => same_address(held, stated),
            Place::Foreign(_) | Place::Notional { .. } => {
                VerificationAnswer::undetermined(VerificationReason::NotHeld)
            }
        },
        AsOf::BeforeHistory => VerificationAnswer::undetermined(VerificationReason::BeforeHistory),
        AsOf::Never => VerificationAnswer::undetermined(VerificationReason::NotHeld),
    }
}

/// Whether the card holds the person resident at an address on a day: whether the address, declared, would be true, but
/// for an open procedure, which keeps the register from speaking and nobody from living there. Municipalities that were
/// merged answer for each other.
pub fn resides_at(record: &Record, claim: &ResidenceClaim, day: NaiveDate) -> bool {
    let ResidenceClaim {
        municipality,
        address: stated,
    } = claim;
    let here = identity_on(record.municipality, day).is_some_and(|held| held.shares_lineage(*municipality));
    let registered = absence(record, day, AfterDeath::Untrue).is_none() && record.register == Register::Apr;
    let held = record.while_registered(&record.residences, day).held();
    here && registered
        && held.is_some_and(|held| match &held.place {
            Place::Italian(held) => same_address(held, stated) == VerificationAnswer::YES,
            Place::Foreign(_) | Place::Notional { .. } => false,
        })
}

fn same_address(held: &Address, stated: &AddressClaim) -> VerificationAnswer {
    let AddressClaim {
        species,
        street,
        number,
        suffix,
        staircase,
        unit,
    } = stated;
    // A suffix or unit that is not stated is not compared: declarations leave them out.
    let written = |held: &str, stated: &str| match (held.is_empty(), stated.is_empty()) {
        (_, true) => None,
        (true, false) => Some(Part::NotHeld),
        (false, false) => Some(agreement(code_key(held) == code_key(stated))),
    };
    let parts = [
        species.map(|species| agreement(held.species == species)),
        Some(agreement(same_name(&held.street, street))),
        Some(agreement(held.number == *number)),
        written(&held.suffix, suffix),
        written(&held.staircase, staircase),
        written(&held.unit, unit),
    ];
    whole(parts.into_iter().flatten())
}
