//! The files of the qualification suite, written from what is planted here.
//!
//! That the node finds in them exactly what is expected is a test of the node, which imports them.

use super::planted::{Findings, PLANTED, PLANTED_IN_THE_PAST};
use super::*;
use crate::codice_fiscale::CodiceFiscale;
use crate::identifier::{CadastralCode, HouseholdId, NationalId};
use crate::record::{HouseholdLink, Sex};
use crate::testing::local_id;

/// A file with the findings that must come of it: line, code, column.
struct Planted {
    name: &'static str,
    content: Vec<u8>,
    expected: Vec<(u64, String, String)>,
}

impl Planted {
    fn new(name: &'static str, header: &str) -> Self {
        Self {
            name,
            content: header.as_bytes().to_vec(),
            expected: Vec::new(),
        }
    }

    fn line(&mut self, line: &[u8], findings: &[(&str, &str)]) {
        self.content.extend_from_slice(line);
        self.content.extend_from_slice(b"\r\n");
        let number = self.content.iter().filter(|byte| **byte == b'\n').count();
        self.expect(u64::try_from(number).unwrap(), findings);
    }

    fn expect(&mut self, line: u64, findings: &[(&str, &str)]) {
        let told = findings
            .iter()
            .map(|(code, column)| (line, (*code).to_owned(), (*column).to_owned()));
        self.expected.extend(told);
    }

    /// The file and that of its expected findings.
    fn files(self) -> Vec<(String, Vec<u8>)> {
        let Self {
            name,
            content,
            expected,
        } = self;
        let mut list = "riga;codice;colonna\n".to_owned();
        for (line, code, column) in expected {
            list.push_str(&format!("{line};{code};{column}\n"));
        }
        vec![
            (format!("{name}.csv"), content),
            (format!("{name}.expected.csv"), list.into_bytes()),
        ]
    }
}

/// Somebody invented, one for each number: nothing on the card is on another's.
fn somebody(number: usize) -> Record {
    const LETTERS: [char; 14] = [
        'b', 'c', 'd', 'f', 'g', 'l', 'm', 'n', 'p', 'r', 's', 't', 'v', 'z',
    ];
    let letter = |position: usize| LETTERS[position % LETTERS.len()];
    let (first, second, third) = (letter(number / 196), letter(number / 14), letter(number));
    let surname = format!("{}a{second}e{third}i", first.to_ascii_uppercase());
    let mut record = open_record();
    record.local_id = local_id(&format!("S-{number}"));
    record.generalities.surname = Some(crate::testing::name(&surname));
    let place = CadastralCode::parse("A944").unwrap();
    let code = CodiceFiscale::compute(&surname, "Nicolò Maria", Sex::Male, day("1980-03-05"), place);
    record.tax_codes[0].code = code.unwrap().into();
    record.national_id = Some(NationalId::parse(&format!("QS{number:05}AA")).unwrap());
    in_household(&mut record, &format!("F{number}"));
    record
}

fn in_household(record: &mut Record, household: &str) {
    let mut fact = record.households.latest().unwrap().clone();
    fact.value = HouseholdLink {
        household: HouseholdId::parse(household).unwrap(),
        ..fact.value
    };
    record.households.record(fact);
}

fn row_of(record: &Record, edits: Edits<'_>) -> Vec<u8> {
    edited(record, edits).into_bytes()
}

fn single_rows() -> Planted {
    let mut file = Planted::new("rows", &header());
    let without_code: &[(&str, &str)] = &[("PN031", "codice_fiscale")];
    let today = PLANTED
        .iter()
        .map(|(edits, findings)| (edits.to_vec(), findings.to_vec()));
    let past = PLANTED_IN_THE_PAST.iter().map(|(edits, findings)| {
        (
            [BORN_IN_THE_PAST, edits].concat(),
            [*findings, without_code].concat(),
        )
    });
    for (number, (edits, mut findings)) in (1..).zip(today.chain(past)) {
        // A relative alone in a family: that shows once the file is read.
        if edits.contains(&("legame", "14")) {
            findings.push(("EN062", "famiglia"));
        }
        file.line(&row_of(&somebody(number), &edits), &findings);
    }
    file
}

fn broken_lines() -> Planted {
    let mut file = Planted::new("lines", &header());
    for (line, code) in planted_lines() {
        file.line(&line, &[(code, "")]);
    }
    file
}

fn rows_against_each_other() -> Planted {
    let mut file = Planted::new("across", &header());
    let code = somebody(1).current_tax_code().unwrap().definitive().unwrap();
    let omocode = code.omocodes().next().unwrap();
    // The name of card 1 goes with its code: one that does not fit its bearer would be told as well.
    let named_alike: Edits<'_> = &[("cognome", "Babeci")];
    let abroad: Edits<'_> = &[
        ("registro", "AIRE"),
        ("iscrizione_motivo", "C01"),
        ("tipo_indirizzo", "4"),
        ("indirizzo_comune", ""),
        ("via", ""),
        ("stato_estero", "215"),
        ("localita_estera", "Lyon"),
    ];
    let member: Edits<'_> = &[("tipo_legame", "C"), ("legame", "2")];
    type Case<'a> = (usize, Vec<(&'a str, &'a str)>, Findings<'a>);
    let cases: Vec<Case<'_>> = vec![
        (1, vec![], &[]),
        (1, vec![], &[("PN100", "scheda")]),
        (
            3,
            [named_alike, &[("codice_fiscale", code.as_str())]].concat(),
            &[("PN101", "codice_fiscale")],
        ),
        (
            4,
            [named_alike, abroad, &[("codice_fiscale", code.as_str())]].concat(),
            &[("PN104", "codice_fiscale")],
        ),
        (
            5,
            [
                named_alike,
                &[("codice_fiscale", omocode.as_str()), ("id_anpr", "")],
            ]
            .concat(),
            &[("PN105", "codice_fiscale")],
        ),
        (6, vec![("id_anpr", "QS00001AA")], &[("PN103", "id_anpr")]),
        (7, vec![("famiglia", "F1")], &[("EN166", "legame")]),
        (8, vec![("legame", "3")], &[("EN062", "famiglia")]),
        (9, member.to_vec(), &[("PN102", "famiglia")]),
        (
            10,
            [member, &[("famiglia", "F1")]].concat(),
            &[("EN244", "famiglia")],
        ),
    ];
    for (number, edits, findings) in cases {
        file.line(&row_of(&somebody(number), &edits), findings);
    }
    file
}

fn population() -> (String, Vec<u8>) {
    let records: Vec<Record> = (1..=3).map(somebody).collect();
    ("population.csv".to_owned(), written(&records).into_bytes())
}

fn operations() -> Planted {
    let mut file = Planted::new("operations", &header());
    let change: Edits<'_> = &[
        ("evento", "HOUSEHOLD_CHANGE"),
        ("evento_decorrenza", "2015-02-02"),
        ("scala", "C"),
    ];
    let cases: &[(usize, Edits<'_>, Findings<'_>)] = &[
        (1, &[("operazione", "X")], &[("EN081", "evento_registrazione")]),
        (
            9,
            &[("operazione", "X"), ("evento_registrazione", "2025-01-10")],
            &[("EN077", "operazione")],
        ),
        (
            2,
            &[("operazione", "X"), ("evento_registrazione", "2025-01-09")],
            &[("EN077", "operazione")],
        ),
        (2, &[("operazione", "C")], &[]),
        (2, &[("operazione", "C")], &[("PN114", "scheda")]),
        (3, change, &[("EN206", "decorrenza_legame")]),
        (1, &[("evento_data", "2025-01-09")], &[("PN111", "evento_data")]),
        (1, &[("operazione", "Z")], &[("PN011", "operazione")]),
        (
            3,
            &[
                ("evento", "MARRIAGE"),
                ("atto_comune", "037032"),
                ("atto_anno", "2010"),
            ],
            &[("PN115", "atto_numero")],
        ),
        (
            3,
            &[
                ("atto_comune", "037032"),
                ("atto_anno", "2010"),
                ("atto_numero", "12"),
            ],
            &[("PN116", "atto_numero")],
        ),
        (
            3,
            &[
                ("evento", "MARRIAGE"),
                ("atto_comune", "037032"),
                ("atto_anno", "2026"),
                ("atto_numero", "12"),
            ],
            &[("PN117", "atto_anno")],
        ),
        (
            3,
            &[
                ("evento", "MARRIAGE"),
                ("atto_comune", "37032"),
                ("atto_anno", "210"),
                ("atto_parte", "2 A"),
                ("atto_numero", "12345678901"),
            ],
            &[
                ("PN012", "atto_comune"),
                ("PN012", "atto_anno"),
                ("PN012", "atto_parte"),
                ("PN012", "atto_numero"),
            ],
        ),
        (
            1,
            &[("operazione", "X"), ("evento_registrazione", "2025-01-10")],
            &[],
        ),
    ];
    for (number, edits, findings) in cases {
        file.line(&row_of(&somebody(*number), edits), findings);
    }
    file
}

const ALFA: &[u8] = include_bytes!("../../../../../config/mappings/alfa.csv");
const GAMMA: &[u8] = include_bytes!("../../../../../config/mappings/gamma.csv");

/// A line of a file, without its end.
fn line_of(file: &[u8], number: usize) -> Vec<u8> {
    let line = file.split(|byte| *byte == b'\n').nth(number).unwrap();
    line.strip_suffix(b"\r").unwrap_or(line).to_vec()
}

/// The line with another text in place of one, which must stand there.
fn with(line: &[u8], from: &str, to: &[u8]) -> Vec<u8> {
    let from = from.as_bytes();
    let at = line
        .windows(from.len())
        .position(|window| window == from)
        .unwrap();
    [&line[..at], to, &line[at + from.len()..]].concat()
}

fn other_layout() -> Planted {
    let header = String::from_utf8(line_of(ALFA, 0)).unwrap() + "\r\n";
    let mut file = Planted::new("alfa", &header);
    let row = line_of(ALFA, 1);
    file.line(
        &with(&row, "CON;12/06", b"SEP;12/06"),
        &[("PN005", "stato_civile")],
    );
    file.line(
        &with(&row, "05/03/1980", b"5/3/1980"),
        &[("PN016", "data_nascita")],
    );
    file.line(
        &with(&row, "12/06/2010", b"00/06/2010"),
        &[("PN010", "decorrenza_stato_civile")],
    );
    file.line(&with(&row, "GARIBALDI 12/A", b"GARIBALDI"), &[("PN008", "via")]);
    file.line(&with(&row, "GARIBALDI", b"LIBERT\x81"), &[("PN006", "")]);
    file.line(&with(&row, "GARIBALDI", b"LIBERT\xc3\xa0"), &[("PN007", "")]);
    let two = with(&with(&row, ";IS;", b";XX;"), ";M;", b";m;");
    file.line(&two, &[("PN005", "legame"), ("PN011", "sesso")]);
    file.line(&row, &[]);
    file
}

fn other_layout_with_operations() -> Planted {
    let header = String::from_utf8(line_of(GAMMA, 0)).unwrap() + "\r\n";
    let mut file = Planted::new("gamma", &header);
    let row = line_of(GAMMA, 1);
    file.line(&with(&row, "*", b" "), &[("PN009", "cognome")]);
    file.line(&with(&row, "ins,", b"del,"), &[("PN005", "operazione")]);
    file.line(&with(&row, ",12 A,", b",12-14,"), &[("PN008", "civico")]);
    file.line(&row, &[]);
    file
}

fn headers() -> [Planted; 3] {
    let faulty = header()
        .replacen("sesso;", "", 1)
        .replacen("cognome;", "cognome;cognome;via2;", 1);
    let mut faults = Planted::new("header", &faulty);
    faults.expect(
        1,
        &[
            ("HEADER-DOUBLE", "cognome"),
            ("HEADER-MISSING", "sesso"),
            ("HEADER-UNKNOWN", "5"),
        ],
    );
    let mut separator = Planted::new("separator", &header().replace(';', ","));
    separator.expect(1, &[("HEADER-SEPARATOR", "")]);
    let mut encoding = Planted::new("wrong-encoding", "\u{feff}");
    encoding.content.extend_from_slice(&line_of(ALFA, 0));
    encoding.content.extend_from_slice(b"\r\n");
    encoding.expect(1, &[("HEADER-UTF8", "")]);
    [faults, separator, encoding]
}

/// Every file of the suite but its list, by name.
pub(super) fn files() -> Vec<(String, Vec<u8>)> {
    let planted = [
        single_rows(),
        broken_lines(),
        rows_against_each_other(),
        operations(),
        other_layout(),
        other_layout_with_operations(),
    ];
    let planted = planted.into_iter().chain(headers()).flat_map(Planted::files);
    [population()].into_iter().chain(planted).collect()
}
