import type { Drift, DriftItem } from "../../model/drift.ts";
import { formatNumber, formatSeconds } from "../format.ts";
import { deviceLink, runLink } from "../route.ts";
import { Panel } from "../words.tsx";

/** What is different from the last run that was a go. */
export function DriftSince({ drift }: { readonly drift: Drift | null }) {
  if (drift === null) return null;
  const items: readonly (readonly [string, DriftItem | null])[] = [
    ["Newly failing checks", drift.newlyFailing],
    ["Recovered checks", drift.recovered],
    ["Newly missing devices", drift.newlyMissing],
    ["Policy is another", drift.policyChanged],
    ["principalId is another", drift.principalIdChanged],
    ["Refresh or disconnect time is another", drift.timesChanged],
  ];
  return (
    <Panel title="Since the last go">
      <p class="hint">
        Compared with <a href={runLink(drift.since)}>run {drift.since}</a>.
      </p>
      <dl class="facts">
        {items.map(([name, item]) => (
          <Item key={name} name={name} item={item} />
        ))}
        {drift.latency.map(({ protocol, before, now }) => (
          <div key={protocol}>
            <dt>p95 {protocol === "api" ? "of the authorizer" : `over ${protocol}`}</dt>
            <dd>
              {formatSeconds(before)} → {formatSeconds(now)}
            </dd>
          </div>
        ))}
      </dl>
    </Panel>
  );
}

function Item({ name, item }: { readonly name: string; readonly item: DriftItem | null }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>
        {item === null ? "not compared" : formatNumber(item.checks)}
        {item?.examples.slice(0, 3).map((device) => (
          <span key={device}>
            {" "}
            <a href={deviceLink(device)}>{device}</a>
          </span>
        ))}
      </dd>
    </div>
  );
}
