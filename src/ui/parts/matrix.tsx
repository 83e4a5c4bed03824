import type { RunSummary } from "../../model/run.ts";
import { formatNumber } from "../format.ts";
import { resultsLink } from "../route.ts";
import { Panel, Scrolls } from "../words.tsx";

const AUTHORIZER = ["allowed", "denied", "errored", "skipped"] as const;
const GATEWAY = ["accepted", "refused", "unreachable", "broken", "skipped"] as const;

/** Where both say yes or both say no they agree; one yes and one no is what this program exists to find. */
function toneOf(authorizer: string, gateway: string): string {
  if (gateway === "skipped" || authorizer === "skipped") return "quiet";
  if (gateway === "unreachable" || gateway === "broken" || authorizer === "errored") return "unsure";
  return (authorizer === "allowed") === (gateway === "accepted") ? "good" : "bad";
}

const SAID = { good: "agree", bad: "disagree", unsure: "not comparable", quiet: "not compared" } as const;

/** What TestInvokeAuthorizer said against what the gateway did; each cell leads to its checks. */
export function Matrix({ run: { runId, agreement } }: { readonly run: RunSummary }) {
  const countOf = (authorizer: string, gateway: string) =>
    agreement.find((cell) => cell.authorizer === authorizer && cell.gateway === gateway)?.checks ?? 0;
  const columns = GATEWAY.filter(
    (gateway) =>
      gateway === "accepted" || gateway === "refused" || agreement.some((cell) => cell.gateway === gateway),
  );
  const rows = AUTHORIZER.filter(
    (row) => row === "allowed" || row === "denied" || agreement.some((cell) => cell.authorizer === row),
  );
  return (
    <Panel
      title="Agreement"
      hint="What TestInvokeAuthorizer answered, against what the gateway did. Derived checks are left out."
    >
      <Scrolls label="Agreement of authorizer and gateway">
        <table class="matrix">
          <thead>
            <tr>
              <th scope="col">Authorizer ↓ Gateway →</th>
              {columns.map((gateway) => (
                <th key={gateway} scope="col">
                  {gateway}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.map((authorizer) => (
              <tr key={authorizer}>
                <th scope="row">{authorizer}</th>
                {columns.map((gateway) => (
                  <Cell
                    key={gateway}
                    {...{ runId, authorizer, gateway, checks: countOf(authorizer, gateway) }}
                  />
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </Scrolls>
    </Panel>
  );
}

interface CellProps {
  readonly runId: string;
  readonly authorizer: string;
  readonly gateway: string;
  readonly checks: number;
}

function Cell({ runId, authorizer, gateway, checks }: CellProps) {
  const tone = toneOf(authorizer, gateway) as keyof typeof SAID;
  const hooks = { "data-authorizer": authorizer, "data-gateway": gateway, "data-checks": checks };
  return (
    <td data-testid="matrix-cell" class={checks === 0 ? "none" : tone} {...hooks}>
      {checks === 0 ? (
        <span>0</span>
      ) : (
        <a href={resultsLink(runId, { authorizer, gateway, derived: "false" })}>
          <strong>{formatNumber(checks)}</strong>
          <small>{SAID[tone]}</small>
        </a>
      )}
    </td>
  );
}
