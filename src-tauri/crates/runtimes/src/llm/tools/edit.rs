//! Changes a part of a file, named by the text that stands there.

use super::{Desk, Look, Tool, boolean, object, place, string, switch, text, write};
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
    let (old, new) = (text(input, "old")?.to_owned(), text(input, "new")?.to_owned());
    if old.is_empty() {
        return Err("old is empty; write makes a new file".into());
    }
    write::change(place, write::Change::Part { old, new, all: switch(input, "all") }, "Edit", input, desk)
}
