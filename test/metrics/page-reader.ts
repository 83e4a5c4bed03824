/** One sample of a metrics page. */
export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

const ESCAPES: Readonly<Record<string, string>> = { n: "\n", "\\": "\\", '"': '"' };

/** Reads the classic text format as strictly as we write it; throws at anything else, a repeated series included. */
export function readPage(body: string): Sample[] {
  const seen = new Set<string>();
  return body
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("#"))
    .map((line) => {
      const match = /^([a-z_]\w*)(?:\{(.*)\})? (\S+)$/.exec(line);
      if (match === null) throw new Error(`not a sample: ${line}`);
      const [, name = "", labels = "", value = ""] = match;
      const series = `${name}{${labels}}`;
      if (seen.has(series)) throw new Error(`twice: ${series}`);
      seen.add(series);
      return { name, labels: readLabels(labels), value: Number(value.replace("Inf", "Infinity")) };
    });
}

function readLabels(text: string): Record<string, string> {
  const labels: Record<string, string> = {};
  const rest = text.replace(/(\w+)="((?:\\[n\\"]|[^\\"])*)"(?:,|$)/g, (_, key: string, value: string) => {
    labels[key] = value.replace(/\\(.)/g, (_all, escaped: string) => ESCAPES[escaped] ?? "");
    return "";
  });
  if (rest !== "") throw new Error(`not labels: ${rest}`);
  return labels;
}

/** The samples of one of our metrics whose labels include these. */
export function samplesOf(body: string, name: string, labels: Sample["labels"] = {}): Sample[] {
  return readPage(body).filter(
    (sample) =>
      sample.name === `fleet_smoke_${name}` &&
      Object.entries(labels).every(([key, value]) => sample.labels[key] === value),
  );
}

export function sumOf(body: string, name: string, labels: Sample["labels"] = {}): number {
  return samplesOf(body, name, labels).reduce((all, { value }) => all + value, 0);
}

/** The only sample that fits. */
export function onlyValue(body: string, name: string, labels: Sample["labels"] = {}): number {
  const [first, ...others] = samplesOf(body, name, labels);
  if (first === undefined || others.length > 0) {
    throw new Error(`${others.length + (first ? 1 : 0)} samples of ${name} ${JSON.stringify(labels)}`);
  }
  return first.value;
}
