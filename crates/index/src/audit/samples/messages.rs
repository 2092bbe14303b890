//! Samples as messages.

use chrono::NaiveDate;
use wire::convert::{Invalid, Rule, timestamp_from_unix_ms};
use wire::proto::audit::v1 as pb;

use crate::oversight::sample::{Drawing, Item, Judgement, Justification, Outcome, Sample, Standing};

/// A sample as it stands on a day.
pub(super) fn sample_message(sample: &Sample, today: NaiveDate) -> pb::Sample {
    let Sample {
        index,
        announced_ms,
        drawing:
            Drawing {
                agency,
                reserved,
                size,
                from,
                until,
                deadline,
            },
        items,
    } = sample;
    let items = items.iter().map(|(entry, item)| {
        let Item {
            access_ms,
            justification,
            judgement,
        } = item;
        pb::SampleItem {
            entry: *entry,
            access_time: Some(timestamp_from_unix_ms(*access_ms)),
            state: standing_message(item.standing(*deadline, today)).into(),
            justification: justification.as_ref().map(justification_message),
            note: judgement
                .as_ref()
                .map(|Judgement { note, .. }| note.clone())
                .unwrap_or_default(),
        }
    });
    pb::Sample {
        index: *index,
        draw_time: Some(timestamp_from_unix_ms(*announced_ms)),
        agency: agency.clone(),
        reserved: *reserved,
        size: *size,
        start_date: Some((*from).into()),
        end_date: Some((*until).into()),
        deadline: Some((*deadline).into()),
        items: items.collect(),
    }
}

fn justification_message(justification: &Justification) -> pb::SampleJustification {
    let Justification {
        index,
        date,
        text,
        case_reference,
        reader,
    } = justification.clone();
    pb::SampleJustification {
        index,
        date: Some(date.into()),
        text,
        case_reference,
        reader,
    }
}

fn standing_message(standing: Standing) -> pb::SampleState {
    match standing {
        Standing::Pending => pb::SampleState::Pending,
        Standing::Overdue => pb::SampleState::Overdue,
        Standing::Justified => pb::SampleState::Justified,
        Standing::JustifiedLate => pb::SampleState::JustifiedLate,
        Standing::Accepted => pb::SampleState::Accepted,
        Standing::Rejected => pb::SampleState::Rejected,
    }
}

/// The outcome of a number.
pub(super) fn outcome_of(number: i32) -> Result<Outcome, Invalid> {
    match pb::SampleOutcome::try_from(number) {
        Ok(pb::SampleOutcome::Accepted) => Ok(Outcome::Accepted),
        Ok(pb::SampleOutcome::Rejected) => Ok(Outcome::Rejected),
        Ok(pb::SampleOutcome::Unspecified) | Err(_) => Err(Invalid::new("outcome", Rule::Value)),
    }
}
