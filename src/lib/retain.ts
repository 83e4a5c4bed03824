/**
 * Would the message of an HTTPS publish with this query string be retained (API_iotdata_Publish, `retain`)?
 * Anything but a plain no counts: a retained message would reach whoever subscribes long after the probe.
 */
export function asksToRetain(query: string): boolean {
  const fields = new URLSearchParams(query);
  return [...fields].some(([name, value]) => name.toLowerCase() === "retain" && value !== "false");
}
