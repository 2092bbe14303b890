//! Whether a trust domain serves production or tests.

/// What a trust domain, and everything that carries its name, is for. Its name alone decides, so that a certificate, the
/// origin of a log and each entry say it of themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DomainKind {
    /// Data of residents.
    Production,
    /// Synthetic data, on which an agency tries its program.
    Test,
}

/// The label by which a name of a test domain is known. As the last label it is the top-level domain that RFC 6761
/// reserves, and says nothing.
const TEST_LABEL: &str = "test";

impl DomainKind {
    /// What the name of a trust domain is for, or the origin of a log, which is a name with a path: `test.ponte.example`
    /// and `log.test.ponte.example/1` are for tests.
    pub fn of(name: &str) -> Self {
        let (host, _) = name.split_once('/').unwrap_or((name, ""));
        let mut labels = host.rsplit('.');
        labels.next();
        if labels.any(|label| label == TEST_LABEL) {
            Self::Test
        } else {
            Self::Production
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(name: &str, expect: DomainKind) {
        assert_eq!(DomainKind::of(name), expect, "{name}");
    }

    #[test]
    fn a_label_before_the_last_makes_a_domain_of_tests() {
        check("test.ponte.example", DomainKind::Test);
        check("log.test.ponte.example/1", DomainKind::Test);
        check("ponte.test.example", DomainKind::Test);
    }

    #[test]
    fn a_name_that_only_holds_the_word_is_one_of_production() {
        check("ponte.example", DomainKind::Production);
        check("ponte.test", DomainKind::Production);
        check("test", DomainKind::Production);
        check("contest.ponte.example", DomainKind::Production);
        check("log.ponte.example/test.1/2", DomainKind::Production);
        check("", DomainKind::Production);
    }
}
