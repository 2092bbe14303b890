//! SDK for agencies, nodes, auditors and administrators: typed, retrying, receipt-verifying.
//!
//! A [`connection::Connection`] is opened once from an [`connection::Endpoint`] and shared; each kind of caller has
//! its client over it: [`agency::AgencyClient`], [`auditor::AuditorClient`], [`admin::AdminClient`],
//! [`node::NodeClient`], [`directory::DirectoryClient`] for those that may see who takes part, and
//! [`witness::WitnessClient`] for witnesses and holders of receipts. Every call has a
//! deadline. A call that changes nothing is repeated, under the same request id, while the index is not available.
//! The receipt that comes with an answer is verified, and must be that of the call that was made, before the answer
//! is handed out; whoever verifies receipts elsewhere says so with [`receipt::ReceiptPolicy::Keep`]. A quota that is used
//! up stops the calls of its scope, which end with the index's own refusal without being sent, until it begins anew.
//! Whoever names a policy of witnesses ([`connection::Endpoint::witnessed`]) has every receipt witnessed within the hour,
//! or is told that it is not: an index cannot keep a log for this caller alone ([`upgrade`]).
//! A [`monitor::Monitor`] needs none of that: it follows the access log by what is public.
//!
//! ```no_run
//! use std::sync::Arc;
//!
//! use agreement::context::{AccessContext, AgreementId, CaseReference, OperatorId, PurposeId, Urgency};
//! use agreement::field::{Field, FieldSet};
//! use client::agency::{AgencyClient, LookupPerson, PersonKey};
//! use client::connection::{Connection, Endpoint, IdentityFiles};
//! use client::receipt::ReceiptForm;
//! use ledger::checkpoint::LogVerifier;
//! use registry::codice_fiscale::TaxCode;
//! use transport::channel::ServerAddress;
//! use transport::clock::SystemClock;
//! use transport::pki::names::TrustDomainName;
//! use transport::random::SystemRandom;
//!
//! # async fn ask() -> Result<(), Box<dyn std::error::Error>> {
//! let identity = IdentityFiles {
//!     certificate: "questura.pem".into(),
//!     key: "questura.key".into(),
//!     authorities: "authority.pem".into(),
//!     revocation_lists: Vec::new(),
//! };
//! let endpoint = Endpoint::new(
//!     ServerAddress::new("indice.ponte.example", 8443),
//!     identity,
//!     TrustDomainName::parse("ponte.example")?,
//!     LogVerifier::parse(std::fs::read_to_string("log.pub")?.trim())?,
//! );
//! let connection = Connection::open(&endpoint, Arc::new(SystemClock), Arc::new(SystemRandom))?;
//! let agency = AgencyClient::new(connection);
//! let found = agency
//!     .lookup_person(LookupPerson {
//!         context: AccessContext {
//!             agreement: AgreementId::parse("questura-bologna-2026")?,
//!             purpose: PurposeId::parse("public-order")?,
//!             operator: Some(OperatorId::parse("m.rossi")?),
//!             assurance: None,
//!             workstation: None,
//!             case_reference: Some(CaseReference::parse("PS/2026/4711")?),
//!             consent_reference: None,
//!             reference_date: None,
//!             known_on: None,
//!             request_id: agency.new_request_id(),
//!             statement_version: None,
//!             urgency: Urgency::Ordinary,
//!             min_fresh_since: None,
//!         },
//!         key: PersonKey::TaxCode(TaxCode::parse("SRRBRN70A15A944V")?),
//!         municipality: None,
//!         fields: FieldSet::of(&[Field::Surname, Field::Residence]),
//!         receipt: ReceiptForm::Full,
//!     })
//!     .await;
//! match found {
//!     Ok(answer) => println!("{} cards, entry {}", answer.persons.len(), answer.receipt.index()),
//!     Err(error) => println!("{} may be called again after {:?}", error.english(), error.retry_after()),
//! }
//! # Ok(())
//! # }
//! ```

pub mod error;
pub mod backoff;
pub mod receipt;
mod quota;
pub mod connection;
pub mod page;

pub mod agency;
pub mod auditor;
pub mod admin;
pub mod node;
pub mod directory;
pub mod witness;
pub mod upgrade;

pub mod monitor;

mod convert;

#[cfg(test)]
mod fixture;
