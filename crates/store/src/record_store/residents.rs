//! The residents of an address, as far as the permit shows them, or the word that they are too many.
//!
//! Whoever is found is told to live there, so nobody is found whose place the permit withholds, by whichever of the
//! person's cards. What is told, also that there are more than may be shown, is a function of the persons shown alone.

use std::collections::BTreeSet;

use agreement::claim::ResidenceClaim;
use agreement::permit::{Permit, View};
use agreement::service::Service;
use agreement::verification::resides_at;
use agreement::view::person::PersonView;
use chrono::NaiveDate;
use registry::house::HouseKey;
use registry::identifier::{PersonId, RecordId};

use crate::access_log::draft::{EntryDraft, Sealed};
use crate::projection::Card;
use crate::record_store::ReadError;
use crate::record_store::answer::{CodeStanding, PersonCard, ResidentGroup, ResidentsAnswer};
use crate::record_store::read::{Reader, Seen, check_service};
use crate::record_store::subjects::{Findings, Told};
use crate::rows::CommitSequence;

/// The order of residents: names and birth date as they are shown, and then the card's id, which says nothing about when
/// it came.
type Order = (Option<String>, Option<String>, Option<NaiveDate>, RecordId);

/// Who may be shown, in order.
type Residents = Vec<(Order, PersonCard)>;

impl Reader {
    /// The residents of an address on the reference date.
    pub(crate) fn residents(
        &self,
        permit: &Permit,
        address: &ResidenceClaim,
        draft: EntryDraft,
    ) -> Result<Sealed<ResidentsAnswer>, ReadError> {
        check_service(permit, Service::LookupAddressResidents)?;
        let mut findings = Findings::new(self.snapshot(permit)?);
        let (told, answer) = match self.shown_residents(permit, address, &mut findings)? {
            None => {
                // Nobody of them is disclosed. That there are so many told of those who were counted until then.
                findings = findings.counted_alone();
                let most = permit.max_residents();
                (Told::TooManyResidents, ResidentsAnswer::TooMany { most })
            }
            Some(residents) => {
                let told = Told::absence_if(residents.is_empty());
                (told, ResidentsAnswer::Found(groups(residents)))
            }
        };
        let draft = findings.enter(permit, &self.pseudonyms, told, draft)?;
        Ok(Sealed::new(answer, draft))
    }

    /// The residents who are shown; `None` where they are more than may be.
    fn shown_residents(
        &self,
        permit: &Permit,
        address: &ResidenceClaim,
        findings: &mut Findings,
    ) -> Result<Option<Residents>, ReadError> {
        let visible = findings.visible();
        let resident = |card: &Card| {
            let record = card.record.as_ref();
            record.is_some_and(|record| resides_at(record, address, permit.reference_date()))
        };
        let (mut known, mut shown) = (BTreeSet::new(), BTreeSet::new());
        let mut residents = Residents::new();
        for record in self.led_to_house(address, visible)? {
            let Some(card) = self.version(permit, record, visible)?.filter(resident) else {
                continue;
            };
            if !known.insert(card.person) {
                continue;
            }
            for seen in self.every_card(permit, card.person, visible)? {
                if !resides_at(&seen.record, address, permit.reference_date()) {
                    continue;
                }
                match seen.view {
                    View::Hidden(clause) => {
                        findings.withheld_of_many(seen.municipality, seen.person, clause);
                    }
                    View::Visible(fields) => {
                        shown.insert(seen.person);
                        let entered = fields.intersection(permit.fields());
                        findings.shown(seen.municipality, seen.person, entered);
                        let card = self.person_card(permit, CodeStanding::Current, &seen, fields);
                        self.note_parents(permit, &seen.record, &card.view, findings)?;
                        residents.push((order(&card.view, seen.id), card));
                    }
                }
            }
            if permit.max_residents() < shown.len() {
                return Ok(None);
            }
        }
        residents.sort_by(|(one, _), (other, _)| one.cmp(other));
        Ok(Some(residents))
    }

    /// The cards that ever named the house, also in municipalities that were merged with the one asked for.
    fn led_to_house(
        &self,
        address: &ResidenceClaim,
        visible: CommitSequence,
    ) -> Result<BTreeSet<RecordId>, ReadError> {
        let ResidenceClaim {
            municipality,
            address,
        } = address;
        let mut records = BTreeSet::new();
        for municipality in municipality.lineage() {
            let house = HouseKey::new(municipality, &address.street, address.number);
            records.extend(self.projection.cards_of(self.projection.house(&house), visible)?);
        }
        Ok(records)
    }

    /// Every card of a person in one look: where one of them withholds the place, so do the others.
    fn every_card(
        &self,
        permit: &Permit,
        person: PersonId,
        visible: CommitSequence,
    ) -> Result<Vec<Seen>, ReadError> {
        let mut cards = Vec::new();
        for record in self.projection.cards_of_person(person, visible)? {
            cards.extend(self.version(permit, record, visible)?);
        }
        Ok(self.look(permit, cards, visible)?)
    }
}

fn order(view: &PersonView, record: RecordId) -> Order {
    let text = |name: &registry::record::PersonName| name.as_str().to_owned();
    (
        view.surname.as_ref().map(text),
        view.given_name.as_ref().map(text),
        view.birth_date.map(|birth| birth.earliest()),
        record,
    )
}

/// By household, in the order of whoever comes first in it.
fn groups(residents: Residents) -> Vec<ResidentGroup> {
    let mut groups: Vec<ResidentGroup> = Vec::new();
    for (_, card) in residents {
        match groups.iter_mut().find(|group| group.household == card.household) {
            Some(group) => group.cards.push(card),
            None => groups.push(ResidentGroup {
                household: card.household,
                cards: vec![card],
            }),
        }
    }
    groups
}
