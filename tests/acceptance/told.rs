//! What a call tells, by names under which a case looks at it. A name is absent where nothing is told.

use std::collections::BTreeMap;

use tonic::Status;
use wire::proto::consultation::v1 as proto;
use wire::proto::registry::v1 as card;
use wire::proto::r#type::v1::PartialDate;
use wire::status::{FailureReason, failure_of};

/// What is told.
pub(crate) type Told = BTreeMap<String, String>;

/// An error: its reason, the clause, the first field that breaks a rule, and the rule.
pub(crate) fn refusal(status: &Status) -> Told {
    let failure = failure_of(status);
    let reason = match failure.reason {
        FailureReason::Known(reason) => reason.name().to_owned(),
        FailureReason::Later { .. } | FailureReason::Foreign { .. } => {
            format!("an error of no reason: {}", status.code())
        }
    };
    let mut told = Told::from([("refused".to_owned(), reason)]);
    for key in ["clause", "requirement"] {
        let said = failure.details.metadata(key);
        told.extend(said.map(|said| (key.to_owned(), said.to_owned())));
    }
    if let Some(violation) = failure.details.violations().first() {
        told.insert("field".to_owned(), violation.field.clone());
        told.insert("rule".to_owned(), violation.rule.clone());
    }
    if let Some(wait) = failure.details.retry_after() {
        told.insert("retry_seconds".to_owned(), wait.as_secs().to_string());
    }
    told
}

pub(crate) fn person(answer: &proto::LookupPersonResponse) -> Told {
    let mut told = cards(&answer.persons);
    let before = answer.no_history_before.as_ref();
    told.extend(before.map(|day| ("no_history_before".to_owned(), date(day))));
    told.extend(asked_on(answer.reference_date.as_ref()));
    told
}

pub(crate) fn household(answer: &proto::LookupHouseholdResponse) -> Told {
    let member = |member: &proto::HouseholdMember| {
        let person = member.person.clone().unwrap_or_default();
        format!(
            "{} {}",
            person.given_name,
            role(member.role.as_ref(), member.from.as_ref())
        )
    };
    let households = answer.households.iter().map(|household| {
        let members: Vec<String> = household.members.iter().map(member).collect();
        members.join(", ")
    });
    let households: Vec<String> = households.collect();
    let members = answer.households.iter().flat_map(|household| &household.members);
    let fields = members
        .filter_map(|member| Some(member.person.as_ref()?.fields.join(" ")))
        .next();
    let mut told = Told::from([("members".to_owned(), households.join(" | "))]);
    let deceased = answer.deceased.iter().map(|deceased| {
        let person = deceased.person.clone().unwrap_or_default();
        let died = person.death.and_then(|death| death.date).as_ref().map(date);
        let until = deceased.family_until.as_ref().map(date);
        let (died, until) = (died.unwrap_or_default(), until.unwrap_or_default());
        format!("{} died {died}, ask {until}", person.given_name)
    });
    let deceased: Vec<String> = deceased.collect();
    if !deceased.is_empty() {
        told.insert("deceased".to_owned(), deceased.join(" | "));
    }
    told.extend(fields.map(|fields| ("fields".to_owned(), fields)));
    let before = answer.no_history_before.as_ref();
    told.extend(before.map(|day| ("no_history_before".to_owned(), date(day))));
    told.extend(asked_on(answer.reference_date.as_ref()));
    told
}

/// Given names by group.
pub(crate) fn residents(answer: &proto::LookupAddressResidentsResponse) -> Told {
    let groups = answer.groups.iter().map(|group| {
        let names = group.persons.iter().map(|person| person.given_name.as_str());
        names.collect::<Vec<_>>().join(", ")
    });
    let mut groups: Vec<String> = groups.collect();
    groups.sort();
    let persons = || answer.groups.iter().flat_map(|group| &group.persons);
    let mut told = Told::from([
        ("residents".to_owned(), groups.join(" | ")),
        ("count".to_owned(), persons().count().to_string()),
    ]);
    let fields = persons().next().map(|person| person.fields.join(" "));
    told.extend(fields.map(|fields| ("fields".to_owned(), fields)));
    let before = answer.no_history_before.as_ref();
    told.extend(before.map(|day| ("no_history_before".to_owned(), date(day))));
    told.extend(asked_on(answer.reference_date.as_ref()));
    told
}

pub(crate) fn search(answer: &proto::SearchPersonsResponse) -> Told {
    let of = |hit: &proto::SearchHit| hit.person.clone().unwrap_or_default();
    let hits = answer.hits.iter().map(|hit| {
        let person = of(hit);
        format!("{} {}", person.surname, person.given_name)
    });
    let hits: Vec<String> = hits.collect();
    let born = answer
        .hits
        .iter()
        .map(|hit| of(hit).birth_date.as_ref().map(date));
    let born: Vec<String> = born.flatten().collect();
    let reasons = answer.hits.iter().map(|hit| {
        let reasons = hit.reasons.iter().map(|reason| {
            let kind = reason.kind().as_str_name().trim_start_matches("MATCH_KIND_");
            format!("{} {}", reason.field, kind.to_lowercase())
        });
        reasons.collect::<Vec<_>>().join(", ")
    });
    let reasons: Vec<String> = reasons.collect();
    let first = answer.hits.first().map(of).unwrap_or_default();
    let bare = answer
        .hits
        .iter()
        .map(of)
        .all(|person| person.name.is_empty() && person.tax_code.is_none() && person.residence.is_none());
    let mut told = Told::from([
        ("count".to_owned(), hits.len().to_string()),
        ("hits".to_owned(), hits.join(", ")),
        ("born".to_owned(), born.join(", ")),
        ("reasons".to_owned(), reasons.join(" | ")),
        ("fields".to_owned(), first.fields.join(" ")),
        ("bare".to_owned(), if bare { "yes" } else { "no" }.to_owned()),
    ]);
    told.extend(asked_on(answer.reference_date.as_ref()));
    told
}

pub(crate) fn verification(answer: &proto::VerifyDeclarationResponse) -> Told {
    let without = |text: &str, prefix: &str| text.trim_start_matches(prefix).to_owned();
    let mut told = Told::from([(
        "answer".to_owned(),
        format!(
            "{} {}",
            without(answer.answer().as_str_name(), "VERIFICATION_ANSWER_"),
            without(answer.reason().as_str_name(), "VERIFICATION_REASON_")
        ),
    )]);
    told.extend(asked_on(answer.reference_date.as_ref()));
    told
}

/// Outcomes of a list, each in its place, and the error with which it ended.
pub(crate) fn batch(rows: &[proto::BatchLookupPersonsResponse], end: Option<&Status>) -> Told {
    use proto::batch_lookup_persons_response::Outcome;
    let outcomes = rows.iter().map(|row| match &row.outcome {
        Some(Outcome::Found(found)) => {
            let names = found.persons.iter().map(|person| person.surname.clone());
            names.collect::<Vec<_>>().join("+")
        }
        Some(Outcome::Failure(failure)) => {
            let name = failure.reason().as_str_name();
            name.trim_start_matches("ERROR_REASON_").to_owned()
        }
        None => "nothing".to_owned(),
    });
    let outcomes: Vec<String> = outcomes.collect();
    let fields = rows.iter().find_map(|row| match &row.outcome {
        Some(Outcome::Found(found)) => Some(found.persons.first()?.fields.join(" ")),
        _ => None,
    });
    let mut told = end.map(refusal).unwrap_or_default();
    told.insert("rows".to_owned(), outcomes.join(", "));
    told.extend(fields.map(|fields| ("fields".to_owned(), fields)));
    told
}

/// What is described of one agreement.
pub(crate) fn description(answer: &proto::DescribeAccessResponse, agreement: &str) -> Told {
    let Some(found) = answer
        .agreements
        .iter()
        .find(|found| found.agreement == agreement)
    else {
        return Told::new();
    };
    let standing = found.standing().as_str_name();
    let quotas = found.quotas.iter().map(|quota| {
        let kind = quota.kind().as_str_name().trim_start_matches("QUOTA_KIND_");
        let left = quota
            .remaining
            .map_or_else(|| "?".to_owned(), |left| left.to_string());
        format!("{} {left} of {}", kind.to_lowercase(), quota.limit)
    });
    let services = found.purposes.iter().map(|purpose| purpose.services.join(" "));
    Told::from([
        (
            "standing".to_owned(),
            standing.trim_start_matches("AGREEMENT_STANDING_").to_owned(),
        ),
        ("hours".to_owned(), found.hours.join("; ")),
        ("quotas".to_owned(), quotas.collect::<Vec<_>>().join(", ")),
        ("services".to_owned(), services.collect::<Vec<_>>().join(" | ")),
        ("most_hits".to_owned(), found.max_hits.to_string()),
        ("territory".to_owned(), found.territory.join(" ")),
    ])
}

/// What is shown of the first card, and how many there are.
fn cards(persons: &[proto::Person]) -> Told {
    let mut told = Told::from([("cards".to_owned(), persons.len().to_string())]);
    let Some(person) = persons.first() else {
        return told;
    };
    let kept_by = persons.iter().filter_map(|person| {
        let registration = person.registration.as_ref()?;
        let register = registration.register().as_str_name();
        Some(format!(
            "{} {}",
            registration.municipality,
            register.trim_start_matches("REGISTER_")
        ))
    });
    let mut kept_by: Vec<String> = kept_by.collect();
    kept_by.sort();
    let states = |fact: &card::CitizenshipFact| fact.states.join(",");
    let residences = |facts: &[card::ResidenceFact]| {
        let facts: Vec<String> = facts.iter().map(residence).collect();
        (!facts.is_empty()).then(|| facts.join(", "))
    };
    let full = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    let yes = |holds: bool| holds.then(|| "yes".to_owned());
    let parents: Vec<String> = person
        .parents
        .iter()
        .map(|parent| format!("{} {}{}", parent.surname, parent.given_name, parent.tax_code))
        .collect();
    let codes: Vec<&str> = person
        .tax_code_history
        .iter()
        .map(|entry| entry.code.as_str())
        .collect();
    let without = |text: &str, prefix: &str| text.trim_start_matches(prefix).to_owned();
    let of_kind = format!(
        "{} {}",
        without(person.of_kind().as_str_name(), "VERIFICATION_ANSWER_"),
        without(person.of_kind_reason().as_str_name(), "VERIFICATION_REASON_")
    );
    let of_kind = Some(of_kind).filter(|told| told != "UNSPECIFIED UNSPECIFIED");
    let values = [
        ("of_kind", of_kind),
        ("fields", Some(person.fields.join(" "))),
        ("kept_by", full(&kept_by.join(", "))),
        ("superseded", yes(person.superseded)),
        ("withheld", yes(person.location_withheld)),
        ("surname", full(&person.surname)),
        ("given_name", full(&person.given_name)),
        ("birth_date", person.birth_date.as_ref().map(date)),
        (
            "tax_code",
            person.tax_code.as_ref().map(|entry| entry.code.clone()),
        ),
        ("codes", full(&codes.join(", "))),
        ("national_id", full(&person.national_id)),
        (
            "civil_status",
            person.civil_status.as_ref().map(|fact| fact.code.clone()),
        ),
        ("citizenships", person.citizenships.as_ref().map(states)),
        ("parents", full(&parents.join(", "))),
        ("residence", person.residence.as_ref().map(residence)),
        ("residences", residences(&person.residence_history)),
        (
            "household",
            person
                .household
                .as_ref()
                .map(|link| role(link.role.as_ref(), link.from.as_ref())),
        ),
        (
            "identity_document",
            person
                .identity_document
                .as_ref()
                .map(|document| document.number.clone()),
        ),
        (
            "cancellation",
            person
                .cancellation
                .as_ref()
                .map(|exit| date(&exit.effective.unwrap_or_default())),
        ),
        (
            "death",
            person
                .death
                .as_ref()
                .map(|death| date(&death.date.unwrap_or_default())),
        ),
        (
            "procedure_open",
            person.procedure_open.map(|open| open.to_string()),
        ),
    ];
    told.extend(
        values
            .into_iter()
            .filter_map(|(name, value)| Some((name.to_owned(), value?))),
    );
    told
}

fn asked_on(day: Option<&PartialDate>) -> Option<(String, String)> {
    day.map(|day| ("on".to_owned(), date(day)))
}

/// Street, number and start; whether it is provisional.
fn residence(fact: &card::ResidenceFact) -> String {
    use card::place::Place;
    let place = match fact.place.as_ref().and_then(|place| place.place.as_ref()) {
        Some(Place::Italian(address)) => {
            let number = address
                .number
                .map(|number| format!(" {number}"))
                .unwrap_or_default();
            format!("{}{number}", address.street)
        }
        Some(Place::Foreign(address)) => format!("{} {}", address.state, address.locality),
        Some(Place::Notional(address)) => format!("no fixed abode, {}", address.municipality),
        None => "nowhere".to_owned(),
    };
    let from = fact
        .from
        .as_ref()
        .map(|from| format!(" from {}", date(from)))
        .unwrap_or_default();
    let standing = match fact.standing() {
        card::ResidenceStanding::Provisional => " provisional",
        card::ResidenceStanding::Unspecified | card::ResidenceStanding::Definitive => "",
    };
    format!("{place}{from}{standing}")
}

/// Code of the role, and its start.
fn role(role: Option<&card::HouseholdRole>, from: Option<&PartialDate>) -> String {
    use card::household_role::Role;
    let role = match role.and_then(|role| role.role.as_ref()) {
        Some(Role::Kinship(code)) => code.clone(),
        Some(Role::Convivenza(code)) => format!("convivenza {code}"),
        None => "?".to_owned(),
    };
    let from = from
        .map(|from| format!(" from {}", date(from)))
        .unwrap_or_default();
    format!("{role}{from}")
}

fn date(date: &PartialDate) -> String {
    let PartialDate { year, month, day } = date;
    match (month, day) {
        (0, _) => format!("{year:04}"),
        (month, 0) => format!("{year:04}-{month:02}"),
        (month, day) => format!("{year:04}-{month:02}-{day:02}"),
    }
}
