import { useEffect, useState } from "preact/hooks";
import { request, useLoaded } from "../api.ts";
import type { DeviceResult, Page } from "../api-types.ts";
import { formatSeconds, formatTime } from "../format.ts";
import { runLink } from "../route.ts";
import { Badge, Panel, Problem } from "../words.tsx";

const LAST = 10;

/** One device: what became of it lately, and, when asked to, what happens now. */
export function DeviceView({ device }: { readonly device: string }) {
  const path = `/api/v1/devices/${encodeURIComponent(device)}/results?limit=${LAST}`;
  const { data, error } = useLoaded<Page<DeviceResult>>(path);
  return (
    <div data-testid="device-page">
      <h1>{device}</h1>
      <Problem text={error} />
      <ProbeNow key={device} device={device} />
      <Panel title="Last results" hint={`The newest ${LAST} at most.`}>
        {data !== null && data.items.length === 0 ? (
          <p>None is kept. Old runs keep failures longer than passes.</p>
        ) : null}
        <ol class="causes">
          {data?.items.map((result) => (
            <Past key={`${result.runId} ${result.seq}`} result={result} />
          ))}
        </ol>
      </Panel>
    </div>
  );
}

type Probe =
  | { readonly kind: "idle" | "busy" }
  | { readonly kind: "shown"; readonly text: string }
  | { readonly kind: "failed"; readonly why: string };

function ProbeNow({ device }: { readonly device: string }) {
  const [probe, setProbe] = useState<Probe>({ kind: "idle" });
  const [left] = useState(() => new AbortController());
  useEffect(() => () => left.abort(), [left]);
  const start = async () => {
    setProbe({ kind: "busy" });
    try {
      const query = new URLSearchParams({ device, debug: "true" });
      const headers = { accept: "text/plain" };
      const response = await request(`/probe?${query}`, { headers, signal: left.signal });
      setProbe({ kind: "shown", text: await response.text() });
    } catch (error) {
      if (!left.signal.aborted) setProbe({ kind: "failed", why: (error as Error).message });
    }
  };
  return (
    <Panel
      title="Now"
      hint="Asks the authorizer and makes a real connection with this device's credentials, each step explained."
    >
      <p class="actions">
        <button type="button" class="primary" disabled={probe.kind === "busy"} onClick={() => void start()}>
          {probe.kind === "busy" ? "Probing" : "Probe it now"}
        </button>
      </p>
      <div aria-live="polite">
        <Problem text={probe.kind === "failed" ? probe.why : null} />
        {probe.kind === "shown" ? (
          // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keyboard
          <pre tabIndex={0}>{probe.text}</pre>
        ) : null}
      </div>
    </Panel>
  );
}

const TIMED = { invoke: "authorizer", gateway: "gateway" } as const;

function Past({ result }: { readonly result: DeviceResult }) {
  const { runId, startedAt, verdict, protocol, derived, authorizer, prediction, gateway, causes, timings } =
    result;
  const phases = Object.entries(timings.phases).map(
    ([phase, seconds]) => `${phase} ${formatSeconds(seconds)}`,
  );
  if (timings.invokeSeconds !== null) phases.unshift(`authorizer ${formatSeconds(timings.invokeSeconds)}`);
  for (const part of timings.discarded ?? []) phases.push(`${TIMED[part]} not timed: the tester was busy`);
  return (
    <li>
      <p>
        <Badge of={verdict} small /> <a href={runLink(runId)}>{formatTime(startedAt)}</a> over {protocol}
        {derived === null ? null : <span class="tag">derived: {derived}</span>}
      </p>
      <p>
        authorizer {authorizer}, policy {prediction}, gateway {gateway}
        {result.gatewayCode === null ? "" : ` ${result.gatewayCode}`}
        {result.gatewayReason === null ? "" : `: ${result.gatewayReason}`}
      </p>
      {causes.map(({ code, evidence, nextStep }) => (
        <p key={code}>
          <code>{code}</code> {evidence} <strong>Next:</strong> {nextStep}
        </p>
      ))}
      {phases.length === 0 ? null : <p class="quiet">{phases.join(" · ")}</p>}
    </li>
  );
}
