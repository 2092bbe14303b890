//! What one agency can find out from everything that it may obtain of the access log: answers and receipts of its own calls,
//! its supervisor's view of them with what an opening adds, every checkpoint, and all hash tiles.
//!
//! Of ten thousand calls by two agencies, those of the one about somebody who does not exist and about somebody whom it is
//! not shown are equal in all sizes and cannot be told apart by a classifier; nor can the municipality of those who are not
//! shown; nor which two entries of the other agency are about the same person. Of whom an answer shows, it also names the
//! municipality whose data it is, and that is no secret.
//!
//! Left out of what is looked at is what the agency itself supplied: the request id that it drew and the criteria. That
//! leaks would be found is shown by planting some in copies of what was seen.

use std::collections::{BTreeMap, HashMap};

use agreement::batch::Approval;
use agreement::context::{CaseReference, OperatorId};
use agreement::field::FieldSet;
use agreement::openings::EntrySet;
use agreement::peer::Role;
use client::agency::{Batch, ListedPerson};
use client::auditor::ReadingContext;
use ledger::hash::{Hash, leaf_hash};
use registry::export::ExportWriter;
use registry::record::Record;
use support::agreements::Document;
use support::calls::ground;
use support::people::{CASTEL_SAN_PIETRO, DOZZA, IMOLA, Person, crowd, day};
use support::region::Region;
use support::seen::{Seen, seen};
use tonic::transport::Channel;
use tonic_prost::prost::Message;
use uuid::Uuid;
use wire::convert::AccessReceipt;
use wire::proto::audit::v1 as audit;
use wire::proto::audit::v1::audit_service_client::AuditServiceClient;
use wire::proto::consultation::v1 as pb;
use wire::proto::ledger::v1 as receipts;
use wire::status::failure_of;

use crate::ask::{self, Client};
use crate::classifier::{Case, verdicts};
use crate::pairs::Draw;

/// Calls of the agency that looks, by so many clients at once.
const OWN: usize = 4_000;
const CLIENTS: usize = 8;

/// Lists of the other agency, of a thousand rows each.
const LISTS: u128 = 6;
const ROWS: u32 = 1_000;

/// People of each group.
const EACH: usize = 16;

/// Why somebody is shown or not to the agency that looks, which is shown unprotected people of Imola.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Group {
    Absent,
    OfCastel,
    OfDozza,
    Protected,
    Shown,
}

impl Group {
    const ALL: [Self; 5] = [
        Self::Absent,
        Self::OfCastel,
        Self::OfDozza,
        Self::Protected,
        Self::Shown,
    ];

    fn municipality(self) -> &'static str {
        match self {
            Self::OfCastel => CASTEL_SAN_PIETRO,
            Self::OfDozza => DOZZA,
            Self::Absent | Self::Protected | Self::Shown => IMOLA,
        }
    }
}

/// Everything that comes of one call of the agency.
struct Sight {
    group: Group,
    /// Bytes of the answer and its receipt, of the header, and of salt, path and content of the parts.
    bytes: Vec<u8>,
    /// Length of each piece, and number of parts.
    sizes: Vec<usize>,
}

/// What an agency holds: an agreement with a reserved purpose, so that its supervisor can open what it asked.
fn document(id: &'static str, agency: &'static str) -> Document {
    let text = include_str!("../data/oracle/hidden.toml")
        .replace("{id}", id)
        .replace("agency/questura-bo", &format!("agency/{agency}"))
        .replace("kind = \"ordinary\"", "kind = \"reserved\"\nrelease = \"never\"");
    assert!(text.contains("reserved") && text.contains(agency));
    Document {
        id,
        agency,
        text: text.leak(),
    }
}

/// Publishes everybody but the absent, and gives them all.
async fn people(region: &mut Region) -> Vec<Record> {
    let count = u32::try_from(EACH * Group::ALL.len()).expect("few people");
    let everybody = crowd(IMOLA, count)
        .into_iter()
        .enumerate()
        .map(|(number, person)| {
            let group = Group::ALL[number / EACH];
            let household: &'static str = format!("U{number}").leak();
            let birth: &'static str = format!("19{}-04-{:02}", 10 + number, 1 + number % 28).leak();
            let letter = |number: usize| char::from(b'A' + u8::try_from(number % 26).expect("a letter"));
            let mut person = Person {
                municipality: group.municipality(),
                household,
                birth,
                street: format!("Ignota {}{}", letter(number / 26), letter(number)),
                ..person
            };
            person.flags.protected = group == Group::Protected;
            person.card()
        });
    let everybody: Vec<Record> = everybody.collect();
    for municipality in [IMOLA, CASTEL_SAN_PIETRO, DOZZA] {
        let mut writer = ExportWriter::new(Vec::new()).expect("a header");
        let held = everybody[EACH..].iter();
        for card in held.filter(|card| card.municipality.as_str() == municipality) {
            writer.write(card).expect("a row");
        }
        let export = writer.finish().expect("an export");
        let municipality = region.municipality(municipality);
        let report = municipality.import_export(&export).await;
        assert_eq!(report.quarantined, 0, "{:?}", report.findings);
        municipality.published().await;
    }
    everybody
}

fn code(card: &Record) -> String {
    card.current_tax_code().expect("a code").as_str().to_owned()
}

/// One answer, before its entry is looked at.
struct Answered {
    subject: usize,
    index: u64,
    pieces: Vec<Vec<u8>>,
}

/// Calls of the agency that looks, about people drawn anew each time.
async fn calls(mut client: Client, document: Document, people: Vec<String>, mut draw: Draw) -> Vec<Answered> {
    let mut answers = Vec::new();
    for _ in 0..OWN / CLIENTS {
        let subject = draw.below(people.len());
        let halves = [(); 4].map(|()| u128::try_from(draw.below(1 << 31)).expect("31 bits"));
        let id = halves.iter().fold(1, |id, half| (id << 31) | half);
        let context = ask::context(document.id, "identification", Uuid::from_u128(id).to_string());
        let request = pb::LookupPersonRequest {
            context: Some(context),
            key: Some(pb::lookup_person_request::Key::TaxCode(people[subject].clone())),
            receipt_form: receipts::ReceiptForm::Short.into(),
            ..pb::LookupPersonRequest::default()
        };
        let (index, pieces) = match client.lookup_person(request).await {
            Ok(answer) => {
                let message = answer.into_inner();
                let receipt = AccessReceipt::try_from(message.receipt.clone().expect("a receipt"));
                let Ok(AccessReceipt::Short(receipt)) = receipt else {
                    panic!("the short form was asked for")
                };
                (receipt.index(), vec![message.encode_to_vec()])
            }
            Err(status) => {
                let receipt = failure_of(&status).details.receipt().cloned().expect("a receipt");
                let (masked, index) = seen(&status);
                let Seen {
                    code: _,
                    message,
                    details,
                    trailers,
                    receipt_bytes: _,
                } = masked;
                let trailers = trailers.into_iter().flat_map(|(_, value)| value).collect();
                (
                    index,
                    vec![
                        message.into_bytes(),
                        details,
                        trailers,
                        receipt.receipt.encode().to_vec(),
                    ],
                )
            }
        };
        answers.push(Answered {
            subject,
            index,
            pieces,
        });
    }
    answers
}

/// Rows of the other agency's lists: which person each entry is about.
async fn lists(
    region: &Region,
    document: Document,
    people: &[Record],
    mut draw: Draw,
) -> BTreeMap<u64, usize> {
    let agency = region.agency(document);
    let mut about = BTreeMap::new();
    for list in 1..=LISTS {
        let batch = Batch {
            context: ground(document, "identification", Uuid::from_u128(list)),
            rows: ROWS,
            approval: Approval {
                reference: CaseReference::parse("2026/77").expect("a reference"),
                approver: OperatorId::parse("g.neri").expect("a person"),
                approved_on: day("2026-11-02"),
            },
            fields: FieldSet::EMPTY,
        };
        let subjects: Vec<usize> = (0..ROWS).map(|_| draw.below(people.len())).collect();
        let codes = subjects
            .iter()
            .map(|subject| *people[*subject].current_tax_code().expect("a code"));
        let rows: Vec<_> = (1..).zip(codes.map(ListedPerson::TaxCode)).collect();
        let mut outcomes = agency
            .batch_lookup_persons(&batch, rows.into_iter())
            .await
            .expect("it opens");
        let mut told = subjects.into_iter();
        while let Some(outcome) = outcomes.next().await.expect("an outcome") {
            let receipt = outcome.receipt.expect("each row has its entry");
            about.insert(receipt.receipt.index(), told.next().expect("a row"));
        }
        assert_eq!(told.next(), None, "each row has its outcome");
    }
    about
}

/// The supervisor's view of its agency's entries, once it has opened them, by index.
async fn supervised(region: &Region, indices: Vec<u64>) -> BTreeMap<u64, audit::AccessEntry> {
    let context = ReadingContext {
        purpose: "inquiry".to_owned(),
        reference: "Provv. 2026/7".to_owned(),
        reader: "d.viola".to_owned(),
    };
    let supervisor = region.auditor("questura");
    for opened in indices.chunks(1_000) {
        let entries = EntrySet::new(opened.iter().map(|index| *index..=*index)).expect("entries");
        supervisor
            .request_opening(&context, &entries, "a control")
            .await
            .expect("they are its own");
    }
    let mut client = AuditServiceClient::new(region.channel(Role::Auditor, "questura").await);
    let mut entries = BTreeMap::new();
    let mut page_token = String::new();
    loop {
        let request = audit::ListAccessesRequest {
            context: Some((&context).into()),
            page_size: 1_000,
            page_token,
            ..audit::ListAccessesRequest::default()
        };
        let page = client.list_accesses(request).await.expect("a page").into_inner();
        entries.extend(page.entries.into_iter().map(|entry| (entry.index, entry)));
        page_token = page.next_page_token;
        if page_token.is_empty() {
            return entries;
        }
    }
}

/// Every leaf of the tree, as its tiles show it to anybody.
async fn leaves(channel: Channel) -> Vec<Hash> {
    let mut client = AuditServiceClient::new(channel);
    let head = client
        .get_checkpoint(audit::GetCheckpointRequest::default())
        .await
        .expect("a checkpoint");
    let size = head.into_inner().size;
    let mut leaves = Vec::new();
    for first in (0..size).step_by(256) {
        let width = u32::try_from((size - first).min(256)).expect("at most 256");
        let request = audit::GetHashTileRequest {
            index: first / 256,
            width,
            ..audit::GetHashTileRequest::default()
        };
        let tile = client.get_hash_tile(request).await.expect("a tile").into_inner();
        leaves.extend(tile.hashes.as_chunks::<32>().0.iter().copied().map(Hash::new));
    }
    leaves
}

/// What the agency has of a call: nothing that it supplied itself.
fn sight(answered: Answered, entry: &audit::AccessEntry) -> Sight {
    let Answered {
        subject,
        index: _,
        mut pieces,
    } = answered;
    let request_id = Uuid::parse_str(&entry.decoded.as_ref().expect("decoded").request_id).expect("an id");
    pieces.push(without(&entry.header, request_id.as_bytes()));
    for part in &entry.parts {
        let criteria = part.kind == i32::from(audit::PartKind::Criteria);
        let content = if criteria {
            vec![0; part.content.len()]
        } else {
            part.content.clone()
        };
        let position = vec![u8::try_from(part.position).expect("few parts")];
        pieces.extend([part.salt.clone(), part.path.concat(), content, position]);
    }
    let kinds: Vec<i32> = entry.parts.iter().map(|part| part.kind).collect();
    assert_eq!(
        kinds.len(),
        2,
        "operator and criteria, and nothing else: {kinds:?}"
    );
    let mut sizes: Vec<usize> = pieces.iter().map(Vec::len).collect();
    sizes.push(entry.parts.len());
    Sight {
        group: Group::ALL[subject / EACH],
        bytes: pieces.concat(),
        sizes,
    }
}

/// The bytes with a piece that the caller supplied blanked.
fn without(bytes: &[u8], piece: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    let at = bytes
        .windows(piece.len())
        .position(|window| window == piece)
        .expect("it is there");
    bytes[at..at + piece.len()].fill(0);
    bytes
}

/// Strings of eight bytes that are in two of the cases, at places where not all cases are the same. Cases have one length.
fn repeated(cases: &[&[u8]]) -> usize {
    let varies: Vec<bool> = (0..cases[0].len())
        .map(|place| cases.iter().any(|case| case[place] != cases[0][place]))
        .collect();
    let mut found: HashMap<[u8; 8], usize> = HashMap::new();
    let mut repeated = 0;
    for (number, case) in cases.iter().enumerate() {
        for (string, varies) in case.windows(8).zip(varies.windows(8)) {
            if varies.contains(&false) {
                continue;
            }
            let string = string.try_into().expect("eight bytes");
            if *found.entry(string).or_insert(number) != number {
                repeated += 1;
            }
        }
    }
    repeated
}

fn features(sight: &Sight) -> Vec<f64> {
    let sizes = sight
        .sizes
        .iter()
        .map(|size| u32::try_from(*size).expect("small").into());
    sight
        .bytes
        .iter()
        .map(|byte| f64::from(*byte))
        .chain(sizes)
        .collect()
}

/// Cases of two classes of groups.
fn cases(sights: &[Sight], positive: &[Group], negative: &[Group]) -> Vec<Case> {
    let of_either = sights
        .iter()
        .filter(|sight| positive.contains(&sight.group) || negative.contains(&sight.group));
    let case = |sight: &Sight| Case {
        seen: features(sight),
        positive: positive.contains(&sight.group),
    };
    of_either.map(case).collect()
}

/// Pairs of the other agency's entries, half of them about one person, by what their leaves show.
fn pairs(about: &BTreeMap<u64, usize>, leaves: &[Hash], draw: &mut Draw) -> Vec<Case> {
    const PAIRS: usize = 2_000;
    let entries: Vec<(u64, usize)> = about.iter().map(|(index, subject)| (*index, *subject)).collect();
    let (mut same, mut other) = (Vec::new(), Vec::new());
    while same.len() < PAIRS || other.len() < PAIRS {
        let (one, two) = (
            entries[draw.below(entries.len())],
            entries[draw.below(entries.len())],
        );
        let positive = one.1 == two.1;
        let class = if positive { &mut same } else { &mut other };
        if one.0 == two.0 || class.len() == PAIRS {
            continue;
        }
        let leaf = |index: u64| leaves[usize::try_from(index).expect("small")];
        let (first, second) = (leaf(one.0), leaf(two.0));
        let bytes = first.as_bytes().iter().zip(second.as_bytes());
        let mut seen: Vec<f64> = bytes.clone().map(|(one, two)| f64::from(one ^ two)).collect();
        seen.extend(bytes.map(|(one, two)| f64::from(u8::from(one == two))));
        seen.push(f64::from(u32::try_from(one.0.abs_diff(two.0)).expect("small")));
        class.push(Case { seen, positive });
    }
    same.append(&mut other);
    same
}

#[track_caller]
fn tells_nothing(what: &str, cases: &[Case], draw: &mut Draw) {
    for verdict in verdicts(cases, draw) {
        assert!(
            !verdict.tells(),
            "{what} by {}: {verdict:?} of {} cases",
            verdict.classifier,
            cases.len()
        );
    }
}

/// A leak that is planted in every third case of one class is found.
#[track_caller]
fn finds(what: &str, cases: &[Case], draw: &mut Draw, plant: impl Fn(&mut Vec<f64>)) {
    let mut planted = cases.to_vec();
    for case in planted.iter_mut().filter(|case| case.positive).step_by(3) {
        plant(&mut case.seen);
    }
    let verdicts = verdicts(&planted, draw);
    assert!(
        verdicts.iter().any(|verdict| verdict.tells()),
        "{what} is found: {verdicts:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn of_ten_thousand_calls_an_agency_tells_neither_absent_from_hidden_nor_where_nor_who_else_asked() {
    let mut region = Region::empty().await;
    let own = document("oracle-own", "questura-bo");
    let other = document("oracle-other", "asl-imola");
    for document in [own, other] {
        region.activate(document).await;
    }
    let people = people(&mut region).await;
    let codes: Vec<String> = people.iter().map(code).collect();
    let mut asking = Vec::new();
    for number in 0..CLIENTS {
        let client = Client::new(region.channel(Role::Agency, own.agency).await);
        let draw = Draw::new(0x9e37_79b9 + u64::try_from(number).expect("few"));
        asking.push(tokio::spawn(calls(client, own, codes.clone(), draw)));
    }
    let about = lists(&region, other, &people, Draw::new(0x51ed_270b)).await;
    let mut answered = Vec::new();
    for task in asking {
        answered.extend(task.await.expect("the calls are made"));
    }
    assert!(10_000 <= answered.len() + about.len());
    let entries = supervised(&region, answered.iter().map(|call| call.index).collect()).await;
    let leaves = leaves(region.channel(Role::Auditor, "questura").await).await;
    for call in &answered {
        let place = usize::try_from(call.index).expect("small");
        assert_eq!(
            leaf_hash(&entries[&call.index].header),
            leaves[place],
            "the tiles are of this log"
        );
    }
    assert!(
        about.keys().all(|index| !entries.contains_key(index)),
        "of the other agency hashes alone"
    );

    let sights: Vec<Sight> = answered
        .into_iter()
        .map(|call| {
            let entry = &entries[&call.index];
            sight(call, entry)
        })
        .collect();
    let (shown, nobody): (Vec<_>, Vec<_>) = sights.iter().partition(|sight| sight.group == Group::Shown);
    for sight in &nobody {
        assert_eq!(
            sight.sizes, nobody[0].sizes,
            "{:?} and {:?}",
            sight.group, nobody[0].group
        );
    }
    let bytes: Vec<&[u8]> = nobody.iter().map(|sight| sight.bytes.as_slice()).collect();
    assert_eq!(
        repeated(&bytes),
        0,
        "no two refusals share eight bytes that not all share"
    );
    let tails: Vec<&[u8]> = shown
        .iter()
        .map(|sight| &sight.bytes[sight.bytes.len() - 200..])
        .collect();
    assert_eq!(repeated(&tails), 0, "nor do parts of entries about who is shown");
    let hashes: Vec<&[u8]> = leaves.iter().map(|leaf| leaf.as_bytes().as_slice()).collect();
    assert_eq!(repeated(&hashes), 0, "nor any leaves");

    let mut draw = Draw::new(0x2545_f491);
    let hidden = [Group::OfCastel, Group::OfDozza, Group::Protected];
    let existence = cases(&sights, &hidden, &[Group::Absent]);
    tells_nothing("who exists", &existence, &mut draw);
    let place = cases(&sights, &[Group::OfCastel], &[Group::OfDozza]);
    tells_nothing("in which municipality", &place, &mut draw);
    let territory = cases(&sights, &[Group::Protected], &[Group::OfCastel, Group::OfDozza]);
    tells_nothing("protected or elsewhere", &territory, &mut draw);
    let link = pairs(&about, &leaves, &mut draw);
    tells_nothing("about the same person", &link, &mut draw);

    // Were it otherwise, it would be found.
    let last = existence[0].seen.len() - 1;
    finds("one part more", &existence, &mut draw, |seen| seen[last] += 1.0);
    finds("a bit of a salt", &existence, &mut draw, |seen| {
        let salt = last - 300;
        seen[salt] = f64::from(7_u8);
    });
    finds("a municipality's own byte", &place, &mut draw, |seen| {
        seen[last - 40] = f64::from(200_u8)
    });
    finds("a commitment without a salt", &link, &mut draw, |seen| {
        seen[..32].fill(0.0);
        seen[32..64].fill(1.0);
    });
    let mut doubled: Vec<Vec<u8>> = bytes.iter().map(|bytes| bytes.to_vec()).collect();
    let end = doubled[0].len() - 60;
    let pseudonym = doubled[0][end - 40..end - 32].to_vec();
    doubled[9][end - 40..end - 32].copy_from_slice(&pseudonym);
    let doubled: Vec<&[u8]> = doubled.iter().map(Vec::as_slice).collect();
    assert!(
        0 < repeated(&doubled),
        "eight bytes that two entries share are found"
    );
    region.stop().await;
}
