//! The table as a page of the documentation, `proto/ERRORS.md`.

use super::{Audience, Reason};

const HEAD: &str = "\
# Errors

<!-- Written from the table in crates/agreement; PONTE_WRITE_DOCS=1 cargo test -p agreement writes it again. -->

Every answer that is not data carries one of these reasons.
It stands in `google.rpc.ErrorInfo` under the domain `ponte`, in the status details of the call; the gRPC code says how to take a reason that a client does not know yet.
Beside it travel, where they apply, the clause of the agreement and what would meet it (`ErrorInfo.metadata`), the fields of the request that break a rule (`BadRequest`), the quota (`QuotaFailure`), how long to wait (`RetryInfo`), a text for people (`LocalizedMessage`), and the receipt of the entry that the call made in the access log.
No text repeats what was asked.

*ANPR* is ANPR's code of the same meaning, where there is one; *exit* is the exit code of the command line.
*Again* says whether the same call is worth making again as it is: an id that is sent again within 24 hours costs no quota a second time.
";

/// Every reason, by who meets it, with what it means, what to do, who can mend it and whether to try again; in English
/// and in Italian.
pub fn catalogue() -> String {
    let mut page = HEAD.to_owned();
    for audience in Audience::ALL {
        let reasons = || Reason::ALL.iter().filter(|reason| reason.met_by() == audience);
        page.push_str(&format!("\n## {}\n\n", audience.english()));
        page.push_str("| Reason | gRPC | ANPR | Exit | Meaning | What to do | Who mends it | Again |\n");
        page.push_str("|---|---|---|---|---|---|---|---|\n");
        for reason in reasons() {
            row(
                &mut page,
                &[
                    &format!("`{}`", reason.name()),
                    &reason.grpc().number().to_string(),
                    reason.anpr().unwrap_or("–"),
                    &reason.exit().number().to_string(),
                    reason.english(),
                    reason.remedy_english(),
                    reason.mender().english(),
                    reason.retry().english(),
                ],
            );
        }
        page.push_str("\n| Motivo | Significato | Rimedio |\n|---|---|---|\n");
        for reason in reasons() {
            row(
                &mut page,
                &[
                    &format!("`{}`", reason.name()),
                    reason.italian(),
                    reason.remedy_italian(),
                ],
            );
        }
    }
    page
}

fn row(page: &mut String, cells: &[&str]) {
    page.push_str("| ");
    page.push_str(&cells.join(" | "));
    page.push_str(" |\n");
}
