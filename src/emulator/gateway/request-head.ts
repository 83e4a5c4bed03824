import type { IncomingMessage } from "node:http";

export interface RequestHead {
  readonly url: URL;
  /** Names as sent; values of a repeated header joined. */
  readonly headers: Readonly<Record<string, string>>;
  /** With its `?`; null: there is none. */
  readonly queryString: string | null;
}

/** A request's head as an authorizer sees it. */
export function requestHead(request: IncomingMessage): RequestHead {
  const target = request.url ?? "/";
  const at = target.indexOf("?");
  // Only the path and the query of it are used.
  const url =
    URL.parse(`http://host${target.startsWith("/") ? "" : "/"}${target}`) ?? new URL("http://host/");
  return { url, headers: headersOf(request.rawHeaders), queryString: at === -1 ? null : target.slice(at) };
}

function headersOf(raw: readonly string[]): Record<string, string> {
  const headers = new Map<string, { name: string; value: string }>();
  for (let index = 0; index + 1 < raw.length; index += 2) {
    const name = raw[index] ?? "";
    const value = raw[index + 1] ?? "";
    const before = headers.get(name.toLowerCase());
    headers.set(name.toLowerCase(), {
      name: before?.name ?? name,
      value: before === undefined ? value : `${before.value}, ${value}`,
    });
  }
  return Object.fromEntries([...headers.values()].map(({ name, value }) => [name, value]));
}

/** The Host header without its port. */
export function hostOf(request: IncomingMessage): string | null {
  const host = request.headers.host;
  return host === undefined ? null : host.replace(/:\d+$/, "").replace(/^\[(.*)\]$/, "$1");
}
