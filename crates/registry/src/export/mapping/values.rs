//! Values that a mapping writes itself: they must be ones that our columns can hold.

use std::collections::BTreeMap;

use super::check::{Checked, broken};
use super::rule::{Otherwise, Values};
use crate::change::{ActReference, ActText, EventKind};
use crate::code::{
    AddressKind, CancellationReason, CivilStatus, HouseholdKind, HouseholdRole, RegistrationReason,
    ToponymSpecies,
};
use crate::date::PartialDate;
use crate::export::column::{Column, Form};
use crate::identifier::{IstatCode, StateCode};
use crate::record::Register;

/// The translation of a column's values, when it has one.
pub(super) fn translation(
    column: Column,
    values: Option<BTreeMap<String, String>>,
    otherwise: Option<&str>,
    key: &str,
) -> Checked<Option<Values>> {
    let otherwise = match (&values, otherwise) {
        (None, Some(_)) => return Err(broken(key, "otherwise is for columns with values")),
        (_, None | Some("refuse")) => Otherwise::Refuse,
        (_, Some("keep")) => Otherwise::Keep,
        (_, Some(_)) => return Err(broken(key, "otherwise must be refuse or keep")),
    };
    let Some(table) = values else {
        return Ok(None);
    };
    let is_date = matches!(column.spec().form, Form::Date | Form::PartialDate);
    // Of a date the value is translated before it is read: it need not be in our form yet.
    if !is_date && !table.values().all(|ours| ours.is_empty() || admits(column, ours)) {
        return Err(broken(
            key,
            "values translates to something that the column does not admit",
        ));
    }
    Ok(Some(Values { table, otherwise }))
}

/// Whether a value that the mapping writes is one that the column can hold.
pub(super) fn admits(column: Column, value: &str) -> bool {
    match column.spec().form {
        Form::OneOf(words) => words.contains(&value),
        Form::YesNo => ["S", "N"].contains(&value),
        Form::Date => PartialDate::parse(value).is_ok_and(|date| date.to_naive().is_some()),
        Form::PartialDate => PartialDate::parse(value).is_ok(),
        Form::Istat => IstatCode::parse(value).is_ok(),
        Form::State => StateCode::parse(value).is_ok(),
        Form::States => value.split(',').all(|code| StateCode::parse(code).is_ok()),
        Form::Event => EventKind::from_code(value).is_some(),
        Form::Year => ActReference::parse_year(value).is_some(),
        Form::Act => ActText::parse(value).is_some(),
        Form::Code(_) => admits_code(column, value),
        Form::Text(_)
        | Form::Name
        | Form::Province
        | Form::Postcode
        | Form::Number
        | Form::LocalNumber
        | Form::NationalId
        | Form::TaxCode => !value.is_empty(),
    }
}

fn admits_code(column: Column, code: &str) -> bool {
    match column {
        Column::CivilStatusValue => CivilStatus::from_code(code).is_ok(),
        Column::AddressKindValue => AddressKind::from_code(code).is_ok(),
        Column::Species => ToponymSpecies::from_code(code).is_ok(),
        Column::HouseholdRole => [HouseholdKind::Family, HouseholdKind::Convivenza]
            .into_iter()
            .any(|kind| HouseholdRole::from_code(kind, code).is_ok()),
        Column::RegistrationReason => RegistrationReason::from_code(code).is_ok(),
        Column::CancellationReason => [Register::Apr, Register::Aire]
            .into_iter()
            .any(|register| CancellationReason::from_code(register, code).is_ok()),
        _ => true,
    }
}
