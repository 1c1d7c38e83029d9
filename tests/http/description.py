# The OpenAPI description that a door serves, and requests and answers held against it.
import json

import jsonschema


class Description:
    def __init__(self, served):
        self.whole = served
        self.asked = set()  # (path, verb, status)

    def validator(self, schema):
        # References are found in the whole description.
        return jsonschema.Draft202012Validator({**schema, "components": self.whole["components"]})

    def operation(self, verb, path):
        return self.whole["paths"].get(path, {}).get("get" if verb == "HEAD" else verb.lower())

    def check_request(self, path, body):
        schema = self.operation("POST", path)["requestBody"]["content"]["application/json"]["schema"]
        self.validator(schema).validate(body)

    def fits_request(self, path, body):
        schema = self.operation("POST", path)["requestBody"]["content"]["application/json"]["schema"]
        return self.validator(schema).is_valid(body)

    def check_answer(self, verb, path, answer):
        operation = self.operation(verb, path)
        assert operation is not None, f"{verb} {path} is not described"
        responses = operation["responses"]
        found = responses.get(str(answer.status)) or responses.get(f"{answer.status // 100}XX")
        assert found is not None, f"{verb} {path} answers {answer.status}, which is not described"
        kind = answer.headers["content-type"].split(";")[0]
        assert kind in found["content"], f"{verb} {path} answers {kind}; described are {list(found['content'])}"
        body = json.loads(answer.body) if kind == "application/json" else answer.body.decode("utf-8")
        self.validator(found["content"][kind]["schema"]).validate(body)
        self.asked.add((path, verb, answer.status))
        return body
