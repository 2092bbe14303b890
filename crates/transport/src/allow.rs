//! Which role may call which service: deny by default, and complete or the process does not start.

use std::collections::{BTreeMap, BTreeSet};

use agreement::peer::Role;

/// gRPC service name to the roles that may call it. What is not listed is refused.
#[derive(Debug, Clone, Default)]
pub struct AllowList {
    services: BTreeMap<String, BTreeSet<Role>>,
}

/// What the list says of one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The role may call the service.
    Allowed,
    /// The service is listed, but not for this role.
    RoleNotAllowed,
    /// The service is not listed.
    NotListed,
}

/// Why a list does not fit the services that are registered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IncompleteAllowList {
    /// A service would be served to nobody, or to everybody, depending on the reader.
    #[error("the service {0} is registered but the allow-list does not name it")]
    MissingEntry(String),
    /// The list promises something that is not served: most likely a misspelt name.
    #[error("the allow-list names the service {0}, which is not registered")]
    NotRegistered(String),
    /// An entry without roles is indistinguishable from a forgotten one.
    #[error("the allow-list names no role for the service {0}")]
    NoRole(String),
}

impl AllowList {
    /// A list that refuses everything.
    pub fn new() -> Self {
        Self::default()
    }

    /// Allows `roles`, beside those already allowed, to call every method of `service`
    /// (`package.v1.Service`).
    #[must_use]
    pub fn allow(mut self, service: &str, roles: &[Role]) -> Self {
        self.services
            .entry(service.to_owned())
            .or_default()
            .extend(roles.iter().copied());
        self
    }

    /// Decides on one call.
    pub fn check(&self, service: &str, role: Role) -> Verdict {
        match self.services.get(service) {
            None => Verdict::NotListed,
            Some(roles) if roles.contains(&role) => Verdict::Allowed,
            Some(_) => Verdict::RoleNotAllowed,
        }
    }

    /// Compares the list with the services that are registered: both must name the same.
    /// Call it before serving, with the services of the descriptor set.
    pub fn check_complete(&self, registered: &[&str]) -> Result<(), IncompleteAllowList> {
        for service in registered {
            match self.services.get(*service) {
                None => return Err(IncompleteAllowList::MissingEntry((*service).to_owned())),
                Some(roles) if roles.is_empty() => {
                    return Err(IncompleteAllowList::NoRole((*service).to_owned()));
                }
                Some(_) => {}
            }
        }
        match self
            .services
            .keys()
            .find(|service| !registered.contains(&service.as_str()))
        {
            None => Ok(()),
            Some(service) => Err(IncompleteAllowList::NotRegistered(service.clone())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONSULTATION: &str = "ponte.consultation.v1.ConsultationService";
    const PUBLICATION: &str = "ponte.publication.v1.PublicationService";

    fn list() -> AllowList {
        AllowList::new()
            .allow(CONSULTATION, &[Role::Agency])
            .allow(PUBLICATION, &[Role::Node])
    }

    #[track_caller]
    fn check(service: &str, role: Role, expect: Verdict) {
        assert_eq!(list().check(service, role), expect, "{service} for {role}");
    }

    #[test]
    fn only_listed_roles_of_listed_services_pass() {
        check(CONSULTATION, Role::Agency, Verdict::Allowed);
        check(CONSULTATION, Role::Node, Verdict::RoleNotAllowed);
        check(CONSULTATION, Role::Admin, Verdict::RoleNotAllowed);
        check(PUBLICATION, Role::Node, Verdict::Allowed);
        check("ponte.audit.v1.AuditService", Role::Admin, Verdict::NotListed);
        check(&CONSULTATION.to_lowercase(), Role::Agency, Verdict::NotListed);
        check("", Role::Agency, Verdict::NotListed);
    }

    #[test]
    fn a_list_must_name_exactly_the_registered_services() {
        assert_eq!(list().check_complete(&[PUBLICATION, CONSULTATION]), Ok(()));
        assert_eq!(
            list().check_complete(&[CONSULTATION]),
            Err(IncompleteAllowList::NotRegistered(PUBLICATION.to_owned()))
        );
        assert_eq!(
            list().check_complete(&[CONSULTATION, PUBLICATION, "grpc.health.v1.Health"]),
            Err(IncompleteAllowList::MissingEntry(
                "grpc.health.v1.Health".to_owned()
            ))
        );
        assert_eq!(
            AllowList::new()
                .allow(CONSULTATION, &[])
                .check_complete(&[CONSULTATION]),
            Err(IncompleteAllowList::NoRole(CONSULTATION.to_owned()))
        );
    }
}
