import { createHash, createHmac } from "node:crypto";

export interface ToSign {
  readonly method: string;
  /** Path and query as on the request line; the query's parameters sorted. */
  readonly target: string;
  readonly host: string;
  readonly service: string;
  readonly body?: string | Uint8Array;
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string };
}

/** The headers that AWS Signature Version 4 adds, for what the SDK has no command for, or would never send. */
export function signedHeaders({ method, target, host, service, body = "", credentials }: ToSign): {
  readonly authorization: string;
  readonly "x-amz-date": string;
} {
  const date = new Date().toISOString().replace(/[-:]|\.\d+/g, "");
  const scope = `${date.slice(0, 8)}/eu-west-1/${service}/aws4_request`;
  const [path = "", query = ""] = target.split("?");
  const canonical = [
    method,
    path.split("/").map(encodeURIComponent).join("/"),
    query,
    `host:${host}`,
    `x-amz-date:${date}`,
    "",
    "host;x-amz-date",
    hash(body),
  ].join("\n");
  const key = scope
    .split("/")
    .reduce<Buffer | string>(
      (secret, part) => createHmac("sha256", secret).update(part).digest(),
      `AWS4${credentials.secretAccessKey}`,
    );
  const toSign = ["AWS4-HMAC-SHA256", date, scope, hash(canonical)].join("\n");
  const signature = createHmac("sha256", key).update(toSign).digest("hex");
  const credential = `Credential=${credentials.accessKeyId}/${scope}`;
  return {
    authorization: `AWS4-HMAC-SHA256 ${credential}, SignedHeaders=host;x-amz-date, Signature=${signature}`,
    "x-amz-date": date,
  };
}

function hash(text: string | Uint8Array): string {
  return createHash("sha256").update(text).digest("hex");
}
