//! The next version of a card, from its last version and a row of an export.

use chrono::NaiveDate;

use crate::change::event::EventKind;
use crate::record::{Flags, Record, Residence, TaxCodeEntry};
use crate::sealing;
use crate::timeline::{Dated, Timeline};

/// Joins what an export says now with what the mirror knows from before, where nothing says what happened.
///
/// - A fact with a new start is added, and the earlier facts stay as history.
/// - A fact with a start already known supersedes it: a rectification.
/// - A fact that starts before ones already known takes their place: the municipality no longer states those, so
///   they were annulled.
/// - A fact that was the last one known and has another start now had the wrong one: the wrong start leaves nothing
///   behind. Nobody moves to where they live already; who left and came back between two exports loses the time
///   before, which is then without history, and is never given an address at which nobody says they lived.
/// - A fact without start cannot be put in order. When its value is the current one, nothing is learnt; otherwise it
///   stands alone, because what the municipality says now must be what is served.
/// - A codice fiscale that is no longer current stays as a past one.
/// - A card that was closed and is opened by a new registration tells where the person lives since then: it has one
///   registration, so what lies before is without history. A closing that is undone leaves the history whole.
/// - A card that is closed may leave address and household empty: that says nothing about where the person had lived.
/// - What the export of an open card leaves empty becomes empty, history included: a municipality that withdraws a
///   field from publication withdraws its past with it.
/// - Measures are a registrar's and never an export's: they stay as they were, and the marker of protection, once set,
///   stays set whatever the export says.
/// - A sealed card keeps nothing from before its seal ([`sealing::stripped`]).
///
/// Everything else is taken from the export.
pub fn merge_export(previous: Option<&Record>, incoming: Record) -> Record {
    merge(previous, incoming, Reading::Unsaid)
}

/// As [`merge_export`], for a row that names the event it reports (`evento`).
///
/// - A rectification corrects the last fact known, so that one goes whatever its start and value were; a codice
///   fiscale that was wrong is no past code of the person.
/// - An annulment takes the last fact back, and a codice fiscale with it: what the row states is what stood before.
/// - Any other event adds the fact that it is about, also where the value is that of before: who moves to another
///   flat behind the same door lives at an address that reads the same, since another day.
pub fn merge_event(previous: Option<&Record>, incoming: Record, event: EventKind) -> Record {
    merge(previous, incoming, Reading::Told(event))
}

/// What a row says about the facts that it replaces.
#[derive(Clone, Copy, Debug)]
enum Reading {
    /// Nothing: what happened shows only by comparison.
    Unsaid,
    /// This event.
    Told(EventKind),
}

/// A kind of fact that has a history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Aspect {
    TaxCode,
    CivilStatus,
    Citizenship,
    Residence,
    Household,
}

/// What became of the last fact known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Last {
    /// It is history, unless it is the stated one with another start.
    Superseded,
    /// It is history.
    Past,
    /// It was wrong.
    Wrong,
    /// It never was.
    Undone,
}

impl Reading {
    fn last(self, aspect: Aspect) -> Last {
        let Self::Told(event) = self else {
            return Last::Superseded;
        };
        let about: &[Aspect] = match event {
            EventKind::Rectification => return Last::Wrong,
            EventKind::Annulment => return Last::Undone,
            EventKind::Birth
            | EventKind::Immigration
            | EventKind::Registration
            | EventKind::ChangeOfDwelling => &[Aspect::Residence, Aspect::Household],
            EventKind::HouseholdChange | EventKind::Death => &[Aspect::Household],
            EventKind::Marriage
            | EventKind::CivilUnion
            | EventKind::Widowhood
            | EventKind::Dissolution
            | EventKind::CivilStatusChange => &[Aspect::CivilStatus, Aspect::Household],
            EventKind::Citizenship => &[Aspect::Citizenship],
            EventKind::TaxCode => &[Aspect::TaxCode],
            EventKind::Emigration
            | EventKind::Cancellation
            | EventKind::IdentityDocument
            | EventKind::Marker => &[],
        };
        if about.contains(&aspect) {
            Last::Past
        } else {
            Last::Superseded
        }
    }
}

fn merge(previous: Option<&Record>, incoming: Record, reading: Reading) -> Record {
    let Some(previous) = previous else {
        return incoming;
    };
    let stay = Stay::of(previous, &incoming);
    // Destructured so that a field added to the record must be given a rule here.
    let Record {
        municipality,
        local_id,
        register,
        generalities,
        tax_codes,
        national_id,
        civil_status,
        citizenships,
        parents,
        residences,
        households,
        identity_document,
        registration,
        cancellation,
        death,
        flags,
        measures: _,
    } = incoming;
    let merged = Record {
        municipality,
        local_id,
        register,
        generalities,
        tax_codes: merge_tax_codes(&previous.tax_codes, tax_codes, reading.last(Aspect::TaxCode)),
        national_id,
        civil_status: merge_timeline(
            &previous.civil_status,
            civil_status,
            reading.last(Aspect::CivilStatus),
            PartialEq::eq,
        ),
        citizenships: merge_timeline(
            &previous.citizenships,
            citizenships,
            reading.last(Aspect::Citizenship),
            PartialEq::eq,
        ),
        parents,
        residences: stay.merge(
            &previous.residences,
            residences,
            reading.last(Aspect::Residence),
            same_residence,
        ),
        households: stay.merge(
            &previous.households,
            households,
            reading.last(Aspect::Household),
            PartialEq::eq,
        ),
        identity_document,
        registration,
        cancellation,
        death,
        flags: Flags {
            protected: previous.flags.protected || flags.protected,
            ..flags
        },
        measures: previous.measures.clone(),
    };
    if merged.is_sealed() {
        sealing::stripped(sealing::with_arrival(previous, merged))
    } else {
        merged
    }
}

/// Whether a card that was closed is opened again by another registration, and not by taking the closing back.
pub(super) fn is_registered_anew(previous: &Record, next: &Record) -> bool {
    let Some(exit) = &previous.cancellation else {
        return false;
    };
    let entered = next.registration.effective;
    let later = entered.is_some_and(|entered| exit.effective <= entered);
    later && next.cancellation.is_none() && previous.registration != next.registration
}

/// What the card's registration and closing say about the facts that hold while a person is registered.
#[derive(Clone, Copy, Debug)]
struct Stay {
    /// Day on which the registration ended that another one follows.
    ended: Option<NaiveDate>,
    /// Whether the card is closed now.
    closed: bool,
}

impl Stay {
    fn of(previous: &Record, next: &Record) -> Self {
        let exit = previous.cancellation.as_ref();
        Self {
            ended: exit
                .filter(|_| is_registered_anew(previous, next))
                .map(|exit| exit.effective),
            closed: !next.is_open(),
        }
    }

    /// A fact that holds only while the person is registered.
    fn merge<T: Clone + PartialEq>(
        self,
        previous: &Timeline<T>,
        incoming: Timeline<T>,
        last: Last,
        same: impl Fn(&T, &T) -> bool,
    ) -> Timeline<T> {
        if self.closed && incoming.is_empty() {
            return previous.clone();
        }
        let begun = incoming.facts().first().and_then(|fact| fact.from);
        match self.ended {
            // What held since before the end was never interrupted: the position of before was restored.
            Some(ended) if begun.is_none_or(|begun| ended <= begun) => incoming,
            Some(_) | None => merge_timeline(previous, incoming, last, same),
        }
    }
}

/// `same` tells whether two values are one fact, so that only its start can have changed.
fn merge_timeline<T: Clone + PartialEq>(
    previous: &Timeline<T>,
    incoming: Timeline<T>,
    last: Last,
    same: impl Fn(&T, &T) -> bool,
) -> Timeline<T> {
    let (Some(known), Some(stated)) = (previous.latest(), incoming.latest()) else {
        return incoming;
    };
    let Some(first) = incoming.facts().first() else {
        return incoming;
    };
    let Some(begun) = first.from else {
        let nothing_learnt = stated.from.is_none() && stated.value == known.value;
        return if nothing_learnt {
            previous.clone()
        } else {
            incoming
        };
    };
    let kept = match last {
        Last::Superseded | Last::Past => previous.facts(),
        Last::Wrong | Last::Undone => previous.facts().split_last().map_or(&[][..], |(_, kept)| kept),
    };
    let mut earlier: Vec<Dated<T>> = kept
        .iter()
        .filter(|fact| fact.from.is_none_or(|from| from < begun))
        .cloned()
        .collect();
    while last == Last::Superseded && earlier.last().is_some_and(|fact| same(&fact.value, &first.value)) {
        earlier.pop();
    }
    Timeline::from_facts(earlier.into_iter().chain(incoming.facts().iter().cloned()))
}

/// The same place is the same residence, whatever became of the check of it.
fn same_residence(one: &Residence, other: &Residence) -> bool {
    one.place == other.place
}

fn merge_tax_codes(
    previous: &[TaxCodeEntry],
    mut incoming: Vec<TaxCodeEntry>,
    last: Last,
) -> Vec<TaxCodeEntry> {
    let Some(current) = incoming.last().map(|entry| entry.code) else {
        return incoming;
    };
    for stated in &mut incoming {
        let known = previous.iter().find(|known| known.code == stated.code);
        stated.from = stated.from.or_else(|| known.and_then(|known| known.from));
    }
    let without_last = || previous.split_last().map_or(&[][..], |(_, before)| before);
    let is_current = previous.last().is_some_and(|last| last.code == current);
    let known = match last {
        Last::Superseded | Last::Past => previous,
        Last::Wrong | Last::Undone if is_current => previous,
        Last::Wrong => without_last(),
        // Back to the code of before, and nothing that came after it.
        Last::Undone => previous
            .iter()
            .position(|known| known.code == current)
            .and_then(|at| previous.get(..at))
            .unwrap_or_else(without_last),
    };
    let past = known
        .iter()
        .filter(|known| incoming.iter().all(|stated| stated.code != known.code));
    let mut codes: Vec<TaxCodeEntry> = past.cloned().collect();
    codes.append(&mut incoming);
    codes
}
