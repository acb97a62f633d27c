//! What was compiled or fetched last, within a number of bytes. Pure.

use std::collections::HashMap;
use std::sync::Arc;

use super::entry::Compiled;
use super::key::Key;

/// The entries; the ones that were not used for longest go first.
#[derive(Debug)]
pub(super) struct Memory {
    most_bytes: usize,
    bytes: usize,
    /// Counts uses.
    now: u64,
    entries: HashMap<Key, Kept>,
}

#[derive(Debug)]
struct Kept {
    compiled: Arc<Compiled>,
    bytes: usize,
    used: u64,
}

impl Memory {
    pub(super) fn new(most_bytes: usize) -> Self {
        Self {
            most_bytes,
            bytes: 0,
            now: 0,
            entries: HashMap::new(),
        }
    }

    pub(super) fn get(&mut self, key: &Key) -> Option<Arc<Compiled>> {
        self.now += 1;
        let kept = self.entries.get_mut(key)?;
        kept.used = self.now;
        Some(Arc::clone(&kept.compiled))
    }

    /// Keeps an entry that takes so many bytes, if it fits at all.
    pub(super) fn put(&mut self, key: Key, compiled: Arc<Compiled>, bytes: usize) {
        if let Some(replaced) = self.entries.remove(&key) {
            self.bytes -= replaced.bytes;
        }
        if bytes > self.most_bytes {
            return;
        }
        while self.bytes + bytes > self.most_bytes {
            let oldest = self.entries.iter().min_by_key(|(_, kept)| kept.used);
            let Some(oldest) = oldest.map(|(key, _)| key.clone()) else {
                break;
            };
            if let Some(gone) = self.entries.remove(&oldest) {
                self.bytes -= gone.bytes;
            }
        }
        self.now += 1;
        self.bytes += bytes;
        let used = self.now;
        let kept = Kept {
            compiled,
            bytes,
            used,
        };
        self.entries.insert(key, kept);
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::super::key::tests::numbered_key;
    use super::*;

    fn some() -> Arc<Compiled> {
        Arc::new(Compiled {
            said: Bytes::new(),
            files: Vec::new(),
        })
    }

    fn known(memory: &mut Memory, numbers: std::ops::Range<u32>) -> Vec<u32> {
        let there = |number: &u32| memory.get(&numbered_key(*number)).is_some();
        numbers.filter(there).collect()
    }

    #[test]
    fn what_was_not_used_for_longest_goes_first() {
        let mut memory = Memory::new(10);
        for number in 0..3 {
            memory.put(numbered_key(number), some(), 3);
        }
        assert_eq!(known(&mut memory, 0..4), [0, 1, 2]);
        assert!(memory.get(&numbered_key(0)).is_some());
        memory.put(numbered_key(3), some(), 4);
        assert_eq!(known(&mut memory, 0..4), [0, 2, 3]);
    }

    #[test]
    fn the_bound_holds() {
        let mut memory = Memory::new(10);
        memory.put(numbered_key(0), some(), 11);
        assert_eq!(known(&mut memory, 0..1), [] as [u32; 0]);
        for round in 0..100 {
            memory.put(numbered_key(round % 7), some(), round as usize % 6);
            let bytes: usize = memory.entries.values().map(|it| it.bytes).sum();
            assert_eq!(bytes, memory.bytes);
            assert!(bytes <= 10);
        }
    }
}
