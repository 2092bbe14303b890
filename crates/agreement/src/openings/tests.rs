use super::*;

const HOUR: i64 = 3_600;

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_793_000_000 + seconds, 0).unwrap()
}

fn opener(auditor: &str, certificate: u8, person: &str) -> Opener {
    Opener {
        auditor: SpiffeId::parse(&format!("spiffe://ponte.example/auditor/{auditor}")).unwrap(),
        certificate: CertificateFingerprint([certificate; 32]),
        person: OperatorId::parse(person).unwrap(),
    }
}

fn act(entry: u64, seconds: i64, by: Opener) -> OpeningAct {
    OpeningAct {
        entry,
        at: at(seconds),
        by,
        purpose: "inquiry".to_owned(),
        reference: "2026/1".to_owned(),
    }
}

fn opening(kind: OpeningKind, entry: u64, seconds: i64) -> Opening {
    let agency = SpiffeId::parse("spiffe://ponte.example/agency/questura").unwrap();
    Opening {
        kind,
        entries: BTreeMap::from([(agency, "3-5,9".parse().unwrap())]),
        reason: "a complaint".to_owned(),
        requested: act(entry, seconds, opener("garante", 1, "a.neri")),
        confirmed: None,
    }
}

/// A regional opening of entry 10, and an agency's own of entry 20 an hour later.
fn book() -> OpeningBook {
    let mut book = OpeningBook::default();
    book.request(opening(OpeningKind::Regional, 10, 0));
    book.request(opening(OpeningKind::Agency, 20, HOUR));
    book
}

/// Ids of the openings that are open to a reader.
fn open(book: &OpeningBook, reader: &Opener, seconds: i64) -> Vec<u64> {
    let open = book.open_to(&reader.auditor, &reader.person, at(seconds));
    open.map(Opening::id).collect()
}

#[test]
fn only_another_auditor_with_another_certificate_and_another_person_confirms_in_time_and_once() {
    let mut book = book();
    let second = opener("dpo", 2, "b.gialli");
    let last = i64::from(CONFIRM_HOURS) * HOUR - 1;
    for (opening, by, seconds, expected) in [
        (
            10,
            opener("garante", 1, "a.neri"),
            0,
            Err(OpeningRefusal::SameCertificate),
        ),
        (
            10,
            opener("garante", 1, "b.gialli"),
            0,
            Err(OpeningRefusal::SameCertificate),
        ),
        // One name for two identities on one certificate, which no listener admits.
        (
            10,
            opener("dpo", 1, "b.gialli"),
            0,
            Err(OpeningRefusal::SameCertificate),
        ),
        (
            10,
            opener("garante", 2, "b.gialli"),
            0,
            Err(OpeningRefusal::SameAuditor),
        ),
        (10, opener("dpo", 2, "a.neri"), 0, Err(OpeningRefusal::SamePerson)),
        (10, opener("dpo", 2, "A.Neri"), 0, Err(OpeningRefusal::SamePerson)),
        (10, second.clone(), last + 1, Err(OpeningRefusal::Lapsed)),
        (11, second.clone(), 0, Err(OpeningRefusal::Unknown)),
        (20, second.clone(), HOUR, Err(OpeningRefusal::Unknown)),
        (10, second.clone(), 0, Ok(())),
        (10, second.clone(), last, Ok(())),
    ] {
        assert_eq!(
            book.judge(opening, &by, at(seconds)),
            expected,
            "{by:?} at {seconds}"
        );
    }
    book.confirm(10, act(12, last, second));
    assert_eq!(
        book.judge(10, &opener("altro", 3, "c.blu"), at(last)),
        Err(OpeningRefusal::Settled)
    );
    // A second confirmation, were there one, would not prolong it.
    book.confirm(10, act(13, last + 5 * HOUR, opener("altro", 3, "c.blu")));
    assert_eq!(
        book.get(10).unwrap().confirmed.as_ref().map(|act| act.entry),
        Some(12)
    );
}

#[test]
fn what_was_opened_is_read_by_those_who_opened_it_for_a_day() {
    let mut book = book();
    let (first, second) = (opener("garante", 1, "a.neri"), opener("dpo", 2, "b.gialli"));
    assert_eq!(open(&book, &first, HOUR), [20], "nobody has confirmed the other");
    book.confirm(10, act(30, 2 * HOUR, second.clone()));
    let end = 2 * HOUR + i64::from(OPEN_HOURS) * HOUR;
    for (reader, seconds, expected) in [
        // The agency's own opening is of the same reader here.
        (&first, 2 * HOUR, &[20, 10][..]),
        (&second, 2 * HOUR, &[10]),
        (&second, end - 1, &[10]),
        (&second, end, &[]),
        (&first, HOUR + i64::from(OPEN_HOURS) * HOUR, &[10]),
        (&opener("garante", 9, "a.neri"), 2 * HOUR, &[20, 10]),
        (&opener("garante", 1, "altri"), 2 * HOUR, &[]),
        (&opener("altro", 1, "a.neri"), 2 * HOUR, &[]),
    ] {
        assert_eq!(open(&book, reader, seconds), expected, "{reader:?} at {seconds}");
    }
}

#[test]
fn an_opening_confirmed_at_the_last_moment_lasts_as_long_as_any_other() {
    let mut book = OpeningBook::default();
    book.request(opening(OpeningKind::Regional, 10, 0));
    let second = opener("dpo", 2, "b.gialli");
    let confirmed = i64::from(CONFIRM_HOURS) * HOUR - 1;
    book.confirm(10, act(12, confirmed, second.clone()));
    let end = confirmed + i64::from(OPEN_HOURS) * HOUR;
    assert_eq!(open(&book, &second, end - 1), [10]);
    assert_eq!(open(&book, &second, end), [0; 0]);
}

#[test]
fn an_opening_says_how_it_stands() {
    let mut book = book();
    let hours = |hours: u16| i64::from(hours) * HOUR;
    let standing = |book: &OpeningBook, id, seconds| book.get(id).unwrap().standing(at(seconds));
    let lapses = hours(CONFIRM_HOURS);
    assert_eq!(standing(&book, 10, 0), OpeningStanding::Waiting(at(lapses)));
    assert_eq!(standing(&book, 10, lapses), OpeningStanding::Lapsed);
    let ends = HOUR + hours(OPEN_HOURS);
    assert_eq!(standing(&book, 20, HOUR), OpeningStanding::Open(at(ends)));
    assert_eq!(standing(&book, 20, ends), OpeningStanding::Ended);
    book.confirm(10, act(30, HOUR, opener("dpo", 2, "b.gialli")));
    assert_eq!(standing(&book, 10, HOUR), OpeningStanding::Open(at(ends)));
    assert_eq!(standing(&book, 10, lapses), OpeningStanding::Ended);
    let ids: Vec<u64> = book.since(11).iter().map(Opening::id).collect();
    assert_eq!((ids, book.since(0).len(), book.since(21).len()), (vec![20], 2, 0));
}

#[test]
fn debugging_output_names_no_person() {
    let text = format!("{:?}", book());
    assert!(
        !text.contains("a.neri") && text.contains("auditor/garante"),
        "{text}"
    );
}
