//! The commands of the README's chapters "Run it for real" and "First day of an agency", run as they stand.

use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Output};

use support::process::Process;
use support::region::free_address;
use support::wait;

/// Port that the README names; the test takes a free one in its place.
const PORT: &str = "8443";

fn blocks(chapter: &str) -> Vec<String> {
    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("../README.md");
    let text = std::fs::read_to_string(readme).expect("README.md is readable");
    let chapter = text
        .split(&format!("\n## {chapter}\n"))
        .nth(1)
        .expect("there is such a chapter");
    let chapter = chapter.split("\n## ").next().unwrap_or_default();
    chapter
        .split("```sh\n")
        .skip(1)
        .map(|rest| rest.split("\n```").next().unwrap_or_default().to_owned())
        .collect()
}

struct Checkout {
    directory: tempfile::TempDir,
    address: SocketAddr,
}

impl Checkout {
    /// A directory with what the commands use of a checkout, and the binary on the path.
    fn new() -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let root = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("..")
            .canonicalize()
            .expect("the checkout");
        std::os::unix::fs::symlink(root.join("config"), directory.path().join("config")).expect("a link");
        let bin = directory.path().join("bin");
        std::fs::create_dir(&bin).expect("a directory");
        std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_ponte-under-test"), bin.join("ponte"))
            .expect("a link");
        Self {
            directory,
            address: free_address(),
        }
    }

    fn shell(&self, block: &str) -> Command {
        let path = std::env::var("PATH").unwrap_or_default();
        let mut command = Command::new("sh");
        command
            .args(["-e", "-c", &block.replace(PORT, &self.address.port().to_string())])
            .current_dir(self.directory.path())
            .env(
                "PATH",
                format!("{}:{path}", self.directory.path().join("bin").display()),
            )
            .env("LC_ALL", "C.UTF-8");
        command
    }

    fn run(&self, block: &str) -> Output {
        let output = self.shell(block).output().expect("sh runs");
        assert!(
            output.status.success(),
            "the block ended with {}:\n{block}\n{}\n{}",
            output.status,
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
        output
    }

    fn start(&self, block: &str, name: &str) -> Process {
        // The shell gives its place to the daemon, so that killing the process kills the daemon.
        Process::start(
            &mut self.shell(&format!("exec {block}")),
            &self.directory.path().join(name),
        )
    }

    /// Waits until node and index hold the same cards, and all of them.
    fn is_published(&self, node: &mut Process) {
        wait::until("the node has published and the digests are equal", || {
            node.still_runs();
            let status = self
                .shell("ponte --output json node status --config imola/node.toml")
                .output()
                .expect("sh runs");
            let status: serde_json::Value = serde_json::from_slice(&status.stdout).ok()?;
            let (node, digest) = (&status[0], &status[0]["publisher"]["digest"]);
            let equal = digest["comparison"] == "equal" && digest["sequence"] == node["journal_end"];
            equal.then_some(())
        });
    }

    /// The daemon usually lets a file settle for half a minute.
    fn take_files_soon(&self) {
        let path = self.directory.path().join("imola/node.toml");
        let config = std::fs::read_to_string(&path).expect("the configuration is readable");
        let soon = "\n[import]\nsettle_seconds = 1\nscan_seconds = 1\n";
        std::fs::write(&path, config + soon).expect("it is writable");
    }

    /// `ponte index init` writes its usual port into the configuration.
    fn take_own_port(&self) {
        let path = self.directory.path().join("region/index.toml");
        let config = std::fs::read_to_string(&path).expect("the configuration is readable");
        assert!(
            config.contains(PORT),
            "the README and `ponte index init` agree on the port"
        );
        std::fs::write(&path, config.replace(PORT, &self.address.port().to_string()))
            .expect("it is writable");
    }
}

/// From nothing to the first acknowledged publication, a municipality and its region type few commands.
#[test]
fn a_municipality_joins_and_publishes_with_ten_commands_at_most() {
    let blocks = blocks("Run it for real");
    let commands: Vec<&str> = [1, 3, 4]
        .iter()
        .filter_map(|block| blocks.get(*block))
        .flat_map(|block| block.lines())
        .filter(|line| {
            ["ponte ", "cat ", "cp ", "mv "]
                .iter()
                .any(|word| line.starts_with(word))
        })
        .collect();
    assert!(
        (5..=10).contains(&commands.len()) && commands.iter().any(|line| line.starts_with("ponte node run")),
        "{commands:#?}"
    );
}

#[test]
fn the_commands_of_the_readme_work_in_their_order() {
    let blocks = blocks("Run it for real");
    let [
        authority,
        joining,
        index,
        registry,
        node,
        daily,
        agencies,
        questions,
    ] = blocks.as_slice()
    else {
        panic!("the chapter has eight blocks, not {}", blocks.len());
    };
    let checkout = Checkout::new();
    checkout.run(authority);
    checkout.take_own_port();
    checkout.run(joining);
    checkout.take_files_soon();
    let mut running_index = checkout.start(index, "index.log");
    running_index.listens(checkout.address);
    checkout.run(registry);
    let mut running_node = checkout.start(node, "node.log");
    // A command that found no daemon would open the directory itself.
    let socket = checkout.directory.path().join("imola/data/node.sock");
    wait::until("the daemon takes commands", || {
        running_node.still_runs();
        socket.exists().then_some(())
    });
    checkout.is_published(&mut running_node);
    checkout.run(daily);
    let dropped = checkout.directory.path().join("imola/data/incoming/today.csv");
    wait::until("the daemon has taken the file of the drop folder", || {
        running_node.still_runs();
        (!dropped.exists()).then_some(())
    });
    checkout.is_published(&mut running_node);
    let acceptance = std::fs::read_to_string(checkout.directory.path().join("imola/collaudo.txt"));
    assert!(
        acceptance
            .expect("the report is written")
            .contains("VERBALE DI COLLAUDO"),
        "the acceptance report says what it is"
    );
    checkout.run(agencies);
    let answered = checkout.run(questions);
    let shown = String::from_utf8_lossy(&answered.stdout);
    assert!(
        shown.contains("spiffe://ponte.example/agency/questura-bologna"),
        "the auditor sees the police:\n{shown}"
    );
}

/// From nothing to an answer with its proof, an agency types few commands.
#[test]
fn the_first_day_of_an_agency_is_as_the_readme_says() {
    let blocks = blocks("First day of an agency");
    let [region, access, answers] = blocks.as_slice() else {
        panic!("the chapter has three blocks, not {}", blocks.len());
    };
    let checkout = Checkout::new();
    // The README leaves the usual port out.
    let region = format!("{region} --listen {}", checkout.address);
    let mut running = checkout.start(&region, "region.log");
    let list = checkout.directory.path().join("ponte-test/test-subjects.json");
    wait::until("the test region is up", || {
        running.still_runs();
        let text = std::fs::read(&list).ok()?;
        serde_json::from_slice::<serde_json::Value>(&text).ok().map(drop)
    });
    let told = checkout.run(access);
    let told = String::from_utf8_lossy(&told.stdout);
    assert!(
        told.contains("prova-polizia") && told.contains("homonyms"),
        "what may be asked, and about whom:\n{told}"
    );
    let answered = checkout.run(answers);
    let refused = String::from_utf8_lossy(&answered.stderr);
    let shown = String::from_utf8_lossy(&answered.stdout);
    assert!(shown.contains("COLLAUDI"), "the person is shown:\n{shown}");
    assert!(
        refused.contains("SERVICE_NOT_GRANTED"),
        "the association is refused:\n{refused}"
    );
    for caller in ["agency/police", "agency/association"] {
        assert!(shown.contains(caller), "the auditor sees {caller}:\n{shown}");
    }
}
