//! Names come from anywhere: a process may call itself anything.

use std::borrow::Cow;

/// Text without anything that a terminal would obey: control characters and
/// marks that change the direction of writing are shown as escapes.
pub fn clean(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_unsafe) {
        return Cow::Borrowed(text);
    }
    let mut cleaned = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        if is_unsafe(c) {
            cleaned.extend(c.escape_default());
        } else {
            cleaned.push(c);
        }
    }
    Cow::Owned(cleaned)
}

/// Whether a terminal would act on this character instead of showing it.
pub(super) fn is_unsafe(c: char) -> bool {
    let direction = matches!(c, '\u{200e}' | '\u{200f}' | '\u{061c}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    c.is_control() || direction || matches!(c, '\u{2028}' | '\u{2029}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinary_names_stay() {
        for name in ["resize2fs", "/mnt/überseë", "数据"] {
            assert_eq!(clean(name), name);
        }
    }

    #[test]
    fn what_a_terminal_obeys_is_shown() {
        assert_eq!(clean("a\x1b[2Jb"), "a\\u{1b}[2Jb");
        assert_eq!(clean("a\nb\u{9b}c\u{202e}"), "a\\nb\\u{9b}c\\u{202e}");
    }
}
