import type { ResultRecord } from "../model/result.ts";

const MAX_REASONS = 5;
const MAX_EXAMPLES = 3;

interface Group {
  checks: number;
  readonly examples: string[];
}

/** What was done, and left undone, for devices that may be live: in words, because verdicts do not show it. */
export class GuardRemarks {
  /** By cause and evidence of what was skipped. */
  readonly #skipped = new Map<string, Group>();
  readonly #connected: Group = { checks: 0, examples: [] };
  #more = 0;

  add({ verdict, causes, guard, device }: ResultRecord): void {
    if (guard?.connected) note(this.#connected, device);
    const [first] = causes;
    if (verdict !== "skipped" || first === undefined) return;
    const reason = `${first.code}: ${first.evidence}`;
    const group = this.#skipped.get(reason);
    if (group !== undefined) note(group, device);
    else if (this.#skipped.size < MAX_REASONS) this.#skipped.set(reason, { checks: 1, examples: [device] });
    else this.#more += 1;
  }

  remarks(): string[] {
    const { checks } = this.#connected;
    const skipped = [...this.#skipped].map(
      ([reason, group]) => `gateway left alone, ${amount(group)}: ${reason}`,
    );
    return [
      ...(checks > 0
        ? [`connected as a live device that AWS called offline, ${amount(this.#connected)}`]
        : []),
      ...skipped,
      ...(this.#more > 0 ? [`gateway left alone for other reasons: ${this.#more}`] : []),
    ];
  }
}

function note(group: Group, device: string): void {
  group.checks += 1;
  if (group.examples.length < MAX_EXAMPLES && !group.examples.includes(device)) group.examples.push(device);
}

function amount({ checks, examples }: Group): string {
  const more = checks > examples.length ? ", …" : "";
  return `${checks} ${checks === 1 ? "check" : "checks"} (${examples.join(", ")}${more})`;
}
