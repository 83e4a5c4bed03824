import type { Protocol } from "../../model/profile.ts";
import { createStyle, type Style, type StyleOptions, toAscii } from "../style.ts";
import { ellipsize, quoted, widthOf } from "../text.ts";
import { answerLines } from "./answer.ts";
import type { CheckSteps } from "./check-steps.ts";
import { gatewayLines } from "./gateway.ts";
import { guardLines } from "./guard.ts";
import { field } from "./layout.ts";
import { metricLines } from "./metrics.ts";
import { policyLines } from "./policy.ts";
import { preflightLines } from "./preflight.ts";
import { requestLines } from "./request.ts";
import { secondAttemptLines } from "./second-attempts.ts";
import { sentLines, targetLines } from "./sent.ts";
import { topicLines } from "./topics.ts";
import { VERDICT_TONE, verdictLines } from "./verdict.ts";

const OVER: Readonly<Record<Protocol, string>> = {
  mqtt: "MQTT over TLS",
  wss: "MQTT over WebSocket",
  https: "HTTPS publish",
};

/** One check for a person, without a trailing line break: the verdict, every step, and why. */
export function checkText(check: CheckSteps, options: StyleOptions): string {
  const style = createStyle(options);
  const numbered = sections(check, style)
    .filter(({ lines }) => lines.length > 0)
    .map(({ title, lines }, at) => {
      const heading = ellipsize(`${at + 1}  ${title}`, style.width);
      return [style.tone("strong", heading), ...lines].join("\n");
    });
  const text = [headline(check, style), ...numbered].join("\n\n");
  return options.unicode === false ? toAscii(text) : text;
}

function sections(check: CheckSteps, style: Style): { readonly title: string; readonly lines: string[] }[] {
  const { steps } = check;
  const { sent, request, policy } = steps;
  return [
    { title: "The device, and what it sends", lines: deviceLines(check, style) },
    {
      title: "Preflight: what AWS says of authorizer and domain",
      lines: sent === null ? [] : preflightLines(steps.preflight, steps.target.endpoint, style),
    },
    {
      title: `TestInvokeAuthorizer: what it ${steps.answer.durationSeconds === null ? "would be" : "is"} asked`,
      lines: request === null ? [] : requestLines(request, style),
    },
    {
      title: "TestInvokeAuthorizer: what it answers",
      lines: request === null ? [] : answerLines(steps.answer, style),
    },
    { title: "What the policy permits", lines: policy === null ? [] : policyLines(policy, style) },
    { title: "Do no harm", lines: guardLines(steps.guard, style) },
    { title: "The device gateway", lines: gatewayLines(steps.gateway, style) },
    { title: "Topics", lines: topicLines(steps.topics, style) },
    { title: "Second attempts, one thing changed", lines: secondAttemptLines(steps.secondAttempts, style) },
    {
      title: "Metrics a run would export for it",
      lines: metricLines(steps.metrics, style),
    },
    { title: "Verdict", lines: verdictLines(steps.verdict, steps.gateway.kind, style) },
  ];
}

/** `✘ FAIL  valve-0045 over mqtt  POLICY_CONNECT_DENIED` */
function headline({ device, protocol, verdict, causes }: CheckSteps, style: Style): string {
  const [symbol, tone] = VERDICT_TONE[verdict];
  const word = `${symbol} ${verdict.toUpperCase()}`;
  const rest = `  over ${protocol}${causes[0] ? `  ${causes[0].code}` : ""}`;
  const room = style.width - widthOf(word) - 2;
  const name = ellipsize(quoted(device), Math.max(10, room - widthOf(rest)));
  return `${style.tone(tone, style.tone("strong", word))}  ${ellipsize(name + rest, room)}`;
}

function deviceLines({ device, cohort, protocol, steps }: CheckSteps, style: Style): string[] {
  const { target, sent } = steps;
  return [
    ...field("device", `${device}, cohort ${cohort}, ${OVER[protocol]}`, style),
    ...(sent === null
      ? [...targetLines(target, style), ...field("sent", "nothing: there was nothing to send it with", style)]
      : sentLines(target, sent, style)),
  ];
}
