//! The documents of the rules.

use super::page::Page;
use super::style::{Style, Tone};
use super::table::{Align, Table};
use crate::analysis::Severity;
use crate::analysis::rules::{ALL, Rule, by_rank};
use std::io::{self, Write};

/// Width of the column of words.
const COLUMN: usize = 12;

/// Writes a line for each rule, those that say most first.
pub fn rules_text(style: Style, out: &mut impl Write) -> io::Result<()> {
    let mut page = Page::new(style);
    let mut table = Table::new(&[
        ("rule", Align::Left),
        ("", Align::Left),
        ("verdict", Align::Left),
    ]);
    for rule in by_rank(ALL) {
        table.row([
            rule.name.to_owned(),
            severity(rule.severity).to_owned(),
            rule.headline.to_owned(),
        ]);
    }
    table.write(&mut page, 0);
    page.blank();
    let note = "Of the rules that hold for a volume, the one furthest up is its verdict. \
                volprobe rules RULE tells what a rule looks for.";
    page.wrap(0, 0, Tone::Faint, note);
    out.write_all(page.finish().as_bytes())
}

/// Writes the document of a rule.
pub fn rule_text(rule: &Rule, style: Style, out: &mut impl Write) -> io::Result<()> {
    let mut page = Page::new(style);
    let title = format!("{}, version {}", rule.name, rule.version);
    page.spread((Tone::Strong, &title), (Tone::Plain, rule.headline));
    let explains = rule.explains.join(", ");
    let entries = [
        ("severity", severity(rule.severity)),
        ("looks for", rule.looks_for),
        ("rests on", rule.rests_on),
        ("confirm", rule.confirm),
        ("to do", rule.advice),
        ("explains", &explains),
    ];
    for (word, text) in entries.into_iter().filter(|(_, text)| !text.is_empty()) {
        page.entry(1, COLUMN, word, text);
    }
    out.write_all(page.finish().as_bytes())
}

fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Info => "info",
        Severity::Warning => "warning",
        Severity::Critical => "critical",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::rules::find;

    #[test]
    fn the_list() {
        let mut out = Vec::new();
        rules_text(Style::plain(), &mut out).unwrap();
        insta::assert_snapshot!(String::from_utf8(out).unwrap());
    }

    #[test]
    fn a_document() {
        let mut out = Vec::new();
        let rule = find("resize/no-op-before-capacity").unwrap();
        rule_text(rule, Style::plain(), &mut out).unwrap();
        insta::assert_snapshot!(String::from_utf8(out).unwrap());
    }
}
