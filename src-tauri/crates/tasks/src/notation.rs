//! How single values are written: attachments, days, points in time, and the name of a task's file.

use jiff::{Timestamp, civil, tz::TimeZone};
use nox_domain::{At, Size, ids::TaskId, task::Attachment};
use std::path::PathBuf;

/// Longest slug in a file's name, in bytes.
const SLUG_BYTES: usize = 48;

/// An attachment as one text: `doc:<sha256>:<size in bytes>:<name>`, `path:<absolute path>` or `link:<address>`.
pub fn attachment_text(attachment: &Attachment) -> String {
    match attachment {
        Attachment::Document { name, sha256, size_bytes } => format!("doc:{sha256}:{}:{name}", size_bytes.0),
        Attachment::Path { path } => format!("path:{path}"),
        Attachment::Link { url } => format!("link:{url}"),
    }
}

/// Reads what [`attachment_text`] writes; a bare web address and a bare absolute path are understood too.
pub fn read_attachment(text: &str) -> Option<Attachment> {
    if let Some(rest) = text.strip_prefix("doc:") {
        let mut parts = rest.splitn(3, ':');
        let (sha256, size, name) = (parts.next()?, parts.next()?, parts.next()?);
        let hash_fits = sha256.len() == 64 && sha256.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        let size_fits = size.bytes().all(|b| b.is_ascii_digit());
        if !hash_fits || !size_fits || name.is_empty() {
            return None;
        }
        let size_bytes = Size(size.parse().ok()?);
        return Some(Attachment::Document { name: name.to_owned(), sha256: sha256.to_owned(), size_bytes });
    }
    let filled = |rest: &str| (!rest.is_empty()).then(|| rest.to_owned());
    if let Some(rest) = text.strip_prefix("path:") {
        return filled(rest).map(|path| Attachment::Path { path });
    }
    if let Some(rest) = text.strip_prefix("link:") {
        return filled(rest).map(|url| Attachment::Link { url });
    }
    if text.starts_with("https://") || text.starts_with("http://") {
        return Some(Attachment::Link { url: text.to_owned() });
    }
    text.starts_with('/').then(|| Attachment::Path { path: text.to_owned() })
}

/// Why a text is no calendar day, in words, with a day that would be one.
pub(crate) struct BadDay {
    pub(crate) message: String,
    pub(crate) hint: String,
}

/// Checks a calendar day `2026-11-30`.
pub(crate) fn check_day(text: &str) -> Result<(), BadDay> {
    const MONTHS: [&str; 12] = [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ];
    let figures = text.as_bytes();
    let shaped = figures.len() == 10
        && figures
            .iter()
            .enumerate()
            .all(|(i, b)| if i == 4 || i == 7 { *b == b'-' } else { b.is_ascii_digit() });
    let part = |range: std::ops::Range<usize>| text.get(range).and_then(|part| part.parse::<i16>().ok());
    let (true, Some(year), Some(month), Some(day)) = (shaped, part(0..4), part(5..7), part(8..10)) else {
        return Err(BadDay {
            message: format!("“{}” is no calendar day.", text.chars().take(40).collect::<String>()),
            hint: "Write year, month and day as in 2026-11-30.".to_owned(),
        });
    };
    let Some(name) = usize::try_from(month - 1).ok().and_then(|index| MONTHS.get(index)) else {
        return Err(BadDay {
            message: format!("There is no month {month}."),
            hint: "Write year, month and day as in 2026-11-30.".to_owned(),
        });
    };
    let first = civil::Date::new(year, month as i8, 1);
    let last = first.map_or(31, civil::Date::days_in_month);
    if day < 1 || day > i16::from(last) {
        let of_year = if month == 2 { format!(" {year}") } else { String::new() };
        return Err(BadDay {
            message: format!("{name}{of_year} has {last} days."),
            hint: format!("Write a date such as {year:04}-{month:02}-{last:02}."),
        });
    }
    Ok(())
}

/// Reads `2026-11-21T02:11:00Z` with any offset, or a day or a day and time, which are taken as UTC.
pub(crate) fn read_time(text: &str) -> Option<At> {
    let stamp = text.parse::<Timestamp>().ok().or_else(|| {
        let time = text.parse::<civil::DateTime>().ok()?;
        TimeZone::UTC.to_timestamp(time).ok()
    })?;
    Some(At(stamp.as_millisecond()))
}

/// Writes a point in time; none if it lies outside the years that can be written.
pub(crate) fn time_text(at: At) -> Option<String> {
    Timestamp::from_millisecond(at.0).ok().map(|stamp| stamp.to_string())
}

/// Where a task's file is made: `tasks/<year>-<month>/<id>-<slug>.md`. It is never moved later, whatever its title.
pub fn path_of(id: &TaskId, title: &str, created_at: At) -> PathBuf {
    let day =
        Timestamp::from_millisecond(created_at.0).unwrap_or(Timestamp::UNIX_EPOCH).to_zoned(TimeZone::UTC);
    let mut slug = String::new();
    for c in title.chars() {
        if slug.len() >= SLUG_BYTES {
            break;
        }
        if c.is_ascii_alphanumeric() {
            slug.push(c.to_ascii_lowercase());
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
    }
    let slug = slug.trim_end_matches('-');
    let dash = if slug.is_empty() { "" } else { "-" };
    PathBuf::from(format!("tasks/{:04}-{:02}/{id}{dash}{slug}.md", day.year(), day.month()))
}
