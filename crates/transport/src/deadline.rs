//! How long a call may take: what the caller asks for, and never more than the server allows.

use std::time::Duration;

use http::HeaderMap;
use tokio::time::Instant;

/// The header in which a caller states how long it waits (gRPC over HTTP/2).
pub const GRPC_TIMEOUT: &str = "grpc-timeout";

const MOST_DIGITS: usize = 8;

/// When a call ends, in the extensions of its request. Handlers that hold a stream open end it by then.
/// Only the caller's own wish is binding for a stream: the server's limit covers the time until the answer
/// begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deadline {
    /// When the answer must have begun.
    pub answer_by: Instant,
    /// When the caller stops listening, if it said so.
    pub caller_waits_until: Option<Instant>,
}

/// The header is there but is not 1 to 8 digits and a unit, or is there twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("grpc-timeout must be 1 to 8 digits and one of H, M, S, m, u, n")]
pub struct MalformedTimeout;

/// What the caller asks for, if anything.
pub fn requested(headers: &HeaderMap) -> Result<Option<Duration>, MalformedTimeout> {
    let mut values = headers.get_all(GRPC_TIMEOUT).iter();
    let Some(value) = values.next() else {
        return Ok(None);
    };
    if values.next().is_some() {
        return Err(MalformedTimeout);
    }
    parse(value.as_bytes()).map(Some)
}

fn parse(value: &[u8]) -> Result<Duration, MalformedTimeout> {
    let Some((unit, digits)) = value.split_last() else {
        return Err(MalformedTimeout);
    };
    if digits.is_empty() || MOST_DIGITS < digits.len() || !digits.iter().all(u8::is_ascii_digit) {
        return Err(MalformedTimeout);
    }
    let number = digits
        .iter()
        .fold(0_u64, |number, digit| number * 10 + u64::from(digit - b'0'));
    match unit {
        b'H' => Ok(Duration::from_secs(number * 3600)),
        b'M' => Ok(Duration::from_secs(number * 60)),
        b'S' => Ok(Duration::from_secs(number)),
        b'm' => Ok(Duration::from_millis(number)),
        b'u' => Ok(Duration::from_micros(number)),
        b'n' => Ok(Duration::from_nanos(number)),
        _ => Err(MalformedTimeout),
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[track_caller]
    fn check(value: &str, expect: Result<Duration, MalformedTimeout>) {
        let mut headers = HeaderMap::new();
        headers.insert(GRPC_TIMEOUT, HeaderValue::from_str(value).unwrap());
        assert_eq!(requested(&headers), expect.map(Some), "{value:?}");
    }

    #[test]
    fn each_unit_is_read() {
        check("2H", Ok(Duration::from_secs(7200)));
        check("3M", Ok(Duration::from_secs(180)));
        check("45S", Ok(Duration::from_secs(45)));
        check("250m", Ok(Duration::from_millis(250)));
        check("10u", Ok(Duration::from_micros(10)));
        check("99999999n", Ok(Duration::from_nanos(99_999_999)));
        check("99999999H", Ok(Duration::from_secs(99_999_999 * 3600)));
        check("0S", Ok(Duration::ZERO));
    }

    #[test]
    fn anything_else_is_malformed() {
        for value in [
            "",
            "S",
            "5",
            "5s",
            "5 S",
            " 5S",
            "+5S",
            "-5S",
            "5.0S",
            "123456789S",
            "5SS",
            "٥S",
        ] {
            let Ok(header) = HeaderValue::from_bytes(value.as_bytes()) else {
                continue;
            };
            let mut headers = HeaderMap::new();
            headers.insert(GRPC_TIMEOUT, header);
            assert_eq!(requested(&headers), Err(MalformedTimeout), "{value:?}");
        }
    }

    #[test]
    fn two_timeouts_are_malformed_and_none_is_no_wish() {
        let mut headers = HeaderMap::new();
        assert_eq!(requested(&headers), Ok(None));
        headers.append(GRPC_TIMEOUT, HeaderValue::from_static("5S"));
        headers.append(GRPC_TIMEOUT, HeaderValue::from_static("5S"));
        assert_eq!(requested(&headers), Err(MalformedTimeout));
    }
}
