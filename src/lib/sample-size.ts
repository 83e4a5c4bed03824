import type { SampleSize } from "../model/sample.ts";
import { formatDuration } from "./duration.ts";

const DEVICES = /^[1-9]\d{0,8}$/;
const PERCENT = /^\d{1,3}(\.\d{1,6})?%$/;

export const SAMPLE_FORM = "expected a number of devices, or a percentage above 0 and up to 100, such as 5%";

/** Reads `200` or `5%`; null: it is neither. */
export function parseSampleSize(text: string): SampleSize | null {
  if (DEVICES.test(text)) return { kind: "devices", devices: Number(text) };
  if (!PERCENT.test(text)) return null;
  const percent = Number(text.slice(0, -1));
  return percent > 0 && percent <= 100 ? { kind: "percent", percent } : null;
}

/** As it is asked for: `200 devices`, `5 %`, `within 20m`. */
export function sampleSizeText(size: SampleSize): string {
  switch (size.kind) {
    case "devices":
      return `${size.devices} ${size.devices === 1 ? "device" : "devices"}`;
    case "percent":
      return `${size.percent} %`;
    case "within":
      return `within ${formatDuration(size.withinMs)}`;
  }
}
