"""Stands for a chat: prints its address, waits in the background for one message, and writes it to chat.log."""

import json
import os
import signal
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path


class Chat(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        message = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        Path("chat.log").write_text(f"the chat got: {message['text']}\n")
        self.send_response(204)
        self.end_headers()

    def log_message(self, *words: object) -> None:
        pass


server = HTTPServer(("127.0.0.1", 0), Chat)
print(f"http://127.0.0.1:{server.server_port}/message", flush=True)
if os.fork() == 0:
    quiet = os.open(os.devnull, os.O_RDWR)
    for stream in (sys.stdin, sys.stdout, sys.stderr):
        os.dup2(quiet, stream.fileno())
    signal.alarm(300)
    server.handle_request()
