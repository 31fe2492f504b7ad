#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The manager in session mode with the real mail service as its child, on a bus of its own."""
import glob
import os
import shutil
import signal
import smtplib
import socket
import subprocess
import tempfile
import time
import unittest

from gi.repository import Gio, GLib

from support.servers import free_port

MANAGER = "org.pointsman.Manager1"
DEADLINE = 20

SITE = """<?xml version="1.0" encoding="UTF-8"?>
<site xmlns="urn:pointsman:site:1" name="Headquarters" organization="Example">
  <configuration>
    <servers><server name="MAIL1" host="mail1.example.com"/></servers>
    <connections>
      <internet-mail-service server="MAIL1">
        <connections><listen address="127.0.0.1" port="{port}"/></connections>
        <routing><route domain="{domain}"><inbound/></route></routing>
        <mailboxes accept="any"><deliver-to maildir="mail"/></mailboxes>
      </internet-mail-service>
    </connections>
  </configuration>
</site>
"""


def is_alive(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
            return file.read().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


class SessionManager(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="pm-session-")
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.port = free_port()
        self.path = f"{self.folder}/config/site.xml"
        os.mkdir(f"{self.folder}/config")
        self.write(self.site("example.com"))
        self.test_bus = Gio.TestDBus.new(Gio.TestDBusFlags.NONE)
        self.test_bus.up()
        self.addCleanup(self.test_bus.down)
        self.bus = Gio.DBusConnection.new_for_address_sync(
            self.test_bus.get_bus_address(),
            Gio.DBusConnectionFlags.AUTHENTICATION_CLIENT |
            Gio.DBusConnectionFlags.MESSAGE_BUS_CONNECTION, None, None)
        self.addCleanup(self.bus.close_sync)
        self.start()
        self.wait_for("the service", lambda: self.get("ServiceState") == "running")

    def start(self):
        self.manager = subprocess.Popen(
            [os.environ["POINTSMAN_MANAGERD"], "--session", "--config", self.path, "--state-dir",
             f"{self.folder}/state", "--relayd", os.environ["POINTSMAN_RELAYD"]],
            env={**os.environ, "DBUS_SESSION_BUS_ADDRESS": self.test_bus.get_bus_address()},
            stderr=subprocess.DEVNULL)
        self.addCleanup(self.stop)
        self.wait_for("the manager", lambda: self.get("ServiceState") is not None)

    def stop(self):
        if self.manager.poll() is None:
            self.manager.terminate()
        self.manager.wait(DEADLINE)

    def site(self, domain, port=None):
        return SITE.format(port=port or self.port, domain=domain)

    def write(self, text):
        with open(self.path, "w", encoding="utf-8") as file:
            file.write(text)

    def wait_for(self, what, condition):
        end = time.monotonic() + DEADLINE
        while not condition():
            self.assertLess(time.monotonic(), end, f"waited {DEADLINE} s for {what}")
            time.sleep(0.02)

    def call(self, method, signature=None, *values):
        arguments = GLib.Variant(signature, values) if signature else None
        return self.bus.call_sync(MANAGER, "/org/pointsman/Manager1", MANAGER, method, arguments,
                                  None, Gio.DBusCallFlags.NONE, 60000).unpack()

    def get(self, name):
        try:
            reply = self.bus.call_sync(
                MANAGER, "/org/pointsman/Manager1", "org.freedesktop.DBus.Properties", "Get",
                GLib.Variant("(ss)", (MANAGER, name)), None, Gio.DBusCallFlags.NONE, 10000)
        except GLib.Error:
            self.assertIsNone(self.manager.poll(), "the manager has left")
            return None
        return reply.unpack()[0]

    def relay_pid(self):
        try:
            return self.bus.call_sync(
                "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus",
                "GetConnectionUnixProcessID", GLib.Variant("(s)", ("org.pointsman.Relay1",)),
                None, Gio.DBusCallFlags.NONE, 10000).unpack()[0]
        except GLib.Error:
            return None

    def deliver(self, domain):
        with smtplib.SMTP("127.0.0.1", self.port, timeout=DEADLINE) as client:
            client.sendmail("a@elsewhere.example", [f"anna@{domain}"], "Subject: x\r\n\r\nhello\r\n")
        pattern = f"{self.folder}/state/mail/**/new/*"
        self.wait_for("the message", lambda: glob.glob(pattern, recursive=True))
        for path in glob.glob(pattern, recursive=True):
            os.unlink(path)

    def test_apply_and_way_back(self):
        self.assertEqual(self.get("ServiceBackend"), "child")
        self.assertIs(self.get("SessionMode"), True)
        self.deliver("example.com")
        in_force, revision, report, log = self.call(
            "Apply", "(ssssu)", self.site("example.net"), self.get("Revision"), "", "restart", 20)
        self.assertTrue(in_force, (report, log))
        self.assertEqual(self.get("LoadedRevision"), revision)
        self.deliver("example.net")

        in_force, _, report, log = self.call(
            "Apply", "(ssssu)", self.site("example.org"), self.get("Revision"), "", "reload", 20)
        self.assertTrue(in_force, (report, log))
        self.deliver("example.org")

        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            former = self.get("Revision")
            in_force, revision, report, log = self.call(
                "Apply", "(ssssu)", self.site("example.org", port), former, "", "restart", 10)
        self.assertFalse(in_force)
        self.assertEqual(revision, former)
        self.assertIn("runs with it again", report)
        self.assert_names_the_cause(report, port)
        self.assertTrue(any(str(port) in line for line in log), log)
        self.deliver("example.org")

    def assert_names_the_cause(self, text, port):
        self.assertIn(f"exited with status 71: Could not listen on 127.0.0.1 port {port}: Address "
                      "already in use: another program, perhaps another mail server, already "
                      "listens there; stop it or choose another port.", text)

    def test_start_on_a_taken_port(self):
        self.call("StopService")
        with socket.create_server(("127.0.0.1", self.port)):
            for method in ["StartService", "RestartService"]:
                with self.assertRaises(GLib.Error) as caught:
                    self.call(method)
                self.assert_names_the_cause(caught.exception.message, self.port)
        self.call("StartService")
        self.deliver("example.com")

    def test_stopped_stays_stopped(self):
        self.call("StopService")
        self.assertEqual(self.get("ServiceState"), "stopped")
        self.stop()
        self.start()
        self.assertEqual(self.get("ServiceState"), "stopped")
        self.call("StartService")
        self.deliver("example.com")

    def test_child_dies_with_the_manager(self):
        self.wait_for("the relay", lambda: self.relay_pid() is not None)
        pid = self.relay_pid()
        os.kill(self.manager.pid, signal.SIGKILL)
        self.manager.wait(DEADLINE)
        self.wait_for("the end of the child", lambda: not is_alive(pid))

    def test_child_is_taken_along(self):
        self.wait_for("the relay", lambda: self.relay_pid() is not None)
        pid = self.relay_pid()
        self.manager.terminate()
        self.assertEqual(self.manager.wait(DEADLINE), 0)
        self.assertFalse(is_alive(pid))


if __name__ == "__main__":
    unittest.main()
