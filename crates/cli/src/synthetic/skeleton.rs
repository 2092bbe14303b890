//! Households before anybody has a name: who lives with whom, by age and sex.
//!
//! Every resident of the published count by single year of age and sex is placed exactly once. First the residents
//! of convivenze, the children who live with parents, the couples and the lone parents are taken out by age; then
//! children are dealt to mothers by the distance in age, and whoever is left lives alone or with kin.

use registry::code::Kinship;
use registry::record::Sex;

use super::random::Stream;
use super::region::{AGES, ByAge, Municipality};

/// A resident with the place in the household.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Member {
    /// Age in years; 100 stands for everybody older too.
    pub(super) age: u8,
    pub(super) sex: Sex,
    pub(super) part: Part,
}

/// Part in the household.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// Reference person.
    Head,
    /// The other half of a couple, married or not.
    Partner,
    /// Child of the head, or of both.
    Child,
    /// Other kin of the head.
    Kin(Kinship),
    /// Responsible for a convivenza.
    Responsible,
    /// Lives in a convivenza.
    Inmate,
}

/// All households of a municipality, in no visible order.
#[derive(Debug)]
pub(super) struct Skeleton {
    members: Vec<Member>,
    /// Where each household begins, and the end.
    starts: Vec<u32>,
}

/// Residents not yet placed.
struct Free {
    males: ByAge,
    females: ByAge,
}

/// A household being put together; the head comes first.
#[derive(Default)]
struct Group {
    members: Vec<Member>,
}

impl Skeleton {
    /// Places the residents of a municipality.
    pub(super) fn of(municipality: &Municipality, stream: &mut Stream) -> Self {
        let mut free = Free {
            males: municipality.males,
            females: municipality.females,
        };
        let inmates = take_inmates(&mut free, stream);
        let children = take_children(&mut free, stream);
        let couples = take_couples(&mut free, stream);
        let (mothers, fathers) = take_lone_parents(&mut free, stream);

        let mut parents: Vec<Vec<Group>> = (0..AGES).map(|_| Vec::new()).collect();
        let mut lone: Vec<Vec<Group>> = (0..AGES).map(|_| Vec::new()).collect();
        for (woman, man) in couples {
            parents[woman].push(couple(stream, woman, man));
        }
        for age in mothers {
            lone[age].push(Group::of(age, Sex::Female, Part::Head));
        }
        for age in fathers {
            // Fathers are three years older than the mothers in whose place they stand.
            lone[age.saturating_sub(3)].push(Group::of(age, Sex::Male, Part::Head));
        }
        let candidates: Vec<usize> = parents
            .iter()
            .zip(&lone)
            .map(|(both, one)| both.len() + one.len())
            .collect();
        let (mut by_mother, mut orphans) = deal_children(children, &candidates, stream);

        let mut groups = Vec::new();
        for age in 0..AGES {
            let mut own = std::mem::take(&mut by_mother[age]);
            stream.shuffle(&mut own);
            give_to_lone(
                std::mem::take(&mut lone[age]),
                &mut own,
                &mut groups,
                &mut free,
                stream,
            );
            give_to_couples(std::mem::take(&mut parents[age]), &mut own, &mut groups, stream);
            orphans.append(&mut own);
        }

        let mut kin: Vec<Member> = orphans;
        kin.extend(take_kin(&mut free, stream));
        for (sex, counts) in [(Sex::Male, free.males), (Sex::Female, free.females)] {
            for (age, count) in counts.into_iter().enumerate() {
                groups.extend((0..count).map(|_| Group::of(age, sex, Part::Head)));
            }
        }
        attach_kin(kin, &mut groups, stream);
        groups.extend(convivenze(inmates, stream));
        stream.shuffle(&mut groups);

        let mut skeleton = Self {
            members: Vec::new(),
            starts: vec![0],
        };
        for group in groups {
            skeleton.members.extend(group.members);
            skeleton
                .starts
                .push(u32::try_from(skeleton.members.len()).unwrap_or(u32::MAX));
        }
        skeleton
    }

    /// How many households there are.
    pub(super) fn len(&self) -> usize {
        self.starts.len() - 1
    }

    /// The members of a household, the head or the one responsible first; none where there is no such household.
    pub(super) fn household(&self, index: usize) -> &[Member] {
        let start = self.starts.get(index).map(|at| *at as usize);
        let end = self.starts.get(index + 1).map(|at| *at as usize);
        start
            .zip(end)
            .and_then(|(start, end)| self.members.get(start..end))
            .unwrap_or_default()
    }

    /// How many residents stand before a household.
    pub(super) fn before(&self, index: usize) -> usize {
        self.starts
            .get(index)
            .map_or(self.members.len(), |at| *at as usize)
    }

    /// All residents.
    pub(super) fn residents(&self) -> usize {
        self.members.len()
    }
}

impl Free {
    fn of(&mut self, sex: Sex) -> &mut ByAge {
        match sex {
            Sex::Female => &mut self.females,
            Sex::Male | Sex::Unknown => &mut self.males,
        }
    }

    /// Takes a share of each age and sex out, as one member each.
    fn take(&mut self, stream: &mut Stream, part: Part, share: impl Fn(usize, Sex) -> f64) -> Vec<Member> {
        let mut taken = Vec::new();
        for sex in [Sex::Male, Sex::Female] {
            let counts = self.of(sex);
            for (age, count) in counts.iter_mut().enumerate() {
                let wanted = stream
                    .rounded(f64::from(*count) * share(age, sex))
                    .min(*count as usize);
                *count -= wanted as u32;
                taken.extend((0..wanted).map(|_| Member::new(age, sex, part)));
            }
        }
        taken
    }
}

impl Member {
    fn new(age: usize, sex: Sex, part: Part) -> Self {
        Self {
            age: u8::try_from(age).unwrap_or(u8::MAX),
            sex,
            part,
        }
    }
}

impl Group {
    fn of(age: usize, sex: Sex, part: Part) -> Self {
        Self {
            members: vec![Member::new(age, sex, part)],
        }
    }
}

/// Residents of convivenze: about 0.74 %, more than half of them in homes for the old.
fn take_inmates(free: &mut Free, stream: &mut Stream) -> Vec<Member> {
    let mut inmates = free.take(stream, Part::Inmate, |age, _| match age {
        ..18 => 0.0008,
        ..65 => 0.0036,
        ..80 => 0.007,
        ..85 => 0.022,
        ..90 => 0.048,
        _ => 0.095,
    });
    let adults = inmates.iter().any(|inmate| 18 <= inmate.age);
    if inmates.len() < 4 || !adults {
        for inmate in inmates.drain(..) {
            free.of(inmate.sex)[usize::from(inmate.age)] += 1;
        }
    }
    inmates
}

fn take_children(free: &mut Free, stream: &mut Stream) -> Vec<Member> {
    let mut children = free.take(stream, Part::Child, |age, sex| {
        let share: f64 = match age {
            ..18 => 1.0,
            ..22 => 0.93,
            ..25 => 0.82,
            ..28 => 0.60,
            ..31 => 0.40,
            ..35 => 0.22,
            ..40 => 0.12,
            ..50 => 0.07,
            ..60 => 0.035,
            ..66 => 0.015,
            _ => 0.0,
        };
        match sex {
            _ if age < 18 => share,
            Sex::Female => share * 0.86,
            Sex::Male | Sex::Unknown => (share * 1.13).min(1.0),
        }
    });
    stream.shuffle(&mut children);
    children
}

/// Couples, by the ages of the woman and of the man.
fn take_couples(free: &mut Free, stream: &mut Stream) -> Vec<(usize, usize)> {
    let taken = free.take(stream, Part::Partner, |age, sex| match (sex, age) {
        (Sex::Male | Sex::Unknown, _) | (_, ..20) => 0.0,
        (_, ..25) => 0.30,
        (_, ..30) => 0.62,
        (_, ..35) => 0.72,
        (_, ..60) => 0.71,
        (_, ..70) => 0.68,
        (_, ..75) => 0.62,
        (_, ..80) => 0.51,
        (_, ..85) => 0.35,
        (_, ..90) => 0.18,
        _ => 0.05,
    });
    let mut women: Vec<usize> = taken.iter().map(|woman| usize::from(woman.age)).collect();
    stream.shuffle(&mut women);
    let mut couples = Vec::with_capacity(women.len());
    for age in women {
        let wanted = stream.normal(age as f64 + 2.9, 4.2).max(19.0) as usize;
        match nearest(&free.males, wanted, 19, 30) {
            Some(man) => {
                free.males[man] -= 1;
                couples.push((age, man));
            }
            None => free.females[age] += 1,
        }
    }
    couples
}

/// Deals children to mothers' ages: to each age as many as its candidates and the usual distance in age say.
fn deal_children(
    children: Vec<Member>,
    candidates: &[usize],
    stream: &mut Stream,
) -> (Vec<Vec<Member>>, Vec<Member>) {
    let mut by_mother: Vec<Vec<Member>> = (0..AGES).map(|_| Vec::new()).collect();
    let mut orphans = Vec::new();
    let mut sums: Vec<Option<Vec<f64>>> = vec![None; AGES];
    for child in children {
        let age = usize::from(child.age);
        let cumulative = sums[age].get_or_insert_with(|| distances(age, candidates));
        let total = cumulative.last().copied().unwrap_or_default();
        if total <= 0.0 {
            orphans.push(child);
            continue;
        }
        let at = stream.unit() * total;
        let mother = age + 16 + cumulative.partition_point(|sum| *sum <= at);
        by_mother[mother.min(AGES - 1)].push(child);
    }
    (by_mother, orphans)
}

/// Running sums of the weights of mothers 16, 17, … years older than a child.
fn distances(age: usize, candidates: &[usize]) -> Vec<f64> {
    let mean = match age {
        ..15 => 32.0,
        ..30 => 30.5,
        ..45 => 28.0,
        _ => 26.5,
    };
    let mut sum = 0.0;
    let weight = |distance: usize| {
        let off = (distance as f64 - mean) / 5.5;
        let mothers = candidates.get(age + distance).copied().unwrap_or_default();
        mothers as f64 * ((-off * off / 2.0).exp() + 1e-6)
    };
    let sums = (16..=47).map(weight).map(|weight| {
        sum += weight;
        sum
    });
    sums.collect()
}

/// A lone parent has one child, some have more; those for whom there is none live alone.
fn give_to_lone(
    lone: Vec<Group>,
    own: &mut Vec<Member>,
    groups: &mut Vec<Group>,
    free: &mut Free,
    stream: &mut Stream,
) {
    for mut group in lone {
        let Some(child) = own.pop() else {
            for parent in group.members {
                free.of(parent.sex)[usize::from(parent.age)] += 1;
            }
            continue;
        };
        group.members.push(child);
        if stream.chance(0.3) {
            group.members.extend(own.pop());
        }
        groups.push(group);
    }
}

/// Deals the children of an age over its couples: on average evenly, at most four while there is a choice.
fn give_to_couples(couples: Vec<Group>, own: &mut Vec<Member>, groups: &mut Vec<Group>, stream: &mut Stream) {
    let mut left = couples.len();
    for mut group in couples {
        let mean = own.len() as f64 / left as f64;
        let number = match left {
            1 => own.len(),
            _ if 3.0 < mean => mean.ceil() as usize,
            // Who has one often has a second: a fifth of the couples have two or none.
            _ if mean < 2.0 && stream.chance(0.2) => 2 * usize::from(stream.chance(mean / 2.0)),
            _ => (0..3).filter(|_| stream.chance(mean / 3.0)).count(),
        };
        for _ in 0..number {
            // Two children of one year are twins: rare, so another child is looked for.
            let twin = |child: &Member| {
                group.members[2..]
                    .iter()
                    .any(|other| other.age.abs_diff(child.age) < 1)
            };
            if own.last().is_some_and(twin) && stream.chance(0.9) {
                let other = own.iter().rposition(|child| !twin(child));
                let last = own.len() - 1;
                other.into_iter().for_each(|other| own.swap(other, last));
            }
            group.members.extend(own.pop());
        }
        groups.push(group);
        left -= 1;
    }
}

fn take_lone_parents(free: &mut Free, stream: &mut Stream) -> (Vec<usize>, Vec<usize>) {
    let parents = free.take(stream, Part::Head, |age, sex| match (sex, age) {
        (Sex::Female, 25..40) => 0.26,
        (Sex::Female, 40..60) => 0.42,
        (Sex::Female, 60..80) => 0.16,
        (Sex::Female, 80..95) => 0.10,
        (Sex::Male, 35..65) => 0.075,
        (Sex::Male, 65..90) => 0.03,
        _ => 0.0,
    });
    let (mothers, fathers): (Vec<Member>, Vec<Member>) =
        parents.into_iter().partition(|parent| parent.sex == Sex::Female);
    let ages = |members: Vec<Member>| {
        members
            .into_iter()
            .map(|member| usize::from(member.age))
            .collect()
    };
    (ages(mothers), ages(fathers))
}

/// Adults who live in a household of which they are neither head nor partner nor child.
fn take_kin(free: &mut Free, stream: &mut Stream) -> Vec<Member> {
    let mut kin = free.take(stream, Part::Kin(Kinship::OtherRelative), |age, _| match age {
        ..18 => 1.0,
        ..30 => 0.32,
        ..45 => 0.17,
        ..75 => 0.11,
        ..85 => 0.13,
        _ => 0.19,
    });
    stream.shuffle(&mut kin);
    kin
}

fn couple(stream: &mut Stream, woman: usize, man: usize) -> Group {
    let of_man = if woman < 40 { 0.62 } else { 0.82 };
    let (first, second) = if stream.chance(of_man) {
        ((man, Sex::Male), (woman, Sex::Female))
    } else {
        ((woman, Sex::Female), (man, Sex::Male))
    };
    Group {
        members: vec![
            Member::new(first.0, first.1, Part::Head),
            Member::new(second.0, second.1, Part::Partner),
        ],
    }
}

fn attach_kin(kin: Vec<Member>, groups: &mut Vec<Group>, stream: &mut Stream) {
    for mut member in kin {
        // A household of which the head could be kin at the right distance; the last one tried does.
        let mut at = stream.below(groups.len());
        for _ in 0..8 {
            let fits = groups
                .get(at)
                .and_then(|group| group.members.first())
                .is_some_and(|head| {
                    let distance = i16::from(member.age) - i16::from(head.age);
                    let minor_fits = 18 <= member.age || distance < -20;
                    minor_fits
                        && (distance.abs() < 12 || (22..=38).contains(&distance.abs()) || distance < -45)
                });
            if fits {
                break;
            }
            at = stream.below(groups.len());
        }
        let Some(group) = groups.get_mut(at) else {
            // Nobody else lives in the municipality.
            member.part = Part::Head;
            groups.push(Group {
                members: vec![member],
            });
            continue;
        };
        let married = group.members.iter().any(|other| other.part == Part::Partner);
        let head_age = group.members.first().map_or(0, |head| head.age);
        member.part = Part::Kin(kinship(stream, member.age, head_age, married));
        group.members.push(member);
    }
}

fn kinship(stream: &mut Stream, age: u8, head: u8, married: bool) -> Kinship {
    let chosen = stream.unit();
    match i16::from(age) - i16::from(head) {
        18.. if married && chosen < 0.4 => Kinship::ParentInLaw,
        18.. => Kinship::Parent,
        -14..=14 => match chosen {
            ..0.4 => Kinship::Sibling,
            ..0.55 if married => Kinship::SiblingInLaw,
            ..0.6 => Kinship::Cousin,
            ..0.85 => Kinship::Cohabitant,
            _ => Kinship::OtherRelative,
        },
        15..18 => Kinship::CollateralUncle,
        ..=-40 => Kinship::Grandchild,
        _ => match chosen {
            ..0.45 => Kinship::CollateralNephew,
            ..0.75 if 18 <= age => Kinship::ChildInLaw,
            _ => Kinship::OtherRelative,
        },
    }
}

/// Convivenze of 6 to 60, the rest in the last one; an adult of working age is responsible where there is one.
fn convivenze(mut inmates: Vec<Member>, stream: &mut Stream) -> Vec<Group> {
    stream.shuffle(&mut inmates);
    let mut groups = Vec::new();
    while !inmates.is_empty() {
        let wanted = stream.between(6, 60) as usize;
        let size = if inmates.len() < wanted + 6 {
            inmates.len()
        } else {
            wanted
        };
        let mut members = inmates.split_off(inmates.len() - size);
        let responsible = members
            .iter()
            .position(|member| (30..68).contains(&member.age))
            .or_else(|| members.iter().position(|member| 18 <= member.age))
            .unwrap_or_default();
        members.swap(0, responsible);
        members
            .iter_mut()
            .take(1)
            .for_each(|member| member.part = Part::Responsible);
        groups.push(Group { members });
    }
    groups
}

/// The age nearest to `wanted`, not below `lowest` and at most `reach` away, of which somebody is left.
fn nearest(counts: &ByAge, wanted: usize, lowest: usize, reach: usize) -> Option<usize> {
    let left = |age: usize| lowest <= age && counts.get(age).is_some_and(|count| 0 < *count);
    (0..=reach).find_map(|off| {
        let (older, younger) = (wanted + off, wanted.saturating_sub(off));
        if left(younger) {
            Some(younger)
        } else if left(older) {
            Some(older)
        } else {
            None
        }
    })
}

#[cfg(test)]
mod tests;
