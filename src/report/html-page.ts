import { escapeXml } from "./junit.ts";
import { printable } from "./text.ts";

/** HTML that is fit to be put into a page as it is. */
export class Html {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

type Part = Html | string | number | readonly Html[];

/** Builds HTML; whatever is put into it and is no HTML itself is escaped. */
export function html(pieces: TemplateStringsArray, ...parts: readonly Part[]): Html {
  return new Html(pieces.reduce((text, piece, at) => text + toText(parts[at - 1] ?? "") + piece));
}

function toText(part: Part): string {
  if (part instanceof Html) return part.text;
  if (typeof part === "string" || typeof part === "number") return escapeXml(printable(String(part)));
  return part.map(({ text }) => text).join("");
}

/** Blue, orange and yellow of Okabe and Ito's palette: told apart whatever colours the reader sees. */
export const STYLE = `
:root{color-scheme:light dark;--pass:#0072b2;--fail:#d55e00;--inconclusive:#b58900;--skipped:#8a8a8a;--not-run:#bdbdbd;--line:#8884}
@media (prefers-color-scheme:dark){:root{--pass:#56b4e9;--fail:#ff8c42;--inconclusive:#f0e442}}
body{font:15px/1.45 system-ui,sans-serif;max-width:70rem;margin:2rem auto;padding:0 1rem}
h1{font-size:1.6rem;margin-bottom:.2rem}h2{font-size:1.15rem;margin-top:2rem}
table{border-collapse:collapse;width:100%}th,td{padding:.3rem .6rem;text-align:left;border-bottom:1px solid var(--line);overflow-wrap:anywhere}
td.n,th.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
.scroll{overflow-x:auto}.go{color:var(--pass)}.no-go,.fail{color:var(--fail)}.inconclusive{color:var(--inconclusive)}.dim{opacity:.7}
svg{display:block;width:100%;height:auto}svg text{font:12px system-ui,sans-serif;fill:currentColor}
dl{margin:.3rem 0 1rem}dt{font-weight:600}dd{margin:0 0 .3rem 1rem}code{font-size:.95em}`;
