//! A report as plain text.

use crate::output::visible;
use crate::report::words::Block;

/// Widest line of running text, in characters.
const WIDTH: usize = 100;

/// The document as text.
pub fn render(blocks: &[Block]) -> String {
    let mut text = String::new();
    for block in blocks {
        match block {
            Block::Title(title) => {
                text.push_str(&visible(title));
                text.push_str("\n\n");
            }
            Block::Heading(heading) => {
                text.push('\n');
                text.push_str(&visible(heading));
                text.push('\n');
            }
            Block::Paragraph(paragraph) => {
                text.push('\n');
                for line in wrapped(&visible(paragraph), WIDTH) {
                    text.push_str(&line);
                    text.push('\n');
                }
            }
            Block::Fact(name, value) => {
                text.push_str(&format!("{}: {}\n", visible(name), visible(value)));
            }
            Block::Verbatim(lines) => {
                text.push('\n');
                for line in lines.lines() {
                    text.push_str(format!("    {}", visible(line)).trim_end());
                    text.push('\n');
                }
            }
        }
    }
    text
}

/// Words in lines of at most so many characters; a longer word has a line of its own.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let length = lines.last().map_or(0, |line| line.chars().count());
        let fits = length == 0 || length + 1 + word.chars().count() <= width;
        if !fits {
            lines.push(String::new());
        }
        if let Some(line) = lines.last_mut() {
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
    }
    lines
}
