use super::*;
use crate::synthetic::Region;
use crate::synthetic::tests::check_shares;

fn skeleton(istat: &str) -> (&'static Municipality, Skeleton) {
    let istat = registry::identifier::IstatCode::parse(istat).unwrap();
    let municipality = Region::emilia_romagna().municipality(istat).unwrap();
    (municipality, Skeleton::of(municipality, &mut Stream::new(&[1])))
}

#[test]
fn every_resident_of_the_count_is_placed_once() {
    for municipality in Region::emilia_romagna().municipalities().iter().step_by(11) {
        let skeleton = Skeleton::of(municipality, &mut Stream::new(&[9]));
        let mut free = Free {
            males: municipality.males,
            females: municipality.females,
        };
        for member in &skeleton.members {
            let left = &mut free.of(member.sex)[usize::from(member.age)];
            assert!(0 < *left, "{}", municipality.name);
            *left -= 1;
        }
        assert!(
            free.males.iter().chain(&free.females).all(|left| *left == 0),
            "{}",
            municipality.name
        );
    }
}

#[test]
fn every_household_has_one_head_and_it_comes_first() {
    for municipality in Region::emilia_romagna().municipalities().iter().step_by(7) {
        let skeleton = Skeleton::of(municipality, &mut Stream::new(&[9]));
        for index in 0..skeleton.len() {
            let members = skeleton.household(index);
            let heads = |member: &&Member| matches!(member.part, Part::Head | Part::Responsible);
            assert_eq!(members.iter().filter(heads).count(), 1, "{}", municipality.name);
            assert!(
                members
                    .first()
                    .is_some_and(|first| 18 <= first.age && heads(&first)),
                "{}",
                municipality.name
            );
            let children = members.iter().filter(|member| member.part == Part::Child);
            let head = members.first().unwrap().age;
            assert!(
                children
                    .clone()
                    .all(|child| child.age + 15 < head.max(members[1].age)),
                "{}",
                municipality.name
            );
        }
    }
}

#[test]
fn sizes_and_parts_follow_the_published_shares() {
    let (_, skeleton) = skeleton("037006");
    let families: Vec<&[Member]> = (0..skeleton.len())
        .map(|index| skeleton.household(index))
        .filter(|members| members[0].part == Part::Head)
        .collect();
    let share = |counted: usize, of: usize| counted as f64 / of as f64;
    let of_size = |sizes: std::ops::RangeInclusive<usize>| {
        share(
            families.iter().filter(|it| sizes.contains(&it.len())).count(),
            families.len(),
        )
    };
    let persons = skeleton.residents();
    let in_part = |wanted: fn(Part) -> bool| {
        share(
            skeleton.members.iter().filter(|it| wanted(it.part)).count(),
            persons,
        )
    };
    let mean = share(families.iter().map(|it| it.len()).sum(), families.len());
    let checks = [
        ("size 1", of_size(1..=1), 0.39, 0.05),
        ("size 2", of_size(2..=2), 0.28, 0.04),
        ("size 3", of_size(3..=3), 0.17, 0.03),
        ("size 4 and more", of_size(4..=99), 0.16, 0.03),
        ("size 5 and more", of_size(5..=99), 0.05, 0.03),
        ("mean size", mean, 2.15, 0.12),
        ("partners", in_part(|part| part == Part::Partner), 0.24, 0.03),
        ("children", in_part(|part| part == Part::Child), 0.26, 0.03),
        ("kin", in_part(|part| matches!(part, Part::Kin(_))), 0.04, 0.015),
        (
            "convivenze",
            in_part(|part| matches!(part, Part::Responsible | Part::Inmate)),
            0.0074,
            0.002,
        ),
    ];
    check_shares(&checks);
}
