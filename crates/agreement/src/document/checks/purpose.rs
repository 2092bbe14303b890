//! A purpose: what it grants to calls by themselves and to lists.

use std::collections::BTreeSet;

use super::{DocumentError, layout, named, presence, refuse, sentence};
use crate::ascertainment::Ascertainment;
use crate::batch::{BatchTerms, MAX_ROWS};
use crate::context::PurposeId;
use crate::field::{Field, FieldSet};
use crate::release::{MAX_RELEASE_MONTHS, Release, ReleaseMonths};
use crate::service::{Service, VerificationKind};
use crate::terms::{Purpose, PurposeKind};

pub(super) fn check_purpose((position, purpose): (usize, layout::Purpose)) -> Result<Purpose, DocumentError> {
    let layout::Purpose {
        id,
        text,
        basis,
        kind,
        release,
        release_after_months,
        services,
        verifications,
        ascertainments,
        fields,
        consent_required,
        named_persons_basis,
        batch,
    } = purpose;
    let key = |name: &str| format!("purpose[{position}].{name}");
    let services: BTreeSet<Service> = services
        .iter()
        .map(|name| {
            named(key("services"), name, |name| {
                Service::from_name(name).filter(|service| service.needs_grant())
            })
        })
        .collect::<Result<_, _>>()?;
    let ascertainments: BTreeSet<Ascertainment> = ascertainments
        .iter()
        .map(|name| named(key("ascertainments"), name, Ascertainment::from_name))
        .collect::<Result<_, _>>()?;
    if services.is_empty() && ascertainments.is_empty() {
        return refuse(
            key("services"),
            "there must be at least one, or one of ascertainments",
        );
    }
    let verifications: BTreeSet<VerificationKind> = verifications
        .iter()
        .map(|name| named(key("verifications"), name, VerificationKind::from_name))
        .collect::<Result<_, _>>()?;
    if services.contains(&Service::VerifyDeclaration) == verifications.is_empty() {
        return refuse(
            key("verifications"),
            "must be named if and only if verify-declaration is granted",
        );
    }
    let fields = FieldSet::from_names(fields.iter().map(String::as_str))
        .or_else(|error| refuse(key("fields"), error))?;
    let consults = [
        Service::LookupPerson,
        Service::LookupHousehold,
        Service::LookupAddressResidents,
        Service::SearchPersons,
    ]
    .iter()
    .any(|service| services.contains(service))
        || ascertainments.contains(&Ascertainment::RegistryData);
    if consults == fields.is_empty() {
        return refuse(
            key("fields"),
            "must be named if and only if a lookup or the ascertainment registry-data is granted",
        );
    }
    if named_persons_basis.is_some() && !consent_required {
        return refuse(
            key("named_persons_basis"),
            "has no meaning without consent_required",
        );
    }
    if services.contains(&Service::LookupHousehold) && !fields.contains(Field::Household) {
        return refuse(key("fields"), "lookup-household needs the field household");
    }
    if services.contains(&Service::LookupAddressResidents) && !fields.contains(Field::Residence) {
        return refuse(
            key("fields"),
            "lookup-address-residents needs the field residence",
        );
    }
    let batch = check_batch(position, batch, &services, fields)?;
    let kind = named(key("kind"), &kind, PurposeKind::from_name)?;
    let release = check_release(position, kind, release.as_deref(), release_after_months)?;
    Ok(Purpose {
        id: PurposeId::parse(&id).or_else(|error| refuse(key("id"), error.rule))?,
        text: sentence(key("text"), text)?,
        basis: sentence(key("basis"), basis)?,
        kind,
        release,
        services,
        verifications,
        ascertainments,
        fields,
        consent: presence(consent_required),
        named_persons_basis: named_persons_basis
            .map(|text| sentence(key("named_persons_basis"), text))
            .transpose()?,
        batch,
    })
}

/// A reserved purpose says when its accesses are released, in one way.
fn check_release(
    position: usize,
    kind: PurposeKind,
    release: Option<&str>,
    after_months: Option<u16>,
) -> Result<Option<Release>, DocumentError> {
    let key = |name: &str| format!("purpose[{position}].{name}");
    let ordinary = kind == PurposeKind::Ordinary;
    let rule = match (release, after_months) {
        (None, None) => return Ok(None),
        (Some(_), _) if ordinary => return refuse(key("release"), "is for reserved purposes"),
        (None, Some(_)) if ordinary => {
            return refuse(key("release_after_months"), "is for reserved purposes");
        }
        (Some(_), Some(_)) => {
            return refuse(
                key("release"),
                "cannot be stated together with release_after_months",
            );
        }
        (Some("never"), None) => Release::Never,
        (Some(_), None) => {
            return refuse(
                key("release"),
                "must be never, or release_after_months be stated instead",
            );
        }
        (None, Some(months)) => match ReleaseMonths::new(months) {
            Some(months) => Release::AfterMonths(months),
            None => {
                return refuse(
                    key("release_after_months"),
                    format_args!("must lie between 1 and {MAX_RELEASE_MONTHS}"),
                );
            }
        },
    };
    Ok(Some(rule))
}

/// A list is granted where the call by itself is, and shows no more than that.
fn check_batch(
    position: usize,
    batch: Option<layout::Batch>,
    services: &BTreeSet<Service>,
    granted: FieldSet,
) -> Result<Option<BatchTerms>, DocumentError> {
    let key = |name: &str| format!("purpose[{position}].{name}");
    for (list, single) in [
        (Service::BatchLookupPersons, Service::LookupPerson),
        (Service::BatchVerify, Service::VerifyDeclaration),
    ] {
        if services.contains(&list) && !services.contains(&single) {
            return refuse(key("services"), format_args!("{list} needs {single}"));
        }
    }
    let looks_up = services.contains(&Service::BatchLookupPersons);
    let Some(batch) = batch else {
        if looks_up || services.contains(&Service::BatchVerify) {
            return refuse(key("batch"), "must be stated where a batch is granted");
        }
        return Ok(None);
    };
    if !looks_up && !services.contains(&Service::BatchVerify) {
        return refuse(
            key("batch"),
            "has no meaning without batch-lookup-persons or batch-verify",
        );
    }
    let layout::Batch {
        rows_per_batch,
        rows_per_day,
        fields,
    } = batch;
    for (name, rows) in [
        ("batch.rows_per_batch", rows_per_batch),
        ("batch.rows_per_day", rows_per_day),
    ] {
        if !(1..=MAX_ROWS).contains(&rows) {
            return refuse(key(name), format_args!("must lie between 1 and {MAX_ROWS}"));
        }
    }
    let fields = FieldSet::from_names(fields.iter().map(String::as_str))
        .or_else(|error| refuse(key("batch.fields"), error))?;
    if looks_up == fields.is_empty() {
        return refuse(
            key("batch.fields"),
            "must be named if and only if batch-lookup-persons is granted",
        );
    }
    if !fields.is_subset(granted) {
        return refuse(key("batch.fields"), "must be among the fields of the purpose");
    }
    Ok(Some(BatchTerms {
        rows_per_batch,
        rows_per_day,
        fields,
    }))
}

/// A private body checks declarations with the declarant's consent (DPR 445/2000 art. 71 c. 4) and nothing else.
pub(super) fn check_private(position: usize, purpose: &Purpose) -> Result<(), DocumentError> {
    if !purpose.ascertainments.is_empty() {
        let rule =
            "a private body may only verify declarations, unless transferred_public_power cites an act";
        return refuse(format!("purpose[{position}].ascertainments"), rule);
    }
    if purpose
        .services
        .iter()
        .any(|service| *service != Service::VerifyDeclaration)
    {
        let rule =
            "a private body may only verify declarations, unless transferred_public_power cites an act";
        return refuse(format!("purpose[{position}].services"), rule);
    }
    if !purpose.consent.is_required() {
        let rule =
            "a private body needs the declarant's consent, unless transferred_public_power cites an act";
        return refuse(format!("purpose[{position}].consent_required"), rule);
    }
    Ok(())
}
