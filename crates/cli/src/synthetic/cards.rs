//! From named people to the cards of a household.

use chrono::{Datelike, NaiveDate};

use registry::code::{
    AddressKind, AprRegistrationReason, ConvivenzaRole, HouseholdRole, Kinship, RegistrationReason,
};
use registry::date::PartialDate;
use registry::identifier::{IstatCode, StateCode};
use registry::measure::Measures;
use registry::municipality;
use registry::record::{
    Flags, HouseholdLink, IdentityDocument, Locality, Place, Record, Register, Registration, Residence,
    ResidenceStanding, Sex, TaxCodeEntry,
};
use registry::state;
use registry::timeline::{Dated, Timeline};

use super::calendar::{after_days, after_years, day_between, late_day_between, new_year};
use super::descent::Descent;
use super::family::Named;
use super::numbers::{Kind, Numbers};
use super::places::{Birthplace, Places, code_of, municipality_anywhere, municipality_outside, state_of};
use super::random::Stream;
use super::skeleton::Part;
use super::status::{Union, civil_status};
use super::streets::{Dwelling, Streets};

/// One resident in so many is under a measure that protects the whereabouts.
const PROTECTED: f64 = 1.0 / 5_000.0;
/// Cards of which the codice fiscale has not been given yet, newborns apart.
const CODE_MISSING: f64 = 0.001;
/// Cards with a provisional code.
const CODE_PROVISIONAL: f64 = 0.0004;
/// Cards of which nobody knows since when the address holds.
const RESIDENCE_UNDATED: f64 = 0.01;
/// Days that the check of a declared residence takes (DPR 223/1989 art. 18-bis).
pub(super) const CHECK_DAYS: u64 = 45;
/// Days until a newborn has a codice fiscale.
const CODE_DAYS: u64 = 20;
/// No residence is traced further back, in years.
const LONGEST_TENURE: i32 = 45;

/// What the cards of one municipality have in common.
#[derive(Debug)]
pub(super) struct Office {
    pub(super) istat: IstatCode,
    pub(super) numbers: Numbers,
    pub(super) places: Places,
    pub(super) streets: Streets,
    pub(super) population: u32,
    /// First day of the year.
    pub(super) today: NaiveDate,
    /// Day on which the cards are read.
    pub(super) until: NaiveDate,
    /// First day on which the municipality had its ISTAT code.
    pub(super) since: NaiveDate,
}

/// A household to be written.
#[derive(Clone, Copy, Debug)]
pub(super) struct Filing {
    pub(super) kind: Kind,
    /// Serial of the household among its kind.
    pub(super) household: usize,
    /// Serial of its first member.
    pub(super) first_member: usize,
    pub(super) dwelling: Dwelling,
    /// Last day on which anything was written on the cards: for those who arrive it is that day.
    pub(super) last: NaiveDate,
}

impl Office {
    /// The office of a municipality in the year that begins on `today`, as it is on `until`.
    pub(super) fn new(
        municipality: &super::region::Municipality,
        numbers: Numbers,
        today: NaiveDate,
        until: NaiveDate,
    ) -> Self {
        let periods = municipality::periods_of_istat(municipality.istat);
        let since = periods.filter(|period| period.cadastral() == Some(municipality.cadastral));
        Self {
            istat: municipality.istat,
            numbers,
            places: Places::around(municipality),
            streets: Streets::of(municipality, numbers.seed),
            population: municipality.population(),
            today,
            until,
            since: since
                .filter_map(|period| period.validity().from)
                .min()
                .unwrap_or_default(),
        }
    }

    /// Writes the cards of a household.
    pub(super) fn cards(&self, stream: &mut Stream, filing: Filing, named: &[Named]) -> Vec<Record> {
        let last = filing.last;
        let arrived = (filing.kind == Kind::Arrival).then_some(last);
        let moved_in = arrived.unwrap_or_else(|| self.moved_in(stream, named, last));
        let union = union_of(stream, named, last);
        let homeless = filing.kind == Kind::Resident && self.is_homeless(stream, named);
        let standing = if stream.chance(0.2) {
            ResidenceStanding::Definitive
        } else {
            self.standing(moved_in)
        };
        let place = if homeless {
            Place::Notional {
                municipality: self.istat,
            }
        } else {
            Place::Italian(self.streets.address(filing.dwelling))
        };
        let residence = Residence {
            kind: AddressKind::Residence,
            place,
            standing,
        };
        let undated = stream.chance(RESIDENCE_UNDATED);
        let mut cards = Vec::with_capacity(named.len() + 1);
        for (at, person) in named.iter().enumerate() {
            let serial = filing.kind.serial(filing.first_member + at);
            let birth = person.identity.birth;
            let registration = match arrived {
                Some(day) => self.arrival(stream, person, day),
                None if homeless => {
                    let reason = RegistrationReason::Apr(AprRegistrationReason::HomelessDomicile);
                    let day = moved_in.max(birth);
                    Registration {
                        reason,
                        effective: Some(day),
                        origin: None,
                    }
                }
                None => self.registration(stream, person, moved_in, last),
            };
            let here = registration
                .effective
                .unwrap_or(birth)
                .max(moved_in)
                .max(birth)
                .max(self.since)
                .min(last);
            let convivenza = matches!(person.member.part, Part::Responsible | Part::Inmate);
            let household = self
                .numbers
                .household(filing.kind.serial(filing.household), convivenza);
            let link = HouseholdLink {
                household,
                role: role(person.member.part, union),
            };
            let status = civil_status(stream, person.member, birth, union, last);
            let from = (!undated || here != moved_in).then_some(here);
            cards.push(Record {
                registration,
                civil_status: Timeline::starting(status.from, status.value),
                residences: Timeline::starting(from, residence.clone()),
                households: Timeline::starting(Some(here), link),
                ..self.person(stream, serial, person, last)
            });
        }
        cards
    }

    /// The card of a child born in the year to a household.
    pub(super) fn newborn(
        &self,
        stream: &mut Stream,
        household: usize,
        child: &Named,
        family: &Record,
    ) -> Record {
        let birth = child.identity.birth;
        let residence = family.residences.latest();
        let serial = Kind::Newborn.serial(household);
        let role = HouseholdRole::Family(Kinship::Child);
        let link = family.households.latest().map(|link| HouseholdLink {
            role,
            ..link.value.clone()
        });
        let reason = RegistrationReason::Apr(AprRegistrationReason::Birth);
        Record {
            registration: Registration {
                reason,
                effective: Some(birth),
                origin: None,
            },
            civil_status: Timeline::starting(Some(birth), registry::code::CivilStatus::Single),
            residences: residence
                .map(|fact| Dated {
                    from: Some(fact.from.unwrap_or(birth).max(birth)),
                    value: fact.value.clone(),
                })
                .map(|fact| Timeline::from_facts([fact]))
                .unwrap_or_default(),
            households: link
                .map(|link| Timeline::starting(Some(birth), link))
                .unwrap_or_default(),
            ..self.person(stream, serial, child, birth)
        }
    }

    /// Whether the check of a residence that began on `from` is over.
    pub(super) fn standing(&self, from: NaiveDate) -> ResidenceStanding {
        if after_days(from, CHECK_DAYS) <= self.until {
            ResidenceStanding::Definitive
        } else {
            ResidenceStanding::Provisional
        }
    }

    /// The parts of a card that do not depend on the household.
    fn person(&self, stream: &mut Stream, serial: u64, person: &Named, last: NaiveDate) -> Record {
        let Named {
            member: _,
            identity,
            descent,
            parents,
            surname: _,
        } = person;
        let mut generalities = identity.generalities();
        let new_year_birth = identity.birth == new_year(identity.birth.year());
        if new_year_birth && descent.is_foreign() && !identity.place.in_italy() && stream.chance(0.3) {
            // Nobody knew month and day: the code says 1 January, the card only the year.
            generalities.birth_date =
                PartialDate::new(identity.birth.year(), None, None).unwrap_or(generalities.birth_date);
        }
        // Everything is drawn whether it is needed or not, so that a later day finds the same person.
        let lost = stream.chance(CODE_MISSING);
        let provisional = stream.chance(CODE_PROVISIONAL);
        let validated = stream.chance(0.985);
        let numbered = stream.chance(0.5);
        let waiting = lost || self.until < after_days(identity.birth, CODE_DAYS);
        let code_from = after_days(identity.birth, 10).max(first_codes());
        let entry = |code| TaxCodeEntry {
            code,
            validated,
            from: (code_from <= last.max(self.until)).then_some(code_from),
        };
        let mut tax_codes = Vec::new();
        if !waiting {
            let provisional = if provisional {
                self.numbers.provisional(serial)
            } else {
                None
            };
            tax_codes.push(match provisional {
                Some(code) => TaxCodeEntry {
                    from: None,
                    ..entry(code.into())
                },
                None => entry(identity.code.into()),
            });
        }
        Record {
            municipality: self.istat,
            local_id: self.numbers.card(serial),
            register: Register::Apr,
            generalities,
            tax_codes,
            national_id: (!waiting || numbered).then(|| self.numbers.national(serial)),
            civil_status: Timeline::default(),
            citizenships: citizenships(stream, *descent, identity.birth, last),
            parents: parents.clone(),
            residences: Timeline::default(),
            households: Timeline::default(),
            identity_document: self.document(stream, serial, person, last),
            registration: Registration {
                reason: RegistrationReason::Apr(AprRegistrationReason::Birth),
                effective: None,
                origin: None,
            },
            cancellation: None,
            death: None,
            flags: Flags {
                protected: stream.chance(PROTECTED),
                procedure_open: stream.chance(0.001),
                not_certifiable: stream.chance(0.0003),
            },
            measures: Measures::default(),
        }
    }

    /// Since when the household has its address.
    fn moved_in(&self, stream: &mut Stream, named: &[Named], last: NaiveDate) -> NaiveDate {
        let born = named.first().map_or(last, |head| head.identity.birth);
        let first = after_years(born, 19)
            .max(new_year(self.today.year() - LONGEST_TENURE))
            .max(self.since);
        late_day_between(stream, first.min(last), last)
    }

    /// How somebody who has long been here came.
    fn registration(
        &self,
        stream: &mut Stream,
        person: &Named,
        moved_in: NaiveDate,
        last: NaiveDate,
    ) -> Registration {
        let birth = person.identity.birth;
        let native = match person.identity.place {
            place @ Birthplace::Italy(_) => {
                let near = place.origin() != super::ownership::Origin::Elsewhere;
                self.places.is_home(place) || near && (moved_in <= birth || stream.chance(0.55))
            }
            Birthplace::Abroad(..) => false,
        };
        if native {
            let reason = RegistrationReason::Apr(AprRegistrationReason::Birth);
            return Registration {
                reason,
                effective: Some(birth),
                origin: None,
            };
        }
        let day = if last <= birth {
            birth
        } else if moved_in <= birth {
            day_between(stream, birth, last)
        } else if stream.chance(0.4) {
            moved_in
        } else {
            late_day_between(stream, birth, moved_in)
        };
        self.arrival(stream, person, day)
    }

    /// How somebody came on a day.
    fn arrival(&self, stream: &mut Stream, person: &Named, day: NaiveDate) -> Registration {
        let day = day.max(person.identity.birth);
        let from_abroad = |reason: AprRegistrationReason, state: &'static state::State| Registration {
            reason: RegistrationReason::Apr(reason),
            effective: Some(day),
            origin: Some(Locality::State(code_of(state))),
        };
        match (person.identity.place, person.descent) {
            (Birthplace::Abroad(state, _), Descent::Foreign(_) | Descent::Naturalised(_))
                if stream.chance(0.55) =>
            {
                return from_abroad(AprRegistrationReason::FromAbroad, state);
            }
            (Birthplace::Abroad(state, _), Descent::Italian) if stream.chance(0.3) => {
                return from_abroad(AprRegistrationReason::Repatriation, state);
            }
            _ => {}
        }
        // Who came lately came from outside the region: the card that a neighbour would have cancelled is not made.
        let lately = after_years(day, 1) >= self.today;
        let origin = if lately {
            municipality_outside(stream, day)
        } else {
            municipality_anywhere(stream, day)
        };
        match origin {
            Some(origin) => Registration {
                reason: RegistrationReason::Apr(AprRegistrationReason::Immigration),
                effective: Some(day),
                origin: Some(origin),
            },
            None => from_abroad(AprRegistrationReason::FromAbroad, state_of("CHE")),
        }
    }

    fn is_homeless(&self, stream: &mut Stream, named: &[Named]) -> bool {
        let share = if 50_000 < self.population { 0.005 } else { 0.0008 };
        matches!(named, [alone] if alone.member.part == Part::Head && alone.member.age < 75)
            && stream.chance(share)
    }

    fn document(
        &self,
        stream: &mut Stream,
        serial: u64,
        person: &Named,
        last: NaiveDate,
    ) -> Option<IdentityDocument> {
        let adult = after_years(person.identity.birth, 18);
        let first = new_year(self.today.year() - 9).max(adult).max(self.since);
        if last <= first || stream.chance(0.25) {
            return None;
        }
        let issued = day_between(stream, first, last);
        Some(IdentityDocument {
            number: self.numbers.document(serial),
            issuer: self.istat,
            issued,
            expires: after_years(issued, 10),
        })
    }
}

/// The first codici fiscali.
fn first_codes() -> NaiveDate {
    new_year(1977)
}

fn union_of(stream: &mut Stream, named: &[Named], last: NaiveDate) -> Option<Union> {
    let head = named.first()?;
    let partner = named.iter().find(|other| other.member.part == Part::Partner)?;
    let younger = head.identity.birth.max(partner.identity.birth);
    let woman = if head.member.sex == Sex::Female {
        head
    } else {
        partner
    };
    let foreign = head.descent.is_foreign() && partner.descent.is_foreign();
    Some(Union::of_couple(stream, woman.member.age, foreign, younger, last))
}

fn role(part: Part, union: Option<Union>) -> HouseholdRole {
    match part {
        Part::Head => HouseholdRole::Family(Kinship::ReferencePerson),
        Part::Partner => HouseholdRole::Family(match union {
            Some(Union::Married(_)) => Kinship::Spouse,
            Some(Union::Cohabiting) | None => Kinship::Cohabitant,
        }),
        Part::Child => HouseholdRole::Family(Kinship::Child),
        Part::Kin(kinship) => HouseholdRole::Family(kinship),
        Part::Responsible => HouseholdRole::Convivenza(ConvivenzaRole::Responsible),
        Part::Inmate => HouseholdRole::Convivenza(ConvivenzaRole::Member),
    }
}

fn citizenships(
    stream: &mut Stream,
    descent: Descent,
    birth: NaiveDate,
    last: NaiveDate,
) -> Timeline<Vec<StateCode>> {
    let italy = StateCode::parse(state::ITALY).expect("Italy's code is well formed");
    match descent {
        Descent::Italian => Timeline::starting(Some(birth), vec![italy]),
        Descent::Foreign(state) => Timeline::starting(Some(birth), vec![code_of(state_of(state))]),
        Descent::Naturalised(_) if last <= birth => Timeline::starting(Some(birth), vec![italy]),
        Descent::Naturalised(state) => {
            let mut both = vec![italy];
            if stream.chance(0.6) {
                both.push(code_of(state_of(state)));
                both.sort_unstable();
            }
            let earliest = birth.max(new_year(last.year() - 15)).min(last);
            Timeline::starting(Some(day_between(stream, earliest, last)), both)
        }
    }
}
