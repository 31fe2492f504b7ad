# SPDX-License-Identifier: GPL-3.0-or-later
"""The real pointsman-relayd on loopback, and a scripted host for it to deliver to."""

import os
import pathlib
import queue
import shutil
import signal
import socket
import subprocess
import tempfile
import threading

from .servers import free_port, messages_in, wait_for

RELAYD = os.environ.get('POINTSMAN_RELAYD', 'pointsman-relayd')


def is_sanitized():
    """Whether relayd was built with AddressSanitizer."""
    return b'__asan_init' in pathlib.Path(RELAYD).read_bytes()


SITE = '''<site xmlns="urn:pointsman:site:1" name="Test" organization="Test">
  <configuration>
    <servers><server name="MAIL1" host="{host}"/></servers>
    <connections>
      <internet-mail-service server="MAIL1">
        <general inbound-limit="{limit}" outbound-limit="{outbound_limit}"/>
        <internet-mail administrator="admin@example.com"/>
        <connections transfer="{transfer}">
          {listen}
          {deliver}
          <retry intervals="{retry}" notify="{notify}" timeout="{timeout}"/>
          <limits inbound="{max_inbound}" outbound="{max_outbound}" recipients="{max_recipients}" {limits}/>
          {accept}
          {filtering}
        </connections>
        <routing>
          <route domain="example.com"><inbound/></route>
          {routes}
          <restrictions>{restrictions}</restrictions>
        </routing>
        <mailboxes accept="{mailboxes}">
          <deliver-to maildir="mail"/>
          <mailbox address="anna@example.com"><alias address="sales@example.com"/></mailbox>
          <mailbox address="admin@example.com"/>
        </mailboxes>
        {security}
        {diagnostics}
      </internet-mail-service>
    </connections>
  </configuration>
</site>
'''

DEFAULTS = {
    'host': 'mail1.example.com', 'limit': '1 MiB', 'transfer': 'both',
    'deliver': '<deliver method="dns"/>', 'retry': '1s', 'notify': '4h', 'timeout': '48h',
    'outbound_limit': '50 MiB', 'max_inbound': '1000', 'max_outbound': '200',
    'max_recipients': '100', 'accept': '', 'routes': '', 'address': '127.0.0.1', 'role': 'relay',
    'limits': '', 'filtering': '', 'security': '', 'diagnostics': '',
    'restrictions': '<allow network="127.0.0.1"/>', 'mailboxes': 'listed',
}


class Relay:
    """One relayd with a site and a state directory of its own."""

    def __init__(self, *options, **site):
        self.root = pathlib.Path(tempfile.mkdtemp(prefix='pm-relay-'))
        self.config = self.root / 'site.xml'
        self.state = self.root / 'state'
        self.port = free_port()
        self.options = list(options)
        self.launcher = []
        self.values = dict(DEFAULTS, **site)
        self.process = None
        self.log = []
        self.write_site()

    def write_site(self, **site):
        self.values.update(site)
        listen = (f'<listen address="{self.values["address"]}" port="{self.port}" '
                  f'role="{self.values["role"]}"/>')
        self.config.write_text(SITE.format(**dict({'listen': listen}, **self.values)))

    def start(self, wait=True):
        self.process = subprocess.Popen(
            [*self.launcher, RELAYD, '--config', self.config, '--state-dir', self.state,
             *(self.options or ['--no-bus'])],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        self.ready = threading.Event()
        self.reader = threading.Thread(target=self._read, args=(self.process,), daemon=True)
        self.reader.start()
        if wait:
            wait_for(self.ready.is_set, 'relayd is ready', process=self.process)
        return self

    def _read(self, process):
        for line in process.stderr:
            self.log.append(line.rstrip('\n'))
            if line == 'ready\n':
                self.ready.set()
        process.stderr.close()

    def logged(self, *words):
        """The first line of the log that has all the words."""
        return next((line for line in list(self.log) if all(w in line for w in words)), None)

    def wait_logged(self, *words, deadline=20):
        return wait_for(lambda: self.logged(*words), f'the log says {words}', deadline,
                        self.process)

    def reload(self):
        self.process.send_signal(signal.SIGHUP)

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.reader.join()

    def stop(self):
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.kill()
        if self.process is not None:
            self.reader.join()
            return self.process.returncode
        return None

    def remove(self):
        self.stop()
        shutil.rmtree(self.root)
        alarms = [line for line in self.log if 'Sanitizer' in line or 'runtime error' in line or
                  'CRITICAL' in line]
        assert not alarms, '\n'.join(self.log)

    def mailbox(self, address):
        local, domain = address.split('@')
        return self.state / 'mail' / domain / local

    def messages(self, address):
        return messages_in(self.mailbox(address))

    def wait_messages(self, address, count=1, deadline=20):
        wait_for(lambda: len(self.messages(address)) >= count, f'mail for {address}', deadline,
                 self.process)
        return self.messages(address)


class Sink:
    """A host that takes mail as its script says.

    `script` maps a verb (CONNECT, EHLO, MAIL, RCPT, DATA, DOT) to a reply line, to a list of them
    (the last repeats), to a function of the line, or to None: close without a word."""

    DEFAULT = {'CONNECT': '220 sink ESMTP', 'EHLO': '250-sink\r\n250 PIPELINING',
               'MAIL': '250 2.1.0 OK', 'RCPT': '250 2.1.5 OK', 'DATA': '354 go on',
               'DOT': '250 2.0.0 taken', 'QUIT': '221 bye', 'RSET': '250 OK'}

    def __init__(self, address='127.0.0.1', port=0, **script):
        self.script = dict(self.DEFAULT, **script)
        self.taken = queue.Queue()
        self.commands = []
        if address.startswith('/'):
            self.socket = socket.socket(socket.AF_UNIX)
            self.socket.bind(address)
            self.socket.listen()
            self.address, self.port = address, None
        else:
            self.socket = socket.create_server((address, port))
            self.address, self.port = self.socket.getsockname()
        self.thread = threading.Thread(target=self._accept, daemon=True)
        self.thread.start()

    def close(self):
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()
        self.thread.join()

    def host(self, tls='opportunistic'):
        return f'<host name="{self.address}" port="{self.port}" tls="{tls}"/>'

    def get(self, timeout=20):
        """The next message taken: sender line, recipient lines, bytes."""
        return self.taken.get(timeout=timeout)

    def _accept(self):
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _reply(self, verb, line):
        answer = self.script[verb]
        if isinstance(answer, list):
            answer = answer.pop(0) if len(answer) > 1 else answer[0]
        if callable(answer):
            answer = answer(line)
        return answer

    def _serve(self, connection):
        with connection, connection.makefile('rb') as lines:
            connection.settimeout(20)
            try:
                self._talk(connection, lines)
            except OSError:
                pass

    def _talk(self, connection, lines):
        mail, recipients = None, []

        def say(verb, line=''):
            answer = self._reply(verb, line)
            if answer is not None:
                connection.sendall(answer.encode() + b'\r\n')
            return answer

        if say('CONNECT') is None:
            return
        for raw in lines:
            line = raw.decode().rstrip('\r\n')
            self.commands.append(line)
            verb = line.split(' ')[0].split(':')[0].upper()
            answer = say('EHLO' if verb == 'HELO' else verb, line)
            if answer is None or verb == 'QUIT':
                return
            if verb == 'MAIL':
                mail, recipients = line, []
            elif verb == 'RCPT' and answer.startswith('2'):
                recipients.append(line)
            elif verb == 'DATA' and answer.startswith('3'):
                body = []
                for raw_line in lines:
                    if raw_line == b'.\r\n':
                        break
                    body.append(raw_line)
                else:
                    return  # cut off: nobody takes half a message
                answer = say('DOT')
                if answer is None:
                    return
                if answer.startswith('2'):
                    self.taken.put((mail, recipients, b''.join(body)))
