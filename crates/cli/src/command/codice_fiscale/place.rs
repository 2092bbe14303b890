//! Birth places as people write them.

use chrono::NaiveDate;
use registry::identifier::{CadastralCode, IstatCode};
use registry::{municipality, state};

use super::reasons::Refusal;

/// Finds the cadastral code of a place: by cadastral code, ISTAT code, `Name (PR)` or name of a state.
pub(super) fn find(text: &str, day: NaiveDate) -> Result<CadastralCode, Refusal> {
    let text = text.trim();
    if let Ok(code) = CadastralCode::parse(&text.to_ascii_uppercase()) {
        return Ok(code);
    }
    if let Ok(istat) = IstatCode::parse(text) {
        let found = municipality::by_istat_at(istat, day).or_else(|| municipality::current_by_istat(istat));
        return found
            .and_then(|municipality| municipality.cadastral())
            .ok_or(Refusal::Place);
    }
    if let Some((name, province)) = text.strip_suffix(')').and_then(|text| text.rsplit_once('(')) {
        let found =
            municipality::by_name_at(name.trim(), province.trim(), day).map_err(|_| Refusal::Place)?;
        return found.cadastral().ok_or(Refusal::Place);
    }
    let mut states = state::all()
        .iter()
        .filter(|state| state.name().eq_ignore_ascii_case(text));
    match (states.next(), states.next()) {
        (Some(state), None) => state.cadastral().ok_or(Refusal::Place),
        _ => Err(Refusal::Place),
    }
}

/// The name of the place of a code, the newest it had.
pub(super) fn name_of(code: CadastralCode) -> String {
    match municipality::periods(code).last() {
        Some(place) => format!("{} ({})", place.name(), place.province()),
        None => state::by_cadastral(code)
            .map(|state| state.name().to_owned())
            .unwrap_or_default(),
    }
}
