//! Tables of the document.

/// A Markdown table; all columns but the first hold numbers.
pub(super) fn table(header: &[&str], rows: &[Vec<String>]) -> String {
    let line = |cells: &[&str]| format!("| {} |\n", cells.join(" | "));
    let rule = format!("|---|{}\n", "--:|".repeat(header.len().saturating_sub(1)));
    let rows = rows
        .iter()
        .map(|row| line(&row.iter().map(String::as_str).collect::<Vec<_>>()));
    line(header) + &rule + &rows.collect::<Vec<_>>().concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_on_the_right() {
        let rows = [vec!["a".to_owned(), "1".to_owned()]];
        assert_eq!(
            table(&["name", "count"], &rows),
            "| name | count |\n|---|--:|\n| a | 1 |\n"
        );
    }
}
