//! The order of cards in a column: a text between two texts, so that moving one card rewrites one file only.

const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

fn digit(byte: u8) -> usize {
    DIGITS.iter().position(|known| *known == byte).unwrap_or(0)
}

/// A rank that sorts after `before` and ahead of `after`; `None` is the open end on that side.
///
/// Ranks compare as bytes. Ranks written by hand that are not letters and figures, or ends given in the wrong order,
/// never panic: the result then simply sorts after `before`.
pub fn between(before: Option<&str>, after: Option<&str>) -> String {
    let low = before.unwrap_or("").as_bytes();
    let high = after.map(str::as_bytes).filter(|high| *high > low);
    let mut rank = Vec::new();
    let mut at = 0;
    let mut bounded = high.is_some();
    loop {
        let floor = low.get(at).map_or(0, |b| digit(*b));
        let ceiling = match high {
            Some(high) if bounded => high.get(at).map_or(0, |b| digit(*b)),
            _ => DIGITS.len(),
        };
        if ceiling > floor + 1 {
            rank.push(DIGITS[floor + (ceiling - floor) / 2]);
            break;
        }
        if ceiling > floor {
            // One step apart: keep the lower digit; what follows is free of the upper end.
            bounded = false;
        }
        rank.push(DIGITS[floor]);
        at += 1;
        if at > 512 {
            rank.push(b'V');
            break;
        }
    }
    String::from_utf8_lossy(&rank).into_owned()
}

#[cfg(test)]
mod tests {
    use super::between;

    #[test]
    fn many_inserts_at_any_place_keep_the_order() {
        let mut ranks = vec![between(None, None)];
        let mut seed = 7u64;
        for _ in 0..2_000 {
            seed = seed.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            let at = (seed >> 33) as usize % (ranks.len() + 1);
            let before = at.checked_sub(1).map(|i| ranks[i].clone());
            let after = ranks.get(at).cloned();
            let rank = between(before.as_deref(), after.as_deref());
            if let Some(before) = &before {
                assert!(*before < rank, "{before} < {rank}");
            }
            if let Some(after) = &after {
                assert!(rank < *after, "{rank} < {after}");
            }
            ranks.insert(at, rank);
        }
        assert!(ranks.iter().map(String::len).max() < Some(64));
    }

    #[test]
    fn always_at_the_front_and_always_at_the_end_stay_in_order() {
        let mut first = between(None, None);
        let mut last = first.clone();
        for _ in 0..300 {
            let front = between(None, Some(&first));
            assert!(front < first);
            first = front;
            let back = between(Some(&last), None);
            assert!(back > last);
            last = back;
        }
    }

    #[test]
    fn odd_ranks_do_not_panic() {
        let _ = between(Some("~~"), Some("!!"));
        let _ = between(Some("b"), Some("a"));
        let _ = between(Some("a"), Some("a"));
    }
}
