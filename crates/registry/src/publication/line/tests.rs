use super::*;
use crate::testing::{BOLOGNA, IMOLA, istat};

const NOW_MS: u64 = 1_735_689_600_000;

fn key() -> AcknowledgementKey {
    AcknowledgementKey::new(&[3; 32])
}

fn imola() -> MunicipalityId {
    MunicipalityId::of_any(istat(IMOLA)).unwrap()
}

fn epoch(number: u8) -> Epoch {
    Epoch([number; 16])
}

/// A real acknowledgement, given so many milliseconds after the beginning of time.
fn claim(number: u8, watermark: u64, given: u64) -> Claim {
    let watermark = Watermark(watermark);
    Claim {
        epoch: epoch(number),
        watermark,
        proof: key().prove(imola(), epoch(number), watermark, NOW_MS + given),
    }
}

/// Begins a new line as an index does: only where the claim proves a loss.
fn shown(line: &mut Line, held: u64, claim: &Claim, next: u8, now: u64) -> Verdict {
    let verdict = line.judge(&key(), imola(), Watermark(held), claim);
    if verdict == Verdict::Lost {
        *line = Line::begun(epoch(next), Line::next_began_ms(Some(claim), NOW_MS + now));
    }
    verdict
}

#[test]
fn only_a_proved_acknowledgement_of_more_than_is_held_is_a_loss() {
    let line = Line::first(epoch(1));
    let judge = |claim: &Claim| line.judge(&key(), imola(), Watermark(9), claim);
    assert_eq!(judge(&claim(1, 9, 0)), Verdict::Held);
    assert_eq!(judge(&claim(1, 0, 0)), Verdict::Held);
    assert_eq!(judge(&claim(1, 10, 0)), Verdict::Lost);
    // Under an epoch that this index does not know: it once did, or there would be no proof.
    assert_eq!(judge(&claim(2, 3, 0)), Verdict::Lost);
    assert_eq!(judge(&claim(2, 0, 0)), Verdict::Held);
    let real = claim(1, 10, 0);
    let mut later = *real.proof.as_bytes();
    later[7] ^= 1;
    let bologna = MunicipalityId::of_any(istat(BOLOGNA)).unwrap();
    let other_key = AcknowledgementKey::new(&[4; 32]);
    let proofs = [
        AcknowledgementProof::from_bytes([0; 40]),
        AcknowledgementProof::from_bytes(later),
        other_key.prove(imola(), epoch(1), Watermark(10), NOW_MS),
        key().prove(bologna, epoch(1), Watermark(10), NOW_MS),
        key().prove(imola(), epoch(2), Watermark(10), NOW_MS),
        key().prove(imola(), epoch(1), Watermark(11), NOW_MS),
    ];
    for proof in proofs {
        assert_eq!(judge(&Claim { proof, ..real }), Verdict::Unproved, "{proof:?}");
    }
}

#[test]
fn a_loss_begins_one_line_however_often_and_by_whatever_proof_it_is_shown() {
    let mut line = Line::first(epoch(1));
    assert_eq!(shown(&mut line, 4, &claim(1, 10, 5), 2, 7), Verdict::Lost);
    assert_eq!((line.epoch(), line.began_ms()), (epoch(2), Some(NOW_MS + 7)));
    // Everything that was acknowledged before the line began, under that epoch and under others that were lost.
    for again in [claim(1, 10, 5), claim(1, 7, 3), claim(3, 99, 6), claim(4, 12, 7)] {
        assert_eq!(shown(&mut line, 4, &again, 9, 8), Verdict::Held);
    }
    assert_eq!(line.epoch(), epoch(2));
    assert_eq!(shown(&mut line, 4, &claim(2, 5, 8), 5, 9), Verdict::Lost);
}

/// A copy from before epoch 2 is restored: what was acknowledged under epoch 2 is lost, though the copy knows nothing
/// of it.
#[test]
fn an_epoch_that_was_lost_itself_ends_the_line_of_the_copy() {
    let mut line = Line::begun(epoch(1), NOW_MS);
    assert_eq!(shown(&mut line, 20, &claim(2, 10, 5), 3, 9), Verdict::Lost);
    assert_eq!(line.epoch(), epoch(3));
}

#[test]
fn a_clock_that_went_back_with_the_copy_does_not_let_a_proof_count_twice() {
    let mut line = Line::first(epoch(1));
    let ahead = claim(1, 10, 1_000);
    assert_eq!(shown(&mut line, 4, &ahead, 2, 0), Verdict::Lost);
    assert_eq!(line.began_ms(), Some(NOW_MS + 1_000));
    assert_eq!(shown(&mut line, 4, &ahead, 9, 1), Verdict::Held);
}

#[test]
fn a_line_that_an_administrator_began_answers_for_what_was_before() {
    let mut line = Line::begun(epoch(2), Line::next_began_ms(None, NOW_MS + 6));
    assert_eq!(shown(&mut line, 4, &claim(1, 10, 6), 9, 7), Verdict::Held);
}

#[test]
fn neither_key_nor_proof_shows_itself() {
    let text = format!("{:?} {:?}", key(), claim(1, 1, 0).proof);
    assert_eq!(text, "AcknowledgementKey(..) AcknowledgementProof(..)");
}
