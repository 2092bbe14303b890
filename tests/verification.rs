//! Verifications answer yes, no, or that it cannot be determined.

mod adversary;
mod cases;
pub(crate) mod cards;

use agreement::claim::{
    AddressClaim, Claim, FamilyClaim, GeneralitiesClaim, GeneralitiesParts, MemberClaim, ResidenceClaim,
};
use agreement::reason::Reason;
use agreement::verification::Verdict::{self, No, Undetermined, Yes};
use agreement::verification::VerificationReason;
use registry::codice_fiscale::TaxCode;
use registry::municipality::MunicipalityId;
use registry::record::PersonName;
use support::agreements::{ASSOCIATION, Document, PUBLIC_BODY};
use support::calls::{ground, verify};
use support::people::{DOZZA, IMOLA, Person, anna, giulia, istat, luca, mario, nobody};
use support::region::Region;

fn residence_in(municipality: &str) -> Claim {
    let municipality = MunicipalityId::of_any(istat(municipality)).expect("a municipality");
    Claim::MunicipalResidence(municipality)
}

fn residence_at(street: &str) -> Claim {
    let municipality = MunicipalityId::of_any(istat(IMOLA)).expect("a municipality");
    let address = AddressClaim {
        species: None,
        street: street.to_owned(),
        number: Some(7),
        suffix: String::new(),
        staircase: String::new(),
        unit: String::new(),
    };
    Claim::Residence(ResidenceClaim {
        municipality,
        address,
    })
}

fn surname(text: &str) -> Claim {
    let parts = GeneralitiesParts {
        surname: PersonName::parse(text).ok(),
        ..GeneralitiesParts::default()
    };
    Claim::Generalities(GeneralitiesClaim::new(parts).expect("something is stated"))
}

fn family(members: &[Person]) -> Claim {
    let members = members
        .iter()
        .map(|member| MemberClaim {
            tax_code: member.tax_code(),
            kinship: None,
        })
        .collect();
    Claim::FamilyStatus(FamilyClaim::new(members).expect("a family"))
}

async fn ask(
    region: &Region,
    (document, purpose): (Document, &str),
    person: &Person,
    claim: Claim,
) -> (Verdict, VerificationReason) {
    let agency = region.agency(document);
    let context = ground(document, purpose, agency.new_request_id());
    let answer = agency
        .verify_declaration(verify(context, person.tax_code(), claim))
        .await
        .expect("an answer");
    (answer.verdict, answer.reason)
}

#[tokio::test(flavor = "multi_thread")]
async fn declarations_are_confirmed_contradicted_or_left_open() {
    let region = Region::populated().await;
    let body = (PUBLIC_BODY, "co-payment");
    let association = (ASSOCIATION, "declared-residence");
    let cases = [
        (association, mario(), residence_in(IMOLA), Yes),
        (association, mario(), residence_in(DOZZA), No),
        (association, mario(), residence_at("Appia"), Yes),
        (association, mario(), residence_at("Emilia"), No),
        (association, giulia(), residence_in(IMOLA), Undetermined),
        (body, mario(), surname("ROSSI"), Yes),
        (body, mario(), surname("Russo"), No),
        (body, mario(), Claim::ExistenceInLife, Yes),
        (body, mario(), family(&[mario(), anna(), luca()]), Yes),
        (body, mario(), family(&[mario(), anna()]), No),
    ];
    for (number, (agency, person, claim, expected)) in cases.into_iter().enumerate() {
        let (verdict, reason) = ask(&region, agency, &person, claim).await;
        assert_eq!(verdict, expected, "case {number}, reason {reason:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_open_procedure_is_named_as_the_reason_for_not_answering() {
    let region = Region::populated().await;
    let (_, reason) = ask(
        &region,
        (PUBLIC_BODY, "co-payment"),
        &giulia(),
        residence_in(IMOLA),
    )
    .await;
    assert_eq!(reason, VerificationReason::ProcedureOpen);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fourth_different_declaration_about_one_person_is_denied_also_after_a_restart_and_of_nobody() {
    let mut region = Region::populated().await;
    let refused = async |region: &Region, code: TaxCode, claim: Claim| {
        let agency = region.agency(ASSOCIATION);
        let context = ground(ASSOCIATION, "declared-residence", agency.new_request_id());
        let asked = verify(context, code, claim);
        agency.verify_declaration(asked).await.err().map(|error| {
            let stated = error.retry_after();
            (error.reason(), stated.is_some())
        })
    };
    let spent = Some((Some(Reason::QuotaDeclarations), true));
    let mario = mario().tax_code();
    let absent = Some((Some(Reason::NotFound), false));
    for street in ["Appia", "Emilia", "Mazzini"] {
        assert_eq!(refused(&region, mario, residence_at(street)).await, None);
        assert_eq!(refused(&region, nobody(), residence_at(street)).await, absent);
    }
    for _ in 0..2 {
        assert_eq!(refused(&region, mario, residence_at("Garibaldi")).await, spent);
        assert_eq!(refused(&region, nobody(), residence_at("Garibaldi")).await, spent);
        // The same again is not counted, nor is another kind.
        assert_eq!(refused(&region, mario, residence_at("APPIA")).await, None);
        assert_eq!(refused(&region, mario, residence_in(IMOLA)).await, None);
        region.stop_index().await;
        region.start_index().await;
    }
}
