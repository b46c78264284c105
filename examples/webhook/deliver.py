"""Delivers the data of push.json as GitHub does, signed with the secret that standard input has: deliver.py SERVER"""

import hashlib
import hmac
import json
import sys
import urllib.request
import uuid
from pathlib import Path

secret = sys.stdin.readline().strip().encode()
body = json.dumps(json.loads(Path(__file__).with_name("push.json").read_text())["data"]).encode()
headers = {
    "Content-Type": "application/json",
    "X-GitHub-Event": "push",
    "X-GitHub-Delivery": str(uuid.uuid4()),
    "X-Hub-Signature-256": "sha256=" + hmac.new(secret, body, hashlib.sha256).hexdigest(),
}
request = urllib.request.Request(f"{sys.argv[1]}/hooks/example-github", body, headers)
with urllib.request.urlopen(request) as answer:
    print(json.load(answer)["id"])
