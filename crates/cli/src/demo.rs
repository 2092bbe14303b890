//! `ponte demo`: a whole small region in this process, over real mutual TLS and real files, with synthetic people.
//!
//! [`region`] brings up trust domain, index and nodes; [`cast`] finds persons whose story can be told; [`story`] tells
//! it step by step, each step with the result it must have; [`report`] says what happened.

mod documents;
mod region;
mod publishing;
mod cast;
mod report;
mod story;

use std::time::Duration;

use agreement::reason::ExitCode;
use chrono::{Datelike as _, NaiveDate};
use clap::Args;

use crate::failure::Failure;
use crate::session::Session;
use crate::synthetic::{Extent, Moment, Plan, Registers, Scale};

use self::cast::Cast;
use self::region::Region;
use self::report::Report;

/// Arguments of `ponte demo`.
#[derive(Args, Clone, Copy, Debug)]
pub struct DemoArguments {
    /// One household in sixty instead of all 134,000 residents
    #[arg(long)]
    pub small: bool,
    /// Leave the region running afterwards, and print commands to try
    #[arg(long)]
    pub keep: bool,
}

/// What is played.
#[derive(Clone, Copy, Debug)]
struct Programme {
    plan: Plan,
    /// The registries on the first day of last year.
    before: Extent,
    /// The same on its last day, with everything that happened in between.
    after: Extent,
    /// The first of these days.
    first_day: NaiveDate,
    /// Today in Europe/Rome.
    today: NaiveDate,
    /// Lookups whose rate is measured.
    lookups: usize,
}

const SEED: u64 = 1;
/// Time to drain before a runtime is dropped.
const ENDING: Duration = Duration::from_secs(30);

/// Runs `ponte demo`: exit 0 only when every step had the result that it must have.
pub fn run(arguments: DemoArguments, session: &mut Session<'_, '_>) -> Result<ExitCode, Failure> {
    let DemoArguments { small, keep } = arguments;
    let today = agreement::moment::Moment::new(session.surroundings.clock.now()).date();
    let scale = if small {
        Scale::one_in(60).map_err(|error| Failure::internal(&error))?
    } else {
        Scale::WHOLE
    };
    let programme = Programme::of_last_year(today, scale, if small { 500 } else { 20_000 })?;
    let directory = tempfile::Builder::new()
        .prefix("ponte-demo-")
        .tempdir()
        .map_err(|error| Failure::file(&std::env::temp_dir(), &error))?;
    session.say(
        "Le persone di questa dimostrazione sono inventate.",
        "The people of this demonstration are invented.",
    )?;
    session.block_on(async |session| {
        let mut report = Report::new(session.language);
        let region = Region::bring_up(directory.path(), &programme, session).await?;
        let played = play(&region, &programme, &mut report, session).await;
        if keep && played.is_ok() {
            region.print_commands(&programme, session)?;
            tokio::signal::ctrl_c()
                .await
                .map_err(|error| Failure::internal(&error))?;
        }
        let ended = region.take_down(ENDING).await;
        played.and(ended)?;
        report.close(session)
    })
}

async fn play(
    region: &Region,
    programme: &Programme,
    report: &mut Report,
    session: &mut Session<'_, '_>,
) -> Result<(), Failure> {
    region.activate_agreements(programme, report, session).await?;
    publishing::publish(region, programme, programme.before, report, session).await?;
    publishing::publish(region, programme, programme.after, report, session).await?;
    let cast = Cast::choose(programme)?;
    story::tell(region, programme, &cast, report, session).await
}

impl Programme {
    /// Last year as it went by, so that every day of it lies in the past.
    fn of_last_year(today: NaiveDate, scale: Scale, lookups: usize) -> Result<Self, Failure> {
        let refused = |error: crate::synthetic::GenerateError| {
            Failure::usage(
                "l'orologio non indica un anno per cui ci sono persone sintetiche",
                "the clock shows no year for which there are synthetic people",
            )
            .because(&error)
        };
        let plan = Plan::new(SEED, today.year() - 1).map_err(refused)?;
        let last_day = NaiveDate::from_ymd_opt(plan.year(), 12, 31).unwrap_or(today);
        let extent = |moment| Extent {
            scale,
            moment,
            registers: Registers::Residents,
        };
        Ok(Self {
            plan,
            before: extent(Moment::Start),
            after: extent(Moment::Until(last_day)),
            first_day: plan.reference_date(Moment::Start).map_err(refused)?,
            today,
            lookups,
        })
    }
}

#[cfg(test)]
mod tests;
