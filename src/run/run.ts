import { monotonicMs, sleep, wallMs } from "../lib/clock.ts";
import { errorMessage } from "../lib/errors.ts";
import { CLIENT_REST_MS } from "../lib/pacing.ts";
import type { Drift } from "../model/drift.ts";
import type { Fingerprint } from "../model/fingerprint.ts";
import type { Counts, GateOutcome } from "../model/gate.ts";
import type { RunTimes } from "../model/latency.ts";
import type { Pause } from "../model/pause.ts";
import type { PreflightFinding } from "../model/preflight.ts";
import type { ResultRecord } from "../model/result.ts";
import type { RunStatus, RunSummary, Selection, StopReason } from "../model/run.ts";
import type { RunPlan } from "../model/run-plan.ts";
import type { RunSample } from "../model/sample.ts";
import { derivedRemarks, totalOf } from "./derived-remarks.ts";
import { driftOf } from "./drift.ts";
import { type ExpectedGroup, expectedGroups } from "./expected.ts";
import { whyLost } from "./fail-fast.ts";
import { UsedParts } from "./fingerprint.ts";
import { groupKey } from "./group-key.ts";
import { GuardRemarks } from "./guard-remarks.ts";
import { LetInOverRuns } from "./let-in.ts";
import { pauseText } from "./pause.ts";
import type { RunInput, RunPorts } from "./run-ports.ts";
import type { SecondWaveReport } from "./second-wave.ts";
import { Tally } from "./tally.ts";

/** How long checks in flight may go on after a stop; then they are given up. */
const DRAIN_MS = 7_000;

/** One execution of a suite, from its first check to its decision. */
export class Run {
  readonly #ports: RunPorts;
  readonly #input: RunInput;
  readonly #tally = new Tally();
  readonly #used = new UsedParts();
  readonly #guarded = new GuardRemarks();
  #expected: readonly ExpectedGroup[] = [];
  #invalidProfiles = 0;
  #sample: RunSample | null = null;
  #preflight: readonly PreflightFinding[] = [];
  readonly #notes: string[] = [];
  readonly #remarks: string[] = [];
  readonly #stop = new AbortController();
  readonly #abort = new AbortController();
  readonly #startedAtMs: number;
  readonly #started: number;
  readonly #restedAtMs: number;
  readonly #verdicts = { pass: 0, fail: 0, inconclusive: 0, skipped: 0 };
  readonly #derived = { pass: 0, fail: 0, inconclusive: 0, skipped: 0 };
  readonly #letIn = new LetInOverRuns();
  #second: SecondWaveReport = { capped: 0, isCutShort: false };
  #drainTimer: NodeJS.Timeout | null = null;
  #durationMs: number | null = null;
  #decidedAtMs: number | null = null;
  #fingerprint: Fingerprint | null = null;
  #drift: Drift | null = null;
  /** The rule that cannot be met any more. */
  #lost: string | null = null;
  #status: RunStatus = "running";
  #isCancelled = false;
  #isPlanned = false;
  #isWorkedOff = false;
  #stopReason: StopReason | null = null;
  #pausedAtStop: Pause | null = null;
  #gate: GateOutcome | null = null;

  constructor(ports: RunPorts, input: RunInput) {
    this.#ports = ports;
    this.#input = input;
    const { earlier } = input.memory;
    this.#startedAtMs = earlier?.startedAtMs ?? wallMs();
    this.#restedAtMs = monotonicMs() + (earlier === null ? 0 : CLIENT_REST_MS);
    // A clock that was set back makes no run end before it began.
    this.#started = monotonicMs() - Math.max(0, wallMs() - this.#startedAtMs);
  }

  get planned(): number {
    return this.#expected.reduce((all, { planned }) => all + planned, 0);
  }

  /** Counts so far; cheap enough for a progress line. */
  get counts(): Counts {
    const { pass, fail, inconclusive, skipped } = this.#verdicts;
    const checks = pass + fail + inconclusive + skipped;
    const rest = { notRun: 0, derived: totalOf(this.#derived), invalidProfiles: this.#invalidProfiles };
    return { planned: this.planned, checks, ...this.#verdicts, ...rest };
  }

  /** Runs to the end. Never throws: what goes wrong with the run itself is a note, and forbids a go. */
  async execute(): Promise<RunSummary> {
    const { suite, memory, onResult } = this.#input;
    const leftMs = Math.max(0, suite.deadlineMs - (monotonicMs() - this.#started));
    const deadline = setTimeout(() => this.stop("DEADLINE_EXCEEDED"), leftMs);
    try {
      const { checks, decoys, fleetChecksum } = await this.#prepare();
      this.#second = await this.#ports.work({
        checks: this.#used.watch(checks),
        decoys,
        memory,
        onJudged: (judged) => {
          const { record } = judged;
          this.#count(record);
          if (this.#isFinal(record)) memory.record(record);
          onResult(judged);
          if (record.verdict === "fail") this.#failFast();
        },
        stop: this.#stop.signal,
        abort: this.#abort.signal,
      });
      this.#isWorkedOff = true;
      await this.#unpaused();
      clearTimeout(deadline);
      await this.#compare();
      await this.#bind(fleetChecksum);
    } catch (error) {
      this.#onError(error);
    } finally {
      clearTimeout(deadline);
      if (this.#drainTimer) clearTimeout(this.#drainTimer);
    }
    return this.#finish();
  }

  /** A stop is told as what it is. */
  #onError(error: unknown): void {
    if (error === this.#stop.signal.reason) return;
    const { runId } = this.#input;
    this.#ports.log.error({ runId, error: errorMessage(error) }, "run stopped by an error");
    this.#notes.push(errorMessage(error));
  }

  /** What an interruption left undecided is done again when the run goes on. */
  #isFinal({ verdict }: ResultRecord): boolean {
    return verdict !== "inconclusive" || this.#stopReason !== "INTERRUPTED" || this.#isCancelled;
  }

  #count(record: ResultRecord): void {
    this.#tally.add(record);
    this.#used.note(record);
    this.#guarded.add(record);
    this.#letIn.add(record);
    const counted = record.derived === null ? this.#verdicts : this.#derived;
    counted[record.verdict] += 1;
  }

  async #prepare(): Promise<RunPlan> {
    const { suite, selection, prepare, memory } = this.#input;
    const plan = await prepare(this.#stop.signal);
    this.#isPlanned = true;
    for (const record of memory.results()) this.#count(record);
    const before = memory.earlier?.fleetChecksum ?? null;
    if (before === null) memory.planned(plan.fleetChecksum);
    else if (before !== plan.fleetChecksum)
      throw new Error("the profiles changed while the run was interrupted");
    this.#invalidProfiles = plan.invalidProfiles;
    this.#notes.push(...plan.notes);
    this.#remarks.push(...plan.remarks);
    this.#expected = expectedGroups(plan.groups, suite, selection);
    this.#sample = plan.sample ?? null;
    for (const each of this.#expected) this.#tally.expect(each.target, each.cohort, each.expected, each);
    await this.#unpaused();
    const targets = new Set(plan.groups.map(({ target }) => target));
    this.#preflight = (await this.#ports.preflight?.([...targets], this.#stop.signal)) ?? [];
    await this.#rest();
    return plan;
  }

  #failFast(): void {
    if (this.#stop.signal.aborted) return;
    this.#lost = whyLost(this.#input.suite, this.#tally.counted(), this.#expected, this.#ports.lostRule);
    if (this.#lost !== null) this.stop("NO_GO");
  }

  /** A run that is going to be resumed is compared at its end. */
  async #compare(): Promise<void> {
    if (this.#stopReason === "INTERRUPTED") return;
    const comparing = await this.#input.memory.compare(
      // Of a sample nobody is missing who was not drawn.
      this.counts.checks >= this.planned && this.#sample === null,
    );
    if (comparing.kind === "failed") this.#remarks.push(`${UNCOMPARED}: ${comparing.reason}`);
    if (comparing.kind !== "compared") return;
    this.#tally.compare(comparing.compared.groups);
    this.#drift = driftOf(comparing.compared, this.#tally.latency());
  }

  /** For what is bounded in time, and would find nothing out during a pause. */
  async #unpaused(): Promise<void> {
    // A stop is dealt with by what comes next.
    await this.#ports.pause?.passed(this.#stop.signal).catch(() => {});
  }

  /** A run that is going to be resumed is bound at its end. */
  async #bind(fleetChecksum: string): Promise<void> {
    const { bind } = this.#ports;
    if (bind === undefined || this.#stopReason === "INTERRUPTED") return;
    const { fingerprint, contradiction } = await bind(this.#used.used(fleetChecksum), this.#abort.signal);
    this.#fingerprint = fingerprint;
    if (contradiction !== null) this.#notes.push(contradiction);
    if (fingerprint === null) this.#remarks.push(UNBOUND);
    if (this.#used.isCapped) this.#remarks.push(CAPPED);
  }

  /** The process before may have connected any device until it was killed; no client id is used twice a second. */
  async #rest(): Promise<void> {
    const leftMs = this.#restedAtMs - monotonicMs();
    // A stop is dealt with where the checks begin.
    if (leftMs > 0) await sleep(leftMs, this.#stop.signal).catch(() => {});
  }

  /** As `stop`, at somebody's request: the run is over for good. */
  cancel(): void {
    this.#isCancelled ||= this.#durationMs === null && !this.#stop.signal.aborted;
    this.stop("INTERRUPTED");
  }

  /** Starts nothing more; what is in flight has a few seconds to finish, the rest counts as not run. */
  stop(reason: StopReason): void {
    if (this.#stop.signal.aborted || this.#durationMs !== null) return;
    this.#stopReason = reason;
    this.#pausedAtStop = this.#ports.pause?.paused() ?? null;
    this.#stop.abort(new Error(reason));
    this.#drainTimer = setTimeout(() => this.#abort.abort(new Error(reason)), DRAIN_MS);
  }

  /** The run as it stands. */
  summary(): RunSummary {
    const counts = this.#tally.counts(this.planned, this.#invalidProfiles);
    return {
      runId: this.#input.runId,
      suite: this.#input.suite.name,
      selection: selectedPart(this.#input.selection),
      ...(this.#sample === null ? {} : { sample: this.#sample }),
      status: this.#durationMs === null ? "running" : this.#status,
      decision: this.#gate?.decision ?? null,
      reason: this.#gate?.reason ?? "the run has not finished",
      startedAt: new Date(this.#startedAtMs).toISOString(),
      decidedAt: this.#decidedAtMs === null ? null : new Date(this.#decidedAtMs).toISOString(),
      durationSeconds: Math.round(this.#durationMs ?? monotonicMs() - this.#started) / 1000,
      counts,
      groups: this.#tally.groups(),
      gate: this.#gate,
      agreement: this.#tally.agreement(),
      causes: this.#tally.causes(),
      latency: this.#tally.latency(),
      ...(this.#tally.timesDiscarded > 0 && { timesDiscarded: this.#tally.timesDiscarded }),
      preflight: this.#preflight,
      drift: this.#drift,
      fingerprint: this.#fingerprint,
      notes: [...this.#notes, ...this.#remarks],
    };
  }

  /** How its times are spread so far. */
  times(): RunTimes {
    return this.#tally.times();
  }

  #finish(): RunSummary {
    this.#tally.close(
      new Map(this.#expected.map((each) => [groupKey(each.target, each.cohort), each.planned])),
    );
    this.#durationMs = monotonicMs() - this.#started;
    this.#decidedAtMs = wallMs();
    const { suite } = this.#input;
    const invalidProfiles = this.#invalidProfiles;
    const { notRun } = this.#tally.counts(this.planned, invalidProfiles);
    // A stop that came when all was done changed nothing.
    const isLeft = notRun > 0 || !this.#isWorkedOff || this.#second.isCutShort || this.#abort.signal.aborted;
    const cutShort = this.#stopReason !== null && isLeft;
    if (cutShort && this.#stopReason) {
      this.#notes.push(this.#isCancelled ? "the run was cancelled" : this.#stopNote(this.#stopReason));
    }
    this.#status = cutShort && this.#stopReason === "INTERRUPTED" ? this.#interrupted() : "finished";
    this.#recallLetIn();
    this.#remarks.push(
      ...this.#guarded.remarks(),
      ...derivedRemarks({
        isAsked: suite.derived !== null && this.#verdicts.pass > 0,
        verdicts: this.#derived,
        report: this.#second,
      }),
    );
    const decided = this.#ports.decide({
      groups: this.#tally.groups(),
      invalidProfiles,
      latency: this.#tally.wholeLatency(),
      rules: suite.gate,
      cohortRules: suite.cohortGates,
      notes: this.#notes,
    });
    // Nobody knows what a run without a plan would have selected.
    const unplanned = { nothingSelected: false, reason: this.#notes[0] ?? decided.reason };
    this.#gate = this.#isPlanned ? decided : { ...decided, ...unplanned };
    this.#input.memory.finish(this.summary(), this.times());
    const { problem } = this.#input.memory;
    if (problem !== null) this.#remarks.push(`the history of this run is not whole: ${problem}`);
    return this.summary();
  }

  /** What derived checks saw let in lately still counts where this run had to leave some out. */
  #recallLetIn(): void {
    const { suite, memory } = this.#input;
    const earlier = memory.letIn();
    memory.keepLetIn(this.#letIn.openAfter(earlier, wallMs()));
    if (this.#second.capped === 0) return;
    const groups = new Set(this.#expected.map(({ target, cohort }) => groupKey(target, cohort)));
    const objection = this.#letIn.objection(
      earlier,
      ({ target, cohort, kind }) =>
        groups.has(groupKey(target, cohort)) && suite.derived?.kinds.includes(kind) === true,
    );
    if (objection !== null) this.#notes.push(objection);
  }

  #stopNote(reason: StopReason): string {
    if (reason === "NO_GO") return `${STOP_NOTES.NO_GO}: ${this.#lost}`;
    const paused = this.#pausedAtStop === null ? "" : `; the daemon was ${pauseText(this.#pausedAtStop)}`;
    return `${STOP_NOTES[reason]}${paused}`;
  }

  #interrupted(): RunStatus {
    return this.#isCancelled ? "cancelled" : "interrupted";
  }
}

function selectedPart({ suite: _, ...part }: Selection): RunSummary["selection"] {
  return part;
}

const UNBOUND = "what the run tested could not be looked at at its end: no gate passes its decision on";
const UNCOMPARED = "the run could not be compared with the last go";
const CAPPED =
  "a target has more authorizers than a decision is bound to: a change of the others goes unnoticed";

const STOP_NOTES: Readonly<Record<StopReason, string>> = {
  DEADLINE_EXCEEDED: "the deadline was reached before every check was run",
  INTERRUPTED: "the run was interrupted before every check was run",
  NO_GO: "failFast: a rule cannot be met any more, so the rest was not run",
  TESTER_ERROR: "the run was stopped by an error of fleet-smoke itself",
};
