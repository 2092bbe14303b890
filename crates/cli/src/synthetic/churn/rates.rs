//! How often things happen, for each resident and year, and how late the office learns of them.
//!
//! Rates are those of the region (births 6.4 and deaths 11.5 per thousand, moves between municipalities 26, from
//! abroad 7, inside one municipality about 30); those of corrections are estimates.

use super::super::random::Stream;

/// Births.
pub(super) const BIRTHS: f64 = 0.0064;
/// Moves to another municipality or abroad, families and persons alone.
pub(super) const DEPARTURES: f64 = 0.0135;
/// Families that come from outside the municipalities that are made.
pub(super) const ARRIVALS: f64 = 0.012;
/// Changes of dwelling inside the municipality, families and persons alone.
pub(super) const CHANGES_OF_DWELLING: f64 = 0.016;
/// Marriages and civil unions.
pub(super) const UNIONS: f64 = 0.003;
/// Divorces.
pub(super) const DISSOLUTIONS: f64 = 0.0013;
/// Citizenships acquired.
pub(super) const NATURALISATIONS: f64 = 0.0057;
/// Codici fiscali changed for omocodia.
pub(super) const OMOCODES: f64 = 0.0002;
/// Persons found untraceable.
pub(super) const UNTRACEABLE: f64 = 0.0025;
/// Facts found to be wrong.
pub(super) const RECTIFICATIONS: f64 = 0.003;
/// Last operations annulled.
pub(super) const ANNULMENTS: f64 = 0.001;
/// Cards withdrawn that should not have been opened.
pub(super) const WITHDRAWALS: f64 = 0.000_1;

/// Share of departures that lead abroad.
pub(super) const ABROAD: f64 = 0.12;
/// Share of departures inside Italy that lead to another of the municipalities that are made.
pub(super) const NEAR: f64 = 0.6;
/// Share of moves of a single person.
pub(super) const ALONE: f64 = 0.35;
/// Share of declared residences of which the check fails.
pub(super) const CHECKS_FAILED: f64 = 0.05;
/// Share of the untraceable who reappear.
pub(super) const REAPPEARING: f64 = 0.3;
/// Share of events that the office learns of late.
const LATE: f64 = 0.03;

/// Days until something is registered: up to `usual`, of a few events up to three weeks.
pub(super) fn delay(stream: &mut Stream, usual: i64) -> u64 {
    let days = if stream.chance(LATE) {
        stream.between(usual, 21)
    } else {
        stream.between(0, usual)
    };
    days.unsigned_abs()
}
