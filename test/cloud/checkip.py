#!/usr/bin/env python3
"""checkip: plays AWS's page that says from where it was asked for, in a network that has nothing else: `unshare -rmn checkip.py FOLDER TOOL ANSWER…`, an
answer being "STATUS TEXT". Prints what the tool says to each, and to a page that is not there. The folder gets a certificate and a list of hosts."""

import http.server
import json
import os
import ssl
import subprocess
import sys
import threading

HOST = "checkip.amazonaws.com"


def said(tool, bundle):
    # A proxy that there is not: nothing may go through one.
    environment = {"PATH": os.environ["PATH"], "AWS_CA_BUNDLE": bundle, "AWS_ACCESS_KEY_ID": "AKIAEXAMPLEOFTESTS", "AWS_SECRET_ACCESS_KEY": "secret",
                   "AWS_REGION": "eu-west-1", "https_proxy": "http://127.0.0.1:9", "ASAN_OPTIONS": os.environ["ASAN_OPTIONS"]}
    return subprocess.run([tool], env=environment, input=json.dumps({"do": "own_address"}) + "\n", capture_output=True, text=True, check=True).stdout


def page(answers, path, key):
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            status, _, text = answers.pop(0).partition(" ")
            self.send_response(int(status))
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 443), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path, key)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()


def main(folder, tool, *answers):
    hosts, path, key = (os.path.join(folder, name) for name in ("hosts", "checkip.pem", "checkip.key"))
    with open(hosts, "w") as file:
        file.write(f"127.0.0.1 {HOST}\n")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", key, "-out", path, "-days", "1",
                    "-subj", "/CN=edcc", "-addext", f"subjectAltName=DNS:{HOST}"], check=True, stderr=subprocess.DEVNULL)
    subprocess.run(["mount", "--bind", hosts, "/etc/hosts"], check=True)
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    print(said(tool, path), end="")
    page(list(answers), path, key)
    for _ in answers:
        print(said(tool, path), end="")


if __name__ == "__main__":
    main(*sys.argv[1:])
