//! Fields of a view in words.

use std::fmt::Display;

use agreement::field::Field;
use agreement::verification::Verdict;
use agreement::view::person::{Fact, PersonView, RegistrationView};
use registry::identifier::{IstatCode, StateCode};
use registry::record::{
    Address, BirthPlace, Cancellation, Death, ForeignAddress, HouseholdLink, IdentityDocument, Locality,
    Parent, ParentRole, PersonName, Place, Register, Residence, ResidenceStanding, Sex, TaxCodeEntry,
};
use registry::timeline::Dated;

use super::ShownField;

/// The fields of a view, in the order of the answer; one that is shown and empty stands there empty. Before them, whether
/// the person is of the kind that would be ascertained, where that is asked.
pub(super) fn fields_of(view: &PersonView) -> Vec<ShownField> {
    let of_kind = view.of_kind.map(|answer| ShownField {
        field: "of_kind".to_owned(),
        value: match answer.verdict {
            Verdict::Yes => "sì",
            Verdict::No => "no",
            Verdict::Undetermined => "non determinabile",
        }
        .to_owned(),
    });
    let shown = view.fields.iter().map(|field| ShownField {
        field: field.name().to_owned(),
        value: value(view, field),
    });
    of_kind.into_iter().chain(shown).collect()
}

fn value(view: &PersonView, field: Field) -> String {
    match field {
        Field::Surname => name(view.surname.as_ref()),
        Field::GivenName => name(view.given_name.as_ref()),
        Field::Sex => view.sex.map_or("", sex).to_owned(),
        Field::BirthDate => stated(view.birth_date),
        Field::BirthPlace => view.birth_place.as_ref().map(birth_place).unwrap_or_default(),
        Field::TaxCode => view.tax_code.as_ref().map(tax_code).unwrap_or_default(),
        Field::TaxCodeHistory => joined(view.tax_code_history.iter().map(tax_code)),
        Field::NationalId => view
            .national_id
            .map(|id| id.as_str().to_owned())
            .unwrap_or_default(),
        Field::CivilStatus => fact(view.civil_status.as_ref(), |status| status.label().to_owned()),
        Field::Citizenships => fact(view.citizenships.as_ref(), |states| {
            joined(states.iter().map(|code| state(*code)))
        }),
        Field::Parents => joined(view.parents.iter().map(parent)),
        Field::Residence => fact(view.residence.as_ref(), residence),
        Field::ResidenceHistory => joined(view.residence_history.iter().map(dated_residence)),
        Field::Household => fact(view.household.as_ref(), household),
        Field::IdentityDocument => view
            .identity_document
            .as_ref()
            .map(identity_document)
            .unwrap_or_default(),
        Field::Registration => view.registration.as_ref().map(registration).unwrap_or_default(),
        Field::Cancellation => view.cancellation.as_ref().map(cancellation).unwrap_or_default(),
        Field::Death => view.death.as_ref().map(death).unwrap_or_default(),
        Field::ProcedureOpen => match view.procedure_open {
            Some(true) => "sì".to_owned(),
            Some(false) => "no".to_owned(),
            None => String::new(),
        },
    }
}

fn fact<T>(fact: Option<&Fact<T>>, words: impl FnOnce(&T) -> String) -> String {
    match fact {
        Some(Fact::Held { from, value }) => {
            let since = from.map_or_else(String::new, |from| format!(" (dal {from})"));
            format!("{}{since}", words(value))
        }
        Some(Fact::NoHistoryBefore(day)) => format!("nessuna storia prima del {day}"),
        Some(Fact::NotHeld) | None => String::new(),
    }
}

fn stated(value: Option<impl Display>) -> String {
    value.map(|value| value.to_string()).unwrap_or_default()
}

fn joined(values: impl Iterator<Item = String>) -> String {
    values.collect::<Vec<_>>().join("; ")
}

fn name(name: Option<&PersonName>) -> String {
    name.map(|name| name.as_str().to_owned()).unwrap_or_default()
}

fn sex(sex: Sex) -> &'static str {
    match sex {
        Sex::Male => "M",
        Sex::Female => "F",
        Sex::Unknown => "N",
    }
}

fn birth_place(place: &BirthPlace) -> String {
    match place {
        BirthPlace::Municipality {
            istat,
            name,
            province,
        } => {
            let code = istat.map_or_else(String::new, |code| format!(" [{code}]"));
            format!("{name} ({province}){code}")
        }
        BirthPlace::Abroad {
            state: code,
            locality,
        } => {
            let place = state(*code);
            if locality.is_empty() {
                place
            } else {
                format!("{locality}, {place}")
            }
        }
        BirthPlace::Exceptional(place) => place.clone(),
    }
}

fn tax_code(entry: &TaxCodeEntry) -> String {
    let TaxCodeEntry {
        code,
        validated,
        from: _,
    } = entry;
    let standing = if *validated { "validato" } else { "non validato" };
    format!("{} ({standing})", code.as_str())
}

fn parent(parent: &Parent) -> String {
    let Parent {
        role,
        surname,
        given_name,
        tax_code: _,
    } = parent;
    let role = match role {
        ParentRole::Father => "padre",
        ParentRole::Mother => "madre",
    };
    let named = format!("{} {}", name(surname.as_ref()), name(given_name.as_ref()));
    format!("{role} {}", named.trim())
}

fn dated_residence(fact: &Dated<Residence>) -> String {
    let since = fact
        .from
        .map_or_else(String::new, |from| format!(" (dal {from})"));
    format!("{}{since}", residence(&fact.value))
}

fn residence(residence: &Residence) -> String {
    let Residence {
        kind: _,
        place,
        standing,
    } = residence;
    let standing = match standing {
        ResidenceStanding::Definitive => "",
        ResidenceStanding::Provisional => ", accettata con riserva",
    };
    format!("{}{standing}", self::place(place))
}

fn place(place: &Place) -> String {
    match place {
        Place::Italian(home) => address(home),
        Place::Foreign(ForeignAddress {
            state: code,
            locality,
            line,
        }) => {
            let parts = [line.clone(), locality.clone(), state(*code)];
            joined_nonempty(&parts)
        }
        Place::Notional { municipality } => {
            format!(
                "senza fissa dimora, via fittizia, {}",
                municipality_name(*municipality)
            )
        }
    }
}

fn address(address: &Address) -> String {
    let Address {
        municipality,
        postcode,
        hamlet,
        species,
        street,
        street_code: _,
        number,
        suffix,
        staircase,
        unit,
    } = address;
    let number = number.map_or_else(|| "SNC".to_owned(), |number| format!("{number}{suffix}"));
    let labelled = |label: &str, text: &str| {
        if text.is_empty() {
            String::new()
        } else {
            format!("{label} {text}")
        }
    };
    let town = format!("{postcode} {}", municipality_name(*municipality));
    joined_nonempty(&[
        format!("{} {street} {number}", species.label()),
        labelled("scala", staircase),
        labelled("interno", unit),
        labelled("frazione", hamlet),
        town.trim().to_owned(),
    ])
}

fn joined_nonempty(parts: &[String]) -> String {
    let stated: Vec<&str> = parts
        .iter()
        .map(String::as_str)
        .filter(|part| !part.is_empty())
        .collect();
    stated.join(", ")
}

fn household(link: &HouseholdLink) -> String {
    let HouseholdLink { household, role } = link;
    format!("{household}, {}", role.label())
}

fn identity_document(document: &IdentityDocument) -> String {
    let IdentityDocument {
        number,
        issuer,
        issued,
        expires,
    } = document;
    format!(
        "{number}, {}, dal {issued} al {expires}",
        municipality_name(*issuer)
    )
}

fn registration(view: &RegistrationView) -> String {
    let RegistrationView {
        municipality,
        register,
        registration,
    } = view;
    let register = match register {
        Register::Apr => "APR",
        Register::Aire => "AIRE",
    };
    joined_nonempty(&[
        format!("{register} {}", municipality_name(*municipality)),
        registration.reason.label().to_owned(),
        registration
            .effective
            .map_or_else(String::new, |day| format!("dal {day}")),
        registration
            .origin
            .as_ref()
            .map_or_else(String::new, |origin| format!("da {}", locality(origin))),
    ])
}

fn cancellation(cancellation: &Cancellation) -> String {
    let Cancellation {
        reason,
        effective,
        destination,
    } = cancellation;
    joined_nonempty(&[
        reason.label().to_owned(),
        format!("dal {effective}"),
        destination
            .as_ref()
            .map_or_else(String::new, |to| format!("verso {}", locality(to))),
    ])
}

fn death(death: &Death) -> String {
    let Death { date, place } = death;
    joined_nonempty(&[date.to_string(), place.as_ref().map(locality).unwrap_or_default()])
}

fn locality(place: &Locality) -> String {
    match place {
        Locality::Municipality(code) => municipality_name(*code),
        Locality::State(code) => state(*code),
    }
}

fn municipality_name(code: IstatCode) -> String {
    let newest = registry::municipality::periods_of_istat(code).next_back();
    newest.map_or_else(|| code.to_string(), |period| period.name().to_owned())
}

fn state(code: StateCode) -> String {
    registry::state::by_code(code).map_or_else(|| code.to_string(), |state| state.name().to_owned())
}
