//! Which person a card belongs to.

use chrono::NaiveDate;

use crate::codice_fiscale::TaxCode;
use crate::date::PartialDate;
use crate::identifier::{IstatCode, NationalId, PersonId, RecordId};
use crate::linking::GeneralitiesKey;
use crate::linking::anomaly::{Anomaly, AnomalyKind};
use crate::municipality::MunicipalityId;
use crate::record::{Record, Register, Sex};

/// What linking looks at on a card.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CardFacts {
    /// Whether the card may be linked at all.
    pub identity: Identity,
    /// Municipality that keeps it.
    pub municipality: IstatCode,
    /// Register that keeps it.
    pub register: Register,
    /// Days on which the person stood in the register: first, when known, and the day on which it ended.
    pub registered: (Option<NaiveDate>, Option<NaiveDate>),
    /// National id.
    pub national_id: Option<NationalId>,
    /// Validated codici fiscali, current and past.
    pub tax_codes: Vec<TaxCode>,
    /// Exact generalities.
    pub generalities: Option<GeneralitiesKey>,
    /// Sex.
    pub sex: Sex,
    /// Birth date.
    pub birth_date: PartialDate,
}

/// Whether a card may be linked to others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Identity {
    /// As usual.
    Open,
    /// Sealed (adoption, rectification of sex, protection programme): a link would tell the old identity from the
    /// new one, so there is none (L. 184/1983 art. 28; L. 164/1982 art. 5; d.lgs. 119/1993).
    Sealed,
}

/// A card that shares a link key with the one to be linked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// Its id.
    pub record: RecordId,
    /// The person it belongs to.
    pub person: PersonId,
    /// Commit sequence at which it was linked: the earlier card names the person.
    pub linked_at: u64,
    /// What it says.
    pub facts: CardFacts,
}

/// How sure a link is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LinkStanding {
    /// The first card of a person, linked to no other.
    First,
    /// By national id or validated codice fiscale.
    Confirmed,
    /// By exact generalities alone.
    Unconfirmed,
}

/// The person of a card.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkDecision {
    /// The person.
    pub person: PersonId,
    /// How sure it is.
    pub standing: LinkStanding,
    /// Other persons that this card shows to be the same; their ids resolve to `person` from now on. Ascending by
    /// when they were first linked.
    pub merged: Vec<PersonId>,
    /// Contradictions, by candidate.
    pub anomalies: Vec<Anomaly>,
}

impl CardFacts {
    /// What a card says.
    pub fn of(record: &Record, identity: Identity) -> Self {
        let validated = record.tax_codes.iter().filter(|entry| entry.validated);
        let cancelled = record.cancellation.as_ref().map(|exit| exit.effective);
        // Death ends a registration even before the card is cancelled.
        let died = record.death.as_ref().map(|death| death.date);
        Self {
            identity,
            municipality: record.municipality,
            register: record.register,
            registered: (
                record.registration.effective,
                [cancelled, died].into_iter().flatten().min(),
            ),
            national_id: record.national_id,
            tax_codes: validated.map(|entry| entry.code).collect(),
            generalities: GeneralitiesKey::of(&record.generalities),
            sex: record.generalities.sex,
            birth_date: record.generalities.birth_date,
        }
    }

    /// Whether the person stands in the register on a day.
    pub fn registered_on(&self, day: NaiveDate) -> bool {
        let (from, until) = self.registered;
        from.is_none_or(|from| from <= day) && until.is_none_or(|until| day < until)
    }
}

/// What two cards say about being one person's.
enum Verdict {
    Same(Option<AnomalyKind>),
    Perhaps,
    Different(Option<AnomalyKind>),
    /// Nothing in common and nothing against: found by a key that one of them no longer has.
    Unrelated,
}

/// Decides over a card. `own` is its id; `today` is the day for which double registrations are looked for. The order
/// of the candidates does not matter, and the card itself among them is passed over.
pub fn link(own: RecordId, card: &CardFacts, candidates: &[Candidate], today: NaiveDate) -> LinkDecision {
    let mut decision = LinkDecision {
        person: PersonId(own.0),
        standing: LinkStanding::First,
        merged: Vec::new(),
        anomalies: Vec::new(),
    };
    if card.identity == Identity::Sealed {
        return decision;
    }
    let mut candidates: Vec<&Candidate> = candidates
        .iter()
        .filter(|candidate| candidate.record != own && candidate.facts.identity == Identity::Open)
        .collect();
    candidates.sort_by_key(|candidate| (candidate.linked_at, candidate.record));

    let (mut same, mut perhaps, mut different) = (Vec::new(), Vec::new(), Vec::new());
    for candidate in candidates {
        let anomaly = match compare(card, &candidate.facts) {
            Verdict::Same(anomaly) => {
                same.push((candidate, anomaly));
                None
            }
            Verdict::Perhaps => {
                push_new(&mut perhaps, (candidate.person, candidate.record));
                None
            }
            Verdict::Different(anomaly) => {
                push_new(&mut different, candidate.person);
                anomaly
            }
            Verdict::Unrelated => None,
        };
        decision.anomalies.extend(anomaly.map(|kind| Anomaly {
            kind,
            other: candidate.record,
        }));
    }

    let joined = persons_that_agree(card, &same);
    for (candidate, anomaly) in &same {
        let kinds = if joined.contains(&candidate.person) {
            [double_registration(card, &candidate.facts, today), *anomaly]
        } else {
            [None, Some(AnomalyKind::OneCodeTwoPersons)]
        };
        let other = candidate.record;
        let found = kinds.into_iter().flatten().map(|kind| Anomaly { kind, other });
        decision.anomalies.extend(found);
    }
    if let [person, merged @ ..] = joined.as_slice() {
        decision.person = *person;
        decision.standing = LinkStanding::Confirmed;
        decision.merged = merged.to_vec();
        return decision;
    }
    // A person of whom another card contradicts this one is not a guess worth making.
    perhaps.retain(|(person, _)| !different.contains(person));
    let mut persons = Vec::new();
    perhaps
        .iter()
        .for_each(|(person, _)| push_new(&mut persons, *person));
    match persons.as_slice() {
        [] => {}
        [person] => {
            decision.person = *person;
            decision.standing = LinkStanding::Unconfirmed;
        }
        _ => {
            let kind = AnomalyKind::SeveralPersons;
            decision
                .anomalies
                .extend(perhaps.iter().map(|(_, other)| Anomaly { kind, other: *other }));
        }
    }
    decision
}

/// Whether what a card said once was said of the person of another card. Stricter than a link: a codice fiscale alone may
/// have been somebody else's, entered by mistake, so the generalities must agree with it.
pub fn said_of_same(past: &CardFacts, other: &CardFacts) -> bool {
    let same_national_id = past.national_id.is_some() && past.national_id == other.national_id;
    let same_generalities = past.generalities.is_some() && past.generalities == other.generalities;
    match compare(past, other) {
        Verdict::Same(_) => same_national_id || same_generalities,
        Verdict::Perhaps | Verdict::Different(_) | Verdict::Unrelated => false,
    }
}

/// Of the persons whom a card shows to be the same, those whose own cards admit it; the others only share an
/// identifier with a card that bears too many. A national id chooses before a codice fiscale, else the earlier card.
/// They come in the order of the candidates.
fn persons_that_agree(card: &CardFacts, same: &[(&Candidate, Option<AnomalyKind>)]) -> Vec<PersonId> {
    let by_national_id =
        |candidate: &Candidate| card.national_id.is_some() && card.national_id == candidate.facts.national_id;
    let mut strongest_first: Vec<&Candidate> = same.iter().map(|(candidate, _)| *candidate).collect();
    strongest_first.sort_by_key(|candidate| !by_national_id(candidate));

    let mut joined: Vec<&Candidate> = Vec::new();
    let mut refused: Vec<PersonId> = Vec::new();
    for candidate in strongest_first {
        let theirs = joined.iter().any(|other| other.person == candidate.person);
        if !theirs
            && joined
                .iter()
                .any(|other| strangers(&other.facts, &candidate.facts))
        {
            push_new(&mut refused, candidate.person);
        } else if !refused.contains(&candidate.person) {
            joined.push(candidate);
        }
    }
    let mut persons = Vec::new();
    for (candidate, _) in same {
        if joined.iter().any(|other| other.person == candidate.person) {
            push_new(&mut persons, candidate.person);
        }
    }
    persons
}

/// Whether two cards cannot be one person's: no third card makes them that. Two codes under the same generalities can.
fn strangers(card: &CardFacts, other: &CardFacts) -> bool {
    match compare(card, other) {
        Verdict::Same(_) | Verdict::Perhaps | Verdict::Different(Some(AnomalyKind::OnePersonTwoCodes)) => {
            false
        }
        Verdict::Different(_) => true,
        Verdict::Unrelated => {
            let named_otherwise = card
                .generalities
                .as_ref()
                .zip(other.generalities.as_ref())
                .is_some_and(|(mine, theirs)| mine != theirs);
            named_otherwise || contradicts(card, other)
        }
    }
}

fn compare(card: &CardFacts, other: &CardFacts) -> Verdict {
    let same_national_id = card
        .national_id
        .zip(other.national_id)
        .map(|(mine, theirs)| mine == theirs);
    let same_code = match (card.tax_codes.as_slice(), other.tax_codes.as_slice()) {
        ([], _) | (_, []) => None,
        (mine, theirs) => Some(mine.iter().any(|code| theirs.contains(code))),
    };
    let same_generalities = card.generalities.is_some() && card.generalities == other.generalities;
    match (same_national_id, same_code) {
        (Some(true), Some(false)) => Verdict::Same(Some(AnomalyKind::OnePersonTwoCodes)),
        (Some(true), Some(true) | None) => Verdict::Same(None),
        (Some(false), Some(true)) => Verdict::Different(Some(AnomalyKind::OneCodeTwoPersons)),
        (Some(false), Some(false) | None) => Verdict::Different(None),
        (None, Some(true)) if contradicts(card, other) => {
            Verdict::Different(Some(AnomalyKind::OneCodeTwoPersons))
        }
        (None, Some(true)) => Verdict::Same(None),
        (None, Some(false)) if same_generalities && omocode_pair(card, other) => {
            Verdict::Different(Some(AnomalyKind::OmocodePair))
        }
        (None, Some(false)) if same_generalities => Verdict::Different(Some(AnomalyKind::OnePersonTwoCodes)),
        (None, Some(false)) => Verdict::Different(None),
        (None, None) if same_generalities => Verdict::Perhaps,
        (None, None) => Verdict::Unrelated,
    }
}

/// Sex or birth date that cannot be one person's. Both are part of the code, so one of the cards is wrong about it.
fn contradicts(card: &CardFacts, other: &CardFacts) -> bool {
    let sexes = [card.sex, other.sex];
    let sex_differs = card.sex != other.sex && !sexes.contains(&Sex::Unknown);
    let (mine, theirs) = (card.birth_date, other.birth_date);
    sex_differs || mine.latest() < theirs.earliest() || theirs.latest() < mine.earliest()
}

fn omocode_pair(card: &CardFacts, other: &CardFacts) -> bool {
    let base = |code: &TaxCode| code.definitive().map(|code| code.base());
    card.tax_codes.iter().filter_map(base).any(|mine| {
        other
            .tax_codes
            .iter()
            .filter_map(base)
            .any(|theirs| mine == theirs)
    })
}

fn double_registration(card: &CardFacts, other: &CardFacts, today: NaiveDate) -> Option<AnomalyKind> {
    if !card.registered_on(today) || !other.registered_on(today) {
        return None;
    }
    let identities =
        MunicipalityId::of_any(card.municipality).zip(MunicipalityId::of_any(other.municipality));
    let same_municipality =
        card.municipality == other.municipality || identities.is_some_and(|(mine, theirs)| mine == theirs);
    // Who was merged leaves its cards as they were, and its successor has them too.
    if !same_municipality && identities.is_some_and(|(mine, theirs)| mine.shares_lineage(theirs)) {
        return None;
    }
    if card.register != other.register {
        return Some(AnomalyKind::AprAndAire);
    }
    Some(if same_municipality {
        AnomalyKind::DoubleCard
    } else {
        AnomalyKind::DoubleResidence
    })
}

fn push_new<T: PartialEq>(list: &mut Vec<T>, item: T) {
    if !list.contains(&item) {
        list.push(item);
    }
}
