//! The decision: whether a call may be made at all, from the call and the caller's own agreement.
//!
//! It depends on nothing that is in the registry, so a denial says nothing about any person. What an agreement shows
//! of a person is the second step, [`Permit::view`](crate::permit::Permit::view).

mod clauses;

use crate::agreements::Agreements;
use crate::clause::Clause;
use crate::denial::{Denial, Requirement};
use crate::moment::Moment;
use crate::peer::Peer;
use crate::permit::Permit;
use crate::request::Request;
use crate::usage::Usage;

use self::clauses::Call;

/// How one clause came out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClauseOutcome {
    /// The clause.
    pub clause: Clause,
    /// How it came out.
    pub verdict: Verdict,
}

/// How a clause came out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The call meets it, or it does not concern the call.
    Passed,
    /// The call does not meet it.
    Failed(Requirement),
    /// It cannot be examined, because one failed on which it depends.
    NotReached,
}

/// Decides a call. The first clause that is not passed is the denial.
pub fn decide(
    agreements: &Agreements,
    peer: &Peer,
    request: &Request,
    usage: &Usage,
    moment: Moment,
) -> Result<Permit, Denial> {
    let call = Call::new(agreements, peer, request, usage, moment);
    for clause in Clause::ALL {
        match call.examine(clause) {
            Verdict::Passed => {}
            Verdict::Failed(requirement) => return Err(denial(request, clause, requirement)),
            Verdict::NotReached => return Err(denial(request, clause, Requirement::Unspecified)),
        }
    }
    let Some(entry) = call.entry() else {
        return Err(denial(request, Clause::AgreementKnown, Requirement::Unspecified));
    };
    Permit::grant(entry.agreement(), request, moment)
        .ok_or_else(|| denial(request, Clause::Purpose, Requirement::Unspecified))
}

/// How every clause would come out, by the very examination that decides.
pub fn explain(
    agreements: &Agreements,
    peer: &Peer,
    request: &Request,
    usage: &Usage,
    moment: Moment,
) -> Vec<ClauseOutcome> {
    let call = Call::new(agreements, peer, request, usage, moment);
    Clause::ALL
        .into_iter()
        .map(|clause| ClauseOutcome {
            clause,
            verdict: call.examine(clause),
        })
        .collect()
}

fn denial(request: &Request, clause: Clause, requirement: Requirement) -> Denial {
    let context = &request.context;
    Denial {
        agreement: context.agreement.clone(),
        purpose: context.purpose.clone(),
        clause,
        requirement,
    }
}

#[cfg(test)]
mod tests;
