//! Bringing the region up and taking it down: trust domain, index, nodes, callers.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use agreement::reason::ExitCode;
use client::admin::{Act, AdminClient, Effect};
use client::connection::Connection;
use index::config::IndexConfig;
use index::run::Running;
use ledger::checkpoint::LogVerifier;
use transport::pki::names::TrustDomainName;
use transport::shutdown::Shutdown;

use super::report::{Actor, Report, Told};
use super::{Programme, documents};
use crate::failure::Failure;
use crate::own_region::{self, Certificates, RunningNode};
use crate::session::Session;

pub(super) const TRUST_DOMAIN: &str = "demo.ponte.example";

/// The ten municipalities of the Circondario Imolese: name in identities, ISTAT code.
pub(super) const MUNICIPALITIES: [(&str, &str); 10] = [
    ("imola", "037032"),
    ("borgo-tossignano", "037007"),
    ("casalfiumanese", "037012"),
    ("castel-del-rio", "037014"),
    ("castel-guelfo", "037016"),
    ("castel-san-pietro", "037020"),
    ("dozza", "037025"),
    ("fontanelice", "037026"),
    ("medicina", "037037"),
    ("mordano", "037045"),
];

/// Callers besides the nodes: file name, role and id.
const CALLERS: [(&str, &str); 6] = [
    ("questura-bologna", "agency/questura-bologna"),
    ("edilizia-pubblica", "agency/edilizia-pubblica"),
    ("associazione-artigiani", "agency/associazione-artigiani"),
    ("auditor-regione", "auditor/regione"),
    ("auditor-imola", "auditor/imola"),
    ("admin-regione", "admin/regione"),
];

const LIFE: Duration = Duration::from_secs(24 * 60 * 60);

/// A region that is up.
pub(super) struct Region {
    directory: PathBuf,
    index: Running,
    nodes: Vec<RunningNode>,
    verifier: LogVerifier,
    stop_nodes: Shutdown,
}

impl Region {
    /// Makes keys, certificates and configurations, and starts everything.
    pub(super) async fn bring_up(
        directory: &Path,
        programme: &Programme,
        session: &mut Session<'_, '_>,
    ) -> Result<Self, Failure> {
        issue_certificates(&directory.join("pki"), session)?;
        let (clock, random) = (&session.surroundings.clock, &session.surroundings.random);

        let home = directory.join("index");
        crate::command::index::make_private(&home)?;
        let cache_mib = if programme.lookups < 1000 { 64 } else { 512 };
        let mut nodes = Vec::new();
        for (name, istat) in MUNICIPALITIES {
            let home = directory.join(format!("node-{name}"));
            crate::command::index::make_private(&home)?;
            let key = crate::command::pki::make_signing_key(&home.join("publication.key"), session)?;
            nodes.push((name, istat, key));
        }
        let config = IndexConfig::parse(&documents::index(&nodes, cache_mib), &home)
            .map_err(|error| Failure::internal(&error))?;
        for secret in [&config.key_encryption_key, &config.log_key] {
            index::init::make_secret(secret, &**random).map_err(|error| Failure::internal(&error))?;
        }
        let index = index::run::start(config, Arc::clone(clock), Arc::clone(random), Shutdown::new())
            .await
            .map_err(|error| Failure::internal(&error))?;
        let verifier = LogVerifier::parse(&index.verifier).map_err(|error| Failure::internal(&error))?;
        let mut region = Self {
            directory: directory.to_owned(),
            index,
            nodes: Vec::new(),
            verifier,
            stop_nodes: Shutdown::new(),
        };
        for (name, istat) in MUNICIPALITIES {
            let home = region.file(&format!("node-{name}"));
            let text = documents::node(name, istat, region.index.address.port(), &region.index.verifier);
            let stop = region.stop_nodes.child();
            region
                .nodes
                .push(RunningNode::start(&home, istat, &text, stop, session)?);
        }
        session.say(
            format!(
                "Indice su {} e dieci nodi avviati, ciascuno con il proprio certificato.",
                region.index.address
            ),
            format!(
                "Index on {} and ten nodes are up, each with its own certificate.",
                region.index.address
            ),
        )?;
        Ok(region)
    }

    /// A connection with the certificate of a caller; receipts are verified on arrival.
    pub(super) fn connect(&self, caller: &str, session: &Session<'_, '_>) -> Result<Connection, Failure> {
        let pki = self.directory.join("pki");
        let address = self.index.address;
        own_region::connect(&pki, caller, &trust_domain()?, address, &self.verifier, session)
    }

    /// The nodes.
    pub(super) fn nodes(&self) -> &[RunningNode] {
        &self.nodes
    }

    /// The public key of the access log.
    pub(super) fn verifier(&self) -> &LogVerifier {
        &self.verifier
    }

    /// Directory of the log's segments.
    pub(super) fn log_directory(&self) -> PathBuf {
        self.directory.join("index/data/log")
    }

    /// Directory of the copy of the newest checkpoint.
    pub(super) fn checkpoint_copy(&self) -> PathBuf {
        self.directory.join("index/checkpoint")
    }

    /// A file of the demonstration.
    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }

    /// The administrator activates the three agreements.
    pub(super) async fn activate_agreements(
        &self,
        programme: &Programme,
        report: &mut Report,
        session: &mut Session<'_, '_>,
    ) -> Result<(), Failure> {
        let all = MUNICIPALITIES.map(|(_, istat)| format!("\"{istat}\"")).join(", ");
        let documents = [
            documents::police(programme.today, &all),
            documents::housing(programme.today, &all),
            documents::association(programme.today, "\"037032\", \"037025\""),
        ];
        let admin = AdminClient::new(self.connect("admin-regione", session)?);
        let act = Act {
            reference: "DET-2026/77".to_owned(),
            operator: "g.verdi".to_owned(),
        };
        for document in documents {
            let step = report.begin(
                Actor::Administrator,
                "attiva una convenzione",
                "activates an agreement",
            );
            let activated = admin
                .activate(document.as_bytes(), None, &act, Effect::Activate)
                .await;
            report.end(
                step,
                Told::of(activated, |activated| Ok(activated.agreement.title)),
                session,
            )?;
        }
        Ok(())
    }

    /// Writes the profiles and prints what can be tried.
    pub(super) fn print_commands(
        &self,
        programme: &Programme,
        session: &mut Session<'_, '_>,
    ) -> Result<(), Failure> {
        let profiles = self.directory.join("profile.toml");
        crate::call::write_new(
            &profiles,
            documents::profiles(self.index.address.port(), &self.index.verifier).as_bytes(),
        )?;
        let (directory, past) = (self.directory.display(), programme.first_day);
        session.say(
            "La regione resta in funzione; Ctrl-C la ferma. Da provare:",
            "The region stays up; Ctrl-C stops it. To try:",
        )?;
        session.raw(&format!(
            "export PONTE_PROFILES={}\n\
             ponte person \"$(cat {directory}/codice-fiscale)\" --receipt receipt\n\
             ponte household \"$(cat {directory}/codice-fiscale)\" --profile edilizia --reference-date {past}\n\
             ponte verify municipality \"$(cat {directory}/codice-fiscale)\" --at 037032\n\
             ponte can-i\n\
             ponte doctor\n\
             ponte audit list --profile revisore --limit 20\n\
             ponte audit list --profile imola --limit 20\n\
             ponte audit fsck {} --log-key '{}'\n\
             ponte agreement list --profile amministratore\n\
             ponte node status --config {directory}/node-imola/node.toml\n",
            profiles.display(),
            self.log_directory().display(),
            self.index.verifier,
        ))
    }

    /// Stops everything in order, nodes first, and waits at most `limit` for each.
    pub(super) async fn take_down(self, limit: Duration) -> Result<(), Failure> {
        let late = || {
            Failure::new(
                ExitCode::Internal,
                "la regione non si ferma",
                "the region does not stop",
            )
        };
        self.stop_nodes.trigger();
        for node in self.nodes {
            node.ended(limit).await?;
        }
        self.index.stop();
        let ended = tokio::time::timeout(limit, self.index.ended())
            .await
            .map_err(|_| late())?;
        ended.map_err(|error| Failure::internal(&error))
    }
}

fn trust_domain() -> Result<TrustDomainName, Failure> {
    TrustDomainName::parse(TRUST_DOMAIN).map_err(|error| Failure::internal(&error))
}

fn issue_certificates(pki: &Path, session: &Session<'_, '_>) -> Result<(), Failure> {
    let nodes = MUNICIPALITIES.map(|(name, _)| (name.to_owned(), format!("node/{name}")));
    let callers = CALLERS.map(|(file, path)| (file.to_owned(), path.to_owned()));
    Certificates {
        trust_domain: &trust_domain()?,
        life: LIFE,
        server_names: &[],
        peers: nodes.into_iter().chain(callers).collect(),
    }
    .issue(pki, session)
}

#[cfg(test)]
mod tests {
    use registry::identifier::IstatCode;
    use registry::municipality::current_by_istat;

    use super::MUNICIPALITIES;

    #[test]
    fn the_codes_are_those_of_the_ten_municipalities_of_the_circondario_imolese() {
        let names = MUNICIPALITIES.map(|(_, istat)| {
            let municipality = current_by_istat(IstatCode::parse(istat).unwrap()).unwrap();
            assert_eq!(municipality.province(), "BO");
            municipality.name()
        });
        let expect = [
            "IMOLA",
            "BORGO TOSSIGNANO",
            "CASALFIUMANESE",
            "CASTEL DEL RIO",
            "CASTEL GUELFO DI BOLOGNA",
            "CASTEL SAN PIETRO TERME",
            "DOZZA",
            "FONTANELICE",
            "MEDICINA",
            "MORDANO",
        ];
        assert_eq!(names, expect);
    }
}
