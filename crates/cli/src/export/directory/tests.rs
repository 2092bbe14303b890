use std::os::unix::fs::PermissionsExt as _;

use ledger::checkpoint::LogSigner;
use ledger::hash::sha256;
use ledger::name::Origin;

use super::*;

fn state() -> State {
    let settings = Settings {
        formats: vec!["csv".to_owned()],
        ..Settings::default()
    };
    State::new("log.ponte.test/1".to_owned(), "region".to_owned(), settings, 9)
}

fn head(size: u64, root: &[u8]) -> SignedHead {
    let signer = LogSigner::from_seed(Origin::new("log.ponte.test/1").unwrap(), &[1; 32]).unwrap();
    let signed = signer.sign(size, sha256(root));
    SignedHead {
        checkpoint: signed.checkpoint().clone(),
        text: signed.to_text(),
    }
}

#[test]
fn a_log_that_shows_two_histories_leaves_both_as_evidence() {
    let home = tempfile::tempdir().unwrap();
    let out = home.path().join("export");
    let growing = ExportDirectory::take(&out).unwrap().grow(state()).unwrap();
    growing.keep_checkpoint(&head(7, b"one")).unwrap();
    growing.keep_checkpoint(&head(7, b"one")).unwrap();
    growing.keep_checkpoint(&head(8, b"two")).unwrap();
    let forked = growing.keep_checkpoint(&head(7, b"another"));
    assert!(matches!(forked, Err(KeepError::Forked { .. })), "{forked:?}");
    let kept = |name: &str| fs::read_to_string(out.join("checkpoints").join(name)).unwrap();
    assert_eq!(kept("7"), head(7, b"one").text);
    assert_eq!(kept("7.conflict"), head(7, b"another").text);
}

#[test]
fn a_directory_belongs_to_one_export_and_to_nobody_else() {
    let home = tempfile::tempdir().unwrap();
    let out = home.path().join("new/export");
    let taken = ExportDirectory::take(&out).unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&out), mode(&out.join(LOCK))), (0o700, 0o600));
    assert!(matches!(
        ExportDirectory::take(&out),
        Err(DirectoryError::Locked(_))
    ));

    let state = state();
    assert_eq!(taken.state(&state.settings).unwrap(), None);
    drop(taken.grow(state.clone()).unwrap());
    assert_eq!(mode(&out.join("entries.csv")), 0o600);
    let again = ExportDirectory::take(&out).unwrap();
    assert_eq!(
        again.state(&state.settings).unwrap().map(|state| state.next),
        Some(0)
    );
    let others = Settings {
        outcome: Some("OK".to_owned()),
        ..state.settings
    };
    assert!(matches!(
        again.state(&others),
        Err(DirectoryError::Other("--outcome"))
    ));
    drop(again);

    fs::set_permissions(&out, fs::Permissions::from_mode(0o750)).unwrap();
    assert!(matches!(
        ExportDirectory::take(&out),
        Err(DirectoryError::Open { mode: 0o750, .. })
    ));
    let foreign = home.path().join("foreign");
    make_directory(&foreign).unwrap();
    fs::write(foreign.join("thesis.txt"), "x").unwrap();
    assert!(matches!(
        ExportDirectory::take(&foreign),
        Err(DirectoryError::Foreign(_))
    ));
    assert!(!foreign.join(LOCK).exists());
}

#[test]
fn a_file_that_lost_what_was_counted_is_not_gone_on_with() {
    let home = tempfile::tempdir().unwrap();
    let out = home.path().join("export");
    drop(ExportDirectory::take(&out).unwrap().grow(state()).unwrap());
    let directory = ExportDirectory::take(&out).unwrap();
    let state = directory.state(&state().settings).unwrap().unwrap();
    fs::write(out.join("entries.csv"), "index").unwrap();
    let refused = directory.grow(state);
    assert!(
        matches!(&refused, Err(DirectoryError::File(fault)) if fault.cause.kind() == ErrorKind::UnexpectedEof),
        "{refused:?}"
    );
}
