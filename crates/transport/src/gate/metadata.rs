//! The headers of a call: none that could pass for ours, none twice that must be there once.

use http::HeaderMap;

/// Headers that are refused in a request: the prefix of our own answers, and the names under which proxies
/// pass on identities. Identity comes from the connection alone.
const RESERVED: [&str; 6] = [
    "ponte-",
    "x-ponte-",
    "x-forwarded-client-cert",
    "x-client-cert",
    "x-ssl-client",
    "x-spiffe",
];

/// Headers that decide something and must not be there twice, since libraries differ in which one they read.
const SINGLE: [&str; 7] = [
    "content-type",
    "te",
    "grpc-encoding",
    "grpc-timeout",
    "authorization",
    "traceparent",
    "user-agent",
];

const TRACEPARENT: &str = "traceparent";

/// The caller's trace id (W3C Trace Context), in the extensions of a request when its `traceparent` can be
/// read. A header that cannot be read is ignored, as the recommendation says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TraceId(pub [u8; 16]);

/// A header is reserved or repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RefusedMetadata;

pub(crate) fn check(headers: &HeaderMap) -> Result<(), RefusedMetadata> {
    for name in headers.keys() {
        let name = name.as_str();
        if RESERVED.iter().any(|prefix| name.starts_with(prefix)) {
            return Err(RefusedMetadata);
        }
    }
    // Without any repetition there are as many values as names.
    if headers.len() == headers.keys_len() {
        return Ok(());
    }
    let repeated = |name: &&str| headers.get_all(*name).iter().nth(1).is_some();
    if SINGLE.iter().any(repeated) {
        Err(RefusedMetadata)
    } else {
        Ok(())
    }
}

impl TraceId {
    /// The trace id of a version 00 `traceparent`.
    pub(crate) fn of(headers: &HeaderMap) -> Option<Self> {
        let value = headers.get(TRACEPARENT)?.to_str().ok()?;
        let mut parts = value.split('-');
        let (version, trace, parent, flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        let hex = |text: &str, length| {
            text.len() == length && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
        };
        let well_formed = version == "00" && hex(trace, 32) && hex(parent, 16) && hex(flags, 2);
        if !well_formed || parts.next().is_some() {
            return None;
        }
        let number = u128::from_str_radix(trace, 16).ok()?;
        (number != 0).then(|| Self(number.to_be_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use http::{HeaderName, HeaderValue};

    use super::*;

    fn headers(lines: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        headers
    }

    #[track_caller]
    fn check_lines(lines: &[(&'static str, &'static str)], expect: Result<(), RefusedMetadata>) {
        assert_eq!(check(&headers(lines)), expect, "{lines:?}");
    }

    #[test]
    fn reserved_and_repeated_headers_are_refused() {
        check_lines(
            &[("content-type", "application/grpc"), ("te", "trailers")],
            Ok(()),
        );
        check_lines(&[("x-case", "a"), ("x-case", "b")], Ok(()));
        check_lines(&[("ponte-peer", "a")], Err(RefusedMetadata));
        check_lines(&[("ponte-receipt-bin", "a")], Err(RefusedMetadata));
        check_lines(
            &[("x-forwarded-client-cert", "URI=spiffe://a/agency/b")],
            Err(RefusedMetadata),
        );
        check_lines(&[("x-ssl-client-s-dn", "a")], Err(RefusedMetadata));
        check_lines(
            &[("authorization", "a"), ("authorization", "a")],
            Err(RefusedMetadata),
        );
        check_lines(&[("te", "trailers"), ("te", "trailers")], Err(RefusedMetadata));
    }

    #[test]
    fn a_trace_id_is_read_only_from_a_well_formed_header() {
        let trace = |value| TraceId::of(&headers(&[("traceparent", value)]));
        assert_eq!(
            trace("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
            Some(TraceId(
                0x0af7_6519_16cd_43dd_8448_eb21_1c80_319c_u128.to_be_bytes()
            ))
        );
        for wrong in [
            "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-x",
            "01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "",
        ] {
            assert_eq!(trace(wrong), None, "{wrong}");
        }
    }
}
