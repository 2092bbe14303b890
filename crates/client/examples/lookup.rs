//! Looks up one person in the test region of `ponte index serve --test`.
//!
//! `cargo run -p client --example lookup -- ponte-test localhost:8443 CODICE_FISCALE`

#![expect(clippy::print_stdout, reason = "an answer is what this program is for")]

use std::error::Error;
use std::path::Path;
use std::sync::Arc;

use agreement::context::{
    AccessContext, AgreementId, Assurance, CaseReference, OperatorId, PurposeId, Urgency, Workstation,
};
use agreement::field::FieldSet;
use client::agency::{AgencyClient, LookupPerson, PersonKey};
use client::connection::{Connection, Endpoint, IdentityFiles};
use client::receipt::ReceiptForm;
use ledger::checkpoint::LogVerifier;
use registry::codice_fiscale::TaxCode;
use registry::record::PersonName;
use transport::channel::ServerAddress;
use transport::clock::SystemClock;
use transport::pki::names::TrustDomainName;
use transport::random::SystemRandom;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [directory, endpoint, code] = arguments.as_slice() else {
        return Err("usage: lookup DIRECTORY HOST:PORT CODICE_FISCALE".into());
    };
    let agency = connect(Path::new(directory), endpoint)?;
    let request = LookupPerson {
        context: ground(&agency)?,
        key: PersonKey::TaxCode(TaxCode::parse(code)?),
        municipality: None,
        // None in particular: all that the agreement grants for the purpose.
        fields: FieldSet::EMPTY,
        receipt: ReceiptForm::Full,
    };
    // Within its deadline the client sends a call again while the index is not available, under the same request id,
    // and hands out no answer whose receipt it has not verified.
    match agency.lookup_person(request).await {
        Ok(answer) => {
            for card in &answer.persons {
                let name = |name: &Option<PersonName>| name.as_ref().map(PersonName::to_string);
                let names = [name(&card.surname), name(&card.given_name)];
                let names = names.into_iter().flatten().collect::<Vec<_>>().join(" ");
                let born = card.birth_date.map(|date| date.to_string()).unwrap_or_default();
                println!("{names}, {born}");
            }
            println!("entry {}, receipt verified", answer.receipt.index());
            Ok(())
        }
        // The code for the program, the text for its user.
        Err(error) => {
            let code = error.reason().map_or("NO_REASON", |reason| reason.name());
            Err(format!("{code}: {}", error.italian()).into())
        }
    }
}

/// A mutual TLS connection with the identity of the test region's police.
fn connect(directory: &Path, endpoint: &str) -> Result<AgencyClient, Box<dyn Error>> {
    let (host, port) = endpoint.rsplit_once(':').ok_or("HOST:PORT")?;
    let pki = directory.join("pki");
    let endpoint = Endpoint::new(
        ServerAddress::new(host, port.parse()?),
        IdentityFiles {
            certificate: pki.join("police.pem"),
            key: pki.join("police.key"),
            authorities: pki.join("authority.pem"),
            revocation_lists: Vec::new(),
        },
        TrustDomainName::parse("test.ponte.example")?,
        LogVerifier::parse(std::fs::read_to_string(directory.join("log.pub"))?.trim())?,
    );
    let connection = Connection::open(&endpoint, Arc::new(SystemClock), Arc::new(SystemRandom))?;
    Ok(AgencyClient::new(connection))
}

/// On what ground and for whom the call is made: it is entered in the access log.
fn ground(agency: &AgencyClient) -> Result<AccessContext, Box<dyn Error>> {
    Ok(AccessContext {
        agreement: AgreementId::parse("prova-polizia")?,
        purpose: PurposeId::parse("public-order")?,
        operator: Some(OperatorId::parse("m.rossi")?),
        assurance: Some(Assurance::Substantial),
        workstation: Some(Workstation::parse("sala-operativa-2")?),
        case_reference: Some(CaseReference::parse("PROT-2026/118")?),
        consent_reference: None,
        reference_date: None,
        known_on: None,
        request_id: agency.new_request_id(),
        statement_version: None,
        urgency: Urgency::Ordinary,
        min_fresh_since: None,
    })
}
