#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The Pointsman authors

"""Asks pointsman-pam with PAM services of its own, over a socket as systemd gives it one."""

import os
import pathlib
import socket
import subprocess
import sys
import tempfile
import unittest

PROGRAM = sys.argv.pop(1)


class Pam(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix='pointsman-pam-')
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        # What is typed is handed to a program that knows one password.
        check = self.folder / 'check'
        check.write_text('#!/usr/bin/python3\nimport os, sys\n'
                         'sys.exit(os.environ["PAM_USER"] != "anna" or '
                         'sys.stdin.buffer.read().rstrip(b"\\0") != b"pencil")\n')
        check.chmod(0o755)
        for name, module in (('permit', 'pam_permit.so'), ('deny', 'pam_deny.so'),
                             ('broken', 'pam_there_is_none.so')):
            (self.folder / name).write_text(
                f'auth required {module}\naccount required pam_permit.so\n')
        (self.folder / 'exec').write_text(
            f'auth [success=1 default=ignore] pam_exec.so quiet expose_authtok {check}\n'
            'auth requisite pam_deny.so\nauth required pam_permit.so\n'
            'account required pam_permit.so\n')

    def ask(self, service, question, *options):
        ours, theirs = socket.socketpair()
        ours.settimeout(20)
        with ours, theirs:
            process = subprocess.Popen(
                [PROGRAM, '--confdir', str(self.folder), '--service', service, *options],
                stdin=theirs, stderr=subprocess.DEVNULL)
            self.addCleanup(process.kill)
            theirs.close()
            ours.sendall(question)
            ours.shutdown(socket.SHUT_WR)
            answer = ours.recv(100)
            self.assertEqual(process.wait(20), 0)
        return answer

    def test_answers(self):
        for service, question, answer in (
                ('permit', b'anna\0pencil\0', b'ok\n'),
                ('deny', b'anna\0pencil\0', b'denied\n'),
                ('exec', b'anna\0pencil\0', b'ok\n'),
                ('exec', b'anna\0pencils\0', b'denied\n'),
                ('exec', b'bert\0pencil\0', b'denied\n'),
                ('broken', b'anna\0pencil\0', b'error\n'),
                ('permit', b'', b'error\n'),
                ('permit', b'anna', b'error\n'),
                ('permit', b'anna\0pencil', b'error\n'),
                ('permit', b'\0pencil\0', b'error\n'),
                ('permit', b'anna\0pencil\0more\0', b'error\n'),
                ('permit', b'a' * 1283, b'error\n')):
            with self.subTest(service=service, question=question):
                self.assertEqual(self.ask(service, question), answer)

    @unittest.skipUnless(os.getuid() == 0, 'to be somebody else, one must be root')
    def test_strangers(self):
        ours, theirs = socket.socketpair()
        path = self.folder / 'socket'
        listener = socket.socket(socket.AF_UNIX)
        ours.close()
        theirs.close()
        self.folder.chmod(0o755)
        listener.bind(str(path))
        path.chmod(0o777)
        listener.listen(1)
        stranger = subprocess.Popen(
            [sys.executable, '-c', 'import socket, sys; s = socket.socket(socket.AF_UNIX); '
             's.connect(sys.argv[1]); s.sendall(b"anna\\0pencil\\0"); print(s.recv(99))', str(path)],
            user=65534, stdout=subprocess.PIPE, text=True)
        self.addCleanup(stranger.kill)
        listener.settimeout(20)
        with listener, listener.accept()[0] as connection:
            subprocess.run([PROGRAM, '--confdir', str(self.folder), '--service', 'permit'],
                           stdin=connection, stderr=subprocess.DEVNULL, timeout=20, check=True)
        self.assertEqual(stranger.communicate(timeout=20)[0].strip(), "b'error\\n'")


if __name__ == '__main__':
    unittest.main()
