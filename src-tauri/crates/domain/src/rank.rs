//! The order of cards in a column: a text between two texts, so that moving one card rewrites one file only.

const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

fn digit(byte: u8) -> usize {
    DIGITS.iter().position(|known| *known == byte).unwrap_or(0)
}

/// The rank of the first card of all.
const FIRST: &str = "a0";
/// A rank without an answer after so many figures gets none: the ends leave no room.
const MAX_FIGURES: usize = 512;

/// A rank that sorts after `before` and ahead of `after`; `None` is the open end on that side.
///
/// A rank is a whole number with its length in front (`a0` … `az`, `b00` …; downwards `Zz` … `Z0`, `Yzz` …), then a
/// fraction. At an open end the number goes one step on, so that ranks stay short however many cards are put there.
///
/// Ranks compare as bytes. Any text is taken: ranks written by hand that are no numbers, or ends given in the wrong
/// order, never panic. Where there is no room between the ends, the result sorts after `before`.
pub fn between(before: Option<&str>, after: Option<&str>) -> String {
    let low = before.unwrap_or("");
    match after.filter(|high| *high > low) {
        None if low.is_empty() => FIRST.to_owned(),
        None => above(low),
        Some(high) if low.is_empty() => below(high),
        Some(high) => whole_of(low)
            .and_then(step_up)
            .filter(|next| next.as_str() < high)
            .or_else(|| middle(low, high))
            .unwrap_or_else(|| format!("{low}V")),
    }
}

fn above(low: &str) -> String {
    match low.as_bytes()[0] {
        _ if whole_of(low).is_some() => whole_of(low).and_then(step_up),
        first if first < b'a' => Some(FIRST.to_owned()),
        first @ b'a'..=b'y' => Some(number(first + 1, '0')),
        _ => None,
    }
    .unwrap_or_else(|| format!("{low}V"))
}

fn below(high: &str) -> String {
    match (whole_of(high), high.as_bytes()[0]) {
        // The number alone sorts ahead of itself with a fraction.
        (Some(whole), _) if whole.len() < high.len() => Some(whole.to_owned()),
        (Some(whole), _) => step_down(whole),
        (None, first @ b'B'..=b'Z') => Some(number(first - 1, 'z')),
        (None, first) if first >= b'a' => Some(number(b'Z', 'z')),
        _ => None,
    }
    .or_else(|| middle("", high))
    .unwrap_or_else(|| "V".to_owned())
}

/// How many figures follow this letter; none if it begins no number.
fn length_after(letter: u8) -> Option<usize> {
    match letter {
        b'a'..=b'z' => Some(usize::from(letter - b'a') + 1),
        b'A'..=b'Z' => Some(usize::from(b'Z' - letter) + 1),
        _ => None,
    }
}

fn number(letter: u8, figure: char) -> String {
    let figures = std::iter::repeat_n(figure, length_after(letter).unwrap_or(1));
    std::iter::once(char::from(letter)).chain(figures).collect()
}

/// The number that a rank begins with; none if it is not of that form.
fn whole_of(rank: &str) -> Option<&str> {
    let length = length_after(*rank.as_bytes().first()?)?;
    let whole = rank.get(..=length)?;
    whole.bytes().all(|byte| byte.is_ascii_alphanumeric()).then_some(whole)
}

fn step_up(whole: &str) -> Option<String> {
    let mut figures = whole.as_bytes().to_vec();
    for figure in figures[1..].iter_mut().rev() {
        match DIGITS.get(digit(*figure) + 1) {
            Some(next) => {
                *figure = *next;
                return String::from_utf8(figures).ok();
            }
            None => *figure = DIGITS[0],
        }
    }
    match figures[0] {
        b'z' => None,
        b'Z' => Some(FIRST.to_owned()),
        letter => Some(number(letter + 1, '0')),
    }
}

fn step_down(whole: &str) -> Option<String> {
    let mut figures = whole.as_bytes().to_vec();
    for figure in figures[1..].iter_mut().rev() {
        match digit(*figure).checked_sub(1) {
            Some(next) => {
                *figure = DIGITS[next];
                return String::from_utf8(figures).ok();
            }
            None => *figure = DIGITS[DIGITS.len() - 1],
        }
    }
    match figures[0] {
        b'A' => None,
        b'a' => Some(number(b'Z', 'z')),
        letter => Some(number(letter - 1, 'z')),
    }
}

/// The shortest text half way between two; none if there is no room, or if they are not letters and figures.
fn middle(low: &str, high: &str) -> Option<String> {
    let mut rank = String::new();
    let mut bounded = true;
    for at in 0..MAX_FIGURES {
        let floor = low.as_bytes().get(at).map_or(0, |byte| digit(*byte));
        let ceiling = match bounded {
            true => high.as_bytes().get(at).map_or(0, |byte| digit(*byte)),
            false => DIGITS.len(),
        };
        if ceiling > floor + 1 {
            rank.push(char::from(DIGITS[floor + (ceiling - floor) / 2]));
            return (rank.as_str() > low && rank.as_str() < high).then_some(rank);
        }
        // One step apart: keep the lower figure; what follows is free of the upper end.
        bounded &= ceiling <= floor;
        rank.push(char::from(DIGITS[floor]));
    }
    None
}

#[cfg(test)]
mod tests {
    use super::between;
    use proptest::prelude::*;

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
        for _ in 0..20_000 {
            let front = between(None, Some(&first));
            assert!(front < first && front.len() < 16, "{front} < {first}");
            first = front;
            let back = between(Some(&last), None);
            assert!(back > last && back.len() < 16, "{back} > {last}");
            last = back;
        }
    }

    #[test]
    fn ranks_of_another_form_are_gone_on_from() {
        for odd in ["V", "F", "0V", "a", "Z", "zz", "9", "k3", "VVVVVV", "Vz", "~~", "A", "é"] {
            let (mut first, mut last) = (odd.to_owned(), odd.to_owned());
            for _ in 0..50 {
                let (front, back) = (between(None, Some(&first)), between(Some(&last), None));
                assert!(front < first && front.len() < 40, "{front} < {first}");
                assert!(back > last && back.len() < 60, "{back} > {last}");
                (first, last) = (front, back);
            }
        }
    }

    proptest! {
        #[test]
        fn any_two_letters_and_figures_have_something_between(a in "[0-9A-Za-z]{0,6}[1-9A-Za-z]", b in "[0-9A-Za-z]{0,6}[1-9A-Za-z]") {
            let (low, high) = if a < b { (a, b) } else { (b, a) };
            let rank = between(Some(&low), Some(&high));
            prop_assert!(low < rank && (low == high || rank < high), "{low} < {rank} < {high}");
            prop_assert!(between(None, Some(&low)) < low);
            prop_assert!(between(Some(&high), None) > high);
        }

        #[test]
        fn no_texts_make_it_panic(a in "\\PC{0,6}", b in "\\PC{0,6}") {
            prop_assert!(between(Some(&a), Some(&b)) > a);
        }
    }

    #[test]
    fn odd_ranks_do_not_panic() {
        let _ = between(Some("~~"), Some("!!"));
        let _ = between(Some("b"), Some("a"));
        let _ = between(Some("a"), Some("a"));
    }
}
