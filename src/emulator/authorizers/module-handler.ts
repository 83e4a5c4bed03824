import { randomUUID } from "node:crypto";
import { stat } from "node:fs/promises";
import { pathToFileURL } from "node:url";
import type { Handler, HandlerContext } from "./handler.ts";

type LambdaHandler = (event: unknown, context: object, callback: LambdaCallback) => unknown;
type LambdaCallback = (error: unknown, answer?: unknown) => void;

/**
 * A JavaScript or TypeScript module that exports a Lambda `handler(event, context, callback)`. It is loaded on its
 * first use and again whenever the file has changed; what it imports itself is not reloaded.
 */
export function moduleHandler(file: string): Handler {
  let loaded: { readonly version: string; readonly handler: Promise<LambdaHandler> } | null = null;
  return async (event, context) => {
    const { mtimeMs, size } = await stat(file);
    const version = `${mtimeMs}-${size}`;
    if (loaded?.version !== version) loaded = { version, handler: loadHandler(file, version) };
    const handler = await loaded.handler;
    return invoke(handler, structuredClone(event), context);
  };
}

async function loadHandler(file: string, version: string): Promise<LambdaHandler> {
  // The query makes it another module to the loader, which otherwise never reads a file twice.
  const url = `${pathToFileURL(file).href}?version=${version}`;
  const module = (await import(/* @vite-ignore */ url)) as { handler?: unknown; default?: unknown };
  const exported = module.handler ?? (module.default as { handler?: unknown } | undefined)?.handler;
  if (typeof exported !== "function") throw new Error("the module does not export a function named handler");
  return exported as LambdaHandler;
}

/** Lambda's two styles: a promise, or a callback for functions that take three arguments. */
function invoke(handler: LambdaHandler, event: unknown, context: HandlerContext): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const callback: LambdaCallback = (error, answer) => {
      if (error === null || error === undefined) resolve(answer);
      else reject(error);
    };
    const answer = handler(event, lambdaContext(context), callback);
    if (handler.length < 3 || answer instanceof Promise) resolve(answer);
  });
}

function lambdaContext({ functionArn, remainingMs }: HandlerContext): object {
  return {
    awsRequestId: randomUUID(),
    functionName: functionArn.split(":")[6] ?? "",
    functionVersion: "$LATEST",
    invokedFunctionArn: functionArn,
    memoryLimitInMB: "128",
    logGroupName: "",
    logStreamName: "",
    callbackWaitsForEmptyEventLoop: true,
    getRemainingTimeInMillis: remainingMs,
  };
}
