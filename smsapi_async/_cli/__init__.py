"""The command line `smsapi`: the public client in a terminal. Extra `cli`; nothing else imports it.

`_app` names the commands and turns errors into exit codes, `_running` opens the client, `_terminal` is what a user
sees. The other modules are the commands: plain functions, which ask before they enter the event loop.
"""
