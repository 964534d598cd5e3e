//! Reports and ticks as text and JSON. Pure: what is written depends on the
//! data and on [`Style`] alone.

mod clean;
mod correlate;
mod diff;
#[cfg(test)]
mod hostile_tests;
mod json;
mod ledger;
mod line;
mod page;
mod report;
mod rules;
mod style;
mod table;
#[cfg(test)]
mod tests;
mod volumes;

pub use clean::clean;
pub use correlate::correlate_text;
pub use diff::{diff_text, diffs_text};
pub use json::{
    correlate_json, diff_json, diff_json_line, json_line, report_json, tick_json, volumes_json,
};
pub use line::{finding_line, tick_lines};
pub use report::{report_text, reports_text, what};
pub use rules::{rule_text, rules_text};
pub use style::{Style, WIDEST};
pub use volumes::volumes_text;
