# A client of a Muster coordinator over HTTP, with nothing but Python's standard library (3.11 or later).
"""    client = Client("127.0.0.1:7780")
    client.load("words", replicas=2)
    for hit in client.search("words", [vector], k=10)[0]:
        print(hit["id"], hit["distance"])
    for event in client.events():
        print(event["number"], event["kind"], event["text"])

Every method of deploy/REFERENCE.md is `client.call("MethodName", field=value)`, with the names that the page gives. Numbers of 64 bits
are int in requests and answers, though JSON carries them as text. What is refused is raised as Error.
"""
import http.client
import json
import math
import re
import time

LARGEST_JSON_NUMBER = 2**53  # From here on a number of JSON may lose digits on its way; as text it keeps them.
KEEP_ALIVE_S = 15  # A stream of events says at least a comment so often.
LONGEST_PAUSE_S = 10  # Between attempts to open a stream again.


class Error(Exception):
    """A request was refused or failed.

    code, name and retriable are those of the list of errors in deploy/REFERENCE.md; reason says what is wrong and what to do;
    status is that of HTTP. Without an answer code and status are 0.
    """

    def __init__(self, code, name, reason, retriable, status=0):
        super().__init__(f"{name} ({code}): {reason}")
        self.code = code
        self.name = name
        self.reason = reason
        self.retriable = retriable
        self.status = status


class Unreachable(Error):
    """No coordinator answers at the address. Nothing was sent, so nothing was done: a retry is safe."""

    def __init__(self, reason):
        super().__init__(0, "unreachable", reason, True)


class NoAnswer(Error):
    """The request was sent and no whole answer came: whether a change was made is not known. Look before you repeat it."""

    def __init__(self, reason):
        super().__init__(0, "no_answer", reason, False)


class Client:
    """One coordinator. Each call has a connection of its own, so that threads may share a client.

    address: HOST:PORT of its HTTP door. timeout_s: how long a call may take that says nothing else.
    """

    def __init__(self, address="127.0.0.1:7780", timeout_s=30.0):
        host, colon, port = address.removeprefix("http://").rstrip("/").rpartition(":")
        if not colon or not host or not port.isdigit():
            raise ValueError(f"{address!r} is no HOST:PORT, such as 127.0.0.1:7780")
        self.address = f"{host}:{port}"
        self.timeout_s = timeout_s
        self._host, self._port = host.strip("[]"), int(port)
        self._description = None

    # Methods of the schema

    def call(self, method, /, *, timeout_s=None, **fields):
        """Sends one request and returns its reply as a dictionary. Raises Error, Unreachable or NoAnswer."""
        body = json.dumps(_outgoing(fields), allow_nan=False)
        answer = self._json("POST", "/v1/" + method, body, timeout_s)
        name = method[:1].upper() + method[1:]
        operation = self._described()["paths"].get("/v1/" + name, {}).get("post")
        return self._incoming(answer, _schema_of(operation)) if operation else answer

    def load(self, collection, replicas=0, groups=(), *, timeout_s=600.0, **more):
        """Has a collection served; returns its id when it can be searched.

        replicas: 0: as the collection, its database or the cluster say. groups: resource groups, one or one for each replica.
        more: other fields of loadCollection, such as lowPriority=True.
        """
        reply = self.call("LoadCollection", collection=collection, replicaNumber=replicas, resourceGroups=list(groups),
                          timeout_s=timeout_s, **more)
        return reply["collectionId"]

    def release(self, collection, *, timeout_s=None):
        """Has a collection no longer served; its data stays."""
        self.call("ReleaseCollection", collection=collection, timeout_s=timeout_s)

    def search(self, collection, vectors, k=10, *, deadline_ms=0, timeout_s=None):
        """The nearest rows of each vector: for each a list of {"id", "distance"}, and "name" where rows have names.

        deadline_ms: until when nodes may answer; 0: as the coordinator says. Answered completely or not at all.
        """
        reply = self.call("Search", collection=collection, vectors=[list(map(float, v)) for v in vectors], k=k,
                          deadlineMs=deadline_ms, timeout_s=timeout_s)
        return [query.get("hits", []) for query in reply.get("queries", [])]

    def explain(self, subject, name, collection="", *, timeout_s=None):
        """Why something is not as it should be, or why it is where it is, and what would change that.

        subject: segment, channel, replica, collection, node or task; name: its name or id; collection: if several have the segment.
        """
        return self.call("Explain", subject=subject, name=str(name), collection=collection, timeout_s=timeout_s)["explanation"]

    # What is beside the methods

    def ready(self, *, timeout_s=None):
        """Whether the coordinator can serve, and if not, why: {"ready", "state", "reasons"}."""
        status, body = self._ask("GET", "/readyz", None, {}, timeout_s)
        told = _decoded(status, body)
        if "ready" not in told:
            raise _error_of(status, told)
        return told

    def metrics(self, *, timeout_s=None):
        """The figures, as text for Prometheus."""
        status, body = self._ask("GET", "/metrics", None, {}, timeout_s)
        if status != 200:
            raise _error_of(status, _decoded(status, body))
        return body.decode("utf-8")

    def events(self, after=None, *, reconnect=True):
        """What happens, as it happens, without end: an iterator of dictionaries.

        after: number of the last event that is known; None: begins with the last events. A stream that breaks is opened again behind
        the last event, so that none is missed and none comes twice; a restarted coordinator goes on with higher numbers.
        reconnect=False: ends with the stream. A coordinator that refuses is always an Error, but for one that is not ready yet.
        """
        last, pause = after, 1.0
        told = None
        while True:
            connection = None
            try:
                if told is None:
                    told = self._described()["components"]["schemas"]["Event"]
                connection = self._connect(2 * KEEP_ALIVE_S)
                connection.request("GET", "/events", headers={} if last is None else {"Last-Event-ID": str(last)})
                response = connection.getresponse()
                if response.status != 200:
                    raise _error_of(response.status, _decoded(response.status, response.read()))
                fields = {}
                for line in response:
                    name, colon, value = line.decode("utf-8").rstrip("\r\n").partition(":")
                    value = value.removeprefix(" ")
                    if name:
                        fields[name] = value
                    elif not colon:  # An empty line ends an event; one that begins with a colon is a comment.
                        pause = int(fields["retry"]) / 1000 if "retry" in fields else pause
                        if "data" in fields:
                            event = self._incoming(json.loads(fields["data"]), told)
                            last = int(fields["id"])
                            yield event
                        fields = {}
            except NoAnswer:
                if not reconnect:
                    raise
            except Error as e:
                if not reconnect or not e.retriable:
                    raise
            except (OSError, http.client.HTTPException) as e:
                if not reconnect:
                    raise NoAnswer(f"the stream of events of {self.address} broke: {e}") from e
            finally:
                if connection is not None:
                    connection.close()
            if not reconnect:
                return
            time.sleep(min(pause, LONGEST_PAUSE_S))

    # Below is nobody's business but its own.

    def _described(self):
        """The description of the door: which texts of an answer are numbers. Asked for once."""
        if self._description is None:
            self._description = self._json("GET", "/openapi.json", None, None)
        return self._description

    def _json(self, verb, path, body, timeout_s):
        headers = {"Content-Type": "application/json"} if body is not None else {}
        status, answer = self._ask(verb, path, body, headers, timeout_s)
        told = _decoded(status, answer)
        if status != 200:
            raise _error_of(status, told)
        return told

    def _connect(self, timeout_s):
        connection = http.client.HTTPConnection(self._host, self._port, timeout=timeout_s)
        try:
            connection.connect()
        except OSError as e:
            connection.close()
            raise Unreachable(f"no coordinator answers at {self.address}: {e}; is it started with --http {self.address}?") from e
        return connection

    def _ask(self, verb, path, body, headers, timeout_s):
        timeout_s = self.timeout_s if timeout_s is None else timeout_s
        connection = self._connect(timeout_s)
        try:
            connection.request(verb, path, body, headers)
            response = connection.getresponse()
            return response.status, response.read()
        except TimeoutError as e:
            raise NoAnswer(f"{verb} {path}: no answer within {timeout_s:g} s") from e
        except (OSError, http.client.HTTPException) as e:
            raise NoAnswer(f"{verb} {path}: the connection to {self.address} was lost: {e!r}") from e
        finally:
            connection.close()

    def _incoming(self, value, schema):
        """An answer as its schema says: texts that are numbers become numbers. What is not described stays as it is."""
        if "$ref" in schema:
            schema = self._description["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
        if isinstance(value, dict):
            known = schema.get("properties", {})
            return {name: self._incoming(v, known.get(name, {})) for name, v in value.items()}
        if isinstance(value, list):
            return [self._incoming(v, schema.get("items", {})) for v in value]
        if isinstance(value, str):
            choices = [schema, *schema.get("anyOf", ())]
            if any("pattern" in choice for choice in choices) and re.fullmatch(r"-?[0-9]+", value):
                return int(value)
            if any("NaN" in choice.get("enum", ()) for choice in choices):
                return float(value)
        return value


def _schema_of(operation):
    return operation["responses"]["200"]["content"]["application/json"]["schema"]


def _outgoing(value):
    """A request as JSON carries it: numbers that would lose digits, and those that JSON does not have, as text."""
    if isinstance(value, dict):
        return {name: _outgoing(v) for name, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_outgoing(v) for v in value]
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) >= LARGEST_JSON_NUMBER:
        return str(value)
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    return value


def _decoded(status, body):
    try:
        told = json.loads(body)
    except ValueError:
        told = None
    if not isinstance(told, dict):
        raise NoAnswer(f"an answer with status {status} is no JSON: {body[:100]!r}; is that the HTTP door of a coordinator?")
    return told


def _error_of(status, told):
    return Error(told.get("code", 0), told.get("name", "unknown"), told.get("reason", f"status {status}"), told.get("retriable", False), status)
