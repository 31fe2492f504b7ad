#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Inside the booted machine: uses Pointsman as root and as ordinary users, writes the results.

    driver.py                     everything
    driver.py call METHOD VARIANT one call of Manager1 on the system bus as whoever runs it
"""
import glob
import json
import os
import pwd
import smtplib
import subprocess
import sys
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
    bus = Gio.bus_get_sync(Gio.BusType.SYSTEM)
    try:
        reply = bus.call_sync(MANAGER, "/org/pointsman/Manager1", MANAGER, method, arguments, None,
                              Gio.DBusCallFlags.NONE, 90000)
        return {"reply": reply.unpack()}
    except GLib.Error as error:
        return {"error": Gio.DBusError.get_remote_error(error) or str(error.domain),
                "message": error.message}


def call(user, method, signature=None, *values):
    arguments = GLib.Variant(signature, values).print_(True) if signature else ""
    done = subprocess.run(
        ["runuser", "-u", user, "--", sys.executable, os.path.abspath(__file__), "call", method],
        input=arguments, capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def succeed(user, method, signature=None, *values):
    answer = call(user, method, signature, *values)
    assert "reply" in answer, f"{method} as {user}: {answer}"
    return answer["reply"]


def refused(user, method, signature=None, *values):
    answer = call(user, method, signature, *values)
    assert answer.get("error") == "org.pointsman.Error.Denied", f"{method} as {user}: {answer}"
    assert "polkit action org.pointsman.manager." in answer["message"], answer
    return answer["message"]


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
             "pointsman-relay.service", "pointsman-manager.service"],
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
    assert "Its last lines:" in answer["message"], answer
    assert get("ServiceState") == "failed"
    with open(SITE_PATH, "w", encoding="utf-8") as file:
        file.write(text)
    succeed("pm-alice", "StartService")
    assert get("ServiceState") == "running"


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
                        "-u", "dbus", "--no-pager"], check=False)


if __name__ == "__main__":
    if sys.argv[1:2] == ["call"]:
        text = sys.stdin.read()
        json.dump(call_here(sys.argv[2], GLib.Variant.parse(None, text) if text else None),
                  sys.stdout)
    else:
        main()
