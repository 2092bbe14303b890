//! Declarations, and what is answered to them.

use std::collections::BTreeSet;

use agreement::claim::{Claim, ClaimError};
use agreement::request::{Asked, DeclaredPerson};
use agreement::service::VerificationKind;
use agreement::verification::{VerificationAnswer, VerificationReason};

use super::super::*;
use super::calls::{TAX_CODE, context, day};
use crate::proto::consultation::v1 as wire;
use crate::proto::registry::v1 as card;
use crate::proto::r#type::v1::PartialDate;

fn verification(claim: wire::verify_declaration_request::Claim) -> Result<VerificationCall, Invalid> {
    VerificationCall::try_from(wire::VerifyDeclarationRequest {
        context: Some(context()),
        municipality: String::new(),
        receipt_form: 0,
        key: Some(wire::verify_declaration_request::Key::TaxCode(TAX_CODE.into())),
        claim: Some(claim),
        declared_person: wire::DeclaredPerson::Named.into(),
    })
}

fn partial_day() -> PartialDate {
    day().into()
}

fn bond() -> wire::BondClaim {
    wire::BondClaim {
        since: Some(partial_day()),
        partner: Some(named_person("Bianchi")),
    }
}

fn parent_claim() -> wire::ParentClaim {
    wire::ParentClaim {
        parent: Some(named_person("Rossi")),
    }
}

fn named_person(surname: &str) -> wire::NamedPerson {
    wire::NamedPerson {
        surname: Some(surname.into()),
        given_name: None,
    }
}

#[test]
fn each_claim_asks_for_its_own_kind_of_verification() {
    use wire::verify_declaration_request::Claim as Wire;
    let address = wire::AddressClaim {
        street: "Emilia".into(),
        number: Some(12),
        ..wire::AddressClaim::default()
    };
    let member = wire::FamilyMemberClaim {
        tax_code: TAX_CODE.into(),
        kinship: "1".into(),
    };
    let generalities = wire::GeneralitiesClaim {
        surname: Some("Rossi".into()),
        ..wire::GeneralitiesClaim::default()
    };
    let claims = [
        (Wire::Generalities(generalities), VerificationKind::Generalities),
        (
            Wire::Residence(wire::ResidenceClaim {
                municipality: "037032".into(),
                address: Some(address),
            }),
            VerificationKind::Residence,
        ),
        (
            Wire::ExistenceInLife(wire::ExistenceInLifeClaim {}),
            VerificationKind::ExistenceInLife,
        ),
        (
            Wire::FamilyStatus(wire::FamilyStatusClaim {
                members: vec![member],
            }),
            VerificationKind::FamilyStatus,
        ),
        (
            Wire::Death(wire::DeathClaim {
                date: Some(partial_day()),
            }),
            VerificationKind::Death,
        ),
        (Wire::Marriage(bond()), VerificationKind::Marriage),
        (Wire::Widowhood(bond()), VerificationKind::Widowhood),
        (Wire::CivilUnion(bond()), VerificationKind::CivilUnion),
        (
            Wire::Citizenship(wire::CitizenshipClaim { state: "100".into() }),
            VerificationKind::Citizenship,
        ),
        (
            Wire::UnmarriedStatus(wire::UnmarriedStatusClaim {
                civil_status: "4".into(),
            }),
            VerificationKind::UnmarriedStatus,
        ),
        (
            Wire::UnmarriedStatus(wire::UnmarriedStatusClaim::default()),
            VerificationKind::UnmarriedStatus,
        ),
        (Wire::Paternity(parent_claim()), VerificationKind::Paternity),
        (Wire::Maternity(parent_claim()), VerificationKind::Maternity),
        (
            Wire::AssignedNationalId(wire::NationalIdClaim {
                national_id: "AA00001AA".into(),
                generalities: Some(wire::GeneralitiesClaim {
                    surname: Some("Rossi".into()),
                    ..wire::GeneralitiesClaim::default()
                }),
            }),
            VerificationKind::NationalId,
        ),
        (
            Wire::MunicipalResidence(wire::MunicipalResidenceClaim {
                municipality: "037032".into(),
            }),
            VerificationKind::MunicipalResidence,
        ),
    ];
    let kinds: BTreeSet<_> = claims.iter().map(|(_, kind)| *kind).collect();
    assert_eq!(kinds.len(), VerificationKind::ALL.len());
    for (claim, kind) in claims {
        let call = verification(claim).unwrap();
        assert_eq!(call.request.asked, Asked::Verification(kind));
        assert_eq!(call.request.declared, DeclaredPerson::Named);
        assert_eq!(Claim::kind(&call.claim), kind);
    }
}

#[test]
fn a_claim_that_cannot_be_compared_is_refused() {
    use wire::verify_declaration_request::Claim as Wire;
    let nothing = wire::GeneralitiesClaim {
        sex: card::Sex::Unknown.into(),
        ..wire::GeneralitiesClaim::default()
    };
    let invalid = verification(Wire::Generalities(nothing)).unwrap_err();
    assert_eq!(
        invalid,
        Invalid::new("generalities", Rule::Claim(ClaimError::NothingStated))
    );
    let nobody = verification(Wire::FamilyStatus(wire::FamilyStatusClaim {
        members: Vec::new(),
    }))
    .unwrap_err();
    assert_eq!(
        nobody,
        Invalid::new("family_status.members", Rule::Claim(ClaimError::FamilySize))
    );
    let generalities = wire::GeneralitiesClaim {
        surname: Some("Rossi".into()),
        ..wire::GeneralitiesClaim::default()
    };
    let address = |number: Option<u32>, without_number: bool| wire::AddressClaim {
        street: "Emilia".into(),
        number,
        without_number,
        ..wire::AddressClaim::default()
    };
    let residence = |municipality: &str, address: Option<wire::AddressClaim>| {
        Wire::Residence(wire::ResidenceClaim {
            municipality: municipality.into(),
            address,
        })
    };
    let unmarried = |code: &str| {
        Wire::UnmarriedStatus(wire::UnmarriedStatusClaim {
            civil_status: code.into(),
        })
    };
    let citizenship = |state: &str| Wire::Citizenship(wire::CitizenshipClaim { state: state.into() });
    let national_id = |id: &str, generalities: Option<wire::GeneralitiesClaim>| {
        Wire::AssignedNationalId(wire::NationalIdClaim {
            national_id: id.into(),
            generalities,
        })
    };
    let no_date = PartialDate {
        year: 2026,
        month: 13,
        day: 0,
    };
    let cases = [
        (
            residence("999999", Some(address(Some(7), false))),
            "residence.municipality",
            Rule::UnknownMunicipality,
        ),
        (residence("037032", None), "residence.address", Rule::Missing),
        (
            residence("037032", Some(address(None, false))),
            "residence.address.number",
            Rule::Missing,
        ),
        (
            residence("037032", Some(address(Some(7), true))),
            "residence.address.number",
            Rule::Contradicts("without_number"),
        ),
        (
            Wire::MunicipalResidence(wire::MunicipalResidenceClaim {
                municipality: "999999".into(),
            }),
            "municipal_residence.municipality",
            Rule::UnknownMunicipality,
        ),
        (
            Wire::Death(wire::DeathClaim { date: Some(no_date) }),
            "death.date",
            Rule::Date(registry::date::DateError::Month),
        ),
        (
            Wire::Marriage(wire::BondClaim {
                since: None,
                partner: Some(wire::NamedPerson::default()),
            }),
            "marriage.partner",
            Rule::Claim(ClaimError::NobodyNamed),
        ),
        (
            Wire::Widowhood(wire::BondClaim {
                since: Some(no_date),
                partner: None,
            }),
            "widowhood.since",
            Rule::Date(registry::date::DateError::Month),
        ),
        (
            Wire::CivilUnion(wire::BondClaim {
                since: None,
                partner: Some(named_person("12")),
            }),
            "civil_union.partner.surname",
            Rule::Name(registry::record::NameError::Character),
        ),
        (
            citizenship("998"),
            "citizenship.state",
            Rule::Claim(ClaimError::NoCitizenship),
        ),
        (
            citizenship("ITA"),
            "citizenship.state",
            Rule::Identifier(registry::identifier::IdentifierError::StateCode),
        ),
        (
            unmarried("2"),
            "unmarried_status.civil_status",
            Rule::Claim(ClaimError::NotUnmarried),
        ),
        (
            Wire::Paternity(wire::ParentClaim { parent: None }),
            "paternity.parent",
            Rule::Missing,
        ),
        (
            Wire::Maternity(wire::ParentClaim {
                parent: Some(wire::NamedPerson::default()),
            }),
            "maternity.parent",
            Rule::Claim(ClaimError::NobodyNamed),
        ),
        (
            national_id("AA1", Some(generalities)),
            "assigned_national_id.national_id",
            Rule::Identifier(registry::identifier::IdentifierError::NationalId),
        ),
        (
            national_id("AA00001AA", None),
            "assigned_national_id.generalities",
            Rule::Missing,
        ),
    ];
    for (claim, field, rule) in cases {
        assert_eq!(verification(claim).unwrap_err(), Invalid::new(field, rule));
    }
    let without = verification(residence("037032", Some(address(None, true)))).unwrap();
    assert!(matches!(without.claim, Claim::Residence(claim) if claim.address.number.is_none()));
}

#[test]
fn answers_of_verifications_keep_undetermined_apart_from_no() {
    let undetermined = VerificationAnswer::undetermined(VerificationReason::ProcedureOpen);
    let cases = [
        (
            VerificationAnswer::YES,
            wire::VerificationAnswer::Yes,
            wire::VerificationReason::Matches,
        ),
        (
            VerificationAnswer::NO,
            wire::VerificationAnswer::No,
            wire::VerificationReason::Differs,
        ),
        (
            undetermined,
            wire::VerificationAnswer::Undetermined,
            wire::VerificationReason::ProcedureOpen,
        ),
    ];
    for (answer, verdict, reason) in cases {
        assert_eq!(verification_answer(answer), (verdict, reason));
    }
}
