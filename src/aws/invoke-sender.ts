import {
  type IoTClient,
  TestInvokeAuthorizerCommand,
  type TestInvokeAuthorizerCommandInput,
  type TestInvokeAuthorizerCommandOutput,
} from "@aws-sdk/client-iot";
import { monotonicMs } from "../lib/clock.ts";
import { watchDelay } from "../lib/loop-delay.ts";

/** How long one exchange with AWS took, in ms; `delayMs`: at most so much of it may be our own event loop's. */
export interface ExchangeTime {
  readonly durationMs: number;
  readonly delayMs: number;
}

/** One call of TestInvokeAuthorizer. */
export interface Exchange {
  readonly input: TestInvokeAuthorizerCommandInput;
  readonly signal: AbortSignal;
  /**
   * From the signed request to the read answer: what the SDK does before, a millisecond or two of ours, is no latency of
   * AWS. null: nothing was sent.
   */
  time: ExchangeTime | null;
}

/**
 * Sends TestInvokeAuthorizer over one client, for each device of a fleet. `client.send` would put the middleware together
 * anew for each of them, which takes a fifth of the SDK's own time (`docs/decisions/0016`).
 */
export class InvokeSender {
  readonly #handler: ReturnType<TestInvokeAuthorizerCommand["resolveMiddleware"]>;
  readonly #exchanges = new WeakMap<TestInvokeAuthorizerCommandInput, Exchange>();

  /** @param client with all of its middleware: what is added later is not used */
  constructor(client: IoTClient) {
    // Holds no input: it is kept for as long as the client, and inputs are secret.
    const command = new TestInvokeAuthorizerCommand({ authorizerName: undefined });
    command.middlewareStack.add((next) => (args) => this.#exchange(args, () => next(args)), {
      // Within signing, around reading the body.
      step: "deserialize",
      priority: "high",
      name: "exchange",
    });
    // The SDK copies the configuration more than once for each call; V8 copies what is a prototype five times as fast.
    Object.create(client.config);
    this.#handler = command.resolveMiddleware(client.middlewareStack, client.config, {});
  }

  /** Rejects as `client.send` does. */
  async send(exchange: Exchange): Promise<TestInvokeAuthorizerCommandOutput> {
    const { input } = exchange;
    this.#exchanges.set(input, exchange);
    return (await this.#handler({ input })).output;
  }

  async #exchange<T>(
    { input, request }: { readonly input: object; readonly request: unknown },
    next: () => Promise<T>,
  ): Promise<T> {
    const exchange = this.#exchanges.get(input as TestInvokeAuthorizerCommandInput);
    if (exchange === undefined) throw new Error("the SDK sends something else than it was given");
    // Where `HttpHandler` looks for it.
    Object.assign(request as object, { abortSignal: exchange.signal });
    const startedAtMs = monotonicMs();
    const delay = watchDelay();
    try {
      return await next();
    } finally {
      exchange.time = { durationMs: monotonicMs() - startedAtMs, delayMs: delay.worstMs() };
      delay.stop();
    }
  }
}
