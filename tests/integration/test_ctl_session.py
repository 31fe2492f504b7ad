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

from support.relay import Sink
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
        # One of them finds that the host is still dead; the other need not find it too.
        wait_for(lambda: sum(m["attempts"] for m in self.json("queue", "list")) >
                 sum(m["attempts"] for m in waiting), "another attempt")
        self.ctl("queue", "show", "999999", status=1)
        self.assertEqual(self.json("queue", "delete", str(first["id"]))["count"], 1)
        self.wait_delivered("anna@waits.example")
        rest = wait_for(lambda: len(self.json("queue", "list")) == 1 and self.json("queue", "list"),
                        "the report to leave")
        self.assertEqual(self.json("queue", "delete", "--no-report", str(rest[0]["id"]))["count"], 1)
        self.assertEqual(self.json("queue", "list"), [])

    def fill(self):
        """Three messages that wait for a host that is not there; their numbers."""
        self.sink = Sink()
        self.addCleanup(self.sink.close)
        self.ctl("route", "add", "waits.example", "--forward", f"127.0.0.1:{free_port()}")
        self.ctl("service", "restart")
        for name in ("anna", "bert", "carla"):
            self.send(f"{name}@waits.example", sender=f"{name}@example.com")
        wait_for(lambda: [m["state"] for m in self.json("queue", "list")] == ["deferred"] * 3,
                 "what waits")
        return {m["sender"].split("@")[0]: str(m["id"]) for m in self.json("queue", "list")}

    def count(self, *words):
        return self.json("queue", *words)["count"]

    def test_queue_by_filter(self):
        ids = self.fill()
        for words, n in [((), 3), (("--sender", "anna@*"), 1), (("--domain", "waits.example"), 3),
                         (("--recipient", "B*@waits.example"), 1), (("--older-than", "1d"), 0),
                         (("--newer-than", "1d"), 3), (("--state", "held"), 0),
                         (("--sender-domain", "example.com", "--queue", "outbound"), 3),
                         (("--queue", "inbound"), 0), (("--reason", "no such words"), 0)]:
            with self.subTest(words):
                self.assertEqual(len(self.json("queue", "list", *words)), n)
        self.assertIn("none of", self.ctl("queue", "list", "--state", "odd", status=1))
        row, = self.json("queue", "summary")
        self.assertEqual((row["queue"], row["recipients"], row["ages"]),
                         ("outbound", 3, [3, 0, 0, 0]))
        self.assertIn(row["destination"], self.ctl("queue", "summary"))

        self.assertEqual(self.count("hold", "--sender", "anna@*"), 1)
        self.assertEqual([m["state"] for m in self.json("queue", "list", "--state", "held")],
                         ["held"])
        self.assertEqual(self.count("priority", ids["anna"], "--set", "5"), 1)
        self.assertEqual(self.count("redirect", ids["anna"], "--to",
                                    f"127.0.0.1:{self.sink.port}"), 1)
        self.assertIn("is not a host", self.ctl("queue", "redirect", "--all", "--to", "a b",
                                                status=1))
        self.assertEqual(self.count("release", "--state", "held"), 1)
        self.assertIn("anna@example.com", self.sink.get()[0])
        wait_for(lambda: len(self.json("queue", "list")) == 2, "what was redirected has gone")
        self.assertEqual(self.count("delete", "--no-report", "--recipient", "bert@*"), 1)
        self.assertEqual(self.count("retry", "--domain", "waits.example"), 1)
        self.assertEqual(self.count("delete", "--no-report", "--all"), 1)
        self.assertEqual(self.json("queue", "list"), [])

        events = [e["event"] for e in self.json("tracking", "show", ids["anna"])]
        self.assertEqual([e for e in events if e in ("accepted", "held", "redirected", "released",
                                                     "relayed")],
                         ["accepted", "held", "redirected", "released", "relayed"])
        deleted = self.json("tracking", "list", "--event", "deleted")
        self.assertEqual([str(e["message"]) for e in deleted], [ids["carla"], ids["bert"]])
        self.assertEqual(len(self.json("tracking", "list", "--limit", "2")), 2)
        self.assertEqual(self.json("tracking", "list", "--sender", "bert@example.com",
                                   "--until", "2001-01-01"), [])
        text = self.ctl("tracking", "list", "--sender", "bert@example.com")
        self.assertIn("accepted", text)
        self.assertNotIn("carla", text)
        self.ctl("tracking", "list", "--since", "yesterday", status=2)
        self.assertEqual(self.json("tracking", "show", "424242"), [])

    def test_export(self):
        ids = self.fill()
        text = self.ctl("queue", "export", ids["anna"])
        self.assertTrue(text.startswith("Received:"), text)
        self.assertTrue(text.endswith("Subject: x\n\nhello\n"), text)
        path = f"{self.folder}/anna.eml"
        self.ctl("queue", "export", ids["anna"], path)
        with open(path, encoding="utf-8") as file:
            self.assertEqual(file.read(), text)
        self.assertEqual(os.stat(path).st_mode & 0o077, 0)
        self.assertIn("424242", self.ctl("queue", "export", "424242", status=1))

    def test_running(self):
        self.send("anna@example.com")
        self.wait_delivered()
        statistics = self.json("statistics")
        self.assertEqual(statistics["counters"]["messages-accepted"], 1)
        self.assertGreater(statistics["durability"]["lastCommit"], 0)
        self.assertEqual(statistics["held"], {"messages": 0, "oldest": 0})
        self.assertRegex(self.ctl("statistics"), r"messages-accepted +1\n")
        self.assertEqual(self.json("status")["relay"]["statistics"]["transfer"], "both")
        self.assertRegex(self.ctl("status"), r"Durability +[0-9]+ commits, [0-9]+ syncs")
        policy = self.json("policy")
        self.assertEqual((policy["server"], policy["host"]), ("MAIL1", "mail1.example.com"))
        self.assertEqual(policy["listeners"][0]["port"], self.port)
        self.assertEqual(policy["revision"], self.status()["revision"])
        self.assertRegex(self.ctl("policy"), r"transfer +both\n")

        # What is saved and what is in force are two things.
        self.ctl("route", "add", "example.net")
        self.assertEqual(self.json("route", "test", "a@example.net", "--client",
                                   "192.0.2.99")["action"], "inbound")
        running = self.json("route", "test", "--running", "a@example.net", "--client", "192.0.2.99")
        self.assertEqual(running["action"], "reject")
        self.ctl("service", "reload")
        running = self.json("route", "test", "--running", "a@example.net", "--client", "192.0.2.99")
        self.assertEqual((running["action"], running["rule"]), ("inbound", "example.net"))
        self.assertIn("inbound", self.ctl("route", "test", "--running", "a@example.net"))
        self.ctl("route", "test", "--running", "nobody", status=2)
        self.ctl("service", "stop")
        for words in (("statistics",), ("policy",), ("queue", "summary"), ("tracking", "list"),
                      ("queue", "hold", "--all"), ("queue", "export", "1"),
                      ("route", "test", "--running", "a@example.net")):
            with self.subTest(words):
                self.assertIn("does not run", self.ctl(*words, status=3))

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
