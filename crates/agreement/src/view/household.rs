//! A household as it was on the reference date, as far as an agreement shows it.

use chrono::NaiveDate;

use registry::code::{HouseholdKind, HouseholdRole};
use registry::date::PartialDate;
use registry::identifier::HouseholdId;
use registry::record::Record;

use crate::field::{Field, FieldSet};
use crate::subject::Standing;

use super::person::PersonView;

/// The members that are shown; others are left out without a trace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HouseholdView {
    /// The municipality's number; agencies see a handle instead.
    pub household: HouseholdId,
    /// Family or convivenza.
    pub kind: HouseholdKind,
    /// Members, the reference person first, then by age.
    pub members: Vec<MemberView>,
}

/// A member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemberView {
    /// Place of the member's card among those that were given.
    pub card: usize,
    /// The person.
    pub person: PersonView,
    /// Kinship to the reference person, or role in the convivenza.
    pub role: HouseholdRole,
    /// Since when, where the registry knows.
    pub from: Option<NaiveDate>,
}

/// A dead person, of whose household is asked: it has none any more (ANPR C021). A permit makes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeceasedView {
    /// Who it was, with the day of death.
    pub person: PersonView,
    /// The last day on which the person belonged to a household, which is asked in its place: the day before the death;
    /// `None` where the agreement does not reach back to it.
    pub family_until: Option<NaiveDate>,
}

/// A card with the fields that its permit makes visible.
#[derive(Clone, Copy, Debug)]
pub struct VisibleCard<'a> {
    /// The card.
    pub record: &'a Record,
    /// What may be shown or compared of it.
    pub visible: FieldSet,
}

impl DeceasedView {
    /// All that can be shown.
    pub const FIELDS: FieldSet = FieldSet::SEARCHED.union(FieldSet::of(&[Field::Death]));
}

impl HouseholdView {
    /// The household on `reference_date`; `None` where nobody in it is shown.
    ///
    /// `cards` are all cards that ever belonged to it, each already past its permit's view. Somebody who has left the
    /// register or died is no member; somebody whose household is withheld is left out.
    pub fn of(
        household: &HouseholdId,
        cards: &[VisibleCard<'_>],
        reference_date: NaiveDate,
        history_from: Option<NaiveDate>,
    ) -> Option<Self> {
        let mut members: Vec<(MemberOrder, MemberView)> = members_on(household, cards, reference_date)
            .map(
                |Member {
                     place,
                     card,
                     role,
                     from,
                 }| {
                    let person = PersonView::of(card.record, card.visible, reference_date, history_from);
                    let order = MemberOrder::of(card.record.generalities.birth_date, role);
                    (
                        order,
                        MemberView {
                            card: place,
                            person,
                            role,
                            from,
                        },
                    )
                },
            )
            .collect();
        members.sort_by_key(|(order, _)| *order);
        let kind = members.first().map(|(_, member)| member.role.kind())?;
        let members = members.into_iter().map(|(_, member)| member).collect();
        Some(Self {
            household: household.clone(),
            kind,
            members,
        })
    }
}

/// Who is shown to belong to a household on a day.
pub(crate) struct Member<'a> {
    /// Place of the card among those that were given.
    pub(crate) place: usize,
    /// The card.
    pub(crate) card: VisibleCard<'a>,
    /// Kinship or role.
    pub(crate) role: HouseholdRole,
    /// Since when, where the registry knows.
    pub(crate) from: Option<NaiveDate>,
}

/// The members among `cards` on a day, in the order of the cards.
pub(crate) fn members_on<'a, 'c>(
    household: &'a HouseholdId,
    cards: &'a [VisibleCard<'c>],
    day: NaiveDate,
) -> impl Iterator<Item = Member<'c>> + 'a
where
    'c: 'a,
{
    cards.iter().enumerate().filter_map(move |(place, card)| {
        let present = Standing::of(card.record, day) == Standing::Registered;
        card.record
            .while_registered(&card.record.households, day)
            .held()?;
        let link = card
            .record
            .households
            .dated_at(day)
            .filter(|link| link.value.household == *household)?;
        let shown = present && card.visible.contains(Field::Household);
        shown.then_some(Member {
            place,
            card: *card,
            role: link.value.role,
            from: link.from,
        })
    })
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct MemberOrder {
    after_reference: bool,
    born: NaiveDate,
}

impl MemberOrder {
    fn of(birth: PartialDate, role: HouseholdRole) -> Self {
        Self {
            after_reference: !role.is_reference(),
            born: birth.earliest(),
        }
    }
}

#[cfg(test)]
mod tests;
