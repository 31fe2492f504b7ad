#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""pointsmanctl with the real manager and the real mail service, on a bus of its own."""
import glob
import json
import os
import shutil
import signal
import smtplib
import socket
import subprocess
import tempfile
import unittest

from gi.repository import Gio, GLib

from support.servers import Nsd, free_port, wait_for

MANAGER = "org.pointsman.Manager1"
DEADLINE = 20

SITE = """<?xml version="1.0" encoding="UTF-8"?>
<site xmlns="urn:pointsman:site:1" name="Headquarters" organization="Example">
  <configuration>
    <servers>
      <server name="MAIL1" host="mail1.example.com"><address ip="192.0.2.10"/></server>
    </servers>
    <connections>
      <internet-mail-service server="MAIL1">
        <connections><listen address="127.0.0.1" port="{port}"/></connections>
        <routing>
          <!-- kept through every edit -->
          <route domain="example.com"><inbound/></route>
        </routing>
        <mailboxes accept="any"><deliver-to maildir="mail"/></mailboxes>
      </internet-mail-service>
    </connections>
  </configuration>
</site>
"""
ZONE = """$ORIGIN {name}.
$TTL 60
@ IN SOA ns hostmaster 1 60 60 60 60
@ IN NS ns
ns IN A 127.0.0.1
{records}
"""


class SessionControl(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="pm-ctl-session-")
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.port = free_port()
        self.path = f"{self.folder}/config/site.xml"
        self.record = f"{self.folder}/state/history/apply"
        os.mkdir(f"{self.folder}/config")
        self.write(SITE.format(port=self.port))
        self.test_bus = Gio.TestDBus.new(Gio.TestDBusFlags.NONE)
        self.test_bus.up()
        self.addCleanup(self.test_bus.down)
        self.environment = {**os.environ, "LC_ALL": "C.UTF-8", "HOME": self.folder,
                            "DBUS_SESSION_BUS_ADDRESS": self.test_bus.get_bus_address()}
        self.bus = Gio.DBusConnection.new_for_address_sync(
            self.test_bus.get_bus_address(),
            Gio.DBusConnectionFlags.AUTHENTICATION_CLIENT |
            Gio.DBusConnectionFlags.MESSAGE_BUS_CONNECTION, None, None)
        self.addCleanup(self.bus.close_sync)
        self.start()

    def start(self):
        self.manager = subprocess.Popen(
            [os.environ["POINTSMAN_MANAGERD"], "--session", "--config", self.path, "--state-dir",
             f"{self.folder}/state", "--relayd", os.environ["POINTSMAN_RELAYD"]],
            env=self.environment, stderr=subprocess.DEVNULL)
        self.addCleanup(self.stop, self.manager)
        wait_for(lambda: self.owner(MANAGER), "the manager", process=self.manager)
        wait_for(lambda: self.status()["state"] == "running", "the service", process=self.manager)

    @staticmethod
    def stop(manager):
        if manager.poll() is None:
            manager.terminate()
        manager.wait(DEADLINE)

    def owner(self, name):
        try:
            return self.bus.call_sync(
                "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus",
                "GetConnectionUnixProcessID", GLib.Variant("(s)", (name,)), None,
                Gio.DBusCallFlags.NONE, 10000).unpack()[0]
        except GLib.Error:
            return None

    def write(self, text):
        with open(self.path, "w", encoding="utf-8") as file:
            file.write(text)

    def read(self):
        with open(self.path, encoding="utf-8") as file:
            return file.read()

    def ctl(self, *words, status=0):
        done = subprocess.run([os.environ["POINTSMANCTL"], "--session", *words],
                              capture_output=True, text=True, env=self.environment, timeout=60,
                              check=False)
        self.assertEqual(done.returncode, status, f"{words}: {done.stdout}{done.stderr}")
        return done.stdout if status == 0 else done.stderr

    def json(self, *words):
        return json.loads(self.ctl("--json", *words))

    def status(self):
        return self.json("service", "status")

    def send(self, *recipients, sender="someone@elsewhere.example"):
        with smtplib.SMTP("127.0.0.1", self.port, timeout=DEADLINE) as client:
            client.sendmail(sender, recipients, "Subject: x\r\n\r\nhello\r\n")

    def wait_delivered(self, words="hello"):
        def found():
            for path in glob.glob(f"{self.folder}/state/mail/**/new/*", recursive=True):
                with open(path, encoding="utf-8") as file:
                    text = file.read()
                if words in text:
                    os.unlink(path)
                    return text
            return None
        return wait_for(found, f"a message with “{words}”")

    def test_route_to_mail(self):
        with self.assertRaises(smtplib.SMTPRecipientsRefused):
            self.send("anna@example.net")
        saved = self.ctl("route", "add", "example.net", "--comment", "For them")
        self.assertIn("--session service restart", saved)
        self.assertFalse(self.status()["inForce"])
        with self.assertRaises(smtplib.SMTPRecipientsRefused):
            self.send("anna@example.net")
        self.assertTrue(self.json("service", "restart")["inForce"])
        self.send("anna@example.net")
        self.wait_delivered()
        self.assertIn("<!-- kept through every edit -->", self.read())
        self.ctl("route", "remove", "example.net")
        self.ctl("service", "reload")
        self.assertTrue(self.status()["inForce"])
        with self.assertRaises(smtplib.SMTPRecipientsRefused):
            self.send("anna@example.net")
        self.ctl("service", "stop")
        self.assertEqual(self.status()["state"], "stopped")
        self.assertIn("does not run", self.ctl("queue", "list", status=3))
        self.assertIn("does not run", self.ctl("service", "reload", status=1))
        self.ctl("service", "start")
        overview = self.json("status")
        self.assertEqual(overview["relay"]["listening"], [f"127.0.0.1:{self.port}"])

    def test_history(self):
        first = self.status()["revision"]
        self.ctl("route", "add", "example.net", "--comment", "second")
        self.ctl("route", "add", "example.org", "--comment", "third")
        history = self.json("site", "history")
        self.assertEqual([entry["comment"] for entry in history[:2]], ["third", "second"])
        self.assertEqual(history[-1]["revision"], first)
        difference = self.json("site", "diff", first[:10])
        self.assertEqual({change["kind"] for change in difference}, {"added"})
        self.assertEqual(len(difference), 2)
        self.ctl("site", "revert", first[:10])
        self.assertEqual(self.read(), SITE.format(port=self.port))
        self.assertEqual(self.json("site", "diff", first[:10]), [])
        self.assertEqual(self.status()["revision"], first)
        self.assertIn("no revision", self.ctl("site", "revert", "0123456789", status=1))
        # What a person does to the file by hand is a revision like any other.
        self.write(self.read().replace("example.com\"><inbound", "hand.example\"><inbound"))
        self.assertEqual(self.json("site", "history")[0]["comment"], "edited outside Pointsman")

    def test_conflict(self):
        base = self.status()["revision"]
        self.ctl("route", "add", "example.net")
        with self.assertRaises(GLib.Error) as caught:
            self.bus.call_sync(MANAGER, "/org/pointsman/Manager1", MANAGER, "WriteSite",
                               GLib.Variant("(sss)", (SITE.format(port=self.port), base, "")),
                               None, Gio.DBusCallFlags.NONE, 10000)
        self.assertIn("org.pointsman.Error.Conflict", caught.exception.message)
        self.assertIn("example.net", self.read())

        # Many at once: each is done or told, and nothing that was done is lost.
        writers = {f"d{i}.example": subprocess.Popen(
            [os.environ["POINTSMANCTL"], "--session", "route", "add", f"d{i}.example"],
            env=self.environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
            for i in range(6)}
        added = set()
        for domain, writer in writers.items():
            _, reason = writer.communicate(timeout=60)
            self.assertIn(writer.returncode, (0, 1), reason)
            if writer.returncode == 0:
                added.add(domain)
            else:
                self.assertRegex(reason, "has changed meanwhile|Another change is under way")
        self.assertTrue(added)
        listed = {route["domain"] for route in self.json("route", "list")}
        self.assertEqual(listed, added | {"example.com", "example.net"})

    def test_queue(self):
        self.ctl("route", "add", "waits.example", "--forward", f"127.0.0.1:{free_port()}")
        self.ctl("service", "restart")
        self.send("anna@waits.example", "bert@waits.example", sender="boss@example.com")
        self.send("carla@waits.example")
        waiting = wait_for(
            lambda: [m for m in self.json("queue", "list") if m["state"] == "deferred"][1:] and
            self.json("queue", "list"), "two messages that wait")
        first = next(m for m in waiting if m["sender"] == "boss@example.com")
        self.assertEqual(sorted(first["recipients"]), ["anna@waits.example", "bert@waits.example"])
        self.assertGreaterEqual(first["attempts"], 1)
        self.assertNotEqual(first["lastReply"], "")
        self.assertEqual(self.json("queue", "list", "--queue", "inbound"), [])
        shown = self.json("queue", "show", str(first["id"]))
        self.assertIn("Subject: x", shown["header"])
        self.assertEqual(len(shown["recipients"]), 2)
        self.assertEqual(self.json("queue", "retry", "--all")["count"], 2)
        wait_for(lambda: next(m for m in self.json("queue", "list")
                              if m["id"] == first["id"])["attempts"] > first["attempts"],
                 "another attempt")
        self.ctl("queue", "show", "999999", status=1)
        self.assertEqual(self.json("queue", "delete", str(first["id"]))["count"], 1)
        self.wait_delivered("anna@waits.example")
        rest = wait_for(lambda: len(self.json("queue", "list")) == 1 and self.json("queue", "list"),
                        "the report to leave")
        self.assertEqual(self.json("queue", "delete", "--no-report", str(rest[0]["id"]))["count"], 1)
        self.assertEqual(self.json("queue", "list"), [])

    def test_check(self):
        good = "@ IN MX 10 mail1.example.com.\n@ IN MX 20 mail1.example.com."
        nsd = Nsd({"example.com": ZONE.format(name="example.com",
                                              records=f"{good}\nmail1 IN A 192.0.2.10"),
                   "far.example": ZONE.format(name="far.example",
                                              records="@ IN MX 10 mx\nmx IN A 192.0.2.77")})
        self.addCleanup(nsd.close)
        server = f"127.0.0.1@{nsd.port}"
        self.assertIn("mail1.example.com", self.ctl("check", "example.com", "--dns", server))
        self.ctl("route", "add", "far.example")
        reason = self.ctl("check", "far.example", "--dns", server, status=1)
        self.assertIn("far.example", reason)

    def test_manager_killed_in_apply(self):
        former = self.status()["revision"]
        relay = wait_for(lambda: self.owner("org.pointsman.Relay1"), "the relay")
        wanted = self.read().replace("example.com\"><inbound", "next.example\"><inbound")
        os.kill(relay, signal.SIGSTOP)
        answers = []
        self.bus.call(MANAGER, "/org/pointsman/Manager1", MANAGER, "Apply",
                      GLib.Variant("(ssssu)", (wanted, former, "", "restart", 20)), None,
                      Gio.DBusCallFlags.NONE, 60000, None,
                      lambda bus, result: answers.append(result))
        wait_for(lambda: self.read() == wanted, "the new site on disk")
        self.assertTrue(os.path.exists(self.record))
        self.assertIn("Another change is under way", self.ctl("service", "stop", status=1))
        self.manager.kill()
        self.manager.wait(DEADLINE)
        os.kill(relay, signal.SIGKILL)
        wait_for(lambda: self.owner("org.pointsman.Relay1") is None, "the end of the relay")
        self.start()
        wait_for(lambda: not os.path.exists(self.record), "the next manager to be done")
        status = self.status()
        self.assertNotEqual(status["revision"], former)
        self.assertTrue(status["inForce"])
        self.assertEqual(len(self.json("site", "history")), 2)
        self.send("anna@next.example")
        self.wait_delivered()


if __name__ == "__main__":
    unittest.main()
