use http::Response;
use tonic::body::Body;
use tonic::{Code, Status};

use agreement::reason::Reason;

use super::translation::{self, Translation};

#[track_caller]
fn check(status: Status, expect: Translation) {
    let shown = format!("{status:?}");
    let response: Response<Body> = status.into_http();
    assert_eq!(translation::of(&response), expect, "{shown}");
}

#[test]
fn statuses_with_details_are_the_handlers_own_whatever_their_code() {
    for code in [
        Code::OutOfRange,
        Code::Internal,
        Code::Unimplemented,
        Code::NotFound,
    ] {
        check(
            Status::with_details(code, "text", vec![8, 1].into()),
            Translation::Keep,
        );
    }
}

#[test]
fn bare_statuses_of_the_library_become_rows_of_the_table() {
    check(
        Status::out_of_range("Error, decoded message length too large: found 9 bytes"),
        Translation::Replace(Reason::MessageTooLarge),
    );
    check(
        Status::internal("failed to decode Protobuf message: invalid varint"),
        Translation::Replace(Reason::MessageUndecodable),
    );
    check(
        Status::internal("Missing request message."),
        Translation::Replace(Reason::MessageUndecodable),
    );
    check(
        Status::internal("anything else"),
        Translation::Replace(Reason::Internal),
    );
    check(
        Status::unknown("anything else"),
        Translation::Replace(Reason::Internal),
    );
    check(
        Status::unimplemented(""),
        Translation::Replace(Reason::UnknownMethod),
    );
    check(
        Status::unimplemented("Content is compressed with `gzip` which isn't supported"),
        Translation::KeepAndEnter(Reason::MessageUndecodable),
    );
    check(Status::not_found("service not registered"), Translation::Keep);
    check(Status::ok(""), Translation::Keep);
}
