use proptest::prelude::*;

use super::*;
use crate::checkpoint::Checkpoint;
use crate::hash::{leaf_hash, node_hash};
use crate::header::{Header, HeaderBody};
use crate::name::Origin;
use crate::tree::{HashReader, consistency_proof, inclusion_proof, root_of};

/// Entries of the log, the last of which is that of the report.
const ENTRIES: usize = 12;

/// First and last size of the report's range.
const RANGE: (usize, usize) = (2, 11);

fn signer() -> LogSigner {
    LogSigner::from_seed(Origin::new("log.ponte.example/1").unwrap(), &[7; 32]).unwrap()
}

fn header(index: usize) -> Vec<u8> {
    let kind = if index + 1 == ENTRIES {
        EntryKind::SubjectReport
    } else {
        EntryKind::Access
    };
    let header = Header {
        origin: signer().origin().clone(),
        time_ms: 1_000 + index as u64,
        body: HeaderBody::new(kind, Hash::EMPTY_TREE),
    };
    header.encode().unwrap().into_bytes()
}

fn leaves() -> Vec<Hash> {
    (0..ENTRIES).map(|index| leaf_hash(&header(index))).collect()
}

struct Levels(Vec<Vec<Hash>>);

impl HashReader for Levels {
    type Error = ();

    fn hash(&self, level: u8, index: u64) -> Result<Hash, ()> {
        let level = self.0.get(usize::from(level)).ok_or(())?;
        level
            .get(usize::try_from(index).map_err(|_| ())?)
            .copied()
            .ok_or(())
    }
}

fn levels() -> Levels {
    let mut levels = vec![leaves()];
    while let Some(below) = levels.last().filter(|below| 1 < below.len()) {
        let above = below.chunks_exact(2).map(|pair| node_hash(&pair[0], &pair[1]));
        levels.push(above.collect());
    }
    Levels(levels)
}

fn root(size: usize) -> Hash {
    root_of(&leaves()[..size]).unwrap()
}

fn line(index: usize, kind: UseKind) -> ReportLine {
    ReportLine {
        index: index as u64,
        leaf: leaves()[index],
        time_ms: 1_000 + index as u64,
        agency: "spiffe://ponte.example/agency/questura".to_owned(),
        agreement: "questura-2026".to_owned(),
        title: "Questura, identità".to_owned(),
        purpose: "identification".to_owned(),
        purpose_text: "Identification of persons".to_owned(),
        service: "ponte.consultation.v1.ConsultationService/LookupPerson".to_owned(),
        uses: vec![SubjectUse {
            municipality: "E289".to_owned(),
            kind,
            fields: vec!["given_name".to_owned(), "surname".to_owned()],
        }],
    }
}

fn statement(lines: &[ProvedLine]) -> ReportStatement {
    let (first, last) = RANGE;
    ReportStatement {
        origin: signer().origin().clone(),
        scope: ReportScope::Region,
        request: Text::new("Prot. 118/2026").unwrap(),
        subject: ReportSubject::tax_code("RSSMRA85T10A944S").unwrap(),
        from_ms: Some(1_002),
        until_ms: None,
        first: (first as u64, root(first)),
        last: (last as u64, root(last)),
        lines: lines.len() as u64,
        digest: digest(lines.iter().map(|proved| &proved.line)).unwrap(),
    }
}

fn lines() -> Vec<ProvedLine> {
    let places = [
        (3, UseKind::Shown),
        (5, UseKind::Withheld),
        (10, UseKind::Counted),
    ];
    let proved = places.map(|(index, kind)| ProvedLine {
        line: line(index, kind),
        path: inclusion_proof(index as u64, RANGE.1 as u64, levels()).unwrap(),
    });
    proved.to_vec()
}

fn report() -> SubjectReport {
    let (first, last) = RANGE;
    let index = ENTRIES as u64 - 1;
    SubjectReport {
        note: sign(&statement(&lines()), &signer()),
        first_checkpoint: signer().sign(first as u64, root(first)).to_text(),
        last_checkpoint: signer().sign(last as u64, root(last)).to_text(),
        consistency: consistency_proof(first as u64, last as u64, levels()).unwrap(),
        lines: lines(),
        receipt: Receipt {
            header: header(ENTRIES - 1),
            index,
            path: inclusion_proof(index, ENTRIES as u64, levels()).unwrap(),
            checkpoint: signer().sign(ENTRIES as u64, root(ENTRIES)).to_text(),
        },
    }
}

fn verify(report: &SubjectReport) -> Result<VerifiedReport, ReportError> {
    report.verify(&signer().verifier())
}

#[test]
fn a_report_as_it_was_made_is_proved() {
    let verified = verify(&report()).unwrap();
    assert_eq!(*verified.statement(), statement(&lines()));
    assert_eq!((verified.entry(), verified.time_ms()), (11, 1_011));
    assert_eq!(report().stated().unwrap(), statement(&lines()));
}

/// The bytes of the format: what was signed once must be read for ever.
#[test]
fn version_1_has_these_bytes() {
    let text = statement(&lines()).to_text();
    let expect = format!(
        "ponte.report/1\nlog log.ponte.example/1\nscope region\nrequest Prot. 118/2026\n\
         subject tax-code RSSMRA85T10A944S\nfrom 1002\nuntil -\nfirst 2 {}\nlast 11 {}\nlines 3\n\
         digest {}\nrestricted not-listed\n",
        crate::checkpoint::encode_base64(root(2).as_bytes()),
        crate::checkpoint::encode_base64(root(11).as_bytes()),
        crate::checkpoint::encode_base64(statement(&lines()).digest.as_bytes()),
    );
    assert_eq!(text, expect);
    let line = ReportLine {
        index: 1,
        leaf: Hash::new([2; 32]),
        time_ms: 3,
        agency: "a".to_owned(),
        agreement: "b".to_owned(),
        title: String::new(),
        purpose: "c".to_owned(),
        purpose_text: "d".to_owned(),
        service: "e".to_owned(),
        uses: vec![SubjectUse {
            municipality: "E289".to_owned(),
            kind: UseKind::Compared,
            fields: vec!["sex".to_owned()],
        }],
    };
    let mut expect = vec![0, 1, 0, 8, 0, 0, 0, 0, 0, 0, 0, 1, 0, 2, 0, 32];
    expect.extend([2; 32]);
    expect.extend([0, 3, 0, 8, 0, 0, 0, 0, 0, 0, 0, 3]);
    expect.extend(*b"\0\x04\0\x01a\0\x05\0\x01b\0\x06\0\0\0\x07\0\x01c\0\x08\0\x01d\0\x09\0\x01e");
    expect.extend(*b"\0\x0a\0\x0c\0\x0a\x04E289\x02\x03sex");
    assert_eq!(line.canonical_bytes().unwrap(), expect);
}

#[test]
fn a_line_that_is_removed_added_exchanged_or_moved_is_found() {
    for removed in 0..3 {
        let mut altered = report();
        altered.lines.remove(removed);
        let count = ReportError::Count { stated: 3, actual: 2 };
        assert_eq!(verify(&altered), Err(count));
        // The number alone is not what holds it.
        altered.lines.insert(
            removed,
            ProvedLine {
                line: line(7, UseKind::Shown),
                path: inclusion_proof(7, 11, levels()).unwrap(),
            },
        );
        assert_eq!(verify(&altered), Err(ReportError::Digest));
    }
    let mut altered = report();
    altered.lines.swap(0, 1);
    assert_eq!(verify(&altered), Err(ReportError::Digest));
}

#[test]
fn every_field_of_a_line_is_signed() {
    let changes: [fn(&mut ReportLine); 13] = [
        |line| line.index += 1,
        |line| line.leaf = Hash::EMPTY_TREE,
        |line| line.time_ms += 1,
        |line| line.agency.push('x'),
        |line| line.agreement.push('x'),
        |line| line.title.clear(),
        |line| line.purpose.push('x'),
        |line| line.purpose_text.push('x'),
        |line| line.service.push('x'),
        |line| line.uses[0].municipality = "A944".to_owned(),
        |line| line.uses[0].kind = UseKind::Compared,
        |line| line.uses[0].fields.clear(),
        |line| line.uses.clear(),
    ];
    for (number, change) in changes.into_iter().enumerate() {
        for place in 0..3 {
            let mut altered = report();
            change(&mut altered.lines[place].line);
            assert_eq!(verify(&altered), Err(ReportError::Digest), "change {number}");
        }
    }
}

/// Whoever has the log's key could sign anything: then the tree speaks against it.
#[test]
fn a_signed_line_must_stand_for_an_entry_of_the_log() {
    let resign = |change: fn(&mut Vec<ProvedLine>)| {
        let mut altered = report();
        change(&mut altered.lines);
        altered.note = sign(&statement(&altered.lines), &signer());
        verify(&altered)
    };
    assert!(resign(|_| {}).is_ok());
    let inclusion = resign(|lines| lines[0].line.leaf = Hash::EMPTY_TREE);
    assert!(matches!(inclusion, Err(ReportError::Inclusion { index: 3, .. })));
    let twice = resign(|lines| lines.insert(0, lines[0].clone()));
    assert_eq!(twice, Err(ReportError::Range(3)));
    let early = resign(|lines| lines[0].line.time_ms = 1_001);
    assert_eq!(early, Err(ReportError::Range(3)));
    let outside = resign(|lines| lines[2].line.index = 11);
    assert_eq!(outside, Err(ReportError::Range(11)));
}

#[test]
fn checkpoints_and_receipt_are_those_of_the_report() {
    let mut altered = report();
    std::mem::swap(&mut altered.first_checkpoint, &mut altered.last_checkpoint);
    assert_eq!(verify(&altered), Err(ReportError::Checkpoint("first")));
    let mut altered = report();
    altered.last_checkpoint = signer().sign(12, root(12)).to_text();
    assert_eq!(verify(&altered), Err(ReportError::Checkpoint("last")));
    let mut altered = report();
    altered.consistency.pop();
    assert!(matches!(verify(&altered), Err(ReportError::Consistency(_))));
    let mut altered = report();
    altered.receipt = Receipt {
        header: header(3),
        index: 3,
        path: inclusion_proof(3, 12, levels()).unwrap(),
        ..altered.receipt
    };
    assert_eq!(verify(&altered), Err(ReportError::OtherEntry));
}

#[test]
fn a_statement_is_no_checkpoint_and_a_checkpoint_no_statement() {
    let log = signer().verifier();
    let report = report();
    assert!(SignedCheckpoint::parse(&report.note).is_err());
    assert!(Checkpoint::parse(&statement(&lines()).to_text()).is_err());
    assert!(ReportStatement::verify(&report.last_checkpoint, &log).is_err());
    // Signed by the same key as the log's own note: the name is another, and so is the key id.
    let text = statement(&lines()).to_text();
    let as_log = signer().sign_as(&signer().origin().into(), &text);
    let note = format!("{text}\n{}\n", as_log.to_line());
    let refused = ReportStatement::verify(&note, &log);
    assert_eq!(refused, Err(ReportError::Signed(CheckpointError::NotSigned)));
    let other = LogSigner::from_seed(signer().origin().clone(), &[8; 32]).unwrap();
    let refused = ReportStatement::verify(&report.note, &other.verifier());
    assert_eq!(refused, Err(ReportError::Signed(CheckpointError::NotSigned)));
}

#[test]
fn texts_have_bounds() {
    for text in ["", "a\nb", "a\u{2028}b", "\u{7}"] {
        assert_eq!(Text::new(text), Err(ReportError::Text), "{text:?}");
    }
    assert!(Text::new("à".repeat(120)).is_ok());
    assert_eq!(Text::new("a".repeat(121)), Err(ReportError::Text));
    assert_eq!(ReportSubject::tax_code("RSSMRA 85"), Err(ReportError::Text));
}

proptest! {
    /// Whatever single byte of the statement or of its signature is turned, it proves nothing any more.
    #[test]
    fn no_byte_of_the_note_can_be_altered(at in any::<prop::sample::Index>(), flip in 1..=255_u8) {
        let mut altered = report();
        let mut bytes = altered.note.into_bytes();
        let at = at.index(bytes.len());
        bytes[at] ^= flip;
        if let Ok(note) = String::from_utf8(bytes) {
            altered.note = note;
            prop_assert!(verify(&altered).is_err());
        }
    }
}
