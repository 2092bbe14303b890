//! A card as the back office has it today, with the diary of how it came to be so.

use chrono::NaiveDate;

use registry::code::{AprCancellationReason, CancellationReason, CivilStatus, HouseholdRole, Kinship};
use registry::codice_fiscale::TaxCode;
use registry::identifier::{HouseholdId, StateCode};
use registry::record::{
    Cancellation, Death, Generalities, HouseholdLink, Locality, Place, Record, Registration, Residence,
    ResidenceStanding, Sex, TaxCodeEntry,
};
use registry::timeline::{Dated, Timeline};

use super::diary::Diary;
use crate::synthetic::calendar::age_on;
use crate::synthetic::truth::{Aspect, Dwelling, Link, Statement, TruthCard};

/// A card.
///
/// The sheet holds what a row says: of each fact the current value alone. Only the diary knows the past.
#[derive(Debug)]
pub(super) struct Card {
    pub(super) sheet: Record,
    person: String,
    diary: Diary,
    before: Option<Box<Record>>,
    /// Day of the last row.
    pub(super) touched: NaiveDate,
    /// Whether something has happened that the office does not know yet.
    pub(super) waiting: bool,
    /// The entry of which the last row is part, while it can be undone.
    pub(super) entry: Option<usize>,
}

/// Where and with whom somebody lives.
#[derive(Clone, Debug)]
pub(super) struct Position {
    pub(super) residence: Dated<Residence>,
    pub(super) household: Option<Dated<HouseholdLink>>,
}

impl Card {
    /// A card that the export of `today` names for the first time.
    pub(super) fn new(sheet: Record, person: String, today: NaiveDate) -> Self {
        let mut card = Self {
            sheet: current(sheet),
            person,
            diary: Diary::default(),
            before: None,
            touched: today,
            waiting: false,
            entry: None,
        };
        card.diary.begin(today);
        card.state_all();
        card
    }

    fn state_all(&mut self) {
        self.state_registration();
        self.state_exit();
        self.state_names();
        self.state_tax_codes(Vec::new());
        let Record {
            civil_status,
            citizenships,
            residences,
            households,
            ..
        } = self.sheet.clone();
        if let Some(fact) = civil_status.latest() {
            self.diary.learn(fact.from, status(fact.value));
        }
        if let Some(fact) = citizenships.latest() {
            self.diary.learn(fact.from, states(&fact.value));
        }
        if let Some(fact) = residences.latest() {
            self.diary
                .learn(fact.from, Statement::Residence(Dwelling::of(&fact.value)));
        }
        if let Some(fact) = households.latest() {
            self.diary.learn(fact.from, link(&fact.value));
        }
    }

    /// Opens the entry of a day.
    pub(super) fn begin(&mut self, today: NaiveDate, entry: Option<usize>) {
        self.before = Some(Box::new(self.sheet.clone()));
        self.diary.begin(today);
        self.touched = today;
        self.entry = entry;
    }

    /// Undoes the last entry.
    pub(super) fn undo(&mut self, today: NaiveDate) {
        self.diary.undo(today);
        if let Some(before) = self.before.take() {
            self.sheet = *before;
        }
        self.touched = today;
        self.entry = None;
    }

    /// Whether the person is a resident here.
    pub(super) fn is_open(&self) -> bool {
        self.sheet.cancellation.is_none() && self.sheet.death.is_none()
    }

    /// Full years on a day.
    pub(super) fn age(&self, day: NaiveDate) -> i32 {
        age_on(self.sheet.generalities.birth_date.earliest(), day)
    }

    /// Whether the person may marry.
    pub(super) fn is_free(&self, day: NaiveDate) -> bool {
        let status = self.sheet.civil_status.latest().map(|fact| fact.value);
        let free = matches!(
            status,
            Some(CivilStatus::Single | CivilStatus::Divorced | CivilStatus::Widowed)
        );
        free && 18 <= self.age(day)
    }

    pub(super) fn has_status(&self, wanted: CivilStatus) -> bool {
        let status = self.sheet.civil_status.latest();
        status.is_some_and(|fact| fact.value == wanted)
    }

    pub(super) fn is_woman(&self) -> bool {
        self.sheet.generalities.sex == Sex::Female
    }

    pub(super) fn role(&self) -> Option<HouseholdRole> {
        self.sheet.households.latest().map(|fact| fact.value.role)
    }

    pub(super) fn is(&self, kinship: Kinship) -> bool {
        self.role() == Some(HouseholdRole::Family(kinship))
    }

    pub(super) fn household(&self) -> Option<&HouseholdId> {
        self.sheet.households.latest().map(|fact| &fact.value.household)
    }

    pub(super) fn residence(&self) -> Option<&Dated<Residence>> {
        self.sheet.residences.latest()
    }

    /// The position to which an undone change leads back.
    pub(super) fn position(&self) -> Option<Position> {
        Some(Position {
            residence: self.residence()?.clone(),
            household: self.sheet.households.latest().cloned(),
        })
    }

    /// First day of the residence that preceded the current one.
    pub(super) fn residence_before(&self) -> Option<Option<NaiveDate>> {
        self.diary.start_before_last(Aspect::Residence)
    }

    /// First day of the civil status that preceded the current one.
    pub(super) fn status_before(&self) -> Option<Option<NaiveDate>> {
        self.diary.start_before_last(Aspect::CivilStatus)
    }

    /// Another residence.
    pub(super) fn lives_at(&mut self, from: NaiveDate, residence: Residence) {
        self.diary
            .learn(Some(from), Statement::Residence(Dwelling::of(&residence)));
        self.sheet.residences = Timeline::starting(Some(from), residence);
    }

    /// The current residence was another one, or began on another day.
    pub(super) fn lived_rather_at(&mut self, from: Option<NaiveDate>, residence: Residence) {
        self.diary.forget_last(Aspect::Residence);
        self.diary
            .learn(from, Statement::Residence(Dwelling::of(&residence)));
        self.sheet.residences = Timeline::from_facts([Dated {
            from,
            value: residence,
        }]);
    }

    /// The check of the current residence is over.
    pub(super) fn residence_checked(&mut self) {
        if let Some(fact) = self.residence().cloned() {
            let value = Residence {
                standing: ResidenceStanding::Definitive,
                ..fact.value
            };
            self.lived_rather_at(fact.from, value);
        }
    }

    /// The current residence never was: the position of before holds.
    pub(super) fn back_to(&mut self, position: Position) {
        let Position { residence, household } = position;
        self.diary.forget_last(Aspect::Residence);
        self.sheet.residences = Timeline::from_facts([residence]);
        let now = self.sheet.households.latest();
        if let Some(household) = household
            && now != Some(&household)
        {
            self.diary.forget_last(Aspect::Household);
            self.sheet.households = Timeline::from_facts([household]);
        }
    }

    /// Another household, or another role.
    pub(super) fn belongs_to(&mut self, from: NaiveDate, household: HouseholdLink) {
        self.diary.learn(Some(from), link(&household));
        self.sheet.households = Timeline::starting(Some(from), household);
    }

    /// Another role in the same household.
    pub(super) fn becomes(&mut self, from: NaiveDate, kinship: Kinship) {
        if let Some(household) = self.household().cloned() {
            let role = HouseholdRole::Family(kinship);
            self.belongs_to(from, HouseholdLink { household, role });
        }
    }

    /// Another civil status.
    pub(super) fn has_become(&mut self, from: NaiveDate, value: CivilStatus) {
        self.diary.learn(Some(from), status(value));
        self.sheet.civil_status = Timeline::starting(Some(from), value);
    }

    /// The current civil status began on another day.
    pub(super) fn has_been_since(&mut self, from: NaiveDate) {
        if let Some(value) = self.sheet.civil_status.latest().map(|fact| fact.value) {
            self.diary.forget_last(Aspect::CivilStatus);
            self.has_become(from, value);
        }
    }

    /// Other citizenships.
    pub(super) fn is_citizen_of(&mut self, from: NaiveDate, value: Vec<StateCode>) {
        self.diary.learn(Some(from), states(&value));
        self.sheet.citizenships = Timeline::starting(Some(from), value);
    }

    /// A codice fiscale that follows those of before.
    pub(super) fn gets_code(&mut self, entry: TaxCodeEntry) {
        let past = self.diary.tax_codes();
        self.sheet.tax_codes = vec![entry];
        self.diary.forget_all(Aspect::TaxCodes);
        self.state_tax_codes(past);
    }

    /// Names that were written wrong.
    pub(super) fn is_rather_called(&mut self, generalities: Generalities) {
        self.sheet.generalities = generalities;
        self.diary.forget_all(Aspect::Names);
        self.state_names();
    }

    /// The person leaves the register.
    pub(super) fn leaves(
        &mut self,
        reason: AprCancellationReason,
        effective: NaiveDate,
        destination: Option<Locality>,
    ) {
        self.sheet.cancellation = Some(Cancellation {
            reason: CancellationReason::Apr(reason),
            effective,
            destination,
        });
        self.state_exit();
    }

    /// The person died.
    pub(super) fn dies(&mut self, date: NaiveDate, place: Locality, effective: NaiveDate) {
        self.sheet.death = Some(Death {
            date,
            place: Some(place),
        });
        self.sheet.cancellation = Some(Cancellation {
            reason: CancellationReason::Apr(AprCancellationReason::Death),
            effective,
            destination: None,
        });
        self.state_exit();
    }

    /// The person died on another day.
    pub(super) fn died_rather_on(&mut self, date: NaiveDate) {
        if let Some(death) = &mut self.sheet.death {
            death.date = date;
            self.diary.forget_all(Aspect::Death);
            self.diary.learn(Some(date), Statement::Death);
        }
    }

    /// The registration took effect on another day.
    pub(super) fn entered_rather_on(&mut self, effective: NaiveDate) {
        self.sheet.registration.effective = Some(effective);
        self.diary.forget_all(Aspect::Registration);
        self.state_registration();
    }

    /// The move away failed: the position of before was never left.
    pub(super) fn is_restored(&mut self, registration: Registration) {
        self.sheet.registration = registration;
        self.sheet.cancellation = None;
        self.diary.forget_all(Aspect::Cancellation);
        self.diary.forget_all(Aspect::Registration);
        self.state_registration();
    }

    /// Somebody who had been cancelled is registered anew: the card tells of this registration alone.
    pub(super) fn returns(
        &mut self,
        registration: Registration,
        from: NaiveDate,
        residence: Residence,
        household: HouseholdLink,
    ) {
        self.is_restored(registration);
        self.diary.forget_all(Aspect::Residence);
        self.diary.forget_all(Aspect::Household);
        self.lives_at(from, residence);
        self.belongs_to(from, household);
    }

    /// The municipality withdraws the card.
    pub(super) fn is_withdrawn(&mut self) {
        self.diary.forget_everything();
    }

    /// Whether the address is one in Italy.
    pub(super) fn has_dwelling(&self) -> bool {
        let residence = self.residence();
        residence.is_some_and(|fact| matches!(fact.value.place, Place::Italian(_)))
    }

    /// The card of the same person in another municipality begins with these data.
    pub(super) fn person(&self) -> &str {
        &self.person
    }

    /// Everything that ever stood on the card.
    pub(super) fn into_truth(self) -> TruthCard {
        TruthCard {
            person: self.person,
            municipality: self.sheet.municipality.to_string(),
            card: self.sheet.local_id.to_string(),
            facts: self.diary.into_facts(),
        }
    }

    fn state_registration(&mut self) {
        let Registration {
            reason, effective, ..
        } = &self.sheet.registration;
        let reason = reason.code().to_owned();
        self.diary.learn(*effective, Statement::Registration { reason });
    }

    fn state_exit(&mut self) {
        if let Some(exit) = &self.sheet.cancellation {
            let reason = exit.reason.code().to_owned();
            self.diary
                .learn(Some(exit.effective), Statement::Cancellation { reason });
        }
        if let Some(death) = &self.sheet.death {
            self.diary.learn(Some(death.date), Statement::Death);
        }
    }

    fn state_names(&mut self) {
        let Generalities {
            surname, given_name, ..
        } = &self.sheet.generalities;
        self.diary.learn(
            None,
            Statement::Names {
                surname: surname.as_ref().map(ToString::to_string),
                given_name: given_name.as_ref().map(ToString::to_string),
            },
        );
    }

    fn state_tax_codes(&mut self, mut codes: Vec<String>) {
        let current = self.sheet.tax_codes.last().map(|entry| entry.code);
        codes.extend(current.as_ref().map(TaxCode::as_str).map(str::to_owned));
        self.diary.learn(None, Statement::TaxCodes { codes });
    }
}

/// What a row says of a card: the current value of each fact.
fn current(mut record: Record) -> Record {
    fn last<T: Clone>(facts: &Timeline<T>) -> Timeline<T> {
        Timeline::from_facts(facts.latest().cloned())
    }
    record.civil_status = last(&record.civil_status);
    record.citizenships = last(&record.citizenships);
    record.residences = last(&record.residences);
    record.households = last(&record.households);
    record.tax_codes = record.tax_codes.last().cloned().into_iter().collect();
    record
}

fn status(value: CivilStatus) -> Statement {
    Statement::CivilStatus {
        code: value.code().to_owned(),
    }
}

fn states(value: &[StateCode]) -> Statement {
    Statement::Citizenships {
        codes: value.iter().map(ToString::to_string).collect(),
    }
}

fn link(value: &HouseholdLink) -> Statement {
    Statement::Household(Link::of(value))
}
