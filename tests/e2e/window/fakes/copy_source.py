"""Another application, which has copied something: it owns the clipboard until its input ends. Or it looks at what was copied.

    copy_source.py image FILE     offers it as a program does that has copied a part of the screen: as an image, no file
    copy_source.py files PATH…    offers files as a file manager does that has copied them: by their addresses
    copy_source.py look           prints the JSON line `{"addresses": […]}` of what is in the clipboard, and ends

Prints the JSON line `{"event": "ready"}` when it owns the clipboard.
"""

import json
import sys

from gi import require_version

require_version("Gdk", "3.0")
require_version("Gtk", "3.0")
from gi.repository import Gdk, GdkPixbuf, GLib, Gtk  # noqa: E402  (the version must be chosen first)

URIS = "text/uri-list"
GNOME = "x-special/gnome-copied-files"


def copy_files(paths):
    """Offers files under each of the names that file managers use."""
    addresses = [GLib.filename_to_uri(path) for path in paths]
    window = Gtk.Invisible()

    def give(_widget, data, _info, _time):
        target = data.get_target().name()
        if target == URIS:
            data.set_uris(addresses)
        elif target == GNOME:
            data.set(data.get_target(), 8, "\n".join(["copy", *addresses]).encode())
        else:
            data.set_text("\n".join(paths), -1)

    window.connect("selection-get", give)
    for name in (GNOME, URIS, "UTF8_STRING", "STRING", "text/plain", "text/plain;charset=utf-8"):
        Gtk.selection_add_target(window, Gdk.SELECTION_CLIPBOARD, Gdk.Atom.intern(name, False), 0)
    if not Gtk.selection_owner_set(window, Gdk.SELECTION_CLIPBOARD, Gdk.CURRENT_TIME):
        raise SystemExit("the clipboard could not be had")
    return window


def main():
    """Owns the clipboard."""
    kind, things = sys.argv[1], sys.argv[2:]
    held = None
    if kind == "look":
        addresses = Gtk.Clipboard.get(Gdk.SELECTION_CLIPBOARD).wait_for_uris()
        print(json.dumps({"addresses": addresses or []}), flush=True)
        return
    if kind == "image":
        Gtk.Clipboard.get(Gdk.SELECTION_CLIPBOARD).set_image(GdkPixbuf.Pixbuf.new_from_file(things[0]))
    else:
        held = copy_files(things)
    GLib.io_add_watch(sys.stdin, GLib.IO_HUP, lambda *_: Gtk.main_quit())
    print(json.dumps({"event": "ready"}), flush=True)
    Gtk.main()
    del held


if __name__ == "__main__":
    main()
