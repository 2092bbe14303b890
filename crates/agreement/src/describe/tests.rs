use super::*;
use crate::fixture;
use crate::usage::Settlement;

fn unasked(_: &AgreementId, _: VerificationKind) -> Option<Remainder> {
    None
}

#[test]
fn an_agency_is_told_its_agreements_and_what_is_left() {
    let agreements = fixture::agreements(fixture::agreement(""));
    let peer = fixture::peer();
    let moment = fixture::moment();
    let mut counters = UsageCounters::default();
    let key = fixture::usage_key();
    for settlement in [Settlement::Hit, Settlement::Miss] {
        let (reservation, _) = counters.reserve(key.clone(), moment);
        counters.settle(reservation, settlement);
    }
    let description = describe(&agreements, &peer, &counters, unasked, moment);
    assert_eq!(description.today, moment.date());
    let [own] = &description.agreements[..] else {
        panic!("one agreement: {description:?}")
    };
    let terms = agreements.get(&own.id).unwrap().agreement().terms();
    assert_eq!(
        (own.standing, &own.purposes),
        (AgreementStanding::Active, &terms.purposes)
    );
    assert_eq!((&own.hours, own.territory.len()), (&terms.hours, 330));
    assert_eq!(
        (own.by_generalities, own.max_hits),
        (ByGeneralities::Refused, terms.max_hits)
    );
    let quotas: Vec<_> = own
        .quotas
        .iter()
        .map(|quota| {
            let purpose = quota.purpose.as_ref().map_or("", PurposeId::as_str);
            (
                quota.scope,
                purpose,
                quota.kind,
                quota.limit,
                quota.remaining,
                quota.resets_at,
            )
        })
        .collect();
    let (minute, day) = (moment.next_minute(), moment.next_midnight());
    let expect = [
        (
            QuotaScope::Agreement,
            "",
            QuotaKind::CallsPerMinute,
            60,
            Some(58),
            minute,
        ),
        (
            QuotaScope::Agreement,
            "",
            QuotaKind::CallsPerDay,
            1000,
            Some(998),
            day,
        ),
        (
            QuotaScope::Agreement,
            "",
            QuotaKind::MissesPerDay,
            100,
            Some(99),
            day,
        ),
        (
            QuotaScope::Operator,
            "",
            QuotaKind::CallsPerMinute,
            6,
            None,
            minute,
        ),
        (QuotaScope::Operator, "", QuotaKind::CallsPerDay, 80, None, day),
        (QuotaScope::Operator, "", QuotaKind::MissesPerDay, 8, None, day),
        (
            QuotaScope::Purpose,
            "investigation",
            QuotaKind::CallsPerMinute,
            30,
            Some(28),
            minute,
        ),
        (
            QuotaScope::Purpose,
            "investigation",
            QuotaKind::CallsPerDay,
            500,
            Some(498),
            day,
        ),
        (
            QuotaScope::Purpose,
            "investigation",
            QuotaKind::MissesPerDay,
            50,
            Some(49),
            day,
        ),
        (
            QuotaScope::Purpose,
            "declarations",
            QuotaKind::CallsPerMinute,
            30,
            Some(30),
            minute,
        ),
        (
            QuotaScope::Purpose,
            "declarations",
            QuotaKind::CallsPerDay,
            500,
            Some(500),
            day,
        ),
        (
            QuotaScope::Purpose,
            "declarations",
            QuotaKind::MissesPerDay,
            50,
            Some(50),
            day,
        ),
    ];
    assert_eq!(quotas, expect);
}

#[test]
fn what_is_used_up_leaves_nothing_and_not_less() {
    let agreements = fixture::agreements(fixture::changed("calls_per_minute = 60", "calls_per_minute = 1"));
    let mut counters = UsageCounters::default();
    for _ in 0..3 {
        let (reservation, _) = counters.reserve(fixture::usage_key(), fixture::moment());
        counters.settle(reservation, Settlement::Hit);
    }
    let description = describe(
        &agreements,
        &fixture::peer(),
        &counters,
        unasked,
        fixture::moment(),
    );
    assert_eq!(description.agreements[0].quotas[0].remaining, Some(0));
}

#[test]
fn how_many_declarations_are_compared_is_told_and_what_is_left_for_whom_is_asked() {
    let agreements = fixture::agreements(fixture::agreement(""));
    let (peer, moment) = (fixture::peer(), fixture::moment());
    let told = |left: &dyn Fn(&AgreementId, VerificationKind) -> Option<Remainder>| {
        describe(&agreements, &peer, &UsageCounters::default(), left, moment)
            .agreements
            .remove(0)
            .declarations
    };
    // Both purposes verify residence; the kind is told once.
    let expect = [VerificationKind::Generalities, VerificationKind::Residence];
    let described = told(&unasked);
    assert_eq!(described.iter().map(|told| told.kind).collect::<Vec<_>>(), expect);
    for told in described {
        assert_eq!(
            (told.limit, told.days, told.left),
            (MAX_DIFFERENT, WINDOW_DAYS, None)
        );
    }
    let left = Remainder {
        declarations: 1,
        resets_at: Some(moment.utc()),
    };
    let of_residence = |agreement: &AgreementId, kind: VerificationKind| {
        assert_eq!(*agreement, fixture::usage_key().agreement);
        (kind == VerificationKind::Residence).then_some(left)
    };
    let described = told(&of_residence);
    assert_eq!(
        described.iter().map(|told| told.left).collect::<Vec<_>>(),
        [None, Some(left)]
    );
}

#[test]
fn whether_what_was_known_may_be_asked_is_told() {
    for (granted, expect) in [("true", KnownOn::Granted), ("false", KnownOn::Refused)] {
        let document = fixture::changed("format = 1", &format!("format = 1\nknown_on = {granted}"));
        let agreements = fixture::agreements(document);
        let (peer, moment) = (fixture::peer(), fixture::moment());
        let description = describe(&agreements, &peer, &UsageCounters::default(), unasked, moment);
        assert_eq!(description.agreements[0].known_on, expect);
    }
}

#[test]
fn nobody_is_told_of_the_agreements_of_others() {
    let agreements = fixture::agreements(fixture::agreement(""));
    let peer = Peer {
        id: fixture::stranger(),
        ..fixture::peer()
    };
    let description = describe(
        &agreements,
        &peer,
        &UsageCounters::default(),
        unasked,
        fixture::moment(),
    );
    assert_eq!(description.agreements, []);
}

#[test]
fn the_standing_is_that_of_the_moment() {
    #[track_caller]
    fn check(agreements: &Agreements, when: &str, expect: AgreementStanding) {
        let entry = agreements.iter().next().unwrap();
        assert_eq!(
            AgreementStanding::of(entry, Moment::new(when.parse().unwrap())),
            expect,
            "{when}"
        );
    }
    let mut agreements = fixture::agreements(fixture::agreement(""));
    check(
        &agreements,
        "2025-12-31T22:59:59Z",
        AgreementStanding::NotYetValid,
    );
    check(&agreements, "2025-12-31T23:00:00Z", AgreementStanding::Active);
    check(&agreements, "2026-12-31T22:59:59Z", AgreementStanding::Active);
    check(&agreements, "2026-12-31T23:00:00Z", AgreementStanding::Expired);
    let id = fixture::usage_key().agreement;
    agreements
        .revoke(&id, "2026-06-01T10:00:00Z".parse().unwrap(), "misuse")
        .unwrap();
    check(&agreements, "2026-06-01T09:59:59Z", AgreementStanding::Active);
    check(&agreements, "2026-06-01T10:00:00Z", AgreementStanding::Revoked);
    let mut late = Agreements::default();
    late.activate(fixture::agreement(""), "2026-03-01T10:00:00Z".parse().unwrap())
        .unwrap();
    check(&late, "2026-03-01T09:59:59Z", AgreementStanding::NotYetValid);
    check(&late, "2026-03-01T10:00:00Z", AgreementStanding::Active);
}
