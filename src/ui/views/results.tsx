import type { ResultRecord } from "../../model/result.ts";
import { useLoaded } from "../api.ts";
import type { Page } from "../api-types.ts";
import { deviceLink, type Filter, queryOf, resultsLink, runLink } from "../route.ts";
import { Badge, Problem, Scrolls } from "../words.tsx";

/** Results of a run, a page at a time. */
export function ResultsView({ runId, filter }: { readonly runId: string; readonly filter: Filter }) {
  const { data, error } = useLoaded<Page<ResultRecord>>(
    `/api/v1/${runLink(runId).slice(2)}/results?${queryOf(filter)}`,
  );
  const { cursor, ...asked } = filter;
  const words = Object.entries(asked).map(([name, value]) => `${name} ${value}`);
  return (
    <>
      <h1>Checks{words.length === 0 ? "" : `: ${words.join(", ")}`}</h1>
      <p>
        Of <a href={runLink(runId)}>run {runId}</a>
        {words.length === 0 ? null : (
          <>
            {" · "}
            <a href={resultsLink(runId, {})}>all of them</a>
          </>
        )}
      </p>
      <Problem text={error} />
      {data !== null && data.items.length === 0 ? <p>None.</p> : null}
      {data === null || data.items.length === 0 ? null : <ResultTable results={data.items} />}
      <nav class="actions" aria-label="Pages">
        {cursor === undefined ? null : <a href={resultsLink(runId, asked)}>First page</a>}
        {data?.nextCursor == null ? null : (
          <a href={resultsLink(runId, { ...asked, cursor: data.nextCursor })}>Next page</a>
        )}
      </nav>
    </>
  );
}

function ResultTable({ results }: { readonly results: readonly ResultRecord[] }) {
  return (
    <Scrolls label="Checks">
      <table>
        <thead>
          <tr>
            {["Device", "Verdict", "Cause", "Authorizer", "Policy", "Gateway", "Over", "Cohort"].map(
              (name) => (
                <th key={name} scope="col">
                  {name}
                </th>
              ),
            )}
          </tr>
        </thead>
        <tbody>
          {results.map((result) => (
            <Row key={result.seq} result={result} />
          ))}
        </tbody>
      </table>
    </Scrolls>
  );
}

function Row({ result }: { readonly result: ResultRecord }) {
  const [cause] = result.causes;
  return (
    <tr data-testid="results-row">
      <th scope="row">
        <a href={deviceLink(result.device)}>{result.device}</a>
        {result.derived === null ? null : <span class="tag">derived: {result.derived}</span>}
      </th>
      <td>
        <Badge of={result.verdict} small />
      </td>
      <td>{cause === undefined ? "" : <code title={cause.evidence}>{cause.code}</code>}</td>
      <td>{result.authorizer}</td>
      <td>{result.prediction}</td>
      <td>
        {result.gateway}
        {result.gatewayCode === null ? "" : ` ${result.gatewayCode}`}
      </td>
      <td>{result.protocol}</td>
      <td>{result.cohort}</td>
    </tr>
  );
}
