//! Changes a part of a file, named by the text that stands there.

use super::{Desk, Look, Tool, boolean, object, place, string, switch, text, write};
use crate::calls::MAX_FILE_BYTES;
use serde_json::Value;

pub(super) const TOOL: Tool = Tool {
    name: "edit",
    description: "Puts one text in the place of another in a file. The old text has to stand there exactly once, with \
                  all of its spaces and line ends; or say all = true to change every place.",
    schema: || {
        let fields = [
            ("path", string("The file")),
            ("old", string("The text that stands there now")),
            ("new", string("The text in its place")),
            ("all", boolean("Change every place where it stands")),
        ];
        object(&fields, 3)
    },
    look,
};

fn look(input: &Value, desk: &Desk) -> Result<Look, String> {
    let place = place::of(text(input, "path")?, desk)?;
    let (old, new) = (text(input, "old")?, text(input, "new")?);
    if old.is_empty() {
        return Err("old is empty; write makes a new file".into());
    }
    let found = std::fs::metadata(&place.path).map_err(|error| format!("{}: {error}", place.short))?;
    if !found.is_file() || found.len() > MAX_FILE_BYTES * 4 {
        return Err(format!("{} is no file, or too large to be edited", place.short));
    }
    let before = std::fs::read_to_string(&place.path).map_err(|error| format!("{}: {error}", place.short))?;
    let all = switch(input, "all");
    let count = before.matches(old).count();
    let after = match (count, all) {
        (0, _) => return Err(format!("the old text does not stand in {}; read it again", place.short)),
        (1, _) | (_, true) => before.replace(old, new),
        (_, false) => {
            return Err(format!(
                "the old text stands {count} times in {}; give more of what is around it, or say all = true",
                place.short
            ));
        }
    };
    write::change(place, after, "Edit", input, desk)
}
