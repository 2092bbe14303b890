//! Opened parts as names and values, for readers without a decoder.

use ledger::part::{PartKind, PartOpening};
use registry::hex::Hex;
use store::access_log::part_content::{
    ContentError, CriteriaPart, DecisionPart, DetailPart, OperatorPart, PartContent, Subject, SubjectRole,
    SubjectsPart,
};
use wire::convert::PartItem;

/// The items of a part; none when its content does not decode, whose bytes the reader gets all the same.
pub(super) fn items(opening: &PartOpening) -> Vec<PartItem> {
    match read(&opening.kind, &opening.content) {
        Ok(items) => items,
        Err(error) => {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "a part of an entry does not decode"
            );
            Vec::new()
        }
    }
}

fn read(kind: &PartKind, content: &[u8]) -> Result<Vec<PartItem>, ContentError> {
    Ok(match kind {
        PartKind::Operator => operator(OperatorPart::decode(content)?),
        PartKind::Criteria => {
            let CriteriaPart { criteria } = CriteriaPart::decode(content)?;
            criteria
                .into_iter()
                .map(|(name, value)| PartItem { name, value })
                .collect()
        }
        PartKind::Decision => decision(DecisionPart::decode(content)?),
        PartKind::Subjects(_) => subjects(SubjectsPart::decode(content)?),
        PartKind::AdministrativeDetail => {
            let DetailPart { details } = DetailPart::decode(content)?;
            details
                .into_iter()
                .map(|(name, value)| PartItem { name, value })
                .collect()
        }
        PartKind::AgreementBytes | PartKind::PreviousCheckpoint => Vec::new(),
    })
}

fn item(name: impl Into<String>, value: impl Into<String>) -> PartItem {
    PartItem {
        name: name.into(),
        value: value.into(),
    }
}

fn operator(part: OperatorPart) -> Vec<PartItem> {
    let OperatorPart {
        operator,
        assurance,
        workstation,
        case_reference,
        consent_reference,
    } = part;
    let optional = [
        ("workstation", workstation),
        ("case_reference", case_reference),
        ("consent_reference", consent_reference),
    ];
    [item("operator", operator), item("assurance", assurance)]
        .into_iter()
        .chain(
            optional
                .into_iter()
                .filter_map(|(name, value)| value.map(|value| item(name, value))),
        )
        .collect()
}

fn decision(part: DecisionPart) -> Vec<PartItem> {
    let DecisionPart {
        outcome,
        clause,
        reserved,
        facts,
    } = part;
    let mut items = vec![item("outcome", outcome)];
    items.extend(clause.map(|clause| item("clause", clause)));
    items.push(item("reserved", reserved.to_string()));
    items.extend(facts.into_iter().map(|(name, value)| PartItem { name, value }));
    items
}

fn subjects(part: SubjectsPart) -> Vec<PartItem> {
    let SubjectsPart { subjects, count } = part;
    let mut items = vec![item("count", count.to_string())];
    for Subject {
        pseudonym,
        role,
        fields,
    } in subjects
    {
        let role = match role {
            SubjectRole::Shown => "shown",
            SubjectRole::Compared => "compared",
            SubjectRole::Withheld => "withheld",
            SubjectRole::Counted => "counted",
        };
        let pseudonym = Hex(pseudonym.as_bytes());
        items.push(item(
            format!("subject {pseudonym}"),
            format!("{role} {}", fields.join(",")),
        ));
    }
    items
}
