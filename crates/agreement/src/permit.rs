//! A granted call, and what it shows of each person found.

use std::sync::Arc;

use chrono::{DateTime, NaiveDate, Utc};

use registry::municipality::MunicipalityId;
use registry::record::{Record, Register};

use crate::ascertainment::Ascertainment;
use crate::context::{AgreementId, OperatorId, PurposeId};
use crate::field::{Field, FieldSet};
use crate::moment::Moment;
use crate::release::Seclusion;
use crate::repeats::FirstCall;
use crate::request::{Asked, Request};
use crate::service::{Service, VerificationKind};
use crate::subject::{Age, Consent, Identity, Location, Standing, SubjectFacts};
use crate::terms::{Agreement, HistoryDepth, Inclusion, Protection, PurposeKind, Terms};
use crate::view::household::DeceasedView;
use crate::view::person::PersonView;

/// A call that was granted. Only [`decide`](crate::decision::decide) makes one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Permit {
    agreement: Arc<Agreement>,
    purpose: PurposeId,
    purpose_kind: PurposeKind,
    seclusion: Seclusion,
    asked: Asked,
    granted: FieldSet,
    fields: FieldSet,
    operator: Option<OperatorId>,
    municipality: Option<MunicipalityId>,
    reference_date: NaiveDate,
    known_on: Option<DateTime<Utc>>,
    repeats: Option<u64>,
    moment: Moment,
}

/// What a permit shows of a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum View {
    /// These fields, possibly none: then the caller learns that the person exists and no more.
    Visible(FieldSet),
    /// Nothing: to the caller the person does not exist.
    Hidden(HiddenClause),
}

/// Why a person is not shown. Goes into a sealed part of the log entry and nowhere else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum HiddenClause {
    /// The service is about no person.
    Service,
    /// Old and new identity of the person must not be linked (L. 184/1983 art. 28, d.lgs. 119/1993).
    SealedIdentity,
    /// The municipality is outside the territory, or not the one asked for.
    Territory,
    /// The municipality has not opened its data to the agreement.
    MunicipalityConsent,
    /// Residents are not included.
    Residents,
    /// Citizens abroad are not included.
    Aire,
    /// Persons who left the register are not included.
    Cancelled,
    /// The dead are not included.
    Deceased,
    /// Minors are not included.
    Minor,
    /// Protected persons are not shown.
    Protected,
}

impl Permit {
    /// Binds a call that passed every clause to what it may show; `None` where the agreement lacks the purpose.
    pub(crate) fn grant(agreement: &Arc<Agreement>, request: &Request, moment: Moment) -> Option<Self> {
        let Request {
            context,
            asked,
            municipality,
            declared: _,
            batch: _,
        } = request;
        let purpose = agreement.terms().purpose(&context.purpose);
        let (purpose_kind, seclusion, granted) = match purpose {
            Some(purpose) => (
                purpose.kind,
                purpose.seclusion(moment),
                purpose.fields_of(request),
            ),
            None if asked.service().needs_grant() => return None,
            None => (PurposeKind::Ordinary, Seclusion::None, FieldSet::EMPTY),
        };
        let wanted = if asked.fields().is_empty() {
            granted
        } else {
            asked.fields()
        };
        let fields = match asked {
            Asked::Person { .. } | Asked::PersonNamed { .. } | Asked::Residents { .. } => {
                granted.intersection(wanted)
            }
            Asked::Ascertainment {
                kind: Ascertainment::FamilyStatus,
                ..
            } => granted.intersection(wanted.union(FieldSet::of(&[Field::Household]))),
            Asked::Ascertainment { .. } => granted.intersection(wanted),
            Asked::Household { .. } | Asked::HouseholdNamed { .. } => {
                granted.intersection(wanted.union(FieldSet::of(&[Field::Household])))
            }
            Asked::Search { criteria: _ } => granted.intersection(FieldSet::SEARCHED),
            Asked::Verification(kind) => kind.examines(),
            Asked::AccessDescription | Asked::Receipt => FieldSet::EMPTY,
        };
        Some(Self {
            agreement: Arc::clone(agreement),
            purpose: context.purpose.clone(),
            purpose_kind,
            seclusion,
            asked: *asked,
            granted,
            fields,
            operator: context.operator.clone(),
            municipality: *municipality,
            reference_date: context.reference_date.unwrap_or_else(|| moment.date()),
            known_on: context.known_on,
            repeats: None,
            moment,
        })
    }

    /// The agreement, in the version that granted the call.
    pub fn agreement(&self) -> &Arc<Agreement> {
        &self.agreement
    }

    /// Id of the agreement.
    pub fn agreement_id(&self) -> &AgreementId {
        &self.terms().id
    }

    /// Id of the purpose.
    pub fn purpose(&self) -> &PurposeId {
        &self.purpose
    }

    /// Who may read of the access in the log.
    pub fn purpose_kind(&self) -> PurposeKind {
        self.purpose_kind
    }

    /// Whether the access is reserved, and until when.
    pub fn seclusion(&self) -> Seclusion {
        self.seclusion
    }

    /// The service granted. A store must refuse to read for another one.
    pub fn service(&self) -> Service {
        self.asked.service()
    }

    /// The kind of verification granted, of a verification.
    pub fn verification(&self) -> Option<VerificationKind> {
        self.asked.verification()
    }

    /// The kind of ascertainment granted, of one that is called by its name.
    pub fn ascertainment(&self) -> Option<Ascertainment> {
        self.asked.ascertainment()
    }

    /// Fields granted: to show, or for a verification to compare.
    pub fn fields(&self) -> FieldSet {
        self.fields
    }

    /// Fields that the purpose grants to consultations, whatever the call shows of them.
    pub fn granted(&self) -> FieldSet {
        self.granted
    }

    /// The operator who calls.
    pub fn operator(&self) -> Option<&OperatorId> {
        self.operator.as_ref()
    }

    /// Most persons that one search may show.
    pub fn max_hits(&self) -> usize {
        usize::from(self.terms().max_hits)
    }

    /// Most residents that one question about an address may show.
    pub fn max_residents(&self) -> usize {
        usize::from(self.terms().max_residents)
    }

    /// Municipality to which the question is limited.
    pub fn municipality(&self) -> Option<MunicipalityId> {
        self.municipality
    }

    /// Day at which the answer must be true.
    pub fn reference_date(&self) -> NaiveDate {
        self.reference_date
    }

    /// Instant as of which the answer must have been known; `None` for now.
    pub fn known_on(&self) -> Option<DateTime<Utc>> {
        self.known_on
    }

    /// The same permit for a repeat of an earlier call: it reads what that one read, at the same reference date.
    #[must_use]
    pub fn repeating(self, first: &FirstCall) -> Self {
        let FirstCall {
            entry: _,
            read_at,
            reference_date,
        } = *first;
        Self {
            reference_date,
            repeats: read_at,
            ..self
        }
    }

    /// The state of the registry, as commit sequence, that the call which this one repeats has read.
    pub fn repeats(&self) -> Option<u64> {
        self.repeats
    }

    /// Whether the registry is read as it stood, and not as it stands: then that alone is shown which still may be.
    pub fn reads_the_past(&self) -> bool {
        self.known_on.is_some() || self.repeats.is_some()
    }

    /// Today in Italy when the call was decided.
    pub fn today(&self) -> NaiveDate {
        self.moment.date()
    }

    /// When the call was decided.
    pub fn moment(&self) -> Moment {
        self.moment
    }

    /// First day of the history that may be shown; `None` where there is no bound.
    pub fn history_from(&self) -> Option<NaiveDate> {
        match self.terms().history {
            HistoryDepth::Today => Some(self.reference_date),
            HistoryDepth::Since(day) => Some(day),
            HistoryDepth::All => None,
        }
    }

    /// What the call shows of one person found. Every candidate passes here before anything of it is counted,
    /// compared or returned.
    pub fn view(&self, subject: &SubjectFacts) -> View {
        match self.hidden_by(subject) {
            Some(clause) => View::Hidden(clause),
            None => View::Visible(self.fields_of(subject)),
        }
    }

    /// The person as the call shows it, or why it does not.
    pub fn person(&self, record: &Record, subject: &SubjectFacts) -> Result<PersonView, HiddenClause> {
        match self.view(subject) {
            View::Hidden(clause) => Err(clause),
            View::Visible(fields) => Ok(self.person_with(record, fields)),
        }
    }

    /// The person with the fields that [`Self::view`] made visible.
    pub fn person_with(&self, record: &Record, visible: FieldSet) -> PersonView {
        let shown = visible.intersection(self.fields);
        let mut view = PersonView::of(record, shown, self.reference_date, self.history_from());
        view.location_withheld = self.withholds_location(shown);
        if view.location_withheld
            && let Some(death) = &mut view.death
        {
            // The place of death leads to where the person lived.
            death.place = None;
        }
        if let Some(kind) = self.ascertainment() {
            kind.narrow(&mut view, record, shown, self.reference_date);
        }
        view
    }

    /// What a question about the household shows of a person of whom [`Self::view`] made these fields visible and who
    /// was dead on the reference date; `None` where the person was not, or where deaths are not granted or not asked
    /// for: nothing must tell of one then.
    pub fn deceased(&self, record: &Record, visible: FieldSet) -> Option<DeceasedView> {
        let death = record.death.as_ref()?;
        let visible = visible.intersection(self.fields);
        let dead = Standing::of(record, self.reference_date) == Standing::Dead;
        if !dead || !visible.contains(Field::Death) {
            return None;
        }
        let shown = DeceasedView::FIELDS.intersection(visible);
        let mut person = PersonView::of(record, shown, self.reference_date, self.history_from());
        person.location_withheld = self.withholds_location(visible);
        if let Some(death) = &mut person.death {
            // The rule shows the day alone.
            death.place = None;
        }
        let earliest = self.terms().history.earliest(self.today());
        let family_until = death
            .date
            .pred_opt()
            .filter(|day| earliest.is_none_or(|earliest| earliest <= *day));
        Some(DeceasedView { person, family_until })
    }

    /// Whether fields were granted that lead to the place and are not among the visible ones: the answer then says
    /// that the location is withheld.
    pub fn withholds_location(&self, visible: FieldSet) -> bool {
        !self.fields.intersection(FieldSet::LOCATION).is_subset(visible)
    }

    fn terms(&self) -> &Terms {
        self.agreement.terms()
    }

    fn hidden_by(&self, subject: &SubjectFacts) -> Option<HiddenClause> {
        let SubjectFacts {
            municipality,
            register,
            standing,
            age,
            location,
            identity,
            consent,
        } = *subject;
        let terms = self.terms();
        let population = terms.population;
        let excluded = |inclusion: Inclusion| !inclusion.is_included();
        if !self.service().needs_grant() {
            return Some(HiddenClause::Service);
        }
        if identity == Identity::Sealed {
            return Some(HiddenClause::SealedIdentity);
        }
        // A place that is not shown must not be found by asking of one municipality after the other: a question about one
        // person is answered whichever is asked, a search that is limited finds nobody whose place is withheld, nor does
        // a question about an address.
        let withheld = self.withholds_place(location);
        let asks_where = match self.service() {
            Service::SearchPersons => self.municipality.is_some(),
            Service::LookupAddressResidents => true,
            Service::LookupPerson
            | Service::LookupHousehold
            | Service::VerifyDeclaration
            | Service::BatchLookupPersons
            | Service::BatchVerify
            | Service::DescribeAccess
            | Service::GetReceipt => false,
        };
        if withheld && asks_where {
            return Some(HiddenClause::Protected);
        }
        let elsewhere = self
            .municipality
            .is_some_and(|asked| !withheld && !asked.shares_lineage(municipality));
        if elsewhere || !terms.territory.contains(municipality) {
            return Some(HiddenClause::Territory);
        }
        if consent == Consent::Withheld {
            return Some(HiddenClause::MunicipalityConsent);
        }
        match register {
            Register::Apr if excluded(population.residents) => return Some(HiddenClause::Residents),
            Register::Aire if excluded(population.aire) => return Some(HiddenClause::Aire),
            Register::Apr | Register::Aire => {}
        }
        match standing {
            Standing::Cancelled if excluded(population.cancelled) => return Some(HiddenClause::Cancelled),
            Standing::Dead if excluded(population.deceased) => return Some(HiddenClause::Deceased),
            Standing::Registered | Standing::Cancelled | Standing::Dead => {}
        }
        if age == Age::Minor && excluded(population.minors) {
            return Some(HiddenClause::Minor);
        }
        let hides_protected = terms.protection == Protection::Hidden;
        (location == Location::Protected && hides_protected).then_some(HiddenClause::Protected)
    }

    fn fields_of(&self, subject: &SubjectFacts) -> FieldSet {
        if self.withholds_place(subject.location) {
            self.fields.difference(FieldSet::LOCATION)
        } else {
            self.fields
        }
    }

    fn withholds_place(&self, location: Location) -> bool {
        match (location, &self.terms().protection) {
            (Location::Open, _) | (Location::Shared | Location::Protected, Protection::Shown { .. }) => false,
            (
                Location::Shared | Location::Protected,
                Protection::LocationWithheld { .. } | Protection::Hidden,
            ) => true,
        }
    }
}

impl HiddenClause {
    /// Every clause, in the order of examination.
    pub const ALL: [Self; 10] = [
        Self::Service,
        Self::SealedIdentity,
        Self::Territory,
        Self::MunicipalityConsent,
        Self::Residents,
        Self::Aire,
        Self::Cancelled,
        Self::Deceased,
        Self::Minor,
        Self::Protected,
    ];

    /// The name in the sealed part of the log entry.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Service => "service",
            Self::SealedIdentity => "sealed-identity",
            Self::Territory => "territory",
            Self::MunicipalityConsent => "municipality-consent",
            Self::Residents => "residents",
            Self::Aire => "aire",
            Self::Cancelled => "cancelled",
            Self::Deceased => "deceased",
            Self::Minor => "minor",
            Self::Protected => "protected",
        }
    }

    /// Reads a name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|clause| clause.name() == name)
    }
}

#[cfg(test)]
mod tests;
