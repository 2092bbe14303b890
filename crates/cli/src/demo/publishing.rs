//! Exports are made, imported by the nodes and published; the digests of node and index must then be equal.

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::Path;
use std::time::Instant;

use node::import::{ImportReport, RemovalLimit};

use super::Programme;
use super::region::Region;
use super::report::{Actor, Report, Told};
use crate::call::istat;
use crate::failure::Failure;
use crate::session::Session;
use crate::synthetic::{self, Extent, Plan};

/// Publishes all registries as they stand in the extent.
pub(super) async fn publish(
    region: &Region,
    programme: &Programme,
    extent: Extent,
    report: &mut Report,
    session: &mut Session<'_, '_>,
) -> Result<(), Failure> {
    let step = report.begin(Actor::Nodes, "esportano e importano", "export and import");
    let bar = session.progress(u64::try_from(region.nodes().len()).unwrap_or(0));
    let day = programme
        .plan
        .reference_date(extent.moment)
        .map_err(|error| Failure::internal(&error))?;
    let (mut cards, mut changes, mut quarantined) = (0, 0, 0);
    let began = Instant::now();
    let mut ends = Vec::new();
    for node in region.nodes() {
        bar.set_message(node.istat);
        let path = region.file(&format!("export-{}-{day}.csv", node.istat));
        write_export(programme.plan, node.istat, extent, &path).await?;
        let imported = node
            .handle
            .import(&path, Some(day), Some(RemovalLimit::Unlimited), None)
            .await;
        let ImportReport {
            rows,
            quarantined: aside,
            created,
            updated,
            removed,
            journal_end,
            ..
        } = imported.map_err(|error| Failure::internal(&error))?;
        // An export in clear is not kept longer than it takes to import it.
        std::fs::remove_file(&path).map_err(|error| Failure::file(&path, &error))?;
        cards += rows;
        changes += created + updated + removed;
        quarantined += aside;
        ends.push(journal_end);
        bar.inc(1);
    }
    bar.finish_and_clear();
    let text = session.language.pick(
        format!("{cards} schede, {changes} modifiche, {quarantined} scartate"),
        format!("{cards} cards, {changes} changes, {quarantined} set aside"),
    );
    let told = if quarantined == 0 && changes != 0 {
        Told::Expected(text)
    } else {
        Told::Otherwise(text)
    };
    report.end(step, told, session)?;

    let step = report.begin(
        Actor::Nodes,
        "pubblicano; le impronte coincidono",
        "publish; the digests are equal",
    );
    let mut told = Ok(String::new());
    for (node, end) in region.nodes().iter().zip(ends) {
        if let Err(why) = node.published(end).await {
            told = Err(format!("{}: {why}", node.istat));
        }
    }
    let rate = changes as f64 / began.elapsed().as_secs_f64().max(0.001);
    let text = session.language.pick(
        format!("{changes} modifiche, {rate:.0} al secondo dall'esportazione alla visibilità"),
        format!("{changes} changes, {rate:.0} a second from export to visible"),
    );
    report.end(step, Told::from(told.map(|_| text)), session)
}

async fn write_export(plan: Plan, code: &'static str, extent: Extent, path: &Path) -> Result<(), Failure> {
    let istat = istat(code)?;
    let target = path.to_owned();
    let writing = tokio::task::spawn_blocking(move || {
        let mut output = BufWriter::new(File::create_new(target)?);
        synthetic::write_export(plan, istat, extent, &mut output)?;
        output.flush()?;
        Ok::<_, synthetic::GenerateError>(())
    });
    writing
        .await
        .map_err(|error| Failure::internal(&error))?
        .map_err(|error| Failure::file(path, &error))
}
