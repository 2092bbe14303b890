//! A report as PDF: A4, in the standard font Helvetica with the characters of WinAnsi (Windows-1252), which are those of
//! Western European languages. Another character is written as its code point, `[U+0142]`: it is never left out.

use pdf_writer::{Content, Finish as _, Name, Pdf, Rect, Ref, Str, TextStr};

use crate::language::Language;
use crate::report::words::Block;

const WIDTH: f32 = 595.0;
const HEIGHT: f32 = 842.0;
const MARGIN: f32 = 56.0;
const BODY: f32 = 10.0;
const SMALL: f32 = 7.0;

const REGULAR: Name<'static> = Name(b"F1");
const BOLD: Name<'static> = Name(b"F2");

/// Advance widths of Helvetica from the space to the tilde, in thousandths of the font size.
const HELVETICA: [u16; 95] = [
    278, 278, 355, 556, 556, 889, 667, 191, 333, 333, 389, 584, 278, 333, 278, 278, 556, 556, 556, 556, 556,
    556, 556, 556, 556, 556, 278, 278, 584, 584, 584, 556, 1015, 667, 667, 722, 722, 667, 611, 778, 722, 278,
    500, 667, 556, 833, 722, 778, 667, 778, 722, 667, 611, 722, 667, 944, 667, 667, 611, 278, 278, 278, 469,
    556, 333, 556, 556, 500, 556, 556, 278, 556, 556, 222, 222, 500, 222, 833, 556, 556, 556, 556, 333, 500,
    278, 556, 500, 722, 500, 500, 500, 334, 260, 334, 584,
];

/// No other character of WinAnsi is wider; bold ones are at most a tenth wider than regular ones of the same text.
const WIDEST: u16 = 1000;

/// The characters of the bytes 0x80 to 0x9F; those that have none are never written.
const WINDOWS_1252: [char; 32] = [
    '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž', '\u{8f}', '\u{90}',
    '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9d}', 'ž', 'Ÿ',
];

/// The document as a PDF file.
pub fn render(blocks: &[Block], language: Language) -> Vec<u8> {
    let mut setter = Setter::default();
    for block in blocks {
        match block {
            Block::Title(title) => {
                setter.paragraph(title, BOLD, 14.0);
                setter.gap(8.0);
            }
            Block::Heading(heading) => {
                setter.gap(10.0);
                setter.paragraph(heading, BOLD, 11.0);
                setter.gap(2.0);
            }
            Block::Paragraph(paragraph) => {
                setter.gap(6.0);
                setter.paragraph(paragraph, REGULAR, BODY);
            }
            Block::Fact(name, value) => setter.paragraph(&format!("{name}: {value}"), REGULAR, BODY),
            Block::Verbatim(lines) => {
                setter.gap(6.0);
                for line in lines.lines() {
                    setter.paragraph(line, REGULAR, SMALL);
                }
            }
        }
    }
    file(setter.pages, language)
}

/// A line on a page.
struct Line {
    text: Vec<u8>,
    font: Name<'static>,
    size: f32,
    y: f32,
}

/// Sets lines one below the other, page after page.
struct Setter {
    pages: Vec<Vec<Line>>,
    y: f32,
}

impl Default for Setter {
    fn default() -> Self {
        Self {
            pages: vec![Vec::new()],
            y: HEIGHT - MARGIN,
        }
    }
}

impl Setter {
    fn gap(&mut self, points: f32) {
        self.y -= points;
    }

    fn paragraph(&mut self, text: &str, font: Name<'static>, size: f32) {
        for text in wrapped(&win_ansi(text), size) {
            self.y -= size * 1.3;
            if self.y < MARGIN {
                self.pages.push(Vec::new());
                self.y = HEIGHT - MARGIN - size;
            }
            let y = self.y;
            if let Some(page) = self.pages.last_mut() {
                page.push(Line { text, font, size, y });
            }
        }
    }
}

fn file(pages: Vec<Vec<Line>>, language: Language) -> Vec<u8> {
    let mut next = 0;
    let mut new = || {
        next += 1;
        Ref::new(next)
    };
    let (catalog, tree, info, regular, bold) = (new(), new(), new(), new(), new());
    let places: Vec<(Ref, Ref)> = pages.iter().map(|_| (new(), new())).collect();
    let mut pdf = Pdf::new();
    let tag = language.pick("it-IT", "en-GB");
    pdf.catalog(catalog).pages(tree).lang(TextStr(tag));
    pdf.document_info(info).producer(TextStr("ponte"));
    let count = i32::try_from(places.len()).unwrap_or(i32::MAX);
    pdf.pages(tree)
        .kids(places.iter().map(|(page, _)| *page))
        .count(count);
    for (font, name) in [(regular, b"Helvetica".as_slice()), (bold, b"Helvetica-Bold")] {
        pdf.type1_font(font)
            .base_font(Name(name))
            .encoding_predefined(Name(b"WinAnsiEncoding"));
    }
    let number_of_pages = places.len();
    for (number, (lines, (page_ref, content_ref))) in (1..).zip(pages.into_iter().zip(places)) {
        let mut page = pdf.page(page_ref);
        page.media_box(Rect::new(0.0, 0.0, WIDTH, HEIGHT));
        page.parent(tree);
        page.contents(content_ref);
        page.resources().fonts().pair(REGULAR, regular).pair(BOLD, bold);
        page.finish();
        let mut content = Content::new();
        for Line { text, font, size, y } in lines {
            put(&mut content, &text, font, size, y);
        }
        let foot = format!("{number}/{number_of_pages}");
        put(&mut content, foot.as_bytes(), REGULAR, SMALL, MARGIN / 2.0);
        pdf.stream(content_ref, &content.finish());
    }
    pdf.finish()
}

fn put(content: &mut Content, text: &[u8], font: Name<'_>, size: f32, y: f32) {
    content
        .begin_text()
        .set_font(font, size)
        .next_line(MARGIN, y)
        .show(Str(text))
        .end_text();
}

/// The bytes of a text; what has none is written as its code point.
fn win_ansi(text: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    for letter in text.chars() {
        match byte_of(letter) {
            Some(byte) => bytes.push(byte),
            None => bytes.extend_from_slice(format!("[U+{:04X}]", u32::from(letter)).as_bytes()),
        }
    }
    bytes
}

fn byte_of(letter: char) -> Option<u8> {
    match letter {
        ' '..='~' | '\u{a0}'..='\u{ff}' => u8::try_from(letter).ok(),
        _ if letter.is_control() => None,
        _ => {
            let place = WINDOWS_1252.iter().position(|known| *known == letter)?;
            u8::try_from(0x80 + place).ok()
        }
    }
}

/// Lines that fit between the margins, broken at spaces, and inside a word that is longer than a line.
fn wrapped(text: &[u8], size: f32) -> Vec<Vec<u8>> {
    let most = (WIDTH - 2.0 * MARGIN) / 1.1;
    let mut lines: Vec<Vec<u8>> = vec![Vec::new()];
    let mut used = 0.0;
    for word in text.split(|byte| *byte == b' ') {
        let length = width(word, size);
        let mut start = lines.last().is_none_or(Vec::is_empty);
        if !start && most < used + width(b" ", size) + length {
            lines.push(Vec::new());
            used = 0.0;
            start = true;
        }
        if !start {
            push(&mut lines, b' ');
            used += width(b" ", size);
        }
        for &byte in word {
            let wide = width(&[byte], size);
            if most < used + wide {
                lines.push(Vec::new());
                used = 0.0;
            }
            push(&mut lines, byte);
            used += wide;
        }
    }
    lines
}

fn push(lines: &mut [Vec<u8>], byte: u8) {
    if let Some(line) = lines.last_mut() {
        line.push(byte);
    }
}

fn width(text: &[u8], size: f32) -> f32 {
    let thousandths: f32 = text
        .iter()
        .map(|byte| {
            let place = byte.checked_sub(b' ').map(usize::from);
            let known = place.and_then(|place| HELVETICA.get(place));
            f32::from(*known.unwrap_or(&WIDEST))
        })
        .sum();
    thousandths * size / 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_character_is_written_and_what_the_font_lacks_is_visible() {
        assert_eq!(win_ansi("Città d’Este €5"), b"Citt\xe0 d\x92Este \x805");
        assert_eq!(win_ansi("Łódź\n"), b"[U+0141]\xf3d[U+017A][U+000A]");
        for byte in (0x20..=0x7e).chain(0xa0..=0xff_u8) {
            assert_eq!(byte_of(char::from(byte)), Some(byte));
        }
    }

    #[test]
    fn lines_lose_nothing_and_fit() {
        let text = "Consultazione della scheda individuale ".repeat(20) + &"x".repeat(300);
        let lines = wrapped(&win_ansi(&text), BODY);
        assert!(lines.iter().all(|line| width(line, BODY) <= WIDTH - 2.0 * MARGIN));
        let letters = |bytes: &[u8]| bytes.iter().filter(|byte| **byte != b' ').count();
        assert_eq!(
            lines.iter().map(|line| letters(line)).sum::<usize>(),
            letters(text.as_bytes())
        );
    }

    #[test]
    fn a_long_document_has_several_pages_and_the_shape_of_a_file() {
        let blocks: Vec<Block> = (0..200)
            .map(|number| Block::Fact("Ente".to_owned(), format!("Questura di Forlì {number}")))
            .collect();
        let file = render(&blocks, Language::Italian);
        assert!(file.starts_with(b"%PDF-") && file.ends_with(b"%%EOF"));
        let holds = |wanted: &[u8]| file.windows(wanted.len()).any(|window| window == wanted);
        // What is not ASCII is written in hexadecimal or octal digits; no line is left out.
        let shown = file
            .windows(3)
            .filter(|window| *window == b" Tj" || *window == b"\nTj")
            .count();
        let pages = file.windows(10).filter(|window| *window == b"/Type /Pag").count() - 1;
        assert_eq!(shown, 200 + pages);
        assert!(1 < pages && holds(b"/WinAnsiEncoding") && holds(b"/BaseFont /Helvetica-Bold"));
    }
}
