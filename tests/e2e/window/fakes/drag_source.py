"""Another application, to drag things from: a small window whose surface is a real drag source.

Started by `Desk.drop`, it offers what its arguments say over the X drag-and-drop protocol, exactly as a
file manager would, and prints one JSON line for each thing that happens: `ready` with its place on the
screen, `begin`, `sent` when the target has asked for the data, `end` with the target's verdict. It ends
after the drag or when its input ends.

    drag_source.py X Y files PATH…      text/uri-list of file addresses
    drag_source.py X Y links ADDRESS…   text/uri-list and text
    drag_source.py X Y text  TEXT       plain text
"""

import json
import sys

from gi import require_version

require_version("Gdk", "3.0")
require_version("Gtk", "3.0")
from gi.repository import Gdk, GLib, Gtk  # noqa: E402  (the version must be chosen first)

SIDE = 48


def tell(event, **fields):
    """Writes one line to the test."""
    sys.stdout.write(json.dumps({"event": event, **fields}) + "\n")
    sys.stdout.flush()


def main():
    """Shows the source until its drag has ended."""
    x, y, kind, things = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4:]
    # A pop-up is not managed: it has no frame, lies on top and gets no focus, so the target keeps its own.
    window = Gtk.Window(type=Gtk.WindowType.POPUP)
    window.set_default_size(SIDE, SIDE)
    window.move(x, y)
    surface = Gtk.EventBox()
    window.add(surface)
    surface.drag_source_set(Gdk.ModifierType.BUTTON1_MASK, [], Gdk.DragAction.COPY)
    surface.drag_source_set_icon_name("text-x-generic")
    targets = Gtk.TargetList.new([])
    if kind in ("files", "links"):
        targets.add_uri_targets(0)
    if kind in ("text", "links"):
        targets.add_text_targets(1)
    surface.drag_source_set_target_list(targets)

    def give(_widget, _context, data, _info, _time):
        target = data.get_target().name()
        if target == "text/uri-list":
            data.set_uris([GLib.filename_to_uri(path) for path in things] if kind == "files" else things)
        else:
            data.set_text("\n".join(things), -1)
        tell("sent", target=target)

    def refuse(_widget, _context, result):
        tell("refused", why=result.value_nick)
        return True  # No animation back to where it came from.

    def end(_widget, context):
        tell("end", action=context.get_selected_action().value_nicks if context.get_selected_action() else [])
        Gtk.main_quit()

    surface.connect("drag-begin", lambda *_: tell("begin"))
    surface.connect("drag-data-get", give)
    surface.connect("drag-failed", refuse)
    surface.connect("drag-end", end)
    GLib.io_add_watch(sys.stdin, GLib.IO_HUP, lambda *_: Gtk.main_quit())
    window.connect("map-event", lambda *_: tell("ready", x=x, y=y, side=SIDE))
    window.show_all()
    Gtk.main()


if __name__ == "__main__":
    main()
