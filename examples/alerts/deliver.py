"""Delivers the data of firing.json as Alertmanager does, with the token that standard input has: deliver.py SERVER"""

import json
import sys
import urllib.request
from pathlib import Path

token = sys.stdin.readline().strip()
body = json.dumps(json.loads(Path(__file__).with_name("firing.json").read_text())["data"]).encode()
headers = {"Content-Type": "application/json", "Authorization": f"Bearer {token}"}
request = urllib.request.Request(f"{sys.argv[1]}/hooks/example-alerts", body, headers)
with urllib.request.urlopen(request) as answer:
    print(json.load(answer)["id"])
