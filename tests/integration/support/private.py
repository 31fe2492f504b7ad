# SPDX-License-Identifier: GPL-3.0-or-later
"""Servers that Debian lets only one of be installed: they run from unpacked packages, in a mount
namespace where what they expect of the system is there, and which is gone when they end."""

import os
import pathlib
import shlex
import shutil
import signal
import subprocess
import sys
import unittest

PEERS = pathlib.Path(os.environ.get('POINTSMAN_PEERS', '/nonexistent'))
USERS = {'Debian-exim': 64901, 'opensmtpd': 64902, 'opensmtpq': 64903, '_smtpd': 64902,
         '_smtpq': 64903}


def hold_together():
    """Begins the program again in a process namespace, where that can be had: whatever way it ends,
    nothing of what it started is left."""
    unshare = ['unshare', '--pid', '--fork', '--kill-child=KILL', '--mount-proc']
    if os.getpid() == 1 or subprocess.run(unshare + ['true'], capture_output=True).returncode != 0:
        return
    os.execvp(unshare[0], unshare + [sys.executable, *sys.argv])


def unpacked(program):
    """The path of a program of tools/peers.sh, or the test is skipped."""
    path = PEERS / program
    if not path.exists():
        raise unittest.SkipTest(f'{path} is not there; tools/peers.sh fetches it')
    tried = subprocess.run(['unshare', '--mount', '--propagation', 'private', 'mount', '-t',
                            'tmpfs', 'tmpfs', '/var/lib'], capture_output=True, text=True)
    if tried.returncode != 0:
        raise unittest.SkipTest(f'no mount namespace here: {tried.stderr.strip()}')
    return path


def start(root, mounts, words):
    """Starts `words` in the foreground, with `mounts` ({path: source, or '' for an empty folder},
    parents first) and with the users that the servers ask for."""
    for name in ('passwd', 'group'):
        tail = ':/nonexistent:/usr/sbin/nologin' if name == 'passwd' else ''
        lines = [f'{user}:x:{number}:{f"{number}:" if tail else ""}{tail}\n'
                 for user, number in USERS.items()]
        (root / name).write_text(pathlib.Path('/etc', name).read_text() + ''.join(lines))
    script = ['set -e']
    for path, source in {'/etc/passwd': root / 'passwd', '/etc/group': root / 'group',
                         **mounts}.items():
        path, source = shlex.quote(str(path)), shlex.quote(str(source))
        if source == "''":
            script.append(f'mount -t tmpfs tmpfs {path}')
        else:
            script.append(f'if [ -d {source} ]; then mkdir -p {path}; else [ -e {path} ] || '
                          f'{{ mkdir -p "$(dirname {path})"; : >{path}; }}; fi')
            script.append(f'mount --bind {source} {path}')
    script.append('exec ' + shlex.join(str(word) for word in words))
    with open(root / 'out', 'wb') as out:
        return subprocess.Popen(['unshare', '--mount', '--propagation', 'private', 'sh', '-c',
                                 '\n'.join(script)], stdin=subprocess.DEVNULL, stdout=out,
                                stderr=subprocess.STDOUT, start_new_session=True)


def stop(process, root, deadline):
    """Ends a server and all that it started."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(timeout=deadline)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    shutil.rmtree(root, ignore_errors=True)
