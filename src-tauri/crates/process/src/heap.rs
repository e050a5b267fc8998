//! The memory of this process that is free, but kept by its allocator.
#![allow(unsafe_code)]

/// Gives memory that nothing uses back to the system. Worth its milliseconds after work that needed much for a moment: a
/// start, an import, a compaction. Does nothing where the allocator does it by itself.
pub fn give_back_memory() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // SAFETY: malloc_trim takes a number and may be called at any time from any thread.
    unsafe {
        libc::malloc_trim(0);
    }
}

#[cfg(all(test, target_os = "linux", target_env = "gnu"))]
#[allow(clippy::expect_used)]
mod tests {
    use super::give_back_memory;

    fn resident_bytes() -> u64 {
        let statm = std::fs::read_to_string("/proc/self/statm").expect("this process");
        statm.split(' ').nth(1).and_then(|pages| pages.parse::<u64>().ok()).expect("a number") * 4096
    }

    #[test]
    fn what_was_freed_between_what_stays_goes_back() {
        let mut pieces: Vec<Option<Vec<u8>>> = (0..64 * 1024).map(|_| Some(vec![1; 1000])).collect();
        // Every 64th stays, so that the end of the heap is never free.
        for (nth, piece) in pieces.iter_mut().enumerate() {
            if nth % 64 != 0 {
                *piece = None;
            }
        }
        let before = resident_bytes();
        give_back_memory();
        let after = resident_bytes();
        assert!(after + 40_000_000 < before, "{before} bytes before, {after} after");
        assert_eq!(pieces.iter().flatten().count(), 1024);
    }
}
