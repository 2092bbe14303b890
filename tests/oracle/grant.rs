//! Agreements that are drawn, and what each grants as it is written: who may be shown, and which fields by which call.

use std::collections::BTreeSet;

use agreement::ascertainment::Ascertainment;
use agreement::field::{Field, FieldSet};
use agreement::service::{Service, VerificationKind};
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use support::people::{CASTEL_SAN_PIETRO, DOZZA, IMOLA};

use crate::world::{Card, Day};

/// Services that an agreement grants.
const SERVICES: [Service; 7] = [
    Service::LookupPerson,
    Service::LookupHousehold,
    Service::LookupAddressResidents,
    Service::SearchPersons,
    Service::VerifyDeclaration,
    Service::BatchLookupPersons,
    Service::BatchVerify,
];

/// An agreement.
#[derive(Clone, Debug)]
pub(crate) struct Grant {
    pub(crate) services: BTreeSet<Service>,
    /// Fields of consultations.
    pub(crate) fields: FieldSet,
    /// Fields of rows of lists.
    pub(crate) listed: FieldSet,
    pub(crate) ascertainments: BTreeSet<Ascertainment>,
    verifications: BTreeSet<VerificationKind>,
    municipalities: BTreeSet<&'static str>,
    population: Population,
    protection: Protection,
    history: History,
    by_generalities: bool,
    /// Fields that some of the calls want, of those that are granted and of all.
    pub(crate) wanted: FieldSet,
}

#[derive(Clone, Copy, Debug)]
struct Population {
    residents: bool,
    aire: bool,
    cancelled: bool,
    deceased: bool,
    minors: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Protection {
    Hidden,
    LocationWithheld,
    Shown,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum History {
    Today,
    SinceBeforeThePast,
    All,
}

fn fields() -> impl Strategy<Value = FieldSet> {
    subsequence(Field::ALL.to_vec(), 0..=Field::ALL.len()).prop_map(FieldSet::from_iter)
}

/// Any agreement that is one: what does not go together is mended.
pub(crate) fn any_grant() -> impl Strategy<Value = Grant> {
    let sets = (
        subsequence(SERVICES.to_vec(), 0..=SERVICES.len()),
        fields(),
        fields(),
        subsequence(Ascertainment::ALL.to_vec(), 0..=Ascertainment::ALL.len()),
        subsequence(VerificationKind::ALL.to_vec(), 1..=VerificationKind::ALL.len()),
        fields(),
    );
    let people = (
        subsequence(vec![IMOLA, DOZZA, CASTEL_SAN_PIETRO], 1..=3),
        any::<[bool; 5]>(),
        select(vec![
            Protection::Hidden,
            Protection::LocationWithheld,
            Protection::Shown,
        ]),
        select(vec![History::Today, History::SinceBeforeThePast, History::All]),
        any::<bool>(),
    );
    (sets, people).prop_map(|(sets, people)| {
        let (services, fields, listed, ascertainments, verifications, wanted) = sets;
        let (municipalities, population, protection, history, by_generalities) = people;
        let [residents, aire, cancelled, deceased, minors] = population;
        let grant = Grant {
            services: services.into_iter().collect(),
            fields,
            listed,
            ascertainments: ascertainments.into_iter().collect(),
            verifications: verifications.into_iter().collect(),
            municipalities: municipalities.into_iter().collect(),
            population: Population {
                residents: residents || !aire,
                aire,
                cancelled,
                deceased,
                minors,
            },
            protection,
            history,
            by_generalities,
            wanted,
        };
        grant.mended()
    })
}

impl Grant {
    /// Everything that there is to grant.
    pub(crate) fn everything() -> Self {
        Self {
            services: SERVICES.into_iter().collect(),
            fields: FieldSet::from_iter(Field::ALL),
            listed: FieldSet::from_iter(Field::ALL),
            ascertainments: Ascertainment::ALL.into_iter().collect(),
            verifications: VerificationKind::ALL.into_iter().collect(),
            municipalities: [IMOLA, DOZZA, CASTEL_SAN_PIETRO].into_iter().collect(),
            population: Population {
                residents: true,
                aire: true,
                cancelled: true,
                deceased: true,
                minors: true,
            },
            protection: Protection::Shown,
            history: History::All,
            by_generalities: true,
            wanted: FieldSet::from_iter([Field::Surname, Field::Residence]),
        }
    }

    /// The same agreement without the location of protected persons.
    pub(crate) fn withholding(&self) -> Self {
        Self {
            protection: Protection::LocationWithheld,
            ..self.clone()
        }
    }

    fn mended(mut self) -> Self {
        if self.services.is_empty() && self.ascertainments.is_empty() {
            self.services.insert(Service::LookupPerson);
        }
        for (list, single) in [
            (Service::BatchLookupPersons, Service::LookupPerson),
            (Service::BatchVerify, Service::VerifyDeclaration),
        ] {
            if self.services.contains(&list) {
                self.services.insert(single);
            }
        }
        let needs = [
            (Service::LookupHousehold, &[Field::Household][..]),
            (Service::SearchPersons, &[Field::Surname, Field::GivenName]),
            (Service::LookupAddressResidents, &[Field::Residence]),
            (Service::LookupPerson, &[Field::BirthDate]),
        ];
        for (service, fields) in needs {
            if self.services.contains(&service) {
                self.fields = self.fields.union(FieldSet::of(fields));
            }
        }
        if self.history == History::Today {
            self.fields = self.fields.difference(FieldSet::of(&[Field::ResidenceHistory]));
        }
        let registry_data = self.ascertainments.contains(&Ascertainment::RegistryData);
        let consults = [
            Service::LookupPerson,
            Service::LookupHousehold,
            Service::LookupAddressResidents,
            Service::SearchPersons,
        ];
        if !registry_data && !consults.iter().any(|service| self.services.contains(service)) {
            self.fields = FieldSet::EMPTY;
        } else if self.fields.is_empty() {
            self.fields = FieldSet::of(&[Field::Sex]);
        }
        self.listed = self.listed.intersection(self.fields);
        if !self.services.contains(&Service::BatchLookupPersons) {
            self.listed = FieldSet::EMPTY;
        } else if self.listed.is_empty() {
            self.listed = FieldSet::of(&[Field::BirthDate]);
        }
        if !self.services.contains(&Service::VerifyDeclaration) {
            self.verifications.clear();
        }
        self
    }

    /// The document, under an id.
    pub(crate) fn document(&self, id: &str) -> String {
        let Self {
            services,
            fields,
            listed,
            ascertainments,
            verifications,
            municipalities,
            population,
            protection,
            history,
            by_generalities,
            wanted: _,
        } = self;
        let Population {
            residents,
            aire,
            cancelled,
            deceased,
            minors,
        } = population;
        let protection = match protection {
            Protection::Hidden => "protected = \"hidden\"",
            Protection::LocationWithheld => {
                "protected = \"location-withheld\"\nprotected_basis = \"d.lgs. 51/2018 art. 5\""
            }
            Protection::Shown => "protected = \"shown\"\nprotected_basis = \"d.lgs. 51/2018 art. 5\"",
        };
        let history = match history {
            History::Today => "today",
            History::SinceBeforeThePast => "since 2010-01-01",
            History::All => "all",
        };
        let mut modes = vec!["by-identifier"];
        modes.extend(by_generalities.then_some("by-generalities"));
        let searches = services.contains(&Service::SearchPersons);
        modes.extend(searches.then_some("by-partial-data"));
        let lists = [Service::BatchLookupPersons, Service::BatchVerify];
        let batch = if lists.iter().any(|list| services.contains(list)) {
            let fields: Vec<_> = listed.names().collect();
            format!("batch = {{ rows_per_batch = 100, rows_per_day = 100000, fields = {fields:?} }}")
        } else {
            String::new()
        };
        let municipalities: Vec<_> = municipalities.iter().collect();
        let services: Vec<_> = services.iter().map(|service| service.name()).collect();
        let fields: Vec<_> = fields.names().collect();
        let ascertainments: Vec<_> = ascertainments.iter().map(|kind| kind.name()).collect();
        let verifications: Vec<_> = verifications.iter().map(|kind| kind.name()).collect();
        format!(
            "format = 1\nid = {id:?}\ntitle = \"Questura di Bologna, drawn\"\n\
             agency = \"spiffe://ponte.test/agency/questura-bo\"\nclass = \"police\"\n\
             legal_basis = \"DPR 223/1989 art. 37\"\nvalid_from = 2010-01-01\nvalid_to = 2035-12-31\n\
             review_by = 2035-12-31\nretention_months = 24\n{protection}\nhistory = {history:?}\nsearch = {modes:?}\n\
             [territory]\nmunicipalities = {municipalities:?}\n\
             [population]\nresidents = {residents}\naire = {aire}\ncancelled = {cancelled}\n\
             deceased = {deceased}\nminors = {minors}\n\
             [operator]\nrequired = true\nassurance = \"substantial\"\nworkstation = true\n\
             [case_reference]\npattern = \"year-number\"\n\
             [[purpose]]\nid = \"drawn\"\ntext = \"Drawn\"\nbasis = \"c.p.p. art. 55\"\nkind = \"ordinary\"\n\
             {batch}\nservices = {services:?}\nverifications = {verifications:?}\n\
             ascertainments = {ascertainments:?}\nfields = {fields:?}\n"
        )
    }

    /// Whether the person of a card may be shown, on a day.
    pub(crate) fn shows(&self, card: &Card, day: Day) -> bool {
        let Population {
            residents,
            aire,
            cancelled,
            deceased,
            minors,
        } = self.population;
        let register = if card.abroad { aire } else { residents };
        let standing = day == Day::Past || (!card.dead || deceased) && (!card.left || cancelled);
        let age = !card.minor || minors;
        let protected = !card.protected || self.protection != Protection::Hidden;
        self.municipalities.contains(card.municipality) && register && standing && age && protected
    }

    /// What of `granted` is never told of the person: what leads to a place that is protected.
    pub(crate) fn withheld_of(&self, card: &Card) -> FieldSet {
        if card.sheltered && self.protection != Protection::Shown {
            FieldSet::LOCATION
        } else {
            FieldSet::EMPTY
        }
    }
}
