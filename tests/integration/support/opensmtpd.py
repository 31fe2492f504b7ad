# SPDX-License-Identifier: GPL-3.0-or-later
"""An OpenSMTPD on loopback, from an unpacked package, with files of its own. It takes mail in clear
only: Debian 12's loses its private keys between its processes ("missing private key"). As a client
it has all of TLS."""

import os
import pathlib
import tempfile

from . import private
from .servers import DEADLINE, free_port, messages_in, smtp_answers, wait_for

CONFIG = '''
table logins {{ {logins} }}
listen on 127.0.0.1 port {port} hostname {name}
table everybody {{ "@" = "opensmtpd" }}
action "mailbox" maildir "{root}/mail" virtual <everybody>
{actions}
match from any for rcpt-to regex "^nobody" reject
{matches}
match from any for any action "mailbox"
'''


class OpenSmtpd:
    """Takes all mail but for nobody…@ into one Maildir; what `actions` and `matches` say goes
    elsewhere. `logins`: a table of them, for `actions`."""

    def __init__(self, authority, name='opensmtpd.test', actions='', matches='',
                 logins='none = "none:none"'):
        program = private.unpacked('usr/sbin/smtpd')
        self.root = pathlib.Path(tempfile.mkdtemp(prefix='pointsman-opensmtpd-'))
        self.root.chmod(0o711)
        self.port = free_port()
        (self.root / 'conf').write_text(CONFIG.format(
            root=self.root, name=name, port=self.port, actions=actions, matches=matches,
            logins=logins))
        for folder in ('spool', 'mail', 'run', 'home'):
            (self.root / folder).mkdir(mode=0o711)
        os.chown(self.root / 'mail', private.USERS['opensmtpd'], private.USERS['opensmtpd'])
        tree = private.PEERS / 'usr'
        self.process = private.start(self.root, {
            '/var/lib': '', '/var/lib/opensmtpd/empty': self.root / 'home',
            '/run': self.root / 'run', '/var/spool': self.root / 'spool',
            '/usr/libexec': tree / 'libexec', '/usr/sbin': tree / 'sbin',
            '/etc/ssl/certs/ca-certificates.crt': authority.file,
        }, ['/usr/sbin/smtpd', '-d', '-f', self.root / 'conf'])
        try:
            wait_for(lambda: smtp_answers(self.port), 'OpenSMTPD', process=self.process)
        except BaseException:
            print(self.log())
            self.close()
            raise

    def messages(self):
        return messages_in(self.root / 'mail')

    def log(self):
        return (self.root / 'out').read_text(errors='replace')

    def close(self):
        private.stop(self.process, self.root, DEADLINE)
