import { isIP } from "node:net";

/**
 * Splits `127.0.0.1:9464`, `localhost:9464` or `[::1]:9464`. Port 0 takes a free one. A bare `:9464` is refused:
 * listening on every address is to be said (`0.0.0.0:9464`).
 *
 * @returns the host without brackets and the port; null where the text is not of this form
 */
export function parseListen(text: string): { readonly host: string; readonly port: number } | null {
  const [, bracketed, plain, digits] =
    /^(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9._-]+)):(\d{1,5})$/.exec(text) ?? [];
  const host = bracketed ?? plain;
  const port = Number(digits);
  if (host === undefined || port > 65_535) return null;
  if (bracketed !== undefined && isIP(bracketed) !== 6) return null;
  return { host, port };
}
