//! The report of the accesses to one person: exactly those, in whatever way an access touched her, and what proves it.

mod command;
mod world;

use agreement::claim::Claim;
use agreement::reason::Reason;
use agreement::verification::Verdict;
use client::auditor::{ReportRequest, ReportedPerson};
use client::error::ClientError;
use ledger::header::EntryKind;
use ledger::report::{ReportScope, SubjectReport, UseKind};
use registry::identifier::LocalId;
use registry::matching::Extent;
use registry::municipality::MunicipalityId;
use support::agreements::{POLICE, PUBLIC_BODY};
use support::calls::{ground, household, lookup, verify};
use support::people::{CASTEL_SAN_PIETRO, DOZZA, IMOLA, istat, mario};
use support::region::{log_verifier, reading};
use transport::clock::Clock;

use world::{
    NARROW, SEARCHERS, World, arrived, code, gianna, identified, left, lucia, marco, nico, old_code,
    provisional,
};

// Imola, Dozza and Castel San Pietro Terme, as the log names them.
const E289: &str = "E289";
const D360: &str = "D360";
const C265: &str = "C265";

/// What a report says of each access: its entry, and what was done with what each municipality's card says.
type Told = Vec<(u64, Vec<(String, UseKind)>)>;

fn told(report: &SubjectReport) -> Told {
    let lines = report.lines.iter().map(|proved| {
        let uses = proved.line.uses.iter();
        (
            proved.line.index,
            uses.map(|used| (used.municipality.clone(), used.kind)).collect(),
        )
    });
    lines.collect()
}

fn expect(index: u64, uses: &[(&str, UseKind)]) -> (u64, Vec<(String, UseKind)>) {
    let uses = uses.iter().map(|(id, kind)| ((*id).to_owned(), *kind));
    (index, uses.collect())
}

fn about(person: ReportedPerson) -> ReportRequest {
    ReportRequest {
        request: "Prot. 118/2026".to_owned(),
        person,
        from: None,
        until: None,
        tree_size: None,
    }
}

fn card(municipality: &str, number: &str) -> ReportedPerson {
    ReportedPerson::Card {
        municipality: istat(municipality),
        local_id: LocalId::parse(number).expect("a number"),
    }
}

async fn report(world: &World, auditor: &str, request: &ReportRequest) -> Result<SubjectReport, ClientError> {
    let auditor = world.region.auditor(auditor);
    let report = auditor.report_subject(&reading(), request).await?;
    report
        .verify(&log_verifier())
        .expect("a report as it was made is proved");
    Ok(report)
}

async fn of_lucia(world: &World) -> SubjectReport {
    let request = about(ReportedPerson::TaxCode(code(&lucia())));
    report(world, "garante", &request).await.expect("a report")
}

#[tokio::test(flavor = "multi_thread")]
async fn the_report_lists_exactly_the_accesses_that_touched_her_in_fourteen_ways() {
    use UseKind::{Compared, Counted, Shown, Withheld};
    let mut world = World::new().await;
    let police = world.region.agency(SEARCHERS);
    let body = world.region.agency(PUBLIC_BODY);
    let mut expected = Vec::new();

    // Somebody else's accesses, before, between and after.
    world.look_up(SEARCHERS, mario().tax_code()).await;
    // 1-3: by her code, by the one before, by a provisional one.
    for code in [code(&lucia()), old_code(), provisional()] {
        expected.push(expect(world.look_up(SEARCHERS, code).await, &[(E289, Shown)]));
    }
    // 4: as member of a household. The child's card names her as mother too, which is shown with it.
    let asked = household(world.ground(SEARCHERS, &police), code(&marco()));
    let answer = police.lookup_household(asked).await.expect("a household");
    expected.push(expect(answer.receipt.index(), &[(E289, Shown)]));
    // 5: found by a search alone.
    let mut asked = world.search(&police, "Serra", Some("Lucia"), Extent::Whole);
    asked.municipality = Some(istat(IMOLA));
    let answer = police.search_persons(asked).await.expect("an answer");
    assert_eq!(answer.hits.len(), 1);
    expected.push(expect(answer.receipt.index(), &[(E289, Shown)]));
    // 6: found among many. The card of Castel San Pietro is not known as hers yet.
    let asked = world.search(&police, "Serra", None, Extent::Whole);
    let answer = police.search_persons(asked).await.expect("an answer");
    assert_eq!(answer.hits.len(), 3);
    expected.push(expect(answer.receipt.index(), &[(C265, Shown), (E289, Shown)]));
    // 7: as parent of somebody who was asked for.
    let index = world.look_up(SEARCHERS, code(&marco())).await;
    expected.push(expect(index, &[(E289, Shown)]));
    // 8 and 9: a declaration that is true, and one that is not.
    let dozza = MunicipalityId::parse(D360).expect("a municipality");
    for (claim, verdict) in [
        (Claim::ExistenceInLife, Verdict::Yes),
        (Claim::MunicipalResidence(dozza), Verdict::No),
    ] {
        let ground = ground(PUBLIC_BODY, "co-payment", body.new_request_id());
        let asked = verify(ground, code(&lucia()), claim);
        let answer = body.verify_declaration(asked).await.expect("an answer");
        assert_eq!(answer.verdict, verdict);
        expected.push(expect(answer.receipt.index(), &[(E289, Compared)]));
    }
    // 10: a row of a list.
    let index = world.batch_row(code(&lucia())).await;
    expected.push(expect(index, &[(E289, Shown)]));
    world.batch_row(mario().tax_code()).await;
    // 11: there, and not for this agency.
    let index = world.refused(NARROW, code(&lucia()), Reason::NotFound).await;
    expected.push(expect(index, &[(E289, Withheld)]));
    // 12: an answer that says how many there are and no more.
    let asked = world.search(&police, "Ser", None, Extent::Beginning);
    let refused = police.search_persons(asked).await;
    let index = world::entry_of(refused.expect_err("too many"), Reason::TooManyFound);
    expected.push(expect(index, &[(C265, Counted), (E289, Counted)]));
    // Under another person's code the card of Castel San Pietro is somebody else's, for now.
    let index = world.look_up(SEARCHERS, code(&gianna())).await;
    expected.push(expect(index, &[(C265, Shown)]));
    let before_the_merge = of_lucia(&world).await;
    let without_castel: Told = expected
        .iter()
        .filter_map(|(index, uses)| {
            let own: Vec<_> = uses.iter().filter(|(id, _)| id != C265).cloned().collect();
            (!own.is_empty()).then_some((*index, own))
        })
        .collect();
    assert_eq!(told(&before_the_merge), without_castel);

    // 13: she moves to Dozza; what came before stays in the report, what comes after has both cards.
    world.publish(IMOLA, vec![left(&lucia())]).await;
    world.publish(DOZZA, vec![arrived(&lucia())]).await;
    let index = world.look_up(SEARCHERS, code(&lucia())).await;
    expected.push(expect(index, &[(D360, Shown), (E289, Shown)]));
    // 14: the card of Castel San Pietro turns out to be hers; its id is the older one, and becomes the person's.
    let [at_castel, at_imola, at_dozza] = [gianna(), left(&lucia()), arrived(&lucia())].map(identified);
    world.publish(CASTEL_SAN_PIETRO, vec![at_castel]).await;
    world.publish(IMOLA, vec![at_imola]).await;
    world.publish(DOZZA, vec![at_dozza]).await;
    let index = world.look_up(SEARCHERS, code(&gianna())).await;
    expected.push(expect(index, &[(C265, Shown), (D360, Shown), (E289, Shown)]));
    // 15: the next year, under another key.
    world
        .region
        .clock
        .advance(std::time::Duration::from_secs(13 * 60 * 60));
    let index = world.look_up(SEARCHERS, code(&lucia())).await;
    expected.push(expect(index, &[(C265, Shown), (D360, Shown), (E289, Shown)]));
    world.look_up(SEARCHERS, mario().tax_code()).await;

    let whole = of_lucia(&world).await;
    assert_eq!(told(&whole), expected);
    // Whatever of hers is named, it is the same report.
    for person in [
        ReportedPerson::TaxCode(provisional()),
        ReportedPerson::TaxCode(code(&gianna())),
        ReportedPerson::NationalId(world::national_id()),
        card(IMOLA, "20"),
        card(DOZZA, "D-20"),
    ] {
        let again = report(&world, "garante", &about(person)).await.expect("a report");
        assert_eq!(told(&again), expected);
    }
    says_what_she_may_know(&world, &whole).await;
    world.region.stop().await;
}

/// Body, date, purpose, agreement, service and fields; never operator, workstation or case.
async fn says_what_she_may_know(world: &World, report: &SubjectReport) {
    let line = &report.lines[0].line;
    assert!(line.agency.ends_with("/agency/questura-bo"));
    assert_eq!(line.title, "Questura di Bologna, identification");
    assert_eq!(line.purpose_text, "Identification of persons");
    assert!(line.service.ends_with("/LookupPerson"));
    assert!(line.uses[0].fields.contains(&"birth_date".to_owned()));
    let file = cli::report::json::write(report).expect("a file");
    for hidden in ["m.esposito", "PC-12", "2026/123"] {
        assert!(!file.contains(hidden), "{hidden}");
    }
    let entries = world.region.entries("garante").await;
    let own = entries
        .iter()
        .find(|entry| entry.index == report.receipt.index)
        .expect("the report is an entry");
    assert_eq!(own.header.body.kind, EntryKind::SubjectReport);
    let items: Vec<_> = own.parts.iter().flat_map(|part| &part.items).collect();
    let stated = |name: &str| {
        items
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    };
    assert_eq!(stated("request"), Some("Prot. 118/2026"));
    assert_eq!(stated("operator"), Some("a.neri"));
    let statement = report.stated().expect("a statement");
    assert_eq!(stated("digest"), Some(statement.digest.to_string().as_str()));
}

#[tokio::test(flavor = "multi_thread")]
async fn cards_that_were_one_person_for_a_time_have_reports_of_their_own_when_they_are_told_apart() {
    let mut world = World::new().await;
    let police = world.region.agency(SEARCHERS);
    world.publish(IMOLA, vec![identified(lucia())]).await;
    let alone = world.look_up(SEARCHERS, code(&nico())).await;
    // Dozza gives Nico her national id by mistake, and takes it back.
    world.publish(DOZZA, vec![identified(nico())]).await;
    let together = world.look_up(SEARCHERS, code(&nico())).await;
    let asked = world.search(&police, "Serra", Some("Lucia"), Extent::Whole);
    let hers = police
        .search_persons(asked)
        .await
        .expect("an answer")
        .receipt
        .index();
    world.publish(DOZZA, vec![nico()]).await;
    let after = world.look_up(SEARCHERS, code(&nico())).await;
    let after_hers = world.look_up(SEARCHERS, code(&lucia())).await;

    let of_nico = about(ReportedPerson::TaxCode(code(&nico())));
    let of_nico = report(&world, "garante", &of_nico).await.expect("a report");
    let shown = |index| expect(index, &[(D360, UseKind::Shown)]);
    assert_eq!(told(&of_nico), [shown(alone), shown(together), shown(after)]);
    let shown = |index| expect(index, &[(E289, UseKind::Shown)]);
    assert_eq!(
        told(&of_lucia(&world).await),
        [shown(together), shown(hers), shown(after_hers)]
    );
    world.region.stop().await;
}

/// The report as a file, with what is another in each log and each report, whoever is asked about, written out of it:
/// hashes, signatures, and the time and place of the report's own entry. All of them have a fixed length.
fn normalised(report: &SubjectReport) -> String {
    let file = cli::report::json::write(report).expect("a file");
    let mut text = String::new();
    let mut word = String::new();
    let flush = |word: &mut String, text: &mut String| {
        if 40 < word.len() {
            text.push_str(&"#".repeat(word.len()));
        } else {
            text.push_str(word);
        }
        word.clear();
    };
    for letter in file.chars() {
        if letter.is_ascii_alphanumeric() || "+/=".contains(letter) {
            word.push(letter);
        } else {
            flush(&mut word, &mut text);
            text.push(letter);
        }
    }
    flush(&mut word, &mut text);
    text
}

#[tokio::test(flavor = "multi_thread")]
async fn two_reports_one_with_and_one_without_reserved_accesses_differ_in_nothing_else() {
    let mut reports = Vec::new();
    // In both regions five reserved accesses are made: in one to her, in the other to somebody else.
    for reserved in [code(&lucia()), mario().tax_code()] {
        let mut world = World::new().await;
        let first = world.look_up(SEARCHERS, code(&lucia())).await;
        for _ in 0..5 {
            let police = world.region.agency(POLICE);
            let context = ground(POLICE, "investigation", police.new_request_id());
            police
                .lookup_person(lookup(context, reserved))
                .await
                .expect("an answer");
        }
        let last = world.look_up(SEARCHERS, code(&lucia())).await;
        let report = of_lucia(&world).await;
        let shown = |index| expect(index, &[(E289, UseKind::Shown)]);
        assert_eq!(told(&report), [shown(first), shown(last)]);
        reports.push(report);
        world.region.stop().await;
    }
    let [with, without] = &reports[..] else {
        panic!("two reports")
    };
    assert_eq!(normalised(with), normalised(without));
    let lengths = reports
        .iter()
        .map(|report| cli::report::json::write(report).expect("a file").len());
    let lengths: Vec<_> = lengths.collect();
    assert_eq!(lengths[0], lengths[1]);

    // In one log: the same lines over the same entries, whatever reserved accesses come after.
    let mut world = World::new().await;
    world.look_up(SEARCHERS, code(&lucia())).await;
    let before = of_lucia(&world).await;
    let police = world.region.agency(POLICE);
    for _ in 0..5 {
        let context = ground(POLICE, "investigation", police.new_request_id());
        let answer = police.lookup_person(lookup(context, code(&lucia()))).await;
        answer.expect("an answer");
    }
    let after = of_lucia(&world).await;
    assert!(
        before
            .lines
            .iter()
            .map(|proved| &proved.line)
            .eq(after.lines.iter().map(|proved| &proved.line))
    );
    let digest = |report: &SubjectReport| report.stated().expect("a statement").digest;
    assert_eq!(digest(&before), digest(&after));
    world.region.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_municipal_auditor_reports_on_the_cards_of_its_own_municipality() {
    let mut world = World::new().await;
    let before = world.look_up(SEARCHERS, code(&lucia())).await;
    world.publish(IMOLA, vec![left(&lucia())]).await;
    world.publish(DOZZA, vec![arrived(&lucia())]).await;
    let after = world.look_up(SEARCHERS, code(&lucia())).await;
    let request = about(ReportedPerson::TaxCode(code(&lucia())));
    let own = report(&world, "imola", &request).await.expect("a report");
    let shown = |index| expect(index, &[(E289, UseKind::Shown)]);
    assert_eq!(told(&own), [shown(before), shown(after)]);
    let scope = own.stated().expect("a statement").scope;
    assert!(matches!(scope, ReportScope::Municipality(id) if id.as_str() == E289));
    // Whoever has no card there is nobody, and another municipality's card is not its business.
    for (person, reason) in [
        (ReportedPerson::TaxCode(code(&nico())), Reason::SubjectUnknown),
        (card(DOZZA, "D-20"), Reason::OutsideScope),
    ] {
        let refused = report(&world, "imola", &about(person)).await;
        assert_eq!(refused.expect_err("outside").reason(), Some(reason));
    }
    for stranger in ["questura", "curioso"] {
        let refused = report(&world, stranger, &request).await;
        assert_eq!(refused.expect_err("outside").reason(), Some(Reason::OutsideScope));
    }
    world.region.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_needs_a_protocol_number_a_person_and_a_range_of_the_log() {
    let mut world = World::new().await;
    world.look_up(SEARCHERS, code(&lucia())).await;
    let request = about(ReportedPerson::TaxCode(code(&lucia())));
    let ask = async |change: &dyn Fn(&mut ReportRequest)| {
        let mut changed = request.clone();
        change(&mut changed);
        report(&world, "garante", &changed).await
    };
    for number in ["", "a\nb", &"9".repeat(121)] {
        let refused = ask(&|request| request.request = number.to_owned()).await;
        let Err(ClientError::Refused(refusal)) = refused else {
            panic!("{number:?} is refused")
        };
        assert_eq!(refusal.reason, Some(Reason::InvalidArgument));
        assert_eq!(refusal.violations[0].field, "request_number");
    }
    assert!(ask(&|request| request.request = "9".repeat(120)).await.is_ok());

    let now = world.region.clock.now();
    let hour = chrono::Duration::hours(1);
    let backwards = ask(&|request| {
        request.from = Some(now);
        request.until = Some(now);
    })
    .await;
    assert_eq!(
        backwards.expect_err("no time at all").reason(),
        Some(Reason::InvalidArgument)
    );
    let beyond = ask(&|request| request.tree_size = Some(1 << 40)).await;
    assert_eq!(beyond.expect_err("no such log").reason(), Some(Reason::LogRange));
    let count = async |from, until| {
        let limited = ask(&|request| {
            request.from = from;
            request.until = until;
        })
        .await;
        limited.expect("a report").lines.len()
    };
    assert_eq!(count(Some(now), None).await, 1);
    assert_eq!(count(None, Some(now)).await, 0);
    assert_eq!(count(Some(now + hour), Some(now + hour * 2)).await, 0);

    // Nobody, and several: the auditor is told so, and nothing personal.
    let nobody = support::people::nobody();
    let doubtful = gianna();
    let stolen = world::bearing(nico(), code(&doubtful));
    world.publish(DOZZA, vec![stolen]).await;
    for (person, reason) in [
        (nobody, Reason::SubjectUnknown),
        (code(&doubtful), Reason::SubjectAmbiguous),
    ] {
        let refused = report(&world, "garante", &about(ReportedPerson::TaxCode(person))).await;
        let Err(ClientError::Refused(refusal)) = refused else {
            panic!("{reason} is refused")
        };
        assert_eq!(refusal.reason, Some(reason));
        assert!(!format!("{refusal:?}{}", refusal.italian()).contains(person.as_str()));
        let index = refusal.receipt.expect("an entry").receipt.index();
        let entries = world.region.entries("garante").await;
        let entry = entries
            .iter()
            .find(|entry| entry.index == index)
            .expect("it is there");
        assert_eq!(entry.header.body.kind, EntryKind::SubjectReport);
        assert_eq!(entry.header.body.outcome.reason, reason.name());
    }
    let one = report(&world, "garante", &about(card(CASTEL_SAN_PIETRO, "77"))).await;
    assert!(one.expect("a card is one person's").lines.is_empty());
    world.region.stop().await;
}

/// Anybody's existence can be too much: who was looked at until they were too many is named, and whoever was not is not.
#[tokio::test(flavor = "multi_thread")]
async fn who_made_them_too_many_is_in_the_report_of_each_of_them() {
    let world = World::new().await;
    let police = world.region.agency(SEARCHERS);
    let asked = world.search(&police, "Ser", None, Extent::Beginning);
    let index = world::entry_of(
        police.search_persons(asked).await.expect_err("too many"),
        Reason::TooManyFound,
    );
    for (number, of) in [
        ("30", IMOLA),
        ("31", IMOLA),
        ("20", IMOLA),
        ("77", CASTEL_SAN_PIETRO),
    ] {
        let counted = report(&world, "garante", &about(card(of, number)))
            .await
            .expect("a report");
        let municipality = if of == IMOLA { E289 } else { C265 };
        assert_eq!(
            told(&counted),
            [expect(index, &[(municipality, UseKind::Counted)])]
        );
    }
    let other = report(&world, "garante", &about(card(DOZZA, "D-5")))
        .await
        .expect("a report");
    assert!(other.lines.is_empty());
}
