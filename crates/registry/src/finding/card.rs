//! Rules between the parts of a card, whoever brings it: the node asks them of an export's row, the index of every
//! card that a node publishes.

use chrono::NaiveDate;

use super::FindingRule;
use super::rules;
use crate::export::Column;
use crate::record::Record;

/// The rules that a card breaks, as of `today`, with the column in which each shows.
pub fn card_rules(record: &Record, today: NaiveDate) -> Vec<(&'static FindingRule, Column)> {
    let born = record.generalities.birth_date.earliest();
    let registered = record.registration.effective;
    let mut broken: Vec<(&'static FindingRule, Column)> = Vec::new();
    let mut note_if = |breaks: bool, rule: &'static FindingRule, column: Column| {
        if breaks {
            broken.push((rule, column));
        }
    };
    note_if(
        registered.is_some_and(|from| from < born),
        &rules::EHA3,
        Column::RegistrationFrom,
    );
    note_if(
        registered.is_some_and(|from| today < from),
        &rules::EHR18,
        Column::RegistrationFrom,
    );
    if let Some(exit) = &record.cancellation {
        note_if(today < exit.effective, &rules::EHR18, Column::CancellationFrom);
        let before_entry = registered.is_some_and(|from| exit.effective < from);
        note_if(before_entry, &rules::EN315, Column::CancellationFrom);
        note_if(
            exit.reason.is_death() && record.death.is_none(),
            &rules::PN092,
            Column::DeathDate,
        );
    }
    if let Some(death) = &record.death {
        note_if(today < death.date, &rules::ES007, Column::DeathDate);
        note_if(death.date < born, &rules::PN090, Column::DeathDate);
        note_if(
            record.cancellation.is_none(),
            &rules::PN091,
            Column::CancellationReason,
        );
    }
    broken
}
