#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The Pointsman authors
"""What the mail service tells systemd: when it is ready, how it is, and that all its threads live."""

import ctypes
import os
import pathlib
import select
import smtplib
import socket
import tempfile
import time
import unittest
from unittest import mock

from support.relay import Relay
from support.servers import wait_for

PTRACE_ATTACH, PTRACE_DETACH = 16, 17
WATCHDOG = 0.6  # seconds
LIBC = ctypes.CDLL(None, use_errno=True)
LIBC.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]


def stop_thread(thread):
    if LIBC.ptrace(PTRACE_ATTACH, thread, None, None) != 0:
        raise unittest.SkipTest(f'ptrace: {os.strerror(ctypes.get_errno())}')
    os.waitpid(thread, 0x40000000)  # __WALL


def go_on(thread):
    LIBC.ptrace(PTRACE_DETACH, thread, None, None)


class Notify(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix='pm-notify-')
        self.addCleanup(folder.cleanup)
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(self.socket.close)
        self.socket.bind(f'{folder.name}/notify')
        self.said = []
        self.relay = Relay()
        self.addCleanup(self.relay.remove)
        environment = {'NOTIFY_SOCKET': f'{folder.name}/notify',
                       'WATCHDOG_USEC': str(int(WATCHDOG * 1e6))}
        with mock.patch.dict(os.environ, environment):
            self.relay.start()

    def read(self, deadline=10):
        """One message; None when none comes in time."""
        if not select.select([self.socket], [], [], deadline)[0]:
            return None
        fields = dict(line.split('=', 1) for line in self.socket.recv(4096).decode().splitlines())
        self.said.append(fields)
        return fields

    def wait(self, **wanted):
        def found():
            fields = self.read()
            return fields and all(key in fields and value in fields[key]
                                  for key, value in wanted.items()) and fields
        return wait_for(found, f'{wanted} in {self.said}')

    def thread(self, name):
        tasks = pathlib.Path(f'/proc/{self.relay.process.pid}/task')
        return next(int(task.name) for task in tasks.iterdir()
                    if task.joinpath('comm').read_text().strip() == name)

    def test_ready_reload_status_stop(self):
        self.wait(READY='1')
        self.wait(STATUS=f'Listening on 127.0.0.1:{self.relay.port}; 0 queued; last commit ')
        with smtplib.SMTP('127.0.0.1', self.relay.port, timeout=20) as client:
            client.sendmail('s@sender.example', ['anna@example.com'], 'Subject: x\n\ny\n')
        self.wait(STATUS='1 delivered')
        before = time.monotonic_ns() // 1000
        self.relay.reload()
        reloading = self.wait(RELOADING='1')
        self.assertTrue(before <= int(reloading['MONOTONIC_USEC'])
                        <= time.monotonic_ns() // 1000)
        self.wait(READY='1')
        self.wait(STATUS='Listening on ')
        self.relay.process.terminate()
        self.wait(STOPPING='1')

    def silent(self, thread):
        """The watchdog hears nothing while that thread stands, and again when it goes on."""
        self.wait(WATCHDOG='1')
        stop_thread(thread)
        try:
            # One that was asked for before may still come.
            end = time.monotonic() + WATCHDOG
            while time.monotonic() < end:
                self.read(max(end - time.monotonic(), 0))
            self.assertIsNone(self.read(2 * WATCHDOG))
        finally:
            go_on(thread)
        self.wait(WATCHDOG='1')

    def test_stuck_worker(self):
        self.silent(self.thread('worker-0'))

    def test_stuck_writer(self):
        self.silent(self.thread('queue-writer'))

    def test_stuck_main_thread(self):
        self.silent(self.relay.process.pid)


if __name__ == '__main__':
    unittest.main(verbosity=2)
