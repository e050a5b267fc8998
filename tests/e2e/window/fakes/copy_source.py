"""Another application, which has copied an image: it owns the clipboard until its input ends.

    copy_source.py IMAGE                offers it as a program does that has copied a part of the screen: as an image, no file

Prints the JSON line `{"event": "ready"}` when it owns the clipboard.
"""

import json
import sys

from gi import require_version

require_version("Gdk", "3.0")
require_version("Gtk", "3.0")
from gi.repository import Gdk, GdkPixbuf, GLib, Gtk  # noqa: E402  (the version must be chosen first)


def main():
    """Owns the clipboard."""
    Gtk.Clipboard.get(Gdk.SELECTION_CLIPBOARD).set_image(GdkPixbuf.Pixbuf.new_from_file(sys.argv[1]))
    GLib.io_add_watch(sys.stdin, GLib.IO_HUP, lambda *_: Gtk.main_quit())
    print(json.dumps({"event": "ready"}), flush=True)
    Gtk.main()


if __name__ == "__main__":
    main()
