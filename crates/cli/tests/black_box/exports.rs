use agreement::reason::ExitCode;

use super::run::ponte;

fn export(scale: &str) -> String {
    ponte([
        "generate",
        "--municipality",
        "037014",
        "--year",
        "2026",
        "--scale",
        scale,
    ])
    .exits(ExitCode::Ok)
    .stdout
}

#[test]
fn the_same_seed_makes_the_same_registry_and_another_seed_another() {
    let one = export("1/20");
    assert_eq!(one, export("1/20"));
    let arguments = [
        "generate",
        "--municipality",
        "037014",
        "--year",
        "2026",
        "--scale",
        "1/20",
        "--seed",
        "2",
    ];
    assert_ne!(one, ponte(arguments).exits(ExitCode::Ok).stdout);
}

#[test]
fn a_generated_export_passes_the_check_without_index_or_certificate() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("export.csv").display().to_string();
    ponte([
        "generate",
        "--municipality",
        "037014",
        "--year",
        "2026",
        "--scale",
        "1/20",
        "--out",
        &path,
    ])
    .exits(ExitCode::Ok)
    .says("no real persons");
    ponte([
        "node",
        "check",
        &path,
        "--municipality",
        "037014",
        "--date",
        "2026-01-01",
        "--lang",
        "it",
    ])
    .exits(ExitCode::Ok)
    .says("0 rifiutate");
    ponte(["generate", "--municipality", "037014", "--out", &path]).exits(ExitCode::Usage);
}

#[test]
fn a_broken_row_is_named_by_rule_and_line_and_never_by_its_content() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("export.csv");
    let mut lines: Vec<String> = export("1/20").lines().map(str::to_owned).collect();
    lines[2] = "Bianchi;Segreta".to_owned();
    std::fs::write(&path, lines.join("\n")).unwrap();
    let path = path.display().to_string();
    let arguments = [
        "node",
        "check",
        &path,
        "--municipality",
        "037014",
        "--date",
        "2026-01-01",
        "--lang",
        "it",
    ];
    ponte(arguments)
        .exits(ExitCode::NegativeAnswer)
        .says("1 rifiutate")
        .hides("Segreta");
    let json = ponte(arguments.into_iter().chain(["-o", "json"]))
        .exits(ExitCode::NegativeAnswer)
        .json();
    let finding = json
        .as_array()
        .unwrap()
        .iter()
        .find(|finding| finding["severity"] == "E")
        .unwrap();
    assert_eq!(finding["lines"][0], 3);
    assert_ne!(finding["remedy"], "");
}

#[test]
fn a_file_with_another_header_is_refused_with_the_columns_that_are_missing() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("export.csv");
    std::fs::write(&path, "cognome;nome\nRossi;Mario\n").unwrap();
    let path = path.display().to_string();
    ponte(["node", "check", &path, "--municipality", "037014", "--lang", "en"])
        .exits(ExitCode::Usage)
        .says("is missing")
        .hides("Rossi");
}

#[test]
fn days_are_a_total_export_an_incremental_one_a_day_and_the_truth() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("days").display().to_string();
    let arguments = [
        "generate",
        "--municipality",
        "037014,037007",
        "--churn",
        "3",
        "--from",
        "2026-03-01",
        "--scale",
        "1/5",
        "--pace",
        "50",
        "--out-dir",
        &path,
    ];
    ponte(arguments)
        .exits(ExitCode::Ok)
        .says("no real persons")
        .says("2026-03-04");
    let mut written: Vec<String> = std::fs::read_dir(directory.path().join("days/037014"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    written.sort();
    let expected = [
        "2026-03-01-total.csv",
        "2026-03-02-incremental.csv",
        "2026-03-03-incremental.csv",
        "2026-03-04-incremental.csv",
    ];
    assert_eq!(written, expected);
    let truth = std::fs::read_to_string(directory.path().join("days/truth.jsonl")).unwrap();
    let header: serde_json::Value = serde_json::from_str(truth.lines().next().unwrap()).unwrap();
    assert_eq!(header["first_export"], "2026-03-01");
    assert_eq!(header["municipalities"][0], "037007");
    let total = format!("{path}/037014/2026-03-01-total.csv");
    ponte([
        "node",
        "check",
        &total,
        "--municipality",
        "037014",
        "--date",
        "2026-03-01",
        "--lang",
        "it",
    ])
    .exits(ExitCode::Ok)
    .says("0 rifiutate");
    // What is there stays.
    ponte(arguments).exits(ExitCode::Usage);
}

#[test]
fn what_cannot_be_generated_is_refused() {
    let cases: [&[&str]; 10] = [
        &["--municipality", "037014,037007"],
        &["--municipality", "037014", "--churn", "3"],
        &["--municipality", "037014", "--churn", "0", "--out-dir", "days"],
        &["--municipality", "037014", "--churn", "366", "--out-dir", "days"],
        &[
            "--municipality",
            "037014,037014",
            "--churn",
            "3",
            "--out-dir",
            "days",
        ],
        &[
            "--municipality",
            "037014",
            "--churn",
            "3",
            "--pace",
            "0",
            "--out-dir",
            "days",
        ],
        &["--municipality", "037014", "--year", "1999"],
        &["--municipality", "037014", "--scale", "2/3"],
        &["--municipality", "058091"],
        &["--municipality", "Imola"],
    ];
    for case in cases {
        ponte(["generate"].iter().chain(case)).exits(ExitCode::Usage);
    }
}
