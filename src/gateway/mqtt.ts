import type { Wire } from "../model/context.ts";
import type { ProbeFn } from "../model/ports.ts";
import { attempt } from "./attempt.ts";
import { connectProblem } from "./connect-packet.ts";
import { dial } from "./dial.ts";
import { meter } from "./meter.ts";
import { openSession } from "./session.ts";
import { topicProblem } from "./topic-rules.ts";

/** MQTT 3.1.1 or 5 over TLS: CONNECT, CONNACK, the tests, DISCONNECT (docs.aws.amazon.com/iot, protocols.html). */
export const probeMqtt: ProbeFn<Extract<Wire, { kind: "mqtt" }>> = (input) =>
  attempt(input, async (attempt) => {
    const problem = connectProblem(input.wire.connect) ?? topicProblem(input.topics);
    if (problem !== null) return attempt.settle(problem);
    const socket = await dial(input.target, input.wire.tls, attempt);
    if (socket === null) return;
    socket.on("error", (error) => attempt.settle({ kind: "failed", error }));
    openSession(socket, input, attempt);
    meter(socket, attempt);
  });
