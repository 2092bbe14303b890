//! A partner that guesses: what it learns of a house number with thirty days of declarations, and what of whoever it must
//! not see.

use std::collections::BTreeSet;
use std::time::Duration;

use agreement::claim::{AddressClaim, Claim, ResidenceClaim};
use agreement::context::{AccessContext, AgreementId, CaseReference, OperatorId};
use agreement::peer::Role;
use agreement::reason::Reason;
use agreement::request::DeclaredPerson;
use agreement::verification::Verdict;
use client::admin::Effect;
use client::agency::{AgencyClient, PersonKey, VerifyDeclaration};
use client::receipt::ReceiptForm;
use registry::codice_fiscale::TaxCode;
use registry::municipality::MunicipalityId;
use support::agreements::PUBLIC_BODY;
use support::calls::{ground, verify};
use support::people::{IMOLA, carla, day, elena, istat, mario, nobody};
use support::region::{Region, act};
use wire::proto::consultation::v1 as proto;
use wire::proto::consultation::v1::consultation_service_client::ConsultationServiceClient;

use support::seen::seen;

/// Numbers of the street, in the order in which the partner tries them. Mario lives at number 7.
const NUMBERS: std::ops::RangeInclusive<u32> = 1..=40;
/// Mario's.
const TRUE_NUMBER: u32 = 7;
const DAYS: u32 = 30;

/// How a guess is put, so that it may pass for another one or for none.
#[derive(Clone, Copy, Debug)]
enum Guise {
    Plain,
    Omocode,
    Suffix,
    Unit,
    Spelling,
    PastDate,
    Limited,
    Named,
    OtherOperator,
    /// Together with the same call without what the agreement demands, which is denied.
    BesideDenied,
}

impl Guise {
    const ALL: [Self; 10] = [
        Self::Plain,
        Self::Omocode,
        Self::Suffix,
        Self::Unit,
        Self::Spelling,
        Self::PastDate,
        Self::Limited,
        Self::Named,
        Self::OtherOperator,
        Self::BesideDenied,
    ];
}

fn residence(street: &str, number: u32) -> ResidenceClaim {
    ResidenceClaim {
        municipality: MunicipalityId::of_any(istat(IMOLA)).expect("Imola"),
        address: AddressClaim {
            species: None,
            street: street.to_owned(),
            number: Some(number),
            suffix: String::new(),
            staircase: String::new(),
            unit: String::new(),
        },
    }
}

/// What a partner found out about a house number.
#[derive(Default)]
struct Knowledge {
    excluded: BTreeSet<u32>,
    found: Option<u32>,
    denied: u32,
}

impl Knowledge {
    async fn ask(&mut self, agency: &AgencyClient, number: u32, asked: VerifyDeclaration) {
        match agency.verify_declaration(asked).await {
            Ok(answer) => match answer.verdict {
                Verdict::No => drop(self.excluded.insert(number)),
                // Where nothing but what no card holds stands against it, the number is right.
                Verdict::Yes | Verdict::Undetermined => self.found = Some(number),
            },
            Err(error) => {
                let expected = [
                    Reason::QuotaDeclarations,
                    Reason::NotFound,
                    Reason::OperatorMissing,
                ];
                assert!(
                    error.reason().is_some_and(|reason| expected.contains(&reason)),
                    "{error}"
                );
                self.denied += 1;
            }
        }
    }

    /// One more guess that the partner does not know the answer of.
    fn next(&self) -> Option<u32> {
        NUMBERS.into_iter().find(|number| !self.excluded.contains(number))
    }
}

fn context(agency: &AgencyClient, agreement: &AgreementId) -> AccessContext {
    AccessContext {
        agreement: agreement.clone(),
        ..ground(PUBLIC_BODY, "co-payment", agency.new_request_id())
    }
}

async fn guess(
    known: &mut Knowledge,
    agency: &AgencyClient,
    agreement: &AgreementId,
    number: u32,
    guise: Guise,
) {
    let mut stated = residence("Appia", number);
    let mut asked = verify(
        context(agency, agreement),
        mario().tax_code(),
        Claim::Residence(stated.clone()),
    );
    match guise {
        Guise::Plain => {}
        Guise::Omocode => {
            let code = mario()
                .tax_code()
                .definitive()
                .expect("a code of sixteen characters");
            let omocode = code.omocodes().next().expect("an omocode");
            asked.key = PersonKey::TaxCode(TaxCode::from(omocode));
        }
        Guise::Suffix => stated.address.suffix = "A".to_owned(),
        Guise::Unit => stated.address.unit = "1".to_owned(),
        Guise::Spelling => stated.address.street = "ÀPPIA".to_owned(),
        Guise::PastDate => asked.context.reference_date = Some(day("2020-01-01")),
        Guise::Limited => asked.municipality = Some(istat(IMOLA)),
        Guise::Named => asked.declared = DeclaredPerson::Named,
        Guise::OtherOperator => {
            asked.context.operator = OperatorId::parse("a.verdi").ok();
            asked.context.case_reference = CaseReference::parse("2026/999").ok();
        }
        Guise::BesideDenied => {
            let mut denied = asked.clone();
            denied.context.request_id = agency.new_request_id();
            denied.context.operator = None;
            let (denied, ()) = tokio::join!(
                agency.verify_declaration(denied),
                known.ask(agency, number, asked)
            );
            let error = denied.expect_err("the agreement wants an operator");
            assert_eq!(error.reason(), Some(Reason::OperatorMissing));
            return;
        }
    }
    asked.claim = Claim::Residence(stated);
    known.ask(agency, number, asked).await;
}

/// Everything that is tried in thirty days; `agreement` says under which agreement, of the how-manieth guess.
async fn thirty_days(region: &Region, agreement: impl AsyncFn(usize) -> AgreementId) -> Knowledge {
    let agency = region.agency(PUBLIC_BODY);
    let mut known = Knowledge::default();
    let mut guesses = 0;
    for _ in 0..DAYS {
        for guise in Guise::ALL {
            let Some(number) = known.next().filter(|_| known.found.is_none()) else {
                return known;
            };
            let agreement = agreement(guesses).await;
            guess(&mut known, &agency, &agreement, number, guise).await;
            guesses += 1;
        }
        region.clock.advance(Duration::from_secs(24 * 3600 - 1));
    }
    known
}

#[tokio::test(flavor = "multi_thread")]
async fn a_partner_that_guesses_for_thirty_days_excludes_three_house_numbers_and_finds_none() {
    let region = Region::populated().await;
    let known = thirty_days(&region, async |_| PUBLIC_BODY.agreement()).await;
    assert_eq!(known.found, None);
    assert!(known.excluded.len() <= 3 && !known.excluded.contains(&TRUE_NUMBER));
    assert!(250 < known.denied, "{}", known.denied);
}

/// The control: where each guess is the first under its agreement, the same partner finds the number in a day or two.
#[tokio::test(flavor = "multi_thread")]
async fn without_the_rule_of_three_the_same_partner_finds_the_house_number() {
    let region = Region::populated().await;
    let known = thirty_days(&region, async |guess| {
        let id = format!("{}-{guess}", PUBLIC_BODY.id);
        let document = PUBLIC_BODY.text.replace(PUBLIC_BODY.id, &id);
        let activated = region
            .administrator()
            .activate(document.as_bytes(), None, &act(), Effect::Activate)
            .await;
        activated.expect("the agreement is activated");
        AgreementId::parse(&id).expect("an id")
    })
    .await;
    assert_eq!(known.found, Some(TRUE_NUMBER));
}

#[tokio::test(flavor = "multi_thread")]
async fn five_declarations_about_nobody_cost_and_tell_as_much_as_about_whoever_is_hidden() {
    let region = Region::populated().await;
    let agency = region.agency(PUBLIC_BODY);
    let channel = region.channel(Role::Agency, PUBLIC_BODY.agency).await;
    let mut client = ConsultationServiceClient::new(channel);
    let mut transcripts = Vec::new();
    for code in [nobody(), carla().tax_code(), elena().tax_code()] {
        let mut transcript = Vec::new();
        // What is denied for another reason was compared with nobody, and counts for nothing.
        let claim = Claim::Residence(residence("Appia", 9));
        let mut denied = verify(context(&agency, &PUBLIC_BODY.agreement()), code, claim);
        denied.context.operator = None;
        let error = agency.verify_declaration(denied).await.expect_err("no operator");
        assert_eq!(error.reason(), Some(Reason::OperatorMissing));
        for number in 1..=5 {
            let claim = Claim::Residence(residence("Appia", number));
            let asked = verify(context(&agency, &PUBLIC_BODY.agreement()), code, claim);
            let refused = client
                .verify_declaration(proto::VerifyDeclarationRequest::from(asked))
                .await
                .expect_err("nobody is shown");
            let described = agency
                .describe_access(
                    &context(&agency, &PUBLIC_BODY.agreement()),
                    Some(PersonKey::TaxCode(code)),
                    ReceiptForm::Short,
                )
                .await
                .expect("a description");
            let left = described.agreements[0].declarations.clone();
            let of_residence = left
                .iter()
                .find(|allowance| allowance.verification == "residence")
                .and_then(|allowance| allowance.remaining);
            assert_eq!(of_residence, Some(3_u32.saturating_sub(number)));
            let told = (
                refused.code(),
                refused.message().to_owned(),
                refused.details().len(),
            );
            // The pairs in which a denial explains itself come in no order.
            let bytes = (number <= 3).then(|| seen(&refused).0);
            transcript.push((told, bytes, left));
        }
        transcripts.push(transcript);
    }
    let (absent, hidden) = transcripts.split_first().expect("three");
    for transcript in hidden {
        assert_eq!(transcript, absent);
    }
}
