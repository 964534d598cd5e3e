//! What each tracer adds to an operation, as a table.

use super::table::table;
use crate::guest::bench::Cost;

/// A row a tracer, beside its share of what the usual tools cost.
pub(super) fn rows(operation: &str, costs: &[Cost]) -> String {
    let share = |cost: &Cost, of: &str| {
        let other = costs.iter().find(|cost| cost.tracer == of);
        match other {
            Some(other) if other.added > 0 && cost.added > 0 => {
                format!("{:.2}", cost.added as f64 / other.added as f64)
            }
            _ => "–".to_owned(),
        }
    };
    let rows: Vec<_> = costs
        .iter()
        .map(|cost| {
            vec![
                cost.tracer.clone(),
                cost.instructions.to_string(),
                cost.added.to_string(),
                share(cost, "funclatency"),
                share(cost, "bpftrace kprobe"),
            ]
        })
        .collect();
    table(
        &[
            "attached",
            &format!("instructions of {operation}"),
            "added",
            "× funclatency",
            "× bpftrace kprobe",
        ],
        &rows,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_of_what_is_added() {
        let cost = |tracer: &str, added: i64| Cost {
            tracer: tracer.to_owned(),
            instructions: 1000 + added as u64,
            added,
        };
        let text = rows(
            "a call",
            &[
                cost("nothing", 0),
                cost("volprobe", 400),
                cost("funclatency", 500),
            ],
        );
        assert!(text.contains("| nothing | 1000 | 0 | – | – |"), "{text}");
        assert!(
            text.contains("| volprobe | 1400 | 400 | 0.80 | – |"),
            "{text}"
        );
    }
}
