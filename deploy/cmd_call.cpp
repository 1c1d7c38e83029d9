// `muster call METHOD '{json}'`: any request of the schema, and its reply, as capnp-json.
#include "deploy/cli.hpp"
#include "deploy/session.hpp"

#include <capnp/compat/json.h>
#include <iostream>

namespace muster::cli {

namespace {

struct options {
  std::string coordinator = "127.0.0.1:7700";
  std::string method;
  std::string json = "{}";
};

// The failure in a reply, whatever its arm: each has a `status`.
failure failure_in(const std::string& reply) {
  capnp::MallocMessageBuilder message;
  capnp::JsonCodec codec;
  auto root = message.initRoot<capnp::JsonValue>();
  codec.decodeRaw(kj::arrayPtr(reply.data(), reply.size()), root);
  failure out{ec::ok, {}};
  for (auto field : root.asReader().getObject()) {
    if (field.getName() != "status")
      continue;
    for (auto part : field.getValue().getObject()) {
      if (part.getName() == "code" && part.getValue().isNumber())
        out.code = static_cast<ec>(part.getValue().getNumber());
      if (part.getName() == "reason" && part.getValue().isString())
        out.text = view(part.getValue().getString());
    }
  }
  return out;
}

int run(const options& o) {
  session s{o.coordinator};
  const auto reply = value_or_end(s.wait(s.api().call_json(o.method, o.json)));
  std::cout << reply << '\n';
  if (auto why = failure_in(reply); why.code != ec::ok)
    throw command_error{why};
  return done;
}

} // namespace

void add_call(CLI::App& app, command& chosen) {
  auto o = std::make_shared<options>();
  auto& sub = add_command(app, "call", "Send any request of the schema and print the reply as JSON");
  std::string methods;
  for (auto& name : client::methods())
    methods += (methods.empty() ? "" : ", ") + name;
  sub.add_option("method", o->method, "One of " + methods)->type_name("METHOD")->required();
  sub.add_option("json", o->json, "The request's fields, as in messages/schema/client.capnp")
      ->type_name("JSON")
      ->capture_default_str();
  add_coordinator_option(sub, o->coordinator);
  sub.footer("\nExample: muster call describeCollection '{\"collection\":\"words\"}'");
  sub.callback([o, &chosen] { chosen = [o] { return run(*o); }; });
}

} // namespace muster::cli
