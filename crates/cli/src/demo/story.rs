//! The story: who asks what, and what must come of it.

mod agencies;
mod auditors;
mod load;

use agreement::context::{
    AccessContext, AgreementId, Assurance, CaseReference, ConsentReference, ContextError, OperatorId,
    PurposeId, Urgency, Workstation,
};
use chrono::NaiveDate;
use client::agency::AgencyClient;
use ledger::checkpoint::Checkpoint;

use super::Programme;
use super::cast::Cast;
use super::documents;
use super::region::Region;
use super::report::Report;
use crate::failure::Failure;
use crate::session::Session;

/// What the steps have in common.
struct Stage<'a> {
    region: &'a Region,
    programme: &'a Programme,
    cast: &'a Cast,
    police: AgencyClient,
    housing: AgencyClient,
    association: AgencyClient,
}

/// What earlier steps leave for later ones.
#[derive(Debug, Default)]
struct Traces {
    /// Checkpoint of the first receipt: the log must contain it for ever.
    first_head: Option<Checkpoint>,
    /// Entries of consultations about residents of Imola for ordinary purposes.
    ordinary: Vec<u64>,
    /// Entries for reserved purposes.
    reserved: Vec<u64>,
}

/// Tells the story.
pub(super) async fn tell(
    region: &Region,
    programme: &Programme,
    cast: &Cast,
    report: &mut Report,
    session: &mut Session<'_, '_>,
) -> Result<(), Failure> {
    crate::call::write_new(&region.file("codice-fiscale"), cast.head_code.as_str().as_bytes())?;
    let stage = Stage {
        region,
        programme,
        cast,
        police: AgencyClient::new(region.connect("questura-bologna", session)?),
        housing: AgencyClient::new(region.connect("edilizia-pubblica", session)?),
        association: AgencyClient::new(region.connect("associazione-artigiani", session)?),
    };
    let mut traces = Traces::default();
    agencies::police(&stage, &mut traces, report, session).await?;
    agencies::housing(&stage, &mut traces, report, session).await?;
    agencies::association(&stage, &mut traces, report, session).await?;
    load::measure(&stage, report, session).await?;
    auditors::regional(&stage, &traces, report, session).await?;
    auditors::municipal(&stage, &traces, report, session).await
}

impl Stage<'_> {
    fn police_context(&self, purpose: &str) -> Result<AccessContext, Failure> {
        let context = Ground {
            agreement: documents::POLICE,
            purpose,
            operator: "m.rossi",
            case: "PROT-2026/118",
        };
        let mut context = context.context(&self.police)?;
        context.workstation = Some(Workstation::parse("sala-operativa-2").map_err(malformed)?);
        Ok(context)
    }

    fn housing_context(&self, day: Option<NaiveDate>) -> Result<AccessContext, Failure> {
        let ground = Ground {
            agreement: documents::HOUSING,
            purpose: "housing-assignment",
            operator: "l.neri",
            case: "2026/44",
        };
        Ok(AccessContext {
            reference_date: day,
            known_on: None,
            ..ground.context(&self.housing)?
        })
    }

    fn association_context(&self) -> Result<AccessContext, Failure> {
        let ground = Ground {
            agreement: documents::ASSOCIATION,
            purpose: "member-declarations",
            operator: "s.blu",
            case: "SOCI/2026-9",
        };
        let mut context = ground.context(&self.association)?;
        let consent = ConsentReference::new("CONS/2026-118", self.programme.today).map_err(malformed)?;
        context.consent_reference = Some(consent);
        Ok(context)
    }
}

struct Ground<'a> {
    agreement: &'a str,
    purpose: &'a str,
    operator: &'a str,
    case: &'a str,
}

impl Ground<'_> {
    fn context(&self, client: &AgencyClient) -> Result<AccessContext, Failure> {
        let Self {
            agreement,
            purpose,
            operator,
            case,
        } = self;
        Ok(AccessContext {
            agreement: AgreementId::parse(agreement).map_err(malformed)?,
            purpose: PurposeId::parse(purpose).map_err(malformed)?,
            operator: Some(OperatorId::parse(operator).map_err(malformed)?),
            assurance: Some(Assurance::Substantial),
            workstation: None,
            case_reference: Some(CaseReference::parse(case).map_err(malformed)?),
            consent_reference: None,
            reference_date: None,
            known_on: None,
            request_id: client.new_request_id(),
            statement_version: None,
            urgency: Urgency::Ordinary,
            min_fresh_since: None,
        })
    }
}

fn malformed(error: ContextError) -> Failure {
    Failure::internal(&error)
}

/// Runs blocking work beside the runtime.
async fn beside<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Failure> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| Failure::internal(&error))
}
