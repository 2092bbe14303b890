//! The committed code under `src/gen` is what the `.proto` files generate, and the contract only grows.
//!
//! `PONTE_UPDATE_GENERATED=1 cargo test -p wire --test codegen` rewrites `src/gen`; `PONTE_UPDATE_BASELINE=1` accepts
//! the present contract as the one that later changes must keep.
//!
//! The test is built after the library. Where the library no longer builds with a changed contract as it is committed,
//! leave `mod convert` and `mod status` out of `lib.rs` for the run that rewrites.

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

use prost::Message;
use prost_types::{DescriptorProto, FileDescriptorProto, FileDescriptorSet};

/// Packages whose messages hold, or may hold, personal data: their debugging output shows a name and nothing else.
const PERSONAL_PACKAGES: &[&str] = &[
    "ponte.type.v1",
    "ponte.registry.v1",
    "ponte.publication.v1",
    "ponte.consultation.v1",
    "ponte.audit.v1",
];

/// The same for single messages of other packages.
const PERSONAL_MESSAGES: &[&str] = &[
    "ponte.agreement.v1.ActivateAgreementRequest",
    "ponte.agreement.v1.RevokeAgreementRequest",
];

fn crate_root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn proto_root() -> PathBuf {
    crate_root().join("../../proto")
}

fn proto_files(folder: &Path, found: &mut Vec<PathBuf>) -> Result<(), Box<dyn Error>> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            proto_files(&path, found)?;
        } else if path.extension().is_some_and(|extension| extension == "proto") {
            found.push(path);
        }
    }
    Ok(())
}

fn compiler() -> Result<protox::Compiler, Box<dyn Error>> {
    let root = proto_root();
    let mut files = Vec::new();
    proto_files(&root, &mut files)?;
    files.sort();
    let mut compiler = protox::Compiler::new([root])?;
    compiler
        .include_imports(true)
        .include_source_info(true)
        .open_files(files)?;
    Ok(compiler)
}

/// The contract without comments, as it is committed and as start-up reads it.
fn image() -> Result<Vec<u8>, Box<dyn Error>> {
    Ok(compiler()?
        .include_source_info(false)
        .encode_file_descriptor_set())
}

fn is_personal(package: &str, message: &str) -> bool {
    PERSONAL_PACKAGES.contains(&package)
        || PERSONAL_MESSAGES.contains(&format!("{package}.{message}").as_str())
}

fn personal_messages(set: &FileDescriptorSet) -> Vec<(&str, &DescriptorProto)> {
    let mut found = Vec::new();
    for file in &set.file {
        for message in &file.message_type {
            assert!(
                message.nested_type.is_empty(),
                "{} nests messages: the list below does not",
                message.name()
            );
            if is_personal(file.package(), message.name()) {
                found.push((file.package(), message));
            }
        }
    }
    found
}

/// One line for each personal type: `hidden_debug!(consultation::v1::Person);`.
fn hidden_debug(set: &FileDescriptorSet) -> Result<String, Box<dyn Error>> {
    let mut lines: Vec<String> = Vec::new();
    for (package, message) in personal_messages(set) {
        let module = package
            .trim_start_matches("ponte.")
            .replace("type.", "r#type.")
            .replace('.', "::");
        lines.push(format!("{module}::{}", message.name()));
        let real_oneofs = message
            .oneof_decl
            .iter()
            .filter(|oneof| !oneof.name().starts_with('_'));
        for oneof in real_oneofs {
            lines.push(format!(
                "{module}::{}::{}",
                snake_case(message.name()),
                camel_case(oneof.name())
            ));
        }
    }
    lines.sort();
    let mut text = String::new();
    for line in lines {
        writeln!(text, "hidden_debug!({line});")?;
    }
    Ok(text)
}

fn snake_case(camel: &str) -> String {
    let mut snake = String::new();
    for letter in camel.chars() {
        if letter.is_ascii_uppercase() && !snake.is_empty() {
            snake.push('_');
        }
        snake.push(letter.to_ascii_lowercase());
    }
    snake
}

fn camel_case(snake: &str) -> String {
    let capitalised = |word: &str| match word.split_at_checked(1) {
        Some((first, rest)) => first.to_ascii_uppercase() + rest,
        None => String::new(),
    };
    snake.split('_').map(capitalised).collect()
}

fn generate(folder: &Path) -> Result<(), Box<dyn Error>> {
    let set = compiler()?.file_descriptor_set();
    let skipped: Vec<String> = personal_messages(&set)
        .into_iter()
        .map(|(package, message)| format!(".{package}.{}", message.name()))
        .collect();
    fs::write(folder.join("hidden_debug.rs"), hidden_debug(&set)?)?;
    fs::write(folder.join("descriptors.bin"), image()?)?;
    tonic_prost_build::configure()
        .build_transport(false)
        .emit_rerun_if_changed(false)
        .skip_debug(skipped)
        .out_dir(folder)
        .compile_fds(set)?;
    // The word is reserved in Rust, which is no reason to have a file with that name.
    fs::rename(folder.join("ponte.r#type.v1.rs"), folder.join("ponte.type.v1.rs"))?;
    Ok(())
}

fn contents(folder: &Path) -> Result<BTreeMap<String, Vec<u8>>, Box<dyn Error>> {
    let mut files = BTreeMap::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry
            .file_name()
            .into_string()
            .map_err(|_| "a file name is not Unicode")?;
        files.insert(name, fs::read(entry.path())?);
    }
    Ok(files)
}

#[test]
fn committed_code_is_what_the_protos_generate() -> Result<(), Box<dyn Error>> {
    let fresh_folder = tempfile::tempdir()?;
    generate(fresh_folder.path())?;
    let committed_folder = crate_root().join("src/gen");
    let fresh = contents(fresh_folder.path())?;
    if env::var_os("PONTE_UPDATE_GENERATED").is_some_and(|value| value == "1") {
        fs::create_dir_all(&committed_folder)?;
        for name in contents(&committed_folder)?.keys() {
            fs::remove_file(committed_folder.join(name))?;
        }
        for (name, bytes) in &fresh {
            fs::write(committed_folder.join(name), bytes)?;
        }
    }
    let committed = contents(&committed_folder)?;
    let names = |files: &BTreeMap<String, Vec<u8>>| files.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&fresh), names(&committed), "files under src/gen");
    for (name, bytes) in &fresh {
        assert!(
            committed.get(name) == Some(bytes),
            "src/gen/{name} is stale: run with PONTE_UPDATE_GENERATED=1"
        );
    }
    Ok(())
}

/// Everything that a peer of the contract can rely on, one line each.
fn promises(set: &FileDescriptorSet) -> Vec<String> {
    let mut lines = Vec::new();
    for FileDescriptorProto {
        package,
        message_type,
        enum_type,
        service,
        ..
    } in &set.file
    {
        let package = package.as_deref().unwrap_or_default();
        for message in message_type {
            for field in &message.field {
                let oneof = field
                    .oneof_index
                    .and_then(|index| message.oneof_decl.get(usize::try_from(index).ok()?));
                lines.push(format!(
                    "field {package}.{}.{} = {}, {:?} {:?} {}, oneof {}",
                    message.name(),
                    field.name(),
                    field.number(),
                    field.label(),
                    field.r#type(),
                    field.type_name(),
                    oneof.map(|oneof| oneof.name()).unwrap_or_default(),
                ));
            }
            lines.push(format!("message {package}.{}", message.name()));
        }
        for list in enum_type {
            for value in &list.value {
                lines.push(format!(
                    "value {package}.{}.{} = {}",
                    list.name(),
                    value.name(),
                    value.number()
                ));
            }
        }
        for service in service {
            for method in &service.method {
                lines.push(format!(
                    "method {package}.{}/{}, {} {} to {} {}",
                    service.name(),
                    method.name(),
                    method.input_type(),
                    method.client_streaming(),
                    method.output_type(),
                    method.server_streaming(),
                ));
            }
        }
    }
    lines
}

#[test]
fn contract_keeps_what_the_baseline_promised() -> Result<(), Box<dyn Error>> {
    let baseline_file = proto_root().join("baseline.binpb");
    let present = image()?;
    if env::var_os("PONTE_UPDATE_BASELINE").is_some_and(|value| value == "1") {
        fs::write(&baseline_file, &present)?;
    }
    let baseline = FileDescriptorSet::decode(fs::read(&baseline_file)?.as_slice())?;
    let kept = promises(&FileDescriptorSet::decode(present.as_slice())?);
    let promised = promises(&baseline);
    assert!(
        promised.iter().any(|line| line.starts_with("method ")),
        "the baseline holds no service"
    );
    let broken: Vec<&String> = promised.iter().filter(|line| !kept.contains(line)).collect();
    assert!(broken.is_empty(), "the contract no longer has: {broken:#?}");
    Ok(())
}
