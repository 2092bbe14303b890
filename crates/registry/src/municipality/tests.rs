use std::collections::{BTreeMap, BTreeSet};

use super::*;

fn istat(text: &str) -> IstatCode {
    IstatCode::parse(text).unwrap()
}

fn cadastral(text: &str) -> CadastralCode {
    CadastralCode::parse(text).unwrap()
}

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

#[test]
fn every_row_of_the_table_is_read_in_full() {
    assert_eq!(all().len(), 19_373);
    assert_eq!(all().len(), table::TABLE.lines().count() - 1);
    for (read, row) in all().iter().zip(table::TABLE.lines().skip(1)) {
        let compact =
            |date: Option<NaiveDate>| date.map_or(String::new(), |date| date.format("%Y%m%d").to_string());
        let written = [
            read.cadastral().map_or(String::new(), |code| code.to_string()),
            compact(read.validity().from),
            read.istat().map_or(String::new(), |code| code.to_string()),
            compact(read.validity().to),
            read.province().to_owned(),
            read.region().to_owned(),
            read.name().to_owned(),
        ];
        assert_eq!(written.join("\t"), row);
        assert!(read.validity().from.is_some(), "{row}");
    }
    assert!(
        all()
            .windows(2)
            .all(|pair| pair[0].cadastral() <= pair[1].cadastral())
    );
}

#[test]
fn the_anomalies_of_the_table_are_the_ones_described() {
    assert_eq!(all().iter().filter(|row| row.cadastral().is_none()).count(), 28);
    assert_eq!(all().iter().filter(|row| row.istat().is_none()).count(), 10);

    let mut holders = BTreeMap::<_, BTreeSet<MunicipalityId>>::new();
    for row in all() {
        if let (Some(istat), Some(id)) = (row.istat(), row.id()) {
            holders
                .entry((istat, row.region() == "08"))
                .or_default()
                .insert(id);
        }
    }
    let mut shared = BTreeMap::<_, BTreeSet<MunicipalityId>>::new();
    for ((istat, _), ids) in &holders {
        shared.entry(istat).or_default().extend(ids);
    }
    assert_eq!(shared.values().filter(|ids| 1 < ids.len()).count(), 366);
    let in_the_region = holders.iter().filter(|((_, in_region), _)| *in_region);
    assert!(
        in_the_region
            .clone()
            .all(|((istat, _), _)| shared[istat].len() == 1)
    );
    assert!(in_the_region.count() >= 330);
}

#[test]
fn emilia_romagna_has_330_municipalities_with_codes_of_their_own() {
    let current: Vec<_> = current_of_region("08").collect();
    assert_eq!(current.len(), 330);
    assert_eq!(
        current
            .iter()
            .filter_map(|row| row.istat())
            .collect::<BTreeSet<_>>()
            .len(),
        330
    );
    assert_eq!(
        current
            .iter()
            .filter_map(|row| row.id())
            .collect::<BTreeSet<_>>()
            .len(),
        330
    );
    assert_eq!(all().iter().filter(|row| row.is_current()).count(), 7_894);
    assert_eq!(current_of_region("99").count(), 0);
}

#[test]
fn a_current_code_leads_to_the_municipality_and_back() {
    for row in all().iter().filter(|row| row.is_current()) {
        let (code, id) = (row.istat().unwrap(), row.id().unwrap());
        assert_eq!(current_by_istat(code), Some(row));
        assert_eq!(MunicipalityId::of_any(code), Some(id));
        assert_eq!(id.current(), Some(row));
        assert_eq!(MunicipalityId::parse(id.as_str()), Some(id));
    }
}

#[test]
fn imola_is_found_by_each_of_its_codes() {
    let today = day("2025-01-01");
    let imola = by_istat_at(istat("037032"), today).unwrap();
    assert_eq!(
        (imola.name(), imola.province(), imola.region()),
        ("IMOLA", "BO", "08")
    );
    assert_eq!(by_cadastral_at(cadastral("E289"), today), Some(imola));
    assert_eq!(by_name_at("Imola", "bo", today), Ok(imola));
    assert_eq!(
        MunicipalityId::of(istat("037032"), today).unwrap().as_str(),
        "E289"
    );
}

#[test]
fn identity_survives_a_change_of_province_and_of_istat_code() {
    let before = MunicipalityId::of(istat("041033"), day("2021-06-16"));
    let after = MunicipalityId::of(istat("099030"), day("2021-06-17"));
    assert_eq!(before, after);
    assert_eq!(before.unwrap().as_str(), "F478");
    assert_eq!(MunicipalityId::of_any(istat("041033")), before);
    assert_eq!(MunicipalityId::of(istat("041033"), day("2021-06-17")), None);
    assert_eq!(
        by_cadastral_at(cadastral("C573"), day("1992-04-15"))
            .unwrap()
            .province(),
        "FO"
    );
    assert_eq!(
        by_cadastral_at(cadastral("C573"), day("1992-04-16"))
            .unwrap()
            .province(),
        "FC"
    );
}

#[test]
fn a_merger_makes_a_new_identity_and_ends_the_old_one() {
    let old = MunicipalityId::of(istat("037058"), day("2013-12-31")).unwrap();
    let new = MunicipalityId::of(istat("037061"), day("2014-01-01")).unwrap();
    assert_eq!((old.as_str(), new.as_str()), ("I474", "M320"));
    assert_eq!(old.current(), None);
    assert_eq!(new.current().map(Municipality::name), Some("VALSAMOGGIA"));
    assert_eq!(MunicipalityId::of_any(istat("037058")), Some(old));
}

#[test]
fn an_identity_is_read_only_if_the_table_knows_it() {
    for text in ["", "E28", "e289", "A000", "Z330", "037032"] {
        assert_eq!(MunicipalityId::parse(text), None, "{text:?}");
    }
}

#[test]
fn names_are_found_however_they_are_spelt() {
    let on = day("1980-01-01");
    for (name, province, code) in [
        ("FORLÌ", "FO", "D704"),
        ("Forli'", "FO", "D704"),
        ("forli", "fo", "D704"),
        ("Reggio nell'Emilia", "RE", "H223"),
        ("REGGIO NELL’EMILIA", "RE", "H223"),
        ("bellaria igea marina", "FO", "A747"),
        ("Sant'Agostino", "FE", "I209"),
        ("SANT AGOSTINO", "FE", "I209"),
    ] {
        let found = by_name_at(name, province, on).map(|row| row.cadastral().unwrap());
        assert_eq!(found, Ok(cadastral(code)), "{name} {province}");
    }
}

#[test]
fn a_name_that_leads_to_no_single_municipality_says_why() {
    for (name, province, on, error) in [
        ("IMOLA", "MI", "1980-01-01", NameLookupError::Unknown),
        ("", "BO", "1980-01-01", NameLookupError::Unknown),
        ("SAVIGNO", "BO", "2014-01-01", NameLookupError::OtherPeriod),
        ("SAVOGNA", "UD", "1923-03-01", NameLookupError::Ambiguous),
        ("CASTELLO", "TN", "1922-01-01", NameLookupError::Ambiguous),
    ] {
        assert_eq!(
            by_name_at(name, province, day(on)),
            Err(error),
            "{name} {province} {on}"
        );
    }
}

#[test]
fn a_name_is_ambiguous_only_before_1929() {
    for row in all()
        .iter()
        .filter(|row| row.validity().to.is_none_or(|to| day("1929-01-01") <= to))
    {
        let on = row.validity().to.unwrap_or_else(|| day("2026-03-01"));
        let found = by_name_at(row.name(), row.province(), on);
        assert_eq!(found, Ok(row), "{row:?}");
    }
}

#[test]
fn a_day_outside_the_periods_is_placed_with_the_reason() {
    for (code, on, name, standing) in [
        ("F257", "1980-01-01", "MODENA", Standing::Valid),
        ("F257", "1850-01-01", "MODENA", Standing::BeforeFirstPeriod),
        ("A138", "1940-01-01", "ALBARETO DI BORGOTARO", Standing::InGap),
        ("I474", "2014-01-01", "SAVIGNO", Standing::AfterEnd),
        ("D588", "1900-01-01", "MARNE", Standing::Valid),
        ("D588", "2000-01-01", "FILAGO", Standing::Valid),
    ] {
        let placed = placed_at(cadastral(code), day(on)).unwrap();
        assert_eq!(
            (placed.municipality.name(), placed.standing),
            (name, standing),
            "{code} {on}"
        );
    }
    assert_eq!(placed_at(cadastral("A000"), day("2000-01-01")), None);
}

#[test]
fn a_reused_istat_code_is_told_apart_by_the_day() {
    let code = istat("092001");
    let holders: Vec<_> = periods_of_istat(code).collect();
    assert!(
        holders
            .windows(2)
            .all(|pair| pair[0].validity().ended_before(pair[1].validity().from.unwrap()))
    );
    for holder in &holders {
        assert_eq!(
            MunicipalityId::of(code, holder.validity().from.unwrap()),
            holder.id()
        );
    }
    assert_eq!(
        holders
            .iter()
            .filter_map(|row| row.id())
            .collect::<BTreeSet<_>>()
            .len(),
        2
    );
    assert_eq!(
        MunicipalityId::of_any(code),
        holders.last().and_then(|row| row.id())
    );
}
