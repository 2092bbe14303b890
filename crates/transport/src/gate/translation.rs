//! Telling apart what a handler answered and what the gRPC library answered in its place.
//!
//! Handlers word their refusals through the error table, whose statuses carry details; the library's own
//! statuses carry none.

use http::Response;
use tonic::body::Body;
use tonic::{Code, Status};

use agreement::reason::Reason;

pub(super) const GRPC_STATUS: &str = "grpc-status";
const DETAILS: &str = "grpc-status-details-bin";

/// How the library begins the message of a status for a message that cannot be decoded (tonic 0.14; the
/// tests of the gate hold it).
const UNDECODABLE: [&str; 5] = [
    "failed to decode Protobuf message",
    "protocol error: received message with",
    "Unexpected EOF decoding stream",
    "Missing request message",
    "Error decompressing",
];
const UNKNOWN_ENCODING: &str = "Content is compressed with";

/// What to do with an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Translation {
    /// It is the handler's.
    Keep,
    /// It is the library's, and is replaced by this row of the table.
    Replace(Reason),
    /// It is the library's, keeps the wording the protocol prescribes, and is entered under this row.
    KeepAndEnter(Reason),
}

pub(super) fn of(response: &Response<Body>) -> Translation {
    let headers = response.headers();
    if !headers.contains_key(GRPC_STATUS) || headers.contains_key(DETAILS) {
        return Translation::Keep;
    }
    let Some(status) = Status::from_header_map(headers) else {
        return Translation::Keep;
    };
    let message = status.message();
    match status.code() {
        Code::OutOfRange => Translation::Replace(Reason::MessageTooLarge),
        // The encoding is answered with the list of those accepted, in a header of the same answer.
        Code::Unimplemented if message.starts_with(UNKNOWN_ENCODING) => {
            Translation::KeepAndEnter(Reason::MessageUndecodable)
        }
        Code::Unimplemented => Translation::Replace(Reason::UnknownMethod),
        Code::Internal if UNDECODABLE.iter().any(|start| message.starts_with(start)) => {
            Translation::Replace(Reason::MessageUndecodable)
        }
        // A bare status of these codes is a defect, and its message may hold anything.
        Code::Internal | Code::Unknown | Code::DataLoss => Translation::Replace(Reason::Internal),
        Code::Ok
        | Code::Cancelled
        | Code::InvalidArgument
        | Code::DeadlineExceeded
        | Code::NotFound
        | Code::AlreadyExists
        | Code::PermissionDenied
        | Code::ResourceExhausted
        | Code::FailedPrecondition
        | Code::Aborted
        | Code::Unavailable
        | Code::Unauthenticated => Translation::Keep,
    }
}
