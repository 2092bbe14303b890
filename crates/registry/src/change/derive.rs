//! What happened between two versions of a card.

use chrono::NaiveDate;

use crate::change::event::{EventKind, RegistryEvent};
use crate::change::merge::is_registered_anew;
use crate::code::{
    AireCancellationReason, AireRegistrationReason, AprCancellationReason, AprRegistrationReason,
    CancellationReason, CivilStatus, RegistrationReason,
};
use crate::record::{Cancellation, Record};
use crate::timeline::Timeline;

/// Says what happened between two versions of a card, in the order in which a card tells it: entry, facts, exit.
///
/// `registration_date` is the day on which the difference was noticed. Equal versions give no event. The first
/// version gives how the person came into the register and, if so, how they left it; its other facts are where the
/// publication begins and no events.
pub fn derive_events(
    previous: Option<&Record>,
    next: &Record,
    registration_date: NaiveDate,
) -> Vec<RegistryEvent> {
    let mut events = Events {
        registration_date,
        list: Vec::new(),
    };
    match previous {
        None => events.entry(next),
        Some(previous) => events.difference(previous, next),
    }
    events.exit(previous, next);
    events.list
}

struct Events {
    registration_date: NaiveDate,
    list: Vec<RegistryEvent>,
}

impl Events {
    fn push(&mut self, kind: EventKind, event_date: Option<NaiveDate>, effective_date: Option<NaiveDate>) {
        let registration_date = self.registration_date;
        self.list.push(RegistryEvent {
            kind,
            event_date,
            effective_date,
            registration_date,
            act: None,
        });
    }

    fn entry(&mut self, record: &Record) {
        let kind = entry_kind(record.registration.reason);
        let event_date = match kind {
            EventKind::Birth => record.generalities.birth_date.to_naive(),
            _ => None,
        };
        self.push(kind, event_date, record.registration.effective);
    }

    fn difference(&mut self, previous: &Record, next: &Record) {
        if previous.registration != next.registration || previous.register != next.register {
            let starts = previous.registration.effective.zip(next.registration.effective);
            let later = starts.is_some_and(|(before, after)| before < after);
            // Nobody enters twice without having left: another start alone is a correction.
            let entered = previous.cancellation.is_some()
                || previous.register != next.register
                || previous.registration.reason != next.registration.reason;
            if later && entered {
                self.entry(next);
            } else {
                self.push(EventKind::Rectification, None, next.registration.effective);
            }
        }
        if previous.generalities != next.generalities || previous.parents != next.parents {
            self.push(EventKind::Rectification, None, None);
        }
        if previous.tax_codes != next.tax_codes {
            let from = next.tax_codes.last().and_then(|entry| entry.from);
            self.push(EventKind::TaxCode, None, from);
        }
        self.timeline(&previous.civil_status, &next.civil_status, |status| {
            civil_status_kind(*status)
        });
        self.timeline(&previous.citizenships, &next.citizenships, |_| {
            EventKind::Citizenship
        });
        // The new registration tells of the address and household with which it begins.
        if !is_registered_anew(previous, next) {
            self.timeline(&previous.residences, &next.residences, |_| {
                EventKind::ChangeOfDwelling
            });
            self.timeline(&previous.households, &next.households, |_| {
                EventKind::HouseholdChange
            });
        }
        if previous.identity_document != next.identity_document {
            let issued = next.identity_document.as_ref().map(|document| document.issued);
            self.push(EventKind::IdentityDocument, issued, None);
        }
        if previous.flags != next.flags
            || previous.measures != next.measures
            || previous.national_id != next.national_id
        {
            self.push(EventKind::Marker, None, None);
        }
    }

    /// A fact after all known ones is an event of its kind; one with a known start, before a known one or in the
    /// place of one that is gone corrects; one that is gone without another in its place was undone.
    fn timeline<T: PartialEq>(
        &mut self,
        previous: &Timeline<T>,
        next: &Timeline<T>,
        kind: impl Fn(&T) -> EventKind,
    ) {
        let known_until = previous.latest().map(|fact| fact.from);
        let gone = previous
            .facts()
            .iter()
            .filter(|fact| !next.facts().contains(fact));
        let gone: Vec<Option<NaiveDate>> = gone.map(|fact| fact.from).collect();
        let mut learnt = false;
        for fact in next.facts() {
            if previous.facts().contains(fact) {
                continue;
            }
            learnt = true;
            if gone.is_empty() && known_until.is_none_or(|known| known < fact.from) {
                self.push(kind(&fact.value), fact.from, fact.from);
            } else {
                self.push(EventKind::Rectification, None, fact.from);
            }
        }
        if !learnt {
            for from in gone {
                self.push(EventKind::Annulment, None, from);
            }
        }
    }

    fn exit(&mut self, previous: Option<&Record>, next: &Record) {
        let (was_dead, was_cancelled) = match previous {
            Some(previous) => (previous.death.as_ref(), previous.cancellation.as_ref()),
            None => (None, None),
        };
        match (was_dead, &next.death) {
            (None, None) => {}
            (None, Some(death)) => {
                let effective = next.cancellation.as_ref().filter(|exit| exit.reason.is_death());
                self.push(
                    EventKind::Death,
                    Some(death.date),
                    effective.map(|exit| exit.effective),
                );
            }
            (Some(_), None) => self.push(EventKind::Annulment, None, None),
            (Some(was), Some(is)) if was == is => {}
            (Some(_), Some(is)) => self.push(EventKind::Rectification, Some(is.date), None),
        }
        match (was_cancelled, &next.cancellation) {
            (None, None) => {}
            (None, Some(exit)) if exit.reason.is_death() && next.death.is_some() && was_dead.is_none() => {}
            (None, Some(exit)) => self.push(exit_kind(exit), None, Some(exit.effective)),
            // Who comes back had left.
            (Some(_), None) if previous.is_some_and(|previous| is_registered_anew(previous, next)) => {}
            (Some(was), None) => self.push(EventKind::Annulment, None, Some(was.effective)),
            (Some(was), Some(is)) if was == is => {}
            (Some(_), Some(is)) => self.push(EventKind::Rectification, None, Some(is.effective)),
        }
    }
}

fn entry_kind(reason: RegistrationReason) -> EventKind {
    match reason {
        RegistrationReason::Apr(AprRegistrationReason::Birth)
        | RegistrationReason::Aire(AireRegistrationReason::Birth) => EventKind::Birth,
        RegistrationReason::Apr(
            AprRegistrationReason::Immigration
            | AprRegistrationReason::FromAbroad
            | AprRegistrationReason::Repatriation
            | AprRegistrationReason::HomelessDomicile,
        )
        | RegistrationReason::Aire(
            AireRegistrationReason::ExpatriationOrResidence
            | AireRegistrationReason::FromOtherAire
            | AireRegistrationReason::Expatriation,
        ) => EventKind::Immigration,
        RegistrationReason::Apr(
            AprRegistrationReason::JudiciallyRecognised
            | AprRegistrationReason::Reappearance
            | AprRegistrationReason::CensusRectification
            | AprRegistrationReason::Other
            | AprRegistrationReason::PreviousPositionRestored,
        )
        | RegistrationReason::Aire(
            AireRegistrationReason::Reregistration
            | AireRegistrationReason::CitizenshipAcquired
            | AireRegistrationReason::Law15Of1992
            | AireRegistrationReason::Other,
        ) => EventKind::Registration,
    }
}

fn exit_kind(cancellation: &Cancellation) -> EventKind {
    match cancellation.reason {
        CancellationReason::Apr(AprCancellationReason::Death | AprCancellationReason::PresumedDeath)
        | CancellationReason::Aire(AireCancellationReason::Death | AireCancellationReason::PresumedDeath) => {
            EventKind::Death
        }
        CancellationReason::Apr(
            AprCancellationReason::MoveToOtherMunicipality
            | AprCancellationReason::HomelessMove
            | AprCancellationReason::ForeignerMovedAbroad
            | AprCancellationReason::MoveAbroadToAire,
        )
        | CancellationReason::Aire(
            AireCancellationReason::ReturnByTransfer
            | AireCancellationReason::ReturnByImmigration
            | AireCancellationReason::ToOtherAire,
        ) => EventKind::Emigration,
        CancellationReason::Apr(
            AprCancellationReason::Untraceable
            | AprCancellationReason::DwellingOrPermitNotRenewed
            | AprCancellationReason::CensusRectification
            | AprCancellationReason::DoubleRegistration
            | AprCancellationReason::CitizenshipLost
            | AprCancellationReason::PreviousPositionRestored
            | AprCancellationReason::Other,
        )
        | CancellationReason::Aire(
            AireCancellationReason::PresumedUntraceable
            | AireCancellationReason::CitizenshipLost
            | AireCancellationReason::Other
            | AireCancellationReason::DoubleRegistration,
        ) => EventKind::Cancellation,
    }
}

fn civil_status_kind(status: CivilStatus) -> EventKind {
    match status {
        CivilStatus::Married => EventKind::Marriage,
        CivilStatus::CivillyUnited => EventKind::CivilUnion,
        CivilStatus::Widowed | CivilStatus::FreeAfterPartnerDeath => EventKind::Widowhood,
        CivilStatus::Divorced | CivilStatus::FreeAfterUnionDissolved => EventKind::Dissolution,
        CivilStatus::Single | CivilStatus::Unknown => EventKind::CivilStatusChange,
    }
}
