import { useCallback, useEffect, useState } from "preact/hooks";
import { EventStreamReader, type ServerEvent } from "./event-stream.ts";
import { session, useSession } from "./session.ts";

/** The daemon said no, or could not be asked. `status` 0: it did not answer. */
export class ApiError extends Error {
  readonly status: number;
  constructor(status: number, detail: string) {
    super(detail);
    this.status = status;
  }
}

/**
 * @returns the answer of the daemon
 * @throws ApiError; a 401 also asks for a token
 */
export async function request(
  path: string,
  init: RequestInit = {},
  token = session.token,
): Promise<Response> {
  const headers = new Headers(init.headers);
  if (token !== null) headers.set("authorization", `Bearer ${token}`);
  let response: Response;
  try {
    response = await fetch(path, { ...init, headers, cache: "no-store", credentials: "omit" });
  } catch (error) {
    if (init.signal?.aborted) throw error;
    throw new ApiError(0, "the daemon does not answer");
  }
  if (response.ok) return response;
  const problem = (await response.json().catch(() => ({}))) as { readonly detail?: string };
  const detail = problem.detail ?? `status ${response.status}`;
  if (response.status === 401 && token === session.token) {
    session.ask(token === null ? "The daemon wants a token." : "The token is not valid any more.");
  }
  throw new ApiError(
    response.status,
    response.status === 403 ? `This token may not do that: ${detail}` : detail,
  );
}

export async function getJson<T>(path: string, signal?: AbortSignal): Promise<T> {
  return (await (await request(path, signal ? { signal } : {})).json()) as T;
}

export function post(path: string, body: object): Promise<Response> {
  const headers = { "content-type": "application/json" };
  return request(path, { method: "POST", headers, body: JSON.stringify(body) });
}

export interface Loaded<T> {
  /** The newest answer; stays while it is asked again. null: none yet. */
  readonly data: T | null;
  readonly error: string | null;
  readonly reload: () => void;
}

/**
 * What the daemon answers at `path`, asked again every `everyMs` while the page is looked at. null: nothing is asked.
 */
export function useLoaded<T>(path: string | null, everyMs: number | null = null): Loaded<T> {
  const who = useSession();
  const [turn, setTurn] = useState(0);
  const [loaded, setLoaded] = useState<{ path: string | null; data: T | null; error: string | null }>({
    ...{ path: null, data: null, error: null },
  });
  useEffect(() => {
    if (path === null) return;
    const ended = new AbortController();
    getJson<T>(path, ended.signal).then(
      (data) => setLoaded({ path, data, error: null }),
      (error: Error) => {
        if (ended.signal.aborted) return;
        setLoaded((before) => ({
          path,
          data: before.path === path ? before.data : null,
          error: error.message,
        }));
      },
    );
    const timer =
      everyMs === null
        ? undefined
        : setInterval(() => document.hidden || setTurn((before) => before + 1), everyMs);
    return () => {
      ended.abort();
      clearInterval(timer);
    };
  }, [path, everyMs, who, turn]);
  const reload = useCallback(() => setTurn((before) => before + 1), []);
  const isCurrent = loaded.path === path;
  return { data: isCurrent ? loaded.data : null, error: isCurrent ? loaded.error : null, reload };
}

const COME_BACK_MS = 2_000;

/** Follows a stream of events until `end`, over interruptions: a daemon that restarts goes on with its run. */
export async function follow(
  path: string,
  onEvent: (event: ServerEvent) => void,
  signal: AbortSignal,
): Promise<void> {
  for (;;) {
    const isOver = await followOnce(path, onEvent, signal).catch(
      (error) => error instanceof ApiError && [401, 403, 404].includes(error.status),
    );
    if (isOver || signal.aborted) return;
    await new Promise((resolve) => setTimeout(resolve, COME_BACK_MS));
  }
}

/** @returns whether the stream came to its end, and was not cut */
async function followOnce(
  path: string,
  onEvent: (event: ServerEvent) => void,
  signal: AbortSignal,
): Promise<boolean> {
  const { body } = await request(path, { signal });
  const chunks = body?.pipeThrough(new TextDecoderStream()).getReader();
  const reader = new EventStreamReader();
  for (;;) {
    const next = await chunks?.read();
    if (next === undefined || next.done) return false;
    for (const event of reader.take(next.value)) {
      onEvent(event);
      if (event.name === "end") return true;
    }
  }
}
