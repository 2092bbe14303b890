//! Hidden is absent, verification says three things, and a permit opens one service.

use agreement::claim::{Claim, FamilyClaim, MemberClaim};
use agreement::service::VerificationKind;
use agreement::verification::Verdict;
use registry::record::Record;

use crate::record_store::{JournaledStore, ReadError, RecordStore};
use crate::test_support::people::{IMOLA, anna, code, giulia, luca, mario, municipality, nobody, with};
use crate::test_support::permits::Ask;
use crate::test_support::world::{World, draft, on_every_engine, wait, who_has};

#[test]
fn whoever_is_hidden_is_answered_as_one_who_does_not_exist() {
    let protected = with(giulia(), |card| card.flags.protected = true);
    on_every_engine(|world| {
        let store = world.open();
        world.publish_cards(&store, IMOLA, [luca(), protected.clone(), anna()]);
        world.publish(&store, IMOLA, vec![("2", None)]).unwrap();
        let elsewhere = Ask::person().instead_of("region = \"08\"", "municipalities = [\"037006\"]");
        let adults = Ask::person().instead_of("minors = true", "minors = false");
        let absent = world.person(&store, Ask::person(), &who_has(code(&nobody())));
        assert_eq!(absent.decision().outcome, "ABSENT");
        assert_eq!(absent.outcome(), (5, "NOT_FOUND"));
        for (ask, card, clause) in [
            (Ask::person(), &protected, Some("protected")),
            (elsewhere, &luca(), Some("territory")),
            (adults, &luca(), Some("minor")),
            (Ask::person(), &anna(), None),
        ] {
            let hidden = world.person(&store, ask, &who_has(code(card)));
            assert!(hidden.answer.cards.is_empty());
            assert_eq!(hidden.outcome(), absent.outcome());
            assert_eq!(hidden.decision().clause.as_deref(), clause);
        }
        let shown = world.person(&store, Ask::person(), &who_has(code(&luca())));
        assert_eq!(
            (shown.outcome(), shown.decision().outcome.as_str()),
            ((0, ""), "SHOWN")
        );
    });
}

#[track_caller]
fn check(world: &World, store: &JournaledStore, claim: &Claim, about: &Record, expect: Option<Verdict>) {
    let told = world.verify(
        store,
        Ask::verification(claim.kind()),
        &who_has(code(about)),
        claim,
    );
    assert_eq!(told.answer.answer.map(|answer| answer.verdict), expect);
    assert_eq!(told.outcome().0, if expect.is_some() { 0 } else { 5 });
}

#[test]
fn a_declaration_is_true_false_undetermined_or_about_nobody() {
    let open = with(giulia(), |card| card.flags.procedure_open = true);
    let lives = |code: &str| Claim::MunicipalResidence(municipality(code));
    on_every_engine(|world| {
        let store = world.open();
        world.publish_cards(&store, IMOLA, [mario(), open.clone()]);
        check(world, &store, &lives(IMOLA), &mario(), Some(Verdict::Yes));
        check(world, &store, &lives("037006"), &mario(), Some(Verdict::No));
        check(world, &store, &lives(IMOLA), &open, Some(Verdict::Undetermined));
        check(world, &store, &lives(IMOLA), &nobody(), None);
        check(
            world,
            &store,
            &Claim::ExistenceInLife,
            &mario(),
            Some(Verdict::Yes),
        );
    });
}

#[test]
fn a_family_is_compared_with_all_its_members() {
    let family = |cards: &[Record]| {
        let members = cards
            .iter()
            .map(|card| MemberClaim {
                tax_code: code(card),
                kinship: None,
            })
            .collect();
        Claim::FamilyStatus(FamilyClaim::new(members).unwrap())
    };
    on_every_engine(|world| {
        let store = world.open();
        world.publish_cards(&store, IMOLA, [mario(), anna(), luca(), giulia()]);
        check(
            world,
            &store,
            &family(&[mario(), anna(), luca()]),
            &anna(),
            Some(Verdict::Yes),
        );
        check(
            world,
            &store,
            &family(&[mario(), anna()]),
            &anna(),
            Some(Verdict::No),
        );
        check(
            world,
            &store,
            &family(&[mario(), anna(), luca(), giulia()]),
            &anna(),
            Some(Verdict::No),
        );
    });
}

#[test]
fn a_permit_opens_no_other_service_than_its_own() {
    let question = who_has(code(&mario()));
    on_every_engine(|world| {
        let store = world.open();
        world.publish_cards(&store, IMOLA, [mario()]);
        let verification = Ask::verification(VerificationKind::Residence).permit();
        let refused = wait(store.lookup_person(&verification, &question, draft()));
        assert!(matches!(refused, Err(ReadError::Service)));
        let refused = wait(store.lookup_household(&Ask::person().permit(), &question, draft()));
        assert!(matches!(refused, Err(ReadError::Service)));
        let refused = wait(store.verify(
            &Ask::person().permit(),
            &question,
            &Claim::ExistenceInLife,
            draft(),
        ));
        assert!(matches!(refused, Err(ReadError::Service)));
    });
}
