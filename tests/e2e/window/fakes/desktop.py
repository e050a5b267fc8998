"""A desktop shell for tests: a tray, a notification daemon and a reader of the keychain.

Started by `fakes.mjs`, one per test, on the test's own session bus. It owns the names
`org.kde.StatusNotifierWatcher` and `org.freedesktop.Notifications`, speaks for both as a real shell
would, and writes down all that applications tell it. Standard output carries one JSON object a
line: `{"event": …}` for what happened, `{"reply": n, …}` for the answer to command n. Standard
input carries commands: `{"id": n, "do": …}`. It ends when its input ends.

It judges nothing: what a tray icon means is derived by the test. Every call to an application is
asynchronous, because an application may be waiting for us in the same moment.
"""

import hashlib
import json
import os
import sys
import time

import dbus
import dbus.service
from dbus.mainloop.glib import DBusGMainLoop
from gi import require_version
from gi.repository import GLib

require_version("GdkPixbuf", "2.0")
from gi.repository import GdkPixbuf  # noqa: E402  (the version must be chosen first)

WATCHER = "org.kde.StatusNotifierWatcher"
ITEM = "org.kde.StatusNotifierItem"
MENU = "com.canonical.dbusmenu"
NOTIFICATIONS = "org.freedesktop.Notifications"
SECRETS = "org.freedesktop.secrets"
PROPERTIES = "org.freedesktop.DBus.Properties"
CALL_SECONDS = 5

ICON_SIGNALS = ("NewIcon", "NewAttentionIcon", "NewIconThemePath", "NewTitle", "NewToolTip", "NewStatus",
                "XAyatanaNewLabel")
# What the bus says of an entry that is deleted between the list and the look at it.
GONE = ("org.freedesktop.DBus.Error.UnknownMethod", "org.freedesktop.DBus.Error.UnknownObject",
        "org.freedesktop.Secret.Error.NoSuchObject")


def plain(value):
    """Turns D-Bus types into what `json` can write."""
    if isinstance(value, dbus.Boolean):
        return bool(value)
    if isinstance(value, dict):
        return {str(key): plain(entry) for key, entry in value.items()}
    if isinstance(value, dbus.ByteArray):
        return f"<{len(value)} bytes>"
    if isinstance(value, (list, tuple)):
        if len(value) > 64:
            return f"<{len(value)} values>"
        return [plain(entry) for entry in value]
    if isinstance(value, str):
        return str(value)
    if isinstance(value, int):
        return int(value)
    return float(value)


def told(hear, fail):
    """A callback whose failure is an answer: nobody else would hear of it, and the test would wait for ever."""

    def heard(*values):
        try:
            hear(*values)
        except Exception as error:
            fail(f"{type(error).__name__}: {error}")

    return heard


def tell(message):
    """Writes one line to the test."""
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


def report(event, **fields):
    """Tells the test what happened and when, in milliseconds of UTC."""
    tell({"event": event, "at": int(time.time() * 1000), **fields})


def pixels_digest(path):
    """A digest of a picture's pixels, so that two encodings of one picture are equal; None if unreadable."""
    try:
        picture = GdkPixbuf.Pixbuf.new_from_file(path).add_alpha(False, 0, 0, 0)
    except GLib.Error:
        return None
    digest = hashlib.sha256(f"{picture.get_width()}x{picture.get_height()}".encode())
    pixels, stride = picture.get_pixels(), picture.get_rowstride()
    for row in range(picture.get_height()):
        digest.update(pixels[row * stride:row * stride + picture.get_width() * 4])
    return digest.hexdigest()


class Tray(dbus.service.Object):
    """The watcher and its host: reads every item that registers, again after each of its signals."""

    def __init__(self, bus):
        self.bus = bus
        self.items = {}
        name = dbus.service.BusName(WATCHER, bus, do_not_queue=True)
        super().__init__(name, "/StatusNotifierWatcher")
        bus.add_signal_receiver(self.owner_changed, "NameOwnerChanged", "org.freedesktop.DBus")

    @dbus.service.method(WATCHER, in_signature="s", sender_keyword="sender")
    def RegisterStatusNotifierItem(self, service, sender=None):
        owner, path = (sender, str(service)) if service.startswith("/") else (str(service), "/StatusNotifierItem")
        key = f"{owner}{path}"
        self.items[key] = (owner, path)
        for signal in ICON_SIGNALS:
            self.bus.add_signal_receiver(
                lambda *_args, key=key: self.read(key), signal, ITEM, bus_name=owner, path=path)
        report("tray-registered", item=key)
        self.StatusNotifierItemRegistered(key)
        self.read(key)

    @dbus.service.method(WATCHER, in_signature="s")
    def RegisterStatusNotifierHost(self, _service):
        self.StatusNotifierHostRegistered()

    @dbus.service.signal(WATCHER, signature="s")
    def StatusNotifierItemRegistered(self, item):
        pass

    @dbus.service.signal(WATCHER, signature="s")
    def StatusNotifierItemUnregistered(self, item):
        pass

    @dbus.service.signal(WATCHER)
    def StatusNotifierHostRegistered(self):
        pass

    @dbus.service.method(PROPERTIES, in_signature="ss", out_signature="v")
    def Get(self, _interface, name):
        return self.GetAll(WATCHER)[name]

    @dbus.service.method(PROPERTIES, in_signature="s", out_signature="a{sv}")
    def GetAll(self, _interface):
        return {
            "RegisteredStatusNotifierItems": dbus.Array(list(self.items), signature="s"),
            "IsStatusNotifierHostRegistered": True,
            "ProtocolVersion": dbus.Int32(0),
        }

    def owner_changed(self, name, _old, new):
        for key in [key for key, (owner, _path) in self.items.items() if owner == name and not new]:
            del self.items[key]
            report("tray-gone", item=key)
            self.StatusNotifierItemUnregistered(key)

    def read(self, key):
        if key not in self.items:
            return
        owner, path = self.items[key]
        self.bus.call_async(
            owner, path, PROPERTIES, "GetAll", "s", (ITEM,),
            lambda values: self.seen(key, values),
            lambda error: report("tray-unreadable", item=key, error=str(error)),
            timeout=CALL_SECONDS)

    def seen(self, key, values):
        values = {str(name): value for name, value in values.items()}
        icon = str(values.get("IconName", ""))
        folder = str(values.get("IconThemePath", ""))
        file = icon if os.path.isabs(icon) else os.path.join(folder, f"{icon}.png")
        tooltip = values.get("ToolTip")
        report(
            "tray", item=key, icon=icon, picture=pixels_digest(file), title=str(values.get("Title", "")),
            label=str(values.get("XAyatanaLabel", "")), status=str(values.get("Status", "")),
            tooltip=plain(tooltip) if tooltip else "", menu=str(values.get("Menu", "")), id=str(values.get("Id", "")))

    def only(self, key=None):
        if key is None:
            if len(self.items) != 1:
                raise LookupError(f"{len(self.items)} tray items are registered, so the test must name one")
            key = next(iter(self.items))
        return self.items[key]

    def menu(self, key, answer, fail):
        """Reads the whole menu of an item as nested {id, label, enabled, kind, children}."""
        owner, path = self.only(key)

        def node(raw):
            number, values, children = raw
            return {
                "id": int(number), "label": str(values.get("label", "")).replace("_", ""),
                "enabled": bool(values.get("enabled", True)), "visible": bool(values.get("visible", True)),
                "kind": str(values.get("type", "standard")), "children": [node(child) for child in children],
            }

        def got_layout(_revision, root):
            answer(menu=node(root)["children"])

        def got_path(menu_path):
            self.bus.call_async(
                owner, str(menu_path), MENU, "GetLayout", "iias", (0, -1, []), told(got_layout, fail), fail,
                timeout=CALL_SECONDS)

        self.bus.call_async(owner, path, PROPERTIES, "Get", "ss", (ITEM, "Menu"), told(got_path, fail), fail,
                            timeout=CALL_SECONDS)

    def click(self, key, entry, answer, fail):
        """Clicks the menu entry of this dbusmenu id, as a panel does."""
        owner, path = self.only(key)

        def got_path(menu_path):
            self.bus.call_async(
                owner, str(menu_path), MENU, "Event", "isvu",
                (dbus.Int32(entry), "clicked", dbus.Int32(0, variant_level=1), dbus.UInt32(int(time.time()))),
                lambda: answer(clicked=entry), fail, timeout=CALL_SECONDS)

        self.bus.call_async(owner, path, PROPERTIES, "Get", "ss", (ITEM, "Menu"), told(got_path, fail), fail,
                            timeout=CALL_SECONDS)


class Notifications(dbus.service.Object):
    """A notification daemon that shows nothing and remembers everything."""

    def __init__(self, bus):
        self.next_id = 0
        self.senders = {}
        name = dbus.service.BusName(NOTIFICATIONS, bus, do_not_queue=True)
        super().__init__(name, "/org/freedesktop/Notifications")

    @dbus.service.method(NOTIFICATIONS, in_signature="susssasa{sv}i", out_signature="u", sender_keyword="sender")
    def Notify(self, app, replaces, icon, summary, body, actions, hints, timeout, sender=None):
        number = int(replaces)
        if number == 0:
            self.next_id += 1
            number = self.next_id
        self.senders[number] = sender
        pairs = [str(word) for word in actions]
        report(
            "notification", id=number, app=str(app), icon=str(icon), summary=str(summary), body=str(body),
            actions=[{"key": key, "label": label} for key, label in zip(pairs[::2], pairs[1::2])],
            hints=plain(hints), timeout=int(timeout), replaces=int(replaces))
        return dbus.UInt32(number)

    @dbus.service.method(NOTIFICATIONS, in_signature="u")
    def CloseNotification(self, number):
        report("notification-withdrawn", id=int(number))
        self.NotificationClosed(number, 3)

    @dbus.service.method(NOTIFICATIONS, out_signature="as")
    def GetCapabilities(self):
        return ["actions", "body", "body-markup", "icon-static", "persistence"]

    @dbus.service.method(NOTIFICATIONS, out_signature="ssss")
    def GetServerInformation(self):
        return ("nox-test-desktop", "nox", "1", "1.2")

    @dbus.service.signal(NOTIFICATIONS, signature="us")
    def ActionInvoked(self, number, key):
        pass

    @dbus.service.signal(NOTIFICATIONS, signature="uu")
    def NotificationClosed(self, number, reason):
        pass


def keychain(bus, answer, fail):
    """Lists every secret of the session's keychain: label, attributes and the secret as text."""

    def read(session, path):
        item = bus.get_object(SECRETS, path)
        values = item.GetAll("org.freedesktop.Secret.Item", dbus_interface=PROPERTIES)
        secret = item.GetSecret(session, dbus_interface="org.freedesktop.Secret.Item")
        return {
            "label": str(values["Label"]), "attributes": plain(values["Attributes"]),
            "secret": bytes(secret[2]).decode("utf-8", "replace"),
        }

    def listen(collections):
        service = dbus.Interface(bus.get_object(SECRETS, "/org/freedesktop/secrets"), "org.freedesktop.Secret.Service")
        _output, session = service.OpenSession("plain", dbus.String("", variant_level=1))
        found = []
        for collection in collections:
            inside = bus.get_object(SECRETS, collection)
            for path in inside.Get("org.freedesktop.Secret.Collection", "Items", dbus_interface=PROPERTIES):
                try:
                    found.append(read(session, path))
                except dbus.DBusException as error:
                    if error.get_dbus_name() not in GONE:
                        raise
        answer(secrets=found)

    bus.call_async(
        SECRETS, "/org/freedesktop/secrets", PROPERTIES, "Get", "ss", ("org.freedesktop.Secret.Service", "Collections"),
        told(listen, fail), fail, timeout=CALL_SECONDS)


def main():
    """Serves until standard input ends."""
    DBusGMainLoop(set_as_default=True)
    bus = dbus.SessionBus()
    shell = set(sys.argv[1:]) or {"tray", "notifications"}
    tray = Tray(bus) if "tray" in shell else None
    notes = Notifications(bus) if "notifications" in shell else None
    loop = GLib.MainLoop()

    def obey(command):
        number = command["id"]

        def answer(**fields):
            tell({"reply": number, **fields})

        def fail(error):
            tell({"reply": number, "error": str(error)})

        try:
            what = command["do"]
            if what == "menu":
                tray.menu(command.get("item"), answer, fail)
            elif what == "click-menu":
                tray.click(command.get("item"), command["entry"], answer, fail)
            elif what == "invoke":
                notes.ActionInvoked(dbus.UInt32(command["notification"]), command["key"])
                notes.NotificationClosed(dbus.UInt32(command["notification"]), 2)
                answer()
            elif what == "close":
                notes.NotificationClosed(dbus.UInt32(command["notification"]), dbus.UInt32(command["reason"]))
                answer()
            elif what == "keychain":
                keychain(bus, answer, fail)
            elif what == "has-name":
                answer(owned=bool(bus.name_has_owner(command["name"])))
            elif what == "pictures":
                answer(digests={path: pixels_digest(path) for path in command["paths"]})
            else:
                fail(f"unknown command {what}")
        except Exception as error:  # The test must hear of every failure, whatever it is.
            fail(f"{type(error).__name__}: {error}")

    def read(source, condition):
        line = source.readline() if condition & GLib.IO_IN else ""
        if not line:
            loop.quit()
            return False
        obey(json.loads(line))
        return True

    # Unbuffered, so that a second command cannot hide in a buffer the loop does not watch.
    source = os.fdopen(sys.stdin.fileno(), "rb", buffering=0)
    GLib.io_add_watch(source, GLib.IO_IN | GLib.IO_HUP, read)
    report("ready")
    loop.run()


if __name__ == "__main__":
    main()
