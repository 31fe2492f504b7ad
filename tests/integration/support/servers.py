# SPDX-License-Identifier: GPL-3.0-or-later
"""Real servers for the tests: Postfix and nsd, each on loopback with files of its own, started
here and stopped by process id, leaving nothing behind. Waiting is for an event with a deadline."""

import os
import pathlib
import pwd
import random
import shutil
import signal
import smtplib
import socket
import subprocess
import tempfile
import time

DEADLINE = 30


def free_port():
    """A port that is free for TCP and UDP, below those that the kernel hands to clients: what is
    found free here is then not taken by somebody's outgoing connection."""
    for port in random.sample(range(10000, 32000), 200):
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as tcp, \
                socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
            try:
                tcp.bind(('127.0.0.1', port))
                udp.bind(('127.0.0.1', port))
                return port
            except OSError:
                continue
    raise RuntimeError('no free port on 127.0.0.1')


def wait_for(condition, what, deadline=DEADLINE, process=None):
    """Returns the first true value of condition(); fails when the deadline or the process ends."""
    end = time.monotonic() + deadline
    while True:
        value = condition()
        if value:
            return value
        if process is not None and process.poll() is not None:
            raise RuntimeError(f'{what}: the process ended with status {process.returncode}')
        if time.monotonic() > end:
            raise TimeoutError(f'{what}: not within {deadline} seconds')
        time.sleep(0.02)


def smtp_answers(port, address='127.0.0.1'):
    try:
        with smtplib.SMTP(address, port, timeout=5):
            return True
    except (OSError, smtplib.SMTPException):
        return False


def messages_in(maildir):
    """The messages delivered into a Maildir, as bytes, oldest name first."""
    new = pathlib.Path(maildir, 'new')
    return [path.read_bytes() for path in sorted(new.iterdir())] if new.is_dir() else []


class Postfix:
    """A Postfix that takes mail for the given domains into one Maildir."""

    MAIN = '''
compatibility_level = 3.6
queue_directory = {root}/queue
data_directory = {root}/data
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
mail_owner = postfix
setgid_group = postdrop
myhostname = peer.test
mydestination =
mynetworks = 127.0.0.0/8
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
local_recipient_maps =
local_transport = error:no local mail
virtual_mailbox_domains = {domains}
virtual_mailbox_base = {root}/mail
virtual_mailbox_maps = static:all/
virtual_uid_maps = static:{uid}
virtual_gid_maps = static:{gid}
virtual_minimum_uid = 1
maillog_file = {root}/log
maillog_file_prefixes = {root}
smtputf8_enable = no
'''

    MASTER = '''
{port} inet n - n - - smtpd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
relay unix - - n - - smtp
error unix - - n - - error
retry unix - - n - - error
virtual unix - n n - - virtual
anvil unix - - n - 1 anvil
postlog unix-dgram n - n - 1 postlogd
'''

    def __init__(self, domains, main='', master=''):
        """`main` and `master`: more lines of main.cf and master.cf."""
        self.root = pathlib.Path(tempfile.mkdtemp(prefix='pointsman-postfix-'))
        self.root.chmod(0o755)
        self.port = free_port()
        owner = pwd.getpwnam('postfix')
        for name, mode in (('queue', 0o755), ('data', 0o755), ('mail', 0o755), ('etc', 0o755)):
            (self.root / name).mkdir(mode=mode)
        for name in ('data', 'mail'):
            os.chown(self.root / name, owner.pw_uid, owner.pw_gid)
        etc = self.root / 'etc'
        shutil.copy('/etc/postfix/postfix-files', etc)
        (etc / 'main.cf').write_text(self.MAIN.format(
            root=self.root, domains=' '.join(domains), uid=owner.pw_uid, gid=owner.pw_gid) + main)
        (etc / 'master.cf').write_text(self.MASTER.format(port=self.port) + master)
        try:
            self._postfix('start')
            wait_for(lambda: smtp_answers(self.port), 'Postfix')
        except BaseException:
            self.close()
            raise

    def _postfix(self, verb, check=True):
        subprocess.run(['postfix', '-c', self.root / 'etc', verb], check=check, timeout=DEADLINE,
                       stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL)

    @property
    def maildir(self):
        """Where every recipient's mail goes (virtual_mailbox_maps names the one Maildir)."""
        return self.root / 'mail' / 'all'

    def log(self):
        path = self.root / 'log'
        return path.read_text(errors='replace') if path.exists() else ''

    def close(self):
        self._postfix('abort', check=False)
        shutil.rmtree(self.root, ignore_errors=True)


class Dovecot:
    """A Dovecot that takes mail by LMTP, for `users` ({address: quota}), at a socket and a port."""

    CONF = '''
base_dir = {root}/run
state_dir = {root}/state
log_path = {root}/log
protocols = lmtp
ssl = no
mail_location = maildir:{root}/mail/%u
mail_uid = dovecot
mail_gid = dovecot
first_valid_uid = 1
mail_plugins = quota
passdb {{
  driver = passwd-file
  args = {root}/users
}}
userdb {{
  driver = passwd-file
  args = {root}/users
}}
plugin {{
  quota = maildir:User quota
  quota_grace = 0
}}
service lmtp {{
  unix_listener {root}/lmtp {{
    mode = 0666
  }}
  inet_listener lmtp {{
    address = 127.0.0.1
    port = {port}
  }}
}}
protocol lmtp {{
  postmaster_address = postmaster@example.com
}}
'''

    SASL = '''
auth_mechanisms = plain login scram-sha-256
service auth {{
  unix_listener {path} {{
    mode = 0660
    user = {owner}
  }}
}}
'''

    def __init__(self, users, password='x', sasl=None):
        """`sasl`: a socket and its owner's number, where Dovecot says for others who one is."""
        self.root = pathlib.Path(tempfile.mkdtemp(prefix='pointsman-dovecot-'))
        self.root.chmod(0o755)
        self.port = free_port()
        self.socket = self.root / 'lmtp'
        owner = pwd.getpwnam('dovecot')
        (self.root / 'mail').mkdir()
        os.chown(self.root / 'mail', owner.pw_uid, owner.pw_gid)
        (self.root / 'users').write_text(''.join(
            f'{user}:{{PLAIN}}{password}:{owner.pw_uid}:{owner.pw_gid}::{self.root}/mail/{user}::'
            f'userdb_quota_rule=*:bytes={quota}\n' for user, quota in users.items()))
        (self.root / 'conf').write_text(self.CONF.format(root=self.root, port=self.port) + (
            self.SASL.format(path=sasl[0], owner=pwd.getpwuid(sasl[1]).pw_name) if sasl else ''))
        self.process = subprocess.Popen(['/usr/sbin/dovecot', '-F', '-c', self.root / 'conf'],
                                        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL, start_new_session=True)
        try:
            wait_for(self._answers, 'Dovecot', process=self.process)
        except BaseException:
            print(self.log())
            self.close()
            raise

    def _answers(self):
        try:
            with socket.create_connection(('127.0.0.1', self.port), timeout=5) as client:
                return client.recv(3) == b'220'
        except OSError:
            return False

    def log(self):
        path = self.root / 'log'
        return path.read_text(errors='replace') if path.exists() else ''

    def messages(self, user):
        return messages_in(self.root / 'mail' / user)

    def close(self):
        if self.process.poll() is None:
            self.process.terminate()
            self.process.wait(timeout=DEADLINE)
        shutil.rmtree(self.root, ignore_errors=True)


class Nsd:
    """An authoritative DNS server with the zones given as {name: zone text}."""

    CONF = '''
server:
  ip-address: 127.0.0.1
  port: {port}
  username: ""
  chroot: ""
  zonesdir: "{root}"
  database: ""
  pidfile: "{root}/pid"
  zonelistfile: "{root}/zone.list"
  xfrdfile: "{root}/xfrd"
  xfrdir: "{root}"
  server-count: 1
remote-control:
  control-enable: no
'''

    def __init__(self, zones):
        self.root = pathlib.Path(tempfile.mkdtemp(prefix='pointsman-nsd-'))
        self.port = free_port()
        conf = self.CONF.format(port=self.port, root=self.root)
        for name, text in zones.items():
            (self.root / f'{name}.zone').write_text(text)
            conf += f'zone:\n  name: {name}\n  zonefile: {name}.zone\n'
        (self.root / 'nsd.conf').write_text(conf)
        self.process = subprocess.Popen(['/usr/sbin/nsd', '-d', '-c', self.root / 'nsd.conf'],
                                        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL, start_new_session=True)
        try:
            wait_for(lambda: self._answers(next(iter(zones))), 'nsd', process=self.process)
        except BaseException:
            self.close()
            raise

    def _answers(self, zone):
        labels = b''.join(bytes([len(part)]) + part.encode() for part in zone.split('.'))
        query = b'\x12\x34\x00\x00\x00\x01' + b'\x00' * 6 + labels + b'\x00\x00\x06\x00\x01'
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.settimeout(1)
            try:
                client.sendto(query, ('127.0.0.1', self.port))
                return client.recv(512)[:2] == query[:2]
            except OSError:
                return False

    def close(self):
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGTERM)
            self.process.wait(timeout=DEADLINE)
        shutil.rmtree(self.root, ignore_errors=True)
