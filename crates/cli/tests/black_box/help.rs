use agreement::reason::ExitCode;
use clap::{Command, CommandFactory as _};
use cli::arguments::Arguments;

use super::run::ponte;

fn every_command(command: &Command, path: &[String], found: &mut Vec<Vec<String>>) {
    found.push(path.to_vec());
    for child in command.get_subcommands() {
        let below: Vec<String> = path
            .iter()
            .cloned()
            .chain([child.get_name().to_owned()])
            .collect();
        every_command(child, &below, found);
    }
}

#[test]
fn help_never_fails_for_any_command() {
    let mut commands = Vec::new();
    every_command(&Arguments::command(), &[], &mut commands);
    assert!(40 < commands.len(), "{commands:?}");
    for mut command in commands {
        command.push("--help".to_owned());
        let outcome = ponte(command).exits(ExitCode::Ok).shows("Usage:");
        assert_eq!(outcome.stderr, "");
    }
}

#[test]
fn the_definition_of_the_arguments_is_sound() {
    Arguments::command().debug_assert();
}

#[test]
fn the_help_lists_every_exit_code() {
    let outcome = ponte(["--help"]).exits(ExitCode::Ok);
    for code in ["0", "1", "2", "3", "4", "5", "6", "70"] {
        let line = format!("  {code:>2}  ");
        assert!(outcome.stdout.contains(&line), "{code} is not in\n{outcome}");
    }
}

#[test]
fn what_the_parser_refuses_goes_to_standard_error_with_exit_2() {
    let cases: [&[&str]; 5] = [
        &[],
        &["no-such-command"],
        &["pki", "inspect"],
        &["person", "--no-such-flag"],
        &["codice-fiscale", "compute", "--surname", "ROSSI"],
    ];
    for case in cases {
        let outcome = ponte(case).exits(ExitCode::Usage);
        assert_eq!(outcome.stdout, "", "{outcome}");
        assert_ne!(outcome.stderr, "");
    }
}

#[test]
fn completions_are_made_for_every_shell() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        ponte(["completions", shell]).exits(ExitCode::Ok).shows("ponte");
    }
}
