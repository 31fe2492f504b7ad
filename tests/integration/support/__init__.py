# SPDX-License-Identifier: GPL-3.0-or-later
"""What the integration tests share. Importing it keeps smtplib from asking DNS for this machine's
full name at each connection: no test needs a network, and where none answers that takes seconds."""

import socket

socket.getfqdn = lambda name='': 'client.test'
