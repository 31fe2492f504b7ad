# SPDX-License-Identifier: GPL-3.0-or-later
"""A Postfix that speaks TLS, asks Dovecot who somebody is, and sends on as it is told."""

import pathlib
import pwd
import tempfile

from .servers import Dovecot, Postfix, free_port, messages_in

SERVER = '''
smtpd_tls_chain_files = {key}, {chain}
smtpd_tls_security_level = may
smtpd_sasl_type = dovecot
smtpd_sasl_path = {sasl}
smtpd_tls_auth_only = yes
smtpd_recipient_restrictions = check_recipient_access regexp:{folder}/recipients, permit
smtpd_relay_restrictions = permit_sasl_authenticated, permit_mynetworks, reject
smtp_tls_CAfile = {ca}
transport_maps = texthash:{folder}/transport
smtp_sasl_password_maps = texthash:{folder}/passwords
smtp_sasl_security_options = noanonymous
smtp_sasl_tls_security_options = noanonymous
smtp_host_lookup = native
'''

TLSMGR = 'tlsmgr unix - - n 1000? 1 tlsmgr\n'

SUBMISSION = '''
{port} inet n - n - - smtpd
{more}  -o smtpd_sasl_auth_enable=yes
  -o smtpd_relay_restrictions=permit_sasl_authenticated,reject
'''


class SecurePostfix(Postfix):
    """`transports`: {name: {parameter of smtp(8): value}}; `ways`: {domain: transport:nexthop};
    `login`: the user and the password that it knows, and that it logs in with elsewhere. It has
    `ports` that offer one mechanism only."""

    def __init__(self, authority, domains, login, transports, ways, name='peer.test', main=''):
        user, password = login
        self.folder = tempfile.TemporaryDirectory(prefix='pointsman-postfix-')
        folder = pathlib.Path(self.folder.name)
        folder.chmod(0o755)
        owner = pwd.getpwnam('postfix')
        self.sasl = Dovecot({user: '10M'}, password=password,
                            sasl=(folder / 'sasl', owner.pw_uid))
        chain, key = authority.issue(name)
        self.tls_port, self.submission_port = free_port(), free_port()
        (folder / 'transport').write_text(''.join(f'{d} {w}\n' for d, w in ways.items()))
        hops = {way.partition(':')[2] for way in ways.values()}
        (folder / 'passwords').write_text(''.join(f'{hop} {user}:{password}\n' for hop in hops))
        (folder / 'recipients').write_text('/^nobody/ REJECT 5.1.1 No such user here\n')
        master = TLSMGR + ''.join(
            f'{name} unix - - n - - smtp\n' + ''.join(f'  -o {{{k} = {v}}}\n'
                                                      for k, v in options.items())
            for name, options in transports.items())
        master += SUBMISSION.format(port=self.tls_port, more='  -o smtpd_tls_wrappermode=yes\n')
        master += SUBMISSION.format(port=self.submission_port,
                                    more='  -o smtpd_tls_security_level=encrypt\n')
        self.ports = {name: free_port() for name in ('PLAIN', 'LOGIN', 'SCRAM-SHA-256')}
        for mechanism, port in self.ports.items():
            master += SUBMISSION.format(port=port, more=f'  -o smtpd_tls_security_level=encrypt\n'
                                        f'  -o smtpd_sasl_mechanism_filter={mechanism}\n')
        try:
            super().__init__(domains, SERVER.format(chain=chain, key=key, folder=folder,
                                                    sasl=folder / 'sasl', ca=authority.file) +
                             'smtputf8_enable = yes\n' + main, master)
        except BaseException:
            self.sasl.close()
            self.folder.cleanup()
            raise

    def messages(self):
        return messages_in(self.maildir)

    def log(self):
        return (self.root / 'log').read_text(errors='replace')

    def close(self):
        super().close()
        self.sasl.close()
        self.folder.cleanup()
