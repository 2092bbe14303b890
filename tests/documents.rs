//! What README and ARCHITECTURE say exists, exists.

use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Words between single backticks, outside fenced blocks.
fn code_words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut fenced = false;
    for line in text.lines() {
        if line.starts_with("```") {
            fenced = !fenced;
        }
        if fenced {
            continue;
        }
        words.extend(line.split('`').skip(1).step_by(2).map(str::to_owned));
    }
    words
}

/// A word that claims to be a path of the tree, without the test that may follow `::`.
fn claimed_path(word: &str) -> Option<(&str, Option<&str>)> {
    const TOP: &[&str] = &[
        "crates/", "tests/", "proto/", "config/", "benches/", ".ci/", ".cargo/",
    ];
    if !TOP.iter().any(|top| word.starts_with(top)) || word.contains([' ', '*', '<', '{']) {
        return None;
    }
    match word.split_once("::") {
        Some((path, test)) => Some((path, Some(test))),
        None => Some((word, None)),
    }
}

#[test]
fn every_path_and_test_that_the_documents_name_exists() {
    let mut claims = 0;
    for document in ["README.md", "ARCHITECTURE.md"] {
        let text = std::fs::read_to_string(root().join(document)).expect("the document is readable");
        for word in code_words(&text) {
            let Some((path, test)) = claimed_path(&word) else {
                continue;
            };
            claims += 1;
            let file = root().join(path);
            assert!(file.exists(), "{document} names {path}, which does not exist");
            let Some(test) = test else { continue };
            let source = std::fs::read_to_string(&file).expect("a named test file is readable");
            let function = test.rsplit("::").next().unwrap_or(test);
            assert!(
                source.contains(&format!("fn {function}(")),
                "{document} names {word}, and no such test is there"
            );
        }
    }
    assert!(
        20 < claims,
        "the documents name the tree: only {claims} claims were found"
    );
}

#[test]
fn every_invariant_names_a_test() {
    let text = std::fs::read_to_string(root().join("ARCHITECTURE.md")).expect("the document is readable");
    let invariants = text
        .split("## Invariants")
        .nth(1)
        .expect("there is a chapter of invariants");
    let chapter = invariants.split("\n## ").next().unwrap_or_default();
    let numbered: Vec<&str> = chapter
        .lines()
        .filter(|line| line.starts_with(|first: char| first.is_ascii_digit()))
        .collect();
    assert_eq!(numbered.len(), 11, "eleven invariants are numbered");
    for line in numbered {
        let named = code_words(line)
            .iter()
            .any(|word| claimed_path(word).is_some_and(|(_, test)| test.is_some()));
        assert!(named, "no test is named for: {line}");
    }
}
