//! The one form of a method's path.

use http::uri::PathAndQuery;

const LONGEST_PATH: usize = 200;

/// A path of the form `/package.v1.Service/Method`. Nothing else is routed, so what was authorised and what
/// is called can never be two readings of the same text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct MethodPath<'a> {
    full: &'a str,
    service: &'a str,
}

impl<'a> MethodPath<'a> {
    /// Reads a request's path; nothing when it has another form, an escape, or a query.
    pub(crate) fn parse(path: &'a PathAndQuery) -> Option<Self> {
        if path.query().is_some() {
            return None;
        }
        let full = path.path().strip_prefix('/')?;
        if LONGEST_PATH < full.len() {
            return None;
        }
        let (service, method) = full.split_once('/')?;
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        let service_allowed = |byte: u8| allowed(byte) || byte == b'.';
        if service.is_empty() || !service.bytes().all(service_allowed) {
            return None;
        }
        if method.is_empty() || !method.bytes().all(allowed) {
            return None;
        }
        Some(Self { full, service })
    }

    /// `package.v1.Service/Method`.
    pub(crate) fn full(self) -> &'a str {
        self.full
    }

    /// `package.v1.Service`.
    pub(crate) fn service(self) -> &'a str {
        self.service
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(path: &str, expect: Option<&str>) {
        let path: PathAndQuery = path.parse().unwrap();
        assert_eq!(
            MethodPath::parse(&path).map(MethodPath::service),
            expect,
            "{path}"
        );
    }

    #[test]
    fn only_the_canonical_form_names_a_method() {
        check("/grpc.health.v1.Health/Check", Some("grpc.health.v1.Health"));
        check("/a_b.C/D_1", Some("a_b.C"));
        check("/grpc.health.v1.Health/Check?x=1", None);
        check("/grpc.health.v1.Health/Check?", None);
        check("//grpc.health.v1.Health/Check", None);
        check("/grpc.health.v1.Health/Check/", None);
        check("/grpc.health.v1.Health//Check", None);
        check("/grpc.health.v1.Health/%43heck", None);
        check("/x/../grpc.health.v1.Health/Check", None);
        check("/../Check", Some(".."));
        check("/grpc.health.v1.Health", None);
        check("/", None);
        check("*", None);
        check(&format!("/{}/M", "s".repeat(200)), None);
    }
}
