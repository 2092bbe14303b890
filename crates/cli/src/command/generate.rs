//! `ponte generate`: synthetic registries as exports that a node imports.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use agreement::reason::ExitCode;
use chrono::NaiveDate;
use clap::Args;
use indicatif::ProgressBar;
use registry::identifier::IstatCode;

use crate::failure::Failure;
use crate::session::Session;
use crate::synthetic::churn::{Churn, ChurnReport, Pace, TRUTH};
use crate::synthetic::{self, Extent, GenerateError, Moment, Plan, Region, Registers, Scale};

/// Arguments of `ponte generate`.
#[derive(Args, Debug)]
pub struct GenerateArguments {
    /// ISTAT code of a municipality of Emilia-Romagna; with --churn several, separated by commas
    #[arg(
        long,
        value_name = "ISTAT",
        value_delimiter = ',',
        required_unless_present = "region",
        conflicts_with = "region"
    )]
    pub municipality: Vec<String>,
    /// ISTAT code of the region, 08: all its municipalities, a file each
    #[arg(long, value_name = "CODE", requires = "out_dir")]
    pub region: Option<String>,
    /// Days of events: a total export of the first day, an incremental export of each day after it, and the truth
    #[arg(long, value_name = "DAYS", requires = "out_dir", conflicts_with_all = ["until", "abroad"])]
    pub churn: Option<u16>,
    /// First day of --churn; without it 1 January
    #[arg(long, value_name = "DATE", requires = "churn")]
    pub from: Option<NaiveDate>,
    /// How many times as often as in life things happen in the days of --churn, 1 to 1000
    #[arg(long, value_name = "N", default_value_t = 1, requires = "churn")]
    pub pace: u16,
    /// Year whose registry is made
    #[arg(long, default_value_t = 2026)]
    pub year: i32,
    /// Seed: the same seed makes the same people
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Share of the households: 1/N, or 1 for all
    #[arg(long, default_value = "1", value_name = "SHARE")]
    pub scale: String,
    /// With all events up to this day of the year; without it the registry of 1 January
    #[arg(long, value_name = "DATE")]
    pub until: Option<NaiveDate>,
    /// Citizens abroad (AIRE) too
    #[arg(long)]
    pub abroad: bool,
    /// File to write; without it standard output
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Directory in which one file for each municipality is written, or one directory with --churn
    #[arg(long, value_name = "DIRECTORY", conflicts_with = "out")]
    pub out_dir: Option<PathBuf>,
}

/// The only region whose people can be made.
const EMILIA_ROMAGNA: &str = "08";

/// Runs `ponte generate`.
pub fn run(arguments: &GenerateArguments, session: &mut Session<'_, '_>) -> Result<ExitCode, Failure> {
    let GenerateArguments {
        municipality,
        region,
        churn,
        from,
        pace,
        year,
        seed,
        scale,
        until,
        abroad,
        out,
        out_dir,
    } = arguments;
    let plan = Plan::new(*seed, *year).map_err(refused)?;
    let scale = Scale::parse(scale).map_err(refused)?;
    if let Some(days) = churn {
        let directory = out_dir.as_ref().ok_or_else(|| {
            Failure::usage(
                "manca la cartella --out-dir",
                "the directory --out-dir is missing",
            )
        })?;
        let codes = churned(municipality, region.as_deref())?;
        let churn = Churn::new(plan, *from, *days, &codes).map_err(refused)?;
        let churn = churn.of(scale).at(Pace::times(*pace).map_err(refused)?);
        return days_of(&churn, directory, session);
    }
    let extent = Extent {
        scale,
        moment: until.map_or(Moment::Start, Moment::Until),
        registers: if *abroad {
            Registers::ResidentsAndAbroad
        } else {
            Registers::Residents
        },
    };
    let day = plan.reference_date(extent.moment).map_err(refused)?;

    let cards = match (municipality.as_slice(), region, out_dir) {
        ([code], None, None) => one(plan, code, extent, out.as_ref(), session)?,
        ([], Some(region), Some(directory)) if region == EMILIA_ROMAGNA => {
            whole_region(plan, extent, directory, session)?
        }
        ([], _, _) => return Err(not_the_region()),
        (_, _, _) => {
            return Err(Failure::usage(
                "più comuni, o una cartella, solo con --churn o --region",
                "several municipalities, or a directory, only with --churn or --region",
            ));
        }
    };
    session.say(
        format!("{cards} schede sintetiche al {day}; non corrispondono a persone reali"),
        format!("{cards} synthetic cards as of {day}; they are no real persons"),
    )?;
    Ok(ExitCode::Ok)
}

/// The municipalities of which days are made.
fn churned(municipalities: &[String], region: Option<&str>) -> Result<Vec<IstatCode>, Failure> {
    match region {
        Some(EMILIA_ROMAGNA) => {
            let all = Region::emilia_romagna().municipalities();
            Ok(all.iter().map(synthetic::Municipality::istat).collect())
        }
        Some(_) => Err(not_the_region()),
        None => municipalities.iter().map(|code| istat_code(code)).collect(),
    }
}

fn days_of(churn: &Churn, directory: &Path, session: &mut Session<'_, '_>) -> Result<ExitCode, Failure> {
    let municipalities = u64::try_from(churn.municipalities().len()).unwrap_or(u64::MAX);
    let bar = session.progress(municipalities);
    std::fs::create_dir_all(directory).map_err(|error| Failure::file(directory, &error))?;
    let written = churn.write(directory, |name| {
        bar.set_message(name.to_owned());
        bar.inc(1);
    });
    bar.finish_and_clear();
    let ChurnReport { cards, rows, truths } = written.map_err(|error| match error {
        GenerateError::Io(error) => Failure::file(directory, &error),
        other => refused(other),
    })?;
    let (first, last) = (churn.first(), churn.last());
    session.say(
        format!(
            "{cards} schede sintetiche al {first}, {rows} righe incrementali fino al {last}, la verità di {truths} \
             schede in {TRUTH}; non corrispondono a persone reali"
        ),
        format!(
            "{cards} synthetic cards as of {first}, {rows} incremental rows up to {last}, the truth of {truths} cards \
             in {TRUTH}; they are no real persons"
        ),
    )?;
    Ok(ExitCode::Ok)
}

fn istat_code(code: &str) -> Result<IstatCode, Failure> {
    IstatCode::parse(code)
        .map_err(|error| Failure::usage("codice ISTAT non valido", "not an ISTAT code").because(&error))
}

fn not_the_region() -> Failure {
    Failure::usage("la regione deve essere 08", "the region must be 08")
}

fn one(
    plan: Plan,
    code: &str,
    extent: Extent,
    out: Option<&PathBuf>,
    session: &mut Session<'_, '_>,
) -> Result<u64, Failure> {
    let istat = istat_code(code)?;
    let residents = Region::emilia_romagna()
        .municipality(istat)
        .map_or(0, |place| place.population());
    let bar = session.progress(u64::from(residents / extent.scale.households()));
    let cards = match out {
        Some(path) => {
            let file = File::create_new(path).map_err(|error| Failure::file(path, &error))?;
            write(plan, istat, extent, file, &bar)
        }
        None => write(plan, istat, extent, &mut session.io.stdout, &bar),
    };
    bar.finish_and_clear();
    cards
}

fn whole_region(
    plan: Plan,
    extent: Extent,
    directory: &PathBuf,
    session: &mut Session<'_, '_>,
) -> Result<u64, Failure> {
    std::fs::create_dir_all(directory).map_err(|error| Failure::file(directory, &error))?;
    let municipalities = Region::emilia_romagna().municipalities();
    let bar = session.progress(u64::try_from(municipalities.len()).unwrap_or(u64::MAX));
    let mut cards = 0;
    for municipality in municipalities {
        bar.set_message(municipality.name());
        let path = directory.join(format!("{}.csv", municipality.istat()));
        let file = File::create_new(&path).map_err(|error| Failure::file(&path, &error))?;
        cards += write(plan, municipality.istat(), extent, file, &ProgressBar::hidden())?;
        bar.inc(1);
    }
    bar.finish_and_clear();
    Ok(cards)
}

fn write(
    plan: Plan,
    istat: IstatCode,
    extent: Extent,
    output: impl Write,
    bar: &ProgressBar,
) -> Result<u64, Failure> {
    let mut output = BufWriter::new(Counted { output, bar });
    let cards = synthetic::write_export(plan, istat, extent, &mut output).map_err(refused)?;
    output.flush()?;
    Ok(cards)
}

/// Moves the bar with every line that passes.
struct Counted<'a, W> {
    output: W,
    bar: &'a ProgressBar,
}

impl<W: Write> Write for Counted<'_, W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.output.write(bytes)?;
        let lines = bytes.iter().take(written).filter(|byte| **byte == b'\n').count();
        self.bar.inc(u64::try_from(lines).unwrap_or(0));
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.output.flush()
    }
}

fn refused(error: GenerateError) -> Failure {
    match error {
        GenerateError::Io(error) => Failure::Output(error),
        GenerateError::Year
        | GenerateError::Scale
        | GenerateError::UnknownMunicipality(_)
        | GenerateError::MunicipalityTwice(_)
        | GenerateError::Pace
        | GenerateError::DayOutsideYear => {
            Failure::usage("generazione non possibile", "nothing can be generated").because(&error)
        }
    }
}
