use agreement::reason::ExitCode;

use super::run::ponte;

#[test]
fn the_small_demonstration_has_every_result_that_it_must_have() {
    let outcome = ponte(["demo", "--small", "-o", "json", "--lang", "en"])
        .now()
        .exits(ExitCode::Ok);
    let steps = outcome.json();
    let steps = steps.as_array().unwrap();
    assert!(20 < steps.len(), "{outcome}");
    assert!(steps.iter().all(|step| step["as_expected"] == true), "{outcome}");
}
