//! The households of a person, and the rule for the deceased. Of a household nothing is shown where somebody in it is
//! protected from the permit: to show the others would show where that person lives.

use agreement::field::{Field, FieldSet};
use agreement::permit::{HiddenClause, Permit, View};
use agreement::service::Service;
use agreement::subject::{Location, Standing};
use agreement::view::household::{DeceasedView, HouseholdView, VisibleCard};
use registry::identifier::HouseholdId;
use registry::municipality::MunicipalityId;

use crate::access_log::draft::{EntryDraft, Sealed};
use crate::projection::ProjectionError;
use crate::record_store::ReadError;
use crate::record_store::answer::{DeceasedCard, HouseholdAnswer, HouseholdCard, Question};
use crate::record_store::read::{Reader, Seen, check_service, code_standing, source_of};
use crate::record_store::subjects::{Findings, Told};
use crate::rows::Lead;

impl Reader {
    /// The households in which a person's cards stand on the reference date.
    pub(crate) fn household(
        &self,
        permit: &Permit,
        question: &Question,
        draft: EntryDraft,
    ) -> Result<Sealed<HouseholdAnswer>, ReadError> {
        check_service(permit, Service::LookupHousehold)?;
        let mut findings = Findings::new(self.snapshot(permit)?);
        let mut households = Vec::new();
        let mut deceased: Vec<DeceasedCard> = Vec::new();
        for seen in self.candidates(permit, question, &findings)? {
            let fields = match seen.view {
                View::Hidden(clause) => {
                    findings.withheld(seen.municipality, seen.person, clause);
                    continue;
                }
                View::Visible(fields) => fields,
            };
            let Some(household) = household_on(&seen, permit) else {
                if let Some(view) = permit.deceased(&seen.record, fields) {
                    findings.shown(seen.municipality, seen.person, view.person.fields);
                    let card = self.deceased_card(permit, question, &seen, view);
                    let same = |known: &DeceasedCard| known.handle == card.handle && known.view == card.view;
                    if !deceased.iter().any(same) {
                        deceased.push(card);
                    }
                    continue;
                }
                findings.compared(
                    seen.municipality,
                    seen.person,
                    fields.intersection(permit.fields()),
                );
                continue;
            };
            if !fields.contains(Field::Household) {
                findings.withheld(seen.municipality, seen.person, HiddenClause::Protected);
                continue;
            }
            let members = self.members(permit, seen.municipality, &household, &findings)?;
            households.extend(self.household_card(permit, &seen, &household, &members, &mut findings)?);
        }
        let answer = HouseholdAnswer { households, deceased };
        let told = Told::absence_if(answer.is_empty());
        let draft = findings.enter(permit, &self.pseudonyms, told, draft)?;
        Ok(Sealed::new(answer, draft))
    }

    fn deceased_card(
        &self,
        permit: &Permit,
        question: &Question,
        seen: &Seen,
        view: DeceasedView,
    ) -> DeceasedCard {
        DeceasedCard {
            handle: self.handles.person(permit.agreement_id(), seen.person),
            view,
            standing: code_standing(question, &seen.record),
            version: seen.version,
        }
    }

    /// The household as one answer; `None`, and an entry that says so, when somebody in it is protected: to show the
    /// others would show where that person lives.
    fn household_card(
        &self,
        permit: &Permit,
        seen: &Seen,
        household: &HouseholdId,
        members: &[Seen],
        findings: &mut Findings,
    ) -> Result<Option<HouseholdCard>, ProjectionError> {
        let mut protected = false;
        let mut shown = Vec::new();
        for member in members
            .iter()
            .filter(|member| household_on(member, permit).as_ref() == Some(household))
        {
            let (fields, clause) = match member.view {
                View::Visible(fields) => (fields, HiddenClause::Protected),
                View::Hidden(clause) => (FieldSet::EMPTY, clause),
            };
            if fields.contains(Field::Household) {
                shown.push((member, fields));
            } else {
                protected |= shelters(member);
                findings.withheld(member.municipality, member.person, clause);
            }
        }
        if protected {
            findings.withheld(seen.municipality, seen.person, HiddenClause::Protected);
            return Ok(None);
        }
        let cards: Vec<VisibleCard<'_>> = shown
            .iter()
            .map(|(member, fields)| VisibleCard {
                record: &member.record,
                visible: fields.intersection(permit.fields()),
            })
            .collect();
        let view = HouseholdView::of(household, &cards, permit.reference_date(), permit.history_from());
        let Some(view) = view else { return Ok(None) };
        let agreement = permit.agreement_id();
        for member in &view.members {
            let Some((seen, fields)) = shown.get(member.card) else {
                return Ok(None);
            };
            findings.shown(
                seen.municipality,
                seen.person,
                fields.intersection(permit.fields()),
            );
            self.note_parents(permit, &seen.record, &member.person, findings)?;
        }
        let version = shown.iter().map(|(member, _)| member.version).max();
        let version = version.unwrap_or_default();
        let handles = shown
            .iter()
            .map(|(member, _)| self.handles.person(agreement, member.person))
            .collect();
        let token = self
            .projection
            .household_token(seen.municipality, household.as_str());
        Ok(Some(HouseholdCard {
            handle: self.handles.household(agreement, &token),
            handles,
            source: source_of(seen.municipality, permit.fields()),
            version,
            view,
        }))
    }

    pub(super) fn members(
        &self,
        permit: &Permit,
        municipality: MunicipalityId,
        household: &HouseholdId,
        findings: &Findings,
    ) -> Result<Vec<Seen>, ProjectionError> {
        let visible = findings.visible();
        let household = self.projection.household_token(municipality, household.as_str());
        let mut members = Vec::new();
        for record in self.projection.cards_of(Lead::Household(household), visible)? {
            let card = self.version(permit, record, visible)?;
            members.extend(self.look(permit, card, visible)?);
        }
        Ok(members)
    }
}

/// Whether a member's location is protected from this permit, so that the household must not be shown at all.
pub(super) fn shelters(member: &Seen) -> bool {
    let household_shown = matches!(member.view, View::Visible(fields) if fields.contains(Field::Household));
    member.facts.location != Location::Open && !household_shown
}

/// The household in which a card stands on the reference date.
pub(super) fn household_on(seen: &Seen, permit: &Permit) -> Option<HouseholdId> {
    if seen.facts.standing != Standing::Registered {
        return None;
    }
    seen.record
        .while_registered(&seen.record.households, permit.reference_date())
        .held()
        .map(|link| link.household.clone())
}
