//! The cases written by hand: `tests/data/verification/cases.toml`, through nodes, index and the real protocol.

use std::collections::BTreeSet;

use agreement::peer::Role;
use agreement::service::VerificationKind;
use registry::municipality;
use serde::Deserialize;
use support::agreements::{Document, PUBLIC_BODY};
use support::cards::Cards;
use support::people::istat;
use support::region::act;
use tonic::transport::Channel;
use uuid::Uuid;
use wire::proto::consultation::v1 as proto;
use wire::proto::consultation::v1::consultation_service_client::ConsultationServiceClient;
use wire::proto::registry::v1 as card;
use wire::proto::r#type::v1::PartialDate;
use wire::status::failure_of;

use super::cards::{self, region};

const CASES: &str = include_str!("../data/verification/cases.toml");
const AGREEMENT: &str = include_str!("../data/verification/agreement.toml");
/// What each kind of verification and each rule of the reference date must have: a case that holds and one that does
/// not.
const RULES: [&str; 30] = [
    "C003",
    "C004",
    "C005",
    "C006",
    "C007",
    "C008",
    "C009",
    "C010",
    "C011",
    "C012",
    "C013",
    "C014",
    "C031",
    "residence in a municipality",
    "2.5 day of death",
    "2.5 family of a dead person",
    "2.5 death and cancellation",
    "2.5 before the history",
    "2.5 past date",
    "2.5 older relation",
    "2.5 member who moved out",
    "2.5 residence change pending",
    "2.5 day to come",
    "R2 municipality",
    "R2 kind",
    "R2 population",
    "R2 protected",
    "R15",
    "consent",
    "declared person",
];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Cases {
    case: Vec<Case>,
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    rules: Vec<String>,
    /// Municipality and name of a card, or a codice fiscale.
    about: String,
    on: Option<String>,
    municipality: Option<String>,
    case_reference: Option<String>,
    consent: Option<String>,
    declared: Option<String>,
    #[serde(default)]
    agreement: Vec<[String; 2]>,
    claim: Statement,
    expect: String,
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Statement {
    kind: String,
    surname: Option<String>,
    given_name: Option<String>,
    sex: Option<String>,
    birth_date: Option<String>,
    birth_municipality: Option<String>,
    birth_state: Option<String>,
    date: Option<String>,
    since: Option<String>,
    partner_surname: Option<String>,
    partner_given_name: Option<String>,
    state: Option<String>,
    municipality: Option<String>,
    street: Option<String>,
    number: Option<u32>,
    #[serde(default)]
    without_number: bool,
    suffix: Option<String>,
    status: Option<String>,
    of: Option<String>,
    #[serde(default)]
    members: Vec<String>,
}

fn date(text: &str) -> PartialDate {
    let mut parts = text.split('-').map(|part| part.parse().expect("a number"));
    PartialDate {
        year: parts.next().expect("a year"),
        month: parts.next().unwrap_or_default(),
        day: parts.next().unwrap_or_default(),
    }
}

impl Statement {
    fn named(surname: Option<&String>, given_name: Option<&String>) -> Option<proto::NamedPerson> {
        (surname.is_some() || given_name.is_some()).then(|| proto::NamedPerson {
            surname: surname.cloned(),
            given_name: given_name.cloned(),
        })
    }

    fn generalities(&self) -> proto::GeneralitiesClaim {
        let place = |place| Some(card::BirthPlace { place: Some(place) });
        let birth_place = match (&self.birth_municipality, &self.birth_state) {
            (Some(code), _) => {
                let period = municipality::periods_of_istat(istat(code))
                    .next_back()
                    .expect("a municipality");
                place(card::birth_place::Place::Municipality(card::BirthMunicipality {
                    istat: code.clone(),
                    name: period.name().to_owned(),
                    province: period.province().to_owned(),
                }))
            }
            (None, Some(state)) => place(card::birth_place::Place::Abroad(card::BirthAbroad {
                state: state.clone(),
                locality: String::new(),
            })),
            (None, None) => None,
        };
        let sex = match self.sex.as_deref() {
            Some("M") => card::Sex::Male,
            Some("F") => card::Sex::Female,
            _ => card::Sex::Unspecified,
        };
        proto::GeneralitiesClaim {
            surname: self.surname.clone(),
            given_name: self.given_name.clone(),
            sex: sex.into(),
            birth_date: self.birth_date.as_deref().map(date),
            birth_place,
        }
    }

    fn bond(&self) -> proto::BondClaim {
        proto::BondClaim {
            since: self.since.as_deref().map(date),
            partner: Self::named(self.partner_surname.as_ref(), self.partner_given_name.as_ref()),
        }
    }

    fn parent(&self) -> proto::ParentClaim {
        proto::ParentClaim {
            parent: Self::named(self.surname.as_ref(), self.given_name.as_ref()),
        }
    }

    fn residence(&self) -> proto::ResidenceClaim {
        proto::ResidenceClaim {
            municipality: self.municipality.clone().unwrap_or_default(),
            address: self.street.as_ref().map(|street| proto::AddressClaim {
                street: street.clone(),
                number: self.number,
                without_number: self.without_number,
                suffix: self.suffix.clone().unwrap_or_default(),
                ..proto::AddressClaim::default()
            }),
        }
    }

    fn family(&self, cards: &Cards) -> proto::FamilyStatusClaim {
        let member = |member: &String| {
            let (name, kinship) = member.split_once(' ').unwrap_or((member, ""));
            proto::FamilyMemberClaim {
                tax_code: cards.value(&format!("imola.{name}"), "codice_fiscale"),
                kinship: kinship.to_owned(),
            }
        };
        proto::FamilyStatusClaim {
            members: self.members.iter().map(member).collect(),
        }
    }

    fn message(&self, cards: &Cards) -> proto::verify_declaration_request::Claim {
        use proto::verify_declaration_request::Claim;
        match VerificationKind::from_name(&self.kind).expect("a kind of verification") {
            VerificationKind::Generalities => Claim::Generalities(self.generalities()),
            VerificationKind::Death => Claim::Death(proto::DeathClaim {
                date: self.date.as_deref().map(date),
            }),
            VerificationKind::Marriage => Claim::Marriage(self.bond()),
            VerificationKind::Citizenship => Claim::Citizenship(proto::CitizenshipClaim {
                state: self.state.clone().unwrap_or_default(),
            }),
            VerificationKind::ExistenceInLife => Claim::ExistenceInLife(proto::ExistenceInLifeClaim {}),
            VerificationKind::Residence => Claim::Residence(self.residence()),
            VerificationKind::FamilyStatus => Claim::FamilyStatus(self.family(cards)),
            VerificationKind::UnmarriedStatus => Claim::UnmarriedStatus(proto::UnmarriedStatusClaim {
                civil_status: self.status.clone().unwrap_or_default(),
            }),
            VerificationKind::Widowhood => Claim::Widowhood(self.bond()),
            VerificationKind::Paternity => Claim::Paternity(self.parent()),
            VerificationKind::Maternity => Claim::Maternity(self.parent()),
            VerificationKind::CivilUnion => Claim::CivilUnion(self.bond()),
            VerificationKind::NationalId => {
                let of = self.of.as_ref().expect("whose national id");
                Claim::AssignedNationalId(proto::NationalIdClaim {
                    national_id: cards.value(of, "id_anpr"),
                    generalities: Some(self.generalities()),
                })
            }
            VerificationKind::MunicipalResidence => {
                Claim::MunicipalResidence(proto::MunicipalResidenceClaim {
                    municipality: self.municipality.clone().unwrap_or_default(),
                })
            }
        }
    }
}

impl Case {
    /// The agreement of the case, under an id of its own: so the rule of three counts each apart.
    fn document(&self, id: &str) -> String {
        let mut document = AGREEMENT.replace("verification-2026", id);
        for [from, to] in &self.agreement {
            assert!(document.contains(from.as_str()), "{}: {from}", self.name);
            document = document.replace(from.as_str(), to);
        }
        document
    }

    fn message(&self, cards: &Cards, agreement: &str, request_id: Uuid) -> proto::VerifyDeclarationRequest {
        let code = match self.about.split_once('.') {
            Some(_) => cards.value(&self.about, "codice_fiscale"),
            None => self.about.clone(),
        };
        let declared = match self.declared.as_deref() {
            Some("named") => proto::DeclaredPerson::Named,
            Some(other) => panic!("{}: {other}", self.name),
            None => proto::DeclaredPerson::Declarant,
        };
        proto::VerifyDeclarationRequest {
            context: Some(proto::AccessContext {
                agreement: agreement.to_owned(),
                purpose: "declarations".to_owned(),
                operator: "m.esposito".to_owned(),
                assurance: proto::Assurance::Substantial.into(),
                case_reference: self
                    .case_reference
                    .clone()
                    .unwrap_or_else(|| "2026/123".to_owned()),
                consent_reference: self.consent.clone().unwrap_or_default(),
                reference_date: self.on.as_deref().map(date),
                request_id: request_id.to_string(),
                ..proto::AccessContext::default()
            }),
            municipality: self.municipality.clone().unwrap_or_default(),
            receipt_form: 0,
            declared_person: declared.into(),
            key: Some(proto::verify_declaration_request::Key::TaxCode(code)),
            claim: Some(self.claim.message(cards)),
        }
    }
}

/// Answer and reason, or the error.
async fn told(
    client: &mut ConsultationServiceClient<Channel>,
    message: proto::VerifyDeclarationRequest,
) -> String {
    match client.verify_declaration(message).await {
        Ok(answer) => {
            let answer = answer.into_inner();
            let without = |text: &str, prefix: &str| text.trim_start_matches(prefix).to_owned();
            format!(
                "{} {}",
                without(answer.answer().as_str_name(), "VERIFICATION_ANSWER_"),
                without(answer.reason().as_str_name(), "VERIFICATION_REASON_")
            )
        }
        Err(status) => match failure_of(&status).reason.known() {
            Some(reason) => reason.name().to_owned(),
            None => format!("an error of no reason: {}", status.code()),
        },
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_case_of_a_declaration_has_its_answer() {
    let Cases { case: cases } = toml::from_str(CASES).expect("the cases are well formed");
    let cards = cards::read();
    let open = Document {
        id: "verification-2026",
        text: AGREEMENT,
        ..PUBLIC_BODY
    };
    let region = region(&cards, open).await;
    let (administrator, agency) = (region.administrator(), region.agency(PUBLIC_BODY));
    let channel = region.channel(Role::Agency, PUBLIC_BODY.agency).await;
    let mut client = ConsultationServiceClient::new(channel);
    let mut wrong = Vec::new();
    for (number, case) in cases.iter().enumerate() {
        let id = format!("case-{number}");
        let document = case.document(&id);
        administrator
            .activate(document.as_bytes(), None, &act(), client::admin::Effect::Activate)
            .await
            .unwrap_or_else(|error| panic!("{}: {error}", case.name));
        // The same again has the same answer, and counts as one.
        for _ in 0..2 {
            let found = told(&mut client, case.message(&cards, &id, agency.new_request_id())).await;
            if found != case.expect {
                let Case {
                    name, rules, expect, ..
                } = case;
                wrong.push(format!("{}: {name}\n    {found}, not {expect}", rules.join(", ")));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_rule_has_a_case_that_holds_and_one_that_does_not() {
    let Cases { case: cases } = toml::from_str(CASES).expect("the cases are well formed");
    assert!(60 <= cases.len());
    let names: BTreeSet<&str> = cases.iter().map(|case| case.name.as_str()).collect();
    assert_eq!(names.len(), cases.len(), "each case has a name of its own");
    for rule in RULES {
        let of_rule = || {
            cases
                .iter()
                .filter(|case| case.rules.iter().any(|named| named == rule))
        };
        assert!(of_rule().any(|case| case.expect.starts_with("YES")), "{rule}");
        assert!(of_rule().any(|case| !case.expect.starts_with("YES")), "{rule}");
    }
    let reasons = [
        "MATCHES",
        "DIFFERS",
        "NOT_HELD",
        "BEFORE_HISTORY",
        "PROCEDURE_OPEN",
        "NOT_REGISTERED",
    ];
    for reason in reasons {
        assert!(cases.iter().any(|case| case.expect.ends_with(reason)), "{reason}");
    }
    for kind in VerificationKind::ALL {
        let of_kind = || cases.iter().filter(|case| case.claim.kind == kind.name());
        for answer in ["YES", "NO"] {
            assert!(
                of_kind().any(|case| case.expect.starts_with(answer)),
                "{kind} {answer}"
            );
        }
    }
}
