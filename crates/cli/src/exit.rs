//! Exit codes, as the help prints them.

use agreement::reason::ExitCode;

/// Every code with its meaning, lowest first.
const TABLE: [(ExitCode, &str); 8] = [
    (ExitCode::Ok, "done; a verification answered yes"),
    (
        ExitCode::NegativeAnswer,
        "the answer is no, or cannot be determined; a check found errors",
    ),
    (ExitCode::Usage, "the command or its data are wrong"),
    (ExitCode::NotFound, "nothing was found that the agreement shows"),
    (ExitCode::Denied, "denied"),
    (ExitCode::Unavailable, "not available now, or only in part"),
    (ExitCode::Conflict, "in conflict with the present state"),
    (ExitCode::Internal, "a fault of ponte"),
];

/// The table as the help shows it.
pub fn help() -> String {
    let mut text = String::from("Exit codes:\n");
    for (code, meaning) in TABLE {
        text.push_str(&format!("  {:>2}  {meaning}\n", code.number()));
    }
    text.push_str("\nData go to standard output, words to standard error. Nothing ever asks a question.");
    text
}
