import type { FastifyReply, FastifyRequest } from "fastify";
import { assertNever } from "../../lib/errors.ts";
import { preferred } from "../accept.ts";
import type { HttpLimits } from "../limits.ts";
import { jsonAnswer, problemAnswer } from "../operation-doc.ts";
import type { HttpOptions, ProbePort, ProbeView } from "../ports.ts";
import { type Refusal, refuse, STOPPING } from "../refusal.ts";
import { type ProbeRequest, parseProbeRequest, probeQuery } from "../run-request.ts";
import { probeAnswer } from "../schemas/result.ts";
import type { PathRoutes } from "./route.ts";

type Options = Pick<HttpOptions, "probes" | "ready"> & {
  readonly limits: Pick<HttpLimits, "probes" | "probeMs">;
};

/** Seconds until it is worth asking again. */
const RETRY_AFTER = { "retry-after": "5" } as const;
const TEXT = "text/plain; charset=utf-8";

const SAME_DEVICE: Refusal = {
  status: 429,
  detail: "this device is being probed already",
  headers: RETRY_AFTER,
};

/** GET /probe (design 6.4): one device, tested now. It connects the device, so it needs the scope of a run. */
export function probeRoutes({ probes, ready, limits }: Options): PathRoutes[] {
  const underWay = new Set<string>();
  return [
    {
      path: "/probe",
      methods: {
        GET: {
          access: "trigger",
          // Nobody wants a device tested for the headers of the answer.
          head: false,
          doc: {
            summary: "Tests one device now",
            query: probeQuery,
            answers: {
              200: jsonAnswer("What became of it; as text or metrics where asked for", probeAnswer),
              400: problemAnswer("A parameter is unknown or has an unknown value"),
              404: problemAnswer("No valid profile has this id"),
              503: problemAnswer("It did not end in time, or the daemon is paused or stopping"),
            },
          },
          handle: async (request, reply) => {
            const parsed = parseProbeRequest(request.query);
            if (parsed.kind === "invalid") return refuse(reply, { status: 400, detail: parsed.detail });
            const { device } = parsed.value;
            const full = noPlace(underWay, device, limits.probes);
            if (!ready().ready) return refuse(reply, STOPPING);
            if (full !== null) return refuse(reply, full);
            underWay.add(device);
            try {
              return await answerProbe(probes, parsed.value, limits.probeMs, request, reply);
            } finally {
              underWay.delete(device);
            }
          },
        },
      },
    },
  ];
}

function noPlace(underWay: ReadonlySet<string>, device: string, most: number): Refusal | null {
  if (underWay.has(device)) return SAME_DEVICE;
  if (underWay.size < most) return null;
  return { status: 429, detail: `${most} devices are being probed already`, headers: RETRY_AFTER };
}

/** A client that hangs up ends its probe; a probe that takes too long is ended too. */
async function answerProbe(
  probes: ProbePort,
  asked: ProbeRequest,
  timeoutMs: number,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const stop = new AbortController();
  const onClose = () => stop.abort("gone");
  const timer = setTimeout(() => stop.abort("late"), timeoutMs);
  reply.raw.once("close", onClose);
  try {
    const answer = await probes.probe(asked.device, stop.signal);
    switch (answer.kind) {
      case "probed":
        return await send(answer.probe, asked, request, reply);
      case "unknown":
        return refuse(reply, { status: 404, detail: answer.reason });
      case "paused":
        return refuse(reply, { status: 503, detail: answer.reason, headers: RETRY_AFTER });
      default:
        return assertNever(answer, "probe answer");
    }
  } catch (error) {
    if (!stop.signal.aborted) throw error;
    return stop.signal.reason === "late" ? refuse(reply, late(timeoutMs)) : reply.hijack();
  } finally {
    clearTimeout(timer);
    reply.raw.off("close", onClose);
  }
}

function late(timeoutMs: number): Refusal {
  const detail =
    `the probe did not end within ${timeoutMs / 1000} s and was given up; ` +
    "a run may be using the device's client id or the account's budget";
  return { status: 503, detail, headers: RETRY_AFTER };
}

/** The status says that there is an answer, not what it is: a device that is kept out is an answer too. */
async function send(
  probe: ProbeView,
  { debug, format }: ProbeRequest,
  { headers }: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  switch (format ?? wanted(headers.accept, debug)) {
    case "metrics": {
      const { contentType, body } = await probe.metricsPage();
      return reply.type(contentType).send(body);
    }
    case "text":
      return reply.type(TEXT).send(`${debug ? probe.text() : shortText(probe)}\n`);
    case "json": {
      const { device, verdict, causes } = probe;
      return reply.send(debug ? probe.report : { device, verdict, causes });
    }
  }
}

/** Steps are for people first, the short answer is for programs first. */
function wanted(accept: string | undefined, debug: boolean): "text" | "json" {
  const [text, json] = ["text/plain", "application/json"] as const;
  const type = debug ? preferred(accept, [text, json]) : preferred(accept, [json, text]);
  return type === text ? "text" : "json";
}

/** One line, for example `fail POLICY_CONNECT_DENIED, ALPN_MISSING`. */
function shortText({ verdict, causes }: ProbeView): string {
  const codes = [...new Set(causes.map(({ code }) => code))];
  return codes.length === 0 ? verdict : `${verdict} ${codes.join(", ")}`;
}
