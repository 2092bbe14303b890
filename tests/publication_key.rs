//! A municipality replaces its publication key, over the real wire: both keys for a while, then the new one alone.

use std::time::Duration;

use chrono::{DateTime, Utc};
use cli::io::{Io, Surface, Surroundings};
use node::publisher::LinkStatus;
use support::municipality::{Municipality, node_id};
use support::people::{IMOLA, Person, crowd, istat};
use support::region::Region;
use support::wait::within;
use transport::clock::Clock;

/// What a command printed, and what it said.
fn ponte(region: &Region, arguments: &[&str]) -> (String, String) {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let mut io = Io {
        stdin: Box::new(std::io::empty()),
        stdout: Box::new(&mut out),
        stderr: Box::new(&mut err),
        surface: Surface::Plain,
    };
    let surroundings = Surroundings {
        clock: region.clock.clone(),
        ..Surroundings::of_process()
    };
    let all = ["ponte", "--lang", "en", "--output", "csv"]
        .iter()
        .chain(arguments);
    let exit = cli::run(all.copied(), &mut io, &surroundings).number();
    drop(io);
    let [out, err] = [out, err].map(|text| String::from_utf8(text).expect("UTF-8"));
    assert_eq!(exit, 0, "{arguments:?}\n{out}\n{err}");
    (out, err)
}

fn people(count: u32) -> Vec<Person> {
    crowd(IMOLA, count)
}

/// The node signs with the key of a file from its next start on.
fn sign_with(imola: &Municipality, from: &str, to: &str) {
    let file = imola.directory().join("node.toml");
    let text = std::fs::read_to_string(&file).expect("readable");
    let line = |name: &str| format!("publication_key = \"{name}\"\n");
    assert!(text.contains(&line(from)), "{text}");
    std::fs::write(&file, text.replace(&line(from), &line(to))).expect("writable");
}

async fn start_with(region: &mut Region, from: &str, to: &str) {
    let imola = region.municipality(IMOLA);
    imola.stop().await;
    sign_with(imola, from, to);
    imola.resume();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_publication_key_is_taken_beside_the_old_one_and_the_old_one_not_beyond_its_time() {
    let mut region = Region::empty().await;
    region.publish(IMOLA, &people(2)).await;
    let directory = region.municipality(IMOLA).directory().to_owned();
    let path = |name: &str| directory.join(name).display().to_string();
    let (node_config, new_key) = (path("node.toml"), path("next.key"));
    let arguments = [
        "node",
        "new-publication-key",
        "--config",
        &node_config,
        "--out",
        &new_key,
    ];
    let (block, said) = ponte(&region, &[&arguments[..], &["--overlap-days", "2"]].concat());
    region.publish(IMOLA, &people(3)).await;

    // The region puts the block where the one key was, and compares the number.
    let index_config = region.directory().join("index/index.toml");
    let text = std::fs::read_to_string(&index_config).expect("readable");
    let (before, section) = text.split_once(&node_id(IMOLA)).expect("the node's section");
    let (head, rest) = section.split_once("publication_key = ").expect("its key");
    let (old, rest) = rest.split_once('\n').expect("its line");
    assert!(block.contains(&format!("key = {old}, until = ")), "{block}");
    let changed = format!("{before}{}{head}{block}{rest}", node_id(IMOLA));
    std::fs::write(&index_config, changed).expect("writable");
    let config = index_config.display().to_string();
    let (keys, _) = ponte(&region, &["index", "publication-keys", "--config", &config]);
    let number = said
        .rsplit("by telephone: ")
        .next()
        .and_then(|rest| rest.lines().next());
    let number = number.expect("a number");
    let new = keys
        .lines()
        .find(|line| line.contains(number))
        .expect("the number is there");
    assert!(new.contains(",good,"), "{new}");
    region.stop_index().await;
    region.start_index().await;

    region.publish(IMOLA, &people(4)).await;
    start_with(&mut region, "publication.key", "next.key").await;
    region.publish(IMOLA, &people(5)).await;
    start_with(&mut region, "next.key", "publication.key").await;
    region.publish(IMOLA, &people(6)).await;

    let until = block
        .split("until = \"")
        .nth(1)
        .and_then(|rest| rest.split('"').next());
    let until: DateTime<Utc> = until.and_then(|text| text.parse().ok()).expect("an instant");
    let rest = (until - region.clock.now()).to_std().expect("it lies ahead");
    assert!(rest <= Duration::from_hours(48), "{rest:?}");
    region.clock.advance(rest);
    let imola = region.municipality(IMOLA);
    imola.import(&people(7)).await;
    let publisher = imola.node().publisher().clone();
    within(publisher.wait_for(|status| matches!(status.link, LinkStatus::Stopped { .. })))
        .await
        .expect("it stops");
    let state = region.node_client(IMOLA).get_state(istat(IMOLA)).await;
    assert_eq!(state.expect("a state").watermark.0, 6, "nothing was taken");
    start_with(&mut region, "publication.key", "next.key").await;
    region.municipality(IMOLA).published().await;
    let state = region.node_client(IMOLA).get_state(istat(IMOLA)).await;
    assert_eq!(state.expect("a state").watermark.0, 7, "the new key publishes on");
    region.stop().await;
}
