//! What the agencies ask.

use std::collections::BTreeSet;

use agreement::claim::{AddressClaim, Claim, ResidenceClaim};
use agreement::field::{Field, FieldSet};
use agreement::reason::Reason;
use agreement::request::DeclaredPerson;
use agreement::verification::Verdict;
use client::admin::{Act, AdminClient};
use client::agency::{
    HouseholdAnswer, LookupHousehold, LookupPerson, PersonAnswer, PersonKey, VerificationAnswer,
    VerifyDeclaration,
};
use client::receipt::{AccessProof, ReceiptForm};
use ledger::receipt::Receipt;
use registry::codice_fiscale::TaxCode;
use registry::municipality::MunicipalityId;

use super::{Stage, Traces, documents};
use crate::call::istat;
use crate::demo::report::{Actor, Report, Told};
use crate::failure::Failure;
use crate::session::Session;

/// The police look up a person, and verify the receipt offline.
pub(super) async fn police(
    stage: &Stage<'_>,
    traces: &mut Traces,
    report: &mut Report,
    session: &mut Session<'_, '_>,
) -> Result<(), Failure> {
    let step = report.begin(
        Actor::Police,
        "cerca una persona per codice fiscale",
        "looks up a person by codice fiscale",
    );
    let request = person(
        stage.police_context("public-order")?,
        stage.cast.head_code,
        FieldSet::EMPTY,
    );
    let answer = stage.police.lookup_person(request).await;
    let receipt = answer
        .as_ref()
        .ok()
        .and_then(|answer| answer.receipt.receipt().cloned());
    if let Ok(PersonAnswer {
        receipt: AccessProof::Proved(entry),
        ..
    }) = &answer
    {
        traces.first_head = Some(entry.checkpoint().clone());
        traces.ordinary.push(entry.receipt().index);
    }
    report.end(
        step,
        Told::of(answer, |answer| recognised(stage, &answer)),
        session,
    )?;

    let step = report.begin(
        Actor::Police,
        "verifica la ricevuta senza l'indice",
        "verifies the receipt without the index",
    );
    report.end(step, Told::from(offline(stage, receipt).await?), session)?;

    let step = report.begin(
        Actor::Police,
        "cerca per una finalità riservata",
        "looks up for a reserved purpose",
    );
    let request = person(
        stage.police_context("criminal-investigation")?,
        stage.cast.partner,
        FieldSet::EMPTY,
    );
    let answer = stage.police.lookup_person(request).await;
    traces
        .reserved
        .extend(answer.as_ref().ok().map(|answer| answer.receipt.index()));
    report.end(step, Told::of(answer, |answer| entered(&answer.receipt)), session)?;

    let step = report.begin(
        Actor::Police,
        "cerca un codice che nessuno ha",
        "looks up a code that nobody has",
    );
    let request = person(
        stage.police_context("public-order")?,
        stage.cast.nobody,
        FieldSet::EMPTY,
    );
    let answer = stage.police.lookup_person(request).await;
    report.end(step, Told::refused(answer, Reason::NotFound), session)
}

/// A public body reads a household today and before a birth, and is refused a field.
pub(super) async fn housing(
    stage: &Stage<'_>,
    traces: &mut Traces,
    report: &mut Report,
    session: &mut Session<'_, '_>,
) -> Result<(), Failure> {
    let questions = [
        (
            "legge la famiglia di oggi",
            "reads the household of today",
            None,
            &stage.cast.members_today,
        ),
        (
            "legge la famiglia prima della nascita",
            "reads the household before the birth",
            Some(stage.programme.first_day),
            &stage.cast.members_before,
        ),
    ];
    for (italian, english, day, expected) in questions {
        let step = report.begin(Actor::PublicBody, italian, english);
        let request = LookupHousehold {
            context: stage.housing_context(day)?,
            key: PersonKey::TaxCode(stage.cast.head_code),
            municipality: None,
            fields: FieldSet::EMPTY,
            receipt: ReceiptForm::Full,
        };
        let answer = stage.housing.lookup_household(request).await;
        traces
            .ordinary
            .extend(answer.as_ref().ok().map(|answer| answer.receipt.index()));
        report.end(
            step,
            Told::of(answer, |answer| same_members(&answer, expected)),
            session,
        )?;
    }

    let step = report.begin(
        Actor::PublicBody,
        "chiede un campo non concesso (cittadinanze)",
        "asks for a field that is not granted (citizenships)",
    );
    let fields = FieldSet::of(&[Field::Surname, Field::Citizenships]);
    let answer = stage
        .housing
        .lookup_person(person(stage.housing_context(None)?, stage.cast.head_code, fields))
        .await;
    report.end(step, Told::refused(answer, Reason::FieldsNotGranted), session)
}

/// A trade association verifies a residence, is refused the residence itself, and then everything.
pub(super) async fn association(
    stage: &Stage<'_>,
    traces: &mut Traces,
    report: &mut Report,
    session: &mut Session<'_, '_>,
) -> Result<(), Failure> {
    let declared = AddressClaim::from(&stage.cast.address);
    let elsewhere = AddressClaim {
        number: declared.number.map(|number| number + 1),
        ..declared.clone()
    };
    let questions = [
        (
            "verifica la residenza dichiarata",
            "verifies the declared residence",
            declared.clone(),
            Verdict::Yes,
        ),
        (
            "verifica una residenza non vera",
            "verifies a residence that is not true",
            elsewhere,
            Verdict::No,
        ),
    ];
    for (italian, english, address, expected) in questions {
        let step = report.begin(Actor::Association, italian, english);
        let answer = stage
            .association
            .verify_declaration(residence(stage, address)?)
            .await;
        traces
            .ordinary
            .extend(answer.as_ref().ok().map(|answer| answer.receipt.index()));
        report.end(
            step,
            Told::of(answer, |answer| same_verdict(&answer, expected)),
            session,
        )?;
    }

    let step = report.begin(
        Actor::Association,
        "chiede la residenza stessa",
        "asks for the residence itself",
    );
    let fields = FieldSet::of(&[Field::Residence]);
    let request = person(stage.association_context()?, stage.cast.head_code, fields);
    let answer = stage.association.lookup_person(request).await;
    report.end(step, Told::refused(answer, Reason::ServiceNotGranted), session)?;

    let step = report.begin(
        Actor::Administrator,
        "revoca la convenzione",
        "revokes the agreement",
    );
    let admin = AdminClient::new(stage.region.connect("admin-regione", session)?);
    let act = Act {
        reference: "DET-2026/78".to_owned(),
        operator: "g.verdi".to_owned(),
    };
    let id = agreement::context::AgreementId::parse(documents::ASSOCIATION)
        .map_err(|error| Failure::internal(&error))?;
    let revoked = admin.revoke(&id, "dimostrazione", &act).await;
    report.end(
        step,
        Told::of(revoked, |revoked| entered(&revoked.receipt)),
        session,
    )?;

    let step = report.begin(
        Actor::Association,
        "ripete la verifica",
        "repeats the verification",
    );
    let answer = stage
        .association
        .verify_declaration(residence(stage, declared)?)
        .await;
    report.end(step, Told::refused(answer, Reason::AgreementRevoked), session)
}

/// A lookup of one person.
pub(super) fn person(
    context: agreement::context::AccessContext,
    code: TaxCode,
    fields: FieldSet,
) -> LookupPerson {
    LookupPerson {
        context,
        key: PersonKey::TaxCode(code),
        municipality: None,
        fields,
        receipt: ReceiptForm::Full,
    }
}

fn residence(stage: &Stage<'_>, address: AddressClaim) -> Result<VerifyDeclaration, Failure> {
    let municipality = MunicipalityId::of_any(istat("037032")?)
        .ok_or_else(|| Failure::internal(&std::io::Error::other("Imola is not in the table")))?;
    Ok(VerifyDeclaration {
        context: stage.association_context()?,
        key: PersonKey::TaxCode(stage.cast.head_code),
        municipality: None,
        declared: DeclaredPerson::Declarant,
        claim: Claim::Residence(ResidenceClaim {
            municipality,
            address,
        }),
        receipt: ReceiptForm::Full,
    })
}

fn recognised(stage: &Stage<'_>, answer: &PersonAnswer) -> Result<String, String> {
    let [card] = answer.persons.as_slice() else {
        return Err(format!("{} cards", answer.persons.len()));
    };
    let generalities = &stage.cast.head.generalities;
    let same = card.surname == generalities.surname
        && card.given_name == generalities.given_name
        && card.current_tax_code() == Some(&stage.cast.head_code);
    if !same {
        return Err("another person".to_owned());
    }
    entered(&answer.receipt)
}

fn same_members(answer: &HouseholdAnswer, expected: &[TaxCode]) -> Result<String, String> {
    let [household] = answer.households.as_slice() else {
        return Err(format!("{} households", answer.households.len()));
    };
    let shown: BTreeSet<&TaxCode> = household
        .members
        .iter()
        .filter_map(|member| member.person.current_tax_code())
        .collect();
    let expected: BTreeSet<&TaxCode> = expected.iter().collect();
    let text = format!("{} members", household.members.len());
    if shown == expected && household.members.len() == expected.len() {
        Ok(text)
    } else {
        Err(text)
    }
}

fn same_verdict(answer: &VerificationAnswer, expected: Verdict) -> Result<String, String> {
    let text = format!("{:?} ({})", answer.verdict, answer.verdict.anpr());
    if answer.verdict == expected {
        Ok(text)
    } else {
        Err(text)
    }
}

fn entered(proof: &AccessProof) -> Result<String, String> {
    match proof {
        AccessProof::Proved(entry) => Ok(format!("entry {}, receipt verified", entry.receipt().index)),
        AccessProof::Kept(_) | AccessProof::Claimed(_) => Err("the receipt was not verified".to_owned()),
    }
}

/// The receipt goes through a file; it must prove the entry, and must prove nothing once a byte of it is changed.
async fn offline(stage: &Stage<'_>, receipt: Option<Receipt>) -> Result<Result<String, String>, Failure> {
    let Some(receipt) = receipt else {
        return Ok(Err("there is no receipt".to_owned()));
    };
    let path = stage.region.file("receipt");
    let bytes = receipt.encode().map_err(|error| Failure::internal(&error))?;
    crate::call::write_new(&path, &bytes)?;
    let verifier = stage.region.verifier().clone();
    super::beside(move || {
        let read = std::fs::read(&path).map_err(|error| error.to_string())?;
        let receipt = Receipt::decode(&read).map_err(|error| error.to_string())?;
        receipt.verify(&verifier).map_err(|error| error.to_string())?;
        let mut forged = receipt;
        if let Some(last) = forged.header.last_mut() {
            *last ^= 1;
        }
        match forged.verify(&verifier) {
            Ok(_) => Err("a forged receipt was believed".to_owned()),
            Err(_) => Ok("valid; with one bit changed it proves nothing".to_owned()),
        }
    })
    .await
}
