//! What the auditors see.

use agreement::reason::Reason;
use client::auditor::{AccessEntry, AccessFilter, AuditorClient, ReadingContext};
use client::error::ClientError;
use client::page::PageRequest;
use ledger::header::EntryKind;
use ledger::part::PartKind;
use store::files::system::SystemFiles;
use store::fsck::FsckReport;

use super::{Stage, Traces};
use crate::demo::report::{Actor, Report, Told};
use crate::failure::Failure;
use crate::session::Session;

/// The regional auditor lists everything, proves that the log only grew, and checks its files.
pub(super) async fn regional(
    stage: &Stage<'_>,
    traces: &Traces,
    report: &mut Report,
    session: &mut Session<'_, '_>,
) -> Result<(), Failure> {
    let auditor = AuditorClient::new(stage.region.connect("auditor-regione", session)?);

    let step = report.begin(
        Actor::RegionalAuditor,
        "elenca tutti gli accessi",
        "lists all accesses",
    );
    let listed = every_entry(&auditor, "l.bianchi").await;
    report.end(
        step,
        Told::of(listed, |entries| complete(&entries, traces)),
        session,
    )?;

    let step = report.begin(
        Actor::RegionalAuditor,
        "prova che il registro è solo cresciuto",
        "proves that the log has only grown",
    );
    let told = match &traces.first_head {
        Some(old) => Told::of(auditor.verify_continuation(old).await, |head| {
            Ok(format!("{} → {} entries", old.size, head.checkpoint.size))
        }),
        None => Told::Otherwise("there is no older checkpoint".to_owned()),
    };
    report.end(step, told, session)?;

    let step = report.begin(
        Actor::RegionalAuditor,
        "controlla i file del registro",
        "checks the files of the log",
    );
    report.end(step, Told::from(files_checked(stage, traces).await?), session)
}

/// Imola's auditor sees who consulted its residents, save for reserved purposes; the association sees no log at all.
pub(super) async fn municipal(
    stage: &Stage<'_>,
    traces: &Traces,
    report: &mut Report,
    session: &mut Session<'_, '_>,
) -> Result<(), Failure> {
    let auditor = AuditorClient::new(stage.region.connect("auditor-imola", session)?);
    let step = report.begin(
        Actor::MunicipalAuditor,
        "vede chi ha consultato i suoi residenti",
        "sees who consulted its residents",
    );
    let listed = every_entry(&auditor, "a.gialli").await;
    report.end(
        step,
        Told::of(listed, |entries| own_residents(&entries, traces)),
        session,
    )?;

    let step = report.begin(
        Actor::Association,
        "tenta di leggere il registro",
        "tries to read the log",
    );
    let stranger = AuditorClient::new(stage.region.connect("associazione-artigiani", session)?);
    let listed = every_entry(&stranger, "s.blu").await;
    report.end(step, Told::refused(listed, Reason::RoleNotAllowed), session)
}

async fn every_entry(auditor: &AuditorClient, reader: &str) -> Result<Vec<AccessEntry>, ClientError> {
    let context = ReadingContext {
        purpose: "controllo-periodico".to_owned(),
        reference: "PROT-2026/7".to_owned(),
        reader: reader.to_owned(),
    };
    let mut request = PageRequest {
        size: Some(1000),
        after: None,
    };
    let mut entries = Vec::new();
    loop {
        let page = auditor
            .list_accesses(&context, &AccessFilter::default(), &request)
            .await?
            .page;
        entries.extend(page.items);
        match page.next {
            Some(next) => request.after = Some(next),
            None => return Ok(entries),
        }
    }
}

/// Every entry from the first on, among them those of which receipts are held.
fn complete(entries: &[AccessEntry], traces: &Traces) -> Result<String, String> {
    let gap = (0..).zip(entries).find(|(index, entry)| *index != entry.index);
    if let Some((index, _)) = gap {
        return Err(format!("entry {index} is missing"));
    }
    let held = |index: &&u64| !entries.iter().any(|entry| entry.index == **index);
    if let Some(missing) = traces.ordinary.iter().chain(&traces.reserved).find(held) {
        return Err(format!("entry {missing} is missing"));
    }
    let accesses = entries
        .iter()
        .filter(|entry| entry.header.body.kind == EntryKind::Access)
        .count();
    let refused = entries
        .iter()
        .filter(|entry| entry.header.body.kind == EntryKind::Access && entry.header.body.outcome.code != 0);
    Ok(format!(
        "{} entries, {accesses} accesses, {} of them refused",
        entries.len(),
        refused.count()
    ))
}

fn own_residents(entries: &[AccessEntry], traces: &Traces) -> Result<String, String> {
    let seen = |index: &u64| entries.iter().any(|entry| entry.index == *index);
    if let Some(hidden) = traces.ordinary.iter().find(|index| !seen(index)) {
        return Err(format!("entry {hidden} is not seen"));
    }
    if let Some(shown) = traces.reserved.iter().find(|index| seen(index)) {
        return Err(format!("entry {shown} of a reserved purpose is seen"));
    }
    let foreign = entries
        .iter()
        .flat_map(|entry| &entry.parts)
        .any(|part| match &part.kind {
            PartKind::Subjects(municipality) => municipality.as_str() != "E289",
            PartKind::Decision | PartKind::Criteria => true,
            PartKind::Operator
            | PartKind::AgreementBytes
            | PartKind::AdministrativeDetail
            | PartKind::PreviousCheckpoint => false,
        });
    if foreign {
        return Err("parts of others are shown".to_owned());
    }
    Ok(format!("{} entries, none of a reserved purpose", entries.len()))
}

async fn files_checked(stage: &Stage<'_>, traces: &Traces) -> Result<Result<String, String>, Failure> {
    let (log, copy) = (stage.region.log_directory(), stage.region.checkpoint_copy());
    let (verifier, known) = (stage.region.verifier().clone(), traces.first_head.clone());
    super::beside(move || {
        let log = SystemFiles::open_for_reading(&log).map_err(|error| error.to_string())?;
        let copy = SystemFiles::open_for_reading(&copy).map_err(|error| error.to_string())?;
        let report = store::fsck::fsck(&log, Some(&copy), &verifier, known.into_iter().collect());
        let FsckReport {
            entries,
            root: _,
            frames,
            bytes,
            checkpoints,
            torn: _,
            cosigned: _,
        } = report.map_err(|error| transport::causes::chain(&error))?;
        Ok(format!(
            "{entries} entries in {frames} frames, {bytes} bytes, {checkpoints} checkpoints, all right"
        ))
    })
    .await
}
