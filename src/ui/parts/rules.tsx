import { Fragment } from "preact";
import type { RuleResult } from "../../model/gate.ts";
import { formatNumber, formatRatio, formatSeconds } from "../format.ts";
import { Badge, Scrolls } from "../words.tsx";

/** Rules with threshold and observed value; the unmet ones first and open. */
export function Rules({ rules }: { readonly rules: readonly RuleResult[] }) {
  if (rules.length === 0) return null;
  const unmet = rules.filter(({ met }) => !met);
  return (
    <>
      {unmet.length === 0 ? null : <RuleTable label="Rules that are not met" rules={unmet} />}
      <details>
        <summary>
          {unmet.length === 0 ? "All" : "Of"} {rules.length} rules
          {unmet.length === 0 ? " are met" : `, ${unmet.length} not met`}
        </summary>
        <RuleTable label="All rules" rules={rules} />
      </details>
    </>
  );
}

function RuleTable({ label, rules }: { readonly label: string; readonly rules: readonly RuleResult[] }) {
  return (
    <Scrolls label={label}>
      <table>
        <thead>
          <tr>
            <th scope="col">Rule</th>
            <th scope="col">Of</th>
            <th scope="col" class="number">
              Wanted
            </th>
            <th scope="col" class="number">
              Observed
            </th>
            <th scope="col">Met</th>
          </tr>
        </thead>
        <tbody>
          {rules.map((rule) => (
            <tr key={`${rule.rule} ${rule.target} ${rule.cohort}`}>
              <th scope="row">
                <code>
                  {rule.rule.split(/(?=[A-Z])/).map((word) => (
                    // On a phone a long name is broken between its words.
                    <Fragment key={word}>
                      {word}
                      <wbr />
                    </Fragment>
                  ))}
                </code>
              </th>
              <td>{rule.cohort === null ? "the whole" : `${rule.cohort} · ${rule.target}`}</td>
              <td class="number">
                {rule.rule.startsWith("max") ? "≤ " : "≥ "}
                {inItsUnit(rule, rule.threshold)}
              </td>
              <td class="number">
                {rule.observed === null ? "nothing to measure" : inItsUnit(rule, rule.observed)}
              </td>
              <td>{rule.met ? <Badge of="pass" small /> : <Badge of={rule.unmetMeans} small />}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </Scrolls>
  );
}

/** By what the rule's name says it counts. */
function inItsUnit({ rule }: RuleResult, value: number): string {
  if (/Ratio|Coverage/.test(rule)) return formatRatio(value);
  if (/P95/.test(rule)) return formatSeconds(value);
  return formatNumber(value);
}
