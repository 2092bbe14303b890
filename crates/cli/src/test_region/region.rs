//! Bringing the test region up in a directory of its own.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use agreement::reason::ExitCode;
use chrono::{Datelike as _, NaiveDate};
use client::admin::{Act, AdminClient, Effect};
use index::config::IndexConfig;
use index::run::Running;
use ledger::checkpoint::LogVerifier;
use node::import::{ImportReport, RemovalLimit};
use registry::export::ExportWriter;
use transport::pki::names::TrustDomainName;
use transport::shutdown::Shutdown;

use super::documents;
use super::subjects::{Caller, Row, Subject, Town, list};
use crate::failure::Failure;
use crate::own_region::{self, Certificates, RunningNode};
use crate::session::Session;
use crate::synthetic::{self, Extent, Moment, Plan, Registers, Scale};

/// Households of which one is made: some hundred people in the largest town, so that nobody is alone in the index.
const HOUSEHOLDS: u32 = 100;
const SEED: u64 = 4;
/// Certificates of a test region are good for a working quarter.
const LIFE: Duration = Duration::from_secs(90 * 24 * 3600);
/// Time for each part to end.
const ENDING: Duration = Duration::from_secs(30);

/// What a test region is made from.
#[derive(Debug)]
pub(crate) struct TestSettings {
    /// Its directory, which is made.
    pub(crate) directory: PathBuf,
    /// Its trust domain, one of tests.
    pub(crate) trust_domain: TrustDomainName,
    /// Where the index listens.
    pub(crate) listen: SocketAddr,
    /// Names in its certificate besides `localhost`.
    pub(crate) server_names: Vec<String>,
}

/// A test region that is up.
pub(crate) struct TestRegion {
    /// Where the index listens.
    pub(crate) address: SocketAddr,
    /// The profiles of its callers.
    pub(crate) profiles: PathBuf,
    index: Running,
    nodes: Vec<RunningNode>,
    stop_nodes: Shutdown,
}

impl TestRegion {
    /// Makes everything, publishes everybody, and returns when every card is served.
    pub(crate) async fn bring_up(
        settings: &TestSettings,
        today: NaiveDate,
        stop: Shutdown,
        session: &mut Session<'_, '_>,
    ) -> Result<Self, Failure> {
        let TestSettings {
            directory,
            trust_domain,
            listen: _,
            server_names,
        } = settings;
        let subjects = list(today).map_err(|error| Failure::internal(&error))?;
        let nodes = Town::ALL.map(|town| (town.name().to_owned(), format!("node/{}", town.name())));
        let agencies =
            Caller::ALL.map(|caller| (caller.name().to_owned(), format!("agency/{}", caller.name())));
        let others = [("auditor", "auditor/region"), ("administrator", "admin/region")];
        let others = others.map(|(file, path)| (file.to_owned(), path.to_owned()));
        crate::command::index::make_private(directory)?;
        let pki = directory.join("pki");
        Certificates {
            trust_domain,
            life: LIFE,
            server_names,
            peers: nodes.into_iter().chain(agencies).chain(others).collect(),
        }
        .issue(&pki, session)?;

        let (index, publication_keys) = start_index(settings, stop, session).await?;
        let (address, log_key) = (index.address, index.verifier.clone());
        crate::call::write_new(&directory.join("log.pub"), format!("{log_key}\n").as_bytes())?;
        let verifier = LogVerifier::parse(&log_key).map_err(|error| Failure::internal(&error))?;
        let administrator =
            own_region::connect(&pki, "administrator", trust_domain, address, &verifier, session)?;
        activate(directory, trust_domain, today, &AdminClient::new(administrator)).await?;

        let mut region = Self {
            address,
            profiles: directory.join("profile.toml"),
            index,
            nodes: Vec::new(),
            stop_nodes: Shutdown::new(),
        };
        for (town, _) in publication_keys {
            let home = node_home(directory, town);
            let text = documents::node(town, trust_domain, address, &log_key);
            let stop = region.stop_nodes.child();
            region
                .nodes
                .push(RunningNode::start(&home, town.istat(), &text, stop, session)?);
        }
        region.publish(directory, &subjects, today).await?;
        let profiles = documents::profiles(trust_domain, address, &log_key, today);
        crate::call::write_new(&region.profiles, profiles.as_bytes())?;
        Ok(region)
    }

    /// Publishes the state of before, and then that of today, so that cards have a history.
    async fn publish(&self, directory: &Path, subjects: &[Subject], today: NaiveDate) -> Result<(), Failure> {
        let yesterday = today.pred_opt().unwrap_or(today);
        for (age, day) in [(Age::Before, yesterday), (Age::Now, today)] {
            let mut ends = Vec::new();
            for (node, town) in self.nodes.iter().zip(Town::ALL) {
                let path = directory.join(format!("export-{}.csv", town.name()));
                let export = export(town, age, subjects, today)?;
                crate::call::write_new_private(&path, &export)?;
                let imported = node
                    .handle
                    .import(&path, Some(day), Some(RemovalLimit::Unlimited), None)
                    .await;
                std::fs::remove_file(&path).map_err(|error| Failure::file(&path, &error))?;
                let report = imported.map_err(|error| Failure::internal(&error))?;
                whole(town, &report)?;
                ends.push(report.journal_end);
            }
            for (node, end) in self.nodes.iter().zip(ends) {
                node.published(end)
                    .await
                    .map_err(|why| unfit(&format!("{}: {why}", node.istat)))?;
                // What agreements open is heard before the next export.
                node.handle
                    .profile()
                    .await
                    .map_err(|error| Failure::internal(&error))?;
            }
        }
        Ok(())
    }

    /// Waits until the index ends, and stops the nodes with it.
    pub(crate) async fn ended(self) -> Result<(), Failure> {
        let ended = self
            .index
            .ended()
            .await
            .map_err(|error| Failure::internal(&error));
        self.stop_nodes.trigger();
        for node in self.nodes {
            node.ended(ENDING).await?;
        }
        ended
    }
}

/// Which export is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Age {
    Before,
    Now,
}

fn node_home(directory: &Path, town: Town) -> PathBuf {
    directory.join("nodes").join(town.name())
}

async fn start_index(
    settings: &TestSettings,
    stop: Shutdown,
    session: &Session<'_, '_>,
) -> Result<(Running, Vec<(Town, registry::signing::VerifyingKey)>), Failure> {
    let TestSettings {
        directory,
        trust_domain,
        listen,
        server_names: _,
    } = settings;
    let home = directory.join("index");
    crate::command::index::make_private(&home)?;
    crate::command::index::make_private(&directory.join("nodes"))?;
    let mut keys = Vec::new();
    for town in Town::ALL {
        let home = node_home(directory, town);
        crate::command::index::make_private(&home)?;
        let key = crate::command::pki::make_signing_key(&home.join("publication.key"), session)?;
        keys.push((town, key));
    }
    let (clock, random) = (&session.surroundings.clock, &session.surroundings.random);
    let text = documents::index(trust_domain, *listen, &keys);
    crate::call::write_new(&home.join("index.toml"), text.as_bytes())?;
    let config = IndexConfig::parse(&text, &home).map_err(|error| Failure::internal(&error))?;
    for secret in [&config.key_encryption_key, &config.log_key] {
        index::init::make_secret(secret, &**random).map_err(|error| Failure::internal(&error))?;
    }
    let running = index::run::start(config, Arc::clone(clock), Arc::clone(random), stop)
        .await
        .map_err(|error| {
            let (italian, english) = ("l'indice non parte", "the index does not start");
            Failure::new(ExitCode::Unavailable, italian, english).because(&error)
        })?;
    Ok((running, keys))
}

/// Writes the sample agreements and activates them.
async fn activate(
    directory: &Path,
    trust_domain: &TrustDomainName,
    today: NaiveDate,
    administrator: &AdminClient,
) -> Result<(), Failure> {
    let place = directory.join("agreements");
    crate::command::index::make_private(&place)?;
    let act = Act {
        reference: "DET-2026/77".to_owned(),
        operator: "g.verdi".to_owned(),
    };
    for (name, document) in documents::agreements(trust_domain, today) {
        crate::call::write_new(&place.join(format!("{name}.toml")), document.as_bytes())?;
        administrator
            .activate(document.as_bytes(), None, &act, Effect::Activate)
            .await
            .map_err(|error| Failure::internal(&error))?;
    }
    Ok(())
}

/// The export of a town: its test subjects, and everybody else.
fn export(town: Town, age: Age, subjects: &[Subject], today: NaiveDate) -> Result<Vec<u8>, Failure> {
    let cards = subjects.iter().flat_map(|subject| &subject.cards);
    let rows: Vec<&Row> = cards
        .filter(|card| card.town == town)
        .filter_map(|card| match age {
            Age::Before => card.before.as_ref(),
            Age::Now => Some(&card.now),
        })
        .collect();
    let background = background(town, subjects, today)?;
    with_rows(&background, &rows).map_err(|error| Failure::internal(&error))
}

/// Everybody of a town who is not in the list, as last year ended.
fn background(town: Town, subjects: &[Subject], today: NaiveDate) -> Result<Vec<u8>, Failure> {
    let wrong = |error: synthetic::GenerateError| Failure::internal(&error);
    let plan = Plan::new(SEED, today.year() - 1).map_err(wrong)?;
    let last_day = NaiveDate::from_ymd_opt(plan.year(), 12, 31).unwrap_or(today);
    let extent = Extent {
        scale: Scale::one_in(HOUSEHOLDS).map_err(wrong)?,
        moment: Moment::Until(last_day),
        registers: Registers::Residents,
    };
    let cards = subjects
        .iter()
        .flat_map(|subject| &subject.cards)
        .flat_map(|card| [Some(&card.now), card.before.as_ref()]);
    let codes = cards
        .flatten()
        .filter_map(|row| row.get("codice_fiscale").map(String::as_str));
    let taken: BTreeSet<&str> = codes
        .chain(subjects.iter().filter_map(|subject| subject.code.as_deref()))
        .collect();
    let istat = crate::call::istat(town.istat())?;
    let mut writer = ExportWriter::new(Vec::new()).map_err(|error| Failure::internal(&error))?;
    for card in synthetic::municipality(plan, istat, extent).map_err(wrong)? {
        // A synthetic person may by chance have the code of a test subject, or that of nobody.
        let clashes = |code: &registry::record::TaxCodeEntry| taken.contains(code.code.as_str());
        if !card.tax_codes.iter().any(clashes) {
            writer.write(&card).map_err(|error| Failure::internal(&error))?;
        }
    }
    writer.finish().map_err(|error| Failure::internal(&error))
}

/// An export with more rows, in the columns that either has.
fn with_rows(export: &[u8], rows: &[&Row]) -> Result<Vec<u8>, csv::Error> {
    let mut reader = csv::ReaderBuilder::new().delimiter(b';').from_reader(export);
    let mut columns: Vec<String> = reader.headers()?.iter().map(str::to_owned).collect();
    let usual = columns.len();
    for name in rows.iter().flat_map(|row| row.keys()) {
        if !columns.contains(name) {
            columns.push(name.clone());
        }
    }
    let mut writer = csv::WriterBuilder::new()
        .delimiter(b';')
        .terminator(csv::Terminator::CRLF)
        .from_writer(Vec::new());
    writer.write_record(&columns)?;
    for record in reader.records() {
        let mut record = record?;
        for _ in usual..columns.len() {
            record.push_field("");
        }
        writer.write_record(&record)?;
    }
    for row in rows {
        let values = columns
            .iter()
            .map(|column| row.get(column).map_or("", String::as_str));
        writer.write_record(values)?;
    }
    writer.into_inner().map_err(|error| error.into_error().into())
}

/// Nothing of an export may be left out.
fn whole(town: Town, report: &ImportReport) -> Result<(), Failure> {
    let ImportReport {
        quarantined,
        removals_withheld,
        beyond_term,
        outside_profile,
        findings,
        ..
    } = report;
    if [*quarantined, *removals_withheld, *beyond_term, *outside_profile] == [0; 4] {
        return Ok(());
    }
    Err(unfit(&format!(
        "{}: {quarantined} rows set aside, {removals_withheld} withheld, {beyond_term} beyond their term, \
         {outside_profile} outside the profile: {findings:?}",
        town.name()
    )))
}

fn unfit(why: &str) -> Failure {
    Failure::new(
        ExitCode::Internal,
        format!("la regione di prova non si pubblica: {why}"),
        format!("the test region cannot be published: {why}"),
    )
}
