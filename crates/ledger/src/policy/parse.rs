use crate::checkpoint::{CosignatureVerifier, LogVerifier};
use crate::policy::{
    Group, MAX_POLICY_ITEMS, Member, POLICY_MAX_LEN, Policy, PolicyError, PolicyRule, PolicyWitness,
};

/// How the first line states the version; to other programs it is a comment.
const VERSION_MARK: &str = "# ponte.policy/";
const VERSION: &str = "1";

/// The predefined name of a quorum of nobody.
const NONE: &str = "none";

#[derive(Default)]
struct Reading {
    logs: Vec<LogVerifier>,
    witnesses: Vec<PolicyWitness>,
    groups: Vec<Group>,
    /// Outer: whether there is a quorum line; inner: whether it demands anybody.
    quorum: Option<Option<Member>>,
}

pub(super) fn parse(text: &str) -> Result<Policy, PolicyError> {
    if POLICY_MAX_LEN < text.len() {
        return Err(PolicyError::TooLong);
    }
    let first = text.split('\n').next().unwrap_or_default();
    if let Some(version) = first.trim_end().strip_prefix(VERSION_MARK)
        && version != VERSION
    {
        return Err(PolicyError::Version(version.chars().take(20).collect()));
    }
    let mut reading = Reading::default();
    for (number, line) in (1..).zip(text.split('\n')) {
        reading
            .line(line)
            .map_err(|rule| PolicyError::Line { line: number, rule })?;
    }
    let Reading {
        logs,
        witnesses,
        groups,
        quorum,
    } = reading;
    if logs.is_empty() {
        return Err(PolicyError::NoLog);
    }
    Ok(Policy {
        logs,
        witnesses,
        groups,
        quorum: quorum.ok_or(PolicyError::NoQuorum)?,
    })
}

impl Reading {
    fn line(&mut self, line: &str) -> Result<(), PolicyRule> {
        if line
            .bytes()
            .any(|byte| (byte < b' ' && byte != b'\t') || byte == 0x7f)
        {
            return Err(PolicyRule::Control);
        }
        let items: Vec<&str> = line.split([' ', '\t']).filter(|item| !item.is_empty()).collect();
        match items[..] {
            [] => Ok(()),
            [first, ..] if first.starts_with('#') => Ok(()),
            ["log", key] | ["log", key, _] => self.log(key),
            ["witness", name, key] | ["witness", name, key, _] => self.witness(name, key),
            ["group", name, threshold, ref members @ ..] => self.group(name, threshold, members),
            ["quorum", name] => self.quorum(name),
            ["log" | "witness" | "group" | "quorum", ..] => Err(PolicyRule::Items),
            [_, ..] => Err(PolicyRule::Keyword),
        }
    }

    fn log(&mut self, key: &str) -> Result<(), PolicyRule> {
        let key = LogVerifier::parse(key)?;
        if self.logs.iter().any(|log| log.public_key() == key.public_key()) {
            return Err(PolicyRule::RepeatedKey);
        }
        push(&mut self.logs, key)
    }

    fn witness(&mut self, name: &str, key: &str) -> Result<(), PolicyRule> {
        let name = self.new_name(name)?;
        let key = CosignatureVerifier::parse(key)?;
        let before = |witness: &PolicyWitness| witness.key.public_key() == key.public_key();
        if self.witnesses.iter().any(before) {
            return Err(PolicyRule::RepeatedKey);
        }
        push(&mut self.witnesses, PolicyWitness { name, key })
    }

    fn group(&mut self, name: &str, threshold: &str, names: &[&str]) -> Result<(), PolicyRule> {
        let name = self.new_name(name)?;
        if names.is_empty() {
            return Err(PolicyRule::Items);
        }
        let mut members = Vec::with_capacity(names.len());
        for member in names {
            let member = self.member(member)?;
            let elsewhere = self.groups.iter().any(|group| group.members.contains(&member));
            if elsewhere || members.contains(&member) {
                return Err(PolicyRule::RepeatedMember);
            }
            members.push(member);
        }
        let threshold = match threshold {
            "any" => 1,
            "all" => members.len(),
            number => crate::checkpoint::canonical_decimal(number)
                .and_then(|number| usize::try_from(number).ok())
                .filter(|number| (1..=members.len()).contains(number))
                .ok_or(PolicyRule::Threshold)?,
        };
        let group = Group {
            name,
            threshold,
            members,
        };
        push(&mut self.groups, group)
    }

    fn quorum(&mut self, name: &str) -> Result<(), PolicyRule> {
        if self.quorum.is_some() {
            return Err(PolicyRule::SecondQuorum);
        }
        let quorum = if name == NONE {
            None
        } else {
            Some(self.member(name)?)
        };
        self.quorum = Some(quorum);
        Ok(())
    }

    fn member(&self, name: &str) -> Result<Member, PolicyRule> {
        let witness = self.witnesses.iter().position(|witness| witness.name == name);
        let group = self.groups.iter().position(|group| group.name == name);
        let member = witness.map(Member::Witness).or_else(|| group.map(Member::Group));
        member.ok_or(PolicyRule::UnknownName)
    }

    fn new_name(&self, name: &str) -> Result<String, PolicyRule> {
        if name == NONE || self.member(name).is_ok() {
            Err(PolicyRule::RepeatedName)
        } else {
            Ok(name.to_owned())
        }
    }
}

fn push<T>(items: &mut Vec<T>, item: T) -> Result<(), PolicyRule> {
    if items.len() == MAX_POLICY_ITEMS {
        return Err(PolicyRule::TooMany);
    }
    items.push(item);
    Ok(())
}
