//! Maps that do not grow without end, whatever a stream holds.

use std::collections::BTreeMap;

/// Entries a map of totals holds at most. The kernel's own tables are far
/// smaller; this bounds what a hostile recording can ask for.
pub(super) const MAX_ENTRIES: usize = 1 << 16;

/// Inserts or replaces; 1 if that would have been one entry too many.
pub(super) fn insert<K: Ord, V>(map: &mut BTreeMap<K, V>, key: K, value: V) -> u64 {
    if map.len() >= MAX_ENTRIES && !map.contains_key(&key) {
        return 1;
    }
    map.insert(key, value);
    0
}

/// The entry of `key`, made if there is none; none if that is one too many.
pub(super) fn entry<K: Ord, V: Default>(map: &mut BTreeMap<K, V>, key: K) -> Option<&mut V> {
    if map.len() >= MAX_ENTRIES && !map.contains_key(&key) {
        return None;
    }
    Some(map.entry(key).or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bound_refuses_new_entries_only() {
        let mut map: BTreeMap<usize, usize> = (0..MAX_ENTRIES).map(|i| (i, 0)).collect();
        assert_eq!(insert(&mut map, MAX_ENTRIES, 1), 1);
        assert_eq!(insert(&mut map, 7, 1), 0);
        assert!(entry(&mut map, MAX_ENTRIES).is_none());
        assert_eq!(entry(&mut map, 7), Some(&mut 1));
    }
}
