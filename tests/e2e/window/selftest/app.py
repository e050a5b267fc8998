#!/usr/bin/python3
"""A stand-in for the app, for the harness's own test only: a web view, a tray item, a notification.

It shows that the desk sees what a real application does. It is no model of Nox.
"""

import os
import signal

import dbus
from dbus.mainloop.glib import DBusGMainLoop
from gi import require_version

require_version("Gtk", "3.0")
require_version("WebKit2", "4.1")
require_version("AyatanaAppIndicator3", "0.1")
from gi.repository import AyatanaAppIndicator3 as Tray  # noqa: E402
from gi.repository import Gtk, WebKit2  # noqa: E402

HERE = os.path.dirname(os.path.realpath(__file__))


def main():
    """Runs until it is ended."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    DBusGMainLoop(set_as_default=True)
    bus = dbus.SessionBus()

    indicator = Tray.Indicator.new("stand-in", "tray-idle", Tray.IndicatorCategory.APPLICATION_STATUS)
    indicator.set_status(Tray.IndicatorStatus.ACTIVE)
    menu = Gtk.Menu()
    work = Gtk.MenuItem(label="Work")
    work.connect("activate", lambda *_: indicator.set_icon_full("tray-running", "running"))
    leave = Gtk.MenuItem(label="Quit")
    leave.connect("activate", lambda *_: Gtk.main_quit())
    for entry in (work, leave):
        menu.append(entry)
    menu.show_all()
    indicator.set_menu(menu)

    context = WebKit2.WebContext.new_ephemeral()
    context.set_automation_allowed(True)
    content = WebKit2.UserContentManager()
    content.register_script_message_handler("notify")
    page = WebKit2.WebView(web_context=context, user_content_manager=content, is_controlled_by_automation=True)

    def automate(_context, session):
        # The driver accepts an application only under the name that it was asked for.
        about = WebKit2.ApplicationInfo()
        about.set_name("wry")
        session.set_application_info(about)
        session.connect("create-web-view", lambda *_: page)

    context.connect("automation-started", automate)

    notes = dbus.Interface(
        bus.get_object("org.freedesktop.Notifications", "/org/freedesktop/Notifications"), "org.freedesktop.Notifications")

    def notify(_content, message):
        notes.Notify("stand-in", 0, "", "Stand-in", message.get_js_value().to_string(), ["default", "Open"], {}, -1)

    def opened(_number, key):
        page.evaluate_javascript(f"document.getElementById('said').textContent = 'opened by {key}'", -1, None, None, None, None)

    content.connect("script-message-received::notify", notify)
    bus.add_signal_receiver(opened, "ActionInvoked", "org.freedesktop.Notifications")

    window = Gtk.Window(title="Stand-in")
    window.set_default_size(900, 600)
    window.connect("destroy", lambda *_: Gtk.main_quit())
    window.add(page)
    with open(os.path.join(HERE, "page.html"), encoding="utf-8") as file:
        page.load_html(file.read(), "file:///")
    window.show_all()
    Gtk.main()


if __name__ == "__main__":
    main()
