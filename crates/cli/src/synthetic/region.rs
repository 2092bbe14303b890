//! The region's municipalities with their residents by single year of age and sex.

use std::sync::LazyLock;

use registry::identifier::{CadastralCode, IstatCode};
use registry::municipality;
use registry::record::Sex;

/// `istat,postcodes,males,females`; the last three are lists separated by blanks, ages 0 to 100 (100 and over).
const TABLE: &str = include_str!("../../data/population.csv");

/// Ages of the table: 0 to 99, and 100 for everybody older.
pub(super) const AGES: usize = 101;

/// Residents by single year of age.
pub(super) type ByAge = [u32; AGES];

/// A region with the municipalities for which people can be made.
#[derive(Debug)]
pub struct Region {
    municipalities: Vec<Municipality>,
}

/// A municipality of the region.
#[derive(Debug)]
pub struct Municipality {
    pub(super) istat: IstatCode,
    pub(super) cadastral: CadastralCode,
    pub(super) name: &'static str,
    pub(super) province: &'static str,
    pub(super) postcodes: Vec<&'static str>,
    pub(super) males: ByAge,
    pub(super) females: ByAge,
    /// Place in the region's list, which is ordered by ISTAT code.
    pub(super) ordinal: usize,
}

static EMILIA_ROMAGNA: LazyLock<Region> = LazyLock::new(|| {
    let rows = TABLE.lines().skip(1).enumerate();
    let municipalities = rows
        .map(|(ordinal, row)| {
            Municipality::from_row(ordinal, row).expect("the compiled-in table is well formed")
        })
        .collect();
    Region { municipalities }
});

impl Region {
    /// ISTAT code of the region.
    pub const EMILIA_ROMAGNA: &'static str = "08";

    /// Emilia-Romagna: 330 municipalities, 4,426,929 residents (ISTAT, 1 January 2023).
    pub fn emilia_romagna() -> &'static Self {
        &EMILIA_ROMAGNA
    }

    /// Every municipality, by ISTAT code.
    pub fn municipalities(&self) -> &[Municipality] {
        &self.municipalities
    }

    /// The municipality of a code.
    pub fn municipality(&self, istat: IstatCode) -> Option<&Municipality> {
        let at = self
            .municipalities
            .binary_search_by_key(&istat, |it| it.istat)
            .ok()?;
        self.municipalities.get(at)
    }
}

impl Municipality {
    fn from_row(ordinal: usize, row: &'static str) -> Option<Self> {
        let mut fields = row.split(',');
        let istat = IstatCode::parse(fields.next()?).ok()?;
        let postcodes = fields.next()?.split(' ').collect();
        let males = by_age(fields.next()?)?;
        let females = by_age(fields.next()?)?;
        let current = municipality::current_by_istat(istat)?;
        Some(Self {
            istat,
            cadastral: current.cadastral()?,
            name: current.name(),
            province: current.province(),
            postcodes,
            males,
            females,
            ordinal,
        })
    }

    /// ISTAT code.
    pub fn istat(&self) -> IstatCode {
        self.istat
    }

    /// Official name, upper case.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Province (*sigla*).
    pub fn province(&self) -> &'static str {
        self.province
    }

    /// Residents of one sex by single year of age; the last entry is 100 and over.
    pub fn residents(&self, sex: Sex) -> &[u32] {
        match sex {
            Sex::Male => &self.males,
            Sex::Female => &self.females,
            Sex::Unknown => &[],
        }
    }

    /// All residents.
    pub fn population(&self) -> u32 {
        self.males.iter().sum::<u32>() + self.females.iter().sum::<u32>()
    }
}

fn by_age(list: &str) -> Option<ByAge> {
    let counts: Vec<u32> = list.split(' ').map(str::parse).collect::<Result<_, _>>().ok()?;
    counts.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_region_has_the_residents_of_the_published_count() {
        let region = Region::emilia_romagna();
        assert_eq!(region.municipalities().len(), 330);
        assert_eq!(
            region
                .municipalities()
                .iter()
                .map(Municipality::population)
                .sum::<u32>(),
            4_426_929
        );
        let imola = region.municipality(IstatCode::parse("037032").unwrap()).unwrap();
        assert_eq!(
            (imola.name(), imola.province(), imola.cadastral.as_str()),
            ("IMOLA", "BO", "E289")
        );
        assert!(region.municipality(IstatCode::parse("001001").unwrap()).is_none());
    }

    #[test]
    fn every_municipality_has_its_own_code_and_a_postcode() {
        let all = Region::emilia_romagna().municipalities();
        assert!(all.windows(2).all(|pair| pair[0].istat < pair[1].istat));
        for municipality in all {
            assert!(
                municipality.postcodes.iter().all(|code| code.len() == 5),
                "{}",
                municipality.name
            );
        }
    }
}
