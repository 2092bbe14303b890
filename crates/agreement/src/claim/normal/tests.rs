use registry::code::Kinship;
use registry::codice_fiscale::TaxCode;
use registry::municipality::MunicipalityId;

use super::*;
use crate::fixture;

fn address(street: &str, number: Option<u32>, suffix: &str) -> Claim {
    Claim::Residence(ResidenceClaim {
        municipality: MunicipalityId::of_any(fixture::istat(fixture::IMOLA)).unwrap(),
        address: AddressClaim {
            species: None,
            street: street.to_owned(),
            number,
            suffix: suffix.to_owned(),
            staircase: String::new(),
            unit: String::new(),
        },
    })
}

fn named(surname: &str, given_name: &str) -> Claim {
    let part = |text: &str| (!text.is_empty()).then(|| fixture::name(text));
    let parts = GeneralitiesParts {
        surname: part(surname),
        given_name: part(given_name),
        ..GeneralitiesParts::default()
    };
    Claim::Generalities(GeneralitiesClaim::new(parts).unwrap())
}

fn family(members: &[(&str, Option<Kinship>)]) -> Claim {
    let members = members.iter().map(|(code, kinship)| MemberClaim {
        tax_code: TaxCode::parse(code).unwrap(),
        kinship: *kinship,
    });
    Claim::FamilyStatus(FamilyClaim::new(members.collect()).unwrap())
}

#[test]
fn spelling_and_order_make_no_other_declaration() {
    let (mario, anna) = ("RSSMRA85T10A944C", "BNCLRA87D50A944G");
    for (one, other) in [
        (address("Appia", Some(7), "a"), address("APPIA", Some(7), " A")),
        (named("D’Angelò", "Mario"), named("D'ANGELO", "MARIO")),
        (
            family(&[(mario, None), (anna, Some(Kinship::Spouse))]),
            family(&[(anna, Some(Kinship::Spouse)), (mario, None)]),
        ),
    ] {
        assert_eq!(one.normal_form(), other.normal_form());
    }
}

/// Of a card without a code of the birth place, or with one that no list knows, the name is compared.
#[test]
fn a_birth_place_of_another_name_is_another_declaration_though_its_code_is_the_same() {
    let born_in = |name: &str, province: &str| {
        let place = BirthPlace::Municipality {
            istat: Some(fixture::istat(fixture::IMOLA)),
            name: name.to_owned(),
            province: province.to_owned(),
        };
        let parts = GeneralitiesParts {
            birth_place: Some(place),
            ..GeneralitiesParts::default()
        };
        Claim::Generalities(GeneralitiesClaim::new(parts).unwrap()).normal_form()
    };
    assert_eq!(born_in("Imola", "BO"), born_in("IMOLA", "bo"));
    assert_ne!(born_in("Imola", "BO"), born_in("Dozza", "BO"));
    assert_ne!(born_in("Imola", "BO"), born_in("Imola", "RA"));
}

#[test]
fn whatever_is_compared_makes_another_declaration() {
    let (mario, anna) = ("RSSMRA85T10A944C", "BNCLRA87D50A944G");
    let claims = [
        address("Appia", Some(7), ""),
        address("Appia", Some(71), ""),
        address("Appia", None, ""),
        address("Appia", Some(7), "1"),
        address("Emilia", Some(7), ""),
        named("Rossi", ""),
        named("", "Rossi"),
        named("Rossi", "Mario"),
        named("Rossim", "Ario"),
        family(&[(mario, None)]),
        family(&[(mario, None), (anna, None)]),
        family(&[(mario, None), (anna, Some(Kinship::Spouse))]),
        family(&[(mario, Some(Kinship::Spouse)), (anna, None)]),
    ];
    for (position, one) in claims.iter().enumerate() {
        for other in claims.iter().skip(position + 1) {
            assert_ne!(one.normal_form(), other.normal_form());
        }
    }
}
