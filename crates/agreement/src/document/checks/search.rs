//! How a person may be named: by an identifier, by complete generalities, by a part of them, or by where it lives.

use super::{DocumentError, refuse};
use crate::field::{Field, FieldSet};
use crate::service::Service;
use crate::terms::{ByGeneralities, MAX_HITS, MAX_RESIDENTS, Presence, Purpose, Terms};

/// Search modes of the design that no index serves yet.
const RESERVED_SEARCHES: [&str; 1] = ["list"];
/// The mode by which lookups name a person by complete generalities.
const BY_GENERALITIES: &str = "by-generalities";
/// The mode that every agreement has.
const BY_IDENTIFIER: &str = "by-identifier";
/// The mode that the service search-persons needs.
const BY_PARTIAL_DATA: &str = "by-partial-data";

/// Whether an agreement grants search by partial data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Searching {
    Granted,
    Refused,
}

pub(super) fn check_search(modes: &[String]) -> Result<(ByGeneralities, Searching), DocumentError> {
    for mode in modes {
        if RESERVED_SEARCHES.contains(&mode.as_str()) {
            return refuse(
                "search",
                format_args!("{mode} is reserved and cannot be granted yet"),
            );
        }
    }
    let modes: Vec<&str> = modes.iter().map(String::as_str).collect();
    match modes[..] {
        [BY_IDENTIFIER] => Ok((ByGeneralities::Refused, Searching::Refused)),
        [BY_IDENTIFIER, BY_GENERALITIES] => Ok((ByGeneralities::Granted, Searching::Refused)),
        [BY_IDENTIFIER, BY_PARTIAL_DATA] => Ok((ByGeneralities::Refused, Searching::Granted)),
        [BY_IDENTIFIER, BY_GENERALITIES, BY_PARTIAL_DATA] => {
            Ok((ByGeneralities::Granted, Searching::Granted))
        }
        _ => refuse(
            "search",
            "must be \"by-identifier\", and behind it \"by-generalities\" and \"by-partial-data\" where they are granted",
        ),
    }
}

pub(super) fn check_max_hits(max_hits: Option<u16>, searching: Searching) -> Result<u16, DocumentError> {
    match (max_hits, searching) {
        (None, _) => Ok(MAX_HITS),
        (Some(_), Searching::Refused) => {
            refuse("max_hits", "has no meaning without by-partial-data in search")
        }
        (Some(hits), Searching::Granted) if (1..=MAX_HITS).contains(&hits) => Ok(hits),
        (Some(_), Searching::Granted) => {
            refuse("max_hits", format_args!("must lie between 1 and {MAX_HITS}"))
        }
    }
}

pub(super) fn check_max_residents(
    max_residents: Option<u16>,
    purposes: &[Purpose],
) -> Result<u16, DocumentError> {
    let granted = purposes
        .iter()
        .any(|purpose| purpose.services.contains(&Service::LookupAddressResidents));
    match max_residents {
        None => Ok(MAX_RESIDENTS),
        Some(_) if !granted => refuse(
            "max_residents",
            "has no meaning without a purpose with the service lookup-address-residents",
        ),
        Some(residents) if (1..=MAX_RESIDENTS).contains(&residents) => Ok(residents),
        Some(_) => refuse(
            "max_residents",
            format_args!("must lie between 1 and {MAX_RESIDENTS}"),
        ),
    }
}

/// The mode of the agreement and the service of a purpose go together, and whoever searches must know whom he found.
pub(super) fn check_searching(terms: &Terms, searching: Searching) -> Result<(), DocumentError> {
    let mut searches = false;
    for (position, purpose) in terms.purposes.iter().enumerate() {
        if !purpose.services.contains(&Service::SearchPersons) {
            continue;
        }
        searches = true;
        if searching == Searching::Refused {
            return refuse(
                format!("purpose[{position}].services"),
                "search-persons needs by-partial-data in search",
            );
        }
        if !FieldSet::of(&[Field::Surname, Field::GivenName]).is_subset(purpose.fields) {
            return refuse(
                format!("purpose[{position}].fields"),
                "search-persons needs the fields surname and given_name",
            );
        }
        if terms.operator.identity == Presence::Optional {
            return refuse(
                "operator.required",
                "search-persons needs a named operator, to whom its handles are bound",
            );
        }
    }
    if searching == Searching::Granted && !searches {
        return refuse(
            "search",
            "by-partial-data needs a purpose with the service search-persons",
        );
    }
    Ok(())
}
