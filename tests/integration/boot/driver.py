#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Inside the booted machine: uses Pointsman as root and as ordinary users, writes the results.

    driver.py                     everything
    driver.py call METHOD         one call of Manager1 as whoever runs it, arguments on standard
                                  input; on the session bus where PM_SESSION is set
"""
import glob
import json
import os
import pwd
import re
import shutil
import signal
import smtplib
import socket
import ssl
import subprocess
import sys
import threading
import time
import traceback

from gi.repository import Gio, GLib

MANAGER = "org.pointsman.Manager1"
SITE_PATH = "/etc/pointsman/site.xml"
DEADLINE = 20

SITE = """<?xml version="1.0" encoding="UTF-8"?>
<site xmlns="urn:pointsman:site:1" name="Headquarters" organization="Example">
  <configuration>
    <servers>
      <server name="MAIL1" host="mail1.example.com"/>
    </servers>
    <site-addressing domain="example.com"/>
    <connections>
      <internet-mail-service server="MAIL1">
        <internet-mail administrator="postmaster@example.com"/>
        <connections>
          <listen address="127.0.0.1" port="25"/>
        </connections>
        <routing>
          <route domain="example.com" subdomains="no"><inbound/></route>
        </routing>
        <mailboxes accept="any">
          <deliver-to maildir="mail"/>
        </mailboxes>
      </internet-mail-service>
    </connections>
  </configuration>
</site>
"""
WITH_DOMAIN = SITE.replace(
    "        </routing>", '          <route domain="example.net"><inbound/></route>\n        </routing>')
# An address that no interface here has.
DEAF = WITH_DOMAIN.replace('address="127.0.0.1"', 'address="203.0.113.9"')


def call_here(method, arguments):
    bus = Gio.bus_get_sync(Gio.BusType.SESSION if "PM_SESSION" in os.environ
                           else Gio.BusType.SYSTEM)
    try:
        reply = bus.call_sync(MANAGER, "/org/pointsman/Manager1", MANAGER, method, arguments, None,
                              Gio.DBusCallFlags.NONE, 90000)
        return {"reply": reply.unpack()}
    except GLib.Error as error:
        return {"error": Gio.DBusError.get_remote_error(error) or str(error.domain),
                "message": error.message}


def call(user, method, signature=None, *values, environment=None):
    arguments = GLib.Variant(signature, values).print_(True) if signature else ""
    done = subprocess.run(
        ["runuser", "-u", user, "--", sys.executable, os.path.abspath(__file__), "call", method],
        input=arguments, capture_output=True, text=True, timeout=100, check=False,
        env={**os.environ, **(environment or {})})
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def ctl(user, *words, status=0, environment=None):
    """pointsmanctl as installed; its output, as JSON where that was asked for."""
    done = subprocess.run(["runuser", "-u", user, "--", "pointsmanctl", *words],
                          capture_output=True, text=True, timeout=100, check=False,
                          env={**os.environ, **(environment or {})})
    assert done.returncode == status, f"{words} as {user}: {done.returncode}: {done.stderr}"
    if status != 0:
        assert done.stderr, f"{words} as {user}: no reason was given"
        return done.stderr
    return json.loads(done.stdout) if "--json" in words else done.stdout


def succeed(user, method, signature=None, *values):
    answer = call(user, method, signature, *values)
    assert "reply" in answer, f"{method} as {user}: {answer}"
    return answer["reply"]


def refused(user, method, signature=None, *values):
    answer = call(user, method, signature, *values)
    assert answer.get("error") == "org.pointsman.Error.Denied", f"{method} as {user}: {answer}"
    assert "polkit action org.pointsman.manager." in answer["message"], answer
    return answer["message"]


def main_pid(unit="pointsman-relay.service"):
    return int(systemctl("show", "-p", "MainPID", "--value", unit))


class DropIn:
    """A change of a unit for the length of a with block."""

    def __init__(self, unit, text):
        self.folder = f"/run/systemd/system/{unit}.d"
        self.text = text

    def __enter__(self):
        os.makedirs(self.folder)
        with open(f"{self.folder}/test.conf", "w", encoding="utf-8") as file:
            file.write(self.text)
        systemctl("daemon-reload")

    def __exit__(self, *_):
        shutil.rmtree(self.folder)
        systemctl("daemon-reload")


def get(name):
    bus = Gio.bus_get_sync(Gio.BusType.SYSTEM)
    reply = bus.call_sync(MANAGER, "/org/pointsman/Manager1", "org.freedesktop.DBus.Properties",
                          "Get", GLib.Variant("(ss)", (MANAGER, name)), None,
                          Gio.DBusCallFlags.NONE, 30000)
    return reply.unpack()[0]


def wait_for(what, condition):
    """Nothing tells a Python program of these; look until the deadline."""
    end = time.monotonic() + DEADLINE
    while not condition():
        assert time.monotonic() < end, f"waited {DEADLINE} s for {what}"
        os.sched_yield()
        time.sleep(0.02)


def systemctl(*arguments):
    done = subprocess.run(["systemctl", *arguments], capture_output=True, text=True, check=False)
    return done.stdout.strip()


def is_active():
    return systemctl("is-active", "pointsman-relay.service")


def deliver(address, subject):
    with smtplib.SMTP("127.0.0.1", 25, timeout=DEADLINE) as client:
        client.sendmail("someone@elsewhere.example", [address],
                        f"From: someone@elsewhere.example\r\nTo: {address}\r\n"
                        f"Subject: {subject}\r\n\r\nhello\r\n")

    def arrived():
        for path in glob.glob("/var/lib/pointsman/mail/**/new/*", recursive=True):
            with open(path, encoding="utf-8") as file:
                if f"Subject: {subject}" in file.read():
                    return True
        return False
    wait_for(f"the message to {address} in its Maildir", arrived)


def test_units_are_clean():
    for scope in ("--system", "--user"):
        done = subprocess.run(
            ["systemd-analyze", scope, "--man=no", "--recursive-errors=no", "verify",
             "pointsman-relay.service", "pointsman-manager.service",
             *(["pointsman-pam.socket", "pointsman-pam@x.service"] if scope == "--system" else [])],
            capture_output=True, text=True, check=False)
        words = [line for line in done.stderr.splitlines() if "pointsman" in line]
        assert not words, "\n".join(words)


def test_folders():
    status = os.stat("/etc/pointsman")
    assert status.st_mode & 0o7777 == 0o2750, oct(status.st_mode)
    assert status.st_uid == 0 and status.st_gid == pwd.getpwnam("pointsman").pw_gid


def test_starts_on_demand_and_writes():
    assert get("ServiceBackend") == "systemd"
    assert get("ServiceState") == "stopped", get("ServiceState")
    assert get("Revision") == ""
    (revision,) = succeed("root", "WriteSite", "(sss)", SITE, "", "first")
    assert get("Revision") == revision
    subprocess.run(["runuser", "-u", "pointsman", "--", "cat", SITE_PATH], check=True,
                   stdout=subprocess.DEVNULL)
    done = subprocess.run(["runuser", "-u", "pm-bob", "--", "cat", SITE_PATH], check=False,
                          capture_output=True)
    assert done.returncode != 0, "anybody can read the site file"


def test_root_starts():
    succeed("root", "StartService")
    assert is_active() == "active"
    assert get("ServiceState") == "running"
    wait_for("the loaded revision", lambda: get("LoadedRevision") == get("Revision"))
    deliver("anna@example.com", "by root")


def test_allowed_user_stops_and_starts():
    succeed("pm-alice", "StopService")
    assert is_active() == "inactive"
    assert get("ServiceState") == "stopped"
    succeed("pm-alice", "StartService")
    assert is_active() == "active"
    succeed("pm-alice", "RestartService")
    assert is_active() == "active"


def test_other_user_is_refused():
    before = systemctl("show", "-p", "MainPID", "pointsman-relay.service")
    for method in ("StopService", "StartService", "RestartService", "ReloadService"):
        message = refused("pm-bob", method)
        assert "org.pointsman.manager.service" in message, message
    refused("pm-bob", "ReadSite")
    refused("pm-bob", "Journal", "(u)", 5)
    refused("pm-bob", "SetServiceEnabled", "(b)", True)
    refused("pm-bob", "WriteSite", "(sss)", WITH_DOMAIN, get("Revision"), "")
    refused("pm-bob", "Apply", "(ssssu)", WITH_DOMAIN, get("Revision"), "", "restart", 10)
    assert systemctl("show", "-p", "MainPID", "pointsman-relay.service") == before
    with open(SITE_PATH, encoding="utf-8") as file:
        assert file.read() == SITE


def test_allowed_user_applies():
    in_force, revision, report, log = succeed(
        "pm-alice", "Apply", "(ssssu)", WITH_DOMAIN, get("Revision"), "add example.net", "restart", 20)
    assert in_force, (report, log)
    assert get("Revision") == get("LoadedRevision") == revision
    deliver("anna@example.net", "applied")
    (entries,) = succeed("pm-alice", "History", "(u)", 0)
    assert entries[0][2:] == ["pm-alice", "add example.net"], entries
    assert entries[1][2:] == ["root", "first"], entries


def test_reload_keeps_the_process():
    before = systemctl("show", "-p", "MainPID", "pointsman-relay.service")
    text = WITH_DOMAIN.replace("example.net", "example.org")
    in_force, _, report, log = succeed("pm-alice", "Apply", "(ssssu)", text, get("Revision"),
                                       "by reload", "reload", 20)
    assert in_force, (report, log)
    assert systemctl("show", "-p", "MainPID", "pointsman-relay.service") == before
    deliver("anna@example.org", "reloaded")


def test_site_that_cannot_listen_is_put_back():
    former = get("Revision")
    with open(SITE_PATH, encoding="utf-8") as file:
        text = file.read()
    in_force, revision, report, log = succeed("pm-alice", "Apply", "(ssssu)", DEAF, former,
                                              "deaf", "restart", 15)
    assert not in_force, report
    assert revision == former == get("Revision"), report
    assert "The former site was put back." in report, report
    assert "runs with it again" in report, report
    assert any("203.0.113.9" in line for line in log), log
    with open(SITE_PATH, encoding="utf-8") as file:
        assert file.read() == text
    assert is_active() == "active"
    deliver("anna@example.org", "after the way back")


def test_enable():
    for enabled in (True, False):
        succeed("pm-alice", "SetServiceEnabled", "(b)", enabled)
        word = systemctl("is-enabled", "pointsman-relay.service")
        assert word == ("enabled" if enabled else "disabled"), word
        assert get("ServiceEnabled") == enabled


def test_journal():
    (lines,) = succeed("pm-alice", "Journal", "(u)", 50)
    assert lines and all(a[0] <= b[0] for a, b in zip(lines, lines[1:])), lines
    assert any("pointsman" in line[2].lower() for line in lines), lines


def test_death_is_noticed_and_mended():
    before = systemctl("show", "-p", "MainPID", "--value", "pointsman-relay.service")
    os.kill(int(before), 9)

    def is_another():
        now = systemctl("show", "-p", "MainPID", "--value", "pointsman-relay.service")
        return now not in (before, "0") and get("ServiceState") == "running"
    wait_for("the service to be started again", is_another)


def test_site_that_does_not_load():
    succeed("pm-alice", "StopService")
    with open(SITE_PATH, encoding="utf-8") as file:
        text = file.read()
    with open(SITE_PATH, "w", encoding="utf-8") as file:
        file.write("<site/>\n")
    answer = call("pm-alice", "StartService")
    assert answer.get("error") == "org.pointsman.Error.Failed", answer
    assert "exited with status 78" in answer["message"], answer
    # The sentence itself has the service's own reason, from the journal.
    sentence, _, lines = answer["message"].partition("Its last lines:")
    assert "does not load: " + SITE_PATH + ":" in sentence, answer
    assert lines, answer
    assert get("ServiceState") == "failed"
    with open(SITE_PATH, "w", encoding="utf-8") as file:
        file.write(text)
    succeed("pm-alice", "StartService")
    assert get("ServiceState") == "running"


def test_owner_of_the_site_is_kept():
    relay = pwd.getpwnam("pointsman")
    alice = pwd.getpwnam("pm-alice")
    with open(SITE_PATH, encoding="utf-8") as file:
        text = file.read()
    assert os.stat(SITE_PATH).st_mode & 0o7777 == 0o640, oct(os.stat(SITE_PATH).st_mode)
    assert os.stat(SITE_PATH).st_gid == relay.pw_gid
    os.chown(SITE_PATH, alice.pw_uid, relay.pw_gid)
    succeed("pm-alice", "WriteSite", "(sss)", text + "<!-- hers -->\n", get("Revision"), "hers")
    status = os.stat(SITE_PATH)
    assert (status.st_uid, status.st_gid) == (alice.pw_uid, relay.pw_gid), status
    assert status.st_mode & 0o7777 == 0o640, oct(status.st_mode)
    os.chown(SITE_PATH, 0, relay.pw_gid)
    succeed("pm-alice", "RestartService")
    wait_for("the loaded revision", lambda: get("LoadedRevision") == get("Revision"))
    for path, mode in (("/var/lib/pointsman-manager", 0o750),
                       ("/var/lib/pointsman-manager/history", 0o750),
                       ("/var/lib/pointsman", 0o750)):
        assert os.stat(path).st_mode & 0o7777 == mode, (path, oct(os.stat(path).st_mode))
    for path in glob.glob("/var/lib/pointsman-manager/history/*"):
        assert os.stat(path).st_mode & 0o7777 == 0o600, (path, oct(os.stat(path).st_mode))


def test_pointsmanctl():
    for user in ("root", "pm-alice", "pm-bob"):
        # How the service is, is no secret here; what the site says is.
        assert ctl(user, "--json", "service", "status")["state"] == "running"
        assert ctl(user, "--json", "status")["relay"]["listening"] == ["127.0.0.1:25"]
    for words in (("service", "stop"), ("service", "restart"), ("route", "list"),
                  ("site", "history"), ("route", "add", "bob.example")):
        message = ctl("pm-bob", *words, status=1)
        assert "polkit action org.pointsman.manager." in message, message
    assert "is not a command" in ctl("pm-bob", "nonsense", status=2)
    ctl("pm-alice", "service", "stop")
    assert is_active() == "inactive"
    assert "does not run" in ctl("pm-alice", "queue", "list", status=3)
    assert ctl("pm-alice", "--json", "service", "status")["state"] == "stopped"
    assert ctl("pm-alice", "--json", "status")["relay"] is None
    ctl("pm-alice", "service", "start")
    assert is_active() == "active"
    first = main_pid()
    ctl("pm-alice", "service", "restart")
    assert main_pid() != first
    ctl("pm-alice", "route", "add", "ctl.example", "--comment", "by hand")
    assert not ctl("pm-alice", "--json", "service", "status")["inForce"]
    ctl("pm-alice", "service", "reload")
    assert ctl("pm-alice", "--json", "service", "status")["inForce"]
    assert ctl("pm-alice", "--json", "site", "history")[0]["who"] == "pm-alice"
    deliver("anna@ctl.example", "by pointsmanctl")


def test_queue_is_guarded():
    # Nobody listens on the discard port here: what goes there waits.
    ctl("pm-alice", "route", "add", "waits.example", "--forward", "127.0.0.1:9")
    ctl("pm-alice", "service", "restart")
    with smtplib.SMTP("127.0.0.1", 25, timeout=DEADLINE) as client:
        for _ in range(2):
            client.sendmail("someone@elsewhere.example", ["anna@waits.example"],
                            "Subject: waits\r\n\r\nhello\r\n")
    wait_for("the messages to be deferred",
             lambda: [m["state"] for m in ctl("pm-alice", "--json", "queue", "list")] ==
             ["deferred"] * 2)
    first, second = (m["id"] for m in ctl("root", "--json", "queue", "list"))
    for words in (("queue", "list"), ("queue", "show", str(first)), ("queue", "retry", "--all"),
                  ("queue", "delete", str(first))):
        message = ctl("pm-bob", *words, status=1)
        assert "polkit action org.pointsman.relay." in message, message
    assert "Subject: waits" in ctl("pm-alice", "queue", "show", str(first))
    assert ctl("pm-alice", "--json", "queue", "retry", str(first))["count"] == 1
    assert ctl("pm-alice", "--json", "queue", "delete", "--no-report", str(first))["count"] == 1
    assert ctl("root", "--json", "queue", "delete", "--no-report", str(second))["count"] == 1
    assert ctl("pm-alice", "--json", "queue", "list") == []


def test_large_site():
    """More than the system bus carries: said in words, and nobody loses the connection."""
    with open(SITE_PATH, encoding="utf-8") as file:
        text = file.read()
    manager = main_pid("pointsman-manager.service")
    with open(SITE_PATH, "w", encoding="utf-8") as file:
        file.write(text + " " * (33 << 20))
    answer = call("pm-alice", "ReadSite")
    assert answer.get("error") == "org.pointsman.Error.TooLarge", str(answer)[:500]
    with open(SITE_PATH, "w", encoding="utf-8") as file:
        file.write(text)
    assert main_pid("pointsman-manager.service") == manager
    with open("/tmp/large.xml", "w", encoding="utf-8") as file:
        file.write(text + " " * (33 << 20))
    os.chmod("/tmp/large.xml", 0o644)
    message = ctl("pm-alice", "site", "import", "/tmp/large.xml", status=1)
    assert "over the message bus" in message, message


class HeldApply:
    """An Apply that has written the site and waits for the service, which comes up when let go."""

    GO = "/run/pm-boot-go"

    def __init__(self, domain):
        with open(SITE_PATH, encoding="utf-8") as file:
            text = file.read()
        self.wanted = text.replace("</routing>", f'  <route domain="{domain}"><inbound/></route>\n'
                                   "        </routing>")
        self.former = get("Revision")
        self.drop_in = DropIn("pointsman-relay.service",
                              "[Service]\nExecStartPre=/bin/sh -c 'until test -e "
                              f"{self.GO}; do sleep 0.05; done'\n")
        self.client = None

    def __enter__(self):
        self.drop_in.__enter__()
        arguments = GLib.Variant("(ssssu)", (self.wanted, self.former, "held", "restart", 30))
        self.client = subprocess.Popen(
            ["runuser", "-u", "pm-alice", "--", sys.executable, os.path.abspath(__file__), "call",
             "Apply"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.client.stdin.write(arguments.print_(True))
        self.client.stdin.close()
        wait_for("the service to wait", lambda: get("ServiceState") == "starting")
        with open(SITE_PATH, encoding="utf-8") as file:
            assert file.read() == self.wanted
        assert os.path.exists("/var/lib/pointsman-manager/history/apply")
        return self

    def let_go(self):
        with open(self.GO, "w", encoding="utf-8"):
            pass

    def __exit__(self, *_):
        self.let_go()
        self.client.wait(DEADLINE)
        self.client.stdout.close()
        self.drop_in.__exit__()
        os.unlink(self.GO)


def test_manager_killed_in_apply():
    """The next one brings it to its end, without anybody asking for it."""
    manager = main_pid("pointsman-manager.service")
    with HeldApply("killed.example") as held:
        os.kill(manager, signal.SIGKILL)
        assert "NoReply" in held.client.stdout.read()
        held.let_go()
        wait_for("the next manager to be done",
                 lambda: not os.path.exists("/var/lib/pointsman-manager/history/apply"))
    assert main_pid("pointsman-manager.service") not in (0, manager)
    assert get("Revision") == get("LoadedRevision") != held.former
    assert get("ServiceState") == "running"
    deliver("anna@killed.example", "after the kill")


def test_manager_told_to_end_finishes():
    manager = main_pid("pointsman-manager.service")
    with HeldApply("ended.example") as held:
        systemctl("stop", "--no-block", "pointsman-manager.service")
        wait_for("the manager to be told", lambda: systemctl(
            "is-active", "pointsman-manager.service") == "deactivating")
        held.let_go()
        answer = json.loads(held.client.stdout.read())
    assert "reply" in answer and answer["reply"][0], answer
    deliver("anna@ended.example", "after the end")
    assert main_pid("pointsman-manager.service") != manager


def test_manager_leaves_when_idle():
    with DropIn("pointsman-manager.service",
                "[Service]\nExecStart=\n"
                "ExecStart=/usr/libexec/pointsman-managerd --idle-timeout 1\n"):
        systemctl("stop", "pointsman-manager.service")
        (xml, _) = succeed("pm-alice", "ReadSite")
        assert xml and systemctl("is-active", "pointsman-manager.service") == "active"
        wait_for("the manager to leave",
                 lambda: systemctl("is-active", "pointsman-manager.service") == "inactive")
        assert systemctl("show", "-p", "Result", "--value", "pointsman-manager.service") == "success"
        succeed("pm-alice", "ReadSite")
    systemctl("stop", "pointsman-manager.service")


def test_watchdog():
    with DropIn("pointsman-relay.service", "[Service]\nWatchdogSec=1s\nTimeoutAbortSec=2s\n"):
        systemctl("restart", "pointsman-relay.service")
        before = main_pid()
        end = time.monotonic() + 3
        wait_for("three watchdog periods", lambda: time.monotonic() > end)
        assert main_pid() == before, "it does not tell the watchdog that it lives"
        os.kill(before, signal.SIGSTOP)
        wait_for("systemd to start another", lambda: main_pid() not in (0, before) and
                 is_active() == "active")
    systemctl("restart", "pointsman-relay.service")
    assert systemctl("show", "-p", "WatchdogUSec", "--value", "pointsman-relay.service") == "1min"
    deliver("anna@example.com", "after the watchdog")


class Sink(threading.Thread):
    """Another mail host on loopback that takes what it is sent."""

    def __init__(self):
        super().__init__(daemon=True)
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def run(self):
        while True:
            try:
                connection = self.socket.accept()[0]
            except OSError:
                return
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    @staticmethod
    def serve(connection):
        with connection, connection.makefile("rwb", buffering=0) as wire:
            wire.write(b"220 sink.example\r\n")
            data = False
            for line in wire:
                if data and line != b".\r\n":
                    continue
                data = line.upper() == b"DATA\r\n"
                wire.write(b"354 go on\r\n" if data else b"250 taken by the sink\r\n")


def make_certificate(folder, name="mail1.example.com"):
    """A pair with a new key, in place of the former as a renewal puts it there."""
    os.makedirs(folder, exist_ok=True)
    for path in ("chain.pem", "key.pem"):
        if os.path.exists(f"{folder}/{path}"):
            os.unlink(f"{folder}/{path}")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", f"/CN={name}",
                    "-addext", f"subjectAltName=DNS:{name}", "-out", f"{folder}/chain.pem",
                    "-keyout", f"{folder}/key.pem"], check=True, stderr=subprocess.DEVNULL)


def believe(folder):
    return ssl.create_default_context(cafile=f"{folder}/chain.pem")


class Secured:
    """A site with a certificate and submission, in force for the length of a with block."""

    def __init__(self, folder="/etc/pointsman/secrets", accounts="", sink=9):
        self.former = None
        self.site = SITE.replace(
            "        <routing>",
            "        <security>\n"
            f'          <certificate chain="{folder}/chain.pem" key="{folder}/key.pem"/>\n'
            f"          {accounts}\n"
            "        </security>\n"
            "        <routing>").replace(
            "        </connections>\n        <security>",
            '          <listen address="127.0.0.1" port="587" role="submission"/>\n'
            '          <listen address="127.0.0.1" port="465" role="submission" tls="implicit"/>\n'
            '          <listen address="127.0.0.1" port="2526" proxy="yes"/>\n'
            '          <deliver method="host"><host name="127.0.0.1" '
            f'port="{sink}"/></deliver>\n'
            "        </connections>\n        <security>").replace(
            "        </routing>",
            '          <restrictions><allow authenticated="yes"/></restrictions>\n'
            "        </routing>")

    @staticmethod
    def apply(text):
        in_force, _, report, log = succeed("pm-alice", "Apply", "(ssssu)", text, get("Revision"), "",
                                           "restart", 20)
        assert in_force, (report, log)

    def __enter__(self):
        with open(SITE_PATH, encoding="utf-8") as file:
            self.former = file.read()
        self.apply(self.site)
        return self

    def __exit__(self, *_):
        self.apply(self.former)


def shown_certificate(folder):
    """What port 25 shows after STARTTLS, to a client that believes the one in the folder."""
    with smtplib.SMTP("127.0.0.1", 25, timeout=DEADLINE) as client:
        client._host = "mail1.example.com"  # pylint: disable=protected-access
        client.starttls(context=believe(folder))
        assert client.sock.version() == "TLSv1.3", client.sock.version()
        return client.sock.getpeercert()["serialNumber"]


def submit(user, password, to, port=587, folder="/etc/pointsman/secrets"):
    """Sends one message by submission; before the log-in it must be refused."""
    context = believe(folder)
    if port == 465:
        context.check_hostname = False
        client = smtplib.SMTP_SSL("127.0.0.1", 465, context=context, timeout=DEADLINE)
    else:
        client = smtplib.SMTP("127.0.0.1", port, timeout=DEADLINE)
        client._host = "mail1.example.com"  # pylint: disable=protected-access
    with client:
        if port != 465:
            assert "auth" not in (client.ehlo(), client.esmtp_features)[1], client.esmtp_features
            client.starttls(context=context)
        client.ehlo()
        code, text = client.mail("me@example.com")
        assert code == 530, (code, text)
        client.login(user, password)
        client.sendmail("me@example.com", [to],
                        f"From: me@example.com\r\nTo: {to}\r\nSubject: x\r\n\r\nhello\r\n")


def journal(**fields):
    """The relay's entries with these fields, once there are any."""
    found = []

    def look():
        done = subprocess.run(
            ["journalctl", "-b", "-o", "json", "--no-pager", "-u", "pointsman-relay.service",
             *(f"PM_{name.upper()}={value}" for name, value in fields.items())],
            capture_output=True, text=True, check=True)
        found[:] = [json.loads(line) for line in done.stdout.splitlines()]
        return found
    wait_for(f"{fields} in the journal", look)
    return found


def test_starttls_and_renewal():
    """A certificate that only the service's group can read; a new one is shown, by the same process."""
    folder = "/etc/pointsman/secrets"
    make_certificate(folder)
    for name in ("chain.pem", "key.pem"):
        os.chmod(f"{folder}/{name}", 0o640)
    assert os.stat(f"{folder}/key.pem").st_gid == pwd.getpwnam("pointsman").pw_gid
    with Secured():
        before = main_pid()
        first = shown_certificate(folder)
        make_certificate(folder)
        for name in ("chain.pem", "key.pem"):
            os.chmod(f"{folder}/{name}", 0o640)
        systemctl("reload", "pointsman-relay.service")

        def is_new():
            try:
                return shown_certificate(folder) != first
            except ssl.SSLCertVerificationError:
                return False
        wait_for("the renewed certificate", is_new)
        assert main_pid() == before


def test_certificate_as_a_credential():
    """One that only root can read, handed over by systemd."""
    make_certificate("/root/pm-certificate")
    os.chmod("/root/pm-certificate/key.pem", 0o600)
    with DropIn("pointsman-relay.service",
                "[Service]\n"
                "LoadCredential=chain.pem:/root/pm-certificate/chain.pem\n"
                "LoadCredential=key.pem:/root/pm-certificate/key.pem\n"):
        with Secured("/run/credentials/pointsman-relay.service"):
            assert shown_certificate("/root/pm-certificate")


def test_submission_with_an_accounts_file():
    done = subprocess.run(["pointsmanctl", "account", "add", "anna"], input="a good password\n",
                          capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    status = os.stat("/etc/pointsman/accounts")
    assert status.st_mode & 0o7777 == 0o640, oct(status.st_mode)
    assert status.st_gid == pwd.getpwnam("pointsman").pw_gid
    with Sink() as sink, Secured(accounts='<accounts source="file"/>', sink=sink.port):
        for port in (587, 465):
            submit("anna", "a good password", f"out{port}@elsewhere.example", port)
            journal(event="relayed", to=f"out{port}@elsewhere.example")
        try:
            submit("anna", "a bad password", "out@elsewhere.example")
        except smtplib.SMTPAuthenticationError as error:
            assert error.smtp_code == 535, error
        else:
            raise AssertionError("a wrong password was accepted")
        assert any(e["PM_USER"] == "anna" for e in journal(event="authenticated"))
    os.unlink("/etc/pointsman/accounts")


def test_submission_by_pam():
    """A user of the machine, by pointsman-pam behind its socket, as the units are installed."""
    subprocess.run(["chpasswd"], input="pm-bob:the password of bob\n", text=True, check=True)
    with Sink() as sink, Secured(accounts='<accounts source="pam"/>', sink=sink.port):
        try:
            submit("pm-bob", "the password of bob", "pam@elsewhere.example")
        except smtplib.SMTPResponseException as error:
            assert error.smtp_code == 454, error
        else:
            raise AssertionError("PAM answered without its socket")
        systemctl("start", "pointsman-pam.socket")
        assert systemctl("is-active", "pointsman-pam.socket") == "active"
        status = os.stat("/run/pointsman/pam.sock")
        assert status.st_mode & 0o777 == 0o660, oct(status.st_mode)
        try:
            submit("pm-bob", "the password of bob", "pam@elsewhere.example")
            journal(event="relayed", to="pam@elsewhere.example")
            for user, password in (("pm-bob", "another"), ("pm-nobody", "the password of bob")):
                try:
                    submit(user, password, "pam@elsewhere.example")
                except smtplib.SMTPAuthenticationError as error:
                    assert error.smtp_code == 535, error
                else:
                    raise AssertionError(f"{user} with {password} was accepted")
            # The socket is no place for others to try passwords at.
            done = subprocess.run(
                ["runuser", "-u", "pm-alice", "--", sys.executable, "-c",
                 "import socket; socket.socket(socket.AF_UNIX).connect('/run/pointsman/pam.sock')"],
                capture_output=True, text=True, check=False)
            assert "PermissionError" in done.stderr, done.stderr
        finally:
            systemctl("stop", "pointsman-pam.socket")


def test_journal_has_fields():
    """One event an entry, whose pairs are fields; the same number through all of a message's life."""
    with Sink() as sink, Secured(accounts='<accounts source="file"/>', sink=sink.port):
        deliver("fields@example.com", "for the journal")
        here = journal(event="delivered", to="fields@example.com")[0]
        assert here["PM_FROM"] == "someone@elsewhere.example", here
        assert float(here["PM_DELAY"]) >= 0 and here["PM_REPLY"], here
        accepted = journal(event="accepted", id=here["PM_ID"])[0]
        assert accepted["PM_CLIENT"].startswith("127.0.0.1"), accepted
        assert accepted["MESSAGE"].startswith("accepted id="), accepted
        assert accepted["_SYSTEMD_UNIT"] == "pointsman-relay.service", accepted
        subprocess.run(["pointsmanctl", "account", "add", "anna"], input="a good password\n",
                       capture_output=True, text=True, check=True)
        submit("anna", "a good password", "there@elsewhere.example")
        there = journal(event="relayed", to="there@elsewhere.example")[0]
        assert "127.0.0.1" in there["PM_RELAY"], there
        assert "taken by the sink" in there["PM_REPLY"], there
        assert float(there["PM_DELAY"]) >= 0, there
        assert there["PM_ID"] != here["PM_ID"]
    os.unlink("/etc/pointsman/accounts")


def test_status_tells_what_it_does():
    text = systemctl("show", "-p", "StatusText", "--value", "pointsman-relay.service")
    assert text.startswith("Listening on 127.0.0.1:25; "), text
    assert re.search(r"; \d+ queued; last commit \d", text), text
    assert systemctl("show", "-p", "Type", "--value", "pointsman-relay.service") == "notify"


def test_security():
    """Not worse than it is: see the table that systemd-analyze security prints."""
    for unit, limit in (("pointsman-relay.service", 17), ("pointsman-manager.service", 17),
                        ("pointsman-pam@x.service", 21)):
        done = subprocess.run(["systemd-analyze", "security", "--no-pager", f"--threshold={limit}",
                               unit], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout.splitlines()[-1]


def test_unreachable_manager():
    systemctl("stop", "pointsman-manager.service")
    systemctl("mask", "--runtime", "pointsman-manager.service")
    try:
        for words in (("status",), ("service", "start"), ("route", "list")):
            ctl("pm-alice", *words, status=3)
    finally:
        systemctl("unmask", "--runtime", "pointsman-manager.service")
    ctl("pm-alice", "status")


class TestUser:
    """A user's own systemd and bus, as a login makes them."""

    def __init__(self, name):
        self.name = name
        self.uid = pwd.getpwnam(name).pw_uid
        self.environment = {"XDG_RUNTIME_DIR": f"/run/user/{self.uid}", "PM_SESSION": "1",
                            "DBUS_SESSION_BUS_ADDRESS": f"unix:path=/run/user/{self.uid}/bus",
                            "HOME": pwd.getpwnam(name).pw_dir}

    def run(self, *command):
        done = subprocess.run(["runuser", "-u", self.name, "--", *command], capture_output=True,
                              text=True, check=False, timeout=60,
                              env={**os.environ, **self.environment})
        return done.stdout.strip()

    def ctl(self, *words, status=0):
        return ctl(self.name, "--session", *words, status=status, environment=self.environment)

    def systemctl(self, *words):
        return self.run("systemctl", "--user", *words)

    def pid(self):
        return int(self.systemctl("show", "-p", "MainPID", "--value", "pointsman-relay.service"))


def test_user_session():
    user = TestUser("pm-carol")
    systemctl("start", "systemd-logind.service")
    subprocess.run(["loginctl", "enable-linger", user.name], check=True, capture_output=True)
    wait_for("the user's bus", lambda: os.path.exists(f"/run/user/{user.uid}/bus"))
    home = user.environment["HOME"]
    site = SITE.replace('port="25"', 'port="2525"')
    with open("/tmp/carol.xml", "w", encoding="utf-8") as file:
        file.write(site)
    os.chmod("/tmp/carol.xml", 0o644)

    user.ctl("site", "import", "/tmp/carol.xml")
    assert os.path.exists(f"{home}/.config/pointsman/site.xml")
    assert user.systemctl("is-active", "pointsman-manager.service") == "active"
    status = user.ctl("--json", "service", "status")
    assert (status["backend"], status["state"]) == ("systemd", "stopped"), status
    user.ctl("service", "start")
    assert user.systemctl("is-active", "pointsman-relay.service") == "active"
    assert os.path.exists(f"{home}/.local/state/pointsman")
    assert not os.path.exists(f"{home}/.config/pointsman/queue.db")
    with smtplib.SMTP("127.0.0.1", 2525, timeout=DEADLINE) as client:
        client.sendmail("a@elsewhere.example", ["anna@example.com"], "Subject: x\r\n\r\nhello\r\n")
    wait_for("the message", lambda: glob.glob(f"{home}/.local/state/pointsman/mail/**/new/*",
                                              recursive=True))
    first = user.pid()
    user.ctl("service", "restart")
    assert user.pid() not in (0, first)

    def apply(domain, how, listen="127.0.0.1"):
        revision = user.ctl("--json", "service", "status")["revision"]
        text = site.replace("example.com", domain).replace("127.0.0.1", listen)
        answer = call(user.name, "Apply", "(ssssu)", text, revision, "", how, 15,
                      environment=user.environment)
        assert "reply" in answer, answer
        return answer["reply"]
    in_force, _, report, log = apply("example.net", "restart")
    assert in_force, (report, log)
    second = user.pid()
    in_force, _, report, log = apply("example.org", "reload")
    assert in_force and user.pid() == second, (report, log)
    in_force, _, report, log = apply("example.info", "restart", "203.0.113.9")
    assert not in_force and "runs with it again" in report, (report, log)
    assert user.ctl("--json", "service", "status")["inForce"]
    user.ctl("service", "stop")
    assert user.systemctl("is-active", "pointsman-relay.service") == "inactive"
    assert "does not run" in user.ctl("queue", "list", status=3)
    answer = call(user.name, "SetServiceEnabled", "(b)", True, environment=user.environment)
    assert "reply" in answer, answer
    assert user.systemctl("is-enabled", "pointsman-relay.service") == "enabled"
    answer = call(user.name, "Journal", "(u)", 5, environment=user.environment)
    assert "reply" in answer, answer


def main():
    results = []
    tests = [(name, value) for name, value in globals().items() if name.startswith("test_")]
    for name, test in tests:
        why = ""
        try:
            test()
        except Exception:  # pylint: disable=broad-except
            why = traceback.format_exc()
        results.append({"name": name[5:].replace("_", " "), "ok": not why, "why": why})
    with open("/pm-boot/results.new", "w", encoding="utf-8") as file:
        json.dump(results, file)
    os.rename("/pm-boot/results.new", "/pm-boot/results")
    if not all(result["ok"] for result in results):
        subprocess.run(["journalctl", "-b", "-o", "short", "-u", "pointsman-*", "-u", "polkit",
                        "-u", "dbus", "-u", "user@*", "-u", "systemd-logind", "--no-pager"],
                       check=False)


if __name__ == "__main__":
    if sys.argv[1:2] == ["call"]:
        text = sys.stdin.read()
        json.dump(call_here(sys.argv[2], GLib.Variant.parse(None, text) if text else None),
                  sys.stdout)
    else:
        main()
