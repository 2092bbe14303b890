//! Names of other languages, spelt after the passport, the consulate, or the ear.

use crate::draws::Draws;

/// Given names of one origin, each a spelling that is in use.
const ONE_NAME: [&[&str]; 34] = [
    &[
        "MOHAMED", "MOHAMMED", "MUHAMMAD", "MOHAMMAD", "MUHAMMED", "MOHAMAD",
    ],
    &["AHMED", "AHMAD", "AHMET", "AHAMED"],
    &["YOUSSEF", "YUSUF", "YOUSEF", "YOUSUF", "YOUSIF"],
    &["HASSAN", "HASAN"],
    &["HUSSAIN", "HUSSEIN", "HOSSAIN", "HUSSEYIN", "HOSSEIN"],
    &["FATIMA", "FATMA", "FATEMA", "FATIHA"],
    &["KHADIJA", "KHADIDJA", "HADIJA"],
    &["AICHA", "AISHA", "AYSHA", "AISCIA"],
    &["IBRAHIM", "BRAHIM", "EBRAHIM"],
    &["SAID", "SAEED", "SAYED"],
    &["RACHID", "RASHID", "RASCID"],
    &["KARIM", "KAREEM"],
    &["JAMAL", "DJAMEL", "GIAMAL"],
    &["OMAR", "UMAR", "OMER"],
    &["MUSTAFA", "MUSTAPHA", "MOSTAFA"],
    &["ABDUL", "ABDOUL", "ABDEL"],
    &["OLEKSANDR", "ALEKSANDR", "ALEXANDR"],
    &["IULIIA", "YULIYA", "JULIJA", "YULIIA"],
    &["NATALIIA", "NATALIYA", "NATALYA", "NATALIA"],
    &["OKSANA", "OXANA"],
    &["SVITLANA", "SVETLANA"],
    &["TETIANA", "TETYANA", "TATIANA", "TATYANA"],
    &["MARIIA", "MARIYA", "MARIJA", "MARIA"],
    &["OLHA", "OLGA"],
    &["HALYNA", "GALINA", "HALINA"],
    &["SERHII", "SERGHEI", "SERGEY", "SERGIY"],
    &["ANDRII", "ANDRIY", "ANDREI", "ANDREY"],
    &["VOLODYMYR", "VLADIMIR"],
    &["ELENA", "YELENA", "OLENA"],
    &["GHEORGHE", "GHIORGHE", "GEORGE"],
    &["MIHAI", "MIKHAI"],
    &["STEFAN", "ȘTEFAN", "SHTEFAN"],
    &["SINGH", "SING", "SINGHE"],
    &["KAUR", "KOUR"],
];

/// Texts that stand for one sound in different languages, each for the other; none of them is usual in Italian.
const ONE_SOUND: [(&str, &str); 18] = [
    ("OU", "U"),
    ("SH", "CH"),
    ("SH", "SCH"),
    ("DJ", "J"),
    ("KH", "H"),
    ("KH", "CH"),
    ("EE", "I"),
    ("OO", "U"),
    ("YA", "IA"),
    ("YU", "IU"),
    ("IY", "I"),
    ("W", "V"),
    ("TCH", "C"),
    ("ZH", "J"),
    ("Q", "K"),
    ("PH", "F"),
    ("CK", "K"),
    ("TZ", "Z"),
];

const WITH_MARK: [(&str, &str); 14] = [
    ("Ü", "UE"),
    ("Ö", "OE"),
    ("Ä", "AE"),
    ("Ș", "S"),
    ("Ş", "SH"),
    ("Š", "SH"),
    ("Ț", "TZ"),
    ("Č", "CH"),
    ("Ć", "C"),
    ("Ž", "Z"),
    ("Ç", "C"),
    ("Ñ", "N"),
    ("Đ", "DJ"),
    ("Ă", "A"),
];

/// The name in another spelling; `None` for one that looks like none that has several.
pub(super) fn respelt(name: &str, draws: &mut Draws) -> Option<String> {
    let words: Vec<&str> = name.split(' ').collect();
    for (at, word) in words.iter().enumerate() {
        let spellings = ONE_NAME.iter().find(|spellings| spellings.contains(word));
        if let Some(spellings) = spellings {
            let others: Vec<&str> = spellings.iter().filter(|other| *other != word).copied().collect();
            let mut words = words.clone();
            words[at] = draws.pick(&others)?;
            return Some(words.join(" "));
        }
    }
    // Only the spelling that is not Italian is taken for another, not the other way round.
    let rules: Vec<(&str, &str)> = ONE_SOUND.iter().chain(&WITH_MARK).copied().collect();
    super::rewritten(name, &rules, draws)
}
