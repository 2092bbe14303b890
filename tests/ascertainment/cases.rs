//! The cases written by hand: `tests/data/ascertainment/cases.toml`, through nodes, index and the client.

use std::collections::{BTreeMap, BTreeSet};

use agreement::ascertainment::Ascertainment;
use agreement::context::AgreementId;
use agreement::field::{Field, FieldSet};
use agreement::verification::Verdict;
use chrono::NaiveDate;
use client::agency::{
    AgencyClient, Ascertain, AscertainFamilyStatus, AscertainedPerson, HouseholdAnswer, PersonAnswer,
    PersonCard, PersonKey,
};
use client::error::ClientError;
use client::receipt::ReceiptForm;
use registry::code::HouseholdRole;
use registry::codice_fiscale::TaxCode;
use registry::date::PartialDate;
use registry::identifier::NationalId;
use registry::municipality;
use registry::record::{BirthPlace, Generalities, Locality, ParentRole, PersonName, Place, Sex};
use serde::Deserialize;
use support::cards::Cards;
use support::people::istat;
use support::region::act;

use super::{AGREEMENT, OPEN, context};
use crate::verification::cards::{self, region};

const CASES: &str = include_str!("../data/ascertainment/cases.toml");
/// What there must be cases of beside the kinds.
const RULES: [&str; 10] = [
    "2.5 day of death",
    "2.5 family of a dead person",
    "2.5 death and cancellation",
    "2.5 before the history",
    "2.5 past date",
    "R2 territory",
    "R2 kind",
    "R2 population",
    "R2 fields",
    "protected persons",
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
    rule: String,
    kind: String,
    /// Municipality and name of a card, or a codice fiscale.
    about: String,
    /// How the person is named: by codice fiscale where nothing is said.
    by: Option<String>,
    on: Option<String>,
    municipality: Option<String>,
    #[serde(default)]
    mask: Vec<String>,
    #[serde(default)]
    agreement: Vec<[String; 2]>,
    /// One line for each card or member, or the error.
    expect: Vec<String>,
}

impl Case {
    fn kind(&self) -> Ascertainment {
        Ascertainment::from_name(&self.kind).expect("a kind of ascertainment")
    }

    /// The agreement of the case, under an id of its own.
    fn document(&self, id: &str) -> String {
        let mut document = AGREEMENT.replace(OPEN.id, id);
        for [from, to] in &self.agreement {
            assert!(document.contains(from.as_str()), "{}: {from}", self.name);
            document = document.replace(from.as_str(), to);
        }
        document
    }

    fn person(&self, cards: &Cards) -> AscertainedPerson {
        let value = |column| cards.value(&self.about, column);
        match self.by.as_deref() {
            None => AscertainedPerson::Known(self.key(cards)),
            Some("national-id") => {
                let id = NationalId::parse(&value("id_anpr")).expect("a national id");
                AscertainedPerson::Known(PersonKey::NationalId(id))
            }
            Some("generalities") => AscertainedPerson::Named(Generalities {
                surname: PersonName::parse(&value("cognome")).ok(),
                given_name: PersonName::parse(&value("nome")).ok(),
                sex: match value("sesso").as_str() {
                    "M" => Sex::Male,
                    _ => Sex::Female,
                },
                birth_date: PartialDate::parse(&value("data_nascita")).expect("a date"),
                birth_place: BirthPlace::Municipality {
                    istat: Some(istat(&value("istat_nascita"))),
                    name: value("comune_nascita"),
                    province: value("provincia_nascita"),
                },
            }),
            Some(other) => panic!("{}: {other}", self.name),
        }
    }

    fn key(&self, cards: &Cards) -> PersonKey {
        let code = match self.about.split_once('.') {
            Some(_) => cards.value(&self.about, "codice_fiscale"),
            None => self.about.clone(),
        };
        PersonKey::TaxCode(TaxCode::parse(&code).expect("a codice fiscale"))
    }

    /// What is told of the case: cards or members one by one, or the name of the error.
    async fn told(&self, agency: &AgencyClient, cards: &Cards, id: &str) -> Vec<String> {
        let mut context = context(id, agency);
        context.agreement = AgreementId::parse(id).expect("an id");
        context.reference_date = self.on.as_deref().map(|day| day.parse().expect("a day"));
        let municipality = self.municipality.as_deref().map(istat);
        let fields = FieldSet::from_names(self.mask.iter().map(String::as_str)).expect("names of fields");
        let receipt = ReceiptForm::Short;
        let answer = if self.kind() == Ascertainment::FamilyStatus {
            let request = AscertainFamilyStatus {
                context,
                person: self.person(cards),
                municipality,
                fields,
                receipt,
            };
            agency
                .ascertain_family_status(request)
                .await
                .map(|answer| members(&answer))
        } else {
            let request = Ascertain {
                context,
                kind: self.kind(),
                person: self.person(cards),
                municipality,
                fields,
                receipt,
            };
            agency.ascertain(request).await.map(|answer| persons(&answer))
        };
        match answer {
            Ok(lines) => lines,
            Err(ClientError::Refused(refusal)) => vec![refusal.name.clone()],
            Err(error) => vec![format!("an error of no reason: {error}")],
        }
    }
}

fn persons(answer: &PersonAnswer) -> Vec<String> {
    let before = answer.no_history_before;
    let line = |card: &PersonCard| {
        let mut line = card_line(card);
        if let Some(day) = before {
            line.push_str(&format!(", no history before {day}"));
        }
        line
    };
    answer.persons.iter().map(line).collect()
}

fn members(answer: &HouseholdAnswer) -> Vec<String> {
    let members = answer.households.iter().flat_map(|household| &household.members);
    members
        .map(|member| {
            let since = member.from.map(|day| day.to_string()).unwrap_or_default();
            let HouseholdRole::Family(kinship) = member.role else {
                panic!("the families of the cases are no convivenze");
            };
            format!("{} since {since}: {}", kinship.code(), card_line(&member.person))
        })
        .collect()
}

/// What a card says: whether it is of the kind, and each field that it shows.
fn card_line(card: &PersonCard) -> String {
    let mut words = Vec::new();
    if let Some(told) = card.of_kind {
        let verdict = match told.verdict {
            Verdict::Yes => "YES",
            Verdict::No => "NO",
            Verdict::Undetermined => "UNDETERMINED",
        };
        words.push(format!("{verdict} {:?}", told.reason));
    }
    if card.location_withheld {
        words.push("location withheld".to_owned());
    }
    let shown = card.fields.iter().map(|field| {
        let value = value(card, field);
        let value = if value.is_empty() { "-".to_owned() } else { value };
        format!("{field} {value}")
    });
    words.extend(shown);
    words.join(", ")
}

fn value(card: &PersonCard, field: Field) -> String {
    let name = |name: &Option<PersonName>| {
        name.as_ref()
            .map_or_else(String::new, |name| name.as_str().to_owned())
    };
    let since = |from: Option<NaiveDate>| from.map_or_else(String::new, |day| format!(" since {day}"));
    let place = |place: Locality| match place {
        Locality::Municipality(istat) => format!(" in {istat}"),
        Locality::State(state) => format!(" in {state}"),
    };
    match field {
        Field::Surname => name(&card.surname),
        Field::GivenName => name(&card.given_name),
        Field::Sex => card.sex.map_or_else(String::new, |sex| format!("{sex:?}")),
        Field::BirthDate => card.birth_date.map_or_else(String::new, |date| date.to_string()),
        Field::BirthPlace => match &card.birth_place {
            Some(BirthPlace::Municipality { istat, .. }) => {
                istat.map_or_else(String::new, |istat| istat.to_string())
            }
            Some(BirthPlace::Abroad { state, .. }) => state.to_string(),
            Some(BirthPlace::Exceptional(place)) => place.clone(),
            None => String::new(),
        },
        Field::TaxCode => card
            .current_tax_code()
            .map_or_else(String::new, |code| code.as_str().to_owned()),
        Field::NationalId => card.national_id.map_or_else(String::new, |id| id.to_string()),
        Field::CivilStatus => card.civil_status.as_ref().map_or_else(String::new, |fact| {
            format!("{}{}", fact.value.code(), since(fact.from))
        }),
        Field::Citizenships => card.citizenships.as_ref().map_or_else(String::new, |fact| {
            let states = fact.value.iter().map(ToString::to_string);
            states.collect::<Vec<_>>().join("+")
        }),
        Field::Parents => {
            let parents = card.parents.iter().map(|parent| {
                assert_eq!(parent.tax_code, None, "no parent has a codice fiscale");
                let role = match parent.role {
                    ParentRole::Father => "father",
                    ParentRole::Mother => "mother",
                };
                format!("{role} {} {}", name(&parent.surname), name(&parent.given_name))
            });
            parents.collect::<Vec<_>>().join("+")
        }
        Field::Residence => card.residence.as_ref().map_or_else(String::new, |fact| {
            let address = match &fact.value.place {
                Place::Italian(address) => {
                    let number = address
                        .number
                        .map_or_else(String::new, |number| format!(" {number}"));
                    format!("{} {}{number}", address.municipality, address.street)
                }
                Place::Foreign(address) => address.state.to_string(),
                Place::Notional { municipality, .. } => format!("{municipality} without fixed abode"),
            };
            format!("{address}{}", since(fact.from))
        }),
        Field::Household => card
            .household
            .as_ref()
            .map_or_else(String::new, |_| "held".to_owned()),
        Field::Death => card.death.as_ref().map_or_else(String::new, |death| {
            format!("{}{}", death.date, death.place.map_or_else(String::new, place))
        }),
        Field::Cancellation => card
            .cancellation
            .as_ref()
            .map_or_else(String::new, |exit| exit.effective.to_string()),
        Field::TaxCodeHistory
        | Field::ResidenceHistory
        | Field::IdentityDocument
        | Field::Registration
        | Field::ProcedureOpen => panic!("no kind opens {field} in the agreement of the cases"),
    }
}

fn read() -> Vec<Case> {
    let Cases { case } = toml::from_str(CASES).expect("the cases are well formed");
    case
}

#[tokio::test(flavor = "multi_thread")]
async fn every_case_of_an_ascertainment_has_its_answer() {
    let cards = cards::read();
    let region = region(&cards, OPEN).await;
    let (administrator, agency) = (region.administrator(), region.agency(OPEN));
    let mut wrong = Vec::new();
    for (number, case) in read().iter().enumerate() {
        let id = format!("case-{number}");
        let document = case.document(&id);
        administrator
            .activate(document.as_bytes(), None, &act(), client::admin::Effect::Activate)
            .await
            .unwrap_or_else(|error| panic!("{}: {error}", case.name));
        let told = case.told(&agency, &cards, &id).await;
        if told != case.expect {
            let Case {
                name, rule, expect, ..
            } = case;
            wrong.push(format!("{rule}: {name}\n    {told:?}\n    not {expect:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_kind_and_rule_has_its_cases() {
    let cases = read();
    let names: BTreeSet<&str> = cases.iter().map(|case| case.name.as_str()).collect();
    assert_eq!(names.len(), cases.len(), "each case has a name of its own");
    let refused = |case: &Case| case.expect.iter().any(|line| !line.contains(' '));
    let mut of_kind: BTreeMap<Ascertainment, Vec<&Case>> = BTreeMap::new();
    for case in &cases {
        of_kind.entry(case.kind()).or_default().push(case);
        let code = case.kind().anpr_code();
        assert!(
            case.rule == code || RULES.contains(&case.rule.as_str()),
            "{}",
            case.name
        );
    }
    for kind in Ascertainment::ALL {
        let cases = &of_kind[&kind];
        assert!(3 <= cases.len(), "{kind}");
        assert!(
            cases.iter().any(|case| refused(case)),
            "{kind}: a case that is refused"
        );
        assert!(
            cases.iter().any(|case| !refused(case)),
            "{kind}: a case that is answered"
        );
        if kind.claim().is_some() {
            for answer in ["YES", "NO", "UNDETERMINED"] {
                let said = |case: &Case| case.expect.iter().any(|line| line.starts_with(answer));
                assert!(cases.iter().any(|case| said(case)), "{kind}: {answer}");
            }
        }
    }
    for rule in RULES {
        assert!(cases.iter().any(|case| case.rule == rule), "{rule}");
    }
    // The places of the cases are municipalities.
    for case in &cases {
        if let Some(code) = &case.municipality {
            assert!(
                municipality::periods_of_istat(istat(code)).next().is_some(),
                "{}",
                case.name
            );
        }
    }
}
