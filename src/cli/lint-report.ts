import type { LintFinding, LintRule } from "../lint/finding.ts";
import type { Problem } from "../model/problem.ts";

/** `rule` where the form is right and something else is found. */
export interface LintProblem extends Problem {
  readonly rule?: LintRule;
}

export interface LintReport {
  /** What certainly cannot work. */
  readonly problems: readonly LintProblem[];
  /** What is suspicious. */
  readonly warnings: readonly LintProblem[];
  /** Problems beyond those listed. */
  readonly more: number;
  /** Warnings beyond those listed. */
  readonly moreWarnings: number;
  /** Profiles of the right form. */
  readonly profiles: number;
  /** Those whose credentials come from a command. */
  readonly fromCommand: number;
}

/** A fleet may be wrong in every line: enough to see what is wrong with it. */
const MAX_LISTED = 1000;
/** Of one rule, so that one mistake in every line does not hide the others. */
const MAX_LISTED_OF_A_RULE = 100;

/** Collects what lint finds, the first ones in full. */
export class LintReportBuilder {
  readonly #listed = { problem: [] as LintProblem[], warning: [] as LintProblem[] };
  readonly #more = { problem: 0, warning: 0 };
  readonly #ofRule = new Map<LintRule, number>();
  #fromCommand = 0;

  problem(problem: Problem): void {
    this.#add("problem", problem);
  }

  finding({ rule, severity, field, message }: LintFinding, at: Pick<Problem, "file" | "line">): void {
    const before = this.#ofRule.get(rule) ?? 0;
    this.#ofRule.set(rule, before + 1);
    if (before >= MAX_LISTED_OF_A_RULE) this.#more[severity] += 1;
    else this.#add(severity, { ...at, field: field === "" ? null : field, message, rule });
  }

  /** A profile of which not everything could be looked at. */
  fromCommand(): void {
    this.#fromCommand += 1;
  }

  result(profiles: number): LintReport {
    return {
      problems: this.#listed.problem,
      warnings: this.#listed.warning,
      more: this.#more.problem,
      moreWarnings: this.#more.warning,
      profiles,
      fromCommand: this.#fromCommand,
    };
  }

  #add(severity: LintFinding["severity"], found: LintProblem): void {
    if (this.#listed[severity].length < MAX_LISTED) this.#listed[severity].push(found);
    else this.#more[severity] += 1;
  }
}
