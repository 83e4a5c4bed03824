import { useEffect, useRef, useState } from "preact/hooks";
import { ApiError, request } from "../api.ts";
import { session, useSession } from "../session.ts";
import { Problem } from "../words.tsx";

/** Asks for a token when the daemon wants one. It stays in this tab and is gone with it. */
export function TokenDialog() {
  useSession();
  const dialog = useRef<HTMLDialogElement>(null);
  const input = useRef<HTMLInputElement>(null);
  const [problem, setProblem] = useState<string | null>(null);
  const why = session.demand;
  useEffect(() => {
    if (why === null) dialog.current?.close();
    else if (!dialog.current?.open) dialog.current?.showModal();
  }, [why]);
  const submit = async (event: Event) => {
    event.preventDefault();
    const token = input.current?.value.trim() ?? "";
    if (token === "") return;
    try {
      await request("/api/v1/causes", {}, token);
    } catch (error) {
      const isWrong = error instanceof ApiError && error.status === 401;
      setProblem(isWrong ? "This token is not valid." : (error as Error).message);
      return;
    }
    setProblem(null);
    if (input.current !== null) input.current.value = "";
    session.signIn(token);
  };
  return (
    <dialog
      ref={dialog}
      data-testid="token-dialog"
      aria-labelledby="token-title"
      onCancel={() => session.dismiss()}
    >
      <form onSubmit={(event) => void submit(event)}>
        <h2 id="token-title">Who is it?</h2>
        <p>
          {why} One of those in http.tokens of its configuration; to start a run it needs the scope trigger.
        </p>
        <label>
          Token <input ref={input} type="password" autocomplete="off" spellcheck={false} required />
        </label>
        <Problem text={problem} />
        <p class="actions">
          <button type="submit" class="primary">
            Go on
          </button>
          <button type="button" onClick={() => session.dismiss()}>
            Not now
          </button>
        </p>
      </form>
    </dialog>
  );
}
