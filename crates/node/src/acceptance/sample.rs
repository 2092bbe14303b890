//! Cards chosen by a seed, and what an agreement would show of them.

use std::collections::{BTreeMap, HashSet};

use agreement::agreements::Agreements;
use agreement::ascertainment::NamedBy;
use agreement::context::{
    AccessContext, Assurance, CaseReference, ConsentReference, OperatorId, Urgency, Workstation,
};
use agreement::decision::decide;
use agreement::field::{Field, FieldSet};
use agreement::moment::Moment;
use agreement::peer::{CertificateFingerprint, Peer};
use agreement::permit::{Permit, View};
use agreement::request::{Asked, DeclaredPerson, Request};
use agreement::service::Service;
use agreement::subject::{Consent, Identity, Location, Standing, SubjectFacts};
use agreement::terms::{Agreement, Purpose, Terms};
use agreement::usage::Usage;
use agreement::view::household::{HouseholdView, VisibleCard};
use aws_lc_rs::digest;
use chrono::{DateTime, NaiveDate, TimeDelta};
use registry::measure::SharedPlace;
use registry::municipality::MunicipalityId;
use registry::record::{Place, Record, Register};
use uuid::Uuid;

use super::shown::fields_of;
use super::{SampledAnswer, SampledView};

/// Keeps the cards with the smallest hashes of seed and local id: the order in which cards come does not matter.
#[derive(Debug)]
pub(super) struct Sampler {
    seed: u64,
    count: usize,
    cards: BTreeMap<[u8; 32], Record>,
}

impl Sampler {
    pub(super) fn new(seed: u64, count: usize) -> Self {
        Self {
            seed,
            count,
            cards: BTreeMap::new(),
        }
    }

    pub(super) fn offer(&mut self, card: Record) {
        let mut hash = digest::Context::new(&digest::SHA256);
        hash.update(&self.seed.to_be_bytes());
        hash.update(card.local_id.as_str().as_bytes());
        let mut rank = [0; 32];
        rank.copy_from_slice(hash.finish().as_ref());
        self.cards.insert(rank, card);
        if self.count < self.cards.len() {
            self.cards.pop_last();
        }
    }

    /// The chosen cards, by local id.
    pub(super) fn into_cards(self) -> Vec<Record> {
        let mut cards: Vec<Record> = self.cards.into_values().collect();
        cards.sort_by(|one, other| one.local_id.cmp(&other.local_id));
        cards
    }
}

/// Who is protected, and where they live. Vendor and region sign the page of the report and are no agency: neither
/// protected persons nor those who share a household or dwelling with them stand on it.
#[derive(Debug, Default)]
pub(super) struct Shelters {
    persons: HashSet<String>,
    places: HashSet<SharedPlace>,
}

impl Shelters {
    /// Takes note of a card that is protected on some days: a page of paper does not know which day it is read on.
    pub(super) fn note(&mut self, card: &Record, day: NaiveDate) {
        if !card.ever_protected() {
            return;
        }
        self.persons.extend(identifiers(card));
        self.places.extend(SharedPlace::held_on(card, day));
    }

    /// Whether a card must not stand on the page: of a sealed identity, of a protected person, or of somebody who
    /// shares the place.
    pub(super) fn keep_out(&self, card: &Record, day: NaiveDate) -> bool {
        let protected = card.ever_protected() || identifiers(card).any(|known| self.persons.contains(&known));
        card.is_sealed() || protected || self.location(card, day, day) != Location::Open
    }

    /// The location of a card: what it says itself, or that it names such a place, now or in its history.
    fn location(&self, card: &Record, reference_date: NaiveDate, today: NaiveDate) -> Location {
        let own = Location::on_card(card, reference_date, today);
        let shared = SharedPlace::named_by(card).any(|place| self.places.contains(&place));
        match own {
            Location::Open if shared => Location::Shared,
            own => own,
        }
    }
}

/// What tells that two cards are of one person.
fn identifiers(card: &Record) -> impl Iterator<Item = String> + '_ {
    let codes = card.tax_codes.iter().map(|entry| entry.code.as_str().to_owned());
    codes.chain(card.national_id.as_ref().map(|id| id.as_str().to_owned()))
}

/// What every purpose and service of an agreement would show of a card, to a call that brings whatever the agreement
/// demands of calls.
pub(super) fn views(
    agreement: &Agreement,
    card: &Record,
    shelters: &Shelters,
    municipality: Option<MunicipalityId>,
    now: Moment,
) -> Vec<SampledView> {
    let terms = agreement.terms();
    let mut agreements = Agreements::default();
    // Were it refused, which the first of an id is not, the decision would deny.
    let _ = agreements.activate(agreement.clone(), DateTime::UNIX_EPOCH);
    let moment = open_hours(terms, now);
    let mut views = Vec::new();
    for purpose in &terms.purposes {
        for (asked, service) in questions(purpose) {
            let request = request(terms, purpose, asked, moment);
            let answer = match decide(&agreements, &caller(terms), &request, &Usage::default(), moment) {
                Ok(permit) => answer(&permit, card, shelters, municipality),
                Err(denial) => SampledAnswer::Denied {
                    clause: denial.clause.to_string(),
                },
            };
            views.push(SampledView {
                agreement: terms.id.to_string(),
                purpose: purpose.id.to_string(),
                service,
                answer,
            });
        }
    }
    views
}

fn answer(
    permit: &Permit,
    card: &Record,
    shelters: &Shelters,
    municipality: Option<MunicipalityId>,
) -> SampledAnswer {
    let Some(municipality) = municipality else {
        return SampledAnswer::Hidden {
            clause: "municipality".to_owned(),
        };
    };
    let facts = SubjectFacts::of(
        card,
        municipality,
        permit.reference_date(),
        Identity::Open,
        Consent::Given,
    );
    let facts = SubjectFacts {
        location: shelters.location(card, permit.reference_date(), permit.today()),
        ..facts
    };
    match permit.view(&facts) {
        View::Hidden(clause) => SampledAnswer::Hidden {
            clause: clause.name().to_owned(),
        },
        View::Visible(fields) if permit.service() == Service::VerifyDeclaration => {
            let compared = fields.intersection(permit.fields());
            SampledAnswer::Compared {
                fields: compared.names().map(str::to_owned).collect(),
            }
        }
        View::Visible(fields) if permit.service() == Service::LookupHousehold => {
            in_household(permit, card, &facts, fields)
        }
        View::Visible(_)
            if permit.service() == Service::LookupAddressResidents
                && !lives_in_a_house(card, &facts, permit.reference_date()) =>
        {
            SampledAnswer::Absent
        }
        View::Visible(fields) => {
            let person = permit.person_with(card, fields);
            SampledAnswer::Shown {
                location_withheld: person.location_withheld,
                fields: fields_of(&person),
            }
        }
    }
}

/// Whether some address leads to the card. A notional one is no house, and a citizen abroad lives in none.
fn lives_in_a_house(card: &Record, facts: &SubjectFacts, date: NaiveDate) -> bool {
    let residence = card.while_registered(&card.residences, date).held();
    facts.standing == Standing::Registered
        && facts.register == Register::Apr
        && residence.is_some_and(|residence| matches!(residence.place, Place::Italian(_)))
}

/// What a question about the household gives of the card that led to it. The index's conditions: the person is registered
/// on the date and stands in a household then, which the agreement shows of it. Of the dead it shows who they were.
fn in_household(permit: &Permit, card: &Record, facts: &SubjectFacts, fields: FieldSet) -> SampledAnswer {
    let date = permit.reference_date();
    if let Some(deceased) = permit.deceased(card, fields) {
        return SampledAnswer::Shown {
            location_withheld: deceased.person.location_withheld,
            fields: fields_of(&deceased.person),
        };
    }
    if facts.standing != Standing::Registered || !fields.contains(Field::Household) {
        return SampledAnswer::Absent;
    }
    let own = VisibleCard {
        record: card,
        visible: fields.intersection(permit.fields()),
    };
    let household = card.while_registered(&card.households, date).held();
    let view =
        household.and_then(|link| HouseholdView::of(&link.household, &[own], date, permit.history_from()));
    match view.as_ref().and_then(|view| view.members.first()) {
        None => SampledAnswer::Absent,
        Some(member) => SampledAnswer::Shown {
            location_withheld: member.person.location_withheld,
            fields: fields_of(&member.person),
        },
    }
}

/// Everything that a purpose admits to be asked about a person, with its name.
fn questions(purpose: &Purpose) -> Vec<(Asked, String)> {
    let mut questions = Vec::new();
    for service in &purpose.services {
        let name = service.name();
        let fields = FieldSet::EMPTY;
        match service {
            Service::LookupPerson => questions.push((Asked::Person { fields }, name.to_owned())),
            Service::LookupHousehold => questions.push((Asked::Household { fields }, name.to_owned())),
            Service::LookupAddressResidents => {
                questions.push((Asked::Residents { fields }, name.to_owned()));
            }
            Service::VerifyDeclaration => {
                let kinds = purpose.verifications.iter();
                questions.extend(kinds.map(|kind| (Asked::Verification(*kind), format!("{name} {kind}"))));
            }
            // A search and a list show nothing that a lookup under the same purpose would not.
            Service::SearchPersons
            | Service::BatchLookupPersons
            | Service::BatchVerify
            | Service::DescribeAccess
            | Service::GetReceipt => {}
        }
    }
    for kind in &purpose.ascertainments {
        let asked = Asked::Ascertainment {
            kind: *kind,
            named_by: NamedBy::Identifier,
            fields: FieldSet::EMPTY,
        };
        questions.push((asked, format!("ascertainment {kind}")));
    }
    questions
}

/// A caller whom the agreement admits.
fn caller(terms: &Terms) -> Peer {
    let anywhere = std::net::IpAddr::from([127, 0, 0, 1]);
    let network = terms.networks.first().map(ToString::to_string);
    let address = network
        .as_deref()
        .and_then(|network| network.split('/').next()?.parse().ok());
    Peer {
        id: terms.agency.clone(),
        certificate: terms
            .pinned_certificates
            .first()
            .copied()
            .unwrap_or(CertificateFingerprint([0; 32])),
        address: address.unwrap_or(anywhere),
    }
}

/// A request that brings whatever agreements can demand.
fn request(terms: &Terms, purpose: &Purpose, asked: Asked, moment: Moment) -> Request {
    Request {
        context: AccessContext {
            agreement: terms.id.clone(),
            purpose: purpose.id.clone(),
            operator: OperatorId::parse("collaudo.nodo").ok(),
            assurance: Some(Assurance::High),
            workstation: Workstation::parse("collaudo").ok(),
            case_reference: CaseReference::parse("2026/1").ok(),
            consent_reference: ConsentReference::new("2026/1", moment.date()).ok(),
            reference_date: None,
            known_on: None,
            min_fresh_since: None,
            request_id: Uuid::nil(),
            statement_version: None,
            urgency: Urgency::Ordinary,
        },
        asked,
        municipality: None,
        declared: DeclaredPerson::Declarant,
        batch: None,
    }
}

/// The first quarter of an hour from now on in which the agreement serves; now, where there is none in a week.
fn open_hours(terms: &Terms, now: Moment) -> Moment {
    let open =
        |moment: &Moment| terms.hours.is_empty() || terms.hours.iter().any(|window| window.contains(*moment));
    (0..=7 * 24 * 4)
        .map(|quarter| Moment::new(now.utc() + TimeDelta::minutes(15 * quarter)))
        .find(open)
        .unwrap_or(now)
}
