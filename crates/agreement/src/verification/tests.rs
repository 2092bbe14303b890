use registry::code::{AprCancellationReason, CancellationReason, CivilStatus, Kinship, ToponymSpecies};
use registry::date::PartialDate;
use registry::identifier::{NationalId, StateCode};
use registry::municipality::MunicipalityId;
use registry::record::{
    BirthPlace, Cancellation, Death, ForeignAddress, Parent, Place, Record, Register, Residence,
    ResidenceStanding, Sex,
};
use registry::timeline::{Dated, Timeline};

use super::*;
use crate::claim::{
    AddressClaim, BondClaim, CitizenshipClaim, ClaimError, DeathClaim, FamilyClaim, GeneralitiesClaim,
    GeneralitiesParts, NamedPerson, NationalIdClaim, ParentClaim, ResidenceClaim, UnmarriedClaim,
};
use crate::field::{Field, FieldSet};
use crate::fixture::{self, day};
use crate::service::VerificationKind;

mod family;
mod kinds;
mod residence;

use self::family::{MARIO, family_of};
use self::residence::{address, at_imola, in_imola};

const YES: VerificationAnswer = VerificationAnswer::YES;
const NO: VerificationAnswer = VerificationAnswer::NO;
const NOT_HELD: VerificationAnswer = VerificationAnswer::undetermined(VerificationReason::NotHeld);
const BEFORE_HISTORY: VerificationAnswer =
    VerificationAnswer::undetermined(VerificationReason::BeforeHistory);
const NOT_REGISTERED: VerificationAnswer =
    VerificationAnswer::undetermined(VerificationReason::NotRegistered);
const PROCEDURE_OPEN: VerificationAnswer =
    VerificationAnswer::undetermined(VerificationReason::ProcedureOpen);
const CONTRADICTION: VerificationAnswer = VerificationAnswer::undetermined(VerificationReason::Contradiction);

const TODAY: &str = "2026-03-02";

#[track_caller]
fn check(record: &Record, claim: &Claim, on: &str, expect: VerificationAnswer) {
    let subject = VisibleCard {
        record,
        visible: claim.kind().examines(),
    };
    let facts = VerificationFacts {
        subject,
        household: &[],
    };
    assert_eq!(verify(&facts, claim, day(on)), expect);
}

fn municipality(code: &str) -> MunicipalityId {
    MunicipalityId::of_any(fixture::istat(code)).unwrap()
}

fn date(text: &str) -> PartialDate {
    PartialDate::parse(text).unwrap()
}

fn stated(parts: GeneralitiesParts) -> Claim {
    Claim::Generalities(GeneralitiesClaim::new(parts).unwrap())
}

fn born(text: &str) -> Claim {
    stated(GeneralitiesParts {
        birth_date: Some(date(text)),
        ..GeneralitiesParts::default()
    })
}

fn born_at(place: BirthPlace) -> Claim {
    stated(GeneralitiesParts {
        birth_place: Some(place),
        ..GeneralitiesParts::default()
    })
}

fn named(surname: &str, given_name: &str) -> Claim {
    let part = |text: &str| {
        if text.is_empty() {
            None
        } else {
            Some(fixture::name(text))
        }
    };
    stated(GeneralitiesParts {
        surname: part(surname),
        given_name: part(given_name),
        ..GeneralitiesParts::default()
    })
}

fn birth_municipality(istat: &str, name: &str, province: &str) -> BirthPlace {
    let istat = if istat.is_empty() {
        None
    } else {
        Some(fixture::istat(istat))
    };
    BirthPlace::Municipality {
        istat,
        name: name.to_owned(),
        province: province.to_owned(),
    }
}

fn abroad(state: &str, locality: &str) -> BirthPlace {
    BirthPlace::Abroad {
        state: StateCode::parse(state).unwrap(),
        locality: locality.to_owned(),
    }
}

fn cancelled(record: &mut Record, on: &str) {
    record.cancellation = Some(Cancellation {
        reason: CancellationReason::Apr(AprCancellationReason::Untraceable),
        effective: day(on),
        destination: None,
    });
}

fn died(record: &mut Record, on: &str) {
    record.death = Some(Death {
        date: day(on),
        place: None,
    });
}

#[test]
fn names_agree_whatever_their_spelling() {
    let mut record = fixture::record();
    check(&record, &named("ROSSI", "MARIO"), TODAY, YES);
    check(&record, &named("Rossi", ""), TODAY, YES);
    check(&record, &named("Bianchi", "Mario"), TODAY, NO);
    check(&record, &named("Rossi", "Maria"), TODAY, NO);
    record.generalities.surname = Some(fixture::name("D’Angelò"));
    check(&record, &named("D'ANGELO", ""), TODAY, YES);
    record.generalities.surname = None;
    check(&record, &named("Rossi", ""), TODAY, NO);
    record.generalities.given_name = None;
    check(&record, &named("", "Mario"), TODAY, NO);
}

#[test]
fn an_unknown_sex_contradicts_nothing() {
    let claim = |sex: Sex| {
        stated(GeneralitiesParts {
            sex: Some(sex),
            ..GeneralitiesParts::default()
        })
    };
    let mut record = fixture::record();
    check(&record, &claim(Sex::Male), TODAY, YES);
    check(&record, &claim(Sex::Female), TODAY, NO);
    record.generalities.sex = Sex::Unknown;
    check(&record, &claim(Sex::Male), TODAY, NOT_HELD);
}

#[test]
fn dates_agree_as_far_as_they_are_known() {
    let mut record = fixture::record();
    for (held, stated, expect) in [
        ("1985-12-10", "1985-12-10", YES),
        ("1985-12-10", "1985-12-11", NO),
        ("1985-12-10", "1985-12", YES),
        ("1985-12-10", "1985", YES),
        ("1985-12-10", "1986", NO),
        ("1985-12-10", "1985-11", NO),
        ("1985-12", "1985-12-10", NOT_HELD),
        ("1985-12", "1985-12", YES),
        ("1985-12", "1985-11-30", NO),
        ("1985-12", "1986-01-01", NO),
        ("1985", "1985", YES),
        ("1985", "1985-06", NOT_HELD),
        ("1985", "1984-12-31", NO),
    ] {
        record.generalities.birth_date = date(held);
        check(&record, &born(stated), TODAY, expect);
    }
}

#[test]
fn birth_places_agree_by_identity_or_by_name() {
    let mut record = fixture::record();
    check(
        &record,
        &born_at(birth_municipality("037006", "Bologna", "BO")),
        TODAY,
        YES,
    );
    check(
        &record,
        &born_at(birth_municipality("037032", "Bologna", "BO")),
        TODAY,
        NO,
    );
    check(
        &record,
        &born_at(birth_municipality("", "bologna", "bo")),
        TODAY,
        YES,
    );
    check(
        &record,
        &born_at(birth_municipality("", "Bologna", "MO")),
        TODAY,
        NOT_HELD,
    );
    check(
        &record,
        &born_at(birth_municipality("", "Imola", "BO")),
        TODAY,
        NOT_HELD,
    );
    check(&record, &born_at(abroad("215", "")), TODAY, NO);
    check(
        &record,
        &born_at(BirthPlace::Exceptional("Nave Aurora".to_owned())),
        TODAY,
        NOT_HELD,
    );
    // Novafeltria changed its ISTAT code in 2009 and stayed what it was.
    record.generalities.birth_place = birth_municipality("041039", "Novafeltria", "PS");
    check(
        &record,
        &born_at(birth_municipality("099023", "Novafeltria", "RN")),
        TODAY,
        YES,
    );
    record.generalities.birth_place = abroad("215", "Lyon");
    check(&record, &born_at(abroad("215", "")), TODAY, YES);
    check(&record, &born_at(abroad("215", "LYON")), TODAY, YES);
    check(&record, &born_at(abroad("215", "Lione")), TODAY, NOT_HELD);
    check(&record, &born_at(abroad("216", "Lyon")), TODAY, NO);
    check(
        &record,
        &born_at(birth_municipality("037006", "Bologna", "BO")),
        TODAY,
        NO,
    );
    record.generalities.birth_place = BirthPlace::Exceptional("Nave Aurora".to_owned());
    check(
        &record,
        &born_at(BirthPlace::Exceptional("NAVE AURORA".to_owned())),
        TODAY,
        YES,
    );
    check(
        &record,
        &born_at(BirthPlace::Exceptional("Nave Luna".to_owned())),
        TODAY,
        NOT_HELD,
    );
    check(&record, &born_at(abroad("215", "")), TODAY, NOT_HELD);
}

#[test]
fn what_differs_outweighs_what_is_not_held() {
    let mut record = fixture::record();
    record.generalities.birth_date = date("1985");
    let claim = |surname: &str| {
        stated(GeneralitiesParts {
            surname: Some(fixture::name(surname)),
            birth_date: Some(date("1985-12-10")),
            ..GeneralitiesParts::default()
        })
    };
    check(&record, &claim("Rossi"), TODAY, NOT_HELD);
    check(&record, &claim("Bianchi"), TODAY, NO);
}

#[test]
fn a_claim_states_something() {
    let nothing = GeneralitiesParts::default();
    assert_eq!(
        GeneralitiesClaim::new(nothing.clone()),
        Err(ClaimError::NothingStated)
    );
    let unknown = GeneralitiesParts {
        sex: Some(Sex::Unknown),
        ..nothing
    };
    assert_eq!(GeneralitiesClaim::new(unknown), Err(ClaimError::NothingStated));
}

#[test]
fn alive_is_who_is_registered_and_born_and_not_dead() {
    let alive = Claim::ExistenceInLife;
    let mut record = fixture::record();
    check(&record, &alive, TODAY, YES);
    check(&record, &alive, "2000-01-01", YES);
    check(&record, &alive, "1985-12-10", YES);
    check(&record, &alive, "1985-12-09", NO);
    record.generalities.birth_date = date("1985");
    check(&record, &alive, "1984-12-31", NO);
    check(&record, &alive, "1985-01-01", NOT_HELD);
    check(&record, &alive, "1985-12-30", NOT_HELD);
    check(&record, &alive, "1985-12-31", YES);
    cancelled(&mut record, "2020-01-01");
    check(&record, &alive, "2019-12-31", YES);
    check(&record, &alive, "2020-01-01", NOT_REGISTERED);
    died(&mut record, "2021-01-01");
    check(&record, &alive, "2020-06-01", YES);
    check(&record, &alive, "2021-01-01", YES);
    check(&record, &alive, "2021-01-02", NO);
}

#[test]
fn what_is_withheld_is_not_compared() {
    let mut record = fixture::record();
    record.parents = kinds::parents();
    let claims = [
        (in_imola(), NOT_HELD),
        (at_imola(address("APPIA", Some(7))), NOT_HELD),
        (family_of(&[(MARIO, None)]), NOT_HELD),
        (named("Rossi", "Mario"), YES),
        (Claim::ExistenceInLife, YES),
        (Claim::Marriage(BondClaim::default()), YES),
        (kinds::father("Rossi", "Aldo"), NOT_HELD),
        (kinds::mother("Bianchi", "Ada"), NOT_HELD),
    ];
    for (claim, expect) in claims {
        let visible = claim.kind().examines().difference(FieldSet::LOCATION);
        let card = VisibleCard {
            record: &record,
            visible,
        };
        let facts = VerificationFacts {
            subject: card,
            household: &[card],
        };
        assert_eq!(verify(&facts, &claim, day(TODAY)), expect, "{:?}", claim.kind());
    }
}

#[test]
fn of_several_cards_the_one_that_can_tell_decides() {
    for (answers, expect) in [
        (vec![], None),
        (vec![YES], Some(YES)),
        (vec![NOT_REGISTERED, YES], Some(YES)),
        (vec![NO, BEFORE_HISTORY], Some(NO)),
        (vec![YES, YES, NOT_HELD], Some(YES)),
        (vec![NO, YES], Some(CONTRADICTION)),
        (vec![YES, NO, YES], Some(CONTRADICTION)),
        (vec![NOT_REGISTERED, BEFORE_HISTORY], Some(BEFORE_HISTORY)),
        (vec![BEFORE_HISTORY, NOT_REGISTERED], Some(BEFORE_HISTORY)),
        (vec![NOT_REGISTERED, NOT_REGISTERED], Some(NOT_REGISTERED)),
    ] {
        assert_eq!(combine(answers.clone()), expect, "{answers:?}");
    }
    assert_eq!(
        [Verdict::Yes, Verdict::No, Verdict::Undetermined].map(Verdict::anpr),
        ["S", "N", "A"]
    );
}

#[test]
fn debugging_output_of_a_claim_holds_no_data() {
    let claims = format!(
        "{:?} {:?}",
        named("Rossi", "Mario"),
        at_imola(address("APPIA", Some(7)))
    );
    for secret in ["Rossi", "Mario", "APPIA"] {
        assert!(!claims.contains(secret), "{claims}");
    }
}
