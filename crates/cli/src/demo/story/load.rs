//! How fast audited lookups are: each with its entry durable before the answer, and its receipt verified by the caller.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use agreement::field::FieldSet;
use client::error::ClientError;

use super::Stage;
use super::agencies::person;
use crate::demo::report::{Actor, Report, Told};
use crate::failure::Failure;
use crate::session::Session;

/// Callers at the same time.
const CALLERS: usize = 32;

/// Makes the programme's lookups and says how many a second were answered.
pub(super) async fn measure(
    stage: &Stage<'_>,
    report: &mut Report,
    session: &mut Session<'_, '_>,
) -> Result<(), Failure> {
    let step = report.begin(
        Actor::Police,
        "molte ricerche contemporanee",
        "many lookups at a time",
    );
    let lookups = stage.programme.lookups;
    let crowd: Arc<[_]> = stage.cast.crowd.clone().into();
    let begun = Arc::new(AtomicUsize::new(0));
    let template = stage.police_context("public-order")?;
    let bar = session.progress(u64::try_from(lookups).unwrap_or(0));
    let began = Instant::now();
    let mut callers = tokio::task::JoinSet::new();
    for _ in 0..CALLERS {
        let (police, crowd, begun, bar) = (
            stage.police.clone(),
            Arc::clone(&crowd),
            Arc::clone(&begun),
            bar.clone(),
        );
        let template = template.clone();
        callers.spawn(async move {
            let mut times = Vec::new();
            loop {
                let number = begun.fetch_add(1, Ordering::Relaxed);
                let Some(code) = crowd
                    .get(number % crowd.len().max(1))
                    .filter(|_| number < lookups)
                else {
                    return Ok::<_, ClientError>(times);
                };
                let mut context = template.clone();
                context.request_id = police.new_request_id();
                let at = Instant::now();
                police
                    .lookup_person(person(context, *code, FieldSet::EMPTY))
                    .await?;
                times.push(at.elapsed());
                bar.inc(1);
            }
        });
    }
    let mut times = Vec::with_capacity(lookups);
    let mut failed = None;
    while let Some(ended) = callers.join_next().await {
        match ended.map_err(|error| Failure::internal(&error))? {
            Ok(mut own) => times.append(&mut own),
            Err(error) => failed = Some(error.english()),
        }
    }
    bar.finish_and_clear();
    let told = match failed {
        Some(why) => Told::Otherwise(why),
        None if times.len() == lookups => Told::Expected(summary(&mut times, began.elapsed(), session)),
        None => Told::Otherwise(format!("{} of {lookups}", times.len())),
    };
    report.end(step, told, session)
}

fn summary(times: &mut [Duration], elapsed: Duration, session: &Session<'_, '_>) -> String {
    times.sort_unstable();
    let at = |share: usize| {
        times
            .get(times.len() * share / 100)
            .copied()
            .unwrap_or_default()
            .as_secs_f64()
            * 1000.0
    };
    let rate = times.len() as f64 / elapsed.as_secs_f64().max(0.001);
    let (count, half, most) = (times.len(), at(50), at(99));
    session.language.pick(
        format!("{count} in tutto, {rate:.0} al secondo; metà entro {half:.1} ms, 99 % entro {most:.1} ms"),
        format!("{count} in all, {rate:.0} a second; half within {half:.1} ms, 99 % within {most:.1} ms"),
    )
}
