#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""A mail service that misbehaves on demand, for what the real one never does.

stand-in-service.py MODE: fine, slow (never ready), refuses (exits 78), fails (exits
71 and says why), dies (after it was ready),
stubborn (ignores SIGTERM),
or babbles (64 MiB in one line, and NUL bytes, before it is ready).
"""
import os
import signal
import sys

mode = sys.argv[1]


def say(text):
    os.write(2, (text + "\n").encode())


def leave(*_):
    say("<5>leaving")
    sys.exit(0)


def reload(*_):
    say("<6>reloaded")


signal.signal(signal.SIGTERM, signal.SIG_IGN if mode == "stubborn" else leave)
signal.signal(signal.SIGHUP, reload)
say(f"<4>up with {mode}")
if mode == "refuses":
    say("site.xml:3:5: no")
    sys.exit(78)
if mode == "fails":
    say("<3>pointsman-relayd: a former reason")
    say("<3>pointsman-relayd: Could not listen on 127.0.0.1 port 25: taken; stop it.")
    say("<4>pointsman-relayd: something of less weight")
    say("<3>somebody-else: no")
    sys.exit(71)
if mode == "babbles":
    for _ in range(1024):
        at = memoryview(b"x" * 65536)
        while at:
            at = at[os.write(2, at):]
    say("")
    say("a\0b")
if mode != "slow":
    say("ready")
if mode == "dies":
    os.kill(os.getpid(), signal.SIGKILL)
while True:
    signal.pause()
