//! Opened parts as names and values, for readers without a decoder and for exports.

use chrono::DateTime;
use ledger::part::PartKind;
use registry::hex::Hex;

use crate::access_log::part_content::{
    ContentError, CriteriaPart, DecisionPart, DetailPart, OperatorPart, PartContent, Subject, SubjectRole,
    SubjectsPart,
};

/// A name and a value of a part.
pub type Item = (String, String);

/// The items of a part, in the order of its content; none for the bytes of an agreement and for a checkpoint, which are
/// texts as they are.
///
/// # Errors
/// The content does not decode.
pub fn items(kind: &PartKind, content: &[u8]) -> Result<Vec<Item>, ContentError> {
    Ok(match kind {
        PartKind::Operator => operator(OperatorPart::decode(content)?),
        PartKind::Criteria => {
            let CriteriaPart { criteria } = CriteriaPart::decode(content)?;
            criteria
        }
        PartKind::Decision => decision(DecisionPart::decode(content)?),
        PartKind::Subjects(_) => subjects(SubjectsPart::decode(content)?),
        PartKind::AdministrativeDetail => {
            let DetailPart { details } = DetailPart::decode(content)?;
            details
        }
        PartKind::AgreementBytes | PartKind::PreviousCheckpoint => Vec::new(),
    })
}

fn item(name: impl Into<String>, value: impl Into<String>) -> Item {
    (name.into(), value.into())
}

fn operator(part: OperatorPart) -> Vec<Item> {
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

fn decision(part: DecisionPart) -> Vec<Item> {
    let DecisionPart {
        outcome,
        clause,
        reserved,
        released_ms,
        facts,
    } = part;
    let mut items = vec![item("outcome", outcome)];
    items.extend(clause.map(|clause| item("clause", clause)));
    items.push(item("reserved", reserved.to_string()));
    let released = released_ms.and_then(|ms| DateTime::from_timestamp_millis(i64::try_from(ms).ok()?));
    items.extend(released.map(|instant| item("released", instant.to_rfc3339())));
    items.extend(facts);
    items
}

fn subjects(part: SubjectsPart) -> Vec<Item> {
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
