//! Calls that are only supposed, for `ExplainDecision`.

use std::net::IpAddr;

use agreement::ascertainment::{Ascertainment, NamedBy};
use agreement::batch::{Approval, BatchRow};
use agreement::context::AccessContext;
use agreement::peer::{CertificateFingerprint, SpiffeId};
use agreement::request::{Asked, Request};
use agreement::service::{Service, VerificationKind};
use chrono::{DateTime, NaiveDate, Utc};

use super::consultation::{field_names, request};
use super::date::timestamp_to_ms;
use super::invalid::{Invalid, Rule, array, required, when_present};
use crate::proto::agreement::v1 as wire;

/// A supposed call. What is absent is as in the call that asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SupposedCall {
    /// Who would call.
    pub peer: Option<SpiffeId>,
    /// From where.
    pub address: Option<IpAddr>,
    /// With which certificate.
    pub certificate: Option<CertificateFingerprint>,
    /// What would be asked, and on what ground.
    pub request: Request,
    /// When.
    pub time: Option<DateTime<Utc>>,
}

impl TryFrom<wire::ExplainDecisionRequest> for SupposedCall {
    type Error = Invalid;

    fn try_from(message: wire::ExplainDecisionRequest) -> Result<Self, Invalid> {
        let wire::ExplainDecisionRequest {
            peer,
            address,
            certificate,
            context,
            service,
            verification,
            fields,
            municipality,
            time,
            ascertainment,
        } = message;
        let certificate = match certificate.as_slice() {
            [] => None,
            bytes => Some(CertificateFingerprint(array("certificate", bytes)?)),
        };
        let time = time.map(|time| timestamp_to_ms("time", Some(time))).transpose()?;
        let asked = asked(&service, (&verification, &ascertainment), &fields)?;
        let mut request = request(context, asked, &municipality)?;
        if matches!(
            Service::from_name(&service),
            Some(Service::BatchLookupPersons | Service::BatchVerify)
        ) {
            request.batch = Some(supposed_row(&request.context)?);
        }
        Ok(Self {
            peer: when_present("peer", &peer, |id| {
                SpiffeId::parse(id).map_err(|_| Rule::SpiffeId)
            })?,
            address: when_present("address", &address, |address| {
                address
                    .parse()
                    .map_err(|_| Rule::Stated("must be an IPv4 or IPv6 address"))
            })?,
            certificate,
            request,
            time: match time {
                None => None,
                Some(ms) => Some(
                    DateTime::from_timestamp_millis(ms).ok_or_else(|| Invalid::new("time", Rule::Range))?,
                ),
            },
        })
    }
}

/// A list of one row, approved long ago by the operator under the case of the call.
fn supposed_row(context: &AccessContext) -> Result<BatchRow, Invalid> {
    let reference = required("context.case_reference", context.case_reference.clone())?;
    let approver = required("context.operator", context.operator.clone())?;
    Ok(BatchRow {
        batch: context.request_id,
        row: 1,
        rows: 1,
        approval: Approval {
            reference,
            approver,
            approved_on: NaiveDate::MIN,
        },
    })
}

fn asked(
    service: &str,
    (verification, ascertainment): (&str, &str),
    fields: &[String],
) -> Result<Asked, Invalid> {
    let service = Service::from_name(service).ok_or_else(|| Invalid::new("service", Rule::Value))?;
    let kind = VerificationKind::from_name(verification);
    let verifies = matches!(service, Service::VerifyDeclaration | Service::BatchVerify);
    if !verifies && !verification.is_empty() {
        return Err(Invalid::new("verification", Rule::Unexpected));
    }
    let wanted = field_names("fields", fields)?;
    if !ascertainment.is_empty() {
        let kind = Ascertainment::from_name(ascertainment);
        let kind = kind.ok_or_else(|| Invalid::new("ascertainment", Rule::Value))?;
        if kind.service() != service {
            return Err(Invalid::new("ascertainment", Rule::Unexpected));
        }
        return Ok(Asked::Ascertainment {
            kind,
            named_by: NamedBy::Identifier,
            fields: wanted,
        });
    }
    let asked = match (service, kind) {
        (Service::LookupPerson | Service::BatchLookupPersons, _) => Asked::Person { fields: wanted },
        (Service::LookupHousehold, _) => Asked::Household { fields: wanted },
        (Service::LookupAddressResidents, _) => Asked::Residents { fields: wanted },
        (Service::SearchPersons, _) => Asked::Search { criteria: wanted },
        (Service::VerifyDeclaration | Service::BatchVerify, Some(kind)) => Asked::Verification(kind),
        (Service::VerifyDeclaration | Service::BatchVerify, None) => {
            return Err(Invalid::new("verification", Rule::Value));
        }
        (Service::DescribeAccess, _) => Asked::AccessDescription,
        (Service::GetReceipt, _) => Asked::Receipt,
    };
    if asked.fields() != wanted {
        return Err(Invalid::new("fields", Rule::Unexpected));
    }
    Ok(asked)
}
