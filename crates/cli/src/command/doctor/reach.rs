//! Calls to the index: is it there, does it agree about the time, and what would refuse the next call?

use agreement::ascertainment::Ascertainment;
use agreement::field::FieldSet;
use agreement::service::{Service, VerificationKind};
use client::admin::{AdminClient, ClauseVerdict, SupposedCall};
use client::agency::{AccessAnswer, AgencyClient};
use client::auditor::AuditorClient;
use client::connection::Connection;
use client::directory::DirectoryClient;
use client::error::ClientError;
use client::page::PageRequest;
use client::receipt::AccessProof;
use ledger::header::Header;

use super::CallerRole;
use super::finding::{Finding, Light};
use crate::call;
use crate::profile::ContextSettings;
use crate::session::Session;

/// Beyond this the index refuses nodes, and receipts look forged.
const TOLERATED_SKEW_MS: u64 = 60_000;

pub(super) async fn examine(
    connection: Connection,
    role: CallerRole,
    context: &ContextSettings,
    session: &Session<'_, '_>,
    findings: &mut Vec<Finding>,
) {
    let reached = match role {
        CallerRole::Auditor => AuditorClient::new(connection).checkpoint().await.map(|_| ()),
        CallerRole::Admin => AdminClient::new(connection)
            .list(None, None, &PageRequest::default())
            .await
            .map(|_| ()),
        CallerRole::Node => DirectoryClient::new(connection)
            .list_municipalities(&PageRequest::default())
            .await
            .map(|_| ()),
        CallerRole::Agency => return examine_agency(connection, context, session, findings).await,
    };
    findings.push(match reached {
        Ok(()) => Finding::green("index", "raggiunto, e risponde", "reached, and it answers"),
        Err(error) => unreached(&error),
    });
}

async fn examine_agency(
    connection: Connection,
    context: &ContextSettings,
    session: &Session<'_, '_>,
    findings: &mut Vec<Finding>,
) {
    let agency = AgencyClient::new(connection.clone());
    let ground = match context.access_context(None, None, agency.new_request_id()) {
        Ok(ground) => ground,
        Err(failure) => {
            let words = |language| failure.words(language).unwrap_or_default().trim().to_owned();
            findings.push(Finding::new(
                "ground",
                Light::Yellow,
                words(crate::language::Language::Italian),
                words(crate::language::Language::English),
            ));
            return;
        }
    };
    let answer = match agency.describe_access(&ground, None, call::RECEIPT).await {
        Ok(answer) => answer,
        Err(error) => {
            findings.push(unreached(&error));
            return;
        }
    };
    findings.push(Finding::green(
        "index",
        "raggiunto, e risponde",
        "reached, and it answers",
    ));
    findings.extend(clock(&answer.receipt, session));

    let admin = AdminClient::new(connection);
    for call in granted(&answer, ground.agreement.as_str(), ground.purpose.as_str()) {
        let name = call.name();
        let GrantedCall {
            service,
            verification,
            ascertainment,
        } = call;
        let supposed = SupposedCall {
            peer: None,
            address: None,
            certificate: None,
            context: ground.clone(),
            service,
            verification,
            ascertainment,
            fields: FieldSet::EMPTY,
            municipality: None,
            at: None,
        };
        match admin.explain(&supposed).await {
            Ok(explanation) if explanation.permitted => {
                findings.push(Finding::green(
                    "next-call",
                    format!("{name}: sarebbe ammessa"),
                    format!("{name}: would be permitted"),
                ));
            }
            Ok(explanation) => {
                for clause in explanation
                    .clauses
                    .iter()
                    .filter(|clause| clause.verdict == ClauseVerdict::Failed)
                {
                    let (clause, text) = (&clause.clause, &clause.text);
                    let mut finding = Finding::new(
                        "next-call",
                        Light::Red,
                        format!("{name}: rifiutata dalla clausola {clause}: {text}"),
                        format!("{name}: refused by the clause {clause}: {text}"),
                    );
                    if let Some(reason) = explanation.reason {
                        finding = finding.remedy(reason.remedy_italian(), reason.remedy_english());
                    }
                    findings.push(finding);
                }
            }
            Err(error) => findings.push(unreached(&error)),
        }
    }
}

/// A call that the purpose grants.
struct GrantedCall {
    service: Service,
    verification: Option<VerificationKind>,
    ascertainment: Option<Ascertainment>,
}

impl GrantedCall {
    fn of(service: Service) -> Self {
        Self {
            service,
            verification: None,
            ascertainment: None,
        }
    }

    fn name(&self) -> String {
        match (self.verification, self.ascertainment) {
            (Some(kind), _) => kind.name().to_owned(),
            (None, Some(kind)) => format!("ascertainment {kind}"),
            (None, None) => self.service.name().to_owned(),
        }
    }
}

/// The services, verifications and ascertainments that the purpose grants.
fn granted(answer: &AccessAnswer, agreement: &str, purpose: &str) -> Vec<GrantedCall> {
    let descriptions = answer
        .agreements
        .iter()
        .filter(|description| description.agreement == agreement);
    let purposes = descriptions
        .flat_map(|description| &description.purposes)
        .filter(|granted| granted.id == purpose);
    let mut calls = Vec::new();
    for granted in purposes {
        for service in granted
            .services
            .iter()
            .filter_map(|name| Service::from_name(name))
        {
            match service {
                Service::VerifyDeclaration => calls.extend(
                    granted
                        .verifications
                        .iter()
                        .filter_map(|name| VerificationKind::from_name(name))
                        .map(|kind| GrantedCall {
                            verification: Some(kind),
                            ..GrantedCall::of(service)
                        }),
                ),
                Service::LookupPerson
                | Service::LookupHousehold
                | Service::LookupAddressResidents
                | Service::SearchPersons => calls.push(GrantedCall::of(service)),
                // A list is granted where the call by itself is.
                Service::BatchLookupPersons
                | Service::BatchVerify
                | Service::DescribeAccess
                | Service::GetReceipt => {}
            }
        }
        let kinds = granted
            .ascertainments
            .iter()
            .filter_map(|name| Ascertainment::from_name(name));
        calls.extend(kinds.map(|kind| GrantedCall {
            ascertainment: Some(kind),
            ..GrantedCall::of(kind.service())
        }));
    }
    calls
}

/// How far the own clock is from the index's, which stamped the entry a moment ago.
fn clock(proof: &AccessProof, session: &Session<'_, '_>) -> Option<Finding> {
    let header = Header::decode(&proof.receipt()?.header).ok()?;
    let skew = session.surroundings.clock.now_ms().abs_diff(header.time_ms);
    let seconds = skew / 1000;
    Some(if skew < TOLERATED_SKEW_MS {
        Finding::green(
            "clock",
            format!("a {seconds} s dall'indice"),
            format!("{seconds} s from the index"),
        )
    } else {
        Finding::new(
            "clock",
            Light::Red,
            format!("a {seconds} s dall'indice"),
            format!("{seconds} s from the index"),
        )
        .remedy("sincronizzare l'orologio (NTP)", "synchronise the clock (NTP)")
    })
}

fn unreached(error: &ClientError) -> Finding {
    Finding::new("index", Light::Red, error.italian(), error.english())
}
