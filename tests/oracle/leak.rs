//! Whether what came back shows nothing but what the call was granted.

use std::collections::{BTreeMap, BTreeSet};

use agreement::ascertainment::Ascertainment;
use agreement::field::{Field, FieldSet};
use support::people::{CASTEL_SAN_PIETRO, DOZZA, IMOLA};
use tonic::metadata::{KeyAndValueRef, MetadataMap};
use wire::proto::consultation::v1 as pb;

use crate::ask::{Answer, Ask, Told};
use crate::grant::Grant;
use crate::world::{Day, World};

/// Whom an answer may be about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum About {
    /// One person.
    Card(usize),
    /// The household of a person.
    Household(usize),
    /// Whoever is found.
    Anybody,
    /// Nobody: no datum is answered at all.
    Nobody,
}

/// A call and what it may show.
#[derive(Clone)]
pub(crate) struct Asked {
    pub(crate) ask: Ask,
    pub(crate) about: About,
    pub(crate) granted: FieldSet,
    pub(crate) day: Day,
    pub(crate) kind: Option<Ascertainment>,
}

/// What was shown, over all calls.
#[derive(Debug, Default)]
pub(crate) struct Shown {
    pub(crate) columns: BTreeSet<&'static str>,
    pub(crate) fields: FieldSet,
    pub(crate) methods: BTreeMap<&'static str, usize>,
}

/// Everything that came back, as bytes; what is not an answer's message is granted nothing.
fn everything(told: &Told) -> (Vec<Vec<u8>>, Vec<Vec<u8>>) {
    let answers = told.answers.iter().map(Answer::bytes).collect();
    let mut beside = Vec::new();
    let mut metadata = |map: &MetadataMap| {
        beside.extend(map.iter().map(|entry| match entry {
            KeyAndValueRef::Ascii(_, value) => value.as_bytes().to_vec(),
            KeyAndValueRef::Binary(_, value) => value.to_bytes().expect("it is well formed").to_vec(),
        }));
    };
    metadata(&told.headers);
    metadata(&told.trailers);
    if let Some(status) = &told.refusal {
        metadata(status.metadata());
        beside.push(status.message().as_bytes().to_vec());
        beside.push(status.details().to_vec());
    }
    (answers, beside)
}

/// Whether an answer shows nothing but what it may.
pub(crate) fn check(
    world: &World,
    grant: &Grant,
    asked: &Asked,
    told: &Told,
    shown: &mut Shown,
) -> Result<(), String> {
    let method = asked.ask.method();
    let leak = |what: String| Err(format!("{method}, {:?}, {:?}: {what}", asked.about, asked.kind));
    let (answers, beside) = everything(told);
    for bytes in &beside {
        if let Some(hit) = world.canary.in_bytes("beside", bytes).first() {
            let datum = &world.data[hit.label.parse::<usize>().expect("a number")];
            return leak(format!("{} beside an answer", datum.column));
        }
    }
    for (answer, bytes) in told.answers.iter().zip(&answers) {
        for hit in world.canary.in_bytes("answer", bytes) {
            let datum = &world.data[hit.label.parse::<usize>().expect("a number")];
            let card = &world.cards[datum.card];
            let of_them = match asked.about {
                About::Card(number) => {
                    let shared = ["via", "frazione", "interno"].contains(&datum.column);
                    number == datum.card || shared && card.household == world.cards[number].household
                }
                About::Household(number) => card.household == world.cards[number].household,
                About::Anybody => true,
                About::Nobody => false,
            };
            let withheld = grant.withheld_of(card);
            let fields = asked.granted.difference(withheld);
            let may = of_them
                && grant.shows(card, asked.day)
                && (withheld.is_empty() || !asks_where(&asked.ask))
                && datum.may_be_shown(fields, asked.day, asked.kind);
            if !may {
                return leak(format!("{} of {}", datum.column, card.name));
            }
            shown.columns.insert(datum.column);
        }
        if let Some(place) = place_told(world, grant, asked, answer, bytes) {
            return leak(format!("the municipality {place}"));
        }
        for person in answer.persons() {
            let set = fields_set(person);
            let told: Result<FieldSet, _> = FieldSet::from_names(person.fields.iter().map(String::as_str));
            let told = told.map_err(|error| error.to_string())?;
            let withheld = match asked.about {
                About::Card(number) | About::Household(number) => grant.withheld_of(&world.cards[number]),
                About::Anybody | About::Nobody => FieldSet::EMPTY,
            };
            let may = asked.granted.difference(withheld);
            for fields in [set, told] {
                if !fields.is_subset(may) {
                    return leak(format!("fields {}", fields.difference(may)));
                }
            }
            shown.fields = shown.fields.union(set);
        }
    }
    if !told.answers.is_empty() {
        *shown.methods.entry(method).or_default() += 1;
    }
    Ok(())
}

/// Whether somebody is found by where he or she lives, or with whom: then whoever is found is told of with the place.
fn asks_where(ask: &Ask) -> bool {
    match ask {
        Ask::Residents(_) | Ask::Household(_) => true,
        Ask::Search(search) => !search.municipality.is_empty(),
        Ask::Person(_)
        | Ask::Verify(_)
        | Ask::LookupRows(_)
        | Ask::VerifyRows(_)
        | Ask::Describe(_)
        | Ask::Receipt(_) => false,
    }
}

/// A municipality that an answer names though nothing that it may show does: above all that of whoever is sheltered.
fn place_told(
    world: &World,
    grant: &Grant,
    asked: &Asked,
    answer: &Answer,
    bytes: &[u8],
) -> Option<&'static str> {
    // The territory is the agreement's own.
    if matches!(answer, Answer::Description(_)) {
        return None;
    }
    let named = |code: &&str| bytes.windows(code.len()).any(|window| window == code.as_bytes());
    [IMOLA, DOZZA, CASTEL_SAN_PIETRO]
        .into_iter()
        .filter(named)
        .find(|code| {
            let places = FieldSet::of(&[Field::Residence, Field::ResidenceHistory, Field::Registration]);
            let tells = |number: usize| {
                let card = &world.cards[number];
                let fields = asked.granted.difference(grant.withheld_of(card));
                let may = grant.shows(card, asked.day) && !fields.intersection(places).is_empty();
                card.municipality == *code && may
            };
            !match asked.about {
                About::Card(number) | About::Household(number) => tells(number),
                About::Anybody => (0..world.cards.len()).any(tells),
                About::Nobody => false,
            }
        })
}

/// The fields that are set in a person; a new one does not build until it is looked at.
fn fields_set(person: &pb::Person) -> FieldSet {
    let pb::Person {
        name: _,
        superseded: _,
        fields: _,
        surname,
        given_name,
        sex,
        birth_date,
        birth_place,
        tax_code,
        tax_code_history,
        national_id,
        civil_status,
        citizenships,
        parents,
        residence,
        residence_history,
        household,
        identity_document,
        registration,
        cancellation,
        death,
        procedure_open,
        location_withheld: _,
        restored: _,
        of_kind: _,
        of_kind_reason: _,
    } = person;
    let set = [
        (Field::Surname, !surname.is_empty()),
        (Field::GivenName, !given_name.is_empty()),
        (Field::Sex, *sex != 0),
        (Field::BirthDate, birth_date.is_some()),
        (Field::BirthPlace, birth_place.is_some()),
        (Field::TaxCode, tax_code.is_some()),
        (Field::TaxCodeHistory, !tax_code_history.is_empty()),
        (Field::NationalId, !national_id.is_empty()),
        (Field::CivilStatus, civil_status.is_some()),
        (Field::Citizenships, citizenships.is_some()),
        (Field::Parents, !parents.is_empty()),
        (Field::Residence, residence.is_some()),
        (Field::ResidenceHistory, !residence_history.is_empty()),
        (Field::Household, household.is_some()),
        (Field::IdentityDocument, identity_document.is_some()),
        (Field::Registration, registration.is_some()),
        (Field::Cancellation, cancellation.is_some()),
        (Field::Death, death.is_some()),
        (Field::ProcedureOpen, procedure_open.is_some()),
    ];
    set.into_iter()
        .filter(|(_, set)| *set)
        .map(|(field, _)| field)
        .collect()
}
