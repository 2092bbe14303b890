//! Names a household: who bears whose surname, who was born where, who is whose child.

use chrono::{Datelike, NaiveDate};

use registry::code::Kinship;
use registry::record::{Parent, ParentRole, Sex};

use super::calendar::new_year;
use super::descent::{Descent, births_uncertain, state_of_emigrants};
use super::identity::{Identity, Namer, Wanted};
use super::names::{self, Name, Names};
use super::places::{Birthplace, Places, in_other_region, in_state};
use super::random::Stream;
use super::skeleton::{Member, Part};

/// Share of those who are 100 or over and have another birthday to come in the same age.
const NEXT_CENTENARY: f64 = 0.42;
/// First birth year from which children may bear the surnames of both parents (Constitutional Court 131/2022).
const DOUBLE_SURNAMES_FROM: i32 = 2022;

/// A member with a name.
#[derive(Clone, Debug)]
pub(super) struct Named {
    pub(super) member: Member,
    pub(super) identity: Identity,
    pub(super) descent: Descent,
    pub(super) parents: Vec<Parent>,
    pub(super) surname: Name,
}

/// What naming a household needs.
pub(super) struct Naming<'a> {
    pub(super) names: &'a Names,
    pub(super) places: &'a Places,
    pub(super) namer: &'a mut Namer,
    /// Year of which the first day is the day of the ages.
    pub(super) year: i32,
    pub(super) province: &'static str,
    /// State in which Italians live who are registered as citizens abroad.
    pub(super) abroad: Option<&'static str>,
}

impl Naming<'_> {
    /// Names the members of a household, the head first.
    pub(super) fn household(&mut self, stream: &mut Stream, members: &[Member]) -> Vec<Named> {
        let mut named: Vec<Named> = Vec::with_capacity(members.len());
        let italians = self.abroad.is_some();
        for member in members {
            let person = match member.part {
                Part::Head | Part::Responsible | Part::Inmate => {
                    let descent = if italians {
                        Descent::Italian
                    } else {
                        self.descent(stream, *member, members)
                    };
                    self.adult(stream, *member, descent, None)
                }
                Part::Partner => {
                    let head = named.first().map_or(Descent::Italian, |head| head.descent);
                    let descent = if italians {
                        head
                    } else {
                        head.of_partner(stream, member.sex)
                    };
                    self.adult(stream, *member, descent, None)
                }
                Part::Child => self.child(stream, *member, &named),
                Part::Kin(kinship) => {
                    let descent = named.first().map_or(Descent::Italian, |head| head.descent);
                    let surname = self.surname_of_kin(stream, kinship, member.sex, &named);
                    self.adult(stream, *member, descent, surname)
                }
            };
            named.push(person);
        }
        named
    }

    /// A child born in `year` to members of a household.
    pub(super) fn newborn(&mut self, stream: &mut Stream, year: i32, sex: Sex, named: &[Named]) -> Named {
        let member = Member {
            age: 0,
            sex,
            part: Part::Child,
        };
        self.child_of_year(stream, member, year, named)
    }

    fn descent(&self, stream: &mut Stream, member: Member, members: &[Member]) -> Descent {
        let convivenza = member.part != Part::Head;
        let alone = convivenza || members.len() == 1;
        Descent::of_family(stream, self.province, member.age, member.sex, alone)
    }

    fn birth_year(&self, stream: &mut Stream, age: u8) -> i32 {
        let mut age = i32::from(age);
        while (100..109).contains(&age) && stream.chance(NEXT_CENTENARY) {
            age += 1;
        }
        self.year - 1 - age
    }

    fn adult(
        &mut self,
        stream: &mut Stream,
        member: Member,
        descent: Descent,
        surname: Option<Name>,
    ) -> Named {
        let year = self.birth_year(stream, member.age);
        let place = self.birthplace(stream, descent, year, member.age < 18);
        let uncertain = descent.state().is_some_and(births_uncertain) && !place.in_italy();
        let day = (uncertain && stream.chance(0.07)).then(|| new_year(year));
        let wanted = Wanted {
            year,
            sex: member.sex,
            place,
            day,
        };
        let names = self.names;
        let mut chosen = None;
        let identity = match &surname {
            Some(surname) => self.namer.identify(stream, wanted, |stream| {
                (surname, given_name(stream, descent, year, member.sex))
            }),
            None => self.namer.identify(stream, wanted, |stream| {
                let surname = surname_of(stream, names, descent);
                chosen = Some(surname);
                (surname, given_name(stream, descent, year, member.sex))
            }),
        };
        let surname = surname
            .or_else(|| chosen.cloned())
            .unwrap_or_else(|| names.surname(stream).clone());
        let parents = match descent {
            Descent::Italian => self.unknown_parents(stream, &surname, year),
            Descent::Foreign(_) | Descent::Naturalised(_) => Vec::new(),
        };
        Named {
            member,
            identity,
            descent,
            parents,
            surname,
        }
    }

    fn child(&mut self, stream: &mut Stream, member: Member, named: &[Named]) -> Named {
        let year = self.birth_year(stream, member.age);
        self.child_of_year(stream, member, year, named)
    }

    fn child_of_year(&mut self, stream: &mut Stream, member: Member, year: i32, named: &[Named]) -> Named {
        let couple: Vec<&Named> = named
            .iter()
            .filter(|other| matches!(other.member.part, Part::Head | Part::Partner))
            .collect();
        let father = couple
            .iter()
            .copied()
            .find(|parent| parent.member.sex == Sex::Male);
        let mother = couple
            .iter()
            .copied()
            .find(|parent| parent.member.sex == Sex::Female);
        let sibling = named.iter().rev().find(|other| other.member.part == Part::Child);
        let descent = match (father, mother) {
            (Some(father), mother) => father.descent.of_children(mother.map(|mother| mother.descent)),
            (None, Some(mother)) => mother.descent,
            (None, None) => Descent::Italian,
        };
        let surname = match (father, mother, sibling) {
            (_, _, Some(sibling)) => sibling.surname.clone(),
            (Some(father), Some(mother), None)
                if DOUBLE_SURNAMES_FROM <= year && descent == Descent::Italian && stream.chance(0.08) =>
            {
                Name::double(&father.surname, &mother.surname)
            }
            (Some(father), _, None) => father.surname.clone(),
            (None, Some(mother), None) if stream.chance(0.25) => mother.surname.clone(),
            (None, _, None) => surname_of(stream, self.names, descent).clone(),
        };
        // Children of one year are twins.
        let twin = sibling.filter(|sibling| sibling.identity.birth.year() == year && stream.chance(0.9));
        let place = match twin {
            Some(twin) => twin.identity.place,
            None => self.birthplace(stream, descent, year, true),
        };
        let wanted = Wanted {
            year,
            sex: member.sex,
            place,
            day: twin.map(|twin| twin.identity.birth),
        };
        let identity = self.namer.identify(stream, wanted, |stream| {
            (&surname, child_given_name(stream, descent, year, member.sex))
        });
        let parents = match sibling {
            Some(sibling) => sibling.parents.clone(),
            None => self.known_parents(stream, father, mother, &surname, descent, year),
        };
        Named {
            member,
            identity,
            descent,
            parents,
            surname,
        }
    }

    fn surname_of_kin(
        &self,
        stream: &mut Stream,
        kinship: Kinship,
        sex: Sex,
        named: &[Named],
    ) -> Option<Name> {
        let head = named.first()?;
        let partner = named.iter().find(|other| other.member.part == Part::Partner);
        let share = match kinship {
            Kinship::Parent | Kinship::ParentInLaw if sex == Sex::Female => 0.0,
            Kinship::Parent | Kinship::ParentInLaw => 1.0,
            Kinship::Sibling => 0.9,
            Kinship::CollateralNephew | Kinship::Cousin | Kinship::Grandchild => 0.5,
            _ => 0.0,
        };
        let of = if kinship == Kinship::ParentInLaw {
            partner.unwrap_or(head)
        } else {
            head
        };
        stream.chance(share).then(|| of.surname.clone())
    }

    fn birthplace(&self, stream: &mut Stream, descent: Descent, year: i32, minor: bool) -> Birthplace {
        if let Some(state) = self.abroad
            && stream.chance(if minor { 0.8 } else { 0.25 })
        {
            return in_state(stream, state);
        }
        let young = self.year - year < 31;
        let (region, elsewhere) = match descent {
            Descent::Italian if minor => (0.92, 0.05),
            Descent::Italian if young => (0.82, 0.15),
            Descent::Italian => (0.65, 0.32),
            Descent::Foreign(_) if minor => (0.54, 0.05),
            Descent::Foreign(_) if young => (0.07, 0.02),
            Descent::Foreign(_) => (0.0, 0.004),
            Descent::Naturalised(_) if minor => (0.82, 0.06),
            Descent::Naturalised(_) if young => (0.25, 0.05),
            Descent::Naturalised(_) => (0.0, 0.01),
        };
        let chosen = stream.unit();
        if chosen < region {
            self.places.in_region(stream, year)
        } else if chosen < region + elsewhere {
            in_other_region(stream, year)
        } else {
            let state = descent.state().unwrap_or_else(|| state_of_emigrants(stream));
            in_state(stream, state)
        }
    }

    fn known_parents(
        &self,
        stream: &mut Stream,
        father: Option<&Named>,
        mother: Option<&Named>,
        surname: &Name,
        descent: Descent,
        year: i32,
    ) -> Vec<Parent> {
        let known = |role: ParentRole, parent: &Named| Parent {
            role,
            surname: Some(parent.identity.surname.clone()),
            given_name: Some(parent.identity.given_name.clone()),
            tax_code: Some(parent.identity.code.into()),
        };
        let father = match father {
            Some(father) => known(ParentRole::Father, father),
            None => unknown_parent(
                ParentRole::Father,
                surname,
                given_name(stream, descent, year - 34, Sex::Male),
            ),
        };
        let mother = match mother {
            Some(mother) => known(ParentRole::Mother, mother),
            None => {
                let surname = surname_of(stream, self.names, descent);
                unknown_parent(
                    ParentRole::Mother,
                    surname,
                    given_name(stream, descent, year - 30, Sex::Female),
                )
            }
        };
        vec![father, mother]
    }

    fn unknown_parents(&self, stream: &mut Stream, surname: &Name, year: i32) -> Vec<Parent> {
        let father = names::given(stream, year - 32, Sex::Male);
        let mother = names::given(stream, year - 29, Sex::Female);
        let mothers_surname = self.names.surname(stream);
        vec![
            unknown_parent(ParentRole::Father, surname, father),
            unknown_parent(ParentRole::Mother, mothers_surname, mother),
        ]
    }
}

impl Named {
    /// Whether the person is a parent in a couple or alone.
    pub(super) fn is_mother_on(&self, day: NaiveDate) -> bool {
        let age = super::calendar::age_on(self.identity.birth, day);
        self.member.sex == Sex::Female
            && matches!(self.member.part, Part::Head | Part::Partner)
            && (20..45).contains(&age)
    }
}

fn unknown_parent(role: ParentRole, surname: &Name, given_name: &Name) -> Parent {
    Parent {
        role,
        surname: Some(surname.text.clone()),
        given_name: Some(given_name.text.clone()),
        tax_code: None,
    }
}

fn surname_of(stream: &mut Stream, names: &Names, descent: Descent) -> &'static Name {
    match descent.state() {
        Some(state) => names::foreign_surname(stream, state),
        None => names.surname(stream),
    }
}

fn given_name(stream: &mut Stream, descent: Descent, year: i32, sex: Sex) -> &'static Name {
    match descent.state() {
        Some(state) => names::foreign_given(stream, state, sex),
        None => names::given(stream, year, sex),
    }
}

/// Children of foreign families often have a name of the country they grow up in.
fn child_given_name(stream: &mut Stream, descent: Descent, year: i32, sex: Sex) -> &'static Name {
    let own = match descent {
        Descent::Italian => 0.0,
        Descent::Foreign(_) => 0.65,
        Descent::Naturalised(_) => 0.5,
    };
    let descent = if stream.chance(own) {
        descent
    } else {
        Descent::Italian
    };
    given_name(stream, descent, year, sex)
}
