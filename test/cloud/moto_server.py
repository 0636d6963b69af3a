"""moto_server: moto on a free port of loopback, which it prints. One request at a time: moto's tables are not made for several threads, and where one is
added to while another call goes through it that call is answered with status 500."""

import io
import threading

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import make_server

moto, turn = DomainDispatcherApplication(create_backend_app), threading.Lock()


def one_at_a_time(request, start):
    # Whoever sends it slowly, or not to its end, is not waited for by the others.
    if request.get("CONTENT_LENGTH"):
        request["wsgi.input"] = io.BytesIO(request["wsgi.input"].read(int(request["CONTENT_LENGTH"])))
    with turn:
        return list(moto(request, start))


server = make_server("127.0.0.1", 0, one_at_a_time, threaded=True)
print(server.server_port, flush=True)
server.serve_forever()
