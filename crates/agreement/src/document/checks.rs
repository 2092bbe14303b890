//! From keys to terms: every value checked, the first fault named with its key.

mod purpose;
mod search;

use std::collections::BTreeSet;
use std::fmt::Display;

use chrono::NaiveDate;
use toml::value::Datetime;

use registry::identifier::IstatCode;
use registry::municipality::MunicipalityId;

use crate::context::{AgreementId, Assurance, ReferencePattern, ReferenceTerms, ReferenceWord};
use crate::field::Field;
use crate::hours::HoursWindow;
use crate::network::Network;
use crate::peer::{CertificateFingerprint, Role, SpiffeId};
use crate::terms::{
    AgencyClass, HistoryDepth, Inclusion, KnownOn, Limits, OperatorTerms, Population, Presence, Protection,
    Purpose, Quotas, Terms, Territory,
};

use self::purpose::{check_private, check_purpose};
use self::search::{check_max_hits, check_max_residents, check_search, check_searching};
use super::{DocumentError, layout};

/// The one version of the layout.
const FORMAT: u32 = 1;
pub(super) fn terms(document: layout::Document) -> Result<Terms, DocumentError> {
    let layout::Document {
        format,
        id,
        title,
        agency,
        class,
        legal_basis,
        transferred_public_power,
        valid_from,
        valid_to,
        review_by,
        retention_months,
        protected,
        protected_basis,
        history,
        known_on,
        search,
        max_hits,
        max_residents,
        networks,
        pinned_certificates,
        territory,
        population,
        hours,
        operator,
        case_reference,
        consent_reference,
        quota,
        purpose,
    } = document;
    if format != FORMAT {
        return refuse("format", "only format 1 is known");
    }
    let (by_generalities, searching) = check_search(&search)?;
    let agency = SpiffeId::parse(&agency).or_else(|error| refuse("agency", error))?;
    if agency.role() != Role::Agency {
        return refuse("agency", "must be an identity of role agency");
    }
    let purposes: Vec<Purpose> = purpose
        .into_iter()
        .enumerate()
        .map(check_purpose)
        .collect::<Result<_, _>>()?;
    let terms = Terms {
        id: AgreementId::parse(&id).or_else(|error| refuse("id", error.rule))?,
        title: sentence("title", title)?,
        agency,
        class: named("class", &class, AgencyClass::from_name)?,
        legal_basis: sentence("legal_basis", legal_basis)?,
        transferred_public_power: transferred_public_power
            .map(|act| sentence("transferred_public_power", act))
            .transpose()?,
        valid_from: date("valid_from", valid_from)?,
        valid_to: date("valid_to", valid_to)?,
        review_by: date("review_by", review_by)?,
        territory: check_territory(territory)?,
        population: check_population(&population),
        protection: check_protection(&protected, protected_basis)?,
        history: check_history(&history)?,
        known_on: if known_on {
            KnownOn::Granted
        } else {
            KnownOn::Refused
        },
        networks: networks
            .iter()
            .map(|text| Network::parse(text).or_else(|error| refuse("networks", error)))
            .collect::<Result<_, _>>()?,
        hours: hours.iter().map(check_hours).collect::<Result<_, _>>()?,
        pinned_certificates: pinned_certificates
            .iter()
            .map(|text| {
                CertificateFingerprint::parse(text).or_else(|error| refuse("pinned_certificates", error))
            })
            .collect::<Result<_, _>>()?,
        operator: OperatorTerms {
            identity: presence(operator.required),
            minimum_assurance: named("operator.assurance", &operator.assurance, Assurance::from_name)?,
            workstation: presence(operator.workstation),
        },
        case_reference: case_reference
            .map(|reference| check_reference("case_reference", reference))
            .transpose()?,
        consent_reference: consent_reference
            .map(|reference| check_reference("consent_reference", reference))
            .transpose()?,
        retention_months,
        quotas: check_quotas(quota),
        by_generalities,
        max_hits: check_max_hits(max_hits, searching)?,
        max_residents: check_max_residents(max_residents, &purposes)?,
        purposes,
    };
    check_together(&terms)?;
    check_searching(&terms, searching)?;
    Ok(terms)
}

/// Rules that bind several keys.
fn check_together(terms: &Terms) -> Result<(), DocumentError> {
    if terms.valid_to < terms.valid_from {
        return refuse("valid_to", "must not lie before valid_from");
    }
    if !(1..=240).contains(&terms.retention_months) {
        return refuse("retention_months", "must lie between 1 and 240");
    }
    if terms.purposes.is_empty() {
        return refuse("purpose", "there must be at least one");
    }
    let ids: BTreeSet<_> = terms.purposes.iter().map(|purpose| &purpose.id).collect();
    if ids.len() != terms.purposes.len() {
        return refuse("purpose.id", "must be distinct");
    }
    let population = terms.population;
    if [population.residents, population.aire]
        .iter()
        .all(|part| !part.is_included())
    {
        return refuse("population", "must include residents or citizens abroad");
    }
    for (position, purpose) in terms.purposes.iter().enumerate() {
        if terms.history == HistoryDepth::Today && purpose.fields.contains(Field::ResidenceHistory) {
            return refuse(
                format!("purpose[{position}].fields"),
                "residence_history needs a history beyond today",
            );
        }
        if terms.class == AgencyClass::Private && terms.transferred_public_power.is_none() {
            check_private(position, purpose)?;
        }
    }
    Ok(())
}

fn check_territory(territory: layout::Territory) -> Result<Territory, DocumentError> {
    let codes = match territory {
        layout::Territory {
            region: Some(code),
            municipalities: None,
        } => {
            return match Territory::region(&code) {
                Some(region) => Ok(region),
                None => refuse("territory.region", "no region has that ISTAT code"),
            };
        }
        layout::Territory {
            region: None,
            municipalities: Some(codes),
        } => codes,
        layout::Territory {
            region: Some(_),
            municipalities: Some(_),
        }
        | layout::Territory {
            region: None,
            municipalities: None,
        } => {
            return refuse("territory", "must name either a region or municipalities");
        }
    };
    let mut municipalities = BTreeSet::new();
    for code in codes {
        let known = IstatCode::parse(&code).ok().and_then(MunicipalityId::of_any);
        let Some(id) = known else {
            return refuse(
                "territory.municipalities",
                "no municipality ever had one of the codes",
            );
        };
        municipalities.insert(id);
    }
    if municipalities.is_empty() {
        return refuse("territory.municipalities", "there must be at least one");
    }
    Ok(Territory::Municipalities(municipalities))
}

fn check_population(population: &layout::Population) -> Population {
    let layout::Population {
        residents,
        aire,
        cancelled,
        deceased,
        minors,
    } = *population;
    let inclusion = |included: bool| {
        if included {
            Inclusion::Included
        } else {
            Inclusion::Excluded
        }
    };
    Population {
        residents: inclusion(residents),
        aire: inclusion(aire),
        cancelled: inclusion(cancelled),
        deceased: inclusion(deceased),
        minors: inclusion(minors),
    }
}

fn check_protection(mode: &str, basis: Option<String>) -> Result<Protection, DocumentError> {
    let basis = basis.map(|text| sentence("protected_basis", text)).transpose()?;
    match (mode, basis) {
        ("hidden", None) => Ok(Protection::Hidden),
        ("hidden", Some(_)) => refuse("protected_basis", "has no meaning where protected is hidden"),
        ("location-withheld", Some(basis)) => Ok(Protection::LocationWithheld { basis }),
        ("shown", Some(basis)) => Ok(Protection::Shown { basis }),
        ("location-withheld" | "shown", None) => refuse("protected_basis", "must cite the provision"),
        _ => refuse("protected", "must be hidden, location-withheld or shown"),
    }
}

fn check_history(text: &str) -> Result<HistoryDepth, DocumentError> {
    let rule = "must be \"today\", \"all\" or \"since YYYY-MM-DD\"";
    match (text, text.strip_prefix("since ")) {
        ("today", _) => Ok(HistoryDepth::Today),
        ("all", _) => Ok(HistoryDepth::All),
        (_, Some(day)) if day.len() == 10 => day
            .parse()
            .map(HistoryDepth::Since)
            .or_else(|_| refuse("history", rule)),
        _ => refuse("history", rule),
    }
}

fn check_hours(hours: &layout::Hours) -> Result<HoursWindow, DocumentError> {
    let layout::Hours { days, from, to } = hours;
    HoursWindow::parse(days.iter().map(String::as_str), from, to).or_else(|error| refuse("hours", error))
}

fn check_reference(key: &str, reference: layout::Reference) -> Result<ReferenceTerms, DocumentError> {
    let layout::Reference { pattern, words } = reference;
    let pattern = named(format!("{key}.pattern"), &pattern, ReferencePattern::from_name)?;
    let words: Option<BTreeSet<_>> = words
        .map(|words| {
            let word = |word: &String| {
                ReferenceWord::parse(word).or_else(|error| refuse(format!("{key}.words"), error.rule))
            };
            words.iter().map(word).collect()
        })
        .transpose()?;
    if words.is_some() && pattern == ReferencePattern::YearNumber {
        return refuse(
            format!("{key}.words"),
            "has no meaning where the pattern is year-number",
        );
    }
    if words.as_ref().is_some_and(|words| 20 < words.len()) {
        return refuse(format!("{key}.words"), "must be 20 at most");
    }
    Ok(ReferenceTerms { pattern, words })
}

fn check_quotas(quota: layout::Quota) -> Quotas {
    let layout::Quota {
        calls_per_minute,
        calls_per_day,
        misses_per_day,
        purpose,
        operator,
    } = quota;
    let limits = |limits: layout::Limits| {
        let layout::Limits {
            calls_per_minute,
            calls_per_day,
            misses_per_day,
        } = limits;
        Limits {
            calls_per_minute,
            calls_per_day,
            misses_per_day,
        }
    };
    Quotas {
        agreement: Limits {
            calls_per_minute,
            calls_per_day,
            misses_per_day,
        },
        purpose: limits(purpose),
        operator: limits(operator),
    }
}

fn presence(required: bool) -> Presence {
    if required {
        Presence::Required
    } else {
        Presence::Optional
    }
}

fn date(key: &str, datetime: Datetime) -> Result<NaiveDate, DocumentError> {
    let rule = "must be a date without time, YYYY-MM-DD";
    let Datetime {
        date: Some(date),
        time: None,
        offset: None,
    } = datetime
    else {
        return refuse(key, rule);
    };
    match NaiveDate::from_ymd_opt(date.year.into(), date.month.into(), date.day.into()) {
        Some(date) => Ok(date),
        None => refuse(key, rule),
    }
}

fn sentence(key: impl Into<String>, text: String) -> Result<String, DocumentError> {
    let plain = !text.chars().any(char::is_control) && text.trim() == text;
    if plain && (3..=1000).contains(&text.chars().count()) {
        Ok(text)
    } else {
        refuse(
            key,
            "must have 3 to 1000 characters on one line, without blanks at the ends",
        )
    }
}

fn named<T>(
    key: impl Into<String>,
    name: &str,
    find: impl Fn(&str) -> Option<T>,
) -> Result<T, DocumentError> {
    match find(name) {
        Some(value) => Ok(value),
        None => refuse(key, "not one of the known names"),
    }
}

fn refuse<T>(key: impl Into<String>, rule: impl Display) -> Result<T, DocumentError> {
    Err(DocumentError::Value {
        key: key.into(),
        rule: rule.to_string(),
    })
}
