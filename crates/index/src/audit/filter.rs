//! Which entries a reader wants to see.

use agreement::context::AgreementId;
use agreement::peer::SpiffeId;
use agreement::reason::Reason;
use ledger::header::Header;
use wire::convert::{Invalid, Rule, timestamp_to_ms};
use wire::proto::audit::v1 as pb;

/// A checked filter; an empty one admits everything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Filter {
    from_ms: Option<u64>,
    until_ms: Option<u64>,
    agency: Option<String>,
    agreement: Option<String>,
    outcome: Option<String>,
}

impl Filter {
    pub(super) fn read(filter: Option<pb::AccessFilter>) -> Result<Self, Invalid> {
        let Some(filter) = filter else {
            return Ok(Self::default());
        };
        let pb::AccessFilter {
            start_time,
            end_time,
            agency,
            agreement,
            outcome,
        } = filter;
        let instant = |field: &'static str, time| -> Result<Option<u64>, Invalid> {
            let Some(time) = time else { return Ok(None) };
            let ms = timestamp_to_ms(field, Some(time))?;
            u64::try_from(ms)
                .map(Some)
                .map_err(|_| Invalid::new(field, Rule::Range))
        };
        let agency = some(agency);
        if let Some(agency) = &agency {
            SpiffeId::parse(agency).map_err(|_| Invalid::new("filter.agency", Rule::Character))?;
        }
        let agreement = some(agreement);
        if let Some(agreement) = &agreement {
            AgreementId::parse(agreement).map_err(|_| Invalid::new("filter.agreement", Rule::Character))?;
        }
        let outcome = some(outcome);
        if let Some(outcome) = &outcome
            && outcome != "OK"
            && Reason::from_name(outcome).is_none()
        {
            return Err(Invalid::new("filter.outcome", Rule::Value));
        }
        Ok(Self {
            from_ms: instant("filter.start_time", start_time)?,
            until_ms: instant("filter.end_time", end_time)?,
            agency,
            agreement,
            outcome,
        })
    }

    pub(super) fn admits(&self, header: &Header) -> bool {
        let Self {
            from_ms,
            until_ms,
            agency,
            agreement,
            outcome,
        } = self;
        let told = if header.body.outcome.code == 0 {
            "OK"
        } else {
            header.body.outcome.reason.as_str()
        };
        from_ms.is_none_or(|from| from <= header.time_ms)
            && until_ms.is_none_or(|until| header.time_ms < until)
            && agency
                .as_ref()
                .is_none_or(|agency| header.body.peer.as_ref() == Some(agency))
            && agreement
                .as_ref()
                .is_none_or(|agreement| header.body.agreement.as_ref() == Some(agreement))
            && outcome.as_ref().is_none_or(|outcome| outcome == told)
    }

    /// The same filter without its times, which do not apply to following.
    pub(super) fn timeless(self) -> Self {
        Self {
            from_ms: None,
            until_ms: None,
            ..self
        }
    }
}

fn some(text: String) -> Option<String> {
    if text.is_empty() { None } else { Some(text) }
}
